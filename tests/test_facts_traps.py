"""What the figures added in November 2026 hide: each trap is said in a column, none in a note."""

import importlib

import pandas as pd
import pytest
from example_facts import one_reading, real_raw, real_tables

from analysis.country import geography
from analysis.country.indicators import LATE_PAYMENT_BASES
from analysis.facts import corrected
from analysis.figures import brief


@pytest.fixture(scope="module")
def facts():
    return real_raw().facts


def where(facts, **columns):
    found = pd.Series(True, index=facts.index)
    for name, value in columns.items():
        found &= facts[name] == value
    return facts[found]


@pytest.mark.parametrize(
    ("province", "said", "doubt"),
    [
        ("Hai Duong", "year taken from the article number", "year inferred"),
        ("Ho Chi Minh City", "date taken from the article number", "date approximate"),
        ("Dak Nong", "date not given", "date approximate"),
        ("Hai Phong", "date from the article number", "date approximate"),
        ("Ca Mau", "year from article number", "year inferred"),
        ("Kon Tum", "text undated", "year inferred|date approximate"),
        ("Bac Giang", "year from the series", "year inferred"),
        ("Bac Giang", "gives the year inconsistently", "contradiction"),
        ("Dien Bien", "DEDUCED", "unit inferred"),
        ("Lang Son", "province by", "unit inferred"),
        ("Dak Lak", "inferred", "unit inferred"),
    ],
)
def test_days_and_units_that_a_reader_inferred_are_doubtful_and_not_silent(
    facts, province, said, doubt
):
    rows = where(facts, province=province)
    rows = rows[rows["note"].str.contains(said, regex=False)]
    assert len(rows) and rows["doubt"].str.contains(doubt).all()


def test_what_was_deduced_for_dien_bien_stays_marked():
    for day in ("2022-12-31", "2023-09-30"):
        found = one_reading(
            real_tables(), province_code="11", indicator="hi_coverage", as_of=day, basis=""
        )
        assert "unit inferred" in found["doubt"]


def test_a_range_of_targets_is_its_middle_about_and_the_agencys(facts):
    rows = facts[facts["note"].str.contains("range of 10 to 11%", regex=False)]
    assert len(rows) == 8 and set(rows["kind"]) == {"target"}
    assert set(rows["value"]) == {10.5} and set(rows["qualifier"]) == {"about"}
    assert set(rows["setter"]) == {"agency"}
    assert set(rows["announced"]) == {pd.Timestamp("2019-04-10")}


def test_rates_of_a_school_year_stand_at_its_end(facts):
    rows = where(facts, indicator="hi_student_coverage")
    by_year = rows[rows["note"].str.contains("its end by convention", regex=False)]
    assert len(by_year) >= 4
    assert set(by_year["as_of"].dt.strftime("%m-%d")) == {"06-30"}


def test_employers_late_always_say_on_which_definition(facts):
    rows = corrected(real_raw())
    rows = where(rows, indicator="employers_late")
    assert len(rows) > 80 and set(rows["basis"]) <= set(LATE_PAYMENT_BASES) - {""}
    two_months = rows[rows["note"].str.contains("late 2 MONTHS or more", regex=False)]
    assert two_months["basis"].tolist() == ["ge_2_months"]


def test_a_count_of_first_six_months_is_not_one_of_six_months_late(facts):
    rows = where(facts, province_code="74", source_id="S324")
    assert set(rows["basis"]) == {"ge_1_month"}


def test_amounts_of_a_part_of_the_debtors_are_no_readings():
    """Of 25,000 employers who owe 1 to 3 months, and of 6,400 who owe more than 12."""
    table = real_tables().readings
    rows = table[
        (table["geo_level"] == "province_63")
        & (table["province_code"] == "79")
        & (table["as_of"] == pd.Timestamp("2022-04-30"))
    ]
    assert "late_payment_amount" not in set(rows["indicator"])
    late = rows[rows["indicator"].str.startswith(("late_payment", "employers"))]
    assert set(late["basis"]) == {"total"} and "late_payment_rate" in set(late["indicator"])


def test_the_law_of_july_2025_is_two_dated_events_with_what_they_bear_on():
    events = real_raw().policy_events
    law = events[
        (events["date"] == "2025-07-01")
        & events["event"].str.startswith("Law on Social Insurance 2024 in force")
    ]
    assert len(law) == 2
    affected = law["affects"].str.cat(sep="|")
    assert "si_compulsory_participants" in affected and "late_payment_rate" in affected


def test_hue_is_the_territory_of_thua_thien_hue_with_an_event_of_its_own():
    events = real_raw().policy_events
    hue = events[events["event"].str.startswith("Hue becomes a city")]
    assert hue["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-01"]
    assert geography.members("46") == ["46"]


def test_drafts_and_expectations_are_targets_of_nobody(facts):
    from analysis.readings.targets import targets

    rows = facts[(facts["kind"] == "target") & facts["standing"].isin(["plan", "estimate"])]
    assert len(rows) >= 4
    known = {row for cell in targets(real_raw())["facts"] for row in str(cell).split(";")}
    assert not {str(row) for row in rows["row"]} & known


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        ("country.breaks.DECISION_861", "Decision 861/QD-TTg applied"),
        ("country.breaks.DECREE_75", "Decree 75/2023"),
        ("country.breaks.LABOUR_FORCE_BREAK", "VSS changes the labour-force denominator"),
        ("country.breaks.MERGER", "34 provinces replace 63"),
        ("country.breaks.RESOLUTION_202", "Resolution 202/2025/QH15"),
        ("country.breaks.SOCIAL_INSURANCE_LAW", "Law on Social Insurance 2024 in force"),
        ("drivers.windows.TAKEN", "Decision 861/QD-TTg applied"),
        ("drivers.windows.GIVEN", "Decree 75/2023"),
        ("forecast.space.STEP", "Decision 861/QD-TTg applied"),
        ("forecast.space.NEW_BASE", "VSS changes the labour-force denominator"),
    ],
)
def test_a_date_of_a_rule_in_code_is_that_of_the_table(place, rule):
    module, name = place.rsplit(".", 1)
    events = real_raw().policy_events
    days = set(events.loc[events["event"].str.startswith(rule), "date"])
    assert days == {getattr(importlib.import_module(f"analysis.{module}"), name)}


def test_events_with_a_short_name_on_charts_are_in_the_table():
    days = real_raw().policy_events["date"].dt.strftime("%Y-%m-%d")
    assert set(brief._EVENTS) <= set(days)
