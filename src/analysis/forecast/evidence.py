"""From readings to the numbers that the model is fitted to.

Each reading becomes a logit, seen through its way of measuring (coverage as published, or persons
over official figures), with the interval that its digits and words allow and a class of error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import seeds
from analysis.forecast.known import Known
from analysis.forecast.space import (
    DEFAULT,
    FAMILY,
    NEW_BASE,
    Points,
    Settings,
    Units,
    decimal_year,
    points,
    units,
)
from analysis.readings.arithmetic import usual_readings
from analysis.readings.targets import announced_last

#: Classes of reading error; the model estimates a standard deviation for each, in points.
ERRORS = (
    "error_coverage",
    "error_persons",
    "error_compulsory",
    "error_country",
    "error_country_persons",
)
#: A share of persons above this cannot be told from everybody.
HIGHEST, LOWEST = 99.5, 0.3

_COVERAGE = {
    "health": {"hi_coverage": "error_coverage"},
    "labour": {
        "si_coverage": "error_coverage",
        "ui_coverage": "error_coverage",
        "si_compulsory_coverage": "error_compulsory",
    },
}
_PERSONS = {
    "health": {"hi_participants": "error_persons"},
    "labour": {
        "si_participants": "error_persons",
        "ui_participants": "error_persons",
        "si_compulsory_participants": "error_compulsory",
    },
}
_SPOKEN = {"health": "health insurance", "labour": "social or unemployment insurance"}
#: Bases on which a reading may inform the model; others count different people.
_BASES = ("", "post_2019_census_population")
_COLUMNS = ["geo_level", "province_code", "indicator", "as_of", "reading_id", "persons", "old_base"]


class EvidenceError(ValueError):
    """The readings cannot carry a forecast; the message says which and why."""


#: Years over which the country's ratio of denominators is averaged, and the least error of a day.
RECENT, LEAST_ERROR = pd.DateOffset(years=2), 0.005


@dataclass(frozen=True)
class Evidence:
    """What one family of indicators is fitted to, as known at the origin.

    table: one row a reading (COLUMNS, percent, half: half the reading's interval in points,
    error: class). points: the same rows for the model. targets: announced and still to come
    (geo_level, province_code, indicator, as_of, percent, half, and the day on which it was looked
    for), used after the fit.
    ratio: published denominators over official ones, by which persons are read (see `_ratio`).
    """

    family: str
    origin: pd.Timestamp
    settings: Settings
    units: Units
    table: pd.DataFrame
    points: Points
    targets: pd.DataFrame
    ratio: float = 1.0

    @property
    def percent(self) -> np.ndarray:
        """The readings in percent, kept off 0 and 100."""
        return np.clip(self.table["percent"].to_numpy(float), LOWEST, HIGHEST)

    def at(self, table: pd.DataFrame) -> Points:
        """Points of the model for rows with geo_level, province_code, indicator and as_of.

        Optional columns as in `space.points`.
        """
        return points(table, self.units, self.settings, self.origin)


def evidence(known: Known, indicator: str, settings: Settings = DEFAULT) -> Evidence:
    """Gather the evidence of the family of `indicator` at the origin of `known`.

    Raises:
        EvidenceError: the indicator is not forecast; nothing was read by the origin; there is no
            nationwide reading to carry provinces that were never read.
        ValueError: a unit has no population.
    """
    if indicator not in FAMILY:
        raise EvidenceError(f"{indicator!r} is not forecast; known: {', '.join(FAMILY)}")
    family = FAMILY[indicator]
    # Before the units: an early origin has no population either, but that is not what is wrong.
    usable = _usable(known.readings)
    _some(usable, family, known)
    space = units(known.raw, family)
    ratio = _ratio(usable, family, space)
    table = _readings(usable, family, space, settings, ratio)
    _nationwide(table, family, known)
    return Evidence(
        family=family,
        origin=known.origin,
        settings=settings,
        units=space,
        table=table,
        points=points(table, space, settings, known.origin),
        targets=soft_targets(known, family, settings),
        ratio=ratio,
    )


def _some(usable: pd.DataFrame, family: str, known: Known) -> None:
    if not usable["indicator"].isin([*_COVERAGE[family], *_PERSONS[family]]).any():
        raise EvidenceError(
            f"no reading of {_SPOKEN[family]} is dated {known.origin:%Y-%m-%d} or before: "
            "choose a later origin"
        )


def _nationwide(table: pd.DataFrame, family: str, known: Known) -> None:
    if not (table["geo_level"] == "country").any():
        raise EvidenceError(
            f"no nationwide reading of {_SPOKEN[family]} by {known.origin:%Y-%m-%d}: the "
            "provinces cannot be carried forward without one; choose a later origin or add the "
            "reading"
        )


def _usable(readings: pd.DataFrame) -> pd.DataFrame:
    """Readings of units and bases that may inform the model."""
    usable = readings[
        readings["basis"].fillna("").isin(_BASES)
        & readings["geo_level"].isin(["country", "province_63", "province_34"])
        & (readings["as_of"] >= "2009-06-30")
    ].copy()
    if "reading_id" not in usable:
        usable["reading_id"] = usable.index.astype(str)
    return usable


def _readings(
    usable: pd.DataFrame, family: str, space: Units, settings: Settings, ratio: float
) -> pd.DataFrame:
    """All readings of the family in percent, sorted."""
    published = _coverage(usable, family)
    counted = _persons(usable, family, space, ratio)
    if not settings.participants:
        counted = counted[counted["geo_level"] == "country"].iloc[:0]
    table = pd.concat([published, counted], ignore_index=True)
    names = {"hi_participants": "hi_coverage", "ui_participants": "ui_coverage"}
    table["indicator"] = table["indicator"].replace(names)
    if family == "labour":
        table = _compulsory_to_all(table, usable)
    table = _once(table, family)
    if not settings.nationwide:
        keep = table["geo_level"] != "country"
        table = table[keep | (table["indicator"].map(_first_of(table)) == table["as_of"])]
    country = table["geo_level"] == "country"
    own = {0.0: "error_country", 1.0: "error_country_persons"}
    table.loc[country, "error"] = table.loc[country, "persons"].map(own)
    order = ["indicator", "geo_level", "province_code", "as_of", "persons", "reading_id"]
    return table.sort_values(order, ignore_index=True)


def _first_of(table: pd.DataFrame) -> dict[str, pd.Timestamp]:
    """The date of the first nationwide reading of each indicator (for the ablation)."""
    country = table[table["geo_level"] == "country"]
    return {str(name): day for name, day in country.groupby("indicator")["as_of"].min().items()}


def _coverage(readings: pd.DataFrame, family: str) -> pd.DataFrame:
    """Coverage as published; what was computed from persons is left to `_persons`."""
    errors = _COVERAGE[family]
    from_persons = readings["derived_from"].fillna("").str.contains("participants|population")
    rows = readings[readings["indicator"].isin(list(errors)) & ~from_persons]
    return pd.DataFrame(
        {
            **{name: rows[name] for name in _COLUMNS[:5]},
            "persons": 0.0,
            "old_base": _old_base(rows),
            "percent": rows["value"],
            "half": (rows["upper"] - rows["lower"]) / 2,
            "error": rows["indicator"].map(errors),
        }
    )


def _old_base(rows: pd.DataFrame) -> pd.Series:
    """1 where the printed rate divides by the labour force as counted before October 2022."""
    if "denominator_version" not in rows:
        return (rows["as_of"] < NEW_BASE).astype(float)
    version = rows["denominator_version"].fillna("").astype(str)
    return (version.str.contains("labour_force") & version.str.contains("before")).astype(float)


def _ratio(usable: pd.DataFrame, family: str, space: Units) -> float:
    """The country's published denominator over the official one, where both show it.

    Persons over official denominators make another share than the published one: in 2024 the
    centre divided by 79% of the official labour force. A ratio is a shift of the logarithm of a
    share. As a shift of its log odds it would have to be larger for social insurance than for
    unemployment insurance, and larger where coverage is high; so it is taken out beforehand, and
    only what provinces differ from it is left to the model.

    The mean over the days of the last years (`RECENT`) with one definition of the denominator,
    weighted by what their digits and words leave open. 1 where no day shows it.
    """
    counted = _persons(usable, family, space, 1.0)
    counted["indicator"] = counted["indicator"].str.replace("participants", "coverage")
    keys = ["geo_level", "province_code", "indicator", "as_of"]
    both = _coverage(usable, family).merge(counted, on=keys, suffixes=("", "_counted"))
    both = both[both["geo_level"].eq("country") & both["indicator"].isin(list(FAMILY))]
    if both.empty:
        return 1.0
    last = both.sort_values("as_of").iloc[-1]
    both = both[(both["as_of"] > last["as_of"] - RECENT) & (both["old_base"] == last["old_base"])]
    halves = both["half"] / both["percent"], both["half_counted"] / both["percent_counted"]
    weight = 1 / (halves[0] ** 2 + halves[1] ** 2 + LEAST_ERROR**2)
    return float(np.average(both["percent_counted"] / both["percent"], weights=weight))


def _persons(readings: pd.DataFrame, family: str, space: Units, ratio: float) -> pd.DataFrame:
    """Persons over denominators like the published ones: the official ones times `ratio`."""
    errors = _PERSONS[family]
    from_rate = readings["derived_from"].fillna("").str.contains("coverage")
    rows = readings[readings["indicator"].isin(list(errors)) & ~from_rate]
    people = ratio * _denominators(rows, family, space)
    share = 100 * rows["value"] / people
    half = 100 * (rows["upper"] - rows["lower"]) / 2 / people
    return pd.DataFrame(
        {
            **{name: rows[name] for name in _COLUMNS[:5]},
            "persons": 1.0,
            "old_base": 0.0,
            "percent": share,
            "half": half,
            "error": rows["indicator"].map(errors),
        }
    )


def _denominators(rows: pd.DataFrame, family: str, space: Units) -> np.ndarray:
    t = decimal_year(pd.DatetimeIndex(rows["as_of"]))
    by_province = space.denominators(t, family)
    parts = [
        space.parts(*key) for key in zip(rows["geo_level"], rows["province_code"], strict=True)
    ]
    return np.array([by_province[part, i].sum() for i, part in enumerate(parts)])


def _compulsory_to_all(table: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """Turn compulsory participants into all of social insurance, where these are not counted.

    The factor is 1 + voluntary / compulsory nationwide at that date, from the country's own
    readings; what a province differs from it is reading error of its own class.
    """
    compulsory = table["error"].eq("error_compulsory")
    whole = table[~compulsory & table["indicator"].isin(["si_coverage", "si_participants"])]
    doubled = compulsory & _isin(table, whole, ["geo_level", "province_code", "as_of", "persons"])
    factor = 1 + _voluntary_share(readings, table.loc[compulsory, "as_of"])
    table.loc[compulsory, ["percent", "half"]] = table.loc[compulsory, ["percent", "half"]].mul(
        factor, axis=0
    )
    table.loc[compulsory, "indicator"] = "si_coverage"
    table = table[~doubled & ~(compulsory & table["geo_level"].eq("country"))]
    return table.assign(indicator=table["indicator"].replace({"si_participants": "si_coverage"}))


def _once(table: pd.DataFrame, family: str) -> pd.DataFrame:
    """Leave out persons where a rate says the same: one count must not be read twice.

    The country's persons of a day whose rate is known; in health insurance also the persons of
    provinces that publish rates, since official populations drift against published ones (with
    them, warm forecasts were worse by 0.07 points of CRPS).
    """
    keys = ["geo_level", "province_code", "indicator", "as_of"]
    rates = table[table["persons"] == 0]
    same_day = _isin(table, rates, keys) & table["geo_level"].eq("country")
    rated = _isin(table, rates, keys[:3]) & table["geo_level"].ne("country")
    twice = same_day | rated if family == "health" else same_day
    return table[~(twice & table["persons"].eq(1))]


def _isin(table: pd.DataFrame, others: pd.DataFrame, keys: list[str]) -> pd.Series:
    found = pd.MultiIndex.from_frame(table[keys]).isin(pd.MultiIndex.from_frame(others[keys]))
    return pd.Series(found, index=table.index)


def _voluntary_share(readings: pd.DataFrame, dates: pd.Series) -> np.ndarray:
    country = readings[readings["geo_level"] == "country"]
    wide = country.pivot_table(index="as_of", columns="indicator", values="value")
    wide = wide.reindex(columns=["si_voluntary_participants", "si_compulsory_participants"])
    ratio = (wide.iloc[:, 0] / wide.iloc[:, 1]).dropna()
    if ratio.empty:
        return np.zeros(len(dates))
    known = decimal_year(pd.DatetimeIndex(ratio.index))
    return np.interp(decimal_year(pd.DatetimeIndex(dates)), known, ratio.to_numpy())


def soft_targets(known: Known, family: str, settings: Settings) -> pd.DataFrame:
    """The latest target of each unit and date still to come, unless a newer assignment voids it."""
    names = [name for name, own in FAMILY.items() if own == family]
    table = known.targets
    due = (table["due"] > known.origin) & (table["due"] <= known.origin + pd.DateOffset(years=4))
    table = table[table["indicator"].isin(names) & due & table["value"].between(1, 99.9)]
    if not settings.targets:
        table = table.iloc[:0]
    latest = announced_last(table[~_void(table, known)])
    return pd.DataFrame(
        {
            **{name: latest[name] for name in ("geo_level", "province_code", "indicator")},
            "as_of": latest["due"],
            "reading_id": "target",
            "percent": latest["value"],
            "half": settings.target_error(family),
            "day": known.origin,
        }
    )


def _void(table: pd.DataFrame, known: Known) -> pd.Series:
    """Targets older than the Government's last assignment for their indicator, and due after it."""
    events = known.raw.policy_events
    void = pd.Series(False, index=table.index)
    for day in events.loc[events["affects"].str.contains("targets"), "date"]:
        # An assignment whose figures are not known cannot take the place of older ones.
        renewed = set(known.targets.loc[known.targets["announced"] == day, "indicator"])
        same = table["indicator"].isin(renewed)
        void |= same & (table["announced"] < day) & (table["due"] > day)
    return void


