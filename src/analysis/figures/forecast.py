"""Figures of all units: tile maps of probabilities, and every forecast beside its target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.country import geography
from analysis.figures import marks, style, vector
from analysis.figures.brief import fan
from analysis.figures.style import Figure
from analysis.figures.tiles import Extras, probability_steps, tile_map
from analysis.findings import coverage
from analysis.findings.brief import MAIN, Tables, brief, forecast_rows
from analysis.findings.forecast import curve_of, how_many
from analysis.forecast.tables import ForecastTables
from analysis.readings.targets import NATIONWIDE, meets
from analysis.report.wording import say, write
from analysis.verdicts import LIKELY, NO_TARGET, NOT_ENOUGH_EVIDENCE, UNLIKELY, percent

#: Verdicts that say nothing on whether a target is met.
_SILENT = (NOT_ENOUGH_EVIDENCE, NO_TARGET)
#: Pixels of a row, and of the name of a region, in the chart of all units.
_ROW, _HEAD = 18.0, 24.0
#: Pixels for the year of the latest reading beside each row.
_YEAR = 28.0


def front_figures(
    tables: Tables, language: str, address: Callable[[str, str], str] | None = None
) -> tuple[list[Figure], Figure]:
    """Return what the front page and the report of the country show: maps and the forecast.

    The map of the former provinces comes first, that of the provinces of today is the last.
    address: the page of a unit, from its geographic level and code; a tile leads there.
    """
    maps = [
        probability_map(tables, MAIN, level, language, address)
        for level in ("province_63", "province_34")
    ]
    return maps, fan(brief(geography.COUNTRY, tables), language)


def probability_map(
    tables: Tables,
    indicator: str,
    level: str,
    language: str,
    address: Callable[[str, str], str] | None = None,
) -> Figure:
    """Draw the probability that each unit reports to have met its target, as a tile map.

    Args:
        tables: see :class:`analysis.findings.brief.Tables`.
        indicator: a coverage rate.
        level: ``province_63`` or ``province_34``.
        language: ``en`` or ``vi``.
        address: the page of a unit, from its geographic level and code; a tile leads there.
    """
    ahead = forecast_rows(tables)
    table = ahead[(ahead["geo_level"] == level) & (ahead["indicator"] == indicator)]
    table = table.assign(value=table["p_meets_reported"].round(4))
    table.loc[table["verdict"].isin(_SILENT), "value"] = float("nan")
    table["verdict"] = table["verdict"].fillna(NOT_ENOUGH_EVIDENCE)
    columns = ["geo_level", "province_code", "value", "q50", "q10", "q90"]
    columns += ["target", "target_setter", "verdict"]
    table = table[columns].sort_values("province_code", ignore_index=True)
    written = {
        str(row["province_code"]): write(row["value"], "probability", language)
        for row in table.dropna(subset=["value"]).to_dict("records")
    }
    values = {
        "indicator": indicator,
        "short": [indicator],
        "due": tables.due,
        "origin": tables.origin,
        **_counts(table),
    }
    words = {
        "title": _title(values, language),
        "legend": say("figures.probability_legend", language),
        "missing": say("verdict.not_enough_evidence", language),
        "aimless": say("figures.no_target", language),
        "footer": say("figures.probability_footer", language, **values),
        "alt": say("figures.probability_alt", language, **values),
    }
    name = f"probability_{indicator}_{level.removeprefix('province_')}"
    codes = [str(code) for code in table["province_code"]]
    tips = dict(zip(codes, (_tip(row, language) for row in table.to_dict("records")), strict=True))
    aimless = table[table["verdict"] == NO_TARGET]
    written |= {
        str(row["province_code"]): f"({write(row['q50'], 'percent1', language)})"
        for row in aimless.to_dict("records")
    }
    addresses = {code: address(level, code) for code in codes} if address else {}
    steps, extras = probability_steps(language), Extras(tips, addresses)
    extras = replace(extras, aimless=frozenset(map(str, aimless["province_code"])))
    return tile_map(name, table, steps, written, words, language, percent, extras)


def _counts(table: pd.DataFrame) -> dict[str, int]:
    """Count the units of a map by verdict."""
    verdicts = table["verdict"]
    return {
        "units": len(table),
        "likely": int(verdicts.isin(LIKELY).sum()),
        "even": int((verdicts == "about_even").sum()),
        "unlikely": int(verdicts.isin(UNLIKELY).sum()),
        "unsure": int((verdicts == NOT_ENOUGH_EVIDENCE).sum()),
        "judged": int((~verdicts.isin(_SILENT)).sum()),
    }


def _title(values: dict[str, Any], language: str) -> str:
    """Say how many of the units that can be judged are likely and unlikely to meet the target."""
    key = "figures.probability_title" if values["judged"] else "figures.probability_title_none"
    return say(key, language, **values)


def _tip(row: dict[Any, Any], language: str) -> str:
    """Say what a tile stands for."""
    sure = row["verdict"] not in _SILENT
    key = "figures.probability_tip" if sure else "figures.probability_tip_unsure"
    unit = f"{row['geo_level']}/{row['province_code']}"
    values = {str(name): value for name, value in row.items()}
    return say(key, language, unit=unit, **(values | {"verdict": f"verdict.{row['verdict']}"}))


@style.both_widths
def intervals(
    tables: Tables,
    indicator: str,
    language: str,
    level: str = "province_63",
    address: Callable[[str, str], str] | None = None,
    units: Sequence[tuple[str, str]] | None = None,
) -> Figure:
    """Draw the forecast of every unit with its 80% range beside its target, by region.

    Args:
        tables: see :class:`analysis.findings.brief.Tables`.
        indicator: a coverage rate.
        language: ``en`` or ``vi``.
        level: ``province_63`` or ``province_34``.
        address: the page of a unit, from its geographic level and code; a row leads there.
        units: level and code of each unit; all of the level by default.
    """
    table = _beside_readings(
        tables, indicator, units or [(level, c) for c in geography.codes(level)]
    )
    own = list(zip(table["geo_level"], table["province_code"], strict=True))
    names = [geography.name_today(str(code), str(where), language) for where, code in own]
    order = [style.alphabetical(name) for name in names]
    table = table.assign(name=names, order=order)
    table = table.sort_values(["region", "order"], ignore_index=True)
    span = _span(table)
    columns = _columns(table, 1 if style.narrow() else 2)
    tall = max(sum(_HEAD + _ROW * len(rows) for rows in column) for column in columns) + 24
    values = _beside(table) | {
        "short": [indicator], "units": len(table), "origin": tables.origin, "due": tables.due,
        "level": f"figures.units_{level}",
    }  # fmt: skip
    drawing, top = style.sheet(
        tall + 6,
        _intervals_title(values, language),
        say("figures.intervals_footer", language, **values),
    )
    wide = (style.width() - 20 * (len(columns) - 1)) / len(columns)
    label = min(130.0, 8 + max(style.text_width(name) for name in table["name"]))
    for place, column in enumerate(columns):
        left, down = place * (wide + 20), top
        for at, rows in enumerate(column):
            region = write(f"region/{rows['region'].iloc[0]}", "unit", language)
            style.place_text(drawing, left, down + 5, region, fontweight="bold")
            height = _ROW * len(rows)
            axes = style.place(drawing, left + label, down + _HEAD, wide - label - _YEAR, height)
            _units(axes, rows[::-1].reset_index(drop=True), span, language, address)
            style.unit_ticks(axes.xaxis, "percent", language, 5)
            if at < len(column) - 1:
                axes.tick_params(axis="x", labelbottom=False)
                axes.spines["bottom"].set_visible(False)
            down += _HEAD + height
    alt = say("figures.intervals_alt", language, **values)
    shown = ["geo_level", "province_code", "region", "q10", "q50", "q90", "target"]
    shown += ["target_setter", "value", "as_of", "verdict"]
    short = level.removeprefix("province_")
    return Figure(f"intervals_{indicator}_{short}", drawing, alt, table[shown])


def _beside_readings(
    tables: Tables, indicator: str, units: Sequence[tuple[str, str]]
) -> pd.DataFrame:
    """Forecasts of units for the due date, each with its latest reading and its region."""
    ahead = forecast_rows(tables)
    keys = ["geo_level", "province_code"]
    wanted = pd.DataFrame(units, columns=keys)
    latest = coverage.latest(tables.readings, indicator)[[*keys, "value", "as_of"]]
    columns = [*keys, "q10", "q50", "q90", "target", "target_setter", "verdict"]
    table = ahead.loc[ahead["indicator"] == indicator, columns].merge(wanted, on=keys)
    table = table.merge(latest, on=keys, how="left").dropna(subset=["q50"])
    table["verdict"] = table["verdict"].fillna(NOT_ENOUGH_EVIDENCE)
    table["target"] = table["target"].where(table["verdict"] != NO_TARGET)
    own = zip(table["province_code"], table["geo_level"], strict=True)
    return table.assign(region=[geography.region_of(str(code), str(where)) for code, where in own])


def _intervals_title(values: dict[str, Any], language: str) -> str:
    """Say for how many units the forecast settles the question."""
    key = "figures.intervals_title"
    if not values["judged"]:
        key = "figures.intervals_title_none"
    elif values["inside"] == values["judged"]:
        key = "figures.intervals_title_open"
    text = say(key, language, **values)
    return text[0].upper() + text[1:]


def _span(table: pd.DataFrame) -> tuple[float, float]:
    """The axis that all regions share: all ranges and targets; older readings may lie beyond."""
    values = table[["q10", "q90", "target"]].to_numpy(float)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.03 * (high - low)
    return max(0.0, low - room), min(100.5, high + room)


def _columns(table: pd.DataFrame, count: int) -> list[list[pd.DataFrame]]:
    """Deal the regions into columns of about the same height, in their order."""
    regions = [rows for _, rows in table.groupby("region", sort=True)]
    heights = [_HEAD + _ROW * len(rows) for rows in regions]
    cuts = range(1, len(regions)) if count == 2 and len(regions) > 1 else [len(regions)]
    cut = min(cuts, key=lambda at: max(sum(heights[:at]), sum(heights[at:])))
    return [part for part in (regions[:cut], regions[cut:]) if part]


def _beside(table: pd.DataFrame) -> dict[str, int]:
    """Count where the targets lie beside the ranges, among units with enough evidence."""
    sure = table[(table["verdict"] != NOT_ENOUGH_EVIDENCE) & table["target"].notna()]
    low, high = (meets(sure[name], sure["target"]) for name in ("q10", "q90"))
    return {
        "judged": len(sure),
        "below": int((~high).sum()),
        "above": int(low.sum()),
        "inside": int((~low & high).sum()),
    }


def _units(
    axes: Axes,
    rows: pd.DataFrame,
    span: tuple[float, float],
    language: str,
    address: Callable[[str, str], str] | None,
) -> None:
    """Draw the units of one region: range and middle, target, latest reading with its year."""
    axes.set_xlim(*span)
    axes.set_ylim(-0.5, len(rows) - 0.5)
    sure = (rows["verdict"] != NOT_ENOUGH_EVIDENCE).to_numpy()
    places = np.arange(len(rows), dtype=float)
    if not sure.all():
        ends = [(*span, at - 0.4, at + 0.4) for at in places[~sure]]
        look: dict[str, Any] = {
            "facecolor": vector.PAPER,
            "edgecolor": vector.FAINT,
            "hatch": "////",
        }
        marks.boxes(axes, ends, linewidth=0, zorder=0.4, **look)
    for chosen, band, colour in (
        (sure, vector.BAND, vector.ESTIMATE),
        (~sure, vector.FAINT, vector.SOFT),
    ):
        some = rows[chosen]
        marks.forest(
            axes, None, some["q50"], some["q10"], some["q90"], places=places[chosen],
            colour=colour, bar=band, bar_width=6, size=6,
        )  # fmt: skip
    read = rows["value"].notna().to_numpy()
    cut = rows["value"].clip(*span).to_numpy(float)
    inside = read & (cut == rows["value"].to_numpy(float))
    open_mark: dict[str, Any] = {"linestyle": "none", "mfc": vector.PAPER, "mec": vector.READING}
    axes.plot(cut[inside], places[inside], "o", ms=5.5, mew=1.2, zorder=4, **open_mark)
    beyond = read & ~inside
    axes.plot(cut[beyond], places[beyond], "<", ms=6, mew=1.2, zorder=4, clip_on=False, **open_mark)
    own = (rows["target_setter"] != NATIONWIDE).to_numpy()
    for chosen, width in ((own, 2.6), (~own, 1.3)):
        axes.vlines(
            rows["target"][chosen], places[chosen] - 0.36, places[chosen] + 0.36,
            color=vector.TARGET, linewidth=width, zorder=3.5,
        )  # fmt: skip
    axes.set_yticks(places, [style.fold_pixels(name, 150) for name in rows["name"]])
    style.rows_grid(axes)
    for place, row in zip(places, rows.to_dict("records"), strict=True):
        if row["value"] == row["value"]:
            axes.annotate(
                f"’{row['as_of']:%y}", (1, place), xycoords=("axes fraction", "data"),
                xytext=(5, 0), textcoords="offset points", va="center",
                fontsize=style.SMALL, color=vector.SOFT, annotation_clip=False,
            )  # fmt: skip
        level, code = str(row["geo_level"]), str(row["province_code"])
        page = address(level, code) if address else ""
        tip = _row_tip({str(key): value for key, value in row.items()}, language)
        style.link(axes, (span[0], place - 0.45), (span[1] - span[0], 0.9), tip, page, row["name"])


def _row_tip(row: dict[str, Any], language: str) -> str:
    """Say what a row of the chart of all units stands for."""
    unit = f"{row['geo_level']}/{row['province_code']}"
    parts = [say("figures.intervals_tip", language, unit=unit, **row)]
    if row["value"] == row["value"]:
        parts.append(say("figures.intervals_tip_read", language, **row))
    return "; ".join(parts)


@style.both_widths
def at_least(
    tables: ForecastTables, language: str, level: str = "province_34", indicator: str = MAIN
) -> Figure:
    """The chance that at least k units of a level report their target as met, for every k.

    tables: of chapter 05, with its joint answers; level and indicator: of which units, which rate.
    """
    table = curve_of(tables, level, indicator)[["k", "n", "probability"]]
    values = dict(how_many(tables, level, indicator).phrases[0][1])
    drawing = style.blank(7.2, 3.2)
    axes = drawing.add_subplot()
    # All k that there can be, from the certain 0 on; a step stands at the k that it speaks of.
    k = np.concatenate([[0], table["k"].to_numpy(float)])
    chance = 100 * np.concatenate([[1.0], table["probability"].to_numpy(float)])
    axes.plot(k, chance, color=vector.ESTIMATE, drawstyle="steps-mid")
    axes.axhline(50, color=vector.SOFT, linewidth=0.8, linestyle=":")
    if len(table):
        text = say("record.curve_even", language, **values)
        style.direct_label(axes, values["even"], 50, text, vector.INK, xytext=(26, 6), ha="left")
    axes.set(xlim=(0, max(k[-1], 1)), ylim=(0, 102))
    axes.set_xlabel(say("record.curve_axis", language))
    style.unit_ticks(axes.yaxis, "percent", language)
    style.headline(drawing, say("record.curve_title", language, **values))
    style.footer(drawing, say("record.curve_footer", language, **values))
    alt = say("record.curve_alt", language, **values)
    return Figure(f"at_least_{indicator}_{level.removeprefix('province_')}", drawing, alt, table)
