"""The project's own forecast of the country as chapter 05 prints it: from the joint draws.

`own` answers from formulae, which agree with the draws but for terms of higher order and the
accidents of drawing. What is quoted is what is scored.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast.draws import draw
from analysis.forecast.known import Known
from analysis.forecast.model import model
from analysis.forecast.outlook import DRAWS
from analysis.forecast.prediction import PERCENTILES
from analysis.forecast.space import DEFAULT, Settings
from analysis.readings.targets import share_meeting
from analysis.validation import stored_forecasts
from analysis.validation.own_model import ANSWER_COLUMNS
from analysis.validation.peers import indicator_of

COUNTRY_START = "analysis.validation.own_model_country"
UNIT = ("country", "00")


def analysis(
    train: pd.DataFrame, queries: pd.DataFrame, context: Known, settings: Settings = DEFAULT
) -> pd.DataFrame:
    """Forecast of the country's reported value, and its chances where a query has a target.

    queries: of the country and one indicator. Returns the columns of `own.analysis`, from the
    kept forecasts where the same code has answered the same question from the same evidence.
    """
    found = stored_forecasts.find(stored_forecasts.mark(context, queries, settings, COUNTRY_START))
    if found is not None and len(found) == len(queries):
        return found[ANSWER_COLUMNS].set_axis(queries.index)
    return computed(queries, context, settings)


def computed(queries: pd.DataFrame, context: Known, settings: Settings = DEFAULT) -> pd.DataFrame:
    """The same, always computed. Rounded to what is kept: 0.0001 percent and 0.000001."""
    indicator = indicator_of(queries)
    days = pd.DatetimeIndex(sorted(set(queries["as_of"])))
    drawn = draw(model(context, indicator, settings), indicator, list(days), DRAWS)
    at = days.get_indexer(pd.DatetimeIndex(queries["as_of"]))
    level, said = (drawn.of(*UNIT, scale)[:, at] for scale in ("true", "reported"))
    target = queries.get("target", pd.Series(np.nan, index=queries.index)).to_numpy(float)
    values = np.vstack(
        [said.mean(axis=0), said.std(axis=0), np.quantile(said, PERCENTILES, axis=0)]
    )
    chances = np.stack([share_meeting(one, target) for one in (level, said)], axis=1)
    table = np.hstack([values.T.round(4), chances.round(6)])
    return pd.DataFrame(table, index=queries.index, columns=ANSWER_COLUMNS)
