"""The front page of a language: the answer, its maps, the table of provinces, and the ways on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from analysis import geography, overview, paths
from analysis.brief import Tables as BriefTables
from analysis.figures.style import Figure
from analysis.publish.site_notebook import Body, data_link, figure_html, linked
from analysis.publish.site_page import brief_file, render
from analysis.results import CSV_ENCODING, Result
from analysis.verdicts import NAMES
from analysis.wording import say, write

Entries = list[dict[str, str]]
#: The tile maps, and the forecast of the country against its targets.
Figures = tuple[list[Figure], Figure]


def headline(tables: BriefTables | None, language: str) -> str:
    """Return the answer in one or two sentences, or what is missing for it."""
    if tables is None:
        return say("site.no_forecast", language)
    return " ".join(say(key, language, **values) for key, values in overview.headline(tables))


def front(
    tables: BriefTables | None,
    figures: Figures | None,
    chapters: Entries,
    briefs: Entries,
    downloads: Entries,
    language: str,
    lacks: Mapping[str, Mapping[str, str]] | None = None,
) -> Body:
    """Return the body of the front page; without forecasts it says so and keeps its links.

    lacks: the title and the reason of every notebook without a page, which the page opens with.
    """
    made = Body(say("site.name", language), "")
    pages = {entry["file"] for entry in briefs}
    shown: dict[str, Any] = {"blocks": [], "table": ""}
    if tables is not None and figures is not None:
        shown = _forecast_parts(tables, figures, pages, language, made)
    made.html = render(
        "front.html.j2",
        language,
        headline=headline(tables, language),
        chapters=chapters,
        briefs=briefs,
        downloads=downloads,
        missing=say("site.no_forecast", language),
        answer=_answer(tables, language),
        lacks=list((lacks or {}).values()),
        **shown,
    )
    return made


def _answer(tables: BriefTables | None, language: str) -> str:
    if tables is None:
        return ""
    return " ".join(say(key, language, **values) for key, values in overview.country_rows(tables))


def _forecast_parts(
    tables: BriefTables, figures: Figures, pages: set[str], language: str, made: Body
) -> dict[str, Any]:
    provinces = overview.provinces(tables)
    path = "files/provinces.csv"
    made.files[path] = provinces.csv().encode(CSV_ENCODING)
    link = data_link(path, "provinces", language)
    maps, against = figures
    return {
        "blocks": [
            _block("maps", say("site.maps", language), maps, "pair", language, made),
            _block("country", say("site.against", language), [against], "wide", language, made),
        ],
        "table": table(provinces, pages, language),
        "table_files": link,
        "filters": _filters(provinces, language),
    }


def _block(
    anchor: str, title: str, figures: list[Figure], layout: str, language: str, made: Body
) -> dict[str, Any]:
    drawn = [_figure(figure, language, made) for figure in figures]
    text = say("site.maps_intro", language) if anchor == "maps" else ""
    return {"anchor": anchor, "title": title, "figures": drawn, "layout": layout, "text": text}


def _figure(figure: Figure, language: str, made: Body) -> str:
    picture, data = (f"files/front_{figure.name}.{ending}" for ending in ("png", "csv"))
    made.files[picture], made.files[data] = figure.png, figure.csv.encode(CSV_ENCODING)
    link = data_link(data, figure.name, language)
    return figure_html(picture, figure.png, figure.alt, link)


def _filters(provinces: Result, language: str) -> list[dict[str, Any]]:
    everything = say("site.filter_all", language)
    present = provinces.table["indicator"].unique()
    regions = [(code, geography.name(code, "region", language)) for code in geography.REGIONS]
    verdicts = [(name, say(f"verdict.{name}", language)) for name in reversed(NAMES)]
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


def table(provinces: Result, pages: set[str], language: str) -> str:
    """Return the table of provinces as HTML that ``table.js`` sorts and filters.

    Every cell with a number carries it unrounded by the language's way of writing it, and every
    row its region, verdict and indicator. Without JavaScript the whole table is shown. A name leads
    to its brief where that is among the pages.
    """
    rows = provinces.table.to_dict("records")
    marked = provinces.html(language).split("<tbody>\n")
    body, rest = marked[1].split("\n</tbody>")
    lines = [
        _row(line, row, provinces, pages) for line, row in zip(body.split("\n"), rows, strict=True)
    ]
    return linked(marked[0] + "<tbody>\n" + "\n".join(lines) + "\n</tbody>" + rest)


def _row(line: str, row: Mapping[Hashable, Any], provinces: Result, pages: set[str]) -> str:
    """Mark one row for sorting and filtering, and link its name to the brief."""
    marks = "".join(f' data-{name}="{row[name]}"' for name in ("indicator", "region", "verdict"))
    cells = line.removeprefix("<tr>").removesuffix("</tr>").split("</td>")[:-1]
    name, file = cells[0].removeprefix("<td>"), brief_file(str(row["province_code"]))
    if file in pages:
        cells[0] = f'<td><a href="{file}">{name}</a>'
    for place, column in enumerate(provinces.shown):
        if provinces.numeric(column) or column == "as_of":
            # The stylesheet sets cells with a sort key like numbers, so the class is not needed.
            cell = cells[place].replace(' class="number"', "", 1)
            cells[place] = cell.replace("<td", f'<td data-value="{_key(row[column])}"', 1)
    return f"<tr{marks}>" + "".join(cell + "</td>" for cell in cells) + "</tr>"


def _key(value: Any) -> str:
    """Return a number that sorts like the value; a missing one is empty."""
    if value is None or value != value:
        return ""
    return f"{value.toordinal()}" if hasattr(value, "toordinal") else f"{value:.5g}"


def read_tables() -> BriefTables | None:
    """Return the tables of the forecasts, or nothing when chapter 05 has not run."""
    try:
        return BriefTables.read()
    except paths.MissingTable:
        return None
