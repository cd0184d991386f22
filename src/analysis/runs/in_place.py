"""For those who write notebooks: run them in place and keep clean outputs to commit."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis import paths
from analysis.runs import environment as runs_environment
from analysis.runs import notebook
from analysis.runs import notebook as runs_notebook
from analysis.runs.execute import Executed, execute, to_prepare, warm_kernels

_STRAY = re.compile(r"Untitled\d*|.*-Copy\d+|.* copy( \d+)?|.*-checkpoint|.* \(\d+\)", re.I)


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
    environment = runs_environment.pinned({"ANALYSIS_PROCESSED": str(paths.PUBLISHED)})
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
    paths.write_atomic(file, notebook.written(done.notebook))
    print(f"{file.stem}  {done.seconds:.1f} s  ok")
    return True
