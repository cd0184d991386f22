"""What became of the targets: met, not met, or not said."""

import pandas as pd
import pytest
from example_facts import fact, raw_with, real_raw, real_tables, source

from analysis.findings import outcomes
from analysis.findings.coverage import Tables
from analysis.paths import write_table
from analysis.readings import build_readings
from analysis.readings.targets import targets
from analysis.report import describe

DUE = "2022-12-31"
COVERAGE = "hi_coverage"


def goal(value=92.0, **given):
    whole = {"kind": "target", "setter": "province", "announced": "2021-06-01", "source_id": "G"}
    return fact(value, **whole | given)


def made(*facts, sources=None, until="2023-12-31"):
    raw = raw_with([*facts], sources)
    tables = Tables(build_readings(raw).readings, targets(raw), raw)
    return outcomes.outcomes(tables, until)


@pytest.fixture(scope="module")
def tables():
    raw = real_raw()
    return Tables(real_tables().readings, targets(raw), raw)


@pytest.fixture(scope="module")
def real(tables):
    return outcomes.outcomes(tables)


def only(table, **where):
    for column, value in where.items():
        wanted = pd.Timestamp(value) if column == "due" else value
        table = table[table[column] == wanted]
    assert len(table) == 1, f"{len(table)} rows for {where}"
    return table.iloc[0]


@pytest.mark.parametrize(
    ("value", "qualifier", "met"),
    [
        (92.01, "exact", "yes"),
        (92, "exact", "yes"),
        (91.99, "exact", "no"),
        (92, "over", "yes"),
        (91, "over", "not_known"),
        (92, "under", "no"),
        (93, "under", "not_known"),
        (92, "about", "yes"),
    ],
)
def test_a_printed_figure_is_compared_as_printed(value, qualifier, met):
    target = 92.0 if qualifier != "over" or value != 91 else 91.5
    target = 92.5 if (value, qualifier) == (93, "under") else target
    row = made(goal(target), fact(value, qualifier=qualifier)).iloc[0]
    assert row["met"] == met
    assert row["why"] == ("too_vague" if met == "not_known" else "")


def test_no_figure_is_a_result_and_says_why():
    silent = made(goal(), fact(88.0, province_code="91"))
    assert silent[["met", "why"]].to_numpy().tolist() == [["not_known", "no_figure"]]
    during = made(goal(), fact(95.0, as_of="2022-11-30"))
    assert during[["met", "why"]].to_numpy().tolist() == [["not_known", "interim_only"]]
    merged = made(goal(as_of="2025-12-31"), fact(95.0), until="2025-12-31")
    assert merged[["met", "why"]].to_numpy().tolist() == [["not_known", "merged"]]


def test_a_target_that_is_not_due_yet_has_no_outcome():
    assert made(goal(as_of="2024-12-31"), fact(95.0)).empty


def test_a_ceiling_is_met_from_below():
    late = {"indicator": "late_payment_rate", "basis": "total"}
    row = made(goal(3.0, **late), fact(2.5, **late)).iloc[0]
    assert row["met"] == "yes" and row["met_official"] == ""
    assert made(goal(3.0, **late), fact(3.1, **late)).iloc[0]["met"] == "no"


def test_the_first_print_counts_from_the_due_day_and_makes_a_figure_provisional():
    facts = [goal(), fact(93.0, source_id="A"), fact(93.0, source_id="B")]
    early = [source("G"), source("A", published="2022-12-20"), source("B", published="2022-12-25")]
    row = made(*facts, sources=early).iloc[0]
    assert (row["days_to_print"], row["standing"]) == (-11, "provisional")
    late = [source("G"), source("A", published="2023-01-10"), source("B", published="2022-12-25")]
    row = made(*facts, sources=late).iloc[0]
    assert (row["days_to_print"], row["standing"]) == (-6, "")


def test_an_earlier_target_of_the_same_setter_is_superseded():
    found = made(
        goal(91.0), goal(94.0, announced="2022-03-01"), goal(90.0, setter="agency"), fact(93.0)
    ).set_index("target")
    assert found.loc[91.0, "superseded_by"] == 94.0
    assert found["superseded_by"].notna().tolist() == [False, True, False]
    assert found.loc[94.0, "held"] and not found.loc[91.0, "held"]


def test_met_as_reported_can_be_missed_on_the_official_population():
    people = fact(1_700_000, indicator="hi_participants")
    row = made(goal(92.0), fact(93.0), people).iloc[0]
    assert (row["met"], row["met_official"]) == ("yes", "no")
    assert row["official"] < 92


@pytest.mark.parametrize(
    ("indicator", "reading", "official"),
    [("hi_coverage", 95.16, "no"), ("si_coverage", 45.1, ""), ("ui_coverage", 35.07, "")],
)
def test_the_country_at_the_end_of_2025(real, indicator, reading, official):
    row = only(real, geo_level="country", indicator=indicator, due="2025-12-31", held=True)
    assert (row["reading"], row["met"], row["standing"]) == (reading, "yes", "provisional")
    assert row["met_official"] == official
    assert row["days_to_print"] == -11


def test_superseded_targets_of_2025_stay_visible(real):
    ui = {"province_code": "01", "indicator": "ui_coverage", "due": "2025-12-31"}
    assert only(real, **ui, target=40.0)["superseded_by"] == 45.0
    assert only(real, **ui, target=45.0)["held"]
    lang_son = only(real, province_code="20", indicator=COVERAGE, due="2025-12-31")
    assert lang_son["target"] == 98.0
    assert lang_son["announced"] == pd.Timestamp("2025-08-31")
    assert (lang_son["met"], lang_son["why"]) == ("not_known", "no_figure")


def test_nearly_95_in_ho_chi_minh_city_does_not_meet_95(tables):
    ended = outcomes.of_units(tables, "2025-12-31").table
    row = only(ended, province_code="79", indicator=COVERAGE)
    assert (row["reading"], row["word"], row["met"]) == (95.0, "under", "no")


def test_every_unit_of_today_has_an_answer_and_the_country_comes_first(tables):
    ended = outcomes.of_units(tables, "2025-12-31").table
    for _, rows in ended.groupby("indicator"):
        assert rows["geo_level"].tolist() == ["country"] + ["province_34"] * 34
        assert set(rows["met"]) <= {"yes", "no", "not_known"}
    counts = outcomes.units(outcomes.of_units(tables, "2025-12-31")).table
    total = counts[["units_met", "units_missed", "units_silent"]].sum(axis=1)
    assert total.tolist() == [34, 34, 34]


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_chapter_says_who_met_who_did_not_and_who_has_not_said(tables, language):
    ended = outcomes.of_units(tables, "2025-12-31")
    text = outcomes.country(ended).text(language)
    for number in ("95,16", "94,8", "45,1", "35,07"):
        assert (number if language == "vi" else number.replace(",", ".")) in text
    silent = {"en": "have not said", "vi": "chưa công bố"}[language]
    assert outcomes.units(ended).text(language).count(silent) >= 3
    for result in (outcomes.units(ended), outcomes.named(ended)):
        assert len(result.written(language)) == len(result.table) > 0


def test_outcomes_fit_their_description(real, tmp_path):
    write_table(real, tmp_path / "outcomes.csv")
    assert describe.faults("outcomes", tmp_path) == []
