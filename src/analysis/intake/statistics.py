"""Files of the statistics office as sheets of text or as figures with labels.

Read here: PX-Web CSV in the usual encodings, Excel workbooks (.xlsx), the .px file itself, and
JSON-stat 1 and 2. What the rows and columns of a sheet mean is found in `analysis.intake.shape`.
Every other download is refused by its own name.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.facts import Fault
from analysis.intake.sheet import IntakeError

LARGEST_FILE = 30_000_000
MOST_FIGURES = 400_000
_CONTROL = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]")
#: A number format that leaves thousands out, as "#,##0," does.
_THOUSANDS_LEFT_OUT = re.compile(r"[0#?],+(?![0#?,])")
_HOW = "download it as CSV (comma or semicolon delimited), .px or JSON-stat"


@dataclass(frozen=True)
class Grid:
    """A sheet. rows: (row in the file, cells as text); cells may begin with a blank.

    exact: (place in rows, column) of cells that the file holds as numbers, so that no sign of
    theirs can be misread. kind: what the file is, in words.
    """

    rows: list[tuple[int, list[str]]]
    kind: str
    exact: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Labelled:
    """Figures that the file itself gives labels to (.px and JSON-stat).

    dimensions: name -> its labels in order. figures: (place in row-major order, text). units:
    label -> unit, where the file gives each kind of figure one of its own.
    """

    dimensions: list[tuple[str, list[str]]]
    figures: list[tuple[int, str]]
    kind: str
    title: str = ""
    unit: str = ""
    notes: list[str] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)


def fault(file: str, message: str, row: int = 0, column: str = "", value: str = "") -> IntakeError:
    """Return an error with one fault."""
    return IntakeError([Fault(file, row, column, value, message)])


def read_file(path: Path, part: str, names: Callable[[str], bool]) -> Grid | Labelled:
    """Read a file by what it holds, whatever its name ends in.

    Args:
        part: the sheet or data set that is meant, where the file has several.
        names: whether a text names a province or a larger area; finds the delimiter of a CSV.

    Raises:
        IntakeError: the file is missing, too large, of another kind, or leaves open which of its
            parts is meant.
    """
    if not path.is_file():
        raise fault(path.name, "the file is not there")
    if path.stat().st_size > LARGEST_FILE:
        raise fault(path.name, f"is larger than {LARGEST_FILE / 1e6:.0f} MB; choose fewer cells")
    content = path.read_bytes()
    if content[:4] == b"PK\x03\x04":
        return _workbook(path.name, content, part)
    if content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        message = "is an old Excel workbook (.xls) or one with a password"
        raise fault(path.name, f"{message}; save it as .xlsx without one, or {_HOW}")
    if content[:4] in (b"%PDF", b"PAR1"):
        raise fault(path.name, f"is a {content[1:4].decode()} file, not a table; {_HOW}")
    text = _decoded(path.name, content)
    start = text.lstrip()[:300].lower()
    if re.match(r"<(!doctype|html|\?xml|table|head|body|meta|div)", start):
        raise fault(path.name, f"is a web page or XML, not a table; {_HOW}")
    if start.startswith(("{", "[")):
        return _json_stat(path.name, text, part)
    if re.search(r"(?im)^\s*DATA\s*=", text) and re.search(r"(?im)^\s*(STUB|HEADING)\b", text):
        return _px(path.name, text)
    return _csv(path.name, text, names)


def _decoded(file: str, content: bytes) -> str:
    """UTF-8, UTF-16 with or without a mark, the code page that a .px names, Vietnamese ANSI."""
    sample = content[:2000]
    wide = sample.count(0) > len(sample) // 5
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        ways = ["utf-16"]
    elif wide:
        ways = ["utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"]
    else:
        page = re.search(rb'CODEPAGE\s*=\s*"([\w-]+)"', content[:5000])
        named = page[1].decode("ascii", "replace").lower() if page else ""
        ways = ["utf-8-sig", *([named] if named else []), "cp1258"]
    for encoding in ways:
        try:
            text = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except (UnicodeDecodeError, LookupError):
            continue
        return _printable(unicodedata.normalize("NFC", text.removeprefix("\ufeff")), file)
    raise fault(file, "cannot be decoded; save it as CSV UTF-8")


def _printable(text: str, file: str) -> str:
    if control := _CONTROL.search(text):
        row = text.count("\n", 0, control.start()) + 1
        line = text.split("\n")[row - 1]
        raise fault(file, "holds a control character; delete it", row, value=line)
    return text


def _csv(file: str, text: str, names: Callable[[str], bool]) -> Grid:
    told = re.match(r"\s*\"?sep=(.)\"?\s*\n", text, re.IGNORECASE)
    if told:
        text = "\n" + text[told.end() :]
    found: tuple[tuple[int, int], list[tuple[int, list[str]]]] | None = None
    wrong: IntakeError | None = None
    for sign in [told[1]] if told else [",", ";", "\t", "|"]:
        try:
            rows = _rows(file, text, sign)
        except IntakeError as error:
            wrong = wrong or error
            continue
        cells = [cell for _, row in rows[:400] if len(row) > 1 for cell in row[:200]]
        words = {cell for cell in cells if len(cell) < 80 and re.search(r"[^\W\d]", cell)}
        score = (sum(map(names, words)), len(cells))
        if found is None or score > found[0]:
            found = (score, rows)
    if found is None or (wrong and not found[0][0]):
        raise wrong or fault(file, "is empty")
    return Grid(found[1], "CSV")


def _rows(file: str, text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows with the line on which each begins."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    rows, first = [], 1
    try:
        for row in reader:
            rows.append((first, row))
            first = reader.line_num + 1
    except csv.Error as error:
        message = f"cannot be read as CSV from here on ({error})"
        raise fault(file, message, reader.line_num) from error
    return rows


def _workbook(file: str, content: bytes, part: str) -> Grid:
    from openpyxl import load_workbook

    try:
        names = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
    except (zipfile.BadZipFile, ValueError) as error:
        raise fault(file, f"is damaged ({error}); download it again") from error
    if "xl/workbook.xml" not in names:
        kind = "an OpenDocument file" if "content.xml" in names else "a compressed file"
        raise fault(file, f"is {kind}, not an Excel workbook; save it as .xlsx, or {_HOW}")
    try:
        formulas = load_workbook(io.BytesIO(content))
        book = load_workbook(io.BytesIO(content), data_only=True)
    except Exception as error:  # openpyxl lets anything through that a damaged file causes
        message = f"cannot be read as a workbook ({type(error).__name__}); save it again as .xlsx"
        raise fault(file, message) from error
    filled = [sheet for sheet in book.worksheets if any(c.value is not None for c in _cells(sheet))]
    shown = [sheet for sheet in filled if sheet.sheet_state == "visible"]
    chosen = _one_of(file, {sheet.title: sheet for sheet in (filled if part else shown)}, part)
    return _sheet(file, chosen, formulas[chosen.title])


def _cells(sheet: Any) -> list[Any]:
    """The cells that the file holds, by row and column; a cell far outside costs nothing more."""
    return [sheet._cells[place] for place in sorted(sheet._cells)]


def _sheet(file: str, sheet: Any, formulas: Any) -> Grid:
    cells = [cell for cell in _cells(sheet) if cell.value is not None]
    width = sorted({cell.column for cell in cells})
    # Columns and rows without any cell go; one empty row stays as what parts two tables.
    at = {
        column: column - 1 for column in range(1, 1 + max((c for c in width if c < 500), default=1))
    }
    for column in width:
        at.setdefault(column, len(at))
    rows: list[tuple[int, list[str]]] = []
    exact = set()
    for cell in cells:
        if not rows or rows[-1][0] != cell.row:
            if rows and rows[-1][0] < cell.row - 1:
                rows.append((cell.row - 1, [""] * len(at)))
            rows.append((cell.row, [""] * len(at)))
        text, is_number = _shown(file, cell)
        rows[-1][1][at[cell.column]] = text
        if is_number:
            exact.add((len(rows) - 1, at[cell.column]))
    if len(rows) * max(len(at), 1) > 4 * MOST_FIGURES:
        raise fault(file, "has too many cells; choose fewer of them")
    for cell in _cells(formulas):
        if cell.data_type == "f" and sheet[cell.coordinate].value is None:
            message = "is a formula that no program has computed; open and save the workbook"
            raise fault(file, message, cell.row, cell.column_letter, str(cell.value))
    hidden = [row for row, one in sheet.row_dimensions.items() if one.hidden]
    hidden += [name for name, one in sheet.column_dimensions.items() if one.hidden]
    kind = f"Excel, sheet {sheet.title!r}"
    kind += f", hidden rows or columns: {', '.join(map(str, hidden[:6]))}" if hidden else ""
    return Grid(rows, kind, frozenset(exact))


def _shown(file: str, cell: Any) -> tuple[str, bool]:
    """A cell as text, and whether it is a number; a percent sign is shown as in Excel.

    Raises:
        IntakeError: the cell shows thousands of what it holds, or an error.
    """
    value = cell.value
    if isinstance(value, bool):
        return str(value), False
    if isinstance(value, int | float):
        code = str(cell.number_format)
        pattern = re.sub(r'"[^"]*"|\\.|_.|\*.|\[[^]]*\]', "", code)
        if _THOUSANDS_LEFT_OUT.search(pattern) and value:
            message = f"is not what the cell shows (format {code}); choose a plain number format"
            raise fault(file, message, cell.row, cell.column_letter, _plain(value))
        if "%" in pattern:
            return f"{_plain(round(value * 100, 12))}%", True
        return _plain(value) + ("%" if "%" in code else ""), True
    if isinstance(value, dt.datetime | dt.date):
        return f"{value:%Y-%m-%d}", False
    text = unicodedata.normalize("NFC", str(value))
    if cell.data_type == "e":
        raise fault(file, "is an error of a formula", cell.row, cell.column_letter, text)
    return _printable(text.replace("\r", ""), file), False


def _plain(value: object) -> str:
    """A number without a trailing .0 and without an exponent."""
    if isinstance(value, float) and math.isfinite(value):
        if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        text = repr(value)
        return f"{value:.15f}".rstrip("0") if "e" in text else text
    return str(value)


def _one_of(file: str, parts: dict[str, Any], part: str) -> Any:
    if part:
        chosen = [one for name, one in parts.items() if name.strip() == part.strip()]
        if len(chosen) == 1:
            return chosen[0]
    elif len(parts) == 1:
        return next(iter(parts.values()))
    if not parts:
        raise fault(file, "holds no table")
    listed = "; ".join(f"--part {name!r}" for name in list(parts)[:20])
    if part:
        raise fault(file, f"has no part of this name; choose one of: {listed}", value=part)
    raise fault(file, f"holds {len(parts)} tables; choose one with {listed}")


# --- JSON-stat --------------------------------------------------------------------------------


def _json_stat(file: str, text: str, part: str) -> Labelled:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise fault(file, f"is not valid JSON ({error})") from error
    if isinstance(content, dict) and "columns" in content and "data" in content:
        raise fault(file, f"is PX-Web's own JSON, which lacks the names of provinces; {_HOW}")
    found: dict[str, dict] = {}
    _datasets(content, "dataset", found, 0)
    if not found:
        raise fault(file, f"is no JSON-stat data set (no dimension and value); {_HOW}")
    content = _one_of(file, found, part)
    try:
        return _dataset(file, content)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        if isinstance(error, IntakeError):
            raise
        message = f"is no JSON-stat data set ({type(error).__name__}: {error})"
        raise fault(file, message) from error


def _datasets(content: Any, name: str, found: dict[str, dict], depth: int) -> None:
    """All data sets of a bundle (version 1), a collection (version 2) or a list."""
    if depth > 4:
        return
    if isinstance(content, dict):
        if "dimension" in content and "value" in content:
            label = str(content.get("label") or name)
            found[label if label not in found else f"{label} ({len(found) + 1})"] = content
            return
        inner = content.get("link")
        items = content.items() if not inner else [("item", inner)]
        for key, one in items:
            if isinstance(one, dict | list):
                _datasets(one, str(key), found, depth + 1)
    elif isinstance(content, list):
        for number, one in enumerate(content, start=1):
            _datasets(one, f"{name} {number}", found, depth + 1)


def _dataset(file: str, content: dict) -> Labelled:
    dimensions = content["dimension"]
    order = content.get("id") or dimensions["id"]
    sizes = content.get("size") or dimensions.get("size")
    if not isinstance(order, list) or len(set(order)) < len(order):
        raise fault(file, "its list of dimensions is damaged", column="id")
    named = [
        (str(dimensions[name].get("label") or name), _categories(dimensions[name]["category"]))
        for name in order
    ]
    counts = [len(labels) for _, labels in named]
    if sizes is not None and list(sizes) != counts:
        message = f"size says {sizes}, the dimensions have {counts} labels; download it again"
        raise fault(file, message, column="size")
    total = math.prod(counts)
    values = content["value"]
    if isinstance(values, dict):
        places = {_position(file, key, total): value for key, value in values.items()}
    elif isinstance(values, list) and len(values) == total:
        places = dict(enumerate(values))
    else:
        have = len(values) if isinstance(values, list) else type(values).__name__
        message = f"has {have} values for {total} cells; download it again"
        raise fault(file, message, column="value")
    if len(places) > MOST_FIGURES:
        raise fault(file, f"has more than {MOST_FIGURES:,} figures; choose fewer")
    figures = []
    for place, value in places.items():
        if isinstance(value, bool | dict | list):
            message = "a value is no number"
            raise fault(file, message, place + 1, "value", str(value)[:60])
        figures.append((place, "" if value is None else _plain(value)))
    version = content.get("version") or "1"
    units = _units_of(dimensions, order)
    return Labelled(
        named, figures, f"JSON-stat {version}", str(content.get("label") or ""),
        _only(units), _statuses(content.get("status"), places), units,
    )  # fmt: skip


def _position(file: str, key: str, total: int) -> int:
    if not str(key).isdecimal() or int(key) >= total:
        message = f"is no place among the {total} cells; download it again"
        raise fault(file, message, column="value", value=str(key))
    return int(key)


def _categories(category: dict) -> list[str]:
    """Labels in their order; the index may be a list, a mapping to positions, or missing."""
    index = category.get("index", list(category.get("label", {})))
    names = sorted(index, key=lambda key: index[key]) if isinstance(index, dict) else list(index)
    if isinstance(index, dict) and sorted(index.values()) != list(range(len(index))):
        raise ValueError("the places of the categories have gaps")
    return [str(category.get("label", {}).get(name, name)).strip() for name in names]


def _units_of(dimensions: dict, order: list) -> dict[str, str]:
    """Label of a category -> its unit."""
    found = {}
    for name in order:
        category = dimensions[name]["category"]
        for key, one in (category.get("unit") or {}).items():
            if isinstance(one, dict):
                label = str(category.get("label", {}).get(key, key)).strip()
                found[label] = str(one.get("label") or one.get("base") or "")
    return found


def _only(units: dict[str, str]) -> str:
    """The unit of all figures, "" where there are several."""
    texts = set(units.values())
    return texts.pop() if len(texts) == 1 else ""


def _statuses(status: Any, places: dict[int, Any]) -> list[str]:
    """How many figures carry which status ("p" provisional, "e" estimated, ...)."""
    if isinstance(status, str):
        return [f"status of all figures: {status}"] if status else []
    marks = status.values() if isinstance(status, dict) else status if status else []
    counts: dict[str, int] = {}
    for mark in marks:
        if mark:
            counts[str(mark)] = counts.get(str(mark), 0) + 1
    return [f"status {mark!r}: {n} cell(s)" for mark, n in sorted(counts.items())]


# --- PX ---------------------------------------------------------------------------------------

_KEYWORD = re.compile(r'\s*([A-Z][A-Z0-9-]*)(\[[^\]]*\])?\s*(\(("(?:[^"]*)"[^)]*)\))?\s*=\s*')
_STRING = re.compile(r'"([^"]*)"')


def _px(file: str, text: str) -> Labelled:
    """A .px file (AXIS-VERSION 2000 to 2013): STUB, then HEADING, in row-major order."""
    words, data = _keywords(file, text)
    if any(name == "KEYS" for name, _ in words):
        raise fault(file, "lists its figures by KEYS, which is not read; save it as CSV", 0, "KEYS")
    order = words.get(("STUB", ""), []) + words.get(("HEADING", ""), [])
    missing = [name for name in order if not words.get(("VALUES", name))]
    if not order or missing:
        message = f"lacks VALUES for {', '.join(missing) or 'STUB and HEADING'}"
        raise fault(file, message, column="VALUES")
    named = [(name, [label.strip() for label in words["VALUES", name]]) for name in order]
    total = math.prod(len(labels) for _, labels in named)
    cells = re.findall(r'"[^"]*"|[^\s,;"]+', data)
    if len(cells) != total:
        message = f"has {len(cells)} figures for {total} cells; download it again"
        raise fault(file, message, column="DATA")
    if total > MOST_FIGURES:
        raise fault(file, f"has more than {MOST_FIGURES:,} figures; choose fewer")
    title = "".join(words.get(("TITLE", ""), []) or words.get(("DESCRIPTION", ""), []))
    units = {
        about: values[0]
        for (name, about), values in words.items()
        if name == "UNITS" and values and values[0]
    }
    notes = [
        " ".join(value)
        for (name, _), value in words.items()
        if name.startswith(("NOTE", "VALUENOTE", "CELLNOTE"))
    ]
    figures = [(place, cell.strip('" ')) for place, cell in enumerate(cells)]
    by_label = {label: unit for label, unit in units.items() if label}
    unit = _only(by_label) or units.get("", "")
    return Labelled(named, figures, "PX", title, unit, notes, by_label)


def _keywords(file: str, text: str) -> tuple[dict[tuple[str, str], list[str]], str]:
    """Keyword and what it is about -> its texts (main language only); and what follows DATA=."""
    words: dict[tuple[str, str], list[str]] = {}
    at = 0
    while found := _KEYWORD.match(text, at):
        name, language, about = found[1], found[2], found[4]
        if name == "DATA":
            end = text.find(";", found.end())
            rest = "" if end < 0 else text[end + 1 :]
            if end < 0 or rest.strip():
                raise fault(
                    file, "does not end where its figures end; download it again", 0, "DATA"
                )
            return words, text[found.end() : end]
        value = re.compile(r'(?:[^";]|"[^"]*")*').match(text, found.end())
        assert value is not None
        if not language:
            subject = _STRING.findall(about)[0].strip() if about else ""
            parts = _texts(value[0])
            words.setdefault((name, subject), []).extend(parts)
        at = value.end() + 1
    row = text.count("\n", 0, at) + 1
    line = text[at : at + 60].strip().split("\n")[0]
    raise fault(file, "is not the PX keyword that should stand here", row, value=line)


def _texts(value: str) -> list[str]:
    """The texts of a keyword; a text that goes on over several lines is one."""
    joined = re.sub(r'"\s*\n\s*"', "", value)
    found = [part.replace("#", " ").strip() for part in _STRING.findall(joined)]
    return found or [value.strip()]
