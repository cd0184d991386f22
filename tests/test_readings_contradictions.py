"""Each known contradiction in the published figures, with the decision taken."""

import pandas as pd
import pytest
from example_facts import fact, one_reading, raw_with, real_raw, real_tables, source

from analysis.findings import contradictions
from analysis.readings import read_published
from analysis.readings.conflicts import EXPECTED, standing_of


def reading(code, indicator, day, basis=""):
    return one_reading(
        real_tables(), province_code=code, indicator=indicator, as_of=day, basis=basis
    )


def absent(code, indicator, day, basis=""):
    table = real_tables().readings
    rows = table[
        (table["province_code"] == code)
        & (table["indicator"] == indicator)
        & (table["as_of"] == pd.Timestamp(day))
        & (table["basis"] == basis)
    ]
    return rows.empty


def test_son_la_2023_counts_residents_insured_elsewhere_and_is_kept_apart():
    elsewhere = "incl_residents_insured_elsewhere"
    people = reading("14", "hi_participants", "2023-12-31", elsewhere)
    total = reading("14", "total_participants", "2023-12-31")
    assert people["value"] == 1_278_316 > total["value"] == 1_250_450
    assert reading("14", "hi_coverage", "2023-12-31", elsewhere)["value"] == 98.3
    assert absent("14", "hi_coverage", "2023-12-31")
    assert absent("14", "hi_participants", "2023-12-31")


def test_binh_phuoc_2023_keeps_the_published_rate_and_marks_the_count_as_computed():
    rate = reading("70", "hi_coverage", "2023-12-31")
    assert (rate["value"], rate["lower"], rate["upper"]) == (93, 93, 94)
    people = reading("70", "hi_participants", "2023-12-31")
    assert people["value"] == 970_443 - 15_512 == 954_931
    assert (people["kind_of_evidence"], people["rule"]) == ("derived", "total_less_voluntary")
    assert reading("70", "hi_coverage", "2023-12-31", "official_population")["value"] < 91.5


def test_ba_ria_vung_tau_2022_keeps_the_rate_of_unknown_base_apart():
    assert reading("77", "hi_coverage", "2022-07-31", "unspecified")["value"] == 93.88
    assert reading("77", "hi_coverage", "2022-09-30")["value"] == 86.25
    assert absent("77", "hi_coverage", "2022-07-31")
    assert absent("77", "si_voluntary_participants", "2022-07-31")


@pytest.mark.parametrize("day", ["2023-04-30", "2023-06-30", "2024-12-31"])
def test_nghe_an_shows_both_series(day):
    reported = reading("40", "hi_coverage", day)
    official = reading("40", "hi_coverage", day, "official_population")
    assert 92 <= reported["value"] <= 94
    assert 83.5 <= official["value"] <= 86
    assert (reported["kind_of_evidence"], official["kind_of_evidence"]) == ("published", "derived")


def test_ha_nam_2019_keeps_both_populations():
    old = reading("35", "hi_coverage", "2019-12-31", "pre_2019_census_population")
    new = reading("35", "hi_coverage", "2019-12-31", "post_2019_census_population")
    assert (old["value"], new["value"]) == (91.8, 87.0)
    versions = (old["denominator_version"], new["denominator_version"])
    assert versions == ("pre_2019_census", "post_2019_census")
    assert absent("35", "hi_coverage", "2019-12-31")


def test_labour_force_break_of_october_2022_keeps_the_definition_in_force():
    kept = reading("00", "si_coverage", "2022-09-30")
    assert (kept["value"], kept["rule"]) == (34.84, "definition_in_force")
    assert kept["denominator_version"] == "labour_force_before_2022_10"
    after = reading("00", "si_coverage", "2022-12-31")
    assert (after["value"], after["denominator_version"]) == (38.01, "labour_force_from_2022_10")
    conflicts = real_tables().conflicts
    other = conflicts[
        (conflicts["indicator"] == "si_coverage")
        & (conflicts["as_of"] == pd.Timestamp("2022-09-30"))
        & (conflicts["outcome"] == "set_aside")
    ]
    assert set(other["value"]) == {37.01}
    assert set(other["denominator_version"]) == {"labour_force_restated"}


