"""Run the notebooks that have changed, over the cores, and say how each ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from analysis import parallel
from analysis.publish import incremental, pipeline, runner_environment, runner_notebook
from analysis.publish.kernels import to_prepare, warm_kernels
from analysis.publish.pipeline import Job
from analysis.publish.request import Request
from analysis.publish.runner_cluster import cluster
from analysis.publish.runner_job import Here, Outcome, run
from analysis.publish.runner_progress import Progress
from analysis.publish.runner_schedule import by_chance, run_graph


def plan(request: Request) -> list[Job]:
    """The runs that a request asks for, checked before any starts.

    Raises PipelineError, UndeclaredParameter, or ValueError for a notebook that cannot be read.
    """
    chapters = pipeline.load()
    known = {chapter.stem for chapter in chapters}
    if unknown := sorted(request.settings.keys() - known):
        raise pipeline.PipelineError(f"parameters are given for {unknown[0]}, which is no notebook")
    pipeline.check_units(request.settings)
    if request.only:
        chapters = pipeline.chosen(chapters, request.only)
    settings = {
        one.stem: runner_notebook.typed(
            runner_notebook.read(one.path), request.settings.get(one.stem, {})
        )
        for one in chapters
    }
    jobs = pipeline.jobs(chapters, settings)
    for chapter in chapters:
        notebook = runner_notebook.read(chapter.path)
        for job in jobs:
            if job.chapter is chapter:
                runner_notebook.check_parameters(notebook, chapter.stem, dict(job.parameters))
    return jobs


def run_jobs(
    jobs: Sequence[Job],
    request: Request,
    given: Mapping[str, Path] | None = None,
    before: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    """Run what has changed, over the cores, and say how each run ended.

    `given`: tables that are there before any run, by file name. `before` is called before the
    first run, while the kernels are being prepared; what it raises ends everything.
    """
    tables = dict(given or {})
    if found := _all_found(jobs, tables):
        before()
        print(f"{len(jobs)} notebooks unchanged.")
        return found
    started = time.monotonic()
    by_name = {job.name: job for job in jobs}
    ended: dict[str, Outcome] = {}
    workers = request.workers or parallel.cores()
    here = Here(threading.Semaphore(workers), max(1, parallel.cores() // workers))
    with (
        cluster() as elsewhere,
        warm_kernels(_modules(jobs), runner_environment.pinned(), request.warm),
        Progress(len(jobs)) as progress,
    ):
        before()
        at_once = workers + (elsewhere.size() if elsewhere else 0)
        graph = {job.name: job.after for job in jobs}

        def work(name: str) -> Outcome:
            job = by_name[name]
            return run(job, tables, _same_run_before(job, ended), here, elsewhere)

        runs = run_graph(graph, work, lambda one: not one.failure, at_once, by_chance())
        for name, outcome, cause in runs:
            ended[name] = outcome or Outcome(by_name[name], waited_for=cause)
            if outcome and outcome.finished and outcome.job.writes_tables:
                tables.update(outcome.finished.tables())
            progress.say(ended[name])
        print(progress.summary(time.monotonic() - started))
    return [ended[job.name] for job in jobs]


def _all_found(jobs: Sequence[Job], given: Mapping[str, Path]) -> list[Outcome]:
    """The finished runs when every one is in the store, so that no kernel is needed; else none."""
    tables = dict(given)
    outcomes = []
    for job in jobs:
        finished = incremental.find(incremental.key(job, tables))
        if not finished:
            return []
        outcomes.append(Outcome(job, finished, fresh=False))
        if job.writes_tables:
            tables.update(finished.tables())
    return outcomes


def _same_run_before(job: Job, ended: Mapping[str, Outcome]) -> incremental.Finished | None:
    """The same notebook in the first language, when its tables are to be compared."""
    if not job.chapter.produces or job.writes_tables:
        return None
    before = (ended[name] for name in job.after if name in ended)
    return next((one.finished for one in before if one.job.chapter is job.chapter), None)


def _modules(jobs: Iterable[Job]) -> list[str]:
    """What the notebooks import, to be imported once beforehand."""
    files = {job.chapter.path for job in jobs}
    return to_prepare(runner_notebook.code(runner_notebook.read(path)) for path in sorted(files))
