"""Aggregates on the logit scale: nearly linear in the logits of their provinces.

With c_p = expit(z_p) and c = sum w_p c_p, the first-order expansion around the posterior means is
    logit(c) = logit(E c) + sum v_p (z_p - E z_p),  v_p = w_p c_p (1 - c_p) / (c (1 - c)),
where E c_p is the mean of a logit normal, not the logit of the mean: provinces that were never
read are uncertain, and their mean lies below their median where coverage is high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, logit

from analysis.forecast.components import Component
from analysis.forecast.covariance import Problem
from analysis.forecast.evidence import Evidence
from analysis.forecast.points import Points, points

#: Coverage is kept within these bounds where it serves as a reference.
FLOOR, CEILING = 0.015, 0.985
#: No rate passes this, whatever the country's own denominator makes of those of its provinces.
MOST = 0.9999
#: Nodes and weights of the mean over a normal distribution (Gauss and Hermite).
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)


@dataclass(frozen=True)
class Reference:
    """Coverage near which aggregates are taken as linear.

    grid: (T,) years. median, mean: (2, T, P) coverage of the provinces, 0 to 1, as published and
    as persons over official figures times `ratio` (see `Evidence.ratio`).
    """

    grid: np.ndarray
    median: np.ndarray
    mean: np.ndarray
    ratio: float = 1.0

    @property
    def base(self) -> np.ndarray:
        """(P,) published denominators over official ones: persons / published, at the end."""
        return self.ratio * self.mean[1, -1] / self.mean[0, -1]

    def towards(self, found: Reference, step: float) -> Reference:
        """The reference that far on the way from this one to what a round found."""
        median, mean = (
            own + step * (other - own)
            for own, other in ((self.median, found.median), (self.mean, found.mean))
        )
        return Reference(self.grid, median, mean, self.ratio)

    def linearise(self, at: Points) -> tuple[Points, np.ndarray]:
        """Points whose aggregates have the weights v, and their constants (n,).

        Published coverage of an aggregate divides by published denominators, so its weights are
        those of the official ones times `base`.
        """
        aggregate = at.weights.max(axis=1) < 1
        constant, weights = np.zeros(len(at)), at.weights.copy()
        for persons in (0, 1):
            rows = aggregate & (at.persons == persons)
            if rows.any():
                own = weights[rows] * (self.base if persons == 0 else 1.0)
                own = own / own.sum(axis=1, keepdims=True)
                median, mean = self._at(at.t[rows], persons)
                weights[rows], constant[rows] = tangent(median, mean, own)
        return at.with_weights(weights), constant

    def _at(self, t: np.ndarray, persons: int) -> tuple[np.ndarray, np.ndarray]:
        """Median and mean at dates between those of the grid: (n, P) each."""
        curves = (self.median[persons], self.mean[persons])
        return tuple(
            np.column_stack([np.interp(t, self.grid, column) for column in curve.T])
            for curve in curves
        )  # type: ignore[return-value]


def tangent(
    median: np.ndarray, mean: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights v (T, P) and constants (T,) of the expansion in the module's head.

    Args:
        median, mean: (T, P) coverage of the provinces. weights: (T, P), rows sum to 1.
    """
    total = (weights * mean).sum(axis=1)
    v = weights * mean * (1 - mean) / (total * (1 - total))[:, None]
    return v, logit(total) - (v * logit(median)).sum(axis=1)


def reference(
    parts: list[Component],
    task: Problem,
    theta: np.ndarray,
    at: Points,
    evidence: Evidence,
    centre: float,
) -> Reference:
    """The posterior of every province at every year-end, given the standard deviations."""
    grid = np.arange(2010.0, evidence.origin.year + 3.01)
    scale = np.exp(2 * theta[: len(parts)])
    factor = cho_factor(task.covariance(theta), lower=True)
    weights = cho_solve(factor, task.z)
    asked = _provinces(evidence, grid)
    medians, means = [], []
    for persons in (0.0, 1.0):
        own = asked.with_persons(persons)
        across = sum(s * part.between(own, at) for s, part in zip(scale, parts, strict=True))
        prior = sum(s * part.variance(own) for s, part in zip(scale, parts, strict=True))
        known = (across * cho_solve(factor, across.T).T).sum(axis=1)
        z, sd = across @ weights + centre, np.sqrt(np.maximum(prior - known, 0))
        medians.append(expit(z).reshape(len(grid), -1))
        means.append(mean_coverage(z, sd).reshape(len(grid), -1))
    within = [np.clip(np.array(found), FLOOR, CEILING) for found in (medians, means)]
    median, mean = within
    return Reference(grid, median, mean, evidence.ratio)


def mean_coverage(z: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Mean of expit(z + sd * normal)."""
    values = expit(z[..., None] + sd[..., None] * _NODES)
    found: np.ndarray = values @ _WEIGHTS / _WEIGHTS.sum()
    return found


def mean_slope(z: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Mean of the slope of expit at z + sd * normal."""
    values = expit(z[..., None] + sd[..., None] * _NODES)
    found: np.ndarray = (values * (1 - values)) @ _WEIGHTS / _WEIGHTS.sum()
    return found


def centre_of(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """The logit z with mean_coverage(z, sd) = mean, by Newton's method."""
    z = logit(mean)
    for _ in range(6):
        values = expit(z[..., None] + sd[..., None] * _NODES)
        slope = (values * (1 - values)) @ _WEIGHTS / _WEIGHTS.sum()
        z = z - (values @ _WEIGHTS / _WEIGHTS.sum() - mean) / slope
    return z


def matched(mean: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of the logit for which expit has this mean and sd, by repeated scaling."""
    spread = sd / (mean * (1 - mean))
    for _ in range(6):
        z = centre_of(mean, spread)
        values = expit(z[..., None] + spread[..., None] * _NODES)
        square = ((values - mean[..., None]) ** 2) @ _WEIGHTS / _WEIGHTS.sum()
        spread = spread * sd / np.sqrt(square)
    return centre_of(mean, spread), spread


def _provinces(evidence: Evidence, grid: np.ndarray) -> Points:
    """All provinces at the ends of the years before `grid` (2023.0 is the end of 2022)."""
    indicator = "hi_coverage" if evidence.family == "health" else "si_coverage"
    dates = [pd.Timestamp(int(t) - 1, 12, 31) for t in grid]
    rows = [("province_63", code, indicator, day) for day in dates for code in evidence.units.codes]
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
    return points(table, evidence.units, evidence.settings, evidence.origin)
