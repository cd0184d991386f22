"""The same loop on one core, on all cores, or on a cluster: the results are the same bytes.

With ANALYSIS_SCHEDULER=tcp://host:port (the option --scheduler of the commands) the items are
computed by the workers of a Dask cluster, which must have this package installed. A worker that
dies costs time only: its items are computed again elsewhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from analysis import reads

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
_Result = TypeVar("_Result")

#: Names the scheduler's address.
SCHEDULER = "ANALYSIS_SCHEDULER"


#: How often an item is given to another worker when the one that had it dies.
RETRIES = 5


class NoScheduler(OSError):
    """The Dask scheduler that was asked for cannot be used; the message says why."""


def map(
    function: Callable[[Item], _Result],
    items: Iterable[Item],
    workers: int | None = None,
    scheduler: str | None = None,
) -> list[_Result]:
    """The results of `function` for each item, in the order of the items.

    Args:
        function: a pure function at the top level of a module; randomness only from
            `analysis.seeds`, named by the item, so that it does not matter who computes what.
        items: anything that can be pickled.
        workers: processes on this machine; by default the cores that this process may use, and
            one when this process is itself a worker.
        scheduler: address of a Dask scheduler; by default that of ANALYSIS_SCHEDULER, if set.

    An error in an item is raised here. Raises NoScheduler when the cluster cannot be reached.
    """
    from joblib import Parallel, delayed

    given, kept = list(items), reads.at_work()
    address = scheduler or named_scheduler()
    if address:
        with _on_cluster(address):
            return list(Parallel()(delayed(_item)(kept, function, item) for item in given))
    number = min(workers or cores(), max(len(given), 1))
    if number == 1:
        return [function(item) for item in given]
    return list(Parallel(n_jobs=number)(delayed(_item)(kept, function, item) for item in given))


def _item(kept: reads.Kept | None, function: Callable[[Item], _Result], item: Item) -> _Result:
    """One item in another process, which may read no more than who asked for it."""
    with reads.computing(kept):
        return function(item)


def forked(
    function: Callable[[Item], _Result], items: Iterable[Item], workers: int | None = None
) -> list[_Result]:
    """The results of `function` for each item, in order, from forks of this process.

    For work that needs much of what is in memory: a fork has it all, so `function` may be any
    function, a closure too, and only the results travel. One core, and a system that cannot fork,
    do the work here. Forks end with the work, and with this process however it ends; an error in
    an item is raised here.
    """
    given = list(items)
    number = min(workers or cores(), len(given))
    if number <= 1 or not can_fork():
        return [function(item) for item in given]
    fork = multiprocessing.get_context("fork")
    inherited = (function, given, os.getpid())
    with ProcessPoolExecutor(number, fork, _begin_as_fork, inherited) as pool:
        return list(pool.map(_item_of_fork, range(len(given))))


def can_fork() -> bool:
    """Whether this process may fork: on Linux, and before a library began threads of its own.

    macOS's own libraries do not survive a fork. A library that has begun threads waits for them in
    a fork, which does not have them (see `begins_threads`).
    """
    forks = sys.platform.startswith("linux") and hasattr(os, "fork")
    return forks and _threaded != os.getpid()


#: The process in which `begins_threads` was called last.
_threaded = 0


def begins_threads() -> None:
    """Say that a library is about to begin threads in this process, so that it forks no more."""
    global _threaded
    _threaded = os.getpid()


#: In a fork: the function and its items.
_work: tuple[Callable[[Any], Any], Sequence[Any]]

_PR_SET_PDEATHSIG = 1


def _begin_as_fork(function: Callable[[Any], Any], items: Sequence[Any], parent: int) -> None:
    """Take over the work; leave it to the parent to answer signals, and end when it ends."""
    global _work
    _work = function, items
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _item_of_fork(number: int) -> Any:
    function, items = _work
    return function(items[number])


def cores() -> int:
    """The cores that this process may use: fewer than the machine has, in a container."""
    if os.environ.get("ANALYSIS_WORKERS"):
        return int(os.environ["ANALYSIS_WORKERS"])
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def named_scheduler() -> str:
    """The address of the Dask scheduler that was asked for; empty when none was."""
    return os.environ.get(SCHEDULER, "")


@contextlib.contextmanager
def _on_cluster(address: str) -> Iterator[None]:
    """While the block runs, joblib hands its work to the cluster's workers."""
    from joblib import parallel_config

    with (
        client(address) as open_client,
        parallel_config(backend="dask", client=open_client, retries=RETRIES),
    ):
        yield


@contextlib.contextmanager
def client(address: str) -> Iterator[Client]:
    """A client of the cluster at an address, until the block ends. Raises NoScheduler."""
    try:
        from distributed import Client
    except ImportError as error:
        raise NoScheduler("a scheduler needs the packages of `pip install .[cluster]`") from error
    try:
        made = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NoScheduler(f"no Dask scheduler answers at {address}: {error}") from error
    with made:
        yield made
