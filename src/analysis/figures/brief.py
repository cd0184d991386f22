"""The charts of a brief: the way to the target, three measures, and the provinces around."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import paths
from analysis.country import geography
from analysis.disk_cache import cached
from analysis.figures import marks, style, vector
from analysis.findings.brief import INDICATOR, Brief, Tables, forecast_rows, of_unit
from analysis.readings.targets import NATIONWIDE
from analysis.report.wording import say, write
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE

_FIRST_YEAR = 2015
#: Pixels that the labels at the end of the forecast need.
_END = 110
#: Points that a latest reading lies above the forecast where the chart says why.
_FADES = 1.5
#: Years between two readings whose values can both be printed.
_ROOM = 0.9
#: Events of policy_events.csv that a chart has room for, by their day, and their short names.
_EVENTS = {
    "2021-07-01": "figures.event_decision_861",
    "2023-10-19": "figures.event_decree_75",
}
#: Scales of a forecast, in the order in which they are drawn, and their colours.
_MEASURES = {"reported": vector.ESTIMATE, "true": vector.SECOND, "official": vector.INK}


@style.both_widths
def fan(brief: Brief, language: str) -> style.Figure:
    """Draw the way of health insurance coverage to its target, with what happened on the way.

    The line is the median of the value as it would be reported at year-end (dashed in years
    without a reading), the band holds 80 percent. Dots are readings (hollow: interim). The line
    of the target runs from the day on which it was known to the day on which it is due.
    """
    return _trajectory(brief, INDICATOR, language, "forecast")


def other_fans(brief: Brief, language: str) -> list[style.Figure]:
    """Draw the same for the other coverage rates, small: two stand side by side on a page."""
    others = [name for name in brief.answer.table["indicator"] if name != INDICATOR]
    return [_trajectory(brief, name, language, f"forecast_{name}") for name in others]


def _trajectory(brief: Brief, indicator: str, language: str, name: str) -> style.Figure:
    small = indicator != INDICATOR
    known = _known(brief, indicator)
    title = _finding(indicator, known, language)
    note = "" if small else say("figures.fan_footer", language, **known)
    if known["value"] == known["value"] and known["value"] > known["q50"] + _FADES:
        note = " ".join([say("figures.fan_fades", language, **known), note]).strip()
    wide = style.NARROW if small else style.width()
    body = 190 if small else 300
    drawing, top = style.sheet(body, title, note, wide)
    axes = style.place(drawing, 38, top + 20, wide - 38 - _END, body - 42)
    path = brief.path[brief.path["indicator"] == indicator].reset_index(drop=True)
    readings = brief.readings[brief.readings["indicator"] == indicator]
    years = marks.decimal_years(path["date"]) if len(path) else np.array([])
    _limits(axes, path, years, readings, known)
    _way(axes, path, years, readings, known)
    _dots(axes, readings, language, label=not small)
    _target(axes, known)
    _origin(axes, known, language, small)
    if not small and style.width() > style.NARROW:
        _events(axes, indicator, readings, path, years, language)
    _ends(axes, known, language, body - 42)
    style.unit_ticks(axes.yaxis, "percent", language, 5)
    alt = fan_alt(brief, language) if not small else _fan_alt_of(brief, indicator, language)
    return style.Figure(name, drawing, alt, _fan_data(brief, indicator))


def _known(brief: Brief, indicator: str) -> dict[str, Any]:
    """What the labels of one chart need: dates, the target and since when it was known."""
    opening = brief.answer.phrases[0][1]
    rows = brief.answer.table[brief.answer.table["indicator"] == indicator]
    known = {str(column): value for column, value in rows.iloc[0].items()}
    known |= {"origin": pd.Timestamp(opening["origin"]), "due": pd.Timestamp(opening["due"])}
    known |= {"short": [indicator], "announced": pd.NaT, "newer": float("nan")}
    nationwide = known["target_setter"] == NATIONWIDE
    level, code = ("country", geography.COUNTRY) if nationwide else (brief.level, brief.code)
    table = _targets_of(level, code, indicator, known["due"])
    same = table[(table["value"] == known["target"]) & (table["announced"] <= known["origin"])]
    if len(same):
        known["announced"] = same["announced"].min()
    later = _targets_of(brief.level, brief.code, indicator, known["due"])
    later = later[(later["announced"] > known["origin"]) & (later["announced"] < known["due"])]
    later = later[later["value"] != known["target"]].sort_values("announced")
    if len(later):
        known |= {"newer": later["value"].iloc[-1], "newer_on": later["announced"].iloc[-1]}
    return known


def _targets_of(level: str, code: str, indicator: str, due: pd.Timestamp) -> pd.DataFrame:
    table = _targets()
    wanted = table["province_code"].eq(code) & table["geo_level"].eq(level)
    return table[wanted & table["indicator"].eq(indicator) & table["due"].eq(due)]


def _targets() -> pd.DataFrame:
    """Every target with the day on which it was known; none where chapter 01 has not run."""
    file = Path(paths.PROCESSED) / "targets.csv"
    if not file.exists():
        columns = ["geo_level", "province_code", "indicator", "due", "announced", "value"]
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    return _read_targets(file)


@cached
def _read_targets(file: Path) -> pd.DataFrame:
    return paths.read_table(file, ["due", "announced"])


@cached
def _policy(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, parse_dates=["date"])


def _finding(indicator: str, known: dict[str, Any], language: str) -> str:
    """Say in one line where the rate is going."""
    text = _going(indicator, known, language)
    return text[0].upper() + text[1:]


def _going(indicator: str, known: dict[str, Any], language: str) -> str:
    if known["q50"] != known["q50"]:
        return say("figures.fan_title_nothing", language, **known)
    values = known | {"verdict": f"verdict.{known['verdict']}"}
    if known["target"] != known["target"]:
        return say("figures.fan_title_plain", language, **values)
    elsewhere = known["target_setter"] == NATIONWIDE and indicator != INDICATOR
    if elsewhere or known["verdict"] == NO_TARGET:
        values["gap"] = known["q50"] - known["target"]
        return say("figures.fan_title_distance", language, **values)
    return say("figures.fan_title", language, **values)


def _limits(
    axes: Axes, path: pd.DataFrame, years: np.ndarray, readings: pd.DataFrame, known: dict[str, Any]
) -> None:
    """Show the line, the forecast and the readings; wide bands of early years are cut."""
    shown = readings[readings["as_of"].dt.year >= _FIRST_YEAR]
    values = [*path["q50"], *shown["value"], *path["q10"].tail(2), *path["q90"].tail(2)]
    values += [known["target"], known["newer"]]
    finite = [float(value) for value in values if value == value]
    low, high = (min(finite), max(finite)) if finite else (0.0, 100.0)
    room = max(1.0, 0.1 * (high - low))
    axes.set_ylim(max(0.0, low - room), min(100.6, high + room))
    last = float(marks.decimal_years([known["due"]])[0])
    axes.set_xlim(_FIRST_YEAR + 0.7, last + 0.12)
    step = 2 if axes.get_position().width * style.pixels(axes.figure)[0] > 330 else 4  # type: ignore[arg-type]
    ends = list(range(int(last) - 1, _FIRST_YEAR, -step))[::-1]
    axes.set_xticks([end + 1.0 for end in ends], [str(end) for end in ends])


def _way(
    axes: Axes, path: pd.DataFrame, years: np.ndarray, readings: pd.DataFrame, known: dict[str, Any]
) -> None:
    """Draw estimates, dashed where the year has no reading, and the forecast, each its own look."""
    if not len(path):
        return
    ahead = (path["date"] > known["origin"]).to_numpy()
    split = max(1, int(np.argmax(ahead)) if ahead.any() else len(path))
    past, later = slice(0, split), slice(split - 1, len(path))
    low, high = path["q10"].to_numpy(float), path["q90"].to_numpy(float)
    axes.fill_between(years[past], low[past], high[past], color=vector.BAND, alpha=0.4, linewidth=0)
    axes.fill_between(years[later], low[later], high[later], color=vector.BAND, linewidth=0)
    middle = path["q50"].to_numpy(float)
    read = set(readings["as_of"].dt.year)
    calendar = path["date"].dt.year.to_numpy()
    look: dict[str, Any] = {"color": vector.ESTIMATE, "linewidth": 2}
    # One line each for years with and without a reading: pairs of ends with gaps between.
    for with_reading, line in ((True, "-"), (False, (0, (3, 2.5)))):
        starts = [at for at in range(split - 1) if (calendar[at + 1] in read) == with_reading]
        across = [x for at in starts for x in (years[at], years[at + 1], np.nan)]
        up = [y for at in starts for y in (middle[at], middle[at + 1], np.nan)]
        axes.plot(across, up, linestyle=line, **look)
    axes.plot(years[later], middle[later], **(look | {"linewidth": 3}))
    axes.plot(years[-1:], middle[-1:], "o", color=vector.ESTIMATE, markersize=7, clip_on=False)


def _dots(axes: Axes, readings: pd.DataFrame, language: str, label: bool) -> None:
    """Draw readings with the interval that their digits allow; the last two carry their value."""
    readings = readings[readings["as_of"].dt.year > _FIRST_YEAR]
    for season, face in (("year_end", vector.READING), ("interim", vector.PAPER)):
        some = readings[readings["season"] == season]
        when = marks.decimal_years(some["as_of"])
        axes.vlines(when, some["lower"], some["upper"], color=vector.READING, linewidth=1)
        look: dict[str, Any] = {"mfc": face, "mec": vector.READING, "ms": 5, "mew": 1}
        axes.plot(when, some["value"], "o", zorder=4, **look)
    if not label:
        return
    last = readings.sort_values("as_of").tail(2)
    when = marks.decimal_years(last["as_of"])
    room = _ROOM * (2 if style.narrow() else 1)
    if len(last) == 2 and when[1] - when[0] < room:
        last, when = last.tail(1), when[1:]
    for at, value in zip(when, last["value"], strict=True):
        text = write(value, "printed", language)
        style.direct_label(axes, at, value, text, vector.READING, xytext=(0, -14), ha="center")


def _target(axes: Axes, known: dict[str, Any]) -> None:
    """Draw the target from the day on which it was known to the day on which it is due."""
    value = known["target"]
    if value != value:
        return
    since, due = known["announced"], float(marks.decimal_years([known["due"]])[0])
    first = axes.get_xlim()[0]
    if since == since:
        first = max(first, float(marks.decimal_years([since])[0]))
    first = min(first, due - 0.5)
    axes.hlines(value, first, due, color=vector.TARGET, linewidth=1.6, linestyle=(0, (5, 2)))
    axes.plot([due], [value], "D", color=vector.TARGET, markersize=7, zorder=5, clip_on=False)
    newer = known["newer"]
    if newer == newer:
        at = float(marks.decimal_years([known["newer_on"]])[0])
        axes.hlines(newer, at, due, color=vector.TARGET, linewidth=1.2, linestyle=(0, (1, 2)))
        axes.plot(
            [due],
            [newer],
            "D",
            mfc=vector.PAPER,
            mec=vector.TARGET,
            ms=7,
            mew=1.5,
            zorder=5,
            clip_on=False,
        )


def _origin(axes: Axes, known: dict[str, Any], language: str, small: bool) -> None:
    at = float(marks.decimal_years([known["origin"]])[0])
    axes.axvline(at, color=vector.SOFT, linewidth=1, linestyle=(0, (2, 2)))
    if not small:
        text = say("figures.fan_origin", language, origin=known["origin"])
        _above(axes, at, text, vector.SOFT, "right")


def _above(axes: Axes, at: float, text: str, colour: str, side: str) -> None:
    """Write over the upper edge of the axes."""
    axes.annotate(
        text,
        (at, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha=side,
        va="bottom",
        color=colour,
        fontsize=style.SMALL,
        annotation_clip=False,
    )


def _events(
    axes: Axes,
    indicator: str,
    readings: pd.DataFrame,
    path: pd.DataFrame,
    years: np.ndarray,
    language: str,
) -> None:
    """Mark the policy events that bear on the rate and have a short name."""
    for row in _policy(Path(paths.RAW) / "policy_events.csv").to_dict("records"):
        key = _EVENTS.get(f"{row['date']:%Y-%m-%d}", "")
        concerned = indicator.removesuffix("_coverage") + "_" in str(row["affects"])
        at = float(marks.decimal_years([row["date"]])[0])
        if not key or not concerned or not axes.get_xlim()[0] < at:
            continue
        axes.axvline(at, color=vector.FAINT, linewidth=1.4, zorder=0.5)
        axes.annotate(
            say(key, language),
            (at, 0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 5),
            textcoords="offset points",
            fontsize=style.SMALL,
            color=vector.SOFT,
            gid=style.HALO,
        )


def _ends(axes: Axes, known: dict[str, Any], language: str, tall: float) -> None:
    """Name the ends of the lines beside the axes, apart where they would touch."""
    labels: list[tuple[float, str, str, bool]] = []
    if known["q50"] == known["q50"]:
        low, high = (write(known[name], "number1", language) for name in ("q10", "q90"))
        labels.append((known["q50"], write(known["q50"], "percent1", language), "", True))
        labels.append((known["q50"] - 1e-6, f"{low}–{high}", vector.SOFT, False))
    if known["target"] == known["target"]:
        nationwide = known["target_setter"] == NATIONWIDE
        key = "figures.fan_target_nationwide" if nationwide else "figures.fan_target"
        text = say(key, language, target=known["target"])
        labels.append((known["target"], text, vector.TARGET, False))
    if known["newer"] == known["newer"]:
        text = say("figures.fan_target_newer", language, **known)
        labels.append((known["newer"] + 1e-6, text, vector.TARGET, False))
    low_end, high_end = axes.get_ylim()
    pixel = (high_end - low_end) / tall
    folded = [style.fold_pixels(text, _END - 12) for _, text, _, _ in labels]
    lines = max((text.count("\n") + 1 for text in folded), default=1)
    places = style.apart([value for value, *_ in labels], (14 if lines == 1 else 22) * pixel)
    due = float(marks.decimal_years([known["due"]])[0])
    for place, text, (_, _, colour, bold) in zip(places, folded, labels, strict=True):
        look = {"fontweight": "bold", "fontsize": style.TEXT + 1} if bold else {}
        style.direct_label(
            axes, due, place, text, colour or vector.ESTIMATE, xytext=(10, 0),
            annotation_clip=False, linespacing=1.05, **look,
        )  # fmt: skip


def _fan_data(brief: Brief, indicator: str) -> pd.DataFrame:
    path = brief.path.assign(kind="estimate")
    path.loc[path["target"].notna(), "kind"] = "forecast"
    readings = brief.readings[["indicator", "as_of", "value", "lower", "upper", "season"]]
    readings = readings.rename(columns={"as_of": "date"}).assign(kind="reading")
    table = pd.concat([path, readings], ignore_index=True)
    table = table[table["indicator"] == indicator]
    return table.sort_values(["indicator", "date", "kind"], ignore_index=True)


def fan_alt(brief: Brief, language: str) -> str:
    """Return what the chart of the way to the target shows, in words."""
    return _fan_alt_of(brief, INDICATOR, language)


def _fan_alt_of(brief: Brief, indicator: str, language: str) -> str:
    rows = brief.answer.table[brief.answer.table["indicator"] == indicator]
    row = {str(name): value for name, value in rows.iloc[0].items()}
    key = "figures.fan_alt_item" if row["q50"] == row["q50"] else "figures.fan_alt_nothing"
    unit = say("figures.fan_alt", language, unit=f"{brief.level}/{brief.code}")
    return f"{unit} {say(key, language, **row)}"


def measures(tables: Tables, level: str, code: str, language: str) -> style.Figure | None:
    """Draw the forecast of health insurance on its three measures beside the target.

    The measures are the value as reported, the true level, and the members as a share of the
    official population. None where the unit has no forecast on more than one of them, or too little
    evidence to compare them.
    """
    ahead = of_unit(tables.forecasts, level, code)
    ahead = ahead[(ahead["indicator"] == INDICATOR) & (ahead["date"] == tables.due)]
    table = (
        ahead.set_index("scale")
        .reindex(list(_MEASURES))
        .dropna(subset=["q50"])[["q10", "q50", "q90", "target", "target_setter"]]
    )
    reported = of_unit(forecast_rows(tables), level, code).set_index("indicator")["verdict"]
    if len(table) < 2 or reported.get(INDICATOR) == NOT_ENOUGH_EVIDENCE:
        return None
    target = float(table["target"].iloc[0])
    own = (table.pop("target_setter") != NATIONWIDE).all()
    aim = say(f"figures.fan_target{'' if own else '_nationwide'}", language, target=target)
    values = {
        "reported": table["q50"].get("reported"),
        "true": table["q50"].get("true"),
        "official": table["q50"].get("official"),
        "target": target,
        "aim": aim,
        "unit": f"{level}/{code}",
        "due": tables.due,
    }
    drawing, top = style.sheet(
        46 * len(table) + 40, say("figures.measures_title", language, **values), "", style.NARROW
    )
    axes = style.place(drawing, 10, top + 20, style.NARROW - 62, 46 * len(table))
    for place, (scale, row) in enumerate(table.iloc[::-1].iterrows()):
        colour = _MEASURES[str(scale)]
        axes.hlines(place, row["q10"], row["q90"], color=colour, linewidth=5, alpha=0.35)
        axes.plot(row["q50"], place, "o", color=colour, markersize=9)
        number = write(row["q50"], "percent1", language)
        style.direct_label(axes, row["q90"], place, number, colour, fontweight="bold",
                           fontsize=style.TEXT, annotation_clip=False)  # fmt: skip
        axes.annotate(
            say(f"figures.measure_{scale}", language),
            (0, place),
            xycoords=("axes fraction", "data"),
            xytext=(0, 15),
            textcoords="offset points",
            fontsize=style.SMALL,
            color=vector.INK,
            va="center",
            gid=style.HALO,
        )
    if target == target:
        axes.axvline(target, color=vector.TARGET, linewidth=1.8, linestyle=(0, (5, 2)), zorder=0.5)
        _above(axes, target, aim, vector.TARGET, "center")
    axes.set_ylim(-0.45, len(table) - 0.45)
    axes.margins(x=0.08)
    axes.set_yticks([])
    style.rows_grid(axes)
    style.unit_ticks(axes.xaxis, "percent", language, 4)
    listed = []
    for scale, cells in table.to_dict("index").items():
        known = {str(name): value for name, value in cells.items()}
        measure = f"figures.measure_{scale}"
        listed.append(say("figures.measures_alt_item", language, measure=measure, **known))
    alt = say("figures.measures_alt", language, listed=listed, **values)
    return style.Figure("measures", drawing, alt, table.reset_index())


def strip(brief: Brief, language: str) -> style.Figure:
    """Draw the forecasts of the region's provinces, or of the parts; for the country, of regions.

    The rows stand in the order of the alphabet: their forecasts differ by less than they can be
    wrong, so that places in a ranking would say nothing.
    """
    table = brief.standing.provinces
    alt = brief.standing.result.text(language)
    if brief.level == "country":
        return _by_region(table, alt, language)
    if "geo_level" not in table:
        table = table.assign(geo_level="province_63")
    region = geography.region_of(brief.code, brief.level)
    rows = table[table["group"] != "other"]  # a part may lie in another region than its province
    if "target" not in rows:
        own = brief.answer.table.set_index("indicator")["target"].get(INDICATOR, float("nan"))
        rows = rows.assign(target=own)
    others = rows[rows["group"] != "own"]
    own_row = rows[rows["group"] == "own"].iloc[0]
    overlap = int(((others["q90"] >= own_row["q10"]) & (others["q10"] <= own_row["q90"])).sum())
    parts = brief.level == "province_34"
    title = say(
        "figures.place_title_parts" if parts else "figures.place_title",
        language,
        n=overlap,
        others=len(others),
        region=f"region/{region}",
        unit=f"{brief.level}/{brief.code}",
    )
    return place_rows(rows, f"{brief.level}/{brief.code}", title, alt, language)


def place_rows(
    rows: pd.DataFrame, own: str, title: str, alt: str, language: str, name: str = "place"
) -> style.Figure:
    """Draw forecasts of units as rows in the order of the alphabet, one of them in bold.

    Args:
        rows: columns geo_level, province_code, q10, q50, q90, target and verdict; a row without
            enough evidence is pale.
        own: level and code of the unit in bold, as level/code; empty for none.
        title: what the chart shows.
        alt: the same in words.
        language: ``en`` or ``vi``.
        name: name of the figure.
    """
    names = [
        geography.label(str(code), str(level), language)
        for code, level in zip(rows["province_code"], rows["geo_level"], strict=True)
    ]
    rows = rows.assign(name=names)
    by_name = rows["name"].map(style.alphabetical).sort_values(ascending=False)
    rows = rows.loc[by_name.index].reset_index(drop=True)
    height = 20.0 * len(rows) + 22
    note = say("figures.place_footer", language)
    drawing, top = style.sheet(height + 24, title, note, style.NARROW)
    label = 6 + max(style.text_width(text, bold=True) for text in rows["name"])
    axes = style.place(drawing, label, top + 4, style.NARROW - label - 12, height - 2)
    _forecast_rows(axes, rows, vector.ESTIMATE)
    axes.set_yticks(range(len(rows)), rows["name"])
    marked = rows["geo_level"].astype(str) + "/" + rows["province_code"].astype(str)
    for text, unit in zip(axes.get_yticklabels(), marked, strict=True):
        text.set_fontweight("bold" if unit == own else "normal")
    style.rows_grid(axes)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    style.unit_ticks(axes.xaxis, "percent", language, 4)
    columns = ["geo_level", "province_code", "q10", "q50", "q90", "target", "verdict"]
    data = rows[::-1][columns].reset_index(drop=True)
    return style.Figure(name, drawing, alt, data)


def _forecast_rows(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    sure = (rows["verdict"] != NOT_ENOUGH_EVIDENCE).to_numpy()
    places = np.arange(len(rows), dtype=float)
    for chosen, band, hollow in ((sure, vector.BAND, False), (~sure, vector.FAINT, True)):
        some = rows[chosen]
        marks.forest(
            axes, None, some["q50"], some["q10"], some["q90"], places=places[chosen],
            colour=colour if not hollow else vector.SOFT, bar=band, bar_width=6, hollow=hollow,
        )  # fmt: skip
    known = (rows["target"].notna() & (rows["verdict"] != NO_TARGET)).to_numpy()
    marks.forest(
        axes, None, rows["target"][known], places=places[known], marker="|", size=12,
        colour=vector.TARGET,
    )  # fmt: skip


def _by_region(table: pd.DataFrame, alt: str, language: str) -> style.Figure:
    """For the country: every province a dot, a row each region."""
    codes = list(dict.fromkeys(geography.PROVINCES["region_code"].sort_values()))
    if "geo_level" not in table:
        table = table.assign(geo_level="province_63")
    units = zip(table["province_code"], table["geo_level"], strict=True)
    table = table.assign(region=[geography.region_of(str(c), str(level)) for c, level in units])
    low, high = float(table["q50"].min()), float(table["q50"].max())
    title = say("figures.regions_title", language, low=low, high=high, n=len(table))
    names = [write(f"region/{code}", "unit", language) for code in codes]
    folded = [style.fold_pixels(name, 110) for name in names]
    height = 40.0 * len(codes)
    note = say("figures.regions_footer", language)
    drawing, top = style.sheet(height + 26, title, note, style.NARROW)
    axes = style.place(drawing, 128, top + 4, style.NARROW - 140, height)
    for place, region in enumerate(codes[::-1]):
        some = table[table["region"] == region].sort_values(["q50", "province_code"])
        height_of = place + 0.22 * (np.arange(len(some)) % 3 - 1)
        sure = (some["verdict"] != NOT_ENOUGH_EVIDENCE).to_numpy()
        look: dict[str, Any] = {"ms": 6, "mec": vector.ESTIMATE, "alpha": 0.85}
        axes.plot(some["q50"][sure], height_of[sure], "o", mfc=vector.ESTIMATE, **look)
        axes.plot(some["q50"][~sure], height_of[~sure], "o", mfc=vector.PAPER, **look)
    axes.set_yticks(range(len(codes)), folded[::-1])
    axes.set_ylim(-0.6, len(codes) - 0.4)
    style.rows_grid(axes)
    style.unit_ticks(axes.xaxis, "percent", language, 4)
    return style.Figure("place", drawing, alt, table.drop(columns="region"))
