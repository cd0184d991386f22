"""Scores agree with closed forms, with an independent library, and with their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scoringrules
from scipy.stats import norm

from analysis.forecast.prediction import PERCENTILES
from analysis.validation import scores

NORMAL = 50 + 4 * norm.ppf(PERCENTILES)


def rows(*values: float) -> tuple[np.ndarray, np.ndarray]:
    return np.tile(NORMAL, (len(values), 1)), np.array(values)


def test_crps_from_quantiles_is_close_to_the_closed_form():
    quantiles, value = rows(50, 47, 61)
    exact = scoringrules.crps_normal(value, 50.0, 4.0)
    assert scores.crps_quantiles(quantiles, value) == pytest.approx(exact, rel=0.02)


def test_crps_from_quantiles_equals_the_library():
    quantiles, value = rows(50, 44, 58)
    library = scoringrules.crps_quantile(value, quantiles, PERCENTILES)
    assert scores.crps_quantiles(quantiles, value) == pytest.approx(library, abs=1e-12)


@pytest.mark.parametrize("value", [35.0, 41.0, 50.0, 55.5, 66.0])
def test_distribution_is_exact_for_a_normal_even_in_the_tails(value):
    quantiles, at = rows(value)
    got = scores.distribution(quantiles, at)[0]
    assert got == pytest.approx(norm.cdf((value - 50) / 4), abs=2e-4)


def test_distribution_copes_with_quantiles_that_pile_up_at_the_bound():
    quantiles = np.minimum(NORMAL + 48, 100)[None, :]
    assert scores.distribution(quantiles, np.array([100.5]))[0] == pytest.approx(1.0)
    assert 0 < scores.distribution(quantiles, np.array([97.0]))[0] < 0.5


def test_log_score_is_the_probability_of_what_the_digits_allow():
    quantiles, _ = rows(50)
    got = scores.log_score(quantiles, np.array([49.5]), np.array([50.5]))[0]
    assert got == pytest.approx(np.log(norm.cdf(0.125) - norm.cdf(-0.125)), abs=1e-2)
    miss = scores.log_score(quantiles, np.array([99.9]), np.array([99.91]))[0]
    assert miss == np.log(scores.SMALLEST_PROBABILITY)


@pytest.mark.parametrize("percent", scores.BANDS)
def test_bands_are_central(percent):
    quantiles, _ = rows(50)
    low, high = scores.band(quantiles, percent)
    half = 4 * norm.ppf(0.5 + percent / 200)
    assert low[0] == pytest.approx(50 - half, abs=0.1)
    assert high[0] == pytest.approx(50 + half, abs=0.1)


def test_skill_is_zero_against_oneself_and_signed():
    score = pd.Series([1.0, 2.0, 3.0, 4.0])
    province = pd.Series(["01", "01", "02", "04"])
    assert scores.skill(score, score, province, "t") == (0.0, 0.0, 0.0)
    better, low, high = scores.skill(score / 2, score, province, "t")
    assert better == low == high == 0.5
    assert scores.skill(score * 2, score, province, "t")[0] == -1.0


def test_skill_resamples_whole_provinces():
    """Many rows of one province do not narrow the interval: it is wide or empty."""
    own = pd.Series([1.0] * 50 + [3.0] * 50)
    other = pd.Series([2.0] * 100)
    two = pd.Series(["01"] * 50 + ["02"] * 50)
    _, low, high = scores.skill(own, other, two, "t")
    assert (low, high) == (-0.5, 0.5)
    one = scores.skill(own, other, pd.Series(["01"] * 100), "t")
    assert one[0] == 0.0 and np.isnan(one[1])


def test_brier_and_reliability_by_hand():
    probability, met = np.array([0.9, 0.8, 0.2, 0.4]), np.array([True, True, False, True])
    assert scores.brier(probability, met) == pytest.approx((0.01 + 0.04 + 0.04 + 0.36) / 4)
    table = scores.reliability(probability, met, np.array([0, 0.5, 1.0]))
    assert table["n"].tolist() == [2, 2]
    assert table["share_met"].tolist() == [0.5, 1.0]
    assert table["mean_probability"].tolist() == pytest.approx([0.3, 0.85])
