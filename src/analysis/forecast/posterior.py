"""What the readings and the announced targets say of any unit and date, given a fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import expit

from analysis.forecast.evidence import Evidence
from analysis.forecast.fit import CEILING, CENTRE, FLOOR, JITTER, Fit, Reference
from analysis.forecast.space import Points, join, logit_slope

#: Years over which the error that all units share in meeting targets fades.
SHARED_MEMORY = 3.0
#: The first year-end of the years among which the best one of a unit is sought.
FIRST_END = 2010


@dataclass(frozen=True)
class Posterior:
    """The conditional distribution for M values of the standard deviations.

    theta: (M, J + E). at: points of the n readings and targets. factors: M lower Cholesky
    factors (n, n). weights: (M, n) K^-1 z.
    """

    fit: Fit
    theta: np.ndarray
    at: Points
    factors: list[np.ndarray]
    weights: np.ndarray

    def marginal(self, asked: Points) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of the latent logit at each point, by parameter draw: (M, q) each."""
        asked, constant = self.fit.reference.linearise(asked)
        parts = self.fit.parts
        across = np.stack([part.between(asked, self.at) for part in parts])
        alone = np.stack([part.variance(asked) for part in parts])
        means, variances = [], []
        for theta, factor, weights in zip(self.theta, self.factors, self.weights, strict=True):
            scale = np.exp(2 * theta[: len(parts)])
            k = np.tensordot(scale, across, 1)
            half = solve_triangular(factor, k.T, lower=True, check_finite=False)
            means.append(k @ weights + constant + CENTRE[self.fit.evidence.family] * asked.size)
            variances.append(np.maximum(scale @ alone - (half**2).sum(axis=0), 1e-10))
        return np.array(means), np.array(variances)

    def joint(self, asked: Points) -> tuple[np.ndarray, np.ndarray]:
        """Mean (M, q) and Cholesky factor (M, q, q) of the latent logits of single provinces."""
        parts = self.fit.parts
        scale = np.exp(2 * self.theta[:, : len(parts)])
        inner = _sums(scale, [part.between(asked, asked) for part in parts])
        across = _sums(scale, [part.between(asked, self.at) for part in parts])
        q = len(asked)
        means = np.einsum("mqn,mn->mq", across, self.weights)
        for i, factor in enumerate(self.factors):
            half = solve_triangular(factor, across[i].T, lower=True, check_finite=False)
            inner[i] -= half.T @ half
            inner[i][np.diag_indices(q)] += JITTER
            inner[i] = np.linalg.cholesky(inner[i])
        return means + CENTRE[self.fit.evidence.family], inner


