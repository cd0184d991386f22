"""Ways in which a raw table gets damaged, and what has to come of each.

A damaged table either gives the very same tables, or is refused with a fault that names the file,
the row and the column. Only free text may change what is read: then it arrives as it was written,
and nothing else changes. What no check can notice is left out, since the result is a valid table:
another valid date or number of the same size, the order of day and month up to the twelfth, a row
that is missing from the facts, and the place of a unit in a tile map.
"""

import csv
import datetime
import io
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field

from analysis.facts import TABLES
from analysis.facts.tables import columns
from analysis.paths import RAW

Rows = list[list[str]]

PROVINCES = ("01", "02", "08", "14", "91")
SERIES = ("poverty_rate", "urban_share", "urban_population", "doctors", "pci", "papi", "area")
#: Text that may hold anything, by table: what is written there is what has to arrive.
FREE = {
    "facts": ("denominator", "note"),
    "sources": ("title", "publisher"),
    "provinces": ("name_en", "name_vi", "merged_name_en", "merged_name_vi"),
    "policy_events": ("event", "expected_sign", "note", "source_title"),
    "covariate_sources": ("publisher", "table", "retrieved_path", "note"),
    "corrections": ("correction_id", "reason", "reason_vi"),
}
#: Places in tile maps: another place is as valid, where no other unit has it.
PLACES = {"provinces": ("tile_row", "tile_col", "merged_tile_row", "merged_tile_col")}
#: Columns that may be empty: an emptied cell is another valid row.
OPTIONAL = {
    "facts": ("basis", "denominator", "standing", "doubt", "versus", "note"),
    "sources": ("url", "published", "retrieved", "how"),
    "policy_events": ("expected_sign", "note", "source_title", "source_url"),
    "covariate_sources": ("retrieved_from", "retrieved_path", "note"),
}
DATES = {"facts": "as_of", "policy_events": "date", "corrections": "as_of", "sources": "published"}
NUMBERS = {
    "facts": ("value",),
    "population": ("persons",),
    "covariates": ("value",),
    "corrections": ("expected_value",),
}


def rows_of(text: str) -> Rows:
    return list(csv.reader(io.StringIO(text)))


def text_of(rows: Rows, **options) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n", **options).writerows(rows)
    return target.getvalue()


def small_tables() -> dict[str, Rows]:
    """Rows of the real tables: a few provinces whole, so that every check has what it needs."""
    tables = {name: rows_of((RAW / f"{name}.csv").read_text("utf-8")) for name in TABLES}
    header, *facts = tables["facts"]
    ours = [row for row in facts if row[1] in PROVINCES]
    whole = [row for row in facts if row[1] == "00" and row[6] == "percent"]
    tables["facts"] = [header, *ours[::9], *whole[::12]]
    wanted = {(row[1], row[3], row[9], row[11]) for row in tables["facts"][1:]}
    corrections = [r for r in tables["corrections"][1:] if r[2] in ("14", "01")]
    for row in corrections:
        if (row[2], row[3], row[5], row[6]) not in wanted:
            tables["facts"] += [
                f for f in ours if (f[1], f[3], f[9], f[11]) == (row[2], row[3], row[5], row[6])
            ]
    tables["facts"] = [list(row) for row in dict.fromkeys(map(tuple, tables["facts"]))]
    tables["corrections"] = [tables["corrections"][0], *corrections]
    cited = {row[11] for row in tables["facts"]}
    tables["sources"] = [r for r in tables["sources"] if r[0] in cited | {"source_id"}]
    tables["population"] = [
        r for r in tables["population"] if r[0] in (*PROVINCES, "province_code")
    ]
    tables["covariates"] = [
        r
        for r in tables["covariates"]
        if r[0] == "province_code" or (r[2] in SERIES and r[0] in PROVINCES) or r[2] == "area"
    ]
    used = {r[5] for r in tables["covariates"]} | {r[4] for r in tables["population"]}
    tables["covariate_sources"] = [r for r in tables["covariate_sources"] if r[0] in used]
    return tables


