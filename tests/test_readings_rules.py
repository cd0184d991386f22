"""The ordered rules for conflicting figures, each alone and against the one after it."""

import pytest
from example_facts import fact, raw_with, source

from analysis.readings import read_published

VSS = {"publisher": "Viet Nam Social Security", "url": "https://vss.gov.vn/1"}


def only(facts, sources=None):
    rows = read_published(raw_with(facts, sources)).readings
    assert len(rows) == 1
    return rows.iloc[0]


def test_one_source_is_accepted_as_printed():
    reading = only([fact(92.31)])
    assert (reading["value"], reading["rule"]) == (92.31, "single_source")
    assert (reading["lower"], reading["upper"]) == (92.305, 92.315)


def test_equal_values_of_two_sources_agree():
    reading = only([fact(92.3, source_id="A"), fact(92.3, source_id="B")])
    assert (reading["rule"], reading["n_facts"], reading["n_sources"]) == ("sources_agree", 2, 2)
    assert reading["sources"] == "A;B"
    assert reading["facts"] == "2;3"


def test_a_rounded_and_a_sharp_figure_agree_and_the_sharp_one_is_taken():
    reading = only([fact(92, source_id="A", qualifier="about"), fact(92.31, source_id="B")])
    assert (reading["value"], reading["rule"]) == (92.31, "agree_within_rounding")


def test_over_does_not_contradict_a_higher_figure():
    facts = [fact(90, source_id="A", qualifier="over"), fact(92.1, source_id="B")]
    reading = only(facts)
    assert (reading["value"], reading["rule"]) == (92.1, "agree_within_rounding")


def test_of_two_vague_figures_the_one_inside_both_is_taken():
    facts = [
        fact(90, source_id="A", qualifier="over"),
        fact(92, source_id="B", qualifier="over"),
    ]
    assert only(facts)["value"] == 92


def test_settled_beats_provisional_though_it_is_press_and_older():
    facts = [
        fact(76.52, source_id="A", standing="provisional"),
        fact(74.7, source_id="B", standing="settled"),
    ]
    sources = [source("A", **VSS, published="2024-01-01"), source("B", published="2023-01-01")]
    reading = only(facts, sources)
    assert (reading["value"], reading["rule"]) == (74.7, "settled_over_provisional")


def test_a_figure_printed_before_its_date_is_provisional():
    facts = [fact(90.5, source_id="A"), fact(91.2, source_id="B")]
    sources = [source("A", published="2022-12-28"), source("B", published="2023-01-09")]
    assert only(facts, sources)["value"] == 91.2


def test_an_explained_conflict_does_not_widen_the_interval():
    facts = [fact(90.5, source_id="A", standing="provisional"), fact(91.2, source_id="B")]
    reading = only(facts)
    assert reading["lower"] == 91.15
    assert reading["upper"] == 91.25


def test_a_doubtful_figure_loses_against_any_other():
    facts = [fact(95.0, doubt="possible slip"), fact(91.2, source_id="B")]
    assert only(facts)["value"] == 91.2


def test_official_beats_the_press_and_the_interval_holds_both():
    facts = [fact(91.2, source_id="A"), fact(90.5, source_id="B")]
    sources = [source("A", **VSS), source("B", published="2024-01-01")]
    reading = only(facts, sources)
    assert (reading["value"], reading["rule"]) == (91.2, "official_over_press")
    assert reading["lower"] == 90.5


def test_the_definition_in_force_beats_a_later_restatement():
    where = {"indicator": "si_coverage", "as_of": "2022-09-30"}
    facts = [
        fact(34.84, **where, denominator="labour_force_before_2022_10"),
        fact(37.01, **where, source_id="B", denominator="labour_force_restated"),
        fact(37.01, **where, source_id="C", denominator="labour_force_restated"),
    ]
    reading = only(facts)
    assert (reading["value"], reading["rule"]) == (34.84, "definition_in_force")
    assert reading["denominator_version"] == "labour_force_before_2022_10"


