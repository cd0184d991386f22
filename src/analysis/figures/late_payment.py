"""Charts of chapter 04: what a rate means, where provinces stand, what changed, who reports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator

from analysis.country import geography
from analysis.figures import style, vector
from analysis.findings import late_payment
from analysis.late_payment.study import LatePayment
from analysis.report.wording import say, write


def _words(key: str, drawing: Any, language: str, **values: Any) -> str:
    style.headline(drawing, say(f"late_figures.{key}_title", language, **values))
    style.footer(drawing, say(f"late_figures.{key}_footer", language))
    return say(f"late_figures.{key}_alt", language, **values)


def _horizontal(axes: Axes) -> None:
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")


def _log_ticks(axes: Axes, ticks: list[float], language: str, spec: str, which: str) -> None:
    """Plain numbers on a logarithmic axis."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    getattr(axes, f"set_{which}scale")("log")
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    specs = ["percent1" if spec == "percent0" and tick < 1 else spec for tick in ticks]
    words = [write(tick, one, language) for tick, one in zip(ticks, specs, strict=True)]
    getattr(axes, f"set_{which}ticks")(ticks, words)


@style.both_widths
def variance(late: LatePayment, language: str) -> style.Figure:
    """Where differences between published rates come from."""
    result = late_payment.variance(late)
    table = result.table.sort_values("share", ignore_index=True)
    drawing = style.blank(7.2, 2.9)
    axes = drawing.add_subplot()
    places = np.arange(float(len(table)))
    axes.barh(places, 100 * table["share"], color=vector.BAND, height=0.6)
    axes.hlines(places, 100 * table["low"], 100 * table["high"], color=vector.INK, linewidth=1.3)
    for place, share, high in zip(places, table["share"], table["high"], strict=True):
        text = write(share, "share0", language)
        axes.text(100 * high + 1.5, place, text, va="center", fontsize=8)
    axes.set_yticks(places, [say(f"late_source.{s}", language) for s in table["source"]])
    axes.set_xlim(0, 100 * float(table["high"].max()) + 9)
    style.unit_ticks(axes.xaxis, "percent", language)
    _horizontal(axes)
    alt = _words("variance", drawing, language, **dict(result.phrases[0][1]))
    return style.Figure("late_variance", drawing, alt, table)


@style.both_widths
def conversions(late: LatePayment, language: str) -> style.Figure:
    """How many times a rate becomes when it is counted in another way."""
    result = late_payment.conversions(late)
    table = result.table.sort_values("factor", ignore_index=True)
    drawing = style.blank(7.2, 3.3)
    axes = drawing.add_subplot()
    places = np.arange(float(len(table)))
    axes.hlines(places, table["low"], table["high"], color=vector.ESTIMATE, linewidth=1.6)
    axes.plot(table["factor"], places, "o", color=vector.ESTIMATE, markersize=5.5)
    for place, factor in zip(places, table["factor"], strict=True):
        text = f"× {write(factor, 'number2', language)}"
        axes.text(factor, place + 0.22, text, ha="center", fontsize=7.5)
    axes.axvline(1, color=vector.SOFT, linewidth=0.8)
    _log_ticks(axes, [0.25, 0.5, 1.0, 2.0], language, "number2", "x")
    axes.set_yticks(places, [say(f"late_basis.{t}", language) for t in table["to"]])
    axes.set_ylim(-0.6, len(table) - 0.3)
    _horizontal(axes)
    axes.set_xlabel(say("late_figures.log_axis_times", language))
    alt = _words("conversions", drawing, language, **dict(result.phrases[0][1]))
    return style.Figure("late_conversions", drawing, alt, table)


