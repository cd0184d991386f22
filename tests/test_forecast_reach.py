"""A target that people could not reach is no information, and moves no forecast."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from forecast_cases import ORIGIN, ask, fitted, gathered, known
from scipy.special import expit

from analysis.forecast import posterior as posterior_room
from analysis.forecast.fit import Fit
from analysis.forecast.posterior import posterior, reach
from analysis.forecast.space import points

ASKED = ask(
    ("country", "00", "si_coverage", "2020-12-31"),
    ("country", "00", "ui_coverage", "2020-12-31"),
    ("province_63", "79", "si_coverage", "2020-12-31"),
    ("province_63", "14", "si_coverage", "2020-12-31"),
)


def with_target(value: float, half: float = 3.0, due: str = "2020-12-31", **settings) -> Fit:
    """The labour family at the end of 2018 with one target, of Ho Chi Minh City."""
    fit = fitted("labour")
    row = {
        "geo_level": "province_63", "province_code": "79", "indicator": "si_coverage",
        "as_of": pd.Timestamp(due), "reading_id": "target", "percent": value, "half": half,
        "day": ORIGIN,
    }  # fmt: skip
    own = dataclasses.replace(
        fit.evidence,
        targets=pd.DataFrame([row]),
        settings=dataclasses.replace(fit.evidence.settings, **settings),
    )
    return dataclasses.replace(fit, evidence=own)


def forecasts(fit: Fit) -> np.ndarray:
    """(M, q) log odds at the places of ASKED."""
    source = fit.evidence
    at = points(ASKED, source.units, source.settings, source.origin)
    return posterior(fit).marginal(at)[0]


def alone() -> np.ndarray:
    fit = fitted("labour")
    none = dataclasses.replace(fit.evidence, targets=fit.evidence.targets.iloc[:0])
    return forecasts(dataclasses.replace(fit, evidence=none))


def test_the_reach_is_the_best_year_again_and_again():
    past = np.array([50.0, 52.0, 55.0, 56.0])
    assert reach(past, 57.0, 1) == pytest.approx(59.0)
    assert reach(past, 57.0, 3) == pytest.approx(65.0)


def test_what_is_expected_anyway_and_what_was_there_before_can_be_reached():
    assert reach(np.array([50.0, 51.0, 52.0]), 58.0, 1) == 58.0
    assert reach(np.array([80.0, 91.0, 70.0, 71.0]), 72.0, 0.5) == 91.0


def test_without_two_year_ends_nothing_is_out_of_reach():
    assert reach(np.array([50.0]), 51.0, 1) == np.inf


def test_a_target_out_of_reach_moves_no_forecast_of_any_unit():
    assert np.array_equal(forecasts(with_target(90.0)), alone())
    # Without the check it lifts the country, which it says nothing of, and every other province.
    lifted = 100 * expit(forecasts(with_target(90.0, reach=False))) - 100 * expit(alone())
    assert (lifted > 0.5).all()


def test_a_target_within_reach_moves_forecasts_as_before():
    moved = forecasts(with_target(60.0))
    assert np.array_equal(moved, forecasts(with_target(60.0, reach=False)))
    assert not np.allclose(moved, alone(), atol=1e-3)


def test_a_target_may_lie_beyond_the_reach_by_its_own_error(monkeypatch):
    monkeypatch.setattr(posterior_room, "reach", lambda past, expected, years: 60.0)
    kept = {
        value: len(posterior(with_target(value)).fit.evidence.targets) for value in (63.0, 63.1)
    }
    assert kept == {63.0: 1, 63.1: 0}
    assert len(posterior(with_target(61.1, half=1.0)).fit.evidence.targets) == 0


def test_the_whole_of_the_best_years_counts_for_a_target_years_ahead():
    near, far = with_target(64.0, due="2019-12-31"), with_target(64.0, due="2022-12-31")
    assert len(posterior(near).fit.evidence.targets) < len(posterior(far).fit.evidence.targets)


def test_copies_of_nationwide_goals_are_left_out_and_health_keeps_its_targets():
    """Provinces at 7 to 21% wrote the nation's goals of 28 to 40% into programmes of their own."""
    copied = gathered("labour").targets
    assert len(copied) >= 6 and copied["percent"].min() > 25
    assert len(posterior(fitted("labour")).fit.evidence.targets) == 0
    health = gathered("health").targets
    assert len(posterior(fitted("health")).fit.evidence.targets) == len(health) > 5


def test_targets_as_they_stood_on_an_earlier_day_are_judged_from_that_day():
    from analysis.forecast.pull import as_known

    day = pd.Timestamp("2016-12-31")
    earlier = as_known(fitted("health"), known(), day)
    assert earlier is not None
    assert set(earlier.fit.evidence.targets["day"]) == {day}
