"""Standing, doubt, season and denominator come from columns; what a note says decides nothing."""

import dataclasses

import pandas as pd
import pytest
from example_facts import fact, raw_with, real_raw, real_tables

from analysis.readings import build_readings
from analysis.readings.evidence import (
    DOUBTFUL,
    PLAIN,
    PROVISIONAL,
    SETTLED,
    denominator_version,
    describe,
    season,
    source_table,
)
from analysis.readings.targets import targets


def described(**columns):
    return describe(pd.DataFrame([fact(92.0, **columns)]), raw_with([fact(92.0)])).iloc[0]


@pytest.mark.parametrize(
    ("columns", "standing"),
    [
        ({}, PLAIN),
        ({"standing": "settled"}, SETTLED),
        ({"standing": "provisional"}, PROVISIONAL),
        ({"standing": "estimate"}, PROVISIONAL),
        ({"doubt": "year inferred"}, DOUBTFUL),
        ({"doubt": "text cut;contradiction"}, DOUBTFUL),
        ({"doubt": "date approximate;derived"}, PLAIN),
        ({"standing": "settled", "doubt": "possible slip"}, SETTLED),
        ({"as_of": "2023-01-31"}, PROVISIONAL),
    ],
)
def test_standing_comes_from_columns_and_from_the_day_of_printing(columns, standing):
    assert described(**columns)["standing"] == standing


@pytest.mark.parametrize(
    "note",
    ["settled figure", "provisional", "interim; ESTIMATE", "DOUBTFUL: probably a misprint",
     "year inferred", "old denominator", "ước thực hiện"],
)  # fmt: skip
def test_a_note_decides_nothing(note):
    with_note, without = described(note=note), described()
    columns = ["standing", "doubt", "season", "denominator_version", "lower", "upper"]
    assert with_note[columns].tolist() == without[columns].tolist()


def test_without_any_note_every_reading_and_target_is_the_same():
    raw = real_raw()
    silent = dataclasses.replace(raw, facts=raw.facts.assign(note=""))
    pd.testing.assert_frame_equal(build_readings(silent).readings, real_tables().readings)
    pd.testing.assert_frame_equal(targets(silent), targets(raw))


def test_the_real_notes_that_hint_at_doubt_have_one_in_the_column():
    raw, readings = real_raw(), real_tables().readings
    actual = raw.facts[raw.facts["kind"] == "actual"]
    words = (
        "inferred|DOUBTFUL|CONFLICTS|DEDUCED|DERIVED|inconsistent|contradiction|to verify|read cut"
    )
    hinting = actual[actual["note"].str.contains(words)]
    assert len(hinting) > 50 and (hinting["doubt"] != "").all()
    assert (readings["doubt"] != "").sum() > 150


@pytest.mark.parametrize(
    ("words", "standing"),
    [
        (r"ESTIMATE|^estimate\b|likely an estimate", {"estimate"}),
        (r"^settled|annual financial settlement|\bsettled vs\b", {"settled"}),
    ],
)
def test_the_real_notes_that_name_a_standing_have_it_in_the_column(words, standing):
    facts = real_raw().facts
    named = facts[(facts["kind"] == "actual") & facts["note"].str.contains(words)]
    assert len(named) > 5 and set(named["standing"]) == standing


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2022-12-31", "year_end"),
        ("2022-12-28", "year_end"),
        ("2022-12-27", "interim"),
        ("2022-11-30", "interim"),
    ],
)
def test_seasons(day, expected):
    assert season(pd.Series([pd.Timestamp(day)]))[0] == expected


def version(indicator, day, denominator="", basis=""):
    row = fact(50.0, indicator=indicator, as_of=day, denominator=denominator, basis=basis)
    return denominator_version(pd.DataFrame([row]))[0]


@pytest.mark.parametrize(
    ("indicator", "day", "denominator", "expected"),
    [
        ("hi_coverage", "2018-06-30", "", "pre_2019_census"),
        ("hi_coverage", "2020-06-30", "", "post_2019_census"),
        ("si_coverage", "2022-09-30", "", "labour_force_before_2022_10"),
        ("si_coverage", "2022-10-31", "", "labour_force_from_2022_10"),
        ("ui_coverage", "2025-03-31", "", "labour_force_from_2025"),
        ("si_coverage", "2022-09-30", "labour_force_restated", "labour_force_restated"),
        ("ui_coverage", "2022-12-31", "labour_force_before_2022_10",
         "labour_force_before_2022_10"),
        ("si_coverage", "2022-10-31", "labour_force_working_age", "labour_force_from_2022_10"),
        ("hi_participants", "2022-12-31", "", ""),
        ("late_payment_rate", "2022-12-31", "", ""),
    ],
)  # fmt: skip
def test_denominator_versions(indicator, day, denominator, expected):
    assert version(indicator, day, denominator) == expected


def test_a_named_census_population_comes_first():
    assert version("hi_coverage", "2019-12-31", basis="post_2019_census_population") == (
        "post_2019_census"
    )


def test_offices_and_voices():
    sources = source_table(real_raw().sources)
    official = sources["official"]
    assert official["S391"], "the agency's own site"
    assert official["S333"], "the agency without an address"
    assert official["S002"], "a provincial portal"
    assert not official["S255"], "a newspaper"
    assert not official["S379"], "a broadcaster under gov.vn"
    groups = sources["group"]
    assert groups["S333"] == groups["S408"], "one text, with and without its address"
    assert groups["S266"] == groups["S337"], "a reprint has the same title"
    assert groups["S045"] == groups["S047"], "two pages of one newspaper"
    assert groups["S253"] != groups["S157"]
