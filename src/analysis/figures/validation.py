"""Charts of how good the forecasts are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.country import geography
from analysis.figures import marks, style, vector
from analysis.report.results import Result
from analysis.report.wording import say, write

_OWN, _BENCHMARK, _NAIVE = "analysis", "national", "last_value"
PIT_BINS = 10
#: Keeps a label readable where a line runs behind it.
_CLEAR = {"facecolor": vector.PAPER, "edgecolor": "none", "pad": 0.8}


@style.both_widths
def models(warm: Result, cold: Result, indicator: str, language: str) -> style.Figure:
    """Draw the score of every model, read and never-read provinces side by side.

    Args:
        warm, cold: see `analysis.findings.validation.models`.
    """
    rows = max(len(warm.table), len(cold.table))
    one = marks.rows_height(rows, 22, 130)
    drawing = style.canvas(one, 2 * one - 60)
    panels = style.panels(drawing, 2, sharex=True)
    for axes, result, kind in zip(panels, (warm, cold), ("warm", "cold"), strict=True):
        _dots(axes, result.table, language)
        axes.set_ylim(len(result.table) - rows - 1.4, len(result.table) - 0.4)
        title = say(f"validation.panel_{kind}", language, n=int(result.table["n"].max()))
        axes.set_title(title, fontsize=style.SMALL)
        axes.set_xlabel(say("validation.axis_crps", language))
    values = {"indicator": indicator}
    style.headline(drawing, _models_title(warm, cold, values, language))
    style.footer(drawing, say("validation.models_footer", language))
    both = pd.concat([warm.table.assign(design="warm"), cold.table.assign(design="cold")])
    alt = say("validation.models_alt", language, **values, listed=_scores_said(both, language))
    columns = ["design", "model", "n", "crps", "mae"]
    return style.Figure(f"models_{indicator}", drawing, alt, both[columns])


def _models_title(warm: Result, cold: Result, values: dict[str, str], language: str) -> str:
    """Say how much less than the benchmark the project's model errs, where it does in both."""
    leads = []
    for result in (warm, cold):
        crps = result.table.set_index("model")["crps"]
        if _OWN not in crps or _BENCHMARK not in crps:
            return say("validation.models_title_plain", language, **values)
        leads.append(float(1 - crps[_OWN] / crps[_BENCHMARK]))
    key = "validation.models_title" if min(leads) > 0 else "validation.models_title_plain"
    return say(key, language, lead=leads[0], cold=leads[1], **values)