@dataclass(frozen=True)
class Damage:
    """One damaged table.

    Attributes:
        content: the bytes of the file.
        rows: rows of the file that a fault may name; empty where the whole file is meant.
        columns: columns that a fault may name; empty where no column can be named.
        before: what stood in the damaged cells, for faults at rows that refer to them.
        arrives: the rows that have to be read, if the table is accepted.
        any_order: whether the rows may come in another order.
        must: "same" or "refused" where only this is right; "" where both are.
    """

    content: bytes
    rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    arrives: Rows = field(default_factory=list)
    any_order: bool = False
    must: str = ""


# ---- cells -------------------------------------------------------------------------------------


def _number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()


def _grouped(text: str, thousands: str, decimal: str) -> str:
    whole, _, rest = text.lstrip("-").partition(".")
    grouped = f"{int(whole):,}".replace(",", thousands)
    return ("-" if text[0] == "-" else "") + grouped + (decimal + rest if rest.strip("0") else "")


def _date(text: str, form: str) -> str:
    return datetime.date.fromisoformat(text).strftime(form)


def _misread(text: str) -> str:
    return text.encode("utf-8").decode("cp1252", errors="replace")


#: Name -> the damaged text of a cell. Those of `_FITS` need a number, a date or Vietnamese letters.
CELLS: dict[str, Callable[[str], str]] = {
    "emptied": lambda text: "",
    "blanks around": lambda text: f"  {text} ",
    "hard blanks around": lambda text: f"\u00a0{text}\u202f",
    "decomposed letters": lambda text: unicodedata.normalize("NFD", text),
    "doubled": lambda text: text + text,
    "in capitals": str.upper,
    "formula": lambda text: f"={text}",
    "formula after a blank": lambda text: f" \t=1+{text}",
    "formula of a command": lambda text: f"+cmd|' /C calc'!{text}",
    "full-width formula": lambda text: f"＝{text}",
    "not a number": lambda text: "NaN",
    "none": lambda text: "None",
    "no reference": lambda text: "#REF!",
    "infinite": lambda text: "inf",
    "minus infinite": lambda text: "-Infinity",
    "huge": lambda text: "9" * 40,
    "huge exponent": lambda text: "1e308",
    "long": lambda text: text + "x" * 10_000,
    "apostrophe": lambda text: "'" + text,
    "control character": lambda text: text + "\x07",
    "zero byte": lambda text: text[:2] + "\0" + text[2:],
    "zero width": lambda text: text[:1] + "\u200b" + text[1:],
    "right to left": lambda text: "\u202e" + text,
    "lone surrogate": lambda text: text + "\ufffd",
    "markup": lambda text: "<script>alert(1)</script>",
    "line break": lambda text: text[:2] + "\n" + text[2:],
    "quotation mark inside": lambda text: text[:1] + '"' + text[1:],
    "look-alike": lambda text: text.replace("a", "а") if "a" in text else "а" + text,
    "letters lost": lambda text: "b?" + text,
    "misread": _misread,
    "misread Vietnamese": lambda text: _misread("tỷ lệ " + text),
    # Numbers.
    "commas for thousands": lambda text: _grouped(text, ",", "."),
    "points for thousands": lambda text: _grouped(text, ".", ","),
    "blanks for thousands": lambda text: _grouped(text, " ", ","),
    "hard blanks for thousands": lambda text: _grouped(text, "\u00a0", "."),
    "comma for the point": lambda text: text.replace(".", ",") if "." in text else text + ",5",
    "percent sign": lambda text: text + "%",
    "percent as fraction": lambda text: f"{float(text) / 100:.6f}".rstrip("0"),
    "in scientific form": lambda text: f"{float(text):.4E}",
    "rounding noise": lambda text: f"{float(text) + 1e-12:.14f}",
    "unit in the cell": lambda text: text + " persons",
    "trailing zeros": lambda text: text + "0" if "." in text else text + ".0",
    "full-width digits": lambda text: text.translate(
        str.maketrans("0123456789", "０１２３４５６７８９")
    ),
    "long minus": lambda text: "−" + text,
    "plus sign": lambda text: "+" + text,
    # Dates.
    "day first": lambda text: _date(text, "%d/%m/%Y"),
    "month first": lambda text: _date(text, "%m/%d/%Y"),
    "points in the date": lambda text: _date(text, "%d.%m.%Y"),
    "two-digit year": lambda text: _date(text, "%d-%m-%y"),
    "month by name": lambda text: _date(text, "%d %b %Y"),
    "date without hyphens": lambda text: _date(text, "%Y%m%d"),
    "date and time": lambda text: text + " 00:00:00",
    "date and time zone": lambda text: text + "T00:00:00Z",
    "slashes": lambda text: text.replace("-", "/"),
    "serial day": lambda text: "44926",
    "no such day": lambda text: text[:8] + "32",
    "first day of spreadsheets": lambda text: "1900-01-01",
}
_NUMERIC = (
    "commas for thousands", "points for thousands", "blanks for thousands",
    "hard blanks for thousands", "comma for the point", "percent sign", "percent as fraction",
    "in scientific form", "rounding noise", "unit in the cell", "trailing zeros",
    "full-width digits", "long minus", "plus sign",
)  # fmt: skip
_DATED = tuple(CELLS)[list(CELLS).index("day first") :]


