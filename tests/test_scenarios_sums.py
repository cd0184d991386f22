"""Provinces add up to the country, draw by draw; contributions add up to its interval."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scenario_cases import PERSONS, outcome, usual

from analysis.forecast.pull import Pull, Pulls
from analysis.paths import ROOT
from analysis.scenarios import load_folder, run, tables
from analysis.scenarios.baseline import SHOWN_QUANTILES
from analysis.scenarios.definition import SCENARIO_KINDS
from analysis.scenarios.tables import contributions

COUNTRY = ("country", "00")
FILES = load_folder(ROOT / "scenarios")
COVERAGE = [one for one in FILES if one.kind != "late_payment_cut"]


def test_there_is_an_example_of_every_kind():
    assert {one.kind for one in FILES} == set(SCENARIO_KINDS)


def in_the_year_of_the_cases(scenario):
    """Move the days on the way of a stored scenario, of 2026 and 2027, to 2025, as the cases."""
    earlier = {
        name: value - pd.offsets.MonthEnd(18) if isinstance(value, pd.Timestamp) else value
        for name, value in scenario.parameters.items()
    }
    return replace(scenario, parameters=earlier)


@pytest.mark.parametrize("scenario", COVERAGE, ids=lambda one: one.name)
def test_provinces_sum_to_the_country(scenario):
    base = usual(own_base=0.95)
    object.__setattr__(base, "indicator", scenario.indicator)
    scenario = in_the_year_of_the_cases(scenario)
    found = run(scenario, base)
    insured = found.level[:, :, -1] @ PERSONS / 100
    country = found.at_date[COUNTRY] * base.denominator(COUNTRY)[-1] / 100
    np.testing.assert_allclose(insured, country, rtol=1e-12)
    gained = sum(found.sum(found.persons, ("province_63", code)) for code in base.codes)
    np.testing.assert_allclose(gained, found.sum(found.persons, COUNTRY), rtol=1e-9, atol=1e-9)
    assert ((found.level >= 0) & (found.level <= 100)).all()


def test_contributions_add_up_to_the_countrys_interval():
    found = outcome("kind: business_as_usual")
    table = contributions(found)
    total = found.persons.sum(axis=1)
    low, high = np.quantile(total, [0.1, 0.9])
    assert table["added"].sum() == pytest.approx(total.mean())
    assert table["added_low"].sum() == pytest.approx(low)
    assert table["added_high"].sum() == pytest.approx(high)
    short = ((85 - found.level[:, :, -1]) / 100 * PERSONS).sum(axis=1)
    assert table["short"].sum() == pytest.approx(short.mean())
    assert table["short_high"].sum() == pytest.approx(np.quantile(short, 0.9))
    assert table["share_of_short"].sum() == pytest.approx(1.0)


def test_the_gap_counts_on_the_countrys_own_denominator():
    found = outcome("kind: business_as_usual", usual(own_base=0.9))
    country = (85 - found.at_date[COUNTRY]) / 100 * 0.9 * PERSONS.sum()
    assert contributions(found)["short"].sum() == pytest.approx(country.mean())


def test_the_table_says_what_the_draws_say():
    found = outcome("kind: reach_target\nparameters: {target: 85}")
    row = tables.outcome_table(found, [("province_63", "83")]).iloc[0]
    gained = (85 - np.array([60.0, 64.0])) / 100 * 2000
    assert row["persons_q50"] == pytest.approx(gained.mean())
    assert row["persons_month"] == pytest.approx(gained.mean() / (365 / (365.25 / 12)))
    assert row["effort"] == pytest.approx(row["persons_month"] / 10)
    assert (row["p_meets_true"], row["true_q50"]) == (1.0, 85.0)
    more = (85 - np.array([65.0, 70.0])) / 100 * 2000
    assert row["additional_q50"] == pytest.approx(more.mean())


def test_without_enough_evidence_there_is_no_probability():
    base = usual()
    unit = ("province_63", "83")
    object.__setattr__(base, "enough", {**base.enough, unit: False})
    row = tables.outcome_table(outcome("kind: hold_last", base), [unit]).iloc[0]
    assert np.isnan(row["p_meets_true"])
    assert np.isnan(row["p_meets_reported"])
    assert row["verdict"] == "not_enough_evidence"


def test_a_draw_keeps_its_reading_error_on_the_logit_scale():
    base = usual()
    unit = ("province_63", "83")
    plain = 100 / (1 + np.exp(-(np.log(base.at_date[unit] / (100 - base.at_date[unit])) + 0.1)))
    object.__setattr__(base, "plain", {**base.plain, unit: plain})
    said = outcome("kind: hold_last", base).reported[unit]
    level = np.array([60.0, 64.0])
    np.testing.assert_allclose(np.log(said / (100 - said)) - np.log(level / (100 - level)), 0.1)


def test_the_pull_of_a_target_acts_on_the_scenarios_own_draws():
    base = usual()
    unit = ("province_63", "83")
    object.__setattr__(base, "goals", {unit: 63.0})
    pull = Pull.certain(0.1, 0.0)
    object.__setattr__(base, "pulls", Pulls(provinces=pull, country=pull))
    said = outcome("kind: hold_last", base).reported[unit]
    assert (said >= [60.0, 64.0]).all()
    assert said[0] > 60.0


def test_quantiles_are_those_of_numpy():
    values = np.random.default_rng(3).normal(size=(4, 101))
    expected = np.quantile(values, list(SHOWN_QUANTILES.values()), axis=1)
    np.testing.assert_allclose(tables.quantiles(values), expected, rtol=1e-12)


def test_the_plan_by_quarters_adds_up_to_the_whole():
    found = outcome("kind: reach_target\nparameters: {target: 85, shape: accelerating}")
    unit = ("province_63", "83")
    plan = tables.plan_table(found, unit)
    whole = tables.outcome_table(found, [unit]).iloc[0]
    assert plan["persons_by"].iloc[-1] == pytest.approx(whole["persons_q50"])
    assert plan["persons_quarter"].sum() == pytest.approx(whole["persons_q50"])
    first = (25 * (90 / 365) ** 2 + 21 * (90 / 365) ** 2) / 2 - 3
    assert plan["persons_by"].iloc[0] == pytest.approx(first / 100 * 2000)
