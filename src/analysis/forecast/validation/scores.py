"""How a forecast is judged: proper scores from quantiles or samples, calibration, skill."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from analysis import seeds

LEVELS = np.arange(1, 100) / 100
QUANTILES = [f"q{level:.2f}" for level in LEVELS]
BANDS = (50, 80, 90, 95)
#: A reading's interval never gets less probability than this, so that one miss has a finite price.
SMALLEST_PROBABILITY = 1e-6
REPLICATES = 2000

Floats = npt.NDArray[Any]


def crps_quantiles(quantiles: Floats, value: Floats) -> Floats:
    """Continuous ranked probability score from the 99 quantiles q0.01 to q0.99.

    Twice the mean pinball loss (Gneiting and Raftery 2007, section 4.2; Laio and Tamea 2007).
    quantiles: (n, 99) in the unit of value; value: (n,). Lower is better; for a point forecast
    it is the absolute error.
    """
    miss = np.asarray(value, float)[:, None] - quantiles
    return 2 * np.mean(np.maximum(LEVELS * miss, (LEVELS - 1) * miss), axis=1)


def crps_samples(samples: Floats, value: Floats) -> Floats:
    """The same score from draws (n, m), by the sorted form of E|X - y| - E|X - X'| / 2."""
    ordered = np.sort(samples, axis=1)
    m = ordered.shape[1]
    weights = (2 * np.arange(1, m + 1) - m - 1) / m**2
    return np.mean(np.abs(ordered - np.asarray(value)[:, None]), axis=1) - ordered @ weights


def distribution(quantiles: Floats, value: Floats) -> Floats:
    """P(X <= value) for each row of quantiles (n, 99).

    Linear between the quantiles on the scale of normal scores, and beyond the outer ones with
    the slope of the tail from q0.01 to q0.05 (q0.95 to q0.99), so that it is exact for a normal.
    """
    scores = [_normal_score(q, v) for q, v in zip(quantiles, value, strict=True)]
    return norm.cdf(np.array(scores))


_AT = norm.ppf(LEVELS)
_STEP = 1e-9 * np.arange(len(LEVELS))


def _normal_score(quantiles: Floats, value: float) -> float:
    x = quantiles + _STEP
    if value < x[0]:
        return _AT[0] + (value - x[0]) * (_AT[4] - _AT[0]) / (x[4] - x[0])
    if value > x[-1]:
        return _AT[-1] + (value - x[-1]) * (_AT[-1] - _AT[-5]) / (x[-1] - x[-5])
    return float(np.interp(value, x, _AT))


def log_score(quantiles: Floats, lower: Floats, upper: Floats) -> Floats:
    """Log probability of the interval that the printed digits and words allow (n,)."""
    probability = distribution(quantiles, upper) - distribution(quantiles, lower)
    return np.log(np.maximum(probability, SMALLEST_PROBABILITY))


def band(quantiles: Floats, percent: int) -> tuple[Floats, Floats]:
    """Lower and upper end of the central `percent` band, each (n,).

    Ends that fall between two of the 99 levels (2.5 and 97.5%) are interpolated.
    """
    low, high = (_between(quantiles, position) for position in _ends(percent))
    return low, high


@cache
def _ends(percent: int) -> list[float]:
    """Where the ends of a central band fall among the 99 quantiles, counted from 0."""
    outside = (1 - percent / 100) / 2
    ends = norm.ppf([outside, 1 - outside])
    return [float(np.interp(end, _AT, np.arange(len(LEVELS)))) for end in ends]


def _between(quantiles: Floats, position: float) -> Floats:
    left = min(int(np.floor(position + 1e-9)), quantiles.shape[1] - 2)
    share = position - left
    return quantiles[:, left] * (1 - share) + quantiles[:, left + 1] * share


def score(forecasts: pd.DataFrame) -> pd.DataFrame:
    """One row a forecast with its scores, in the order of `forecasts`.

    forecasts: value, lower, upper, last_value, last_as_of, as_of and the 99 quantiles (percent).
    error is median minus value. change_error is the error of the yearly change since the
    province's last reading, in points a year (missing for a province never read).
    """
    quantiles = forecasts[QUANTILES].to_numpy(float)
    value = forecasts["value"].to_numpy(float)
    years = (forecasts["as_of"] - forecasts["last_as_of"]).dt.days / 365.25
    scores = pd.DataFrame(
        {
            "crps": crps_quantiles(quantiles, value),
            "error": forecasts["q0.50"] - value,
            "pit": distribution(quantiles, value),
            "log_score": log_score(
                quantiles, forecasts["lower"].to_numpy(float), forecasts["upper"].to_numpy(float)
            ),
        },
        index=forecasts.index,
    )
    # Over less than a quarter a year's change would only blow up the rounding.
    scores["change_error"] = (scores["error"].abs() / years).where(years >= 0.25)
    for percent in BANDS:
        low, high = band(quantiles, percent)
        scores[f"cover{percent}"] = (value >= low) & (value <= high)
        scores[f"width{percent}"] = high - low
    return scores


