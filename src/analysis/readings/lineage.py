"""From each reading to its facts and to the addresses where they were read."""

import pandas as pd

from analysis import geography
from analysis.facts import Raw


def lineage(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Return one row a reading and fact: reading_id, fact, source_id, publisher, title,
    published and url (empty where no address is known)."""
    table = readings[["reading_id"]].assign(fact=readings["facts"].str.split(";"))
    table = table.explode("fact").astype({"fact": int})
    table = table.merge(raw.facts[["row", "source_id"]], left_on="fact", right_on="row")
    sources = raw.sources[["source_id", "publisher", "title", "published", "url"]]
    table = table.drop(columns="row").merge(sources, on="source_id")
    return table.sort_values(["reading_id", "fact"], ignore_index=True)


def units() -> pd.DataFrame:
    """Return all units: geo_level, province_code, name_en, name_vi, region_code, merged_code."""
    rows = [
        {
            "geo_level": level,
            "province_code": code,
            "name_en": geography.name(code, level, "en"),
            "name_vi": geography.name(code, level, "vi"),
            "region_code": _region(code, level),
            "merged_code": _merged(code, level),
        }
        for level in geography.LEVELS
        for code in geography.codes(level)
    ]
    return pd.DataFrame(rows)


def _region(code: str, level: str) -> str:
    return geography.region_of(code, level) if level.startswith("province") else ""


def _merged(code: str, level: str) -> str:
    return str(geography.provinces().loc[code, "merged_code"]) if level == "province_63" else ""
