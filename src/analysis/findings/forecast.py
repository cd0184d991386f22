"""What chapter 05 says of single targets: results with their tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings.coverage import Tables as Published
from analysis.findings.outcomes import came, met, word_beside
from analysis.forecast.answers import ALL_NATIONAL, AT_LEAST, PASSES
from analysis.forecast.known import Known
from analysis.forecast.model import kept_model
from analysis.forecast.pull import Pull
from analysis.forecast.rounds import Round
from analysis.forecast.space import DEFAULT, Settings
from analysis.forecast.tables import ForecastTables
from analysis.readings.targets import have_aim, judged
from analysis.report.results import Result
from analysis.verdicts import LIKELY, NO_TARGET, NOT_ENOUGH_EVIDENCE, UNLIKELY, verdict

_MAIN = "hi_coverage"
#: A province whose last figure is older than this, in months, counts as silent.
SILENT = 18
#: How many times likelier a met target is to be reported than a missed one, in the what-if.
ODDS = 2.0

_CHANCES = {f"p_meets_{scale}": "probability" for scale in ("true", "reported", "official")}
_VALUES = {"q10": "percent1", "q50": "percent1", "q90": "percent1", "target": "printed"}
_WORDS = {"province_code": "unit", "indicator": "indicator", "target_setter": "setter",
          "verdict": "verdict", "verdict_true": "verdict"}  # fmt: skip
_KEY = ["geo_level", "province_code", "indicator"]
#: One cell for the two ends of a range.
_JOINED = {"q10": "q90"}


def due(tables: ForecastTables) -> pd.Timestamp:
    """The first day on which targets fall due."""
    table = tables.forecasts
    return table.loc[table["target"].notna(), "date"].min()


def at_target(
    tables: ForecastTables, scale: str = "reported", date: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Forecasts of one scale for the (first) day on which targets fall due, as pages show them."""
    table = tables.forecasts
    rows = table[(table["scale"] == scale) & (table["date"] == (date or due(tables)))]
    return judged(rows)


def answer(tables: ForecastTables) -> Result:
    """The country's targets and how many provinces will report theirs as met."""
    table = _country(tables)
    phrases = [(_key_of(row), _sentence(row)) for row in table.to_dict("records")]
    return _of_country(table, [*phrases, ("forecast.provinces", _counts(tables))])


def _key_of(row: Mapping[Any, Any]) -> str:
    return "forecast.country_no_target" if pd.isna(row["target"]) else "forecast.country"


def country(tables: ForecastTables) -> Result:
    """The country: each indicator against its target, as a level and as it will be reported."""
    table = _country(tables)
    aims = table[table["target"].notna()].to_dict("records")
    return _of_country(table, [("forecast.level_and_report", _sentence(row)) for row in aims])


def country_later(tables: ForecastTables) -> Result:
    """The country's targets that fall due later than the first ones, by day."""
    days = tables.forecasts.loc[tables.forecasts["target"].notna(), "date"].unique()
    later = [_country(tables, pd.Timestamp(day)) for day in sorted(days)[1:]]
    table = pd.concat([_country(tables).iloc[:0], *later], ignore_index=True)
    table = table[table["target"].notna()].reset_index(drop=True)
    phrases = [("forecast.country", _sentence(row)) for row in table.to_dict("records")]
    columns = ["date", "indicator", *_VALUES, "target_setter", *_CHANCES, "verdict"]
    return Result(
        "forecast_country_later",
        table[columns],
        phrases or [("forecast.no_later", {})],
        {**_VALUES, **_CHANCES, "date": "short_date"},
        _WORDS,
        "forecast",
        joined=_JOINED,
    )


def _country(tables: ForecastTables, date: pd.Timestamp | None = None) -> pd.DataFrame:
    rows = at_target(tables, date=date)
    rows = rows[rows["geo_level"] == "country"]
    return rows.assign(verdict_true=rows["p_meets_true"].map(verdict))


def _of_country(table: pd.DataFrame, phrases: list[tuple[str, dict[str, Any]]]) -> Result:
    columns = ["indicator", *_VALUES, "target_setter", *_CHANCES, "verdict", "verdict_true"]
    return Result(
        "forecast_country", table[columns], phrases, {**_VALUES, **_CHANCES}, _WORDS, "forecast",
        joined=_JOINED,
    )  # fmt: skip