def cell_damages(table: str, column: str, text: str) -> list[str]:
    """Return the damages that make sense for one cell, in a fixed order."""
    numeric = column in NUMBERS.get(table, ()) and _number(text)
    dated = column == DATES.get(table) and len(text) == 10
    fits = [name for name in CELLS if name not in _NUMERIC and name not in _DATED]
    if column in OPTIONAL.get(table, ()) or column == "corrected":
        fits.remove("emptied")
    return fits + list(_NUMERIC) * numeric * 2 + list(_DATED) * dated * 2


def damaged_cell(table: str, rows: Rows, row: int, column: str, name: str) -> Damage:
    """Damage one cell (row as counted in the file, the header being 1)."""
    at = rows[0].index(column)
    before = rows[row - 1][at]
    changed = [list(one) for one in rows]
    changed[row - 1][at] = CELLS[name](before)
    quoting = csv.QUOTE_MINIMAL
    content = text_of(changed, quoting=quoting).encode("utf-8", "surrogatepass")
    free = (*FREE.get(table, ()), *PLACES.get(table, ()))
    arrives = changed if column in free else []
    return Damage(content, (row,), (column,), (before,), arrives)


# ---- whole tables --------------------------------------------------------------------------------


def _same(content: bytes, **options) -> Damage:
    return Damage(content, must="same", **options)


def _with_mark(table: str, rows: Rows, a: int, b: int) -> Damage:
    return _same(b"\xef\xbb\xbf" + text_of(rows).encode())


def _windows(table: str, rows: Rows, a: int, b: int) -> Damage:
    return _same(text_of(rows).replace("\n", "\r\n").encode())


def _old_macintosh(table: str, rows: Rows, a: int, b: int) -> Damage:
    return _same(text_of(rows).replace("\n", "\r").encode())


def _decomposed(table: str, rows: Rows, a: int, b: int) -> Damage:
    return _same(unicodedata.normalize("NFD", text_of(rows)).encode())


def _quoted(table: str, rows: Rows, a: int, b: int) -> Damage:
    return _same(text_of(rows, quoting=csv.QUOTE_ALL).encode())


def _blank_end(table: str, rows: Rows, a: int, b: int) -> Damage:
    return _same((text_of(rows) + "\n" * (1 + a % 3)).encode())


def _reordered(table: str, rows: Rows, a: int, b: int) -> Damage:
    turn = a % len(rows[0])
    return _same(text_of([[*row[turn:], *row[:turn]] for row in rows]).encode())


def _shuffled(table: str, rows: Rows, a: int, b: int) -> Damage:
    header, *rest = rows
    turn = a % len(rest)
    mixed = [*rest[turn:], *rest[:turn]][:: -1 if b % 2 else 1]
    return _same(text_of([header, *mixed]).encode(), any_order=True)


