"""No figure is taken for another: each generated file is read rightly, or refused by its cell.

The files are what officials and other programs make: figures and days under many number formats,
typed with commas and dots, below titles, in other encodings and other orders of the columns.
"""

import csv
import datetime as dt
import io
import os
import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_files import STRICT, TRANSITIONAL, Typed, Writer, texts
from test_intake_add import NEW

from analysis.facts.tables import NUMBER_FORM, is_day
from analysis.intake.advice import days, figures
from analysis.intake.sheet import NAMES, IntakeError, Sheet, read_sheet

MORE = 10 if os.environ.get("ANALYSIS_FUZZ") else 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def read(folder, name: str, content: bytes) -> Sheet | IntakeError:
    path = folder / name
    path.write_bytes(content)
    try:
        return read_sheet(path)
    except IntakeError as error:
        return error


def refused(sheet: Sheet, row: int, column: str) -> bool:
    return any(fault.row == row and fault.column == column for fault in sheet.faults)


def cell(sheet: Sheet, row: int, column: str) -> str:
    return sheet.table.set_index("row").loc[row, column]


def right_or_refused(sheet: Sheet, row: int, column: str, truth: str) -> bool:
    """Whether a cell has been read as what is meant, or is or will be refused by its place."""
    if refused(sheet, row, column):
        return True
    if row not in set(sheet.table["row"]):
        return any(fault.row == row for fault in sheet.faults)
    text = cell(sheet, row, column)
    if column == "value":
        return re.fullmatch(NUMBER_FORM, text) is None or Decimal(text) == Decimal(truth)
    if column == "as_of":
        return not is_day(text) or text == truth
    return text == truth


# What a figure in percent may look like in a workbook: (what it holds, its format) for a figure
# that is meant, and whether it has to be read.
def as_percent(figure: Decimal, code: str) -> tuple[float, str]:
    return float(figure / 100), code


DECIMALS = st.integers(0, 2).flatmap(
    lambda places: st.integers(1, 100 * 10**places).map(lambda n: Decimal(n).scaleb(-places))
)
PERCENT_FORMATS = ["0.00%", "0.00 %", "#,##0.00%", "[Red]0.00%", '0.00%;-0.00%;"-"',
                   "[$-42A]0.00%", "0.00%_)", "??0.00%"]  # fmt: skip
PLAIN_FORMATS = ["General", "@", "0.00", "#,##0.00", "#.##", '0.00"%"', "0.00\\%", "0.00\\ \\%",
                 '_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)', "0.00;[Red]-0.00",
                 '0.00"%";\\-0.00"%"', "[Black]0.00", "[$-1042A]0.00"]  # fmt: skip
#: Formats under which a cell shows another figure than it holds, or words that change it.
MISLEADING = ["0", "0%", "0.0%", "#,##0,", "0.0,,", "# ?/?", "0.0E+00", '0.00" nghìn"',
              '0.00" triệu"', "0.00‰", '0.00"‰"', ";;;", '"95"', "[<1]0.00%;0.00", "0.00%;0.00",
              '[>=1]0.00;0.00"%"', "d/m/yyyy", "mmm-yy", "h:mm", "[h]:mm", "yyyy", "[$₫-42A]0.00",
              '0.00"x100"', '0"5"', "0.00\\k"]  # fmt: skip


@st.composite
def shown_percent(draw):
    """A figure, the cell that shows it, and whether nothing about it is doubtful."""
    figure = draw(DECIMALS)
    way = draw(st.sampled_from(["percent", "plain", "misleading", "text", "formula"]))
    if way == "percent":
        return figure, Typed(*as_percent(figure, draw(st.sampled_from(PERCENT_FORMATS)))), True
    if way == "plain":
        return figure, Typed(float(figure), draw(st.sampled_from(PLAIN_FORMATS))), True
    if way == "misleading":
        return figure, Typed(float(figure), draw(st.sampled_from(MISLEADING))), False
    if way == "formula":
        return figure, Typed(float(figure), "0.00", "B2/C2*100"), False
    point = f"{figure:f}"
    comma = point.replace(".", ",")
    typed = draw(
        st.sampled_from([point, comma, f"{point}%", f"{comma} %", f" {point} ", f"~{point}"])
    )
    return figure, Typed(typed), typed.strip() == point


@settings(max_examples=500 * MORE)
@given(shown_percent(), st.integers(0, 3), st.booleans())
def test_a_figure_is_what_the_cell_shows_or_is_refused(folder, shown, above, inline):
    figure, typed, sure = shown
    heading, first = above + 1, above + 2
    row = texts(NEW | {"value": ""})
    row[NAMES.index("value")] = typed
    rows = {heading: texts(dict(zip(NAMES, NAMES, strict=True))), first: row}
    if above:
        rows[1] = [Typed("BÁO CÁO SỐ LIỆU BHYT NĂM 2024")]
    sheet = read(folder, "a.xlsx", Writer(inline=inline).workbook(rows))
    assert isinstance(sheet, Sheet), sheet
    if sure:
        assert not sheet.faults and Decimal(cell(sheet, first, "value")) == figure
    elif typed.code == "General" or typed.formula:
        assert right_or_refused(sheet, first, "value", f"{figure:f}")
    else:
        assert _shows(sheet, first, typed)