# --------------------------------------------------------------------------------------------------
# Health coverage on the official population, from coverage as published.
#
# Where a province prints participants and coverage of one day, participants over the official
# population divided by the coverage gives the ratio of the published to the official denominator.
# Ratios differ between provinces and lie near one; a province that never printed both has the mean
# of the others. Participants add up to the country's, which ties the provinces together.
# --------------------------------------------------------------------------------------------------

#: Least standard deviations: between provinces, and of one ratio around its province's.
LEAST_BETWEEN, LEAST_WITHIN = 0.01, 0.01
#: How closely the provinces' ratios must add up to the country's own.
ADDS_UP = 0.005
RATIOS = (0.85, 1.15)


@dataclass(frozen=True)
class Ratio:
    """Published over official denominators: mean (P,) and covariance (P, P); n ratios seen."""

    mean: np.ndarray
    covariance: np.ndarray
    n: int

    def draw(self, count: int) -> np.ndarray:
        """(count, P) draws."""
        root = np.linalg.cholesky(self.covariance + 1e-9 * np.eye(len(self.mean)))
        normal = seeds.generator("official", count).standard_normal((count, len(self.mean)))
        return self.mean + normal @ root.T


def ratio(known: Known, units: Units) -> Ratio:
    """Estimate the ratios from all days on which a unit printed both figures by the origin.

    A normal model with two variances (between provinces, within), by the method of moments, then
    conditioned on the provinces' ratios and on the country's (Gelman and Hill 2007, chapter 12).
    """
    pairs = _pairs(known.readings, units)
    own = pairs[pairs["geo_level"] == "province_63"]
    if len(own) == 0:
        size = len(units.codes)
        return Ratio(np.full(size, 0.98), 0.035**2 * np.eye(size), 0)
    by_province = own.groupby("province_code")["ratio"]
    middle = by_province.mean().mean()
    within = _within(own, by_province)
    between = max(by_province.mean().std(), LEAST_BETWEEN) if by_province.ngroups > 1 else 0.035
    return _conditioned(pairs, own, units, middle, between, within)


