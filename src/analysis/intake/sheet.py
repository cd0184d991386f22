"""A filled-in template, CSV or XLSX, as a table of text with its row numbers."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import xlsxwriter

from analysis.country.indicators import INDICATORS
from analysis.facts import Fault, Raw
from analysis.facts.tables import BASES, DOUBTS, SETTERS, STANDINGS, WAYS_OF_READING
from analysis.facts.text import cell_message, clean, header_faults
from analysis.intake.workbook import (
    Grid,
    WorkbookError,
    columns_as_letters,
    other_kind,
    read_workbook,
)
from analysis.paths import write_atomic

# --------------------------------------------------------------------------------------------------
# The table that `analysis template` writes and `analysis add` reads.
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """One column of the template: whether it must be filled, and what belongs into it."""

    name: str
    needed: bool
    says: str


_COLUMNS = (
    Column("geo_level", True, "country, province_63 (until June 2025) or province_34 (after)"),
    Column("province_code", True, "code of the unit, two digits (sheet units)"),
    Column("province", False, "name; filled in from the code when left empty"),
    Column("indicator", True, "name of the indicator (sheet indicators)"),
    Column("basis", False, "how it was counted, where the source says so (sheet bases)"),
    Column("value", True, "the figure as published: digits and a decimal point, percent as 92.5"),
    Column("unit", False, "unit; filled in from the indicator when left empty"),
    Column("qualifier", False, "exact (when left empty), about, over or under"),
    Column("kind", False, "actual (when left empty) or target"),
    Column("as_of", True, "day that the figure describes, YYYY-MM-DD; for a target the due day"),
    Column("denominator", False, "what the source divides by, in its own words"),
    Column("note", False, "what a reader must know; prose, which decides nothing"),
    Column("setter", False, "needed for a target, who set it: government, province or agency"),
    Column("announced", False, "needed for a target, first day on which it was known, YYYY-MM-DD"),
    Column(
        "standing",
        False,
        "empty for a plain result; settled, provisional, estimate; plan for the draft of a target",
    ),
    Column("doubt", False, "what is not certain (sheet doubts); several joined by ;"),
    Column("versus", False, "for a change, the day that it is against, YYYY-MM-DD"),
    Column("source_id", False, "id of a source that sources.csv already holds, else leave empty"),
    Column("source_url", False, "address of the page or document (http or https)"),
    Column("source_title", False, "its title; needed for a new source"),
    Column("source_publisher", False, "who published it; needed for a new source"),
    Column("source_published", False, "YYYY-MM-DD, YYYY-MM or YYYY"),
    Column("source_language", False, "two letters; vi when left empty"),
    Column("source_retrieved", False, "day on which the page was read, YYYY-MM-DD"),
    Column("source_how", False, "live page or stored copy"),
)
NAMES = tuple(column.name for column in _COLUMNS)
#: Columns that templates of before November 2026 lack; their rows leave them empty.
LATER = (
    "setter", "announced", "standing", "doubt", "versus", "source_retrieved", "source_how"
)  # fmt: skip
SHEET = "facts"


def write_template(path: Path, raw: Raw) -> Path:
    """Write an empty template: CSV or XLSX, by the ending of the name.

    Raises:
        ValueError: the ending is neither; the file exists already.
    """
    if path.exists():
        raise ValueError(f"{path} exists already; choose another name")
    if path.suffix.lower() == ".csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(NAMES)
        return write_atomic(path, text.getvalue())
    if path.suffix.lower() == ".xlsx":
        return write_atomic(path, _workbook(raw))
    raise ValueError(f"{path}: the name has to end in .csv or .xlsx")


def _workbook(raw: Raw) -> bytes:
    """The sheet to fill in, with lists to choose from, and the lists as sheets of their own."""
    memory = io.BytesIO()
    book = xlsxwriter.Workbook(memory, {"in_memory": True})
    head = book.add_format({"bold": True, "bottom": 1})
    need = book.add_format({"bold": True, "bottom": 1, "bg_color": "#FFF2CC"})
    # Codes, dates and figures are text: a spreadsheet would turn 01 into 1 and 3/4 into a date.
    text = book.add_format({"num_format": "@"})
    sheet = book.add_worksheet(SHEET)
    for place, column in enumerate(_COLUMNS):
        sheet.write(0, place, column.name, need if column.needed else head)
        sheet.write_comment(0, place, column.says)
    sheet.set_column(0, len(_COLUMNS) - 1, 16, text)
    sheet.freeze_panes(1, 0)
    lists = _lists(raw)
    for name, rows in lists.items():
        _list_sheet(book.add_worksheet(name), rows, head)
    choices = {"geo_level": ["country", "province_63", "province_34"], "kind": ["actual", "target"]}
    choices |= {"setter": list(SETTERS), "standing": list(STANDINGS)}
    choices["source_how"] = list(WAYS_OF_READING)
    choices["qualifier"] = ["exact", "about", "over", "under"]
    for name, values in choices.items():
        place = NAMES.index(name)
        sheet.data_validation(1, place, 5000, place, {"validate": "list", "source": values})
    for name in ("indicator", "basis"):
        place, listed = NAMES.index(name), {"indicator": "indicators", "basis": "bases"}[name]
        source = f"={listed}!$A$2:$A${len(lists[listed])}"
        sheet.data_validation(1, place, 5000, place, {"validate": "list", "source": source})
    book.close()
    return memory.getvalue()


def _list_sheet(sheet: xlsxwriter.worksheet.Worksheet, rows: list[list[str]], head: object) -> None:
    for place, row in enumerate(rows):
        sheet.write_row(place, 0, row, head if place == 0 else None)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 3, 44)
    sheet.freeze_panes(1, 0)


def _lists(raw: Raw) -> dict[str, list[list[str]]]:
    units = [["geo_level", "province_code", "name_en", "name_vi"]]
    units.append(["country", "00", "Viet Nam", "Việt Nam"])
    old = raw.provinces[["province_code", "name_en", "name_vi"]]
    new = raw.provinces[["merged_code", "merged_name_en", "merged_name_vi"]].drop_duplicates()
    units += [["province_63", *row] for row in old.itertuples(index=False, name=None)]
    units += [["province_34", *row] for row in new.itertuples(index=False, name=None)]
    indicators = [["indicator", "unit", "name_en", "name_vi"]]
    indicators += [[one.name, one.unit, one.name_en, one.name_vi] for one in INDICATORS.values()]
    columns = [["column", "needed", "what belongs into it"]]
    columns += [[one.name, "yes" if one.needed else "", one.says] for one in _COLUMNS]
    bases = [["basis"], *([basis] for basis in BASES if basis)]
    lists = {"columns": columns, "units": units, "indicators": indicators, "bases": bases}
    return lists | {"doubts": [["doubt"], *([doubt] for doubt in DOUBTS)]}


#: A title and empty rows may stand above the heading, which is looked for in so many rows.
_ROWS_ABOVE = 40
#: A row with so many names of the template is its heading.
_NAMES_OF_HEADING = 4
_BREAK = re.compile(r"\s*[\r\n\v\f\u2028\u2029]+\s*")
_DAY = re.compile(r"\d{4}-\d\d(-\d\d)?")
#: How a row of totals begins.
_TOTAL = re.compile(r"\W*(tổng( số| cộng|\b)|cộng\b|total\b|sum\b)", re.IGNORECASE)
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LARGEST_FILE = 200_000_000


class IntakeError(ValueError):
    """A file cannot be taken in. `faults` lists every fault; the message has a line for each."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        lines = "\n".join(str(fault) for fault in faults)
        counted = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{counted}; nothing was written:\n{lines}")


