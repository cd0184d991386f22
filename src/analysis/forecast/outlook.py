"""The forecast as it is published: one set of draws behind every table, scenario and picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pandas._libs.tslibs.nattype import NaTType

from analysis.forecast.draws import Draws, draw, weighted
from analysis.forecast.evidence import Ratio, ratio
from analysis.forecast.fit import mean_coverage
from analysis.forecast.known import Known
from analysis.forecast.model import Model, kept_model
from analysis.forecast.pull import Pull
from analysis.forecast.space import DEFAULT, FAMILY, NEW_BASE, Settings, decimal_year
from analysis.readings.targets import Target, meets

#: Estimates begin at the end of this year.
FIRST_YEAR = 2015
#: Years after the target year in which a late arrival is still dated.
YEARS_BEYOND = 5
DRAWS = 4000
#: Mean length of a month in days.
MONTH = 365.25 / 12


@dataclass(frozen=True)
class Past:
    """What the same months brought in past years.

    From the end of a year whole years; from within a year the same months up to the end of the
    target year, shifted back by whole years: people leave and come back within a year, so only
    like months compare.

    years: (Y,) in which the months ended. rise: (P, Y) expected gain in insured persons.
    months: their number.
    """

    years: np.ndarray
    rise: np.ndarray
    months: float


@dataclass(frozen=True)
class Outlook:
    """Draws of one indicator at all year-ends and at the origin.

    draws: dates are those of `dates`. ratio: draws (S, P) of published over official
    denominators; None where there is no official denominator. past: see there. later: the same
    draws as seen from later target years.
    """

    indicator: str
    origin: pd.Timestamp
    target_year: int
    draws: Draws
    ratio: np.ndarray | None
    targets: pd.DataFrame
    past: Past
    later: tuple[Outlook, ...] = ()

    @property
    def due(self) -> pd.Timestamp:
        """The day on which the targets of its target year fall due."""
        return pd.Timestamp(self.target_year, 12, 31)

    def at(self, date: pd.Timestamp) -> int:
        """The position of a date among the draws. Raises ValueError for another."""
        return list(self.draws.dates).index(pd.Timestamp(date))

    @property
    def scales(self) -> tuple[str, ...]:
        """The scales on which there are draws."""
        return ("true", "reported") if self.ratio is None else ("true", "reported", "official")

    def of(self, level: str, code: str, scale: str) -> np.ndarray:
        """(S, T) draws in percent. Raises ValueError for a scale that is not among `scales`."""
        if scale != "official":
            return self.draws.of(level, code, scale)
        if self.ratio is None:
            raise ValueError(f"{self.indicator} has no official denominator: ask for another scale")
        persons = np.minimum(self.draws.true * self.ratio[:, :, None], 100.0)
        return weighted(persons, self.draws.people, self.draws.members[level, code])

    def people(self, level: str, code: str, scale: str = "true") -> np.ndarray:
        """(T,) denominators in persons: as published, or official."""
        if scale == "official":
            return self.draws.people[self.draws.members[level, code]].sum(axis=0)
        return self.draws.denominator(level, code)


def dates(origin: pd.Timestamp, target_year: int, later: tuple[int, ...] = ()) -> pd.DatetimeIndex:
    """All year-ends from 2015 to five years after the target year, and the origin.

    Later target years beyond that are added. Those within change nothing, so that chapter 07 and
    the explorer, which look at the first target year, have the draws of chapter 05.
    """
    last = max(target_year + YEARS_BEYOND, *later, 0)
    ends = [pd.Timestamp(y, 12, 31) for y in range(FIRST_YEAR, last + 1)]
    return pd.DatetimeIndex(sorted({*ends, pd.Timestamp(origin)}))


def outlooks(
    known: Known,
    indicators: tuple[str, ...],
    target_year: int,
    settings: Settings = DEFAULT,
    later: tuple[int, ...] = (),
) -> dict[str, Outlook]:
    """Fit each family once and draw each indicator, once for all target years.

    Raises:
        ValueError: the target year has ended by the origin; see also `kept_model`.
    """
    if pd.Timestamp(target_year, 12, 31) <= known.origin:
        raise ValueError(
            f"the target year {target_year} has ended by the origin {known.origin:%Y-%m-%d}: "
            "choose an earlier origin or a later year"
        )
    built: dict[str, Model] = {}
    made = {}
    for indicator in indicators:
        family = FAMILY.get(indicator, indicator)
        if family not in built:
            built[family] = kept_model(known, indicator, settings)
        made[indicator] = outlook(built[family], indicator, target_year, later=later)
    return made


def outlook(
    built: Model, indicator: str, target_year: int, n: int = DRAWS, later: tuple[int, ...] = ()
) -> Outlook:
    """Draw one indicator from a fitted family, once for all its target years."""
    known = built.known
    drawn = draw(built, indicator, list(dates(known.origin, target_year, later)), n)
    own: Ratio | None = None
    if FAMILY[indicator] == "health":
        own = ratio(known, built.evidence.units)
    first = Outlook(
        indicator=indicator,
        origin=known.origin,
        target_year=target_year,
        draws=drawn,
        ratio=own.draw(n) if own is not None else None,
        targets=known.targets,
        past=_past(built, indicator, target_year),
    )
    others = tuple(
        replace(first, target_year=year, past=_past(built, indicator, year)) for year in later
    )
    return replace(first, later=others)


def _past(built: Model, indicator: str, target_year: int) -> Past:
    origin = built.known.origin
    last = origin.year if origin.is_year_end else origin.year - 1
    later = 0 if origin.is_year_end else target_year - origin.year
    years = np.arange(FIRST_YEAR + 1 + later, last + 1)
    ends = [pd.Timestamp(year, 12, 31) for year in years]
    if origin.is_year_end:
        starts = [pd.Timestamp(year - 1, 12, 31) for year in years]
    else:
        starts = [origin - pd.DateOffset(years=target_year - int(year)) for year in years]
    if not ends:
        return Past(years, np.empty((len(built.evidence.units.codes), 0)), np.nan)
    months = (ends[0] - starts[0]).days / MONTH
    at = pd.DatetimeIndex([*starts, *ends])
    before, after = np.split(_insured(built, indicator, at), 2, axis=1)
    return Past(years, after - before, months)


def _insured(built: Model, indicator: str, days: pd.DatetimeIndex) -> np.ndarray:
    """(P, T) persons that each province is expected to have insured.

    Counted as at the origin: a narrower labour force lifts a rate, but insures nobody.
    """
    source, codes = built.evidence, built.evidence.units.codes
    rows = [("province_63", code, indicator, day) for code in codes for day in days]
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
    table = table.assign(old_base=float(indicator[:2] != "hi" and source.origin < NEW_BASE))
    at = source.at(table)
    mean, variance = built.posterior.marginal(at)
    share = mean_coverage(mean, np.sqrt(variance)).mean(axis=0).reshape(len(codes), len(days))
    people = source.units.denominators(decimal_year(days), source.family)
    found: np.ndarray = share * people * built.fit.reference.base[:, None]
    return found


# --------------------------------------------------------------------------------------------------
# What meeting a target takes: persons a month, beside what the unit has managed before.
# --------------------------------------------------------------------------------------------------

#: Share of the denominator below which what is asked of a unit would rest on others' figures.
ENOUGH = 0.5
#: Share of the denominator that no unit gains in a month; beyond it no number is given.
MOST = 0.05


def needs(
    own: Outlook,
    targets: dict[tuple[str, str], Target],
    shares: dict[tuple[str, str], float],
) -> pd.DataFrame:
    """Persons a month beyond those that the forecast contains, net of those who leave.

    `persons_month_50` and `persons_month_80` are the extra members a month from the origin to the
    target date with which the value *reported* for that date meets the target with a probability
    of 50% and 80%: 0 where the forecast alone does, empty where `MOST` of the denominator a month
    would not. `expected_persons_month` is the gain that the forecast contains (median of the
    insured at the target date less those at the origin), so that the sum of the two compares with
    the unit's best year: the one in which the same months (see `Past`) brought most, as far as the
    model can tell. `date_reached_50` is the first
    year-end at which the level, going on as it does, is at or above the target with a probability
    of one half; missing where that is more than five years after the target year.
    """
    due = pd.Timestamp(own.target_year, 12, 31)
    months = (due - own.origin).days / MONTH
    rows = []
    for unit, target in targets.items():
        enough = shares[unit] >= ENOUGH
        best, gain = best_year(own, unit)
        half, most = extra_persons(own, unit, target.value, months) if enough else (np.nan, np.nan)
        rows.append(
            {
                "geo_level": unit[0],
                "province_code": unit[1],
                "indicator": own.indicator,
                "origin": own.origin,
                "date": due,
                "target": target.value,
                "target_setter": target.setter,
                "persons_month_50": half,
                "persons_month_80": most,
                "expected_persons_month": expected(own, unit, months) if enough else np.nan,
                "best_year": best,
                "best_year_persons_month": gain,
                "date_reached_50": reached(own, unit, target.value) if enough else pd.NaT,
                "evidence": "own" if enough else "borrowed",
            }
        )
    return pd.DataFrame(rows)


def insured(own: Outlook, unit: tuple[str, str]) -> np.ndarray:
    """(S, T) insured persons: level times the published denominator."""
    return own.of(*unit, "true") / 100 * own.people(*unit)


def extra_persons(
    own: Outlook, unit: tuple[str, str], target: float, months: float
) -> tuple[float, float]:
    """Extra members a month with which the report meets the target in 50% and in 80% of draws.

    The draws of the reported value, before the pull of the unit's target, are raised by the extra
    members as a share of the denominator; what pulls at the unit pulls then as in the forecast.
    """
    due = own.at(pd.Timestamp(own.target_year, 12, 31))
    return least_persons(
        own.draws.plain_of(*unit)[:, due],
        float(own.people(*unit)[due]),
        months,
        target,
        own.draws.goals[unit][due],
        own.draws.pulls.of(unit[0]),
    )


def least_persons(
    plain: np.ndarray, people: float, months: float, target: float, goals: np.ndarray, pull: Pull
) -> tuple[float, float]:
    """The same from draws (S,) of the reported value before the pull; see `extra_persons`.

    people: that the value is counted on. goals: (G,) equally likely targets that pull, or NaN.
    """

    def chance(persons: float) -> float:
        values = np.minimum(plain + 100 * persons * months / people, 100.0)
        return _chance(values, target, goals, pull)

    half, most = (_least(chance, share, MOST * people) for share in (0.5, 0.8))
    return half, most


def _chance(values: np.ndarray, target: float, goals: np.ndarray, pull: Pull) -> float:
    """Share of draws at or above the target, weighted by the pull of goals that are as likely."""
    reached = meets(values, target)
    if not np.isfinite(goals).all():
        return float(reached.mean())
    mass = np.full(len(values), 1 / len(values))
    found = 0.0
    for goal, times in zip(*np.unique(goals, return_counts=True), strict=True):
        found += times * float(pull.tilt(values - goal, mass)[reached].sum())
    return found / len(goals)


def _least(chance: Callable[[float], float], share: float, most: float) -> float:
    """The least number for which a rising chance is at least `share`; NaN where `most` is not."""
    if chance(0.0) >= share:
        return 0.0
    if chance(most) < share:
        return float("nan")
    low, high = 0.0, most
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if chance(middle) >= share else (middle, high)
    return high


def expected(own: Outlook, unit: tuple[str, str], months: float) -> float:
    """Members a month that the forecast contains: median at the target date less at the origin."""
    due, now = own.at(pd.Timestamp(own.target_year, 12, 31)), own.at(own.origin)
    persons = insured(own, unit)
    return float(np.median(persons[:, due] - persons[:, now]) / months)


def best_year(own: Outlook, unit: tuple[str, str]) -> tuple[int, float]:
    """The year in which the same months brought most insured persons, and how many a month."""
    past = own.past
    if not len(past.years):
        return own.origin.year, float("nan")
    rise = past.rise[own.draws.members[unit]].sum(axis=0)
    best = int(rise.argmax())
    return int(past.years[best]), float(rise[best] / past.months)


def reached(own: Outlook, unit: tuple[str, str], target: float) -> pd.Timestamp | NaTType:
    """First year-end after the origin with an even chance of the level meeting the target."""
    median = np.median(own.of(*unit, "true"), axis=0)
    for place, day in enumerate(own.draws.dates):
        if day > own.origin and day.is_year_end and meets(median[place], target):
            return day
    return pd.NaT
