"""Answers for any unit and day of a large panel: level, reported value, quantiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.special import expit, ndtr, ndtri

from analysis.forecast.evidence import Evidence
from analysis.forecast.fit import CENTRE, Fit
from analysis.forecast.known import QueryError
from analysis.forecast.posterior import announced, within_reach
from analysis.forecast.pull import error_sd
from analysis.forecast.space import Points
from analysis_panels import marginal
from analysis_panels.blocks import points_of, single, sparse, stack, take
from analysis_panels.fit import LargeFit, _dense, _logits
from analysis_panels.panel import Layout, with_asked
from analysis_panels.task import Above, Task, above, task, values

#: Quantiles that are given where none are asked for.
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
#: Questions whose quantiles are sought together.
TOGETHER = 20_000


def predict_large(
    fit: LargeFit, queries: pd.DataFrame, levels: Sequence[float] = LEVELS
) -> pd.DataFrame:
    """Predict the reported value for each query, without the pull of targets.

    Args:
        queries: geo_level, province_code, indicator, as_of; the same as `forecast.predict` takes.
        levels: probabilities of the quantiles.

    Returns:
        On the index of `queries`: mean, sd and a column for each quantile, in percent.

    Raises:
        QueryError: a unit that the panel does not have, with its row.
    """
    at = query_points(fit, queries)
    mean, variance = latent(fit, at)
    error = error_sd(cast(Fit, fit), fit.draws, mean, at.country > 0)
    sd = np.sqrt(variance + error**2)
    names = ["mean", "sd", *(f"q{level:g}" for level in levels)]
    table = np.empty((len(queries), len(names)))
    for start in range(0, len(queries), TOGETHER):
        some = slice(start, start + TOGETHER)
        table[some, :2] = _mean_and_sd(mean[:, some], sd[:, some])
        table[some, 2:] = 100 * expit(quantiles(mean[:, some], sd[:, some], np.array(levels)))
    return pd.DataFrame(table, index=queries.index, columns=names)


def query_points(fit: LargeFit, queries: pd.DataFrame) -> Points:
    """Points of queries with sparse weights, whatever their number. Raises QueryError."""
    units = fit.evidence.units
    codes = pd.Index(units.codes)
    place = codes.get_indexer(pd.Index(queries["province_code"]))
    alone = (queries["geo_level"] == "province_63").to_numpy()
    keys = set(units.members)
    unknown = [
        f"row {row}: {level} {code!r} is not a unit of the panel"
        for row, (level, code, one, own) in enumerate(
            zip(queries["geo_level"], queries["province_code"], alone, place, strict=True), start=2
        )
        if (one and own < 0) or (not one and (level, code) not in keys)
    ]
    if unknown:
        raise QueryError("\n".join(unknown[:20]))
    source = fit.evidence
    return points_of(queries, place, alone, units, source.settings, source.origin)


def latent(fit: LargeFit, at: Points) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the latent logit by parameter draw: (M, q) each.

    The same as `forecast.posterior.Posterior.marginal`, targets that were announced included.
    """
    at = sparse(at)
    alone = np.flatnonzero(single(at))
    others = np.flatnonzero(~single(at))
    asked, way = with_asked(fit.layout, take(at, alone))
    unit = csr_array(at.weights)[alone].indices
    linear, constant = _linear(fit, take(at, others))
    given = conditioned(fit, asked, linear)
    ways, column = np.unique(way, return_inverse=True)
    blocks = [b for b in fit.layout.blocks if np.isin(b.units, unit).any()]
    means, variances = np.empty((2, len(fit.draws), len(at)))
    centre = CENTRE[fit.evidence.family]
    for m, theta in enumerate(fit.draws):
        found = given.summed(theta, gradient=False)
        solved = given.solve(theta, found)
        if len(alone):
            mean, variance = marginal.units(given, theta, solved, blocks, ways)
            means[m, alone] = mean[unit, column] + centre
            variances[m, alone] = variance[unit, column]
        if len(others):
            mean, variance = marginal.sums(given, theta, solved, found)
            means[m, others] = mean + constant + centre * linear.weights.sum(axis=1)
            variances[m, others] = variance
    return means, np.maximum(variances, 1e-10)


