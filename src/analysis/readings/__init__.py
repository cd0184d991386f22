"""Facts to readings: one accepted, interval-valued figure a unit, indicator, basis and date."""

from dataclasses import dataclass

import pandas as pd

from analysis.facts import Raw, corrected
from analysis.readings import conflicts, derived, identities
from analysis.readings.census import census_base
from analysis.readings.evidence import KEY, describe
from analysis.readings.naming import reading_ids
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
    "known_on",
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
            `known_on` is the latest date that a fact behind the reading describes: a level
            computed from the next year's change is not known before that year's date.
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
    accepted["denominator_version"] = census_base(accepted, raw)
    published = accepted.assign(
        kind_of_evidence="published", derived_from="", known_on=accepted["as_of"]
    )
    published["reading_id"] = reading_ids(published)
    computed = derived.derive(published, described, raw)
    readings = pd.concat([published[COLUMNS], computed[COLUMNS]], ignore_index=True)
    readings = readings.sort_values([*KEY], ignore_index=True)
    checked = identities.check(readings, raw)
    return ReadingTables(readings, candidates, checked, _funnel(raw, facts, actual, readings))


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