def _sums(scale: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """Sums of J parts (a, b) with the weights `scale` (M, J): (M, a, b), in one product."""
    flat = np.stack(parts).reshape(len(parts), -1)
    return (scale @ flat).reshape(len(scale), *parts[0].shape)


def posterior(fit: Fit) -> Posterior:
    """Condition on the readings and, as soft observations, on the announced targets.

    The targets do not enter the fit: smooth parallel paths of targets would explain the
    readings away. They are taken as readings of the future, off by `Settings.target_error`
    points each and by a part that all units share. Those out of reach (`within_reach`) are left
    out, of the evidence of the posterior's fit too.
    """
    targets = fit.evidence.targets
    if len(targets) and fit.evidence.settings.reach:
        alone = _conditioned(_without_targets(dataclasses.replace(fit, draws=fit.theta[None])))
        near = within_reach(fit.evidence, lambda at: alone.marginal(at)[0][0])
        fit = dataclasses.replace(fit, evidence=near)
    return _conditioned(fit)


def _without_targets(fit: Fit) -> Fit:
    none = dataclasses.replace(fit.evidence, targets=fit.evidence.targets.iloc[:0])
    return dataclasses.replace(fit, evidence=none)


def _conditioned(fit: Fit) -> Posterior:
    readings = fit.problem
    if len(fit.evidence.targets) == 0:
        at, z, extra = fit.points, readings.z, np.zeros((len(readings.z),) * 2)
    else:
        at, z, extra = _with_targets(fit)
    units = np.stack([part.between(at, at) for part in fit.parts])
    factors, weights = [], []
    for theta in fit.draws:
        matrix = np.tensordot(np.exp(2 * theta[: len(fit.parts)]), units, 1) + extra
        rows = np.arange(len(readings.z))
        matrix[rows, rows] += readings.noise(theta)
        factor, lower = cho_factor(matrix, lower=True, check_finite=False)
        factors.append(np.tril(factor))
        weights.append(cho_solve((factor, lower), z, check_finite=False))
    return Posterior(fit, fit.draws, at, factors, np.array(weights))


def _with_targets(fit: Fit) -> tuple[Points, np.ndarray, np.ndarray]:
    """Points and logits of readings and targets, and the covariance of the targets' errors."""
    own, z, errors = announced(fit.evidence, fit.reference)
    n, k = len(fit.problem.z), len(z)
    extra = np.zeros((n + k, n + k))
    extra[n:, n:] = errors
    return join(fit.points, own), np.concatenate([fit.problem.z, z]), extra


def announced(evidence: Evidence, reference: Reference) -> tuple[Points, np.ndarray, np.ndarray]:
    """Targets as observations: their k points, logits less the centre (k,), errors (k, k)."""
    table = evidence.targets
    own = evidence.at(table)
    own, constant = reference.linearise(own)
    share = np.clip(table["percent"].to_numpy(float) / 100, FLOOR, CEILING)
    z = np.log(share / (1 - share)) - CENTRE[evidence.family] * own.size - constant
    slope = logit_slope(share)
    apart = np.exp(-np.abs(own.t[:, None] - own.t[None]) / SHARED_MEMORY)
    shared = evidence.settings.target_error_shared**2 * np.outer(slope, slope) * apart
    alone = (table["half"].to_numpy() * slope) ** 2 + JITTER
    return own, z, shared + np.diag(alone)


def within_reach(evidence: Evidence, level: Callable[[Points], np.ndarray]) -> Evidence:
    """The evidence with those targets alone that people could reach.

    A target says where a unit is led only if the unit can get there. One that lies beyond `reach`
    by more than a target's own error is taken for no information: as a reading it would speak for
    growth that no unit has shown, and the curve that all units share would follow it.

    level: gives the log odds (n,) at n points that the readings alone speak for, without targets.
    """
    targets = evidence.targets.reset_index(drop=True)
    ends = [
        day if day.is_year_end else pd.Timestamp(day.year - 1, 12, 31) for day in targets["day"]
    ]
    days = [
        [*(pd.Timestamp(year, 12, 31) for year in range(FIRST_END, end.year + 1)), due]
        for end, due in zip(ends, targets["as_of"], strict=True)
    ]
    # All days of a target by the denominator of its own: another one is no rise.
    own = evidence.at(targets).old_base
    asked = targets[["geo_level", "province_code", "indicator"]]
    asked = asked.assign(as_of=pd.Series(days), old_base=own).explode("as_of", ignore_index=True)
    asked["as_of"] = pd.to_datetime(asked["as_of"])
    path = 100 * expit(level(evidence.at(asked)))
    paths = np.split(path, np.cumsum([len(one) for one in days])[:-1])
    years = (targets["as_of"] - pd.Series(ends)).dt.days.to_numpy() / 365.25
    most = [reach(one[:-1], float(one[-1]), far) for one, far in zip(paths, years, strict=True)]
    kept = (targets["percent"] - targets["half"]).to_numpy(float) <= np.array(most)
    return dataclasses.replace(evidence, targets=targets[kept].reset_index(drop=True))


def reach(past: np.ndarray, expected: float, years: float) -> float:
    """The highest coverage that a unit could have, in percent.

    That is what its best year would lead to if every year were like it, or the highest level it
    has had, or what is expected of it without any target, whichever is highest.

    past: (Y,) coverage at the ends of past years. years: from the last of these to the day asked.
    Infinite where fewer than two year-ends show no year at all.
    """
    if len(past) < 2:
        return np.inf
    best = past[-1] + years * np.diff(past).max()
    return float(max(best, past.max(), expected))