def test_end_2020_keeps_the_rate_of_its_own_time():
    kept = reading("00", "si_coverage", "2020-12-31")
    assert (kept["value"], kept["rule"]) == (32.7, "definition_in_force")


def test_national_2015_is_the_settled_figure():
    kept = reading("00", "hi_coverage", "2015-12-31")
    assert (kept["value"], kept["rule"]) == (74.7, "settled_over_provisional")
    assert (kept["lower"], kept["upper"]) == (74.65, 74.75)


def test_ha_noi_2019_stands_on_two_populations_and_2024_on_the_registered_one():
    july, october = (reading("01", "hi_coverage", d) for d in ("2019-07-31", "2019-10-31"))
    versions = (july["denominator_version"], october["denominator_version"])
    assert versions == ("post_2019_census", "pre_2019_census")
    assert reading("01", "hi_coverage", "2024-02-29", "registered_population")["value"] == 89.61
    assert absent("01", "hi_coverage", "2024-02-29")


def test_hoa_binh_2018_is_left_out_by_name():
    assert absent("17", "hi_coverage", "2018-12-31")
    conflicts = real_tables().conflicts
    rows = conflicts[conflicts["rule"] == "unsettled"]
    assert set(rows["province_code"]) == {"17"}
    assert list(rows["value"]) == [96.3, 96.6]


def test_yen_bai_july_2021_is_a_real_fall_and_not_a_conflict():
    before, after = (reading("15", "hi_coverage", d) for d in ("2021-06-30", "2021-07-31"))
    assert (before["value"], after["value"]) == (97.3, 76.8)
    checks = real_tables().identities
    jump = checks[(checks["identity"] == "neighbouring_readings_agree") & ~checks["holds"]]
    assert "decision_861" in set(jump.loc[jump["province_code"] == "15", "explained"])


def test_gia_lai_2022_counts_on_another_basis_are_kept_apart():
    elsewhere = "incl_residents_insured_elsewhere"
    for name in ("hi_participants", "si_participants", "ui_participants"):
        assert not absent("64", name, "2022-06-08", elsewhere)
        assert absent("64", name, "2022-06-08")


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_chapter_says_each_contradiction_with_its_numbers(language):
    result = contradictions.contradictions(real_tables(), real_raw())
    text = result.text(language)
    shown = ["98,3", "34,84", "37,01", "93,88", "86,25", "96,6", "95,16", "95,15", "95,2", "91,4"]
    for number in shown:
        assert (number if language == "vi" else number.replace(",", ".")) in text
    assert result.table["case"].nunique() == len(result.phrases) == 12


def test_the_year_end_of_2025_is_the_agencys_estimate_and_provisional():
    """Printed on 20 December 2025, before the day that it describes; the ministry's agrees."""
    found = reading("00", "hi_coverage", "2025-12-31")
    assert (found["value"], found["rule"]) == (95.16, "agree_within_rounding")
    assert standing_of(pd.DataFrame([found]), real_raw()).tolist() == ["provisional"]
    table = real_tables().conflicts
    ministry = table[(table["source_id"] == "S525") & (table["indicator"] == "hi_coverage")]
    assert ministry[["value", "outcome"]].to_numpy().tolist() == [[95.15, "agrees"]]


def test_november_and_december_2025_both_stand_each_with_its_season():
    november = reading("00", "hi_coverage", "2025-11-30")
    december = reading("00", "hi_coverage", "2025-12-31")
    assert (november["value"], november["season"]) == (91.4, "interim")
    assert (december["value"], december["season"]) == (95.16, "year_end")
    assert standing_of(pd.DataFrame([november]), real_raw()).tolist() == [""]


