"""Checks of the units: names, regions, merged units, neighbours and places in tile maps."""

import pandas as pd

from analysis.facts.cells import numbers, where
from analysis.facts.schemas import WHOLE_FORM
from analysis.facts.text import Fault
from analysis.geography import COUNTRY, REGIONS

LARGEST_TILE = 60
# The first day of the 34 units, and of the regional offices that reported for some before.
MERGER, FIRST_REGIONAL = "2025-07-01", "2025-03-01"
_MERGED = ["merged_name_en", "merged_name_vi", "merged_tile_row", "merged_tile_col"]


def as_code(given: str | int) -> str:
    """Return a code as text of two digits at least: 83 is "83", 1 is "01".

    Papermill and spreadsheets turn a code into a number, which loses its zero.
    """
    text = str(given).strip()
    return text.zfill(2) if text.isdigit() else text


def province_faults(provinces: pd.DataFrame) -> list[Fault]:
    """Return units of unknown regions, and names and places that contradict each other."""
    regions = [names[0] for names in REGIONS.values()]
    unknown = ~provinces["region"].isin(regions)
    found = where("provinces", provinces, unknown, "region", "is not one of the six regions")
    for column in ("name_en", "merged_name_en"):
        foreign = ~provinces[column].map(str.isascii).astype(bool)
        found += where("provinces", provinces, foreign, column, "is no English name; write Ha Noi")
    for column in ("name_en", "name_vi"):
        again = provinces[column].duplicated()
        found += where("provinces", provinces, again, column, "is the name of another unit too")
    return found + _merged_faults(provinces) + _tile_faults(provinces)


def _merged_faults(provinces: pd.DataFrame) -> list[Fault]:
    """All members of a merged unit have to tell the same of it."""
    first = provinces.groupby("merged_code")[[*_MERGED, "row"]].transform("first")
    message = "differs from row " + first["row"].astype(str) + ", of the same merged unit"
    found = []
    for column in _MERGED:
        other = provinces[column] != first[column]
        found += where("provinces", provinces, other, column, message)
    return found


def _tile_faults(provinces: pd.DataFrame) -> list[Fault]:
    found = []
    whole_country = set(provinces["region"]) == {names[0] for names in REGIONS.values()}
    for prefix, key in (("", "province_code"), ("merged_", "merged_code")):
        row, column = f"{prefix}tile_row", f"{prefix}tile_col"
        units = provinces.drop_duplicates(key)
        taken = units.duplicated([row, column])
        found += where("provinces", units, taken, row, "and its column are another unit's place")
        high, wide = numbers(units[row], WHOLE_FORM), numbers(units[column], WHOLE_FORM)
        for name, place in ((row, high), (column, wide)):
            off = place > LARGEST_TILE
            found += where("provinces", units, off, name, f"lies off the map (0 to {LARGEST_TILE})")
        if whole_country and high.max() < wide.max():
            message = "the map lies on its side; rows and columns seem to be swapped"
            widest = wide.index == wide.idxmax()
            found += where("provinces", units, pd.Series(widest, units.index), column, message)
    return found


def adjacency_faults(adjacency: pd.DataFrame) -> list[Fault]:
    """Return pairs that are not written with the smaller code first: each pair stands once."""
    turned = adjacency["code_a"] >= adjacency["code_b"]
    message = "does not come before code_b; write each pair once, the smaller code first"
    return where("adjacency", adjacency, turned, "code_a", message)


def name_faults(facts: pd.DataFrame, provinces: pd.DataFrame) -> list[Fault]:
    """Return the facts of units that do not exist, or whose name belongs to another code."""
    names = _names_by_unit(provinces)
    keys = pd.Series(list(zip(facts["geo_level"], facts["province_code"], strict=True)))
    name = keys.map(names).set_axis(facts.index)
    unknown = name.isna()
    message = "is not a unit of this level in provinces.csv (codes have two digits, such as 01)"
    other = ~unknown & (name != facts["province"])
    return [
        *where("facts", facts, unknown, "province_code", message),
        *where("facts", facts, other, "province", "is not the name that belongs to the code"),
    ]


def unit_of_the_day_faults(facts: pd.DataFrame, provinces: pd.DataFrame) -> list[Fault]:
    """Return results of provinces after their merger, and of merged units long before it.

    Since March 2025 regional offices report for the territory of a later unit, so figures of
    merged units begin there. Targets may be of either: they were set for days after the merger.
    """
    if set(provinces["region"]) != {names[0] for names in REGIONS.values()}:
        return []  # Districts, or a few provinces: units of their own, which merge at other times.
    members = provinces.groupby("merged_code")["province_code"].nunique()
    merging = set(members[members > 1].index)
    home = dict(zip(provinces["province_code"], provinces["merged_code"], strict=True))
    names = dict(zip(provinces["merged_code"], provinces["merged_name_en"], strict=True))
    into = facts["province_code"].map(home)
    actual = facts["kind"] == "actual"
    old = actual & (facts["geo_level"] == "province_63") & into.isin(merging)
    new = actual & (facts["geo_level"] == "province_34") & facts["province_code"].isin(merging)
    after = old & (facts["as_of"] >= MERGER)
    before = new & (facts["as_of"] < FIRST_REGIONAL)
    message = "is after the merger of 1 July 2025, when this province became part of "
    gone = message + into.map(names).fillna("") + "; write province_34 and its code "
    gone = gone + into.fillna("")
    early = "is before this unit existed; write the figure of its province (province_63)"
    return [
        *where("facts", facts, after, "as_of", gone),
        *where("facts", facts, before, "as_of", early),
    ]


def _names_by_unit(provinces: pd.DataFrame) -> dict[tuple[str, str], str]:
    old = provinces[["province_code", "name_en"]].itertuples(index=False, name=None)
    new = provinces[["merged_code", "merged_name_en"]].itertuples(index=False, name=None)
    names = {("country", COUNTRY): "Viet Nam"}
    names |= {("province_63", code): name for code, name in old}
    return names | {("province_34", code): name for code, name in new}
