"""What the labels of a table mean, shown back; and the question where they leave it open.

A label names a province, a year, or something to choose between: men and women, percent and
thousand persons, an estimate and its standard error. Of the latter nothing is ever assumed.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import pandas as pd

from analysis.country.names import codes_by_key, key
from analysis.facts import Fault
from analysis.intake.provinces import LARGER, marked, place, refuse_merged
from analysis.intake.shape import _CODE_WORD as CODE_WORD
from analysis.intake.shape import (
    BLANK,
    MARK,
    NOTHING,
    NUMBER,
    Shape,
    beside_year,
    is_figure,
    year_of,
)
from analysis.intake.sheet import IntakeError

_SHOWN = 8
#: What stands beside a year where the figures are not those of the year.
_NOT_THE_YEAR = re.compile(
    r"tháng|quý|months?|quarter|q[1-4]|half|kế hoạch|dự báo|mục tiêu|chỉ tiêu|plan|forecast|target"
    r"|so với|tăng|growth|change",
    re.IGNORECASE,
)


class Options(Protocol):
    """What the caller says of a table; see `analysis.intake.covariate.Wanted`."""

    @property
    def pick(self) -> tuple[str, ...]:
        """Labels of which a cell must have each."""

    @property
    def ignore(self) -> tuple[str, ...]:
        """Labels to leave out."""

    @property
    def year(self) -> str:
        """Level that holds the years, or the year of all figures."""

    @property
    def areas(self) -> str:
        """63 where the caller vouches for the areas."""


@dataclass
class Understood:
    """A table whose cells have their province and year.

    cells: as in `Shape`, with province_code ("" for none, LARGER for an area), name (the label
    that says so), year (0 for none) and beside (what stands beside the year). open_levels: index
    of a level, or -1 for `beside` -> name. faults: what forbids to take anything.
    """

    shape: Shape
    cells: pd.DataFrame
    place_levels: list[int]
    year_levels: list[int]
    choice_levels: list[int]
    faults: list[Fault] = field(default_factory=list)

    @cached_property
    def own(self) -> pd.DataFrame:
        """The cells of a province and a year."""
        cells = self.cells
        return cells[(cells["year"] > 0) & ~cells["province_code"].isin(["", LARGER, "ignored"])]

    def name(self, level: int) -> str:
        """Return the name of a level; -1 is what stands beside the year."""
        return "beside the year" if level < 0 else self.shape.levels[level].name

    def labels(self, level: int, cells: pd.DataFrame | None = None) -> list[str]:
        """Return the labels of a level in their order; blank ones as `BLANK`."""
        table = self.cells if cells is None else cells
        column = table["beside"] if level < 0 else [labels[level] for labels in table["labels"]]
        return list(dict.fromkeys(label or BLANK for label in column))


def understand(shape: Shape, wanted: Options, provinces: pd.DataFrame) -> Understood:
    """Find the levels of provinces and of years; nothing is raised here (see `faults`)."""
    known = codes_by_key(provinces)
    ignored = {key(name) for name in wanted.ignore}
    n = len(shape.levels)
    columns = [list(dict.fromkeys(labels[i] for labels in shape.cells["labels"])) for i in range(n)]
    places = [{label: place(label, known) for label in column} for column in columns]
    place_levels = [i for i in range(n) if set(places[i].values()) - {"", LARGER}]
    faults: list[Fault] = []
    year_levels = _year_levels(shape, columns, place_levels, wanted, faults)
    found = [
        _meaning(labels, places, place_levels, year_levels, ignored)
        for labels in shape.cells["labels"]
    ]
    own = ["province_code", "name", "year", "beside", "clash"]
    cells = shape.cells.join(pd.DataFrame(found, columns=own, index=shape.cells.index))
    if re.fullmatch(r"19[5-9]\d|20[0-4]\d", wanted.year) and not cells["year"].any():
        cells["year"] = int(wanted.year)
    choice = [i for i in range(n) if i not in place_levels and i not in year_levels]
    besides = set(cells["beside"])
    if len(besides) > 1 or any(map(_NOT_THE_YEAR.search, besides)):
        choice.append(-1)
    result = Understood(shape, cells, place_levels, year_levels, choice, faults)
    faults += _faults(result, wanted, known)
    if not faults:
        _areas(result, provinces, wanted, faults)
    return result


def _year_levels(
    shape: Shape, columns: list[list[str]], taken: list[int], wanted: Options, faults: list[Fault]
) -> list[int]:
    dated = [
        i
        for i, labels in enumerate(columns)
        if any(year_of(label) for label in labels)
        and (i not in taken or any(not beside_year(x) for x in labels if year_of(x)))
    ]
    if wanted.year and not wanted.year.isdecimal():
        chosen = [i for i in dated if _same(shape.levels[i].name, wanted.year)]
        if not chosen:
            names = [shlex.quote(shape.levels[i].name) for i in dated]
            message = f"holds no years; choose --year {' or '.join(names) or 'and a year'}"
            faults.append(Fault(shape.file, 0, "--year", wanted.year, message))
        return chosen
    outer = [i for i in dated if shape.levels[i].name != "table"]
    return outer or dated


def _meaning(
    labels: tuple[str, ...], places: list[dict[str, str]], place_levels: list[int],
    year_levels: list[int], ignored: set[str],
) -> tuple[str, str, int, str, str]:  # fmt: skip
    """Province code, its label, year, what stands beside it; and "year" or "place" for a clash."""
    found = {labels[i]: places[i][labels[i]] for i in place_levels if places[i][labels[i]]}
    if any(key(labels[i]) in ignored for i in place_levels if labels[i]):
        found = {"": "ignored"}
    named = [i for i in place_levels if labels[i] and year_of(labels[i]) is None]
    dated = [labels[i] for i in year_levels if year_of(labels[i]) and labels[i] not in found]
    years = {year_of(label) for label in dated}
    beside = " / ".join(dict.fromkeys(rest for label in dated if (rest := beside_year(label))))
    clash = "year" if len(years) > 1 else "place" if len(set(found.values())) > 1 else ""
    unknown = [i for i in named if not places[i][labels[i]]]
    if found and unknown and "ignored" not in found.values():
        clash = clash or "place"
    code = next(iter(found.values()), "")
    label = next(iter(found), labels[named[0]] if named else "")
    return code, label, (years.pop() or 0) if len(years) == 1 else 0, beside, clash


def _faults(found: Understood, wanted: Options, known: dict[str, str]) -> list[Fault]:
    file, cells = found.shape.file, found.cells
    clash = cells[cells["clash"] == "year"]
    if len(clash):
        names = [shlex.quote(found.name(i)) for i in found.year_levels]
        message = "two labels of one figure name different years; choose --year "
        shown = " / ".join(clash["labels"].iloc[0])
        return [Fault(file, _row(clash), "", shown, message + " or --year ".join(names))]
    clash = cells[cells["clash"] == "place"]
    if len(clash):
        message = "names two places, or a place beside a name that is none; correct it"
        return [Fault(file, _row(clash), "", " / ".join(clash["labels"].iloc[0]), message)]
    if not cells["year"].any():
        said = [found.shape.title, *found.shape.notes, found.shape.kind]
        titled = {year_of(text) for text in said} - {None}
        message = "no line with years and no column of years says of which year the figures are"
        offered = sorted(int(year) for year in titled if year)
        message += f"; say --year {offered[0] if len(offered) == 1 else 'and the year'}"
        return [Fault(file, 0, "", "", message)]
    strange = cells[(cells["province_code"] == "") & (cells["year"] > 0)]
    strange = strange[(strange["text"] != "") | (strange["name"] != "")]
    faults = []
    for label, rows in strange.groupby("name", sort=False):
        mark = marked(str(label), known)
        message = "is not one of the 63 provinces; correct it, or leave it out with --ignore"
        if mark:
            message = f"carries the mark {mark}: read its note; delete the mark where it is the "
            message += "whole province, or leave it out with --ignore"
        if not label:
            message = "figures without the name of a province; write the name beside them"
        faults.append(Fault(file, _row(rows), "", str(label), message))
    if not faults and not cells["province_code"].isin(list(known.values())).any():
        faults.append(Fault(file, 0, "", "", "holds no cell with a province and a year"))
    return faults


def _row(cells: pd.DataFrame) -> int:
    return int(cells["row"].iloc[0])


def _areas(
    found: Understood, provinces: pd.DataFrame, wanted: Options, faults: list[Fault]
) -> None:
    own = found.own
    labels: dict[str, str] = {}
    years: dict[int, set[str]] = {}
    columns = ("labels", "province_code", "year", "text")
    for said, code, year, text in zip(*(own[name] for name in columns), strict=True):
        names = [said[i] for i in found.place_levels if said[i]]
        labels |= dict.fromkeys(names, code)
        left = str(year) in wanted.ignore or any(_same(x, y) for x in said for y in wanted.ignore)
        if _bare(text, False, False) and not left:
            years.setdefault(year, set()).update(names)
    try:
        refuse_merged(labels, provinces, years, wanted.areas, found.shape.file)
    except IntakeError as error:
        faults += error.faults


# --- shown back -------------------------------------------------------------------------------


def lines(found: Understood) -> list[str]:
    """Return the shape in words: levels and places, years, provinces, first and last cell."""
    shape, own = found.shape, found.own
    told = [f"Table: {shape.kind}, {len(shape.cells)} cells" + _quoted(", title ", shape.title)]
    if shape.unit:
        told.append(f"  Unit in the file: {shape.unit}")
    count = own["province_code"].nunique()
    if count:
        first, last = own["name"].iloc[0], own["name"].iloc[-1]
        told.append(
            f"  Provinces: {_where(found, found.place_levels)}: {count}, {_flat(first)} to "
            f"{_flat(last)}"
        )
    years = sorted(set(own["year"]))
    if years:
        told.append(
            f"  Years: {_where(found, found.year_levels) or '--year'}: {_few(map(str, years))}"
        )
    for level in found.choice_levels:
        where = "" if level < 0 else _place(found, level)
        told.append(f"  Further labels, {found.name(level)}{where}: {_few(found.labels(level))}")
    told += _left_out(found)
    told += [f"  {which} cell: {_cell(own, at)}" for which, at in (("First", 0), ("Last", -1))
             if len(own)]  # fmt: skip
    told += [f"  Note: {_flat(note)[:160]}" for note in shape.notes[:4]]
    return told


def _left_out(found: Understood) -> list[str]:
    cells, told = found.cells, []
    larger = cells.loc[cells["province_code"] == LARGER, "name"]
    if len(larger):
        told.append(f"  Larger areas, left out: {_few(dict.fromkeys(larger))}")
    undated = cells[(cells["year"] == 0) & (cells["text"] != "")]
    if len(undated) and cells["year"].any():
        labels = [labels[i] for labels in undated["labels"] for i in found.year_levels]
        listed = _few(dict.fromkeys(filter(None, labels))) or undated["place"].iloc[0]
        told.append(f"  Without a year, left out: {len(undated)} cells, {listed}")
    return told


def _quoted(before: str, text: str) -> str:
    return f"{before}{_flat(text)[:120]!r}" if text else ""


def _flat(text: str) -> str:
    return " ".join(str(text).split())


def _few(labels: Iterable[str]) -> str:
    listed = [_flat(label)[:60] for label in labels]
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return "; ".join(listed[:_SHOWN]) + more


def _place(found: Understood, level: int) -> str:
    place = found.shape.levels[level].place
    return "" if place in found.name(level) else f" ({place})"


def _where(found: Understood, levels: list[int]) -> str:
    return " and ".join(f"{found.name(i)}{_place(found, i)}" for i in levels)


def _cell(cells: pd.DataFrame, at: int) -> str:
    row = cells.iloc[at]
    labels = " / ".join(_flat(label) for label in row["labels"] if label)
    return f"{row['place']}: {labels[:200]} = {row['text'] or '(empty)'}"


# --- chosen -----------------------------------------------------------------------------------


def choose(found: Understood, wanted: Options) -> pd.DataFrame:
    """Return the cells that are meant: one a province and year.

    Raises:
        IntakeError: the table cannot be taken, or leaves open which figures are meant; the
            message lists the options that decide it.
    """
    if found.faults:
        raise IntakeError(found.faults)
    own = found.own
    file = found.shape.file
    left = own["labels"].map(lambda one: any(_same(x, y) for x in one for y in wanted.ignore))
    own = own[~left.astype(bool) & ~own["year"].astype(str).isin(wanted.ignore)]
    for pick in wanted.pick:
        own = _picked(found, own, pick)
    if own.empty:
        message = f"no figure has all of the labels {', '.join(wanted.pick)}"
        raise IntakeError([Fault(file, 0, "--pick", "", message)])
    questions = [
        f"{found.name(level)}: {_options(found, own, level)}"
        for level in found.choice_levels
        if len(found.labels(level, own)) > 1 and not _describes(found, own, level)
    ]
    if questions:
        message = "gives several figures for one province and year; choose with --pick, "
        message += "one of each line:\n  " + "\n  ".join(questions)
        raise IntakeError([Fault(file, _row(own), "", "", message)])
    others = own[own["beside"].map(lambda text: bool(_NOT_THE_YEAR.search(text)))]
    if len(others) and not any(_same(others["beside"].iloc[0], _label(x)) for x in wanted.pick):
        beside, place = others["beside"].iloc[0], others["place"].iloc[0]
        message = f"{place} is headed {beside!r} beside the year: say --pick {shlex.quote(beside)} "
        message += "to take these for the figures of the year, or choose others"
        raise IntakeError([Fault(file, _row(others), "", beside, message)])
    again = own[own.duplicated(["province_code", "year"], keep=False)]
    if len(again):
        first = again.iloc[0]
        same = again[(again["province_code"] == first["province_code"])
                     & (again["year"] == first["year"])]  # fmt: skip
        places = " and ".join(same["place"].head(3))
        apart = list(dict.fromkeys(one[i] for one in same["labels"] for i in found.year_levels))
        if len(apart) > 1:
            message = f"{places} are both of {first['year']}: leave one out with "
            message += " or ".join(f"--ignore {shlex.quote(label)}" for label in apart)
            raise IntakeError([Fault(file, _row(again), "", str(first["name"]), message)])
        message = f"{places} carry the same labels, which leaves open which one is meant: give "
        message += "each column and table a heading of its own, or delete one"
        raise IntakeError([Fault(file, _row(again), "", " / ".join(first["labels"]), message)])
    return own


def _normal(label: str) -> str:
    return " ".join(unicodedata.normalize("NFC", label).casefold().split())


def _label(pick: str) -> str:
    """The label of a choice, without the name of its level."""
    return pick.partition("=")[2] or pick


def _same(label: str, asked: str) -> bool:
    return _normal(label or BLANK) == _normal(asked)


def _names(found: Understood, level: int, label: str) -> set[str]:
    """What a label may be called: the whole of it, or a line of the text above a table."""
    parts = label.split(" / ") if level < 0 or found.name(level) == "table" else []
    return {_normal(one or BLANK) for one in (label, *parts)}


def _picked(found: Understood, own: pd.DataFrame, pick: str) -> pd.DataFrame:
    """Cells with a label, in every level that has it; "level=label" names one level."""
    levels = [*range(len(found.shape.levels)), *([-1] if -1 in found.choice_levels else [])]
    asked, at = _normal(pick), levels
    for level in levels:
        before = _normal(found.name(level)) + "="
        if asked.startswith(before):
            asked, at = asked.removeprefix(before), [level]
            break
    having = [i for i in at if any(asked in _names(found, i, label)
                                   for label in found.labels(i, own))]  # fmt: skip
    having = [i for i in having if i not in found.place_levels] or having
    if not having:
        offered = [f"{found.name(i)}: {_options(found, own, i)}" for i in found.choice_levels]
        message = "is no label of the table as a whole"
        message += "; choose:\n  " + "\n  ".join(offered) if offered else ""
        raise IntakeError([Fault(found.shape.file, 0, "--pick", pick, message)])
    kept = pd.Series(True, index=own.index)
    for i in having:
        column = own["beside"] if i < 0 else own["labels"].map(lambda labels, i=i: labels[i])
        good = {label for label in column.unique() if asked in _names(found, i, label)}
        kept &= column.isin(good)
    return own[kept]


def _options(found: Understood, own: pd.DataFrame, level: int) -> str:
    labels = found.labels(level, own)
    others = [i for i in found.choice_levels if i != level]
    taken = {_normal(label) for i in others for label in found.labels(i, own)}
    said = [
        "--pick "
        + shlex.quote(f"{found.name(level)}={label}" if _normal(label) in taken else label)
        for label in labels[:10]
    ]
    return " or ".join(said) + (f" or another of {len(labels)}" if len(labels) > 10 else "")


def _describes(found: Understood, own: pd.DataFrame, level: int) -> bool:
    """Codes and regions of the provinces: one for each of them, and nothing to choose between."""
    if level < 0:
        return False
    labels = own["labels"].map(lambda one: one[level])
    if labels.groupby(own["province_code"]).nunique().max() > 1:
        return False
    coded = labels.str.fullmatch(r"[A-Z]{0,3}[-.]?\d{1,5}|[IVX]+|VN-\w+|").all()
    return bool(CODE_WORD.fullmatch(found.name(level))) or bool(coded)


# --- numbers ----------------------------------------------------------------------------------


def numbers(
    cells: pd.DataFrame, every: pd.DataFrame, file: str, decimal: str = "", marks: bool = False,
    percent: bool = False,
) -> pd.Series:  # fmt: skip
    """Return the cells as numbers; signs for nothing become missing.

    Args:
        cells: row, place, labels, text, exact. every: all cells of the table, which show together
            what marks decimals. decimal: "point", "comma" or "" (found from the cells). marks:
            read figures that carry a mark. percent: a percent sign behind a figure is no mark.

    Raises:
        IntakeError: a cell is no number, or carries a mark, or the cells leave open what a comma
            means.
    """
    text = [_bare(one, marks, percent) for one in cells["text"]]
    exact = list(cells["exact"])
    shown = {
        _bare(one, True, True)
        for one, is_exact in zip(every["text"], every["exact"], strict=True)
        if not is_exact
    }
    own = {one for one, is_exact in zip(text, exact, strict=True) if not is_exact}
    sign = decimal or _decimal_sign(shown, own, file)
    thousands, point = (".", ",") if sign == "comma" else (",", ".")
    digits = rf"(\d+|\d{{1,3}}([{thousands}]\d{{3}})+|\d{{1,3}}( \d{{3}})+)"
    pattern = re.compile(rf"(-?{digits}([{point}]\d+)?)?")
    plain = re.compile(r"(-?\d+(\.\d+)?)?")
    good = [
        bool((plain if is_exact else pattern).fullmatch(one))
        for one, is_exact in zip(text, exact, strict=True)
    ]
    if not all(good):
        bad = cells[[not one for one in good]]
        raise IntakeError(_wrong(bad.head(20), file, sign))
    values = [
        float(one if is_exact else re.sub(rf"[{thousands} ]", "", one).replace(point, "."))
        if one else float("nan")
        for one, is_exact in zip(text, exact, strict=True)
    ]  # fmt: skip
    return pd.Series(values, index=cells.index, dtype=float)


def _bare(text: str, marks: bool, percent: bool) -> str:
    bare = " ".join(text.split())
    if NOTHING.fullmatch(bare):
        return ""
    bare = re.sub("^[\u2212–] ?(?=\\d)", "-", bare)
    if marks:
        bare = re.sub(rf"^({NUMBER})({MARK})+$", r"\1", bare, flags=re.IGNORECASE)
    return re.sub(r"(?<=\d) ?%$", "", bare) if percent else bare


def _wrong(bad: pd.DataFrame, file: str, sign: str) -> list[Fault]:
    faults = []
    for row, labels, value in zip(bad["row"], bad["labels"], bad["text"], strict=True):
        message = f"is not a number with a decimal {sign}"
        if "%" in value:
            message += "; a percent sign is read with --unit percent"
        elif re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            message += ": the sheet holds a day there, which programs make of 3/5 or 3.5; type the "
            message += "figure again"
        elif is_figure(value) and re.fullmatch(rf"({NUMBER})({MARK})+", value, re.IGNORECASE):
            message += ": it carries a mark; read its note, then say --marks read to take the "
            message += "figures without their marks, or delete the figure"
        faults.append(Fault(file, int(row), " / ".join(filter(None, labels)), value, message))
    return faults


def _decimal_sign(every: set[str], chosen: set[str], file: str) -> str:
    """What the cells themselves show; a comma or point before three digits alone shows nothing."""
    shows = {
        "point": r"\d*\.(\d{1,2}|\d{4,})|(\d{4,}|0)\.\d+|\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}",
        "comma": r"\d*,(\d{1,2}|\d{4,})|(\d{4,}|0),\d+|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}",
    }
    text = [one.replace(" ", "") for one in every]
    found = {
        sign
        for sign, pattern in shows.items()
        if any(re.fullmatch(f"-?({pattern})", one) for one in text)
    }
    if len(found) == 1:
        return found.pop()
    if not any(re.search(r"\d[.,]\d", one) for one in chosen):
        return "point"
    message = "leaves open whether a comma or a point marks decimals: say --decimal point or comma"
    raise IntakeError([Fault(file, 0, "", "", message)])
