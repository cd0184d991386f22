"""Each kind of scenario against a path worked out by hand."""

import numpy as np
import pytest
from scenario_cases import (
    CODES,
    PAST_YEARS,
    RISE,
    SAG,
    START,
    WAY,
    logit,
    outcome,
    percent,
    season,
    usual,
)

STRAIGHT = START[:, :, None] + RISE[:, :, None] * WAY


def check(text, expected, base=None):
    np.testing.assert_allclose(outcome(text, base).level, expected, rtol=0, atol=1e-9)


def test_business_as_usual_is_the_forecast_to_the_last_bit():
    base = usual()
    found = outcome("kind: business_as_usual", base)
    assert np.array_equal(found.level, base.level)
    assert all(np.array_equal(found.reported[unit], base.reported[unit]) for unit in base.units)


def test_hold_last_keeps_the_level_and_the_season():
    check("kind: hold_last", season(START[:, :, None] + 0 * WAY))


def test_linear_change_adds_points_in_proportion_to_time():
    text = "kind: linear_change\nparameters: {points_per_year: 2}"
    check(text, season(START[:, :, None] + 2 * WAY))


def test_percent_of_baseline_ends_at_that_share_of_the_start():
    text = "kind: percent_of_baseline\nparameters: {percent: 105}"
    check(text, season(START[:, :, None] * (1 + 0.05 * WAY)))


def test_constant_rate_compounds():
    text = "kind: constant_rate\nparameters: {percent_per_year: 4}"
    check(text, season(START[:, :, None] * 1.04**WAY))


def test_nothing_passes_one_hundred_percent():
    text = "kind: linear_change\nparameters: {points_per_year: 100}"
    assert outcome(text).level.max() == 100


@pytest.mark.parametrize(("shape", "power"), [("straight", 1), ("accelerating", 2)])
def test_reach_target_draw_by_draw(shape, power):
    """Units that business as usual takes to 85 percent by itself (all of Hai Phong) stay."""
    expected = STRAIGHT.copy()
    for draw, province in ((0, 0), (1, 0), (0, 2), (1, 2)):
        start = START[draw, province]
        expected[draw, province] = start + (85 - start) * WAY**power
    text = f"kind: reach_target\nparameters: {{target: 85, shape: {shape}}}"
    check(text, season(expected))


def test_the_assigned_target_is_each_units_own():
    base = usual(targets={("province_63", "83"): (70.0, "province")})
    last = outcome("kind: reach_target", base).level[:, :, -1]
    np.testing.assert_allclose(last, [[85, 92, 70], [85, 88, 70]])


def test_a_unit_without_a_target_goes_on_as_usual():
    base = usual(targets={("province_63", "83"): (float("nan"), "")})
    last = outcome("kind: reach_target", base).level[:, 2, -1]
    np.testing.assert_allclose(last, [65, 70])


def test_reached_early_it_is_kept():
    text = "kind: reach_target\nparameters: {target: 85, by: 2025-06-30}"
    found = outcome(text).level[0, 0] - SAG
    np.testing.assert_allclose(found, [80, 80 + 5 * 90 / 181, 85, 85, 85])


def test_dip_and_recover_falls_and_comes_back_in_part():
    text = """
kind: dip_and_recover
parameters: {dip: 6, lowest: 2025-06-30, recovered: 2026-06-30}
"""
    down = 6 * np.array([0, 90 / 181, 1, 1 - 92 / 365, 1 - 184 / 365])
    check(text, season(STRAIGHT - down))


def test_a_dip_without_dates_is_lowest_halfway_and_gone_at_the_end():
    found = outcome("kind: dip_and_recover\nparameters: {dip: 6}").level - season(STRAIGHT)
    expected = -6 * np.array([0, 90 / 182, 181 / 182, 92 / 183, 0])
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-9)


def growing(rates):
    """Past logits that end at the start and rise by a constant rate a year: (S, P, Y)."""
    back = PAST_YEARS - PAST_YEARS[-1]
    return percent(logit(START)[:, :, None] + np.array(rates)[None, :, None] * back)


def test_best_of_region_takes_the_pace_of_the_fastest_neighbour():
    base = usual(past=growing([0.1, 0.6, 0.9]))
    found = outcome("kind: best_of_region\nparameters: {years: 3}", base).level[:, :, -1]
    np.testing.assert_allclose(found[:, 0], percent(logit(START[:, 0]) + 0.6))
    np.testing.assert_allclose(found[:, 2], percent(logit(START[:, 2]) + 0.9))


