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
#: Reported values heap just above their target, so the grid is fine there: an error of a cell
#: would show in the probability.
_CELLS = 20001


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

    mean, sd: (M,) logit normals, equally likely. people: persons that coverage is counted on.
    target: percent that the unit is held against, NaN where none is known. drawn_to: the target
    of the unit's own that its reported value is drawn to, NaN where it has none (a nationwide
    yardstick draws nobody). pull: how targets draw reported values.
    """

    mean: np.ndarray
    sd: np.ndarray
    people: float
    target: float
    drawn_to: float
    pull: Pull

    @cached_property
    def density(self) -> tuple[np.ndarray, np.ndarray]:
        """Values in percent on a fine grid, and their mass, before the pull."""
        middle = self.mean.mean()
        reach = 6 * np.sqrt(self.sd.max() ** 2 + self.mean.var())
        z = middle + reach * np.linspace(-1, 1, _CELLS)
        mass = norm.pdf(z[None], self.mean[:, None], self.sd[:, None]).mean(axis=0)
        return 100 * expit(z), mass / mass.sum()


def outlook(future: Future, choice: Choice) -> Outlook:
    """Return what is to be expected under a choice of levers."""
    percent, mass = future.density
    value = shifted(percent, choice, future.people)
    if np.isfinite(future.drawn_to):
        mass = mass * future.pull.tilt(value - future.drawn_to)
    mass = mass / mass.sum()
    q05, q10, q50, q90, q95 = np.interp(LEVELS, np.cumsum(mass) - mass / 2, value).tolist()
    reached = float(mass[value >= future.target].sum()) if np.isfinite(future.target) else np.nan
    return Outlook(q05, q10, q50, q90, q95, min(reached, 1.0))


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
