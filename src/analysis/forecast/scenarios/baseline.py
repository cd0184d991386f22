"""Business as usual: the forecast's own draws, carried along a path from the origin to the date.

At the date itself the draws are those of the forecast, bit for bit. At the dates on the way, and at
past year-ends, they are drawn given these (`bridge`), so a path belongs to one draw throughout.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis import targets as targets_room
from analysis.cache import cached
from analysis.forecast.draw import Draws
from analysis.forecast.known import Known
from analysis.forecast.model import Model, kept_model
from analysis.forecast.needs import best_year
from analysis.forecast.outlook import FIRST_YEAR, Outlook, outlook
from analysis.forecast.points import NEW_BASE, decimal_year, points
from analysis.forecast.reported import Pulls
from analysis.forecast.scenarios.background import Background, background
from analysis.forecast.scenarios.bridge import bridge
from analysis.forecast.scenarios.calendar import path_dates, year_ends
from analysis.forecast.scenarios.logits import to_logit
from analysis.forecast.scenarios.parameters import Range, ScenarioError
from analysis.forecast.tables import ENOUGH, read_share

Unit = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Baseline:
    """S draws of P provinces at T dates, and what scenarios need to know besides.

    indicator, origin, date: of the forecast. codes: provinces, sorted. dates: the last year-end
    before the origin, then quarter-ends to the date. level: (S, P, T) level in percent under
    business as usual; at_origin: (S, P). past: (S, P, Y) at the year-ends `past_dates`, the last of
    which is dates[0]. persons: (P, T), persons_past: (P, Y), persons_origin: (P,) denominators.
    own_base: (T,), own_base_past: (Y,), own_base_origin: the country's denominator over the sum
    of its provinces'. at_date: unit -> (S,) level at the date under business as usual.
    plain: unit -> (S,) reported value at the date before the pull of its target; reported: after
    it. goals: unit -> the target that pulls, where there is one. targets: unit -> target (percent)
    and who set it. best_year: unit -> its best year, and persons a month in it. enough: unit ->
    whether its own evidence carries a probability. read: (P,) readings behind each province.
    """

    indicator: str
    origin: pd.Timestamp
    codes: tuple[str, ...]
    dates: pd.DatetimeIndex
    level: np.ndarray
    at_origin: np.ndarray
    past_dates: pd.DatetimeIndex
    past: np.ndarray
    persons: np.ndarray
    persons_past: np.ndarray
    persons_origin: np.ndarray
    own_base: np.ndarray
    own_base_past: np.ndarray
    own_base_origin: float
    members: Mapping[Unit, np.ndarray]
    at_date: Mapping[Unit, np.ndarray]
    plain: Mapping[Unit, np.ndarray]
    reported: Mapping[Unit, np.ndarray]
    goals: Mapping[Unit, np.ndarray]
    pulls: Pulls
    targets: Mapping[Unit, tuple[float, str]]
    best_year: Mapping[Unit, tuple[int, float]]
    enough: Mapping[Unit, bool]
    read: np.ndarray
    background: Background = field(default_factory=Background)

    @property
    def date(self) -> pd.Timestamp:
        """The day for which scenarios are judged."""
        return self.dates[-1]

    @property
    def size(self) -> int:
        """The number of draws."""
        return len(self.level)

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """All units: the country first, then regions, merged units and provinces, by code."""
        order = ("country", "region", "province_34", "province_63")
        return tuple(sorted(self.members, key=lambda unit: (order.index(unit[0]), unit[1])))

    @cached_property
    def error(self) -> dict[Unit, np.ndarray]:
        """(S,) logits by which the report, before any pull, lies above the level."""
        return {
            unit: to_logit(self.plain[unit]) - to_logit(self.at_date[unit]) for unit in self.units
        }

    @cached_property
    def free(self) -> tuple[np.ndarray, np.ndarray]:
        """The path without its saw-tooth, (S, P, T), and its value at the origin, (S, P).

        Readings within a year lie below those of its end. The path without that runs straight
        from year-end to year-end (and to the date); scenarios move this one, and every path
        keeps the saw-tooth of business as usual.
        """
        t = decimal_year(self.dates)
        knots = np.flatnonzero(year_ends(self.dates) | (self.dates == self.date))
        at = np.append(t, decimal_year(pd.DatetimeIndex([self.origin])))
        right = np.clip(np.searchsorted(t[knots], at, side="left"), 1, len(knots) - 1)
        share = (at - t[knots][right - 1]) / (t[knots][right] - t[knots][right - 1])
        low, high = self.level[:, :, knots[right - 1]], self.level[:, :, knots[right]]
        straight = low + share * (high - low)
        straight[:, :, knots] = self.level[:, :, knots]
        return straight[:, :, :-1], straight[:, :, -1]

    def of(self, values: np.ndarray, unit: Unit) -> np.ndarray:
        """(S, T) of a unit from provinces (S, P, T): participants over its own denominator."""
        parts = self.members[unit]
        if len(parts) == 1:
            return values[:, parts[0], :]
        total: np.ndarray = np.einsum(
            "spt,pt->st", values[:, parts, :], self.persons[parts] / self.denominator(unit)
        )
        return total

    def denominator(self, unit: Unit) -> np.ndarray:
        """(T,) persons that a unit's coverage divides by; the country has one of its own."""
        total: np.ndarray = self.persons[self.members[unit]].sum(axis=0)
        return total * self.own_base if unit[0] == "country" else total

    def years(self) -> np.ndarray:
        """(T,) years since the origin, 0 before it."""
        start = decimal_year(pd.DatetimeIndex([self.origin]))[0]
        return np.maximum(decimal_year(self.dates) - start, 0)


