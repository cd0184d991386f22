"""Joint draws of all units of a large panel, with what they share and what ties them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis import seeds
from analysis.forecast.fit import CENTRE
from analysis.forecast.space import decimal_year
from analysis_panels.blocks import Block, points_of, root, sparse, take
from analysis_panels.fit import LargeFit
from analysis_panels.marginal import Asked, Conditional, asked, between, given_readings
from analysis_panels.moments import Solved, across_blocks
from analysis_panels.panel import with_asked
from analysis_panels.predict import conditioned
from analysis_panels.task import Task

#: Added to variances of draws, so that a date asked twice does not stop them.
ROUNDING = 1e-9


@dataclass(frozen=True)
class LargeDraws:
    """S joint draws of P units at T days.

    true: (S, P, T) level of coverage in percent. persons: (P, T) the units' denominators.
    """

    codes: tuple[str, ...]
    dates: pd.DatetimeIndex
    true: np.ndarray
    persons: np.ndarray
    members: dict[tuple[str, str], np.ndarray] = field(repr=False)

    def of(self, level: str, code: str) -> np.ndarray:
        """(S, T) draws of a unit, a parent or all together. Raises KeyError for an unknown one."""
        parts = self.members[level, code]
        share = self.persons[parts] / self.persons[parts].sum(axis=0)
        return np.einsum("spt,pt->st", self.true[:, parts], share)


def draw_large(
    fit: LargeFit, indicator: str, dates: Sequence[pd.Timestamp], n: int = 200
) -> LargeDraws:
    """Draw all units at all dates together; the parameter draws share the n draws equally.

    Given the shared effects and their own readings units are drawn one by one; readings of sums
    then move them together (conditioning by kriging; Chiles and Delfiner 2012, section 7.3).
    Memory: 8 n P T bytes.
    """
    days, source = pd.DatetimeIndex(list(dates)), fit.evidence
    table = pd.DataFrame({"as_of": days, "indicator": indicator}).assign(
        geo_level="province_63", province_code=source.units.codes[0]
    )
    everywhere = np.ones(len(days), bool)
    at = points_of(table, np.zeros(len(days), int), everywhere, source.units, source.settings,
                   source.origin)  # fmt: skip
    layout, ways = with_asked(fit.layout, at)
    task = conditioned(fit, layout, sparse(take(fit.at_sums, np.arange(0))))
    random = seeds.generator("large draws", source.family, n, len(days))
    logits = np.empty((n, len(source.units.codes), len(days)))
    for theta, rows in zip(fit.draws, np.array_split(np.arange(n), len(fit.draws)), strict=True):
        if len(rows):
            logits[rows] = _draw(task, theta, ways, len(rows), random)
    t = decimal_year(days)
    base = fit.reference.base[:, None]
    return LargeDraws(
        codes=source.units.codes,
        dates=days,
        true=100 * expit(logits + CENTRE[source.family]),
        persons=source.units.denominators(t, source.family) * base,
        members=source.units.members,
    )


def _draw(
    task: Task, theta: np.ndarray, ways: np.ndarray, n: int, random: np.random.Generator
) -> np.ndarray:
    """(n, P, k) logits less the centre, at one theta."""
    solved = task.solve(theta)
    own, error = task.own_scales(theta)
    shared = root(solved.covariance)
    effects = solved.mean + random.standard_normal((n, shared.shape[1])) @ shared.T
    out = np.empty((n, task.layout.units, len(ways)))
    blocks = task.layout.blocks
    streams = random.spawn(len(blocks))

    def one(item: tuple[Block, np.random.Generator]) -> tuple[Conditional, np.ndarray]:
        block, stream = item
        at = asked(task, block, ways, own)
        given, done = given_readings(task, block, at, own, error)
        spread = _spread(task, block, at, done, own)
        normal = stream.standard_normal((len(block.units), n, spread.shape[1]))
        return given, normal @ np.linalg.cholesky(spread).transpose(0, 2, 1)

    k, read = len(ways), np.flatnonzero(task.prior.read)
    rest = _errors(task, error, read, n, random)
    kept = []
    pairs = list(zip(blocks, streams, strict=True))
    for block, (given, moved) in zip(blocks, across_blocks(one, pairs), strict=True):
        rest += moved[:, :, k:].sum(axis=0)[:, read]
        out[:, block.units] = moved[:, :, :k].transpose(1, 0, 2)
        kept.append(given)
    weights = np.zeros((n, len(solved.wide)))
    weights[:, : effects.shape[1]] = effects
    weights[:, effects.shape[1] + read] = solved.weights_of(effects, rest)
    for block, given in zip(blocks, kept, strict=True):
        mean = given.known + np.einsum("mkc,nc->nmk", given.loading, weights[:, given.places])
        out[:, block.units] += mean
    return out


def _errors(
    task: Task, error: np.ndarray, read: np.ndarray, n: int, random: np.random.Generator
) -> np.ndarray:
    """(n, r) errors of the readings of sums, and of targets."""
    noise = (task.fixed + np.diag(error @ task.by_class))[np.ix_(read, read)]
    return random.standard_normal((n, len(read))) @ np.linalg.cholesky(noise).T


def _spread(
    task: Task, block: Block, at: Asked, done: Solved | None, own: np.ndarray
) -> np.ndarray:
    """(m, k + s, k + s) covariance of units at the ways asked, and of their part in the sums.

    It is that of their own processes, given their own readings.
    """
    both = np.concatenate([at.own, task.sums.loadings[:, block.units]], axis=2)
    t = np.concatenate([at.t, task.sums.t])
    parts = [task.layout.parts[j] for j in task.layout.roles.own]
    matrix = between(own, parts, both, t, both, t)
    if done is not None:
        cross = np.concatenate([at.cross, done.cross], axis=2)
        matrix -= cross.transpose(0, 2, 1) @ (done.inverse @ cross)
    every = np.arange(len(t))
    matrix[:, every, every] += ROUNDING
    return matrix
