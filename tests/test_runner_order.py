"""Jobs for which many others wait go first; each waits for those before it."""

import threading

import pytest

from analysis.runs.jobs import run_graph

AFTER = {
    "read": (),
    "aside": ("read",),
    "long": ("read",),
    "middle": ("read",),
    "last": ("middle",),
    "brief 1": ("last",),
    "brief 2": ("last",),
}


def order(workers):
    started, lock = [], threading.Lock()

    def work(name):
        with lock:
            started.append(name)
        return name

    ended = [name for name, *_ in run_graph(AFTER, work, lambda result: True, workers)]
    return started, ended


def test_what_many_wait_for_goes_first():
    assert order(1)[0] == ["read", "middle", "last", "aside", "long", "brief 1", "brief 2"]


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_every_job_runs_once_after_those_before_it(workers):
    started, ended = order(workers)
    assert sorted(started) == sorted(ended) == sorted(AFTER)
    place = {name: i for i, name in enumerate(started)}
    for name, before in AFTER.items():
        assert all(place[one] < place[name] for one in before)


def test_what_depends_on_a_failure_does_not_run():
    found = list(run_graph(AFTER, lambda name: name, lambda result: result != "middle", 2))
    stopped = {name: cause for name, result, cause in found if result is None}
    assert stopped == dict.fromkeys(("last", "brief 1", "brief 2"), "middle")
