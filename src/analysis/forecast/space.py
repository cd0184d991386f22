"""Where the model is looked at: unit, date and the way of measuring, as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.country import geography
from analysis.country.breaks import DECISION_861, LABOUR_FORCE_BREAK
from analysis.readings.covariates import POST_CENSUS

# --------------------------------------------------------------------------------------------------
# The ingredients, time constants and prior widths of the coverage model: every choice, once.
#
# A family is a set of indicators that share one model: `health` (hi_coverage) and `labour`
# (si_coverage and ui_coverage, which count overlapping groups of workers).
# --------------------------------------------------------------------------------------------------

#: The indicators that are forecast, with their family.
FAMILY = {"hi_coverage": "health", "si_coverage": "labour", "ui_coverage": "labour"}

#: Covariates of the level, by family: column of `covariates.covariate_table`, and how it is scaled.
LEVEL_COVARIATES = {
    "health": {"minority_share": "root", "income_month": "log", "urban_share": "log"},
    "labour": {"income_month": "log", "urban_share": "log", "wage_share": "plain"},
}


@dataclass(frozen=True)
class Settings:
    """Switches (one an ingredient, for the ablations) and constants of the model.

    Time constants are in years. They are fixed, not estimated: a few hundred readings say
    little about them, and the forecasts hardly move when one is halved or doubled.
    """

    targets: bool = True
    covariates: bool = True
    step_2021: bool = True
    sawtooth: bool = True
    nationwide: bool = True
    regions: bool = True
    participants: bool = True
    pull: bool = True
    #: What version 2 adds to version 1 (see docs/methods.md): a heap as narrow as past year-ends
    #: have it; targets whose number is unknown; a pull that stays for a while after its day; bands
    #: as wide as past errors of their kind.
    narrow_heap: bool = True
    unknown_targets: bool = True
    carried: bool = True
    scaled: bool = True
    #: Announced targets that nobody could reach say nothing of where a unit is led.
    reach: bool = True

    slope_memory: float = 3.0
    #: Differences between provinces close where coverage nears 100 percent; in the labour family
    #: they last.
    level_memory_health: float = 15.0
    level_memory_labour: float = 100.0
    covariate_memory_health: float = 10.0
    covariate_memory_labour: float = 100.0
    deviation_memory: float = 2.0
    step_memory: float = 3.0
    season_power: float = 2.0
    #: The last quarter: enrolment campaigns run up to the day on which plans are settled.
    push_length: float = 0.25
    #: How far a reported value lies from an announced target, in points: the unit's own part by
    #: family, and the part that all units share in a year.
    target_error_health: float = 1.5
    target_error_labour: float = 3.0
    target_error_shared: float = 0.5
    #: Years over which what a target has moved fades after its day.
    carry_memory: float = 1.0
    #: Points on the posterior of the standard deviations that draws and forecasts average over.
    parameter_draws: int = 16
    #: Rounds of linearising, at the most; it ends when nothing moves.
    linearisations: int = 100

    def level_memory(self, family: str) -> float:
        """Years in which a lasting difference between provinces falls to 37 percent."""
        return self.level_memory_health if family == "health" else self.level_memory_labour

    def covariate_memory(self, family: str) -> float:
        """The same for differences that go with covariates."""
        return self.covariate_memory_health if family == "health" else self.covariate_memory_labour

    def target_error(self, family: str) -> float:
        """The unit's own part of the distance from a target, in points."""
        return self.target_error_health if family == "health" else self.target_error_labour


#: The settings of the published forecasts.
DEFAULT = Settings()
#: The first version as it was, for comparison.
VERSION_1 = Settings(
    narrow_heap=False, unknown_targets=False, carried=False, scaled=False, reach=False
)
VERSIONS = {1: VERSION_1, 2: DEFAULT}

#: Prior median and width (on the log scale) of each standard deviation. On the logit scale,
#: but for `error_*`, which are in percentage points.
PRIORS = {
    "nationwide_level": (1.0, 0.01),
    "nationwide_slope": (0.10, 0.3),
    "nationwide_walk": (0.10, 0.3),
    "nationwide_momentum": (0.15, 0.5),
    "region": (0.30, 0.5),
    "province": (0.45, 0.5),
    "deviation": (0.25, 0.5),
    "covariate": (0.25, 0.7),
    "season": (0.35, 0.5),
    "season_year": (0.15, 0.5),
    "season_province": (0.10, 0.3),
    "push": (0.10, 0.5),
    "push_year": (0.15, 0.5),
    "step": (1.0, 0.5),
    "step_province": (0.45, 0.5),
    "persons_offset": (0.25, 0.3),
    "persons_province": (0.22, 0.5),
    "country_offset": (0.10, 0.5),
    "old_base": (0.12, 0.3),
    "country_old_base": (0.08, 0.3),
    "voluntary_season": (0.15, 0.5),
    "voluntary_season_year": (0.10, 0.5),
    "ui_level": (0.50, 0.3),
    "ui_slope": (0.03, 0.5),
    "ui_walk": (0.05, 0.5),
    "ui_province": (0.20, 0.5),
    "error_coverage": (1.5, 0.5),
    "error_persons": (1.0, 0.5),
    "error_compulsory": (1.5, 0.5),
    "error_country": (0.2, 0.3),
    "error_country_persons": (0.5, 0.3),
}


