"""Simple models on the one series of the whole country.

ETS and ARIMA are not among them: by the origins the country has four to ten yearly values, some
of them interpolated, for as many parameters.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from statsmodels.tsa.forecasting.theta import ThetaModel

from analysis.forecast.known import Known
from analysis.forecast.validation.peers import common
from analysis.forecast.validation.peers.common import PeerFailure
from analysis.forecast.validation.peers.simple import drift, last_value, trend
from analysis.forecast.validation.scores import Floats

Peer = Callable[[pd.DataFrame, pd.DataFrame, Known], pd.DataFrame]

#: A yearly series shorter than this, or with fewer readings behind it, is refused.
ENOUGH_YEARS, ENOUGH_READINGS = 4, 3
ONE_SD = 0.31731


def alone(peer: Peer) -> Peer:
    """A model of provinces, shown the country's readings as those of its only province."""

    def answer(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
        own = train[train["geo_level"] == "country"].assign(geo_level="province_63")
        if not (own["indicator"] == common.indicator_of(queries)).any():
            raise PeerFailure("no reading of the country to learn from")
        return peer(own, queries.assign(geo_level="province_63"), context)

    return answer


def theta(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """Theta of statsmodels on log odds at yearly steps back from the last reading.

    Values between readings are interpolated, so the library's band is narrow. Raises PeerFailure
    for a series of less than four years or three readings. Assimakopoulos and Nikolopoulos 2000.
    """
    own = common.pick(train, common.indicator_of(queries), "country")
    at, z = own["t"].to_numpy(), own["z"].to_numpy()
    grid = np.arange(at[-1], at[0] - 1e-9, -1)[::-1]
    if len(grid) < ENOUGH_YEARS or len(at) < ENOUGH_READINGS:
        raise PeerFailure(f"{len(at)} readings in {len(grid)} years are too few for Theta")
    t = common.years(queries["as_of"]) - at[-1]
    mean, sd = _theta(np.interp(grid, at, z), int(np.ceil(t.max())))
    steps = np.arange(len(mean) + 1)
    return common.normal_logit(
        np.interp(t, steps, np.append(z[-1], mean)),
        np.interp(t, steps, np.append(sd[0], sd)),
        queries.index,
    )


def _theta(y: Floats, steps: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation one to `steps` years ahead."""
    with warnings.catch_warnings():
        # The library warns of every series as short as these.
        warnings.simplefilter("ignore")
        fitted = ThetaModel(pd.Series(y), period=1, deseasonalize=False).fit(disp=False)
        mean = fitted.forecast(steps).to_numpy(float)
        low, high = fitted.prediction_intervals(steps, alpha=ONE_SD).to_numpy(float).T
    if not np.isfinite([mean, low, high]).all():
        raise PeerFailure("Theta gave no finite forecast")
    return mean, np.maximum((high - low) / 2, 1e-3)


#: The models that forecasts of the country are compared with.
SERIES: dict[str, Peer] = {
    "last_value": alone(last_value),
    "drift": alone(drift),
    "trend": alone(trend),
    "theta": theta,
}