def _repeated(table: str, rows: Rows, a: int, b: int) -> Damage:
    row = rows[1 + a % (len(rows) - 1)]
    place = 1 + b % len(rows)
    changed = [*rows[:place], row, *rows[place:]]
    again = tuple(n for n, one in enumerate(changed, start=1) if one == row)
    return Damage(text_of(changed).encode(), again, tuple(rows[0]), must="refused")


def _swapped_names(table: str, rows: Rows, a: int, b: int) -> Damage:
    one, other = _two(rows, a, b)
    header = list(rows[0])
    header[one], header[other] = header[other], header[one]
    swapped = [header, *rows[1:]]
    names = (rows[0][one], rows[0][other])
    return _swap(table, swapped, names, tuple(range(1, len(rows) + 1)))


def _swapped_cells(table: str, rows: Rows, a: int, b: int) -> Damage:
    one, other = _two(rows, a, b)
    changed = [list(row) for row in rows]
    place = 1 + (a * 31 + b) % (len(rows) - 1)
    row = changed[place]
    row[one], row[other] = row[other], row[one]
    # Cells that move may leave others behind that refer to them.
    return _swap(table, changed, (rows[0][one], rows[0][other]), (place + 1,), tuple(rows[place]))


def _two(rows: Rows, a: int, b: int) -> tuple[int, int]:
    one = a % len(rows[0])
    return one, (one + 1 + b % (len(rows[0]) - 1)) % len(rows[0])


def _swap(table: str, changed: Rows, names, places, before=()) -> Damage:
    undetectable = {*FREE.get(table, ()), *PLACES.get(table, ())}
    free = changed if set(names) <= undetectable else []
    order = {name: i for i, name in enumerate(changed[0])}
    arrives = [[row[order[name]] for name in columns(table)] for row in free]
    content = text_of(changed).encode()
    values = {row[order[name]] for row in changed for name in names}
    return Damage(content, places, (), before or tuple(values), arrives)


def _without_column(table: str, rows: Rows, a: int, b: int) -> Damage:
    at = a % len(rows[0])
    changed = [[*row[:at], *row[at + 1 :]] for row in rows]
    return Damage(text_of(changed).encode(), (1,), (rows[0][at],), must="refused")


def _extra_column(table: str, rows: Rows, a: int, b: int) -> Damage:
    at, name = a % (len(rows[0]) + 1), ("Unnamed: 0", "", rows[0][0])[b % 3]
    changed = [[*row[:at], name if n == 0 else str(n), *row[at:]] for n, row in enumerate(rows)]
    return Damage(text_of(changed).encode(), (1,), (name or "(no name)",), must="refused")


def _extra_cell(table: str, rows: Rows, a: int, b: int) -> Damage:
    place = 1 + a % (len(rows) - 1)
    changed = [list(row) for row in rows]
    changed[place].insert(b % len(rows[0]), "")
    return Damage(text_of(changed).encode(), (place + 1,), must="refused")


def _missing_cell(table: str, rows: Rows, a: int, b: int) -> Damage:
    place = 1 + a % (len(rows) - 1)
    changed = [list(row) for row in rows]
    del changed[place][b % len(rows[0])]
    return Damage(text_of(changed).encode(), (place + 1,), must="refused")


def _empty_line(table: str, rows: Rows, a: int, b: int) -> Damage:
    place = 1 + a % (len(rows) - 1)
    changed = [*rows[:place], [], *rows[place:]]
    return Damage(text_of(changed).encode(), (place + 1,), must="refused")


def _open_quotation(table: str, rows: Rows, a: int, b: int) -> Damage:
    """A quotation mark before a cell that has none, and is not closed."""
    place = 1 + a % (len(rows) - 1)
    lines = text_of(rows).splitlines()
    cells = lines[place].split(",")
    at = b % len(cells)
    cells[at] = '"' + cells[at]
    lines[place] = ",".join(cells)
    # It may be closed by a later quotation mark: then what comes after that is broken.
    return Damage(("\n".join(lines) + "\n").encode(), tuple(range(place + 1, len(rows) + 1)))


