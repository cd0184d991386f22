"""Marks that several charts share: rows of points with intervals, legends, tiny inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from analysis.figures import style, vector

#: Pixels of a row of a chart of rows.
ROW = 17


def forest(
    axes: Axes,
    labels: Sequence[str] | None,
    value: Any,
    low: Any = None,
    high: Any = None,
    *,
    places: Any = None,
    colour: str = vector.ESTIMATE,
    bar: str | None = None,
    bar_width: float = 2.0,
    marker: str = "o",
    size: float = 6.5,
    hollow: bool = False,
    label: str | None = None,
    fold: float | None = None,
) -> np.ndarray:
    """Draw rows of points with intervals, the first row at the bottom, and name them.

    Args:
        axes: where; its vertical axis becomes the rows.
        labels: names of the rows; None leaves the names as they are.
        value, low, high: one number a row; rows without a value get no mark.
        places: heights of the rows, 0, 1, 2, ... by default.
        colour, marker, size, hollow: of the points.
        bar, bar_width: colour (that of the points by default) and width of the intervals.
        label: entry of the legend.
        fold: break names into lines of so many pixels.

    Returns:
        The heights of the rows.
    """
    value = np.asarray(value, float)
    at = np.arange(len(value), dtype=float) if places is None else np.asarray(places, float)
    if low is not None and high is not None:
        ends = np.asarray(low, float), np.asarray(high, float)
        axes.hlines(at, *ends, color=bar or colour, linewidth=bar_width, zorder=2)
    look: dict[str, Any] = {"mfc": vector.PAPER if hollow else colour, "mec": colour}
    if marker == "|":
        look["mew"] = 2.4
    axes.plot(value, at, marker, ms=size, linestyle="none", label=label, zorder=3, **look)
    if labels is not None:
        shown = [style.fold_pixels(name, fold) for name in labels] if fold else list(labels)
        axes.set_yticks(at, shown)
        axes.set_ylim(float(at.min()) - 0.7, float(at.max()) + 0.7)
        style.rows_grid(axes)
    return at


def boxes(axes: Axes, ends: Sequence[tuple[float, float, float, float]], **look: Any) -> None:
    """Draw upright boxes that look alike as one mark: left, right, lower and upper end of each."""
    corners = [
        point
        for left, right, low, high in ends
        for point in ((left, low), (right, low), (right, high), (left, high), (left, low))
    ]
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(ends)
    if ends:
        axes.add_patch(PathPatch(Path(np.array(corners, float), codes), **look))


def rows_height(rows: int, row: float = ROW, around: float = 110) -> float:
    """Return the pixels that a chart of so many rows needs, with title, axis and note around."""
    return around + row * rows


def decimal_years(days: Any) -> np.ndarray:
    """Return days as years with decimals; the end of 2024 is 2025.0."""
    days = pd.DatetimeIndex(days)
    length = np.where(days.is_leap_year, 366, 365)
    return np.asarray(days.year + days.dayofyear / length, float)


def key(axes: Axes, entries: Sequence[tuple[str, dict[str, Any]]], columns: int = 4) -> None:
    """Explain marks in a line or two above the axes.

    entries: text of each mark, and how it is drawn (arguments of a line).
    """
    handles = [axes.plot([], [], label=text, **look)[0] for text, look in entries]
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2 if style.narrow() else columns,
        handletextpad=0.3,
        columnspacing=1.2,
        borderaxespad=0.1,
        borderpad=0.2,
        fontsize=style.SMALL,
    )
