"""What meeting a target takes: persons a month, beside what the unit has managed before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from pandas._libs.tslibs.nattype import NaTType

from analysis.forecast.outlook import MONTH, Outlook
from analysis.forecast.reported import Pull
from analysis.targets import Target

#: Share of the denominator below which what is asked of a unit would rest on others' figures.
ENOUGH = 0.5
#: Share of the denominator that no unit gains in a month; beyond it no number is given.
MOST = 0.05


def needs(
    own: Outlook,
    targets: dict[tuple[str, str], Target],
    shares: dict[tuple[str, str], float],
) -> pd.DataFrame:
    """Persons a month beyond those that the forecast contains, net of those who leave.

    `persons_month_50` and `persons_month_80` are the extra members a month from the origin to the
    target date with which the value *reported* for that date meets the target with a probability
    of 50% and 80%: 0 where the forecast alone does, empty where `MOST` of the denominator a month
    would not. `expected_persons_month` is the gain that the forecast contains (median of the
    insured at the target date less those at the origin), so that the sum of the two compares with
    the unit's best year: the one in which the same months (see `Past`) brought most, as far as the
    model can tell. `date_reached_50` is the first
    year-end at which the level, going on as it does, is at or above the target with a probability
    of one half; missing where that is more than five years after the target year.
    """
    due = pd.Timestamp(own.target_year, 12, 31)
    months = (due - own.origin).days / MONTH
    rows = []
    for unit, target in targets.items():
        enough = shares[unit] >= ENOUGH
        best, gain = best_year(own, unit)
        half, most = extra_persons(own, unit, target.value, months) if enough else (np.nan, np.nan)
        rows.append(
            {
                "geo_level": unit[0],
                "province_code": unit[1],
                "indicator": own.indicator,
                "origin": own.origin,
                "date": due,
                "target": target.value,
                "target_setter": target.setter,
                "persons_month_50": half,
                "persons_month_80": most,
                "expected_persons_month": expected(own, unit, months) if enough else np.nan,
                "best_year": best,
                "best_year_persons_month": gain,
                "date_reached_50": reached(own, unit, target.value) if enough else pd.NaT,
                "evidence": "own" if enough else "borrowed",
            }
        )
    return pd.DataFrame(rows)


def insured(own: Outlook, unit: tuple[str, str]) -> np.ndarray:
    """(S, T) insured persons: level times the published denominator."""
    return own.of(*unit, "true") / 100 * own.people(*unit)


def extra_persons(
    own: Outlook, unit: tuple[str, str], target: float, months: float
) -> tuple[float, float]:
    """Extra members a month with which the report meets the target in 50% and in 80% of draws.

    The draws of the reported value, before the pull of the unit's target, are raised by the extra
    members as a share of the denominator; what pulls at the unit pulls then as in the forecast.
    """
    due = own.at(pd.Timestamp(own.target_year, 12, 31))
    people = float(own.people(*unit)[due])
    plain = own.draws.plain_of(*unit)[:, due]
    goal, pull = float(own.draws.goals[unit][due]), own.draws.pulls.of(unit[0])
    if unit[0] != "country" and len(own.draws.members[unit]) == 1:
        goal = float(
            own.draws.goals["province_63", own.draws.codes[own.draws.members[unit][0]]][due]
        )

    def chance(persons: float) -> float:
        values = np.minimum(plain + 100 * persons * months / people, 100.0)
        return _chance(values, target, goal, pull)

    half, most = (_least(chance, share, MOST * people) for share in (0.5, 0.8))
    return half, most


def _chance(values: np.ndarray, target: float, goal: float, pull: Pull) -> float:
    """Share of draws at or above the target, each weighted by the pull of the goal."""
    reached = values >= target
    if not np.isfinite(goal):
        return float(reached.mean())
    weight = pull.tilt(values - goal, np.full(len(values), 1 / len(values)))
    return float(weight[reached].sum())


def _least(chance: Callable[[float], float], share: float, most: float) -> float:
    """The least number for which a rising chance is at least `share`; NaN where `most` is not."""
    if chance(0.0) >= share:
        return 0.0
    if chance(most) < share:
        return float("nan")
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if chance(middle) >= share else (middle, high)
    return high


def expected(own: Outlook, unit: tuple[str, str], months: float) -> float:
    """Members a month that the forecast contains: median at the target date less at the origin."""
    due, now = own.at(pd.Timestamp(own.target_year, 12, 31)), own.at(own.origin)
    persons = insured(own, unit)
    return float(np.median(persons[:, due] - persons[:, now]) / months)


def best_year(own: Outlook, unit: tuple[str, str]) -> tuple[int, float]:
    """The year in which the same months brought most insured persons, and how many a month."""
    past = own.past
    if not len(past.years):
        return own.origin.year, float("nan")
    rise = past.rise[own.draws.members[unit]].sum(axis=0)
    best = int(rise.argmax())
    return int(past.years[best]), float(rise[best] / past.months)


def reached(own: Outlook, unit: tuple[str, str], target: float) -> pd.Timestamp | NaTType:
    """First year-end after the origin with an even chance of the level meeting the target."""
    median = np.median(own.of(*unit, "true"), axis=0)
    for place, day in enumerate(own.draws.dates):
        if day > own.origin and day.is_year_end and median[place] >= target:
            return day
    return pd.NaT
