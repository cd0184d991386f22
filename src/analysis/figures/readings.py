"""Charts of chapter 01: from facts to readings, what was read where, and what does not fit."""

from collections.abc import Mapping

import matplotlib.dates
import matplotlib.lines
import matplotlib.ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle

from analysis import geography
from analysis.figures import style
from analysis.figures.tiles import short_name
from analysis.results import Result
from analysis.wording import say, write

_KINDS = {"year_end": style.STEPS[4], "interim": style.STEPS[2], "computed": style.STEPS[1]}
_OUTCOMES: Mapping[str, tuple[str, str, bool]] = {
    "accepted": ("o", style.READING, True),
    "official": ("D", style.SECOND, True),
    "kept_apart": ("s", style.TARGET, False),
    "restated": ("^", style.TARGET, False),
    "left_out": ("X", style.SOFT, True),
}


@style.both_widths
def funnel(result: Result, language: str) -> style.Figure:
    """Draw how many are left after each step, from facts to readings."""
    table = result.table
    drawing = style.canvas(284)
    axes = drawing.add_subplot()
    places = np.arange(len(table))[::-1]
    colours = [style.FAINT] * (len(table) - 2) + [style.STEPS[3], style.STEPS[4]]
    axes.barh(places, table["n"], color=colours, height=0.66)
    labels = [say(f"readings.{step}", language) for step in table["step"]]
    axes.set_yticks(places, labels, color=style.INK)
    for place, n in zip(places, table["n"], strict=True):
        text = write(n, "integer", language)
        style.direct_label(axes, n, float(place), text, style.INK)
    axes.set_xlim(0, 1.1 * float(table["n"].max()))
    axes.grid(False)
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks([])
    style.headline(drawing, say("readings.funnel_title", language))
    listed = [
        say("readings.funnel_item", language, step=label, n=int(n))
        for label, n in zip(labels, table["n"], strict=True)
    ]
    alt = say("readings.funnel_alt", language, listed=listed)
    return style.Figure("readings_funnel", drawing, alt, table)


@style.both_widths
def matrix(result: Result, language: str) -> style.Figure:
    """Draw for each province and year whether a rate was published, computed, or neither."""
    table = result.table
    first, last = int(table["year"].min()), int(table["year"].max())
    codes = list(geography.PROVINCES.sort_values(["region_code", "name_en"]).index)
    half = (len(codes) + 1) // 2
    drawing = style.canvas(676)
    panels = drawing.subplot_mosaic([["left", "right"], ["legend"] * 2], height_ratios=[32, 1.4])
    kinds = table.set_index(["province_code", "year"])["kind"]
    for side, part in (("left", codes[:half]), ("right", codes[half:])):
        _cells(panels[side], part, kinds, range(first, last + 1), half, language)
    _kind_legend(panels["legend"], language)
    style.headline(drawing, say("readings.matrix_title", language, **_values(result)))
    style.footer(drawing, say("readings.matrix_footer", language))
    alt = say("readings.matrix_alt", language) + " " + result.text(language)
    return style.Figure(result.name, drawing, alt, table)


def _values(result: Result) -> dict:
    return dict(result.phrases[0][1])


def _cells(
    axes: Axes, codes: list[str], kinds: pd.Series, years: range, rows: int, language: str
) -> None:
    """Draw one square a year for each province, with a gap between regions' names."""
    for row, code in enumerate(codes):
        for year in years:
            kind = kinds.get((code, year))
            colour = _KINDS[kind] if kind else style.PAPER
            square = (year - 0.42, row + 0.1)
            axes.add_patch(
                Rectangle(square, 0.84, 0.8, facecolor=colour, edgecolor=style.FAINT, linewidth=0.5)
            )
    names = [short_name(geography.name(code, "province_63", language)) for code in codes]
    axes.set(xlim=(years[0] - 0.6, years[-1] + 0.6), ylim=(rows, 0))
    axes.set_yticks(np.arange(len(codes)) + 0.5, names, fontsize=style.SMALL, color=style.INK)
    axes.xaxis.tick_top()
    shown = [year for year in years if (years[-1] - year) % 2 == 0]
    axes.set_xticks(shown, [f"’{year % 100:02d}" for year in shown], fontsize=style.SMALL)
    axes.tick_params(length=0)
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)


def _kind_legend(axes: Axes, language: str) -> None:
    axes.axis("off")
    handles = [
        Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor=style.SOFT, linewidth=0.5)
        for colour in (*_KINDS.values(), style.PAPER)
    ]
    labels = [say(f"readings.kind_{kind}", language) for kind in (*_KINDS, "none")]
    axes.legend(handles, labels, loc="center", ncols=4, fontsize=style.SMALL)


@style.both_widths
def contradictions(result: Result, language: str) -> style.Figure:
    """Draw the candidates of each known contradiction, by what was decided.

    Social insurance coverage lies far below the other rates, so the axis has a part of its own
    for it; both parts have the same scale.
    """
    table = result.table
    cases = list(dict.fromkeys(table["case"]))[::-1]
    drawing = style.canvas(round(98 * (0.42 * len(cases) + 1.7)))
    spans = [(32.0, 41.0), (80.0, 101.0)]
    widths = [high - low for low, high in spans]
    panels = drawing.subplots(1, 2, sharey=True, width_ratios=widths)
    for axes, (low, high) in zip(panels, spans, strict=True):
        for place, case in enumerate(cases):
            rows = table[(table["case"] == case) & table["value"].between(low, high)]
            if len(rows):
                _candidates(axes, rows, place, language)
        _percent_axis(axes, (low, high), language)
    labels = [say(f"contradiction.{case}", language) for case in cases]
    panels[0].set_yticks(range(len(cases)), labels, color=style.INK)
    panels[0].set_ylim(-0.6, len(cases) - 0.4)
    _outcome_legend(drawing, language)
    style.headline(drawing, say("readings.contradictions_title", language))
    ends = table.groupby("case", sort=False)["value"].agg(["min", "max"])
    listed = [
        say(
            "readings.contradictions_item",
            language,
            case=f"contradiction.{case}",
            low=row["min"],
            high=row["max"],
        )
        for case, row in ends.iterrows()
    ]
    alt = say("readings.contradictions_alt", language, n=len(cases), listed=listed)
    return style.Figure("contradictions", drawing, alt, table)


