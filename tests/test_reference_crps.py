"""The continuous ranked probability score against its closed form for the normal."""

import numpy as np
import pytest
import scoringrules
from scipy import stats

from analysis.validation import scores

AT_ZERO = 0.2336949773


def closed_form(x):
    """CRPS of N(0, 1) at x (Gneiting and Raftery 2007, eq. 21)."""
    return x * (2 * stats.norm.cdf(x) - 1) + 2 * stats.norm.pdf(x) - 1 / np.sqrt(np.pi)


def test_closed_form_at_zero_and_elsewhere():
    assert closed_form(0.0) == pytest.approx(AT_ZERO, abs=1e-10)
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(scoringrules.crps_normal(x, 0.0, 1.0), closed_form(x), atol=1e-9)


def test_the_score_from_quantiles_comes_near_the_closed_form():
    quantiles = stats.norm.ppf(np.arange(1, 100) / 100)
    for x in (0.0, 0.7, -1.9):
        ours = float(scores.crps_quantiles(quantiles[None, :], np.array([x]))[0])
        assert ours == pytest.approx(closed_form(x), rel=0.03)
