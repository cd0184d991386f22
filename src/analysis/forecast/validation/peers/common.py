"""What the peers share: picking readings, the nationwide curve, normal bands on a scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from analysis.forecast.validation.scores import LEVELS, QUANTILES, Floats

SCORES = norm.ppf(LEVELS)
EPOCH = pd.Timestamp(2000, 1, 1)
#: Fewer past errors than this say too little about a band.
ENOUGH_ERRORS = 6


class PeerFailure(RuntimeError):
    """A model has no forecast for a fold, with the reason; the tables report it."""


def years(dates: pd.Series) -> Floats:
    """Dates as years since the start of 2000."""
    return ((pd.to_datetime(dates) - EPOCH).dt.days / 365.25).to_numpy(float)


def to_logit(percent: pd.Series | Floats) -> Floats:
    """Log odds of a percentage, which is first moved inside 0.05 to 99.95."""
    return logit(np.clip(np.asarray(percent, float), 0.05, 99.95) / 100)


def to_percent(log_odds: Floats) -> Floats:
    return 100 * expit(log_odds)


def pick(train: pd.DataFrame, indicator: str, geo_level: str) -> pd.DataFrame:
    """Published readings on the usual basis, sorted, with t (years) and z (log odds)."""
    kept = train[
        (train["geo_level"] == geo_level)
        & (train["indicator"] == indicator)
        & (train["kind_of_evidence"] == "published")
        & (train["basis"].fillna("") == "")
    ].sort_values(["province_code", "as_of"], ignore_index=True)
    if kept.empty:
        raise PeerFailure(f"no {geo_level} reading of {indicator} to learn from")
    return kept.assign(t=years(kept["as_of"]), z=to_logit(kept["value"]))


def indicator_of(queries: pd.DataFrame) -> str:
    """The one indicator asked for. Raises ValueError when there are several."""
    names = queries["indicator"].unique()
    if len(names) != 1:
        raise ValueError(f"queries must ask for one indicator at a time, not {list(names)}")
    return str(names[0])


def normal_logit(mean: Floats, sd: Floats, index: pd.Index) -> pd.DataFrame:
    """Forecast frame of a normal on the logit scale (mean and sd (n,) in log odds)."""
    return frame(to_percent(mean[:, None] + np.asarray(sd)[:, None] * SCORES), index)


def normal_percent(mean: Floats, sd: Floats, index: pd.Index) -> pd.DataFrame:
    """Forecast frame of a normal in percentage points, cut at 0 and 100."""
    return frame(np.clip(mean[:, None] + np.asarray(sd)[:, None] * SCORES, 0, 100), index)


def frame(quantiles: Floats, index: pd.Index) -> pd.DataFrame:
    """mean, sd and q0.01 to q0.99 from quantiles (n, 99), of which mean and sd are taken."""
    moments = [quantiles.mean(axis=1), quantiles.std(axis=1)]
    values = np.column_stack([*moments, quantiles])
    return pd.DataFrame(values, columns=["mean", "sd", *QUANTILES], index=index)


def replaced(forecast: pd.DataFrame, where: np.ndarray, other: pd.DataFrame) -> pd.DataFrame:
    """A forecast frame with the rows `where` (n,) bool taken from another, in order."""
    values = forecast.to_numpy(float, copy=True)
    values[where] = other.to_numpy(float)
    return pd.DataFrame(values, columns=forecast.columns, index=forecast.index)


def root_mean_square(errors: list[float] | Floats, otherwise: float) -> float:
    """Root mean square of `errors`, or `otherwise` when there are too few."""
    errors = np.asarray(errors, float)
    if len(errors) < ENOUGH_ERRORS:
        return otherwise
    return float(np.sqrt(np.mean(errors**2)))


def pairs(panel: pd.DataFrame, longest: float = 3.0) -> pd.DataFrame:
    """Every ordered pair of readings of one province at most `longest` years apart.

    Columns of the earlier and later reading carry _0 and _1; h is the time between in years.
    """
    both = panel.merge(panel, on="province_code", suffixes=("_0", "_1"))
    both["h"] = both["t_1"] - both["t_0"]
    return both[(both["h"] > 0) & (both["h"] <= longest)].reset_index(drop=True)