def _percent_axis(axes: Axes, span: tuple[float, float], language: str) -> None:
    axes.set_xlim(*span)
    axes.xaxis.set_major_locator(matplotlib.ticker.MultipleLocator(5))
    axes.xaxis.set_major_formatter(
        matplotlib.ticker.FuncFormatter(lambda value, _: write(value, "percent0", language))
    )
    axes.grid(True, axis="x")
    axes.grid(True, axis="y", linewidth=0.4)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _candidates(axes: Axes, rows: pd.DataFrame, place: int, language: str) -> None:
    """Mark the candidates of one case and write the lowest and the highest value."""
    ends = [rows["value"].min(), rows["value"].max()]
    axes.plot(ends, [place, place], color=style.SOFT, linewidth=0.8)
    for outcome, value in zip(rows["outcome"], rows["value"], strict=True):
        marker, colour, filled = _OUTCOMES[outcome]
        face = colour if filled else style.PAPER
        axes.plot(
            value,
            place,
            marker,
            markerfacecolor=face,
            markeredgecolor=colour,
            markersize=6.5,
            linestyle="none",
            zorder=3,
        )
    for value, side, ha in ((ends[0], -7, "right"), (ends[1], 7, "left")):
        text = write(
            value, "number1" if round(value, 1) == round(value, 4) else "number2", language
        )
        style.direct_label(
            axes, value, place, text, style.SOFT, xytext=(side, 0), ha=ha, fontsize=style.SMALL
        )


def _outcome_legend(drawing: Drawing, language: str) -> None:
    handles = [
        matplotlib.lines.Line2D(
            [],
            [],
            marker=marker,
            linestyle="none",
            markerfacecolor=colour if filled else style.PAPER,
            markeredgecolor=colour,
            markersize=6.5,
        )
        for marker, colour, filled in _OUTCOMES.values()
    ]
    labels = [say(f"decision.{outcome}", language) for outcome in _OUTCOMES]
    drawing.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=style.SMALL)


@style.both_widths
def implied_population(result: Result, language: str) -> style.Figure:
    """Draw implied over official population of each reading, by date, with the usual range."""
    table, values = result.table, _values(result)
    drawing = style.canvas(363)
    axes = drawing.add_subplot()
    low, high = values["usual_low"], values["usual_high"]
    axes.axhspan(low, high, color=style.BAND, alpha=0.35, linewidth=0)
    axes.axhline(100, color=style.SOFT, linewidth=0.8)
    axes.axhline(values["mean"], color=style.ESTIMATE, linewidth=1.4)
    usual = table[table["holds"]]
    axes.plot(usual["as_of"], 100 * usual["ratio"], "o", color=style.READING, markersize=3.2)
    outliers = table[~table["holds"]]
    for row in outliers.to_dict("records"):
        day, ratio = row["as_of"], 100 * row["ratio"]
        axes.plot(day, ratio, "s", color=style.TARGET, markersize=4.5)
        name = geography.name(row["province_code"], row["geo_level"], language)
        _outlier(axes, day, ratio, f"{name} {write(day, 'year', language)}", outliers)
    end = pd.Timestamp(f"{table['as_of'].max().year + 1}-01-01")
    start = table["as_of"].min() - pd.Timedelta(days=200)
    axes.set_xlim(
        matplotlib.dates.date2num(start), matplotlib.dates.date2num(end + pd.Timedelta(days=800))
    )
    axes.set_xticks(pd.date_range(table["as_of"].min(), end, freq="2YS"))
    axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%Y"))
    mean = say("readings.implied_mean", language, mean=values["mean"])
    style.direct_label(axes, end, values["mean"] - 1.2, mean, style.ESTIMATE)
    style.direct_label(axes, end, 101.2, say("readings.implied_equal", language), style.SOFT)
    axes.yaxis.set_major_formatter(
        matplotlib.ticker.FuncFormatter(lambda value, _: write(value, "percent0", language))
    )
    style.headline(drawing, say("readings.implied_title", language))
    style.footer(drawing, say("readings.implied_footer", language))
    alt = say("readings.implied_alt", language) + " " + result.text(language)
    return style.Figure("implied_population", drawing, alt, table)


def _outlier(
    axes: Axes, day: pd.Timestamp, value: float, text: str, outliers: pd.DataFrame
) -> None:
    """Name a point; above it where another named point follows closely on its right."""
    ahead = (outliers["as_of"] - day).dt.days.between(1, 1000)
    close = ahead & ((100 * outliers["ratio"] - value).abs() < 1.5)
    where = {"xytext": (0, 8), "ha": "center"} if close.any() else {}
    style.direct_label(axes, day, value, text, style.TARGET, fontsize=style.SMALL, **where)
