"""The workbook: every table of the report on a sheet of its own, with contents, units and notes.

The same tables give the same bytes: the creation date is fixed, and nothing depends on the clock.
Text is written as text whatever it begins with, so no cell of a source can become a formula.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from analysis import wording
from analysis.results import Result
from analysis.wording import say

#: Any fixed day: a date of making would change the bytes of an unchanged workbook.
_FIXED_DAY = dt.datetime(2025, 1, 1)
_LONGEST_CELL = 32767
_WIDEST_COLUMN = 60
_LONGEST_FOOT = 240


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name (unique, at most 31 letters), what it holds, and the table.

    A plain sheet is a table of data/processed; its headings are the names of the columns, which
    the data package describes; `fields` says what each holds. Any other sheet is for people: its
    headings are in the language, rates and chances are percentages of the spreadsheet, and its
    last `keys` columns, which join it to the tables, are folded away. `research` marks the sheets
    that come after the divider of the contents.
    """

    name: str
    title: str
    result: Result
    plain: bool = False
    note: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    keys: int = 0
    research: bool = False


def workbook(sheets: Sequence[Sheet], language: str, stamp: str = "") -> bytes:
    """Return the workbook as bytes.

    Args:
        sheets: the tables in the order of the contents.
        language: ``en`` or ``vi``; headings and words are in it, numbers stay numbers.
        stamp: when the forecast was made; stands in the contents and at the foot of every sheet.

    Raises:
        ValueError: two sheets have one name, or a name is one that spreadsheets refuse.
    """
    own = [say("workbook.contents", language), say("workbook.fields", language)]
    _check_names([*own, *(sheet.name for sheet in sheets)])
    memory = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(memory, {**options, "nan_inf_to_errors": False})
    title = say("site.name", language)
    book.set_properties({"title": title, "created": _FIXED_DAY, "author": "", "comments": ""})
    styles = _Styles(book)
    _contents(book, sheets, styles, language, stamp)
    _fields(book, sheets, styles, language)
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        _write_sheet(page, sheet, styles, language)
        page.set_footer("&L&8" + stamp.replace("&", "&&")[:_LONGEST_FOOT])
    book.close()
    return memory.getvalue()


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if not 0 < len(name) <= 31 or any(sign in name for sign in "[]:*?/\\'"):
            raise ValueError(f"{name!r} cannot name a sheet")
    if len({name.lower() for name in names}) < len(names):
        raise ValueError("two sheets of the workbook have the same name")


class _Styles:
    """The few formats of the workbook, one of each number format."""

    def __init__(self, book: Workbook) -> None:
        self.book = book
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1, "bg_color": "#F3F6F9"}
        )
        self.note = book.add_format({"font_color": "#565F6B"})
        self.link = book.add_format({"font_color": "#00558F", "underline": 1})
        self._numbers: dict[str, Format] = {}

    def number(self, spec: str, people: bool = False) -> Format:
        """Return the format of a type of :func:`analysis.wording.write`."""
        code = people_format(spec) if people else number_format(spec)
        if code not in self._numbers:
            self._numbers[code] = self.book.add_format({"num_format": code})
        return self._numbers[code]


def number_format(spec: str) -> str:
    """Return the spreadsheet's number format for a type of :func:`analysis.wording.write`.

    Values of ``percent`` stay in percent (92.3 is shown as 92.3), as the heading says; shares and
    probabilities are shown as percent by the spreadsheet itself.
    """
    digits = int(spec[-1]) if spec[-1:].isdigit() else 0
    decimals = "." + "0" * digits if digits else ""
    kind = spec.rstrip("0123456789")
    return {
        "percent": f"0{decimals}",
        "printed": "0.0#",
        "goal": "0.0#",
        "share": f"0{decimals}%",
        "probability": "0%",
        "chance": "0%",
        "number": f"#,##0{decimals}",
        "signed": f"+0{decimals};-0{decimals};0",
        "integer": "#,##0",
        "rounded": "#,##0",
        "p_value": "0.000",
        "year": "0",
        "date": "yyyy-mm-dd",
        "short_date": "yyyy-mm-dd",
    }.get(kind, "General")


def people_format(spec: str) -> str:
    """Return the number format on a sheet for people: percentages, and days as they are written."""
    code = number_format(spec)
    if is_percent(spec):
        return code + "%" if spec.startswith("percent") else "0.0#%"
    if spec in _ENDS:
        low = _ENDS[spec]
        return f'[<{low / 100}]"<{low}%";[>{1 - low / 100}]">{100 - low}%";0%'
    return "dd/mm/yyyy" if code == "yyyy-mm-dd" else code


#: The percentage below which (and as far from 100 above which) a chance is not told apart.
_ENDS = {"probability": 1, "chance": 5}


def is_percent(spec: str) -> bool:
    """Whether a type holds percent, which a spreadsheet's percentage wants as a share."""
    return spec.rstrip("0123456789") in {"percent", "printed", "goal"}


