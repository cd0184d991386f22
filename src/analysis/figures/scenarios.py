"""The charts of chapter 07: scenarios side by side, their paths, and where the missing live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from analysis.figures import style, vector
from analysis.findings import scenarios
from analysis.report.wording import say, write
from analysis.scenarios import tables
from analysis.scenarios.baseline import Unit
from analysis.scenarios.outcome import Outcome
from analysis.scenarios.tables import COUNTRY_UNIT, contributions

#: Columns to the right of the chart: column, how it is written, phrase of its heading.
_COLUMNS = (
    ("p_meets_true", "probability", "level"),
    ("p_meets_reported", "probability", "reported"),
    ("persons_month", "rounded", "people"),
    ("effort", "number1", "effort"),
    ("budget_all_q50", "rounded", "budget"),
)
#: Pixels of a row, and what headings above and the axis below need.
_ROW, _ABOVE, _BELOW = 36.0, 46.0, 44.0
#: Columns that a phone has room for.
_FEW = ("p_meets_reported", "persons_month")
#: Provinces that get a bar of their own.
_BARS = 15


@style.both_widths
def committee(outcomes: Sequence[Outcome], unit: Unit, language: str) -> style.Figure:
    """Draw scenarios as rows: the reported value at the date, its chances, people and budget."""
    table = scenarios.rows(list(outcomes), unit, language)
    said = scenarios.values(table, unit)
    known = np.isfinite(said["target"])
    title = say(f"scenarios.figure_title{'' if known else '_plain'}", language, **said)
    note = say("scenarios.figure_footer", language, **said)
    if reason := scenarios.why_no_chance(said):
        note = say(f"scenarios.figure{reason}", language) + " " + note
    body = _ROW * len(table)
    drawing, start = style.sheet(_ABOVE + body + _BELOW, title, note)
    names, wide = (118.0, 130.0) if style.narrow() else (210.0, 190.0)
    axes = style.place(drawing, names, start + _ABOVE, wide, body)
    _intervals(axes, table, language)
    _columns(drawing, axes, table, language)
    told = [say("scenarios.figure_alt_row", language, **row) for row in tables.records(table)]
    alt = say("scenarios.figure_alt", language, rows=" ".join(told), **said)
    columns = ["scenario", "title", "q10", "q50", "q90", "target", *[name for name, *_ in _COLUMNS]]
    return style.Figure(f"scenarios_{unit[0]}_{unit[1]}", drawing, alt, _rounded(table[columns]))


def _intervals(axes: Axes, table: pd.DataFrame, language: str) -> None:
    place = np.arange(len(table))[::-1]
    usual = table["kind"].eq("business_as_usual").to_numpy()
    for at, row, plain in zip(place, tables.records(table), usual, strict=True):
        colour = vector.INK if plain else vector.ESTIMATE
        axes.hlines(at, row["q10"], row["q90"], color=colour, linewidth=2.2)
        axes.plot(
            row["q50"], at, "s" if plain else "o", color=colour, markersize=6, mec=vector.PAPER
        )
    target = float(table["target"].iloc[0])
    if np.isfinite(target):
        axes.axvline(target, color=vector.TARGET, linestyle="--", linewidth=1.2)
        label = say("scenarios.figure_target", language, target=target)
        axes.annotate(
            label,
            (target, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=style.SMALL,
            color=vector.TARGET,
        )
    room = 112 if style.narrow() else 204
    axes.set_yticks(place, [style.fold_pixels(title, room) for title in table["title"]])
    style.rows_grid(axes)
    axes.set_ylim(-0.6, len(table) - 0.4)
    style.unit_ticks(axes.xaxis, "percent", language, 3 if style.narrow() else 5)
    date = table["date"].iloc[0]
    axes.set_xlabel(say("scenarios.figure_axis", language, date=date))


def _columns(drawing: Drawing, axes: Axes, table: pd.DataFrame, language: str) -> None:
    """Write the numbers of each row beside it; a phone has room for two of them."""
    across, down = style.pixels(drawing)
    box = axes.get_position()
    step = 52.0 if style.narrow() else 65.0
    right = box.x1 * across + step / 2 + 4
    top, tall = (1 - box.y1) * down, box.height * down
    for name, form, heading in _COLUMNS:
        values = table[name]
        if values.isna().all() or (style.narrow() and name not in _FEW):
            continue
        text = style.fold_pixels(say(f"scenarios.figure_{heading}", language), step)
        look: dict[str, Any] = {"ha": "center", "color": vector.SOFT}
        style.place_text(drawing, right, top - 4, text, va="bottom", **look)
        for at, value in zip(np.arange(len(table))[::-1], values, strict=True):
            y = top + tall * (1 - (at + 0.6) / (len(table) + 0.2))
            style.place_text(
                drawing, right, y, write(value, form, language), ha="center", va="center"
            )
        right += step


@style.both_widths
def paths(outcomes: Sequence[Outcome], unit: Unit, language: str) -> style.Figure:
    """Draw the way to the date: the band of business as usual and the medians of scenarios."""
    table = pd.concat([tables.path_table(one, [unit]) for one in outcomes], ignore_index=True)
    titles = {one.scenario.name: one.scenario.title[language] for one in outcomes}
    drawing = style.canvas(372)
    axes = drawing.subplots()
    usual = table[table["scenario"] == outcomes[0].scenario.name]
    axes.fill_between(usual["date"], usual["q10"], usual["q90"], color=vector.BAND, linewidth=0)
    looks = (
        (vector.ESTIMATE, "-"),
        (vector.TARGET, "--"),
        (vector.SECOND, "-."),
        (vector.INK, ":"),
        (vector.SOFT, (0, (5, 1))),
        (vector.HIGHLIGHT, "-"),
    )
    ends = []
    for (name, own), (colour, line) in zip(table.groupby("scenario", sort=False), looks):  # noqa: B905
        axes.plot(own["date"], own["q50"], color=colour, linestyle=line)
        ends.append((float(own["q50"].iloc[-1]), titles[str(name)], colour))
    _target_mark(axes, outcomes[0], unit)
    _end_labels(axes, table["date"].max(), ends)
    axes.set_ylabel(say("scenarios.paths_axis", language))
    style.unit_ticks(axes.yaxis, "number", language)
    _months(axes, table, language)
    said = {
        "unit": f"{unit[0]}/{unit[1]}",
        "date": outcomes[0].base.date,
        "indicator": outcomes[0].base.indicator,
    }
    style.headline(drawing, say("scenarios.paths_title", language, **said))
    style.footer(drawing, say("scenarios.paths_footer", language))
    rows = " ".join(
        say("scenarios.paths_alt_row", language, title=title, q50=value) for value, title, _ in ends
    )
    alt = say("scenarios.paths_alt", language, rows=rows, **said)
    return style.Figure(f"scenario_paths_{unit[0]}_{unit[1]}", drawing, alt, _rounded(table))


def _target_mark(axes: Axes, usual: Outcome, unit: Unit) -> None:
    target = usual.base.targets[unit][0]
    if np.isfinite(target):
        axes.plot(
            [mdates.date2num(usual.base.date)],
            [target],
            "D",
            color=vector.TARGET,
            markersize=6,
            zorder=5,
        )


def _end_labels(axes: Axes, day: pd.Timestamp, ends: list[tuple[float, str, str]]) -> None:
    """Name each line at its end, pushed apart where ends lie close together."""
    low, high = axes.get_ylim()
    ordered = sorted(ends)
    room = 104 if style.narrow() else 190
    texts = [style.fold_pixels(title, room) for _, title, _ in ordered]
    lines = max((text.count("\n") + 1 for text in texts), default=1)
    places = style.apart([value for value, *_ in ordered], (high - low) * (0.01 + 0.055 * lines))
    for place, text, (value, _, colour) in zip(places, texts, ordered, strict=True):
        axes.annotate(
            text,
            (day, value),
            xytext=(1.05, place),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=style.SMALL,
            color=colour,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.5, "relpos": (0, 0.5)},
            annotation_clip=False,
        )


def _months(axes: Axes, table: pd.DataFrame, language: str) -> None:
    days = sorted(set(table["date"]))
    days = days[:: max(1, (len(days) - 1) // 2)] if style.narrow() else days
    axes.set_xticks(
        [mdates.date2num(day) for day in days],
        [write(day, "short_date", language) for day in days],
        fontsize=style.SMALL,
    )
    axes.set_xlim(days[0], days[-1])


@style.both_widths
def parts(outcome: Outcome, language: str) -> style.Figure:
    """Draw how many people each province misses from the nationwide target; bars add up."""
    table = contributions(outcome).sort_values(["short", "province_code"], ascending=[False, True])
    columns = ["province_code", "short", "short_low", "short_high"]
    first, rest = table[columns].head(_BARS), table[columns].iloc[_BARS:]
    drawing = style.canvas(451)
    axes = drawing.subplots()
    place = np.arange(len(first) + 1)[::-1]
    bars = [*first["short"], rest["short"].sum()]
    axes.barh(place, bars, color=[vector.BAND] * len(first) + [vector.FAINT], height=0.66)
    axes.hlines(place[:-1], first["short_low"], first["short_high"], color=vector.INK, linewidth=1)
    names = [write(f"province_63/{code}", "unit", language) for code in first["province_code"]]
    others = say("scenarios.parts_others", language, n=len(rest))
    axes.set_yticks(place, [*names, others])
    axes.tick_params(axis="y", length=0, labelcolor=vector.INK)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.axvline(0, color=vector.INK, linewidth=0.8)
    style.unit_ticks(axes.xaxis, "integer", language, 3 if style.narrow() else 6)
    said = {
        "title": outcome.scenario.title[language],
        "date": outcome.base.date,
        "total": float(table["short"].sum()),
        "target": outcome.base.targets[COUNTRY_UNIT][0],
    }
    axes.set_xlabel(say("scenarios.parts_axis", language, **said))
    style.headline(drawing, say("scenarios.parts_title", language, **said))
    style.footer(drawing, say("scenarios.parts_footer", language, **said))
    rows = " ".join(
        say("scenarios.parts_alt_row", language, unit=f"province_63/{code}", short=short)
        for code, short in zip(first["province_code"].head(5), first["short"].head(5), strict=True)
    )
    alt = say("scenarios.parts_alt", language, rows=rows, **said)
    return style.Figure("scenario_parts", drawing, alt, _rounded(table[columns]))


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as they can be told apart in the chart: five leading digits."""
    numbers = table.select_dtypes("number").columns
    exact = {name: tables.significant(table[name], 5) for name in numbers}
    return table.assign(**exact).reset_index(drop=True)
