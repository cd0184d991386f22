"""One run of a notebook in folders of its own: it sees what it declares and nothing else."""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from nbformat import NotebookNode
from tqdm import tqdm

from analysis import disk_cache, parallel, paths, reads
from analysis.runs import environment, notebook, pipeline, store
from analysis.runs import environment as runs_environment
from analysis.runs import notebook as runs_notebook
from analysis.runs.execute import Executed, Failure, execute, to_prepare, warm_kernels
from analysis.runs.notebook import translated
from analysis.runs.pipeline import Job, Request
from analysis.runs.store import Finished

# --------------------------------------------------------------------------------------------------
# Runs of one notebook for many units, on the workers of a Dask cluster.
#
# With a scheduler (`analysis report --scheduler tcp://host:port`) every run that varies is sent
# with all that it may see, so the workers need this package and no disk in common. What comes back
# is stored here like a run of this machine: the bytes are the same. A worker that dies costs time
# only.
# --------------------------------------------------------------------------------------------------

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True)
class Order:
    """All that a worker needs: the notebook in its language, parameters, files, and limits."""

    notebook: NotebookNode
    parameters: Mapping[str, Any]
    files: Mapping[str, bytes]
    limit: float
    memory: int
    declared: Mapping[str, Any]


class Cluster:
    """The workers behind a scheduler."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def size(self) -> int:
        """How many runs the workers take at once."""
        return max(1, sum(self.client.nthreads().values()))

    def takes(self, job: Job) -> bool:
        """Whether a run goes to a worker: those that vary and see nothing but data and tables."""
        return bool(job.chapter.vary) and not job.chapter.files and not job.chapter.produces

    def execute(self, order: Order) -> Executed:
        """Have a worker carry out an order; another one when the first dies."""
        future = self.client.submit(carry_out, order, retries=parallel.RETRIES, pure=False)
        return future.result()


@contextlib.contextmanager
def cluster() -> Iterator[Cluster | None]:
    """The cluster that was asked for, if one was. Raises analysis.parallel.NoScheduler."""
    address = parallel.named_scheduler()
    if not address:
        yield None
        return
    with parallel.client(address) as client:
        yield Cluster(client)


def carry_out(order: Order) -> Executed:
    """On a worker: lay out the files in a folder of its own and run the notebook there."""
    _keep_kernels_warm(notebook.code(order.notebook))
    with tempfile.TemporaryDirectory(prefix="analysis-run-") as name:
        folder = Path(name)
        lay_out(folder, order.declared)
        for file, content in order.files.items():
            (folder / file).write_bytes(content)
        environment = runs_environment.of_run(folder, order.memory, cores=1)
        environment |= {"ANALYSIS_ROOT": name, "ANALYSIS_CACHE": str(folder / "cache")}
        place = str(folder / "here")
        done = execute(order.notebook, order.parameters, environment, place, order.limit)
        written = {f"processed/{path.name}" for path in (folder / "processed").iterdir()}
        done = held_to_declaration(done, folder)
        if done.notebook is None:
            return done
        wrong = notebook.machine_path(done.notebook, [folder])
        if surplus := sorted(written - order.files.keys()):
            wrong = f"it wrote {', '.join(surplus)}, which pipeline.yml does not say"
        return Executed(None, done.seconds, Failure("the end", wrong)) if wrong else done


def lay_out(folder: Path, declared: Mapping[str, Any]) -> None:
    """Make the folders that a run works in. `declared`: the arguments of `reads.declare`."""
    for part in ("processed", "raw", "reports", "here"):
        (folder / part).mkdir()
    reads.declare(folder, **declared)


def held_to_declaration(done: Executed, folder: Path) -> Executed:
    """A failure where the run in `folder` asked for what it is not given, even if that was caught.

    What went wrong afterwards is a consequence, so this sentence comes before any other.
    """
    sentence = reads.undeclared(folder)
    if not sentence:
        return done
    later = done.failure or Failure("the end", "")
    return Executed(None, done.seconds, Failure(later.cell, sentence, later.traceback))


@cache
def _keep_kernels_warm(source: str) -> None:
    """Prepare kernels for notebooks with this code; they are there until the worker ends."""
    stack = contextlib.ExitStack()
    modules = to_prepare([source])
    stack.enter_context(warm_kernels(modules, environment.pinned()))
    atexit.register(stack.close)


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
    key = store.key(job, tables)
    if finished := store.find(key):
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
        wrong = wrong or notebook.machine_path(done.notebook, [folder, Path(paths.ROOT)])
        if wrong:
            return Outcome(job, None, Failure("the end", wrong), done.seconds)
        written = {table: folder / "processed" / table for table in job.chapter.produces}
        record = {"notebook": job.chapter.stem, "parameters": dict(job.parameters)}
        text = notebook.written(done.notebook)
        finished = store.keep(key, text, written, record)
    return Outcome(job, finished, None, done.seconds, complaints=done.complaints)


def _execute(job: Job, tables: Mapping[str, Path], folder: Path, cores: int) -> Executed:
    lay_out(folder, _declared(job))
    for name, path in _files(job, tables).items():
        shutil.copyfile(path, folder / name)
    environment = runs_environment.of_run(folder, job.chapter.memory, cores)
    environment |= {
        "ANALYSIS_ROOT": str(paths.ROOT),
        "ANALYSIS_NOTEBOOKS": str(paths.NOTEBOOKS),
        "ANALYSIS_CACHE": "off" if disk_cache.is_off() else str(paths.CACHE),
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
    return files | {f"raw/{name}": path for name, path in store.raw_files(job)}


def _notebook(job: Job) -> NotebookNode:
    return translated(notebook.read(job.chapter.path), job.chapter.stem, job.language)


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


# --------------------------------------------------------------------------------------------------
# What a run says while it goes on: a line for each notebook as it ends, a bar on a terminal.
# --------------------------------------------------------------------------------------------------


class Progress:
    """Counts the runs as they end; use as a context manager."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.ended = self.unchanged = self.failed = self.not_run = 0
        self.bar = tqdm(
            total=total,
            disable=not sys.stderr.isatty(),
            bar_format="{bar:30} {n_fmt}/{total_fmt} {desc}",
            leave=False,
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def say(self, outcome: Outcome) -> None:
        """Tell how one run ended; runs that were found unchanged are only counted."""
        self.ended += 1
        self.bar.set_description_str(outcome.job.name, refresh=False)
        self.bar.update()
        if outcome.waited_for:
            self.not_run += 1
            self._line(outcome, f"not run: {outcome.waited_for} failed")
        elif outcome.failure:
            self.failed += 1
            self._line(outcome, f"FAILED in cell {outcome.failure.cell}: {outcome.failure.message}")
            if outcome.failure.traceback:
                tqdm.write(outcome.failure.traceback, file=sys.stderr)
        elif outcome.fresh:
            self._line(outcome, "ok")
            for cell, text in (outcome.complaints or {}).items():
                tqdm.write(f"  cell {cell} wrote to stderr:\n{text.rstrip()}", file=sys.stderr)
        else:
            self.unchanged += 1

    def _line(self, outcome: Outcome, ending: str) -> None:
        count = f"[{self.ended:>{len(str(self.total))}}/{self.total}]"
        tqdm.write(f"{count} {outcome.job.name:<48} {outcome.seconds:7.1f} s  {ending}")
        sys.stdout.flush()

    def summary(self, seconds: float) -> str:
        """One line about the whole."""
        run = self.total - self.unchanged - self.failed - self.not_run
        parts = [f"{run} notebooks run", f"{self.unchanged} unchanged"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.not_run:
            parts.append(f"{self.not_run} not run because of that")
        return f"{', '.join(parts)}, in {seconds:.1f} s."


# --------------------------------------------------------------------------------------------------
# Run many jobs over the cores, each as soon as those before it have ended well.
# --------------------------------------------------------------------------------------------------

_Result = TypeVar("_Result")

#: Names a schedule by chance: SEED, or SEED,FIRST,SECONDS; see `Chance`.
SCHEDULE = "ANALYSIS_SCHEDULE"


@dataclass(frozen=True)
class Chance:
    """Another order of the jobs, to show that the result does not depend on it.

    seed: decides which of the jobs that could start does, and how long each waits before it does.
    first: jobs whose names start with this go before all others. seconds: the longest wait.
    """

    seed: str
    first: str = ""
    seconds: float = 0.0

    def order(self, ready: list[str]) -> list[str]:
        """The jobs that could start, in the order in which they shall."""
        later = {name: not (self.first and name.startswith(self.first)) for name in ready}
        return sorted(ready, key=lambda name: (later[name], self._random(name, "order")))

    def wait(self, name: str) -> None:
        """Pause before a job."""
        time.sleep(self.seconds * self._random(name, "wait"))

    def _random(self, *names: str) -> float:
        return random.Random(" ".join([self.seed, *names])).random()


def by_chance() -> Chance | None:
    """The schedule that the environment asks for, if it does. Raises ValueError."""
    seed, *more = os.environ.get(SCHEDULE, "").split(",")
    if not seed:
        return None
    if len(more) not in (0, 2):
        raise ValueError(f"{SCHEDULE}: write SEED or SEED,FIRST,SECONDS, such as 7,explore,0.5")
    return Chance(seed, more[0], float(more[1])) if more else Chance(seed)


def run_graph(
    after: Mapping[str, Sequence[str]],
    work: Callable[[str], _Result],
    ended_well: Callable[[_Result], bool],
    workers: int,
    chance: Chance | None = None,
) -> Iterator[tuple[str, _Result | None, str]]:
    """Yield (name, result, "") as each job ends, or (name, None, cause) for one that cannot run.

    Args:
        after: job -> jobs that must end well before it starts; in an order in which they could run.
        work: does a job; runs in a thread, at most `workers` at once.
        ended_well: whether what follows may start.
        workers: at least 1.
        chance: another order than the usual one.
    """

    def start(name: str) -> _Result:
        if chance:
            chance.wait(name)
        return work(name)

    waiting = {name: set(before) for name, before in after.items()}
    behind = _waiting_behind(after)
    running: dict[Future[_Result], str] = {}
    with ThreadPoolExecutor(workers) as pool:
        try:
            while waiting or running:
                ready = [name for name, before in waiting.items() if not before]
                # Jobs for which many others wait go first, so that no core runs dry later.
                ready.sort(key=lambda name: -behind[name])
                ready = chance.order(ready) if chance else ready
                for name in ready[: workers - len(running)]:
                    del waiting[name]
                    running[pool.submit(start, name)] = name
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: running[one]):
                    name = running.pop(future)
                    result = future.result()
                    yield name, result, ""
                    if ended_well(result):
                        for before in waiting.values():
                            before.discard(name)
                    else:
                        yield from _cannot_run(waiting, name)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _waiting_behind(after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many jobs wait for each, directly or through others."""
    found: dict[str, set[str]] = {name: set() for name in after}
    for name in reversed(list(after)):
        for before in after[name]:
            if before in found:
                found[before] |= {name} | found[name]
    return {name: len(those) for name, those in found.items()}


def _cannot_run(waiting: dict[str, set[str]], failed: str) -> Iterator[tuple[str, None, str]]:
    """All that waits for `failed`, directly or through others, leaves the queue."""
    causes = {failed}
    while found := [name for name, before in waiting.items() if before & causes]:
        for name in found:
            del waiting[name]
            causes.add(name)
            yield name, None, failed


# --------------------------------------------------------------------------------------------------
# Run the notebooks that have changed, over the cores, and say how each ended.
# --------------------------------------------------------------------------------------------------


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
        one.stem: runs_notebook.typed(
            runs_notebook.read(one.path), request.settings.get(one.stem, {})
        )
        for one in chapters
    }
    jobs = pipeline.jobs(chapters, settings)
    for chapter in chapters:
        notebook = runs_notebook.read(chapter.path)
        for job in jobs:
            if job.chapter is chapter:
                runs_notebook.check_parameters(notebook, chapter.stem, dict(job.parameters))
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
        warm_kernels(_modules(jobs), environment.pinned(), request.warm),
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
        finished = store.find(store.key(job, tables))
        if not finished:
            return []
        outcomes.append(Outcome(job, finished, fresh=False))
        if job.writes_tables:
            tables.update(finished.tables())
    return outcomes


def _same_run_before(job: Job, ended: Mapping[str, Outcome]) -> store.Finished | None:
    """The same notebook in the first language, when its tables are to be compared."""
    if not job.chapter.produces or job.writes_tables:
        return None
    before = (ended[name] for name in job.after if name in ended)
    return next((one.finished for one in before if one.job.chapter is job.chapter), None)


def _modules(jobs: Iterable[Job]) -> list[str]:
    """What the notebooks import, to be imported once beforehand."""
    files = {job.chapter.path for job in jobs}
    return to_prepare(notebook.code(notebook.read(path)) for path in sorted(files))
