"""The claims of chapters 03 and 04: what is said, on what evidence, how firmly, and what is not.

Each claim takes its numbers from the results of its chapter. The strength is decided here by rules
on those numbers, so a claim that the data stop supporting changes its strength by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import paths
from analysis.drivers import coverage_results, decision_results, late_results
from analysis.drivers.coverage import CoverageDrivers
from analysis.drivers.late import LatePayment
from analysis.results import Result
from analysis.wording import LANGUAGES, say

_PARTS = ("claim", "evidence", "not_claimed", "changed")


@dataclass(frozen=True)
class Claim:
    """One claim: the key of its phrases in the topic ``claims``, its numbers, its strength."""

    key: str
    chapter: str
    strength: str
    values: Mapping[str, Any]

    def say(self, part: str, language: str) -> str:
        """One of claim, evidence, not_claimed, changed (since the last edition), in a language."""
        return say(f"claims.{self.key}_{part}", language, **self.values)


def _values(*results: Result) -> dict[str, Any]:
    """The numbers of the first sentences of results; two may not share a name.

    Raises ValueError where they do, because one number would silently stand for another.
    """
    values: dict[str, Any] = {}
    for each in results:
        numbers = dict(each.phrases[0][1])
        if shared := sorted(values.keys() & numbers.keys()):
            raise ValueError(f"{each.name}: {', '.join(shared)} would replace another number")
        values |= numbers
    return values


def coverage_claims(c: CoverageDrivers) -> list[Claim]:
    """The claims of chapter 03, the firmest first."""
    policy = _values(decision_results.loss(c), coverage_results.left_out(c))
    policy |= {"curve_negative": _values(coverage_results.curve(c))["negative_all"]}
    policy |= {k: v for k, v in _values(decision_results.last_edition(c)).items() if k == "above"}
    policy |= _values(decision_results.named(c, 0))
    country = _values(decision_results.country(c))
    policy |= {k: country[k] for k in ("first", "last")}
    # What the claim has to bear besides its p-values: the country, and courses not quite parallel.
    bears = (
        bool(c.decisions.country["agrees"])
        and _values(decision_results.bounds(c))["multiple"] >= 0.5
    )
    firm = max(policy["p"], policy["dealt"]) <= 0.05 and policy["negative"] == policy["fits"]
    recovery = _values(decision_results.without_each(c)) | _values(decision_results.named(c, 1))
    season = _values(coverage_results.season(c))
    rivals, changes = (
        _values(coverage_results.rivals(c, design)) for design in ("levels", "changes")
    )
    for name in ("alone", "beside", "smallest_q"):
        rivals[f"{name}_changes"] = changes[name]
    start = _values(coverage_results.starting_level(c))
    others = _values(coverage_results.other_questions(c))
    people = _values(coverage_results.participants(c))
    no_other = min(rivals["smallest_q"], rivals["smallest_q_changes"]) > 0.05
    explained = rivals["alone"] > 0 and no_other
    strength = decision_results.strength(c)
    return [
        Claim("policy", "03", "strong" if firm and bears else "moderate", policy),
        Claim("season", "03", "strong" if season["p"] <= 0.01 else "moderate", season),
        Claim("recovery" if strength != "none" else "recovery_open", "03", strength, recovery),
        Claim("rivals" if explained else "rivals_open", "03", "moderate", rivals),
        Claim("poverty", "03", "none", _values(decision_results.poverty(c))),
        Claim("start", "03", "none", start),
        _open("target", "03", others["p"] <= 0.10, others),
        _open("participants", "03", people["passing"] > 0, people),
    ]


def late_claims(late: LatePayment) -> list[Claim]:
    """The claims of chapter 04, the firmest first."""
    split, factors = _values(late_results.variance(late)), _values(late_results.conversions(late))
    drivers = _values(late_results.drivers(late))
    inspection = _values(late_results.verdict(late))
    return [
        Claim("basis", "04", "strong" if factors["median"] > 1.5 else "moderate", factors),
        Claim("variance", "04", "moderate" if split["basis_low"] > 0.01 else "weak", split),
        Claim("reporters", "04", "moderate", _values(late_results.reporters(late))),
        Claim("levels", "04", "weak", _values(late_results.levels(late))),
        Claim("course", "04", "none", _values(late_results.changes(late))),
        Claim("late_forecast", "04", "weak", _values(late_results.scores(late))),
        _open("late_drivers", "04", drivers["passing"] > 0, drivers),
        Claim("inspection", "04", "none", inspection),
    ]


def _open(key: str, chapter: str, seen: bool, values: Mapping[str, Any]) -> Claim:
    """A question without an answer so far; where something is seen, a weak claim in its place."""
    if seen:
        return Claim(f"{key}_seen", chapter, "weak", values)
    return Claim(key, chapter, "none", values)


def table(claims: list[Claim]) -> pd.DataFrame:
    """The claims in both languages, one row a claim: the form of claims.csv."""
    rows = []
    for claim in claims:
        row = {"claim_id": claim.key, "chapter": claim.chapter, "strength": claim.strength}
        for language in LANGUAGES:
            ending = "" if language == "en" else f"_{language}"
            row |= {f"{part}{ending}": claim.say(part, language) for part in _PARTS}
        rows.append(row)
    return pd.DataFrame(rows)


def all_claims(late: list[Claim]) -> pd.DataFrame:
    """The claims of both chapters: those that chapter 03 wrote, and those of chapter 04.

    Raises MissingTable when chapter 03 has not run.
    """
    earlier = paths.read_processed("claims_coverage")
    earlier["chapter"] = "03"
    return pd.concat([earlier, table(late)], ignore_index=True)


def result(claims: list[Claim], language: str) -> Result:
    """The claims as the table that opens a chapter, in one language."""
    rows = [
        {
            "claim": claim.say("claim", language),
            "strength": claim.strength,
            "evidence": claim.say("evidence", language),
            "not_claimed": claim.say("not_claimed", language),
            "changed": claim.say("changed", language),
        }
        for claim in claims
    ]
    name = f"claims_{claims[0].chapter}"
    return Result(name, pd.DataFrame(rows), words={"strength": "strength"}, topic="claims")
