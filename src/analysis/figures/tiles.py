"""Tile maps: every province or merged unit is one square of equal size, near its place.

A tile map shows units and not area: small, populous provinces stay as visible as large ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from analysis import geography
from analysis.figures import style
from analysis.verdicts import SCALE, Verdict
from analysis.wording import say

#: Where the legend finds room beside the tiles: column and row of its upper left corner.
_LEGEND_AT = {"province_63": (0.0, 7.9), "province_34": (0.0, 6.3)}
_GAP = 0.06


@dataclass(frozen=True)
class Step:
    """One class of a tile map: the values ``lowest <= value < highest`` and how they look."""

    lowest: float
    highest: float
    colour: str
    label: str


def tile_map(
    name: str,
    table: pd.DataFrame,
    steps: Sequence[Step],
    written: Mapping[str, str],
    words: Mapping[str, str],
    language: str,
    classed: Callable[[float], float] = float,
) -> style.Figure:
    """Draw one value for each unit of one geographic level.

    Args:
        name: name of the figure.
        table: columns geo_level (``province_63`` or ``province_34``, one of the two), province_code
            and value; a unit that is absent or has no value is hatched.
        steps: the classes, from the lowest up.
        written: the value of each unit as it stands in its tile, by code.
        words: title, legend (heading of the legend), missing (label of units without a value),
            footer and alt.
        language: ``en`` or ``vi``.
        classed: what the steps are steps of, from a value; the value itself by default.
    """
    level = str(table["geo_level"].iloc[0])
    units = geography.PROVINCES if level == "province_63" else geography.MERGED
    values = table.set_index("province_code")["value"]
    rows, columns = int(units["tile_row"].max()) + 1, int(units["tile_col"].max()) + 1
    drawing = style.blank(0.86 * columns + 0.2, 0.56 * rows + 0.9)
    axes = drawing.add_subplot()
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.axis("off")
    for code, unit in units.iterrows():
        value = classed(values.get(code, float("nan")))
        label = geography.name(str(code), level, language)
        _tile(axes, unit, _step(value, steps), label, written.get(str(code), ""))
    _legend(axes, level, steps, words)
    style.headline(drawing, words["title"])
    style.footer(drawing, words["footer"])
    return style.Figure(name, drawing, words["alt"], table)


def _step(value: float, steps: Sequence[Step]) -> Step | None:
    return next((step for step in steps if step.lowest <= value < step.highest), None)


def _tile(axes: Axes, unit: pd.Series, step: Step | None, label: str, number: str) -> None:
    left, top = float(unit["tile_col"]), float(unit["tile_row"])
    colour = step.colour if step else "white"
    square = Rectangle(
        (left + _GAP / 2, top + _GAP / 2),
        1 - _GAP,
        1 - _GAP,
        facecolor=colour,
        edgecolor=style.FAINT,
        linewidth=0.6,
        hatch=None if step else "////",
    )
    axes.add_patch(square)
    ink = style.ink_on(colour)
    middle: dict[str, Any] = {"ha": "center", "va": "center", "color": ink, "linespacing": 1.05}
    short = style.two_lines(short_name(label))
    size = 7.7 if max(len(line) for line in short.split("\n")) <= 10 else 6.8
    axes.text(left + 0.5, top + (0.35 if number else 0.5), short, fontsize=size, **middle)
    if number:
        axes.text(left + 0.5, top + 0.8, number, fontsize=8.2, fontweight="bold", **middle)


def short_name(name: str) -> str:
    """Return the name of a unit as a tile has room for it."""
    return (
        name.replace("Ho Chi Minh City", "HCM City")
        .replace("Thành phố Hồ Chí Minh", "TP. HCM")
        .replace("TP. Hồ Chí Minh", "TP. HCM")
    )


def _legend(axes: Axes, level: str, steps: Sequence[Step], words: Mapping[str, str]) -> None:
    left, top = _LEGEND_AT[level]
    axes.text(left, top - 0.25, words["legend"], fontsize=8.2, color=style.SOFT, va="bottom")
    entries: list[tuple[str, str, str | None]] = [
        (step.colour, step.label, None) for step in reversed(steps)
    ]
    entries.append(("white", words["missing"], "////"))
    for place, (colour, label, hatch) in enumerate(entries):
        y = top + 0.42 * place
        box = Rectangle(
            (left, y), 0.28, 0.3, facecolor=colour, edgecolor=style.SOFT, linewidth=0.5, hatch=hatch
        )
        axes.add_patch(box)
        axes.text(left + 0.38, y + 0.16, label, fontsize=8, va="center")


def probability_steps(language: str) -> list[Step]:
    """Return the classes of a probability in whole percent: the verdicts, light to dark."""
    return [
        Step(v.lowest, v.highest + 1, colour, _step_label(v, language))
        for v, colour in zip(SCALE, style.STEPS, strict=True)
    ]


def _step_label(verdict: Verdict, language: str) -> str:
    word = say(f"verdict.{verdict.name}", language)
    return say(
        "verdict.legend", language, word=word, lowest=verdict.lowest, highest=verdict.highest
    )
