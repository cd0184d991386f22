"""A unit beside what a reader can check: the provinces of its region, or its own parts.

There is no rank: the bands of nearly all provinces overlap, so an order would be one of accidents.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import coverage, geography
from analysis.brief.formats import FORMATS
from analysis.brief.tables import (
    MAIN,
    Tables,
    forecast_rows,
    present_units,
    target_mark,
)
from analysis.results import Result
from analysis.verdicts import LIKELY, NO_TARGET, NOT_ENOUGH_EVIDENCE, UNLIKELY

INDICATOR = MAIN


@dataclass(frozen=True)
class Standing:
    """The sentence on the neighbours, their table, and the provinces for the figure.

    ``provinces`` has one row a province: geo_level, province_code, q10, q50, q90 (percent, forecast
    as reported for the due date), target, p_meets_reported, verdict, group (own, region, which
    parts count as too, or other).
    """

    result: Result
    provinces: pd.DataFrame


def standing(tables: Tables, level: str, code: str) -> Standing:
    """Place a unit beside the provinces of its region or, one made in July 2025, its parts."""
    ahead = forecast_rows(tables)
    rows = ahead[ahead["indicator"] == MAIN]
    columns = ["geo_level", "province_code", "q10", "q50", "q90", "target", "target_setter"]
    columns += ["p_meets_reported", "verdict"]
    country = rows[rows["geo_level"] == "country"].iloc[0]
    near = rows[rows["geo_level"] == "province_63"]
    if level == "province_34":
        parts = geography.members(code)
        own = rows[(rows["geo_level"] == level) & (rows["province_code"] == code)]
        near = pd.concat([own, near[near["province_code"].isin(parts)]])
    elif level == "country":
        wanted = pd.DataFrame(present_units(), columns=["geo_level", "province_code"])
        near = rows.merge(wanted)
    provinces = near[columns].sort_values(["geo_level", "province_code"], ignore_index=True)
    if level == "country":
        return _country(provinces)
    units = zip(provinces["geo_level"], provinces["province_code"], strict=True)
    provinces["group"] = [_group(unit, (level, code)) for unit in units]
    return Standing(_result(provinces, tables, country, (level, code)), provinces)


def _group(unit: tuple[str, str], own: tuple[str, str]) -> str:
    if unit == own:
        return "own"
    if own[0] == "province_34":
        return "region"
    return "region" if geography.region_of(unit[1]) == geography.region_of(own[1]) else "other"


def _result(
    provinces: pd.DataFrame, tables: Tables, country: pd.Series, unit: tuple[str, str]
) -> Result:
    near = provinces[provinces["group"] != "other"]
    row = provinces[provinces["group"] == "own"].iloc[0]
    values = {
        "unit": "/".join(unit),
        "region": f"region/{geography.region_of(unit[1], unit[0])}",
        "own": row["q50"],
        "country": country["q50"],
        "parts": [f"province_63/{one}" for one in geography.parts(unit[1], unit[0])],
        "n": len(near) - 1,
    }
    phrases = []
    if unit[0] == "province_34":
        phrases.append(("brief.standing_parts", values))
    if row["verdict"] == NOT_ENOUGH_EVIDENCE:
        phrases.append(("brief.standing_thin", values))
    elif row["q10"] <= country["q50"] <= row["q90"]:
        phrases.append(("brief.standing_alike", values))
    else:
        side = "above" if row["q50"] > country["q50"] else "below"
        phrases.append((f"brief.standing_{side}", values))
    phrases.append(("brief.standing_no_rank", values))
    return Result(
        "standing",
        _listed(near, tables),
        phrases,
        FORMATS,
        {"province_code": "unit_label", "verdict": "verdict"},
        "brief",
        {"value": "evidence", "target": "target_from"},
        hidden=("geo_level", "group", "target_setter", "p_meets_reported"),
        joined={"q10": "q90", "value": "as_of", "verdict": "p_meets_reported"},
    )


def _listed(near: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """The neighbours as rows: latest reading, forecast, target and chance."""
    latest = coverage.latest(tables.readings, MAIN)
    keys = ["geo_level", "province_code"]
    table = near.merge(latest[[*keys, "value", "as_of", "evidence"]], on=keys, how="left")
    table["target_from"] = [
        target_mark(str(row.geo_level), str(row.province_code), MAIN, row.target_setter)
        for row in table.itertuples()
    ]
    own_target = ~table["verdict"].isin([NO_TARGET, NOT_ENOUGH_EVIDENCE])
    table["target"] = table["target"].where(own_target)
    table.loc[~own_target, "target_from"] = ""
    columns = [*keys, "value", "evidence", "as_of", "q50", "q10", "q90", "target", "target_from"]
    return table[[*columns, "target_setter", "p_meets_reported", "verdict", "group"]]


def _country(provinces: pd.DataFrame) -> Standing:
    """For the country: how many provinces have which verdict."""
    provinces = provinces.assign(group="other")
    verdicts = provinces["verdict"]
    values = {
        "all": len(provinces),
        "likely": int(verdicts.isin(LIKELY).sum()),
        "even": int((verdicts == "about_even").sum()),
        "unlikely": int(verdicts.isin(UNLIKELY).sum()),
        "aimless": int((verdicts == NO_TARGET).sum()),
        "unsure": int((verdicts == NOT_ENOUGH_EVIDENCE).sum()),
    }
    return Standing(
        Result("standing", provinces.iloc[:0], [("brief.standing_country", values)]), provinces
    )
