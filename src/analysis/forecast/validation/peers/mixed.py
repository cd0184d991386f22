"""A mixed model of statsmodels: random intercept and slope by province on the logit scale."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM

from analysis.forecast.known import Known
from analysis.forecast.validation.peers import common
from analysis.forecast.validation.scores import Floats


def mixed_model(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """Log odds = a + b t + (a_i + b_i t) + error, by restricted maximum likelihood.

    `MixedLM.predict` leaves the random effects out, so mean and band are put together here:
    the best linear unbiased prediction of a_i + b_i t with its conditional variance, the
    variance of the fixed effects, and the residual variance (Robinson 1991, equations 1.1 to
    1.4). Falls back to a random intercept when the slope's variance ends on its boundary, and
    says so in the column `note`. Raises PeerFailure when neither converges.
    """
    panel = common.pick(train, common.indicator_of(queries), "province_63")
    if panel["province_code"].nunique() < 4 or len(panel) < 10:
        raise common.PeerFailure(f"{len(panel)} readings are too few for a mixed model")
    centre = panel["t"].mean()
    design = np.column_stack([np.ones(len(panel)), panel["t"] - centre])
    result, note = _fit(panel, design)
    t = common.years(queries["as_of"]) - centre
    mean, variance = _predict(result, panel, design, queries["province_code"], t)
    out = common.normal_logit(mean, np.sqrt(variance), queries.index)
    out["note"] = note
    return out


def _fit(panel: pd.DataFrame, design: Floats) -> tuple[Any, str]:
    """The first of slope and intercept, intercept alone, that converges inside its bounds."""
    reasons = []
    for columns, name in ((2, "random intercept and slope"), (1, "random intercept only")):
        model = MixedLM(panel["z"], design, panel["province_code"], exog_re=design[:, :columns])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = model.fit(reml=True, method=["lbfgs", "bfgs"], maxiter=500)
            except (np.linalg.LinAlgError, ValueError) as error:
                reasons.append(f"{name}: {error}")
                continue
        smallest = np.linalg.eigvalsh(np.asarray(result.cov_re, float)).min()
        fixed = np.asarray(result.cov_params(), float)[:2, :2]
        if result.converged and smallest > 1e-8 and np.isfinite(fixed).all():
            return result, "" if columns == 2 else f"{name} ({'; '.join(reasons)})"
        words = {str(item.message).split(".")[0] for item in caught}
        reasons.append(f"{name}: {', '.join(sorted(words)) or 'variance on its boundary'}")
    raise common.PeerFailure("; ".join(reasons))


def _predict(
    result: Any, panel: pd.DataFrame, design: Floats, codes: pd.Series, t: Floats
) -> tuple[Floats, Floats]:
    """Mean and variance (log odds) of a new reading of each province at time t."""
    beta = np.asarray(result.fe_params, float)
    covariance = np.asarray(result.cov_re, float)
    fixed = np.asarray(result.cov_params(), float)[:2, :2]
    k, noise = len(covariance), float(result.scale)
    rows = panel.groupby("province_code").indices
    x = np.column_stack([np.ones(len(t)), t])
    mean, variance = np.empty(len(t)), np.empty(len(t))
    for i, code in enumerate(codes):
        own = design[rows.get(code, [])]
        z = own[:, :k]
        marginal = z @ covariance @ z.T + noise * np.eye(len(own))
        weight = np.linalg.solve(marginal, z @ covariance @ x[i, :k]) if len(own) else np.zeros(0)
        residual = panel["z"].to_numpy()[rows.get(code, [])] - own @ beta
        left = x[i] - own.T @ weight
        mean[i] = x[i] @ beta + weight @ residual
        conditional = x[i, :k] @ covariance @ x[i, :k] - weight @ (z @ covariance @ x[i, :k])
        variance[i] = conditional + left @ fixed @ left + noise
    return mean, variance
