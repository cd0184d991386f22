"""Variance components with crossed effects, by restricted maximum likelihood.

y = X b + sum_k Z_k u_k + e, each u_k ~ N(0, s_k^2 K_k): a dense Gaussian likelihood (Patterson and
Thompson 1971), good for a few hundred rows. Components may reach zero without stopping the fit,
which is why this stands beside statsmodels' MixedLM: that one stops on the boundary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from analysis.inference.regression import Array, check_full_rank


class NotConverged(RuntimeError):
    """A likelihood could not be maximised; the message carries the gradient."""


@dataclass(frozen=True)
class Components:
    """Estimates: ``variances`` by component (with ``residual``), ``beta`` (k,), ``log_likelihood``.

    The log-likelihood is the restricted one on the scale of lme4. ``covariance`` is that of
    ``beta``; ``effects`` are the best linear predictions of each component's own effects, with
    their prediction covariances in ``effect_covariances``.
    """

    variances: dict[str, float]
    beta: Array
    covariance: Array
    log_likelihood: float
    effects: dict[str, Array]
    effect_covariances: dict[str, Array]


def indicator_matrix(codes: np.ndarray) -> Array:
    """Dummies (n, levels) of group labels, levels in sorted order."""
    levels, index = np.unique(codes, return_inverse=True)
    return np.eye(len(levels))[index]


def fit_components(
    y: Array, X: Array, blocks: Mapping[str, Array], names: tuple[str, ...] = ()
) -> Components:
    """Fit the components given by their incidence matrices (n, levels) or (n, columns).

    Raises SingularDesign for collinear fixed terms and NotConverged when the maximum was not
    found.
    """
    check_full_rank(X, names or tuple(f"column {i + 1}" for i in range(X.shape[1])))
    kernels = [Z @ Z.T for Z in blocks.values()]
    spread = max(float(np.var(y)), 1e-8)
    start = np.full(len(kernels) + 1, 0.5 * np.log(spread / (len(kernels) + 1)))
    # A standard deviation e^-8 of the outcome's own is zero for every purpose here.
    low = 0.5 * np.log(spread) - 8

    def negative(logs: Array) -> tuple[float, Array]:
        value, slope = _value_and_slope(np.exp(2 * logs), kernels, y, X)
        return -value, -slope

    box = {"jac": True, "method": "L-BFGS-B", "bounds": [(low, low + 12)] * len(start)}
    best = minimize(negative, start, **box)
    best = minimize(negative, best.x, **box)
    if not np.isfinite(best.fun) or np.abs(_projected(best, low)).max() > 0.05:
        raise NotConverged(f"variance components did not converge; gradient {best.jac}")
    return _report(np.exp(2 * best.x), y, X, blocks, kernels, -best.fun)


def _value_and_slope(
    variances: Array, kernels: list[Array], y: Array, X: Array
) -> tuple[float, Array]:
    """Restricted log-likelihood and its slope by the log standard deviations.

    The slope by a variance is -1/2 (tr P K - y'P K P y), P the projection of the restricted
    likelihood (Searle, Casella and McCulloch 1992, section 6.6).
    """
    V = _total(variances, kernels)
    inverse = np.linalg.inv(V)
    solved = inverse @ X
    precision = X.T @ solved
    project = inverse - solved @ np.linalg.solve(precision, solved.T)
    left = project @ y
    log_det = np.linalg.slogdet(V)[1] + np.linalg.slogdet(precision)[1]
    free = len(y) - X.shape[1]
    value = -0.5 * (free * np.log(2 * np.pi) + log_det + y @ left)
    slopes = [-0.5 * ((project * K).sum() - left @ K @ left) for K in kernels]
    slopes.append(-0.5 * (np.trace(project) - left @ left))
    return float(value), 2 * variances * np.array(slopes)


def _projected(best: object, low: float) -> Array:
    """Gradient where the parameter is free to move."""
    gradient, x = np.array(best.jac), np.array(best.x)  # type: ignore[attr-defined]
    return np.where((x < low + 1e-6) & (gradient > 0), 0.0, gradient)


def _total(variances: Array, kernels: list[Array]) -> Array:
    size = len(kernels[0])
    return sum(v * K for v, K in zip(variances[:-1], kernels, strict=True)) + variances[
        -1
    ] * np.eye(size)


def _report(
    variances: Array,
    y: Array,
    X: Array,
    blocks: Mapping[str, Array],
    kernels: list[Array],
    log_likelihood: float,
) -> Components:
    inverse = np.linalg.inv(_total(variances, kernels))
    covariance = np.linalg.inv(X.T @ inverse @ X)
    beta = covariance @ X.T @ inverse @ y
    project = inverse - inverse @ X @ covariance @ X.T @ inverse
    effects, spread = {}, {}
    for (name, Z), v in zip(blocks.items(), variances[:-1], strict=True):
        effects[name] = v * Z.T @ inverse @ (y - X @ beta)
        spread[name] = v * np.eye(Z.shape[1]) - v * Z.T @ project @ Z * v
    named = dict(zip([*blocks, "residual"], map(float, variances), strict=True))
    return Components(named, beta, covariance, log_likelihood, effects, spread)


def components_shares(
    y: Array,
    X: Array,
    blocks: Mapping[str, Array],
    rng: np.random.Generator,
    draws: int = 200,
    level: float = 0.05,
) -> dict[str, tuple[float, float, float]]:
    """Share of each component in the variance, with a parametric bootstrap interval.

    Returns name -> (share, low, high), shares between 0 and 1. A draw on which the maximum is
    not found counts as an error, not as a missing draw.
    """
    fitted = fit_components(y, X, blocks)
    roots = [np.sqrt(fitted.variances[k]) * Z for k, Z in blocks.items()]
    mean, noise = X @ fitted.beta, np.sqrt(fitted.variances["residual"])
    shares = []
    for _ in range(draws):
        drawn = mean + noise * rng.normal(size=len(y))
        drawn += sum(root @ rng.normal(size=root.shape[1]) for root in roots)
        shares.append(_shares(fit_components(drawn, X, blocks)))
    bounds = np.quantile(np.array(shares), [level / 2, 1 - level / 2], axis=0)
    names = list(fitted.variances)
    return {
        k: (float(s), float(bounds[0, i]), float(bounds[1, i]))
        for i, (k, s) in enumerate(zip(names, _shares(fitted), strict=True))
    }


def _shares(fitted: Components) -> Array:
    values = np.array(list(fitted.variances.values()))
    return values / values.sum()
