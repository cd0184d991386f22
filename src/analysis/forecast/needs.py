"""What meeting a target takes: persons a month, beside what the unit has managed before."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas._libs.tslibs.nattype import NaTType

from analysis.forecast.outlook import MONTH, Outlook
from analysis.targets import Target

#: Share of the denominator below which what is asked of a unit would rest on others' figures.
ENOUGH = 0.5


def needs(
    own: Outlook,
    targets: dict[tuple[str, str], Target],
    shares: dict[tuple[str, str], float],
) -> pd.DataFrame:
    """Persons to enrol a month from the origin to the target date, net of those who leave.

    Insured persons at the target date are target x denominator; those at the origin are drawn.
    The difference by draw, over the months between, has a median (enough with a probability of
    50%) and an 80% point. Beside it stands the unit's best year: the one in which the same months
    (see `Past`) brought most, as far as the model can tell. `date_reached_50` is the first
    year-end at which the level, going on as it does, is at or above the target with a probability
    of one half; missing where that is more than five years after the target year.
    """
    due = pd.Timestamp(own.target_year, 12, 31)
    months = (due - own.origin).days / MONTH
    rows = []
    for unit, target in targets.items():
        enough = shares[unit] >= ENOUGH
        best, gain = best_year(own, unit)
        half, most = (
            persons_a_month(own, unit, target.value, months) if enough else (np.nan, np.nan)
        )
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


def persons_a_month(
    own: Outlook, unit: tuple[str, str], target: float, months: float
) -> tuple[float, float]:
    """Net enrolment a month that meets the target with probability 50% and 80%; at least 0."""
    due, now = own.at(pd.Timestamp(own.target_year, 12, 31)), own.at(own.origin)
    wanted = target / 100 * own.people(*unit)[due]
    missing = wanted - insured(own, unit)[:, now]
    half, most = np.quantile(missing, [0.5, 0.8]) / months
    return float(max(half, 0.0)), float(max(most, 0.0))


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
