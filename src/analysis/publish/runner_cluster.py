"""Runs of one notebook for many units, on the workers of a Dask cluster.

With a scheduler (`analysis report --scheduler tcp://host:port`) every run that varies is sent with
all that it may see, so the workers need this package and no disk in common. What comes back is
stored here like a run of this machine: the bytes are the same. A worker that dies costs time only.
"""

from __future__ import annotations

import atexit
import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat import NotebookNode

from analysis import parallel, reads
from analysis.publish import kernels, runner_environment, runner_notebook
from analysis.publish.pipeline import Job
from analysis.publish.runner_execute import Executed, Failure, execute

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
    _keep_kernels_warm(runner_notebook.code(order.notebook))
    with tempfile.TemporaryDirectory(prefix="analysis-run-") as name:
        folder = Path(name)
        lay_out(folder, order.declared)
        for file, content in order.files.items():
            (folder / file).write_bytes(content)
        environment = runner_environment.of_run(folder, order.memory, cores=1)
        environment |= {"ANALYSIS_ROOT": name, "ANALYSIS_CACHE": str(folder / "cache")}
        place = str(folder / "here")
        done = execute(order.notebook, order.parameters, environment, place, order.limit)
        written = {f"processed/{path.name}" for path in (folder / "processed").iterdir()}
        done = held_to_declaration(done, folder)
        if done.notebook is None:
            return done
        wrong = runner_notebook.machine_path(done.notebook, [folder])
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
    modules = kernels.to_prepare([source])
    stack.enter_context(kernels.warm_kernels(modules, runner_environment.pinned()))
    atexit.register(stack.close)
