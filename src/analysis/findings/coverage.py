"""Where coverage stands: the latest accepted reading of each unit beside its target.

Nothing is modelled here. Readings of different dates are not compared with each other; each is
compared with the target that the unit has to meet, and its date and season stand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.country import geography
from analysis.country.indicators import COVERAGE, INDICATORS, OFFICIAL_BASIS
from analysis.facts import Raw, load_raw
from analysis.readings.covariates import populations
from analysis.readings.store import read_readings
from analysis.readings.targets import NATIONWIDE, due_on, meets, targets
from analysis.report.results import Result

#: A reading more than so many years before the due date is shown but not set against the target.
COMPARABLE_YEARS = 5

#: Of several readings of one date, the earliest named basis is shown first.
_BASIS_ORDER = ("", "issued_in_province", "post_2019_census_population")

_FORMATS = {
    "value": "percent1",
    "official": "percent1",
    "target": "printed",
    "gap": "signed1",
    "persons": "rounded",
    "as_of": "short_date",
    "readings": "integer",
    "provinces": "integer",
    "share_read": "share0",
    "first": "year",
    "last": "year",
}
_WORDS = {
    "province_code": "unit",
    "indicator": "indicator",
    "season": "season",
    "kind_of_evidence": "evidence",
    "setter": "setter",
}


@dataclass(frozen=True)
class Tables:
    """What the chapter reads: the readings of chapter 01, the targets and the raw tables."""

    readings: pd.DataFrame
    targets: pd.DataFrame
    raw: Raw

    @classmethod
    def read(cls) -> Tables:
        """Read the tables.

        Raises:
            analysis.paths.MissingTable: chapter 01 has not run.
        """
        raw = load_raw()
        return cls(read_readings(), targets(raw), raw)


def evidence_mark(readings: pd.DataFrame) -> pd.Series:
    """Return for each reading the mark that leads to it on its readings page."""
    unit = readings["geo_level"] + "/" + readings["province_code"]
    anchors = [reading_anchor(reading_id) for reading_id in readings["reading_id"]]
    return unit + "#" + pd.Series(anchors, index=readings.index, dtype=object)


def reading_anchor(reading_id: str) -> str:
    """Return the anchor of a reading on the page of its unit, such as hi_coverage.2023-12-31."""
    return ".".join(reading_id.split("/")[2:])


def as_reported(readings: pd.DataFrame, indicator: str) -> pd.DataFrame:
    """Return the readings of a coverage rate as published, one a unit and date, by date.

    Readings on the official population are left out, and of several bases on one date the plainest
    is kept. Adds the column ``evidence``.
    """
    kept = readings[(readings["indicator"] == indicator) & (readings["basis"] != OFFICIAL_BASIS)]
    order = {basis: place for place, basis in enumerate(_BASIS_ORDER)}
    rank = kept["basis"].map(order).fillna(len(order))
    derived = kept["kind_of_evidence"] != "published"
    ordered = kept.assign(rank=rank, derived=derived, evidence=evidence_mark(kept)).sort_values(
        ["geo_level", "province_code", "as_of", "derived", "rank", "basis", "reading_id"]
    )
    one = ordered.drop_duplicates(["geo_level", "province_code", "as_of"])
    return one.drop(columns=["rank", "derived"]).reset_index(drop=True)


def latest(readings: pd.DataFrame, indicator: str) -> pd.DataFrame:
    """Return the latest reading as published of each unit (see :func:`as_reported`)."""
    return as_reported(readings, indicator).groupby(["geo_level", "province_code"]).tail(1)


def standing(tables: Tables, indicator: str, due: str) -> pd.DataFrame:
    """Return each unit's latest reading beside the target that it has to meet.

    Args:
        tables: see :class:`Tables`.
        indicator: a coverage rate.
        due: the day by which the target is due, as YYYY-MM-DD.

    Returns:
        One row a unit of the 63 provinces and the country, with or without a reading: geo_level,
        province_code, indicator, value, lower, upper (percent), as_of, season, kind_of_evidence,
        evidence, official (coverage on the official population at the same date, percent; health
        insurance only), target, setter, gap (value less target, points; missing where the reading
        is more than RECENT_YEARS older than the due date) and persons (people missing from the
        target on the official population of the reading's date, health insurance only; zero where
        the target is met).
    """
    units = [("country", geography.COUNTRY)]
    units += [("province_63", code) for code in geography.codes("province_63")]
    table = pd.DataFrame(units, columns=["geo_level", "province_code"]).assign(indicator=indicator)
    columns = ["value", "lower", "upper", "as_of", "season", "kind_of_evidence", "evidence"]
    keys = ["geo_level", "province_code"]
    table = table.merge(latest(tables.readings, indicator)[keys + columns], on=keys, how="left")
    held = due_on(tables.targets, indicator, due)
    chosen = [held.held_by(*unit) for unit in units]
    table["target"] = [float(target.value) for target in chosen]
    table["setter"] = [str(target.setter) for target in chosen]
    recent = table["as_of"] >= pd.Timestamp(due) - pd.DateOffset(years=COMPARABLE_YEARS)
    table["gap"] = (table["value"] - table["target"]).where(recent)
    return _on_population(table, tables, indicator)


def _on_population(table: pd.DataFrame, tables: Tables, indicator: str) -> pd.DataFrame:
    """Add coverage on the official population, and the persons missing from the target."""
    if INDICATORS[indicator].denominator != "population":
        return table.assign(official=np.nan, persons=np.nan)
    readings = tables.readings
    official = readings[
        (readings["indicator"] == indicator) & (readings["basis"] == OFFICIAL_BASIS)
    ]
    keys = ["geo_level", "province_code", "as_of"]
    official = official.rename(columns={"value": "official"})[[*keys, "official"]]
    table = table.merge(official.drop_duplicates(keys), on=keys, how="left")
    read = table["as_of"].notna()
    units = list(table.loc[read, ["geo_level", "province_code"]].itertuples(index=False, name=None))
    people = populations(units, list(table.loc[read, "as_of"]), tables.raw)
    table.loc[read, "persons"] = people * np.maximum(0.0, -table.loc[read, "gap"]) / 100
    return table


def nationwide(tables: Tables) -> pd.DataFrame:
    """Return the country's readings of the three coverage rates, by indicator and date."""
    country = tables.readings[tables.readings["geo_level"] == "country"]
    return pd.concat([as_reported(country, name) for name in COVERAGE], ignore_index=True)


