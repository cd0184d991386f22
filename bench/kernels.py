"""Starting a kernel with the imports of a chapter: forked against fresh, in one run."""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import nbformat
import papermill  # noqa: F401 - its import is not part of what is measured
from measure import finish, row, seconds

from analysis.runs import environment
from analysis.runs import environment as runs_environment
from analysis.runs import warm as runs_warm
from analysis.runs.execute import execute

IMPORTS = (
    "import pandas\nimport statsmodels.api\nimport matplotlib.pyplot\n"
    "import analysis.findings.brief"
)
REPEATS = 7


def start() -> float:
    """Seconds from asking for a kernel to the end of its imports."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)])
    environment = runs_environment.pinned()

    def work() -> None:
        done = execute(notebook, {}, environment, str(Path.cwd()), 300)
        assert done.failure is None, done.failure

    return seconds(work)


def main() -> None:
    """Warm and cold starts in turn, so that both meet the same load of the machine."""
    warm, cold = [], []
    with runs_warm.warm_kernels(runs_warm.to_prepare([IMPORTS]), environment.pinned()):
        preparing = start()
        address = os.environ[runs_warm.SOCKET]
        for _ in range(REPEATS):
            os.environ[runs_warm.SOCKET] = address
            warm.append(start())
            os.environ[runs_warm.SOCKET] = ""
            cold.append(start())
    one, other = statistics.median(warm), statistics.median(cold)
    finish(
        [
            row("warm start, median of 7", one, "s"),
            row("cold start, median of 7", other, "s"),
            row("warm / cold", one / other, "", below=0.1),
            row("first start, with preparing the process", preparing, "s"),
        ]
    )


if __name__ == "__main__":
    main()
