"""A real Dask scheduler on loopback with two worker processes."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path


@contextlib.contextmanager
def loopback_cluster(folder, settings=None):
    """The scheduler's address and the two worker processes, which end with the block."""
    with loopback_processes(folder, ["--no-nanny"], settings) as (address, processes):
        yield address, processes[1:]


@contextlib.contextmanager
def loopback_processes(folder, options, settings=None):
    """The scheduler's address; its process and those of two workers started with the options."""
    python = [sys.executable, "-m"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), **(settings or {})}
    outside = {"cwd": folder, "env": environment, "stderr": subprocess.DEVNULL}
    place = folder / "scheduler.json"
    common = ["--host", "127.0.0.1", "--scheduler-file", str(place), "--no-dashboard"]
    commands = [[*python, "distributed.cli.dask_scheduler", *common]]
    worker = [*python, "distributed.cli.dask_worker", "--nthreads", "1", *options]
    commands += [[*worker, *common]] * 2
    processes = [subprocess.Popen(command, **outside) for command in commands]
    try:
        yield f"tcp://127.0.0.1:{_port(place)}", processes
    finally:
        for process in reversed(processes):
            _end(process)


def _end(process):
    """Workers first, so that each can still say goodbye to the scheduler."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _port(place):
    for _ in range(300):
        if place.exists():
            return int(json.loads(place.read_text())["address"].rsplit(":", 1)[1])
        time.sleep(0.1)
    raise AssertionError("the scheduler did not start")