# --------------------------------------------------------------------------------------------------
# The provinces as a vector space: a merged unit, a region or the country is a row of weights.
#
# A province is a row with a single one. An aggregate is the sum of its parts, row by row the shares
# of its denominators (on the logit scale: see :mod:`analysis.forecast.fit`).
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Units:
    """What the model knows of the P provinces besides their readings.

    codes: province codes, sorted. regions: (P, R) membership. members: for each (geo_level,
    code) of an aggregate the positions of its provinces. covariates: (P, C) standardised.
    minority: (P,) share of ethnic-minority pupils, 0 to 1. years, persons: (P, Y) official
    population; labour: (P,) labour force aged 15 and over as a share of the population.
    """

    codes: tuple[str, ...]
    regions: np.ndarray
    members: dict[tuple[str, str], np.ndarray]
    covariates: np.ndarray
    minority: np.ndarray
    years: np.ndarray
    persons: np.ndarray
    labour: np.ndarray

    def position(self, code: str) -> int:
        """The position of a province. Raises KeyError."""
        return self.codes.index(code)

    def parts(self, level: str, code: str) -> np.ndarray:
        """Positions of the provinces that make up a unit. Raises KeyError for an unknown unit."""
        return self.members[level, code]

    def denominators(self, t: np.ndarray, family: str) -> np.ndarray:
        """Persons that coverage is counted on, by province and date: (P, T).

        health: official population; labour: the population times the province's last known
        share of persons in the labour force. `t` in years; beyond the known years the growth
        of the last two goes on.
        """
        middle = self.years + 0.5
        logs = np.log(self.persons)
        inside = np.stack([np.interp(t, middle, row) for row in logs])
        if len(middle) > 1:
            growth = (logs[:, -1] - logs[:, -2]) / (middle[-1] - middle[-2])
            inside = inside + growth[:, None] * np.maximum(np.asarray(t) - middle[-1], 0)[None]
        people = np.exp(inside)
        return people if family == "health" else people * self.labour[:, None]


def units(raw: Any, family: str) -> Units:
    """The provinces as known in `raw`, whose covariates and population end at the origin.

    Raises:
        ValueError: a province has no official population, which every weight needs.
    """
    provinces = raw.provinces.sort_values("province_code")
    codes = tuple(provinces["province_code"])
    years, persons = _population(raw, codes)
    wide = _levels(raw).reindex(codes)
    names = sorted(set(provinces["region"]))
    return Units(
        codes=codes,
        regions=np.array([[r == name for name in names] for r in provinces["region"]], float),
        members=_members(provinces, codes),
        covariates=_standardised(wide, family),
        minority=wide["minority_share"].fillna(0.0).to_numpy() / 100,
        years=years,
        persons=persons,
        labour=_labour(wide),
    )


def members_of(raw: Any) -> dict[tuple[str, str], np.ndarray]:
    """Positions of the provinces of every unit: (geo_level, province_code) -> positions."""
    provinces = raw.provinces.sort_values("province_code")
    return _members(provinces, tuple(provinces["province_code"]))


def _levels(raw: Any) -> pd.DataFrame:
    from analysis.readings.covariates import covariate_table

    return covariate_table(raw)


def _population(raw: Any, codes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    rows = raw.population[raw.population["revision"] == POST_CENSUS]
    wide = rows.pivot_table(index="province_code", columns="year", values="persons")
    wide = wide.reindex(codes)
    without = wide.index[wide.isna().any(axis=1)]
    if len(without) or wide.shape[1] == 0:
        named = ", ".join(without[:5]) or "any province"
        raise ValueError(
            f"no official population for {named}: add its rows to data/raw/population.csv"
        )
    return wide.columns.to_numpy(float), wide.to_numpy(float)


def _labour(wide: pd.DataFrame) -> np.ndarray:
    share = wide["labour_force_share"] / 100
    return share.fillna(share.mean() if share.notna().any() else 0.57).to_numpy()


def _members(provinces: pd.DataFrame, codes: tuple[str, ...]) -> dict[tuple[str, str], np.ndarray]:
    members = {("province_63", code): np.array([i]) for i, code in enumerate(codes)}
    for code, group in provinces.groupby("merged_code"):
        members["province_34", str(code)] = np.array(
            [codes.index(part) for part in sorted(group["province_code"])]
        )
    region_codes = {names[0]: code for code, names in geography.REGIONS.items()}
    for region, group in provinces.groupby("region"):
        members["region", region_codes.get(str(region), str(region))] = np.array(
            [codes.index(part) for part in sorted(group["province_code"])]
        )
    members["country", geography.COUNTRY] = np.arange(len(codes))
    return members


def _standardised(wide: pd.DataFrame, family: str) -> np.ndarray:
    """Covariates of the level with mean 0 and standard deviation 1; a missing one is the mean."""
    scale: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "root": np.sqrt,
        "log": np.log,
        "plain": lambda values: values,
    }
    columns = []
    for name, how in LEVEL_COVARIATES[family].items():
        values = scale[how](wide[name].to_numpy(float))
        if np.isfinite(values).sum() > 1:
            values = (values - np.nanmean(values)) / np.nanstd(values)
            columns.append(np.nan_to_num(values))
    return np.column_stack(columns) if columns else np.zeros((len(wide), 0))


#: Decision 861 stopped state-paid cards in communes that left the poor-area lists.
STEP = DECISION_861
#: From here the agency divides by a narrower labour force: the same end-September 2022 level
#: was printed as 34.84 and as 37.01 percent.
NEW_BASE = LABOUR_FORCE_BREAK


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


def logit_slope(share: np.ndarray) -> np.ndarray:
    """Change of the logit of a share (0 to 1) for one percentage point."""
    found: np.ndarray = 1 / (100 * share * (1 - share))
    return found


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
