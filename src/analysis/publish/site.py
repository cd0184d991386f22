"""The site: from executed notebooks and result tables to the pages of reports/.

``build`` writes ``reports/index.html`` and, for each language, a front page, the chapters, a brief
a province, the readings of every unit and the sources. Each file is written whole or not at all;
a file that already holds the same bytes is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import nbformat

from analysis import geography, parallel, paths
from analysis.brief import Tables, level_of
from analysis.figures.overview import front_figures
from analysis.publish import site_front, site_papers, site_readings
from analysis.publish.chapters import title as notebook_title
from analysis.publish.pdf import brief_title
from analysis.publish.site_notebook import Body, body
from analysis.publish.site_page import (
    OTHER,
    TEMPLATES,
    brief_file,
    environment,
    page,
    readings_file,
    render,
    sayer,
    slug,
)
from analysis.wording import LANGUAGES, say

BRIEF = "08_province_brief"
#: More briefs than these are counted, not named, where the report lacks them.
MOST_NAMED = 3


@dataclass(frozen=True)
class Executed:
    """A notebook that has run: its name, its parameters (with language) and where it lies."""

    stem: str
    parameters: Mapping[str, Any]
    path: Path

    @property
    def language(self) -> str:
        """The language that the notebook was run in."""
        return str(self.parameters["language"])

    @property
    def province(self) -> str:
        """The unit of a brief; empty for a chapter."""
        return str(self.parameters.get("province_code", "")) if self.stem == BRIEF else ""


@dataclass(frozen=True)
class Lacking:
    """A notebook of the report without a page: its name, its parameters (with language), and why.

    why: failed, waits (for a notebook that failed) or not_asked. where: the cell in which it
    failed, or the name of the notebook that it waits for.
    """

    stem: str
    parameters: Mapping[str, Any]
    why: str
    where: str = ""

    @property
    def language(self) -> str:
        """The language that the page would have had."""
        return str(self.parameters["language"])


@dataclass
class Site:
    """The pages made so far and the files they need, by path below the folder of the report."""

    files: dict[str, bytes] = field(default_factory=dict)
    chapters: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    briefs: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    lacking: list[Lacking] = field(default_factory=list)

    def add(self, path: str, content: bytes | str) -> None:
        """Add one file to the site."""
        self.files[path] = content.encode("utf-8") if isinstance(content, str) else content

    def downloads(self, language: str) -> list[dict[str, str]]:
        """Return the workbook and the PDF of the country, as entries of a front page."""
        note = say("site.download_note", language)
        offered = [("tables.xlsx", "site.download_workbook", note)]
        offered.append(("viet_nam.pdf", "site.download_country", ""))
        return [
            {"file": file, "title": say(key, language), "summary": summary}
            for file, key, summary in offered
            if f"{language}/{file}" in self.files
        ]


def build(
    executed: Iterable[Executed], reports: Path | None = None, lacking: Iterable[Lacking] = ()
) -> list[Path]:
    """Write the site and return the paths of its files, sorted.

    Args:
        executed: the notebooks that ran without error.
        reports: the folder of the report; ``paths.REPORTS`` by default.
        lacking: the others; they have no page, and the front page and the lists of pages say so.
    """
    folder = Path(reports or paths.REPORTS)
    site = Site(lacking=list(lacking))
    notebooks = sorted(executed, key=lambda one: (one.stem, one.language, one.province))
    for notebook, made in zip(notebooks, parallel.forked(converted, notebooks), strict=True):
        _notebook_page(site, notebook, made)
    tables, evidence = site_front.read_tables(), site_readings.read()
    figures = {language: _front_figures(tables, language) for language in LANGUAGES}
    work = site_papers.parts(tables, figures, site.files)
    if evidence is not None:
        work += [partial(_readings, site, evidence, language) for language in LANGUAGES]
    for files in parallel.forked(_done, work):
        for path, content in files.items():
            site.add(path, content)
    for language in LANGUAGES:
        _front(site, tables, figures[language], language)
    for asset in ("style.css", "table.js", "sources.js"):
        site.add(f"assets/{asset}", (TEMPLATES / asset).read_bytes())
    site.add("index.html", _choice(site, tables))
    files = {name: _switched(name, content, site.files) for name, content in site.files.items()}
    return [_write(folder / name, content) for name, content in sorted(files.items())]


def _switched(name: str, content: bytes, files: Mapping[str, bytes]) -> bytes:
    """Lead the switch of a page to the other front page where its twin could not be made."""
    language, _, file = name.partition("/")
    other = OTHER.get(language, "")
    if not other or not file.endswith(".html") or f"{other}/{file}" in files:
        return content
    return content.replace(
        f'href="../{other}/{file}"'.encode(), f'href="../{other}/index.html"'.encode()
    )


def _front_figures(tables: Tables | None, language: str) -> site_front.Figures | None:
    """Return the figures of the front page, drawn here and once: the PDF shows them too."""
    if tables is None:
        return None
    maps, against = front_figures(tables, language)
    for figure in (*maps, against):
        assert figure.png
    return maps, against


def _done(part: site_papers.Part) -> dict[str, bytes]:
    return part()


def _readings(site: Site, evidence: site_readings.Evidence, language: str) -> dict[str, bytes]:
    briefs = [entry["file"] for entry in site.briefs.get(language, [])]
    pages = site_readings.pages(evidence, briefs, language)
    return {f"{language}/{file}": text.encode("utf-8") for file, text in pages.items()}


def converted(notebook: Executed) -> Body:
    """Return the body of a notebook's page; kept on disk until the notebook changes."""
    content = nbformat.read(notebook.path, as_version=4)
    if code := notebook.province:
        title = brief_title(code, notebook.language)
        return body(content, Path(brief_file(code)).stem, notebook.language, False, title)
    return body(content, _stem(notebook), notebook.language, True)