def test_a_unit_read_once_sets_no_pace():
    base = usual(past=growing([0.3, 0.6, 0.9]), read_counts=(5, 1, 5))
    found = outcome("kind: best_of_region", base).level[:, 1, -1]
    np.testing.assert_allclose(found, percent(logit(START[:, 1]) + 0.3))


def test_a_unit_that_does_better_by_itself_keeps_its_course():
    base = usual(past=growing([0.0, 0.0, 0.0]))
    assert np.array_equal(outcome("kind: best_of_region", base).level, base.level)


def test_top_n_takes_the_mean_pace_of_the_fastest():
    base = usual(past=growing([0.2, 0.6, 1.0]))
    found = outcome("kind: top_n\nparameters: {n: 2}", base).level[:, 0, -1]
    np.testing.assert_allclose(found, percent(logit(START[:, 0]) + 0.8))


def test_peer_quantile_lies_between_two_peers():
    base = usual(past=growing([0.2, 0.6, 1.0]))
    text = "kind: peer_quantile\nparameters: {quantile: 0.75, groups: 1}"
    found = outcome(text, base).level[:, 0, -1]
    np.testing.assert_allclose(found, percent(logit(START[:, 0]) + 0.8))


def test_own_best_years_repeat_the_mean_of_the_three_best():
    steps = np.array([0.1, 0.5, 0.0, 0.3, -0.2, 0.4, 0.1])
    back = -np.append(np.cumsum(steps[::-1])[::-1], 0.0)
    base = usual(past=percent(logit(START)[:, :, None] + back))
    found = outcome("kind: own_best_years\nparameters: {n: 3}", base).level[:, :, -1]
    np.testing.assert_allclose(found, percent(logit(START) + 0.4))


def test_return_to_trajectory_extends_the_line_before_the_shock():
    """Year-ends 2018, 2019 and 2020 at logits 0, 0.3 and 0.6: the line is at 2.1 in 2025."""
    past = np.full((2, 3, len(PAST_YEARS)), 50.0)
    past[:, :, 2], past[:, :, 3] = percent(0.3), percent(0.6)
    found = outcome("kind: return_to_trajectory", usual(past=past)).level[:, :, -1]
    worse = percent(2.1) <= START + RISE
    expected = np.where(worse, START + RISE, percent(2.1))
    np.testing.assert_allclose(found[:, 2], expected[:, 2])
    np.testing.assert_allclose(found[:, 0], percent(2.1))


def test_only_the_named_units_move():
    base = usual()
    found = outcome("kind: hold_last\nonly: ['83']", base).level
    assert np.array_equal(found[:, :2], base.level[:, :2])
    np.testing.assert_allclose(found[:, 2, -1], START[:, 2])


def test_the_rule_can_be_applied_to_the_country_as_a_whole():
    """The country reaches 85 percent; each province closes the same share of its own gap."""
    base = usual()
    found = outcome("kind: reach_target\nlevel: country\nparameters: {target: 85}", base)
    np.testing.assert_allclose(found.at_date["country", "00"], 85, atol=1e-9)
    closed = (found.level[:, :, -1] - base.level[:, :, -1]) / (100 - base.level[:, :, -1])
    np.testing.assert_allclose(closed, closed[:, :1] * np.ones(len(CODES)), atol=1e-9)


def test_the_country_divides_by_a_denominator_of_its_own():
    base = usual(own_base=0.9)
    found = outcome("kind: reach_target\nlevel: country\nparameters: {target: 85}", base)
    expected = np.maximum(base.at_date["country", "00"], 85)
    np.testing.assert_allclose(found.at_date["country", "00"], expected, atol=1e-9)
    insured = found.level[:, :, -1] @ base.persons[:, -1]
    np.testing.assert_allclose(insured, expected * 0.9 * base.persons[:, -1].sum(), rtol=1e-12)


def test_the_country_falls_in_proportion_to_coverage():
    base = usual()
    text = "kind: dip_and_recover\nlevel: country\nparameters: {dip: 10, recovered: 2026-12-31}"
    found = outcome(text, base)
    kept = found.level[:, :, -1] / base.level[:, :, -1]
    np.testing.assert_allclose(kept, kept[:, :1] * np.ones(len(CODES)), atol=1e-9)
    assert (kept < 1).all()