def _dots(axes: Axes, table: pd.DataFrame, language: str) -> None:
    """One line a model, best on top; the benchmark's score runs through as a dashed line."""
    table = table.sort_values(["crps", "model"], ascending=False, ignore_index=True)
    colours = [vector.TARGET if m == _OWN else vector.SOFT for m in table["model"]]
    places = np.arange(len(table), dtype=float)
    axes.hlines(places, 0, table["crps"], color=vector.FAINT, linewidth=1.2)
    axes.scatter(table["crps"], places, c=colours, s=26, zorder=3)
    for place, crps, colour in zip(places, table["crps"], colours, strict=True):
        text = write(crps, "number2", language)
        style.direct_label(axes, crps, place, text, colour, xytext=(6, 0), bbox=_CLEAR)
    benchmark = table.loc[table["model"] == _BENCHMARK, "crps"]
    axes.axvline(float(benchmark.iloc[0]), color=vector.SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.annotate(
        say("validation.benchmark_line", language),
        (float(benchmark.iloc[0]), 0),
        xycoords=("data", "axes fraction"),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=style.SMALL,
        color=vector.SOFT,
        gid=style.HALO,
    )
    names = [say(f"model.{name}", language) for name in table["model"]]
    axes.set_yticks(places, names)
    for label, name in zip(axes.get_yticklabels(), table["model"], strict=True):
        label.set_fontweight("bold" if name == _OWN else "normal")
    axes.set_xlim(0, table["crps"].max() * 1.22)
    style.unit_ticks(axes.xaxis, "number", language, 4)
    axes.grid(visible=False)


def _scores_said(both: pd.DataFrame, language: str) -> list[str]:
    own = both[both["model"].isin([_OWN, _BENCHMARK, _NAIVE])]
    return [
        say(
            f"validation.models_alt_{row.design}",
            language,
            model=say(f"model.{row.model}", language),
            crps=row.crps,
        )
        for row in own.itertuples()
    ]


@style.both_widths
def origins(result: Result, language: str) -> style.Figure:
    """Draw the score by origin of the project's model and its two references.

    Args:
        result: see `analysis.findings.validation.origins`.
    """
    table = result.table
    drawing = style.canvas(304)
    axes = drawing.add_subplot()
    lines = (
        ("crps_naive", _NAIVE, vector.SOFT, (0, (2, 2))),
        ("crps_national", _BENCHMARK, vector.ESTIMATE, (0, (6, 2))),
        ("crps_own", _OWN, vector.TARGET, "solid"),
    )
    x = table["origin"].astype(int)
    highest = max(float(table[column].max()) for column, *_ in lines)
    ends = style.apart([float(table[column].iloc[-1]) for column, *_ in lines], 0.075 * highest)
    for (column, model, colour, dash), end in zip(lines, ends, strict=True):
        axes.plot(x, table[column], color=colour, linestyle=dash, marker="o", markersize=4)
        style.direct_label(axes, x.iloc[-1], end, say(f"model.{model}", language), colour)
    counts = [f"{o}\n(n = {n})" for o, n in zip(table["origin"], table["n"], strict=True)]
    axes.set_xticks(x, counts)
    axes.set_xlim(x.min() - 0.2, x.max() + 1.9)
    axes.set_ylim(0, None)
    style.unit_ticks(axes.yaxis, "number", language)
    axes.set_ylabel(say("validation.axis_crps", language))
    worst = table.sort_values("crps_own").iloc[-1]
    values = {
        "origin": int(worst["origin"]),
        "own": worst["crps_own"],
        "naive": worst["crps_naive"],
    }
    style.headline(drawing, say("validation.origins_title", language, **values))
    style.footer(drawing, say("validation.origins_footer", language))
    alt = say("validation.origins_alt", language, **values, first=x.min(), last=x.max())
    return style.Figure(result.name, drawing, alt, table)


@style.both_widths
def calibration(forecasts: pd.DataFrame, result: Result, language: str) -> style.Figure:
    """Draw where the readings fell in the forecast distributions, and what the bands held.

    Args:
        forecasts: scored forecasts of one model and design, with pit.
        result: see `analysis.findings.validation.calibration`.
    """
    drawing = style.canvas(310, 560)
    left, right = style.panels(drawing, 2, width_ratios=(1.25, 1))
    counts, edges = np.histogram(forecasts["pit"], bins=PIT_BINS, range=(0, 1))
    left.bar(edges[:-1], counts, width=np.diff(edges), align="edge", color=vector.BAND,
             edgecolor=vector.PAPER)  # fmt: skip
    expected = len(forecasts) / PIT_BINS
    left.axhline(expected, color=vector.TARGET, linewidth=1.2)
    text = say("validation.pit_expected", language)
    style.direct_label(left, 0.02, expected, text, vector.TARGET, xytext=(0, 7))
    left.set_title(say("validation.pit_title", language))
    style.unit_ticks(left.yaxis, "integer", language)
    left.set_xlabel(say("validation.pit_axis", language))
    style.unit_ticks(left.xaxis, "share", language)
    table = result.table
    right.plot([0.4, 1], [0.4, 1], color=vector.SOFT, linewidth=0.8)
    right.plot(table["band"], table["held"], "o-", color=vector.ESTIMATE)
    for band, held in zip(table["band"], table["held"], strict=True):
        text = write(held, "share0", language)
        where = {"xytext": (-5, 6), "ha": "right"} if band == 0.9 else {"xytext": (6, -7)}
        style.direct_label(right, band, held, text, vector.ESTIMATE, **where)
    right.set_title(say("validation.bands_title", language))
    right.set_xlabel(say("validation.bands_axis", language))
    right.set_xlim(0.42, 1.06)
    right.set_ylim(0.42, 1.04)
    for axis in (right.xaxis, right.yaxis):
        style.unit_ticks(axis, "share", language, 4)
    data = pd.DataFrame({"from": edges[:-1].round(6), "to": edges[1:].round(6), "n": counts})
    row = table[table["band"] == 0.8].iloc[0]
    values = {"n": len(forecasts), "held": row["held"]}
    low, high = int(counts[0]), int(counts[-1])
    style.headline(drawing, say("validation.calibration_title", language, **values))
    alt = say("validation.calibration_alt", language, **values, low=low, high=high)
    return style.Figure(result.name, drawing, alt, data)


@style.both_widths
def ingredients(result: Result, language: str) -> style.Figure:
    """Draw what the score loses without each ingredient, with its interval.

    Args:
        result: see `analysis.findings.validation.ingredients`.
    """
    table = result.table[result.table["without"] != "none"]
    table = table.sort_values("lost", ignore_index=True)
    drawing = style.canvas(
        marks.rows_height(len(table), 27), marks.rows_height(len(table), 34, 140)
    )
    axes = drawing.add_subplot()
    places = np.arange(len(table), dtype=float)
    axes.axvline(0, color=vector.SOFT, linewidth=0.9)
    names = [say(f"ingredient.{name}", language) for name in table["without"]]
    marks.forest(
        axes, names, table["lost"], table["lost_low"], table["lost_high"],
        bar=vector.BAND, bar_width=5, fold=150 if style.narrow() else None,
    )  # fmt: skip
    for place, lost, high in zip(places, table["lost"], table["lost_high"], strict=True):
        text = write(lost, "signed2", language)
        style.direct_label(axes, high, place, text, vector.ESTIMATE, xytext=(5, 0))
    axes.set_xlabel(say("validation.axis_lost", language))
    axes.margins(x=0.12)
    style.unit_ticks(axes.xaxis, "signed", language)
    last = table.iloc[-1]
    best = say(f"ingredient.{last['without']}", language)
    values = {"n": len(table), "best": best, "lost": last["lost"]}
    title = say("validation.ingredients_title", language, **values)
    style.headline(drawing, title[0].upper() + title[1:])
    style.footer(drawing, say("validation.ingredients_footer", language))
    alt = say("validation.ingredients_alt", language, **values)
    return style.Figure("ingredients", drawing, alt, table)


@style.both_widths
def heaping(result: Result, language: str) -> style.Figure:
    """Draw how many reported year-end values lie how far from their target.

    Args:
        result: see `analysis.findings.validation_targets.heaping`.
    """
    table = result.table
    drawing = style.canvas(260, 300)
    axes = drawing.add_subplot()
    places = np.arange(len(table), dtype=float)
    above = [name.startswith("above") for name in table["gap_class"]]
    colours = [vector.ESTIMATE if met else vector.HIGHLIGHT for met in above]
    axes.bar(places, table["readings"], color=colours, width=0.92)
    for place, n in zip(places, table["readings"], strict=True):
        axes.text(
            place, n, write(n, "integer", language), ha="center", va="bottom", fontsize=style.SMALL
        )
    names = [say(f"gap_class.{name}", language) for name in table["gap_class"]]
    room = 54 if style.narrow() else 110
    axes.set_xticks(places, [style.fold_pixels(name, room) for name in names])
    axes.axvline(sum(not met for met in above) - 0.5, color=vector.TARGET, linewidth=1.4)
    axes.set_ylim(0, table["readings"].max() * 1.18 + 0.5)
    axes.yaxis.set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)
    below = int(table.loc[[not met for met in above], "readings"].sum())
    values = {"n": int(table["readings"].sum()), "below": below}
    values["above"] = values["n"] - below
    values["near"] = int(table.loc[above, "readings"].iloc[0]) if any(above) else 0
    style.headline(drawing, say("validation.heaping_title", language, **values))
    style.footer(drawing, say("validation.heaping_footer", language))
    return style.Figure(
        result.name, drawing, say("validation.heaping_alt", language, **values), table
    )


