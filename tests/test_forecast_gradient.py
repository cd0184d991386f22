"""The gradient that the fit climbs by is that of the objective; a fit without a top says so."""

import dataclasses

import numpy as np
import pytest
from forecast_cases import fitted

from analysis.forecast import fit as room
from analysis.forecast.fit import CONVERGED, NonConvergence

STEP = 1e-4


def slope(function, theta, j):
    """Central difference of the fourth order: rounding leaves room for no shorter step."""
    shift = np.zeros(len(theta))
    shift[j] = STEP
    near = function(theta + shift)[0] - function(theta - shift)[0]
    far = function(theta + 2 * shift)[0] - function(theta - 2 * shift)[0]
    return (8 * near - far) / (12 * STEP)


@pytest.mark.parametrize("family", ["health", "labour"])
@pytest.mark.parametrize("which", ["likelihood", "objective"])
def test_the_gradient_is_the_slope_for_every_standard_deviation(family, which):
    """At a place off the top, where no slope is zero by chance."""
    found = fitted(family)
    function = getattr(found.problem, which)
    theta = found.theta + np.resize([0.3, -0.2, 0.1, -0.4], len(found.theta))
    exact = function(theta)[1]
    assert len(exact) == len(found.names) >= 20
    for j, name in enumerate(found.names):
        near = slope(function, theta, j)
        assert near == pytest.approx(exact[j], rel=1e-6, abs=1e-6), name


@pytest.mark.parametrize("family", ["health", "labour"])
def test_at_the_mode_nothing_is_left_to_climb(family):
    found = fitted(family)
    value, gradient = found.problem.objective(found.theta)
    assert np.abs(gradient).max() < CONVERGED
    random = np.random.default_rng(1)
    for _ in range(20):
        other = found.theta + 0.1 * random.standard_normal(len(found.theta))
        assert found.problem.objective(other)[0] > value


@pytest.mark.parametrize("family", ["health", "labour"])
def test_the_spread_is_the_inverse_of_the_curvature(family):
    """Second differences of the objective along each axis, against the inverse of `covariance`."""
    found = fitted(family)
    hessian = np.linalg.inv(found.covariance)
    for j in range(len(found.theta)):
        shift = np.zeros(len(found.theta))
        shift[j] = 1e-3
        ends = [found.problem.objective(found.theta + sign * shift)[0] for sign in (1, -1)]
        middle = found.problem.objective(found.theta)[0]
        assert (sum(ends) - 2 * middle) / 1e-6 == pytest.approx(hessian[j, j], rel=1e-3)


@dataclasses.dataclass(frozen=True)
class Slide:
    """An objective that falls for ever in its second parameter."""

    names: tuple[str, ...] = ("province", "deviation")

    def objective(self, theta):
        return theta[0] ** 2 - 3.0 * theta[1], np.array([2 * theta[0], -3.0])


def test_a_fit_without_a_top_names_the_gradient_that_is_left():
    with pytest.raises(NonConvergence) as raised:
        room._top(Slide(), np.zeros(2))
    message = str(raised.value)
    assert "gradient of deviation is -3" in message
    assert "did not converge" in message
    assert "standard deviation of" in message


def test_a_fit_whose_search_was_cut_short_is_an_error(monkeypatch):
    """Readings that no standard deviation explains, with the bounds of the prior taken away."""
    found = fitted("health")
    endless = dataclasses.replace(
        found.problem,
        z=1e6 * np.resize([1.0, -1.0], len(found.problem.z)),
        prior_width=np.full(len(found.theta), 1e9),
    )
    with pytest.raises(NonConvergence, match=r"the gradient of \w+ is "):
        room._top(endless, found.theta)
