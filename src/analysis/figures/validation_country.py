"""The track record of the country: readings, forecasts of each year-end, and targets."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from analysis.figures import style
from analysis.results import Result
from analysis.wording import say

#: Where the bars of a year-end stand, in days beside it, and how they are drawn.
FORECASTS = {"two_years": (-75, style.BAND, 5.0), "one_year": (75, style.ESTIMATE, 3.0)}
_HALF_STROKE = pd.Timedelta(days=55)


@style.both_widths
def track_record(result: Result, language: str) -> style.Figure:
    """Draw what was forecast for each year-end of the country, and what came.

    Args:
        result: see `analysis.forecast.validation.findings_country.track_record`.
    """
    table = result.table
    names = list(table["indicator"].unique())
    ends = sorted({day for day in table["as_of"] if day.is_year_end})
    drawing = style.canvas(380, 900)
    panels = style.panels(drawing, len(names), sharex=True)
    for axes, name in zip(panels, names, strict=True):
        _panel(axes, table[table["indicator"] == name], language)
        shown = ends[::-2][::-1]
        axes.set_xticks(shown, [str(day.year) for day in shown])
        axes.set_title(say(f"country_indicator.{name}", language), fontsize=style.SMALL)
    values = dict(result.phrases[0][1])
    style.headline(drawing, say("validation_country.title", language, **values))
    style.footer(drawing, say("validation_country.footer", language))
    return style.Figure(result.name, drawing, result.text(language), table)


def _panel(axes: Axes, table: pd.DataFrame, language: str) -> None:
    """One rate: bars behind, then targets, then readings."""
    for kind, (days, colour, width) in FORECASTS.items():
        said = table[table["kind"] == kind]
        at = said["as_of"] + pd.Timedelta(days=days)
        axes.vlines(at, said["low"], said["high"], color=colour, linewidth=width, alpha=0.9)
        ends = (at - _HALF_STROKE, at + _HALF_STROKE)
        axes.hlines(said["value"], *ends, color=style.INK, linewidth=1.2, zorder=3)
    due = table[table["kind"] == "target"]
    hollow: dict[str, Any] = {
        "markerfacecolor": "none",
        "markeredgecolor": style.TARGET,
        "mew": 1.5,
    }
    axes.plot(due["as_of"], due["value"], "D", markersize=7.5, zorder=6, **hollow)
    read = table[table["kind"] == "reading"].sort_values("as_of")
    end = read["as_of"].dt.is_year_end
    axes.plot(read["as_of"], read["value"], color=style.SOFT, linewidth=0.7, zorder=2)
    last = table[table["kind"] == "one_year"][["as_of", "low", "high"]]
    scored = read[end][["as_of", "value"]].merge(last, on="as_of")
    outside = scored[~scored["value"].between(scored["low"], scored["high"])]
    axes.plot(read["as_of"][end], read["value"][end], "o", color=style.READING, ms=6, zorder=5)
    missed: dict[str, Any] = {"mfc": style.HIGHLIGHT, "mec": style.READING, "ms": 8, "mew": 1.4}
    axes.plot(outside["as_of"], outside["value"], "o", zorder=5.5, **missed)
    during: dict[str, Any] = {
        "markerfacecolor": style.PAPER,
        "markeredgecolor": style.SOFT,
        "markersize": 3.2,
    }
    axes.plot(read["as_of"][~end], read["value"][~end], "o", zorder=4, **during)
    style.unit_ticks(axes.yaxis, "percent", language)
