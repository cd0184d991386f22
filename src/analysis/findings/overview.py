"""The answer in one sentence and one table: every unit's forecast against its target."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import paths
from analysis.country import geography
from analysis.country.indicators import COVERAGE
from analysis.facts import load_raw
from analysis.findings import coverage, outcomes
from analysis.findings.brief import (
    FORMATS,
    MAIN,
    Tables,
    forecast_rows,
    former_units,
    grade,
    newer_targets,
    of_unit,
    present_units,
    target_mark,
)
from analysis.forecast.answers import ALL_NATIONAL, PASSES
from analysis.readings.targets import NATIONWIDE, judged
from analysis.report.results import Result
from analysis.verdicts import LIKELY, NO_TARGET, NOT_ENOUGH_EVIDENCE, UNLIKELY

_Phrases = list[tuple[str, dict[str, Any]]]
Units = list[tuple[str, str]]

_NEEDS = ["persons_month_50", "persons_month_80"]


def stamp(tables: Tables) -> _Phrases:
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
    order = {name: at for at, name in enumerate(COVERAGE)}
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
    rates = [coverage.latest(tables.readings, name) for name in COVERAGE]
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


def counts(tables: Tables, indicator: str = MAIN, level: str = "province_34") -> dict[str, int]:
    """Return how many units of a level, by default today's, have which verdict, by groups."""
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


def headline(tables: Tables) -> _Phrases:
    """Return the answer as phrases: the country, its second measure, then the provinces."""
    return [*answer(tables), *official(tables), ("overview.headline_provinces", counts(tables))]


def answer(tables: Tables) -> _Phrases:
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


def official(tables: Tables) -> _Phrases:
    """Return the second sentence of every headline: the share of the official population."""
    rows = forecast_rows(tables, "official")
    rows = rows[(rows["geo_level"] == "country") & (rows["indicator"] == MAIN)]
    return [("overview.official", {"value": row["q50"]}) for _, row in rows.iterrows()]


def _country(tables: Tables) -> pd.DataFrame:
    ahead = forecast_rows(tables)
    return ahead[ahead["geo_level"] == "country"].set_index("indicator")


def country_rows(tables: Tables) -> _Phrases:
    """Return one sentence an indicator on the country: forecast against target."""
    rows = _country(tables)
    phrases: _Phrases = []
    for name in COVERAGE:
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


# --------------------------------------------------------------------------------------------------
# Before and after the first due day: what came of the targets before it, and when the next are met.
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Course:
    """What became of the last targets, and what is forecast for those after the first due day.

    was, later: the due days; either may be missing. table: one row a unit and coverage rate, with
    geo_level, province_code, indicator, and was_target, was_setter, was_reading, was_word,
    was_standing, met (yes, no, not_known; empty where nobody asked it of the unit), later_q50,
    later_target, later_verdict, later_chance, and even_from: the first year-end with an even chance
    of the later target. together: due day -> number of the country's targets, chance of all.
    """

    was: pd.Timestamp | None
    later: pd.Timestamp | None
    table: pd.DataFrame
    together: dict[pd.Timestamp, tuple[int, float]]


_UNIT = ["geo_level", "province_code", "indicator"]
_LATER = {"q50": "later_q50", "target": "later_target", "verdict": "later_verdict",
          "p_meets_reported": "later_chance"}  # fmt: skip


def course(tables: Tables) -> Course | None:
    """Return what stands before and after the first due day; nothing where no round was made.

    The country comes first, then the provinces of today.
    """
    try:
        answers = paths.read_processed("round_answers", dates=["origin", "date", "date_50"])
    except paths.MissingTable:
        return None
    answers = answers[answers["origin"] == tables.origin]
    units = [("country", geography.COUNTRY), *present_units()]
    rows = [(*unit, indicator) for unit in units for indicator in COVERAGE]
    table = pd.DataFrame(rows, columns=_UNIT)
    was = pd.Timestamp(tables.due.year - 1, 12, 31)
    before = _before(tables, was)
    days = tables.forecasts.loc[tables.forecasts["target"].notna(), "date"]
    later = days[days > tables.due].max()
    table = table.merge(before, how="left", on=_UNIT).merge(
        _after(tables, answers, later), how="left", on=_UNIT
    )
    every = answers[(answers["question"] == ALL_NATIONAL) & (answers["n"] > 0)]
    together = {
        pd.Timestamp(row["date"]): (int(row["n"]), float(row["probability"]))
        for row in every.to_dict("records")
    }
    known = before["was_target"].notna().any()
    return Course(was if known else None, None if pd.isna(later) else later, table, together)


