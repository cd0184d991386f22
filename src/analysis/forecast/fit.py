"""Estimate the standard deviations by penalised maximum likelihood, with their uncertainty."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve, lapack
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import norm, qmc

from analysis.forecast.evidence import ERRORS, Evidence
from analysis.forecast.parts import Component, components
from analysis.forecast.space import PRIORS, STEP, Points, logit_slope

# --------------------------------------------------------------------------------------------------
# The likelihood: one normal distribution for all readings, and its exact gradient.
# --------------------------------------------------------------------------------------------------

#: Keeps the covariance positive definite where two readings coincide.
JITTER = 1e-6


@dataclass(frozen=True)
class Problem:
    """Everything the likelihood needs, with the time-consuming parts worked out once.

    names: the J + E standard deviations (components, then classes of error).
    unit: (J, n, n) covariance of each component for a standard deviation of one.
    errors: (E, n) variance of each class of error for one percentage point, on the logit scale.
    known: (n,) variance from the readings' own intervals. z: (n,) logits less the centre.
    """

    names: tuple[str, ...]
    unit: np.ndarray
    errors: np.ndarray
    known: np.ndarray
    z: np.ndarray
    prior_mean: np.ndarray
    prior_width: np.ndarray

    def take(self, rows: np.ndarray) -> Problem:
        """The same problem for the readings at these places alone."""
        return dataclasses.replace(
            self,
            unit=self.unit[:, rows[:, None], rows],
            errors=self.errors[:, rows],
            known=self.known[rows],
            z=self.z[rows],
        )

    def covariance(self, theta: np.ndarray) -> np.ndarray:
        """(n, n) covariance of the readings for log standard deviations `theta`."""
        n, j = len(self.z), len(self.unit)
        scale = np.exp(2 * theta)
        matrix = (scale[:j] @ self.unit.reshape(j, -1)).reshape(n, n)
        matrix[np.diag_indices(n)] += self.noise(theta)
        return matrix

    def noise(self, theta: np.ndarray) -> np.ndarray:
        """(n,) variance of reading error on the logit scale."""
        return np.exp(2 * theta[len(self.unit) :]) @ self.errors + self.known + JITTER

    def objective(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log posterior of theta, up to a constant, and its gradient.

        d log p / d theta_j = exp(2 theta_j) tr((a a' - K^-1) B_j), a = K^-1 z (Rasmussen and
        Williams 2006, equation 5.9), plus that of the normal prior of theta.
        """
        likelihood, gradient = self.likelihood(theta)
        distance = (theta - self.prior_mean) / self.prior_width
        value = -likelihood + 0.5 * distance @ distance
        return value, -gradient + distance / self.prior_width

    def likelihood(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log likelihood of the readings and its gradient. (-inf, 0) where K is singular."""
        n, j = len(self.z), len(self.unit)
        factor, failed = lapack.dpotrf(self.covariance(theta), lower=1)
        if failed:
            return -1e10, np.zeros(len(theta))
        inverse = lapack.dpotri(factor, lower=1)[0]
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        a = inverse @ self.z
        value = -0.5 * (self.z @ a) - np.log(np.diag(factor)).sum() - 0.5 * n * np.log(2 * np.pi)
        slope = np.outer(a, a) - inverse
        scale = np.exp(2 * theta)
        parts = self.unit.reshape(j, -1) @ slope.ravel()
        return value, scale * np.concatenate([parts, self.errors @ np.diag(slope)])


def problem(
    parts: list[Component],
    at: Points,
    z: np.ndarray,
    slope: np.ndarray,
    half: np.ndarray,
    error: np.ndarray,
) -> Problem:
    """Set up the likelihood.

    Args:
        at: points of the n readings. z: logits less the centre and the constants of `tangent`.
        slope: logit per percentage point at each reading, 1 / (100 c (1 - c)): errors are in
            points, so that a province near 100 percent is not taken for certain.
        half: half-widths of the readings' intervals in points; taken as uniform within.
        error: class of error of each reading.
    """
    classes = [name for name in ERRORS if (error == name).any()]
    names = tuple([part.name for part in parts] + classes)
    prior = [(part.prior_median, part.prior_width) for part in parts]
    prior += [PRIORS[name] for name in classes]
    return Problem(
        names=names,
        unit=np.stack([part.between(at, at) for part in parts]),
        errors=np.stack([(error == name) * slope**2 for name in classes]),
        known=(half * slope) ** 2 / 3,
        z=z,
        prior_mean=np.log([median for median, _ in prior]),
        prior_width=np.array([width for _, width in prior]),
    )


# --------------------------------------------------------------------------------------------------
# Aggregates on the logit scale: nearly linear in the logits of their provinces.
#
# With c_p = expit(z_p) and c = sum w_p c_p, the first-order expansion around the posterior means is
#     logit(c) = logit(E c) + sum v_p (z_p - E z_p),  v_p = w_p c_p (1 - c_p) / (c (1 - c)),
# where E c_p is the mean of a logit normal, not the logit of the mean: provinces that were never
# read are uncertain, and their mean lies below their median where coverage is high.
# --------------------------------------------------------------------------------------------------

#: Coverage is kept within these bounds where it serves as a reference.
SUM_FLOOR, SUM_CEILING = 0.015, 0.985
#: No rate passes this, whatever the country's own denominator makes of those of its provinces.
HIGHEST_RATE = 0.9999
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
    within = [np.clip(np.array(found), SUM_FLOOR, SUM_CEILING) for found in (medians, means)]
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
    return evidence.at(table)


#: Prior mean of the logit of coverage: 85 percent for health, 30 for social insurance.
CENTRE = {"health": 1.73, "labour": -0.85}
#: The gradient of a converged fit, per log standard deviation.
CONVERGED = 1e-4
#: Linearising ends when no fitted coverage (0 to 1) moves by more than this.
SETTLED = 2e-4
#: Steps towards what a round finds become that much shorter where rounds swing, down to the last.
SHORTER, _SHORTEST = 0.7, 0.05
#: Coverage at which errors in points are turned into logits is kept within these bounds.
FLOOR, CEILING = 0.03, 0.985


class NonConvergence(RuntimeError):
    """The fit stopped before the top; the message names the gradient that is left."""


@dataclass(frozen=True)
class Fit:
    """A fitted family.

    theta: log standard deviations at the posterior mode, with `covariance` (Laplace).
    draws: (M, J + E) points on that normal posterior, the first of them the mode.
    reference: what aggregates are linearised around.
    fitted: (n,) coverage 0 to 1 at the readings.
    """

    evidence: Evidence
    parts: list[Component]
    problem: Problem
    points: Points
    theta: np.ndarray
    covariance: np.ndarray
    draws: np.ndarray
    reference: Reference
    fitted: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the standard deviations, in the order of theta."""
        return self.problem.names

    def __getstate__(self) -> dict[str, Any]:
        """What is kept on disk: all but the parts, which are functions and are made again."""
        return {name: value for name, value in vars(self).items() if name != "parts"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, parts=_parts(state["evidence"]))


def fit(evidence: Evidence) -> Fit:
    """Fit a family of indicators to its evidence.

    Aggregates (country, merged units) are linear in the logits of their parts only near a
    reference, and errors in points need one too: both are taken from the previous round.

    Raises:
        NonConvergence: the posterior has no top within reach.
    """
    settings = evidence.settings
    parts = _parts(evidence)
    share = np.clip(evidence.percent / 100, FLOOR, CEILING)
    at, constant = evidence.points, np.zeros(len(share))
    theta, near, pace = None, None, Pace()
    centre = CENTRE[evidence.family]
    for _ in range(settings.linearisations):
        task = _task(parts, evidence, at, constant, share)
        theta = climb(task, theta)
        found = np.clip(_smooth(task, theta, constant + centre * at.size), FLOOR, CEILING)
        moved, share = pace.towards(share, found)
        seen = reference(parts, task, theta, at, evidence, centre)
        near = near.towards(seen, pace.step) if near else seen
        at, constant = near.linearise(evidence.points)
        if moved.max() < SETTLED:
            break
    else:
        raise unsettled(evidence, moved)
    task = _task(parts, evidence, at, constant, share)
    theta, spread = _top(task, climb(task, theta, 1e-13))
    draws = theta_draws(theta, spread, settings.parameter_draws)
    return Fit(evidence, parts, task, at, theta, spread, draws, near, share)


@dataclass
class Pace:
    """How far each round of linearising goes towards what it finds: half way, less if need be.

    Whole steps can swing for ever: near 100% a reading whose fitted coverage falls gets a narrower
    error in log odds, is followed again, gets a wider one, and so on. Steps shorten whenever a
    round leads back the way that the last one came.
    """

    step: float = 0.5
    last: np.ndarray | None = None

    def towards(self, before: np.ndarray, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far each coverage lies from what was found, and the coverage of the next round."""
        way = found - before
        if self.last is not None and way @ self.last < 0:
            self.step = max(SHORTER * self.step, _SHORTEST)
        self.last = way
        return np.abs(way), before + self.step * way


def unsettled(evidence: Evidence, moved: np.ndarray) -> NonConvergence:
    """The error of a fit whose rounds do not settle; names the reading that moves most."""
    worst = evidence.table.iloc[int(moved.argmax())]
    return NonConvergence(
        f"the fit did not settle in {evidence.settings.linearisations} rounds: the fitted coverage "
        f"of {worst['geo_level']} {worst['province_code']}, {worst['indicator']} on "
        f"{worst['as_of']:%Y-%m-%d}, still moves by {100 * moved.max():.2g} points; "
        "check that reading, or allow more rounds (Settings.linearisations)"
    )


def _parts(evidence: Evidence) -> list[Component]:
    known = evidence.origin >= STEP
    return components(evidence.family, evidence.units, evidence.settings, known)


def _task(
    parts: list[Component],
    evidence: Evidence,
    at: Points,
    constant: np.ndarray,
    share: np.ndarray,
) -> Problem:
    z = (
        np.log(evidence.percent / (100 - evidence.percent))
        - CENTRE[evidence.family] * at.size
        - constant
    )
    table = evidence.table
    slope = logit_slope(share)
    return problem(parts, at, z, slope, table["half"].to_numpy(), table["error"].to_numpy())


def climb(task: Problem, start: np.ndarray | None, exact: float = 1e-9) -> np.ndarray:
    """The top of the posterior as L-BFGS-B finds it, from `start` or the prior's mean."""
    start = task.prior_mean if start is None else start
    bounds = list(
        zip(
            task.prior_mean - 4 * task.prior_width,
            task.prior_mean + 4 * task.prior_width,
            strict=True,
        )
    )
    found = minimize(
        task.objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 300, "ftol": exact, "gtol": 1e-6},
    )
    return found.x


def _top(task: Problem, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mode, polished by Newton's method, and the inverse Hessian there."""
    for _ in range(3):
        hessian = curvature(task, theta)
        values, vectors = np.linalg.eigh(hessian)
        spread = vectors @ np.diag(1 / np.maximum(values, 1.0)) @ vectors.T
        for _ in range(6):
            theta = theta - np.clip(spread @ task.objective(theta)[1], -0.5, 0.5)
            gradient = task.objective(theta)[1]
            if np.abs(gradient).max() < CONVERGED * 1e-3:
                return theta, spread
    if np.abs(gradient).max() < CONVERGED:
        return theta, spread
    worst = int(np.abs(gradient).argmax())
    raise NonConvergence(
        f"the fit did not converge: the gradient of {task.names[worst]} is {gradient[worst]:.2g} "
        f"at a standard deviation of {np.exp(theta[worst]):.3g}"
    )


def curvature(task: Problem, theta: np.ndarray, step: float = 1e-4) -> np.ndarray:
    """Central differences of the exact gradient."""
    rows = []
    for j in range(len(theta)):
        shift = np.zeros(len(theta))
        shift[j] = step
        up, down = task.objective(theta + shift)[1], task.objective(theta - shift)[1]
        rows.append((up - down) / (2 * step))
    matrix = np.array(rows)
    return (matrix + matrix.T) / 2


def theta_draws(theta: np.ndarray, spread: np.ndarray, count: int) -> np.ndarray:
    """The mode and count - 1 points spread evenly over its normal posterior (Sobol)."""
    if count < 2:
        return theta[None]
    uniform = qmc.Sobol(len(theta), scramble=True, rng=20251231).random(count)[1:]
    normal = norm.ppf(np.clip(uniform, 0.02, 0.98))
    return np.vstack([theta, theta + normal @ np.linalg.cholesky(spread).T])


def _smooth(task: Problem, theta: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Fitted coverage at the readings, without their errors."""
    weights = cho_solve(cho_factor(task.covariance(theta)), task.z)
    return expit(task.z - task.noise(theta) * weights + constant)
