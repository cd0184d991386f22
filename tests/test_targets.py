"""Targets: who set them, since when they were known, and which one a unit is held against."""

import pandas as pd
import pytest
from example_facts import fact, raw_with, real_raw

from analysis.facts.tables import SETTERS
from analysis.readings.targets import for_unit, known_at, targets
from analysis.report import describe

DUE = "2025-12-31"
LEVELS = ("province_63", "province_34")


@pytest.fixture(scope="module")
def table():
    return targets(real_raw())


def made(*given):
    """The targets that come of facts with these columns, each from a source of its own."""
    whole = {"kind": "target", "as_of": DUE, "setter": "province", "announced": "2023-05-31"}
    facts = [
        fact(95.0, **whole | columns, source_id=name)
        for name, columns in zip("ABCD", given, strict=False)
    ]
    return targets(raw_with(facts))


def test_the_note_decides_nothing():
    """Words that once made a Government target of 2022, derived, from a note in prose."""
    note = "derived: Decision 546/QD-TTg of 29/04/2022, Prime Minister; VSS; 2021-12-20"
    found = made({"note": note}).iloc[0]
    assert (found["setter"], found["derived"]) == ("province", False)
    assert found["announced"] == pd.Timestamp("2023-05-31")


def test_repeats_count_once_and_the_earliest_day_holds():
    central = {"setter": "government", "announced": "2022-04-29"}
    found = made({}, central | {"announced": "2022-05-10"}, central)
    assert found["setter"].tolist() == ["government", "province"]
    assert found["n_sources"].tolist() == [2, 1]
    assert found["announced"].tolist() == [pd.Timestamp("2022-04-29"), pd.Timestamp("2023-05-31")]


@pytest.mark.parametrize("standing", ["plan", "estimate"])
def test_a_draft_and_an_estimate_are_no_targets(standing):
    assert made({"standing": standing}, {"setter": "agency"})["setter"].tolist() == ["agency"]


@pytest.mark.parametrize(
    ("fact_row", "setter", "announced"),
    [
        ({"province_code": "01", "value": 95.15}, "government", "2022-04-29"),
        ({"province_code": "44", "value": 79.5}, "government", "2015-09-14"),
        ({"province_code": "15", "value": 100.0}, "province", "2025-11-17"),
        ({"province_code": "00", "due": "2026-12-31", "value": 48.1}, "agency", "2026-03-03"),
    ],
)
def test_setters_and_days_of_real_targets(table, fact_row, setter, announced):
    found = table
    for column, value in fact_row.items():
        found = found[found[column] == (pd.Timestamp(value) if column == "due" else value)]
    assert len(found) and set(found["setter"]) == {setter}
    assert set(found["announced"]) == {pd.Timestamp(announced)}


def test_targets_are_unique_and_complete(table):
    keys = ["geo_level", "province_code", "indicator", "basis", "due", "value", "setter"]
    assert not table.duplicated(keys).any()
    assert set(table["setter"]) == set(SETTERS)
    assert table["announced"].notna().all()
    rows = [int(row) for cell in table["facts"] for row in cell.split(";")]
    facts = real_raw().facts
    set_by_someone = (facts["kind"] == "target") & (facts["standing"] == "")
    assert sorted(rows) == sorted(facts.loc[set_by_someone, "row"])


def test_nothing_of_the_future_is_known(table):
    known = known_at(table, "2021-12-31")
    assert (known["announced"] <= pd.Timestamp("2021-12-31")).all()
    assert not known["sources"].str.contains("S320").any(), "Decision 546 came in April 2022"


def test_the_governments_target_comes_before_the_provinces_own(table):
    assert for_unit(table, "province_63", "01", "hi_coverage", DUE).value == 95.15
    assert for_unit(table, "province_63", "01", "hi_coverage", DUE).setter == "government"
    early = for_unit(table, "province_63", "89", "hi_coverage", DUE, origin="2021-12-31")
    assert (early.value, early.setter) == (95.0, "province")


def test_without_a_target_of_its_own_the_nationwide_one_stands_in(table):
    found = for_unit(table, "province_63", "84", "si_coverage", DUE)
    assert (found.value, found.setter) == (45.0, "nationwide")


@pytest.mark.parametrize(
    ("indicator", "value"), [("hi_coverage", 95), ("si_coverage", 45), ("ui_coverage", 35)]
)
def test_nationwide_yardsticks_of_2025(table, indicator, value):
    found = for_unit(table, "region", "R1", indicator, DUE)
    assert (found.value, found.setter) == (value, "nationwide")


def test_an_unknown_yardstick_is_an_error(table):
    with pytest.raises(KeyError, match="no nationwide target: hi_coverage, due 2050-12-31"):
        for_unit(table, "region", "R1", "hi_coverage", "2050-12-31")


@pytest.mark.parametrize("code", ["01", "04", "42"])
def test_a_province_that_did_not_merge_has_one_target_under_both_levels(table, code):
    held = [for_unit(table, level, code, "hi_coverage", DUE) for level in LEVELS]
    assert held[0] == held[1]
    assert held[0].setter != "nationwide"


def test_a_merged_unit_does_not_inherit_the_target_of_the_province_whose_code_it_keeps(table):
    """The city of before July 2025 had a target; with its two neighbours it is another unit."""
    assert for_unit(table, "province_63", "79", "hi_coverage", DUE).setter != "nationwide"
    assert for_unit(table, "province_34", "79", "hi_coverage", DUE).setter == "nationwide"


def test_targets_fit_their_description(table, tmp_path):
    from analysis.paths import write_table

    write_table(table, tmp_path / "targets.csv")
    assert describe.faults("targets", tmp_path) == []
