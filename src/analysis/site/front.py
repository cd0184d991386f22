"""The front page of a language: the answer, cards, one's own province, the table, the ways on."""

from __future__ import annotations

import html
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis import paths
from analysis.country import geography, names
from analysis.country.indicators import COVERAGE
from analysis.figures.brief import measures
from analysis.figures.style import Figure
from analysis.figures.validation import heaping
from analysis.findings import overview, validation_targets
from analysis.findings.brief import MAIN, brief, former_units, of_unit, present_units
from analysis.findings.brief import Tables as BriefTables
from analysis.findings.cards import DOTS, cards
from analysis.report.results import Result
from analysis.report.wording import say, write
from analysis.site.notebook import Body, csv_bytes, data_link, figure_html, linked
from analysis.site.page import brief_of, render, unit_label
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE, VERDICT_NAMES

Entries = list[dict[str, str]]
_Row = Mapping[Hashable, Any]
#: The tile maps, and the forecast of the country against its targets.
Figures = tuple[list[Figure], Figure]

#: Ends of the common axis of the ranges of a rate, in percent.
_AXES = {"hi_coverage": (85.0, 100.0), "si_coverage": (0.0, 70.0), "ui_coverage": (0.0, 70.0)}


def headline(tables: BriefTables | None, language: str) -> str:
    """Return the answer in two or three sentences, or what is missing for it."""
    if tables is None:
        return say("site.no_forecast", language)
    return " ".join(say(key, language, **values) for key, values in overview.headline(tables))


def front(
    tables: BriefTables | None,
    figures: Figures | None,
    chapters: Entries,
    briefs: Entries,
    downloads: Entries,
    papers: Entries,
    language: str,
    lacks: Mapping[str, Mapping[str, str]] | None = None,
) -> Body:
    """Return the body of the front page; without forecasts it says so and keeps its links.

    lacks: the title and the reason of every notebook without a page, which the page opens with.
    """
    made = Body(say("site.name", language), "")
    pages = {entry["file"] for entry in briefs}
    shown: dict[str, Any] = {"cards": [], "table": "", "maps": [], "against": "", "newer": []}
    shown["measures"] = ""
    shown |= {"answer": say("site.name", language), "official": "", "regions": [], "scored": []}
    shown |= {"course": "", "course_note": ""}
    if tables is not None and figures is not None:
        shown |= _forecast_parts(tables, figures, pages, language, made)
    made.html = render(
        "front.html.j2",
        language,
        chapters=chapters,
        briefs=[entry for entry in briefs if entry["level"] == "country"],
        downloads=downloads,
        papers=papers,
        missing=say("site.no_forecast", language),
        lacks=list((lacks or {}).values()),
        record=_reports_at_targets(language, made),
        **shown,
    )
    return made


def _said(phrases: Sequence[tuple[str, Mapping[str, Any]]], language: str) -> str:
    return " ".join(say(key, language, **values) for key, values in phrases)


def _forecast_parts(
    tables: BriefTables, figures: Figures, pages: set[str], language: str, made: Body
) -> dict[str, Any]:
    units = present_units()
    provinces = overview.provinces(tables, units)
    everything = overview.provinces(tables)
    course = overview.course(tables)
    path = "files/provinces.csv"
    made.files[path] = csv_bytes(everything.csv())
    maps, against = figures
    counted = measures(tables, "country", geography.COUNTRY, language)
    return {
        "answer": _said(overview.answer(tables), language),
        "official": _said(overview.official(tables), language),
        "course": _said(overview.said_of_course(tables, course), language) if course else "",
        "course_note": _course_note(course, language),
        "cards": _cards(tables, course, pages, language),
        "regions": _regions(units, pages, language),
        "maps": _maps(maps, language, made),
        "against": _figure(against, language, made),
        "measures": "" if counted is None else _figure(counted, language, made, inline=False),
        "table": table(provinces, tables, pages, language, course),
        "table_files": data_link(path, "provinces", language),
        "filters": _filters(provinces, language),
        "former": "provinces_63.html",
        "newer": _newer(everything, pages, language),
        "scored": _scored(language),
    }