def _shows(sheet: Sheet, row: int, typed: Typed) -> bool:
    """Whether a cell of a misleading format is refused, or shows all that it holds after all."""
    if refused(sheet, row, "value") or not re.fullmatch(NUMBER_FORM, cell(sheet, row, "value")):
        return True
    held = Decimal(repr(typed.content))
    places = {"0": 0, "0%": 2, "0.0%": 3}.get(typed.code)
    if typed.code == "0.00%;0.00":
        return Decimal(cell(sheet, row, "value")) == held * 100
    if typed.code == "0.0E+00":
        return Decimal(f"{held:.1E}") == held == Decimal(cell(sheet, row, "value"))
    if places is None:
        return False
    rounded = held.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    times = 100 if "%" in typed.code else 1
    return rounded == held and Decimal(cell(sheet, row, "value")) == held * times


DAYS = st.dates(dt.date(2012, 1, 1), dt.date(2025, 12, 31))
DAY_FORMATS = ["dd/mm/yyyy", "m/d/yy", "yyyy-mm-dd", "[$-42A]d mmmm yyyy;@", "dd\\-mm\\-yyyy",
               'dd/mm/yyyy" (BHXH)"', "[$-F800]dddd, mmmm dd, yyyy", "dd.mm.yyyy hh:mm",
               '"ngày "dd" tháng "mm" năm "yyyy']  # fmt: skip
UNCLEAR_DAY_FORMATS = ["mmm-yy", "mm/yyyy", "yyyy", "d-mmm", "dddd", "h:mm", "General", "0.00",
                       "#,##0", "0.0%"]  # fmt: skip
WRITTEN_DAYS = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%Y/%m/%d",
                "%Y%m%d", "%d %B %Y", "%B %d, %Y", "ngày %d/%m/%Y", "%m/%Y", "%Y",
                "%Y-%m-%dT00:00:00", "%Y-%m-%d 00:00:00"]  # fmt: skip


@settings(max_examples=400 * MORE)
@given(DAYS, st.sampled_from([*DAY_FORMATS, *UNCLEAR_DAY_FORMATS, *WRITTEN_DAYS]), st.booleans())
def test_a_day_is_the_one_that_the_cell_shows_or_is_refused(folder, day, way, since_1904):
    truth = f"{day:%Y-%m-%d}"
    if way in WRITTEN_DAYS:
        typed = Typed(day.strftime(way))
    else:
        first = dt.date(1904, 1, 1) if since_1904 else dt.date(1899, 12, 30)
        typed = Typed(float((day - first).days), way)
    row = texts(NEW | {"as_of": ""})
    row[NAMES.index("as_of")] = typed
    rows = {1: texts(dict(zip(NAMES, NAMES, strict=True))), 2: row}
    sheet = read(folder, "b.xlsx", Writer(since_1904=since_1904).workbook(rows))
    assert isinstance(sheet, Sheet), sheet
    if way in DAY_FORMATS or way == "%Y-%m-%d":
        assert not sheet.faults and cell(sheet, 2, "as_of") == truth
    else:
        assert right_or_refused(sheet, 2, "as_of", truth)
        wrong = refused(sheet, 2, "as_of") or not is_day(cell(sheet, 2, "as_of"))
        assert wrong == (cell(sheet, 2, "as_of") != truth) or wrong


@settings(max_examples=300 * MORE)
@given(DAYS, st.sampled_from([*WRITTEN_DAYS[:12], "%d tháng %m năm %Y", "serial"]))
def test_the_day_meant_is_among_those_that_are_proposed(day, way):
    serial = (day - dt.date(1899, 12, 30)).days
    proposed = days(str(serial) if way == "serial" else day.strftime(way))
    if way == "%m/%Y":
        return
    assert f"{day:%Y-%m-%d}" in proposed
    if len(proposed) > 1:
        assert day.day <= 12 and day.month <= 12


def grouped(figure: Decimal, thousands: str, decimal: str) -> str:
    return f"{figure:,f}".translate(str.maketrans({",": thousands, ".": decimal}))


@settings(max_examples=400 * MORE)
@given(st.integers(0, 10**9), st.integers(0, 3), st.sampled_from([".,", ",.", " ,", " .", "'."]),
       st.sampled_from(["", "%", " %", " người", " đồng"]))  # fmt: skip
def test_the_figure_meant_is_among_those_that_are_proposed(number, places, marks, behind):
    figure = Decimal(number).scaleb(-places)
    proposed = figures(grouped(figure, *marks) + behind)
    assert figure in {Decimal(one) for one in proposed}
    assert all(re.fullmatch(r"-?\d+(\.\d+)?", one) for one in proposed)
    assert len(proposed) <= 2


