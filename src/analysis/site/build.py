"""The site: from executed notebooks and result tables to the pages of reports/.

``build`` writes ``reports/index.html`` and, for each language, a front page, the chapters, a brief
a province, the readings of every unit and the sources. Each file is written whole or not at all;
a file that already holds the same bytes is left as it is.
"""

from __future__ import annotations

import contextlib
import html
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from analysis import disk_cache, parallel, paths
from analysis.country import geography
from analysis.country.names import AFTER, BEFORE, NEW, OLD, is_alone
from analysis.figures import vector
from analysis.figures.forecast import front_figures
from analysis.findings import overview
from analysis.findings.brief import Tables, former_units, present_units, unit_of
from analysis.findings.overview import Units
from analysis.report.wording import LANGUAGES, say
from analysis.runs import manifest, pipeline, store
from analysis.runs.jobs import Outcome, plan, run_jobs
from analysis.runs.pipeline import Request
from analysis.runs.store import put_in_place, staging
from analysis.site import front, readings, workbook
from analysis.site import front as site_front
from analysis.site.chapters import title as notebook_title
from analysis.site.notebook import Body, body, document
from analysis.site.page import (
    OTHER,
    TEMPLATES,
    Stamp,
    brief_file,
    brief_of,
    environment,
    page,
    readings_file,
    render,
    sayer,
    slug,
    stamp,
    stamp_of_round,
    unit_label,
)
from analysis.site.pdf import before_and_after, brief_title

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
    stamps: dict[str, Stamp] = field(default_factory=dict)
    course: overview.Course | None = None
    planned: set[tuple[str, str]] = field(default_factory=set)

    def add(self, path: str, content: bytes | str) -> None:
        """Add one file to the site."""
        self.files[path] = content.encode("utf-8") if isinstance(content, str) else content

    def downloads(self, language: str) -> list[dict[str, str]]:
        """Return the workbook and the report of the country, as entries of a front page."""
        note = say("site.download_note", language)
        offered = [("tables.xlsx", "site.download_workbook", note)]
        offered.append(("viet_nam.pdf", "site.download_country", ""))
        offered.append(("viet_nam.docx", "site.download_country_word", ""))
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
    tables, evidence = front.read_tables(), readings.read()
    site.course = None if tables is None else overview.course(tables)
    site.stamps = {language: stamp(tables, language) for language in LANGUAGES}
    notebooks = sorted(executed, key=lambda one: (one.stem, one.language, one.province))
    made = list(parallel.forked(converted, notebooks))
    _list_chapters(site, zip(notebooks, made, strict=True))
    site.planned = {(one.language, brief_file(one.province)) for one in notebooks if one.province}
    for notebook, one in zip(notebooks, made, strict=True):
        _notebook_page(site, notebook, one)
    papers = {language: _papers(site, language) for language in LANGUAGES}
    figures = {language: _front_figures(site, tables, language) for language in LANGUAGES}
    work = workbook.parts(tables, figures, site.files, site.course)
    if evidence is not None:
        work += [partial(_readings, site, evidence, language) for language in LANGUAGES]
    for files in parallel.forked(_done, work):
        for path, content in files.items():
            site.add(path, content)
    for language in LANGUAGES:
        _front(site, tables, figures[language], papers[language], language)
        index = front.search_index(
            site.briefs.get(language, []),
            site.chapters.get(language, []),
            papers[language],
            language,
        )
        rule = [OLD, NEW, BEFORE, AFTER]
        script = _script("SEARCH", index) + _script("NAMES", rule)
        site.add(f"assets/search_{language}.js", script)
    site.add("assets/style.css", (TEMPLATES / "style.css").read_text("utf-8") + vector.CSS)
    for asset in ("table.js", "sources.js", "site.js"):
        site.add(f"assets/{asset}", (TEMPLATES / asset).read_bytes())
    site.add("index.html", _choice(site, tables))
    files = {name: _switched(name, content, site.files) for name, content in site.files.items()}
    return [_write(folder / name, content) for name, content in sorted(files.items())]


def _script(name: str, value: Any) -> str:
    """Return data as a script, which a page that was opened as a file may load too."""
    return f"window.{name} = {json.dumps(value, ensure_ascii=False, separators=(',', ':'))};\n"


def _switched(name: str, content: bytes, files: Mapping[str, bytes]) -> bytes:
    """Lead the switch of a page to the other front page where its twin could not be made."""
    language, _, file = name.partition("/")
    other = OTHER.get(language, "")
    if not other or not file.endswith(".html") or f"{other}/{file}" in files:
        return content
    return content.replace(
        f'href="../{other}/{file}"'.encode(), f'href="../{other}/index.html"'.encode()
    )


