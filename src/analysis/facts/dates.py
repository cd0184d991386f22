"""Dates that are known to the year or the month only."""

import pandas as pd


def last_day(published: pd.Series) -> pd.Series:
    """Return the last day that a year, month or day allows; no date stays missing."""
    dated = published.where(published.str.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}"))
    start = pd.to_datetime(dated, format="ISO8601", errors="coerce")
    month_end = start + pd.offsets.MonthEnd(0)
    year_end = start + pd.offsets.YearEnd(0)
    length = published.str.len()
    return start.where(length == 10, month_end.where(length == 7, year_end))
