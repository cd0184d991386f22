"""Marks that several charts share: rows of points with intervals, legends, tiny inline SVG."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from analysis.figures import style

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
    colour: str = style.ESTIMATE,
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
    look: dict[str, Any] = {"mfc": style.PAPER if hollow else colour, "mec": colour}
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


def sparkline(
    years: Sequence[float],
    values: Sequence[float],
    target: float | None = None,
    readings: Sequence[float] = (),
    label: str = "",
    width: int = 96,
    height: int = 24,
) -> str:
    """Return a line of a few hundred bytes for a cell of a table.

    Args:
        years, values: the line; missing values break nothing, they are left out.
        target: level of a dashed line across, in the unit of the values.
        readings: years that have a reading; the line is dotted before the first of them.
        label: what a screen reader says; empty where the cell says it.
        width, height: in pixels.
    """
    pairs = [(y, v) for y, v in zip(years, values, strict=True) if v == v]
    if not pairs:
        return ""
    levels = [v for _, v in pairs] + ([target] if target is not None and target == target else [])
    low, high = min(levels), max(levels)
    first, last = pairs[0][0], pairs[-1][0]

    def x(year: float) -> str:
        return f"{2 + (width - 7) * (year - first) / max(last - first, 1e-9):.0f}"

    def y(level: float) -> str:
        return f"{height - 3 - (height - 6) * (level - low) / max(high - low, 1e-9):.0f}"

    since = min(readings) if len(readings) else first
    parts = []
    if target is not None and target == target:
        at = y(target)
        parts.append(f'<path class="t" d="M0 {at}H{width}"/>')
    before = [f"{x(a)} {y(b)}" for a, b in pairs if a <= since]
    after = [f"{x(a)} {y(b)}" for a, b in pairs if a >= since]
    if len(before) > 1:
        parts.append(f'<path class="d" d="M{" ".join(before)}"/>')
    if len(after) > 1:
        parts.append(f'<path class="l" d="M{" ".join(after)}"/>')
    parts.append(f'<circle cx="{x(last)}" cy="{y(pairs[-1][1])}" r="2.5"/>')
    return _tiny("spark", width, height, label, "".join(parts))


def range_bar(
    middle: float,
    low: float,
    high: float,
    target: float | None,
    axis: tuple[float, float],
    label: str = "",
    width: int = 120,
    height: int = 18,
) -> str:
    """Return an interval with its middle and the tick of a target, for a cell of a table.

    Args:
        middle, low, high: the forecast and its interval.
        target: where the tick stands; None or missing for none.
        axis: the two ends of the axis, the same for all rows; ends beyond are cut.
        label: what a screen reader says; empty where the cell says it.
        width, height: in pixels.
    """
    if middle != middle:
        return ""

    def x(value: float) -> float:
        share = (min(max(value, axis[0]), axis[1]) - axis[0]) / (axis[1] - axis[0])
        return round(3 + (width - 6) * share, 1)

    half = height / 2
    parts = [f'<path class="g" d="M0 {half:g}H{width}"/>']
    parts.append(f'<path class="b" d="M{x(low):g} {half:g}H{x(high):g}"/>')
    if target is not None and target == target:
        parts.append(f'<path class="k" d="M{x(target):g} 1V{height - 1}"/>')
    parts.append(f'<circle cx="{x(middle):g}" cy="{half:g}" r="3.5"/>')
    return _tiny("range", width, height, label, "".join(parts))


#: For pages with :func:`sparkline` or :func:`range_bar`.
TINY_CSS = """
svg.tiny{vertical-align:middle;overflow:visible}
svg.tiny path{fill:none;stroke:var(--ch-estimate)}
svg.tiny circle{fill:var(--ch-estimate)}
svg.tiny .t{stroke:var(--ch-target);stroke-dasharray:2 2}
svg.tiny .l{stroke-width:1.5}
svg.tiny .d{stroke-dasharray:1 2;stroke:var(--ch-soft)}
svg.tiny .g{stroke:var(--ch-faint)}
svg.tiny .b{stroke:var(--ch-band);stroke-width:6}
svg.tiny .k{stroke:var(--ch-target);stroke-width:2}
""".strip()


def _tiny(name: str, width: int, height: int, label: str, body: str) -> str:
    spoken = f'role="img" aria-label="{html.escape(label)}"' if label else 'aria-hidden="true"'
    return (
        f'<svg class="tiny {name}" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" {spoken}>{body}</svg>'
    )


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


__all__ = [
    "ROW", "TINY_CSS", "boxes", "decimal_years", "forest", "key", "range_bar", "rows_height",
    "sparkline",
]  # fmt: skip