def _front_figures(site: Site, tables: Tables | None, language: str) -> front.Figures | None:
    """Return the figures of the front page, drawn here and once: the PDF shows them too."""
    if tables is None:
        return None

    def address(level: str, code: str) -> str:
        file = brief_of(level, code)
        return file if (language, file) in site.planned else ""

    maps, against = front_figures(tables, language, address)
    for figure in (*maps, against):
        assert figure.png
    return maps, against


def _done(part: workbook.Part) -> dict[str, bytes]:
    return part()


def _readings(site: Site, evidence: readings.Evidence, language: str) -> dict[str, bytes]:
    briefs = [entry["file"] for entry in site.briefs.get(language, [])]
    pages = readings.pages(evidence, briefs, language, site.stamps[language])
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


def _list_chapters(site: Site, made: Iterable[tuple[Executed, Body]]) -> None:
    """List the chapters first, since each of them leads to the one before and after it."""
    for notebook, one in made:
        if not notebook.province:
            others = [str(v) for k, v in sorted(notebook.parameters.items()) if k != "language"]
            number = notebook.stem[:2] if notebook.stem[:2].isdigit() else ""
            entry = {
                "file": f"{_stem(notebook)}.html",
                "title": " · ".join([one.title, *others]),
                "number": number,
                "place": notebook.stem,
            }
            site.chapters.setdefault(notebook.language, []).append(entry)


def _notebook_page(site: Site, notebook: Executed, made: Body) -> None:
    if notebook.province:
        _brief_page(site, made, notebook.province, notebook.language)
        return
    file = f"{_stem(notebook)}.html"
    chapters = site.chapters[notebook.language]
    at = next(place for place, entry in enumerate(chapters) if entry["file"] == file)
    made.html = render(
        "reading.html.j2",
        notebook.language,
        body=made.html,
        contents=made.contents,
        before=chapters[at - 1] if at else None,
        after=chapters[at + 1] if at + 1 < len(chapters) else None,
        code='details class="code"' in made.html,
    )
    other = notebook.parameters.get("round")
    stamped = stamp_of_round(str(other), notebook.language) if other else None
    made.title = chapters[at]["title"]
    _add_page(site, notebook.language, file, made, "chapter", stamped)


def _brief_page(site: Site, made: Body, unit: str, language: str) -> None:
    file, (level, code) = brief_file(unit), unit_of(unit)
    name = unit_label(level, code, language)
    parts = []
    if level == "province_34":
        parts = _linked(site, language, [("province_63", one) for one in geography.members(code)])
    elif level == "province_63" and not is_alone(code):
        merged = str(geography.provinces().loc[code, "merged_code"])
        # Above everything else: what is forecast here is a part of today's province.
        for within, page in _linked(site, language, [("province_34", merged)]):
            line = render("within.html.j2", language, name=within, page=page)
            made.html = made.html.replace("</h1>", f"</h1>\n{line}", 1)
    if said := before_and_after(site.course, level, code, language):
        line = f'<p class="lead">{html.escape(said)}</p>\n<div class="cards">'
        made.html = made.html.replace('<div class="cards">', line, 1)
    before, after = (_linked(site, language, units) for units in in_region(level, code))
    made.html += render(
        "brief_links.html.j2",
        language,
        name=name,
        before=before[-1] if before else None,
        after=after[0] if after else None,
        paper=brief_file(unit, "pdf"),
        word=brief_file(unit, "docx"),
        readings=readings_file(level, code),
        parts=parts,
    )
    entry = {"file": file, "title": name, "code": unit, "level": level}
    site.briefs.setdefault(language, []).append(entry)
    _add_page(site, language, file, made, "brief")


def in_region(level: str, code: str) -> tuple[Units, Units]:
    """Return the units of a unit's region that are listed before it, and those after it.

    A province of today stands among those of today, a former one among the former ones.
    """
    if level == "country":
        return [], []
    today = present_units()
    alike = today if (level, code) in today else former_units()
    region = geography.region_of(code, level)
    alike = [unit for unit in alike if geography.region_of(unit[1], unit[0]) == region]
    at = alike.index((level, code))
    return alike[:at], alike[at + 1 :]