def _linear(fit: LargeFit, at: Points) -> tuple[Points, np.ndarray]:
    if not len(at):
        return at, np.zeros(0)
    linear, constant = fit.reference.linearise(_dense(at))
    return sparse(linear), constant


def conditioned(fit: LargeFit, asked: Layout, sums: Points) -> Task:
    """The task of a fit with what is asked for, and with announced targets as soft readings."""
    evidence = fit.evidence
    size = asked.points.weights.sum(axis=1)
    size[asked.sums] = fit.at_sums.weights.sum(axis=1)
    z = _logits(evidence) - CENTRE[evidence.family] * size - fit.constant
    held, classes = values(evidence.table, fit.fitted, z)
    known = above(asked, held, fit.at_sums)
    reached = _within_reach(fit)
    if len(reached.targets):
        known = _beside(known, _targets(fit, reached))
    if len(sums):
        s, classes_of_error = len(sums), len(known.by_class)
        known = _beside(
            known,
            Above(
                sums,
                np.zeros(s),
                np.zeros(s, bool),
                np.zeros((s, s)),
                np.zeros((classes_of_error, s)),
            ),
        )
    return task(asked, held, classes, known)


def _beside(first: Above, second: Above) -> Above:
    n, k = len(first.z), len(second.z)
    fixed = np.zeros((n + k, n + k))
    fixed[:n, :n], fixed[n:, n:] = first.fixed, second.fixed
    return Above(
        at=stack(first.at, second.at) if n else second.at,
        z=np.concatenate([first.z, second.z]),
        read=np.concatenate([first.read, second.read]),
        fixed=fixed,
        by_class=np.hstack([first.by_class, second.by_class]),
    )


def _within_reach(fit: LargeFit) -> Evidence:
    """The evidence with those targets alone that the posterior takes for information."""
    evidence = fit.evidence
    if not len(evidence.targets) or not evidence.settings.reach:
        return evidence
    none = dataclasses.replace(evidence, targets=evidence.targets.iloc[:0])
    alone = dataclasses.replace(fit, evidence=none, draws=fit.theta[None])
    return within_reach(evidence, lambda at: latent(alone, at)[0][0])


def _targets(fit: LargeFit, evidence: Evidence) -> Above:
    """Announced targets: taken together with the sums, since they share an error."""
    own, z, errors = announced(evidence, fit.reference)
    classes = len(fit.names) - len(fit.parts)
    return Above(
        at=sparse(own),
        z=z,
        read=np.ones(len(z), bool),
        fixed=errors,
        by_class=np.zeros((classes, len(z))),
    )


def _mean_and_sd(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """(q, 2) mean and standard deviation in percent of a mixture of M logit normals."""
    first, second = np.zeros(mean.shape[1]), np.zeros(mean.shape[1])
    for node, weight in zip(_NODES, _WEIGHTS / _WEIGHTS.sum(), strict=True):
        value = 100 * expit(mean + sd * node)
        first += weight * value.mean(axis=0)
        second += weight * (value**2).mean(axis=0)
    return np.column_stack([first, np.sqrt(np.maximum(second - first**2, 0))])


def quantiles(mean: np.ndarray, sd: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(q, L) quantiles of a mixture of M normals in equal parts, by safeguarded Newton steps.

    Args:
        mean, sd: (M, q).
    """
    each = mean[:, :, None] + sd[:, :, None] * ndtri(levels)
    low, high = each.min(axis=0), each.max(axis=0)
    z = each.mean(axis=0)
    for _ in range(40):
        standard = (z - mean[:, :, None]) / sd[:, :, None]
        excess = ndtr(standard).mean(axis=0) - levels
        low, high = np.where(excess < 0, z, low), np.where(excess > 0, z, high)
        slope = (np.exp(-0.5 * standard**2) / sd[:, :, None]).mean(axis=0) / np.sqrt(2 * np.pi)
        step = z - excess / np.maximum(slope, 1e-300)
        moved = np.where((step > low) & (step < high), step, (low + high) / 2)
        done = np.abs(moved - z).max(initial=0) < 1e-9
        z = moved
        if done:
            break
    return z
