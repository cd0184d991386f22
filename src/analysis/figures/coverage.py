"""Charts of readings against targets."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from analysis import geography
from analysis.coverage import RECENT_YEARS
from analysis.figures import style
from analysis.figures.tiles import Step, tile_map
from analysis.indicators import INDICATORS
from analysis.wording import say, write

#: Distance of a reading from its target in points, from far below to above.
_GAP_STEPS = (-math.inf, -10.0, -5.0, -2.0, 0.0, math.inf)


def gap_map(standings: pd.DataFrame, language: str) -> style.Figure:
    """Draw the distance of each province's latest reading from its target as a tile map.

    Args:
        standings: see :func:`analysis.coverage.standing`.
        language: ``en`` or ``vi``.
    """
    table = standings[standings["geo_level"] == "province_63"].assign(value=lambda t: t["gap"])
    table = table[["geo_level", "province_code", "value", "as_of", "target"]]
    read = standings.dropna(subset=["value"]).set_index("province_code")
    written = {
        str(code): f"{write(row['value'], 'number1', language)} ({row['as_of'].year})"
        for code, row in read.iterrows()
    }
    indicator = str(standings["indicator"].iloc[0])
    known = table.dropna(subset=["value"])
    values = {
        "indicator": INDICATORS[indicator].label(language),
        "years": RECENT_YEARS,
        "met": int((known["value"] >= 0).sum()),
        "read": len(known),
        "missing": len(table) - len(known),
    }
    words = {
        "title": say("figures.gap_map_title", language, **values),
        "legend": say("figures.gap_map_legend", language),
        "missing": say("figures.no_reading", language, years=RECENT_YEARS),
        "footer": say("figures.footer_readings", language),
        "alt": say("figures.gap_map_alt", language, **values),
    }
    return tile_map(f"gap_map_{indicator}", table, _gap_steps(language), written, words, language)


def _gap_steps(language: str) -> list[Step]:
    ends = itertools.pairwise(_GAP_STEPS)
    keys = ("gap_10", "gap_5", "gap_2", "gap_0", "gap_met")
    return [
        Step(low, high, colour, say(f"figures.{key}", language))
        for (low, high), colour, key in zip(ends, style.STEPS, keys, strict=True)
    ]


def nationwide(
    readings: pd.DataFrame, targets: pd.DataFrame, due: str, language: str
) -> style.Figure:
    """Draw the country's readings of the coverage rates over time, with the targets.

    Args:
        readings: see :func:`analysis.coverage.nationwide`.
        targets: targets of the country: columns indicator, due, value, setter.
        due: the day of the targets drawn, as YYYY-MM-DD.
        language: ``en`` or ``vi``.
    """
    names = list(readings["indicator"].unique())
    targets = _due_targets(targets, due)
    drawing = style.blank(7.4, 2.9)
    panels = drawing.subplots(1, len(names))
    for axes, name in zip(panels, names, strict=True):
        shown = readings[readings["indicator"] == name]
        _curve(axes, shown, targets[targets["indicator"] == name], language)
        axes.set_title(INDICATORS[name].label(language, short=True))
    style.headline(drawing, say("figures.nationwide_title", language))
    style.footer(drawing, say("figures.footer_nationwide", language))
    data = readings[["indicator", "as_of", "value", "lower", "upper", "season"]]
    first, last = data["as_of"].min(), data["as_of"].max()
    latest = data.groupby("indicator").tail(1)
    listed = [
        say(
            "figures.level_item",
            language,
            name=INDICATORS[row["indicator"]].label(language, short=True),
            value=row["value"],
        )
        for _, row in latest.iterrows()
    ]
    alt = say("figures.nationwide_alt", language, first=first, last=last, listed=listed)
    return style.Figure("nationwide_coverage", drawing, alt, data)


def _due_targets(targets: pd.DataFrame, due: str) -> pd.DataFrame:
    """Return the target of each indicator at the due date: the Government's last word."""
    order = pd.Categorical(targets["setter"], ["agency", "province", "government"], ordered=True)
    kept = targets.assign(order=order)[targets["due"] == pd.Timestamp(due)]
    kept = kept.sort_values(["indicator", "order", "announced", "value"])
    return kept.drop_duplicates(["indicator"], keep="last")


