"""What provinces are like: the drivers named by the question, on one scale.

The minority share enters in its own values, because Decision 861 took cards from people, not from
ranks. All others enter as normal scores of their ranks among the 63 provinces: most of the series
stop in 2016, and a rank ages better than a level. One unit is always one standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis import covariates
from analysis.facts import Raw


@dataclass(frozen=True)
class Driver:
    """A driver: its column in the table of covariates, and whether it enters by rank."""

    column: str
    by_rank: bool = True


DRIVERS: dict[str, Driver] = {
    "minority": Driver("minority_share", by_rank=False),
    "poverty": Driver("poverty_rate"),
    "income": Driver("income_month"),
    "grdp": Driver("grdp_per_capita_2022"),
    "urban": Driver("urban_share"),
    "migration": Driver("net_migration"),
    "wage_work": Driver("wage_share"),
    "trained": Driver("trained_share"),
    "foreign_investment": Driver("fdi_stock_rate"),
    "governance": Driver("papi"),
    "competitiveness": Driver("pci"),
}


def exposures(raw: Raw) -> pd.DataFrame:
    """The drivers in standard deviations, indexed by province_code (63 rows).

    A province without a value of a driver keeps a missing one; designs that use the driver leave
    the province out and say so.
    """
    table = covariates.table(raw)
    return pd.DataFrame({name: _standardised(table[d.column], d) for name, d in DRIVERS.items()})


def _standardised(values: pd.Series, driver: Driver) -> pd.Series:
    if not driver.by_rank:
        return (values - values.mean()) / values.std()
    ranks = values.rank() / (values.notna().sum() + 1)
    scores = pd.Series(stats.norm.ppf(ranks), index=values.index)
    return scores / scores.std()


def what_one_unit_means(raw: Raw) -> pd.DataFrame:
    """For each driver the value at its middle and one standard deviation above it.

    Columns: driver, middle, above, unit, by_rank, provinces. For a driver by rank these are the
    medians and the 84th percentile of provinces; for the minority share mean and mean + SD.
    """
    table, rows = covariates.table(raw), []
    units = raw.covariates.groupby("covariate")["unit"].first()
    for name, driver in DRIVERS.items():
        values = table[driver.column].dropna()
        if driver.by_rank:
            middle, above = np.quantile(values, [0.5, stats.norm.cdf(1)])
        else:
            middle, above = values.mean(), values.mean() + values.std()
        unit = units.get(covariates.LEVELS.get(driver.column, ("",))[0], "")
        rows.append(
            {
                "driver": name,
                "middle": float(middle),
                "above": float(above),
                "unit": unit or {"wage_share": "percent"}.get(driver.column, "USD per person"),
                "provinces": len(values),
            }
        )
    return pd.DataFrame(rows)