@dataclass(frozen=True)
class Sheet:
    """A table as read, and what its reader should know.

    table: the template's columns as clean text, and `row`, the row in the file. faults: cells and
    rows that cannot be taken as they are; told together with the faults that a comparison with the
    raw tables finds. percent: rows whose value is shown with a percent sign. remarks: sentences on
    hidden rows and the like.
    """

    table: pd.DataFrame
    faults: tuple[Fault, ...] = ()
    percent: frozenset[int] = frozenset()
    remarks: tuple[str, ...] = ()


def read_sheet(path: Path) -> Sheet:
    """Read the rows of a filled-in template.

    Separators of CSV files (commas, semicolons, tabs) and UTF-16 are told by the content, and a
    title may stand above the heading.

    Raises:
        IntakeError: the file is missing, is neither CSV nor XLSX, has other columns than the
            template, or has no rows. Faults of single rows are listed in the result.
    """
    if not path.is_file():
        raise IntakeError([Fault(path.name, 0, "", "", "the file is not there")])
    ending = path.suffix.lower()
    if path.stat().st_size > _LARGEST_FILE:
        message = f"is too large ({path.stat().st_size / 1e6:,.0f} MB)"
        raise IntakeError([Fault(path.name, 0, "", "", message)])
    content = path.read_bytes()
    if message := _wrong_kind(content, ending):
        raise IntakeError([Fault(path.name, 0, "", "", message)])
    try:
        is_package = content[:2] == b"PK"
        grid = read_workbook(content, SHEET) if is_package else _read_csv(path.name, content)
    except WorkbookError as error:
        raise IntakeError([Fault(path.name, 0, "", "", str(error))]) from error
    return _as_table(path.name, grid, strict=not is_package)


