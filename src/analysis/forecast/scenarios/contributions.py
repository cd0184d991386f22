"""How much each province adds to the nationwide result and to the gap, in parts that add up.

Medians and quantiles of provinces do not add up to those of the country; means and regression
shares do. With X the sum of the provinces' x_p and beta_p = cov(x_p, X) / var(X), the expectation
of x_p where the country stands at a quantile q of X is, in a linear approximation,
    E x_p + beta_p (q - E X),
and these sum to q because the beta_p sum to one (Tasche 1999, Euler allocation).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast.scenarios.baseline import Unit
from analysis.forecast.scenarios.outcome import Outcome

COUNTRY: Unit = ("country", "00")


def contributions(outcome: Outcome) -> pd.DataFrame:
    """One row a province: persons enrolled, persons missing from the nationwide target.

    Columns: scenario, province_code, added (mean), added_low and added_high (what the province
    adds where the country stands at its 10% and 90% quantile), added_q10 and added_q90 (its own
    80% interval), the same for short; share_of_short. Each of added, added_low, added_high, short,
    short_low, short_high sums to the country's figure.
    """
    base = outcome.base
    target = base.targets.get(COUNTRY, (float("nan"), ""))[0]
    # A province's part of the country's own denominator, on which the nationwide target is set.
    wanted = target * base.own_base[-1]
    short = (wanted - outcome.level[:, :, -1]) / 100 * base.persons[:, -1]
    columns: dict[str, object] = {"scenario": outcome.scenario.name, "province_code": base.codes}
    columns |= _parts("added", outcome.persons) | _parts("short", short)
    table = pd.DataFrame(columns)
    missing = table["short"].clip(lower=0)
    total = missing.sum()
    table["share_of_short"] = missing / total if total > 0 else np.nan
    return table


def _parts(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Means, parts of the country's 80% interval, and own 80% intervals of (S, P)."""
    total = values.sum(axis=1)
    mean, spread = values.mean(axis=0), total - total.mean()
    variance = float(spread @ spread)
    beta = (values - mean).T @ spread / variance if variance > 0 else np.zeros(len(mean))
    low, high = np.quantile(total, [0.10, 0.90])
    own = np.quantile(values, [0.10, 0.90], axis=0)
    return {
        name: mean,
        f"{name}_low": mean + beta * (low - total.mean()),
        f"{name}_high": mean + beta * (high - total.mean()),
        f"{name}_q10": own[0],
        f"{name}_q90": own[1],
    }
