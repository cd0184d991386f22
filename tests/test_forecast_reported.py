"""The density of the reported value under the pull of a target, against closed forms."""

import numpy as np
import pandas as pd
import pytest
from forecast_cases import built, known
from scipy.special import expit, logit
from scipy.stats import norm

from analysis.forecast.pull import (
    NONE,
    WIDTH,
    Pull,
    due_targets,
    mixture_quantiles,
    probability_at_least,
)

MEAN, SD = np.array([2.6, 2.9]), np.array([0.3, 0.4])


def above(target):
    return norm.sf(logit(target / 100), MEAN, SD).mean()


@pytest.mark.parametrize("target", [80.0, 93.37, 95.0, 99.2])
def test_the_probability_is_that_of_the_mixture(target):
    assert probability_at_least(MEAN, SD, target) == pytest.approx(above(target), abs=1e-8)


@pytest.mark.parametrize("target", [90.0, 93.37, 95.01])
def test_values_below_a_target_weigh_what_the_pull_says(target):
    expected = above(target) / (above(target) + 0.3 * (1 - above(target)))
    found = probability_at_least(MEAN, SD, target, Pull.certain(0.3, 0.0))
    assert found == pytest.approx(expected, abs=1e-8)


def test_a_pull_that_is_not_certain_averages_chances_not_weights():
    certain = [Pull.certain(0.1, 3.0), Pull.certain(0.9, 0.5)]
    weight = np.array([0.25, 0.75])
    both = Pull(np.array([0.1, 0.9]), np.array([3.0, 0.5]), np.full(2, WIDTH), weight, 4)
    chances = [probability_at_least(MEAN, SD, 95.0, pull) for pull in certain]
    found = probability_at_least(MEAN, SD, 95.0, both)
    assert found == pytest.approx(0.25 * chances[0] + 0.75 * chances[1], abs=1e-12)
    settled = Pull.certain(both.mean_short, both.mean_heap)
    assert found > probability_at_least(MEAN, SD, 95.0, settled) + 0.005


def test_quantiles_without_a_pull_are_those_of_a_logit_normal():
    levels = np.array([0.01, 0.1, 0.5, 0.9, 0.99])
    found, mean, sd = mixture_quantiles(MEAN[:1], SD[:1], levels)
    np.testing.assert_allclose(found, 100 * expit(norm.ppf(levels, MEAN[0], SD[0])), atol=1e-4)
    draws = 100 * expit(np.random.default_rng(1).normal(MEAN[0], SD[0], 400_000))
    assert mean == pytest.approx(draws.mean(), abs=0.02)
    assert sd == pytest.approx(draws.std(), abs=0.02)


@pytest.mark.parametrize("pull", [NONE, Pull.certain(0.3, 4.0)])
def test_quantiles_and_probability_tell_the_same(pull):
    chance = probability_at_least(MEAN, SD, 94.0, pull)
    found, *_ = mixture_quantiles(MEAN, SD, np.array([1 - chance]), pull, 94.0)
    assert found[0] == pytest.approx(94.0, abs=1e-3)


def test_a_target_of_an_unmerged_province_counts_under_both_levels():
    now, day = known(pd.Timestamp(2023, 12, 31)), pd.Timestamp(2025, 12, 31)
    own = now.targets.query("indicator == 'hi_coverage' and geo_level == 'province_63'")
    code = own.loc[(own["due"] == day) & own["province_code"].eq("04"), "province_code"].iloc[0]
    rows = [(level, code, "hi_coverage", day) for level in ("province_63", "province_34")]
    names = ["geo_level", "province_code", "indicator", "as_of"]
    found = due_targets(now, pd.DataFrame(rows, columns=names))
    assert np.isfinite(found[0])
    assert found[0] == found[1]


def test_an_unmerged_province_has_one_reported_forecast():
    from analysis.forecast.draws import draw

    drawn = draw(built("health"), "hi_coverage", [pd.Timestamp(2025, 12, 31)], n=200)
    both = [drawn.of(level, "14", "reported") for level in ("province_63", "province_34")]
    assert np.array_equal(*both)


@pytest.mark.parametrize(
    ("family", "indicator"), [("health", "hi_coverage"), ("labour", "si_coverage")]
)
def test_predictions_of_sums_agree_with_their_draws(family, indicator):
    """Sums predicted in closed form and draw by draw, the country with its own base among them."""
    from analysis.forecast import prediction
    from analysis.forecast.draws import draw

    day, model = pd.Timestamp(2019, 12, 31), built(family)
    drawn = draw(model, indicator, [day], n=4000)
    units = [unit for unit, parts in sorted(drawn.members.items()) if len(parts) > 1]
    assert ("country", "00") in units
    names = ["geo_level", "province_code", "indicator", "as_of"]
    queries = pd.DataFrame([(*unit, indicator, day) for unit in units], columns=names)
    mean, sd = prediction.answers(model, queries)[:, :2].T
    values = [drawn.of(*unit, "reported") for unit in units]
    np.testing.assert_allclose(mean, [one.mean() for one in values], atol=0.12)
    np.testing.assert_allclose(sd, [one.std() for one in values], rtol=0.1)


def test_draws_come_in_pairs_of_opposite_sign():
    from analysis.forecast.draws import _normal

    shares = [np.arange(0, 6), np.arange(6, 11)]
    normal = _normal(np.random.default_rng(2), shares, 3)
    assert normal.shape == (11, 3)
    np.testing.assert_array_equal(normal[:3], -normal[3:6])
    np.testing.assert_array_equal(normal[6:8], -normal[9:11])
