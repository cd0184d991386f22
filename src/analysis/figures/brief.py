"""The charts of a brief: readings and forecast against target, and the place among provinces."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from analysis.brief.build import Brief
from analysis.brief.standing import INDICATOR
from analysis.brief.tables import INDICATORS
from analysis.figures import style
from analysis.indicators import INDICATORS as REGISTRY
from analysis.wording import say, write

_FIRST_YEAR = 2015


def fan(brief: Brief, language: str) -> style.Figure:
    """Draw readings, yearly estimates and the forecast of the three coverage rates.

    The line is the median of the value as it would be reported at year-end, the bands hold 80 and
    90 percent; past years are estimates, not readings. Dots are readings (hollow: interim).
    """
    drawing = Drawing(figsize=(7.4, 2.4))
    panels = drawing.subplots(1, len(INDICATORS))
    drawing.subplots_adjust(left=0.055, right=0.985, top=0.88, bottom=0.235, wspace=0.2)
    for axes, name in zip(panels, INDICATORS, strict=True):
        path = brief.path[brief.path["indicator"] == name]
        readings = brief.readings[brief.readings["indicator"] == name]
        _panel(axes, path, readings, language)
        axes.set_title(REGISTRY[name].label(language, short=True), fontsize=9.5)
        _name_target(axes, path, language)
    note = style.folded(say("figures.fan_footer", language), 150)
    drawing.text(0.01, 0.012, note, fontsize=6.6, color=style.SOFT, va="bottom", linespacing=1.25)
    return style.Figure("forecast", drawing, fan_alt(brief, language), _fan_data(brief))


def _panel(axes: Axes, path: pd.DataFrame, readings: pd.DataFrame, language: str) -> None:
    year = path["date"].dt.year + (path["date"].dt.dayofyear / 366)
    axes.fill_between(year, path["q05"], path["q95"], color=style.BAND, alpha=0.45, linewidth=0)
    axes.fill_between(year, path["q10"], path["q90"], color=style.BAND, linewidth=0)
    axes.plot(year, path["q50"], color=style.ESTIMATE)
    for season, face in (("year_end", style.READING), ("interim", "white")):
        some = readings[readings["season"] == season]
        when = some["as_of"].dt.year + some["as_of"].dt.dayofyear / 366
        errors = np.abs(some[["lower", "upper"]].to_numpy(float).T - some["value"].to_numpy(float))
        axes.errorbar(
            when, some["value"], errors, fmt="o", ms=3, mfc=face, mec=style.READING,
            ecolor=style.READING, elinewidth=0.7, mew=0.7,
        )  # fmt: skip
    _target(axes, path, year)
    axes.yaxis.set_major_formatter(lambda value, _: write(value, "number0", language))
    last = float(year.max()) if len(year) else dt.date.today().year
    axes.set_xlim(_FIRST_YEAR + 0.3, last + 0.45)
    ticks = list(range(_FIRST_YEAR + 2, int(last) + 1, 4))
    axes.set_xticks([tick + 0.999 for tick in ticks], [str(tick) for tick in ticks])
    low, high = axes.get_ylim()
    axes.set_ylim(max(0.0, low), min(high, 102.0))


def _target(axes: Axes, path: pd.DataFrame, year: pd.Series) -> None:
    """Mark the target at its due date."""
    due = path[path["target"].notna()].tail(1)
    if not due.empty:
        at, target = float(year.loc[due.index[0]]), float(due["target"].iloc[0])
        axes.plot([at], [target], "D", color=style.TARGET, markersize=5, zorder=5)


def _name_target(axes: Axes, path: pd.DataFrame, language: str) -> None:
    """Name the target above the panel, where no reading can hide behind it."""
    due = path["target"].dropna()
    if not due.empty:
        label = "◆ " + write(float(due.iloc[-1]), "printed", language)
        axes.set_title(label, loc="right", fontsize=8, fontweight="normal", color=style.TARGET)


def _fan_data(brief: Brief) -> pd.DataFrame:
    path = brief.path.assign(kind="estimate")
    path.loc[path["target"].notna(), "kind"] = "forecast"
    readings = brief.readings[["indicator", "as_of", "value", "lower", "upper", "season"]]
    readings = readings.rename(columns={"as_of": "date"}).assign(kind="reading")
    table = pd.concat([path, readings], ignore_index=True)
    return table.sort_values(["indicator", "date", "kind"], ignore_index=True)


def fan_alt(brief: Brief, language: str) -> str:
    """Return what the fan chart shows, in words."""
    parts = [say("figures.fan_alt", language, unit=f"{brief.level}/{brief.code}")]
    for row in brief.answer.table.to_dict("records"):
        key = "figures.fan_alt_item" if row["q50"] == row["q50"] else "figures.fan_alt_nothing"
        parts.append(say(key, language, **{str(k): v for k, v in row.items()}))
    return " ".join(parts)


def strip(brief: Brief, language: str) -> style.Figure:
    """Draw the forecast of every province on one line, the region and the peers marked."""
    table = brief.standing.provinces.sort_values("q50", ignore_index=True)
    drawing = Drawing(figsize=(7.4, 1.2))
    axes = drawing.add_axes((0.02, 0.37, 0.96, 0.46))
    looks: dict[str, dict[str, Any]] = {
        "other": {"marker": "o", "ms": 4, "mfc": "white", "mec": style.SOFT},
        "region": {"marker": "o", "ms": 5.5, "mfc": style.ESTIMATE, "mec": "white"},
        "peer": {"marker": "^", "ms": 6.5, "mfc": style.HIGHLIGHT, "mec": style.INK},
        "own": {"marker": "D", "ms": 8, "mfc": style.TARGET, "mec": style.INK},
    }
    for group, look in looks.items():
        some = table[table["group"] == group]
        height = {"other": 0.0, "region": 0.0, "peer": 0.35, "own": 0.75}[group]
        axes.plot(some["q50"], [height] * len(some), linestyle="", mew=0.7, **look)
        if group == "own" and len(some):
            row = some.iloc[0]
            axes.hlines(height, row["q10"], row["q90"], color=style.TARGET, linewidth=1.4)
    axes.set_ylim(-0.4, 1.15)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.xaxis.set_major_formatter(lambda value, _: write(value, "percent0", language))
    _strip_key(drawing, brief, looks, language)
    note = say("figures.strip_footer", language, indicator=INDICATOR)
    drawing.text(0.01, 0.02, note, fontsize=6.6, color=style.SOFT)
    alt = brief.standing.result.text(language)
    return style.Figure("place", drawing, alt, table)


def _strip_key(drawing: Drawing, brief: Brief, looks: dict, language: str) -> None:
    """Name the marks in one line above the chart, each in the order of its height."""
    present = set(brief.standing.provinces["group"])
    at = 0.02
    for group in ("own", "peer", "region", "other"):
        if group not in present:
            continue
        label = say(f"figures.strip_{group}", language, unit=f"{brief.level}/{brief.code}")
        mark = drawing.add_axes((at, 0.87, 0.02, 0.12))
        mark.plot([0], [0], linestyle="", mew=0.7, **looks[group])
        mark.axis("off")
        drawing.text(at + 0.024, 0.93, label, fontsize=7.2, va="center")
        at += 0.05 + 0.0102 * len(label)
