"""The units of the country: 63 provinces, the 34 units after 1 July 2025, six regions.

The units are read once from `provinces.csv` of the raw tables, so that another set of units
(districts, communes) needs another table and no other code. Codes are text ("01").
"""

from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.paths import RAW

COUNTRY = "00"
LEVELS = ("country", "region", "province_63", "province_34")

# The order is the one of the statistical yearbooks, from north to south.
REGIONS = {
    "R1": ("Red River Delta", "Đồng bằng sông Hồng"),
    "R2": ("Northern Midlands and Mountains", "Trung du và miền núi phía Bắc"),
    "R3": ("North Central and Central Coast", "Bắc Trung Bộ và Duyên hải miền Trung"),
    "R4": ("Central Highlands", "Tây Nguyên"),
    "R5": ("Southeast", "Đông Nam Bộ"),
    "R6": ("Mekong River Delta", "Đồng bằng sông Cửu Long"),
}
_COUNTRY_NAMES = {"en": "Viet Nam", "vi": "Việt Nam"}

if TYPE_CHECKING:
    PROVINCES: pd.DataFrame
    MERGED: pd.DataFrame


def read_units(path: Path | BytesIO) -> pd.DataFrame:
    """Read a unit table, indexed by province_code (text), sorted by code.

    Columns: name_en, name_vi, region (a name of `REGIONS`), tile_row, tile_col (integers),
    merged_code, merged_name_en, merged_name_vi, merged_tile_row, merged_tile_col, and the
    added region_code ("R1" to "R6", empty where the region is not one of the six).
    """
    text = ["province_code", "merged_code"]
    units = pd.read_csv(path, dtype=dict.fromkeys(text, str), encoding="utf-8-sig")
    codes = {names[0]: code for code, names in REGIONS.items()}
    units["region_code"] = units["region"].map(codes).fillna("")
    return units.set_index("province_code").sort_index()


@cache
def provinces() -> pd.DataFrame:
    """Return the 63 provinces of the project's own table (see `read_units`)."""
    return _units((RAW / "provinces.csv").read_bytes())


# By content: a process that is forked for many notebooks reads the same table once for all.
@lru_cache(maxsize=2)
def _units(content: bytes) -> pd.DataFrame:
    return read_units(BytesIO(content))


@cache
def merged() -> pd.DataFrame:
    """Return the 34 units after the merger, indexed by merged_code.

    Columns: name_en, name_vi, region, region_code (of the province that gave the unit its
    code), tile_row, tile_col, members (tuple of province codes).
    """
    return _merged((RAW / "provinces.csv").read_bytes())


@lru_cache(maxsize=2)
def _merged(content: bytes) -> pd.DataFrame:
    return merge_units(_units(content))


def merge_units(units: pd.DataFrame) -> pd.DataFrame:
    """Group a unit table by merged_code; see `merged` for the columns."""
    ordered = units.reset_index().sort_values(["merged_code", "province_code"])
    groups = ordered.groupby("merged_code")
    columns = ["merged_name_en", "merged_name_vi", "merged_tile_row", "merged_tile_col"]
    table = groups[columns].first()
    table.columns = pd.Index([column.removeprefix("merged_") for column in columns])
    seat = ordered[ordered["province_code"] == ordered["merged_code"]].set_index("merged_code")
    table["region"] = seat["region"].reindex(table.index)
    table["region_code"] = seat["region_code"].reindex(table.index)
    table["members"] = groups["province_code"].agg(tuple)
    return table


def members(merged_code: str) -> list[str]:
    """Return the codes of the provinces that became the merged unit.

    Raises:
        KeyError: no merged unit has this code.
    """
    if merged_code not in merged().index:
        raise KeyError(f"no unit after the merger has the code {merged_code!r}")
    return [str(code) for code in merged()["members"].loc[merged_code]]


def one_level(table: pd.DataFrame, provinces: pd.DataFrame) -> pd.DataFrame:
    """Return rows of units with provinces that did not merge under the level province_63 alone.

    Such a province is one unit under two levels. table: geo_level and province_code. provinces:
    one row a province of the 63, with merged_code.
    """
    parts = provinces["merged_code"].value_counts()
    alone = table["province_code"].isin(parts.index[parts == 1])
    level = table["geo_level"].mask(alone & (table["geo_level"] == "province_34"), "province_63")
    return table.assign(geo_level=level)


def parts(code: str, level: str) -> list[str]:
    """Return the codes of the 63 provinces that make up a unit of any level."""
    if level == "country":
        return list(provinces().index)
    if level == "region":
        return list(provinces().index[provinces()["region_code"] == code])
    if level == "province_34":
        return members(code)
    if level == "province_63" and code in provinces().index:
        return [code]
    raise KeyError(f"no unit {code!r} at the level {level!r}")


def region_of(code: str, level: str = "province_63") -> str:
    """Return the region code ("R1" to "R6") of a province or merged unit."""
    table = merged() if level == "province_34" else provinces()
    return str(table.loc[code, "region_code"])


def name(code: str, level: str = "province_63", language: str = "en") -> str:
    """Return the name of a unit in English ("en") or Vietnamese ("vi").

    Raises:
        KeyError: the level has no unit of this code.
    """
    if level == "country":
        return _COUNTRY_NAMES[language]
    if level == "region":
        return REGIONS[code][0 if language == "en" else 1]
    table = {"province_63": provinces, "province_34": merged}[level]()
    return str(table.loc[code, f"name_{language}"])


def name_today(code: str, level: str = "province_63", language: str = "en") -> str:
    """Return the name that a unit bears today: one of the 63 that stayed may have a new one.

    Thừa Thiên Huế has been the city of Huế since 1 January 2025.
    """
    if level == "province_63" and code in merged().index and len(members(code)) == 1:
        return name(code, "province_34", language)
    return name(code, level, language)


_FORMER = {"en": "{} (former)", "vi": "{} (cũ)"}


def label(code: str, level: str = "province_63", language: str = "en") -> str:
    """Return the name of a unit; a province that became part of another is called a former one.

    Twenty-three names stand for two territories: the province before July 2025 and after.
    """
    plain = name_today(code, level, language)
    if level != "province_63" or code not in provinces().index:
        return plain
    alone = len(members(str(provinces()["merged_code"].loc[code]))) == 1
    return plain if alone else _FORMER[language].format(plain)


def codes(level: str) -> list[str]:
    """Return the codes of all units of a level, sorted."""
    return {
        "country": lambda: [COUNTRY],
        "region": lambda: list(REGIONS),
        "province_63": lambda: list(provinces().index),
        "province_34": lambda: list(merged().index),
    }[level]()


def __getattr__(attribute: str) -> pd.DataFrame:
    # Read when first used: a faulty provinces.csv must reach `check`, not break the import.
    if attribute == "PROVINCES":
        return provinces()
    if attribute == "MERGED":
        return merged()
    raise AttributeError(attribute)