def _sentence(row: Mapping[Any, Any]) -> dict[str, Any]:
    names = ["indicator", "date", *_VALUES, "p_meets_true", "p_meets_reported"]
    words = {name: f"verdict.{row[name]}" for name in ("verdict", "verdict_true")}
    return {**{name: row[name] for name in names}, **words}


def _counts(tables: ForecastTables, indicator: str = _MAIN) -> dict[str, Any]:
    rows = at_target(tables)
    rows = rows[(rows["geo_level"] == "province_34") & (rows["indicator"] == indicator)]
    counts = rows["verdict"].value_counts()
    return {
        "indicator": indicator,
        "units": len(rows),
        "likely": int(counts.reindex(LIKELY).sum()),
        "even": int(counts.reindex(["about_even"]).sum()),
        "unlikely": int(counts.reindex(UNLIKELY).sum()),
        "aimless": int(counts.reindex([NO_TARGET]).sum()),
        "unsure": int(counts.reindex([NOT_ENOUGH_EVIDENCE]).sum()),
    }


def units(tables: ForecastTables, indicator: str, level: str) -> Result:
    """Every unit of a level, the most probable first; those without enough evidence last."""
    rows = at_target(tables)
    rows = rows[(rows["geo_level"] == level) & (rows["indicator"] == indicator)]
    order = rows["p_meets_reported"].fillna(-1)
    rows = rows.assign(order=order).sort_values(["order", "q50"], ascending=False)
    columns = ["province_code", *_VALUES, "target_setter", *_CHANCES, "verdict", "geo_level"]
    if rows["p_meets_official"].isna().all():
        columns.remove("p_meets_official")
    return Result(
        f"forecast_{indicator}_{level}",
        rows[columns],
        [("forecast.units", _counts_of(rows, indicator))],
        {**_VALUES, **dict.fromkeys(_CHANCES, "chance")},
        _WORDS,
        "forecast",
        hidden=("geo_level",),
        joined=_JOINED,
    )


def _counts_of(rows: pd.DataFrame, indicator: str) -> dict[str, Any]:
    return {"indicator": indicator, "units": len(rows), "own": int(have_aim(rows).sum())}


def setters(tables: ForecastTables) -> Result:
    """Every target that was announced for the date, by who set it."""
    table = tables.attainment.sort_values([*_KEY, "target_setter", "target"])
    columns = ["geo_level", "province_code", "indicator", "date", "target_setter", "announced"]
    columns += ["target"]
    twice = table.groupby([*_KEY, "date"])["target"].nunique()
    values = {"targets": len(table), "several": int((twice > 1).sum())}
    return Result(
        "forecast_setters",
        table[[*columns, *_CHANCES]],
        [("forecast.setters", values)],
        {"target": "printed", "date": "short_date", "announced": "short_date", **_CHANCES},
        _WORDS,
        "forecast",
        hidden=("geo_level",),
    )


def takes(tables: ForecastTables, indicator: str = _MAIN, level: str = "province_34") -> Result:
    """Persons a month that the target takes, beside the unit's own best year.

    Of units that a target was set for: what the national one would take is asked of nobody else.
    A chance above one half that rests on a gain larger than any on record is counted and said: the
    forecast contains it because of what plans and the nationwide curve expect.
    """
    rows = tables.needs[tables.needs["date"] == tables.needs["date"].min()]
    rows = rows[(rows["geo_level"] == level) & (rows["indicator"] == indicator)]
    rows = rows[have_aim(rows)]
    chances = at_target(tables)[[*_KEY, "p_meets_reported"]]
    likely = rows.merge(chances, on=_KEY)
    likely = likely[likely["p_meets_reported"] > 0.5]
    steep = likely["expected_persons_month"] > likely["best_year_persons_month"]
    checked = {"indicator": indicator, "units": len(likely), "steep": int(steep.sum())}
    rows = rows[rows["persons_month_80"] > 0].sort_values(
        "persons_month_80", ascending=False, ignore_index=True
    )
    together = rows["expected_persons_month"] + rows["persons_month_50"]
    beyond = (rows["persons_month_50"] > 0) & (together > rows["best_year_persons_month"])
    values = {"units": len(rows), "beyond": int(beyond.sum()), "indicator": indicator}
    persons = ["persons_month_50", "persons_month_80"]
    persons += ["expected_persons_month", "best_year_persons_month"]
    columns = ["province_code", "target", "target_setter", *persons[:3], "best_year", persons[3]]
    columns += ["date_reached_50"]
    return Result(
        f"forecast_needs_{indicator}",
        rows[[*columns, "geo_level"]],
        [("forecast.takes", values), ("forecast.takes_checked", checked)],
        {
            "target": "printed",
            **dict.fromkeys(persons, "rounded"),
            "best_year": "year",
            "date_reached_50": "short_date",
        },
        _WORDS,
        "forecast",
        hidden=("geo_level",),
    )