def _header_again(table: str, rows: Rows, a: int, b: int) -> Damage:
    place = 1 + a % len(rows)
    changed = [*rows[:place], rows[0], *rows[place:]]
    return Damage(text_of(changed).encode(), (place + 1,), must="refused")


def _merge_mark(table: str, rows: Rows, a: int, b: int) -> Damage:
    place = 1 + a % len(rows)
    changed = [*rows[:place], [("<<<<<<< HEAD", "=======", ">>>>>>> other")[b % 3]], *rows[place:]]
    return Damage(text_of(changed).encode(), (place + 1,), must="refused")


def _cut_off(table: str, rows: Rows, a: int, b: int) -> Damage:
    """A file that ends in the midst of a row, before its last comma."""
    place = 1 + a % (len(rows) - 1)
    last = text_of([rows[place]]).rstrip("\n")
    short = last[: b % (len(text_of([rows[place][:-1]])) - 1)]
    content = text_of(rows[:place]) + short
    rows_at_fault = (place + 1,) if short.strip() else ()
    if not short.strip():
        return Damage(text_of(rows).encode(), must="same")
    return Damage(content.encode(), rows_at_fault, must="refused")


def _encoded(table: str, rows: Rows, a: int, b: int) -> Damage:
    encoding = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1258", "latin-1", "cp1252")[a % 7]
    text = text_of(rows)
    content = text.encode(encoding, "replace")
    if content == text.encode():
        return _same(content)
    return Damage(content, tuple(range(len(rows) + 1)), must="refused")


def _twice_encoded(table: str, rows: Rows, a: int, b: int) -> Damage:
    text = text_of(rows)
    content = text.encode().decode("cp1252", "replace").encode()
    if content == text.encode():
        return _same(content)
    return Damage(content, tuple(range(1, len(rows) + 1)), must="refused")


def _other_separator(table: str, rows: Rows, a: int, b: int) -> Damage:
    content = text_of(rows, delimiter=";\t|"[a % 3]).encode()
    return Damage(content, (1,), must="refused")


def _zero_bytes(table: str, rows: Rows, a: int, b: int) -> Damage:
    content = text_of(rows).encode()
    at = (a * 7919 + b) % len(content)
    row = content.count(b"\n", 0, at) + 1
    return Damage(content[:at] + b"\0" + content[at:], (row, row + 1), must="refused")


def _nothing(table: str, rows: Rows, a: int, b: int) -> Damage:
    return Damage((b"", b"\n\n", b"\xef\xbb\xbf", b"  \r\n")[a % 4], (0,), must="refused")


def _only_header(table: str, rows: Rows, a: int, b: int) -> Damage:
    if table == "corrections":  # A project without corrections is valid.
        return _nothing(table, rows, a, b)
    return Damage(text_of(rows[:1]).encode(), (0,), must="refused")


def _no_header(table: str, rows: Rows, a: int, b: int) -> Damage:
    return Damage(text_of(rows[1:]).encode(), (1,), must="refused")


TABLE_DAMAGES: dict[str, Callable[[str, Rows, int, int], Damage]] = {
    "byte-order mark": _with_mark,
    "Windows line ends": _windows,
    "line ends of old Macintoshes": _old_macintosh,
    "decomposed letters": _decomposed,
    "all cells quoted": _quoted,
    "blank lines at the end": _blank_end,
    "columns in another order": _reordered,
    "rows in another order": _shuffled,
    "a row twice": _repeated,
    "names of two columns swapped": _swapped_names,
    "two cells of a row swapped": _swapped_cells,
    "a column deleted": _without_column,
    "a column added": _extra_column,
    "a cell too many": _extra_cell,
    "a cell too few": _missing_cell,
    "an empty line": _empty_line,
    "an open quotation mark": _open_quotation,
    "the header again": _header_again,
    "marks of a merge": _merge_mark,
    "cut off": _cut_off,
    "another encoding": _encoded,
    "encoded twice": _twice_encoded,
    "another separator": _other_separator,
    "zero bytes": _zero_bytes,
    "empty": _nothing,
    "only a header": _only_header,
    "no header": _no_header,
}
