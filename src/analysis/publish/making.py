"""Make a report aside: run what has changed, lay out tables and pages, list them all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import paths
from analysis.publish import manifest, pipeline
from analysis.publish.request import Request
from analysis.publish.runner import plan, run_jobs
from analysis.publish.runner_job import Outcome

if TYPE_CHECKING:
    from analysis.publish.site import Lacking

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
    from analysis.publish import site as pages

    executed = [
        pages.Executed(one.job.chapter.stem, one.job.parameters, one.finished.notebook)
        for one in outcomes
        if one.finished
    ]
    pages.build(executed, reports, _lacking(outcomes))


def _lacking(outcomes: Sequence[Outcome]) -> list[Lacking]:
    """The runs of pipeline.yml without a page, and why: failed, waiting for one, not asked for."""
    from analysis.publish.site import Lacking

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
    from analysis.publish.site_page import brief_file

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
