"""Forked kernels give what fresh ones give, share nothing, and never outlive their run."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tiny_project import notebook

from analysis import parallel
from analysis.runs import environment
from analysis.runs import environment as runs_environment
from analysis.runs.execute import execute, to_prepare, warm_kernels
from papermill_warm.kernels import SOCKET

CELLS = [
    "import sys\nimport numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt",
    "print(__name__, sys.argv[0].endswith('ipykernel_launcher.py') or sys.argv[0])",
    "print('to stdout')\npd.DataFrame({'a': [1.5, 2.0]}, index=['x', 'y'])",
    "figure, axes = plt.subplots()\naxes.plot([1, 3, 2])\nfigure",
    "from IPython.display import Markdown, display\ndisplay(Markdown('**bold**'))\nlanguage",
    "np.random.default_rng(1).normal(size=3).round(12), sorted({'b', 'a'}), hash('text')",
    "[name for name in dir() if not name.startswith('_')]",
]


@pytest.fixture(scope="module")
def warm():
    """Warm kernels; they fork from a process of their own, whatever this one has typeset."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parallel, "_threaded", 0)
        prepared = warm_kernels(to_prepare(CELLS), environment.pinned())
        with prepared as is_warm:
            if not is_warm:
                pytest.skip("this system cannot fork")
            yield


#: Seconds; generous, since pages may be drawn and models fitted beside a test.
GENEROUS, SHORT = 280.0, 6.0


def run(cells, limit=GENEROUS, **settings):
    environment = runs_environment.pinned(settings)
    return execute(notebook(cells), {"language": "vi"}, environment, ".", limit)


def test_outputs_are_those_of_a_cold_kernel_cell_by_cell(warm, monkeypatch):
    forked = run(CELLS)
    monkeypatch.delenv(SOCKET)
    fresh = run(CELLS)
    assert forked.failure is None and fresh.failure is None
    for one, other in zip(forked.notebook.cells, fresh.notebook.cells, strict=True):
        if one.id != "step-2":  # the command line is the one thing that differs
            assert one == other
    assert [cell.id for cell in forked.notebook.cells[:3]] == [
        "title",
        "parameters",
        "injected-parameters",
    ]


def test_nothing_leaks_from_one_notebook_to_the_next(warm):
    assert run(["leak = 1\nimport pandas as pd\npd.leak = 1\nimport os\nos.environ['LEAK'] = '1'"])
    done = run(
        [
            "import os\nimport pandas as pd",
            "'leak' in dir(), hasattr(pd, 'leak'), 'LEAK' in os.environ",
        ]
    )
    assert done.notebook.cells[-1].outputs[0].data["text/plain"] == "(False, False, False)"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1 / 0"], "ZeroDivisionError: division by zero"),
        (["import os\nos.kill(os.getpid(), 9)"], "died by signal SIGKILL.*memory"),
        (["import os\nos._exit(3)"], "ended by itself with status 3"),
        (["import time\ntime.sleep(600)"], "did not end within its limit of 6 s"),
    ],
)
def test_a_kernel_that_ends_badly_is_told_with_its_cell(warm, cells, message):
    import re

    started = time.monotonic()
    done = run(["fine = 1", *cells], limit=SHORT if "sleep" in cells[0] else GENEROUS)
    assert done.notebook is None
    assert done.failure.cell == "step-2"
    assert re.search(message, done.failure.message)
    assert time.monotonic() - started < GENEROUS


def test_memory_beyond_the_limit_is_an_error_in_its_cell(warm):
    done = run(["import numpy as np\nbig = np.ones((1 << 30,))"], PAPERMILL_WARM_MEMORY="1500")
    assert "MemoryError" in done.failure.message


# A run that a shell put in the background ignores SIGINT, and so would all that it starts.
RUN = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from analysis import parallel
from analysis.runs import environment as settings
from analysis.runs.execute import execute, warm_kernels
from tiny_project import notebook
environment = settings.pinned()
cells = [
    "import subprocess, time, os, sys",
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])",
    "open(os.environ['MARK'] + f'-{os.getpid()}-{child.pid}', 'w').close()",
    "time.sleep(600)",
]
with warm_kernels([], environment, warm=sys.argv[1] == "warm"):
    execute(notebook(cells), {}, environment, ".", 600)
"""


@pytest.mark.parametrize("kind", ["warm", pytest.param("cold", marks=pytest.mark.slow)])
@pytest.mark.parametrize("signal", ["SIGINT", "SIGKILL"])
def test_no_process_is_left_when_the_run_is_stopped(tmp_path, kind, signal):
    import signal as signals

    environment = {**os.environ, "MARK": str(tmp_path / "mark")}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, kind],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(2000):
        if marks := list(tmp_path.glob("mark-*")):
            break
        time.sleep(0.1)
    family = [int(number) for number in marks[0].name.split("-")[1:]]
    process.send_signal(getattr(signals, signal))
    process.wait(120)
    until = time.monotonic() + 60
    while time.monotonic() < until and any(map(_is_running, family)):
        time.sleep(0.1)
    left = [number for number in family if _is_running(number)]
    for number in left:
        os.kill(number, 9)
    assert not left


def _is_running(number):
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
