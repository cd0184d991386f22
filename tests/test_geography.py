"""Units, regions and the merger of July 2025; what the indicators are."""

import pytest
from example_facts import real_raw

from analysis.country import geography
from analysis.country.indicators import INDICATORS


def test_63_provinces_34_units_6_regions():
    assert len(geography.PROVINCES) == 63
    assert len(geography.MERGED) == 34
    assert set(geography.PROVINCES["region_code"]) == set(geography.REGIONS)
    sizes = geography.MERGED["members"].map(len)
    assert (sizes == 1).sum() == 11
    assert sizes.sum() == 63


def test_names_by_level_and_language():
    assert geography.name("08", "province_63", "vi") == "Tuyên Quang"
    assert geography.name("91") == "Kien Giang"
    assert geography.name("91", "province_34") == "An Giang"
    assert geography.name("00", "country", "vi") == "Việt Nam"
    assert geography.name("R6", "region", "en") == "Mekong River Delta"


def test_members_parts_and_regions():
    assert geography.members("91") == ["89", "91"]
    assert geography.parts("R4", "region") == ["62", "64", "66", "67", "68"]
    assert len(geography.parts("00", "country")) == 63
    assert geography.region_of("70") == "R5"
    assert geography.region_of("68", "province_34") == "R4"
    with pytest.raises(KeyError, match="no unit after the merger"):
        geography.members("89")
    with pytest.raises(KeyError, match="no unit 'XX'"):
        geography.parts("XX", "province_63")


def test_codes_of_every_level():
    assert [len(geography.codes(level)) for level in geography.LEVELS] == [1, 6, 63, 34]


def test_indicators_have_units_bounds_and_names_in_both_languages():
    for name, item in INDICATORS.items():
        assert item.name == name
        assert item.unit in {"percent", "persons", "units", "billion VND", "days"}
        assert all([item.name_en, item.name_vi, item.short_en, item.short_vi])
    assert INDICATORS["hi_coverage"].upper == 100
    assert INDICATORS["collections_plan_rate"].upper is None
    assert INDICATORS["hi_participants_change"].lower is None
    assert INDICATORS["hi_coverage"].label("vi", short=True) == "Bao phủ BHYT"


def test_every_published_indicator_is_known():
    assert set(real_raw().facts["indicator"]) <= set(INDICATORS)


def test_tiles_of_the_coast_stand_from_north_to_south():
    """Rows first, then columns, as a reader goes through a tile map."""
    coast = ["42", "44", "45", "46", "48", "49", "51", "52", "54", "56", "58", "60"]
    place = geography.PROVINCES[["tile_row", "tile_col"]].apply(tuple, axis=1)
    north = [place[one] for one in coast]
    assert [row for row, _ in north] == sorted(row for row, _ in north)
    assert place["46"] < place["48"] < place["49"] < place["51"]
    for units in (geography.PROVINCES, geography.MERGED):
        places = list(zip(units["tile_row"], units["tile_col"], strict=True))
        assert len(set(places)) == len(units)
