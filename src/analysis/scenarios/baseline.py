"""Business as usual: the forecast's own draws, carried along a path from the origin to the date.

At the date itself the draws are those of the forecast, bit for bit. At the dates on the way, and at
past year-ends, they are drawn given these (`bridge`), so a path belongs to one draw throughout.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.special import expit, logit

from analysis import paths, seeds
from analysis.country import geography
from analysis.disk_cache import cached
from analysis.drivers.policy import exposures
from analysis.forecast.draws import Draws
from analysis.forecast.known import Known
from analysis.forecast.model import Model, kept_model
from analysis.forecast.outlook import ENOUGH, FIRST_YEAR, Outlook, best_year, outlook
from analysis.forecast.pull import Pulls
from analysis.forecast.space import NEW_BASE, decimal_year
from analysis.forecast.tables import read_share
from analysis.readings import targets as targets_room
from analysis.scenarios.parameters import Range, ScenarioError

# --------------------------------------------------------------------------------------------------
# What scenarios of policies rest on besides the draws: exposures, effects, groups as read.
# --------------------------------------------------------------------------------------------------

#: The terms of drivers_coverage.csv that measure what Decree 75 gave back and what Decision 861
#: took, by window and without a straight trend.
_RECOVERY, _LOSS = "restoration_x_minority", "861_x_minority"
DESIGN, _BESIDE = "windows", "main design"


@dataclass(frozen=True)
class Background:
    """What is known besides coverage; NaN where nothing is.

    minority: (P,) standard deviations of the minority share above a share of zero.
    cards: what giving support back in October 2023 added to the logit of coverage for each of
        these (chapter 03), or None. lost: what the end of the cards in July 2021 took, or None.
    voluntary: (P,) voluntary social insurance participants in percent of the labour force.
    """

    minority: np.ndarray = field(default_factory=lambda: np.zeros(0))
    cards: Range | None = None
    lost: Range | None = None
    voluntary: np.ndarray = field(default_factory=lambda: np.zeros(0))


def background(known: Known, codes: tuple[str, ...], persons: np.ndarray) -> Background:
    """Gather what is known at the origin of `known`, cards aside. `persons`: (P,) denominators."""
    return Background(minority=_minority(known, codes), voluntary=_voluntary(known, codes, persons))


def _minority(known: Known, codes: tuple[str, ...]) -> np.ndarray:
    scores = exposures(known.raw)["minority"].reindex(list(codes))
    return (scores - scores.min()).fillna(0.0).to_numpy()


def effects_of_cards(indicator: str) -> tuple[Range | None, Range | None]:
    """What Decree 75 gave back and what Decision 861 took, as chapter 03 estimates them.

    They concern health insurance alone: None for another indicator, and when that chapter has not
    run; in a run of the report a notebook that is not given the table fails instead.
    """
    if indicator != "hi_coverage":
        return None, None
    return _estimate(_RECOVERY, "cards"), _estimate(_LOSS, "cards_lost")


def _estimate(term: str, stream: str) -> Range | None:
    """An estimate of chapter 03 with its 95% interval; None when that chapter has not run.

    An end that the interval does not reach is set by the standard error.
    """
    try:
        table = paths.read_processed("drivers_coverage")
    except paths.MissingTable:
        return None
    rows = table[
        (table["term"] == term) & (table["design"] == DESIGN) & (table["beside"] == _BESIDE)
    ].dropna(subset=["estimate", "standard_error"])
    if len(rows) != 1:
        return None
    row = rows.iloc[0]
    centre, reach = float(row["estimate"]), 1.96 * float(row["standard_error"])
    low, high = (
        float(row[name]) if np.isfinite(row[name]) else centre + sign * reach
        for name, sign in (("low", -1), ("high", 1))
    )
    return Range(low, centre, high, "chapter_03", stream=stream)


def _voluntary(known: Known, codes: tuple[str, ...], persons: np.ndarray) -> np.ndarray:
    """Voluntary participants over the labour force: own year-end readings, else the country's."""
    table = known.readings
    rows = table[
        (table["indicator"] == "si_voluntary_participants")
        & (table["basis"].fillna("") == "")
        & (table["season"] == "year_end")
    ].sort_values("as_of")
    recent = rows[rows["as_of"] >= known.origin - pd.DateOffset(years=3)]
    country = recent[recent["geo_level"] == "country"]["value"]
    mean = 100 * float(country.iloc[-1]) / persons.sum() if len(country) else float("nan")
    latest = recent[recent["geo_level"] == "province_63"].groupby("province_code")["value"].last()
    counts = latest.reindex(list(codes)).to_numpy(float)
    return np.where(np.isfinite(counts), 100 * np.nan_to_num(counts) / persons, mean)


# --------------------------------------------------------------------------------------------------
# Draws at further dates, given the draws that the forecast already has.
#
# For jointly normal z = (a, b) with mean m and covariance L L', a draw of a fixes the first part of
# the standard normals, e_a = L_aa^-1 (a - m_a); b = m_b + L_ba e_a + L_bb e_b then has the
# conditional distribution given a (Rasmussen and Williams 2006, appendix A.2).
# --------------------------------------------------------------------------------------------------


