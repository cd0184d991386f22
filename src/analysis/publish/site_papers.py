"""What stands beside the pages for print, editing and spreadsheets: PDF, Word and the workbook."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from analysis import geography, overview, paths
from analysis.brief import Brief, Tables, brief, unit_code
from analysis.brief.formats import WHOLE
from analysis.brief.tables import former_units, present_units
from analysis.datapackage import schemas
from analysis.descriptions import described
from analysis.figures import brief as brief_figures
from analysis.figures.style import Figure
from analysis.publish.pdf import brief_pdf, country_pdf
from analysis.publish.site_page import brief_file, unit_label
from analysis.publish.word import brief_docx, country_docx
from analysis.publish.workbook import Sheet, workbook
from analysis.results import Result
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE
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
    """Return the work for PDF and Word of each brief and of the country, and for the workbooks.

    Each part may be done apart from the others; it makes files by their path below the report.

    Args:
        tables: the tables of the forecasts; without them there are only the workbooks.
        figures: the figures of the front page, by language.
        files: the files of the site so far; PDF and Word show the pictures of a brief's page.
    """
    made: list[Part] = [partial(_workbook, tables, language) for language in figures]
    if tables is None:
        return made
    for language, drawn in figures.items():
        if drawn is not None:
            made.append(partial(_country, tables, drawn, language))
    units = [unit_code(*unit) for unit in [*present_units(), *former_units()]]
    for code in [geography.COUNTRY, *units]:
        made.append(partial(_briefs, code, tables, files, list(figures)))
    return made


def _workbook(tables: Tables | None, language: str) -> dict[str, bytes]:
    return {
        f"{language}/tables.xlsx": workbook(
            sheets(tables, language), language, _stamp(tables, language)
        )
    }


def _stamp(tables: Tables | None, language: str) -> str:
    if tables is None:
        return ""
    return " ".join(say(key, language, **values) for key, values in overview.stamp(tables))


def _country(tables: Tables, figures: Figures, language: str) -> dict[str, bytes]:
    return {
        f"{language}/viet_nam.pdf": country_pdf(tables, *figures, language),
        f"{language}/viet_nam.docx": country_docx(tables, *figures, language),
    }


def _briefs(
    code: str, tables: Tables, files: Mapping[str, bytes], languages: Sequence[str]
) -> dict[str, bytes]:
    """Set the brief of a unit in each language in which it has a page."""
    there = [one for one in languages if f"{one}/{brief_file(code)}" in files]
    if not there:
        return {}
    one = brief(code, tables)
    made = {}
    for language in there:
        pictures = _pictures(one, files, language)
        pdf = brief_pdf(one, tables, pictures, language)
        made[f"{language}/{brief_file(code, 'pdf')}"] = pdf
        made[f"{language}/{brief_file(code, 'docx')}"] = brief_docx(one, tables, pictures, language)
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
