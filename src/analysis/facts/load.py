"""Load and validate the raw tables together; report every fault at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from pandera.errors import SchemaErrors

from analysis.facts import corrections as guarded
from analysis.facts import plausible
from analysis.facts.tables import SCHEMAS, columns, last_day, where
from analysis.facts.text import Fault, read_text
from analysis.paths import RAW

# --------------------------------------------------------------------------------------------------
# Checks that need more than one cell: keys, duplicates, references, and the sizes of figures.
# --------------------------------------------------------------------------------------------------

_KEYS = {
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
_NEEDS = {
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
    "facts": lambda facts: plausible.value_faults(facts) + plausible.said_faults(facts),
    "sources": plausible.source_faults,
    "provinces": plausible.province_faults,
    "adjacency": plausible.adjacency_faults,
    "population": plausible.population_faults,
    "covariates": plausible.covariate_faults,
    "policy_events": plausible.event_faults,
    "corrections": plausible.correction_faults,
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


def _faults(table: str, frame: pd.DataFrame, known: dict[str, pd.DataFrame]) -> list[Fault]:
    """Return the faults of one table that need the tables of `_NEEDS` too.

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
        found += plausible.name_faults(frame, known["provinces"])
        found += plausible.unit_of_the_day_faults(frame, known["provinces"])
        found += plausible.related_faults(frame, known)
    return found


def _duplicates(table: str, frame: pd.DataFrame) -> list[Fault]:
    keys = _KEYS[table]
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


TABLES = tuple(SCHEMAS)
# Larger files are checked anew each time rather than kept in memory, in bytes.
_SMALL_FILE = 5_000_000
_FEW_VALUES = 20_000
_DATES = {"facts": ["as_of", "announced", "versus"], "policy_events": ["date"]}
_NUMBERS: dict[str, dict[str, Any]] = {
    "facts": {"value": float, "transcriptions": int},
    "provinces": dict.fromkeys(["tile_row", "tile_col", "merged_tile_row", "merged_tile_col"], int),
    "population": {"year": int, "persons": int},
    "covariates": {"year": int, "value": float},
    "corrections": {"expected_value": float},
}


class RawDataError(ValueError):
    """The raw tables are faulty. `faults` lists every fault; the message has a line for each."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        lines = "\n".join(str(fault) for fault in faults)
        super().__init__(
            f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'} in the raw tables:\n{lines}"
        )


@dataclass(frozen=True)
class Raw:
    """The validated raw tables, typed; each has `row`, the line in its file.

    `facts.as_of`, `facts.announced` (of targets), `facts.versus` (of changes) and
    `policy_events.date` are datetimes; `sources.published` is kept as text,
    since some sources state a month or a year only, beside `published_on` (its last possible day).
    """

    facts: pd.DataFrame
    sources: pd.DataFrame
    provinces: pd.DataFrame
    policy_events: pd.DataFrame
    adjacency: pd.DataFrame
    population: pd.DataFrame
    covariates: pd.DataFrame
    covariate_sources: pd.DataFrame
    corrections: pd.DataFrame


def load_raw(raw_dir: str | PathLike[str] | None = None) -> Raw:
    """Load the raw tables (of data/raw unless another folder is given).

    Raises:
        RawDataError: with every fault of every file.
    """
    tables, faults = validated(_contents(Path(raw_dir or RAW)))
    if faults:
        raise RawDataError(faults)
    return Raw(**tables)


def check(raw_dir: str | PathLike[str] | None = None) -> list[Fault]:
    """Return every fault of the raw tables, sorted by file and row; empty when all is well."""
    return validated(_contents(Path(raw_dir or RAW)))[1]


def _contents(folder: Path) -> dict[str, bytes | None]:
    files = {table: folder / f"{table}.csv" for table in TABLES}
    return {table: path.read_bytes() if path.is_file() else None for table, path in files.items()}


def validated(
    contents: Mapping[str, bytes | None],
) -> tuple[dict[str, pd.DataFrame], list[Fault]]:
    """Return the typed tables, and every fault; the tables are missing where there is one.

    Args:
        contents: table -> content of its file, None where the file is missing.
    """
    read = {table: _read(table, contents[table]) for table in TABLES}
    texts = {t: _nothing(t) if text is None else text for t, (text, _) in read.items()}
    faults = [fault for _, own in read.values() for fault in own]
    unreadable = {f"{table}.csv" for table, (text, _) in read.items() if text is None}
    for table, text in texts.items():
        if len(text):
            faults += _relation_faults(table, contents, texts)
        elif f"{table}.csv" not in unreadable and table != "corrections":
            faults.append(Fault(f"{table}.csv", 0, "", "", "holds no rows"))
    if faults:
        return {}, sorted(_without_echoes(faults, unreadable))
    typed = {table: _typed(table, contents[table], text) for table, text in texts.items()}
    faults = _guard_faults(contents, typed)
    return ({} if faults else typed), faults


def _read(table: str, content: bytes | None) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Return the text of one table and the faults that can be seen without the other tables."""
    if content is None:
        message = "the file is missing; restore it from git"
        return None, [Fault(f"{table}.csv", 0, "", "", message)]
    look = _read_and_check if len(content) > _SMALL_FILE else _remembered_reading
    text, faults = look(table, content)
    return text, list(faults)