def _contents(
    book: Workbook, sheets: Sequence[Sheet], styles: _Styles, language: str, stamp: str
) -> None:
    page = book.add_worksheet(say("workbook.contents", language))
    page.set_column(0, 0, 32)
    page.set_column(1, 1, 80)
    page.set_column(2, 2, 10)
    page.write_string(0, 0, say("site.name", language), styles.title)
    page.write_string(1, 0, say("workbook.notes", language), styles.note)
    page.write_string(2, 0, stamp, styles.note)
    heads = ("sheet", "holds", "rows")
    for column, head in enumerate(heads):
        page.write_string(3, column, say(f"workbook.{head}", language), styles.head)
    divided = False
    for row, sheet in enumerate(sheets, start=4):
        if sheet.research and not divided:
            page.write_string(row, 3, say("workbook.research", language), styles.note)
            divided = True
        page.write_url(row, 0, f"internal:'{sheet.name}'!A1", styles.link, sheet.name)
        page.write_string(row, 1, sheet.title)
        page.write_number(row, 2, len(sheet.result.table))
    page.freeze_panes(4, 0)


def _fields(book: Workbook, sheets: Sequence[Sheet], styles: _Styles, language: str) -> None:
    """Write what the columns of the plain sheets hold, one row a column."""
    page = book.add_worksheet(say("workbook.fields", language))
    page.write_string(0, 0, say("workbook.fields_title", language), styles.title)
    for column, (head, width) in enumerate(
        [("sheet", 32), ("column", 26), ("unit", 26), ("meaning", 100)]
    ):
        page.set_column(column, column, width)
        page.write_string(2, column, say(f"workbook.{head}", language), styles.head)
    listed = [(sheet, name, text) for sheet in sheets for name, text in sheet.fields.items()]
    for row, (sheet, name, text) in enumerate(listed, start=3):
        for column, cell in enumerate((sheet.name, name, sheet.units.get(name, ""), text)):
            page.write_string(row, column, cell)
    page.freeze_panes(3, 2)
    page.autofilter(2, 0, max(3, 2 + len(listed)), 3)


def _write_sheet(page: Worksheet, sheet: Sheet, styles: _Styles, language: str) -> None:
    """Write title, note, units, headings and rows; freeze all above the rows."""
    result = sheet.result
    page.write_string(0, 0, sheet.title, styles.title)
    note = sheet.note or result.text(language)
    page.write_string(1, 0, note[:_LONGEST_CELL], styles.note)
    columns = [*result.table.columns]
    heads = [
        one if sheet.plain else wording.heading(one, language, result.topic) for one in columns
    ]
    for place, (column, heading) in enumerate(zip(columns, heads, strict=True)):
        page.write_string(2, place, sheet.units.get(column, ""), styles.note)
        page.write_string(3, place, heading, styles.head)
        spec = result.formats.get(column, "text")
        share = not sheet.plain and is_percent(spec)
        cells = [round(one / 100, 8) if share else one for one in _values(result, column, language)]
        style = styles.number(spec, people=not sheet.plain)
        for row, value in enumerate(cells, start=4):
            if type(value) is not float:
                _write_cell(page, row, place, value, style)
            elif value == value:  # most cells by far: no further questions
                page.write_number(row, place, value, style)
        page.set_column(place, place, _width(heading, cells))
    page.freeze_panes(4, 1)
    last = 3 + len(result.table)
    if sheet.plain and len(result.table):
        page.autofilter(3, 0, last, len(columns) - 1)
    elif len(result.table):
        named = [{"header": head, "header_format": styles.head} for head in heads]
        look = {
            "columns": named,
            "style": "Table Style Light 1",
            "name": f"t_{result.name}_{page.index}",
        }
        page.add_table(3, 0, last, len(columns) - 1, look)
    if sheet.keys:
        first = len(columns) - sheet.keys
        page.set_column(first, len(columns) - 1, 12, None, {"level": 1, "hidden": True})
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, 0)
    page.repeat_rows(3)


def _values(result: Result, column: str, language: str) -> list[Any]:
    """Return the cells of a column; names are said in the language, the rest stays as it is."""
    if column in result.words:
        return [result.word(column, row, language) for row in range(len(result.table))]
    cells: list[Any] = result.table[column].tolist()
    return cells


def _write_cell(page: Worksheet, row: int, column: int, value: Any, style: Format) -> None:
    if value is None or value != value:
        return
    if isinstance(value, dt.date | pd.Timestamp):
        page.write_datetime(row, column, value, style)
    elif isinstance(value, bool):
        page.write_boolean(row, column, value)
    elif pd.api.types.is_number(value):
        page.write_number(row, column, float(value), style)  # type: ignore[arg-type]
    else:
        page.write_string(row, column, str(value)[:_LONGEST_CELL])


def _width(heading: str, cells: Sequence[Any]) -> float:
    longest = max([8, *(len(str(cell)) for cell in cells[:200])])
    return float(min(max(longest, len(heading) / 2) + 2, _WIDEST_COLUMN))