def baseline(built: Model, own: Outlook, date: pd.Timestamp | None = None) -> Baseline:
    """Lay the path of business as usual through the draws of the forecast.

    Args:
        own: the forecast as published (`outlook(built, indicator, target_year)`).
        date: a later year-end among its draws; the end of its target year when not given.

    Raises:
        ScenarioError: the date is not among the draws, or not after the origin.
    """
    draws = own.draws
    date = pd.Timestamp(date or pd.Timestamp(own.target_year, 12, 31))
    if date not in draws.dates or date <= own.origin:
        last = draws.dates[-1].year
        raise ScenarioError(
            f"date: {date:%Y-%m-%d} cannot be forecast from {own.origin:%Y-%m-%d}; "
            f"give a year-end (31 December) after that, up to {last}"
        )
    dates, past_dates = path_dates(own.origin, date, FIRST_YEAR)
    people = _people(built)
    return Baseline(
        indicator=own.indicator,
        origin=own.origin,
        codes=draws.codes,
        dates=dates,
        level=_path(built, draws, dates),
        at_origin=draws.true[:, :, own.at(own.origin)],
        past_dates=past_dates,
        past=_past(built, draws, past_dates),
        persons=people(dates),
        persons_past=people(past_dates),
        persons_origin=people(pd.DatetimeIndex([own.origin]))[:, 0],
        own_base=_own_base(draws, dates),
        own_base_past=_own_base_past(draws, own.origin, past_dates),
        own_base_origin=float(draws.country_base[own.at(own.origin)]),
        members=draws.members,
        at_date={unit: draws.of(*unit)[:, own.at(date)] for unit in draws.members},
        plain={unit: draws.plain_of(*unit)[:, own.at(date)] for unit in draws.members},
        reported={unit: draws.of(*unit, "reported")[:, own.at(date)] for unit in draws.members},
        goals=_goals(draws, own.at(date)),
        pulls=draws.pulls,
        targets=_targets(own, date),
        best_year={unit: best_year(own, unit) for unit in draws.members},
        enough=_enough(built, own),
        read=_read(built, draws),
        background=background(built.known, draws.codes, people(dates)[:, 0]),
    )


def prepared(
    known: Known,
    indicator: str,
    target_year: int,
    date: pd.Timestamp | None = None,
    cards: tuple[Range | None, Range | None] = (None, None),
) -> Baseline:
    """Fit, draw and lay the path: business as usual from what was known at the origin.

    cards: what cards gave and took (`background.effects_of_cards`), for scenarios that restore
    cards; without it such a scenario has to bring an effect of its own. No draw depends on it.
    """
    base: Baseline = _prepared(known, indicator, target_year, date)
    gained, lost = cards
    known_effects = dataclasses.replace(base.background, cards=gained, lost=lost)
    return dataclasses.replace(base, background=known_effects)