def bridge(
    built: Model, draws: Draws, given: pd.DatetimeIndex, dates: pd.DatetimeIndex
) -> np.ndarray:
    """(S, P, T) levels in percent at `dates`, drawn given those that the draws have at `given`.

    `given` are the neighbouring dates of the draws: more of them cost time and say hardly more.
    """
    n, p, known = len(draws.true), len(draws.codes), len(given)
    if len(dates) == 0:
        return np.empty((n, p, 0))
    table = _table(draws, pd.DatetimeIndex([*given, *dates]))
    source = built.evidence
    mean, factor = built.posterior.joint(source.at(table))
    own = draws.true[:, :, draws.dates.get_indexer(given)]
    drawn = logit(own.transpose(0, 2, 1).reshape(n, -1) / 100)
    random = seeds.generator("bridge", source.family, *(f"{day:%Y-%m-%d}" for day in dates))
    out = np.empty((n, len(dates), p))
    # The draws share the M values of the standard deviations equally and in order, as in `draw`.
    for m, rows in enumerate(np.array_split(np.arange(n), len(mean))):
        k, low = known * p, factor[m]
        first = solve_triangular(
            low[:k, :k], (drawn[rows] - mean[m, :k]).T, lower=True, check_finite=False
        )
        second = random.standard_normal((len(rows), len(table) - k))
        b = mean[m, k:] + (low[k:, :k] @ first).T + second @ low[k:, k:].T
        out[rows] = b.reshape(len(rows), len(dates), p)
    return 100 * expit(out).transpose(0, 2, 1)


def _table(draws: Draws, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """All provinces at all dates, date by date."""
    rows = [("province_63", code, draws.indicator, day) for day in dates for code in draws.codes]
    return pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])


# --------------------------------------------------------------------------------------------------
# The days of a scenario: year-ends, quarter-ends, months.
# --------------------------------------------------------------------------------------------------


def year_ends(dates: pd.DatetimeIndex) -> np.ndarray:
    """(T,) which dates are a 31 December."""
    return np.asarray((dates.month == 12) & (dates.day == 31))


def path_dates(
    origin: pd.Timestamp, date: pd.Timestamp, first_year: int
) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """The last year-end by the origin and the quarter-ends to the date; the past year-ends."""
    start = origin if origin.month == 12 and origin.day == 31 else last_year_end(origin)
    quarters = pd.date_range(start, date, freq="QE")
    path = quarters.union(pd.DatetimeIndex([start, date]))
    past = pd.DatetimeIndex([pd.Timestamp(y, 12, 31) for y in range(first_year, start.year + 1)])
    return path, past.union(pd.DatetimeIndex([start]))


def last_year_end(day: pd.Timestamp) -> pd.Timestamp:
    """The 31 December before a day that is none itself."""
    return pd.Timestamp(day.year - 1, 12, 31)


