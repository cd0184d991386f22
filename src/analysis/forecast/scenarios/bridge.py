"""Draws at further dates, given the draws that the forecast already has.

For jointly normal z = (a, b) with mean m and covariance L L', a draw of a fixes the first part of
the standard normals, e_a = L_aa^-1 (a - m_a); b = m_b + L_ba e_a + L_bb e_b then has the
conditional distribution given a (Rasmussen and Williams 2006, appendix A.2).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.special import expit, logit

from analysis import seeds
from analysis.forecast.draw import Draws
from analysis.forecast.model import Model
from analysis.forecast.points import points


def bridge(
    built: Model, draws: Draws, given: pd.DatetimeIndex, dates: pd.DatetimeIndex
) -> np.ndarray:
    """(S, P, T) levels in percent at `dates`, drawn given those that the draws have at `given`.

    `given` are the neighbouring dates of the draws: more of them cost time and say hardly more.
    """
    n, p, known = len(draws.true), len(draws.codes), len(given)
    if len(dates) == 0:
        return np.empty((n, p, 0))
    table = _table(draws, pd.DatetimeIndex([*given, *dates]))
    source = built.evidence
    mean, factor = built.posterior.joint(
        points(table, source.units, source.settings, source.origin)
    )
    own = draws.true[:, :, draws.dates.get_indexer(given)]
    drawn = logit(own.transpose(0, 2, 1).reshape(n, -1) / 100)
    random = seeds.generator("bridge", source.family, *(f"{day:%Y-%m-%d}" for day in dates))
    out = np.empty((n, len(dates), p))
    # The draws share the M values of the standard deviations equally and in order, as in `draw`.
    for m, rows in enumerate(np.array_split(np.arange(n), len(mean))):
        k, low = known * p, factor[m]
        first = solve_triangular(
            low[:k, :k], (drawn[rows] - mean[m, :k]).T, lower=True, check_finite=False
        )
        second = random.standard_normal((len(rows), len(table) - k))
        b = mean[m, k:] + (low[k:, :k] @ first).T + second @ low[k:, k:].T
        out[rows] = b.reshape(len(rows), len(dates), p)
    return 100 * expit(out).transpose(0, 2, 1)


def _table(draws: Draws, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """All provinces at all dates, date by date."""
    rows = [("province_63", code, draws.indicator, day) for day in dates for code in draws.codes]
    return pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