def as_cp1258(text: str) -> bytes:
    """Vietnamese text of older Windows: the tone stands behind its letter."""
    for tone in "\u0300\u0301\u0303\u0309\u0323":
        for letter in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY":
            text = text.replace(unicodedata.normalize("NFC", letter + tone), letter + tone)
    return text.encode("cp1258")


@st.composite
def csv_files(draw):
    """A CSV file as programs save it; its rows by their numbers; whether it has to be read."""
    order = draw(st.permutations(NAMES))
    sign = draw(st.sampled_from([",", ";", "\t"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1258"]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    note = draw(
        st.sampled_from(["", "quyết toán", 'gồm "cả năm"', "a, b; c", "dòng một\ndòng hai"])
    )
    count = draw(st.integers(1, 4))
    rows = [NEW | {"value": f"{90 + n}.{n}", "note": note, "province": "Bến Tre"}
            for n in range(count)]  # fmt: skip
    text = io.StringIO()
    if draw(st.booleans()):
        text.write(f"sep={sign}\n")
    for _ in range(draw(st.integers(0, 2))):
        csv.writer(text, delimiter=sign, lineterminator="\n").writerow(["Báo cáo"] + [""] * 17)
    writer = csv.writer(text, delimiter=sign, lineterminator="\n")
    writer.writerow(order)
    where = {}
    for row in rows:
        if draw(st.integers(0, 3)) == 0:
            writer.writerow([""] * len(order))
        where[text.getvalue().count("\n") + 1] = row
        writer.writerow([row.get(name, "") for name in order])
    whole = text.getvalue().replace("\n", end)
    content = as_cp1258(whole) if encoding == "cp1258" else whole.encode(encoding)
    return content, where, encoding != "cp1258", "\n" in note


@settings(max_examples=300 * MORE)
@given(csv_files())
def test_a_csv_file_of_another_program_is_read_or_refused_in_one_line(folder, file):
    content, where, readable, broken = file
    found = read(folder, "c.csv", content)
    if not readable:
        assert isinstance(found, IntakeError) and len(found.faults) == 1
        assert "UTF-8" in str(found)
        return
    assert isinstance(found, Sheet), found
    assert list(found.table["row"]) == list(where)
    for row, meant in where.items():
        assert all(
            cell(found, row, name) == meant[name] for name in ("value", "as_of", "indicator")
        )
        assert refused(found, row, "note") == broken
    assert len(found.faults) == (len(where) if broken else 0)


@settings(max_examples=300 * MORE)
@given(
    st.sampled_from([TRANSITIONAL, STRICT]),
    st.sampled_from(["", "x", "ss"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(
        ["", "<fills><fill/></fills>", "<dxfs><dxf><font><b val='?'/></font></dxf></dxfs>"]
    ),
    st.integers(1, 4),
    st.sampled_from([(), (3,), (2, 4)]),
)
def test_a_workbook_of_another_program_is_read(
    folder, space, prefix, inline, places, styles, count, hidden
):
    writer = Writer(space, prefix, inline, places, "" if prefix else styles, hidden_rows=hidden)
    rows = {1: texts(dict(zip(NAMES, NAMES, strict=True)))}
    for n in range(count):
        rows[n + 2] = texts(NEW | {"note": f"hàng {n}", "province": "Bến Tre"})
        rows[n + 2][NAMES.index("value")] = Typed(90 + n / 10)
    sheet = read(folder, "d.xlsx", writer.workbook(rows))
    assert isinstance(sheet, Sheet) and not sheet.faults, sheet
    assert sheet.table["value"].astype(float).tolist() == [90 + n / 10 for n in range(count)]
    assert sheet.table["note"].tolist() == [f"hàng {n}" for n in range(count)]
    assert sheet.table["row"].tolist() == [n + 2 for n in range(count)]
    shown = [row for row in hidden if row <= count + 1]
    assert any("hidden" in remark for remark in sheet.remarks) == bool(shown)
    assert all(any(str(row) in remark for remark in sheet.remarks) for row in shown)


@settings(max_examples=500 * MORE)
@given(st.integers(0, 3000), st.binary(max_size=20), st.integers(0, 3000))
def test_a_damaged_workbook_is_read_rightly_or_refused_by_its_name(folder, at, piece, cut):
    rows = {1: texts(dict(zip(NAMES, NAMES, strict=True))), 2: texts(NEW)}
    whole = Writer().workbook(rows)
    damaged = whole[:at] + piece + whole[at + len(piece) :]
    found = read(folder, "e.xlsx", damaged if cut % 2 else damaged[: len(whole) - cut])
    if isinstance(found, IntakeError):
        assert all(fault.file == "e.xlsx" for fault in found.faults)
    else:
        # The names and texts of the cells are not checked by the archive where it was not packed.
        assert found.faults or len(found.table) == 1
