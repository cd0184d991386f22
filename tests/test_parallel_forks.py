"""Loops in forks: they have what is in memory, leave signals to their parent, and end with it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis import parallel

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="this system cannot fork"
)

PARENT = """
import os, signal, sys, time
from analysis import parallel

def stop(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGTERM, stop)

def work(item):
    os.write(1, f"{os.getpid()}\\n".encode())
    time.sleep(item)
    return item

print("made", parallel.forked(work, [float(a) for a in sys.argv[1:]], workers=2), flush=True)
"""


def start(*seconds):
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, *map(str, seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(autouse=True)
def nothing_typeset_yet(monkeypatch):
    """Other tests of this process may have typeset papers; the forks here do not."""
    monkeypatch.setattr(parallel, "_threaded", 0)


def test_results_come_in_order_from_other_processes():
    offset = 10  # known to the fork because it was in memory, not because it was sent
    results = parallel.forked(lambda item: (item + offset, os.getpid()), range(6), workers=2)
    assert [value for value, _ in results] == [10, 11, 12, 13, 14, 15]
    assert os.getpid() not in {process for _, process in results}


def test_one_item_and_one_core_stay_here():
    assert parallel.forked(lambda _: os.getpid(), [1], workers=2) == [os.getpid()]
    assert parallel.forked(lambda _: os.getpid(), [1, 2], workers=1) == [os.getpid()] * 2


def test_an_error_in_an_item_is_raised_here():
    def fails(item):
        raise ValueError(f"item {item} is wrong")

    with pytest.raises(ValueError, match="item 0 is wrong"):
        parallel.forked(fails, [0, 1], workers=2)


def test_the_handler_of_the_parent_is_not_run_in_its_forks():
    process = start(0, 0, 0)
    out, complaint = process.communicate(timeout=250)
    assert process.returncode == 0
    assert "made [0.0, 0.0, 0.0]" in out
    assert complaint == ""


def test_forks_end_when_their_parent_is_killed():
    process = start(60, 60)
    assert process.stdout is not None
    forks = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.wait(10)
    for _ in range(100):
        if not any(alive(fork) for fork in forks):
            return
        time.sleep(0.05)
    pytest.fail("a fork outlived its parent")


def alive(process):
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_text("ascii")
        return state.rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


TYPESETTER = """
from analysis import parallel
from analysis.site.pdf import typeset

PAGE = '#set document(title: "A")\\n= One\\nNumber '
make = typeset.__wrapped__
DATA = {"day": "2026-03-31"}
first = make(PAGE + "0", DATA, {})
made = parallel.forked(lambda item: len(make(PAGE + str(item), DATA, {})), [1, 2, 3], workers=2)
print(len(first) > 0, all(made), parallel.can_fork(), flush=True)
"""


def test_a_process_that_has_typeset_papers_does_not_fork_into_a_standstill():
    command = [sys.executable, "-c", TYPESETTER]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert ended.stdout.split() == ["True", "True", "False"], ended.stderr