def _stem(notebook: Executed) -> str:
    others = [str(v) for k, v in sorted(notebook.parameters.items()) if k != "language"]
    return "_".join([notebook.stem, *map(slug, others)])


def _notebook_page(site: Site, notebook: Executed, made: Body) -> None:
    if notebook.province:
        _brief_page(site, made, notebook.province, notebook.language)
        return
    others = [str(v) for k, v in sorted(notebook.parameters.items()) if k != "language"]
    title = " · ".join([made.title, *others])
    file = f"{_stem(notebook)}.html"
    entry = {"file": file, "title": title, "summary": "", "place": notebook.stem}
    site.chapters.setdefault(notebook.language, []).append(entry)
    _add_page(site, notebook.language, entry["file"], made, "chapter")


def _brief_page(site: Site, made: Body, code: str, language: str) -> None:
    file, level = brief_file(code), level_of(code)
    name = geography.name(code, level, language)
    more = render(
        "brief_links.html.j2",
        language,
        name=name,
        paper=brief_file(code, "pdf"),
        readings=readings_file(level, code),
    )
    made.html += more
    site.briefs.setdefault(language, []).append({"file": file, "title": name, "code": code})
    _add_page(site, language, file, made, "brief")


def _add_page(site: Site, language: str, file: str, made: Body, kind: str) -> None:
    description = say("site.description", language, title=made.title)
    script = "table.js" if kind == "front" else ""
    text = page(language, file, made.title, made.html, kind, description, script)
    site.add(f"{language}/{file}", text)
    for name, content in made.files.items():
        site.add(f"{language}/{name}", content)


def _front(
    site: Site, tables: Tables | None, figures: site_front.Figures | None, language: str
) -> None:
    briefs, downloads = site.briefs.get(language, []), site.downloads(language)
    lacks = _lacks(site, language)
    chapters = _with_gaps(site, lacks, language)
    front = site_front.front(tables, figures, chapters, briefs, downloads, language, lacks)
    _add_page(site, language, "index.html", front, "front")


def _lacks(site: Site, language: str) -> dict[str, dict[str, str]]:
    """Return what a language lacks, by the stem of the notebook: its title, and why it lacks."""
    found: dict[str, dict[str, str]] = {}
    for one in site.lacking:
        if one.language != language or one.stem in found:
            continue
        alike = [two for two in site.lacking if (two.stem, two.language) == (one.stem, language)]
        title = notebook_title(one.stem, language)
        if one.parameters.get("province_code"):
            codes = [str(two.parameters["province_code"]) for two in alike]
            names = [geography.name(code, level_of(code), language) for code in codes[:MOST_NAMED]]
            key = "site.lacks_briefs" if len(codes) <= MOST_NAMED else "site.lacks_many_briefs"
            title = say(key, language, n=len(codes), names=", ".join(names))
        where = notebook_title(one.where, language) if one.why == "waits" else one.where
        found[one.stem] = {
            "title": title,
            "why": say(f"site.lacks_{one.why}", language, where=where),
        }
    return found


def _with_gaps(
    site: Site, lacks: Mapping[str, Mapping[str, str]], language: str
) -> list[dict[str, str]]:
    """Return the chapters of a language, with a line without a page for each that it lacks."""
    gaps = [
        {"file": "", "title": one["title"], "summary": one["why"], "place": stem}
        for stem, one in lacks.items()
    ]
    return sorted([*site.chapters.get(language, []), *gaps], key=lambda one: one["place"])


def _choice(site: Site, tables: Tables | None) -> str:
    """Return the first page: one door a language, and the chapters and briefs behind each."""
    entries = {}
    for language in LANGUAGES:
        chapters = _with_gaps(site, _lacks(site, language), language)
        pages = chapters + site.briefs.get(language, [])
        entries[language] = [(one["file"], one["title"], one.get("summary", "")) for one in pages]
    return (
        environment()
        .get_template("choice.html.j2")
        .render(
            said={language: sayer(language) for language in LANGUAGES},
            headlines={language: site_front.headline(tables, language) for language in LANGUAGES},
            entries=entries,
        )
    )


def _write(path: Path, content: bytes) -> Path:
    if not path.is_file() or path.read_bytes() != content:
        paths.write_atomic(path, content)
    return path
