"""What stands beside the pages for print and for spreadsheets: PDF and the workbook."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from analysis import geography, overview, paths
from analysis.brief import Brief, Tables, brief
from analysis.datapackage import schemas
from analysis.descriptions import described
from analysis.figures import brief as brief_figures
from analysis.figures.style import Figure
from analysis.publish.pdf import brief_pdf, country_pdf
from analysis.publish.site_page import brief_file
from analysis.publish.workbook import Sheet, workbook
from analysis.results import Result
from analysis.wording import say

#: Of a forecast's 99 percentiles a sheet shows these; nobody reads a sheet of 116 columns.
_PERCENTILES = {f"q0.{percent:02}" for percent in (5, 10, 25, 50, 75, 90, 95)}
_PERCENTILE = re.compile(r"q0\.\d\d")
_ISO_DAY = r"\d{4}-\d{2}-\d{2}"
_MOST_ROWS = 100_000
_LONGEST_NAME = 31

__all__ = ["parts", "sheets"]

#: Work that makes files, by their path below the folder of the report.
Part = Callable[[], dict[str, bytes]]
#: The tile maps, and the forecast of the country against its targets.
Figures = tuple[list[Figure], Figure]


def parts(
    tables: Tables | None, figures: Mapping[str, Figures | None], files: Mapping[str, bytes]
) -> list[Part]:
    """Return the work for the PDF of each brief and of the country, and for the workbooks.

    Each part may be done apart from the others; it makes files by their path below the report.

    Args:
        tables: the tables of the forecasts; without them there are only the workbooks.
        figures: the figures of the front page, by language.
        files: the files of the site so far; a brief's PDF shows the pictures of its page.
    """
    made: list[Part] = [partial(_workbook, tables, language) for language in figures]
    if tables is None:
        return made
    for language, drawn in figures.items():
        if drawn is not None:
            made.append(partial(_country, tables, drawn, language))
    for code in [geography.COUNTRY, *geography.codes("province_63")]:
        made.append(partial(_briefs, code, tables, files, list(figures)))
    return made


def _workbook(tables: Tables | None, language: str) -> dict[str, bytes]:
    return {f"{language}/tables.xlsx": workbook(sheets(tables, language), language)}


def _country(tables: Tables, figures: Figures, language: str) -> dict[str, bytes]:
    return {f"{language}/viet_nam.pdf": country_pdf(tables, *figures, language)}


def _briefs(
    code: str, tables: Tables, files: Mapping[str, bytes], languages: Sequence[str]
) -> dict[str, bytes]:
    """Set the brief of a unit in each language in which it has a page."""
    there = [one for one in languages if f"{one}/{brief_file(code)}" in files]
    if not there:
        return {}
    one = brief(code, tables)
    file = brief_file(code, "pdf")
    return {f"{language}/{file}": _brief(one, tables, files, language) for language in there}


def _brief(one: Brief, tables: Tables, files: Mapping[str, bytes], language: str) -> bytes:
    """Set a brief with the pictures of its page and the alt texts of the same results."""
    stem = f"{language}/files/{Path(brief_file(one.code)).stem}"
    alts = {"forecast": brief_figures.fan_alt(one, language)}
    alts["place"] = one.standing.result.text(language)
    pictures = {name: (files[f"{stem}_{name}.png"], alt) for name, alt in alts.items()}
    return brief_pdf(one, tables, pictures, language)


def sheets(tables: Tables | None, language: str) -> list[Sheet]:
    """Return the sheets of the workbook: the table of provinces, then every result table."""
    made = []
    if tables is not None:
        title = say("workbook.provinces", language)
        levels = ("country", "province_63", "province_34")
        made.append(Sheet("provinces", title, overview.provinces(tables, levels)))
    for path in sorted(Path(paths.PROCESSED).glob("*.csv")):
        if path.stem not in schemas():
            continue
        table = paths.read_processed(path.name)
        if 0 < len(table) <= _MOST_ROWS:
            made.append(_sheet(path.stem, table, language))
    return made


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