def _linked(site: Site, language: str, units: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the names of units and their briefs, as far as these are among the pages."""
    files = [(unit_label(*unit, language), brief_of(*unit)) for unit in units]
    return [(name, file) for name, file in files if (language, file) in site.planned]


def _add_page(
    site: Site, language: str, file: str, made: Body, kind: str, stamped: Stamp | None = None
) -> None:
    description = say("site.description", language, title=made.title)
    script = "table.js" if kind == "front" else ""
    text = page(
        language,
        file,
        made.title,
        made.html,
        kind,
        description,
        script,
        stamped or site.stamps[language],
    )
    site.add(f"{language}/{file}", text)
    for name, content in made.files.items():
        site.add(f"{language}/{name}", content)


#: Documents that are pages of the site too: the name of the page and of its file in docs/.
PAPERS = {
    "methods": "methods.md",
    "definitions": "definitions.md",
    "model_card": "model-card.md",
    "data_card": "data-card.md",
    "api": "api.md",
}


def _papers(site: Site, language: str) -> list[dict[str, str]]:
    """Render methods, definitions, the cards and the page on the package; they are in English."""
    entries = []
    for name, written in PAPERS.items():
        path = paths.ROOT / "docs" / written
        if path.is_file():
            made = document(path.read_text("utf-8"), language)
            file = f"{name}.html"
            entries.append({"file": file, "title": say(f"site.paper_{name}", language)})
            _add_page(site, language, file, made, "chapter")
    return entries


def _front(
    site: Site,
    tables: Tables | None,
    figures: front.Figures | None,
    papers: list[dict[str, str]],
    language: str,
) -> None:
    lacks = _lacks(site, language)
    chapters = _with_gaps(site, lacks, language)
    briefs, downloads = site.briefs.get(language, []), site.downloads(language)
    front = site_front.front(tables, figures, chapters, briefs, downloads, papers, language, lacks)
    _add_page(site, language, "index.html", front, "front")
    if tables is not None:
        former = site_front.former(tables, briefs, language)
        _add_page(site, language, "provinces_63.html", former, "front")


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
            named = [unit_of(code) for code in codes[:MOST_NAMED]]
            names = [unit_label(level, code, language) for level, code in named]
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
        {"file": "", "title": one["title"], "summary": one["why"], "place": stem, "number": ""}
        for stem, one in lacks.items()
    ]
    return sorted([*site.chapters.get(language, []), *gaps], key=lambda one: one["place"])


def _choice(site: Site, tables: Tables | None) -> str:
    """Return the first page: one door a language, with the answer behind it, and what lacks."""
    entries = {
        language: [(one["title"], one["why"]) for one in _lacks(site, language).values()]
        for language in LANGUAGES
    }
    return (
        environment()
        .get_template("choice.html.j2")
        .render(
            said={language: sayer(language) for language in LANGUAGES},
            headlines={language: front.headline(tables, language) for language in LANGUAGES},
            stamps=site.stamps,
            entries=entries,
        )
    )


def _write(path: Path, content: bytes) -> Path:
    if not path.is_file() or path.read_bytes() != content:
        paths.write_atomic(path, content)
    return path


# --------------------------------------------------------------------------------------------------
# Make a report aside: run what has changed, lay out tables and pages, list them all.
# --------------------------------------------------------------------------------------------------

if TYPE_CHECKING:
    pass

#: Turns runs, finished or not, into the files of a report, in the folder given.
Publisher = Callable[[Sequence[Outcome], Path], None]


def make(
    aside: Path,
    request: Request,
    made_from: Mapping[str, str],
    publish: Publisher,
    check: Callable[[], None],
) -> int:
    """Fill `aside`/reports and `aside`/processed; returns how many notebooks failed.

    `check` is called before anything is run; what it raises stops the report.
    """
    outcomes = run_jobs(plan(request), request, before=check)
    _build(aside, outcomes, publish)
    _write_manifest(aside, outcomes, made_from, request)
    return sum(1 for outcome in outcomes if outcome.failure)


def _build(aside: Path, outcomes: Sequence[Outcome], publish: Publisher) -> None:
    """Lay out the tables, then the pages that are made from them and from the notebooks."""
    processed, reports = aside / "processed", aside / "reports"
    reports.mkdir()
    processed.mkdir()
    for path in _kept_from_before():
        shutil.copyfile(path, processed / path.name)
    for name in manifest.APART:
        if (paths.REPORTS / name).is_file():
            shutil.copyfile(paths.REPORTS / name, reports / name)
    finished = [outcome for outcome in outcomes if outcome.finished]
    for outcome in finished:
        if outcome.finished and outcome.job.writes_tables:
            for name, path in outcome.finished.tables().items():
                shutil.copyfile(path, processed / name)
    with _environment(ANALYSIS_PROCESSED=str(processed), ANALYSIS_REPORTS=str(reports)):
        publish(outcomes, reports)


def _kept_from_before() -> list[Path]:
    """Files of data/processed that no notebook of this run writes; they are not ours to remove."""
    ours = {table for chapter in pipeline.load() for table in chapter.produces}
    folder = Path(paths.PROCESSED)
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in there if path.is_file() and path.name not in ours]


@contextlib.contextmanager
def _environment(**settings: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def site(outcomes: Sequence[Outcome], reports: Path) -> None:
    """The pages of the report, in both languages, and what it lacks at the place of each."""

    executed = [
        Executed(one.job.chapter.stem, one.job.parameters, one.finished.notebook)
        for one in outcomes
        if one.finished
    ]
    build(executed, reports, _lacking(outcomes))


def _lacking(outcomes: Sequence[Outcome]) -> list[Lacking]:
    """The runs of pipeline.yml without a page, and why: failed, waiting for one, not asked for."""

    stems = {one.job.name: one.job.chapter.stem for one in outcomes}
    found = []
    for one in outcomes:
        stem, parameters = one.job.chapter.stem, one.job.parameters
        if one.failure:
            found.append(Lacking(stem, parameters, "failed", one.failure.cell))
        elif not one.finished:
            found.append(Lacking(stem, parameters, "waits", stems[one.waited_for]))
    asked = {one.job.chapter.stem for one in outcomes}
    for job in pipeline.jobs(pipeline.load()):
        if job.chapter.stem not in asked:
            found.append(Lacking(job.chapter.stem, job.parameters, "not_asked"))
    return found


def _write_manifest(
    aside: Path, outcomes: Sequence[Outcome], made_from: Mapping[str, str], request: Request
) -> None:
    runs = [_run(outcome) for outcome in outcomes]
    tables = {
        table: {"notebook": one.job.chapter.stem, "parameters": dict(one.job.parameters)}
        for one in outcomes
        if one.job.writes_tables
        for table in one.job.chapter.produces
    }
    files = [
        *manifest.listed(aside / "reports", "reports/", _pages(outcomes)),
        *(
            entry
            for entry in manifest.listed(aside / "processed", "data/processed/", tables)
            if "notebook" in entry
        ),
    ]
    text = manifest.text(made_from, request.as_settings(), runs, files)
    paths.write_atomic(aside / "reports" / manifest.NAME, text)


def _run(outcome: Outcome) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "notebook": outcome.job.chapter.stem,
        "parameters": dict(outcome.job.parameters),
    }
    if outcome.finished:
        entry["made_from"] = outcome.finished.key
    else:
        entry["failed"] = outcome.failure.message if outcome.failure else "not run"
    return entry


def _pages(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Start of the name of a page and of the files beside it -> the run that made them."""
    from analysis.site.page import brief_file

    starts = {}
    for outcome in outcomes:
        job = outcome.job
        code = job.parameters.get("province_code")
        if job.chapter.vary and not code:
            continue
        stem = Path(brief_file(code)).stem if code else job.chapter.stem
        parameters = dict(job.parameters)
        made_by = {"notebook": job.chapter.stem, "parameters": parameters}
        for folder in ("", "files/"):
            starts[f"{job.language}/{folder}{stem}"] = made_by
    return starts


# --------------------------------------------------------------------------------------------------
# The whole report: from raw tables that are in order to a folder that takes the last one's place.
#
# The last report stays as it is until the new one is complete. A notebook that fails costs its page
# and the pages that depend on it, never the others.
# --------------------------------------------------------------------------------------------------

#: No exit status above this one, so that a count of failures never looks like a signal.
MOST_FAILURES = 100


class Busy(OSError):
    """Another report is being made in the same folder, and waiting was not wanted."""


def report(request: Request, wait: bool = True) -> int:
    """Bring the report up to date; returns how many notebooks failed, at most MOST_FAILURES.

    Prints what it does. Raises analysis.facts.RawDataError before anything is run when the raw
    tables have faults, Busy when another report is being made and `wait` is false, and ValueError
    for a request that cannot be carried out. In each case the last report stays as it was.
    """
    with one_at_a_time(wait):
        made_from = manifest.inputs()
        if manifest.is_up_to_date(request.as_settings(), made_from):
            return 0

        with staging() as aside:
            failed = make(aside, request, made_from, site, check_raw)
            put_in_place(aside / "processed", Path(paths.PROCESSED))
            put_in_place(aside / "reports", Path(paths.REPORTS))
        store.forget_old()
    return min(failed, MOST_FAILURES)


@contextlib.contextmanager
def one_at_a_time(wait: bool) -> Iterator[None]:
    """Hold the lock of this folder. The lock goes with the process, however it ends."""
    from filelock import FileLock, Timeout

    path = paths.CACHE / "report.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise Busy(
                "another report is being made in this folder; try again when it is done"
            ) from None
        print("Another report is being made in this folder; waiting until it is done.", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def check_raw() -> None:
    """Raise RawDataError listing every fault; tables found in order once are not read again."""
    raw = sorted(path for path in Path(paths.RAW).iterdir() if path.is_file())
    content = [part for path in raw for part in (path.name, manifest.file_digest(path))]
    key = disk_cache.digest(disk_cache.fingerprint(["analysis.facts"]), *content)
    mark = paths.CACHE / "checked" / key
    if mark.exists():
        return
    from analysis import facts

    if faults := facts.check(paths.RAW):
        raise facts.RawDataError(faults)
    paths.write_atomic(mark, b"")
