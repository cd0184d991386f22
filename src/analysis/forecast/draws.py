"""Joint draws over provinces and dates, and what they add up to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from analysis import seeds
from analysis.country import geography
from analysis.forecast import bands
from analysis.forecast.fit import CEILING, FLOOR, HIGHEST_RATE
from analysis.forecast.goals import goals as goals_of
from analysis.forecast.model import Model
from analysis.forecast.pull import Pull, Pulls, coverage_error, error_sd
from analysis.forecast.space import decimal_year, logit_slope


@dataclass(frozen=True)
class Draws:
    """S joint draws of P provinces at T dates, in percent.

    true: (S, P, T) level of coverage on the agency's definition, as on that day.
    reported: (S, P, T) the value as a report would print it.
    persons: (P, T) denominators as published, in persons. people: (P, T) official ones.
    country_reported: (S, T) the country as its own reports would print it.
    country_base: (T,) the country's own denominator over the sum of its provinces'.
    plain: (S, P, T) and country_plain: (S, T) reported values before the pull of targets.
    goals: (T, G) equally likely targets in percent that pull at each unit; NaN for none.
    carry: years over which what a target has moved fades; 0 where it acts on its day alone.
    wide: (T,) by unit, and far: (S,): by how much bands of merged units and regions are wider than
    the model has them, by kind of reading and for errors of definition (`analysis.forecast.bands`).
    aggregate_error: (S, 1) size of the reading error of aggregates, in points.
    """

    indicator: str
    origin: pd.Timestamp
    codes: tuple[str, ...]
    dates: pd.DatetimeIndex
    true: np.ndarray
    reported: np.ndarray
    persons: np.ndarray
    people: np.ndarray
    country_reported: np.ndarray
    country_base: np.ndarray
    members: dict[tuple[str, str], np.ndarray] = field(repr=False)
    aggregate_error: np.ndarray = field(repr=False)
    plain: np.ndarray = field(repr=False)
    country_plain: np.ndarray = field(repr=False)
    goals: dict[tuple[str, str], np.ndarray] = field(repr=False)
    pulls: Pulls
    carry: float = 0.0
    wide: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)
    far: np.ndarray = field(default_factory=lambda: np.ones(1), repr=False)

    def of(self, level: str, code: str, scale: str = "true") -> np.ndarray:
        """(S, T) draws of any unit: the participants of its provinces over its denominator.

        scale: true or reported. The reported value of a merged unit or region is its
        level with one reading error of its own, of the size of a province's; the country's is
        drawn around its own series. Raises KeyError for an unknown unit.
        """
        parts = self.members[level, code]
        if scale == "reported":
            if level == "country":
                return self.country_reported
            if len(parts) == 1:
                return self.reported[:, parts[0], :]
            goals = self.goals[level, code][None]
            plain, pull = self.plain_of(level, code)[:, None], self.pulls.of(level)
            return _bend(plain, goals, pull, decimal_year(self.dates), self.carry)[:, 0]
        share = self.persons[parts] / self.denominator(level, code)
        return np.einsum("spt,pt->st", self.true[:, parts, :], share)

    def denominator(self, level: str, code: str) -> np.ndarray:
        """(T,) persons that a unit's published coverage divides by.

        A merged unit or region: the sum of its provinces'. The country's is its own: participants
        add up to the country's, but the labour force that the centre divides by is smaller than
        the sum of those that the provinces divide by.
        """
        total: np.ndarray = self.persons[self.members[level, code]].sum(axis=0)
        return total * self.country_base if level == "country" else total

    def plain_of(self, level: str, code: str) -> np.ndarray:
        """(S, T) draws of a unit's reported value before the pull of its target."""
        parts = self.members[level, code]
        if level == "country":
            return self.country_plain
        if len(parts) == 1:
            return self.plain[:, parts[0], :]
        return self._aggregate_plain(parts, self.wide.get((level, code)))

    def _aggregate_plain(self, parts: np.ndarray, wide: np.ndarray | None) -> np.ndarray:
        level = weighted(self.true, self.persons, parts) / 100
        share = np.clip(level, FLOOR, CEILING)
        size = self.aggregate_error * logit_slope(share)
        random = seeds.generator("aggregate", self.indicator, *parts.tolist())
        noise = _normal(random, [np.arange(len(level))], level.shape[1])
        z = logit(level) + size * noise
        if wide is not None:
            z = _widened(z[:, None], wide[None], self.far)[:, 0]
        found: np.ndarray = 100 * expit(z)
        return found