def _wrong_kind(content: bytes, ending: str) -> str:
    if message := other_kind(content, ending):
        return message
    if ending not in (".csv", ".xlsx"):
        return "is neither .csv nor .xlsx; save it as one of them"
    if not content.strip():
        return "is empty"
    if ending == ".xlsx" and content[:2] != b"PK":
        return "cannot be read as a workbook: it holds plain text; name it .csv if it is a CSV file"
    if ending == ".csv" and content[:2] == b"PK":
        return "is a workbook under another name; name it .xlsx"
    return ""


def _read_csv(file: str, content: bytes) -> Grid:
    """Read CSV text, whatever separates its cells; rows are numbered by their first line."""
    text = _decoded(file, content).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise IntakeError([Fault(file, row, "", "", "holds a zero byte; type the row again")])
    lines = text.split("\n")
    hint = re.fullmatch(r'"?sep=(.)"?[,;\t]*', lines[0].strip(" "), re.I)
    if hint:
        text = "\n".join(["", *lines[1:]])
    separator = hint[1] if hint else _separator(text)
    grid = Grid()
    rows = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    first = 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                grid.rows.append((first, cells))
            first = rows.line_num + 1
    except csv.Error as error:
        message = f"cannot be read as CSV from here on ({error}); check the quotation marks"
        raise IntakeError([Fault(file, max(rows.line_num, 1), "", "", message)]) from error
    if separator != ",":
        name = _SEPARATORS.get(separator, separator)
        grid.remarks.append(f"The cells of {file} are separated by {name}.")
    return grid


