"""Facts to readings: one accepted, interval-valued figure a unit, indicator, basis and date."""

from dataclasses import dataclass

import pandas as pd

from analysis.country import geography
from analysis.facts.corrections import corrected
from analysis.facts.load import Raw
from analysis.readings import conflicts, derived, identities
from analysis.readings.arithmetic import reading_ids
from analysis.readings.conflicts import expectations, left_out
from analysis.readings.derived import census_base
from analysis.readings.evidence import KEY, dated_once, describe

_COLUMNS = [
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

__all__ = [
    "COLUMNS",
    "KEY",
    "Published",
    "ReadingTables",
    "build_readings",
    "read_published",
    "reading_ids",
]


@dataclass(frozen=True)
class ReadingTables:
    """The tables made from the facts.

    Attributes:
        readings: one row a (geo_level, province_code, indicator, basis, as_of); see `_COLUMNS`.
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


@dataclass(frozen=True)
class Published:
    """The readings that were published, before any is derived.

    Attributes:
        facts: the corrected facts, targets included.
        described: the actual figures among them with what is known about each.
        readings: one row a key that the rules settle; candidates: see `conflicts.settle`.
    """

    facts: pd.DataFrame
    described: pd.DataFrame
    readings: pd.DataFrame
    candidates: pd.DataFrame


def build_readings(raw: Raw) -> ReadingTables:
    """Turn the validated raw tables into readings.

    Raises:
        CorrectionError: a guarded correction matches no fact.
    """
    published = read_published(raw)
    computed = derived.derive(published.readings, published.described, raw)
    readings = pd.concat([published.readings[_COLUMNS], computed[_COLUMNS]], ignore_index=True)
    readings = readings.sort_values([*KEY], ignore_index=True)
    checked = identities.check_identities(readings, raw)
    funnel = _funnel(raw, published, readings)
    return ReadingTables(readings, published.candidates, checked, funnel)


def read_published(raw: Raw) -> Published:
    """Accept one value a key from the facts, by the rules of `conflicts`.

    Raises:
        CorrectionError: a guarded correction matches no fact.
    """
    facts = corrected(raw)
    actual = geography.one_level(facts[facts["kind"] == "actual"], raw.provinces)
    described = describe(dated_once(actual), raw)
    hoped = expectations(described)
    accepted, candidates = conflicts.settle(described[~hoped])
    candidates = pd.concat([candidates, left_out(described[hoped])], ignore_index=True)
    candidates = candidates.sort_values([*KEY, "value", "fact"], ignore_index=True)
    accepted["denominator_version"] = census_base(accepted, raw)
    readings = accepted.assign(
        kind_of_evidence="published", derived_from="", known_on=accepted["as_of"]
    )
    readings["reading_id"] = reading_ids(readings)
    return Published(facts, described, readings, candidates)


def _funnel(raw: Raw, known: Published, readings: pd.DataFrame) -> pd.DataFrame:
    """Return how many are left after each step: step, n, lost."""
    facts, actual, published = known.facts, known.described, len(known.readings)
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
