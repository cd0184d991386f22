"""From the forecast of one unit to its probability of meeting the target, levers included.

A lever adds people; people over the denominator of the due date add points of coverage. The
added points shift the forecast of the reported value before the pull of the target acts on it
(see `analysis.forecast.reported`), and nothing is taken to exceed 100 percent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from analysis.explore.choice import Choice
from analysis.forecast.reported import Pull

LEVELS = np.array([0.05, 0.10, 0.50, 0.90, 0.95])
#: More people a month than this share of the denominator is no answer worth giving.
MOST = 0.05
_CELLS = 4001


@dataclass(frozen=True)
class Outlook:
    """Quantiles of the reported value in percent, and the probability of meeting the target."""

    q05: float
    q10: float
    q50: float
    q90: float
    q95: float
    probability: float


@dataclass(frozen=True)
class Future:
    """The reported value of one unit at the due date, before the pull of its target.

    percent, mass: (N,) values in rising order and their weights, which add up to 1. people:
    persons that coverage is counted on. target: percent that the unit is held against, NaN where
    none is known. drawn_to: the target of the unit's own that its reported value is drawn to, or
    (G,) equally likely ones where its number is not known; NaN where nothing draws. pull: how
    targets draw reported values. usual: what chapter 05 says without levers, from the same draws
    after the pull; None where the values are not draws of the forecast.
    """

    percent: np.ndarray
    mass: np.ndarray
    people: float
    target: float
    drawn_to: float | np.ndarray
    pull: Pull
    usual: Outlook | None = None

    @cached_property
    def rest(self) -> Outlook:
        """The outlook with all levers at rest, by the weights of the pull."""
        return _weighted(self, self.percent)


def mixture(mean: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values in percent on a fine grid, and their mass, of equally likely logit normals."""
    middle = mean.mean()
    reach = 6 * np.sqrt(sd.max() ** 2 + mean.var())
    z = middle + reach * np.linspace(-1, 1, _CELLS)
    mass = norm.pdf(z[None], mean[:, None], sd[:, None]).mean(axis=0)
    return 100 * expit(z), mass / mass.sum()


def drawn(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return draws in rising order, and their mass."""
    return np.sort(values), np.full(len(values), 1 / len(values))


def outlook(future: Future, choice: Choice) -> Outlook:
    """Return what is to be expected under a choice of levers.

    Without levers that is what chapter 05 says. With levers, their effect is added to it, as the
    weights of the pull give it: these move smoothly where resampled draws would jump.
    """
    usual = future.usual or future.rest
    if not choice.moves:
        return usual
    moved = _weighted(future, shifted(future.percent, choice, future.people))
    reached = {
        name: value + getattr(moved, name) - getattr(future.rest, name)
        for name, value in vars(usual).items()
    }
    most = {name: 1.0 if name == "probability" else 100.0 for name in reached}
    return Outlook(**{name: float(np.clip(reached[name], 0, most[name])) for name in reached})


def _weighted(future: Future, value: np.ndarray) -> Outlook:
    over, under = _tilted(value, future.mass, future)
    mass = over + under
    total = mass.sum()
    q05, q10, q50, q90, q95 = np.interp(
        LEVELS, (np.cumsum(mass) - mass / 2) / total, value
    ).tolist()
    if not np.isfinite(future.target):
        return Outlook(q05, q10, q50, q90, q95, float("nan"))
    same = bool(np.all(np.asarray(future.drawn_to) == future.target))
    reached = over if same else mass * _above(value, future.target)
    return Outlook(q05, q10, q50, q90, q95, min(float(reached.sum() / total), 1.0))


def _tilted(value: np.ndarray, mass: np.ndarray, future: Future) -> tuple[np.ndarray, np.ndarray]:
    """The mass of each cell at or above what it is drawn to, and below, with the pull applied."""
    if not np.isfinite(future.drawn_to).all():
        return mass, np.zeros_like(mass)
    possible, counts = np.unique(future.drawn_to, return_counts=True)
    sides = np.zeros((2, len(mass)))
    for one, count in zip(possible, counts / counts.sum(), strict=True):
        over = mass * _above(value, one)
        sides += count * np.stack(future.pull.split(value - one, over, mass - over))
    return sides[0], sides[1]


def _above(value: np.ndarray, edge: float) -> np.ndarray:
    """Share of each cell of the grid that lies at or above an edge, so that sums move smoothly."""
    middle = (value[1:] + value[:-1]) / 2
    lower = np.concatenate([value[:1], middle])
    upper = np.concatenate([middle, value[-1:]])
    return np.clip((upper - edge) / np.maximum(upper - lower, 1e-12), 0.0, 1.0)


def shifted(percent: np.ndarray, choice: Choice, people: float) -> np.ndarray:
    """Return coverage in percent after the levers: people a month, then support for the rest."""
    more = 100 * choice.persons_month * choice.months / people
    reached = np.minimum(percent + more, 100.0)
    response = choice.support * choice.response if choice.supportable else 0.0
    return reached + response * (100.0 - reached)


def persons_for(future: Future, choice: Choice, probability: float) -> float:
    """Return the people a month beyond the forecast for which the target is met so probably.

    0 where the forecast alone suffices; NaN without a target, or where it would take more than
    5 percent of the denominator every month.
    """
    if not np.isfinite(future.target):
        return float("nan")

    def gap(persons: float) -> float:
        trial = replace(choice, persons_month=persons)
        return outlook(future, trial).probability - probability

    most = MOST * future.people
    if gap(0.0) >= 0:
        return 0.0
    return float(brentq(gap, 0.0, most, xtol=most * 1e-6)) if gap(most) > 0 else float("nan")
