"""Facts to readings: one accepted, interval-valued figure a unit, indicator, basis and date."""

from dataclasses import dataclass

import pandas as pd

from analysis.facts import Raw, corrected
from analysis.readings import conflicts, derived, identities
from analysis.readings.evidence import KEY, describe
from analysis.readings.statements import dated_once

COLUMNS = [
    "reading_id",
    *KEY,
    "value",
    "lower",
    "upper",
    "unit",
    "season",
    "denominator_version",
    "kind_of_evidence",
    "n_facts",
    "n_sources",
    "rule",
    "doubt",
    "facts",
    "derived_from",
    "sources",
]

__all__ = ["COLUMNS", "KEY", "ReadingTables", "build_readings", "reading_ids"]


@dataclass(frozen=True)
class ReadingTables:
    """The tables made from the facts.

    Attributes:
        readings: one row a (geo_level, province_code, indicator, basis, as_of); see `COLUMNS`.
        conflicts: all candidates of the keys for which different values were published.
        identities: sums and ratios that should hold, with their difference.
        funnel: how many facts and readings are left after each step.
    """

    readings: pd.DataFrame
    conflicts: pd.DataFrame
    identities: pd.DataFrame
    funnel: pd.DataFrame


def build_readings(raw: Raw) -> ReadingTables:
    """Turn the validated raw tables into readings.

    Raises:
        CorrectionError: a guarded correction matches no fact.
    """
    facts = corrected(raw)
    actual = dated_once(facts[facts["kind"] == "actual"])
    described = describe(actual, raw)
    accepted, candidates = conflicts.settle(described)
    published = accepted.assign(kind_of_evidence="published", derived_from="")
    published["reading_id"] = reading_ids(published)
    computed = derived.derive(published, described, raw)
    readings = pd.concat([published[COLUMNS], computed[COLUMNS]], ignore_index=True)
    readings = readings.sort_values([*KEY], ignore_index=True)
    checked = identities.check(readings, raw)
    return ReadingTables(readings, candidates, checked, _funnel(raw, facts, actual, readings))


def reading_ids(readings: pd.DataFrame) -> pd.Series:
    """Return stable names, such as province_63/14/hi_coverage/2023-12-31 (plus the basis)."""
    parts = [readings["geo_level"], readings["province_code"], readings["indicator"]]
    name = parts[0].str.cat(parts[1:], sep="/")
    name = name + "/" + readings["as_of"].dt.strftime("%Y-%m-%d")
    return name + readings["basis"].where(readings["basis"] == "", "/" + readings["basis"])


def _funnel(
    raw: Raw, facts: pd.DataFrame, actual: pd.DataFrame, readings: pd.DataFrame
) -> pd.DataFrame:
    """Return how many are left after each step: step, n, lost."""
    published = int((readings["kind_of_evidence"] == "published").sum())
    keys = int(actual.groupby(KEY).ngroups)
    steps = [
        ("facts", len(raw.facts), 0),
        ("after_corrections", len(facts), len(raw.facts) - len(facts)),
        ("actual_figures", len(actual), len(facts) - len(actual)),
        ("distinct_keys", keys, len(actual) - keys),
        ("published_readings", published, keys - published),
        ("derived_readings", len(readings) - published, 0),
        ("readings", len(readings), 0),
    ]
    return pd.DataFrame(steps, columns=["step", "n", "lost"])
