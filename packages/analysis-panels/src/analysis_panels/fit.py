"""Fit a panel of any number of units: the model of `analysis.forecast`, solved unit by unit."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.special import expit

from analysis.forecast import fit as dense_fit
from analysis.forecast.evidence import Evidence
from analysis.forecast.fit import (
    CEILING,
    CENTRE,
    CONVERGED,
    FLOOR,
    SETTLED,
    NonConvergence,
    Pace,
    Problem,
    Reference,
    mean_coverage,
    theta_draws,
    unsettled,
)
from analysis.forecast.fit import SUM_CEILING as REFERENCE_CEILING
from analysis.forecast.fit import SUM_FLOOR as REFERENCE_FLOOR
from analysis.forecast.parts import Component, components
from analysis.forecast.space import PRIORS, STEP, Points, points
from analysis_panels import marginal
from analysis_panels.blocks import dense, single, sparse, take
from analysis_panels.panel import Layout, layout, with_asked
from analysis_panels.task import Task, above, task, values

# --------------------------------------------------------------------------------------------------
# The search for the top of the posterior, when every look at all readings costs seconds.
# --------------------------------------------------------------------------------------------------

#: Squared distance to the top, in posterior standard deviations of theta, at which a climb ends.
NEAR, AT_TOP = 1e-4, 1e-12
#: Steps in a round, at the most: the next round goes on from there.
STEPS = 3


def _as_problem(now: Task) -> Problem:
    """A task has what the dense fit's search asks of a problem."""
    return cast(Problem, now)


def climb(now: Task, start: np.ndarray | None, exact: float = 1e-9) -> np.ndarray:
    """The search of the dense fit, from far away."""
    return dense_fit.climb(_as_problem(now), start, exact)


