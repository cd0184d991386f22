"""One run of a notebook in folders of its own: it sees what it declares and nothing else."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from analysis import paths
from analysis.publish import incremental, runner_environment, runner_notebook
from analysis.publish.incremental import Finished
from analysis.publish.pipeline import Job
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


def run(
    job: Job, tables: Mapping[str, Path], first: Finished | None = None, cores: int = 1
) -> Outcome:
    """Find the run in the store or make it.

    Args:
        job: what to run; its parameters have been checked.
        tables: every table made so far, by file name.
        first: the same run in the first language, with whose tables this one's must agree.
        cores: how many its own loops may take, as other notebooks run beside it.
    """
    key = incremental.key(job, tables)
    if finished := incremental.find(key):
        return Outcome(job, finished, fresh=False)
    work = paths.CACHE / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        done = _execute(job, tables, folder, cores)
        if done.notebook is None:
            return Outcome(job, None, done.failure, done.seconds)
        wrong = _wrong_tables(job, folder, first) or _machine_path(done.notebook, folder)
        if wrong:
            return Outcome(job, None, Failure("the end", wrong), done.seconds)
        written = {table: folder / "processed" / table for table in job.chapter.produces}
        record = {"notebook": job.chapter.stem, "parameters": dict(job.parameters)}
        text = runner_notebook.written(done.notebook)
        finished = incremental.keep(key, text, written, record)
    return Outcome(job, finished, None, done.seconds, complaints=done.complaints)


def _machine_path(notebook: NotebookNode, folder: Path) -> str:
    """One line when an output shows a path of this machine, which no other would show."""
    for cell in notebook.cells:
        text = json.dumps(cell.get("outputs", []), ensure_ascii=False)
        if any(str(place) in text for place in (folder, paths.ROOT)):
            return f"cell {cell.id} shows a path of this machine; show the file's name instead"
    return ""


def _execute(job: Job, tables: Mapping[str, Path], folder: Path, cores: int) -> Executed:
    for part in ("processed", "raw", "reports", "here"):
        (folder / part).mkdir()
    for table in job.chapter.needs:
        shutil.copyfile(tables[table], folder / "processed" / table)
    for name, path in incremental.raw_files(job):
        shutil.copyfile(path, folder / "raw" / name)
    environment = runner_environment.pinned(
        {
            "ANALYSIS_ROOT": str(paths.ROOT),
            "ANALYSIS_NOTEBOOKS": str(paths.NOTEBOOKS),
            "ANALYSIS_CACHE": str(paths.CACHE),
            "ANALYSIS_RAW": str(folder / "raw"),
            "ANALYSIS_PROCESSED": str(folder / "processed"),
            "ANALYSIS_REPORTS": str(folder / "reports"),
            "ANALYSIS_KERNEL_MEMORY": str(job.chapter.memory),
            "ANALYSIS_WORKERS": str(cores),
        }
    )
    notebook = translated(runner_notebook.read(job.chapter.path), job.chapter.stem, job.language)
    limit = job.chapter.limit
    return execute(notebook, job.parameters, environment, str(folder / "here"), limit)


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
