"""Merged units: participants and denominators add up; rates are never averaged."""

import pytest
from example_facts import fact, one_reading, real_tables, tables_of

AN_GIANG = {"province_code": "89"}
KIEN_GIANG = {"province_code": "91", "province": "Kien Giang"}
WHERE = {"geo_level": "province_34", "province_code": "91"}


def two_provinces():
    return [
        fact(1_000_000, indicator="hi_participants", **AN_GIANG),
        fact(80.0, **AN_GIANG),
        fact(3_000_000, indicator="hi_participants", **KIEN_GIANG),
        fact(96.0, **KIEN_GIANG),
    ]


def test_participants_add_up():
    reading = one_reading(tables_of(two_provinces()), indicator="hi_participants", **WHERE)
    assert (reading["value"], reading["rule"]) == (4_000_000, "sum_of_provinces")
    assert reading["facts"] == "2;4"


def test_coverage_is_sum_of_participants_over_sum_of_denominators():
    tables = tables_of(two_provinces())
    reading = one_reading(tables, indicator="hi_coverage", basis="", **WHERE)
    expected = 100 * 4_000_000 / (1_000_000 / 0.80 + 3_000_000 / 0.96)
    assert reading["value"] == pytest.approx(expected)
    assert reading["value"] != pytest.approx((80 + 96) / 2)
    assert reading["lower"] < reading["value"] < reading["upper"]


def test_a_missing_part_gives_no_merged_reading():
    readings = tables_of(two_provinces()[:2]).readings
    assert set(readings["geo_level"]) == {"province_63"}


def test_parts_of_different_dates_give_no_merged_reading():
    facts = two_provinces()
    facts[2]["as_of"] = facts[2]["as_of"].replace(month=11, day=30)
    readings = tables_of(facts).readings
    assert readings[(readings["geo_level"] == "province_34")].empty


def test_a_merged_reading_that_was_published_is_kept():
    own = fact(88.0, geo_level="province_34", province_code="91", province="An Giang")
    reading = one_reading(
        tables_of([*two_provinces(), own]), indicator="hi_coverage", basis="", **WHERE
    )
    assert (reading["value"], reading["kind_of_evidence"]) == (88.0, "published")


def test_the_real_an_giang_of_may_2025():
    where = {"as_of": "2025-05-31", **WHERE}
    tables = real_tables()
    people = one_reading(tables, indicator="hi_participants", basis="", **where)
    assert people["value"] == 1_680_371 + 1_546_145
    rate = one_reading(tables, indicator="si_coverage", basis="", **where)
    implied = 137_599 / 0.1475 + 132_814 / 0.1474
    assert rate["value"] == pytest.approx(100 * (137_599 + 132_814) / implied)
