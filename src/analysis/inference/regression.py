"""Ordinary least squares with clusters, refusing designs that cannot be estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Arrays of floats; numpy annotates its own results more widely than float64.
Array = NDArray[Any]

# A column whose part not explained by the others is below this share of its own size is
# treated as collinear: its coefficient would be rounding noise.
_COLLINEAR = 1e-8


class SingularDesign(ValueError):
    """The regressors are collinear, so at least one coefficient has no single value."""


class FewClusters(ValueError):
    """There are too few clusters for a cluster-robust statement."""


@dataclass(frozen=True)
class Fit:
    """A least-squares fit; rows are observations, columns are terms.

    ``X`` (n, k) and ``y`` (n,) are as regressed, that is, after absorbed effects were removed;
    ``codes`` (n,) numbers the clusters 0..G-1 in the order of ``labels``; ``bread`` is
    (X'X)^-1.
    """

    names: tuple[str, ...]
    beta: Array
    residuals: Array
    X: Array
    y: Array
    codes: NDArray[np.int64]
    labels: tuple[str, ...]
    bread: Array

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return len(self.labels)

    @property
    def n(self) -> int:
        """Number of observations."""
        return len(self.y)

    def index(self, term: str) -> int:
        """Position of a term; a KeyError names the terms that exist."""
        if term not in self.names:
            raise KeyError(f"no term {term!r} in this design; it has {', '.join(self.names)}")
        return self.names.index(term)


def sums_by(codes: NDArray[np.int64], values: Array, groups: int) -> Array:
    """Sums of the rows of ``values`` (n, ...) by code: an array (groups, ...)."""
    out = np.zeros((groups, *values.shape[1:]))
    np.add.at(out, codes, values)
    return out


def within(values: Array, codes: NDArray[np.int64], groups: int) -> Array:
    """Deviations of ``values`` (n, ...) from the means of their groups."""
    counts = np.bincount(codes, minlength=groups).astype(float)
    means = sums_by(codes, values, groups) / counts.reshape(-1, *([1] * (values.ndim - 1)))
    return values - means[codes]


def check_full_rank(X: Array, names: Sequence[str], where: str = "the design") -> None:
    """Raise SingularDesign naming the first term that the terms before it already explain."""
    scale = np.sqrt((X**2).sum(axis=0))
    dead = np.flatnonzero(scale < 1e-10)
    if len(dead):
        raise SingularDesign(f"{where}: the term {names[dead[0]]!r} does not vary")
    diagonal = np.abs(np.diag(np.linalg.qr(X / scale, mode="r")))
    bad = np.flatnonzero(diagonal < _COLLINEAR)
    if len(bad) or X.shape[0] <= X.shape[1]:
        which = names[bad[0]] if len(bad) else f"{X.shape[1]} terms for {X.shape[0]} rows"
        raise SingularDesign(f"{where} is singular at {which!r}")


def fit_least_squares(
    y: ArrayLike,
    X: ArrayLike,
    names: Sequence[str],
    clusters: ArrayLike,
    absorb: bool = False,
) -> Fit:
    """Least squares of ``y`` (n,) on ``X`` (n, k) with cluster labels (n,).

    ``absorb`` removes an effect of each cluster first (the within transformation), which gives
    the same coefficients as dummies. Raises SingularDesign, FewClusters, or ValueError when a
    value is missing: rows are never dropped here.
    """
    target, matrix = np.asarray(y, dtype=float), np.asarray(X, dtype=float)
    names = tuple(names)
    if not (np.isfinite(target).all() and np.isfinite(matrix).all()):
        raise ValueError("the design has missing or infinite values; choose the rows first")
    labels, codes = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    if len(labels) < 2:
        raise FewClusters(f"{len(labels)} cluster: a cluster-robust statement needs two or more")
    if absorb:
        target, matrix = (within(v, codes, len(labels)) for v in (target, matrix))
        if matrix.shape[0] - len(labels) <= matrix.shape[1]:
            raise SingularDesign(f"{matrix.shape[0]} rows do not carry {len(labels)} effects")
    check_full_rank(matrix, names)
    bread = np.linalg.inv(matrix.T @ matrix)
    beta = bread @ (matrix.T @ target)
    residuals = target - matrix @ beta
    return Fit(names, beta, residuals, matrix, target, codes, tuple(map(str, labels)), bread)


# --------------------------------------------------------------------------------------------------
# Cluster-robust covariance matrices: CR1, CR2 and CR3.
#
# CR1 is the sandwich with the usual small-sample factor (the default of Stata and statsmodels);
# CR2 corrects each cluster's residuals by (I - H_gg)^(-1/2) (Bell and McCaffrey 2002); CR3 is the
# delete-one-cluster jackknife (MacKinnon, Nielsen and Webb 2023), the most cautious of the three.
# With effects absorbed by cluster, the factor counts the named terms only, as for any effects that
# are nested in the clusters.
# --------------------------------------------------------------------------------------------------

_KINDS = ("CR1", "CR2", "CR3")


def cr1_factor(n: int, terms: int, clusters: int) -> float:
    """G/(G-1) x (n-1)/(n-k)."""
    return clusters / (clusters - 1) * (n - 1) / (n - terms)


def _scores_cr1(fit: Fit) -> Array:
    """Cluster sums of x'u, an array (G, k)."""
    return sums_by(fit.codes, fit.X * fit.residuals[:, None], fit.clusters)


def _scores_cr2(fit: Fit) -> Array:
    out = np.zeros((fit.clusters, fit.X.shape[1]))
    for g in range(fit.clusters):
        rows = fit.codes == g
        out[g] = (_cr2_adjustment(fit, rows) @ fit.X[rows]).T @ fit.residuals[rows]
    return out


def _cr2_adjustment(fit: Fit, rows: np.ndarray) -> Array:
    """Symmetric inverse square root of I - H_gg; directions with no residual are left out."""
    block = fit.X[rows]
    values, vectors = np.linalg.eigh(np.eye(len(block)) - block @ fit.bread @ block.T)
    root = np.where(values > 1e-10, 1 / np.sqrt(np.clip(values, 1e-10, None)), 0.0)
    return (vectors * root) @ vectors.T


def leave_one_out_changes(fit: Fit) -> Array:
    """Change of the coefficients when a cluster is left out: beta - beta_(g), an array (G, k).

    Uses beta - beta_(g) = (X'X - X_g'X_g)^-1 X_g'u_g, so nothing is fitted again. Raises
    SingularDesign when a term cannot be estimated without one of the clusters.
    """
    blocks = np.zeros((fit.clusters, fit.X.shape[1], fit.X.shape[1]))
    for g in range(fit.clusters):
        block = fit.X[fit.codes == g]
        blocks[g] = block.T @ block
    total = fit.X.T @ fit.X
    scale = np.sqrt(np.diag(total))
    left = (total - blocks) / np.outer(scale, scale)
    smallest = np.linalg.eigvalsh(left)[:, 0]
    if smallest.min() < 1e-9:
        cluster = fit.labels[int(smallest.argmin())]
        raise SingularDesign(f"a term rests on cluster {cluster!r} alone: no jackknife variance")
    return np.linalg.solve(left, (_scores_cr1(fit) / scale)[:, :, None])[:, :, 0] / scale


def covariance(fit: Fit, kind: str = "CR3") -> Array:
    """Covariance (k, k) of the coefficients, of the kind CR1, CR2 or CR3."""
    if kind not in _KINDS:
        raise ValueError(f"unknown covariance {kind!r}: choose one of {', '.join(_KINDS)}")
    if kind == "CR3":
        changes = leave_one_out_changes(fit)
        return (fit.clusters - 1) / fit.clusters * changes.T @ changes
    scores = _scores_cr1(fit) if kind == "CR1" else _scores_cr2(fit)
    factor = cr1_factor(fit.n, fit.X.shape[1], fit.clusters) if kind == "CR1" else 1.0
    return factor * fit.bread @ (scores.T @ scores) @ fit.bread


def standard_errors(fit: Fit, kind: str = "CR3") -> Array:
    """Square roots of the diagonal of the covariance, (k,)."""
    return np.sqrt(np.diag(covariance(fit, kind)))