def month_ends(first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    """The ends of the months after one day and up to another."""
    return pd.date_range(first + pd.Timedelta(days=1), last, freq="ME")


# --------------------------------------------------------------------------------------------------
# Percent and logits, safe at 0 and 100 percent.
# --------------------------------------------------------------------------------------------------

#: Shares are kept this far off 0 and 1 where a logit is taken.
_EDGE = 1e-9


def to_logit(percent: np.ndarray) -> np.ndarray:
    """Logit of percent, finite at 0 and 100."""
    z: np.ndarray = logit(np.clip(percent / 100, _EDGE, 1 - _EDGE))
    return z


def to_percent(z: np.ndarray) -> np.ndarray:
    """Percent of a logit."""
    percent: np.ndarray = 100 * expit(z)
    return percent


Unit = tuple[str, str]
#: The quantiles that tables and charts of scenarios give.
SHOWN_QUANTILES = {"q05": 0.05, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q95": 0.95}


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
    ends: (E,) year-ends from 2015 to the date; at_ends: unit -> (5, E) SHOWN_QUANTILES of
    the value as it is, or would be, reported on them.
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
    ends: pd.DatetimeIndex = field(default_factory=lambda: pd.DatetimeIndex([]))
    at_ends: Mapping[Unit, np.ndarray] = field(default_factory=dict)

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
    said = {unit: draws.of(*unit, "reported") for unit in draws.members}
    ends = draws.dates[year_ends(draws.dates) & np.asarray(draws.dates <= date)]
    at_ends = draws.dates.get_indexer(ends)
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
        reported={unit: drawn[:, own.at(date)] for unit, drawn in said.items()},
        goals=_goals(draws, own.at(date)),
        pulls=draws.pulls,
        targets=_targets(own, date),
        best_year={unit: best_year(own, unit) for unit in draws.members},
        enough=_enough(built, own),
        read=_read(built, draws),
        background=background(built.known, draws.codes, people(dates)[:, 0]),
        ends=ends,
        at_ends={
            unit: np.quantile(drawn[:, at_ends], list(SHOWN_QUANTILES.values()), axis=0)
            for unit, drawn in said.items()
        },
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
    at = source.at(table)
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
    held = targets_room.due_on(targets_room.numbered(own.targets), own.indicator, date)
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


# --------------------------------------------------------------------------------------------------
# What a rule works on: the units of one level, their paths, and how provinces follow them.
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Footing:
    """V units of one level under business as usual, without the saw-tooth.

    codes: of the units. path: (S, V, T) percent. start: (S, V) at the
    origin. years: (T,) since the origin. past: (S, V, Y) at past year-ends `past_years`.
    targets: (V,). persons: (V, T) denominators of the units, factor: (V, T) these over the sum of
    the provinces'. region: (V,) code of the region of each unit. read: (V,)
    readings. dates: (T,). background: for policies.
    """

    codes: tuple[str, ...]
    path: np.ndarray
    start: np.ndarray
    years: np.ndarray
    dates: pd.DatetimeIndex
    origin: pd.Timestamp
    past: np.ndarray
    past_years: np.ndarray
    targets: np.ndarray
    persons: np.ndarray
    factor: np.ndarray
    region: np.ndarray
    read: np.ndarray
    background: Background

    @property
    def size(self) -> int:
        """The number of draws."""
        return len(self.path)

    def ramp(self, first: pd.Timestamp, last: pd.Timestamp) -> np.ndarray:
        """(T,) rising straight from 0 on the first day to 1 on the last; a step if they agree."""
        if last <= first:
            return np.asarray(self.dates >= first, dtype=float)
        gone = (self.dates - first).days.to_numpy() / (last - first).days
        return np.clip(gone, 0, 1)

    @cached_property
    def past_logits(self) -> np.ndarray:
        """(S, V, Y) logits at past year-ends."""
        return to_logit(self.past)

    def yearly_change(self, years: int) -> np.ndarray:
        """(S, V) change of the logit a year over the last `years` years before the origin."""
        back = max(len(self.past_years) - 1 - years, 0)
        span = self.past_years[-1] - self.past_years[back]
        return (self.past_logits[:, :, -1] - self.past_logits[:, :, back]) / span


@lru_cache(maxsize=4)
def footing(base: Baseline, level: str) -> Footing:
    """Add the provinces of a baseline up to the units of a level."""
    path, start = base.free
    units = [unit for unit in base.units if unit[0] == level]
    parts = [base.members[unit] for unit in units]
    own = level == "country"
    factor = np.stack([base.own_base if own else np.ones_like(base.own_base)] * len(units))
    before = base.own_base_past if own else 1.0
    return Footing(
        codes=tuple(code for _, code in units),
        path=_means(path, base.persons, parts) / factor,
        start=_means(start[:, :, None], base.persons_origin[:, None], parts)[:, :, 0]
        / (base.own_base_origin if own else 1.0),
        years=base.years(),
        dates=base.dates,
        origin=base.origin,
        past=_means(base.past, base.persons_past, parts) / before,
        past_years=np.asarray(base.past_dates.year, dtype=float),
        targets=np.array([base.targets[unit][0] for unit in units]),
        persons=np.stack([base.denominator(unit) for unit in units]),
        factor=factor,
        region=np.array([_region(*unit) for unit in units]),
        read=np.array([base.read[part].sum() for part in parts]),
        background=base.background,
    )


def _means(values: np.ndarray, persons: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """(S, V, T) means over the provinces of each unit, weighted by persons (P, T)."""
    if all(len(own) == 1 for own in parts):
        return values[:, [own[0] for own in parts], :]
    weights = np.zeros((len(parts), *persons.shape))
    for v, own in enumerate(parts):
        weights[v, own] = persons[own] / persons[own].sum(axis=0)
    return np.stack([values[:, :, t] @ weights[:, :, t].T for t in range(values.shape[2])], axis=2)


def _region(level: str, code: str) -> str:
    if level in ("province_63", "province_34") and code in geography.codes(level):
        return geography.region_of(code, level)
    return code if level == "region" else ""


def to_provinces(base: Baseline, level: str, usual: Footing, wanted: np.ndarray) -> np.ndarray:
    """Provinces (S, P, T) whose sums follow the wanted paths (S, V, T) of their units.

    Upwards each province closes the same share of its own gap to 100 percent; downwards each
    loses the same share of its coverage. The sum then meets the wanted path exactly.

    Args:
        usual: the units under business as usual.
    """
    path, _ = base.free
    if level == "province_63":
        return wanted
    moved = path.copy()
    units = [unit for unit in base.units if unit[0] == level]
    for v, unit in enumerate(units):
        own = base.members[unit]
        # Both as means over the provinces, which the country's own denominator is not.
        before, after = usual.path[:, v] * usual.factor[v], wanted[:, v] * usual.factor[v]
        with np.errstate(divide="ignore", invalid="ignore"):
            up = np.where(before < 100, (after - before) / (100 - before), 0.0)
            down = np.where(before > 0, (after - before) / before, 0.0)
        at = path[:, own]
        rise = (100 - at) * np.clip(up, 0, 1)[:, None]
        fall = at * np.clip(down, -1, 0)[:, None]
        moved[:, own] = at + rise + fall
    return moved
