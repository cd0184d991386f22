"""Run many jobs over the cores, each as soon as those before it have ended well."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")

#: Names a schedule by chance: SEED, or SEED,FIRST,SECONDS; see `Chance`.
SCHEDULE = "ANALYSIS_SCHEDULE"


@dataclass(frozen=True)
class Chance:
    """Another order of the jobs, to show that the result does not depend on it.

    seed: decides which of the jobs that could start does, and how long each waits before it does.
    first: jobs whose names start with this go before all others. seconds: the longest wait.
    """

    seed: str
    first: str = ""
    seconds: float = 0.0

    def order(self, ready: list[str]) -> list[str]:
        """The jobs that could start, in the order in which they shall."""
        later = {name: not (self.first and name.startswith(self.first)) for name in ready}
        return sorted(ready, key=lambda name: (later[name], self._random(name, "order")))

    def wait(self, name: str) -> None:
        """Pause before a job."""
        time.sleep(self.seconds * self._random(name, "wait"))

    def _random(self, *names: str) -> float:
        return random.Random(" ".join([self.seed, *names])).random()


def by_chance() -> Chance | None:
    """The schedule that the environment asks for, if it does. Raises ValueError."""
    seed, *more = os.environ.get(SCHEDULE, "").split(",")
    if not seed:
        return None
    if len(more) not in (0, 2):
        raise ValueError(f"{SCHEDULE}: write SEED or SEED,FIRST,SECONDS, such as 7,explore,0.5")
    return Chance(seed, more[0], float(more[1])) if more else Chance(seed)


def run_graph(
    after: Mapping[str, Sequence[str]],
    work: Callable[[str], Result],
    ended_well: Callable[[Result], bool],
    workers: int,
    chance: Chance | None = None,
) -> Iterator[tuple[str, Result | None, str]]:
    """Yield (name, result, "") as each job ends, or (name, None, cause) for one that cannot run.

    Args:
        after: job -> jobs that must end well before it starts; in an order in which they could run.
        work: does a job; runs in a thread, at most `workers` at once.
        ended_well: whether what follows may start.
        workers: at least 1.
        chance: another order than the usual one.
    """

    def start(name: str) -> Result:
        if chance:
            chance.wait(name)
        return work(name)

    waiting = {name: set(before) for name, before in after.items()}
    behind = _waiting_behind(after)
    running: dict[Future[Result], str] = {}
    with ThreadPoolExecutor(workers) as pool:
        try:
            while waiting or running:
                ready = [name for name, before in waiting.items() if not before]
                # Jobs for which many others wait go first, so that no core runs dry later.
                ready.sort(key=lambda name: -behind[name])
                ready = chance.order(ready) if chance else ready
                for name in ready[: workers - len(running)]:
                    del waiting[name]
                    running[pool.submit(start, name)] = name
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: running[one]):
                    name = running.pop(future)
                    result = future.result()
                    yield name, result, ""
                    if ended_well(result):
                        for before in waiting.values():
                            before.discard(name)
                    else:
                        yield from _cannot_run(waiting, name)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _waiting_behind(after: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many jobs wait for each, directly or through others."""
    found: dict[str, set[str]] = {name: set() for name in after}
    for name in reversed(list(after)):
        for before in after[name]:
            if before in found:
                found[before] |= {name} | found[name]
    return {name: len(those) for name, those in found.items()}


def _cannot_run(waiting: dict[str, set[str]], failed: str) -> Iterator[tuple[str, None, str]]:
    """All that waits for `failed`, directly or through others, leaves the queue."""
    causes = {failed}
    while found := [name for name, before in waiting.items() if before & causes]:
        for name in found:
            del waiting[name]
            causes.add(name)
            yield name, None, failed
