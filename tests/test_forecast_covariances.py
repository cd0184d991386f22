"""Covariances of the components: consistent with their variances, symmetric, never negative."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from forecast_cases import ORIGIN, fitted, gathered
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.forecast.parts import components
from analysis.forecast.space import DEFAULT, join, points

INDICATORS = {"health": ["hi_coverage"], "labour": ["si_coverage", "ui_coverage"]}


@cache
def parts_of(family):
    return components(family, gathered(family).units, DEFAULT, step=True)


def some_points(family, random, count):
    """Random units of all levels, dates from 2010 to 2030, and both ways of measuring."""
    space = gathered(family).units
    # The country is one unit of 104: half of the points are its own.
    keys = [key for key in sorted(space.members) if key[0] != "country"]
    keys += [("country", "00")] * len(keys)
    days = pd.Timestamp("2010-01-01") + pd.to_timedelta(random.integers(0, 7600, count), unit="D")
    table = pd.DataFrame(
        [keys[i] for i in random.integers(0, len(keys), count)],
        columns=["geo_level", "province_code"],
    ).assign(
        indicator=random.choice(INDICATORS[family], count),
        as_of=days,
        persons=random.integers(0, 2, count).astype(float),
        old_base=random.integers(0, 2, count).astype(float),
    )
    # The origin of the policy: late enough for the step of July 2021 to be felt.
    return points(table, space, DEFAULT, max(ORIGIN, pd.Timestamp("2025-06-30")))


@pytest.mark.parametrize("family", sorted(INDICATORS))
def test_the_variance_is_the_diagonal_of_the_covariance(family):
    at = some_points(family, np.random.default_rng(7), 80)
    for part in parts_of(family):
        own = np.diag(part.between(at, at))
        assert own.max() > 0, f"no point loads on {part.name}"
        np.testing.assert_allclose(part.variance(at), own, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("family", sorted(INDICATORS))
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 30))
@settings(max_examples=25)
def test_covariances_are_symmetric_and_positive_semidefinite(family, seed, count):
    at = some_points(family, np.random.default_rng(seed), count)
    for part in parts_of(family):
        matrix = part.between(at, at)
        assert np.array_equal(matrix.shape, (count, count))
        np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-13, err_msg=part.name)
        lowest = np.linalg.eigvalsh(matrix).min()
        assert lowest >= -1e-10 * max(1.0, np.abs(matrix).max()), (part.name, lowest)


@pytest.mark.parametrize("family", sorted(INDICATORS))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_what_two_sets_of_points_share_does_not_depend_on_the_order(family, seed):
    random = np.random.default_rng(seed)
    a, b = some_points(family, random, 7), some_points(family, random, 5)
    for part in parts_of(family):
        whole = part.between(join(a, b), join(a, b))
        np.testing.assert_allclose(whole[:7, 7:], part.between(a, b), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(part.between(b, a), part.between(a, b).T, atol=1e-13)


def test_the_reading_error_makes_every_covariance_of_readings_positive():
    for family in INDICATORS:
        task = fitted(family).problem
        for scale in (-2.0, 0.0, 2.0):
            theta = task.prior_mean + scale * task.prior_width
            np.linalg.cholesky(task.covariance(theta))
            assert (task.noise(theta) > 0).all()
