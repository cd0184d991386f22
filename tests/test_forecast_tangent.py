"""Aggregates on the logit scale: exact where they are expanded, right to first order beside it."""

import numpy as np
import pytest
from forecast_cases import fitted
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from analysis.forecast.fit import tangent


def a_case(seed):
    """Coverage, a direction in logits, and weights of five provinces at three dates."""
    random = np.random.default_rng(seed)
    share = random.uniform(0.05, 0.97, (3, 5))
    weights = random.uniform(0.1, 1.0, (3, 5))
    return share, random.standard_normal((3, 5)), weights / weights.sum(axis=1, keepdims=True)


def away(share, direction, weights, step):
    """Logit of the aggregate, and its expansion, `step` away from the reference."""
    v, constant = tangent(share, share, weights)
    z = logit(share) + step * direction
    return logit((weights * expit(z)).sum(axis=1)), constant + (v * z).sum(axis=1)


@given(st.integers(0, 2**32 - 1))
def test_the_expansion_is_exact_at_the_reference(seed):
    exact, linear = away(*a_case(seed), step=0.0)
    np.testing.assert_allclose(linear, exact, rtol=0, atol=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_the_expansion_is_right_to_the_first_order(seed):
    """Halving the step quarters the error: what is left is of the second order."""
    case = a_case(seed)
    errors = []
    for step in (2e-2, 1e-2):
        exact, linear = away(*case, step=step)
        errors.append(np.abs(exact - linear))
    assert (errors[0] < 4e-2**2).all()
    assert (errors[1] <= 0.3 * errors[0] + 1e-6).all()


@given(st.integers(0, 2**32 - 1))
def test_the_weights_are_the_derivatives_of_the_aggregate(seed):
    share, _, weights = a_case(seed)
    v, _ = tangent(share, share, weights)
    for p in range(share.shape[1]):
        unit = np.eye(5)[[p] * 3]
        up, down = (away(share, unit, weights, step)[0] for step in (1e-5, -1e-5))
        np.testing.assert_allclose((up - down) / 2e-5, v[:, p], rtol=1e-6, atol=1e-8)


def test_provinces_alike_are_their_own_aggregate():
    share, weights = np.full((1, 4), 0.8), np.full((1, 4), 0.25)
    v, constant = tangent(share, share, weights)
    np.testing.assert_allclose(v, 0.25)
    assert constant[0] == pytest.approx(0.0, abs=1e-12)


def test_uncertain_provinces_count_with_their_mean_not_with_their_median():
    """The mean of a logit normal lies below its median above 50 percent."""
    median, mean = np.array([[0.90, 0.90]]), np.array([[0.90, 0.86]])
    weights = np.array([[0.5, 0.5]])
    v, constant = tangent(median, mean, weights)
    at_medians = expit(constant + (v * logit(median)).sum(axis=1))
    assert at_medians[0] == pytest.approx(0.88)


@pytest.mark.parametrize("family", ["health", "labour"])
def test_provinces_stay_as_they_are_and_aggregates_keep_their_constant(family):
    found = fitted(family)
    at = found.evidence.points
    near, constant = found.reference.linearise(at)
    alone = at.weights.max(axis=1) == 1
    assert alone.any() and not alone.all()
    assert np.array_equal(near.weights[alone], at.weights[alone])
    assert (constant[alone] == 0).all() and (constant[~alone] != 0).all()
    np.testing.assert_array_less(near.size[~alone], 1.0 + 1e-9)
