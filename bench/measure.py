"""What the measurements share: rows, goals, time and peak memory."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from typing import Any


def row(what: str, value: float, unit: str, below: float | None = None) -> dict[str, Any]:
    """One figure; with `below`, the goal that it is to stay under."""
    entry: dict[str, Any] = {"what": what, "value": value, "unit": unit}
    if below is not None:
        entry.update(goal=f"below {below:g}", met=value < below)
    return entry


def seconds(work: Callable[[], Any]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def finish(rows: list[dict[str, Any]]) -> None:
    """Print the rows with the peak memory of this process and of its largest child."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024
    print(json.dumps({"rows": rows, "peak_megabytes": peak}))