@pytest.mark.parametrize(
    ("indicator", "value"), [("hi_coverage", 95.2), ("si_coverage", 44.0), ("ui_coverage", 34.8)]
)
def test_the_ministry_of_finances_figures_of_june_2025_are_expectations(indicator, value):
    assert absent("00", indicator, "2025-06-30")
    table = real_tables().conflicts
    rows = table[
        (table["source_id"] == "S520")
        & (table["indicator"] == indicator)
        & (table["as_of"] == pd.Timestamp("2025-06-30"))
    ]
    assert rows[["value", "outcome", "rule"]].to_numpy().tolist() == [
        [value, "left_out_expectation", EXPECTED]
    ]


def test_no_figure_of_before_2025_is_taken_for_an_expectation():
    table = real_tables().conflicts
    rows = table[table["rule"] == EXPECTED]
    assert set(rows["as_of"].dt.year) == {2025} and set(rows["province_code"]) == {"00"}
    assert set(rows["source_id"]) == {"S490", "S512", "S520", "S540"}


def test_the_voluntary_jump_of_december_2025_adds_up_and_is_flagged():
    days = ("2025-11-30", "2025-12-31")
    before, after = (reading("00", "si_voluntary_participants", day) for day in days)
    assert (before["value"], after["value"]) == (2_016_000, 3_070_000)
    assert "definition unsure" in after["doubt"]
    checked = real_tables().identities
    sums = checked[(checked["identity"] == "si_participants_is_sum")]
    of_both = sums[(sums["province_code"] == "00") & sums["as_of"].isin(pd.to_datetime(days))]
    assert of_both["holds"].tolist() == [True, True]
    jumps = checked[(checked["identity"] == "neighbouring_counts_agree") & ~checked["holds"]]
    assert jumps[["province_code", "as_of", "explained"]].to_numpy().tolist() == [
        ["00", pd.Timestamp("2025-12-31"), "definition unsure"]
    ]
    rates = [reading("00", "si_coverage", day)["value"] for day in days]
    people = [reading("00", "si_participants", day)["value"] for day in days]
    implied = [100 * n / rate for n, rate in zip(people, rates, strict=True)]
    assert implied[1] / implied[0] == pytest.approx(1, abs=0.005), "one labour force"


def test_an_estimate_stands_until_a_later_count_of_the_year_lies_below_it():
    def kept(count, day):
        facts = [
            fact(93.4, as_of="2022-06-30", standing="estimate"),
            fact(30.0, as_of="2022-06-30", standing="estimate", indicator="si_coverage"),
            fact(count, as_of=day, source_id="B"),
        ]
        sources = [source("A"), source("B", published="2023-06-01")]
        found = read_published(raw_with(facts, sources)).readings
        return sorted(found.loc[found["as_of"] == "2022-06-30", "value"])

    assert kept(92.0, "2022-11-30") == [], "the whole statement goes"
    assert kept(94.0, "2022-11-30") == [30.0, 93.4]
    assert kept(92.0, "2023-01-31") == [30.0, 93.4], "another year"
    assert kept(92.0, "2022-05-31") == [30.0, 93.4], "an earlier count"


def test_a_unit_that_did_not_merge_is_one_series_under_two_levels():
    ha_noi = {"province_code": "01", "province": "Ha Noi", "as_of": "2025-09-30"}
    facts = [
        fact(95.5, **ha_noi, geo_level="province_34"),
        fact(95.5, **ha_noi, geo_level="province_63", source_id="B"),
        fact(90.0, geo_level="province_34", province_code="91", as_of="2025-09-30"),
    ]
    found = read_published(raw_with(facts)).readings
    assert found[["geo_level", "province_code", "n_facts"]].to_numpy().tolist() == [
        ["province_34", "91", 1],
        ["province_63", "01", 2],
    ]
