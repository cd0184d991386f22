"""Late payment rates from amounts over annualised collections, and days of contributions owed."""

import numpy as np
import pandas as pd

from analysis.readings.arithmetic import pick, reading

ANNUALISED = "annualised_collections"
# Rate (percent of a year's contributions) to days of contributions: 365 days / 100 percent.
DAYS_PER_PERCENT = 3.65
_FARTHEST_DAYS = 366
# Before the end of February the sum since 1 January says too little about the year.
_EARLIEST_SHARE = 59 / 365
# Contributions come late in the year: when the share s of it has passed, s - k s (1 - s) of the
# year's sum has come. In the pairs of an interim and a year-end sum that were published for one
# unit and year, k is as here: least, median and most (0 would be an even flow).
SLOW = {"lower": 0.0, "value": 0.18, "upper": 0.42}
# Amounts of a part of the debtors or of one scheme, while collections cover all of them.
_OTHER_SCOPE = ("listed_debtors", "irrecoverable", "si_compulsory_only")


def derive(known: pd.DataFrame) -> pd.DataFrame:
    """Return derived rates (percent of annualised collections) and days owed, by basis.

    A year's collections are the sum since 1 January over the share of the year's sum that has
    come by then (`share_come`); of several dates of one unit the nearest to the amount's, at most a
    year away, is used.
    """
    rates = _rates(known)
    published = known[known["indicator"] == "late_payment_rate"]
    taken = pd.MultiIndex.from_frame(published[["geo_level", "province_code", "basis", "as_of"]])
    keys = pd.MultiIndex.from_frame(rates[["geo_level", "province_code", "basis", "as_of"]])
    rates = rates[~keys.isin(taken)]
    return pd.concat([rates, _days(published), _days(rates)], ignore_index=True)


def annual_collections(known: pd.DataFrame) -> pd.DataFrame:
    """Return the collections of a whole year (billion VND) that each reading implies.

    The interval holds what the digits allow and any pace of collecting that was seen (`SLOW`).
    """
    table = pick(known, "collections").copy()
    passed = table["as_of"].dt.dayofyear / np.where(table["as_of"].dt.is_leap_year, 366, 365)
    table, passed = table[passed >= _EARLIEST_SHARE], passed[passed >= _EARLIEST_SHARE]
    for column, slow in SLOW.items():
        table[column] = table[column] / share_come(passed, slow)
    return table


def share_come(passed: pd.Series, slow: float = SLOW["value"]) -> pd.Series:
    """Return the share of a year's collections that has come when a share of it has passed."""
    return passed - slow * passed * (1 - passed)


def _rates(known: pd.DataFrame) -> pd.DataFrame:
    amounts = known[
        (known["indicator"] == "late_payment_amount") & ~known["basis"].isin(_OTHER_SCOPE)
    ]
    collections = annual_collections(known)
    unit = ["geo_level", "province_code"]
    m = pd.merge_asof(
        amounts.sort_values(["as_of", *unit, "basis"]),
        collections.assign(paid_on=collections["as_of"]).sort_values(["as_of", *unit]),
        on="as_of",
        by=unit,
        suffixes=("_a", "_b"),
        direction="nearest",
        tolerance=pd.Timedelta(days=_FARTHEST_DAYS),
    ).dropna(subset=["value_b"])
    share = (
        100 * m["value_a"] / m["value_b"],
        100 * m["lower_a"] / m["upper_b"],
        100 * m["upper_a"] / m["lower_b"],
    )
    made = reading(m, "late_payment_rate", "", share, "amount_over_annualised_collections")
    made["basis"] = m["basis_a"]
    made["denominator_version"] = ANNUALISED
    return made[made["value"] <= 100]


def _days(rates: pd.DataFrame) -> pd.DataFrame:
    numbers = (
        DAYS_PER_PERCENT * rates["value"],
        DAYS_PER_PERCENT * rates["lower"],
        DAYS_PER_PERCENT * rates["upper"],
    )
    named = rates if "reading_id" in rates else rates.assign(reading_id=rates["derived_from"])
    made = reading(named, "late_payment_days", "", numbers, "rate_times_3_65", [""])
    return made.assign(
        basis=rates["basis"], denominator_version=rates["denominator_version"].to_numpy()
    )
