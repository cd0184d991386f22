"""The sheet to take in of an .xlsx file, as the text that a person sees in its cells.

Read from the parts of the file themselves: a figure cannot be understood without the number format
of its cell (0.79 may be shown as 0.79% or as 79%) and without what is hidden, merged or computed,
and libraries give these up, or stop, at the styles of workbooks that other programs wrote. Fonts,
colours, pictures and macros are never looked at.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from posixpath import join, normpath
from typing import Any
from xml.etree import ElementTree

#: Template sheets that hold lists to choose from, not figures.
LISTS = ("columns", "units", "indicators", "bases", "doubts")
#: More filled rows than any table of figures has.
MOST_ROWS = 200_000
#: Bytes of an unpacked part that is read at once, and of a sheet, whose empty cells are left out.
_LARGEST_PART, _LARGEST_SHEET = 100_000_000, 2_000_000_000
_CHUNK = 8_000_000
# Only those that say where they stand: without a place, a cell is counted to know its column.
_EMPTY_CELL = re.compile(rb"<((?:\w+:)?c)(?=[^<>]* r=)[^<>]*(?:/>|>\s*</\1>)")
_EMPTY_ROW = re.compile(rb"<((?:\w+:)?row)(?=[^<>]* r=)[^<>]*(?:/>|>\s*</\1>)")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
#: Number formats that a file names without spelling them out.
_BUILT_IN = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%",
    11: "0.00E+00", 12: "# ?/?", 13: "# ??/??", 14: "d/m/yyyy", 15: "d-mmm-yy", 16: "d-mmm",
    17: "mmm-yy", 18: "h:mm", 19: "h:mm:ss", 20: "h:mm", 21: "h:mm:ss", 22: "d/m/yyyy h:mm",
    37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 41: "#,##0", 42: "#,##0",
    43: "#,##0.00", 44: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss", 48: "##0.0E+0",
    49: "@", **dict.fromkeys(range(27, 37), "yyyy/m/d"), **dict.fromkeys(range(50, 59), "yyyy/m/d"),
}  # fmt: skip
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]-]*)[^\]]*\]|\[(?![hms]+\])[^\]]*\]', re.I)
_CONDITION = re.compile(r"\[\s*[<>=]")
#: What may stand beside a figure without changing what it says.
_HARMLESS = re.compile(r"[\s%()+\-–.,:/]*")


class WorkbookError(ValueError):
    """A workbook cannot be read; the message says why and what to do, without the file's name."""


@dataclass
class Grid:
    """Cells as text, in the order of the rows.

    rows: (row number as the program that shows the file counts, cells from the first column).
    faults: (row number, column from 0, what stands there, what is wrong) of cells that cannot be
    taken as they are. percent: (row number, column) of figures that are shown with a percent sign.
    merged: (first row, last row, first column, last column) of merged cells, columns from 0.
    remarks: sentences on what the file hides or what was passed over.
    """

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    faults: list[tuple[int, int, str, str]] = field(default_factory=list)
    percent: set[tuple[int, int]] = field(default_factory=set)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def other_kind(content: bytes, ending: str) -> str:
    """Say what a file is that is no .xlsx workbook and no CSV text, and what to do; else "".

    Told by the content, since names are changed more easily.
    """
    save = "open it in a spreadsheet program and save it as .xlsx"
    start = content[:4096].lstrip(b"\xef\xbb\xbf \r\n\t")
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if "EncryptedPackage".encode("utf-16-le") in content:
            return "is protected by a password; save it without one, as .xlsx"
        if "WordDocument".encode("utf-16-le") in content:
            return f"is a Word document, no table; copy the table into a workbook and {save}"
        return f"is a workbook in the old format of Excel (.xls); {save}"
    if content[:4] == b"PK\x03\x04":
        return _other_package(content, ending, save)
    if re.match(rb"<(!doctype\s+html|html|head|body|table|meta)\b", start, re.I):
        return f"is a web page under another name; {save}"
    if ending in (".ods", ".fods"):
        return f"is an OpenDocument spreadsheet (.ods); {save}"
    if ending in (".xlsm", ".xls", ".xlsb", ".numbers", ".et"):
        return f"is a file of the kind {ending}; {save}"
    for mark, what in ((b"%PDF", "a PDF document"), (b"{\\rtf", "a text document (.rtf)"),
                       (b"Rar!", "a .rar archive"), (b"7z\xbc\xaf", "a .7z archive"),
                       (b"\x1f\x8b", "a .gz archive"), (b"\x89PNG", "a picture"),
                       (b"\xff\xd8\xff", "a picture"), (b"SQLite", "a database")):  # fmt: skip
        if start.startswith(mark):
            return f"is {what}, no table; {save}"
    if re.match(rb"<\?xml", start):
        return f"is an XML file, no .xlsx workbook; {save}"
    return ""


