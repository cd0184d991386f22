"""Specification curve, false discovery rate, power, and variance components."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.inference import (
    Specification,
    benjamini_hochberg,
    components_shares,
    fit_least_squares,
    minimum_detectable_effect,
    run_curve,
    wild_cluster_test,
)
from analysis.inference.resampling import webb_weights


def family(effect, rng):
    codes = np.repeat(np.arange(15), 4)
    x, z = rng.normal(size=(2, 60))
    y = effect * x + rng.normal(size=15)[codes] + rng.normal(size=60)
    labels = np.array([f"{c:02d}" for c in codes])
    designs = {"alone": [x], "with z": [x, z], "with a copy": [x, z, x]}
    return [
        Specification(
            {"controls": name},
            y,
            np.column_stack([np.ones(60), *columns]),
            ("constant", "x", "z", "copy")[: 1 + len(columns)],
            labels,
            "x",
        )
        for name, columns in designs.items()
    ]


def test_curve_agrees_with_single_tests_and_reports_the_failed_specification():
    specs = family(0.4, np.random.default_rng(1))
    curve = run_curve(specs, np.random.default_rng(2), draws=199)
    fit = fit_least_squares(specs[0].y, specs[0].X, specs[0].names, specs[0].clusters)
    weights = webb_weights(np.random.default_rng(2), 15, 199)
    alone = wild_cluster_test(fit, "x", np.random.default_rng(0), weights=weights)
    assert curve.table.loc[0, "wild_p"] == pytest.approx(alone.p)
    assert curve.table.loc[0, "estimate"] == pytest.approx(alone.estimate)
    assert "copy" in curve.table.loc[2, "note"]
    assert np.isnan(curve.table.loc[2, "estimate"])


def test_joint_test_finds_an_effect_and_holds_its_size():
    strong = run_curve(family(0.9, np.random.default_rng(3)), np.random.default_rng(4), 199)
    assert strong.joint["median"] <= 0.02
    rng = np.random.default_rng(8)
    p = [run_curve(family(0, rng)[:2], rng, 99).joint["median"] for _ in range(150)]
    assert 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.10


def test_benjamini_hochberg_equals_statsmodels_and_skips_missing():
    p = np.random.default_rng(0).uniform(size=40) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1])
    with_gap = benjamini_hochberg([0.01, np.nan, 0.04])
    np.testing.assert_allclose(with_gap, [0.02, np.nan, 0.04])
    with pytest.raises(ValueError, match="outside"):
        benjamini_hochberg([1.2])


def test_minimum_detectable_effect_reaches_its_power():
    """The power at the minimum detectable effect, from the non-central t, is about 80%."""
    effect = minimum_detectable_effect(0.1, clusters=25)
    cut = stats.t.ppf(0.975, 24)
    power = 1 - stats.nct.cdf(cut, 24, effect / 0.1) + stats.nct.cdf(-cut, 24, effect / 0.1)
    assert power == pytest.approx(0.8, abs=0.01)


def test_shares_of_variance_are_recovered_and_covered():
    rng = np.random.default_rng(9)
    group = np.repeat(np.arange(40), 4)
    y = 2 * rng.normal(size=40)[group] + rng.normal(size=160)
    Z = np.eye(40)[group]
    shares = components_shares(y, np.ones((160, 1)), {"group": Z}, rng, draws=60)
    share, low, high = shares["group"]
    assert low < 0.8 < high
    assert share == pytest.approx(0.8, abs=0.12)
    assert shares["group"][0] + shares["residual"][0] == pytest.approx(1)
