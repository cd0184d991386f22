"""Which readings are compared: the pairing rule, like with like, and one population."""

import pandas as pd
import pytest
from driver_data import coverage_readings, raw, reading, readings

from analysis.drivers import pairs

pytestmark = pytest.mark.xdist_group("drivers")


def table(*rows):
    return pd.DataFrame(rows)


def test_the_yearly_rule_prefers_the_year_end_and_else_the_latest():
    rows = table(
        reading("01", "2019-06-30", 80.0),
        reading("01", "2019-12-31", 84.0),
        reading("01", "2020-03-31", 83.0),
        reading("01", "2020-09-30", 85.0),
    )
    kept = pairs.kept(pairs.usable(rows, "hi_coverage"), "yearly")
    assert [d.strftime("%Y-%m-%d") for d in kept["as_of"]] == ["2019-12-31", "2020-09-30"]
    found = pairs.intervals(pairs.usable(rows, "hi_coverage"), "yearly")
    assert list(found["value0"]) == [84.0]
    assert list(found["value1"]) == [85.0]


def test_bases_and_denominators_are_never_mixed():
    rows = table(
        reading("01", "2019-12-31", 84.0),
        reading("01", "2021-12-31", 86.0, basis="excl_armed_forces"),
        reading("01", "2022-12-31", 88.0, denominator_version="another"),
    )
    assert pairs.intervals(pairs.usable(rows, "hi_coverage")).empty


def test_intervals_are_neither_too_short_nor_too_long():
    rows = table(
        reading("01", "2019-12-31", 84.0),
        reading("01", "2020-01-31", 80.0),
        reading("02", "2015-12-31", 60.0),
        reading("02", "2021-12-31", 90.0),
    )
    assert pairs.intervals(pairs.usable(rows, "hi_coverage"), "yearly").empty
    assert pairs.intervals(pairs.usable(rows, "hi_coverage"), "all").empty


def test_doubtful_years_and_contradictions_stay_out():
    rows = table(
        reading("01", "2019-12-31", 84.0, doubt="year inferred"),
        reading("01", "2020-12-31", 85.0),
        reading("01", "2021-12-31", 86.0, doubt="contradiction;date approximate"),
    )
    assert list(pairs.usable(rows, "hi_coverage")["value"]) == [85.0]


def test_an_unknown_rule_or_evidence_is_named():
    with pytest.raises(ValueError, match="unknown pairing rule 'weekly'"):
        pairs.kept(pd.DataFrame(), "weekly")
    with pytest.raises(ValueError, match="unknown evidence 'rumours'"):
        pairs.usable(table(reading("01", "2019-12-31", 84.0)), "hi_coverage", "rumours")


@pytest.mark.parametrize("rule", pairs.RULES)
@pytest.mark.parametrize("evidence", pairs.EVIDENCE)
def test_intervals_of_a_province_and_definition_never_overlap(rule, evidence):
    usable = pairs.usable(coverage_readings(), "hi_coverage", evidence)
    found = pairs.intervals(usable, rule)
    assert len(found)
    for _, own in found.groupby("key"):
        assert (own["start"].iloc[1:].to_numpy() >= own["end"].iloc[:-1].to_numpy()).all()
    assert found["years"].between(0.2, 4.01).all()


def test_restating_agrees_with_the_province_that_published_both():
    """Ha Nam gave 91.8% on the old population and 87% on the new one for the end of 2019."""
    own = coverage_readings().set_index("reading_id")
    key = "province_63/35/hi_coverage/2019-12-31"
    old = own.loc[f"{key}/pre_2019_census_population"]
    new = own.loc[f"{key}/post_2019_census_population"]
    assert old["published"] == 91.8
    assert old["value"] == pytest.approx(new["value"], abs=0.5)


def test_restating_leaves_later_readings_and_published_values_alone():
    before = readings().query("geo_level == 'province_63' and indicator == 'hi_coverage'")
    after = coverage_readings().set_index("reading_id")
    late = before[before["denominator_version"] == "post_2019_census"].set_index("reading_id")
    shared = late.index.intersection(after.index)
    assert (after.loc[shared, "value"] == late.loc[shared, "value"]).all()
    assert after["value"].max() < pairs.HIGHEST_COVERAGE


def test_the_year_ends_exactly_at_its_last_day():
    dates = pd.Series(pd.to_datetime(["2020-12-31", "2021-07-01", "2021-01-01"]))
    assert list(pairs.time_of(dates).round(4)) == [2021.0, 2021.4986, 2021.0027]


def test_every_province_of_the_readings_is_a_province_of_the_country():
    assert set(coverage_readings()["province_code"]) <= set(raw().provinces["province_code"])