@cached
def _prepared(
    known: Known, indicator: str, target_year: int, date: pd.Timestamp | None
) -> Baseline:
    built = kept_model(known, indicator)
    return baseline(built, outlook(built, indicator, target_year), date)


def _path(built: Model, draws: Draws, dates: pd.DatetimeIndex) -> np.ndarray:
    """(S, P, T): the forecast's own draws, and what lies between them."""
    whole = np.empty((len(draws.true), len(draws.codes), len(dates)))
    own = dates.intersection(draws.dates)
    whole[:, :, dates.get_indexer(own)] = draws.true[:, :, draws.dates.get_indexer(own)]
    missing = dates.difference(own)
    near = draws.dates[(draws.dates >= dates[0]) & (draws.dates <= dates[-1])]
    whole[:, :, dates.get_indexer(missing)] = bridge(built, draws, near, missing)
    return whole


def _people(built: Model) -> Callable[[pd.DatetimeIndex], np.ndarray]:
    """Denominators as published, at any dates: (P, T)."""
    source, base = built.evidence, built.fit.reference.base[:, None]
    return lambda dates: source.units.denominators(decimal_year(dates), source.family) * base


def _past(built: Model, draws: Draws, dates: pd.DatetimeIndex) -> np.ndarray:
    """(S, P, Y) level at past year-ends, by the labour force as it is counted at the origin.

    Otherwise the change of October 2022, which lifted rates and insured nobody, would pass for
    the best year that a province ever had.
    """
    level = draws.true[:, :, draws.dates.get_indexer(dates)]
    if draws.indicator.startswith("hi") or draws.origin < NEW_BASE:
        return np.ascontiguousarray(level)
    rows = [("province_63", code, draws.indicator, day) for code in draws.codes for day in dates]
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
    source = built.evidence
    at = points(table, source.units, source.settings, source.origin)
    now = dataclasses.replace(at, old_base=np.zeros(len(at)))
    lift = built.posterior.marginal(now)[0] - built.posterior.marginal(at)[0]
    found: np.ndarray = 100 * expit(to_logit(level) + lift.mean(axis=0).reshape(level.shape[1:]))
    return found


def _own_base_past(draws: Draws, origin: pd.Timestamp, dates: pd.DatetimeIndex) -> np.ndarray:
    """(Y,) the country's denominator over the sum of its provinces', counted as in `_past`."""
    own = _own_base(draws, dates)
    if draws.indicator.startswith("hi") or origin < NEW_BASE:
        return own
    return np.where(dates < NEW_BASE, _own_base(draws, pd.DatetimeIndex([origin]))[0], own)


def _own_base(draws: Draws, dates: pd.DatetimeIndex) -> np.ndarray:
    """(T,) the country's denominator over the sum of its provinces', straight between draws."""
    return np.interp(decimal_year(dates), decimal_year(draws.dates), draws.country_base)


def _goals(draws: Draws, at: int) -> dict[Unit, np.ndarray]:
    """Equally likely targets (G,) of the units that have any."""
    goals = {unit: own[at] for unit, own in draws.goals.items()}
    return {unit: goal for unit, goal in goals.items() if np.isfinite(goal).all()}


def _targets(own: Outlook, date: pd.Timestamp) -> dict[Unit, tuple[float, str]]:
    """The target that each unit is held against; NaN where there is none."""
    held = targets_room.due_on(own.targets, own.indicator, date)
    found: dict[Unit, tuple[float, str]] = {}
    for unit in own.draws.members:
        try:
            one = held.held_by(*unit)
            found[unit] = (one.value, one.setter)
        except KeyError:
            found[unit] = (float("nan"), "")
    return found


def _enough(built: Model, own: Outlook) -> dict[Unit, bool]:
    """Whether a unit's own evidence carries a probability, as in the tables of the forecast."""
    shares = read_share(built.known, own, built.evidence.settings)
    return {unit: share >= ENOUGH for unit, share in shares.items()}


def _read(built: Model, draws: Draws) -> np.ndarray:
    table = built.evidence.table
    own = table[(table["geo_level"] == "province_63") & (table["indicator"] == draws.indicator)]
    counts = own["province_code"].value_counts()
    return counts.reindex(list(draws.codes)).fillna(0).to_numpy(int)
