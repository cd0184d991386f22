"""The likelihood of a large panel, with the interface of the dense `Problem`."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis.forecast.evidence import ERRORS
from analysis.forecast.fit import JITTER
from analysis.forecast.parts import Component
from analysis.forecast.space import PRIORS, Points, logit_slope
from analysis_panels.blocks import dense, root, stack, take
from analysis_panels.moments import Moments, Sums, Values, moments
from analysis_panels.panel import Layout
from analysis_panels.top import Prior, Top, own_gradient, top

#: Sums over units are kept for so many values of theta: differences by shared parts need no pass.
REMEMBERED = 4


@dataclass(frozen=True)
class Task:
    """Everything the likelihood needs. The objective is that of `covariance.Problem`.

    names: of theta, components and classes of error. held: z and variances by reading.
    sums, prior: the sums over units and the shared effects. fixed: (s, s) error covariance of
    the sums that does not depend on theta; by_class: (E, s) variance for one point of error.
    n: number of readings.
    """

    layout: Layout
    names: tuple[str, ...]
    held: Values
    sums: Sums
    prior: Prior
    fixed: np.ndarray
    by_class: np.ndarray
    prior_mean: np.ndarray
    prior_width: np.ndarray
    n: int
    _kept: OrderedDict[bytes, Moments] = field(default_factory=OrderedDict, repr=False)

    def objective(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the log posterior of theta, up to a constant, and its gradient."""
        value, gradient = self.likelihood(theta)
        distance = (theta - self.prior_mean) / self.prior_width
        return -value + 0.5 * distance @ distance, -gradient + distance / self.prior_width

    def likelihood(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Log likelihood of the readings and its gradient."""
        found = self.summed(theta)
        solved = self.solve(theta, found)
        parts = len(self.layout.parts)
        scale = np.exp(2 * theta)
        own = list(self.layout.roles.own)
        gradient = np.zeros(len(theta))
        by_part, by_error = own_gradient(found, self.prior, solved, scale[own])
        gradient[own] = by_part
        for j, value in solved.shared.items():
            gradient[j] = value
        # The sums' own errors: tr{(a a' - K^-1) E} on their rows.
        p = len(solved.mean)
        rest = solved.at_sums**2 + np.diag(solved.wide)[p:]
        gradient[parts:] = by_error + scale[parts:] * (self.by_class @ rest)
        return solved.log_likelihood, gradient

    def summed(self, theta: np.ndarray, gradient: bool = True) -> Moments:
        """The sums over units; they do not depend on the variances of shared parts."""
        own, error = self.own_scales(theta)
        key = np.concatenate([own, error]).tobytes()
        found = self._kept.get(key)
        if found is None or (gradient and not found.gradient):
            size = (len(self.layout.ways), self.layout.columns)
            found = moments(self.layout.blocks, self.held, self.sums, own, error, size, gradient)
        self._kept[key] = found
        self._kept.move_to_end(key)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        return found

    def noise(self, theta: np.ndarray) -> np.ndarray:
        """(n,) variance of reading error on the logit scale."""
        return self.own_scales(theta)[1] @ self.held.errors + self.held.known + JITTER

    def own_scales(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(J,) variances of the own parts and (E,) of the classes of error."""
        scale = np.exp(2 * theta)
        return scale[list(self.layout.roles.own)], scale[len(self.layout.parts) :]

    def solve(self, theta: np.ndarray, found: Moments | None = None) -> Top:
        """The shared effects given the readings."""
        scale = np.exp(2 * theta)
        own, error = self.own_scales(theta)
        found = self.summed(theta, gradient=False) if found is None else found
        noise = np.tensordot(own, self.prior.own, 1) + self.fixed + np.diag(error @ self.by_class)
        return top(found, self.prior, scale, noise, self.n)


@dataclass(frozen=True)
class Above:
    """Readings of sums over units, and points of sums that are asked for.

    at: points, linear in the units. z, read: (s,). fixed: (s, s) error covariance that is known;
    by_class: (E, s) variance of each class of error for one point.
    """

    at: Points
    z: np.ndarray
    read: np.ndarray
    fixed: np.ndarray
    by_class: np.ndarray


def above(layout: Layout, values: Values, at_sums: Points) -> Above:
    """The sums that were read."""
    rows = layout.sums
    return Above(
        at=at_sums,
        z=values.z[rows],
        read=np.ones(len(rows), bool),
        fixed=np.diag(values.known[rows] + JITTER),
        by_class=values.errors[:, rows],
    )


def values(table: pd.DataFrame, share: np.ndarray, z: np.ndarray) -> tuple[Values, tuple[str, ...]]:
    """Variances of reading error, and the classes there are (as `covariance.problem`).

    Args:
        table: readings with `error` and `half`. share: (n,) coverage 0 to 1 at which errors in
            points are turned into logits. z: (n,) logits less the centre and constants.
    """
    error = table["error"].to_numpy()
    classes = tuple(name for name in ERRORS if (error == name).any())
    slope = logit_slope(share)
    errors = np.stack([(error == name) * slope**2 for name in classes])
    return Values(z, errors, (table["half"].to_numpy() * slope) ** 2 / 3), classes


def task(layout: Layout, held: Values, classes: tuple[str, ...], sums: Above) -> Task:
    """Set up the likelihood (`forecast.covariance.problem`, for any number of units)."""
    prior = [(part.prior_median, part.prior_width) for part in layout.parts]
    prior += [PRIORS[name] for name in classes]
    loadings, own = _sums(layout, sums)
    return Task(
        layout=layout,
        names=(*(part.name for part in layout.parts), *classes),
        held=held,
        sums=loadings,
        prior=own,
        fixed=sums.fixed,
        by_class=sums.by_class,
        prior_mean=np.log([median for median, _ in prior]),
        prior_width=np.array([width for _, width in prior]),
        n=len(layout.alone) + int(sums.read.sum()),
    )


def _sums(layout: Layout, above: Above) -> tuple[Sums, Prior]:
    parts = [layout.parts[j] for j in layout.roles.own]
    at = above.at
    loadings = np.zeros((len(parts), layout.units, len(at)))
    for j, part in enumerate(parts):
        loadings[j] = dense(part.loading(at)).T if len(at) else 0.0
    own = np.zeros((len(parts), len(at), len(at)))
    for j, part in enumerate(parts):
        if len(at):
            own[j] = dense(part.between(at, at))
    prior = Prior(
        roots=_roots(layout, at),
        loadings=_varying(layout, at),
        own=own,
        z=above.z,
        read=above.read,
    )
    return Sums(loadings, [part.in_time for part in parts], at.t), prior


def _varying(layout: Layout, at: Points) -> np.ndarray:
    if not layout.roles.varying or not len(at):
        return np.zeros((len(at), layout.columns))
    return np.hstack([dense(layout.parts[j].loading(at)) for j in layout.roles.varying])


def _roots(layout: Layout, at: Points) -> list[tuple[int, np.ndarray]]:
    """Roots of the covariances of shared parts over ways, varying coefficients and sums."""
    ways, q, s = len(layout.ways), layout.columns, len(at)
    both = stack(layout.ways, at) if s else layout.ways
    place = np.concatenate([np.arange(ways), ways + q + np.arange(s)])
    found = []
    for j in layout.roles.common:
        narrow = _root(layout.parts[j], both)
        wide = np.zeros((ways + q + s, narrow.shape[1]))
        wide[place] = narrow
        found.append((j, wide))
    start = ways
    for j in layout.roles.varying:
        size = layout.parts[j].loading(take(layout.ways, np.arange(1))).shape[1]
        wide = np.zeros((ways + q + s, size))
        wide[start : start + size] = np.eye(size)
        found.append((j, wide))
        start += size
    return found


def _root(part: Component, at: Points) -> np.ndarray:
    """(n, r) with r as small as the part allows: its covariance is the root times its transpose."""
    loading = dense(part.loading(at))
    loading = loading[:, np.abs(loading).max(axis=0, initial=0) > 0]
    if part.in_time is None:
        return loading
    times, position = np.unique(at.t, return_inverse=True)
    in_time = root(part.in_time(times, times))[position]
    return np.hstack([loading[:, [c]] * in_time for c in range(loading.shape[1])])
