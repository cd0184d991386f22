"""What the notes of the facts mean for standing, doubt, season and denominator."""

import pandas as pd
import pytest
from example_facts import fact, real_raw, real_tables

from analysis.readings.evidence import NoteTable, denominator_version, season, source_table


def table(note):
    return NoteTable(pd.Series([note]))


@pytest.mark.parametrize(
    "note",
    [
        "provisional",
        "interim; estimate",
        "interim estimate",
        "estimate of 25 Dec 2020",
        "estimate to end of December 2024",
        "estimate; exceeds HI by 135,680",
        "published 28 Dec 2019, so an estimate for year-end",
        "year-end estimate (uoc thuc hien), excludes police and army",
        "year 2020 result reported in December",
        "five months, expected",
        "provisional; settled figure 227,506 (another source)",
    ],
)
def test_provisional(note):
    assert table(note).provisional[0]
    assert not table(note).settled[0]


@pytest.mark.parametrize(
    "note",
    [
        "source: exceeded the 2020 revenue estimate by 1 percent",
        "estimated 2022 population",
        "interim; of active population",
        "",
    ],
)
def test_not_provisional(note):
    assert not table(note).provisional[0]


@pytest.mark.parametrize(
    "note",
    [
        "settled figure, provisional was 551,000",
        "VSS annual financial settlement series 2010-2017; year as stated",
        "another source gives 76.52%: 68.5m settled vs about 70m provisional",
    ],
)
def test_settled(note):
    assert table(note).settled[0]


@pytest.mark.parametrize(
    ("note", "doubt"),
    [
        ("interim; year inferred 2019 (levels match)", "year inferred"),
        ("interim; year implied by comparison with 2018", "year inferred"),
        ("interim; DOUBTFUL: 3x the 7,299 of end-2021, possibly a misprint", "possible slip"),
        ("interim; CONFLICTS with 86.25% at 30 Sep 2022", "contradiction"),
        ("interim; amount and rate look mutually inconsistent", "contradiction"),
        ("interim; date = publication date, article gives no cut-off", "date approximate"),
        ("interim; text read cut after mandator(y)", "text cut"),
        ("interim; province identified by the vice chairman named", "unit inferred"),
        ("text: share of labour; denominator not stated", "definition unsure"),
    ],
)
def test_doubts(note, doubt):
    assert doubt in table(note).doubt[0].split(";")


def test_the_real_notes_that_hint_at_doubt_are_all_marked():
    raw, readings = real_raw(), real_tables().readings
    actual = raw.facts[raw.facts["kind"] == "actual"]
    words = "inferred|DOUBTFUL|CONFLICTS|inconsistent|contradiction|to verify|read cut"
    hinting = actual[actual["note"].str.contains(words)]
    notes = NoteTable(hinting["note"])
    assert all(notes.doubt)
    assert (readings["doubt"] != "").sum() > 150


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


def version(indicator, day, note="", basis=""):
    row = fact(50.0, indicator=indicator, as_of=day, note=note, basis=basis)
    facts = pd.DataFrame([row])
    return denominator_version(facts, NoteTable(facts["note"]))[0]


@pytest.mark.parametrize(
    ("indicator", "day", "note", "expected"),
    [
        ("hi_coverage", "2018-06-30", "", "pre_2019_census"),
        ("hi_coverage", "2020-06-30", "", "post_2019_census"),
        ("si_coverage", "2022-09-30", "", "labour_force_before_2022_10"),
        ("si_coverage", "2022-10-31", "", "labour_force_from_2022_10"),
        ("ui_coverage", "2025-03-31", "", "labour_force_from_2025"),
        ("si_coverage", "2022-09-30", "interim; new denominator", "labour_force_restated"),
        ("ui_coverage", "2022-12-31", "fits the older, wider labour force",
         "labour_force_before_2022_10"),
        ("hi_participants", "2022-12-31", "", ""),
        ("late_payment_rate", "2022-12-31", "", ""),
    ],
)  # fmt: skip
def test_denominator_versions(indicator, day, note, expected):
    assert version(indicator, day, note) == expected


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
