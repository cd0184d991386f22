"""A filled-in template, CSV or XLSX, as a table of text with its row numbers."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import pandas as pd

from analysis.facts import Fault
from analysis.facts.text import read_text
from analysis.intake.template import COLUMNS, LATER, NAMES, SHEET


class IntakeError(ValueError):
    """A file cannot be taken in. `faults` lists every fault; the message has a line for each."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        lines = "\n".join(str(fault) for fault in faults)
        super().__init__(f"{len(faults)} fault(s); nothing was written:\n{lines}")


def read_sheet(path: Path) -> pd.DataFrame:
    """Return the rows of a filled-in template: its columns as clean text, and `row`.

    Raises:
        IntakeError: the file is missing, is neither CSV nor XLSX, has other columns than the
            template, has no rows, or leaves a needed cell empty.
    """
    if not path.is_file():
        raise IntakeError([Fault(path.name, 0, "", "", "the file is not there")])
    if path.suffix.lower() == ".csv":
        table, faults = read_text(path.name, path.read_bytes(), NAMES, LATER)
    elif path.suffix.lower() == ".xlsx":
        table, faults = _read_workbook(path)
    else:
        message = "is neither .csv nor .xlsx; save it as one of them"
        table, faults = None, [Fault(path.name, 0, "", "", message)]
    if table is not None:
        faults = [*faults, *_empty_cells(path.name, table)]
    if faults or table is None:
        raise IntakeError(sorted(set(faults)))
    return table


def _empty_cells(file: str, table: pd.DataFrame) -> list[Fault]:
    if table.empty:
        return [Fault(file, 0, "", "", "holds no rows; fill in the template first")]
    return [
        Fault(file, int(row), column.name, "", f"is empty; {column.says}")
        for column in COLUMNS
        if column.needed
        for row in table.loc[table[column.name] == "", "row"]
    ]


def _read_workbook(path: Path) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Read the sheet `facts`, or the only one; cells become the text that the CSV would hold."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=False, data_only=False)
    except (InvalidFileException, BadZipFile, OSError, KeyError, ValueError) as error:
        fault = Fault(path.name, 0, "", "", f"cannot be read as a workbook ({error})")
        return None, [fault]
    if SHEET not in book.sheetnames and len(book.sheetnames) > 1:
        names = ", ".join(book.sheetnames)
        message = f"has no sheet {SHEET} (there are: {names})"
        return None, [Fault(path.name, 0, "", "", message)]
    sheet = book[SHEET] if SHEET in book.sheetnames else book[book.sheetnames[0]]
    rows = [[_text(cell) for cell in row] for row in sheet.iter_rows()]
    return _as_csv(path.name, rows)


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, dt.datetime | dt.date):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float | int) and not isinstance(value, bool):
        # A cell shown as 92.5% holds 0.925.
        number = round(100 * value, 9) if "%" in str(cell.number_format) else value
        return str(int(number)) if float(number).is_integer() else repr(float(number))
    return str(value)


def _as_csv(file: str, rows: list[list[str]]) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Send the cells through the reader of CSV files, so that both obey the same rules."""
    filled = [(place, row) for place, row in enumerate(rows, start=1) if any(row)]
    width = max((len(row) for _, row in filled), default=0)
    while width and not any(row[width - 1 : width] != [""] for _, row in filled):
        width -= 1
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(row[:width] for _, row in filled)
    table, faults = read_text(file, text.getvalue().encode(), NAMES, LATER)
    lines = {line: place for line, (place, _) in enumerate(filled, start=1)}
    if table is not None:
        table["row"] = table["row"].map(lines).astype(int)
        # A code typed as a number has lost its zero.
        table["province_code"] = table["province_code"].str.replace(r"^(\d)$", r"0\1", regex=True)
    return table, [
        Fault(f.file, lines.get(f.row, f.row), f.column, f.value, f.message) for f in faults
    ]
