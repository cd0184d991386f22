"""Where the model is looked at: unit, date and the way of measuring, as arrays."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.forecast.settings import Settings
from analysis.forecast.units import Units

#: Decision 861 stopped state-paid cards in communes that left the poor-area lists.
STEP = pd.Timestamp(2021, 7, 1)
#: From here the agency divides by a narrower labour force: the same end-September 2022 level
#: was printed as 34.84 and as 37.01 percent.
NEW_BASE = pd.Timestamp(2022, 10, 1)


@dataclass(frozen=True)
class Points:
    """n places at which the latent logit is measured or asked for.

    t: dates in years. year: calendar year. season: 0 at year-end, falling to -1 after New Year.
    push: 0 at year-end, -1 until the last months of the year, in which plans are met.
    weights: (n, P) of the provinces. ui, persons, country, old_base: 0 or 1, what is measured.
    step: share of the effect of July 2021 that is still felt.
    """

    t: np.ndarray
    year: np.ndarray
    season: np.ndarray
    push: np.ndarray
    weights: np.ndarray
    ui: np.ndarray
    persons: np.ndarray
    country: np.ndarray
    old_base: np.ndarray
    step: np.ndarray

    def __len__(self) -> int:
        return len(self.t)

    @property
    def size(self) -> np.ndarray:
        """(n,) sum of the weights: 1 for a province, a little less for a linear aggregate."""
        return self.weights.sum(axis=1)

    def take(self, rows: np.ndarray) -> Points:
        """The points at these places, in their order."""
        return Points(**{f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self)})

    def with_weights(self, weights: np.ndarray) -> Points:
        """The same points with other weights (n, P)."""
        return dataclasses.replace(self, weights=weights)

    def with_persons(self, persons: float) -> Points:
        """The same points, measured by persons over official figures (1) or as coverage (0)."""
        return dataclasses.replace(self, persons=np.full(len(self), persons))


def join(first: Points, second: Points) -> Points:
    """The points of `first` followed by those of `second`."""
    pairs = {
        field.name: np.concatenate([getattr(first, field.name), getattr(second, field.name)])
        for field in dataclasses.fields(Points)
    }
    return Points(**pairs)


def decimal_year(dates: pd.DatetimeIndex) -> np.ndarray:
    """Dates as years: the end of 2022 is 2023.0."""
    days = np.where(dates.is_leap_year, 366, 365)
    return dates.year.to_numpy() + dates.dayofyear.to_numpy() / days


def points(table: pd.DataFrame, units: Units, settings: Settings, origin: pd.Timestamp) -> Points:
    """Points for rows with geo_level, province_code, indicator and as_of.

    Optional columns: persons, old_base (0 or 1). Where `old_base` is not given it follows the
    date, once the change of October 2022 is known at the origin.
    """
    dates = pd.DatetimeIndex(table["as_of"])
    t = decimal_year(dates)
    n = len(table)
    year = dates.year.to_numpy()
    labour = ~table["indicator"].str.startswith("hi").to_numpy()
    old = labour & ((dates < NEW_BASE) | (origin < NEW_BASE))
    after = (dates >= STEP) & (origin >= STEP)
    left = np.clip(1 - (t - year), 0, 1)
    gone = np.maximum(t - decimal_year(pd.DatetimeIndex([STEP]))[0], 0)
    return Points(
        t=t,
        year=year,
        season=-(left**settings.season_power),
        push=-np.minimum(left / settings.push_length, 1),
        weights=unit_weights(table, units, t),
        ui=table["indicator"].str.startswith("ui").to_numpy(float),
        persons=_column(table, "persons", np.zeros(n)),
        country=(table["geo_level"] == "country").to_numpy(float),
        old_base=_column(table, "old_base", old.astype(float)),
        step=after * np.exp(-gone / settings.step_memory),
    )


def unit_weights(table: pd.DataFrame, units: Units, t: np.ndarray) -> np.ndarray:
    """(n, P) shares of the provinces in each unit's denominator. Raises KeyError."""
    family = "health" if table["indicator"].iloc[0].startswith("hi") else "labour"
    weights = np.zeros((len(table), len(units.codes)))
    keys = list(zip(table["geo_level"], table["province_code"], strict=True))
    for key in sorted(set(keys)):
        rows = np.array([i for i, own in enumerate(keys) if own == key])
        parts = units.parts(*key)
        if len(parts) == 1:
            weights[rows, parts[0]] = 1.0
            continue
        people = units.denominators(t[rows], family)[parts]
        weights[np.ix_(rows, parts)] = (people / people.sum(axis=0)).T
    return weights


def _column(table: pd.DataFrame, name: str, otherwise: np.ndarray) -> np.ndarray:
    return table[name].to_numpy(float) if name in table else otherwise
