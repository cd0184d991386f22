"""The answer in one sentence and one table: every unit's forecast against its target."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.country import geography
from analysis.findings import coverage
from analysis.findings.brief import (
    FORMATS,
    MAIN,
    Tables,
    forecast_rows,
    former_units,
    grade,
    newer_targets,
    present_units,
    target_mark,
)
from analysis.report.results import Result
from analysis.verdicts import LIKELY, NO_TARGET, NOT_ENOUGH_EVIDENCE, UNLIKELY

Phrases = list[tuple[str, dict[str, Any]]]
Units = list[tuple[str, str]]

_NEEDS = ["persons_month_50", "persons_month_80"]


def stamp(tables: Tables) -> Phrases:
    """Return what every page, PDF and sheet carries: when the forecast was made, from what."""
    values = {"origin": tables.origin, "newest": tables.newest, "due": tables.due}
    phrases = [("overview.stamp", values)]
    if tables.has_outcome:
        phrases.append(("overview.stamp_past", values))
    return phrases


def provinces(tables: Tables, units: Units | None = None) -> Result:
    """Return the forecast of units and coverage rates for the due date, with the headline.

    Args:
        tables: see :class:`analysis.findings.brief.Tables`.
        units: level and code of each; the provinces of today and then the former ones by default.

    Columns: geo_level, province_code, name_vi, name_en, region (its code), indicator, verdict,
    p_meets_reported (in steps of five percent), q50, q10, q90 (percent, as reported at the due
    date), official_q50, p_meets_official, target, target_setter, newer_target, newer_announced,
    value and as_of (latest reading), grade (of the evidence, 0 to 3), persons_month_50,
    persons_month_80 (see :mod:`analysis.forecast.outlook`), origin, due.
    """
    wanted = present_units() + former_units() if units is None else units
    place = {unit: at for at, unit in enumerate(wanted)}
    table = _joined(tables)
    keys = list(zip(table["geo_level"], table["province_code"], strict=True))
    table = table.assign(place=[place.get(key, -1) for key in keys])
    table = table[table["place"] >= 0]
    blank = table["verdict"].isin([NOT_ENOUGH_EVIDENCE, NO_TARGET])
    table.loc[blank, _NEEDS] = float("nan")
    own = list(zip(table["geo_level"], table["province_code"], strict=True))
    table["name_vi"] = [geography.name(code, level, "vi") for level, code in own]
    table["name_en"] = [geography.name(code, level, "en") for level, code in own]
    table["region"] = [region_of(level, code) for level, code in own]
    each = list(zip(own, table["indicator"], strict=True))
    table["grade"] = [grade(tables, *unit, name) for unit, name in each]
    table["rests_on"] = _rests_on(table, tables.readings)
    marked = ["geo_level", "province_code", "indicator", "target_setter"]
    table["target_from"] = [
        target_mark(*cells) for cells in table[marked].itertuples(index=False, name=None)
    ]
    table = table.merge(_newer(tables, wanted), how="left", on=marked[:3])
    order = {name: at for at, name in enumerate(coverage.COVERAGE)}
    table = table.assign(rate=table["indicator"].map(order), origin=tables.origin, due=tables.due)
    table = table.sort_values(["rate", "place"])
    columns = ["geo_level", "province_code", "name_vi", "name_en", "region", "indicator"]
    columns += ["verdict", "p_meets_reported", "q50", "rests_on", "q10", "q90"]
    columns += ["official_q50", "p_meets_official", "target", "target_from", "target_setter"]
    columns += ["newer_target", "newer_announced", "value", "evidence", "as_of", "grade"]
    columns += [*_NEEDS, "origin", "due"]
    return Result(
        "provinces",
        table[columns],
        headline(tables),
        FORMATS,
        {"indicator": "indicator", "target_setter": "setter", "verdict": "verdict"},
        "overview",
        {"value": "evidence", "q50": "rests_on", "target": "target_from"},
        hidden=("geo_level", "region"),
    )


def _joined(tables: Tables) -> pd.DataFrame:
    """Forecasts beside the latest reading, the official population and the extra people."""
    keys = ["geo_level", "province_code", "indicator"]
    official = forecast_rows(tables, "official")
    official = official[official["indicator"] == MAIN][[*keys, "q50"]]
    rates = [coverage.latest(tables.readings, name) for name in coverage.COVERAGE]
    latest = pd.concat(rates, ignore_index=True)[[*keys, "value", "as_of", "evidence"]]
    needs = tables.needs[tables.needs["date"] == tables.due]
    ahead = forecast_rows(tables).drop(columns="evidence", errors="ignore")
    return (
        ahead.merge(latest, on=keys, how="left")
        .merge(official.rename(columns={"q50": "official_q50"}), on=keys, how="left")
        .merge(needs[[*keys, *_NEEDS]], on=keys, how="left")
    )


def _newer(tables: Tables, units: Units) -> pd.DataFrame:
    """Targets announced after the origin: unit, indicator, newer_target, newer_announced."""
    found = [
        newer_targets(tables, level, code).assign(geo_level=level, province_code=code)
        for level, code in units
    ]
    columns = ["geo_level", "province_code", "indicator", "target", "announced"]
    table = pd.concat(found, ignore_index=True)[columns]
    return table.rename(columns={"target": "newer_target", "announced": "newer_announced"})


def region_of(level: str, code: str) -> str:
    """Return the code of a unit's region; nothing for the country."""
    return "" if level == "country" else geography.region_of(code, level)