def _curve(axes: Axes, readings: pd.DataFrame, targets: pd.DataFrame, language: str) -> None:
    settled = readings[readings["season"] == "year_end"]
    interim = readings[readings["season"] != "year_end"]
    axes.plot(settled["as_of"], settled["value"], color=style.ESTIMATE, marker="o", markersize=3.5)
    axes.plot(interim["as_of"], interim["value"], "o", mfc="white", mec=style.SOFT, markersize=3)
    axes.plot(targets["due"], targets["value"], "D", color=style.TARGET, markersize=4.5)
    for _, target in targets.iterrows():
        text = say("figures.fan_target", language, target=target["value"])
        style.direct_label(
            axes, target["due"], target["value"], text, style.TARGET, xytext=(3, 9), ha="right"
        )
    axes.yaxis.set_major_formatter(lambda value, _: write(value, "number0", language))
    axes.margins(y=0.15)
    years_only(axes)


def years_only(axes: Axes) -> None:
    """Label a time axis at the end of every third year."""
    first, last = axes.get_xlim()
    start, end = (dt.date(1970, 1, 1).year + int(day / 365.25) for day in (first, last))
    years = [year for year in range(start, end + 1) if year % 3 == 1]
    axes.set_xticks(
        [float(date2num(dt.datetime(year, 12, 31))) for year in years],
        [str(year) for year in years],
    )
    axes.set_xlim(first, last)


def gaps(standings: pd.DataFrame, language: str) -> style.Figure:
    """Draw for each province its latest reading, with its interval, beside its target.

    Args:
        standings: see :func:`analysis.coverage.standing`; provinces without a recent
            reading are left out.
        language: ``en`` or ``vi``.
    """
    kept = standings[standings["geo_level"] == "province_63"].dropna(subset=["gap"])
    kept = kept.sort_values(["gap", "province_code"], ignore_index=True)
    drawing = style.blank(7.2, 0.6 + 0.19 * len(kept))
    axes = drawing.add_subplot()
    places = range(len(kept))
    axes.hlines(places, kept["value"], kept["target"], color=style.FAINT, linewidth=2.4)
    axes.hlines(places, kept["lower"], kept["upper"], color=style.ESTIMATE, linewidth=1.2)
    axes.plot(kept["value"], places, "o", color=style.ESTIMATE, markersize=4.5)
    axes.plot(kept["target"], places, "|", color=style.TARGET, markersize=9, markeredgewidth=2)
    names = [geography.name(code, "province_63", language) for code in kept["province_code"]]
    days = [write(day, "short_date", language) for day in kept["as_of"]]
    axes.set_yticks(places, [f"{n}, {d}" for n, d in zip(names, days, strict=True)], fontsize=7)
    axes.set_ylim(-0.8, len(kept) - 0.2)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(lambda value, _: write(value, "percent0", language))
    top = kept.iloc[-1]
    _label_marks(axes, top, len(kept) - 1, language)
    indicator = str(kept["indicator"].iloc[0])
    style.headline(
        drawing,
        say("figures.gaps_title", language, indicator=INDICATORS[indicator].label(language)),
    )
    style.footer(drawing, say("figures.footer_readings", language))
    worst = kept.iloc[0]
    alt = say(
        "figures.gaps_alt",
        language,
        n=len(kept),
        met=int((kept["gap"] >= 0).sum()),
        worst=names[0],
        value=worst["value"],
        target=worst["target"],
    )
    columns = ["province_code", "value", "lower", "upper", "as_of", "target", "gap"]
    return style.Figure(f"gaps_{indicator}", drawing, alt, kept[columns])


def _label_marks(axes: Axes, row: pd.Series, place: int, language: str) -> None:
    """Name the two marks at the top row, in place of a legend."""
    reading, target = say("figures.reading", language), say("figures.target", language)
    right = row["value"] >= row["target"]
    sides = {"ha": "left", "xytext": (8, 0)}, {"ha": "right", "xytext": (-8, 0)}
    style.direct_label(
        axes, row["value"], place, reading, style.ESTIMATE, **sides[0 if right else 1]
    )
    style.direct_label(axes, row["target"], place, target, style.TARGET, **sides[1 if right else 0])