def steps(
    now: Task, theta: np.ndarray | None, spread: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """A few steps of Newton's method; the curvature of the first round is improved on the way."""
    assert theta is not None
    spread = _spread(dense_fit.curvature(_as_problem(now), theta)) if spread is None else spread
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
        spread = _spread(dense_fit.curvature(_as_problem(now), theta))
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


#: Above so many units the search starts from the fit of as many of them, evenly chosen.
SAMPLE = 400
#: With fewer readings a pass over them is so cheap that the dense fit's own search will do.
LARGE = 20_000


@dataclass(frozen=True)
class LargeFit:
    """A fitted panel; the names are those of `analysis.forecast.fit.Fit`.

    theta: log standard deviations at the posterior mode, with `covariance` (Laplace).
    draws: (M, J + E) points on that posterior, the first of them the mode.
    reference: what sums over units are linearised around. fitted: (n,) coverage 0 to 1 at the
    readings. at_sums, constant: points of the sums that were read, linear in the units, and (n,)
    constants of that form, 0 for single units.
    """

    evidence: Evidence
    parts: list[Component]
    layout: Layout
    names: tuple[str, ...]
    theta: np.ndarray
    covariance: np.ndarray
    draws: np.ndarray
    reference: Reference
    fitted: np.ndarray
    constant: np.ndarray
    at_sums: Points
    log_likelihood: float


@dataclass
class _State:
    """One round: coverage at the readings, the sums' linear form, and theta."""

    share: np.ndarray
    at_sums: Points
    constant: np.ndarray
    theta: np.ndarray | None = None
    spread: np.ndarray | None = None
    reference: Reference | None = None
    pace: Pace = field(default_factory=Pace)


def fit_large(evidence: Evidence) -> LargeFit:
    """Fit a family of indicators; the same posterior as `analysis.forecast.fit.fit`.

    Args:
        evidence: from `analysis.forecast.evidence.evidence`, or from `panel` for units of one's
            own.

    Raises:
        NonConvergence: the posterior has no top within reach.
        TooManyWays: too many different days, or sums over units.
    """
    parts = components(evidence.family, evidence.units, evidence.settings, evidence.origin >= STEP)
    plain = layout(parts, evidence.points, evidence.units.regions)
    asked, ways = with_asked(plain, year_ends(evidence))
    state = _State(
        share=np.clip(evidence.percent / 100, FLOOR, CEILING),
        at_sums=take(plain.points, plain.sums),
        constant=np.zeros(len(evidence.table)),
        theta=_start(evidence),
    )
    for _ in range(evidence.settings.linearisations):
        moved = _round(evidence, asked, ways, state)
        if moved.max() < SETTLED:
            break
    else:
        raise unsettled(evidence, moved)
    last = round_task(evidence, asked, state.share, state.constant, state.at_sums)
    assert state.theta is not None and state.reference is not None
    theta, spread = top_of(last, state.theta, state.spread)
    return LargeFit(
        evidence=evidence,
        parts=parts,
        layout=plain,
        names=last.names,
        theta=theta,
        covariance=spread,
        draws=theta_draws(theta, spread, evidence.settings.parameter_draws),
        reference=state.reference,
        fitted=state.share,
        constant=state.constant,
        at_sums=state.at_sums,
        log_likelihood=last.likelihood(theta)[0],
    )


def year_ends(evidence: Evidence) -> Points:
    """The ends of the years around which sums are linearised, as coverage, then as persons."""
    grid = np.arange(2010, evidence.origin.year + 4)
    indicator = "hi_coverage" if evidence.family == "health" else "si_coverage"
    rows = [
        ("province_63", evidence.units.codes[0], indicator, pd.Timestamp(int(t) - 1, 12, 31), way)
        for way in (0.0, 1.0)
        for t in grid
    ]
    names = ["geo_level", "province_code", "indicator", "as_of", "persons"]
    table = pd.DataFrame(rows, columns=names)
    return points(table, evidence.units, evidence.settings, evidence.origin)


def round_task(
    evidence: Evidence, at: Layout, share: np.ndarray, constant: np.ndarray, at_sums: Points
) -> Task:
    """The likelihood near a coverage at the readings, as `analysis.forecast.fit` sets it up."""
    size = at.points.weights.sum(axis=1)
    size[at.sums] = at_sums.weights.sum(axis=1)
    z = _logits(evidence) - CENTRE[evidence.family] * size - constant
    held, classes = values(evidence.table, share, z)
    return task(at, held, classes, above(at, held, at_sums))


def _logits(evidence: Evidence) -> np.ndarray:
    return np.log(evidence.percent / (100 - evidence.percent))


def _start(evidence: Evidence) -> np.ndarray | None:
    """The top for some of the units: near that of all, at a small part of the cost."""
    alone = single(evidence.points)
    weights = csr_array(evidence.points.weights)
    unit = np.unique(weights[np.flatnonzero(alone)].indices)
    if len(unit) <= 2 * SAMPLE:
        return None
    chosen = unit[np.linspace(0, len(unit) - 1, SAMPLE).astype(int)]
    few = np.zeros(len(evidence.units.codes), bool)
    few[chosen] = True
    rows = np.flatnonzero(alone & (weights @ few > 0))
    part = dataclasses.replace(
        evidence,
        table=evidence.table.iloc[rows].reset_index(drop=True),
        points=take(evidence.points, rows),
    )
    found = fit_large(part)
    names = [*found.names[: len(found.parts)]]
    classes = values(evidence.table, np.full(len(evidence.table), 0.5), np.zeros(1))[1]
    return _by_name([*names, *classes], found)


def _by_name(names: list[str], found: LargeFit) -> np.ndarray:
    """theta of a fit in the order of `names`; a class of error it lacks has its prior median."""
    own = dict(zip(found.names, found.theta, strict=True))
    return np.array([own[name] if name in own else np.log(PRIORS[name][0]) for name in names])


def _round(evidence: Evidence, at: Layout, ways: np.ndarray, state: _State) -> np.ndarray:
    """Climb, renew coverage at the readings and the linear form; returns how far each moved."""
    now = round_task(evidence, at, state.share, state.constant, state.at_sums)
    if state.theta is None or len(at.alone) < LARGE:
        state.theta = climb(now, state.theta)
    else:
        state.theta, state.spread = steps(now, state.theta, state.spread)
    found = np.clip(_smooth(now, state.theta, _logits(evidence)), FLOOR, CEILING)
    moved, state.share = state.pace.towards(state.share, found)
    seen, near = _reference(evidence, now, state.theta, ways), state.reference
    state.reference = near.towards(seen, state.pace.step) if near else seen
    if len(at.sums):
        linear, constant = state.reference.linearise(_dense(take(at.points, at.sums)))
        state.at_sums = sparse(linear)
        state.constant = np.zeros(len(state.share))
        state.constant[at.sums] = constant
    return moved


def _dense(at: Points) -> Points:
    return at.with_weights(dense(at.weights))


def _smooth(now: Task, theta: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Fitted coverage at the readings, without their errors."""
    residual = marginal.residuals(now, theta, now.solve(theta))
    return expit(logits - now.noise(theta) * residual)


def _reference(evidence: Evidence, now: Task, theta: np.ndarray, ways: np.ndarray) -> Reference:
    """Every unit at every year-end, given the standard deviations (`linear.reference`)."""
    mean, variance = marginal.units(now, theta, now.solve(theta), now.layout.blocks, ways)
    z, sd = mean + CENTRE[evidence.family], np.sqrt(np.maximum(variance, 0))
    grid = np.arange(2010.0, evidence.origin.year + 3.01)
    shape = (len(evidence.units.codes), 2, len(grid))
    curves = (expit(z), mean_coverage(z.ravel(), sd.ravel()).reshape(z.shape))
    median, expected = (
        np.clip(one.reshape(shape).transpose(1, 2, 0), REFERENCE_FLOOR, REFERENCE_CEILING)
        for one in curves
    )
    return Reference(grid, median, expected, evidence.ratio)
