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

from analysis_panels.moments import Moments


@dataclass(frozen=True)
class Prior:
    """The shared effects and the sums, apart from their variances.

    roots: for each shared part (position in theta, (p, r) root): its covariance is the root times
    its transpose, for a standard deviation of one. p counts ways, varying coefficients and sums.
    loadings: (s, q) of the varying coefficients at the sums. own: (J, s, s) covariance of the
    sums by each own part. z: (s,) readings of the sums. read: (s,) those that were
    read; the others are asked for.
    """

    roots: list[tuple[int, np.ndarray]]
    loadings: np.ndarray
    own: np.ndarray
    z: np.ndarray
    read: np.ndarray


@dataclass(frozen=True)
class Eliminated:
    """What is left when the units are gone.

    factor: (r, r) Cholesky factor of the covariance of the sums that were read, given b.
    design: (r, p), values: (r,) theirs. information: (p, p) A' J^-1 A; score: (p,) A' J^-1 z;
    square: z' J^-1 z.
    """

    factor: np.ndarray
    design: np.ndarray
    values: np.ndarray
    information: np.ndarray
    score: np.ndarray
    square: float


@dataclass(frozen=True)
class Top:
    """The solution.

    mean (p,), covariance (p, p): the shared effects given all readings. weights: (p0 + s,) and
    inner: (p0 + s, p0 + s), such that for a unit with X = [A, C]
        (K^-1 z)_u = M (z - X weights),  (K^-1)_uu = M - M X inner X' M;
    `wide` (p + s, p + s) is `inner` for all shared effects. shared: gradient by shared part.
    left: what is left when the units are gone.
    """

    log_likelihood: float
    mean: np.ndarray
    covariance: np.ndarray
    at_sums: np.ndarray
    wide: np.ndarray
    kept: np.ndarray
    shared: dict[int, float]
    left: Eliminated

    def weights_of(self, effects: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """Weights (S, r) of the sums read, for shared effects (S, p) and errors of sums (S, r)."""
        return _solve(
            self.left.factor, (self.left.values - effects @ self.left.design.T - rest).T
        ).T

    @property
    def weights(self) -> np.ndarray:
        """(p0 + s,) see the class."""
        return np.concatenate([self.mean, self.at_sums])[self.kept]

    @property
    def inner(self) -> np.ndarray:
        """(p0 + s, p0 + s) see the class."""
        return self.wide[np.ix_(self.kept, self.kept)]


def eliminate(found: Moments, prior: Prior, noise: np.ndarray) -> Eliminated:
    """Take the units out: Schur complements in the sums over units of `Moments`."""
    s, gram, read = len(prior.z), found.gram, np.flatnonzero(prior.read)
    p0 = len(gram) - 1 - s
    shared, sums = slice(1, 1 + p0), 1 + p0 + read
    design = np.zeros((len(read), p0 + s))
    design[np.arange(len(read)), p0 + read] = 1.0
    design[:, p0 - prior.loadings.shape[1] : p0] = prior.loadings[read]
    design[:, :p0] -= gram[sums, shared]
    values = prior.z[read] - gram[sums, 0]
    factor = np.linalg.cholesky(noise[np.ix_(read, read)] - gram[np.ix_(sums, sums)])
    half, rest = np.linalg.solve(factor, design), np.linalg.solve(factor, values)
    information, score = half.T @ half, half.T @ rest
    information[:p0, :p0] += gram[shared, shared]
    score[:p0] += gram[shared, 0]
    return Eliminated(factor, design, values, information, score, gram[0, 0] + rest @ rest)


def top(found: Moments, prior: Prior, scale: np.ndarray, noise: np.ndarray, n: int) -> Top:
    """Solve for the shared effects.

    Args:
        scale: variances of all parts, by position in theta. noise: (s, s) covariance of the sums
            by errors and by the units' own processes. n: number of readings.
    """
    left = eliminate(found, prior, noise)
    root = np.hstack([np.sqrt(scale[j]) * one for j, one in prior.roots])
    inner = root.T @ left.information @ root
    inner[np.diag_indices(len(inner))] += 1.0
    solved = cho_factor(inner, lower=True)
    w = cho_solve(solved, root.T @ left.score)
    spread = cho_solve(solved, np.eye(len(inner)))
    mean, covariance = root @ w, root @ spread @ root.T
    determinant = 0.5 * found.log_determinant + np.log(np.diag(left.factor)).sum()
    determinant += np.log(np.diag(solved[0])).sum()
    square = left.square - left.score @ mean
    at_sums, wide = _at_sums(left, prior, mean, covariance)
    p, s = len(mean), len(prior.z)
    return Top(
        log_likelihood=float(-0.5 * square - determinant - 0.5 * n * np.log(2 * np.pi)),
        mean=mean,
        covariance=covariance,
        at_sums=at_sums,
        wide=wide,
        kept=np.concatenate([np.arange(p - s), p + np.arange(s)]),
        shared=_shared_gradient(prior, w, spread),
        left=left,
    )


def _at_sums(
    left: Eliminated, prior: Prior, mean: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights K^-1 z of the sums (s,), and `Top.wide`."""
    p, s, read = len(mean), len(prior.z), np.flatnonzero(prior.read)
    inverse = _solve(left.factor, np.eye(len(read)))
    back = inverse @ left.design
    at_sums = np.zeros(s)
    at_sums[read] = _solve(left.factor, left.values - left.design @ mean)
    wide = np.zeros((p + s, p + s))
    wide[:p, :p] = covariance
    wide[p + read, :p] = -back @ covariance
    wide[:p, p + read] = wide[p + read, :p].T
    wide[np.ix_(p + read, p + read)] = back @ covariance @ back.T - inverse
    return at_sums, wide


def _solve(factor: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.linalg.solve(factor.T, np.linalg.solve(factor, values))


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
