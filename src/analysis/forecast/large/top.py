"""The small dense system: what units share, solved after every unit has been summed up.

With b = R w the shared effects (w standard normal) and J the covariance given b, block diagonal
but for the sums over units,
    K = J + A b-covariance A',  K^-1 = J^-1 - J^-1 A R H^-1 R' A' J^-1,  H = 1 + R' A' J^-1 A R,
    log det K = log det J + log det H
(the identities of Woodbury and Sylvester; Golub and Van Loan 2013, section 2.1.4). J is
inverted by eliminating the units first, so that nothing larger than the shared effects and the
sums is ever dense.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from analysis.forecast.large.moments import Moments


@dataclass(frozen=True)
class Prior:
    """The shared effects and the sums, apart from their variances.

    roots: for each shared part (position in theta, (p, r) root): its covariance is the root times
    its transpose, for a standard deviation of one. p counts ways, varying coefficients and sums.
    loadings: (s, q) of the varying coefficients at the sums. own: (J, s, s) covariance of the
    sums by each own part. noise: (s, s). z: (s,) readings of the sums. read: (s,) those that were
    read; the others are asked for.
    """

    roots: list[tuple[int, np.ndarray]]
    loadings: np.ndarray
    own: np.ndarray
    z: np.ndarray
    read: np.ndarray


@dataclass(frozen=True)
class Top:
    """The solution.

    mean (p,), covariance (p, p): the shared effects given all readings. weights: (p0 + s,) and
    inner: (p0 + s, p0 + s), such that for a unit with X = [A, C]
        (K^-1 z)_u = M (z - X weights),  (K^-1)_uu = M - M X inner X' M;
    `wide` (p + s, p + s) is `inner` for all shared effects. shared: gradient by shared part.
    eliminated: the sums that were read, after the units: Cholesky factor of their covariance,
    their design in the shared effects, and their values.
    """

    log_likelihood: float
    mean: np.ndarray
    covariance: np.ndarray
    at_sums: np.ndarray
    wide: np.ndarray
    kept: np.ndarray
    shared: dict[int, float]
    eliminated: tuple[np.ndarray, np.ndarray, np.ndarray]

    def weights_of(self, effects: np.ndarray, rest: np.ndarray, read: np.ndarray) -> np.ndarray:
        """Weights of the sums (S, s) for shared effects (S, p) and what the sums err by (S, r)."""
        factor, design, values = self.eliminated
        out = np.zeros((len(effects), len(read)))
        gap = values - effects @ design.T - rest
        out[:, read] = _upper(factor, _lower(factor, gap.T)).T
        return out

    @property
    def weights(self) -> np.ndarray:
        """(p0 + s,) see the class."""
        return np.concatenate([self.mean, self.at_sums])[self.kept]

    @property
    def inner(self) -> np.ndarray:
        """(p0 + s, p0 + s) see the class."""
        return self.wide[np.ix_(self.kept, self.kept)]


def top(found: Moments, prior: Prior, scale: np.ndarray, noise: np.ndarray, n: int) -> Top:
    """Solve for the shared effects.

    Args:
        scale: (J,) variances of all parts, by position in theta. noise: (s, s) error covariance
            of the sums, with their own covariance (`Prior.own` is added by `sums_covariance`).
        n: number of readings.
    """
    s = len(prior.z)
    p0 = len(found.gram) - 1 - s
    p = p0 + s
    gram, read = found.gram, np.flatnonzero(prior.read)
    shared, sums = slice(1, 1 + p0), 1 + p0 + read
    design = np.zeros((len(read), p))
    design[np.arange(len(read)), p0 + read] = 1.0
    design[:, p0 - prior.loadings.shape[1] : p0] = prior.loadings[read]
    design[:, :p0] -= gram[sums, shared]
    left = noise[np.ix_(read, read)] - gram[np.ix_(sums, sums)]
    rest = prior.z[read] - gram[sums, 0]
    factor = np.linalg.cholesky(left)
    half, rest_half = _lower(factor, design), _lower(factor, rest)
    information = half.T @ half
    information[:p0, :p0] += gram[shared, shared]
    score = half.T @ rest_half
    score[:p0] += gram[shared, 0]
    root = np.hstack([np.sqrt(scale[j]) * one for j, one in prior.roots])
    inner = root.T @ information @ root
    inner[np.diag_indices(len(inner))] += 1.0
    solved = cho_factor(inner, lower=True)
    w = cho_solve(solved, root.T @ score)
    spread = cho_solve(solved, np.eye(len(inner)))
    mean, covariance = root @ w, root @ spread @ root.T
    likelihood = -0.5 * (gram[0, 0] + rest_half @ rest_half - score @ mean)
    likelihood -= 0.5 * found.log_determinant + np.log(np.diag(factor)).sum()
    likelihood -= np.log(np.diag(solved[0])).sum() + 0.5 * n * np.log(2 * np.pi)
    at_sums = np.zeros(s)
    at_sums[read] = _upper(factor, rest_half - half @ mean)
    wide = np.zeros((p + s, p + s))
    wide[:p, :p] = covariance
    back = _upper(factor, half)
    wide[np.ix_(p + read, np.arange(p))] = -back @ covariance
    wide[np.ix_(np.arange(p), p + read)] = wide[np.ix_(p + read, np.arange(p))].T
    wide[np.ix_(p + read, p + read)] = back @ covariance @ back.T - _upper(
        factor, _lower(factor, np.eye(len(read)))
    )
    return Top(
        float(likelihood),
        mean,
        covariance,
        at_sums,
        wide,
        np.concatenate([np.arange(p0), p + np.arange(s)]),
        _shared_gradient(prior, w, spread),
        (factor, design, rest),
    )


def _lower(factor: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.linalg.solve(factor, values)


def _upper(factor: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.linalg.solve(factor.T, values)


def _shared_gradient(prior: Prior, w: np.ndarray, spread: np.ndarray) -> dict[int, float]:
    """d log likelihood / d theta_j = sum of E[w_i^2 | z] - 1 over the effects i of part j.

    Fisher's identity (see Dempster, Laird and Rubin 1977): b enters as sigma_j times w.
    """
    expected = w**2 + np.diag(spread) - 1
    found, start = {}, 0
    for j, one in prior.roots:
        found[j] = float(expected[start : start + one.shape[1]].sum())
        start += one.shape[1]
    return found


def own_gradient(
    found: Moments, prior: Prior, solved: Top, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """d log likelihood / d theta by own part (J,) and by class of error of single units (E,).

    tr{(a a' - K^-1) B} with a = K^-1 z, written in the sums of `Moments`.
    scale: (J,) variances of the own parts.
    """
    inner, a = solved.inner, np.concatenate([[1.0], -solved.weights])
    padded = np.zeros((len(a), len(a)))
    padded[1:, 1:] = inner
    outer = np.outer(a, a) + padded
    by_error = np.tensordot(found.by_error, outer, 2) - found.trace_error
    by_part = np.tensordot(found.by_part, outer, 2) - found.trace_part
    p, s = len(solved.mean), len(prior.z)
    if s:
        at, block = solved.at_sums, solved.wide[p:, p:]
        beside = np.outer(a, at)
        beside[1:] -= inner[:, len(inner) - s :]
        by_part += 2 * np.tensordot(found.across, beside, 2)
        own = np.outer(at, at) + block
        by_part += scale * np.tensordot(prior.own, own, 2)
    return by_part, by_error