def _read_and_check(table: str, content: bytes) -> tuple[pd.DataFrame | None, list[Fault]]:
    text, faults = read_text(f"{table}.csv", content, columns(table))
    if text is not None and len(text):
        faults = faults + _schema_faults(table, text) + own_faults(table, text)
    return text, faults


def _relation_faults(
    table: str, contents: Mapping[str, bytes | None], texts: dict[str, pd.DataFrame]
) -> list[Fault]:
    if table not in _NEEDS:
        return []
    needed = [table, *_NEEDS[table]]
    if any(len(contents[name] or b"") > _SMALL_FILE for name in needed):
        return _faults(table, texts[table], texts)
    return list(_remembered_relations(table, tuple((name, contents[name]) for name in needed)))


# One process loads the same tables many times (notebooks, tests): check each content once.
_remembered_reading = lru_cache(maxsize=32)(_read_and_check)


@lru_cache(maxsize=32)
def _remembered_relations(
    table: str, contents: tuple[tuple[str, bytes | None], ...]
) -> tuple[Fault, ...]:
    texts = {name: _read(name, content)[0] for name, content in contents}
    known = {name: _nothing(name) if text is None else text for name, text in texts.items()}
    return tuple(_faults(table, known[table], known))


def _guard_faults(
    contents: Mapping[str, bytes | None], typed: dict[str, pd.DataFrame]
) -> list[Fault]:
    key = contents["facts"] or b"", contents["corrections"] or b""
    if max(map(len, key)) > _SMALL_FILE:
        return guarded.unmatched(typed["facts"], typed["corrections"])
    return list(_remembered_guard(*key))


@lru_cache(maxsize=16)
def _remembered_guard(facts: bytes, corrections: bytes) -> tuple[Fault, ...]:
    frames = _remembered_types("facts", facts), _remembered_types("corrections", corrections)
    return tuple(guarded.unmatched(*frames))


def _nothing(table: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=str) for name in (*columns(table), "row")})


def _without_echoes(faults: list[Fault], unreadable: set[str]) -> set[Fault]:
    """Drop unknown keys that are only unknown because the file they refer to cannot be read."""
    echoes = tuple(f"of {file}" for file in unreadable)
    echoes += tuple(f"in {file}" for file in unreadable)
    return {fault for fault in faults if not echoes or not any(e in fault.message for e in echoes)}


def _schema_faults(table: str, text: pd.DataFrame) -> list[Fault]:
    faults = []
    for column in columns(table):
        values = tuple(text[column].unique())
        look = _wrong_values if len(values) > _FEW_VALUES else _remembered_values
        wrong = look(table, column, values)
        for value, message in wrong:
            rows = text.loc[text[column] == value, "row"]
            faults += [Fault(f"{table}.csv", int(row), column, value, message) for row in rows]
    return faults


def _wrong_values(table: str, column: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the values that the contract of the column refuses, each with what is wrong."""
    distinct = pd.DataFrame({column: pd.Series(values, dtype=str)})
    try:
        SCHEMAS[table].columns[column].validate(distinct, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        return [(str(case.failure_case), str(case.check)) for case in cases.itertuples()]
    return []


# Many tables share most of a column with the one before: a new cell leaves the others as judged.
_remembered_values = lru_cache(maxsize=256)(_wrong_values)


def _typed(table: str, content: bytes | None, text: pd.DataFrame) -> pd.DataFrame:
    if content is None or len(content) > _SMALL_FILE:
        return _with_types(table, text)
    # A copy, since who asks for the tables may change them.
    return _remembered_types(table, content).copy()


@lru_cache(maxsize=16)
def _remembered_types(table: str, content: bytes) -> pd.DataFrame:
    text, _ = _read(table, content)
    return _with_types(table, _nothing(table) if text is None else text)


def _with_types(table: str, text: pd.DataFrame) -> pd.DataFrame:
    typed = text.astype(_NUMBERS.get(table, {}))
    for column in _DATES.get(table, []):
        # An empty cell (no target, no change) is no date.
        typed[column] = pd.to_datetime(typed[column].replace("", None), format="%Y-%m-%d")
    if table == "sources":
        typed["published_on"] = last_day(typed["published"])
    return typed
