"""What the readings of a large panel say of any unit and day, at one theta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.forecast.parts import Component
from analysis_panels.blocks import Block, dense, of_units, take
from analysis_panels.moments import Moments, Solved, across_blocks, solve
from analysis_panels.panel import Layout
from analysis_panels.task import Task
from analysis_panels.top import Top


@dataclass(frozen=True)
class Asked:
    """The units of a block at k ways, without any readings.

    t: (k,) years. own: (J, m, k) loadings of own parts. shared: (m, k, c) what multiplies the
    shared effects and the sums' weights at `places`, a position in `Top.wide` each. cross:
    (m, n, k) covariance with the unit's readings. variance: (m, k) of its own processes.
    """

    t: np.ndarray
    own: np.ndarray
    shared: np.ndarray
    places: np.ndarray
    cross: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class Conditional:
    """The units of a block at k ways, given their own readings and the shared effects.

    mean = known + loading w with w the shared effects and the weights of
    the sums at `places`. known: (m, k). loading: (m, k, c).
    """

    known: np.ndarray
    loading: np.ndarray
    places: np.ndarray


def asked(task: Task, block: Block, ways: np.ndarray, own: np.ndarray) -> Asked:
    """Set up a block's units at the given ways of the layout. own: (J,) variances."""
    layout = task.layout
    m, k, s = len(block.units), len(ways), len(task.sums.t)
    at = take(layout.ways, ways)
    every = of_units(take(at, np.tile(np.arange(k), m)), np.repeat(block.units, k), layout.units)
    parts = [layout.parts[j] for j in layout.roles.own]
    loads = np.array([part.loading(every).sum(axis=1).reshape(m, k) for part in parts])
    varying = [dense(layout.parts[j].loading(every)) for j in layout.roles.varying]
    felt = np.hstack(varying) if varying else np.zeros((m * k, 0))
    columns = np.flatnonzero(np.abs(felt).max(axis=0, initial=0) > 0)
    one = np.broadcast_to(np.eye(k), (m, k, k))
    theirs = task.sums.loadings[:, block.units]
    by_sum = between(own, parts, loads, at.t, theirs, task.sums.t)
    alone = [np.ones(k) if p.in_time is None else np.diag(p.in_time(at.t, at.t)) for p in parts]
    return Asked(
        t=at.t,
        own=loads,
        shared=np.concatenate([one, felt[:, columns].reshape(m, k, -1), by_sum], axis=2),
        places=np.concatenate([ways, len(layout.ways) + columns, _weights(layout, s)]),
        cross=between(own, parts, block.own, block.t, loads, at.t),
        variance=np.einsum("j,jmk,jk->mk", own, loads**2, np.array(alone)),
    )


def between(
    own: np.ndarray,
    parts: list[Component],
    first: np.ndarray,
    t: np.ndarray,
    second: np.ndarray,
    u: np.ndarray,
) -> np.ndarray:
    """(m, a, b) covariance by own parts, from loadings (J, m, a) at t and (J, m, b) at u."""
    total = np.zeros((*first.shape[1:], second.shape[2]))
    for j, part in enumerate(parts):
        product = own[j] * first[j][:, :, None] * second[j][:, None, :]
        total += product if part.in_time is None else product * part.in_time(t, u)
    return total


def _weights(layout: Layout, s: int) -> np.ndarray:
    """Positions of the sums' weights in `Top.wide`."""
    return len(layout.ways) + layout.columns + s + np.arange(s)


def given_readings(
    task: Task, block: Block, at: Asked, own: np.ndarray, error: np.ndarray
) -> tuple[Conditional, Solved | None]:
    """Condition a block's units on their own readings, if they have any."""
    layout, s = task.layout, len(task.sums.t)
    if not block.rows.size:
        return Conditional(np.zeros(at.variance.shape), at.shared, at.places), None
    done = solve(block, task.held, task.sums, own, error)
    seen = np.matmul(at.cross.transpose(0, 2, 1), done.left)
    p0 = len(layout.ways)
    places = np.concatenate([p0 + block.columns, _weights(layout, s), block.different, at.places])
    loading = np.concatenate([-seen[:, :, 1:], at.shared], axis=2)
    return Conditional(seen[:, :, 0], loading, places), done


def units(
    task: Task, theta: np.ndarray, solved: Top, blocks: list[Block], ways: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the latent logit, less the centre, of units at ways: (P, k) each.

    Only the units of `blocks` are filled in; `ways` are positions in the layout.
    """
    own, error = task.own_scales(theta)
    weights = np.concatenate([solved.mean, solved.at_sums])
    mean = np.full((task.layout.units, len(ways)), np.nan)
    variance = mean.copy()

    def one(block: Block) -> tuple[np.ndarray, np.ndarray]:
        at = asked(task, block, ways, own)
        given, done = given_readings(task, block, at, own, error)
        inner = solved.wide[np.ix_(given.places, given.places)]
        spread = (np.matmul(given.loading, inner) * given.loading).sum(axis=2)
        spread += at.variance
        if done is not None:
            spread -= (at.cross * np.matmul(done.inverse, at.cross)).sum(axis=1)
        return given.known + given.loading @ weights[given.places], spread

    for block, found in zip(blocks, across_blocks(one, blocks), strict=True):
        mean[block.units], variance[block.units] = found
    return mean, variance


def sums(
    task: Task, theta: np.ndarray, solved: Top, found: Moments
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the latent logit, less centre and constants, of sums not read."""
    own, _ = task.own_scales(theta)
    s, q, ways = len(task.sums.t), task.layout.columns, len(task.layout.ways)
    p0 = ways + q
    rows = np.flatnonzero(~task.prior.read)
    between = np.tensordot(own, task.prior.own, 1)
    gram = found.gram[1 + p0 + rows]
    loading = np.zeros((len(rows), len(solved.wide)))
    loading[:, :p0] = -gram[:, 1 : 1 + p0]
    loading[:, ways:p0] += task.prior.loadings[rows]
    loading[np.arange(len(rows)), p0 + rows] = 1.0
    loading[:, p0 + s :] = between[rows] - gram[:, 1 + p0 :]
    loading[:, p0 + s + rows] = 0.0
    mean = gram[:, 0] + loading @ np.concatenate([solved.mean, solved.at_sums])
    variance = between[rows, rows] - gram[np.arange(len(rows)), 1 + p0 + rows]
    return mean, variance + (loading @ solved.wide * loading).sum(axis=1)


def residuals(task: Task, theta: np.ndarray, solved: Top) -> np.ndarray:
    """(n,) K^-1 z by reading, in the order of the readings."""
    own, error = task.own_scales(theta)
    layout = task.layout
    out = np.zeros(len(layout.points))
    out[layout.sums] = solved.at_sums[: len(layout.sums)]
    weights = np.concatenate([solved.mean, solved.at_sums])
    p0, s = len(layout.ways), len(task.sums.t)
    read = [block for block in layout.blocks if block.rows.size]

    def one(block: Block) -> np.ndarray:
        left = solve(block, task.held, task.sums, own, error).left
        places = np.concatenate([p0 + block.columns, _weights(layout, s), block.different])
        return left[:, :, 0] - left[:, :, 1:] @ weights[places]

    for block, found in zip(read, across_blocks(one, read), strict=True):
        out[block.rows[block.there]] = found[block.there]
    return out
