"""The answer in one sentence and one table: every unit's forecast against its target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from analysis import coverage, geography
from analysis.brief.formats import FORMATS
from analysis.brief.tables import Tables, forecast_rows, target_mark
from analysis.results import Result
from analysis.verdicts import LIKELY, NOT_ENOUGH_EVIDENCE, UNLIKELY

MAIN = "hi_coverage"

_CHANCES = ["p_meets_reported", "p_meets_official", "persons_month_50", "persons_month_80"]


def provinces(tables: Tables, levels: tuple[str, ...] = ("province_63",)) -> Result:
    """Return the forecast of every unit and coverage rate for the due date, with the headline.

    Columns: geo_level, province_code, region (its code), indicator, value and as_of (latest
    reading), q50, q10, q90 (percent, as reported at the due date), target, target_setter,
    p_meets_reported, verdict, p_meets_official, persons_month_50, persons_month_80.
    """
    ahead = forecast_rows(tables)
    ahead = ahead[ahead["geo_level"].isin(levels)].drop(columns="evidence", errors="ignore")
    keys = ["geo_level", "province_code", "indicator"]
    latest = pd.concat(
        [coverage.latest(tables.readings, name) for name in coverage.COVERAGE], ignore_index=True
    )
    needs = tables.needs[tables.needs["date"] == tables.due]
    table = (
        ahead.merge(latest[[*keys, "value", "as_of", "evidence"]], on=keys, how="left")
        .merge(needs[[*keys, "persons_month_50", "persons_month_80"]], on=keys, how="left")
        .reset_index(drop=True)
    )
    table.loc[table["verdict"] == NOT_ENOUGH_EVIDENCE, _CHANCES] = float("nan")
    units = zip(table["province_code"], table["geo_level"], strict=True)
    table["region"] = [_region(code, level) for code, level in units]
    table["rests_on"] = _rests_on(table, tables.readings)
    table["target_from"] = [
        target_mark(*cells)
        for cells in table[[*keys, "target_setter"]].itertuples(index=False, name=None)
    ]
    order = [name for name in coverage.COVERAGE if name in set(table["indicator"])]
    table["place"] = table["indicator"].map({name: at for at, name in enumerate(order)})
    table = table.sort_values(["place", "geo_level", "province_code"])
    columns = ["geo_level", "province_code", "region", "p_meets_reported", "verdict"]
    columns += ["q50", "rests_on", "q10", "q90", "target", "target_from", "target_setter"]
    columns += ["value", "evidence", "as_of", "p_meets_official"]
    columns += ["persons_month_50", "persons_month_80", "indicator"]
    return Result(
        "provinces",
        table[columns],
        headline(tables),
        FORMATS,
        {
            "province_code": "unit",
            "indicator": "indicator",
            "target_setter": "setter",
            "verdict": "verdict",
        },
        "overview",
        {"value": "evidence", "q50": "rests_on", "target": "target_from"},
        joined={"q10": "q90"},
        hidden=("geo_level", "region"),
    )


def _region(code: str, level: str) -> str:
    return "" if level == "country" else geography.region_of(code, level)


def main_table(tables: Tables) -> Result:
    """Return the forecasts of the main indicator alone, for paper."""
    whole = provinces(tables)
    rows = whole.table[whole.table["indicator"] == MAIN]
    hidden = (*whole.hidden, "indicator", "persons_month_80")
    return replace(whole, name="provinces_main", table=rows, hidden=hidden)


def _rests_on(table: pd.DataFrame, readings: pd.DataFrame) -> list[str]:
    """Return the marks of the readings behind each forecast (see ``Result.evidence``)."""
    keys = ["geo_level", "province_code", "indicator"]
    read = set(readings[keys].itertuples(index=False, name=None))
    marks = []
    for unit in table[keys].itertuples(index=False, name=None):
        anchor = f"#{unit[2]}" if unit in read else ""
        marks.append(f"{unit[0]}/{unit[1]}{anchor}")
    return marks


def counts(tables: Tables, indicator: str = MAIN, level: str = "province_63") -> dict[str, int]:
    """Return how many units of a level are likely, about even, unlikely or unsure to meet."""
    ahead = forecast_rows(tables)
    chosen = ahead[(ahead["geo_level"] == level) & (ahead["indicator"] == indicator)]
    verdicts = chosen["verdict"].fillna(NOT_ENOUGH_EVIDENCE)
    return {
        "units": len(chosen),
        "likely": int(verdicts.isin(LIKELY).sum()),
        "even": int((verdicts == "about_even").sum()),
        "unlikely": int(verdicts.isin(UNLIKELY).sum()),
        "unsure": int((verdicts == NOT_ENOUGH_EVIDENCE).sum()),
    }


def headline(tables: Tables) -> list[tuple[str, dict[str, Any]]]:
    """Return the headline as phrases: the country, then the provinces."""
    ahead = forecast_rows(tables)
    country = ahead[(ahead["geo_level"] == "country") & (ahead["indicator"] == MAIN)].iloc[0]
    values = {
        "due": tables.due,
        "origin": tables.origin,
        "verdict": f"verdict.{country['verdict']}",
        **{name: country[name] for name in ("q50", "q10", "q90", "target", "p_meets_reported")},
        **counts(tables),
    }
    phrases = [("overview.headline_country", values), ("overview.headline_provinces", values)]
    if values["unsure"]:
        phrases.append(("overview.headline_unsure", values))
    return phrases


def country_rows(tables: Tables) -> list[tuple[str, dict[str, Any]]]:
    """Return one sentence an indicator on the country: forecast against target."""
    ahead = forecast_rows(tables)
    rows = ahead[ahead["geo_level"] == "country"].set_index("indicator")
    phrases = []
    for name in coverage.COVERAGE:
        if name not in rows.index:
            continue
        row = rows.loc[name]
        values = {
            "indicator": name,
            "verdict": f"verdict.{row['verdict']}",
            **{column: row[column] for column in FORMATS if column in rows},
        }
        phrases.append(("overview.country_indicator", values))
    return phrases
