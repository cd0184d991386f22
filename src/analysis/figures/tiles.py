"""Tile maps: every province or merged unit is one square of equal size, near its place.

A tile map shows units and not area: small, populous provinces stay as visible as large ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from analysis.country import geography
from analysis.figures import style, vector
from analysis.report.wording import say
from analysis.verdicts import SCALE, Verdict

#: Where the legend finds room beside the tiles: column and row of its upper left corner.
_LEGEND_AT = {"province_63": (0.0, 7.7), "province_34": (0.0, 6.3)}
#: Width and height of a tile in pixels, on a page and on a phone.
_TILE = {"province_63": ((90, 50), (44.5, 64)), "province_34": ((121, 52), (59.3, 57))}
_GAP = 3.0
_KEY_ROW = 19.0
_LINES, _DOTS = "////", ".."


@dataclass(frozen=True)
class Step:
    """One class of a tile map: the values ``lowest <= value < highest`` and how they look."""

    lowest: float
    highest: float
    colour: str
    label: str


@dataclass(frozen=True)
class Extras:
    """What a tile may carry besides its colour and number, by code of the unit.

    Attributes:
        tips: text shown when a tile is pointed at.
        addresses: page that a tile leads to.
        faded: units whose value is old; their tiles are pale.
        aimless: units without a target of their own; they are dotted, not hatched.
    """

    tips: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    faded: frozenset[str] = frozenset()
    aimless: frozenset[str] = frozenset()


_NOTHING = Extras()


@style.both_widths
def tile_map(
    name: str,
    table: pd.DataFrame,
    steps: Sequence[Step],
    written: Mapping[str, str],
    words: Mapping[str, str],
    language: str,
    classed: Callable[[float], float] = float,
    extras: Extras = _NOTHING,
) -> style.Figure:
    """Draw one value for each unit of one geographic level.

    Args:
        name: name of the figure.
        table: columns geo_level (``province_63`` or ``province_34``, one of the two), province_code
            and value; a unit that is absent or has no value is hatched.
        steps: the classes, from the lowest up.
        written: the value of each unit as it stands in its tile, by code.
        words: title, legend (heading of the legend), missing (label of units without a value),
            aimless (of those without a target, where there are some), footer and alt.
        language: ``en`` or ``vi``.
        classed: what the steps are steps of, from a value; the value itself by default.
        extras: tooltips, links and pale tiles.
    """
    level = str(table["geo_level"].iloc[0])
    units = geography.PROVINCES if level == "province_63" else geography.MERGED
    values = table.set_index("province_code")["value"]
    rows, columns = int(units["tile_row"].max()) + 1, int(units["tile_col"].max()) + 1
    tile = _TILE[level][style.narrow()]
    legend = (len(steps) + 2 + bool(extras.aimless)) * _KEY_ROW + 4 if style.narrow() else 0.0
    wide, tall = tile[0] * columns, tile[1] * rows
    drawing, top = style.sheet(tall + legend, words["title"], words["footer"])
    axes = style.place(drawing, 0, top, wide, tall + legend)
    axes.set(xlim=(0, wide), ylim=(tall + legend, 0))
    axes.axis("off")
    found: dict[str, Step | None] = {}
    for code, unit in units.iterrows():
        key = str(code)
        found[key] = _step(classed(values.get(key, float("nan"))), steps)
        corner = (unit["tile_col"] * tile[0], unit["tile_row"] * tile[1] + legend)
        label = geography.name(key, level, language)
        pale = key in extras.faded
        hatch = _DOTS if key in extras.aimless else _LINES
        _tile(axes, corner, tile, found[key], label, written.get(key, ""), pale, hatch)
        if key in extras.tips:
            field_ = (tile[0] - _GAP, tile[1] - _GAP)
            page, spoken = extras.addresses.get(key, ""), f"{label} {written.get(key, '')}".strip()
            style.link(axes, corner, field_, extras.tips[key], page, spoken)
    spot = _LEGEND_AT[level]
    where = (2.0, 2.0) if style.narrow() else (spot[0] * tile[0] + 2, spot[1] * tile[1])
    counts = [(step, sum(1 for other in found.values() if other is step)) for step in steps]
    without = sum(1 for step in found.values() if step is None)
    _legend(axes, where, counts, without, len(extras.aimless), words)
    return style.Figure(name, drawing, words["alt"], table)


def _step(value: float, steps: Sequence[Step]) -> Step | None:
    return next((step for step in steps if step.lowest <= value < step.highest), None)


def _tile(
    axes: Axes,
    corner: tuple[float, float],
    tile: tuple[float, float],
    step: Step | None,
    label: str,
    number: str,
    pale: bool,
    hatch: str,
) -> None:
    left, top = corner
    wide, tall = tile[0] - _GAP, tile[1] - _GAP
    colour = step.colour if step else vector.PAPER
    axes.add_patch(
        Rectangle(
            corner,
            wide,
            tall,
            facecolor=(colour, 0.4) if pale else colour,
            edgecolor=vector.FAINT,
            linewidth=0.8,
            hatch=None if step else hatch,
            clip_on=False,
        )
    )
    ink = vector.INK if pale or not step else style.ink_on(colour)
    lines = _name_lines(short_name(label), wide)
    numbers = number.split("\n") if style.narrow() else [number.replace("\n", " ")]
    numbers = numbers if number else []
    size, step_down = style.SMALL, 12.0
    tallest = step_down * (len(lines) + len(numbers))
    first = top + (tall - tallest) / 2 + step_down / 2
    gid = None if step else style.HALO
    look: dict[str, Any] = {
        "ha": "center",
        "va": "center",
        "color": ink,
        "fontsize": size,
        "gid": gid,
    }
    for at, line in enumerate(lines):
        axes.text(left + wide / 2, first + at * step_down, line, **look)
    for at, part in enumerate(numbers):
        y = first + (len(lines) + at) * step_down + 1
        axes.text(left + wide / 2, y, part, **(look | {"fontweight": "normal" if at else "bold"}))


def _name_lines(name: str, wide: float) -> list[str]:
    """Break a name into as few lines as fit a tile."""
    if wide < 50:
        name = _shorter(name)
    return style.fold_pixels(
        name.replace(" - ", "–").replace("–", "– "), wide - (2 if wide < 60 else 8)
    ).split("\n")


def short_name(name: str) -> str:
    """Return the name of a unit as a tile has room for it."""
    return (
        name.replace("Ho Chi Minh City", "HCM City")
        .replace("Thành phố Hồ Chí Minh", "TP. HCM")
        .replace("TP. Hồ Chí Minh", "TP. HCM")
    )


def _shorter(name: str) -> str:
    """Shorten the two longest names for the narrow tiles of a phone."""
    for whole, short in (("Thừa Thiên", "TT"), ("Thua Thien", "TT")):
        name = name.replace(whole, short)
    return "BR–VT" if name.startswith(("Bà Rịa", "Ba Ria")) else name


def _legend(
    axes: Axes,
    where: tuple[float, float],
    counts: Sequence[tuple[Step, int]],
    without: int,
    aimless: int,
    words: Mapping[str, str],
) -> None:
    """Explain the colours, each with the number of units that have it."""
    left, top = where
    axes.text(left, top + 6, words["legend"], fontsize=style.SMALL, color=vector.SOFT, va="center")
    entries: list[tuple[str, str | None, str, int]] = [
        (step.colour, None, step.label, count) for step, count in reversed(counts)
    ]
    if aimless:
        entries.append((vector.PAPER, _DOTS, words["aimless"], aimless))
    entries.append((vector.PAPER, _LINES, words["missing"], without - aimless))
    for place, (colour, hatch, label, count) in enumerate(entries):
        y = top + _KEY_ROW * (place + 1)
        look: dict[str, Any] = {"facecolor": colour, "edgecolor": vector.SOFT, "hatch": hatch}
        axes.add_patch(Rectangle((left, y - 1), 22, 14, linewidth=0.7, **look))
        text = f"{label}: {count}"
        axes.text(left + 29, y + 6, text, fontsize=style.SMALL, va="center", color=vector.INK)


def probability_steps(language: str) -> list[Step]:
    """Return the classes of a probability in whole percent: the verdicts, brown to teal."""
    return [
        Step(v.lowest, v.highest + 1, colour, _step_label(v, language))
        for v, colour in zip(SCALE, vector.DIVERGING, strict=True)
    ]


def _step_label(verdict: Verdict, language: str) -> str:
    word = say(f"verdict.{verdict.name}", language)
    return say(
        "verdict.legend", language, word=word, lowest=verdict.lowest, highest=verdict.highest
    )
