"""Cluster-robust covariance matrices: CR1, CR2 and CR3.

CR1 is the sandwich with the usual small-sample factor (the default of Stata and statsmodels);
CR2 corrects each cluster's residuals by (I - H_gg)^(-1/2) (Bell and McCaffrey 2002); CR3 is the
delete-one-cluster jackknife (MacKinnon, Nielsen and Webb 2023), the most cautious of the three.
With effects absorbed by cluster, the factor counts the named terms only, as for any effects that
are nested in the clusters.
"""

from __future__ import annotations

import numpy as np

from analysis.inference.least_squares import Array, Fit, SingularDesign, sums_by

KINDS = ("CR1", "CR2", "CR3")


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
    if kind not in KINDS:
        raise ValueError(f"unknown covariance {kind!r}: choose one of {', '.join(KINDS)}")
    if kind == "CR3":
        changes = leave_one_out_changes(fit)
        return (fit.clusters - 1) / fit.clusters * changes.T @ changes
    scores = _scores_cr1(fit) if kind == "CR1" else _scores_cr2(fit)
    factor = cr1_factor(fit.n, fit.X.shape[1], fit.clusters) if kind == "CR1" else 1.0
    return factor * fit.bread @ (scores.T @ scores) @ fit.bread


def standard_errors(fit: Fit, kind: str = "CR3") -> Array:
    """Square roots of the diagonal of the covariance, (k,)."""
    return np.sqrt(np.diag(covariance(fit, kind)))
