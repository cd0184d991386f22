"""What chapter 07 and the command say: each finding as one object with table and sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.report.results import Result
from analysis.scenarios import tables
from analysis.scenarios.baseline import SHOWN_QUANTILES, Unit
from analysis.scenarios.late_payment import LateOutcome
from analysis.scenarios.outcome import Outcome
from analysis.scenarios.run_all import Chapter, path_differences
from analysis.scenarios.tables import COUNTRY_UNIT, contributions

TOPIC = "scenarios"
_FORMATS = {
    "q50": "percent1",
    "q10": "number1",
    "q90": "number1",
    "true_q50": "percent1",
    "p_meets_true": "probability",
    "p_meets_reported": "probability",
    "persons_month": "rounded",
    "persons_quarter": "rounded",
    "persons_by": "rounded",
    "date": "short_date",
    "effort": "number2",
    "additional_q50": "rounded",
    "budget_all_q10": "rounded",
    "budget_all_q50": "rounded",
    "budget_all_q90": "rounded",
}
_COMPARED = [
    "title", "scenario", "true_q50", "q50", "q10", "q90", "p_meets_true", "p_meets_reported",
    "persons_month", "effort", "additional_q50", "budget_all_q50", "budget_all_q10",
    "budget_all_q90",
]  # fmt: skip


def _result(
    name: str,
    table: pd.DataFrame,
    phrases: list[tuple[str, dict[str, Any]]],
    formats: dict[str, str],
    words: dict[str, str] | None = None,
    **more: Any,
) -> Result:
    """A result of this chapter; quantities known roughly keep four leading digits."""
    rough = [name for name, form in formats.items() if form == "rounded" and name in table]
    table = table.assign(**{name: tables.significant(table[name]) for name in rough})
    return Result(name, table, phrases, formats, words or {}, TOPIC, **more)


def rows(outcomes: list[Outcome], unit: Unit, language: str) -> pd.DataFrame:
    """The table of each scenario for one unit, with its title."""
    found = pd.concat([tables.outcome_table(one, [unit]) for one in outcomes], ignore_index=True)
    return found.assign(title=[one.scenario.title[language] for one in outcomes])


def values(table: pd.DataFrame, unit: Unit, name: str | None = None) -> dict[str, Any]:
    """The numbers of one scenario (the first when none is named), for sentences."""
    rows_of_one = table if name is None else table[table["scenario"] == name]
    return {**tables.records(rows_of_one)[0], "unit": f"{unit[0]}/{unit[1]}"}


def why_no_chance(said: dict[str, Any]) -> str:
    """How the name of a phrase ends for a unit's numbers: on the reason why they hold no chance."""
    if np.isfinite(said["p_meets_true"]):
        return ""
    return "_unsure" if np.isfinite(said["target"]) else "_no_target"


def answer(chapter: Chapter, indicator: str, unit: Unit, language: str) -> Result:
    """Business as usual, what the target takes, and the policy that adds most: in sentences."""
    outcomes = chapter.of(indicator)
    table = rows(outcomes, unit, language)
    usual = values(table, unit)
    phrases = [(f"{TOPIC}.answer_usual{why_no_chance(usual)}", usual)]
    reach = table[table["kind"] == "reach_target"]
    if len(reach):
        phrases.append(_takes(values(reach, unit), unit))
    policies = table[table["budget_all_q50"].notna() & table["additional_q50"].gt(0)]
    if len(policies):
        most = tables.records(policies.sort_values("additional_q50", kind="stable"))[-1]
        said = {
            **most,
            "n": len(policies),
            "additional": most["additional_q50"],
            "budget": most["budget_all_q50"],
        }
        phrases.append((f"{TOPIC}.answer_policies", said))
    return Result("scenario_answer", table[["title", "scenario"]], phrases, topic=TOPIC)


def _takes(reach: dict[str, Any], unit: Unit) -> tuple[str, dict[str, Any]]:
    if reach["additional_q50"] < 1 or not np.isfinite(reach["effort"]):
        return f"{TOPIC}.answer_takes_nothing", reach
    key = "answer_takes" if unit == COUNTRY_UNIT else "answer_takes_unit"
    return f"{TOPIC}.{key}", reach


def comparison(outcomes: list[Outcome], unit: Unit, language: str) -> Result:
    """Scenarios of an indicator for one unit, side by side, business as usual first.

    Those that change nothing for the unit are named in a sentence of their own.
    """
    table = rows(outcomes, unit, language)
    usual = values(table, unit)
    said = {**usual, "n": len(table), "above": int((table["p_meets_true"].round(2) >= 0.5).sum())}
    phrases = [(f"{TOPIC}.compared{why_no_chance(usual)}", said)]
    if same_as_first := _same_as_first(table):
        phrases.append((f"{TOPIC}.compared_same", {"names": same_as_first}))
    return _result(
        f"scenarios_{unit[0]}_{unit[1]}",
        table[_COMPARED],
        phrases,
        _FORMATS,
        hidden=("scenario",),
        joined={"q10": "q90", "budget_all_q10": "budget_all_q90"},
    )


def _same_as_first(table: pd.DataFrame) -> list[str]:
    """Titles of the scenarios that end where the first one does, level and report alike."""
    numbers = table[["true_q10", "true_q50", "true_q90", *SHOWN_QUANTILES, "persons_q50"]]
    same = np.isclose(numbers, numbers.iloc[0], rtol=0, atol=1e-9, equal_nan=True).all(axis=1)
    return [f"“{title}”" for title in table["title"].to_numpy()[same][1:]]


