"""The interval that the words and the digits of a published figure allow."""

import numpy as np
import pandas as pd

from analysis.indicators import INDICATORS

# A count that ends in this many zeros was rounded to that place ("551,000"); fewer are digits.
_ROUNDED_ZEROS = {"persons": 3, "units": 3, "billion VND": 2}
_MOST_DECIMALS = 6


def bounds(facts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper limits of published values.

    With u the place of the last digit printed, "92.3" means 92.25 to 92.35, "about" one u to both
    sides, "over" one u upwards and "under" one u downwards. Limits stay within what the indicator
    allows and always enclose the value.

    Args:
        facts: rows with value, unit, qualifier and indicator.
    """
    value = facts["value"].to_numpy(dtype=float)
    unit = place(value, facts["unit"].to_numpy())
    qualifier = facts["qualifier"].to_numpy()
    below = np.select(
        [qualifier == "exact", qualifier == "about", qualifier == "over"],
        [unit / 2, unit, 0.0],
        unit,
    )
    above = np.select(
        [qualifier == "exact", qualifier == "about", qualifier == "under"],
        [unit / 2, unit, 0.0],
        unit,
    )
    names = facts["indicator"]
    low = names.map({name: item.lower for name, item in INDICATORS.items()}).astype(float)
    high = names.map({name: item.upper for name, item in INDICATORS.items()}).astype(float)
    lower = np.fmax(value - below, low.to_numpy())
    upper = np.fmin(value + above, high.to_numpy())
    # Sums of decimal fractions carry noise in the last bits; it is no part of the interval.
    return np.minimum(np.round(lower, 9), value), np.maximum(np.round(upper, 9), value)


def place(value: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return the place of the last digit printed: 0.01 for 92.31, 10,000 for 85,390,000.

    A round figure is never read as coarser than its second digit: "over 1,000,000" means up to
    1,100,000, not up to 2,000,000.
    """
    size = np.abs(value)
    decimals = np.full(len(value), _MOST_DECIMALS)
    for digits in range(_MOST_DECIMALS - 1, -1, -1):
        decimals[np.isclose(np.round(size, digits), size, rtol=1e-12, atol=1e-9)] = digits
    zeros = np.zeros(len(value), dtype=int)
    for count in range(1, 10):
        zeros[(size > 0) & (decimals == 0) & (np.mod(size, 10.0**count) == 0)] = count
    least = pd.Series(unit).map(_ROUNDED_ZEROS).fillna(np.inf).to_numpy()
    zeros[zeros < least] = 0
    with np.errstate(divide="ignore"):
        second_digit = np.floor(np.log10(np.where(size > 0, size, 1.0))) - 1
    zeros = np.where(zeros > 0, np.minimum(zeros, np.maximum(second_digit, 0)), 0)
    return np.where(decimals > 0, 10.0**-decimals, 10.0**zeros)
