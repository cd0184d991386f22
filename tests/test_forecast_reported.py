"""The density of the reported value under the pull of a target, against closed forms."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from forecast_cases import built, known
from scipy.special import expit, logit
from scipy.stats import norm

from analysis.forecast.fit import CEILING, FLOOR
from analysis.forecast.pull import (
    NONE,
    WIDTH,
    Pull,
    Pulls,
    cells,
    coverage_error,
    due_targets,
    error_sd,
    middle,
    mixture_quantiles,
    probability_at_least,
    tilted,
)
from analysis.forecast.space import PRIORS

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
    mean, sd = prediction.answered(model, queries)[:, :2].T
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


# --------------------------------------------------------------------------------------------------
# A pull of which not everything is known, the error of a reading, and the target that pulls.
# --------------------------------------------------------------------------------------------------

SEVERAL = Pull(
    short=np.array([0.5, 0.1, 0.9]),
    heap=np.array([3.0, 0.0, 6.0]),
    width=np.array([0.5, 0.2, 0.2]),
    weight=np.array([0.2, 0.3, 0.5]),
    n=7,
)


def test_what_is_to_be_expected_of_a_pull_is_weighted():
    assert SEVERAL.mean_short == pytest.approx(0.2 * 0.5 + 0.3 * 0.1 + 0.5 * 0.9)
    assert SEVERAL.mean_heap == pytest.approx(0.2 * 3 + 0.5 * 6)
    assert SEVERAL.mean_width == pytest.approx(0.2 * 0.5 + 0.8 * 0.2)
    assert [SEVERAL.short_at(share) for share in (0.1, 0.29, 0.31, 0.49, 0.51, 0.99)] == [
        0.1, 0.1, 0.5, 0.5, 0.9, 0.9,
    ]  # fmt: skip


def test_a_certain_pull_is_one_point_with_the_width_of_version_1():
    one = Pull.certain(0.4, 2.0)
    assert (one.short, one.heap, one.width, one.weight, one.n) == (0.4, 2.0, 0.5, 1.0, 0)
    assert Pull.certain(0.4, 2.0, 0.1, 5).mean_width == 0.1
    assert Pull.certain(0.4, 2.0, 0.1, 5).n == 5


GAP, MASS = np.array([-2.0, -0.1, 0.0, 0.2, 1.5]), np.array([0.3, 0.2, 0.1, 0.25, 0.15])


def tilted_by_hand(short, heap, width):
    weight = np.where(GAP < 0, short, 1 + heap * np.exp(-GAP / width))
    return MASS * weight / (MASS * weight).sum()


def test_tilted_probabilities_are_the_mean_of_those_under_each_point():
    each = [tilted_by_hand(0.5, 3.0, 0.5), tilted_by_hand(0.1, 0.0, 0.2),
            tilted_by_hand(0.9, 6.0, 0.2)]  # fmt: skip
    found = SEVERAL.tilt(GAP, MASS)
    np.testing.assert_allclose(found, SEVERAL.weight @ np.array(each), rtol=1e-12)
    over, under = SEVERAL.split(GAP, np.where(GAP >= 0, MASS, 0), np.where(GAP < 0, MASS, 0))
    np.testing.assert_allclose(over + under, found)
    np.testing.assert_allclose(over[:2], 0)
    np.testing.assert_allclose(under[2:], 0)


def test_the_country_and_its_provinces_have_pulls_of_their_own():
    both = Pulls(provinces=SEVERAL, country=NONE)
    assert both.of("country") is NONE
    assert all(both.of(level) is SEVERAL for level in ("province_63", "province_34", "region"))


def test_what_pulls_may_be_another_target_than_the_one_asked_about():
    pull = Pull.certain(0.3, 0.0)
    whole = above(93.0) + 0.3 * (1 - above(93.0))
    asked = probability_at_least(MEAN, SD, 95.0, pull, 93.0)
    assert asked == pytest.approx(above(95.0) / whole, abs=1e-4)
    lower = probability_at_least(MEAN, SD, 90.0, pull, 93.0)
    assert lower == pytest.approx(1 - 0.3 * (1 - above(90.0)) / whole, abs=1e-4)
    assert probability_at_least(MEAN, SD, 95.0, pull, np.nan) == pytest.approx(
        above(95.0), abs=1e-4
    )


def test_of_two_possible_targets_the_likelier_counts_for_more():
    pull = Pull.certain(0.3, 0.0)
    (edges, mass), each = tilted(MEAN, SD, np.array([93.0, 95.0, 95.0]), pull), []
    for target in (93.0, 95.0):
        each.append(tilted(MEAN, SD, target, pull))
    at = np.linspace(edges[100], edges[-100], 50)
    below = [np.interp(at, e, np.append(0.0, np.cumsum(m))) for e, m in each]
    found = np.interp(at, edges, np.append(0.0, np.cumsum(mass)))
    np.testing.assert_allclose(found, (below[0] + 2 * below[1]) / 3, atol=2e-4)
    assert mass.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("target", [np.nan, 93.37, 0.0, 100.0])
def test_cells_reach_six_deviations_and_the_target_lies_on_an_edge(target):
    edges, mass = cells(MEAN, SD, target)
    assert (len(edges), len(mass)) == (801, 800)
    reach = 6 * np.hypot(0.4, 0.15)
    assert np.diff(edges) == pytest.approx(2 * reach / 800)
    if 0 < target < 100:
        assert np.abs(edges - logit(target / 100)).min() < 1e-9
        assert 0 <= edges[0] - (2.75 - reach) < 2 * reach / 800
    else:
        assert edges[[0, -1]] == pytest.approx([2.75 - reach, 2.75 + reach])
    assert mass.sum() == pytest.approx(1, abs=1e-6)
    exact = np.diff(norm.cdf((edges - MEAN[:, None]) / SD[:, None]).mean(axis=0))
    np.testing.assert_allclose(mass, exact, atol=1e-12)
    np.testing.assert_allclose(middle(edges), 100 * expit((edges[:-1] + edges[1:]) / 2))


def fit_with(**errors):
    """What `error_sd` asks of a fit: the names of its parameters; theta: their logs, twice."""
    theta = np.log(list(errors.values())) + np.array([[0.0], [0.1]])
    return SimpleNamespace(names=list(errors)), theta


def test_an_error_in_points_is_divided_by_the_slope_of_the_share():
    fit, theta = fit_with(error_country=0.2, error_coverage=0.5)
    level, country = logit(np.array([0.9, 0.6])), np.array([False, True])
    found = error_sd(fit, theta, level, country)
    expected = np.array([[0.5 / (100 * 0.9 * 0.1), 0.2 / (100 * 0.6 * 0.4)]])
    np.testing.assert_allclose(found, np.vstack([expected, expected * np.exp(0.1)]))
    np.testing.assert_allclose(coverage_error(fit, theta), [0.5, 0.5 * np.exp(0.1)])


def test_an_error_of_which_nothing_was_seen_is_that_of_the_prior():
    fit, theta = fit_with(error_coverage=0.5)
    found = error_sd(fit, theta, np.zeros(1), np.array([True]))
    np.testing.assert_allclose(found, np.full((2, 1), PRIORS["error_country"][0] / 25))


def test_at_the_ends_of_the_scale_the_slope_stays_finite():
    fit, theta = fit_with(error_country=0.2, error_coverage=0.5)
    found = error_sd(fit, theta, np.array([-50.0, 50.0]), np.zeros(2, bool))[0]
    ends = np.array([FLOOR, CEILING])
    np.testing.assert_allclose(found, 0.5 / (100 * ends * (1 - ends)))


YEAR_END = pd.Timestamp("2024-12-31")


def goal(value, announced="2023-01-01", **given):
    whole = {
        "geo_level": "province_63", "province_code": "89", "indicator": "hi_coverage",
        "due": YEAR_END, "value": value, "announced": pd.Timestamp(announced),
    }  # fmt: skip
    return whole | given


def knowing(*goals, origin="2024-06-30"):
    """A `Known` with these targets, and one province of three that stayed alone in 2025."""
    parts = pd.DataFrame({"province_code": ["01", "89", "91"], "merged_code": ["01", "91", "91"]})
    raw = SimpleNamespace(provinces=parts)
    return SimpleNamespace(targets=pd.DataFrame(list(goals)), raw=raw, origin=pd.Timestamp(origin))


def found_for(known, *units):
    rows = [(*unit, "hi_coverage", YEAR_END) for unit in units]
    names = ["geo_level", "province_code", "indicator", "as_of"]
    return due_targets(known, pd.DataFrame(rows, columns=names)).tolist()


AN_GIANG, HA_NOI = ("province_63", "89"), ("province_63", "01")


@pytest.mark.parametrize("turned", [1, -1])
def test_of_several_targets_the_latest_announced_pulls_and_of_one_day_the_higher(turned):
    late = [goal(94.0), goal(91.0, "2024-01-01"), goal(92.0, "2024-01-01")][::turned]
    assert found_for(knowing(*late), AN_GIANG) == [92.0]


def test_a_target_of_another_unit_indicator_or_day_pulls_at_nothing():
    known = knowing(
        goal(90.0, province_code="91"),
        goal(91.0, geo_level="region"),
        goal(92.0, indicator="si_coverage"),
        goal(93.0, due=pd.Timestamp("2025-12-31")),
    )
    assert np.isnan(found_for(known, AN_GIANG, ("province_63", "91"))).tolist() == [True, False]


def test_a_target_of_everybody_pulls_at_nothing():
    assert np.isnan(found_for(knowing(goal(100.0)), AN_GIANG)[0])
    assert found_for(knowing(goal(99.9)), AN_GIANG) == [99.9]


def test_a_target_for_either_level_of_an_unmerged_province_is_one_for_both():
    merged, alone = ("province_34", "91"), ("province_34", "01")
    known = knowing(goal(90.0), goal(95.0, geo_level="province_34", province_code="01"))
    assert found_for(known, AN_GIANG, alone, HA_NOI) == [90.0, 95.0, 95.0]
    assert np.isnan(found_for(known, merged, ("province_34", "89"))).all()
