"""Briefs on a cluster have the same bytes as here, also when a worker dies."""

import contextlib
import signal
import subprocess
import threading
import time

import pytest
from loopback_cluster import loopback_cluster, loopback_processes
from parallel_work import long_item
from tiny_project import TinyProject, code_at_this_moment

from analysis import parallel

pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(tmp_path):
    settings = {"PYTHONPATH": str(code_at_this_moment()), "ANALYSIS_ROOT": str(tmp_path)}
    with loopback_cluster(tmp_path, settings) as made:
        yield made


@pytest.fixture
def two_projects(tmp_path):
    """The same project twice; its briefs take a second and show that they ran in its root."""
    projects = [TinyProject(tmp_path / name) for name in ("here", "there")]
    for project in projects:
        slow = "from pathlib import Path\nimport time\n\ntime.sleep(1)\nPath('notebooks').is_dir()"
        read = "from analysis.paths import read_processed\nread_processed('sums')"
        parameters = 'language = "en"\nunit = "a"'
        project.notebook("08_brief", [slow, read], parameters)
    assert projects[0].run("report").returncode == 0
    return projects


def test_a_cluster_makes_the_same_report(two_projects, cluster):
    here, there = two_projects
    address, _ = cluster
    ended = there.run("report", "--scheduler", address)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert there.files() == here.files()


def test_a_worker_that_is_killed_changes_nothing(two_projects, cluster):
    here, there = two_projects
    address, workers = cluster
    command = there.command("report", "--scheduler", address)
    process = subprocess.Popen(
        command,
        env=there.environment(),
        cwd=there.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while "02_sums language=en" not in said:
        said += (line := process.stdout.readline())
        assert line, said
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    workers[0].send_signal(signal.SIGKILL)
    said += process.communicate(timeout=280)[0]
    assert process.returncode == 0, said
    assert there.files() == here.files()


def test_workers_as_dask_starts_them_stop_although_their_scheduler_ended_first(tmp_path):
    """In the middle of an item too: what the help of `analysis report` says of the nanny."""
    with loopback_processes(tmp_path, []) as (address, (scheduler, *workers)):
        with parallel.client(address) as there:
            there.wait_for_workers(len(workers), timeout=250)
        asking = threading.Thread(target=asked_in_vain, args=(address, tmp_path), daemon=True)
        asking.start()
        while not any(tmp_path.glob("begun-*")):
            time.sleep(0.1)
        scheduler.terminate()
        scheduler.wait(30)
        for worker in workers:
            worker.terminate()
        ended = [worker.wait(30) for worker in workers]
        assert -signal.SIGKILL not in ended


def asked_in_vain(address, folder):
    """Items that outlast the cluster."""
    with contextlib.suppress(Exception):
        parallel.map(long_item, [str(folder)] * 4, scheduler=address)


def test_a_scheduler_that_is_not_there_is_one_line(two_projects):
    _, there = two_projects
    ended = there.run("report", "--scheduler", "tcp://127.0.0.1:9")
    assert ended.returncode == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in ended.stderr
    assert "Traceback" not in ended.stderr
