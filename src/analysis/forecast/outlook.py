"""The forecast as it is published: one set of draws behind every table, scenario and picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.forecast.draw import Draws, draw, weighted
from analysis.forecast.known import Known
from analysis.forecast.linear import mean_coverage
from analysis.forecast.model import Model, kept_model
from analysis.forecast.official import Ratio, ratio
from analysis.forecast.points import NEW_BASE, decimal_year, points
from analysis.forecast.settings import DEFAULT, FAMILY, Settings

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
    at = points(table, source.units, source.settings, source.origin)
    mean, variance = built.posterior.marginal(at)
    share = mean_coverage(mean, np.sqrt(variance)).mean(axis=0).reshape(len(codes), len(days))
    people = source.units.denominators(decimal_year(days), source.family)
    found: np.ndarray = share * people * built.fit.reference.base[:, None]
    return found
