"""The restricted wild cluster bootstrap with Webb's six-point weights.

Cameron, Gelbach and Miller (2008) impose the null; Webb (2023) gives the weights for few
clusters; Roodman, MacKinnon, Nielsen and Webb (2019) show that the statistic needs only sums by
cluster. Here it is taken one step further: numerator and scores are linear in the tested value,
so a confidence interval by inverting the test costs no new draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference.cluster import cr1_factor
from analysis.inference.least_squares import Array, Fit, sums_by

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
