"""The briefs and the report of the country as PDF, from the same results as the pages."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import typst

from analysis.disk_cache import cached
from analysis.figures.style import WIDE, Figure
from analysis.findings import overview
from analysis.findings.brief import Brief, Tables, unit_code, unit_of
from analysis.findings.cards import Card, cards
from analysis.parallel import begins_threads
from analysis.report.results import Result
from analysis.report.wording import say, write
from analysis.site.notebook import picture_size
from analysis.site.page import TEMPLATES, safe_address, unit_label
from analysis.verdicts import SCALE

# --------------------------------------------------------------------------------------------------
# Set a document with typst: the same data, pictures and template give the same bytes.
#
# Data reach the template as JSON and are set as text, never as markup. Fonts come from matplotlib's
# folder (DejaVu Sans has every Vietnamese letter) and are embedded; system fonts are not looked at,
# because they differ between machines. The PDF is tagged and claims PDF/UA-1, which typst checks.
# --------------------------------------------------------------------------------------------------


class TypesetError(RuntimeError):
    """Typst could not set a document; the message is its own, with the place in the template."""


@cache
def _fonts() -> typst.Fonts:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)]
    )


@cached
def typeset(template: str, data: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    """Return a PDF.

    Args:
        template: the typst source.
        data: what the template reads as ``data.json``; plain values only. Its ``day``, as an ISO
            day, is that of the document: the day of making would change the bytes.
        pictures: PNG files by the name that the template gives them.

    Raises:
        TypesetError: the template and the data do not fit, or PDF/UA-1 is not met.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.typ").write_text(template, encoding="utf-8")
        (folder / "data.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        for picture, content in pictures.items():
            (folder / picture).write_bytes(content)
        day = dt.datetime.fromisoformat(data["day"]).replace(tzinfo=dt.UTC)
        begins_threads()
        compiler = typst.Compiler(str(folder / "main.typ"), root=str(folder), font_paths=_fonts())
        try:
            made = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=day)
        except typst.TypstError as error:
            raise TypesetError(f"{error.message}\n{error.diagnostic}") from error
    assert isinstance(made, bytes)
    return made


_MOST_SOURCES = 3


@dataclass(frozen=True)
class Paper:
    """What a document on paper shows, written in its language; PDF and Word set the same.

    content: texts, tables and the places of pictures. pictures: PNG files by name.
    """

    content: dict[str, Any]
    pictures: dict[str, bytes]


def brief_pdf(paper: Paper) -> bytes:
    """Return a brief on one A4 page (see :func:`brief_paper`).

    Raises:
        analysis.site.pdf.TypesetError: the page could not be set.
    """
    return typeset((TEMPLATES / "brief.typ").read_text("utf-8"), paper.content, paper.pictures)


def brief_paper(
    brief: Brief,
    tables: Tables,
    pictures: Mapping[str, tuple[bytes, str]],
    language: str,
    course: overview.Course | None = None,
) -> Paper:
    """Return what a brief shows on paper.

    Args:
        brief: the brief.
        tables: where the brief came from; gives the addresses of its sources.
        pictures: the figures ``forecast`` and ``place``: PNG and alt text.
        language: ``en`` or ``vi``.
        course: what came of the last targets and is forecast for later ones.
    """
    late = None if brief.late.table.empty else _table(brief.late, language)
    content = {
        **_document(brief_title(unit_code(brief.level, brief.code), language), tables, language),
        "opening": brief.finding.text(language),
        "course": before_and_after(course, brief.level, brief.code, language),
        "cards": [_card(card) for card in cards(brief, language)],
        "note": say("brief.trust", language),
        "sections": [
            _section(
                "path",
                language,
                text=brief.answer.text(language),
                pictures=_placed(pictures, "forecast"),
            ),
            *_measures(brief, language),
            _section(
                "standing",
                language,
                text=brief.standing.result.text(language),
                pictures=_placed(pictures, "place"),
            ),
            _section("late", language, text=brief.late.text(language), table=late),
            _section("unknown", language, points=_points(brief.unknown, language)),
            _section(
                "sources",
                language,
                text=_sources_text(brief, language),
                sources=_sources(brief.sources, tables, language),
            ),
        ],
    }
    return Paper(content, {f"{name}.png": picture for name, (picture, _) in pictures.items()})


def before_and_after(course: overview.Course | None, level: str, code: str, language: str) -> str:
    """Return what came of a unit's last target and what lies ahead; empty where neither is."""
    phrases = overview.said_of_unit(course, level, code) if course else []
    return " ".join(say(key, language, **values) for key, values in phrases)


def _card(card: Card) -> dict[str, Any]:
    return {
        "title": card.title,
        "forecast": card.forecast,
        "when": card.when,
        "pill": card.pill,
        "dots": card.dots,
        "lines": [{"label": line.label, "text": line.text} for line in card.lines],
    }


def _measures(brief: Brief, language: str) -> list[dict[str, Any]]:
    if brief.measures.table.empty:
        return []
    return [_section("measures", language, table=_table(brief.measures, language))]


