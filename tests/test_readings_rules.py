"""The ordered rules for conflicting figures, each alone and against the one after it."""

import pandas as pd
import pytest
from example_facts import fact, raw_with, source

from analysis.readings import read_published
from analysis.readings.conflicts import standing_of

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


# --------------------------------------------------------------------------------------------------
# What each rule compares, where figures touch, and what is told of the losers.
# --------------------------------------------------------------------------------------------------


def ruled(facts, sources=None):
    reading = only(facts, sources)
    return reading["value"], reading["rule"]


@pytest.mark.parametrize(
    ("qualifier", "sharp", "agree"),
    [("over", 92.9, True), ("over", 93.5, False), ("over", 89.0, False),
     ("under", 87.1, True), ("under", 86.5, False), ("under", 91.0, False)],
)  # fmt: skip
def test_a_vague_figure_reaches_two_widths_of_its_interval_to_its_own_side(qualifier, sharp, agree):
    sources = [source("A", published="2023-01-05"), source("B", published="2023-02-05")]
    facts = [fact(90, source_id="A", qualifier=qualifier), fact(sharp, source_id="B")]
    rule = "agree_within_rounding" if agree else "latest_publication"
    assert ruled(facts, sources) == (sharp, rule)


def test_what_one_rule_set_aside_does_not_come_back_with_the_next():
    facts = [
        fact(90.2, source_id="A", standing="settled"),
        fact(91.4, source_id="B", standing="settled"),
        fact(95.0, source_id="C", standing="provisional"),
    ]
    sources = [
        source("A", **VSS),
        source("B"),
        source("C", **VSS | {"url": "https://vss.gov.vn/2"}),
    ]
    assert ruled(facts, sources) == (90.2, "official_over_press")


def test_the_majority_is_sought_in_each_unit_apart():
    def said(code, *values):
        names = zip("ABC", values, strict=True)
        return [fact(value, source_id=name, province_code=code) for name, value in names]

    facts = [*said("89", 91.2, 91.2, 90.5), *said("91", 90.5, 91.2, 90.5), *said("94", 8, 9.5, 9.5)]
    found = read_published(raw_with(facts)).readings.set_index("province_code")
    assert found["value"].to_dict() == {"89": 91.2, "91": 90.5, "94": 9.5}
    assert set(found["rule"]) == {"majority_of_independent_sources"}


def test_intervals_that_touch_share_a_point():
    sources = [source("A"), source("B"), source("C", published="2023-05-05")]
    facts = [fact(91, source_id="A"), fact(92, source_id="B")]
    assert ruled(facts, sources[:2]) == (91, "agree_within_rounding")
    assert ruled([*facts, fact(95.0, source_id="C")], sources) == (
        91,
        "majority_of_independent_sources",
    )


@pytest.mark.parametrize("other", [90, 93])
def test_what_one_source_says_twice_is_one_voice_that_reaches_over_both(other):
    sources = [source("A"), source("B"), source("C", published="2023-05-05")]
    facts = [
        fact(91.2, source_id="A"),
        fact(91, source_id="A", qualifier="about"),
        fact(other, source_id="B", qualifier="about"),
        fact(99.0, source_id="C"),
    ]
    assert ruled(facts, sources) == (min(other, 91), "majority_of_independent_sources")


def test_a_site_that_repeats_its_figure_counts_from_the_first_day():
    sources = [
        source("A", url="https://paper.vn/1", published="2023-01-05"),
        source("B", url="https://paper.vn/2", published="2023-04-01"),
        source("C", published="2023-03-01"),
    ]
    facts = [fact(90.5, source_id="A"), fact(90.5, source_id="B"), fact(91.2, source_id="C")]
    assert ruled(facts, sources) == (91.2, "latest_publication")


def test_a_figure_without_a_day_of_publication_is_no_later_than_any_other():
    sources = [source("A", published=""), source("B", published="2023-01-01")]
    facts = [fact(91.2, source_id="A"), fact(90.5, source_id="B")]
    assert ruled(facts, sources)[0] == 90.5


@pytest.mark.parametrize(
    ("value", "qualifier", "vague"), [(91, "under", 90), (90, "over", 91)], ids=["under", "over"]
)
def test_a_figure_on_the_edge_of_what_all_allow_lies_inside(value, qualifier, vague):
    facts = [
        fact(value, source_id="A", qualifier=qualifier),
        fact(vague, source_id="B", qualifier="about"),
    ]
    assert ruled(facts) == (value, "agree_within_rounding")


