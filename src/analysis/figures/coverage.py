"""Charts of readings against targets."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import date2num

from analysis.country import geography
from analysis.country.breaks import LABOUR_FORCE_BREAK
from analysis.country.indicators import INDICATORS
from analysis.figures import marks, style, vector
from analysis.figures.tiles import Extras, Step, tile_map
from analysis.findings.coverage import COMPARABLE_YEARS
from analysis.readings.targets import held_against, meets
from analysis.report.wording import say, write

#: Distance of a reading from its target in points, from far below to above.
_GAP_STEPS = (-math.inf, -5.0, -2.0, 0.0, 2.0, math.inf)
#: Readings this many years older than the newest are drawn pale.
_OLD_YEARS = 3


def gap_map(standings: pd.DataFrame, language: str) -> style.Figure:
    """Draw the distance of each province's latest reading from its target as a tile map.

    Args:
        standings: see :func:`analysis.findings.coverage.standing`.
        language: ``en`` or ``vi``.
    """
    table = standings[standings["geo_level"] == "province_63"].assign(value=lambda t: t["gap"])
    table = table[["geo_level", "province_code", "value", "as_of", "target"]]
    read = standings.dropna(subset=["value"]).set_index("province_code")
    written = {
        str(code): f"{write(row['gap'], 'signed1', language)}\n({row['as_of'].year})"
        for code, row in read.iterrows()
        if row["gap"] == row["gap"]
    }
    indicator = str(standings["indicator"].iloc[0])
    known = table.dropna(subset=["value"])
    newest = known["as_of"].max()
    old = known["as_of"] < newest - pd.DateOffset(years=_OLD_YEARS)
    values = {
        "indicator": INDICATORS[indicator].label(language),
        "short": [indicator],
        "years": COMPARABLE_YEARS,
        "met": int((known["value"] >= 0).sum()),
        "read": len(known),
        "missing": len(table) - len(known),
        "old": _OLD_YEARS,
    }
    words = {
        "title": say("figures.gap_map_title", language, **values),
        "legend": say("figures.gap_map_legend", language),
        "missing": say("figures.no_reading", language, years=COMPARABLE_YEARS),
        "footer": say("figures.gap_map_footer", language, **values),
        "alt": say("figures.gap_map_alt", language, **values),
    }
    tips = {
        str(row["province_code"]): say(
            "figures.gap_tip",
            language,
            unit=str(row["province_code"]),
            value=row["value"],
            target=row["target"],
            as_of=row["as_of"],
        )
        for row in standings[standings["gap"].notna()].to_dict("records")
        if row["geo_level"] == "province_63"
    }
    extras = Extras(tips, faded=frozenset(str(code) for code in known["province_code"][old]))
    steps = _gap_steps(language)
    name = f"gap_map_{indicator}"
    return tile_map(name, table, steps, written, words, language, extras=extras)


def _gap_steps(language: str) -> list[Step]:
    ends = itertools.pairwise(_GAP_STEPS)
    keys = ("gap_5_more", "gap_5", "gap_2", "gap_over", "gap_over_2")
    return [
        Step(low, high, colour, say(f"figures.{key}", language))
        for (low, high), colour, key in zip(ends, vector.DIVERGING, keys, strict=True)
    ]


@style.both_widths
def nationwide(
    readings: pd.DataFrame, targets: pd.DataFrame, due: str, language: str
) -> style.Figure:
    """Draw the country's readings of the coverage rates over time, with the targets.

    Args:
        readings: see :func:`analysis.findings.coverage.nationwide`.
        targets: targets of the country (see :func:`analysis.readings.targets.targets`).
        due: the day of the targets drawn, as YYYY-MM-DD.
        language: ``en`` or ``vi``.
    """
    names = list(readings["indicator"].unique())
    targets = held_against(targets[targets["due"] == pd.Timestamp(due)], ["indicator"])
    drawing = style.canvas(330, 780)
    panels = style.panels(drawing, len(names))
    for axes, name in zip(panels, names, strict=True):
        shown = readings[readings["indicator"] == name]
        _curve(axes, shown, targets[targets["indicator"] == name], language)
        axes.set_title(INDICATORS[name].label(language, short=True))
        if not INDICATORS[name].label("en", short=True).startswith("HI"):
            _denominator(axes, language)
    latest = readings.groupby("indicator").tail(1)
    style.headline(drawing, _nationwide_title(latest, targets, due, language))
    style.footer(drawing, say("figures.footer_nationwide", language))
    data = readings[["indicator", "as_of", "value", "lower", "upper", "season"]]
    first, last = data["as_of"].min(), data["as_of"].max()
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


def _nationwide_title(latest: pd.DataFrame, targets: pd.DataFrame, due: str, language: str) -> str:
    """Say how far each rate is from its target."""
    both = latest.merge(targets[["indicator", "value"]], on="indicator", suffixes=("", "_target"))
    listed = []
    for row in both.to_dict("records"):
        gap, met = row["value_target"] - row["value"], meets(row["value"], row["value_target"])
        key = "figures.nationwide_met" if met else "figures.nationwide_short"
        listed.append(say(key, language, short=[row["indicator"]], gap=abs(gap)))
    if not listed:
        return say("figures.nationwide_title_plain", language)
    return say("figures.nationwide_title", language, listed=listed, due=due)


def _curve(axes: Axes, readings: pd.DataFrame, targets: pd.DataFrame, language: str) -> None:
    settled = readings[readings["season"] == "year_end"]
    interim = readings[readings["season"] != "year_end"]
    axes.plot(settled["as_of"], settled["value"], color=vector.ESTIMATE, marker="o", markersize=5)
    axes.plot(
        interim["as_of"], interim["value"], "o", mfc=vector.PAPER, mec=vector.SOFT, markersize=4
    )
    axes.plot(targets["due"], targets["value"], "D", color=vector.TARGET, markersize=6.5)
    for _, target in targets.iterrows():
        text = say("figures.fan_target", language, target=target["value"])
        style.direct_label(
            axes, target["due"], target["value"], text, vector.TARGET, xytext=(4, 12), ha="right"
        )
    if len(settled):
        last = settled.iloc[-1]
        text = write(last["value"], "percent1", language)
        style.direct_label(
            axes, last["as_of"], last["value"], text, vector.ESTIMATE, xytext=(4, -13), ha="center"
        )
    axes.margins(x=0.07, y=0.16)
    style.unit_ticks(axes.yaxis, "percent", language)
    years_only(axes)


def _denominator(axes: Axes, language: str) -> None:
    """Mark the day since which the labour force is counted otherwise."""
    axes.axvline(
        float(date2num(LABOUR_FORCE_BREAK)), color=vector.SOFT, linewidth=1, linestyle=(0, (3, 3))
    )
    axes.annotate(
        say("figures.new_denominator", language),
        (LABOUR_FORCE_BREAK, 0.03),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        fontsize=style.SMALL,
        color=vector.SOFT,
        gid=style.HALO,
    )


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


@style.both_widths
def gaps(standings: pd.DataFrame, language: str) -> style.Figure:
    """Draw for each province its latest reading, with its interval, beside its target.

    Args:
        standings: see :func:`analysis.findings.coverage.standing`; provinces without a recent
            reading are left out.
        language: ``en`` or ``vi``.
    """
    kept = standings[standings["geo_level"] == "province_63"].dropna(subset=["gap"])
    kept = kept.sort_values(["gap", "province_code"], ignore_index=True)
    drawing = style.canvas(marks.rows_height(len(kept), around=120))
    axes = drawing.add_subplot()
    places = range(len(kept))
    axes.hlines(places, kept["value"], kept["target"], color=vector.FAINT, linewidth=3)
    names = [geography.name(code, "province_63", language) for code in kept["province_code"]]
    days = [write(day, "short_date", language) for day in kept["as_of"]]
    labels = names if style.narrow() else [f"{n}, {d}" for n, d in zip(names, days, strict=True)]
    marks.forest(axes, labels, kept["target"], marker="|", size=12, colour=vector.TARGET)
    settled = (kept["season"] == "year_end").to_numpy()
    for chosen, hollow in ((settled, False), (~settled, True)):
        some = kept[chosen]
        at = kept.index.to_numpy(float)[chosen]
        marks.forest(
            axes, None, some["value"], some["lower"], some["upper"], places=at, hollow=hollow
        )
    _name_higher_targets(axes, kept, language)
    style.unit_ticks(axes.xaxis, "percent", language, 5 if style.narrow() else 8)
    entries = [
        (say("figures.reading", language), _dot(vector.ESTIMATE)),
        (say("figures.reading_interim", language), _dot(vector.ESTIMATE, hollow=True)),
        (say("figures.target", language), {"marker": "|", "ls": "", "color": vector.TARGET,
                                           "ms": 12, "mew": 2.4}),
    ]  # fmt: skip
    marks.key(axes, entries)
    indicator = str(kept["indicator"].iloc[0])
    met = int(meets(kept["gap"], 0.0).sum())
    worst = kept.iloc[0]
    values = {
        "short": [indicator],
        "n": len(kept),
        "met": met,
        "worst": names[0],
        "value": worst["value"],
        "target": worst["target"],
        "gap": abs(worst["gap"]),
    }
    key = "figures.gaps_title_met" if meets(worst["gap"], 0.0) else "figures.gaps_title"
    style.headline(drawing, say(key, language, **values))
    style.footer(drawing, say("figures.footer_readings", language))
    alt = say("figures.gaps_alt", language, **values)
    columns = ["province_code", "value", "lower", "upper", "as_of", "target", "gap"]
    return style.Figure(f"gaps_{indicator}", drawing, alt, kept[columns])


def _dot(colour: str, hollow: bool = False) -> dict:
    face = vector.PAPER if hollow else colour
    return {"marker": "o", "ls": "", "mfc": face, "mec": colour, "ms": 6.5}


def _name_higher_targets(axes: Axes, kept: pd.DataFrame, language: str) -> None:
    """Print the targets that lie at least a point above the usual one: their gap is no failure."""
    usual = kept["target"].median()
    for place, row in kept[kept["target"] >= usual + 1].iterrows():
        text = say("figures.higher_target", language, target=row["target"])
        style.direct_label(axes, row["target"], float(str(place)), text, vector.TARGET)
