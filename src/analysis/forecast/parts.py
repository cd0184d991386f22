"""The parts of which the latent logit is made, each a covariance between two sets of points.

Every part is a Gaussian process: loadings times a function of time,
    cov(a, b) = sd^2 * (L_a L_b') o k(t_a, t_b),
so their sum is one Gaussian and all effects are integrated out exactly (Rasmussen and Williams
2006, chapters 2 and 5). Only the standard deviations are estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.forecast.space import PRIORS, Points, Settings, Units

#: The walk and the momentum of the nationwide curve start here.
_START = 2009.0
_CENTRE = 2020.0
Loading = Callable[[Points], np.ndarray]
InTime = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Component:
    """loading: points -> (n, r). in_time: covariance in time, None where it is 1 throughout."""

    name: str
    loading: Loading
    in_time: InTime | None
    prior_median: float
    prior_width: float

    def between(self, a: Points, b: Points) -> np.ndarray:
        """Covariance for a standard deviation of one: (len(a), len(b))."""
        product = self.loading(a) @ self.loading(b).T
        return product if self.in_time is None else product * self.in_time(a.t, b.t)

    def variance(self, a: Points) -> np.ndarray:
        """The diagonal of `between(a, a)`: (len(a),)."""
        product = (self.loading(a) ** 2).sum(axis=1)
        if self.in_time is None:
            return product
        times, position = np.unique(a.t, return_inverse=True)
        return product * np.diag(self.in_time(times, times))[position]


def components(family: str, units: Units, settings: Settings, step: bool) -> list[Component]:
    """The parts of a family's model. `step`: the change of July 2021 is known at the origin."""
    parts = _nationwide(settings) + _provinces(family, units, settings)
    if settings.sawtooth:
        parts += _sawtooth()
    if family == "health" and step and settings.step_2021:
        parts += _step(units)
    if settings.participants:
        parts += _participants()
    if family == "labour":
        parts += _labour()
    return parts


def _part(name: str, loading: Loading, in_time: InTime | None = None, prior: str = "") -> Component:
    return Component(name, loading, in_time, *PRIORS[prior or name])


def _column(values: np.ndarray) -> np.ndarray:
    return values[:, None]


def _all(points: Points, values: np.ndarray | float = 1.0) -> np.ndarray:
    """(n, 1) loading of an effect that all provinces share: theirs, summed with their weights."""
    return _column(points.size * values)


def _nationwide(settings: Settings) -> list[Component]:
    """A level, a trend, a walk, and a slope that comes and goes (integrated, damped)."""
    parts = [
        _part("nationwide_level", _all),
        _part("nationwide_slope", lambda p: _all(p, p.t - _CENTRE)),
        _part("nationwide_walk", _all, walk),
        _part("nationwide_momentum", _all, momentum(settings.slope_memory)),
    ]
    return [*parts, _part("country_offset", _country_rate)]


def _country_rate(points: Points) -> np.ndarray:
    """The country's own rate may differ from that of its provinces; its persons add up."""
    return _column(points.country * (1 - points.persons))