@pytest.mark.parametrize(
    ("better", "office"),
    [({"standing": "settled"}, {}), ({}, VSS)],
    ids=["the settled one", "the official one"],
)
def test_of_figures_that_agree_and_are_as_sharp_the_better_founded_is_taken(better, office):
    facts = [fact(91, source_id="A"), fact(92, source_id="B", **better)]
    found = ruled(facts, [source("A"), source("B", **office)])
    assert found == (92, "agree_within_rounding")


def test_of_figures_that_agree_the_one_on_the_definition_in_force_is_taken():
    where = {"indicator": "si_coverage", "as_of": "2022-09-30"}
    facts = [
        fact(34, **where, denominator="labour_force_restated"),
        fact(35, **where, source_id="B"),
    ]
    reading = only(facts)
    assert (reading["value"], reading["rule"]) == (35, "agree_within_rounding")
    assert (reading["n_facts"], reading["sources"]) == (1, "B"), "another definition is no support"


@pytest.mark.parametrize(("press", "end", "other"), [(90.5, "lower", "upper"),
                                                     (92.0, "upper", "lower")])  # fmt: skip
def test_an_unexplained_rival_widens_the_interval_to_its_side_only(press, end, other):
    alone = only([fact(91.2)])
    facts = [
        fact(91.2, source_id="A"),
        fact(press, source_id="B"),
        fact(80.0, source_id="C", standing="provisional"),
        fact(99.0, source_id="C", standing="provisional"),
    ]
    reading = only(facts, [source("A", **VSS), source("B"), source("C")])
    assert reading["rule"] == "official_over_press"
    assert reading[end] == press
    assert reading[other] == alone[other], "provisional figures are explained"


def test_only_figures_that_differ_are_told_as_candidates():
    same = [fact(91.2, source_id="A"), fact(91.2, source_id="B")]
    assert read_published(raw_with(same)).candidates.empty
    other = {"province_code": "91"}
    facts = [
        *same,
        fact(93.0, source_id="A", **other),
        fact(92.97, source_id="B", **other),
        fact(70.0, source_id="C", **other, standing="provisional"),
    ]
    found = read_published(raw_with(facts)).candidates
    assert found["value"].tolist() == [70.0, 92.97, 93.0]
    assert found["fact"].tolist() == [6, 5, 4]
    assert found["outcome"].tolist() == ["set_aside", "accepted", "agrees"]
    assert set(found["rule"]) == {"settled_over_provisional"}
    assert found["spread"].tolist() == pytest.approx([23.0] * 3)


def test_a_reading_names_every_fact_and_source_that_agrees_in_order():
    facts = [
        fact(92.31, source_id="B"),
        fact(92.3, source_id="A"),
        fact(92, source_id="A"),
        fact(92.31, source_id="C", standing="provisional"),
    ]
    sources = [source(name, url="https://paper.vn/1" if name in "AB" else "") for name in "ABC"]
    reading = only(facts, sources)
    assert (reading["value"], reading["facts"], reading["sources"]) == (92.31, "2;3;4;5", "A;B;C")
    assert (reading["n_facts"], reading["n_sources"]) == (4, 2), "A and B are one paper"


@pytest.mark.parametrize(("standing", "goes"), [("", True), ("provisional", False)])
def test_only_a_count_that_is_not_provisional_sets_an_expectation_aside(standing, goes):
    facts = [
        fact(93.4, as_of="2022-06-30", standing="estimate", source_id="A"),
        fact(92.0, as_of="2022-11-30", standing=standing, source_id="B"),
    ]
    found = read_published(raw_with(facts))
    assert sorted(found.readings["value"]) == ([92.0] if goes else [92.0, 93.4])
    if goes:
        told = found.candidates.iloc[0]
        assert (told["value"], told["outcome"], told["spread"]) == (93.4, "left_out_expectation", 0)
        assert told["fact"] == 2


def test_a_reading_is_as_settled_as_the_best_of_its_facts_and_provisional_only_if_all_are():
    facts = [
        fact(92.0, standing=standing, source_id=name)
        for name, standing in zip("ABCD", ("settled", "provisional", "estimate", ""), strict=True)
    ] + [fact(92.0, source_id="E")]
    early = source("E", published="2022-12-20")
    raw = raw_with(facts, [*(source(name) for name in "ABCD"), early])
    cells = pd.DataFrame({"facts": ["2", "2;3", "3", "4", "3;4", "5", "3;5", "6", "3;6", "5;6"]})
    assert standing_of(cells, raw).tolist() == [
        "settled", "settled", "provisional", "provisional", "provisional",
        "", "", "provisional", "provisional", "",
    ]  # fmt: skip