def pulled(known: Known, indicator: str = _MAIN, settings: Settings = DEFAULT) -> Result:
    """How much printed year-end values are drawn to their targets, as estimated from the past."""
    found = kept_model(known, indicator, settings).pulls
    rows = {"province_63": found.provinces, "country": found.country}
    table = pd.DataFrame(
        [
            (level, pull.mean_short, *_range(pull), pull.mean_heap, pull.n)
            for level, pull in rows.items()
        ],
        columns=["level", "short", "short_low", "short_high", "heap", "readings"],
    )
    own, nation = found.provinces, found.country
    values = {"times": 1 + own.mean_heap, "indicator": indicator}
    for suffix, pull in (("", own), ("_country", nation)):
        low, high = _range(pull)
        values |= {f"short{suffix}": pull.mean_short, f"n{suffix}": pull.n}
        values |= {f"low{suffix}": low, f"high{suffix}": high}
    shares = ("short", "short_low", "short_high", "heap")
    formats = {**dict.fromkeys(shares, "number2"), "readings": "integer"}
    key = "forecast.pull" if own.n or nation.n else "forecast.no_pull"
    return Result(
        "forecast_pull", table, [(key, values)], formats, {"level": "pull_level"}, "forecast"
    )


def _range(pull: Pull) -> tuple[float, float]:
    """80% interval of the weight of values below their target."""
    return pull.short_at(0.1), pull.short_at(0.9)


def silence(tables: ForecastTables, known: Known, indicator: str = _MAIN) -> Result:
    """The provinces' chances if silence meant bad news.

    A province that has printed nothing for `SILENT` months is given the chance
    p / (p + ODDS (1 - p)): what p becomes when a met target is ODDS times likelier to be
    reported than a missed one.
    """
    rows = at_target(tables)
    rows = rows[(rows["geo_level"] == "province_63") & (rows["indicator"] == indicator)]
    own = known.readings[known.readings["indicator"] == indicator]
    last = own.groupby("province_code")["as_of"].max()
    since = known.origin - pd.DateOffset(months=SILENT)
    quiet = ~(rows["province_code"].map(last) > since)
    p = rows["p_meets_reported"]
    table = rows.assign(silent=quiet, chance=p.where(~quiet, p / (p + ODDS * (1 - p))))
    table = table[table["silent"] & table["chance"].notna()].sort_values(
        "chance", ascending=False, ignore_index=True
    )
    values = {
        "silent": len(table),
        "odds": ODDS,
        "months": SILENT,
        "before": _likely(table["p_meets_reported"]),
        "after": _likely(table["chance"]),
    }
    columns = ["province_code", "p_meets_reported", "chance", "geo_level"]
    formats = {"p_meets_reported": "probability", "chance": "probability"}
    return Result(
        "forecast_silence",
        table[columns],
        [("forecast.silence", values)],
        formats,
        _WORDS,
        "forecast",
        hidden=("geo_level",),
    )


def _likely(chances: pd.Series) -> int:
    return int(chances.map(verdict).isin(LIKELY).sum())


