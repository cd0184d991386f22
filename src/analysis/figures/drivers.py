"""Charts of chapter 03: Decision 861, its rivals, the start, the year's saw-tooth, all choices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MultipleLocator

from analysis.country import geography
from analysis.drivers.decisions import Decisions
from analysis.drivers.pairs import time_of
from analysis.drivers.study import CoverageDrivers
from analysis.drivers.windows import GIVEN, TAKEN
from analysis.figures import style, vector
from analysis.findings import decisions, drivers
from analysis.report.wording import say, write


def _words(key: str, drawing: Any, language: str, **values: Any) -> str:
    """Head and foot of a chart from its topic; returns the alt text."""
    style.headline(drawing, say(f"driver_figures.{key}_title", language, **values))
    style.footer(drawing, say(f"driver_figures.{key}_footer", language, **values))
    return say(f"driver_figures.{key}_alt", language, **values)


def _zero(axes: Axes) -> None:
    axes.axvline(0, color=vector.SOFT, linewidth=0.8)


def _decimals(axis: Axis, language: str) -> None:
    """Numbers of an axis as the language writes them, each where it is true."""
    style.unit_ticks(axis, "number", language)


def _clipped(values: pd.Series, low: float, high: float) -> np.ndarray:
    """Ends of an interval that may be infinite, brought to the edge of the chart."""
    return values.clip(low, high).fillna(high).to_numpy()


@style.both_widths
def rivals(c: CoverageDrivers, language: str) -> style.Figure:
    """Each driver alone and beside Decision 861: what looks like a driver, and what is left."""
    result = drivers.rivals(c)
    table = result.table.sort_values("estimate", ignore_index=True)
    drawing = style.blank(7.2, 4.4)
    axes = drawing.add_subplot()
    places = np.arange(len(table))
    pair = (("", vector.TARGET, "o", 0.16), ("_861", vector.ESTIMATE, "s", -0.16))
    for ending, colour, marker, shift in pair:
        low = _clipped(table[f"low{ending}"], -0.4, 0.4)
        high = _clipped(table[f"high{ending}"], -0.4, 0.4)
        axes.hlines(places + shift, low, high, color=colour, linewidth=1.4)
        axes.plot(
            table[f"estimate{ending}"],
            places + shift,
            marker,
            color=colour,
            markersize=5,
            label=say(f"driver_figures.rivals{ending or '_alone'}", language),
        )
    _zero(axes)
    names = [say(f"driver.{d}", language) for d in table["driver"]]
    axes.set_yticks(places, names)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(say("driver_figures.rivals_axis", language))
    _decimals(axes.xaxis, language)
    axes.legend(loc="lower right", fontsize=8)
    alt = _words("rivals", drawing, language, **dict(result.phrases[0][1]))
    return style.Figure("rivals", drawing, alt, table)


@style.both_widths
def left_out(c: CoverageDrivers, language: str) -> style.Figure:
    """The policy estimate without each province, in both designs."""
    drawing = style.blank(7.2, 3.4)
    axes = drawing.add_subplot()
    looks = {"levels": (vector.ESTIMATE, "o", 1), "changes": (vector.TARGET, "s", 0)}
    for design, (colour, marker, height) in looks.items():
        rows = c.leave_out[c.leave_out["design"] == design]
        whole = drivers.main_effect(c, design)["estimate"]
        # Spread out so that no dot hides another.
        offset = 0.14 * (np.arange(len(rows)) % 5 - 2) / 2
        axes.plot(rows["estimate"], height + offset, marker, color=colour, alpha=0.75, markersize=5)
        axes.vlines(whole, height - 0.22, height + 0.22, color=vector.INK, linewidth=1.4)
        for end in (0, -1):
            name = geography.name(rows["province_code"].iloc[end], "province_63", language)
            spot = (rows["estimate"].iloc[end], height + offset[end])
            shift, side = (-7, "right") if end == 0 else (7, "left")
            axes.annotate(
                name,
                spot,
                xytext=(shift, 0),
                textcoords="offset points",
                ha=side,
                va="center",
                fontsize=8,
                color=colour,
            )
    axes.set(ylim=(-0.5, 1.5), xlim=(c.leave_out["estimate"].min() - 0.12, 0.05))
    axes.set_yticks([1, 0], [say(f"estimator.{d}", language) for d in ("levels", "changes")])
    _zero(axes)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(say("driver_figures.logit_axis", language))
    _decimals(axes.xaxis, language)
    values = dict(drivers.left_out(c).phrases[0][1])
    alt = _words("left_out", drawing, language, **values)
    return style.Figure("leave_one_out", drawing, alt, c.leave_out)


@style.both_widths
def placebo(c: CoverageDrivers, language: str) -> style.Figure:
    """The step at other dates: estimates with their bands, without and with a minority trend."""
    drawing = style.blank(7.2, 3.6)
    panels = style.panels(drawing, 2, sharey=True)
    best = {}
    for axes, trend in zip(panels, (False, True), strict=True):
        rows = c.placebo[(c.placebo["minority_trend"] == trend) & (c.placebo["note"] == "")]
        best[trend] = rows.sort_values(["fit", "date"]).iloc[0]
        _placebo_panel(axes, rows, best[trend], language)
        axes.set_title(say(f"driver_figures.placebo_{'with' if trend else 'without'}", language))
    panels[0].set_ylabel(say("driver_figures.placebo_axis", language))
    _decimals(panels[0].yaxis, language)
    values = {
        "best": _quarter(best[True]["date"], language),
        "best_without": _quarter(best[False]["date"], language),
        "estimate": float(best[True]["estimate"]),
        "dates": c.placebo["date"].nunique(),
        "far": _significant_elsewhere(c.placebo, False),
        "far_with": _significant_elsewhere(c.placebo, True),
    }
    alt = _words("placebo", drawing, language, **values)
    return style.Figure("placebo_dates", drawing, alt, c.placebo)


def _placebo_panel(axes: Axes, rows: pd.DataFrame, best: pd.Series, language: str) -> None:
    wide = 2 * rows["standard_error"]
    low, high = (rows["estimate"] - wide).clip(-2, 2), (rows["estimate"] + wide).clip(-2, 2)
    axes.fill_between(rows["date"], low, high, color=vector.BAND, alpha=0.6, linewidth=0)
    axes.plot(rows["date"], rows["estimate"], color=vector.ESTIMATE)
    axes.axhline(0, color=vector.SOFT, linewidth=0.8)
    axes.axvline(2021.5, color=vector.TARGET, linewidth=1, linestyle="--")
    axes.plot(best["date"], best["estimate"], "D", color=vector.INK, markersize=6)
    style.direct_label(
        axes,
        best["date"],
        best["estimate"],
        say("driver_figures.placebo_best", language),
        vector.INK,
        xytext=(-7, -13),
        ha="right",
    )
    axes.text(2021.58, 1.75, "861", color=vector.TARGET, fontsize=8.5)
    axes.set(ylim=(-2, 2), xlim=(rows["date"].min(), rows["date"].max()))


def _quarter(date: float, language: str) -> str:
    """A quarter by its month and year."""
    day = pd.Timestamp(int(date), 1 + round(12 * (date % 1)) % 12, 1)
    return write(day, "month", language)


def _significant_elsewhere(table: pd.DataFrame, trend: bool) -> int:
    """Placebo dates a year or more from July 2021 with a t beyond 2 and the same sign."""
    far = (table["date"] - 2021.5).abs() >= 1.0
    rows = table[far & (table["minority_trend"] == trend) & (table["note"] == "")]
    return int((rows["t"] < -2).sum())


@style.both_widths
def starting_level(c: CoverageDrivers, language: str) -> style.Figure:
    """The coefficient of the start beside what reading error alone would give."""
    result = drivers.starting_level(c)
    values = dict(result.phrases[0][1])
    drawing = style.blank(7.2, 3.4)
    axes = drawing.add_subplot()
    shades = (vector.STEPS[1], vector.STEPS[2], vector.STEPS[3])
    for place, ((_, rows), colour) in enumerate(
        zip(c.galton.groupby("error"), shades, strict=True)
    ):
        parts = axes.violinplot(
            rows["estimate"], [place], orientation="horizontal", widths=0.8, showextrema=False
        )
        bodies: Any = parts["bodies"]
        for body in bodies:
            body.set(facecolor=colour, alpha=1, edgecolor=vector.SOFT, linewidth=0.5)
        mean = rows["estimate"].mean()
        axes.plot(mean, place, "o", color=vector.INK, markersize=4)
        axes.text(mean, place + 0.17, write(mean, "signed2", language), ha="center", fontsize=8)
    errors = sorted(c.galton["error"].unique())
    labels = [say("driver_figures.start_error", language, error=e) for e in errors]
    axes.set_yticks(range(len(errors)), labels)
    axes.set_ylim(-0.6, len(errors) - 0.2)
    axes.axvline(values["estimate"], color=vector.TARGET, linewidth=1.8)
    style.direct_label(
        axes,
        values["estimate"],
        len(errors) - 0.4,
        say("driver_figures.start_seen", language, estimate=values["estimate"]),
        vector.TARGET,
        ha="right",
        xytext=(-5, 0),
    )
    _zero(axes)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(say("driver_figures.start_axis", language))
    _decimals(axes.xaxis, language)
    alt = _words("start", drawing, language, **values)
    return style.Figure("starting_level", drawing, alt, c.galton.round(4))


@style.both_widths
def season(c: CoverageDrivers, language: str) -> style.Figure:
    """The saw-tooth: three years of a province without growth, 90% at each year-end."""
    points = drivers.season_points(c)
    drawing = style.blank(7.2, 3.2)
    axes = drawing.add_subplot()
    for year in range(3):
        at = year + points["month"] / 12
        axes.fill_between(
            at, points["low"], points["high"], color=vector.BAND, alpha=0.6, linewidth=0
        )
        axes.plot(at, points["estimate"], color=vector.ESTIMATE)
        if year:
            ends = [points["estimate"].iloc[-1], points["estimate"].iloc[0]]
            axes.plot([year, year], ends, color=vector.ESTIMATE, linestyle=":", linewidth=1.2)
    values = dict(drivers.season(c).phrases[0][1])
    first = points["estimate"].iloc[0]
    for where, height, key, offset, side in (
        (0.02, first, "january", (6, -10), "left"),
        (3.0, 90.0, "december", (-6, 8), "right"),
    ):
        text = say(f"driver_figures.season_{key}", language, value=height)
        style.direct_label(axes, where, height, text, vector.INK, xytext=offset, ha=side)
    axes.set_xticks(
        [0.5, 1.5, 2.5], [say("driver_figures.season_year", language, n=n) for n in (1, 2, 3)]
    )
    axes.set(xlim=(0, 3.02), ylim=(points["low"].min() - 1, 92))
    style.unit_ticks(axes.yaxis, "percent", language)
    alt = _words("season", drawing, language, **values)
    return style.Figure("year_end_saw_tooth", drawing, alt, points)


_MOST_DOTS = 200
"""The most dots drawn in a panel of the specification curve."""


@style.both_widths
def curve(c: CoverageDrivers, language: str) -> style.Figure:
    """The counted specifications of every question, sorted by estimate.

    The dots of a panel overlap, so evenly spaced ones stand for all; the table and the note have
    every specification.
    """
    drawing = style.canvas(470, 820)
    panels = drawing.subplots(*((4, 2) if style.narrow() else (2, 4))).ravel()
    done = c.curve[c.curve["note"] == ""]
    for axes, focal in zip(panels, c.curve_summary["focal"], strict=True):
        rows = done[done["focal"] == focal].sort_values("estimate")
        firm = (rows["wild_p"] <= 0.05).to_numpy()
        at, height = np.arange(len(rows)), rows["estimate"].to_numpy()
        drawn = np.isin(at, np.linspace(0, len(rows) - 1, _MOST_DOTS).round())
        for some, colour, size in ((~firm, vector.SOFT, 2.5), (firm, vector.TARGET, 3.5)):
            dots = drawn & some
            axes.plot(at[dots], height[dots], ".", color=colour, markersize=size)
        axes.axhline(0, color=vector.INK, linewidth=0.8)
        edge = np.quantile(np.abs(height), 0.9) * 1.5
        axes.set(ylim=(-edge, edge), xticks=[])
        axes.set_title(style.two_lines(say(f"driver.{focal}", language), 18), fontsize=8.2)
        joint = c.curve_summary.set_index("focal").loc[focal]
        text = say(
            "driver_figures.curve_note",
            language,
            n=len(rows),
            negative=float((height < 0).mean()),
            joint=float(joint["joint_median"]),
        )
        axes.text(
            0.03, 0.98, text, transform=axes.transAxes, fontsize=6.6, color=vector.SOFT, va="top"
        )
        style.unit_ticks(axes.yaxis, "number", language, 4)
        axes.tick_params(labelsize=7)
    values = dict(drivers.curve(c).phrases[0][1])
    alt = _words("curve", drawing, language, **values)
    shown = done[["specification", "focal", "estimate", "wild_p"]].round(3)
    return style.Figure("specification_curve", drawing, alt, shown)


_THREE = ("before", "between", "after")


@style.both_widths
def path(c: CoverageDrivers, language: str) -> style.Figure:
    """Cards taken and support given back: the whole path, and two provinces by name."""
    d, table = c.decisions, decisions.path(c).table
    drawing = style.canvas(400, 720)
    if style.narrow():
        left, right = drawing.subplots(2, 1)
    else:
        left, right = drawing.subplots(1, 2, width_ratios=(1.0, 1.25))
    _path_by_window(left, table, language)
    _two_provinces(right, d, language)
    values = dict(decisions.path(c).phrases[0][1])
    for place in range(len(d.named)):
        own = decisions.named(c, place).phrases[0][1]
        values |= {f"{name}_{place + 1}": own[name] for name in ("province", *_THREE)}
    alt = _words("path", drawing, language, **values)
    shown = d.readings[d.readings["province_code"].isin(d.named)]
    shown = shown[["province_code", "as_of", "value", "country"]].copy()
    shown[["value", "country"]] = shown[["value", "country"]].round(3)
    windows = table[["window", "points_estimate", "points_low", "points_high"]]
    return style.Figure(
        "cards_path",
        drawing,
        alt,
        pd.concat([windows.round(3), shown]),
    )


def _path_by_window(axes: Axes, table: pd.DataFrame, language: str) -> None:
    at, height = np.arange(len(table)), table["points_estimate"].to_numpy()
    low, high = table["points_low"].to_numpy(), table["points_high"].to_numpy()
    axes.axhline(0, color=vector.SOFT, linewidth=0.8)
    axes.vlines(at, low, high, color=vector.BAND, linewidth=5)
    axes.plot(at, height, "o-", color=vector.ESTIMATE, markersize=5.5)
    for x, y in zip(at, height, strict=True):
        if y:
            text = write(float(y), "signed1", language)
            style.direct_label(axes, x, y, text, vector.INK, xytext=(5, 9))
    for place, key in ((1.5, "taken"), (3.5, "given")):
        axes.axvline(place, color=vector.TARGET, linewidth=1, linestyle="--")
        style.direct_label(
            axes, place, axes.get_ylim()[1], say(f"driver_figures.path_{key}", language),
            vector.TARGET, xytext=(3, -8),
        )  # fmt: skip
    names = [style.two_lines(say(f"window_short.{w}", language), 8) for w in table["window"]]
    axes.set_xticks(at, names)
    axes.set_xlim(-0.4, len(table) - 0.3)
    axes.set_title(say("driver_figures.path_windows", language))
    _decimals(axes.yaxis, language)


def _two_provinces(axes: Axes, d: Decisions, language: str) -> None:
    rows = d.readings[d.readings["province_code"].isin(d.named)].sort_values("as_of")
    nation = d.nation[d.nation["as_of"] >= rows["as_of"].min() - pd.DateOffset(months=6)]
    axes.plot(nation["time"], nation["value"], "-", color=vector.SOFT, linewidth=1.1)
    third = nation.iloc[len(nation) // 3]
    text = say("driver_figures.path_country", language)
    style.direct_label(axes, third["time"], third["value"], text, vector.SOFT, xytext=(6, -8))
    looks = ((vector.ESTIMATE, "o"), (vector.SECOND, "s"))
    for code, (colour, marker) in zip(d.named, looks, strict=False):
        own = rows[rows["province_code"] == code]
        axes.plot(own["time"], own["value"], f"{marker}-", color=colour, markersize=4.5)
        first = own.iloc[0]
        name = geography.name(code, "province_63", language)
        style.direct_label(axes, first["time"], first["value"], name, colour, xytext=(6, 5))
    for day, colour in ((TAKEN, vector.TARGET), (GIVEN, vector.TARGET)):
        axes.axvline(
            float(time_of(pd.Series([day])).iloc[0]), color=colour, linewidth=1, linestyle="--"
        )
    axes.set_xlim(right=float(nation["time"].max()) + 0.3)
    axes.set_title(say("driver_figures.path_provinces", language))
    style.unit_ticks(axes.yaxis, "percent", language)
    axes.xaxis.set_major_locator(MultipleLocator(2))
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:.0f}")


@style.both_widths
def rivals_of_cards(c: CoverageDrivers, language: str) -> style.Figure:
    """Poverty and minority share, alone and side by side."""
    table = c.decisions.rivals
    drawing = style.blank(7.2, 2.7)
    axes = drawing.add_subplot()
    looks = {"minority": (vector.ESTIMATE, "o"), "poverty": (vector.TARGET, "s")}
    places = np.arange(len(table))[::-1]
    labels = []
    for place, row in zip(places, table.to_dict("records"), strict=True):
        colour, marker = looks[row["driver"]]
        axes.hlines(place, row["low"], row["high"], color=colour, linewidth=1.6)
        axes.plot(row["estimate"], place, marker, color=colour, markersize=6)
        driver, beside = (
            say(f"driver.{row['driver']}", language),
            say(f"beside.{row['beside']}", language),
        )
        labels.append(say("driver_figures.poverty_row", language, driver=driver, beside=beside))
    axes.set_yticks(places, labels)
    axes.set_ylim(-0.6, len(table) - 0.4)
    _zero(axes)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(say("driver_figures.poverty_axis", language))
    _decimals(axes.xaxis, language)
    values = dict(decisions.poverty(c).phrases[0][1])
    alt = _words("poverty", drawing, language, **values)
    return style.Figure("poverty_or_minority", drawing, alt, table.round(4))
