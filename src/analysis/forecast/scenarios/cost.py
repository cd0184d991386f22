"""What the state budget pays: persons x months x contribution x supported share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast.scenarios.calendar import month_ends

#: Health insurance contribution as a share of the base salary (Decree 146/2018/ND-CP, article 7).
RATE = 0.045
#: Base salary in million VND a month from each day on (Decrees 38/2019, 24/2023, 73/2024/ND-CP).
BASE_SALARY = {
    pd.Timestamp(2019, 7, 1): 1.49,
    pd.Timestamp(2023, 7, 1): 1.80,
    pd.Timestamp(2024, 7, 1): 2.34,
}


def base_salary(day: pd.Timestamp) -> float:
    """Base salary in million VND on a day. Raises ValueError before July 2019."""
    known = [salary for since, salary in sorted(BASE_SALARY.items()) if since <= day]
    if not known:
        raise ValueError(f"the base salary is known from July 2019 on, not for {day:%Y-%m-%d}")
    return known[-1]


def monthly_contributions(
    origin: pd.Timestamp, date: pd.Timestamp, fixed: float | None = None
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """The months after the origin and the contribution of one person in each, million VND.

    fixed: a contribution that does not follow the base salary.
    """
    months = month_ends(origin, date)
    if fixed is not None:
        return months, np.full(len(months), fixed)
    return months, np.array([RATE * base_salary(day) for day in months])


def budget(
    persons: np.ndarray,
    dates: pd.DatetimeIndex,
    origin: pd.Timestamp,
    share: np.ndarray,
    fixed: float | None = None,
) -> np.ndarray:
    """Billion VND from the origin to the last date: (S, U).

    Each month counts the persons at its end, taken straight between the dates.

    Args:
        persons: (S, U, T) supported persons at `dates`. share: (S,) of the contribution.
    """
    months, each = monthly_contributions(origin, dates[-1], fixed)
    weights = _weights(dates, months, each)
    return share[:, None] * (persons @ weights) / 1000


def _weights(dates: pd.DatetimeIndex, months: pd.DatetimeIndex, each: np.ndarray) -> np.ndarray:
    """(T,) million VND for each person at each date: months interpolated, then added up."""
    at = (dates - dates[0]).days.to_numpy()
    when = (months - dates[0]).days.to_numpy()
    shares = np.stack([np.interp(when, at, row) for row in np.eye(len(at))])
    weights: np.ndarray = shares @ each
    return weights