def former(tables: BriefTables, briefs: Entries, language: str) -> Body:
    """Return the page of the provinces before July 2025, in the same table as the front page."""
    made = Body(say("site.former_title", language), "")
    pages = {entry["file"] for entry in briefs}
    provinces = overview.provinces(tables, former_units())
    made.html = render(
        "former.html.j2",
        language,
        title=made.title,
        table=table(provinces, tables, pages, language),
        table_files=data_link("files/provinces.csv", "provinces", language),
        filters=_filters(provinces, language),
    )
    return made


def _cards(
    tables: BriefTables, course: overview.Course | None, pages: set[str], language: str
) -> list[dict[str, Any]]:
    """One card a rate: the country's forecast, its range and target, the last reading, the past."""
    one = brief(geography.COUNTRY, tables)
    rows = one.answer.table.set_index("indicator")
    file = brief_of("country", geography.COUNTRY)
    made = []
    for card, name in zip(cards(one, language), rows[rows["q50"].notna()].index, strict=True):
        row = rows.loc[name]
        latest = next((line for line in card.lines if pd.notna(row["value"])), None)
        made.append(
            {
                "title": say(f"site.card_{name}", language),
                "forecast": card.forecast,
                "when": card.when,
                "verdict": card.verdict,
                "pill": card.pill,
                "range": say("site.card_range", language, **row),
                "bar": range_bar(row["q50"], row["q10"], row["q90"], row["target"], _axis(row)),
                "latest": say("site.card_latest", language, **row) if latest else "",
                "spark": sparkline(
                    _past(tables, "country", geography.COUNTRY, name), row["target"]
                ),
                "target": say("site.card_target", language, **row),
                "course": _card_course(course, str(name), language),
                "file": file if file in pages else "",
            }
        )
    return made


def _card_course(
    course: overview.Course | None, indicator: str, language: str
) -> list[tuple[str, str]]:
    """The years before and after that of a card: what came, and what is forecast."""
    if course is None:
        return []
    (row,) = _course_rows(course, "country", geography.COUNTRY, indicator)
    made: list[tuple[str, str]] = []
    if course.was is not None and pd.notna(row["was_target"]):
        said = _was(row, language) or say("site.was_silent", language)
        against = say("site.against_target", language, target=row["was_target"])
        met = say(f"site.met_{row['met']}", language)
        made.append((write(course.was, "year", language), f"{said} · {against} · {met}"))
    if course.later is not None and pd.notna(row["later_q50"]):
        said = write(row["later_q50"], "percent1", language)
        if pd.notna(row["later_chance"]):
            against = say("site.against_target", language, target=row["later_target"])
            word = say(f"verdict.{row['later_verdict']}", language)
            chance = write(row["later_chance"], "chance", language)
            pill = say("brief.pill", language, word=word, chance=chance)
            said = f"{said} · {against} · {pill}"
        elif pd.isna(row["later_target"]):
            said = f"{said} · {say('verdict.no_target', language)}"
        made.append((write(course.later, "year", language), said))
    return made


def _course_note(course: overview.Course | None, language: str) -> str:
    """What the columns of the years before and after say, where both are there."""
    if course is None or course.was is None or course.later is None:
        return ""
    return say("site.course_note", language, was=course.was, later=course.later)


def _course_rows(course: overview.Course, level: str, code: str, indicator: str) -> list[_Row]:
    found = of_unit(course.table, level, code)
    return list(found[found["indicator"] == indicator].to_dict("records"))


def _was(row: _Row, language: str) -> str:
    """What was published for the last due day, and whether the target was met; else nothing."""
    if pd.isna(row["was_reading"]):
        return ""
    word = say(f"outcome_word.{row['was_word']}", language) + " " if row["was_word"] else ""
    said = f"{word}{write(row['was_reading'], 'printed', language)}"
    return f"{_MARKS.get(row['met'], '')} {said}".strip()


def _mark(row: _Row, language: str) -> str:
    """Met or not met, with the figure as its title; the figure where no target was asked of it."""
    said = html.escape(_was(row, language))
    mark = _MARKS.get(row["met"], "") if said else "–"
    if not mark:
        return said
    return f'<span title="{said}">{mark}</span>' if said else mark


def _axis(row: pd.Series) -> tuple[float, float]:
    """The ends of a card's own axis, wide enough for its range and target."""
    ends = [row["q10"], row["q90"], row["target"]]
    low, high = min(ends), max(ends)
    room = 0.35 * max(high - low, 0.5)
    return low - room, high + room