def plan(outcomes: list[Outcome], unit: Unit, language: str) -> Result:
    """Persons by quarter-end, in each quarter and a month, for the ways to the target."""
    wanted = [one for one in outcomes if one.scenario.kind in ("business_as_usual", "reach_target")]
    found = [
        tables.plan_table(one, unit).assign(title=one.scenario.title[language]) for one in wanted
    ]
    said = values(rows(wanted, unit, language), unit)
    key = "plan" if np.isfinite(said["target"]) else "plan_none"
    if unit[0] == "country" and key == "plan" and len(wanted) > 1:
        # The nationwide number is what comes of every province at its own target.
        key, said = "plan_country", said | {"true_q50": _reached(wanted[-1], unit)}
    columns = ["title", "date", "persons_quarter", "persons_month", "persons_by"]
    return _result(
        f"scenario_plan_{unit[0]}_{unit[1]}",
        pd.concat(found, ignore_index=True)[columns],
        [(f"{TOPIC}.{key}", said)],
        _FORMATS,
    )


def _reached(outcome: Outcome, unit: Unit) -> float:
    """Median level of a unit at the date, percent."""
    return float(np.median(outcome.at_date[unit]))


def parts(outcome: Outcome, language: str) -> Result:
    """What each province adds to the nationwide result and to the gap."""
    table = contributions(outcome).sort_values(["short", "province_code"], ascending=[False, True])
    base = outcome.base
    said = {
        "title": outcome.scenario.title[language],
        "units": len(table),
        "origin": base.origin,
        "date": base.date,
        "target": base.targets[COUNTRY_UNIT][0],
        "added": table["added"].sum(),
        "short": table["short"].sum(),
        "five": table["share_of_short"].head(5).sum(),
        "names": [f"province_63/{code}" for code in table["province_code"].head(5)],
    }
    columns = [
        "province_code", "added", "added_low", "added_high", "short", "short_low", "short_high",
        "share_of_short",
    ]  # fmt: skip
    formats = dict.fromkeys(columns[1:-1], "rounded") | {"share_of_short": "share1"}
    return _result(
        "scenario_contributions",
        table[columns],
        [(f"{TOPIC}.parts", said)],
        formats,
        {"province_code": "unit"},
    )


def assumptions(outcomes: list[Outcome], language: str) -> Result:
    """Every number behind the policies, with its ground."""
    found = []
    for one in outcomes:
        title = one.scenario.title[language]
        stated = tables.assumption_table(one)
        if len(stated):
            found.append(stated.assign(title=title))
    table = pd.concat(found, ignore_index=True)
    table = table[table["ground"] != "set"].reset_index(drop=True)
    grounds = table["ground"].value_counts()
    said = {
        "n": len(table),
        "assumed": int(grounds.get("assumed", 0)),
        "rule": int(grounds.get("rule", 0)),
        "estimated": int(grounds.get("chapter_03", 0)),
    }
    table["why"] = table["note" if language == "en" else "note_vi"]
    columns = ["title", "parameter", "low", "central", "high", "ground", "why"]
    return Result(
        "scenario_assumptions",
        table[columns],
        [(f"{TOPIC}.assumed", said)],
        dict.fromkeys(["low", "central", "high"], "number2"),
        {"parameter": "scenario_parameter", "ground": "scenario_ground"},
        TOPIC,
    )


def late_payment(outcome: LateOutcome) -> Result:
    """What a cut of late payment would bring in."""
    table = outcome.table
    country = table[table["geo_level"] == "country"]
    said: dict[str, Any] = {
        "rate": outcome.scenario.parameters["rate"],
        "n": int((table["geo_level"] == "province_63").sum()),
    }
    if len(country):
        row = country.iloc[0]
        said |= {"country": row["collect_q50"], "held": row["rate_q50"], "day": row["origin"]}
    columns = [
        "geo_level", "province_code", "basis", "footing", "rate_q50", "rate_q10", "rate_q90",
        "days_q50", "days_after", "collect_q50", "collect_q10", "collect_q90", "collect_month",
    ]  # fmt: skip
    formats = {"rate_q50": "percent2", "rate_q10": "number2", "rate_q90": "number2"}
    formats |= {"days_q50": "number1", "days_after": "number1"}
    formats |= dict.fromkeys([name for name in columns if name.startswith("collect")], "rounded")
    return _result(
        "scenario_late_payment",
        table[columns],
        [(f"{TOPIC}.late" if len(country) else f"{TOPIC}.late_alone", said)],
        formats,
        {"province_code": "unit", "basis": "late_basis", "footing": "scenario_footing"},
        hidden=("geo_level",),
        joined={"rate_q10": "rate_q90", "collect_q10": "collect_q90"},
    )


def social(chapter: Chapter, language: str, indicator: str = "si_coverage") -> Result:
    """Voluntary social insurance, nationwide: an assumption worked out."""
    outcomes = chapter.of(indicator)
    table = rows(outcomes, COUNTRY_UNIT, language)
    row = table[table["kind"] == "voluntary_support"].iloc[0]
    points = float(row["true_q50"] - table["true_q50"].iloc[0])
    said = {
        "additional": row["additional_q50"],
        "low": row["additional_q10"],
        "high": row["additional_q90"],
        "points": points,
    }
    whole = comparison(outcomes, COUNTRY_UNIT, language)
    phrases = [(f"{TOPIC}.social", said)]
    return Result(
        "scenarios_social_insurance",
        whole.table,
        phrases,
        whole.formats,
        topic=TOPIC,
        hidden=whole.hidden,
        joined=whole.joined,
    )


def same(chapter: Chapter) -> Result:
    """Business as usual against chapter 05."""
    table = path_differences(chapter)
    largest = float(table["difference"].max())
    said = {"n": len(table), "difference": largest}
    return Result("scenario_same", table.head(0), [(f"{TOPIC}.same", said)], topic=TOPIC)