def _decoded(file: str, content: bytes) -> str:
    """The text of a file in UTF-8 or UTF-16; another encoding cannot be told for certain."""
    sample = content[:2000]
    encoding = "utf-8-sig"
    if content[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        encoding = "utf-32"
    elif content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif len(sample) > 8 and sample[1::2].count(0) > 0.4 * len(sample[1::2]) and sample[0]:
        encoding = "utf-16-le"
    elif len(sample) > 8 and sample[0::2].count(0) > 0.4 * len(sample[0::2]) and sample[1]:
        encoding = "utf-16-be"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            message = "is UTF-16 and damaged; save it as CSV UTF-8"
            raise IntakeError([Fault(file, 0, "", "", message)]) from error
        row = content.count(b"\n", 0, error.start) + 1
        found = repr(content[error.start : error.start + 8])[2:-1]
        message = "is not UTF-8 (wrong encoding); save the file as CSV UTF-8"
        raise IntakeError([Fault(file, row, "", found, message)]) from error


def _separator(text: str) -> str:
    """The sign that splits a line of the first ones into the most names of the template."""
    lines = text.split("\n", _ROWS_ABOVE + 1)[:_ROWS_ABOVE]
    names = {sign: max((_known(line.split(sign)) for line in lines), default=0)
             for sign in _SEPARATORS}  # fmt: skip
    return max(names, key=lambda sign: names[sign])


def _named(cell: str) -> str:
    """A name of a column in its usual spelling: "Geo level" is geo_level."""
    bare = unicodedata.normalize("NFKC", cell).strip().strip('"*:').strip().lower()
    name = re.sub(r"[\s\-]+", "_", bare)
    return name if name in NAMES else _BREAK.sub(" ", cell).strip()


def _known(cells: list[str]) -> int:
    return len({name for name in map(_named, cells) if name in NAMES})


def _as_table(file: str, grid: Grid, strict: bool) -> Sheet:
    """Send the cells through the reader of raw tables, so that all obey the same rules."""
    row, heading = _heading(file, grid)
    remarks = list(grid.remarks)
    above = [number for number, _ in grid.rows if number < row]
    if above:
        remarks.append(f"The heading was found in row {row}; what stands above it was passed over.")
    body = [(number, cells) for number, cells in grid.rows if number > row]
    width = _width(heading, body, strict)
    heading = [heading[at] if at < len(heading) else "" for at in range(width)]
    remarks += _hidden(grid, heading, row)
    faults = [Fault(file, number, heading[at] if at < width else columns_as_letters([at]),
                    text, message)
              for number, at, text, message in grid.faults
              if number > row and not (heading[at : at + 1] == ["value"] and _DAY.fullmatch(text))
              ]  # fmt: skip
    faults += _merged(file, grid, heading, row)
    kept: list[tuple[int, list[str]]] = []
    for number, cells in body:
        found, whole = _checked_row(file, number, cells, heading, strict)
        faults += found
        if whole is not None:
            kept.append((number, whole))
    table, more = _read_rows(file, row, heading, kept)
    spoken_for = {(fault.row, fault.column) for fault in faults}
    faults += [fault for fault in more if (fault.row, fault.column) not in spoken_for]
    if table is not None and not body:
        faults.append(Fault(file, 0, "", "", "holds no rows; fill in the template first"))
    if table is None or table.empty:
        raise IntakeError(sorted(set(faults)))
    place = heading.index("value")
    faults += [Fault(file, number, "value", cells[place], "is a day: programs make one of 3/5 or "
                     "3.5; type the figure again, in a cell formatted as text")
               for number, cells in kept if _DAY.fullmatch(cells[place])]  # fmt: skip
    percent = frozenset(number for number, at in grid.percent if at == place)
    signed = {number for number, cells in kept if "%" in cells[place]}
    return Sheet(table, tuple(sorted(set(faults))), percent | signed, tuple(remarks))


def _heading(file: str, grid: Grid) -> tuple[int, list[str]]:
    """The row that names the columns, and its names; cells merged downwards count in each row."""
    rows = dict(grid.rows)
    for first, last, left, _ in grid.merged:
        top = rows.get(first, [])
        if last > first and last - first < _ROWS_ABOVE and left < len(top) and top[left]:
            for number in range(first + 1, last + 1):
                cells = rows.get(number, [])
                if _named(top[left]) in NAMES and _known(cells):
                    cells = [*cells, *[""] * (left + 1 - len(cells))]
                    cells[left] = cells[left] or top[left]
                    rows[number] = cells
    numbers = sorted(rows)[:_ROWS_ABOVE]
    best = max(numbers, key=lambda number: _known(rows[number]), default=0)
    if not best or _known(rows[best]) < _NAMES_OF_HEADING:
        message = (
            f"no row holds the names of the columns ({', '.join(NAMES[:4])}, ...); "
            "fill in the file that `analysis template` writes"
        )
        raise IntakeError([Fault(file, 0, "", "", message)])
    return best, [_named(cell) for cell in rows[best]]


def _width(heading: list[str], body: list[tuple[int, list[str]]], strict: bool) -> int:
    """How many columns hold anything. In CSV text the heading says it, empty cells or not."""
    width = len(heading)
    if not strict:
        width = max([width, *(len(cells) for _, cells in body)])
    while width and not (heading[width - 1 : width] or [""])[0]:
        if any(cells[width - 1 : width] not in ([], [""]) for _, cells in body):
            break
        width -= 1
    return width


def _hidden(grid: Grid, heading: list[str], row: int) -> list[str]:
    remarks = []
    if rows := [number for number in grid.hidden_rows if number > row]:
        shown = ", ".join(map(str, rows[:12])) + (", ..." if len(rows) > 12 else "")
        many = "Row {} is" if len(rows) == 1 else "Rows {} are"
        remarks.append(many.format(shown) + " hidden in the sheet and taken all the same.")
    filled = [
        at
        for at in grid.hidden_columns
        if at < len(heading)
        and heading[at]
        and any(cells[at : at + 1] not in ([], [""]) for n, cells in grid.rows if n > row)
    ]
    if filled:
        names = ", ".join(heading[at] for at in filled)
        remarks.append(f"Hidden in the sheet and taken all the same: the column(s) {names}.")
    return remarks


def _merged(file: str, grid: Grid, heading: list[str], row: int) -> list[Fault]:
    """A cell merged with others shows one value for all, and holds it for the first alone."""
    filled = dict(grid.rows)
    return [
        Fault(file, first, heading[left] if left < len(heading) else "",
              filled[first][left], f"is merged down to row {last}; undo it and fill in every cell"
              if last > first else "is merged with the cell beside it; undo it")
        for first, last, left, _ in grid.merged
        if first > row and first in filled and filled[first][left : left + 1] not in ([], [""])
    ]  # fmt: skip


def _checked_row(
    file: str, number: int, cells: list[str], heading: list[str], strict: bool
) -> tuple[list[Fault], list[str] | None]:
    """The faults of a row that come from its form, and its cells, one a column and in one line."""
    width = len(heading)
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    if strict and len(cells) != width:
        said = ",".join(cells)[:60]
        message = f"has {len(cells)} cells where the heading has {width}; "
        return [Fault(file, number, "", said, message + "quote cells with a separator")], None
    cells = [*cells, *[""] * (width - len(cells))][:width]
    faults = []
    for at, cell in enumerate(cells):
        if _BREAK.search(cell.strip()):
            message = "a cell holds a line break; write it in one line"
            faults.append(Fault(file, number, heading[at], cell, message))
        cells[at] = _BREAK.sub(" ", cell.strip())
    record = dict(zip(heading, cells, strict=True))
    needed = [column for column in _COLUMNS if column.needed]
    empty = [column for column in needed if column.name in record and not record[column.name]]
    named = [record.get(name, "") for name in ("geo_level", "province_code", "province")]
    totalled = any(_TOTAL.match(unicodedata.normalize("NFC", cell)) for cell in named)
    if len(empty) >= len(needed) - 1 or (empty and totalled):
        said = next((cell for cell in cells if cell), "")
        column = next((name for name, cell in record.items() if cell), "")
        message = "is no row of the table (a note or a total?); delete it"
        return [Fault(file, number, column, said, message)], None
    faults += [Fault(file, number, column.name, "", f"is empty; {column.says}") for column in empty]
    return faults, cells


def _read_rows(
    file: str, row: int, heading: list[str], kept: list[tuple[int, list[str]]]
) -> tuple[pd.DataFrame | None, list[Fault]]:
    """The cells as a table, cleaned and judged as those of the raw tables are."""
    wanted = tuple(name for name in NAMES if name in heading or name not in LATER)
    faults = [Fault(f.file, row, f.column, f.value, f.message)
              for f in header_faults(file, heading, wanted)]  # fmt: skip
    if faults:
        return None, faults
    cleaned = [[clean(cell) for cell in cells] for _, cells in kept]
    for (number, _), cells in zip(kept, cleaned, strict=True):
        wrong = [(at, message) for at, cell in enumerate(cells) if (message := cell_message(cell))]
        faults += [Fault(file, number, heading[at], cells[at], said) for at, said in wrong]
    place = heading.index("province_code")
    for cells in cleaned:
        # A code typed as a number has lost its zero.
        cells[place] = re.sub(r"^(\d)$", r"0\1", cells[place])
    columns = {name: [cells[heading.index(name)] for cells in cleaned] for name in wanted}
    table = pd.DataFrame(columns, dtype=str).reindex(columns=list(NAMES), fill_value="")
    table["row"] = [number for number, _ in kept]
    return table, faults
