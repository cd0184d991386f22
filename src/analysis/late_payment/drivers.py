"""Do provinces that differ in their economy differ in late payment? And who reports at all?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.drivers.policy import DRIVERS
from analysis.inference import (
    CURVE_COLUMNS,
    benjamini_hochberg,
    estimate_rows,
    fit_least_squares,
    minimum_detectable_effect,
    permute_exposure,
)
from analysis.late_payment.levels import Levels, level_design, usable_rates
from analysis.seeds import generator


def driver_rows(rows: pd.DataFrame, exposure: pd.DataFrame, draws: int = 1999) -> pd.DataFrame:
    """Each driver alone on the log rate, beside basis, denominator and December.

    The inference table's columns, ``permutation_p`` (the driver dealt out among provinces) and
    ``q`` (false discovery rate over the drivers, from the permutation p-values).
    """
    rows = usable_rates(rows)
    found: list[dict[str, object]] = []
    for driver in DRIVERS:
        values = exposure[driver].reindex(rows["province_code"]).to_numpy()
        known = rows[np.isfinite(values)].reset_index(drop=True)
        X, names = level_design(known)
        x = values[np.isfinite(values)]
        clusters = known["province_code"].to_numpy(dtype=str)
        y = np.log(known["rate"].to_numpy())
        fit = fit_least_squares(y, np.column_stack([x, X]), (driver, *names), clusters)
        rng = generator("late", "driver", driver)
        labels = {"outcome": "late_payment_rate", "design": "levels", "sample": "all evidence"}
        row = estimate_rows(fit, [driver], rng, draws, **labels)[0]
        codes = np.unique(clusters, return_inverse=True)[1]
        share = exposure[driver].reindex(np.unique(clusters)).to_numpy()
        test = permute_exposure(y, X, [np.ones(len(y))], share, codes, rng, draws, absorb=False)
        found.append({**row, "permutation_p": test.p})
    table = pd.DataFrame(found)
    table["q"] = benjamini_hochberg(table["permutation_p"])
    return table[[*CURVE_COLUMNS[:9], "permutation_p", "q", *CURVE_COLUMNS[9:]]]


def who_reports(rows: pd.DataFrame, exposure: pd.DataFrame, draws: int = 4999) -> pd.DataFrame:
    """Mean of each driver among provinces with and without a reading of late payment.

    Columns: driver, reporting, silent (means in standard deviations), difference, p (permutation
    of which provinces report), q, n_reporting, n_silent.
    """
    reports = exposure.index.isin(rows["province_code"])
    rng, found = generator("late", "reports"), []
    dealt = np.stack([rng.permutation(reports) for _ in range(draws)])
    for driver in DRIVERS:
        known = exposure[driver].notna().to_numpy()
        x = exposure[driver].to_numpy()[known]
        difference = _difference(reports[None, known], x)[0]
        null = _difference(dealt[:, known], x)
        found.append(
            {
                "driver": driver,
                "reporting": float(x[reports[known]].mean()),
                "silent": float(x[~reports[known]].mean()),
                "difference": float(difference),
                "p": float((1 + (np.abs(null) >= abs(difference)).sum()) / (1 + draws)),
                "n_reporting": int(reports[known].sum()),
                "n_silent": int((~reports[known]).sum()),
            }
        )
    table = pd.DataFrame(found)
    table["q"] = benjamini_hochberg(table["p"])
    return table.sort_values(["p", "driver"], ignore_index=True)


def _difference(member: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Mean inside minus mean outside for memberships (draws, n)."""
    inside = member @ x / member.sum(axis=1)
    return inside - (~member) @ x / (~member).sum(axis=1)


def with_full_data(levels: Levels, provinces: int = 63) -> float:
    """Smallest effect (log a standard deviation) found with 80% power if every province
    published one rate on one date and one stated basis.

    What would remain is the spread between provinces and the residual of one reading.
    """
    spread = levels.fit.variances["province"] + levels.fit.variances["residual"]
    return minimum_detectable_effect(float(np.sqrt(spread / provinces)), provinces)
