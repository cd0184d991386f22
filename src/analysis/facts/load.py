"""Load and validate the raw tables together; report every fault at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from pandera.errors import SchemaErrors

from analysis.facts import corrections as guarded
from analysis.facts import relations
from analysis.facts.dates import last_day
from analysis.facts.schemas import SCHEMAS, columns
from analysis.facts.text import Fault, read_text
from analysis.paths import RAW

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
        super().__init__(f"{len(faults)} fault(s) in the raw tables:\n{lines}")


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
        faults = faults + _schema_faults(table, text) + relations.own_faults(table, text)
    return text, faults


def _relation_faults(
    table: str, contents: Mapping[str, bytes | None], texts: dict[str, pd.DataFrame]
) -> list[Fault]:
    if table not in relations.NEEDS:
        return []
    needed = [table, *relations.NEEDS[table]]
    if any(len(contents[name] or b"") > _SMALL_FILE for name in needed):
        return relations.faults(table, texts[table], texts)
    return list(_remembered_relations(table, tuple((name, contents[name]) for name in needed)))


# One process loads the same tables many times (notebooks, tests): check each content once.
_remembered_reading = lru_cache(maxsize=32)(_read_and_check)


@lru_cache(maxsize=32)
def _remembered_relations(
    table: str, contents: tuple[tuple[str, bytes | None], ...]
) -> tuple[Fault, ...]:
    texts = {name: _read(name, content)[0] for name, content in contents}
    known = {name: _nothing(name) if text is None else text for name, text in texts.items()}
    return tuple(relations.faults(table, known[table], known))


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
