"""One run of a notebook in folders of its own: it sees what it declares and nothing else."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from analysis import paths
from analysis.publish import incremental, runner_environment, runner_notebook
from analysis.publish.incremental import Finished
from analysis.publish.pipeline import Job
from analysis.publish.runner_cluster import Cluster, Order, held_to_declaration, lay_out
from analysis.publish.runner_execute import Executed, Failure, execute
from analysis.publish.translate import translated


@dataclass(frozen=True)
class Outcome:
    """How a run ended: finished (perhaps long ago: `fresh` is false), failed, or not run."""

    job: Job
    finished: Finished | None = None
    failure: Failure | None = None
    seconds: float = 0.0
    fresh: bool = True
    waited_for: str = ""
    complaints: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Here:
    """What this machine gives: turns for so many runs at once, and cores for each one's loops."""

    turn: threading.Semaphore = field(default_factory=threading.Semaphore)
    cores: int = 1


def run(
    job: Job,
    tables: Mapping[str, Path],
    first: Finished | None = None,
    here: Here | None = None,
    workers: Cluster | None = None,
) -> Outcome:
    """Find the run in the store or make it.

    Args:
        job: what to run; its parameters have been checked.
        tables: every table made so far, by file name.
        first: the same run in the first language, with whose tables this one's must agree.
        here: what this machine gives; by default one run at a time, on one core.
        workers: a cluster, which carries out what it takes.
    """
    key = incremental.key(job, tables)
    if finished := incremental.find(key):
        return Outcome(job, finished, fresh=False)
    work = paths.CACHE / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if workers and workers.takes(job):
            done = _execute_elsewhere(job, tables, workers)
            lay_out(folder, _declared(job))
        else:
            here = here or Here()
            with here.turn:
                done = _execute(job, tables, folder, here.cores)
        if done.notebook is None:
            return Outcome(job, None, done.failure, done.seconds)
        wrong = _wrong_tables(job, folder, first)
        wrong = wrong or runner_notebook.machine_path(done.notebook, [folder, Path(paths.ROOT)])
        if wrong:
            return Outcome(job, None, Failure("the end", wrong), done.seconds)
        written = {table: folder / "processed" / table for table in job.chapter.produces}
        record = {"notebook": job.chapter.stem, "parameters": dict(job.parameters)}
        text = runner_notebook.written(done.notebook)
        finished = incremental.keep(key, text, written, record)
    return Outcome(job, finished, None, done.seconds, complaints=done.complaints)


def _execute(job: Job, tables: Mapping[str, Path], folder: Path, cores: int) -> Executed:
    lay_out(folder, _declared(job))
    for name, path in _files(job, tables).items():
        shutil.copyfile(path, folder / name)
    environment = runner_environment.of_run(folder, job.chapter.memory, cores)
    environment |= {
        "ANALYSIS_ROOT": str(paths.ROOT),
        "ANALYSIS_NOTEBOOKS": str(paths.NOTEBOOKS),
        "ANALYSIS_CACHE": str(paths.CACHE),
    }
    limit = job.chapter.limit
    done = execute(_notebook(job), job.parameters, environment, str(folder / "here"), limit)
    return held_to_declaration(done, folder)


def _execute_elsewhere(job: Job, tables: Mapping[str, Path], workers: Cluster) -> Executed:
    files = {name: path.read_bytes() for name, path in _files(job, tables).items()}
    chapter = job.chapter
    limits = chapter.limit, chapter.memory
    order = Order(_notebook(job), dict(job.parameters), files, *limits, _declared(job))
    return workers.execute(order)


def _declared(job: Job) -> dict[str, Any]:
    """What pipeline.yml lets a run read, as `reads.declare` takes it."""
    one = job.chapter
    return {
        "notebook": f"notebooks/{one.stem}.ipynb",
        "raw": one.raw,
        "tables": (*one.needs, *one.produces),
        "files": one.files,
    }


def _files(job: Job, tables: Mapping[str, Path]) -> dict[str, Path]:
    """What a run may see, by its place in the folder of the run."""
    files = {f"processed/{table}": tables[table] for table in job.chapter.needs}
    return files | {f"raw/{name}": path for name, path in incremental.raw_files(job)}


def _notebook(job: Job) -> NotebookNode:
    return translated(runner_notebook.read(job.chapter.path), job.chapter.stem, job.language)


def _wrong_tables(job: Job, folder: Path, first: Finished | None) -> str:
    """One line when the tables written are not those declared, or depend on the language."""
    there = {path.name for path in (folder / "processed").iterdir()} - set(job.chapter.needs)
    declared = set(job.chapter.produces)
    if missing := sorted(declared - there):
        return f"it did not write {', '.join(missing)}, which pipeline.yml says it does"
    if surplus := sorted(there - declared):
        return f"it wrote {', '.join(surplus)}, which pipeline.yml does not say"
    for name, path in (first.tables() if first else {}).items():
        if (folder / "processed" / name).read_bytes() != path.read_bytes():
            return f"{name} is not the same as in the first language"
    return ""
