"""Read questions for the forecast from a file, and refuse faulty ones with their row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

COLUMNS = ["geo_level", "province_code", "indicator", "as_of"]
#: The model looks no further: beyond, the nationwide curve is a guess.
LAST = pd.Timestamp(2035, 12, 31)


class QueryError(ValueError):
    """A question that cannot be answered; the message has a line for each faulty row."""


def read_date(text: str, where: str) -> pd.Timestamp:
    """Read a day as YYYY-MM-DD. Raises QueryError naming `where`."""
    try:
        return pd.to_datetime(str(text).strip(), format="%Y-%m-%d")
    except ValueError as error:
        raise QueryError(f"{where}: {text!r} is not a date: write it as 2025-12-31") from error


def read_queries(path: Path) -> pd.DataFrame:
    """Read a CSV file with the columns of COLUMNS; as_of becomes a date.

    Raises:
        QueryError: the file is not CSV, lacks a column, has no row, or a date cannot be read.
        OSError: the file cannot be opened.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise QueryError(f"{path.name}: not a CSV file in UTF-8: {error}") from error
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise QueryError(f"{path.name}: missing column(s): {', '.join(missing)}")
    if table.empty:
        raise QueryError(f"{path.name}: no questions: write one row for each")
    table = table.apply(lambda column: column.str.strip())
    return table.assign(as_of=_dates(table["as_of"], path.name))


def _dates(text: pd.Series, file: str) -> pd.Series:
    dates = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    faults = [
        f"{file}:{row}: as_of: {value!r}: not a date from 2009-12-31 to {LAST:%Y-%m-%d}, "
        "written as 2025-12-31"
        for row, (value, day) in enumerate(zip(text, dates, strict=True), start=2)
        if pd.isna(day) or not pd.Timestamp(2009, 12, 31) <= day <= LAST
    ]
    if faults:
        raise QueryError("\n".join(faults))
    return dates
