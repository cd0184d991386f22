"""From the true level to the value as it will be reported: reading error, and the target's pull.

Reported year-end values sit at or just above their target more often than levels do. The
density of the reported value is that of level plus reading error, tilted by
    r(gap) = short                          below the target,
             1 + heap exp(-gap / WIDTH)     at or above it,
where gap is the reported value less the target in points. `short` and `heap` are estimated from
past year-ends that had a target, each seen from all other readings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm

from analysis.forecast.fit import CEILING, FLOOR, Fit
from analysis.forecast.known import Known

#: Points above the target within which reported values heap.
WIDTH = 0.5
#: Prior median and width (log scale) of the two parameters: no pull but for what data say.
SHORT, HEAP = (0.6, 0.8), (0.3, 1.0)
GRID = np.linspace(-1, 1, 801)


@dataclass(frozen=True)
class Pull:
    """short: weight of values below a target. heap: extra weight just above. n: year-ends seen."""

    short: float
    heap: float
    n: int

    def tilt(self, gap: np.ndarray) -> np.ndarray:
        """r(gap) for gaps in points."""
        above = 1 + self.heap * np.exp(-np.maximum(gap, 0) / WIDTH)
        return np.where(gap < 0, self.short, above)


NONE = Pull(1.0, 0.0, 0)


def error_sd(fit: Fit, theta: np.ndarray, level: np.ndarray, country: np.ndarray) -> np.ndarray:
    """Standard deviation of reading error on the logit scale: (M, q).

    theta: (M, J + E). level: (M, q) or (q,) logits at which it is asked. country: (q,) bool.
    """
    share = np.clip(expit(level), FLOOR, CEILING)
    slope = 1 / (100 * share * (1 - share))
    own = _error(fit, theta, "error_coverage")
    nation = _error(fit, theta, "error_country")
    return np.where(country, nation[:, None], own[:, None]) * slope


def _error(fit: Fit, theta: np.ndarray, name: str) -> np.ndarray:
    """Points of error by parameter draw; where no reading of a class was seen, its prior."""
    from analysis.forecast.settings import PRIORS

    if name in fit.names:
        return np.exp(theta[:, fit.names.index(name)])
    return np.full(len(theta), PRIORS[name][0])


def mixture_quantiles(
    mean: np.ndarray, sd: np.ndarray, levels: np.ndarray, pull: Pull = NONE, target: float = np.nan
) -> tuple[np.ndarray, float, float]:
    """Quantiles, mean and standard deviation, in percent, of a tilted mixture of logit normals.

    Args:
        mean, sd: (M,) logits. levels: probabilities asked. target: percent, NaN for none.
    """
    z, mass = _density(mean, sd)
    value = 100 * expit(z)
    if np.isfinite(target):
        mass = mass * pull.tilt(value - target)
    mass = mass / mass.sum()
    cumulative = np.cumsum(mass) - mass / 2
    expected = float(mass @ value)
    spread = float(np.sqrt(max(mass @ (value - expected) ** 2, 0.0)))
    return 100 * expit(np.interp(levels, cumulative, z)), expected, spread


def probability_at_least(
    mean: np.ndarray, sd: np.ndarray, target: float, pull: Pull = NONE
) -> float:
    """Probability that the (tilted) value is at or above `target` percent."""
    z, mass = _density(mean, sd)
    mass = mass * pull.tilt(100 * expit(z) - target)
    edge = np.log(target / (100 - target)) if target < 100 else np.inf
    width = z[1] - z[0]
    above = np.clip((z + width / 2 - edge) / width, 0, 1)
    return float(mass @ above / mass.sum())


def _density(mean: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    middle, reach = mean.mean(), 6 * np.sqrt(sd.max() ** 2 + mean.var())
    z = middle + reach * GRID
    return z, norm.pdf(z[None], mean[:, None], sd[:, None]).mean(axis=0)


def pull(fit: Fit, known: Known) -> Pull:
    """Estimate the pull of targets from past year-ends, each forecast from all other readings.

    The leave-one-out mean and variance of a reading follow from the inverse covariance K^-1
    without refitting: z_i - (K^-1 z)_i / K^-1_ii and 1 / K^-1_ii (Rasmussen and Williams 2006,
    equation 5.12).
    """
    if not fit.evidence.settings.pull:
        return NONE
    past = _past(fit, known)
    if len(past) == 0:
        return NONE
    start = np.log([SHORT[0], HEAP[0]])
    found = minimize(_loss, start, args=(past,), method="Nelder-Mead")
    short, heap = np.exp(found.x)
    return Pull(float(min(short, 1.0)), float(heap), len(past))


def _loss(x: np.ndarray, past: pd.DataFrame) -> float:
    trial = Pull(float(min(np.exp(x[0]), 1.0)), float(np.exp(x[1])), 0)
    loss = 0.5 * ((x[0] - np.log(SHORT[0])) / SHORT[1]) ** 2
    loss += 0.5 * ((x[1] - np.log(HEAP[0])) / HEAP[1]) ** 2
    for row in past.itertuples():
        z, mass = _density(np.array([row.mean]), np.array([row.sd]))
        weight = mass / mass.sum() @ trial.tilt(100 * expit(z) - row.target)
        loss -= np.log(trial.tilt(np.array(row.percent - row.target))) - np.log(weight)
    return float(loss)


def _past(fit: Fit, known: Known) -> pd.DataFrame:
    """Past readings of coverage on the day a target fell due: percent, target, mean, sd (logit)."""
    table = fit.evidence.table
    inverse = np.linalg.inv(fit.problem.covariance(fit.theta))
    own = inverse @ fit.problem.z / np.diag(inverse)
    logit = np.log(fit.evidence.percent / (100 - fit.evidence.percent))
    seen = table.assign(mean=logit - own, sd=1 / np.sqrt(np.diag(inverse)))
    coverage = seen["error"].isin(["error_coverage", "error_country"])
    keys = ["geo_level", "province_code", "indicator", "due"]
    targets = known.targets[known.targets["due"] <= known.origin]
    targets = targets.sort_values("announced").groupby(keys, as_index=False).tail(1)
    pairs = seen[coverage].merge(
        targets[[*keys, "value"]].rename(columns={"value": "target"}),
        left_on=["geo_level", "province_code", "indicator", "as_of"],
        right_on=keys,
    )
    return pairs[pairs["target"] < 100]


def due_targets(known: Known, queries: pd.DataFrame) -> np.ndarray:
    """The latest target announced for each query's unit and day, in percent; NaN where none.

    queries: geo_level, province_code, indicator, as_of.
    """
    keys = ["geo_level", "province_code", "indicator", "due"]
    latest = known.targets.sort_values(["announced", "value"]).groupby(keys).tail(1)
    asked = queries[[*keys[:3], "as_of"]].rename(columns={"as_of": "due"})
    asked = asked.assign(due=pd.to_datetime(asked["due"]))
    found = asked.merge(latest[[*keys, "value"]], on=keys, how="left")
    return found["value"].where(found["value"] < 100).to_numpy(float)