def _other_package(content: bytes, ending: str, save: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            names = set(package.namelist())
            kind = package.read("mimetype")[:80] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
        if ending == ".xlsx":
            return "is damaged, it cannot be unpacked; fetch or save it again"
        return f"is a damaged {ending} file; open it and save it as .xlsx"
    if b"opendocument" in kind:
        return f"is an OpenDocument file (.ods or the like); {save}"
    if "xl/workbook.bin" in names:
        return f"is a binary workbook (.xlsb); {save}"
    if ending == ".xlsm":
        return f"is a workbook with macros (.xlsm); {save}"
    if any(name.endswith(".iwa") for name in names):
        return "is a file of Apple Numbers; export it as .xlsx"
    if any(name.startswith("word/") for name in names):
        return f"is a Word document, no table; copy the table into a workbook and {save}"
    if not any(name.endswith(".rels") for name in names):
        return "is a .zip archive, no workbook; unpack it first"
    return ""


def read_workbook(content: bytes, wanted: str) -> Grid:
    """Read the sheet `wanted` of a workbook, or its only visible one.

    Args:
        content: an .xlsx file.

    Raises:
        WorkbookError: the file cannot be read, or it is not clear which sheet is meant.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            return _grid(package, wanted)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, OSError, EOFError) as error:
        raise WorkbookError(f"cannot be read as a workbook ({_one_line(error)})") from error
    except (RuntimeError, NotImplementedError, zipfile.LargeZipFile) as error:
        message = f"cannot be unpacked ({_one_line(error)}); save it again as .xlsx"
        raise WorkbookError(message) from error
    except (ValueError, IndexError, ArithmeticError) as error:
        if isinstance(error, WorkbookError):
            raise
        raise WorkbookError(f"cannot be read as a workbook ({_one_line(error)})") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _grid(package: zipfile.ZipFile, wanted: str) -> Grid:
    relations = _relations(package, "")
    book = next((to for kind, to in relations.values() if kind == "officeDocument"), "")
    root = _part(package, book or "xl/workbook.xml")
    parts = _relations(package, book or "xl/workbook.xml")
    properties = next(root.iterfind("{*}workbookPr"), None)
    since_1904 = properties is not None and properties.get("date1904") in ("1", "true")
    sheets = [(str(sheet.get("name")), str(sheet.get("state", "visible")), _relation(sheet))
              for sheet in root.iterfind("{*}sheets/{*}sheet")]  # fmt: skip
    sheets = [sheet for sheet in sheets if parts.get(sheet[2], ("", ""))[0] == "worksheet"]
    name, state, key = _chosen(sheets, wanted)
    by_kind = dict(parts.values())
    strings = _strings(package, by_kind.get("sharedStrings", ""))
    codes = _codes(package, by_kind.get("styles", ""))
    grid = _sheet(package, parts[key][1], _Reader(strings, codes, since_1904))
    if state != "visible":
        grid.remarks.append(f"The sheet {name} is hidden in the workbook; it is the one read.")
    others = [other for other, _, _ in sheets if other != name and other.lower() not in LISTS]
    hidden = {other for other, how, _ in sheets if how != "visible"}
    if others:
        said = ", ".join(f"{one} (hidden)" if one in hidden else one for one in others)
        grid.remarks.append(f"Only the sheet {name} was read, not: {said}.")
    return grid


def _chosen(sheets: list[tuple[str, str, str]], wanted: str) -> tuple[str, str, str]:
    if not sheets:
        raise WorkbookError("has no sheet with cells")
    named = [sheet for sheet in sheets if sheet[0].strip().lower() == wanted]
    visible = [sheet for sheet in sheets if sheet[1] == "visible"]
    found = named or (sheets if len(sheets) == 1 else visible)
    if len(found) == 1:
        return found[0]
    names = ", ".join(name for name, _, _ in sheets)
    raise WorkbookError(f"has no sheet {wanted} (there are: {names})")


def _part(package: zipfile.ZipFile, name: str) -> ElementTree.Element:
    info = package.getinfo(_spelt(package, name))
    if info.file_size > _LARGEST_PART:
        size = f"{info.file_size / 1e6:,.0f} MB"
        message = f"is too large: {name} takes {size}; copy the rows into a new template"
        raise WorkbookError(message)
    return ElementTree.fromstring(package.read(info))


def _spelt(package: zipfile.ZipFile, name: str) -> str:
    """The name of a part as the file spells it: some programs write other capitals or slashes."""
    plain = name.lower().lstrip("/")
    for known in package.namelist():
        if known.replace("\\", "/").lower().lstrip("/") == plain:
            return known
    raise KeyError(f"the part {name} is missing")


def _relations(package: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Id -> (last word of the kind, name of the part), for the parts that a part refers to."""
    folder, _, file = part.rpartition("/")
    try:
        root = _part(package, join(folder, "_rels", f"{file}.rels"))
    except KeyError:
        return {}
    found = {}
    for one in root:
        if one.get("TargetMode") != "External":
            target = str(one.get("Target", "")).replace("\\", "/")
            whole = target.lstrip("/") if target.startswith("/") else join(folder, target)
            kind = str(one.get("Type", "")).rpartition("/")[2]
            found[str(one.get("Id"))] = (kind, normpath(whole))
    return found


def _relation(sheet: ElementTree.Element) -> str:
    return next((value for name, value in sheet.attrib.items() if name.endswith("}id")), "")


def _strings(package: zipfile.ZipFile, name: str) -> list[str]:
    return [_text_of(one) for one in _part(package, name).iterfind("{*}si")] if name else []


def _text_of(element: ElementTree.Element) -> str:
    """The text of a cell, in one or several formats; without readings of Japanese letters."""
    parts = [one.text or "" for path in ("{*}t", "{*}r/{*}t") for one in element.iterfind(path)]
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), "".join(parts))


