"""The chart of the explorer as SVG: every reading says its source when the pointer rests on it.

SVG is text, so a state is drawn in a few milliseconds, readings can be links, and the same drawing
serves a notebook with a kernel, a page without one, and a file to take away.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.country.indicators import INDICATORS
from analysis.explore.session import View
from analysis.figures import vector
from analysis.forecast.outlook import FIRST_YEAR
from analysis.forecast.space import decimal_year
from analysis.report.wording import say, write

_WIDTH, _HEIGHT = 720, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 84, 34, 26
_STEPS = (1, 2, 5, 10, 20)

_v = vector.variable
EXPLORER_CSS = f"""
.explore .filters {{ display: flex; flex-wrap: wrap; gap: .5rem 1.2rem; align-items: end; }}
.explore .filters label {{ display: block; max-width: 100%; }}
.explore .filters select {{ display: block; max-width: 100%; min-height: 2rem; }}
.explore input[type=range] {{ display: block; width: 16rem; max-width: 100%; height: 1.6rem; }}
.explore output {{ font-weight: bold; font-variant-numeric: tabular-nums; margin-left: .3rem; }}
.explore .wide {{ overflow-x: auto; }}
.explore svg {{ width: 100%; min-width: 34rem; max-width: 45rem; height: auto; display: block; }}
.explore svg.fits {{ min-width: 0; }}
.explore .finding span {{ display: block; margin-bottom: .35rem; }}
.explore svg {{ font: 12px "DejaVu Sans", sans-serif; }}
.explore .w {{ fill: {_v(vector.BAND)}; opacity: .45; }}
.explore .b {{ fill: {_v(vector.BAND)}; }}
.explore .m {{ fill: none; stroke: {_v(vector.ESTIMATE)}; stroke-width: 2; }}
.explore .g {{ stroke: {_v(vector.FAINT)}; }}
.explore .o {{ stroke: {_v(vector.SOFT)}; stroke-dasharray: 2 3; }}
.explore .t {{ fill: {_v(vector.TARGET)}; }}
.explore text {{ fill: {_v(vector.SOFT)}; }}
.explore text.h {{ fill: {_v(vector.INK)}; font-weight: bold; font-size: 13px; }}
.explore .r {{ fill: {_v(vector.READING)}; stroke: {_v(vector.READING)}; }}
.explore .i {{ fill: {_v(vector.PAPER)}; stroke: {_v(vector.READING)}; }}
.explore .a {{ fill: {_v(vector.PAPER)}; stroke: {_v(vector.READING)}; stroke-width: 1.5; }}
.explore .l {{ fill: {_v(vector.PAPER)}; stroke: {_v(vector.SOFT)}; stroke-dasharray: 1.5 1.5; }}
.explore .s {{ stroke: {_v(vector.SECOND)}; stroke-width: 3; fill: {_v(vector.SECOND)}; }}
""".strip()


def svg(view: View, language: str, standalone: bool = False) -> str:
    """Return the chart of one state. `standalone`: with its style, for a file of its own."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="figure"'
    if standalone:
        head += f' width="{_WIDTH}" height="{_HEIGHT}" class="explore"'
        head += ' font-family="DejaVu Sans, sans-serif" font-size="12"'
    label = html.escape(alt(view, language))
    # No page lends its colours to a file, and a program that draws it may know no variables.
    style = re.sub(r"var\(--[\w-]+,([^()]+)\)", r"\1", EXPLORER_CSS)
    frame = f"<style>{style}</style>" if standalone else ""
    return f'{head} aria-label="{label}">{frame}{inside(view, language)}</svg>'


def inside(view: View, language: str) -> str:
    """Return the marks of one state, without the frame that all states share."""
    scale = _Scale(view)
    parts = [_grid(scale, language), _bands(view, scale), _title(view, language)]
    parts += [_origin(view, scale, language), _levers(view, scale)]
    parts += [_target(view, scale, language), _readings(view, scale, language)]
    return "".join(parts)


def alt(view: View, language: str) -> str:
    """Return what the chart shows, in words."""
    choice = view.choice
    values = {
        "unit": choice.unit,
        "indicator": choice.indicator,
        "n": len(view.readings),
        "origin": choice.origin,
        "due": choice.due,
        **vars(view.plain),
    }
    return say("explore.alt", language, **values)


