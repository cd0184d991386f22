"""Tables of the statistics office, PX-Web CSV or JSON-stat, as figures by province and year.

PX-Web writes years across or down, in English or Vietnamese, with a title line or without. What a
cell means is read from its labels; where two cells claim the same province and year, the caller
has to say which one is meant.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.facts import Fault
from analysis.intake.sheet import IntakeError

YEAR = re.compile(r"(?<!\d)(19[5-9]\d|20[0-4]\d)(?!\d)")
_CONTROL = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]")
#: Signs that stand for a figure that does not exist or was not collected.
NOTHING = frozenset({"", "..", "...", ".", "-", "–", "—", ":", "…", "n/a", "na", "nan", "x"})


@dataclass(frozen=True)
class Cells:
    """The cells of a table. table: row (in the file), labels (tuple of text), text; title: its own.

    A label is whatever stands beside or above the figure: province, year, sex, residence.
    """

    table: pd.DataFrame
    title: str


def read_statistics(path: Path) -> Cells:
    """Read a PX-Web CSV or a JSON-stat file (version 1 or 2).

    Raises:
        IntakeError: the file is missing, or is neither.
    """
    if not path.is_file():
        raise IntakeError([Fault(path.name, 0, "", "", "the file is not there")])
    text = _decoded(path)
    if text.lstrip().startswith("{"):
        return _json_stat(path, text)
    return _px_csv(path, text)


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ["utf-16"] if wide else ["utf-8-sig", "cp1258"]:
        try:
            text = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
            return _printable(text, path.name)
        except UnicodeDecodeError:
            continue
    raise IntakeError([Fault(path.name, 0, "", "", "cannot be decoded; save it as CSV UTF-8")])


def _printable(text: str, file: str) -> str:
    if control := _CONTROL.search(text):
        row = text.count("\n", 0, control.start()) + 1
        line = text.split("\n")[row - 1]
        raise IntakeError([Fault(file, row, "", line, "holds a control character; delete it")])
    return text


def _px_csv(path: Path, text: str) -> Cells:
    delimiter = max(";,\t", key=lambda sign: _head(text).count(sign))
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        rows = list(reader)
    except csv.Error as error:
        message = f"cannot be read as CSV from here on ({error})"
        raise IntakeError([Fault(path.name, reader.line_num, "", "", message)]) from error
    heads = [
        i for i, row in enumerate(rows) if len(row) > 1 and any(YEAR.search(c) for c in row[1:])
    ]
    if not heads:
        message = "has no line with years and no column of years; is it a PX-Web table?"
        raise IntakeError([Fault(path.name, 0, "", "", message)])
    title = next((row[0] for row in rows[: heads[0]] if len(row) >= 1 and row[0].strip()), "")
    head = rows[heads[0]]
    if any(YEAR.search(cell) for cell in head[1:]) and not _is_figure_row(head):
        return Cells(_across(rows, heads[0]), title)
    return Cells(_down(rows, heads[0]), title)


def _head(text: str) -> str:
    lines = [line for line in text.splitlines()[:6] if line.strip()]
    return max(lines, key=len, default="")


def _is_figure_row(row: list[str]) -> bool:
    """Years down: the first line with a year already ends in a figure of its own."""
    bare = [cell.strip() for cell in row]
    years = [i for i, cell in enumerate(bare) if YEAR.search(cell)]
    return len(years) == 1 and years[0] < len(bare) - 1 and bool(re.search(r"\d|\.\.", bare[-1]))


def _across(rows: list[list[str]], place: int) -> pd.DataFrame:
    head = [cell.strip() for cell in rows[place]]
    first = next(i for i, cell in enumerate(head) if i and YEAR.search(cell))
    found = []
    for number, row in enumerate(rows[place + 1 :], start=place + 2):
        side = tuple(cell.strip() for cell in row[:first] if cell.strip())
        if not side or len(row) <= first:
            continue
        found += [(number, (*side, head[i]), row[i].strip()) for i in range(first, len(row))
                  if i < len(head)]  # fmt: skip
    return pd.DataFrame(found, columns=["row", "labels", "text"])


def _down(rows: list[list[str]], place: int) -> pd.DataFrame:
    found = []
    for number, row in enumerate(rows[place:], start=place + 1):
        cells = [cell.strip() for cell in row]
        if len(cells) > 2:
            found.append((number, tuple(cells[:-1]), cells[-1]))
    return pd.DataFrame(found, columns=["row", "labels", "text"])


def _json_stat(path: Path, text: str) -> Cells:
    try:
        content = json.loads(text)
        content = content.get("dataset", content)
        dimensions = content["dimension"]
        order = content.get("id") or dimensions["id"]
        labels = [_categories(dimensions[name]["category"]) for name in order]
        values = content["value"]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        message = f"is no JSON-stat data set ({type(error).__name__}: {error})"
        raise IntakeError([Fault(path.name, 0, "", "", message)]) from error
    found = []
    for place, combined in enumerate(itertools.product(*labels)):
        value = values.get(str(place)) if isinstance(values, dict) else _at(values, place)
        found.append((place + 1, combined, "" if value is None else _plain(value)))
    return Cells(
        pd.DataFrame(found, columns=["row", "labels", "text"]), str(content.get("label", ""))
    )


def _at(values: list, place: int) -> object:
    return values[place] if place < len(values) else None


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _categories(category: dict) -> list[str]:
    """Labels in their order; the index may be a list, a mapping to positions, or missing."""
    index = category.get("index", list(category.get("label", {})))
    names = sorted(index, key=lambda key: index[key]) if isinstance(index, dict) else list(index)
    return [str(category.get("label", {}).get(name, name)).strip() for name in names]


def numbers(cells: pd.DataFrame, file: str, decimal: str = "") -> pd.Series:
    """Return the cells as numbers; signs for nothing become missing.

    decimal: "point" or "comma"; found from the cells themselves where it is not given.

    Raises:
        IntakeError: a cell is no number, or the cells leave open what a comma means.
    """
    text = cells["text"].str.replace("[\u00a0\u202f\\s]", "", regex=True)
    text = text.mask(text.str.lower().isin(NOTHING), "")
    sign = decimal or _decimal_sign(text, file)
    thousands, point = (".", ",") if sign == "comma" else (",", ".")
    digits, rest = rf"(\d+|\d{{1,3}}([{thousands}]\d{{3}})+)", rf"([{point}]\d+)?"
    pattern = f"-?{digits}{rest}"
    wrong = (text != "") & ~text.str.fullmatch(pattern)
    if wrong.any():
        bad = cells[wrong].head(20)
        message = f"is not a number with a decimal {sign}"
        raise IntakeError([
            Fault(file, int(row), " / ".join(labels), value, message)
            for row, labels, value in zip(bad["row"], bad["labels"], bad["text"], strict=True)
        ])  # fmt: skip
    plain = text.str.replace(thousands, "", regex=False).str.replace(point, ".", regex=False)
    return pd.to_numeric(plain.mask(plain == ""), errors="coerce")


def _decimal_sign(text: pd.Series, file: str) -> str:
    """What the cells themselves show; a comma or point before three digits alone shows nothing."""
    shows = {
        "point": r"\d*\.(\d{1,2}|\d{4,})|\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}",
        "comma": r"\d*,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}",
    }
    found = {
        sign for sign, pattern in shows.items() if text.str.fullmatch("-?(" + pattern + ")").any()
    }
    if len(found) == 1:
        return found.pop()
    if not found and not text.str.contains(r"[.,]").any():
        return "point"
    message = "leaves open whether a comma or a point marks decimals: say --decimal point or comma"
    raise IntakeError([Fault(file, 0, "", "", message)])
