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

from analysis.country import geography
from analysis.figures import marks, style, vector
from analysis.figures.tiles import short_name
from analysis.report.results import Result
from analysis.report.wording import say, write

_KINDS = {"year_end": vector.STEPS[4], "interim": vector.STEPS[2], "computed": vector.STEPS[1]}
_OUTCOMES: Mapping[str, tuple[str, str, bool]] = {
    "accepted": ("o", vector.READING, True),
    "official": ("D", vector.SECOND, True),
    "kept_apart": ("s", vector.TARGET, False),
    "restated": ("^", vector.TARGET, False),
    "left_out": ("X", vector.SOFT, True),
    "provisional": ("o", vector.READING, False),
    "agrees": ("v", vector.SOFT, False),
}


@style.both_widths
def funnel(result: Result, language: str) -> style.Figure:
    """Draw how many are left after each step, what each step takes away and what is computed."""
    table = result.table
    drawing = style.canvas(300)
    axes = drawing.add_subplot()
    places = np.arange(len(table))[::-1]
    counts = table["n"].to_numpy(float)
    before = np.concatenate([counts[:1], counts[:-1]])
    gained = np.maximum(counts - before, 0.0)
    lost = np.maximum(before - counts, 0.0)
    axes.barh(places, counts - gained, color=vector.STEPS[3], height=0.62)
    axes.barh(places, gained, left=counts - gained, color=vector.STEPS[2], height=0.62)
    axes.barh(places, lost, left=counts, color=vector.TINT, height=0.62)
    for place, n, up, down in zip(places, counts, gained, lost, strict=True):
        text = write(n, "integer", language)
        change = up - down
        if change:
            text += f" ({write(change, 'signed0', language)})"
        style.direct_label(axes, n + down, float(place), text, vector.INK)
    labels = [say(f"readings.{step}", language) for step in table["step"]]
    shown = [style.fold_pixels(label, 130) for label in labels] if style.narrow() else labels
    axes.set_yticks(places, shown)
    axes.set_xlim(0, (1.45 if style.narrow() else 1.2) * float(counts.max()))
    style.rows_grid(axes)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    values = {"facts": int(counts[0]), "readings": int(counts[-1]), "published": int(counts[-2])}
    style.headline(drawing, say("readings.funnel_title", language, **values))
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
    years = range(int(table["year"].min()), int(table["year"].max()) + 1)
    codes = list(geography.PROVINCES.sort_values(["region_code", "name_en"]).index)
    count = 1 if style.narrow() else 2
    rows = -(-len(codes) // count)
    height, legend = 17.0 * rows, 22.0 * (2 if style.narrow() else 1)
    drawing, top = style.sheet(
        legend + 18 + height + 4,
        say("readings.matrix_title", language, **_values(result)),
        say("readings.matrix_footer", language),
    )
    _kind_legend(style.place(drawing, 0, top, style.width(), legend), language)
    kinds = table.set_index(["province_code", "year"])["kind"]
    wide = (style.width() - 16.0 * (count - 1)) / count
    for place in range(count):
        part = codes[place * rows : (place + 1) * rows]
        left = place * (wide + 16) + 108
        axes = style.place(drawing, left, top + legend + 18, wide - 108 - 26, height)
        _cells(axes, part, kinds, years, rows, language)
    alt = say("readings.matrix_alt", language) + " " + result.text(language)
    return style.Figure(result.name, drawing, alt, table)


def _values(result: Result) -> dict:
    return dict(result.phrases[0][1])


def _cells(
    axes: Axes, codes: list[str], kinds: pd.Series, years: range, rows: int, language: str
) -> None:
    """Draw one square a year for each province, and beside them how many years were published."""
    squares: dict[str, list[tuple[float, float, float, float]]] = {"": []}
    for row, code in enumerate(codes):
        published = 0
        for year in years:
            kind = str(kinds.get((code, year), "") or "")
            published += kind in ("year_end", "interim")
            ends = (year - 0.42, year + 0.42, row + 0.1, row + 0.9)
            squares.setdefault(kind, []).append(ends)
        axes.annotate(
            str(published) if published else "",
            (1, row + 0.5),
            xycoords=("axes fraction", "data"),
            xytext=(18, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=vector.SOFT,
            fontsize=style.SMALL,
            annotation_clip=False,
        )
    for kind, all_ends in squares.items():
        colour = _KINDS[kind] if kind else vector.PAPER
        marks.boxes(axes, all_ends, facecolor=colour, edgecolor=vector.FAINT, linewidth=0.8)
    names = [short_name(geography.name(code, "province_63", language)) for code in codes]
    axes.set(xlim=(years[0] - 0.6, years[-1] + 0.6), ylim=(rows, 0))
    axes.set_yticks(np.arange(len(codes)) + 0.5, names, color=vector.INK)
    axes.xaxis.tick_top()
    shown = [year for year in years if (years[-1] - year) % 2 == 0]
    axes.set_xticks(shown, [f"’{year % 100:02d}" for year in shown])
    axes.tick_params(length=0, pad=4)
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)


def _kind_legend(axes: Axes, language: str) -> None:
    axes.axis("off")
    handles = [
        Rectangle((0, 0), 1, 1, facecolor=colour, edgecolor=vector.SOFT, linewidth=0.7)
        for colour in (*_KINDS.values(), vector.PAPER)
    ]
    labels = [say(f"readings.kind_{kind}", language) for kind in (*_KINDS, "none")]
    columns = 2 if style.narrow() else 4
    axes.legend(
        handles, labels, loc="center left", ncols=columns, borderpad=0, borderaxespad=0.2,
        handlelength=1.4, columnspacing=1.2, labelspacing=0.35,
    )  # fmt: skip


@style.both_widths
def contradictions(result: Result, language: str) -> style.Figure:
    """Draw the candidates of each known contradiction, by what was decided.

    Social insurance coverage lies far below the other rates, so the axis has a part of its own
    for it; both parts have the same scale.
    """
    table = result.table
    cases = list(dict.fromkeys(table["case"]))[::-1]
    drawing = style.canvas(36 * len(cases) + 150, 40 * len(cases) + 210)
    spans = [(31.0, 48.0), (80.0, 101.0)]
    # A phone has room for the two parts only where both get about the same.
    widths = [1.0, 1.3] if style.narrow() else [high - low for low, high in spans]
    panels = drawing.subplots(1, 2, sharey=True, width_ratios=widths)
    for axes, (low, high) in zip(panels, spans, strict=True):
        for place, case in enumerate(cases):
            rows = table[(table["case"] == case) & table["value"].between(low, high)]
            if len(rows):
                _candidates(axes, rows, place, language)
        _percent_axis(axes, (low, high), language)
    labels = [say(f"contradiction.{case}", language) for case in cases]
    if style.narrow():
        labels = [style.fold_pixels(label, 84) for label in labels]
    panels[0].set_yticks(range(len(cases)), labels, color=vector.INK)
    panels[0].set_ylim(-0.6, len(cases) - 0.4)
    _outcome_legend(drawing, language)
    style.headline(drawing, say("readings.contradictions_title", language, **_decided(table)))
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


def _decided(table: pd.DataFrame) -> dict[str, object]:
    """Count the cases, and find the widest: what the title says."""
    spread = table.groupby("case", sort=False)["value"].agg(lambda v: v.max() - v.min())
    settled = table.groupby("case", sort=False)["outcome"].agg(lambda o: "accepted" in set(o))
    return {
        "n": len(spread),
        "settled": int(settled.sum()),
        "gap": float(spread.max()),
        "widest": f"contradiction.{spread.idxmax()}",
    }


def _percent_axis(axes: Axes, span: tuple[float, float], language: str) -> None:
    axes.set_xlim(*span)
    style.unit_ticks(axes.xaxis, "percent", language, 2 if style.narrow() else 5)
    axes.grid(True, axis="x")
    axes.grid(True, axis="y", linewidth=0.4)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _candidates(axes: Axes, rows: pd.DataFrame, place: int, language: str) -> None:
    """Mark the candidates of one case and write the lowest and the highest value."""
    ends = [rows["value"].min(), rows["value"].max()]
    axes.plot(ends, [place, place], color=vector.SOFT, linewidth=0.8)
    for outcome, value in zip(rows["outcome"], rows["value"], strict=True):
        marker, colour, filled = _OUTCOMES[outcome]
        face = colour if filled else vector.PAPER
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
            axes, value, place, text, vector.SOFT, xytext=(side, 0), ha=ha, fontsize=style.SMALL
        )


