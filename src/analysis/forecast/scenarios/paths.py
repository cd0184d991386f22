"""Paths that need nothing but the unit itself: each returns (S, V, T) in percent.

All start from the level at the origin without its saw-tooth, `Footing.start`, and leave what lies
before the origin as it is. `u` is the share of the way from the origin to a date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast.scenarios.footing import Footing

#: How the way to a target is spread: evenly, or slowly first (the square of the time gone).
SHAPES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "straight": lambda u: u,
    "accelerating": np.square,
}


def business_as_usual(units: Footing, _: Mapping[str, Any]) -> np.ndarray:
    """The forecast itself."""
    return units.path


def hold_last(units: Footing, _: Mapping[str, Any]) -> np.ndarray:
    """The level at the origin stays."""
    return after_origin(units, np.zeros_like(units.path) + units.start[:, :, None])


def linear_change(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """start + points x years."""
    step = given["points_per_year"] * units.years
    return after_origin(units, units.start[:, :, None] + step)


def percent_of_baseline(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Straight to start x percent / 100 at the date."""
    end = units.start * given["percent"] / 100
    return after_origin(units, between(units.start, end, _way(units)))


def constant_rate(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """start x (1 + percent / 100) ^ years."""
    factor = (1 + given["percent_per_year"] / 100) ** units.years
    return after_origin(units, units.start[:, :, None] * factor)


def reach_target(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """At the date `by` no lower than the target, then no lower than it again.

    Draws in which business as usual gets there by itself stay as they are; a unit without any
    target does too.
    """
    wanted = units.targets if given["target"] == "assigned" else given["target"]
    goal = np.broadcast_to(np.asarray(wanted, float), units.targets.shape)
    by = given["by"] or units.dates[-1]
    way = SHAPES[given["shape"]](units.ramp(units.origin, by))
    at_by = _at(units, by)
    path = between(units.start, np.broadcast_to(goal, units.start.shape), way)
    short = (at_by < goal)[:, :, None]
    return after_origin(
        units, np.where(short, np.maximum(path, _held(units, by, goal)), units.path)
    )


def _held(units: Footing, by: Any, goal: np.ndarray) -> np.ndarray:
    """After `by`, business as usual where it is higher than the target; before it, nothing."""
    later = np.asarray(units.dates > by)
    return np.where(later, np.maximum(units.path, goal[None, :, None]), -np.inf)


def dip_and_recover(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Business as usual less a dip that grows to its lowest day and is gone when recovered.

    Where they are not given, the lowest day lies halfway to the date, and recovery ends on it.
    """
    lowest = given["lowest"] or _halfway(units)
    down = units.ramp(units.origin, lowest)
    back = units.ramp(lowest, given["recovered"] or units.dates[-1])
    at_lowest_or_later = np.asarray(units.dates >= lowest)
    depth = given["dip"] * np.where(at_lowest_or_later, 1 - back, down)
    return after_origin(units, units.path - depth)


def _halfway(units: Footing) -> pd.Timestamp:
    days = (units.dates[-1] - units.origin).days
    return units.origin + pd.Timedelta(days=days // 2)


def between(start: np.ndarray, end: np.ndarray, way: np.ndarray) -> np.ndarray:
    """From start (S, V) to end (S, V), the share `way` (T,) of it: (S, V, T)."""
    return start[:, :, None] + (end - start)[:, :, None] * way


def after_origin(units: Footing, path: np.ndarray) -> np.ndarray:
    """The path after the origin, within 0 and 100 percent; before it what was."""
    past = np.asarray(units.dates <= units.origin)
    return np.where(past, units.path, np.clip(path, 0, 100))


def _way(units: Footing) -> np.ndarray:
    return units.ramp(units.origin, units.dates[-1])


def _at(units: Footing, day: Any) -> np.ndarray:
    """(S, V) business as usual on a day, straight between the dates."""
    days = (units.dates - units.origin).days.to_numpy()
    at = float(np.interp((day - units.origin).days, days, np.arange(len(days))))
    low, share = int(at), at - int(at)
    high = min(low + 1, len(days) - 1)
    return units.path[:, :, low] * (1 - share) + units.path[:, :, high] * share