def _codes(package: zipfile.ZipFile, name: str) -> list[str]:
    """Style -> number format. Nothing else of the styles is looked at."""
    if not name:
        return []
    root = _part(package, name)
    own = {int(one.get("numFmtId", -1)): one.get("formatCode", "")
           for one in root.iterfind("{*}numFmts/{*}numFmt")}  # fmt: skip
    known = {**_BUILT_IN, **own}
    return [known.get(int(one.get("numFmtId", 0)), "?")
            for one in root.iterfind("{*}cellXfs/{*}xf")]  # fmt: skip


def _filled_cells(package: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The text of a sheet without empty cells, which a border down the whole sheet fills with."""
    info = package.getinfo(_spelt(package, name))
    if info.file_size > _LARGEST_SHEET:
        raise WorkbookError("is too large; copy the rows into a new template")
    with package.open(info) as file:
        rest = file.read(_CHUNK)
        if rest[:2] in (b"\xff\xfe", b"\xfe\xff"):  # UTF-16 holds no such patterns.
            yield rest
            while rest := file.read(_CHUNK):
                yield rest
            return
        while rest:
            more = file.read(_CHUNK)
            rest = _EMPTY_ROW.sub(b"", _EMPTY_CELL.sub(b"", rest))
            end = len(rest) if not more else _start_of_last_row(rest)
            if end > 0:
                yield rest[:end]
                rest = rest[end:]
            rest = rest + more if more else b""


def _start_of_last_row(text: bytes) -> int:
    at = max(text.rfind(b"<row"), text.rfind(b":row "))
    return text.rfind(b"<", 0, at + 1)


@dataclass(frozen=True)
class _Reader:
    """What it takes to read a cell: the texts of the workbook, its formats, its first day."""

    strings: list[str]
    codes: list[str]
    since_1904: bool

    def cell(self, cell: ElementTree.Element) -> tuple[str, str, bool]:
        """What a cell shows; what is wrong with it, if anything; whether it is a percentage."""
        kind = cell.get("t", "n")
        written = cell.find("{*}v")
        value = (written.text or "") if written is not None else ""
        formula = cell.find("{*}f")
        if formula is not None:
            text = f"={formula.text or '...'}"
            return text, "is computed; copy the cell and paste it as a value", False
        if kind == "inlineStr":
            inline = cell.find("{*}is")
            return ("" if inline is None else _text_of(inline)), "", False
        if kind == "s":
            return (self.strings[int(value)] if value else ""), "", False
        if kind == "b":
            return ("TRUE" if value.strip() == "1" else "FALSE"), "", False
        if kind == "d":
            return value.partition("T")[0], "", False
        if kind in ("e", "str") or not value.strip():
            return value, "", False
        style = int(cell.get("s", 0))
        code = self.codes[style] if style < len(self.codes) else "General"
        return shown(float(value), code, self.since_1904)


def _sheet(package: zipfile.ZipFile, name: str, reader: _Reader) -> Grid:
    grid = Grid()
    parser: Any = ElementTree.XMLPullParser(events=("start", "end"))
    row = 0
    data: ElementTree.Element | None = None
    for piece in _filled_cells(package, name):
        parser.feed(piece)
        for event, element in parser.read_events():
            tag = element.tag.rpartition("}")[2]
            if event == "start":
                if tag == "sheetData":
                    data = element
                elif tag == "row":
                    row = int(element.get("r", row + 1))
                continue
            if tag == "row":
                _take_row(grid, row, element, reader)
                if data is not None:
                    data.clear()
            elif tag == "mergeCell":
                grid.merged += _merged(element.get("ref", ""))
            elif tag == "col" and element.get("hidden") in ("1", "true"):
                last = min(int(element.get("max", 0)), 1000)
                grid.hidden_columns += range(int(element.get("min", 1)) - 1, last)
    parser.close()
    grid.rows.sort(key=lambda one: one[0])
    return grid


def _take_row(grid: Grid, row: int, element: ElementTree.Element, reader: _Reader) -> None:
    cells: dict[int, str] = {}
    place = -1
    for cell in element.iterfind("{*}c"):
        at = cell.get("r")
        place = _column(at) if at else place + 1
        text, message, percent = reader.cell(cell)
        if message:
            grid.faults.append((row, place, text, message))
        if percent:
            grid.percent.add((row, place))
        if text.strip():
            cells[place] = text
    if not cells:
        return
    if len(grid.rows) >= MOST_ROWS:
        raise WorkbookError(f"holds more than {MOST_ROWS:,} rows; give it in several files")
    if max(cells) > 500:
        far = max(cells)
        message = "stands far outside the table; delete it"
        grid.faults.append((row, far, cells[far], message))
        cells = {at: text for at, text in cells.items() if at <= 500}
    if cells:
        grid.rows.append((row, [cells.get(at, "") for at in range(max(cells) + 1)]))
        if element.get("hidden") in ("1", "true"):
            grid.hidden_rows.append(row)


def _column(place: str) -> int:
    """Column of a cell such as AB12, counted from 0."""
    number = 0
    for letter in place:
        if not letter.isalpha():
            break
        number = 26 * number + ord(letter.upper()) - 64
    return number - 1


def _merged(reference: str) -> list[tuple[int, int, int, int]]:
    match = re.fullmatch(r"\$?([A-Za-z]+)\$?(\d+):\$?([A-Za-z]+)\$?(\d+)", reference)
    if match is None:
        return []
    return [(int(match[2]), int(match[4]), _column(match[1]), _column(match[3]))]


def shown(value: float, code: str, since_1904: bool = False) -> tuple[str, str, bool]:
    """Read a number by the format of its cell.

    Args:
        value: what the cell holds.
        code: its number format, such as 0.00% or d/m/yyyy.
        since_1904: whether days are counted from 1904 instead of 1900.

    Returns:
        The text that stands for it (percentages as 92.5, days as YYYY-MM-DD, or as YYYY-MM where
        the cell shows no day); what is wrong, where the text is not what the cell shows; whether
        it is a real percentage.
    """
    held = Decimal(f"{value:.15g}")
    plain = f"{held:f}"
    if code.strip().lower() in ("general", "@", "", "standard"):
        return _number(held), "", False
    if code == "?":
        return plain, "has a number format of an unknown kind; type the figure again", False
    section, clear = _section(value, code)
    literals = "".join("".join(part or "" for part in found) for found in _LITERAL.findall(section))
    bare = _LITERAL.sub("", section)
    if not clear:
        return plain, f"has a number format with conditions ({code}); format it as text", False
    if re.fullmatch(r"\s*general\s*", bare, re.I):
        bare = ""
    elif re.search(r"[dmyhs]", bare.replace("E+", "").replace("E-", ""), re.I):
        return (*_day(value, bare, since_1904), False)
    elif not re.search(r"[0#?@]", bare):
        return plain, f"is not shown as the figure that the cell holds (format {code})", False
    beside = literals + re.sub(r"[0#?.,%E@/]", "", bare)
    if _HARMLESS.fullmatch(beside) is None:
        message = f"is shown with words beside it (format {code}); type the plain figure as text"
        return plain, message, False
    percent = "%" in bare
    figure = held * 100 if percent else held
    if not _shows_all(figure, bare):
        message = f"is not what the cell shows (format {code}); type the figure as it is printed"
        return _number(figure), message, percent
    return _number(figure), "", percent or "%" in literals


def _number(value: Decimal) -> str:
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _section(value: float, code: str) -> tuple[str, bool]:
    """The part of a format for numbers of this sign, and whether it hangs on nothing else."""
    quoted = r'"[^"]*"|\\.|\[[^\]]*\]'
    masked = re.sub(quoted, lambda found: "_" * len(found[0]), code)
    ends = [at for at, sign in enumerate(masked) if sign == ";"]
    edges = zip([-1, *ends], [*ends, len(code)], strict=True)
    parts = [code[start + 1 : end] for start, end in edges]
    if _CONDITION.search(re.sub(r'"[^"]*"', "", code)):
        return parts[0], False
    at = 1 if value < 0 else 2 if value == 0 else 0
    return (parts[at] if at < min(len(parts), 3) else parts[0]), True


def _shows_all(figure: Decimal, bare: str) -> bool:
    """Whether a format shows all digits of a figure."""
    if not bare:
        return True
    pattern = re.sub(r"[^0#?.,/E@]", "", bare)
    if "/" in pattern or re.search(r"[0#?],+(\.|$|E)", pattern):
        return False  # a fraction, or thousands left out
    digits = pattern.partition(".")[2]
    places = len(re.sub(r"[^0#?].*", "", digits))
    if "E" in pattern:
        return Decimal(f"{figure:.{places}E}") == figure
    return figure.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) == figure


def _day(value: float, bare: str, since_1904: bool) -> tuple[str, str]:
    """A day, as far as the format shows it: 31/12/2024 fully, "Dec-24" as 2024-12."""
    letters = re.sub(r"h+.*?(am/pm|$)", "", re.sub(r"\[[hms]+\].*", "", bare.lower()))
    first = dt.datetime(1904, 1, 1) if since_1904 else dt.datetime(1899, 12, 30)
    if not 61 <= value < 2_900_000:
        return f"{value:g}", "is no day that a sheet can show; write it as text, YYYY-MM-DD"
    day = first + dt.timedelta(days=int(value))
    if "y" not in letters:
        return f"{day:%Y-%m-%d}", "is shown without its year; write it as text, YYYY-MM-DD"
    if "m" not in letters:
        return f"{day:%Y}", "is shown as a year alone; write it as text"
    if "d" not in letters:
        return f"{day:%Y-%m}", ""
    return f"{day:%Y-%m-%d}", ""


def columns_as_letters(columns: list[int]) -> str:
    """Columns counted from 0 as a spreadsheet names them: A, F, AB."""
    names = []
    for one in columns:
        number, name = one + 1, ""
        while number:
            number, digit = divmod(number - 1, 26)
            name = chr(65 + digit) + name
        names.append(name)
    return ", ".join(names)