def main_table(tables: Tables, units: Units | None = None) -> Result:
    """Return the forecasts of the main indicator alone, in the columns of a sheet of paper."""
    whole = provinces(tables, units)
    rows = whole.table[whole.table["indicator"] == MAIN]
    columns = ["geo_level", "province_code", "value", "evidence", "as_of", "q50", "rests_on"]
    columns += ["q10", "q90", "target", "target_from", "verdict", "p_meets_reported"]
    columns += ["persons_month_80"]
    rows = rows[columns].assign(
        target=rows["target"].where(~rows["verdict"].isin([NO_TARGET, NOT_ENOUGH_EVIDENCE]))
    )
    rows = rows.rename(columns={"province_code": "unit"})
    return Result(
        "provinces_main", rows, headline(tables), FORMATS,
        {"unit": "unit_label", "verdict": "verdict"}, "overview", whole.evidence,
        hidden=("geo_level",),
        joined={"q10": "q90", "value": "as_of", "verdict": "p_meets_reported"},
    )  # fmt: skip


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
    """Return how many units of a level have which verdict, by groups of verdicts."""
    ahead = forecast_rows(tables)
    chosen = ahead[(ahead["geo_level"] == level) & (ahead["indicator"] == indicator)]
    verdicts = chosen["verdict"].fillna(NOT_ENOUGH_EVIDENCE)
    return {
        "units": len(chosen),
        "likely": int(verdicts.isin(LIKELY).sum()),
        "even": int((verdicts == "about_even").sum()),
        "unlikely": int(verdicts.isin(UNLIKELY).sum()),
        "aimless": int((verdicts == NO_TARGET).sum()),
        "unsure": int((verdicts == NOT_ENOUGH_EVIDENCE).sum()),
    }


def headline(tables: Tables) -> Phrases:
    """Return the answer as phrases: the country, its second measure, then the provinces."""
    return [*answer(tables), *official(tables), ("overview.headline_provinces", counts(tables))]


def answer(tables: Tables) -> Phrases:
    """Return one sentence on the country: health insurance and social insurance."""
    rows = _country(tables)
    values: dict[str, Any] = {"due": tables.due}
    for name in ("hi_coverage", "si_coverage"):
        if name not in rows.index:
            continue
        short = name[:2]
        values[f"{short}_meets"] = f"overview.meets_{rows['verdict'].loc[name]}"
        values[f"{short}_target"] = rows["target"].loc[name]
    key = "overview.answer" if "si_meets" in values else "overview.answer_main"
    return [(key, values)]


def official(tables: Tables) -> Phrases:
    """Return the second sentence of every headline: the share of the official population."""
    rows = forecast_rows(tables, "official")
    rows = rows[(rows["geo_level"] == "country") & (rows["indicator"] == MAIN)]
    return [("overview.official", {"value": row["q50"]}) for _, row in rows.iterrows()]


def _country(tables: Tables) -> pd.DataFrame:
    ahead = forecast_rows(tables)
    return ahead[ahead["geo_level"] == "country"].set_index("indicator")


def country_rows(tables: Tables) -> Phrases:
    """Return one sentence an indicator on the country: forecast against target."""
    rows = _country(tables)
    phrases: Phrases = []
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
