"""The restricted wild cluster bootstrap with Webb's six-point weights.

Cameron, Gelbach and Miller (2008) impose the null; Webb (2023) gives the weights for few
clusters; Roodman, MacKinnon, Nielsen and Webb (2019) show that the statistic needs only sums by
cluster. Here it is taken one step further: numerator and scores are linear in the tested value,
so a confidence interval by inverting the test costs no new draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.inference.regression import (
    Array,
    Fit,
    check_full_rank,
    covariance,
    cr1_factor,
    fit_least_squares,
    sums_by,
    within,
)

_WEBB = np.sqrt(np.array([1.5, 1.0, 0.5]))
_WEBB = np.concatenate([-_WEBB, _WEBB[::-1]])


@dataclass(frozen=True)
class WildTest:
    """Result of a wild cluster bootstrap test of one coefficient.

    ``p`` is two-sided; ``low`` and ``high`` invert the test, and are infinite where the test
    never rejects on that side.
    """

    term: str
    estimate: float
    t: float
    p: float
    low: float
    high: float
    draws: int


def webb_weights(rng: np.random.Generator, clusters: int, draws: int) -> Array:
    """Independent Webb weights (clusters, draws): mean 0, variance 1."""
    return rng.choice(_WEBB, size=(clusters, draws))


@dataclass(frozen=True)
class Pieces:
    """What the statistic of one coefficient needs, by cluster.

    For the tested value b the bootstrap scores are (K0 - b K1) w for weights w, and the
    bootstrap numerator is (a0 - b a1)'w; ``size`` is the sum of squares of the term after the
    other terms are taken out.
    """

    a0: Array
    a1: Array
    K0: Array
    K1: Array
    size: float
    factor: float
    estimate: float


def pieces(fit: Fit, term: str) -> Pieces:
    """Sums by cluster behind the restricted bootstrap of one term."""
    j, groups = fit.index(term), fit.clusters
    others = np.delete(fit.X, j, axis=1)
    if others.shape[1]:
        pair = np.column_stack([fit.X[:, j], fit.y])
        solved = np.linalg.lstsq(others, pair, rcond=None)[0]
        x, restricted = (pair - others @ solved).T
    else:
        x, restricted = fit.X[:, j], fit.y
    size = float(x @ x)
    a0, a1 = sums_by(fit.codes, x * restricted, groups), sums_by(fit.codes, x * x, groups)
    weighted = sums_by(fit.codes, fit.X * x[:, None], groups) @ fit.bread
    loads0 = sums_by(fit.codes, fit.X * restricted[:, None], groups)
    loads1 = sums_by(fit.codes, fit.X * x[:, None], groups)
    K0, K1 = np.diag(a0) - weighted @ loads0.T, np.diag(a1) - weighted @ loads1.T
    factor = cr1_factor(fit.n, fit.X.shape[1], groups)
    return Pieces(a0, a1, K0, K1, size, factor, float(fit.beta[j]))


def t_statistic(parts: Pieces, null: float = 0.0) -> float:
    """The CR1 t statistic of the estimate against ``null``."""
    # Unit weights put the restricted residuals back together, so the scores are the actual ones.
    scores = (parts.K0 - null * parts.K1).sum(axis=1)
    return float((parts.estimate - null) * parts.size / np.sqrt(parts.factor * scores @ scores))


def draw_statistics(parts: Pieces, weights: Array, null: float = 0.0) -> Array:
    """Bootstrap t statistics (draws,) under ``null`` for weights (clusters, draws)."""
    scores = (parts.K0 - null * parts.K1) @ weights
    numerator = (parts.a0 - null * parts.a1) @ weights
    return numerator / np.sqrt(parts.factor * np.einsum("gb,gb->b", scores, scores))


class _Inverter:
    """The p-value as a function of the tested value, at the cost of a few vector operations."""

    def __init__(self, parts: Pieces, weights: Array) -> None:
        s0, s1 = parts.K0 @ weights, parts.K1 @ weights
        self.parts, self.n0, self.n1 = parts, parts.a0 @ weights, parts.a1 @ weights
        self.q0 = np.einsum("gb,gb->b", s0, s0)
        self.q1 = np.einsum("gb,gb->b", s0, s1)
        self.q2 = np.einsum("gb,gb->b", s1, s1)

    def p(self, null: float) -> float:
        spread = self.q0 - 2 * null * self.q1 + null**2 * self.q2
        size = np.sqrt(self.parts.factor * np.clip(spread, 1e-300, None))
        drawn = np.abs((self.n0 - null * self.n1) / size)
        actual = abs(t_statistic(self.parts, null))
        return float((1 + (drawn >= actual * (1 - 1e-12)).sum()) / (1 + len(drawn)))

    def limit(self, direction: int, step: float, level: float) -> float:
        """Value on one side of the estimate where p falls to ``level``; infinite if nowhere."""
        inside = outside = self.parts.estimate
        for _ in range(14):
            outside = self.parts.estimate + direction * step
            if self.p(outside) <= level:
                break
            inside, step = outside, 2 * step
        else:
            return direction * np.inf
        for _ in range(40):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if self.p(middle) > level else (inside, middle)
        return (inside + outside) / 2


def wild_cluster_test(
    fit: Fit,
    term: str,
    rng: np.random.Generator,
    draws: int = 9999,
    null: float = 0.0,
    level: float = 0.05,
    weights: Array | None = None,
) -> WildTest:
    """Test one coefficient and invert the test into an interval of confidence 1 - ``level``.

    ``weights`` (clusters, draws) may be given, so that many tests share their draws. The
    p-value counts the actual sample as one of the draws, so it is never zero.
    """
    parts = pieces(fit, term)
    drawn = webb_weights(rng, fit.clusters, draws) if weights is None else weights
    inverter = _Inverter(parts, drawn)
    t = t_statistic(parts, null)
    step = abs(parts.estimate - null) / abs(t) if t else 1.0
    low, high = (inverter.limit(side, 2 * step, level) for side in (-1, 1))
    return WildTest(term, parts.estimate, t, inverter.p(null), low, high, drawn.shape[1])


# --------------------------------------------------------------------------------------------------
# Control of the false discovery rate.
# --------------------------------------------------------------------------------------------------


def benjamini_hochberg(p_values: ArrayLike) -> Array:
    """Benjamini and Hochberg (1995) q-values; missing p-values stay missing and do not count."""
    p = np.asarray(p_values, dtype=float)
    if ((p < 0) | (p > 1)).any():
        raise ValueError("a p-value lies outside 0 to 1")
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    ratio = p[order] * len(order) / np.arange(1, len(order) + 1)
    out[order] = np.minimum(1.0, np.minimum.accumulate(ratio[::-1])[::-1])
    return out


# --------------------------------------------------------------------------------------------------
# What a design could have found: minimum detectable effects and rejection rates.
# --------------------------------------------------------------------------------------------------


def minimum_detectable_effect(
    standard_error: float, clusters: int, level: float = 0.05, power: float = 0.8
) -> float:
    """Smallest true effect found with the given power (Bloom 1995): (t_level + t_power) x SE.

    Degrees of freedom are clusters - 1.
    """
    freedom = clusters - 1
    return float(
        standard_error * (stats.t.ppf(1 - level / 2, freedom) + stats.t.ppf(power, freedom))
    )


def simulate_null(
    codes: NDArray[np.int64], rng: np.random.Generator, draws: int, share: float = 0.3
) -> Array:
    """Outcomes (draws, n) without any effect, on the rows of a real design.

    The error has unit variance, of which ``share`` is common to a cluster; clusters differ in
    their spread by a log-normal factor, so that the simulation is not kinder than the data.
    """
    groups = int(codes.max()) + 1
    spread = np.exp(rng.normal(0, 0.35, size=(draws, groups)))[:, codes]
    common = rng.normal(size=(draws, groups))[:, codes]
    own = rng.normal(size=(draws, len(codes)))
    return spread * (np.sqrt(share) * common + np.sqrt(1 - share) * own)


def rejection_rates(
    X: Array,
    names: tuple[str, ...],
    clusters: NDArray[np.str_],
    term: str,
    rng: np.random.Generator,
    panels: int = 1000,
    draws: int = 399,
    absorb: bool = False,
    level: float = 0.05,
) -> dict[str, float]:
    """Share of panels without effect in which each test rejects at ``level``.

    Keys: ``CR1_normal`` (CR1 with a normal reference, as software prints it), ``CR1``, ``CR2``
    and ``CR3`` with t(G-1), and ``wild`` (restricted wild cluster bootstrap).
    """
    codes = np.unique(clusters, return_inverse=True)[1]
    outcomes = simulate_null(codes, rng, panels)
    hits = dict.fromkeys(("CR1_normal", "CR1", "CR2", "CR3", "wild"), 0)
    for y in outcomes:
        fit = fit_least_squares(y, X, names, clusters, absorb=absorb)
        cut, j = stats.t.ppf(1 - level / 2, fit.clusters - 1), fit.index(term)
        for kind in ("CR1", "CR2", "CR3"):
            t = abs(fit.beta[j]) / np.sqrt(covariance(fit, kind)[j, j])
            hits[kind] += t > cut
            if kind == "CR1":
                hits["CR1_normal"] += t > stats.norm.ppf(1 - level / 2)
        parts = pieces(fit, term)
        drawn = np.abs(draw_statistics(parts, webb_weights(rng, fit.clusters, draws)))
        p = (1 + (drawn >= abs(t_statistic(parts))).sum()) / (1 + draws)
        hits["wild"] += p <= level
    return {k: v / panels for k, v in hits.items()}


# --------------------------------------------------------------------------------------------------
# Randomisation inference: what if the exposure had fallen on other provinces?
#
# The exposure (say, the minority share) is dealt out again among the provinces, everything else
# stays, and the coefficient is computed anew. The p-value is exact under the sharp hypothesis that
# exposure does nothing (Young 2019); the t statistic is permuted rather than the coefficient, as it
# stays valid for larger samples when provinces differ in their noise (Wu and Ding 2021).
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RandomisationTest:
    """Actual coefficient and t statistic of the exposure, with permutation p-values."""

    estimate: float
    t: float
    p: float
    p_coefficient: float
    draws: int


def _residualise(values: Array, controls: Array, codes: NDArray[np.int64], absorb: bool) -> Array:
    """What is left of each column of ``values`` after cluster effects and controls."""
    groups = int(codes.max()) + 1
    if absorb:
        values = within(values, codes, groups)
        controls = within(controls, codes, groups) if controls.size else controls
    if not controls.size:
        return values
    check_full_rank(controls, [f"control {i + 1}" for i in range(controls.shape[1])])
    return values - controls @ np.linalg.lstsq(controls, values, rcond=None)[0]


def _coefficients(
    carried: list[Array], y: Array, exposures: Array, codes: NDArray[np.int64]
) -> tuple[Array, Array]:
    """First coefficient and its cluster-robust t for each dealt exposure.

    ``carried`` holds, for each step, the residualised columns (n, G) that one unit of exposure
    in each province adds; ``exposures`` is (draws, G).
    """
    columns = np.stack([exposures @ c.T for c in carried], axis=2)  # (draws, n, steps)
    gram = np.einsum("dnk,dnl->dkl", columns, columns)
    beta = np.linalg.solve(gram, (columns.transpose(0, 2, 1) @ y)[:, :, None])[:, :, 0]
    residuals = y - np.einsum("dnk,dk->dn", columns, beta)
    influence = np.einsum("dnk,dk->dn", columns, np.linalg.inv(gram)[:, 0, :])
    scores = sums_by(codes, (influence * residuals).T, int(codes.max()) + 1)
    return beta[:, 0], beta[:, 0] / np.sqrt((scores**2).sum(axis=0))


def permute_exposure(
    y: Array,
    controls: Array,
    steps: list[Array],
    exposure: Array,
    codes: NDArray[np.int64],
    rng: np.random.Generator,
    draws: int = 1999,
    absorb: bool = True,
) -> RandomisationTest:
    """Test the coefficient of ``steps[0]`` x exposure by dealing out the exposure again.

    ``y`` (n,), ``controls`` (n, k), each step (n,), ``exposure`` (G,) by cluster code. All
    steps are multiplied by the same dealt exposure, so a trend by exposure moves with it.
    Raises SingularDesign when the controls are collinear.
    """
    groups = len(exposure)
    own = np.eye(groups)[codes]
    left = _residualise(np.asarray(y, float)[:, None], controls, codes, absorb)[:, 0]
    carried = [_residualise(own * s[:, None], controls, codes, absorb) for s in steps]
    dealt = np.stack([exposure, *(rng.permutation(exposure) for _ in range(draws))])
    beta, t = _coefficients(carried, left, dealt, codes)
    p, p_coefficient = (
        float((np.abs(v) >= abs(v[0]) * (1 - 1e-12)).sum() / len(v)) for v in (t, beta)
    )
    return RandomisationTest(float(beta[0]), float(t[0]), p, p_coefficient, draws)
