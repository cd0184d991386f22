"""Policies and what they cost, against numbers worked out by hand."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from scenario_cases import DATES, PERSONS, RISE, START, logit, outcome, percent, usual

from analysis import paths
from analysis.forecast.pull import Pull, Pulls
from analysis.late_payment import data
from analysis.scenarios import late_payment
from analysis.scenarios.baseline import Background
from analysis.scenarios.definition import read
from analysis.scenarios.outcome import base_salary, budget, monthly_contributions
from analysis.scenarios.parameters import Range, ScenarioError

#: The package has a function of this name, too.
baseline = import_module("analysis.scenarios.baseline")
END = START + RISE
PREMIUM = """
kind: premium_support
parameters:
  group: students
  share_of_population: 0.2
  share_of_uninsured: 0.1
  enrolled: 0.5
  supported_before: 0.3
  supported_after: 0.5
  begins: 2024-12-31
  in_full: 2025-03-31
"""
CARDS = "kind: restored_cards\nparameters: {restored: 0.8}"
VOLUNTARY = """
kind: voluntary_support
indicator: si_coverage
parameters:
  increase: 0.2
  monthly_contribution: 0.33
  supported_before: 0.1
  supported_after: 0.3
"""


def test_premium_support_enrols_a_share_of_the_uninsured():
    found = outcome(PREMIUM).level[:, :, -1]
    np.testing.assert_allclose(found, END + (100 - END) * 0.1 * 0.5)


def test_premium_support_is_in_force_from_its_day():
    base = usual()
    gain = (outcome(PREMIUM, base).level - base.level)[0, 0]
    free = 80 + 4 * np.array([0, 90, 181, 273, 365]) / 365
    np.testing.assert_allclose(gain[1:], ((100 - free) * 0.05)[1:], atol=1e-9)


def test_restored_cards_add_what_the_decree_added():
    """0.8 x 0.5 logits for each standard deviation of the minority share."""
    found = outcome(CARDS).level[:, :, -1]
    gain = 0.8 * 0.5 * np.array([0.0, 1.0, 2.0])
    np.testing.assert_allclose(found, percent(logit(END) + gain))


def test_restored_cards_never_take_insurance_away():
    base = usual()
    worse = Background(
        minority=np.array([0.0, 1.0, 2.0]), cards=Range(-0.3, -0.3, -0.3), lost=Range(-1, -1, -1)
    )
    object.__setattr__(base, "background", worse)
    np.testing.assert_allclose(outcome(CARDS, base).level[:, :, -1], END)


def test_restored_cards_use_the_estimate_by_window_with_its_interval(monkeypatch):
    rows = [
        ("restoration_x_minority", "windows", "main design", 0.2, 0.1, 0.05, np.nan),
        ("restoration_x_minority", "windows", "minority trend", 9.0, 9.0, 9.0, 9.0),
        ("861_x_minority", "levels", "main design", -9.0, 9.0, -9.0, 9.0),
        ("861_x_minority", "windows", "main design", -0.8, 0.1, -1.1, -0.6),
    ]
    columns = ["term", "design", "beside", "estimate", "standard_error", "low", "high"]
    table = pd.DataFrame(rows, columns=columns)
    monkeypatch.setattr(paths, "read_processed", lambda name: table)
    back = baseline._estimate(baseline._RECOVERY, "cards")
    assert (back.low, back.central, back.ground) == (0.05, 0.2, "chapter_03")
    assert back.high == pytest.approx(0.2 + 1.96 * 0.1)
    taken = baseline._estimate(baseline._LOSS, "cards_lost")
    assert (taken.low, taken.central, taken.high) == (-1.1, -0.8, -0.6)


def test_restored_cards_need_an_estimate_or_a_range():
    base = usual()
    object.__setattr__(base, "background", Background(minority=np.zeros(3)))
    with pytest.raises(ScenarioError, match=r"parameters\.effect: .*03_drivers_of_coverage"):
        outcome(CARDS, base)


def test_voluntary_support_adds_a_share_of_those_already_in():
    base = usual()
    object.__setattr__(base, "indicator", "si_coverage")
    found = outcome(VOLUNTARY, base).level[:, :, -1]
    np.testing.assert_allclose(found, END + 0.2 * np.array([2.0, 4.0, 1.0]))


def test_the_base_salary_follows_its_decrees():
    days = ["2023-06-30", "2023-07-01", "2024-06-30", "2024-07-01", "2025-12-31"]
    assert [base_salary(pd.Timestamp(day)) for day in days] == [1.49, 1.80, 1.80, 2.34, 2.34]
    with pytest.raises(ValueError, match="2019-06-30"):
        base_salary(pd.Timestamp("2019-06-30"))


def test_each_month_costs_its_own_base_salary():
    months, each = monthly_contributions(pd.Timestamp("2023-12-31"), pd.Timestamp("2024-12-31"))
    assert len(months) == 12
    assert each.sum() == pytest.approx(0.045 * (6 * 1.80 + 6 * 2.34))


def test_a_thousand_people_for_a_year_at_half_the_contribution():
    """1,000 x 12 months x 4.5% x 2.34 million x 0.5 = 631.8 million VND = 0.6318 billion."""
    persons = np.full((2, 1, len(DATES)), 1000.0)
    found = budget(persons, DATES, DATES[0], np.full(2, 0.5))
    np.testing.assert_allclose(found, 0.6318)


def test_new_and_old_members_are_paid_for_apart():
    """Half of the contribution for the new ones, two tenths more for those already in."""
    found = outcome(PREMIUM)
    month = 0.045 * 2.34 / 1000
    extra = found.additional[0, 0]
    at = [
        (pd.Timestamp(day) - DATES[0]).days for day in pd.date_range(DATES[0], DATES[-1], freq="ME")
    ]
    days = (DATES - DATES[0]).days
    new = sum(np.interp(at[1:], days, extra)) * month * 0.5
    assert found.budget_new[0, 0] == pytest.approx(new)
    assert found.budget_all[0, 0] > found.budget_new[0, 0]
    uninsured = (100 - found.base.free[0][0, 0]) / 100 * 0.1
    others = (0.2 - uninsured) * PERSONS[0] * np.array([0, 1, 1, 1, 1])
    old = sum(np.interp(at[1:], days, others)) * month * 0.2
    assert found.budget_all[0, 0] == pytest.approx(new + old)


def test_a_scenario_without_state_support_has_no_budget():
    assert outcome("kind: hold_last").budget_all is None


def test_a_stated_share_gives_any_scenario_a_budget():
    text = "kind: linear_change\nsupported_share: 0.3\nparameters: {points_per_year: 10}"
    found = outcome(text)
    assert found.budget_new is not None
    np.testing.assert_allclose(found.budget_new, found.budget_all)


def test_late_payment_cut_collects_what_lies_above_the_rate():
    """2% of a receivable of 1,000 billion VND is collected where the rate was 4%."""
    day = pd.Timestamp("2025-12-31")
    forecasts = pd.DataFrame(
        [
            {
                "geo_level": "province_63", "province_code": "83", "basis": "total",
                "origin": pd.Timestamp("2025-06-30"), "date": day, "scale": "true",
                "q10": 4.0, "q50": 4.0, "q90": 4.0,
            }
        ]
    )  # fmt: skip
    rows = [("country", "00", year, 100_000.0) for year in (2024, 2025)]
    rows += [("province_63", "83", 2025, 1000.0)]
    money = pd.DataFrame(rows, columns=["geo_level", "province_code", "year", "value"])
    money = money.assign(
        indicator="collections", basis="", kind_of_evidence="published", reading_id="r",
        as_of=pd.to_datetime(money["year"].astype(str) + "-12-31"),
    )  # fmt: skip
    country = money[money["geo_level"] == "country"]
    people = [country.assign(indicator=name) for name in data._COUNTS]
    readings = pd.concat([money, *people], ignore_index=True).assign(lower=0.0, upper=0.0)
    scenario = read("kind: late_payment_cut\nparameters: {rate: 2}", "cut")
    row = late_payment.run(scenario, forecasts, readings, draws=50).table.iloc[0]
    assert row["collect_q50"] == pytest.approx(20.0)
    assert (row["days_q50"], row["days_after"]) == (pytest.approx(14.6), pytest.approx(7.3))


# --------------------------------------------------------------------------------------------------
# Who is paid for, from when on, and what only some provinces do.
# --------------------------------------------------------------------------------------------------

BEN_TRE = ("province_63", "83")


def test_the_base_salary_of_1_49_million_holds_from_the_first_of_july_2019():
    assert base_salary(pd.Timestamp("2019-07-01")) == 1.49


def test_persons_between_two_dates_are_taken_straight_between_them():
    """None at the origin and 1,200 a year later: each month-end has its share of the days."""
    persons = np.linspace(0, 1200, 2)[None, None, :]
    ends = pd.DatetimeIndex([DATES[0], DATES[-1]])
    days = [(day - DATES[0]).days for day in pd.date_range(DATES[0], DATES[-1], freq="ME")[1:]]
    expected = sum(1200 * day / 365 for day in days) * 0.25 * 0.5 / 1000
    found = budget(persons, ends, DATES[0], np.array([0.5]), fixed=0.25)
    np.testing.assert_allclose(found, [[expected]])


def test_a_contribution_of_its_own_does_not_follow_the_base_salary():
    months, each = monthly_contributions(DATES[0], DATES[-1], fixed=0.33)
    assert len(months) == 12 and each.tolist() == [0.33] * 12


def test_what_only_some_provinces_do_leaves_the_others_as_they_are():
    base = usual()
    found = outcome(PREMIUM + "only: ['83']", base)
    np.testing.assert_array_equal(found.level[:, :2], base.level[:, :2])
    assert (found.level[:, 2, -1] > base.level[:, 2, -1]).all()
    everywhere = outcome(PREMIUM, base)
    np.testing.assert_allclose(found.level[:, 2], everywhere.level[:, 2])
    np.testing.assert_array_equal(found.budget_all[:, :2], 0)
    np.testing.assert_allclose(found.budget_all[:, 2], everywhere.budget_all[:, 2])
    assert everywhere.budget_all[:, :2].min() > 0


def test_a_unit_that_no_province_moves_keeps_its_forecast_and_the_country_moves():
    base = usual()
    own = {**base.at_date, ("region", "R1"): np.array([83.21, 84.56])}
    object.__setattr__(base, "at_date", own)
    said = {unit: values - 1 for unit, values in own.items()}
    object.__setattr__(base, "reported", said)
    found = outcome(PREMIUM + "only: ['83']", base)
    np.testing.assert_array_equal(found.at_date["region", "R1"], own["region", "R1"])
    np.testing.assert_array_equal(found.reported["region", "R1"], said["region", "R1"])
    country = found.level[:, :, -1] @ PERSONS / PERSONS.sum()
    np.testing.assert_allclose(found.at_date["country", "00"], country)
    assert (found.at_date["country", "00"] > own["country", "00"]).all()


def test_one_draw_that_moves_a_province_is_enough_to_count_it_anew():
    """Held at the origin, Hai Phong moves in the first draw only."""
    base = usual()
    object.__setattr__(base, "at_date", {unit: values - 5 for unit, values in base.at_date.items()})
    found = outcome("kind: hold_last", base).at_date["province_63", "31"]
    np.testing.assert_allclose(found, [90.0, 88.0])


def growing():
    """Business as usual with a tenth more people at the date than at the quarter before."""
    base = usual()
    object.__setattr__(base, "persons", base.persons * np.array([1.0, 1.0, 1.0, 1.0, 1.1]))
    return base


def test_persons_are_counted_on_the_population_of_the_date():
    found = outcome("kind: hold_last", growing())
    gained = found.level[:, :, -1] * 1.1 * PERSONS - START * PERSONS
    np.testing.assert_allclose(found.persons, gained / 100)
    np.testing.assert_allclose(found.additional[:, :, -1], -RISE / 100 * 1.1 * PERSONS)


def test_a_whole_weighs_its_provinces_by_the_people_of_the_date():
    base = usual()
    grown = base.persons.copy()
    grown[2, -1] *= 3
    object.__setattr__(base, "persons", grown)
    found = outcome("kind: hold_last", base)
    weights = np.array([1000, 500, 6000])
    np.testing.assert_allclose(found.at_date["country", "00"], START @ weights / weights.sum())


@pytest.mark.parametrize(("error", "chance"), [(4.5, 1.0), (-4.5, 0.0)])
def test_the_chance_to_meet_a_target_asks_for_the_value_that_is_named(error, chance):
    base = usual(targets={BEN_TRE: (64.0, "province")})
    object.__setattr__(base, "plain", {**base.plain, BEN_TRE: base.at_date[BEN_TRE] + error})
    found = outcome("kind: hold_last", base)
    assert found.meets(BEN_TRE, "true") == 0.5, "a level that stands on its target meets it"
    assert found.meets(BEN_TRE) == found.meets(BEN_TRE, "reported") == chance


def test_without_a_target_there_is_no_chance_to_meet_it():
    base = usual(targets={BEN_TRE: (np.nan, "")})
    assert np.isnan(outcome("kind: hold_last", base).meets(BEN_TRE))


def test_the_level_of_a_unit_is_that_of_its_people_at_every_date():
    found = outcome("kind: hold_last")
    both = (found.level[:, 0] * 1000 + found.level[:, 1] * 500) / 1500
    np.testing.assert_allclose(found.true(("region", "R1")), both)


def test_the_months_from_origin_to_date_are_twelve():
    assert outcome("kind: hold_last").months == pytest.approx(12, abs=0.02)


def test_no_level_leaves_what_a_share_can_be():
    down = "kind: linear_change\nparameters: {points_per_year: -95}"
    up = "kind: linear_change\nparameters: {points_per_year: 95}"
    assert outcome(down).level.min() == 0.0
    assert outcome(up).level.max() == 100.0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("indicator: si_coverage", "case.*indicator: si_coverage cannot run on draws of hi_cov"),
        ("origin: 2024-11-30", "case.*origin: 2024-11-30, but the draws are of 2024-12-31"),
        ("date: 2026-12-31", "case.*date: 2026-12-31, but the draws are of 2025-12-31"),
    ],
)
def test_draws_of_something_else_are_refused_by_name(line, message):
    with pytest.raises(ScenarioError, match=message):
        outcome(f"kind: hold_last\n{line}")
    outcome("kind: hold_last\nindicator: hi_coverage\norigin: 2024-12-31\ndate: 2025-12-31")


def test_a_stated_share_is_paid_for_the_new_ones_alone():
    text = "kind: linear_change\nsupported_share: 0.3\nparameters: {points_per_year: 10}"
    found = outcome(text)
    months, each = monthly_contributions(DATES[0], DATES[-1])
    days, at = (DATES - DATES[0]).days, (months - DATES[0]).days
    extra = found.additional[1, 2]
    expected = 0.3 * (np.interp(at, days, extra) * each).sum() / 1000
    assert found.budget_new[1, 2] == pytest.approx(expected)


def test_what_pulls_at_a_province_is_the_pull_of_provinces_and_a_point_below_is_below():
    base = usual(targets={BEN_TRE: (64.5, "province")})
    object.__setattr__(base, "goals", {BEN_TRE: 63.0, ("country", "00"): 71.0})
    own, none = Pull.certain(0.1, 0.0), Pull.certain(1.0, 0.0)
    object.__setattr__(base, "pulls", Pulls(provinces=own, country=none))
    found = outcome("kind: hold_last", base)
    assert found.reported[BEN_TRE][0] > found.at_date[BEN_TRE][0] + 0.5
    np.testing.assert_allclose(found.reported["country", "00"], found.at_date["country", "00"])
    assert found.meets(BEN_TRE, "true") == 0.0, "64 and 60 lie below 64.5"


def test_voluntary_insurance_costs_its_own_contribution():
    base = usual()
    object.__setattr__(base, "indicator", "si_coverage")
    found = outcome(VOLUNTARY, base)
    at = [(day - DATES[0]).days for day in pd.date_range(DATES[0], DATES[-1], freq="ME")[1:]]
    days = (DATES - DATES[0]).days
    new = np.interp(at, days, found.additional[0, 0]).sum() * 0.33 * 0.3 / 1000
    assert found.budget_new[0, 0] == pytest.approx(new)
    assert found.support.monthly == 0.33


def test_nothing_is_paid_where_no_support_is_stated():
    found = outcome("kind: hold_last")
    assert found.budget_new is None and found.support is None