def _within(own: pd.DataFrame, groups: Any) -> float:
    """Pooled standard deviation of a province's ratios around their mean; grouped by province."""
    spare = len(own) - groups.ngroups
    if spare < 2:
        return LEAST_WITHIN
    squares = ((own["ratio"] - groups.transform("mean")) ** 2).sum()
    return max(float(np.sqrt(squares / spare)), LEAST_WITHIN)


def _conditioned(
    pairs: pd.DataFrame,
    own: pd.DataFrame,
    units: Units,
    middle: float,
    between: float,
    within: float,
) -> Ratio:
    size = len(units.codes)
    rows = [np.eye(size)[units.position(code)] for code in own["province_code"]]
    values, errors = list(own["ratio"]), [within] * len(own)
    country = pairs[pairs["geo_level"] == "country"]
    if len(country):
        rows.append(units.persons[:, -1] / units.persons[:, -1].sum())
        values.append(float(country["ratio"].iloc[-3:].mean()))
        errors.append(ADDS_UP)
    seen = np.array(rows)
    prior = between**2 * np.eye(size)
    gain = np.linalg.solve(seen @ prior @ seen.T + np.diag(np.square(errors)), seen @ prior).T
    mean = middle + gain @ (np.array(values) - middle * seen.sum(axis=1))
    covariance = prior - gain @ seen @ prior
    return Ratio(mean, (covariance + covariance.T) / 2, len(pairs))


def _pairs(readings: pd.DataFrame, units: Units) -> pd.DataFrame:
    """Days with both figures as published: geo_level, province_code, as_of, ratio."""
    plain = usual_readings(readings)
    keys = ["geo_level", "province_code", "as_of"]
    wide = [
        plain.loc[plain["indicator"] == name, [*keys, "value"]]
        for name in ("hi_coverage", "hi_participants")
    ]
    both = wide[0].merge(wide[1], on=keys, suffixes=("_rate", "_persons"))
    both = both[both["geo_level"].isin(["country", "province_63"])].sort_values(keys)
    people = units.denominators(decimal_year(pd.DatetimeIndex(both["as_of"])), "health")
    parts = [units.parts(level, code) for level, code in both[keys[:2]].itertuples(index=False)]
    official = np.array([people[part, i].sum() for i, part in enumerate(parts)])
    found = 100 * both["value_persons"].to_numpy(float) / official / both["value_rate"]
    both = both.assign(ratio=found)
    return both[both["ratio"].between(*RATIOS)]
