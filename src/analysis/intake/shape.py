"""The shape of a statistical table: which cells are figures, and which labels each one has.

Offices head their tables by years over sexes, sexes over years, both in columns, several tables
one below the other. Nothing is taken here: `read_shape` gives every figure all its labels, level
by level, and `Shape.lines` shows them back. Which ones are meant is decided in `choice`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from openpyxl.utils import get_column_letter

from analysis.intake.provinces import LARGER, NAME_MARK
from analysis.intake.statistics import Grid, Labelled, fault, read_file

BLANK = "(blank)"
_YEAR = re.compile(r"(?<!\d)(19[5-9]\d|20[0-4]\d)(?!\d)")
#: A year in a decimal number, or in a span such as 2018/19.
_NO_YEAR = re.compile(r"\d[.,]\d|\d{4}\s?[/–-]\s?\d\d(?![\d/-])")
#: What may stand beside a year without meaning another figure: preliminary, estimate, marks.
_BESIDE = re.compile(
    r"\b(prel(iminary)?|p|e|est(imate[ds]?)?|sơ bộ|ước( tính)?|sb|năm|year|in)\b\.?"
    r"|\(\d{1,2}\)|\(?\*+\)?|[¹²³⁴-⁹]+|[().:,;]",
    re.IGNORECASE,
)
_YEAR_WORD = re.compile(r"\W*(năm|year|years|time|period|thời gian|kỳ|nam/year|năm/year)\W*", re.I)
_CODE_WORD = re.compile(
    r"\W*(mã( số)?( tỉnh)?|mã đơn vị|code|codes|id|stt|tt|số tt|no|nr|region|vùng|area code"
    r"|geo|alpha|mã_?\w*)\W*",
    re.I,
)
_NOTE_WORD = re.compile(r"\W*(ghi chú|note|notes|remark|remarks|nguồn|source|chú thích)\W*", re.I)
_HEAD_WORD = re.compile(
    r"tỉnh|thành phố|địa phương|provinc|cit(y|ies)|đơn vị|vùng|region|area|unit|name|tên|locality",
    re.I,
)
_UNIT_LINE = re.compile(
    r"^\W*(đơn vị(?: tính)?|đvt|units?(?: of measure)?)\b\s*[:(-]?\s*(.*?)[\s.)\]:]*$", re.I
)
_NOTE_LINE = re.compile(r"^\W*(ghi chú|chú thích|nguồn|notes?\b|source|\(?\*\)?$|\(\d\)\s)", re.I)
#: Names of totals and parts, which part tables where they stand in a line of their own.
_PART_LINE = re.compile(
    r"(tổng( số| cộng)?|total|chung|thành thị|nông thôn|urban|rural)", re.IGNORECASE
)
#: No name of a place: empty, without letters, or a text of its own.
_NUMERIC = re.compile(r"[\d.,\s*()%\u2212-]*|.{81}", re.DOTALL)
_CONTINUED = re.compile(r"^\W*(tiếp theo|cont(inued|\.)?|\(?tiếp\)?)\W*$", re.I)
NUMBER = r"[-\u2212–]?\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?|[-\u2212–]?\d[\d.,]*"
MARK = r"\s*(?:\*+|\(\*+\)|\([\da-z]{1,2}\)|[¹²³⁴-⁹]+|[†‡#]|(?<=[\d ])[a-z])"
_FIGURE = re.compile(rf"(?:{NUMBER})\s*%?(?:{MARK}){{0,2}}", re.I)
#: Signs that stand for a figure that does not exist or was not collected.
NOTHING = re.compile(r"\.+|…+|[-–—−:*x_]|n\.?/?a\.?|nan|null|kxđ", re.I)


@dataclass(frozen=True)
class Level:
    """One kind of label: its name in the file, and where it stands."""

    name: str
    place: str


@dataclass
class Shape:
    """A table as it was understood, before anything is chosen.

    levels: the kinds of labels. cells: row, place (in the file), labels (tuple, one a level; ""
    where a level says nothing), text and exact (held as a number); one row a figure or empty cell.
    units: label -> unit, where the file gives each kind of figure one of its own.
    """

    file: str
    kind: str
    levels: list[Level]
    cells: pd.DataFrame
    title: str = ""
    unit: str = ""
    notes: list[str] = field(default_factory=list)
    units: dict[str, str] = field(default_factory=dict)


def read_shape(path: Path, place_of: Callable[[str], str], part: str = "", year: str = "") -> Shape:
    """Read a file and find its shape.

    Args:
        place_of: label -> province code, `LARGER`, or "".
        part: sheet or data set, where the file has several.
        year: heading of the column that holds the years, where several could.

    Raises:
        IntakeError: the file is of another kind, or holds no table by provinces.
    """
    found = read_file(path, part, lambda text: bool(place_of(text)))
    if isinstance(found, Labelled):
        return _from_labels(path.name, found)
    return _Sheet(path.name, found, place_of, year).shape()


def _from_labels(file: str, found: Labelled) -> Shape:
    sizes = [len(labels) for _, labels in found.dimensions]
    rows = []
    for at, text in found.figures:
        rest, labels = at, []
        for size, (_, names) in zip(reversed(sizes), reversed(found.dimensions), strict=True):
            labels.append(names[rest % size])
            rest //= size
        rows.append((at + 1, f"figure {at + 1}", tuple(reversed(labels)), text, _is_plain(text)))
    levels = [Level(name, "dimension") for name, _ in found.dimensions]
    table = pd.DataFrame(rows, columns=["row", "place", "labels", "text", "exact"])
    return Shape(file, found.kind, levels, table, found.title, found.unit, found.notes, found.units)


def _is_plain(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+(\.\d+)?", text))


def is_figure(text: str) -> bool:
    """Tell whether a cell holds a number, perhaps with a mark, or a sign for none."""
    return bool(_FIGURE.fullmatch(text) or NOTHING.fullmatch(text))


def year_of(label: str) -> int | None:
    """Return the year that a label names, or None for none and for a span of years."""
    found = _YEAR.findall(label)
    return int(found[0]) if len(found) == 1 and not _NO_YEAR.search(label) else None


def beside_year(label: str) -> str:
    """Return what a label says beside its year ("2018 Male": "Male"); "" for 2019 or Prel. 2019."""
    rest = _YEAR.sub(" ", label)
    return " ".join(_BESIDE.sub(" ", rest).split()).strip(" -–/|")


def is_year(label: str) -> bool:
    """Tell whether a label is a year and nothing else."""
    return year_of(label) is not None and not beside_year(label)


class _Sheet:
    """A sheet with the provinces in one column; a sheet that has them in a row is turned first."""

    def __init__(self, file: str, grid: Grid, place_of: Callable[[str], str], year: str) -> None:
        self.file, self.kind, self.year = file, grid.kind, year
        self.place_of = place_of
        width = max((len(row) for _, row in grid.rows), default=0)
        self.raw = [[*row, *[""] * (width - len(row))] for _, row in grid.rows]
        self.rows = [[" ".join(c.split(" ")).strip() for c in row] for row in self.raw]
        self.row_names = [str(number) for number, _ in grid.rows]
        self.column_names = [get_column_letter(i + 1) if i < 16000 else str(i + 1)
                             for i in range(width)]  # fmt: skip
        self.exact = set(grid.exact)
        self.turned = False
        self.titles: list[str] = []
        self.notes: list[str] = []
        self.unit = ""

    def shape(self) -> Shape:
        if len(self.rows) * max(len(self.column_names), 1) > 4_000_000:
            raise fault(self.file, "has too many cells; choose fewer of them")
        self._places()
        self.spaced = any(
            cell[:1] == " " for row, codes in zip(self.raw, self.codes, strict=True) if any(codes)
            for cell in row[1:] if cell.strip()
        )  # fmt: skip
        by_column = [len({p for p in column if p not in ("", LARGER)}) for column in
                     zip(*self.codes, strict=True)]  # fmt: skip
        by_row = [len({p for p in row if p not in ("", LARGER)}) for row in self.codes]
        if not max(by_column, default=0):
            message = "holds no name of a province; is it a table by provinces, with their names?"
            raise fault(self.file, message)
        if max(by_row) > max(by_column) or (max(by_row) == 1 and self._one_name_heads_figures()):
            self._turn()
        found = self._cells()
        if found is None and not self.turned:
            self._turn()
            found = self._cells()
        if found is None:
            raise fault(self.file, "holds no figure beside or below the names of provinces")
        levels, cells = found
        title = "; ".join(self.titles[:2])
        return Shape(self.file, self.kind, levels, cells, title, self.unit, self.notes)

    def _one_name_heads_figures(self) -> bool:
        """Whether the only known name stands in a heading: figures below it, and none beside it."""
        named = ((i, c) for i, row in enumerate(self.codes) for c, place in enumerate(row)
                 if place not in ("", LARGER))  # fmt: skip
        i, c = next(named)
        beside = [cell for at, cell in enumerate(self.rows[i]) if cell and at != c]
        below = [row[c] for row in self.rows[i + 1 :] if row[c]]
        heads = any(self.rows[i][:c]) and not any(map(is_figure, beside))
        return heads and bool(below) and any(map(is_figure, below))

    def _places(self) -> None:
        known: dict[str, str] = {}
        for row in self.rows:
            for cell in row:
                if cell not in known:
                    known[cell] = "" if _NUMERIC.fullmatch(cell[:81]) else self.place_of(cell)
        self.codes = [[known[cell] for cell in row] for row in self.rows]

    def _turn(self) -> None:
        """Put the provinces of a row into a column; titles and notes stay behind."""
        filled = [sum(map(bool, row)) for row in self.rows]
        inner = [i for i, n in enumerate(filled) if n > 1]
        for i in range(inner[0] if inner else 0):
            self._say(self.titles, self.rows[i])
        for i in range(inner[-1] + 1 if inner else 0, len(self.rows)):
            self._say(self.notes, self.rows[i])
        chosen = [i for i in inner if not self._is_prose(i)] if inner else []
        width = len(self.column_names)
        self.rows = [[self.rows[i][j] for i in chosen] for j in range(width)]
        self.exact = {(j, chosen.index(i)) for i, j in self.exact if i in chosen}
        self.row_names, self.column_names = (
            self.column_names,
            [self.row_names[i] for i in chosen],
        )
        self.turned = True
        self._places()

    def _say(self, into: list[str], row: list[str]) -> None:
        text = ", ".join(cell for cell in row if cell)
        unit = _UNIT_LINE.match(text)
        if unit and unit[2]:
            self.unit = self.unit or unit[2]
        elif text:
            into.append(text)

    def _is_prose(self, i: int) -> bool:
        """A line of prose that its commas have cut: all cells but the first begin with a blank."""
        if self.turned or self.spaced:
            return False
        rest = [cell for cell in self.raw[i][1:] if cell.strip()]
        return bool(rest) and all(cell[:1] == " " for cell in rest)

    # --- columns ------------------------------------------------------------------------------

    def _columns(self) -> None:
        """Tell columns of figures from columns of labels."""
        counts = [sum(p not in ("", LARGER) for p in column)
                  for column in zip(*self.codes, strict=True)]  # fmt: skip
        self.names = counts.index(max(counts))
        first = next(i for i, row in enumerate(self.codes) if row[self.names])
        self.first = first
        body = [row for row in self.rows[first:] if sum(map(bool, row)) > 1]
        heads = [i for i in range(first) if self._may_head(i)]
        self.values, self.side, years = [], [self.names], []
        for c in range(len(self.column_names)):
            if c == self.names:
                continue
            texts = [row[c] for row in body if row[c]]
            above = [self.rows[i][c] for i in heads if self.rows[i][c]]
            word = above[-1] if above else ""
            if not texts and not above:
                continue
            if any(_NOTE_WORD.fullmatch(text) for text in above):
                continue
            dated = sum(is_year(text) for text in texts) >= 0.9 * len(texts) and bool(texts)
            if dated and not any(year_of(text) for text in above):
                asked = bool(self.year) and word.casefold() == self.year.casefold()
                years.append((c, asked or (not self.year and bool(_YEAR_WORD.fullmatch(word)))))
            elif any(year_of(text) for text in above) or (
                sum(map(is_figure, texts)) >= 0.5 * len(texts) and not self._is_code(c, word)
            ):
                self.values.append(c)
            elif texts:
                self.side.append(c)
        self._choose_year(years, heads)
        self.side.sort()
        self.values.sort()

    def _may_head(self, i: int) -> bool:
        """Whether a line above the first province may be a heading: cells, and none is a figure.

        Below a heading of the names, a line with another name is one of figures like years.
        """
        name = self.rows[i][self.names]
        if name and not self._is_heading_of_names(name) and any(map(self._names_headed, range(i))):
            return False
        return self._like_a_heading(i)

    def _names_headed(self, i: int) -> bool:
        return self._is_heading_of_names(self.rows[i][self.names]) and self._like_a_heading(i)

    def _is_heading_of_names(self, label: str) -> bool:
        """Whether a label speaks of names; "Tỉnh Hà Giang (1)" is one, with a mark behind it."""
        bare = NAME_MARK.sub("", label)
        return bool(_HEAD_WORD.search(label)) and self.place_of(bare) in ("", LARGER)

    def _like_a_heading(self, i: int) -> bool:
        filled = [cell for cell in self.rows[i] if cell]
        figures = any(is_figure(cell) and not is_year(cell) for cell in filled)
        return len(filled) > 1 and not figures and not self._is_prose(i)

    def _is_code(self, c: int, word: str) -> bool:
        """Codes and running numbers: by their heading, or whole numbers left of the names."""
        if _CODE_WORD.fullmatch(word):
            return True
        if c > self.names or year_of(word):
            return False
        texts = [row[c] for row in self.rows[self.first :] if row[c]]
        return all(re.fullmatch(r"\d{1,5}", text) for text in texts)

    def _choose_year(self, years: list[tuple[int, bool]], heads: list[int]) -> None:
        """Columns of nothing but years: the one headed so; others may be figures like 1985."""
        named = [c for c, is_named in years if is_named]
        heading = {c: next((self.rows[i][c] for i in reversed(heads) if self.rows[i][c]), "")
                   for c, _ in years}  # fmt: skip
        headed = any(year_of(self.rows[i][c]) for i in heads for c in self.values)
        if not named and len(years) > 1 and not headed and not self.values:
            places = ", ".join(self.column_names[c] for c, _ in years)
            message = f"leaves open which of the columns {places} holds the year: head it 'Year'"
            if all(heading.values()):
                message += "".join(f" or say --year {shlex.quote(x)}" for x in heading.values())
            raise fault(self.file, message)
        chosen = named or ([] if headed else [c for c, _ in years])
        for c, _ in years:
            (self.side if c in chosen else self.values).append(c)

    # --- cells --------------------------------------------------------------------------------

    def _cells(self) -> tuple[list[Level], pd.DataFrame] | None:
        if not any(map(any, self.codes)):
            return None
        self._columns()
        if not self.values:
            return None
        rows: list[tuple] = []
        heads: list[int] = []
        waiting: list[tuple[str, int]] = []
        section, where, last, seen, under = "", "", None, False, False
        headings: dict[int, list[str]] = {}
        for i, row in enumerate(self.rows):
            kind = self._kind(i, seen, under)
            if kind == "number line":
                continue
            # Right below rows of a province, where its merged cells may go on.
            under = kind == "data" or (kind == "area" and seen)
            if kind in ("blank", "head", "text"):
                waiting.append((kind, i))
                continue
            if kind == "area":
                where = row[self.names]
                if self.codes[i][self.names] == LARGER:
                    continue
            if waiting:
                new, texts = self._heads(waiting, seen)
                if new:
                    heads, headings = new, self._filled_right(new)
                if texts or new:
                    last = None
                section = " / ".join(texts) if texts else section
                waiting = []
            if kind == "area":
                rows += self._row(i, section, "", self._filled(i, None), headings, heads)
                last = None
                continue
            side = self._filled(i, last)
            last = side
            if self.place_of(side[self.names]):
                where = ""
            rows += self._row(i, section, where, side, headings, heads)
            seen = True
        for kind, i in waiting:
            if kind != "blank":
                self._say(self.notes, self.rows[i])
        if not seen:
            return None
        return self._table(rows)

    def _kind(self, i: int, seen: bool, under: bool) -> str:
        row, label = self.rows[i], self.rows[i][self.names]
        filled = [row[c] for c in self.values if row[c]]
        if not any(row):
            return "blank"
        place = self.codes[i][self.names]
        figures = any(is_figure(text) and not is_year(text) for text in filled)
        if not place and (self._is_prose(i) or (_NOTE_LINE.match(label) and not figures)):
            return "text"
        if under and self._goes_on(i):
            return "data"
        if not filled:
            others = any(row[c] for c in self.side if c != self.names)
            if place == LARGER and _PART_LINE.fullmatch(label) and not others:
                return "text"
            if place and not others:
                return "area"
            return "data" if place or (others and seen and self._one_value_dated(i)) else "text"
        if place:
            return "data"
        numbers = [text for text in filled if is_figure(text)]
        dated = all(is_year(text) for text in numbers)
        first = not seen and not self._headed_above(i)
        allowed = first or not label or self._is_heading_of_names(label)
        if not numbers or (allowed and dated):
            return "head" if allowed else "text"
        if self._is_number_line(row, filled, seen):
            return "number line"
        return "data"

    def _goes_on(self, i: int) -> bool:
        """Whether a line continues a merged name: it says a kind beside it, and heads nothing.

        Such a line may hold no figure, or one like 1950, and is no title or heading for that.
        """
        row = self.rows[i]
        said = [c for c in self.side if c > self.names and row[c]]
        again = any(row[c] == above[c] for c in said for above in self.rows[: self.first])
        return bool(said) and not row[self.names] and not again

    def _headed_above(self, i: int) -> bool:
        """Whether a line above heads the names or gives the columns their years."""
        heads = [self.rows[j] for j in range(i) if self._may_head(j)]
        return any(
            self._is_heading_of_names(row[self.names]) or any(is_year(row[c]) for c in self.values)
            for row in heads
        )

    def _is_number_line(self, row: list[str], filled: list[str], seen: bool) -> bool:
        """The line "A, 1, 2, 3" that numbers the columns below a heading."""
        side = [row[c] for c in self.side if row[c]]
        plain = [text.strip("()") for text in filled]
        first = int(plain[0]) if plain[0] in ("1", "2") else 0
        return (
            bool(first)
            and len(plain) > 1
            and plain == [str(first + k) for k in range(len(plain))]
            and all(re.fullmatch(r"[A-D]|\(?\d\)?", text) for text in side)
            and bool(side or not seen)
        )

    def _one_value_dated(self, i: int) -> bool:
        return any(is_year(self.rows[i][c]) for c in self.side if self.rows[i][c])

    def _heads(self, waiting: list[tuple[str, int]], seen: bool) -> tuple[list[int], list[str]]:
        """Of the lines above a row of figures: the heading rows, and the texts that part tables."""
        heads: list[int] = []
        below: list[str] = []
        above: list[str] = []
        for kind, i in reversed(waiting):
            row = self.rows[i]
            filled = [c for c, cell in enumerate(row) if cell]
            text = ", ".join(row[c] for c in filled)
            wide = len(filled) > 1 or (not seen and filled[:1] == self.values[:1])
            unit = _UNIT_LINE.match(text)
            alone = len(filled) == 1 and unit
            if kind == "head" and wide and not above and not alone and not self._is_prose(i):
                heads.insert(0, i)
                continue
            if kind == "blank":
                above = (above or [""]) if heads else above
                continue
            if unit and not seen:
                self.unit = self.unit or unit[2]
            if not _CONTINUED.match(text):
                (above if heads else below).insert(0, text)
        above = [text for text in above if text]
        if not seen:
            self.titles += above
            return heads, below or ([above[-1]] if above else [])
        return heads, [*above, *below]

    def _filled_right(self, heads: list[int]) -> dict[int, list[str]]:
        """Headings with merged cells filled; a merged cell ends where one above it begins."""
        found: dict[int, list[str]] = {}
        starts: set[int] = set()
        for k, i in enumerate(heads):
            row, last = list(self.rows[i]), ""
            own: set[int] = set()
            below = [self.rows[j] for j in heads[k + 1 :]]
            for c in self.values:
                if row[c]:
                    last = row[c]
                    own.add(c)
                elif c in starts:
                    last = ""
                elif last and (any(one[c] for one in below) or k == len(heads) - 1):
                    row[c] = last
            found[i] = row
            starts |= own
        return found

    def _filled(self, i: int, last: list[str] | None) -> list[str]:
        """Labels beside the figures; merged cells are filled downwards within the label left."""
        row = list(self.rows[i])
        changed = not any(row[c] for c in self.side)
        for c in self.side:
            if row[c]:
                changed = changed or last is None or row[c] != last[c]
            elif last is not None and not changed:
                row[c] = last[c]
        return row

    def _row(
        self, i: int, section: str, where: str, side: list[str],
        headings: dict[int, list[str]], heads: list[int],
    ) -> list[tuple]:  # fmt: skip
        found = []
        for c in self.values:
            text = self.rows[i][c]
            above = {f"h{len(heads) - k}": headings[h][c] for k, h in enumerate(heads)}
            if not text and not any(above.values()):
                continue
            labels = {"section": section, "where": where}
            labels |= {f"s{c}": side[c] for c in self.side} | above
            spot = self.row_names[i], self.column_names[c]
            row, column = spot[::-1] if self.turned else spot
            found.append((int(row), f"row {row}, column {column}", labels, text,
                          (i, c) in self.exact))  # fmt: skip
        self.last_heads = heads
        return found

    def _table(self, rows: list[tuple]) -> tuple[list[Level], pd.DataFrame]:
        keys: dict[str, None] = {}
        for _, _, labels, _, _ in rows:
            keys.update(dict.fromkeys(labels))
        used = {
            key for key in keys if len({labels.get(key, "") for _, _, labels, _, _ in rows}) > 1
            or (key not in ("section", "where") and any(one[2].get(key) for one in rows))
        }  # fmt: skip
        kept = [key for key in keys if key in used]
        levels = [self._level(key) for key in kept]
        table = pd.DataFrame(
            [(row, spot, tuple(labels.get(key, "") for key in kept), text, exact)
             for row, spot, labels, text, exact in rows],
            columns=["row", "place", "labels", "text", "exact"],
        )  # fmt: skip
        return levels, table

    def _level(self, key: str) -> Level:
        line, across = ("column", "row") if self.turned else ("row", "column")
        if key == "section":
            return Level("table", "lines between the tables")
        if key == "where":
            return Level("area", "lines above the figures")
        if key.startswith("s"):
            c = int(key[1:])
            heads = [
                self.rows[i][c] for i in range(self.first) if self.rows[i][c] and self._may_head(i)
            ]
            name = self.column_names[c]
            return Level(heads[-1] if heads else f"{across} {name}", f"{across} {name}")
        back = int(key[1:])
        name = self.row_names[self.last_heads[-back]] if back <= len(self.last_heads) else "?"
        return Level(f"heading {line} {name}", f"{line} {name}")
