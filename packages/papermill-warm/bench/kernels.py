"""A notebook that only imports what chapters import: warm kernels against plain papermill, in turn.

Plain papermill is its own engine with its own kernels; both run the same notebook, from asking for
a kernel to the end of the imports.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable

import nbformat
import papermill
from measure import finish, row, seconds

from papermill_warm import warm_kernels

MODULES = ["pandas", "statsmodels.api", "matplotlib.pyplot"]
REPEATS = 7


def notebook() -> nbformat.NotebookNode:
    """One cell with the imports."""
    source = "\n".join(f"import {name}" for name in MODULES)
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.metadata["kernelspec"] = python
    return made


def by(engine: str | None) -> Callable[[], None]:
    """A run of the notebook by an engine of papermill."""

    def work() -> None:
        done = papermill.execute_notebook(notebook(), None, engine_name=engine, progress_bar=False)
        assert done.cells[-1].execution_count == 1

    return work


def main() -> None:
    """Warm and plain runs in turn, so that both meet the same load of the machine."""
    warm, plain = [], []
    by(None)()  # its own imports are not part of what is measured
    with warm_kernels(MODULES, {**os.environ, "MPLBACKEND": "agg"}) as is_warm:
        assert is_warm, "this system cannot fork"
        preparing = seconds(by("warm"))
        for _ in range(REPEATS):
            warm.append(seconds(by("warm")))
            plain.append(seconds(by(None)))
    one, other = statistics.median(warm), statistics.median(plain)
    finish(
        [
            row(f"warm kernel, median of {REPEATS}", one, "s"),
            row(f"plain papermill, median of {REPEATS}", other, "s"),
            row("warm / plain", one / other, "", below=0.2),
            row("first start, with preparing the process", preparing, "s"),
        ]
    )


if __name__ == "__main__":
    main()
