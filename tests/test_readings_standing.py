"""Standing, doubt, season and denominator come from columns; what a note says decides nothing."""

import dataclasses

import pandas as pd
import pytest
from example_facts import fact, raw_with, real_raw, real_tables, source

from analysis.readings import build_readings
from analysis.readings.evidence import (
    DOUBTFUL,
    PLAIN_STANDING,
    PROVISIONAL,
    SETTLED_STANDING,
    dated_once,
    denominator_version,
    describe,
    season_of,
    source_table,
)
from analysis.readings.targets import targets


def described(**columns):
    return describe(pd.DataFrame([fact(92.0, **columns)]), raw_with([fact(92.0)])).iloc[0]


@pytest.mark.parametrize(
    ("columns", "standing"),
    [
        ({}, PLAIN_STANDING),
        ({"standing": "settled"}, SETTLED_STANDING),
        ({"standing": "provisional"}, PROVISIONAL),
        ({"standing": "estimate"}, PROVISIONAL),
        ({"doubt": "year inferred"}, DOUBTFUL),
        ({"doubt": "text cut;contradiction"}, DOUBTFUL),
        ({"doubt": "date approximate;derived"}, PLAIN_STANDING),
        ({"standing": "settled", "doubt": "possible slip"}, SETTLED_STANDING),
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
    assert season_of(pd.Series([pd.Timestamp(day)]))[0] == expected


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


# --------------------------------------------------------------------------------------------------
# Offices, voices and days of sources made for it; statements that one text makes once.
# --------------------------------------------------------------------------------------------------


def table_of(*rows):
    return source_table(raw_with([fact(92.0)], list(rows)).sources)


@pytest.mark.parametrize(
    ("url", "publisher", "official"),
    [
        ("https://baohiemxahoi.gov.vn/a", "Paper", True),
        ("https://baochinhphu.chinhphu.vn/a", "Paper", True),
        ("https://www.issa.int/a", "Paper", True),
        ("https://vov.gov.vn/a", "Paper", False),
        ("https://en.vov.gov.vn/a", "Paper", False),
        ("https://gov.vn.paper.com/a", "Paper", False),
        ("https://mygov.vn.com/a", "Paper", False),
        ("https://paper.vn/a", "Bảo hiểm xã hội tỉnh An Giang", True),
        ("", "VSS of An Giang", True),
        ("", "VSSX", False),
        ("", "Province portal", True),
        ("", "An Giang CDC", True),
        ("https://paper.vn/a", "Paper on social insurance", False),
    ],
)
def test_an_office_is_known_by_its_address_or_its_name(url, publisher, official):
    found = table_of(source("A", url=url, publisher=publisher))["official"]
    assert found.tolist() == [official] and found.index.tolist() == ["A"]


def test_voices_are_one_by_site_or_title_directly_or_by_a_chain():
    found = table_of(
        source("A", url="https://www.paper.vn/1", title="One"),
        source("B", url="https://m.paper.vn/2", title="Two"),
        source("C", url="https://other.vn/1", title="TWO"),
        source("D", url="https://third.vn/1", title="Three"),
        source("E", url="", publisher="A Paper", title="Five"),
        source("F", url="", publisher="a paper", title="Six"),
        source("G", url="https://news.www.vn/1", title="Seven"),
    )["group"]
    assert found["A"] == found["B"] == found["C"]
    assert found["E"] == found["F"]
    assert found[["A", "D", "E", "G"]].nunique() == 4


def test_a_fact_has_the_day_and_the_voice_of_its_own_source():
    facts = pd.DataFrame([fact(92.0, source_id="B"), fact(93.0, source_id="A")])
    sources = [source("A", published="2023-01"), source("B", url="https://x.gov.vn/1")]
    found = describe(facts, raw_with([fact(92.0)], sources))
    days = [pd.Timestamp("2023-01-05"), pd.Timestamp("2023-01-31")]
    assert found["published_on"].tolist() == days
    assert found["official"].tolist() == [True, False]
    assert found["group"].nunique() == 2
    assert found["estimate"].tolist() == [False, False]
    assert found[["lower", "upper"]].to_numpy().ravel().tolist() == [91.5, 92.5, 92.5, 93.5]
    assert "lower" not in facts, "the facts themselves stay as they are"


def test_an_estimate_is_marked_and_counts_as_provisional():
    found = described(standing="estimate")
    assert found["estimate"] and found["standing"] == PROVISIONAL
    assert not described(standing="provisional")["estimate"]


@pytest.mark.parametrize(
    ("indicator", "day", "expected"),
    [
        ("hi_coverage", "2019-12-31", "pre_2019_census"),
        ("hi_coverage", "2020-01-01", "post_2019_census"),
        ("si_coverage", "2022-10-01", "labour_force_from_2022_10"),
        ("si_coverage", "2024-12-31", "labour_force_from_2022_10"),
        ("si_coverage", "2025-01-01", "labour_force_from_2025"),
    ],
)
def test_a_denominator_changes_on_its_day(indicator, day, expected):
    assert version(indicator, day) == expected


def test_a_figure_without_a_stated_denominator_is_judged_by_the_one_in_force():
    row = fact(50.0, indicator="si_coverage", as_of="2022-12-31",
               denominator="labour_force_before_2022_10")  # fmt: skip
    table = pd.DataFrame([row])
    assert denominator_version(table)[0] == "labour_force_before_2022_10"
    assert denominator_version(table, as_stated=False)[0] == "labour_force_from_2022_10"
    bare = table.drop(columns="denominator")
    assert denominator_version(bare)[0] == "labour_force_from_2022_10"


def test_one_statement_within_twenty_days_is_moved_to_its_first_day():
    days = ["2023-04-05", "2023-03-31", "2023-04-25", "2023-05-16"]
    rows = [fact(92.0, as_of=day) | {"row": row} for row, day in enumerate(days, start=2)]
    rows += [
        fact(92.0, as_of="2023-04-01", province_code="91") | {"row": 6},
        fact(92.0, as_of="2023-04-01", source_id="B") | {"row": 7},
        fact(92.0, as_of="2023-04-01", qualifier="over") | {"row": 8},
        fact(92.1, as_of="2023-04-01") | {"row": 9},
    ]
    found = dated_once(pd.DataFrame(rows))
    assert found["row"].tolist() == list(range(2, 10))
    first = ["2023-03-31"] * 3 + ["2023-05-16"] + ["2023-04-01"] * 4
    assert found["as_of"].tolist() == [pd.Timestamp(day) for day in first]
    assert found["restated"].tolist() == [True, False, True] + [False] * 5
