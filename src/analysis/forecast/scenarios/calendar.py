"""The days of a scenario: year-ends, quarter-ends, months."""

from __future__ import annotations

import numpy as np
import pandas as pd


def year_ends(dates: pd.DatetimeIndex) -> np.ndarray:
    """(T,) which dates are a 31 December."""
    return np.asarray((dates.month == 12) & (dates.day == 31))


def path_dates(
    origin: pd.Timestamp, date: pd.Timestamp, first_year: int
) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """The last year-end by the origin and the quarter-ends to the date; the past year-ends."""
    start = origin if origin.month == 12 and origin.day == 31 else last_year_end(origin)
    quarters = pd.date_range(start, date, freq="QE")
    path = quarters.union(pd.DatetimeIndex([start, date]))
    past = pd.DatetimeIndex([pd.Timestamp(y, 12, 31) for y in range(first_year, start.year + 1)])
    return path, past.union(pd.DatetimeIndex([start]))


def last_year_end(day: pd.Timestamp) -> pd.Timestamp:
    """The 31 December before a day that is none itself."""
    return pd.Timestamp(day.year - 1, 12, 31)


def month_ends(first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    """The ends of the months after one day and up to another."""
    return pd.date_range(first + pd.Timedelta(days=1), last, freq="ME")
