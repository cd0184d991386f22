"""The search for the top of the posterior, when every look at all readings costs seconds."""

from __future__ import annotations

from typing import cast

import numpy as np

from analysis.forecast import fit as dense
from analysis.forecast.covariance import Problem
from analysis.forecast.fit import CONVERGED, NonConvergence
from analysis.forecast.large.task import Task

#: Squared distance to the top, in posterior standard deviations of theta, at which a climb ends.
NEAR, AT_TOP = 1e-4, 1e-12
#: Steps in a round, at the most: the next round goes on from there.
STEPS = 3


def _as_problem(now: Task) -> Problem:
    """A task has what the dense fit's search asks of a problem."""
    return cast(Problem, now)


def climb(now: Task, start: np.ndarray | None, exact: float = 1e-9) -> np.ndarray:
    """The search of the dense fit, from far away."""
    return dense.climb(_as_problem(now), start, exact)


def steps(
    now: Task, theta: np.ndarray | None, spread: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """A few steps of Newton's method; the curvature of the first round is improved on the way."""
    assert theta is not None
    spread = _spread(dense.curvature(_as_problem(now), theta)) if spread is None else spread
    gradient = now.objective(theta)[1]
    for _ in range(STEPS):
        if gradient @ spread @ gradient < NEAR:
            break
        step = -np.clip(spread @ gradient, -0.5, 0.5)
        after = now.objective(theta + step)[1]
        spread = _learned(spread, step, after - gradient)
        theta, gradient = theta + step, after
    return theta, spread


def _learned(spread: np.ndarray, step: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The inverse curvature after a step changed the gradient (BFGS; Nocedal and Wright 2006)."""
    along = step @ change
    if along <= 1e-12 * np.sqrt((step @ step) * (change @ change)):
        return spread
    left = np.eye(len(step)) - np.outer(step, change) / along
    return left @ spread @ left.T + np.outer(step, step) / along


def _spread(hessian: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(hessian)
    return vectors @ np.diag(1 / np.maximum(values, 1.0)) @ vectors.T


def top_of(
    now: Task, theta: np.ndarray, spread: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The mode, polished by Newton's method, and the inverse Hessian there.

    spread: an inverse Hessian from nearby, None where a pass over the readings is cheap.

    Raises:
        NonConvergence: the gradient does not vanish.
    """
    near = climb(now, theta, 1e-13) if spread is None else steps(now, theta, spread)[0]
    return _polished(now, near)


def _polished(now: Task, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    for _ in range(3):
        spread = _spread(dense.curvature(_as_problem(now), theta))
        for _ in range(6):
            gradient = now.objective(theta)[1]
            if gradient @ spread @ gradient < AT_TOP:
                return theta, spread
            theta = theta - np.clip(spread @ gradient, -0.5, 0.5)
    worst = int(np.abs(gradient).argmax())
    if np.abs(gradient).max() < CONVERGED:
        return theta, spread
    raise NonConvergence(
        f"the fit did not converge: the gradient of {now.names[worst]} is {gradient[worst]:.2g} "
        f"at a standard deviation of {np.exp(theta[worst]):.3g}"
    )