def walk(t: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Covariance of a random walk that starts in 2009."""
    return np.minimum(t[:, None], u[None]) - _START


def momentum(memory: float) -> InTime:
    """Covariance of the integral from 2009 of a slope with variance 1 and correlation exp(-d/m).

    cov = m^2 (2 min(a, b) - 1 + exp(-a) + exp(-b) - exp(-|a - b|)) with a, b in units of m: the
    integrated Ornstein-Uhlenbeck process (Taylor, Cumberland and Sy 1994).
    """

    def covariance(t: np.ndarray, u: np.ndarray) -> np.ndarray:
        a, b = ((t - _START) / memory)[:, None], ((u - _START) / memory)[None]
        fading = np.exp(-a) + np.exp(-b) - np.exp(-np.abs(a - b))
        return memory**2 * (2 * np.minimum(a, b) - 1 + fading)

    return covariance


def fading(memory: float) -> InTime:
    """Correlation exp(-distance / memory): the Ornstein-Uhlenbeck process."""
    return lambda t, u: np.exp(-np.abs(t[:, None] - u[None]) / memory)


def closing(points: Points, memory: float) -> np.ndarray:
    """(n, 1) factor by which a difference of 2015 has closed at each date."""
    return _column(np.exp(-(points.t - 2015.0) / memory))


def _provinces(family: str, units: Units, settings: Settings) -> list[Component]:
    """Differences between provinces: lasting ones that close slowly, and passing ones."""
    memory = settings.level_memory(family)
    parts = [
        _part("province", lambda p: p.weights * closing(p, memory)),
        _part("deviation", lambda p: p.weights, fading(settings.deviation_memory)),
    ]
    if settings.regions:
        parts.append(_part("region", lambda p: p.weights @ units.regions * closing(p, memory)))
    if settings.covariates:
        passing = settings.covariate_memory(family)
        for j in range(units.covariates.shape[1]):
            parts.append(_covariate(units.covariates[:, [j]], j, passing))
    return parts


def _covariate(values: np.ndarray, j: int, memory: float) -> Component:
    def loading(points: Points) -> np.ndarray:
        return points.weights @ values * closing(points, memory)

    return _part(f"covariate_{j}", loading, prior="covariate")


def _same_year(points: Points) -> np.ndarray:
    years = np.arange(2005, 2041)
    return (points.year[:, None] == years[None]).astype(float)


def _sawtooth() -> list[Component]:
    """Interim readings lie below year-end ones; by how much differs by year and province.

    Two shapes: a rise over the year, and a push in its last quarter. Without the second, a year
    that was low until September and ended on its plan passes for a fall and a rise of the level.
    """
    return [
        _part("season", lambda p: _all(p, p.season)),
        _part("season_year", lambda p: _same_year(p) * _all(p, p.season)),
        _part("push", lambda p: _all(p, p.push)),
        _part("push_year", lambda p: _same_year(p) * _all(p, p.push)),
        _part("season_province", lambda p: p.weights * _column(p.season)),
    ]


def _step(units: Units) -> list[Component]:
    """Decision 861: a fall with the minority share, which fades, and differs locally.

    The share is taken from the country's mean: what fell everywhere is in the nationwide curve,
    which has its own readings of 2021.
    """
    share = units.persons[:, -1] / units.persons[:, -1].sum()
    mean = float(share @ units.minority)
    exposure = units.minority - mean
    return [
        _part("step", lambda p: _column(p.weights @ exposure * p.step)),
        _part("step_province", lambda p: p.weights * np.sqrt(units.minority) * _column(p.step)),
    ]


def _participants() -> list[Component]:
    """Persons over official denominators: another measure, off by a constant and by province."""
    return [
        _part("persons_offset", lambda p: _all(p, p.persons)),
        _part("persons_province", lambda p: p.weights * _column(p.persons)),
    ]


def _labour() -> list[Component]:
    """Unemployment insurance as a close relative of social insurance; the old denominator.

    Voluntary participants, whom only social insurance has, join before year-end and lapse after
    it, so its saw-tooth is the deeper one, and grew with their number.
    """
    return [
        _part("voluntary_season", lambda p: _all(p, p.season * (1 - p.ui))),
        _part("voluntary_season_year", lambda p: _same_year(p) * _all(p, p.season * (1 - p.ui))),
        _part("old_base", lambda p: _all(p, p.old_base * (1 - p.persons))),
        _part("country_old_base", lambda p: _country_rate(p) * _column(p.old_base)),
        _part("ui_level", lambda p: _all(p, p.ui)),
        _part("ui_slope", lambda p: _all(p, p.ui * (p.t - _CENTRE))),
        _part("ui_walk", lambda p: _all(p, p.ui), walk),
        _part("ui_province", lambda p: p.weights * _column(p.ui)),
    ]
