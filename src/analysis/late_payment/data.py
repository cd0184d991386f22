"""One data set on late payment from all evidence: stated rates, and rates from amounts.

A rate is late contributions over what was to be received in the year, in percent. Where only an
amount is published, it is divided by annual collections (see late_collections). Definitions stay
apart as measurement terms: basis (how late a debt must be to count), denominator and season.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.country.breaks import SOCIAL_INSURANCE_LAW
from analysis.country.indicators import DAYS_PER_PERCENT
from analysis.drivers.pairs import time_of
from analysis.facts import Raw
from analysis.readings.derived import share_come

# --------------------------------------------------------------------------------------------------
# Annual collections of a province: the base of a late payment rate where none is stated.
#
# Contributions collected are published now and then, often for part of a year. Three steps, each
# less certain than the one before, give every province-year a base; each base says which it was:
#
# 1. `own_year`: collections of that year, whole or over the part of the year that they cover;
# 2. `other_year`: collections of the nearest other year, moved by the nationwide growth;
# 3. `participants`: compulsory participants (or those of unemployment or of all social insurance,
#    scaled to them nationwide) times the nationwide collections for each.
#
# The first step agrees with the readings of late payment that are derived from amounts, which come
# first wherever they exist; the others serve provinces and years that those leave without a rate.
# --------------------------------------------------------------------------------------------------

#: Counts that can stand for the size of a province, the best first.
_COUNTS = ["si_compulsory_participants", "ui_participants", "si_participants"]


@dataclass(frozen=True)
class Base:
    """Annual collections (billion VND), how they were found, and the readings behind them."""

    value: float
    step: str
    readings: tuple[str, ...]


@dataclass(frozen=True)
class Collections:
    """Annual collections for any province and year.

    ``own`` has one row a province-year with value, reading_id and the share of the year seen;
    ``nationwide`` is a Series by year; ``participants`` are compulsory participants by year
    (province_code, year, value, reading_id); ``per_participant`` is the nationwide billion VND
    a year for one of them.
    """

    own: pd.DataFrame
    nationwide: pd.Series
    participants: pd.DataFrame
    per_participant: pd.Series

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


def build(readings: pd.DataFrame) -> Collections:
    """Collect what was published on collections, by province and for the country."""
    annual = _annual(readings)
    country = annual[annual["geo_level"] == "country"]
    own = annual[annual["geo_level"] == "province_63"]
    years = range(2013, 2027)
    nationwide = _by_year(country, years)
    yearly = _participants(readings)
    per = nationwide / _by_year(yearly[yearly["geo_level"] == "country"], years)
    provinces = yearly[yearly["geo_level"] == "province_63"]
    return Collections(own, nationwide, provinces, per)


def _participants(readings: pd.DataFrame) -> pd.DataFrame:
    """Compulsory participants a unit and year, from the closest count that was published."""
    rows = readings[readings["indicator"].isin(_COUNTS)].sort_values("as_of", kind="stable")
    rows = rows.assign(year=rows["as_of"].dt.year, rank=rows["indicator"].map(_COUNTS.index))
    keys = ["geo_level", "province_code", "year"]
    last = rows.groupby([*keys, "indicator"], as_index=False).tail(1)
    country = last[last["geo_level"] == "country"].pivot_table(
        index="year", columns="indicator", values="value"
    )
    scale = {c: (country[_COUNTS[0]] / country[c]).median() for c in _COUNTS}
    last = last.assign(value=last["value"] * last["indicator"].map(scale))
    return last.sort_values([*keys, "rank"], kind="stable").drop_duplicates(keys)


def _annual(readings: pd.DataFrame) -> pd.DataFrame:
    """One annual figure a unit and year: the one that saw the largest part of the year."""
    rows = readings[
        (readings["indicator"] == "collections")
        & readings["kind_of_evidence"].eq("published")
        & readings["geo_level"].isin(["country", "province_63"])
    ].copy()
    time = time_of(rows["as_of"])
    rows["year"] = rows["as_of"].dt.year
    rows["seen"] = (time - rows["year"]).clip(upper=1.0)
    rows["value"] = rows["value"] / share_come(rows["seen"])
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


#: What the published bases say, brought to comparable ones. Lists of debtors and debts that
#: cannot be collected are no province totals and stay out.
COMPARABLE_BASES = {
    "total": "total",
    "unspecified": "unspecified",
    "interest_bearing": "one_month",
    "ge_1_month": "one_month",
    "ge_3_months": "three_months",
    "ge_6_months": "six_months",
    "net_of_hard_to_collect": "net",
    "si_compulsory_only": "compulsory_only",
}
_FIRST = pd.Timestamp("2014-01-01")


def late_rows(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """All provincial rates of late payment since 2014, one row a reading.

    Columns: province_code, as_of, year, basis, rate (percent), days (of contributions owed),
    evidence (stated, derived), denominator (receivable, plan, unstated, collections), base_step
    (how the collections were found: "stated", "reading" for derived readings, or a step of
    late_collections), december (bool), law (before, or since_july_2025), readings (the
    reading ids behind the row, ";"-joined), facts.
    """
    own = readings[(readings["geo_level"] == "province_63") & (readings["as_of"] >= _FIRST)]
    parts = [_rates(own, raw), _from_amounts(own, readings)]
    rows = pd.concat(parts, ignore_index=True)
    # A stated rate outranks one derived from an amount of the same day and basis, and a derived
    # reading outranks the ladder of collections.
    rows["_rank"] = rows["base_step"].map({"stated": 0, "reading": 1}).fillna(2)
    rows = rows.sort_values(["province_code", "as_of", "basis", "_rank"], kind="stable")
    rows = rows.drop_duplicates(["province_code", "as_of", "basis"]).drop(columns="_rank")
    rows["year"] = rows["as_of"].dt.year
    rows["december"] = rows["season"].eq("year_end")
    rows["law"] = under_law(rows["as_of"])
    rows["days"] = DAYS_PER_PERCENT * rows["rate"]
    return rows.reset_index(drop=True)


def under_law(days: pd.Series) -> np.ndarray:
    """The law under which rates of these days are counted: before, or since_july_2025."""
    return np.where(pd.to_datetime(days) < SOCIAL_INSURANCE_LAW, "before", "since_july_2025")


def _kept(rows: pd.DataFrame, indicator: str) -> pd.DataFrame:
    rows = rows[(rows["indicator"] == indicator) & (rows["value"] > 0)]
    basis = rows["basis"].replace("", "unspecified").fillna("unspecified")
    return rows.assign(basis=basis.map(COMPARABLE_BASES)).dropna(subset=["basis"])


_COLUMNS = [
    "province_code",
    "as_of",
    "basis",
    "rate",
    "evidence",
    "denominator",
    "base_step",
    "season",
    "doubt",
    "readings",
    "facts",
]


def _rates(own: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Readings of the rate: stated ones, and those derived from amounts and collections."""
    rows = _kept(own, "late_payment_rate")
    stated = rows["kind_of_evidence"].eq("published")
    said = [_denominator(refs, raw) for refs in rows["facts"]]
    rows = rows.assign(
        rate=rows["value"],
        evidence=np.where(stated, "stated", "derived"),
        denominator=np.where(stated, said, "collections"),
        base_step=np.where(stated, "stated", "reading"),
        readings=rows["reading_id"],
    )
    return rows[_COLUMNS]


def _denominator(references: object, raw: Raw) -> str:
    """What the accepted facts say a rate is a share of: receivable, plan, or unstated."""
    lines = [int(r) for r in str(references).split(";") if r.isdigit()]
    said = raw.facts.loc[raw.facts["row"].isin(lines), "denominator"]
    known = sorted({d for d in said if d in ("receivable", "plan")})
    return known[0] if len(known) == 1 else "unstated"


def _from_amounts(own: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """Published amounts over collections found by the ladder of late_collections."""
    collections = build(readings)
    rows = _kept(own[own["kind_of_evidence"] == "published"], "late_payment_amount")
    bases = [
        collections.base(code, int(day.year))
        for code, day in zip(rows["province_code"], rows["as_of"], strict=True)
    ]
    rows = rows[[b is not None for b in bases]]
    found = [b for b in bases if b is not None]
    rows = rows.assign(
        rate=100 * rows["value"] / np.array([b.value for b in found]),
        evidence="derived",
        denominator="collections",
        base_step=[b.step for b in found],
        readings=[
            ";".join([own_id, *b.readings])
            for own_id, b in zip(rows["reading_id"], found, strict=True)
        ],
    )
    return rows[_COLUMNS]
