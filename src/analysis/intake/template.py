"""The table that `analysis template` writes and `analysis add` reads."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter

from analysis.facts import Raw
from analysis.facts.schemas import BASES, DOUBTS, SETTERS, STANDINGS, WAYS_OF_READING
from analysis.indicators import INDICATORS
from analysis.paths import write_atomic


@dataclass(frozen=True)
class Column:
    """One column of the template: whether it must be filled, and what belongs into it."""

    name: str
    needed: bool
    says: str


COLUMNS = (
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
NAMES = tuple(column.name for column in COLUMNS)
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
    for place, column in enumerate(COLUMNS):
        sheet.write(0, place, column.name, need if column.needed else head)
        sheet.write_comment(0, place, column.says)
    sheet.set_column(0, len(COLUMNS) - 1, 16, text)
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
    columns += [[one.name, "yes" if one.needed else "", one.says] for one in COLUMNS]
    bases = [["basis"], *([basis] for basis in BASES if basis)]
    lists = {"columns": columns, "units": units, "indicators": indicators, "bases": bases}
    return lists | {"doubts": [["doubt"], *([doubt] for doubt in DOUBTS)]}
