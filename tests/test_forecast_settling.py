"""The rounds of linearising end where nothing moves, or in an error that names the reading."""

import dataclasses

import numpy as np
import pytest
from forecast_cases import fitted

from analysis.forecast.fit import SETTLED, NonConvergence, Pace, _smooth, fit
from analysis.forecast.space import DEFAULT


def test_steps_stay_half_while_they_lead_on_and_shorten_when_they_swing():
    pace, share = Pace(), np.array([0.9, 0.5])
    for _ in range(3):
        moved, share = pace.towards(share, share + 0.1)
        np.testing.assert_allclose(moved, 0.1)
    assert pace.step == 0.5
    _, after = pace.towards(share, share - 0.1)
    assert pace.step == pytest.approx(0.35)
    np.testing.assert_allclose(share - after, 0.035)
    for sign in [1, -1] * 20:
        _, share = pace.towards(share, share + sign * 0.1)
    assert pace.step == 0.05


def test_a_swing_between_two_states_ends_between_them():
    """Whole steps would go from one state to the other for ever."""
    pace, share = Pace(), np.array([0.2])
    for _ in range(40):
        moved, share = pace.towards(share, 1.0 - share)
    assert moved.max() < 1e-6
    np.testing.assert_allclose(share, 0.5, atol=1e-6)


@pytest.mark.parametrize("family", ["health", "labour"])
def test_another_round_would_move_no_fitted_coverage(family):
    found = fitted(family)
    table, centre = found.evidence.percent, found.problem.z
    logits = np.log(table / (100 - table))
    again = _smooth(found.problem, found.theta, logits - centre)
    inside = (again > 0.03) & (again < 0.985)
    assert np.abs(again - found.fitted)[inside].max() < 2 * SETTLED


def test_a_fit_that_does_not_settle_names_the_reading():
    source = fitted("health").evidence
    hurried = dataclasses.replace(source, settings=dataclasses.replace(DEFAULT, linearisations=1))
    with pytest.raises(NonConvergence, match=r"settle in 1 rounds: .* hi_coverage on 20\d\d"):
        fit(hurried)
