"""Targets: who set them, since when they were known, and which one a unit is held against."""

import pandas as pd
import pytest
from example_facts import fact, raw_with, real_raw, source

from analysis import datapackage
from analysis.targets import SETTERS, for_unit, known_at, setter, targets

DUE = "2025-12-31"
LEVELS = ("province_63", "province_34")


@pytest.fixture(scope="module")
def table():
    return targets(real_raw())


def made(notes, published="2023-05"):
    facts = [
        fact(95.0, kind="target", as_of=DUE, note=note, source_id=name)
        for name, note in zip("ABCD", notes, strict=False)
    ]
    sources = [source(row["source_id"], published=published) for row in facts]
    return targets(raw_with(facts, sources))


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("Decision 546/QD-TTg (2022) appendix, assigned to the provincial People's Committee",
         "government"),
        ("Prime Minister decision", "government"),
        ("National Assembly resolution on 2024 plan", "government"),
        ("Resolution 03-NQ/TU of Provincial Party Committee, 10 Dec 2021", "province"),
        ("People's Committee Decision 828/QD-UBND (20/12/2021)", "province"),
        ("city People's Committee goal for end-2018", "province"),
        ("provincial social insurance target", "agency"),
        ("Ha Noi SI emulation letter 947/BHXH-TCCB for 2024", "agency"),
        ("VSS goal for 2021", "agency"),
        ("city SI agency aim for 2019", "agency"),
    ],
)  # fmt: skip
def test_setters(note, expected):
    assert setter(note) == expected


@pytest.mark.parametrize(
    ("note", "day"),
    [
        ("Decision 546/QD-TTg appendix", "2022-04-29"),
        ("Decision 1167/QD-TTg", "2016-06-28"),
        ("Prime Minister 2015 assignment (superseded by Decision 1167/QD-TTg)", "2023-05-31"),
        ("People's Committee Decision 828/QD-UBND (20/12/2021)", "2021-12-20"),
        ("Decision 148/QD-UBND of 2024-01-26", "2024-01-26"),
        ("Resolution 03-NQ/TU of Provincial Party Committee, 10 Dec 2021", "2021-12-10"),
        ("UBND action programme for Directive 08-CT/TU (8/7/2021)", "2023-05-31"),
        ("provincial goal", "2023-05-31"),
    ],
)
def test_the_day_from_which_a_target_is_known(note, day):
    assert made([note])["announced"].tolist() == [pd.Timestamp(day)]


def test_an_undated_target_is_not_known_before_it_is_due():
    assert made(["provincial goal"], published="")["announced"].tolist() == [pd.Timestamp(DUE)]
    found = made(["province target path set in 2016"], published="")["announced"]
    assert found.tolist() == [pd.Timestamp("2016-12-31")]


def test_repeats_count_once_and_the_earliest_day_holds():
    found = made(["provincial goal", "Decision 546/QD-TTg", "Decision 546/QD-TTg appendix"])
    assert found["setter"].tolist() == ["government", "province"]
    assert found["n_sources"].tolist() == [2, 1]


def test_targets_are_unique_and_complete(table):
    keys = ["geo_level", "province_code", "indicator", "basis", "due", "value", "setter"]
    assert not table.duplicated(keys).any()
    assert set(table["setter"]) == set(SETTERS)
    assert table["announced"].notna().all()
    rows = [int(row) for cell in table["facts"] for row in cell.split(";")]
    facts = real_raw().facts
    assert sorted(rows) == sorted(facts.loc[facts["kind"] == "target", "row"])


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
    assert datapackage.faults("targets", tmp_path) == []
