"""What is said of scenarios side by side: those that change nothing for a unit are named."""

import dataclasses

import numpy as np
import pytest
from scenario_cases import PAST_YEARS, outcome, percent, usual

from analysis.findings import scenarios
from analysis.report.wording import LANGUAGES, say
from analysis.scenarios import run, tables
from analysis.scenarios.run_all import usual_scenario

LINE = "kind: return_to_trajectory\ntitle: {en: The line, vi: Đường cũ}"
ONE_POINT = "kind: linear_change\ntitle: {en: A point, vi: Một điểm}\nparameters: "
ONE_POINT += "{points_per_year: 10}\nonly: ['31']"


def said(base, texts, unit, language="en"):
    """The sentences of a comparison, by phrase."""
    outcomes = [run(usual_scenario("hi_coverage"), base), *(outcome(one, base) for one in texts)]
    result = scenarios.comparison(outcomes, unit, language)
    return {key: say(key, language, **values) for key, values in result.phrases}


@pytest.mark.parametrize(("language", "name"), [("en", "“The line”"), ("vi", "“Đường cũ”")])
def test_a_line_that_lies_below_business_as_usual_is_said_to_change_nothing(language, name):
    told = said(usual(), [LINE], ("province_63", "83"), language)["scenarios.compared_same"]
    assert name in told
    assert say("scenarios.compared_same", language, names=[name]) == told


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_that_lies_above_it_needs_no_such_sentence(language):
    past = np.full((2, 3, len(PAST_YEARS)), 50.0)
    past[:, :, 2], past[:, :, 3] = percent(0.3), percent(0.6)
    told = said(usual(past=past), [LINE], ("province_63", "83"), language)
    assert list(told) == ["scenarios.compared"]


def test_each_unit_names_those_that_leave_it_as_it_is():
    base = usual()
    elsewhere = said(base, [ONE_POINT, LINE], ("province_63", "83"))["scenarios.compared_same"]
    assert "“A point” and “The line”" in elsewhere
    moved = said(base, [ONE_POINT, LINE], ("province_63", "31"))["scenarios.compared_same"]
    assert "“The line”" in moved and "“A point”" not in moved


def test_business_as_usual_itself_is_never_named():
    assert list(said(usual(), [], ("country", "00"))) == ["scenarios.compared"]


NOWHERE = {("province_63", "83"): (np.nan, "")}


@pytest.mark.parametrize(
    ("language", "why"), [("en", "no target for that date was known"), ("vi", "chưa biết chỉ tiêu")]
)
def test_without_a_target_the_reason_given_is_the_target_and_not_the_figures(language, why):
    base = usual(targets=NOWHERE)
    told = said(base, [LINE], ("province_63", "83"), language)
    assert why in told["scenarios.compared_no_target"]
    assert "scenarios.compared_unsure" not in told
    assert list(said(base, [], ("province_63", "31"))) == ["scenarios.compared"]
    found = tables.outcome_table(
        outcome(LINE, base), [("province_63", "83"), ("province_63", "31")]
    )
    assert found["verdict"].iloc[0] == "no_target"
    assert found["verdict"].iloc[1] not in ("no_target", "not_enough_evidence")


def test_too_few_figures_are_the_reason_where_a_target_is_known():
    base = dataclasses.replace(usual(), enough=dict.fromkeys(usual().members, False))
    told = said(base, [LINE], ("province_63", "83"))
    assert "too few figures" in told["scenarios.compared_unsure"]
    found = tables.outcome_table(outcome(LINE, base), [("province_63", "83")])
    assert list(found["verdict"]) == ["not_enough_evidence"]
