"""The workbook: every table of the report on a sheet of its own, with contents, units and notes.

The same tables give the same bytes: the creation date is fixed, and nothing depends on the clock.
Text is written as text whatever it begins with, so no cell of a source can become a formula.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from analysis import paths
from analysis.country import geography
from analysis.figures import brief as brief_figures
from analysis.findings import overview
from analysis.findings.brief import (
    WHOLE,
    Brief,
    Tables,
    brief,
    former_units,
    present_units,
    unit_code,
)
from analysis.report import wording
from analysis.report.describe import described, schemas
from analysis.report.results import Result
from analysis.report.wording import say
from analysis.site.front import Figures
from analysis.site.page import brief_file, unit_label
from analysis.site.pdf import brief_paper, brief_pdf, country_paper, country_pdf
from analysis.site.word import brief_docx, country_docx
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE

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


def workbook(
    sheets: Sequence[Sheet], language: str, stamp: str = "", day: dt.datetime = _FIXED_DAY
) -> bytes:
    """Return the workbook as bytes.

    Args:
        sheets: the tables in the order of the contents.
        language: ``en`` or ``vi``; headings and words are in it, numbers stay numbers.
        stamp: when the forecast was made; stands in the contents and at the foot of every sheet.
        day: the same as a date, for the properties of the file.

    Raises:
        ValueError: two sheets have one name, or a name is one that spreadsheets refuse.
    """
    own = [say("workbook.contents", language), say("workbook.fields", language)]
    _check_names([*own, *(sheet.name for sheet in sheets)])
    memory = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(memory, {**options, "nan_inf_to_errors": False})
    title = say("site.name", language)
    book.set_properties({"title": title, "created": day, "author": "", "comments": ""})
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
        """Return the format of a type of :func:`analysis.report.wording.write`."""
        code = people_format(spec) if people else number_format(spec)
        if code not in self._numbers:
            self._numbers[code] = self.book.add_format({"num_format": code})
        return self._numbers[code]


def number_format(spec: str) -> str:
    """Return the spreadsheet's number format for a type of :func:`analysis.report.wording.write`.

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


# --------------------------------------------------------------------------------------------------
# What stands beside the pages for print, editing and spreadsheets: PDF, Word and the workbook.
# --------------------------------------------------------------------------------------------------

#: Of a forecast's 99 percentiles a sheet shows these; nobody reads a sheet of 116 columns.
_PERCENTILES = {f"q0.{percent:02}" for percent in (5, 10, 25, 50, 75, 90, 95)}
_PERCENTILE = re.compile(r"q0\.\d\d")
_ISO_DAY = r"\d{4}-\d{2}-\d{2}"
_MOST_ROWS = 100_000
_LONGEST_NAME = 31


#: Work that makes files, by their path below the folder of the report.
Part = Callable[[], dict[str, bytes]]


def parts(
    tables: Tables | None,
    figures: Mapping[str, Figures | None],
    files: Mapping[str, bytes],
    course: overview.Course | None = None,
) -> list[Part]:
    """Return the work for PDF and Word of each brief and of the country, and for the workbooks.

    Each part may be done apart from the others; it makes files by their path below the report.

    Args:
        tables: the tables of the forecasts; without them there are only the workbooks.
        figures: the figures of the front page, by language.
        files: the files of the site so far; PDF and Word show the pictures of a brief's page.
        course: what came of the last targets and is forecast for later ones.
    """
    made: list[Part] = [partial(_workbook, tables, language) for language in figures]
    if tables is None:
        return made
    for language, drawn in figures.items():
        if drawn is not None:
            made.append(partial(_country, tables, drawn, language))
    units = [unit_code(*unit) for unit in [*present_units(), *former_units()]]
    for code in [geography.COUNTRY, *units]:
        made.append(partial(_briefs, code, tables, files, list(figures), course))
    return made


def _workbook(tables: Tables | None, language: str) -> dict[str, bytes]:
    return {
        f"{language}/tables.xlsx": workbook(
            sheets(tables, language),
            language,
            _stamp(tables, language),
            _FIXED_DAY if tables is None else tables.origin.to_pydatetime(),
        )
    }


def _stamp(tables: Tables | None, language: str) -> str:
    if tables is None:
        return ""
    return " ".join(say(key, language, **values) for key, values in overview.stamp(tables))


def _country(tables: Tables, figures: Figures, language: str) -> dict[str, bytes]:
    paper = country_paper(tables, *figures, language)
    return {
        f"{language}/viet_nam.pdf": country_pdf(paper),
        f"{language}/viet_nam.docx": country_docx(paper),
    }


def _briefs(
    code: str,
    tables: Tables,
    files: Mapping[str, bytes],
    languages: Sequence[str],
    course: overview.Course | None,
) -> dict[str, bytes]:
    """Set the brief of a unit in each language in which it has a page."""
    there = [one for one in languages if f"{one}/{brief_file(code)}" in files]
    if not there:
        return {}
    one = brief(code, tables)
    made = {}
    for language in there:
        paper = brief_paper(one, tables, _pictures(one, files, language), language, course)
        made[f"{language}/{brief_file(code, 'pdf')}"] = brief_pdf(paper)
        made[f"{language}/{brief_file(code, 'docx')}"] = brief_docx(paper)
    return made


