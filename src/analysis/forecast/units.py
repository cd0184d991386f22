"""The provinces as a vector space: a merged unit, a region or the country is a row of weights.

A province is a row with a single one. An aggregate is the sum of its parts, row by row the shares
of its denominators (on the logit scale: see :mod:`analysis.forecast.linear`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import geography
from analysis.covariates import POST_CENSUS
from analysis.forecast.settings import LEVEL_COVARIATES


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
    from analysis.covariates import table

    return table(raw)


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
