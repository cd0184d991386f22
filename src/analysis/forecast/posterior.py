"""What the readings and the announced targets say of any unit and date, given a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from analysis.forecast.evidence import Evidence
from analysis.forecast.fit import CEILING, CENTRE, FLOOR, JITTER, Fit, Reference
from analysis.forecast.space import Points, join, points

#: Years over which the error that all units share in meeting targets fades.
SHARED_MEMORY = 3.0


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
    points each and by a part that all units share.
    """
    targets = fit.evidence.targets
    readings = fit.problem
    if len(targets) == 0:
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
    own = points(table, evidence.units, evidence.settings, evidence.origin)
    own, constant = reference.linearise(own)
    share = np.clip(table["percent"].to_numpy(float) / 100, FLOOR, CEILING)
    z = np.log(share / (1 - share)) - CENTRE[evidence.family] * own.size - constant
    slope = 1 / (100 * share * (1 - share))
    apart = np.exp(-np.abs(own.t[:, None] - own.t[None]) / SHARED_MEMORY)
    shared = evidence.settings.target_error_shared**2 * np.outer(slope, slope) * apart
    alone = (table["half"].to_numpy() * slope) ** 2 + JITTER
    return own, z, shared + np.diag(alone)