def _outcome_legend(drawing: Drawing, language: str) -> None:
    handles = [
        matplotlib.lines.Line2D(
            [],
            [],
            marker=marker,
            linestyle="none",
            markerfacecolor=colour if filled else vector.PAPER,
            markeredgecolor=colour,
            markersize=6.5,
        )
        for marker, colour, filled in _OUTCOMES.values()
    ]
    labels = [say(f"decision.{outcome}", language) for outcome in _OUTCOMES]
    drawing.legend(
        handles,
        labels,
        loc="outside lower left",
        ncols=1 if style.narrow() else 3,
        fontsize=style.SMALL,
    )


@style.both_widths
def implied_population(result: Result, language: str) -> style.Figure:
    """Draw implied over official population of each reading, by date, with the usual range."""
    table, values = result.table, _values(result)
    drawing = style.canvas(363)
    axes = drawing.add_subplot()
    low, high = values["usual_low"], values["usual_high"]
    axes.axhspan(low, high, color=vector.BAND, alpha=0.35, linewidth=0)
    axes.axhline(100, color=vector.SOFT, linewidth=0.8)
    axes.axhline(values["mean"], color=vector.ESTIMATE, linewidth=1.4)
    usual = table[table["holds"]]
    axes.plot(usual["as_of"], 100 * usual["ratio"], "o", color=vector.READING, markersize=3.2)
    outliers = table[~table["holds"]]
    for row in outliers.to_dict("records"):
        day, ratio = row["as_of"], 100 * row["ratio"]
        axes.plot(day, ratio, "s", color=vector.TARGET, markersize=4.5)
        name = geography.name(row["province_code"], row["geo_level"], language)
        _outlier(axes, day, ratio, f"{name} {write(day, 'year', language)}", outliers)
    end = pd.Timestamp(f"{table['as_of'].max().year + 1}-01-01")
    start = table["as_of"].min() - pd.Timedelta(days=200)
    axes.set_xlim(
        matplotlib.dates.date2num(start), matplotlib.dates.date2num(end + pd.Timedelta(days=800))
    )
    step = "4YS" if style.narrow() else "2YS"
    axes.set_xticks(pd.date_range(table["as_of"].min(), end, freq=step))
    axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%Y"))
    mean = say("readings.implied_mean", language, mean=values["mean"])
    style.direct_label(axes, end, values["mean"] - 1.2, mean, vector.ESTIMATE)
    style.direct_label(axes, end, 101.2, say("readings.implied_equal", language), vector.SOFT)
    style.unit_ticks(axes.yaxis, "percent", language)
    style.headline(drawing, say("readings.implied_title", language, **values))
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
    style.direct_label(axes, day, value, text, vector.TARGET, fontsize=style.SMALL, **where)