def weighted(values: np.ndarray, persons: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Mean over the provinces `parts`, weighted by their persons: (S, P, T) -> (S, T)."""
    people = persons[parts]
    return np.einsum("spt,pt->st", values[:, parts, :], people / people.sum(axis=0))


def draw(built: Model, indicator: str, dates: Sequence[pd.Timestamp], n: int = 4000) -> Draws:
    """Draw all provinces at all dates together; the parameter draws share the n draws equally."""
    source = built.evidence
    days = pd.DatetimeIndex(list(dates))
    codes = source.units.codes
    table = pd.DataFrame(
        [("province_63", code, indicator, day) for code in codes for day in days],
        columns=["geo_level", "province_code", "indicator", "as_of"],
    )
    level = _latent(built, table, n).reshape(n, len(codes), len(days))
    plain, nation, own_base, aggregate = _reported(built, table, level)
    far = np.repeat(
        built.scales.far(len(built.posterior.theta)),
        [len(rows) for rows in _shares(n, len(built.posterior.theta))],
    )
    wide = _factors(built, table).reshape(len(codes), len(days))
    plain = 100 * expit(_widened(logit(plain / 100), wide, far))
    goals = _goals(built, indicator, days)
    single = np.stack([goals["province_63", code] for code in codes])
    t = decimal_year(days)
    settings = source.settings
    carry = settings.carry_memory if settings.carried else 0.0
    of_country = goals["country", geography.COUNTRY][None]
    return Draws(
        indicator=indicator,
        origin=source.origin,
        codes=codes,
        dates=days,
        true=100 * expit(level),
        reported=_bend(plain, single, built.pulls.provinces, t, carry),
        persons=source.units.denominators(t, source.family) * built.fit.reference.base[:, None],
        people=source.units.denominators(t, source.family),
        country_reported=_bend(nation[:, None], of_country, built.pulls.country, t, carry)[:, 0],
        country_base=own_base,
        members=source.units.members,
        aggregate_error=aggregate,
        plain=plain,
        country_plain=nation,
        goals=goals,
        pulls=built.pulls,
        carry=carry,
        wide=_of_sums(built, indicator, days),
        far=far,
    )


def _factors(built: Model, table: pd.DataFrame) -> np.ndarray:
    """(q,) by how much bands are widened; NaN up to the origin, and where no past error says so."""
    kind = bands.kinds(table, built.evidence)
    known = (table["as_of"] > built.known.origin).to_numpy() & built.scales.known(kind)
    return np.where(known, built.scales.of(kind), np.nan)


def _of_sums(
    built: Model, indicator: str, days: pd.DatetimeIndex
) -> dict[tuple[str, str], np.ndarray]:
    """The same (T,) for every merged unit and region; nothing where no band is widened."""
    if not built.scales.factor:
        return {}
    units = [unit for unit, parts in built.evidence.units.members.items() if len(parts) > 1]
    rows = [(*unit, indicator, day) for unit in units for day in days]
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
    return dict(zip(units, _factors(built, table).reshape(len(units), -1), strict=True))


def _widened(values: np.ndarray, factor: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Logits (S, P, T) about their medians, further off by `factor` (P, T; NaN: as they are)."""
    if np.isnan(factor).all():
        return values
    middle = np.median(values, axis=0)
    each = np.where(np.isnan(factor), 1.0, far[:, None, None] * factor)
    found: np.ndarray = middle + each * (values - middle)
    return found


def _shares(n: int, parts: int) -> list[np.ndarray]:
    """The draws that belong to each parameter draw."""
    return np.array_split(np.arange(n), parts)


def _normal(random: np.random.Generator, shares: list[np.ndarray], width: int) -> np.ndarray:
    """(n, width) standard normal draws in pairs of opposite sign within the draws of a share.

    The mean of each share is exact but for an odd draw, so that probabilities rest on fewer
    accidents than with independent draws (antithetic variates: Hammersley and Morton 1956).
    """
    parts = []
    for rows in shares:
        half = random.standard_normal(((len(rows) + 1) // 2, width))
        parts.append(np.concatenate([half, -half])[: len(rows)])
    return np.concatenate(parts)


def _latent(built: Model, table: pd.DataFrame, n: int) -> np.ndarray:
    """(n, q) logits of the level."""
    source = built.evidence
    asked = source.at(table)
    mean, factor = built.posterior.joint(asked)
    random = seeds.generator("draw", source.family, len(table))
    out = np.empty((n, len(table)))
    shares = _shares(n, len(mean))
    normal = _normal(random, shares, out.shape[1])
    for m, rows in enumerate(shares):
        out[rows] = mean[m] + normal[rows] @ factor[m].T
    return out


def _reported(
    built: Model, table: pd.DataFrame, level: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Values with reading error, before any pull: provinces (S, P, T), the country (S, T).

    Then come the country's own base (T,) and the reading error of provinces in points (S, 1).
    """
    n, p, d = level.shape
    random = seeds.generator("reported", built.evidence.family, n, d)
    every = built.posterior.theta
    shares = _shares(n, len(every))
    theta = np.vstack([np.tile(every[m], (len(rows), 1)) for m, rows in enumerate(shares)])
    sd = error_sd(built.fit, theta, level.reshape(n, -1), np.zeros(p * d, bool))
    values = level.reshape(n, -1) + sd * _normal(random, shares, p * d)
    values = 100 * expit(values).reshape(n, p, d)
    noise = _normal(random, shares, d)
    nation, own_base = _country(built, level, theta, noise, _of_country(table, d))
    return values, nation, own_base, coverage_error(built.fit, theta)[:, None]


def _of_country(table: pd.DataFrame, dates: int) -> pd.DataFrame:
    """Rows of the country for the dates of a table sorted by province."""
    return table.iloc[:dates].assign(geo_level="country", province_code="00")


def _goals(
    built: Model, indicator: str, days: pd.DatetimeIndex
) -> dict[tuple[str, str], np.ndarray]:
    """Targets that pull at values still to be reported: (T, G) percent a unit, NaN for none."""
    units = sorted(built.evidence.units.members)
    rows = [(*unit, indicator, day) for unit in units for day in days]
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
    later = (table["as_of"] > built.known.origin).to_numpy()
    found = np.where(later[:, None], goals_of(built, table), np.nan)
    return dict(zip(units, found.reshape(len(units), len(days), -1), strict=True))


def _bend(
    values: np.ndarray, goals: np.ndarray, pull: Pull, t: np.ndarray, carry: float
) -> np.ndarray:
    """Pull each column of draws (S, P, T) that has a goal (P, T, G) towards it.

    What a target has moved, on the logit scale, stays with the unit and fades over `carry` years:
    a value that was drawn up to a plan does not fall back on the day after. t: (T,) years.
    """
    bent = values.copy()
    with_goal = np.isfinite(goals).all(axis=2)
    for place in np.flatnonzero(with_goal.any(axis=1)):
        moved, since = np.zeros(len(values)), t[0]
        for at in range(len(t)):
            own = values[:, place, at]
            if moved.any():
                own = 100 * expit(logit(own / 100) + moved * np.exp(-(t[at] - since) / carry))
            if with_goal[place, at]:
                own = pulled(own, goals[place, at], pull)
                if carry > 0:
                    moved, since = logit(own / 100) - logit(values[:, place, at] / 100), t[at]
            bent[:, place, at] = own
    return bent


def pulled(values: np.ndarray, target: float | np.ndarray, pull: Pull) -> np.ndarray:
    """Draws (S,) of a reported value under the pull of its target, in the order of the draws.

    The density is tilted by `Pull.tilt` (see `analysis.forecast.pull`). Each draw moves to
    the tilted distribution's quantile at its own rank, so all dependence between draws stays.
    Of several equally likely targets each draw is given one, by chance.
    """
    possible = np.atleast_1d(np.asarray(target, float))
    if (possible != possible[0]).any():
        given = np.resize(possible, len(values))
        given = seeds.generator("given", len(values)).permutation(given)
        bent = values.copy()
        for one in np.unique(possible):
            bent[given == one] = pulled(values[given == one], one, pull)
        return bent
    target = float(possible[0])
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    weight = pull.tilt(ordered - target, np.full(len(values), 1 / len(values)))
    tilted = np.cumsum(weight) - weight / 2
    ranks = (np.arange(len(values)) + 0.5) / len(values)
    bent = np.empty_like(values)
    bent[order] = np.interp(ranks, tilted, ordered)
    return bent


def _country(
    built: Model,
    level: np.ndarray,
    theta: np.ndarray,
    noise: np.ndarray,
    table: pd.DataFrame,
) -> tuple[np.ndarray, np.ndarray]:
    """The country as reported, before the pull of targets (S, T), and its own base (T,).

    noise: (S, T) standard normal draws of its reading error. table: a row for each date. The
    country's own series says how far its rate lies from that of its provinces together. Since
    participants add up, the difference is one of denominators.
    """
    source = built.evidence
    t = decimal_year(pd.DatetimeIndex(table["as_of"]))
    people = source.units.denominators(t, source.family) * built.fit.reference.base[:, None]
    share = np.einsum("spt,pt->st", expit(level), people / people.sum(axis=0))
    at = source.at(table)
    with_offset, _ = built.posterior.marginal(at)
    without, _ = built.posterior.marginal(dataclasses.replace(at, country=np.zeros(len(at))))
    middle = share.mean(axis=0)
    own = expit(logit(middle) + (with_offset - without).mean(axis=0))
    level_of_country = logit(np.minimum(share * own / middle, HIGHEST_RATE))
    sd = error_sd(built.fit, theta, level_of_country, np.ones(len(t), bool))
    return 100 * expit(level_of_country + sd * noise), middle / own
