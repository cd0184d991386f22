"""Readings computed from others: arithmetic, lineage, and that none outranks a published one."""

import numpy as np
import pandas as pd
import pytest
from example_facts import fact, one_reading, raw_with, real_tables, tables_of

from analysis.readings import derived as readings_derived
from analysis.readings import read_published
from analysis.readings.covariates import official_population
from analysis.readings.derived import base_dates, implied_ratio

PEOPLE = {"qualifier": "exact"}


def derived(tables, **where):
    reading = one_reading(tables, **where)
    assert reading["kind_of_evidence"] == "derived"
    return reading


def test_compulsory_plus_voluntary_is_social_insurance():
    facts = [
        fact(119_736, indicator="si_compulsory_participants"),
        fact(17_863, indicator="si_voluntary_participants", source_id="B"),
    ]
    made = derived(tables_of(facts), indicator="si_participants")
    assert (made["value"], made["lower"], made["upper"]) == (137_599, 137_598, 137_600)
    assert (made["facts"], made["sources"], made["n_sources"]) == ("2;3", "A;B", 2)
    assert made["derived_from"].split(";") == [
        "province_63/89/si_compulsory_participants/2022-12-31",
        "province_63/89/si_voluntary_participants/2022-12-31",
    ]


def test_a_published_sum_is_not_replaced():
    facts = [
        fact(119_736, indicator="si_compulsory_participants"),
        fact(17_863, indicator="si_voluntary_participants"),
        fact(140_000, indicator="si_participants"),
    ]
    reading = one_reading(tables_of(facts), indicator="si_participants")
    assert (reading["value"], reading["kind_of_evidence"]) == (140_000, "published")


def test_the_missing_part_is_the_rest_of_the_sum():
    facts = [
        fact(137_599, indicator="si_participants"),
        fact(17_863, indicator="si_voluntary_participants"),
    ]
    made = derived(tables_of(facts), indicator="si_compulsory_participants")
    assert made["value"] == 119_736


def test_a_negative_rest_is_not_a_reading():
    facts = [
        fact(10_000, indicator="si_participants"),
        fact(17_863, indicator="si_voluntary_participants"),
    ]
    names = set(tables_of(facts).readings["indicator"])
    assert "si_compulsory_participants" not in names


def test_health_insurance_from_the_total_of_all_schemes():
    facts = [
        fact(970_443, indicator="total_participants"),
        fact(15_512, indicator="si_voluntary_participants"),
    ]
    assert derived(tables_of(facts), indicator="hi_participants", basis="")["value"] == 954_931


def test_no_health_insurance_from_a_total_beside_a_count_on_another_basis():
    facts = [
        fact(1_250_450, indicator="total_participants"),
        fact(17_000, indicator="si_voluntary_participants"),
        fact(1_278_316, indicator="hi_participants", basis="incl_residents_insured_elsewhere"),
    ]
    readings = tables_of(facts).readings
    assert readings[(readings["indicator"] == "hi_participants") & (readings["basis"] == "")].empty


def test_the_year_before_from_a_change_is_known_only_with_the_change():
    facts = [
        fact(1_401_636, indicator="hi_participants", as_of="2017-12-31"),
        fact(132_505, indicator="hi_participants_change", as_of="2017-12-31"),
    ]
    made = derived(tables_of(facts), indicator="hi_participants", as_of="2016-12-31", basis="")
    assert made["value"] == 1_269_131
    assert made["known_on"] == pd.Timestamp("2017-12-31")


@pytest.mark.parametrize(
    ("day", "versus", "base"),
    [
        ("2017-12-31", None, "2016-12-31"),
        ("2020-05-31", "2019-05-31", "2019-05-31"),
        ("2021-12-31", "2021-06-30", "2021-06-30"),
        ("2022-09-30", "2021-12-31", "2021-12-31"),
        ("2023-06-30", None, None),
        ("2023-10-31", None, None),
        ("2023-12-15", None, None),
    ],
)
def test_what_a_change_is_against(day, versus, base):
    days = {"as_of": pd.Timestamp(day), "versus": pd.Timestamp(versus) if versus else pd.NaT}
    changes = pd.DataFrame([days | {"note": "vs a year earlier"}])
    found = base_dates(changes).iloc[0]
    assert pd.isna(found) if base is None else found == pd.Timestamp(base)


def test_coverage_on_the_official_population_is_a_basis_of_its_own():
    tables = tables_of([fact(93.0), fact(1_700_000, indicator="hi_participants")])
    made = derived(tables, indicator="hi_coverage", basis="official_population")
    assert made["value"] == pytest.approx(170e6 / official_population("89", "2022-12-31"))
    assert one_reading(tables, indicator="hi_coverage", basis="")["value"] == 93.0


