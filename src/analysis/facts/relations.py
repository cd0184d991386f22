"""Checks that need more than one cell: keys, duplicates, references, and the sizes of figures."""

from collections.abc import Callable

import pandas as pd

from analysis.facts import rules, series, sizes, units
from analysis.facts.cells import where
from analysis.facts.text import Fault

KEYS = {
    "facts": [
        "geo_level",
        "province_code",
        "indicator",
        "basis",
        "value",
        "qualifier",
        "kind",
        "as_of",
        "source_id",
    ],
    "sources": ["source_id"],
    "provinces": ["province_code"],
    "policy_events": ["date", "event"],
    "adjacency": ["code_a", "code_b"],
    "population": ["province_code", "year", "revision"],
    "covariates": ["province_code", "year", "covariate", "source_id"],
    "covariate_sources": ["source_id"],
    "corrections": ["correction_id"],
}

# The tables that the checks of a table look into.
NEEDS = {
    "provinces": ["provinces"],
    "facts": ["provinces", "sources", "population", "corrections"],
    "adjacency": ["provinces"],
    "population": ["provinces", "covariate_sources"],
    "covariates": ["provinces", "covariate_sources"],
    "corrections": ["sources"],
}

_PROVINCE = "is not a province code of provinces.csv (two digits, such as 01)"
_SOURCE = "is not a source of covariate_sources.csv"
# Table -> its column, the table and the column that it refers to, and what is said otherwise.
_REFERENCES = {
    "facts": [("source_id", "sources", "source_id", "is not a source of sources.csv")],
    "corrections": [("source_id", "sources", "source_id", "is not a source of sources.csv")],
    "provinces": [("merged_code", "provinces", "province_code", _PROVINCE)],
    "adjacency": [
        ("code_a", "provinces", "province_code", _PROVINCE),
        ("code_b", "provinces", "province_code", _PROVINCE),
    ],
    "population": [
        ("province_code", "provinces", "province_code", _PROVINCE),
        ("source_id", "covariate_sources", "source_id", _SOURCE),
    ],
    "covariates": [
        ("province_code", "provinces", "province_code", _PROVINCE),
        ("source_id", "covariate_sources", "source_id", _SOURCE),
    ],
}
_OWN: dict[str, Callable[[pd.DataFrame], list[Fault]]] = {
    "facts": lambda facts: sizes.value_faults(facts) + rules.said_faults(facts),
    "sources": rules.source_faults,
    "provinces": units.province_faults,
    "adjacency": units.adjacency_faults,
    "population": series.population_faults,
    "covariates": series.covariate_faults,
    "policy_events": rules.event_faults,
    "corrections": rules.correction_faults,
}


def own_faults(table: str, frame: pd.DataFrame) -> list[Fault]:
    """Return the faults of one table that need its other rows only.

    Args:
        table: name of the raw table.
        frame: its text, with `row`.
    """
    if frame.empty:
        return []
    found = _duplicates(table, frame)
    return found + (_OWN[table](frame) if table in _OWN else [])


def faults(table: str, frame: pd.DataFrame, known: dict[str, pd.DataFrame]) -> list[Fault]:
    """Return the faults of one table that need the tables of `NEEDS` too.

    Args:
        table: name of the raw table.
        frame: its text, with `row`.
        known: those tables, as text.
    """
    if frame.empty:
        return []
    found = []
    for column, other, key, message in _REFERENCES.get(table, []):
        unknown = ~frame[column].isin(set(known[other][key]))
        found += where(table, frame, unknown, column, message)
    if table == "facts":
        found += units.name_faults(frame, known["provinces"])
        found += units.unit_of_the_day_faults(frame, known["provinces"])
        found += sizes.related_faults(frame, known)
    return found


def _duplicates(table: str, frame: pd.DataFrame) -> list[Fault]:
    keys = KEYS[table]
    again = frame[frame.duplicated(keys)]
    if again.empty:
        return []
    first = frame.drop_duplicates(keys).set_index(keys)["row"]
    at = first.loc[list(again[keys].itertuples(index=False, name=None))] if len(keys) > 1 else None
    rows = first.loc[again[keys[0]]] if at is None else at
    return [
        Fault(f"{table}.csv", int(row), keys[0], str(value), f"repeats row {int(original)}")
        for row, value, original in zip(again["row"], again[keys[0]], rows, strict=True)
    ]