@style.both_widths
def would_have_said(result: Result, origin: int, language: str) -> style.Figure:
    """Draw the forecasts made at the end of `origin` beside the readings that came.

    Args:
        result: see `analysis.findings.validation_targets.would_have_said`.
    """
    table = result.table.sort_values(["province_code", "as_of"], ascending=False).reset_index()
    drawing = style.canvas(marks.rows_height(len(table)), marks.rows_height(len(table), around=150))
    axes = drawing.add_subplot()
    places = np.arange(len(table), dtype=float)
    held = (table["band_held"] == "held").to_numpy()
    axes.plot(table["value"][held], places[held], "o", color=vector.READING, markersize=4)
    axes.plot(table["value"][~held], places[~held], "D", color=vector.TARGET, markersize=4.5)
    names = [
        f"{geography.name(code, 'province_63', language)}, {write(day, 'short_date', language)}"
        for code, day in zip(table["province_code"], table["as_of"], strict=True)
    ]
    marks.forest(
        axes, names, table["median"], table["low"], table["high"],
        bar=vector.BAND, bar_width=5, marker="|", size=10,
    )  # fmt: skip
    style.unit_ticks(axes.xaxis, "percent", language)
    values = {"origin": origin, "n": len(table), "held": int(held.sum())}
    style.headline(drawing, say("validation.said_title", language, **values))
    style.footer(drawing, say("validation.said_footer", language))
    columns = ["province_code", "as_of", "median", "low", "high", "value", "band_held"]
    alt = say("validation.said_alt", language, **values)
    return style.Figure(f"said_{origin}", drawing, alt, table[columns])


