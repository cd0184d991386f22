"""Draws of a reported value move with the pull of a target, and keep their order."""

import numpy as np
import pytest

from analysis.forecast.draws import pulled
from analysis.forecast.pull import NONE, Pull

VALUES = np.random.default_rng(5).normal(94.0, 1.5, 4000)


def test_without_a_pull_every_draw_stays():
    np.testing.assert_allclose(pulled(VALUES, 95.0, NONE), VALUES, rtol=0, atol=1e-9)


def test_the_share_above_the_target_is_the_tilted_share():
    pull = Pull.certain(0.4, 0.0)
    above = float((VALUES >= 95).mean())
    expected = above / (above + 0.4 * (1 - above))
    assert float((pulled(VALUES, 95.0, pull) >= 95).mean()) == pytest.approx(expected, abs=2e-3)


def test_the_order_of_the_draws_stays():
    bent = pulled(VALUES, 95.0, Pull.certain(0.4, 5.0))
    assert np.array_equal(np.argsort(bent, kind="stable"), np.argsort(VALUES, kind="stable"))


def test_values_heap_just_above_the_target():
    bent = pulled(VALUES, 95.0, Pull.certain(1.0, 5.0))
    near = ((bent >= 95) & (bent < 95.5)).mean()
    assert near > 2 * ((VALUES >= 95) & (VALUES < 95.5)).mean()