def test_more_participants_than_people_give_no_rate():
    persons = official_population("94", "2020-12-31")
    facts = [fact(1.04 * persons // 1, indicator="hi_participants", province_code="94")]
    assert set(tables_of(facts).readings["indicator"]) == {"hi_participants"}


def test_a_published_denominator_gives_rate_or_count():
    facts = [
        fact(436_210, indicator="labour_force_working_age"),
        fact(59_177, indicator="si_participants"),
        fact(9.5, indicator="ui_coverage"),
    ]
    tables = tables_of(facts)
    assert derived(tables, indicator="si_coverage")["value"] == pytest.approx(13.566, abs=1e-3)
    assert derived(tables, indicator="ui_participants")["value"] == pytest.approx(41_439.95)


def test_late_payment_over_annualised_collections_in_days():
    facts = [
        fact(100, indicator="late_payment_amount", basis="total", as_of="2023-06-30"),
        fact(1000, indicator="collections", as_of="2023-06-30"),
    ]
    tables = tables_of(facts)
    rate = derived(tables, indicator="late_payment_rate", basis="total")
    passed = 181 / 365
    come = passed - 0.18 * passed * (1 - passed)
    assert rate["value"] == pytest.approx(100 * 100 / (1000 / come))
    assert rate["upper"] >= 100 * 100 / (1000 / passed)
    assert rate["lower"] <= 100 * 100 / (1000 / (passed - 0.4 * passed * (1 - passed)))
    assert rate["denominator_version"] == readings_derived.ANNUALISED
    days = derived(tables, indicator="late_payment_days", basis="total")
    assert days["value"] == pytest.approx(3.65 * rate["value"])


def test_the_pace_of_collections_is_that_of_published_pairs():
    """Pairs of an interim and a year-end sum of one unit and year, from the real readings."""
    own = real_tables().readings.query("indicator == 'collections' and basis == ''")
    own = own[own["kind_of_evidence"] == "published"].assign(year=own["as_of"].dt.year)
    length = np.where(own["as_of"].dt.is_leap_year, 366, 365)
    own = own.assign(passed=own["as_of"].dt.dayofyear / length)
    unit = ["geo_level", "province_code", "year"]
    ends = own[own["passed"] >= 0.985].sort_values("passed").groupby(unit)["value"].last()
    pairs = own[own["passed"].between(0.16, 0.9)].join(ends.rename("whole"), on=unit, how="inner")
    share, passed = pairs["value"] / pairs["whole"], pairs["passed"]
    slow = (passed - share) / (passed * (1 - passed))
    assert len(slow) >= 8
    assert slow.median() == pytest.approx(readings_derived.SLOW["value"], abs=0.01)
    assert slow.min() > readings_derived.SLOW["lower"]
    assert slow.max() <= readings_derived.SLOW["upper"]


def test_a_whole_year_needs_no_pace():
    assert readings_derived.share_come(1.0, 0.4) == 1.0


@pytest.mark.parametrize("basis", ["listed_debtors", "irrecoverable", "si_compulsory_only"])
def test_amounts_of_a_part_are_not_set_against_all_collections(basis):
    facts = [
        fact(100, indicator="late_payment_amount", basis=basis, as_of="2023-06-30"),
        fact(1000, indicator="collections", as_of="2023-06-30"),
    ]
    assert "late_payment_rate" not in set(tables_of(facts).readings["indicator"])


def test_collections_of_january_or_of_other_years_are_not_annualised():
    far = [
        fact(100, indicator="late_payment_amount", basis="total", as_of="2023-06-30"),
        fact(80, indicator="collections", as_of="2023-01-31"),
        fact(1500, indicator="collections", as_of="2020-12-31"),
    ]
    assert "late_payment_rate" not in set(tables_of(far).readings["indicator"])


def test_later_facts_do_not_move_what_is_derived_earlier():
    pairs = [
        row
        for day in range(1, 26)
        for row in (
            fact(90 + day / 100, as_of=f"2021-03-{day:02d}"),
            fact(1_700_000 + 100 * day, indicator="hi_participants", as_of=f"2021-03-{day:02d}"),
        )
    ]
    asked = fact(91.0, as_of="2021-06-30")
    later = fact(91.0, as_of="2023-06-30")
    poison = fact(400_000, indicator="hi_participants", as_of="2023-06-30")
    where = {"indicator": "hi_participants", "as_of": "2021-06-30", "basis": "official_population"}
    before = derived(tables_of([*pairs, asked]), **where)
    after = derived(tables_of([*pairs, asked, later, poison]), **where)
    columns = ["value", "lower", "upper"]
    assert list(before[columns]) == list(after[columns])


def test_too_few_pairs_tell_nothing_about_denominators():
    raw = raw_with([fact(91.0, as_of="2021-06-30")])
    published = read_published(raw).readings
    rates = published.assign(persons=1.0)
    assert implied_ratio(published, raw, rates)["middle"].isna().all()
