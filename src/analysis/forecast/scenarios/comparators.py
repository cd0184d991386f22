"""Paths that take their pace from elsewhere: other units, or the unit's own past.

Paces are yearly changes of the logit of coverage, so that they mean the same at 60 and at 95
percent. Which unit sets the pace is decided on medians over the draws, never draw by draw: the best
of many noisy draws would be the luckiest, not the best. Only units that were read at least twice
can set a pace. A unit whose business as usual ends higher keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast.points import decimal_year
from analysis.forecast.scenarios.footing import Footing
from analysis.forecast.scenarios.logits import to_logit, to_percent
from analysis.forecast.scenarios.paths import after_origin, between

#: Readings that a unit needs to set the pace for others.
READ_ENOUGH = 2


def best_of_region(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Each unit goes on at the pace of the fastest unit of its region."""
    pace = units.yearly_change(given["years"])
    wanted = np.full(pace.shape, np.nan)
    for region in sorted(set(units.region)):
        own = np.flatnonzero(units.region == region)
        leaders = _fastest(units, pace, own, 1)
        if len(leaders):
            wanted[:, own] = pace[:, leaders]
    return _at_pace(units, wanted)


def top_n(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Each unit goes on at the mean pace of the n fastest units."""
    pace = units.yearly_change(given["years"])
    leaders = _fastest(units, pace, np.arange(len(units.codes)), given["n"])
    mean = pace[:, leaders].mean(axis=1, keepdims=True) if len(leaders) else np.nan
    return _at_pace(units, np.broadcast_to(mean, pace.shape))


def peer_quantile(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Each unit goes on at a quantile of the paces of those that start at a like level.

    Units are cut into groups of equal size by their level at the origin (medians). Between two
    peers the pace is interpolated as the quantile itself is.
    """
    pace = units.yearly_change(given["years"])
    wanted = np.full(pace.shape, np.nan)
    order = np.argsort(np.median(units.start, axis=0), kind="stable")
    for group in np.array_split(order, min(given["groups"], len(order))):
        peers = group[units.read[group] >= READ_ENOUGH]
        if len(peers):
            wanted[:, group] = _quantile(pace[:, peers], given["quantile"])[:, None]
    return _at_pace(units, wanted)


def own_best_years(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Each unit goes on at the mean pace of its own best n years."""
    changes = np.diff(units.past_logits, axis=2)
    n = min(given["n"], changes.shape[2])
    best = np.argsort(-np.median(changes, axis=0), axis=1, kind="stable")[:, :n]
    pace = np.stack([changes[:, v, years].mean(axis=1) for v, years in enumerate(best)], axis=1)
    return _at_pace(units, pace)


def return_to_trajectory(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """At the date back on the line through the year-ends before a shock.

    The line is the least-squares line of the logit over the `years` year-ends before the shock.
    """
    end, shock = decimal_year(pd.DatetimeIndex([units.dates[-1], given["shock"]])) - 1
    before = units.past_years < shock
    known = np.flatnonzero(before)[-max(given["years"], 2) :]
    if len(known) < 2:
        return units.path
    line = _line(units.past_logits[:, :, known], units.past_years[known], end)
    way = units.ramp(units.origin, units.dates[-1])
    return _keep_better(units, between(units.start, to_percent(line), way))


def _line(z: np.ndarray, years: np.ndarray, at: float) -> np.ndarray:
    """(S, V) the least-squares line through (S, V, k) at a year."""
    centred = years - years.mean()
    slope = (z * centred).sum(axis=2) / (centred**2).sum()
    return z.mean(axis=2) + slope * (at - years.mean())


def _fastest(units: Footing, pace: np.ndarray, among: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n units with the highest median pace among those read often enough."""
    able = among[units.read[among] >= READ_ENOUGH]
    return able[np.argsort(-np.median(pace[:, able], axis=0), kind="stable")[:n]]


def _quantile(pace: np.ndarray, q: float) -> np.ndarray:
    """(S,) pace at the quantile q of the peers' medians, linear between two peers."""
    order = np.argsort(np.median(pace, axis=0), kind="stable")
    place = q * (len(order) - 1)
    low = int(place)
    high = min(low + 1, len(order) - 1)
    return pace[:, order[low]] * (1 - place + low) + pace[:, order[high]] * (place - low)


def _at_pace(units: Footing, pace: np.ndarray) -> np.ndarray:
    """From the origin at a pace (S, V); where no unit could set one, business as usual."""
    z = to_logit(units.start)[:, :, None] + pace[:, :, None] * units.years
    return _keep_better(units, np.where(np.isfinite(z), to_percent(z), units.path))


def _keep_better(units: Footing, path: np.ndarray) -> np.ndarray:
    """The path, but business as usual for units that it would leave lower at the date."""
    better = np.median(path[:, :, -1], axis=0) > np.median(units.path[:, :, -1], axis=0)
    return after_origin(units, np.where(better[None, :, None], path, units.path))
