"""Execute notebooks by papermill: from content to content, or to a failure that says where.

Kernels are those of `papermill_warm`: forks of a process that has imported what notebooks use.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import re
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from analysis import disk_cache
from analysis.runs import notebook as runs_notebook

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def to_prepare(sources: Iterable[str]) -> list[str]:
    """What notebooks with these sources import, directly or through this package's modules."""
    texts = list(sources)
    modules = disk_cache.closure(name for text in texts for name in disk_cache.imported_by(text))
    files = [disk_cache.module_file(name) for name in modules]
    texts += [file.read_text("utf-8") for file in files if file]
    libraries = {name for text in texts for name in disk_cache.libraries_of(text)}
    return [*sorted(libraries), *modules]


def warm_kernels(
    modules: Iterable[str], environment: Mapping[str, str], warm: bool = True
) -> contextlib.AbstractContextManager[bool]:
    """While the block runs, notebooks start in forks of one process that has these modules.

    What is rehearsed in it is named by entry points of the group `analysis.rehearsals`. Yields
    whether kernels are warm; see `papermill_warm.warm_kernels`.
    """
    import papermill_warm

    rehearsals = importlib.metadata.entry_points(group="analysis.rehearsals")
    return papermill_warm.warm_kernels(
        modules,
        environment,
        warm,
        rehearsals=[one.value for one in rehearsals],
        in_fork=["analysis.reads:watch"],
    )


@dataclass(frozen=True)
class Failure:
    """What went wrong in a notebook: the cell's id, one line, and the traceback if there is one."""

    cell: str
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Executed:
    """A notebook that was run: its repeatable form, or a failure; seconds; output to stderr."""

    notebook: NotebookNode | None
    seconds: float
    failure: Failure | None = None
    complaints: dict[str, str] = field(default_factory=dict)


def execute(
    notebook: NotebookNode,
    parameters: Mapping[str, Any],
    environment: Mapping[str, str],
    folder: str,
    limit: float,
) -> Executed:
    """Run a notebook in a kernel of its own, with `parameters` injected.

    Args:
        notebook: not changed.
        parameters: must be declared by the notebook; see runner_notebook.check_parameters.
        environment: of the kernel, complete.
        folder: in which the kernel works.
        limit: seconds for the whole notebook.
    """
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)
    watch: dict[str, Any] = {}
    started = time.monotonic()
    try:
        executed = papermill.execute_notebook(
            _copy(notebook),
            None,
            dict(parameters),
            engine_name="warm",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            watch=watch,
            limit=limit,
            environment=dict(environment),
            folder=folder,
        )
    except Exception as error:
        return Executed(None, time.monotonic() - started, _failure(error, watch, limit))
    complaints = runs_notebook.clean(executed)
    return Executed(executed, time.monotonic() - started, None, complaints)


def _copy(notebook: NotebookNode) -> NotebookNode:
    import nbformat

    return nbformat.reads(nbformat.writes(notebook), as_version=4)


def _failure(error: Exception, watch: dict[str, Any], limit: float) -> Failure:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    cell = watch.get("cell", "before the first cell")
    if isinstance(error, PapermillExecutionError):
        lines = _COLOURS.sub("", "\n".join(error.traceback))
        return Failure(cell, f"{error.ename}: {error.evalue}".strip(), lines)
    if isinstance(error, CellTimeoutError):
        return Failure(cell, f"the notebook did not end within its limit of {limit:g} s")
    if isinstance(error, DeadKernelError):
        return Failure(cell, _how_it_died(watch.get("exit")), watch.get("log", ""))
    return Failure(cell, f"{type(error).__name__}: {error}")


def _how_it_died(status: int | None) -> str:
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        hint = "; the system does this when memory runs out" if name == "SIGKILL" else ""
        return f"the kernel died by signal {name}{hint}"
    return f"the kernel ended by itself with status {status}"