def _sources_text(brief: Brief, language: str) -> str:
    """What the sources are, and how many of them the sheet leaves out."""
    text, left = brief.sources.text(language), len(brief.sources.table) - _MOST_SOURCES
    return f"{text} {say('brief.more_sources', language, n=left)}" if left > 0 else text


def brief_title(code: str, language: str) -> str:
    """Return the title of a brief (see :func:`analysis.findings.brief.unit_of` for its code)."""
    level, bare = unit_of(code)
    key = "site.brief_of_country" if level == "country" else "site.brief_of"
    return say(key, language, name=unit_label(level, bare, language))


def country_pdf(paper: Paper) -> bytes:
    """Return the report of the country (see :func:`country_paper`).

    Raises:
        analysis.site.pdf.TypesetError: the report could not be set.
    """
    return typeset((TEMPLATES / "country.typ").read_text("utf-8"), paper.content, paper.pictures)


def country_paper(tables: Tables, maps: Sequence[Figure], against: Figure, language: str) -> Paper:
    """Return the report of the country: answer, forecast, maps, reading aid, table of provinces.

    Args:
        tables: the tables of the forecasts.
        maps: the tile map of the 63 provinces, if there is one, and that of the 34 units.
        against: the forecast of the country against its targets.
        language: ``en`` or ``vi``.
    """
    provinces = overview.main_table(tables)
    *before, of_merged = maps
    # Where no target of a former province is known, its map would say nothing on paper.
    former = [one for one in before if one.data["value"].notna().any()]
    content = {
        **_document(say("site.name", language), tables, language),
        "opening": [
            provinces.text(language),
            " ".join(say(key, language, **v) for key, v in overview.country_rows(tables)),
        ],
        "against": {"heading": say("site.against", language), "picture": _picture(against)},
        "maps": {
            "heading": say("site.maps", language),
            "merged": _picture(of_merged),
            "former": [
                {"heading": say("site.maps_former", language), "picture": _picture(one)}
                for one in former
            ],
        },
        "words": {
            "heading": say("site.words", language),
            "text": say("site.words_intro", language),
            "points": [say(key, language, **values) for key, values in verdict_steps()],
        },
        "provinces": {
            "heading": say("site.nav_provinces", language),
            "table": _table(provinces, language),
        },
    }
    return Paper(
        content, {f"{figure.name}.png": figure.png for figure in (*former, of_merged, against)}
    )


def verdict_steps() -> list[tuple[str, dict[str, Any]]]:
    """Return the scale of words as phrases, from the most probable down."""
    return [
        ("verdict.step", {**step._asdict(), "word": f"verdict.{step.name}"})
        for step in reversed(SCALE)
    ]


def _document(title: str, tables: Tables, language: str) -> dict[str, Any]:
    author, footer = say("site.author", language), say("site.footer", language)
    stamp = " ".join(say(key, language, **values) for key, values in overview.stamp(tables))
    head = say("site.name", language)
    return {
        "title": title, "author": author, "language": language, "footer": footer,
        "day": f"{tables.origin:%Y-%m-%d}", "stamp": stamp, "head": head,
        "unofficial": say("site.unofficial", language),
    }  # fmt: skip


def _section(name: str, language: str, **parts: Any) -> dict[str, Any]:
    return _part(f"brief.heading_{name}", language, **parts)


def _part(heading: str, language: str, **parts: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "text": "",
        "pictures": [],
        "table": None,
        "points": [],
        "sources": [],
    }
    name = heading.rpartition("_")[2]
    return {"name": name, "heading": say(heading, language), **empty, **parts}


def _placed(pictures: Mapping[str, tuple[bytes, str]], *names: str) -> list[dict[str, Any]]:
    """Pictures with the share of a wide one's width that each takes, so that letters are alike."""
    placed = []
    for name in names:
        picture, alt = pictures[name]
        share = min(1.0, picture_size(picture)[0] / WIDE)
        placed.append({"file": f"{name}.png", "alt": alt, "share": share})
    return placed


def _picture(figure: Figure) -> dict[str, str]:
    return {"file": f"{figure.name}.png", "alt": figure.alt}


def _points(result: Result, language: str) -> list[str]:
    return [say(key, language, **values) for key, values in result.phrases]


def _table(result: Result, language: str, columns: Sequence[float] = ()) -> dict[str, Any]:
    written = result.written(language)
    return {
        "columns": list(columns) or [0] * len(written.columns),
        "heads": [str(head) for head in written.columns],
        "rows": written.to_numpy().tolist(),
        "numeric": [result.numeric(column) for column in result.shown],
    }


def _sources(sources: Result, tables: Tables, language: str) -> list[dict[str, str]]:
    addresses = tables.sources.set_index("source_id")["url"]
    return [
        {
            "id": row["source_id"],
            "publisher": row["publisher"],
            "published": write(row["published"], "source_day", language)
            if row["published"]
            else "",
            "title": write(row["title"], "source_title", language),
            "url": safe_address(addresses[row["source_id"]]),
        }
        for row in sources.table.head(_MOST_SOURCES).to_dict("records")
    ]