@style.both_widths
def levels(late: LatePayment, language: str) -> style.Figure:
    """Provinces on one footing, in days of contributions, with the places they may hold."""
    result = late_payment.levels(late)
    table = result.table.iloc[::-1].reset_index(drop=True)
    drawing = style.blank(7.2, 0.2 * len(table) + 1.3)
    axes = drawing.add_subplot()
    places = np.arange(float(len(table)))
    axes.hlines(places, table["low"], table["high"], color=vector.BAND, linewidth=4)
    several = (table["n"] > 1).to_numpy()
    axes.plot(table["days"][several], places[several], "o", color=vector.ESTIMATE, markersize=5)
    axes.plot(
        table["days"][~several],
        places[~several],
        "o",
        color=vector.ESTIMATE,
        markerfacecolor=vector.PAPER,
        markersize=5,
    )
    edge = float(table["high"].max()) * 1.06
    for place, row in zip(places, table.to_dict("records"), strict=True):
        text = say("late_figures.levels_rank", language, low=row["rank_low"], high=row["rank_high"])
        axes.text(edge, place, text, va="center", fontsize=7.5, color=vector.SOFT)
    _log_ticks(axes, [2.0, 5.0, 10.0, 20.0, 50.0], language, "number0", "x")
    names = [geography.name(c, "province_63", language) for c in table["province_code"]]
    axes.set_yticks(places, names, fontsize=7.8)
    axes.set_ylim(-0.7, len(table) - 0.3)
    axes.set_xlabel(say("late_figures.levels_axis", language))
    _horizontal(axes)
    alt = _words("levels", drawing, language, **dict(result.phrases[0][1]))
    return style.Figure("late_levels", drawing, alt, table)


@style.both_widths
def changes(late: LatePayment, language: str) -> style.Figure:
    """Every change that compares like with like: a small chart for each province."""
    result = late_payment.changes(late)
    codes = list(dict.fromkeys(late.changes["province_code"]))
    across = 2 if style.narrow() else 3
    down = -(-len(codes) // across)
    drawing = style.canvas(110 + 150 * down, 130 + 150 * down)
    panels = drawing.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
    start = pd.Timestamp(late.changes["start"].min())
    end = pd.Timestamp(late.changes["end"].max())
    ticks: Any = [pd.Timestamp(f"{y}-01-01") for y in range(start.year + 1, end.year + 1, 3)]
    rates = late.changes[["rate0", "rate1"]].to_numpy(float)
    low, high = 0.8 * rates.min(), 1.6 * rates.max()
    marks = [mark for mark in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0) if low <= mark <= high]
    middle = start + (end - start) / 2
    for axes, code in zip(panels, codes, strict=False):
        rows = late.changes[late.changes["province_code"] == code]
        _province_changes(axes, rows, middle, language)
        name = geography.name(code, "province_63", language)
        axes.set_title(name, fontsize=style.TEXT)
    for at, axes in enumerate(panels[: len(codes)]):
        axes.tick_params(labelbottom=at + across >= len(codes))
        _log_ticks(axes, marks, language, "percent0", "y")
        axes.set_ylim(low, high)
        axes.set_xticks(ticks, [str(tick.year) for tick in ticks])
        axes.margins(x=0.08)
    for axes in panels[len(codes) :]:
        axes.set_visible(False)
    drawing.supylabel(
        say("late_figures.log_axis", language), fontsize=style.SMALL, color=vector.SOFT
    )
    alt = _words("changes", drawing, language, **dict(result.phrases[0][1]))
    return style.Figure("late_changes", drawing, alt, result.table)


def _province_changes(axes: Axes, rows: pd.DataFrame, middle: pd.Timestamp, language: str) -> None:
    """Lines of one province, each named by its definition where it begins, towards the middle."""
    ends: dict[tuple[Any, ...], tuple[Any, float]] = {}
    for row in rows.to_dict("records"):
        colour = vector.ESTIMATE if row["ratio"] < 1 else vector.TARGET
        line = "-" if row["evidence"] == "stated" else (0, (4, 2))
        dates, rates = [row["start"], row["end"]], [row["rate0"], row["rate1"]]
        axes.plot(dates, rates, marker="o", color=colour, linestyle=line, markersize=5)
        series = (row["basis"], row["evidence"], row["december"])
        ends[series] = (row["start"], float(row["rate0"]))
    shown: set[str] = set()
    for (basis, *_), (day, rate) in ends.items():
        if basis in shown:
            continue
        shown.add(basis)
        text = say(f"late_basis.{basis}", language)
        side = "left" if day < middle else "right"
        style.direct_label(axes, day, rate, text, vector.SOFT, xytext=(0, 10), ha=side)


