"""Load and validate the raw tables together; report every fault at once."""

from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
from pandera.errors import SchemaErrors

from analysis.facts import corrections as guarded
from analysis.facts import relations
from analysis.facts.schemas import SCHEMAS, columns
from analysis.facts.text import Fault, read_text
from analysis.paths import RAW

TABLES = tuple(SCHEMAS)
# Larger files are checked anew each time rather than kept in memory, in bytes.
_SMALL_FILE = 5_000_000
_DATES = {"facts": ["as_of"], "policy_events": ["date"]}
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

    `facts.as_of` and `policy_events.date` are datetimes; `sources.published` is kept as text,
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
    tables, faults = _validated(Path(raw_dir or RAW))
    if faults:
        raise RawDataError(faults)
    return Raw(**tables)


def check(raw_dir: str | PathLike[str] | None = None) -> list[Fault]:
    """Return every fault of the raw tables, sorted by file and row; empty when all is well."""
    return _validated(Path(raw_dir or RAW))[1]


def _validated(folder: Path) -> tuple[dict[str, pd.DataFrame], list[Fault]]:
    texts, faults, unreadable = {}, [], set()
    for table in TABLES:
        found, own = _own_faults(table, folder / f"{table}.csv")
        faults += own
        if found is None:
            unreadable.add(f"{table}.csv")
        texts[table] = _nothing(table) if found is None else found
    for table, text in texts.items():
        if len(text):
            faults += relations.faults(table, text, texts)
        elif f"{table}.csv" not in unreadable and table != "corrections":
            faults.append(Fault(f"{table}.csv", 0, "", "", "holds no rows"))
    if faults:
        return {}, sorted(_without_echoes(faults, unreadable))
    typed = {table: _typed(table, text) for table, text in texts.items()}
    return typed, guarded.unmatched(typed["facts"], typed["corrections"])


def _own_faults(table: str, path: Path) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Return the text of one table and the faults that can be seen without the other tables."""
    if not path.is_file():
        return None, [Fault(path.name, 0, "", "", "the file is missing; restore it from git")]
    content = path.read_bytes()
    look = _remembered if len(content) <= _SMALL_FILE else _read_and_check
    text, faults = look(table, path.name, content)
    return text, list(faults)


def _read_and_check(
    table: str, file: str, content: bytes
) -> tuple[pd.DataFrame | None, list[Fault]]:
    text, faults = read_text(file, content, columns(table))
    if text is not None and len(text):
        faults = faults + _schema_faults(table, text)
    return text, faults


# One process loads the same tables many times (notebooks, tests): check each content once.
_remembered = lru_cache(maxsize=32)(_read_and_check)


def _nothing(table: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=str) for name in (*columns(table), "row")})


def _without_echoes(faults: list[Fault], unreadable: set[str]) -> set[Fault]:
    """Drop unknown keys that are only unknown because the file they refer to cannot be read."""
    echoes = tuple(f"of {file}" for file in unreadable)
    echoes += tuple(f"in {file}" for file in unreadable)
    return {fault for fault in faults if not echoes or not any(e in fault.message for e in echoes)}


def _schema_faults(table: str, text: pd.DataFrame) -> list[Fault]:
    try:
        SCHEMAS[table].validate(text, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        return [
            Fault(
                f"{table}.csv",
                int(text["row"].iloc[int(case.index)]),
                str(case.column),
                str(case.failure_case),
                str(case.check),
            )
            for case in cases.itertuples(index=False, name="Case")
        ]
    return []


def _typed(table: str, text: pd.DataFrame) -> pd.DataFrame:
    typed = text.astype(_NUMBERS.get(table, {}))
    for column in _DATES.get(table, []):
        typed[column] = pd.to_datetime(typed[column], format="%Y-%m-%d")
    if table == "sources":
        typed["published_on"] = last_day(typed["published"])
    return typed


def last_day(published: pd.Series) -> pd.Series:
    """Return the last day that a year, month or day allows; no date stays missing."""
    start = pd.to_datetime(published, format="ISO8601", errors="coerce")
    month_end = start + pd.offsets.MonthEnd(0)
    year_end = start + pd.offsets.YearEnd(0)
    length = published.str.len()
    return start.where(length == 10, month_end.where(length == 7, year_end))
