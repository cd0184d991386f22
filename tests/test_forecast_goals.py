"""Targets whose number is not known are missing, not absent; wholes have those of their parts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from forecast_cases import ask, known
from scipy.special import logit

from analysis.forecast.draws import draw
from analysis.forecast.goals import POSSIBLE, goals
from analysis.forecast.model import Model, model
from analysis.forecast.prediction import answered, carried, reported
from analysis.forecast.pull import Pull, Pulls, due_targets, probability_at_least, tilted
from analysis.forecast.space import VERSION_1, Settings

ORIGIN, DUE = pd.Timestamp("2023-12-31"), pd.Timestamp("2024-12-31")
QUICK = Settings(parameter_draws=2)
STRONG = Pull.certain(0.3, 5.0, 0.15)


@pytest.fixture(scope="module")
def built() -> Model:
    own = model(known(ORIGIN), "hi_coverage", QUICK)
    return dataclasses.replace(own, pulls=Pulls(STRONG, STRONG))


def provinces(built: Model, level: str = "province_63", day: str = "2024-12-31") -> pd.DataFrame:
    codes = [code for own, code in sorted(built.evidence.units.members) if own == level]
    return ask(*[(level, code, "hi_coverage", day) for code in codes])


def test_a_known_target_is_the_only_one_possible(built):
    asked = provinces(built)
    own, found = due_targets(built.known, asked), goals(built, asked)
    rows = np.isfinite(own)
    assert 10 < rows.sum() < 60
    np.testing.assert_array_equal(found[rows], np.repeat(own[rows, None], POSSIBLE, axis=1))


def test_an_unknown_target_is_one_of_those_given_to_others(built):
    asked = provinces(built)
    own, found = due_targets(built.known, asked), goals(built, asked)
    others = found[np.isnan(own)]
    assert np.isfinite(others).all()
    assert np.isin(others.round(9), own.round(9)).all()


def test_provinces_at_a_higher_level_have_higher_unknown_targets(built):
    asked = provinces(built)
    rows = np.isnan(due_targets(built.known, asked))
    middle = goals(built, asked)[rows].mean(axis=1)
    level = answered(built, provinces(built, day="2023-12-31"))[rows, 0]
    assert np.corrcoef(level, middle)[0, 1] > 0.5


def test_a_merged_unit_has_the_weighted_targets_of_its_parts(built):
    asked = provinces(built, "province_34")
    single, whole = goals(built, provinces(built)), goals(built, asked)
    units = built.evidence.units
    for code, row in zip(asked["province_code"], whole, strict=True):
        parts = units.parts("province_34", code)
        assert single[parts].min() - 1e-9 <= row.min() <= row.max() <= single[parts].max() + 1e-9
        if len(parts) == 1:
            np.testing.assert_array_equal(row, single[parts[0]])


def test_nothing_draws_a_day_without_targets_nor_the_past_nor_version_1(built):
    asked = provinces(built, day="2024-06-30")
    assert np.isnan(goals(built, asked)).all()
    past = provinces(built, day="2022-12-31")
    np.testing.assert_array_equal(
        np.isnan(goals(built, past)[:, 0]), np.isnan(due_targets(built.known, past))
    )
    first = dataclasses.replace(
        built.evidence, settings=dataclasses.replace(VERSION_1, parameter_draws=2)
    )
    fit = dataclasses.replace(built.fit, evidence=first)
    old = dataclasses.replace(built, posterior=dataclasses.replace(built.posterior, fit=fit))
    asked = provinces(built)
    assert np.isnan(goals(old, asked)[np.isnan(due_targets(built.known, asked))]).all()


def test_several_possible_targets_give_the_mean_of_their_chances():
    mean, sd = np.array([2.6, 2.8]), np.array([0.3, 0.3])
    possible = np.array([93.0, 93.0, 95.0, 96.0])
    each = [probability_at_least(mean, sd, 95.0, STRONG, one) for one in possible]
    found = probability_at_least(mean, sd, 95.0, STRONG, possible)
    assert found == pytest.approx(np.mean(each), abs=2e-3)


def chances(built: Model, asked: pd.DataFrame) -> np.ndarray:
    """(q,) chance of each unit to report its own target met, whatever the number of that is."""
    (mean, sd), drawn_to = reported(built, asked), goals(built, asked)
    pull = built.pulls.provinces
    return np.array(
        [
            np.mean([probability_at_least(mean[:, i], sd[:, i], one, pull) for one in drawn_to[i]])
            for i in range(len(asked))
        ]
    )


def test_the_chance_of_a_whole_lies_near_those_of_its_parts(built):
    """Within .10 of the range of its parts' chances, for every unit merged from others."""
    asked = provinces(built, "province_34")
    single, whole = chances(built, provinces(built)), chances(built, asked)
    beyond = {}
    for code, chance in zip(asked["province_code"], whole, strict=True):
        own = single[built.evidence.units.parts("province_34", code)]
        beyond[code] = max(own.min() - chance, chance - own.max())
    assert max(beyond.values()) <= 0.10, beyond


def test_a_pull_never_makes_a_unit_fall_after_the_day_on_which_its_target_fell_due(built):
    """What the pull adds on the day is still felt a year later, less, and in the same direction."""
    days = [DUE, pd.Timestamp("2025-03-31"), pd.Timestamp("2025-11-30")]
    drawn = draw(built, "hi_coverage", days, n=1000)
    moved = (logit(drawn.reported / 100) - logit(drawn.plain / 100)).mean(axis=0)
    assert (np.abs(moved[:, 0]) > 0.02).mean() > 0.5
    assert (np.sign(moved[:, 1]) == np.sign(moved[:, 0])).all()
    assert (np.abs(moved[:, 2]) < np.abs(moved[:, 1]) + 1e-9).all()
    assert (np.abs(moved[:, 2]) > 0.3 * np.abs(moved[:, 0])).all()


def test_formulae_and_draws_carry_a_pull_alike(built):
    asked = provinces(built, day="2025-03-31")
    drawn = draw(built, "hi_coverage", [DUE, pd.Timestamp("2025-03-31")], n=4000)
    moved = (logit(drawn.reported / 100) - logit(drawn.plain / 100)).mean(axis=0)[:, 1]
    np.testing.assert_allclose(carried(built, asked), moved, atol=0.06)


def test_a_mixture_of_targets_adds_up_to_one():
    edges, mass = tilted(np.array([2.6]), np.array([0.3]), np.array([92.0, 95.0]), STRONG)
    assert mass.sum() == pytest.approx(1) and (mass >= 0).all() and len(edges) == len(mass) + 1