def summary(scored: pd.DataFrame) -> pd.Series:
    """n, crps, mae, bias, change_error, log_score, cover and width of each band."""
    row = {
        "n": len(scored),
        "provinces": scored["province_code"].nunique(),
        "crps": scored["crps"].mean(),
        "mae": scored["error"].abs().mean(),
        "bias": scored["error"].mean(),
        "change_error": scored["change_error"].mean(),
        "log_score": scored["log_score"].mean(),
    }
    for percent in BANDS:
        row[f"cover{percent}"] = scored[f"cover{percent}"].mean()
    for percent in BANDS:
        row[f"width{percent}"] = scored[f"width{percent}"].mean()
    return pd.Series(row, dtype=object)


def skill(
    own: pd.Series, other: pd.Series, province: pd.Series, *names: str
) -> tuple[float, float, float]:
    """1 - mean(own) / mean(other) with a 95% interval; positive where `own` is better.

    The three series share an index (one score a forecast). The interval is a percentile
    bootstrap over provinces, because readings of one province stand and fall together;
    `names` name its random numbers. With one province there is no interval (NaN).
    """
    sums = pd.DataFrame({"own": own, "other": other}).groupby(province.to_numpy()).sum()
    if not len(sums) or sums["other"].sum() == 0:
        return (np.nan, np.nan, np.nan)
    estimate = 1 - sums["own"].sum() / sums["other"].sum()
    k = len(sums)
    if k < 2:
        return (float(estimate), np.nan, np.nan)
    replicated = _times(k, "skill", *names) @ sums.to_numpy()
    low, high = np.quantile(1 - replicated[:, 0] / replicated[:, 1], [0.025, 0.975])
    return float(estimate), float(low), float(high)


@cache
def _times(k: int, *names: str) -> Floats:
    """How often each of k provinces is drawn in each replicate: (REPLICATES, k)."""
    random = seeds.generator("validation", *names)
    return random.multinomial(k, np.full(k, 1 / k), size=REPLICATES)


def mean_interval(values: pd.Series, province: pd.Series, *names: str) -> tuple[float, float]:
    """95% percentile interval of a mean, resampling whole provinces (NaN with one province)."""
    sums = pd.DataFrame({"s": values.to_numpy(float), "n": 1.0}).groupby(province.to_numpy()).sum()
    k = len(sums)
    if k < 2:
        return (np.nan, np.nan)
    drawn = _times(k, "mean", *names) @ sums.to_numpy()
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)


def weighted_interval(
    values: pd.Series, weight: Floats, cluster: pd.Series, *names: str
) -> tuple[float, float]:
    """95% percentile interval of a weighted mean, resampling whole clusters (NaN with one)."""
    table = pd.DataFrame({"s": values.to_numpy(float) * weight, "n": weight})
    sums = table.groupby(cluster.to_numpy()).sum()
    if len(sums) < 2:
        return (np.nan, np.nan)
    drawn = _times(len(sums), "mean", *names) @ sums.to_numpy()
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)


def brier(probability: Floats, met: Floats) -> float:
    """Mean squared distance between the probability and what came (1 met, 0 not)."""
    return float(np.mean((np.asarray(probability) - np.asarray(met, float)) ** 2))


def reliability(probability: Floats, met: Floats, edges: Floats) -> pd.DataFrame:
    """By bins of probability: n, mean probability, share met (empty bins are left out)."""
    groups = np.clip(np.digitize(probability, edges[1:-1]), 0, len(edges) - 2)
    table = pd.DataFrame({"bin": groups, "probability": probability, "met": np.asarray(met, float)})
    out = table.groupby("bin").agg(
        n=("met", "size"), mean_probability=("probability", "mean"), share_met=("met", "mean")
    )
    out.insert(0, "from", np.asarray(edges)[out.index])
    out.insert(1, "to", np.asarray(edges)[out.index + 1])
    return out.reset_index(drop=True)