class _Scale:
    """From years and percent to places on the drawing."""

    def __init__(self, view: View) -> None:
        self.last = float(decimal_year(pd.DatetimeIndex([view.choice.due]))[0])
        values = [view.path[["q05", "q95"]].to_numpy().ravel(), view.readings["value"].to_numpy()]
        values.append(np.array([view.moved.q90, view.target.value if view.target else np.nan]))
        every = np.concatenate(values)
        # To the digits that a page carries, so that both have the same axis.
        low, high = (round(float(end(every)), 2) for end in (np.nanmin, np.nanmax))
        self.step = next((s for s in _STEPS if (high - low) / s <= 6), 20)
        self.low = max(0.0, np.floor(low / self.step) * self.step)
        self.high = min(100.0, np.ceil(high / self.step) * self.step)

    def x(self, day: pd.Timestamp | str) -> float:
        year = float(decimal_year(pd.DatetimeIndex([day]))[0])
        return self.year(year)

    def year(self, year: float) -> float:
        first = FIRST_YEAR + 0.5
        share = (year - first) / (self.last - first)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, percent: float) -> float:
        share = (percent - self.low) / (self.high - self.low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _grid(scale: _Scale, language: str) -> str:
    rungs = np.arange(scale.low, scale.high + 0.5, scale.step)
    lines = "".join(f"M{_LEFT} {scale.y(percent):g}H{_WIDTH - _RIGHT}" for percent in rungs)
    marks = [f'<path class="g" d="{lines}"/>']
    for percent in rungs:
        y, text = scale.y(percent) + 4, write(percent, "percent0", language)
        marks.append(f'<text x="{_LEFT - 6}" y="{y:g}" text-anchor="end">{text}</text>')
    for year in range(FIRST_YEAR + 1, int(scale.last), 2):
        x = scale.year(year + 1)
        marks.append(f'<text x="{x}" y="{_HEIGHT - 8}" text-anchor="middle">{year}</text>')
    return "".join(marks)


def _bands(view: View, scale: _Scale) -> str:
    path = view.path
    across = [scale.x(day) for day in path["date"]]
    marks = []
    for name, low, high in (("w", "q05", "q95"), ("b", "q10", "q90")):
        there = _points(across, [scale.y(value) for value in path[high]])
        back = _points(across[::-1], [scale.y(value) for value in path[low][::-1]])
        marks.append(f'<path class="{name}" d="M{there}L{back}Z"/>')
    line = _points(across, [scale.y(value) for value in path["q50"]])
    return "".join(marks) + f'<path class="m" d="M{line}"/>'


def _points(across: Sequence[float], up: Sequence[float]) -> str:
    return " ".join(f"{x:.0f} {y:.1f}" for x, y in zip(across, up, strict=True))


def _title(view: View, language: str) -> str:
    choice = view.choice
    text = f"{write(choice.unit, 'unit_label', language)}: "
    text += INDICATORS[choice.indicator].label(language)
    return f'<text class="h" x="4" y="15">{html.escape(text)}</text>'


def _origin(view: View, scale: _Scale, language: str) -> str:
    x = scale.x(view.choice.origin)
    text = say("explore.origin_mark", language, origin=view.choice.origin)
    return (
        f'<path class="o" d="M{x} {_TOP - 4}V{_HEIGHT - _BOTTOM}"/>'
        f'<text x="{x - 4}" y="{_TOP - 4}" text-anchor="end" font-size="11">{text}</text>'
    )


def _levers(view: View, scale: _Scale) -> str:
    """The 80% band at the due date with the levers moved or on a course, beside the forecast."""
    if not (view.choice.moves or view.course):
        return ""
    x = scale.x(view.choice.due) + 9
    low, middle, high = (scale.y(v) for v in (view.moved.q10, view.moved.q50, view.moved.q90))
    return (
        f'<path class="s" d="M{x} {low}V{high}"/><circle class="s" cx="{x}" cy="{middle}" r="3"/>'
    )


def _target(view: View, scale: _Scale, language: str) -> str:
    if view.target is None:
        return ""
    x, y = scale.x(view.choice.due), scale.y(view.target.value)
    text = write(view.target.value, "goal", language)
    said = say("explore.target_mark", language, setter=f"setter.{view.target.setter}")
    return (
        f'<path class="t" d="M{x} {y - 6:g}l6 6 -6 6 -6 -6z"><title>{html.escape(said)}</title>'
        f'</path><text class="t" x="{x + 18}" y="{y + 4:g}">{text}</text>'
    )


def look(row: Mapping[Any, Any]) -> str:
    """Return the class of a reading's mark: a square for a figure on another definition."""
    if row["basis"]:
        return "a"
    if not row["known"]:
        return "l"
    return "r" if row["season"] == "year_end" else "i"


def source(row: Mapping[Any, Any], language: str) -> str:
    """Return what a mark says: day, value, definition where it is another, and sources."""
    when = "known" if row["known"] else "later"
    text = say(f"explore.dot_{when}", language, **{str(key): one for key, one in row.items()})
    if not row["basis"]:
        return text
    other = say("explore.dot_basis", language, basis=f"basis.{row['basis']}")
    return f"{other} {text}"


def _readings(view: View, scale: _Scale, language: str) -> str:
    marks = []
    for row in view.readings.to_dict("records"):
        if not pd.Timestamp(FIRST_YEAR, 7, 1) <= row["as_of"] <= pd.Timestamp(view.choice.due):
            continue
        kind, said = look(row), html.escape(source(row, language))
        x, y = scale.x(row["as_of"]), scale.y(row["value"])
        dot = (
            f'<rect class="a" x="{x - 4:g}" y="{y - 4:g}" width="8" height="8">'
            f"<title>{said}</title></rect>"
            if kind == "a"
            else f'<circle class="{kind}" cx="{x}" cy="{y}" r="4.5"><title>{said}</title></circle>'
        )
        address = html.escape(row["address"])
        marks.append(f'<a href="{address}" target="_blank">{dot}</a>' if address else dot)
    return "".join(marks)
