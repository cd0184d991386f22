"""Health coverage on the official population, from coverage as published.

Where a province prints participants and coverage of one day, participants over the official
population divided by the coverage gives the ratio of the published to the official denominator.
Ratios differ between provinces and lie near one; a province that never printed both has the mean
of the others. Participants add up to the country's, which ties the provinces together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import seeds
from analysis.forecast.known import Known
from analysis.forecast.points import decimal_year
from analysis.forecast.units import Units

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
    plain = readings[
        (readings["kind_of_evidence"] == "published") & (readings["basis"].fillna("") == "")
    ]
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
