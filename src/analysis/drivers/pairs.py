"""Which readings are compared with which: the pairing rule, fixed before any result was seen.

The rule of the main results, `yearly`: in each province and basis, the year-end reading of a
calendar year where there is one, else the latest of that year; each kept reading is compared with
the one before it, when 180 days to four years lie between. Two other rules stand beside it in the
specification curve: `year_end` (year-end readings only) and `all` (every reading at least 90 days
after the one before). Intervals of one province never overlap. Like is compared with like: the
basis and the version of the denominator are the same at both ends.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.facts import Raw
from analysis.readings import covariates

_DOUBTFUL = "year inferred|contradiction"
RULES = ("yearly", "year_end", "all")
FIRST, LAST_GAP = pd.Timestamp("2015-01-01"), pd.Timedelta(days=4 * 365 + 1)
_SHORTEST = {"yearly": 180, "year_end": 180, "all": 90}
#: Evidence that may enter. "published": published readings, HI on one population (see restate).
#: "derived": those, and readings computed from others on the same basis. "participants": HI
#: participants over the official population. "as_published": published readings as they were
#: published, paired within one version of the denominator only.
EVIDENCE = ("published", "derived", "participants", "as_published")


def usable(readings: pd.DataFrame, indicator: str, evidence: str = "published") -> pd.DataFrame:
    """Readings of an indicator of the 63 provinces since 2015, with time as decimal years.

    ``evidence`` is one of EVIDENCE. Readings whose year was inferred or that contradict their own
    source (column doubt) stay out. Columns added: time, key (province and like-for-like group).
    Raises ValueError for unknown evidence.
    """
    if evidence not in EVIDENCE:
        raise ValueError(f"unknown evidence {evidence!r}: choose one of {', '.join(EVIDENCE)}")
    rows = readings[
        (readings["geo_level"] == "province_63")
        & (readings["indicator"] == indicator)
        & (readings["as_of"] >= FIRST)
        & readings["value"].notna()
    ].copy()
    rows = rows[~rows["doubt"].fillna("").str.contains(_DOUBTFUL)]
    on_official = rows["basis"].eq("official_population")
    rows = rows[on_official if evidence == "participants" else ~on_official]
    if evidence in ("published", "as_published"):
        rows = rows[rows["kind_of_evidence"] == "published"]
    if evidence == "as_published" and "published" in rows:
        rows["value"], rows["denominator_version"] = rows["published"], rows["version"]
    rows["_rank"] = (rows["kind_of_evidence"] != "published").astype(int)
    rows["time"] = time_of(rows["as_of"])
    group = rows["basis"].fillna("") + "|" + rows["denominator_version"].fillna("")
    rows["key"] = rows["province_code"] + "|" + group
    rows = rows.sort_values(["key", "as_of", "_rank"], kind="stable")
    return rows.drop_duplicates(["key", "as_of"]).drop(columns="_rank").reset_index(drop=True)


def time_of(dates: pd.Series) -> pd.Series:
    """Year and the share of it gone: 31 December 2020 is almost 2021."""
    dates = pd.to_datetime(dates)
    start = pd.to_datetime(dates.dt.year.astype(str) + "-01-01")
    length = np.where(dates.dt.is_leap_year, 366.0, 365.0)
    return dates.dt.year + ((dates - start).dt.days + 1) / length


def kept(rows: pd.DataFrame, rule: str) -> pd.DataFrame:
    """The readings that a pairing rule keeps. Raises ValueError for an unknown rule."""
    if rule not in RULES:
        raise ValueError(f"unknown pairing rule {rule!r}: choose one of {', '.join(RULES)}")
    rows = rows.sort_values(["key", "as_of"], kind="stable")
    at_year_end = rows["season"].eq("year_end")
    if rule == "year_end":
        return rows[at_year_end].reset_index(drop=True)
    if rule == "yearly":
        order = rows.assign(_end=at_year_end, _year=rows["as_of"].dt.year)
        order = order.sort_values(["key", "_year", "_end", "as_of"], kind="stable")
        rows = (
            order.groupby(["key", "_year"], as_index=False).tail(1).drop(columns=["_end", "_year"])
        )
    return _spaced(rows.sort_values(["key", "as_of"], kind="stable"), _SHORTEST[rule])


def _spaced(rows: pd.DataFrame, days: int) -> pd.DataFrame:
    """Leave out readings that follow the last kept one of their key too soon."""
    keep: list[int] = []
    last: dict[str, pd.Timestamp] = {}
    for index, key, day in zip(rows.index, rows["key"], rows["as_of"], strict=True):
        if key not in last or (day - last[key]).days >= days:
            keep.append(index)
            last[key] = day
    return rows.loc[keep].reset_index(drop=True)


def intervals(rows: pd.DataFrame, rule: str = "yearly") -> pd.DataFrame:
    """Intervals between readings that are compared: one row an interval.

    Columns: province_code, key, start and end (dates), time0, time1 and years (decimal), value0,
    value1, lower0, upper0, lower1, upper1, season0, season1, reading0, reading1 (reading ids).
    """
    chosen = kept(rows, rule)
    before = chosen.groupby("key").shift(1)
    table = pd.DataFrame(
        {
            "province_code": chosen["province_code"],
            "key": chosen["key"],
            "start": before["as_of"],
            "end": chosen["as_of"],
            "time0": before["time"],
            "time1": chosen["time"],
        }
    )
    for column in ("value", "lower", "upper", "season"):
        table[f"{column}0"], table[f"{column}1"] = before[column], chosen[column]
    if "reading_id" in chosen:
        table["reading0"], table["reading1"] = before["reading_id"], chosen["reading_id"]
    table["years"] = table["time1"] - table["time0"]
    gap = table["end"] - table["start"]
    return table[gap.notna() & (gap <= LAST_GAP)].reset_index(drop=True)


# --------------------------------------------------------------------------------------------------
# Coverage before and after the census of 2019 on one population, so that like meets like.
#
# The census of April 2019 found other populations than were projected, and rates published since
# 2020 stand on them. Official figures exist on both footings for 2014 to 2018, so a rate published
# on the old population is moved to the new one by their ratio at its date, carried on to 2019. What
# was published stays beside it, and the specification curve also runs on pairs of one footing only.
# --------------------------------------------------------------------------------------------------

#: Above this coverage the logit says more about denominators than about people.
HIGHEST_COVERAGE = 99.5


def on_one_population(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Readings of HI coverage of the 63 provinces, those before 2020 restated.

    Added columns: published (value as published), version (denominator version as published),
    restated (bool). ``denominator_version`` is the later one for all. Restated values at or above
    CEILING are left out, as are their published twins where those are above it.
    """
    rows = readings[
        (readings["geo_level"] == "province_63") & (readings["indicator"] == "hi_coverage")
    ].copy()
    old = rows["denominator_version"].eq(covariates.PRE_CENSUS)
    rows["published"], rows["version"] = rows["value"], rows["denominator_version"]
    rows["restated"] = old
    units = [("province_63", code) for code in rows.loc[old, "province_code"]]
    dates = list(rows.loc[old, "as_of"])
    ratio = covariates.populations(units, dates, raw, covariates.PRE_CENSUS)
    ratio = ratio / covariates.populations(units, dates, raw, covariates.POST_CENSUS)
    for column in ("value", "lower", "upper"):
        rows.loc[old, column] *= ratio
    rows["denominator_version"] = covariates.POST_CENSUS
    return rows[
        (rows["value"] < HIGHEST_COVERAGE) & (rows["published"] < HIGHEST_COVERAGE)
    ].reset_index(drop=True)
