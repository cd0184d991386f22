"""What chapter 05 says of a round as a whole: its date, and answers that take targets together."""

from __future__ import annotations

import pandas as pd

from analysis.forecast.answers import ALL_NATIONAL, AT_LEAST, PASSES
from analysis.forecast.findings import MAIN
from analysis.forecast.known import Known
from analysis.forecast.rounds import Round
from analysis.forecast.tables import ForecastTables
from analysis.results import Result

#: Of the curve over k only these chances are shown in a chapter; the table holds all.
_SHOWN = (0.9, 0.8, 0.5, 0.2, 0.1)


def stamp(chosen: Round, known: Known) -> Result:
    """When the forecast was made, from which figures, and for which days."""
    latest = pd.to_datetime(known.readings["as_of"]).max()
    days = pd.DataFrame({"date": list(chosen.due)})
    values = {"round": chosen.name, "origin": chosen.origin, "latest": latest,
              "version": chosen.model, "due": chosen.due[0]}  # fmt: skip
    phrases = [(f"record.stamp_{chosen.kind}", values)]
    return Result("round_stamp", days, phrases, {"date": "short_date"}, topic="record")


def together(tables: ForecastTables) -> Result:
    """How likely it is that all of the country's targets of a day are reported as met."""
    table = tables.answers[tables.answers["question"] == ALL_NATIONAL]
    table = table[table["n"] > 1].reset_index(drop=True)
    phrases = [
        ("record.all_national", {"date": row["date"], "n": row["n"], "p": row["probability"]})
        for row in table.to_dict("records")
    ]
    return Result(
        "round_all_national",
        table[["date", "n", "probability"]],
        phrases,
        {"date": "short_date", "n": "integer", "probability": "probability"},
        topic="record",
    )


def how_many(tables: ForecastTables, level: str, indicator: str = MAIN) -> Result:
    """How many units of a level report their target as met, with chances of 90 to 10 percent."""
    table = tables.answers[tables.answers["question"] == AT_LEAST]
    table = table[(table["geo_level"] == level) & (table["indicator"] == indicator)]
    table = table[table["date"] == table["date"].min()]
    rows = [
        {"chance": chance, "k": int((table["probability"] >= chance).sum())} for chance in _SHOWN
    ]
    found = pd.DataFrame(rows)
    by_chance = dict(zip(found["chance"], found["k"], strict=True))
    values = {
        "indicator": indicator,
        "n": int(table["n"].max()) if len(table) else 0,
        "even": by_chance[0.5],
        "low": by_chance[0.9],
        "high": by_chance[0.1],
    }
    key = "record.how_many" if len(table) else "record.how_many_none"
    formats = {"chance": "probability", "k": "integer"}
    return Result(
        f"round_how_many_{level}_{indicator}", found, [(key, values)], formats, topic="record"
    )


def passes(tables: ForecastTables, level: str, indicator: str = MAIN) -> Result:
    """The year-end at which each unit reaches its target as reported, with 50 and 80 percent."""
    table = tables.answers[tables.answers["question"] == PASSES]
    table = table[(table["indicator"] == indicator) & (table["scale"] == "reported")]
    table = table[table["geo_level"].isin(["country", level])]
    table = table[table["date"] == table["date"].min()]
    order = table["date_80"].fillna(pd.Timestamp(2100, 1, 1))
    table = table.assign(order=order).sort_values(["geo_level", "order", "province_code"])
    units = table[table["geo_level"] == level]
    values = {
        "indicator": indicator,
        "units": len(units),
        "even": int(units["date_50"].notna().sum()),
        "sure": int(units["date_80"].notna().sum()),
    }
    return Result(
        f"round_passes_{level}_{indicator}",
        table[["province_code", "target", "date_50", "date_80", "geo_level"]],
        [("record.passes", values)],
        {"target": "printed", "date_50": "short_date", "date_80": "short_date"},
        {"province_code": "unit"},
        "record",
        hidden=("geo_level",),
    )
