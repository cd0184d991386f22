"""The project's own model as validation asks it: forecasts, and its two chances of a target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast import prediction
from analysis.forecast.known import Known
from analysis.forecast.model import Model, model
from analysis.forecast.points import points
from analysis.forecast.reported import probability_at_least
from analysis.forecast.settings import DEFAULT, Settings
from analysis.forecast.validation.peers.common import indicator_of
from analysis.forecast.validation.scores import QUANTILES


def analysis(
    train: pd.DataFrame, queries: pd.DataFrame, context: Known, settings: Settings = DEFAULT
) -> pd.DataFrame:
    """Forecast of the reported value, with p_meets_true and p_meets_reported where a target is.

    The first is the chance that the level without any reading error meets the target, the second
    that the value as it will be reported does, the pull of the target included. Queries without
    a column `target` get the forecast alone.
    """
    built = model(context, indicator_of(queries), settings)
    out = pd.DataFrame(
        prediction.answers(built, queries), index=queries.index, columns=["mean", "sd", *QUANTILES]
    )
    if "target" in queries:
        out[["p_meets_true", "p_meets_reported"]] = _chances(built, queries)
    return out


def _chances(built: Model, queries: pd.DataFrame) -> np.ndarray:
    """(q, 2) probabilities; NaN where a query has no target."""
    source = built.evidence
    asked = points(queries, source.units, source.settings, source.origin)
    level, variance = built.posterior.marginal(asked)
    value, spread = prediction.reported(built, queries)
    out = np.full((len(queries), 2), np.nan)
    for i, target in enumerate(queries["target"].to_numpy(float)):
        if np.isfinite(target):
            true = probability_at_least(level[:, i], np.sqrt(variance[:, i]), target)
            said = probability_at_least(value[:, i], spread[:, i], target, built.pull)
            out[i] = true, said
    return out
