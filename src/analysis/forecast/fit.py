"""Estimate the standard deviations by penalised maximum likelihood, with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import norm, qmc

from analysis.forecast.components import Component, components
from analysis.forecast.covariance import Problem, problem
from analysis.forecast.evidence import Evidence
from analysis.forecast.linear import Reference, reference
from analysis.forecast.points import STEP, Points

#: Prior mean of the logit of coverage: 85 percent for health, 30 for social insurance.
CENTRE = {"health": 1.73, "labour": -0.85}
#: The gradient of a converged fit, per log standard deviation.
CONVERGED = 1e-4
#: Linearising ends when no fitted coverage (0 to 1) moves by more than this.
SETTLED = 2e-4
#: Steps towards what a round finds become that much shorter where rounds swing, down to the last.
SHORTER, SHORTEST = 0.7, 0.05
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
            self.step = max(SHORTER * self.step, SHORTEST)
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
    slope = 1 / (100 * share * (1 - share))
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