def _pictures(
    one: Brief, files: Mapping[str, bytes], language: str
) -> dict[str, tuple[bytes, str]]:
    """Return the pictures of a brief's page with the alt texts of the same results."""
    stem = f"{language}/files/{Path(brief_file(unit_code(one.level, one.code))).stem}"
    alts = {"forecast": brief_figures.fan_alt(one, language)}
    alts["place"] = one.standing.result.text(language)
    return {name: (files[f"{stem}_{name}.png"], alt) for name, alt in alts.items()}


#: The tables that readers ask for after the forecasts, and the names of their sheets.
_FIRST = {"readings": "readings", "targets": "targets", "late_payment_rates": "late"}
#: Columns of the sheets of forecasts, in the order in which they are read; keys come last.
_FORECASTS: tuple[str, ...] = ("name", "indicator", "value", "as_of", "q50", "q10", "q90", "target")
_FORECASTS += ("target_setter", "p_meets_reported", "verdict", "persons_month_50")
_FORECASTS += ("persons_month_80", "newer_target", "newer_announced", "official_q50")
_FORECASTS += ("p_meets_official", "grade", "region_name", "origin", "due")
_KEYS = ("geo_level", "province_code", "name_en")


def sheets(tables: Tables | None, language: str) -> list[Sheet]:
    """Return the sheets of the workbook in the order of need: forecasts first, research last."""
    made = []
    if tables is not None:
        country = [("country", geography.COUNTRY)]
        groups = {"sheet_34": present_units(), "sheet_63": former_units(), "sheet_country": country}
        for key, units in groups.items():
            name, title = say(f"workbook.{key}", language), say(f"workbook.{key}_title", language)
            made.append(Sheet(name, title, _forecasts(tables, units, language), keys=len(_KEYS)))
    there = [path.stem for path in sorted(Path(paths.PROCESSED).glob("*.csv"))]
    for stem in [*(one for one in _FIRST if one in there), *(o for o in there if o not in _FIRST)]:
        if stem not in schemas():
            continue
        table = paths.read_processed(f"{stem}.csv")
        if 0 < len(table) <= _MOST_ROWS:
            made.append(replace(_sheet(stem, table, language), research=stem not in _FIRST))
    return made


def _forecasts(tables: Tables, units: list[tuple[str, str]], language: str) -> Result:
    """Return forecasts as a sheet shows them: names, words, the keys at the far right."""
    whole = overview.provinces(tables, units)
    table = whole.table
    own = list(zip(table["geo_level"], table["province_code"], strict=True))
    table = table.assign(
        name=[unit_label(*unit, language) for unit in own],
        region_name=[geography.name(r, "region", language) if r else "" for r in table["region"]],
    )
    blank = table["verdict"].isin([NO_TARGET, NOT_ENOUGH_EVIDENCE])
    table["target_setter"] = table["target_setter"].fillna("")
    table.loc[blank, ["p_meets_reported", "p_meets_official"]] = float("nan")
    stamp = overview.stamp(tables)
    return replace(
        whole,
        name="forecasts_shown",
        table=table[[*_FORECASTS, *_KEYS]],
        phrases=[*stamp, ("workbook.forecasts_note", {})],
        formats={**whole.formats, **WHOLE} if units[0][0] == "country" else whole.formats,
        evidence={},
        hidden=(),
    )


def _sheet(name: str, table: pd.DataFrame, language: str) -> Sheet:
    """Return a table of data/processed as a sheet, described as in the data package."""
    what = described(name, language)
    title = say("workbook.table", language, name=name, title=what.title)
    left_out = [column for column in table.columns if _is_fine(column)]
    table = table.drop(columns=left_out)
    more = " " + say("workbook.percentiles", language, name=name) if left_out else ""
    result = Result(_plain(name), _dated(table), formats=_formats(table))
    sheet = Sheet(name[:_LONGEST_NAME], title, result, plain=True, note=what.description + more)
    fields = {column: what.fields[column] for column in table.columns if column in what.fields}
    return replace(sheet, units=what.units, fields=fields)


def _is_fine(column: str) -> bool:
    """Whether a column holds one of the percentiles that only the CSV file keeps."""
    return bool(_PERCENTILE.fullmatch(column)) and column not in _PERCENTILES


def _formats(table: pd.DataFrame) -> dict[str, str]:
    return {column: "date" for column in table.columns if _holds_days(table[column])}


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    days = {column: pd.to_datetime(table[column]) for column in _formats(table)}
    return table.assign(**days)


def _holds_days(column: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(column):
        return False
    known = column.dropna().astype(str)
    return len(known) > 0 and bool(known.str.fullmatch(_ISO_DAY).all())


def _plain(name: str) -> str:
    return "_".join(part for part in name.lower().split("_") if part)
