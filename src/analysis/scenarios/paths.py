"""Paths that need nothing but the unit itself: each returns (S, V, T) in percent.

All start from the level at the origin without its saw-tooth, `Footing.start`, and leave what lies
before the origin as it is. `u` is the share of the way from the origin to a date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast.space import decimal_year
from analysis.readings.targets import meets
from analysis.scenarios.baseline import Footing, to_logit, to_percent
from analysis.scenarios.parameters import Range, ScenarioError

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
    short = ~(meets(at_by, goal) | np.isnan(goal))[:, :, None]
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


# --------------------------------------------------------------------------------------------------
# Paths that take their pace from elsewhere: other units, or the unit's own past.
#
# Paces are yearly changes of the logit of coverage, so that they mean the same at 60 and at 95
# percent. Which unit sets the pace is decided on medians over the draws, never draw by draw: the
# best of many noisy draws would be the luckiest, not the best. Only units that were read at least
# twice can set a pace. A unit whose business as usual ends higher keeps it.
# --------------------------------------------------------------------------------------------------

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


# --------------------------------------------------------------------------------------------------
# Policies of the field: their effect on coverage, and whom the state then pays for.
#
# Effects are stated assumptions with ranges. Only restored cards rest on estimates (chapter 03);
# nothing in these data measures how people answer to premium support.
# --------------------------------------------------------------------------------------------------

GROUPS = ("near_poor", "students", "farm_households")


@dataclass(frozen=True)
class Support:
    """What the state pays under a policy, as shares of the contribution.

    new: (S,) share paid for each additional person. others: (S, V, T) persons who are insured
    under business as usual too and get support that they did not have. others_share: (S,) the
    additional share paid for them. monthly: the contribution in million VND, None for 4.5% of
    the base salary.
    """

    new: np.ndarray
    others: np.ndarray
    others_share: np.ndarray
    monthly: float | None = None


def restored_cards(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Support for those who lost their cards in July 2021, as Decree 75 gave it in October 2023.

    The Decree moved the logit of coverage by `effect` for each standard deviation of the minority
    share. `restored` is the size of the new support against the Decree's; support takes nobody's
    insurance away, so a draw below zero counts as zero.
    """
    gain = _given_back(units, given)
    return _phased(units, given, to_percent(_lifted(units, gain)) - units.path)


def support_cards(units: Footing, given: Mapping[str, Any]) -> Support:
    """The state pays in full, also for those who lost cards and are insured otherwise today."""
    lost = np.minimum(_of_chapter(units, given, "lost", units.background.lost), 0)
    whole = (-lost * _drawn(units, given, "restored"))[:, None] * units.background.minority
    back = to_percent(_lifted(units, _given_back(units, given)))
    others = np.maximum(to_percent(_lifted(units, whole)) - back, 0) / 100 * units.persons
    one = np.ones(units.size)
    return Support(one, others * _phase(units, given), one)


def _given_back(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """(S, V) logits that the support adds."""
    effect = np.maximum(_of_chapter(units, given, "effect", units.background.cards), 0)
    return (effect * _drawn(units, given, "restored"))[:, None] * units.background.minority


def _of_chapter(
    units: Footing, given: Mapping[str, Any], name: str, estimate: Range | None
) -> np.ndarray:
    """(S,) draws of a parameter, or of the estimate of chapter 03 where the file gives none."""
    value = given[name] or estimate
    if value is None:
        raise ScenarioError(
            f"restored_cards: parameters.{name}: no estimate is there; run notebook "
            "03_drivers_of_coverage first, or give a range"
        )
    return value.draws(units.size)


def _lifted(units: Footing, gain: np.ndarray) -> np.ndarray:
    return to_logit(units.path) + gain[:, :, None]


def premium_support(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Some of the uninsured belong to the group, and some of these enrol.

    gain = (100 - coverage) x share_of_uninsured x enrolled, so it never passes 100 percent.
    """
    share = _drawn(units, given, "share_of_uninsured") * _drawn(units, given, "enrolled")
    return _phased(units, given, (100 - units.path) * share[:, None, None])


def support_group(units: Footing, given: Mapping[str, Any]) -> Support:
    """More of the contribution is paid for all of the group, enrolled before or not."""
    before, after = (
        _drawn(units, given, "supported_before"),
        _drawn(units, given, "supported_after"),
    )
    uninsured = (100 - units.path) / 100 * _drawn(units, given, "share_of_uninsured")[:, None, None]
    group = _drawn(units, given, "share_of_population")[:, None, None]
    others = np.maximum(group - uninsured, 0) * units.persons * _phase(units, given)
    return Support(after, others, np.maximum(after - before, 0))


def voluntary_support(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """More voluntary participants, by a share of those of the last year-end."""
    more = _drawn(units, given, "increase")
    gain = more[:, None, None] * np.nan_to_num(units.background.voluntary)[None, :, None]
    return _phased(units, given, np.broadcast_to(gain, units.path.shape))


def support_voluntary(units: Footing, given: Mapping[str, Any]) -> Support:
    """More of the contribution is paid for voluntary participants, old and new."""
    before, after = (
        _drawn(units, given, "supported_before"),
        _drawn(units, given, "supported_after"),
    )
    now = np.nan_to_num(units.background.voluntary)[None, :, None] / 100 * units.persons
    others = np.broadcast_to(now, units.path.shape) * _phase(units, given)
    return Support(after, others, np.maximum(after - before, 0), given["monthly_contribution"])


def _drawn(units: Footing, given: Mapping[str, Any], name: str) -> np.ndarray:
    """(S,) one value a draw, the same in every unit: an assumption errs everywhere at once."""
    value: Range = given[name]
    return value.draws(units.size)


def _phase(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """(T,) share of the policy in force: from `begins` (the origin) to `in_full` (the date)."""
    first: pd.Timestamp = given["begins"] or units.origin
    return units.ramp(first, given["in_full"] or units.dates[-1])


def _phased(units: Footing, given: Mapping[str, Any], gain: np.ndarray) -> np.ndarray:
    return after_origin(units, units.path + gain * _phase(units, given))
