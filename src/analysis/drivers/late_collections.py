"""Annual collections of a province: the base of a late payment rate where none is stated.

Contributions collected are published now and then, often for part of a year. Four steps, each
less certain than the one before, give every province-year a base; each base says which it was:

1. `own_year`: collections of that year, whole, or part of it over the part usual by that date;
2. `other_year`: collections of the nearest other year, moved by the nationwide growth;
3. `participants`: compulsory participants times the nationwide collections for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.drivers.pairs import decimal_year

BASES = ("own_year", "other_year", "participants")


@dataclass(frozen=True)
class Base:
    """Annual collections (billion VND), how they were found, and the readings behind them."""

    value: float
    step: str
    readings: tuple[str, ...]


@dataclass(frozen=True)
class Collections:
    """Annual collections for any province and year.

    ``own`` has one row a province-year with value, reading_id and the share of the year that
    was observed; ``nationwide`` is a Series by year; ``participants`` are yearly compulsory
    participants (province_code, year, value, reading_id); ``lateness`` is the b of the yearly
    course s - b s (1 - s).
    """

    own: pd.DataFrame
    nationwide: pd.Series
    participants: pd.DataFrame
    per_participant: pd.Series
    lateness: float

    def base(self, code: str, year: int) -> Base | None:
        """Best available base of a province-year; None when there is nothing at all."""
        mine = self.own[self.own["province_code"] == code]
        if len(mine):
            near = mine.iloc[(mine["year"] - year).abs().argsort(kind="stable").to_numpy()[0]]
            growth = self.nationwide[year] / self.nationwide[int(near["year"])]
            step = "own_year" if int(near["year"]) == year else "other_year"
            return Base(float(near["value"] * growth), step, (str(near["reading_id"]),))
        known = self.participants[self.participants["province_code"] == code]
        if not len(known):
            return None
        near = known.iloc[(known["year"] - year).abs().argsort(kind="stable").to_numpy()[0]]
        value = float(near["value"] * self.per_participant[year])
        return Base(value, "participants", (str(near["reading_id"]),))


def share_collected(share: np.ndarray | float, lateness: float) -> np.ndarray | float:
    """Share of a year's collections in by the time that a share of the year is gone."""
    return share - lateness * share * (1 - share)


def estimate_lateness(readings: pd.DataFrame) -> float:
    """How far collections run behind the calendar, from the published shares of the plan.

    Least squares of (plan rate - share of the year) on -s (1 - s), interim readings only.
    """
    rates = readings[readings["indicator"] == "collections_plan_rate"]
    gone = decimal_year(rates["as_of"]) % 1.0
    interim = (gone > 0.1) & (gone < 0.97)
    s, plan = gone[interim].to_numpy(), rates.loc[interim, "value"].to_numpy() / 100
    x = s * (1 - s)
    return float(-(x @ (plan - s)) / (x @ x))


def build(readings: pd.DataFrame) -> Collections:
    """Collect what was published on collections, by province and for the country."""
    lateness = estimate_lateness(readings)
    annual = _annual(readings, lateness)
    country = annual[annual["geo_level"] == "country"]
    own = annual[annual["geo_level"] == "province_63"]
    years = range(2013, 2027)
    nationwide = _by_year(country, years)
    joined = readings[readings["indicator"] == "si_compulsory_participants"]
    yearly = joined.assign(year=joined["as_of"].dt.year).sort_values("as_of", kind="stable")
    yearly = yearly.groupby(["geo_level", "province_code", "year"], as_index=False).tail(1)
    per = nationwide / _by_year(yearly[yearly["geo_level"] == "country"], years)
    provinces = yearly[yearly["geo_level"] == "province_63"]
    return Collections(own, nationwide, provinces, per, lateness)


def _annual(readings: pd.DataFrame, lateness: float) -> pd.DataFrame:
    """One annual figure a unit and year: the one that saw the largest part of the year."""
    rows = readings[
        (readings["indicator"] == "collections")
        & readings["kind_of_evidence"].eq("published")
        & readings["geo_level"].isin(["country", "province_63"])
    ].copy()
    time = decimal_year(rows["as_of"])
    rows["year"] = rows["as_of"].dt.year
    rows["seen"] = (time - rows["year"]).clip(upper=1.0)
    rows["value"] = rows["value"] / share_collected(rows["seen"].to_numpy(), lateness)
    rows = rows[rows["seen"] > 0.15].sort_values("seen", kind="stable")
    keys = ["geo_level", "province_code", "year"]
    return rows.groupby(keys, as_index=False).tail(1).sort_values(keys, ignore_index=True)


def _by_year(rows: pd.DataFrame, years: range) -> pd.Series:
    """Log-linear interpolation over years, carried on at the mean growth outside."""
    yearly = rows.groupby("year")["value"].mean().sort_index()
    if len(yearly) < 2:
        raise ValueError("nationwide collections or participants are known for fewer than 2 years")
    logs, known = np.log(yearly.to_numpy()), yearly.index.to_numpy(dtype=float)
    growth = (logs[-1] - logs[0]) / (known[-1] - known[0])
    at = np.array(list(years), dtype=float)
    line = np.interp(at, known, logs)
    line += growth * (np.clip(at - known[-1], 0, None) + np.clip(at - known[0], None, 0))
    return pd.Series(np.exp(line), index=list(years))
