"""Execute notebooks by papermill: from content to content, or to a failure that says where.

Kernels are those of `papermill_warm`: forks of a process that has imported what notebooks use.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import re
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from analysis import disk_cache, paths
from analysis.runs import notebook as runs_notebook
from analysis.runs.environment import pinned

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_STRAY = re.compile(r"Untitled\d*|.*-Copy\d+|.* copy( \d+)?|.*-checkpoint|.* \(\d+\)", re.I)


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
        parameters: must be declared by the notebook; see `runs.notebook.check_parameters`.
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


# --------------------------------------------------------------------------------------------------
# For those who write notebooks: run them in place and keep clean outputs to commit.
# --------------------------------------------------------------------------------------------------


def chosen(names: Sequence[str]) -> list[Path]:
    """The notebooks named (with or without .ipynb), or all, in their order.

    What an editor leaves beside them (Untitled, a copy) is not run unless it is named.

    Raises ValueError for a name without a notebook.
    """
    there = {path.stem: path for path in sorted(Path(paths.NOTEBOOKS).glob("*.ipynb"))}
    stems = [Path(name).name.removesuffix(".ipynb") for name in names]
    if unknown := [stem for stem in stems if stem not in there]:
        raise ValueError(f"no such notebook: {', '.join(unknown)} (there are: {', '.join(there)})")
    return [there[stem] for stem in (stems or [one for one in there if not _STRAY.fullmatch(one)])]


def run_in_place(names: Sequence[str], limit: float = 900, warm: bool = True) -> int:
    """Run notebooks with their default parameters and write their outputs into them.

    A notebook that fails keeps the outputs it had. Returns how many failed.
    """
    files = chosen(names)
    notebooks = [runs_notebook.read(file) for file in files]
    modules = to_prepare(runs_notebook.code(one) for one in notebooks)
    # Named, since a notebook run by hand writes its tables apart from the report's.
    environment = pinned({"ANALYSIS_PROCESSED": str(paths.PUBLISHED)})
    failed = 0
    number = "1 notebook" if len(files) == 1 else f"{len(files)} notebooks"
    print(f"Running {number}; each says when it is done ...", flush=True)
    with warm_kernels(modules, environment, warm and len(files) > 1):
        for file, notebook in zip(files, notebooks, strict=True):
            done = execute(notebook, {}, environment, str(file.parent), limit)
            failed += not _keep(file, done)
    return failed


def _keep(file: Path, done: Executed) -> bool:
    for cell, text in done.complaints.items():
        print(f"  {file.stem}, cell {cell}, wrote to stderr (not kept):\n{text}", file=sys.stderr)
    if done.notebook is None:
        assert done.failure is not None
        print(f"{file.stem}  {done.seconds:.1f} s  FAILED in cell {done.failure.cell}")
        print(done.failure.traceback or done.failure.message, file=sys.stderr)
        return False
    paths.write_atomic(file, runs_notebook.written(done.notebook))
    print(f"{file.stem}  {done.seconds:.1f} s  ok")
    return True