def summary(standings: pd.DataFrame, due: str) -> Result:
    """Say where the provinces stand against the target, from :func:`standing`."""
    provinces = standings[standings["geo_level"] == "province_63"]
    country = standings[standings["geo_level"] == "country"].iloc[0]
    read = provinces[provinces["value"].notna()]
    indicator = str(country["indicator"])
    values = {
        "indicator": indicator,
        "country": country["value"],
        "day": country["as_of"],
        "target": country["target"],
        "due": due,
        "units": len(provinces),
        "read": len(read),
        "years": COMPARABLE_YEARS,
        "recent": int(read["gap"].notna().sum()),
        "met": int(meets(read["gap"], 0.0).sum()),
        "missing": len(provinces) - len(read),
        "oldest": read["as_of"].min(),
        "newest": read["as_of"].max(),
    }
    phrases = [("coverage.summary_country", values), ("coverage.summary_provinces", values)]
    if values["missing"]:
        phrases.append(("coverage.summary_missing", values))
    return Result(f"summary_{indicator}", pd.DataFrame([values]), phrases)


def table_of(standings: pd.DataFrame) -> Result:
    """Return the standing of every unit with a reading, widest gap first, old readings last."""
    columns = ["geo_level", "province_code", "value", "evidence", "as_of", "season"]
    columns += ["kind_of_evidence", "official", "target", "setter", "gap", "persons"]
    kept = standings.dropna(subset=["value"]).sort_values(["gap", "province_code"])[columns]
    name = f"standing_{standings['indicator'].iloc[0]}"
    return Result(
        name,
        kept.dropna(axis=1, how="all"),
        formats=_FORMATS,
        words=_WORDS,
        evidence={"value": "evidence"},
        hidden=("geo_level",),
    )


def own_targets(standings: pd.DataFrame) -> Result:
    """Say how many provinces have a target of their own, and who set it."""
    provinces = standings[standings["geo_level"] == "province_63"]
    counts = provinces.groupby("setter").size().rename("provinces").reset_index()
    nationwide_only = int((provinces["setter"] == NATIONWIDE).sum())
    values = {"own": len(provinces) - nationwide_only, "units": len(provinces)}
    return Result(
        f"own_targets_{standings['indicator'].iloc[0]}",
        counts,
        [("coverage.own_targets", values)],
        _FORMATS,
        _WORDS,
    )


def denominators(standings: pd.DataFrame) -> Result:
    """Compare coverage as reported with coverage on the official population, where both exist."""
    both = standings.dropna(subset=["value", "official"])
    difference = both["value"] - both["official"]
    table = both.assign(difference=difference)[
        ["geo_level", "province_code", "value", "evidence", "official", "difference", "as_of"]
    ].sort_values(["difference", "province_code"], ascending=[False, True])
    values = {"n": len(both), "median": difference.median(), "largest": difference.max()}
    return Result(
        "denominators",
        table,
        [("coverage.denominators", values)],
        {**_FORMATS, "difference": "signed1"},
        _WORDS,
        evidence={"value": "evidence"},
        hidden=("geo_level",),
    )


def unread(tables: Tables) -> Result:
    """Say for each coverage rate how many provinces have a reading, and which have none at all."""
    rows, read = [], set()
    for name in COVERAGE:
        found = as_reported(tables.readings, name)
        found = found[found["geo_level"] == "province_63"]
        codes = set(found["province_code"])
        read |= codes
        rows.append((name, len(found), len(codes), found["as_of"].min(), found["as_of"].max()))
    table = pd.DataFrame(rows, columns=["indicator", "readings", "provinces", "first", "last"])
    units = geography.codes("province_63")
    table["share_read"] = table["provinces"] / len(units)
    counted = dict(zip(("hi", "si", "ui"), table["provinces"], strict=True))
    none = [f"province_63/{code}" for code in units if code not in read]
    values = {**counted, "units": len(units), "none": none}
    phrases = [("coverage.unread", values)]
    if none:
        phrases.append(("coverage.unread_none", values))
    return Result("unread", table, phrases, _FORMATS, _WORDS)


def all_standings(tables: Tables, due: str) -> pd.DataFrame:
    """Return the standing of every unit in each coverage rate, for the table of this chapter."""
    return pd.concat([standing(tables, name, due) for name in COVERAGE], ignore_index=True)
