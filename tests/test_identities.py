"""Identities are checked and shown, never forced."""

import pytest
from example_facts import fact, real_raw, real_tables, tables_of


def checks(facts, identity):
    table = tables_of(facts).identities
    return table[table["identity"] == identity]


def test_a_sum_that_holds_within_rounding_and_one_that_does_not():
    parts = [
        fact(119_736, indicator="si_compulsory_participants"),
        fact(17_863, indicator="si_voluntary_participants"),
    ]
    good = checks([*parts, fact(137_599, indicator="si_participants")], "si_participants_is_sum")
    assert good["holds"].tolist() == [True]
    bad_facts = [*parts, fact(137_000 + 1, indicator="si_participants")]
    bad = checks(bad_facts, "si_participants_is_sum")
    assert bad["holds"].tolist() == [False]
    assert bad["difference"].tolist() == [137_001 - 137_599]


def test_a_failing_sum_changes_no_reading():
    parts = [
        fact(119_736, indicator="si_compulsory_participants"),
        fact(17_863, indicator="si_voluntary_participants"),
        fact(150_000, indicator="si_participants"),
    ]
    readings = tables_of(parts).readings.set_index("indicator")["value"]
    assert readings["si_participants"] == 150_000
    assert readings["si_compulsory_participants"] == 119_736


def test_unemployment_insurance_above_compulsory_social_insurance():
    facts = [
        fact(120_001, indicator="ui_participants"),
        fact(110_001, indicator="si_compulsory_participants"),
    ]
    name = "ui_participants_not_above_si_compulsory_participants"
    assert checks(facts, name)["holds"].tolist() == [False]


def test_the_implied_population_of_the_real_readings_runs_two_percent_low():
    table = real_tables().identities
    ratio = table.loc[table["identity"] == "implied_population_is_official", "ratio"]
    assert len(ratio) > 100
    assert ratio.mean() == pytest.approx(0.978, abs=0.005)
    assert ratio.std() == pytest.approx(0.033, abs=0.005)


def test_the_real_outliers_are_named():
    table = real_tables().identities
    rows = table[table["identity"] == "implied_population_is_official"]
    assert {"40", "94", "96"} <= set(rows.loc[~rows["holds"], "province_code"])


def merged_hung_yen(coverage):
    """Hung Yen after the merger: 3.57 million people by Resolution 202, 3.20 by the office."""
    unit = {"geo_level": "province_34", "province_code": "33", "province": "Hung Yen"}
    counted = {**unit, "as_of": "2025-12-31"}
    printed = {**unit, "as_of": "2025-06-12", "basis": "resolution_202_population"}
    facts = [
        fact(3_567_943, indicator="population", **printed),
        fact(3_000_000, indicator="hi_participants", **counted),
        fact(coverage, **counted),
    ]
    return checks(facts, "coverage_is_not_on_resolution_202")


def test_coverage_on_the_population_of_resolution_202_is_flagged():
    wrong = merged_hung_yen(84.1)
    assert wrong["holds"].tolist() == [False]
    assert wrong["explained"].tolist() == ["resolution_202_population"]
    assert merged_hung_yen(94.5)["holds"].tolist() == [True]


def test_no_coverage_rate_of_the_panel_stands_on_the_population_of_resolution_202():
    table = real_tables().identities
    rows = table[table["identity"] == "coverage_is_not_on_resolution_202"]
    assert len(rows) >= 9 and rows["holds"].all()
    readings = real_tables().readings
    free = readings["facts"].str.split(";").map(set(_resolution_facts()).isdisjoint).astype(bool)
    on_it = readings[~free]
    assert set(on_it["indicator"]) == {"population"}


def _resolution_facts():
    facts = real_raw().facts
    return facts.loc[facts["basis"] == "resolution_202_population", "row"].astype(str)
