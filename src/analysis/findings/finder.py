"""Every reading with links to the pages it was read from, to be chosen by unit and indicator.

All words, numbers and addresses are made here; the script of the page only shows the chosen ones.
Without scripts the readings of the unit that was asked for stand in the table.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis.country import geography
from analysis.facts import Raw
from analysis.facts.plausible import as_code
from analysis.findings.readings import SourcedResult, web_address, with_sources
from analysis.readings import ReadingTables
from analysis.report.results import CSV_TYPE
from analysis.report.wording import heading, say, write

_SCRIPT = Path(__file__).with_name("finder.js")
_COLUMNS = ("as_of", "indicator", "basis", "accepted", "interval", "how", "sources")
_LEVELS = ("country", "province_63", "province_34")
#: Columns whose texts recur; a page carries each of these texts once.
_WORDS = ("indicator", "basis", "how")

_Row = list[Any]


@dataclass(frozen=True)
class Finder:
    """The readings as they are shown in a language, by unit (level/code).

    words, sources: each recurring text, and each source as label and address (empty where none is
    known), once. rows: by unit, rows of texts in the order of the columns; recurring texts and
    sources are given by their place.
    """

    result: SourcedResult
    language: str
    unit: str
    words: list[str] = field(default_factory=list)
    sources: list[tuple[str, str]] = field(default_factory=list)
    rows: dict[str, list[_Row]] = field(default_factory=dict)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        text = self.result.text(self.language)
        return {"text/html": self.html(), "text/plain": text, CSV_TYPE: self.result.csv()}

    def html(self) -> str:
        """Return the lists to choose from, the table of the first unit, and the data of all."""
        # No tag inside a text may end the script that carries it, or open another one.
        data = json.dumps(self.data(), ensure_ascii=False, separators=(",", ":"))
        data = data.replace("<", "\\u003c")
        label = html.escape(self._say("finder_table"))
        return (
            f'<div class="finder"><p class="finding">{html.escape(self.result.text(self.language))}'
            f'</p>\n<p class="filters">{self._choose("unit", self._units())} '
            f"{self._choose('indicator', self._indicators())}</p>\n"
            f"<noscript><p>{html.escape(self._say('finder_still'))}</p></noscript>\n"
            f'<p class="count" role="status" data-template="{self._count()}"></p>\n'
            f'<div class="table" tabindex="0" role="region" aria-label="{label}">'
            f'<table class="result" id="table-{self.result.name}">\n{self._heads()}\n'
            f"<tbody>\n{self._body(self.unit)}\n</tbody></table></div>\n"
            # The site moves a script with a name into a file beside the page.
            f'<script data-file="readings">window.readingsFound = {data};</script>\n'
            f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script></div>"
        )

    def data(self) -> dict[str, Any]:
        """Return what the script shows: words, sources and rows by unit."""
        return {"words": self.words, "sources": self.sources, "rows": self.rows}

    def _say(self, phrase: str, **values: Any) -> str:
        return say(f"readings.{phrase}", self.language, **values)

    def _count(self) -> str:
        return html.escape(self._say("finder_count", n="{n}"))

    def _choose(self, what: str, options: Sequence[tuple[str, str]]) -> str:
        listed = "".join(
            f'<option value="{html.escape(value)}"{" selected" if value == self.unit else ""}>'
            f"{html.escape(name)}</option>"
            for value, name in options
        )
        label = html.escape(self._say(f"finder_{what}"))
        return f'<label>{label} <select class="{what}">{listed}</select></label>'

    def _units(self) -> list[tuple[str, str]]:
        units = [f"{level}/{code}" for level in _LEVELS for code in geography.codes(level)]
        return [(unit, self._name(unit)) for unit in units if unit in self.rows]

    def _name(self, unit: str) -> str:
        name = write(unit, "unit", self.language)
        merged = unit.startswith("province_34/")
        return say("site.merged_unit", self.language, name=name) if merged else name

    def _indicators(self) -> list[tuple[str, str]]:
        places = sorted({row[1] for rows in self.rows.values() for row in rows})
        named = sorted((self.words[place], str(place)) for place in places)
        return [("", self._say("finder_all"))] + [(place, name) for name, place in named]

    def _heads(self) -> str:
        heads = "".join(
            f'<th scope="col">{html.escape(heading(column, self.language, "readings"))}</th>'
            for column in _COLUMNS
        )
        return f"<thead><tr>{heads}</tr></thead>"

    def _body(self, unit: str) -> str:
        return "\n".join(self._row(row) for row in self.rows[unit])

    def _row(self, row: _Row) -> str:
        *texts, places = (
            self.words[cell] if column in _WORDS else cell
            for column, cell in zip(_COLUMNS, row, strict=True)
        )
        shown = "".join(f"<td>{html.escape(text)}</td>" for text in texts)
        links = ", ".join(self._link(*self.sources[place]) for place in places)
        return f"<tr>{shown}<td>{links}</td></tr>"

    def _link(self, label: str, address: str) -> str:
        if not address:
            return html.escape(label)
        return f'<a href="{html.escape(address)}">{html.escape(label)}</a>'


def finder(tables: ReadingTables, raw: Raw, language: str, unit: str | int = "14") -> Finder:
    """Return all readings with links to their sources, opened at a province or the country ("00").

    Raises:
        ValueError: there is no reading of this code.
    """
    unit = as_code(unit)
    result = with_sources("readings_all", tables.readings, raw, "readings.finder")
    level = "country" if unit == geography.COUNTRY else "province_63"
    made = Finder(result, language, f"{level}/{unit}")
    shown = result.written(language)
    shown.columns = result.shown
    places = _source_places(made, raw, set(";".join(result.table["sources"]).split(";")), language)
    records = zip(result.table.to_dict("records"), shown.to_dict("records"), strict=True)
    for own, texts in records:
        texts["interval"] = _interval(texts["lower"], texts["upper"])
        listed: _Row = [_placed(made, column, texts[column]) for column in _COLUMNS[:-1]]
        listed.append([places[name] for name in str(own["sources"]).split(";")])
        made.rows.setdefault(f"{own['geo_level']}/{own['province_code']}", []).append(listed)
    if made.unit not in made.rows:
        raise ValueError(f"there is no reading of {unit!r}; give the code of a province, or 00")
    return made


def _placed(made: Finder, column: str, text: str) -> Any:
    """Return a text, or its place among the recurring ones."""
    if column not in _WORDS:
        return text
    if text not in made.words:
        made.words.append(text)
    return made.words.index(text)


def _source_places(made: Finder, raw: Raw, used: set[str], language: str) -> dict[str, int]:
    """Add the sources that are used to the finder and return the place of each."""
    known = raw.sources[raw.sources["source_id"].isin(used)].sort_values("source_id")
    for source in known.to_dict("records"):
        label = f"{source['source_id']} {source['publisher']}"
        address = web_address(str(source["url"]))
        if not address:
            label = say("readings.finder_unaddressed", language, source=label)
        made.sources.append((label, address))
    return {str(name): place for place, name in enumerate(known["source_id"])}


def _interval(lower: str, upper: str) -> str:
    return lower if lower == upper else f"{lower} – {upper}"
