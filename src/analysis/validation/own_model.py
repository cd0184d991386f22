"""The project's own model as validation asks it: forecasts, and its two chances of a target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast import prediction
from analysis.forecast.known import Known
from analysis.forecast.model import Model, model
from analysis.forecast.prediction import PERCENTILE_COLUMNS
from analysis.forecast.pull import probability_at_least
from analysis.forecast.space import DEFAULT, Settings
from analysis.validation import stored_forecasts
from analysis.validation.peers import indicator_of

ANSWER_COLUMNS = ["mean", "sd", *PERCENTILE_COLUMNS, "p_meets_true", "p_meets_reported"]


def analysis(
    train: pd.DataFrame, queries: pd.DataFrame, context: Known, settings: Settings = DEFAULT
) -> pd.DataFrame:
    """Forecast of the reported value, with p_meets_true and p_meets_reported where a target is.

    The first is the chance that the level without any reading error meets the target, the second
    that the value as it will be reported does, the pull of the target included (both NaN where
    a query has no `target`). Taken from the kept forecasts when the same code has answered the
    same question from the same evidence before; the answer is the same either way.
    """
    found = stored_forecasts.find(stored_forecasts.mark(context, queries, settings))
    if found is not None and len(found) == len(queries):
        return found[ANSWER_COLUMNS].set_axis(queries.index)
    return computed(queries, context, settings)


def computed(queries: pd.DataFrame, context: Known, settings: Settings = DEFAULT) -> pd.DataFrame:
    """The same, always computed. Rounded to what is kept: 0.0001 percent and 0.000001."""
    built = model(context, indicator_of(queries), settings)
    answers = prediction.answered(built, queries).round(4)
    target = queries.get("target", pd.Series(np.nan, index=queries.index))
    chances = _chances(built, queries, target.to_numpy(float)).round(6)
    return pd.DataFrame(np.hstack([answers, chances]), index=queries.index, columns=ANSWER_COLUMNS)


def _chances(built: Model, queries: pd.DataFrame, target: np.ndarray) -> np.ndarray:
    """(q, 2) probabilities; NaN where a query has no target."""
    source = built.evidence
    asked = source.at(queries)
    level, variance = built.posterior.marginal(asked)
    value, spread = prediction.reported(built, queries)
    value = value + prediction.carried(built, queries)
    out = np.full((len(queries), 2), np.nan)
    for i in np.flatnonzero(np.isfinite(target)):
        true = probability_at_least(level[:, i], np.sqrt(variance[:, i]), target[i])
        pull = built.pulls.of(queries["geo_level"].iloc[i])
        said = probability_at_least(value[:, i], spread[:, i], target[i], pull)
        out[i] = true, said
    return out