def late_payment(table: pd.DataFrame, origin: pd.Timestamp) -> Result:
    """Chance of meeting the late payment target, from the forecasts of chapter 04.

    Args:
        table: late_payment_forecasts as chapter 04 wrote it.
        origin: of the round; forecasts made from another day are not shown beside it.
    """
    made = pd.to_datetime(table["origin"]).max()
    if len(table) and made != origin:
        other = ("forecast.late_payment_other", {"origin": origin, "made": made})
        return Result("forecast_late_payment", table.iloc[:0, :0], [other], topic="forecast")
    rows = table[table["scale"].eq("reported") & table["target"].notna()]
    rows = rows.sort_values("p_meets_reported", ascending=False, ignore_index=True)
    silent = table["scale"].isna()
    without = table["scale"].eq("reported") & table["target"].isna()
    values = {"units": len(rows), "without": int(without.sum()), "silent": int(silent.sum())}
    rows = rows.assign(after_merger=rows["geo_level"])
    columns = ["province_code", "after_merger", "basis", "q10", "q50", "q90", "target"]
    columns += ["target_setter"]
    formats = dict.fromkeys(("q10", "q50", "q90", "target"), "percent2")
    return Result(
        "forecast_late_payment",
        rows[[*columns, "p_meets_reported", "verdict", "geo_level"]],
        [("forecast.late_payment" if len(rows) else "forecast.late_payment_none", values)],
        {**formats, "p_meets_reported": "probability"},
        {**_WORDS, "basis": "late_basis", "after_merger": "unit_kind"},
        "forecast",
        hidden=("geo_level",),
    )


# --------------------------------------------------------------------------------------------------
# What chapter 05 says of a round as a whole: its date, and answers that take targets together.
# --------------------------------------------------------------------------------------------------

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


def what_came(tables: ForecastTables, chosen: Round, published: Published) -> Result:
    """Forecasts of the first due date beside the figures published for it since, as they are.

    Of a round of both systems the provinces of today are shown. A chance is that of the target
    known at the origin, and so is the word whether it was met; both are empty, as the target is,
    where none was set for the unit.
    """
    rows = at_target(tables)
    level = chosen.levels[-1]
    rows = rows[rows["geo_level"].isin(["country", level])]
    rows = rows.assign(target=rows["target"].where(have_aim(rows)))
    asked = rows.assign(basis="", due=rows["date"], country=rows["geo_level"] == "country")
    table = came(asked, published)
    table = table[table["reading"].notna()]
    table["met"] = [
        met(row["reading"], row["lower"], row["upper"], row["target"], row["indicator"])
        if pd.notna(row["target"])
        else ""
        for row in table.to_dict("records")
    ]
    table = table.sort_values(
        ["country", "indicator", "province_code"], ascending=[False, True, True]
    )
    table["word"] = word_beside(table)
    columns = ["province_code", "indicator", "target", "p_meets_reported", "q10", "q50", "q90",
               "word", "reading", "met", "geo_level"]  # fmt: skip
    shown = table.assign(geo_level=np.where(table["country"], "country", level))[columns]
    values = {"date": due(tables), "n": len(shown)}
    if len(shown):
        values |= {
            "inside": int(shown["reading"].between(shown["q10"], shown["q90"]).sum()),
            "miss": float((shown["reading"] - shown["q50"]).abs().mean()),
        }
    formats = {**_VALUES, "reading": "printed", "p_meets_reported": "chance"}
    return Result(
        "round_what_came",
        shown.reset_index(drop=True),
        [("record.came" if len(shown) else "record.came_not_yet", values)],
        formats,
        {**_WORDS, "met": "outcome_met", "word": "outcome_word"},
        "forecast",
        hidden=("geo_level",),
        joined=_JOINED,
    )


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


def curve_of(tables: ForecastTables, level: str, indicator: str = _MAIN) -> pd.DataFrame:
    """The chance of at least k units for every k, on the first due date: k, n, probability."""
    table = tables.answers[tables.answers["question"] == AT_LEAST]
    table = table[(table["geo_level"] == level) & (table["indicator"] == indicator)]
    table = table[table["date"] == table["date"].min()]
    return table.sort_values("k", ignore_index=True)


def how_many(tables: ForecastTables, level: str, indicator: str = _MAIN) -> Result:
    """How many units of a level report their target as met, with chances of 90 to 10 percent."""
    table = curve_of(tables, level, indicator)
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


def passes(tables: ForecastTables, level: str, indicator: str = _MAIN) -> Result:
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