def _past(tables: BriefTables, level: str, code: str, indicator: str) -> list[float]:
    """Yearly estimates and the forecast of a rate, in order."""
    past = of_unit(tables.estimates, level, code)
    past = past[(past["indicator"] == indicator) & (past["date"] < tables.due)]
    if "scale" in past:
        past = past[past["scale"] == "reported"]
    return [float(value) for value in past.sort_values("date")["q50"]]


def _regions(
    units: list[tuple[str, str]], pages: set[str], language: str
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The regions with their units as links: one's own province in two taps."""
    listed = []
    for region in geography.REGIONS:
        links = [
            (unit_label(level, code, language), brief_of(level, code))
            for level, code in units
            if overview.region_of(level, code) == region and brief_of(level, code) in pages
        ]
        if links:
            listed.append((geography.name(region, "region", language), links))
    return listed


def _newer(provinces: Result, pages: set[str], language: str) -> list[dict[str, str]]:
    """Targets announced after the day of the forecast, of any province."""
    rows = provinces.table[provinces.table["newer_target"].notna()]
    made = []
    for row in rows.to_dict("records"):
        level, code = str(row["geo_level"]), str(row["province_code"])
        text = say(
            "site.newer_item", language,
            indicator=row["indicator"], target=row["newer_target"],
        )  # fmt: skip
        file = brief_of(level, code)
        made.append(
            {
                "name": unit_label(level, code, language),
                "file": file if file in pages else "",
                "text": text,
            }
        )
    return made


def _scored(language: str) -> list[str]:
    """How earlier forecasts did, from the tables of chapter 06; nothing where it has not run."""
    try:
        country = paths.read_processed("validation_country")
        chances = paths.read_processed("attainment_scores")
    except paths.MissingTable:
        return []
    rows = country[
        (country["model"] == "analysis")
        & (country["readings"] == "mid_year")
        & country["indicator"].isin(COVERAGE)
    ]
    rows = rows.set_index("indicator")
    errors = [
        say("site.scored_rate", language, indicator=name, error=rows.loc[name, "mae"])
        for name in COVERAGE
        if name in rows.index
    ]
    held, n = float((rows["cover80"] * rows["n"]).sum()), int(rows["n"].sum())
    said = [say("site.scored_country", language, rates=errors, held=round(held), n=n)] if n else []
    own = chances[(chances["model"] == "analysis") & (chances["probability"] == "meets_reported")]
    for _, row in own[own["indicator"] == MAIN].iterrows():
        better = row["skill_vs_past_share_low"] > 0
        key = "site.scored_better" if better else "site.scored_chances"
        said.append(say(key, language, n=int(row["n"])))
    return said


def _figure(figure: Figure, language: str, made: Body, inline: bool = True) -> str:
    """Return a figure: drawn into the page, where its marks may be links, or as a picture."""
    path = f"files/front_{figure.name}"
    made.files[f"{path}.png"], made.files[f"{path}.csv"] = figure.png, csv_bytes(figure.csv)
    drawn = getattr(figure, "svg", None)
    if drawn is None:
        return figure_html(path, made.files, figure.alt, language)
    made.files[f"{path}.svg"] = _outside(drawn("wide", "file"))
    if not inline and figure.again is not None:
        made.files[f"{path}.narrow.svg"] = _outside(drawn("narrow", "file"))
    drawings = str(getattr(figure, "html", "")) if inline else ""
    return figure_html(path, made.files, figure.alt, language, drawings, later=not inline)


def _reports_at_targets(language: str, made: Body) -> str:
    """Draw year-end reports around their targets as chapter 06 does; empty where it has not run."""
    try:
        selection = paths.read_processed("selection")
    except paths.MissingTable:
        return ""
    counts = validation_targets.heaping(selection, MAIN)
    return _figure(heaping(counts, language), language, made, inline=False)


def _outside(drawing: str) -> bytes:
    """Return a drawing as a file, which lies a folder below the pages that its marks lead to."""
    return drawing.replace('<a href="', '<a href="../').encode("utf-8")


def _maps(maps: Sequence[Figure], language: str, made: Body) -> list[dict[str, str]]:
    """Return the maps, that of today first and in the page, the others as files apart."""
    today, *former = reversed(maps)
    shown = [(today, True), *((one, False) for one in former)]
    listed = []
    for one, own in shown:
        level = str(one.data["geo_level"].iloc[0])
        drawn = _figure(one, language, made, inline=own)
        label = say(_MAP_LABELS[level], language)
        listed.append({"name": level, "label": label, "html": drawn})
    return listed


def _filters(provinces: Result, language: str) -> list[dict[str, Any]]:
    everything = say("site.filter_all", language)
    present = provinces.table["indicator"].unique()
    regions = [(code, geography.name(code, "region", language)) for code in geography.REGIONS]
    used = set(provinces.table["verdict"])
    verdicts = [(n, say(f"verdict.{n}", language)) for n in reversed(VERDICT_NAMES) if n in used]
    return [
        {
            "name": "indicator",
            "label": say("site.filter_indicator", language),
            "all": "",
            "options": [(name, write(name, "indicator_short", language)) for name in present],
        },
        {
            "name": "region",
            "label": say("site.filter_region", language),
            "all": everything,
            "options": regions,
        },
        {
            "name": "verdict",
            "label": say("site.filter_verdict", language),
            "all": everything,
            "options": verdicts,
        },
    ]


_MAP_LABELS = {"province_34": "site.maps_34", "province_63": "site.maps_63"}
_WORD, _STAYS = '<td class="word stays"', '<td class="stays"'
#: Columns that a phone shows beside the name; the others are on the page of each province.
ON_A_PHONE = ("province", "forecast", "chance")
#: Whether a target was met -> how cells show it.
_MARKS = {"yes": "✓", "no": "✗"}
#: Columns of the table of provinces.
HEADS = ("province", "past", "latest", "forecast", "target", "chance", "needs")


def table(
    provinces: Result,
    tables: BriefTables,
    pages: set[str],
    language: str,
    course: overview.Course | None = None,
) -> str:
    """Return the table of provinces as HTML that ``table.js`` sorts and filters.

    Every cell with a number carries a key to sort by, and every row its region, verdict and
    indicator. Without JavaScript the whole table is shown. A name leads to its brief where that is
    among the pages, a number to the readings that it rests on. With the course of targets, the
    last columns say what came of the last ones and when the next are within reach.
    """
    past = _pasts(tables)
    lines = [_row(row, past, pages, language, course) for row in provinces.table.to_dict("records")]
    heads = [
        f'<th scope="col"{_class(name)}>{html.escape(say(f"site.head_{name}", language))}</th>'
        for name in HEADS
    ]
    if course is not None:
        # A phone shows the year before too: whether the last target was met is asked first.
        looks = ((course.was, "number stays"), (course.later, "number"))
        days = [
            f'<th scope="col" class="{look}">{write(day, "year", language)}</th>' if day else None
            for day, look in looks
        ]
        heads = _with_course(heads, *days)
    caption = html.escape(say("site.table_caption", language))
    return linked(
        f'<div class="table" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="result" id="table-provinces"><caption class="unseen">{caption}</caption>\n'
        f"<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n"
        + "\n".join(lines)
        + "\n</tbody></table></div>"
    )


def _class(name: str) -> str:
    number = "" if name in ("province", "past", "chance") else "number"
    stays = "stays" if name in ON_A_PHONE else ""
    both = " ".join(filter(None, [number, stays]))
    return f' class="{both}"' if both else ""


def _pasts(tables: BriefTables) -> dict[tuple[str, str, str], list[float]]:
    """Yearly estimates by level, code and indicator."""
    past = tables.estimates
    past = past[past["date"] < tables.due]
    if "scale" in past:
        past = past[past["scale"] == "reported"]
    keys = ["geo_level", "province_code", "indicator"]
    found: dict[tuple[str, str, str], list[float]] = {}
    for (level, code, rate), rows in past.sort_values("date").groupby(keys):
        found[str(level), str(code), str(rate)] = rows["q50"].tolist()
    return found


def _row(
    row: _Row,
    past: Mapping[tuple[str, str, str], list[float]],
    pages: set[str],
    language: str,
    course: overview.Course | None,
) -> str:
    """Return one row: seven cells, each on one line, and those of the years before and after."""
    unit = str(row["geo_level"]), str(row["province_code"])
    rate = str(row["indicator"])
    marks = "".join(f' data-{name}="{row[name]}"' for name in ("indicator", "region", "verdict"))
    if unit in present_units():  # found by the names of its parts and by an older one too
        parts = [geography.name(one, "province_63", language) for one in geography.members(unit[1])]
        if parts != [unit_label(*unit, language)]:
            marks += f' data-also="{html.escape(", ".join(parts))}"'
    thin = row["verdict"] == NOT_ENOUGH_EVIDENCE
    aimless = thin or row["verdict"] == NO_TARGET
    target = float("nan") if thin else row["target"]
    cells = [
        f'<th scope="row">{_name(unit, pages, language)}</th>',
        f"<td>{'' if thin else sparkline(past.get((*unit, rate), []), target)}</td>",
        _number(row["value"], _latest(row, language), row["evidence"]),
        _number(
            row["q50"],
            f"<b{_rests(row['rests_on'])}>{write(row['q50'], 'percent1', language)}</b>"
            + range_bar(row["q50"], row["q10"], row["q90"], target, _AXES[rate]),
            "",
        ).replace("<td", _STAYS, 1),
        _number(
            float("nan") if aimless else row["target"],
            _target(row, aimless, language),
            "" if aimless else row["target_from"],
        ),
        _number(row["p_meets_reported"], _pill(row, language), "").replace("<td", _WORD, 1),
        _number(row["persons_month_80"], _needed(row, aimless, language), ""),
    ]
    if course is not None:
        cells = _with_course(cells, *_course_cells(course, *unit, rate, language))
    return f"<tr{marks}>{''.join(cells)}</tr>"


def _course_cells(
    course: overview.Course, level: str, code: str, indicator: str, language: str
) -> tuple[str | None, str | None]:
    """The last outcome, and the forecast of the last due day with the year of an even chance."""
    (row,) = _course_rows(course, level, code, indicator)
    was = later = None
    if course.was is not None:
        was = _number(row["was_reading"], _mark(row, language), "").replace("<td", _STAYS, 1)
    if course.later is not None:
        said = write(row["later_q50"], "percent1", language)
        if row["asked"] is True:
            reached: str = "site.even_never" if pd.isna(row["even_from"]) else "site.even_from"
            when = say(reached, language, target=row["later_target"], day=row["even_from"])
            said = f"{said} <small>{html.escape(when)}</small>"
        later = _number(row["later_q50"], said, "")
    return was, later


def _with_course(cells: list[str], was: str | None, later: str | None) -> list[str]:
    """Cells of a row with the year before in front of the latest figure, the later near the end.

    Extra people stay the last cell, since a narrow screen shows them last.
    """
    at = HEADS.index("latest")
    return [*cells[:at], *filter(None, [was]), *cells[at:-1], *filter(None, [later]), cells[-1]]


def _name(unit: tuple[str, str], pages: set[str], language: str) -> str:
    name, file = html.escape(unit_label(*unit, language)), brief_of(*unit)
    return f'<a href="{file}">{name}</a>' if file in pages else name


def _number(value: Any, inner: str, mark: Any) -> str:
    return f'<td data-value="{_key(value)}"{_rests(mark)}>{inner}</td>'


def _rests(mark: Any) -> str:
    return f' data-evidence="{html.escape(mark)}"' if isinstance(mark, str) and mark else ""


def _latest(row: _Row, language: str) -> str:
    if pd.isna(row["value"]):
        return ""
    day = write(row["as_of"], "short_date", language)
    return f"{write(row['value'], 'printed', language)} <small>{day}</small>"


def _target(row: _Row, aimless: bool, language: str) -> str:
    known = "" if aimless else write(row["target"], "goal", language)
    if pd.isna(row["newer_target"]):
        return known
    newer = write(row["newer_target"], "goal", language)
    title = html.escape(say("site.newer_title", language))
    return f'{known} <small title="{title}">→ {newer}*</small>'.strip()


def _pill(row: _Row, language: str) -> str:
    word = say(f"verdict.{row['verdict']}", language)
    chance = write(row["p_meets_reported"], "chance", language)
    known = pd.notna(row["p_meets_reported"])
    text = html.escape(say("brief.pill", language, word=word, chance=chance) if known else word)
    dots = f' <span class="dots">{DOTS[int(row["grade"])]}</span>' if row["grade"] else ""
    gap = ""
    if row["verdict"] == NO_TARGET and pd.notna(row["target"]):
        far = say("site.gap", language, gap=row["q50"] - row["target"])
        whose = html.escape(say("site.gap_from", language, target=row["target"]))
        # A wide screen has the note below the table for it, and less room in the row.
        whose = f'<span class="on-phone">{whose}</span>'
        gap = f" <small>{html.escape(far)} {whose}</small>"
    return f'<span class="pill v-{row["verdict"]}">{text}</span>{dots}{gap}'


def _needed(row: _Row, aimless: bool, language: str) -> str:
    if aimless:
        return ""
    if pd.isna(row["persons_month_80"]):
        return html.escape(say("site.needs_beyond", language))
    if row["persons_month_80"] == 0:
        return html.escape(say("site.needs_none", language))
    return write(row["persons_month_80"], "rounded", language)


def _key(value: Any) -> str:
    """Return a number that sorts like the value; a missing one is empty."""
    if value is None or value != value:
        return ""
    return f"{value:.5g}"


def sparkline(values: Sequence[float], target: float, width: int = 72, height: int = 20) -> str:
    """Return yearly values as a line with the target across, as SVG of a few hundred bytes."""
    known = [value for value in values if value == value]
    if len(known) < 2:
        return ""
    ends = [*known, target] if target == target else known
    low, high = min(ends), max(ends)

    def y(value: float) -> float:
        return round(height - 3 - (height - 6) * (value - low) / max(high - low, 1e-9))

    step = (width - 6) / (len(known) - 1)
    line = " ".join(f"{2 + step * at:.0f} {y(value)}" for at, value in enumerate(known))
    aim = f'<path class="t" d="M0 {y(target)}H{width}"/>' if target == target else ""
    dot = f'<circle cx="{width - 4}" cy="{y(known[-1])}" r="2"/>'
    return _tiny(width, height, f'{aim}<path d="M{line}"/>{dot}')


def range_bar(
    middle: float,
    low: float,
    high: float,
    target: float,
    axis: tuple[float, float],
    width: int = 96,
    height: int = 14,
) -> str:
    """Return an interval with its middle and the tick of a target on a common axis, as SVG."""
    if middle != middle:
        return ""

    def x(value: float) -> int:
        share = (min(max(value, axis[0]), axis[1]) - axis[0]) / (axis[1] - axis[0])
        return round(3 + (width - 6) * share)

    half = height // 2
    tick = f'<path class="k" d="M{x(target)} 0V{height}"/>' if target == target else ""
    bar = f'<path class="g" d="M0 {half}H{width}"/><path class="b" d="M{x(low)} {half}H{x(high)}"/>'
    return _tiny(width, height, f'{bar}{tick}<circle cx="{x(middle)}" cy="{half}" r="3"/>')


def _tiny(width: int, height: int, inner: str) -> str:
    """Return a drawing that repeats what its cell says, and is hidden from those who cannot see."""
    return f'<svg class="tiny" width="{width}" height="{height}" aria-hidden="true">{inner}</svg>'


def search_index(
    briefs: Entries, chapters: Entries, papers: Entries, language: str
) -> list[tuple[str, str, str, list[str]]]:
    """Return what the search box knows: name, a note, the page, and the keys of other spellings.

    A province that became part of another leads to that one, so that old names are found.
    """
    pages = {entry["file"] for entry in briefs}
    made = []
    for level, code in [*present_units(), *former_units()]:
        name, file, note = unit_label(level, code, language), brief_of(level, code), ""
        if level == "province_63" and (level, code) not in present_units():
            merged = str(geography.provinces().loc[code, "merged_code"])
            note = say(
                "site.now_part", language, name=geography.name(merged, "province_34", language)
            )
            today = brief_of("province_34", merged)
            file = today if today in pages else file
        elif level == "province_34":
            parts = [f"province_63/{part}" for part in geography.members(code)]
            note = say("site.made_of", language, parts=parts)
        elif (older := geography.name(code, level, language)) != name:
            note = say("site.once", language, name=older)
        if file in pages:
            made.append((name, note, file, names.spellings(level, code)))
    made += [(entry["title"], "", entry["file"], []) for entry in [*chapters, *papers]]
    country = brief_of("country", geography.COUNTRY)
    if country in pages:
        name = geography.name(geography.COUNTRY, "country", language)
        made.append((name, "", country, names.spellings("country", geography.COUNTRY)))
    return made


def read_tables() -> BriefTables | None:
    """Return the tables of the forecasts, or nothing when chapter 05 has not run."""
    try:
        return BriefTables.read()
    except paths.MissingTable:
        return None
