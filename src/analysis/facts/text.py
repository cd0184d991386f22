"""A raw file, from bytes to a table of clean text, with every fault of form named.

Spelling that means the same is made the same (byte-order mark, line ends, composed and decomposed
Vietnamese letters, blanks at the ends of a cell, order of the columns). What could mean something
else (another encoding, a missing or extra column, a shifted row) is a fault.
"""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass

import pandas as pd

LONGEST_CELL = 2000
_LONGEST_SHOWN = 80

# Vietnamese UTF-8 read as Windows-1252 and saved again: "ế" has become "áº¿", "đ" has become "Ä‘".
_MISREAD = re.compile(
    r"á[º»]|â€|[ÃÂÄÆ][\u0080-\u00bf\u2018-\u2026\u20ac\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2030\u2039\u203a\u2122]|\ufffd"
)
# "Qu?ng Nam": an encoding without the letter has put a question mark. Addresses may hold one.
_LOST = re.compile(r"\w\?\w")
# The Icelandic eth looks like Đ, Cyrillic and Greek letters look like Latin ones.
_LOOKALIKE = re.compile("[\u00d0\u00f0\u0189\u0370-\u052f]")
# After Ã or Â a hard blank is half of a letter that was misread ("à"), and has to stay visible.
_HARD_BLANK = re.compile("(?<![ÃÂ])[\u00a0\u2007\u2009\u202f]")
_HALVES = ("Ã\u00a0", "Â\u00a0")
_INVISIBLE = re.compile("[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
# A text that a spreadsheet would compute: "=1+1", "@SUM(A1)", "+cmd|...", "-HYPERLINK(...)".
# Full-width signs count, since East Asian spreadsheets compute them too.
_FORMULA = re.compile(r"^[=@＝＠]|^[+＋－-].*([A-Za-z]\w*\(|\||!)")


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong in the raw tables: where, what stands there, and what to do.

    `row` is the line in the file, as an editor or a spreadsheet counts it (the header is row 1);
    0 means the file as a whole.
    """

    file: str
    row: int
    column: str
    value: str
    message: str

    def __str__(self) -> str:
        place = ":".join([self.file, str(self.row)] if self.row else [self.file])
        parts = [place, _shown(self.column), _shown(self.value), self.message]
        return ": ".join(part for part in parts if part)


def _shown(text: str) -> str:
    """A cell as it can stand in one line of a terminal: short, control characters spelt out."""
    short = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."
    return _INVISIBLE.sub(lambda sign: sign[0].encode("unicode_escape").decode(), short)


def read_text(
    file: str, content: bytes, columns: tuple[str, ...], optional: tuple[str, ...] = ()
) -> tuple[pd.DataFrame | None, list[Fault]]:
    """Read the content of a CSV file as text with the columns given, and `row`, its line numbers.

    Columns of `optional` may be missing (a template of before they existed); they come out empty.

    Returns:
        The table of the rows that can be read (None where the whole file cannot be), and the
        faults of form.
    """
    text, faults = _decode(file, content)
    wanted = columns
    if optional and not faults:
        head = [clean(name) for name in next(csv.reader([text.split("\n", 1)[0]]), [])]
        columns = tuple(name for name in columns if name in head or name not in optional)
    faults = faults or _whole_file_faults(file, text, columns)
    if faults:
        return None, faults
    header, bad_rows, faults = _shape(file, text, columns)
    if header is None:
        return None, faults
    readable = text
    if bad_rows:
        left_out = {row - 1 for row in bad_rows}
        lines = text.split("\n")
        readable = "\n".join(line for n, line in enumerate(lines) if n not in left_out)
    table = pd.read_csv(
        io.StringIO(readable),
        dtype=str,
        keep_default_na=False,
        na_filter=False,
        skip_blank_lines=False,
        header=0,
        names=header,
    )
    # Without embedded line breaks the row number is the line number, skipped lines counted.
    kept = sorted(set(range(2, text.count("\n") + 1)) - set(bad_rows))
    table = table[list(columns)].apply(_clean_column)
    table["row"] = kept
    faults = faults + _cell_faults(file, table, columns)
    if columns != wanted:
        table = table.reindex(columns=[*wanted, "row"], fill_value="")
    return table, faults


def _decode(file: str, content: bytes) -> tuple[str, list[Fault]]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "", [Fault(file, 0, "", "", "is UTF-16; save it as CSV UTF-8")]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        found = repr(content[error.start : error.start + 8])[2:-1]
        message = "is not UTF-8 (wrong encoding); save the file as CSV UTF-8"
        return "", [Fault(file, row, "", found, message)]
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n", []


def _whole_file_faults(file: str, text: str, columns: tuple[str, ...]) -> list[Fault]:
    if not text.strip():
        return [Fault(file, 0, "", "", "is empty; restore it from git")]
    first = text.split("\n", 1)[0]
    for name, sign in (("semicolons", ";"), ("tabs", "\t")):
        if "," not in first and first.count(sign) >= max(1, len(columns) - 1):
            message = f"the cells are separated by {name}; save it as CSV separated by commas"
            return [Fault(file, 1, "", first[:60], message)]
    if "\0" not in text:
        return []
    row = text.count("\n", 0, text.index("\0")) + 1
    cells = next(csv.reader([text.split("\n")[row - 1].replace("\0", "\ufffd")]), [])
    at = next((i for i, cell in enumerate(cells) if "\ufffd" in cell), 0)
    names = [clean(name) for name in next(csv.reader([first.replace("\0", "")]), [])]
    column = names[at] if at < len(names) else ""
    value = cells[at] if at < len(cells) else ""
    return [Fault(file, row, column, value, "holds a zero byte; type the cell again")]


def _shape(
    file: str, content: str, columns: tuple[str, ...]
) -> tuple[list[str] | None, list[int], list[Fault]]:
    """Return the header (None where the file cannot be read), the bad rows and the faults."""
    # Without strict reading, a stray quotation mark would swallow the rows that follow it.
    rows = csv.reader(io.StringIO(content), strict=True)
    bad: list[int] = []
    faults: list[Fault] = []
    try:
        header = [clean(name) for name in next(rows, [])]
        faults = header_faults(file, header, columns)
        if faults:
            return None, [], faults
        line = 1
        for row in rows:
            first, line = line + 1, rows.line_num
            if len(row) != len(header) or line != first:
                faults.append(Fault(file, first, "", ",".join(row)[:60], _row_fault(row, header)))
                bad += range(first, line + 1)
    except csv.Error as error:
        message = f"cannot be read as CSV from here on ({error}); check the quotation marks"
        return None, [], [*faults, Fault(file, max(rows.line_num, 1), "", "", message)]
    return header, bad, faults


def _row_fault(row: list[str], header: list[str]) -> str:
    if not row:
        return "is an empty line; delete it"
    if len(row) != len(header):
        return f"has {len(row)} fields where the header has {len(header)}; quote cells with a comma"
    return "a cell holds a line break; write it in one line"


def header_faults(file: str, header: list[str], columns: tuple[str, ...]) -> list[Fault]:
    """Return the columns that are missing, unknown or doubled."""
    missing = [name for name in columns if name not in header]
    extra = [name for name in header if name not in columns]
    double = sorted({name for name in header if name and header.count(name) > 1})
    return [
        *(Fault(file, 1, name, "", "the column is missing") for name in missing),
        *(
            Fault(file, 1, name or "(no name)", "", "is not a column of this table")
            for name in extra
        ),
        *(Fault(file, 1, name, "", "the column stands twice") for name in double),
    ]


def clean(text: str) -> str:
    """A cell in composed letters, with plain blanks and none at its ends."""
    composed = unicodedata.normalize("NFC", _HARD_BLANK.sub(" ", text))
    return composed if composed.endswith(_HALVES) else composed.strip()


def _clean_column(column: pd.Series) -> pd.Series:
    # Few distinct values in most columns: clean each once. Linear in the number of rows.
    cleaned = {value: clean(value) for value in column.unique()}
    if all(value == clean for value, clean in cleaned.items()):
        return column
    return column.map(cleaned).astype(str)


def _cell_faults(file: str, table: pd.DataFrame, columns: tuple[str, ...]) -> list[Fault]:
    faults = []
    for name in columns:
        messages = {value: cell_message(value) for value in table[name].unique()}
        wrong = {value: message for value, message in messages.items() if message}
        if wrong:
            found = table[table[name].isin(list(wrong))]
            for row, value in zip(found["row"], found[name], strict=True):
                faults.append(Fault(file, int(row), name, value, wrong[value]))
    return faults


def cell_message(value: str) -> str:
    """Say what is wrong with the spelling of a cell; "" where nothing is."""
    if len(value) > LONGEST_CELL:
        return f"has {len(value):,} characters; at most {LONGEST_CELL:,} are allowed"
    if _INVISIBLE.search(value):
        return "holds an invisible control character; delete it"
    if _MISREAD.search(value):
        return "was read in a wrong encoding before it was saved; type the letters again"
    if _LOST.search(value) and "://" not in value:
        return "has a question mark in place of a letter; type the letters again"
    if _LOOKALIKE.search(value):
        return "holds a letter that only looks like a Vietnamese one; type it again"
    if _FORMULA.match(value):
        return "would be computed as a formula by a spreadsheet; rephrase it"
    return ""