def _before(tables: Tables, day: pd.Timestamp) -> pd.DataFrame:
    """Targets of a day that has passed beside the figures published for it, units as shown here."""
    columns = ["target", "setter", "reading", "word", "standing"]
    texts = tables.targets.select_dtypes(include=["object", "string"]).columns
    known = tables.targets.fillna(dict.fromkeys(texts, ""))
    try:
        found = outcomes.of_units(
            coverage.Tables(tables.readings, known, load_raw()), f"{day:%Y-%m-%d}"
        ).table
    except KeyError:  # no nationwide target fell due on that day
        found = pd.DataFrame(columns=[*_UNIT, *columns, "met"])
    present = {code: level for level, code in present_units()}
    own = found["geo_level"] != "country"
    found["geo_level"] = found["geo_level"].mask(own, found["province_code"].map(present))
    # The nationwide goals of the labour force were set for no province.
    asked = ~own | (found["setter"] != NATIONWIDE) | (found["indicator"] == MAIN)
    found["met"] = found["met"].where(asked, "")
    renamed = found.rename(columns={name: f"was_{name}" for name in columns})
    return renamed[[*_UNIT, *(f"was_{name}" for name in columns), "met"]]


def _after(tables: Tables, answers: pd.DataFrame, later: pd.Timestamp) -> pd.DataFrame:
    """Forecasts for the last due day, and the year-end from which its target has an even chance."""
    ahead = tables.forecasts
    ahead = judged(ahead[(ahead["scale"] == "reported") & (ahead["date"] == later)])
    passes = answers[
        (answers["question"] == PASSES)
        & (answers["scale"] == "reported")
        & (answers["date"] == later)
    ]
    passes = passes.rename(columns={"date_50": "even_from"}).assign(asked=True)
    found = ahead.rename(columns=_LATER)[[*_UNIT, *_LATER.values()]]
    return found.merge(passes[[*_UNIT, "even_from", "asked"]], how="left", on=_UNIT)


def said_of_course(tables: Tables, found: Course) -> _Phrases:
    """Return the answer before and after the first due day: the country's targets, all of a day."""
    phrases: _Phrases = []
    own = found.table[(found.table["geo_level"] == "country") & found.table["was_target"].notna()]
    if found.was is not None and len(own):
        met, n = int((own["met"] == outcomes.YES).sum()), len(own)
        key = "overview.was_all" if met == n else "overview.was"
        phrases.append((key, {"due": found.was, "met": met, "n": n}))
    days = sorted(found.together)
    if found.later in found.together and tables.due in found.together:
        first, last = found.together[tables.due], found.together[found.later]
        values = {"due": tables.due, "n": first[0], "p": first[1]}
        values |= {"later": found.later, "n_later": last[0], "p_later": last[1]}
        phrases.append(("overview.together_both", values))
    elif days:
        n, p = found.together[days[0]]
        phrases.append(("overview.together", {"due": days[0], "n": n, "p": p}))
    return phrases


def said_of_unit(found: Course, level: str, code: str) -> _Phrases:
    """Return the same for health insurance of one unit; nothing for a unit that is no more.

    First what was published for the last due day, and whether the target was met; then the
    forecast for the last due day ahead, and from when its target has an even chance.
    """
    own = of_unit(found.table, level, code)
    rows = own[own["indicator"] == MAIN].to_dict("records")
    return [phrase for row in rows for phrase in _said_of_row(found, row)]


def _said_of_row(found: Course, row: Mapping[Hashable, Any]) -> _Phrases:
    whose = {True: "overview.aim_nationwide", False: "overview.aim_own"}
    phrases: _Phrases = []
    if found.was is not None and pd.notna(row["was_target"]):
        came = {"day": found.was, "reading": row["was_reading"], "target": row["was_target"]}
        came["whose"] = whose[row["was_setter"] == NATIONWIDE and row["geo_level"] != "country"]
        key = f"overview.unit_was_{row['met']}"
        if pd.isna(row["was_reading"]):
            key = "overview.unit_was_silent"
        elif row["was_word"]:
            key = f"overview.unit_was_{row['met']}_word"
            came["word"] = f"outcome_word.{row['was_word']}"
        phrases.append((key, came))
    if found.later is not None and pd.notna(row["later_q50"]):
        ahead = {"day": found.later, "q50": row["later_q50"], "target": row["later_target"]}
        ahead |= {"even": row["even_from"]}
        ahead["whose"] = whose[row["later_verdict"] == NO_TARGET]
        key = "unit_later"
        if row["asked"] is True:
            key = "unit_later_never" if pd.isna(row["even_from"]) else "unit_later_even"
        phrases.append((f"overview.{key}", ahead))
    return phrases