def test_the_majority_of_independent_sources_decides():
    facts = [fact(91.2, source_id="A"), fact(91.2, source_id="B"), fact(90.5, source_id="C")]
    sources = [
        source("A", published="2023-01-05"),
        source("B", published="2023-01-06"),
        source("C", published="2023-02-01"),
    ]
    reading = only(facts, sources)
    assert (reading["value"], reading["rule"]) == (91.2, "majority_of_independent_sources")
    assert reading["lower"] == 90.5


def test_pages_of_one_site_and_reprints_are_one_voice():
    facts = [fact(90.5, source_id=name) for name in "ABC"] + [fact(91.2, source_id="D")]
    sources = [
        source("A", url="https://www.paper.vn/1", published="2023-01-05"),
        source("B", url="https://en.paper.vn/2", published="2023-01-05"),
        source("C", url="https://other.vn/3", title="Title A", published="2023-01-05"),
        source("D", published="2023-01-06"),
    ]
    reading = only(facts, sources)
    assert (reading["value"], reading["rule"]) == (91.2, "latest_publication")


def test_a_vague_figure_does_not_win_the_majority_by_being_vague():
    people = {"indicator": "hi_participants", "geo_level": "country", "province_code": "00"}
    facts = [
        fact(85_300_000, **people, source_id="A", qualifier="about"),
        fact(85_390_000, **people, source_id="B", qualifier="about"),
        fact(85_636_000, **people, source_id="C", qualifier="about"),
        fact(86_000_000, **people, source_id="D", qualifier="under"),
    ]
    reading = only(facts)
    assert (reading["value"], reading["rule"]) == (85_390_000, "majority_of_independent_sources")


def test_the_latest_publication_decides_last():
    facts = [fact(91.2, source_id="A"), fact(90.5, source_id="B")]
    sources = [source("A", published="2023-01-05"), source("B", published="2023-03-05")]
    reading = only(facts, sources)
    assert (reading["value"], reading["rule"]) == (90.5, "latest_publication")


def test_what_no_rule_settles_is_left_out_and_named():
    found = read_published(raw_with([fact(96.3, source_id="A"), fact(96.6, source_id="B")]))
    assert found.readings.empty
    assert set(found.candidates["outcome"]) == {"left_out_unsettled"}
    assert list(found.candidates["value"]) == [96.3, 96.6]


def test_all_candidates_stay_with_the_spread():
    facts = [fact(90.5, source_id="A", standing="provisional"), fact(91.2, source_id="B")]
    conflicts = read_published(raw_with(facts)).candidates
    assert dict(zip(conflicts["value"], conflicts["outcome"], strict=True)) == {
        90.5: "set_aside",
        91.2: "accepted",
    }
    assert conflicts["spread"].tolist() == pytest.approx([0.7, 0.7])


def test_unknown_and_known_bases_are_kept_apart():
    where = {"indicator": "late_payment_rate"}
    facts = [
        fact(8.37, **where, basis="total"),
        fact(2.87, **where, basis="interest_bearing"),
        fact(3.5, **where, basis="unspecified"),
    ]
    rows = read_published(raw_with(facts)).readings
    assert dict(zip(rows["basis"], rows["value"], strict=True)) == {
        "total": 8.37,
        "interest_bearing": 2.87,
        "unspecified": 3.5,
    }
    assert set(rows["rule"]) == {"single_source"}


def test_one_statement_recorded_under_three_dates_counts_once_at_the_first():
    where = {"indicator": "employers_late", "basis": "ge_6_months"}
    days = ["2025-03-31", "2025-04-01", "2025-04-05"]
    reading = only([fact(319, **where, as_of=day) for day in days])
    assert reading["as_of"].strftime("%Y-%m-%d") == "2025-03-31"
    assert (reading["n_facts"], reading["n_sources"]) == (3, 1)


def test_the_same_value_a_year_later_is_another_reading():
    facts = [fact(92.9, as_of="2022-12-31"), fact(92.9, as_of="2023-02-28")]
    rows = read_published(raw_with(facts)).readings
    assert list(rows["season"]) == ["year_end", "interim"]