# --------------------------------------------------------------------------------------------------
# The track record of the country: readings, forecasts of each year-end, and targets.
# --------------------------------------------------------------------------------------------------

#: Where the bars of a year-end stand, in days beside it, and how they are drawn.
_FORECASTS = {"two_years": (-75, vector.BAND, 5.0), "one_year": (75, vector.ESTIMATE, 3.0)}
_HALF_STROKE = pd.Timedelta(days=55)


@style.both_widths
def track_record(result: Result, language: str) -> style.Figure:
    """Draw what was forecast for each year-end of the country, and what came.

    Args:
        result: see `analysis.findings.validation_country.track_record`.
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
    for kind, (days, colour, width) in _FORECASTS.items():
        said = table[table["kind"] == kind]
        at = said["as_of"] + pd.Timedelta(days=days)
        axes.vlines(at, said["low"], said["high"], color=colour, linewidth=width, alpha=0.9)
        ends = (at - _HALF_STROKE, at + _HALF_STROKE)
        axes.hlines(said["value"], *ends, color=vector.INK, linewidth=1.2, zorder=3)
    due = table[table["kind"] == "target"]
    hollow: dict[str, Any] = {
        "markerfacecolor": "none",
        "markeredgecolor": vector.TARGET,
        "mew": 1.5,
    }
    axes.plot(due["as_of"], due["value"], "D", markersize=7.5, zorder=6, **hollow)
    read = table[table["kind"] == "reading"].sort_values("as_of")
    end = read["as_of"].dt.is_year_end
    axes.plot(read["as_of"], read["value"], color=vector.SOFT, linewidth=0.7, zorder=2)
    last = table[table["kind"] == "one_year"][["as_of", "low", "high"]]
    scored = read[end][["as_of", "value"]].merge(last, on="as_of")
    outside = scored[~scored["value"].between(scored["low"], scored["high"])]
    axes.plot(read["as_of"][end], read["value"][end], "o", color=vector.READING, ms=6, zorder=5)
    missed: dict[str, Any] = {"mfc": vector.HIGHLIGHT, "mec": vector.READING, "ms": 8, "mew": 1.4}
    axes.plot(outside["as_of"], outside["value"], "o", zorder=5.5, **missed)
    during: dict[str, Any] = {
        "markerfacecolor": vector.PAPER,
        "markeredgecolor": vector.SOFT,
        "markersize": 3.2,
    }
    axes.plot(read["as_of"][~end], read["value"][~end], "o", zorder=4, **during)
    style.unit_ticks(axes.yaxis, "percent", language)
