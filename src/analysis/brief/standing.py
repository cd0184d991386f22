"""How a unit stands among the provinces of its region and among its peers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import geography
from analysis.brief.tables import Tables, forecast_rows
from analysis.results import Result
from analysis.verdicts import LIKELY, NOT_ENOUGH_EVIDENCE, UNLIKELY

INDICATOR = "hi_coverage"
PEERS = 5
_YEARS_BACK = 5


@dataclass(frozen=True)
class Standing:
    """The sentence on region and peers, and the provinces for the figure.

    ``provinces`` has one row a province: province_code, q10, q50, q90 (percent, forecast as
    reported for the due date), group (own, region, peer or other).
    """

    result: Result
    provinces: pd.DataFrame


def standing(tables: Tables, level: str, code: str) -> Standing:
    """Place a unit among the 63 provinces by its forecast health insurance coverage.

    Peers are the five provinces whose estimated coverage five years before the due date was
    nearest to its own, wherever they lie.
    """
    ahead = forecast_rows(tables)
    rows = ahead[(ahead["geo_level"] == "province_63") & (ahead["indicator"] == INDICATOR)]
    columns = ["province_code", "q10", "q50", "q90", "p_meets_reported", "verdict"]
    provinces = rows[columns].sort_values("province_code", ignore_index=True)
    if level == "country":
        return _country(provinces)
    region = geography.region_of(code)
    peers = _peers(tables, code)
    provinces["group"] = [_group(c, code, region, peers) for c in provinces["province_code"]]
    return Standing(_result(provinces, code, region, peers), provinces)


def _group(code: str, own: str, region: str, peers: list[str]) -> str:
    if code == own:
        return "own"
    if code in peers:
        return "peer"
    return "region" if geography.region_of(code) == region else "other"


def _peers(tables: Tables, code: str) -> list[str]:
    """The provinces with the nearest estimate five years before the due date."""
    start = tables.due - pd.DateOffset(years=_YEARS_BACK)
    past = tables.estimates
    past = past[
        (past["geo_level"] == "province_63")
        & (past["indicator"] == INDICATOR)
        & (past["date"].dt.year == start.year)
    ]
    if "scale" in past:
        past = past[past["scale"] == "reported"]
    levels = past.set_index("province_code")["q50"].sort_index()
    if code not in levels:
        return []
    distance = (levels - levels[code]).abs().drop(code).round(6)
    return sorted(distance.sort_values(kind="stable").index[:PEERS])


def _result(provinces: pd.DataFrame, code: str, region: str, peers: list[str]) -> Result:
    own = provinces[provinces["province_code"] == code].iloc[0]
    inside = provinces[[geography.region_of(c) == region for c in provinces["province_code"]]]
    among = provinces[provinces["province_code"].isin(peers)]
    values = {
        "unit": f"province_63/{code}",
        "region": f"region/{region}",
        "rank": int((inside["q50"] > own["q50"]).sum()) + 1,
        "n": len(inside),
        "rank_all": int((provinces["q50"] > own["q50"]).sum()) + 1,
        "all": len(provinces),
        "peers": [f"province_63/{peer}" for peer in peers],
        "peers_median": among["q50"].median(),
        "own": own["q50"],
        "overlap": int(
            ((provinces["q90"] >= own["q10"]) & (provinces["q10"] <= own["q90"])).sum() - 1
        ),
    }
    phrases = [("brief.standing_region", values)]
    if peers:
        phrases.append(("brief.standing_peers", values))
    phrases.append(("brief.standing_overlap", values))
    return Result("standing", provinces, phrases)


def _country(provinces: pd.DataFrame) -> Standing:
    """For the country: how many provinces have which verdict."""
    provinces = provinces.assign(group="other")
    verdicts = provinces["verdict"]
    values = {
        "all": len(provinces),
        "likely": int(verdicts.isin(LIKELY).sum()),
        "even": int((verdicts == "about_even").sum()),
        "unlikely": int(verdicts.isin(UNLIKELY).sum()),
        "unsure": int((verdicts == NOT_ENOUGH_EVIDENCE).sum()),
    }
    phrases = [("brief.standing_country", values)]
    if values["unsure"]:
        phrases.append(("brief.standing_unsure", values))
    return Standing(Result("standing", provinces, phrases), provinces)
