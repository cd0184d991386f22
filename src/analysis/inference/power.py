"""What a design could have found: minimum detectable effects and rejection rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.inference.bootstrap import draw_statistics, pieces, t_statistic, webb_weights
from analysis.inference.cluster import covariance
from analysis.inference.least_squares import Array, fit_least_squares


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
