"""The Nile's local level, and the agreement of a dense normal with a state space."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.tsa.statespace.structural import UnobservedComponents

from analysis.inference import fit_components
from analysis.inference.components import _value_and_slope


@pytest.fixture(scope="module")
def nile():
    return sm.datasets.nile.load_pandas().data["volume"].to_numpy(dtype=float)


def test_nile_local_level_by_dense_restricted_likelihood(nile):
    """A random walk from an unknown start is a free constant plus summed steps."""
    n = len(nile)
    steps = np.tril(np.ones((n, n)))[:, 1:]
    ours = fit_components(nile, np.ones((n, 1)), {"level": steps})
    assert ours.variances["residual"] == pytest.approx(15098.5, rel=2e-3)
    assert ours.variances["level"] == pytest.approx(1469.18, rel=5e-3)
    # Durbin and Koopman count a factor of 2 pi for the diffuse observation too.
    assert ours.log_likelihood - 0.5 * np.log(2 * np.pi) == pytest.approx(-633.4646, abs=1e-4)


def test_dense_normal_agrees_with_statsmodels_state_space_on_the_nile(nile):
    model = UnobservedComponents(nile, "local level")
    model.ssm.initialize_diffuse()
    theirs = model.loglike(np.array([15098.5, 1469.18]))
    n = len(nile)
    steps = np.tril(np.ones((n, n)))[:, 1:]
    variances = np.array([1469.18, 15098.5])
    ours, _ = _value_and_slope(variances, [steps @ steps.T], nile, np.ones((n, 1)))
    assert ours == pytest.approx(theirs, abs=1e-9)
