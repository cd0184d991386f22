"""One core, many cores, a cluster, a cluster that loses a worker: the same bytes."""

import os
import signal
import threading
import time

import pytest
from loopback_cluster import loopback_cluster
from parallel_work import draws, fails, slow_draws

from analysis import parallel

ITEMS = list(range(12))


def content(results):
    return [values.tobytes() for values, _ in results]


@pytest.fixture(scope="module")
def alone():
    return content([draws(item) for item in ITEMS])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The address of a real scheduler on loopback with two worker processes, and their numbers."""
    with loopback_cluster(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def test_two_processes_give_what_one_gives(alone):
    assert content(parallel.map(draws, ITEMS, workers=2)) == alone


def test_a_cluster_gives_the_same_from_other_processes(alone, cluster):
    address, _ = cluster
    results = parallel.map(draws, ITEMS, scheduler=address)
    assert content(results) == alone
    assert os.getpid() not in {process for _, process in results}


def test_the_address_may_come_from_the_environment(alone, cluster, monkeypatch):
    monkeypatch.setenv(parallel.SCHEDULER, cluster[0])
    assert content(parallel.map(draws, ITEMS)) == alone


@pytest.mark.parametrize("where", ["here", "cluster"])
def test_an_error_in_an_item_is_raised_here(where, request):
    address = request.getfixturevalue("cluster")[0] if where == "cluster" else None
    with pytest.raises(ValueError, match="item 0 is wrong"):
        parallel.map(fails, [0], workers=1, scheduler=address)


def test_a_worker_killed_in_the_middle_changes_nothing(alone, cluster, tmp_path):
    address, workers = cluster

    def kill_one():
        victim = workers[0]
        while not any(tmp_path.glob(f"*-{victim.pid}")):
            time.sleep(0.05)
        os.kill(victim.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    results = parallel.map(slow_draws, [(str(tmp_path), item) for item in ITEMS], scheduler=address)
    killer.join(30)
    assert workers[0].wait(10) == -signal.SIGKILL
    assert content(results) == alone


def test_a_scheduler_that_is_not_there_is_told_by_its_address(monkeypatch):
    import distributed

    def refuse(address, **_):
        raise OSError("Timed out trying to connect")

    monkeypatch.setattr(distributed, "Client", refuse)
    with pytest.raises(parallel.NoScheduler, match=r"answers at tcp://127\.0\.0\.1:9"):
        parallel.map(draws, ITEMS, scheduler="tcp://127.0.0.1:9")
