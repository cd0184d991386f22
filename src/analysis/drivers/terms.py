"""Terms of time shared by the two designs: trend, July 2021, season, and their products.

A design of changes is the design of levels differenced and divided by the years between, so the
same columns serve both: a driver times the trend in levels is the driver itself in changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analysis.inference.least_squares import Array

#: Decision 861 stopped the cards of people in communes leaving the lists on 1 July 2021.
STEP = 2021.5
PERIODS = ("bend", "step", "three")


def time_columns(time: Array, periods: str = "bend", step: float = STEP) -> dict[str, Array]:
    """Trend, step and season at decimal years ``time`` (n,).

    ``periods``: "step" has one trend and a step; "bend" lets the trend change at the step;
    "three" lets it change at the start of 2018 too. ``season`` is the share of the year to go.
    """
    if periods not in PERIODS:
        raise ValueError(f"unknown periods {periods!r}: choose one of {', '.join(PERIODS)}")
    columns = {"trend": time - 2018.0, "step": (time > step).astype(float)}
    if periods in ("bend", "three"):
        columns["trend_after"] = np.clip(time - step, 0, None)
    if periods == "three":
        columns["trend_before"] = np.clip(time - 2018.0, None, 0)
    columns["season"] = share_of_year_to_go(time)
    return columns


def share_of_year_to_go(time: Array) -> Array:
    """1 on New Year's Day falling to 0 on 31 December."""
    gone = time - np.floor(time)
    # 31 December is exactly a whole number: the year just ended, nothing to go.
    return np.where(gone < 1e-9, 0.0, 1.0 - gone)


def level_columns(
    time: Array,
    exposure: Mapping[str, Array],
    drivers: Sequence[str] = (),
    periods: str = "bend",
    policy: bool = True,
    minority_trend: bool = False,
    regions: Sequence[str] = (),
    step: float = STEP,
) -> dict[str, Array]:
    """All columns of the design of levels for rows with times (n,).

    ``exposure`` has an array (n,) for each driver and, where ``regions`` names them, each region.
    Names of product terms: ``861_x_minority``, ``minority_trend``, and the driver's own name.
    """
    columns = time_columns(time, periods, step)
    if policy:
        columns["861_x_minority"] = columns["step"] * exposure["minority"]
    if minority_trend:
        columns["minority_trend"] = columns["trend"] * exposure["minority"]
    for name in (*drivers, *regions):
        columns[name] = columns["trend"] * exposure[name]
    return columns


def logit(percent: Array) -> Array:
    """Logit of a percentage strictly between 0 and 100."""
    share = np.asarray(percent, dtype=float) / 100
    if ((share <= 0) | (share >= 1)).any():
        raise ValueError("a coverage of 0 or 100 percent has no logit")
    return np.log(share / (1 - share))


def inverse_logit(z: Array) -> Array:
    """Percentage whose logit is z."""
    return 100 / (1 + np.exp(-np.asarray(z, dtype=float)))