@style.both_widths
def reporters(late: LatePayment, language: str) -> style.Figure:
    """Provinces that publish late payment beside those that do not."""
    result = late_payment.reporters(late)
    table = result.table.sort_values("difference", ignore_index=True)
    drawing = style.blank(7.2, 3.7)
    axes = drawing.add_subplot()
    places = np.arange(float(len(table)))
    axes.hlines(places, table["silent"], table["reporting"], color=vector.FAINT, linewidth=3)
    marks = (("silent", "s", vector.TARGET), ("reporting", "o", vector.ESTIMATE))
    for column, marker, colour in marks:
        label = say(f"late_figures.reporters_{column}", language)
        axes.plot(table[column], places, marker, color=colour, markersize=5.5, label=label)
    names = [
        say(f"driver.{d}", language) + (" *" if q <= 0.10 else "")
        for d, q in zip(table["driver"], table["q"], strict=True)
    ]
    axes.axvline(0, color=vector.SOFT, linewidth=0.8)
    axes.set_yticks(places, names)
    axes.set_xlabel(say("late_figures.reporters_axis", language))
    style.unit_ticks(axes.xaxis, "number", language)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)
    _horizontal(axes)
    alt = _words("reporters", drawing, language, **dict(result.phrases[0][1]))
    return style.Figure("late_reporters", drawing, alt, table)


@style.both_widths
def drivers(late: LatePayment, language: str) -> style.Figure:
    """Estimates of the drivers beside the smallest effect that could have been found."""
    result = late_payment.drivers(late)
    table = result.table.sort_values("estimate", ignore_index=True)
    drawing = style.blank(7.2, 3.9)
    axes = drawing.add_subplot()
    places = np.arange(float(len(table)))
    width = table["minimum_detectable"]
    axes.barh(
        places,
        2 * width,
        left=-width,
        height=0.72,
        color=vector.TINT,
        label=say("late_figures.drivers_detectable", language),
    )
    low, high = table["low"].clip(-1, 1), table["high"].clip(-1, 1)
    axes.hlines(places, low, high, color=vector.ESTIMATE, linewidth=1.5)
    axes.plot(table["estimate"], places, "o", color=vector.ESTIMATE, markersize=5)
    axes.axvline(0, color=vector.SOFT, linewidth=0.8)
    names = [say(f"driver.{d}", language) for d in table["driver"]]
    axes.set_yticks(places, names)
    axes.set_xlabel(say("late_figures.drivers_axis", language))
    style.unit_ticks(axes.xaxis, "number", language)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.1)
    _horizontal(axes)
    alt = _words("drivers", drawing, language, **dict(result.phrases[0][1]))
    return style.Figure("late_drivers", drawing, alt, table)


@style.both_widths
def forecasts(late: LatePayment, language: str) -> style.Figure:
    """Forecast bands of late payment beside the targets."""
    result = late_payment.forecasts(late)
    table = result.table.iloc[::-1].reset_index(drop=True)
    drawing = style.canvas(32 * len(table) + 110, 44 * len(table) + 130)
    axes = drawing.add_subplot()
    places = np.arange(float(len(table)))
    axes.hlines(places, table["q10"], table["q90"], color=vector.BAND, linewidth=5)
    axes.plot(table["q50"], places, "o", color=vector.ESTIMATE, markersize=5)
    axes.plot(table["target"], places, "D", color=vector.TARGET, markersize=6)
    for place, row in zip(places, table.to_dict("records"), strict=True):
        if np.isfinite(row["target"]):
            text = write(row["p_meets_reported"], "probability", language)
            axes.text(row["q90"] + 0.1, place, text, va="center", fontsize=8)
    axes.set_yticks(
        places,
        [
            say(
                f"late_figures.at_{level}",
                language,
                unit=geography.name(code, level, language),
                basis=f"late_basis.{basis}",
                date=date,
            )
            for level, code, basis, date in zip(
                table["geo_level"],
                table["province_code"],
                table["basis"],
                table["date"],
                strict=True,
            )
        ],
        fontsize=8,
    )
    axes.set_xlim(0, float(table["q90"].max()) * 1.12)
    style.unit_ticks(axes.xaxis, "percent", language)
    _horizontal(axes)
    alt = _words("forecasts", drawing, language, **dict(result.phrases[0][1]))
    return style.Figure("late_forecasts", drawing, alt, table)
