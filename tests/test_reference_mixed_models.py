"""Published mixed-model results (R, lme4) on data that statsmodels ships."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.formula.api as smf

from analysis.inference import fit_components

SHIPPED = Path(statsmodels.__file__).parent / "regression" / "tests" / "results"


@pytest.fixture(scope="module")
def dietox():
    return pd.read_csv(SHIPPED / "dietox.csv")


def test_dietox_random_intercept_as_lme4(dietox):
    X = np.column_stack([np.ones(len(dietox)), dietox["Time"]])
    Z = pd.get_dummies(dietox["Pig"]).to_numpy(dtype=float)
    ours = fit_components(dietox["Weight"].to_numpy(), X, {"pig": Z})
    np.testing.assert_allclose(ours.beta, [15.723523, 6.942505], rtol=1e-6)
    assert ours.variances["residual"] == pytest.approx(11.36692, rel=2e-4)
    assert ours.variances["pig"] == pytest.approx(40.39395, rel=2e-4)
    assert ours.log_likelihood == pytest.approx(-2404.775, abs=2e-3)


def test_statsmodels_mixed_model_agrees_on_dietox(dietox):
    fit = smf.mixedlm("Weight ~ Time", dietox, groups=dietox["Pig"]).fit(reml=True)
    np.testing.assert_allclose(fit.fe_params, [15.723523, 6.942505], rtol=1e-6)
    assert fit.scale == pytest.approx(11.36692, rel=1e-4)
    assert fit.cov_re.iloc[0, 0] == pytest.approx(40.39395, rel=1e-4)
    assert fit.llf == pytest.approx(-2404.775, abs=1e-3)


def test_pastes_nested_components_as_lme4():
    pastes = pd.read_csv(SHIPPED / "pastes.csv")
    blocks = {
        "batch": pd.get_dummies(pastes["batch"]).to_numpy(dtype=float),
        "cask": pd.get_dummies(pastes["sample"]).to_numpy(dtype=float),
    }
    ours = fit_components(pastes["strength"].to_numpy(), np.ones((len(pastes), 1)), blocks)
    assert ours.variances["batch"] == pytest.approx(1.658, abs=2e-3)
    assert ours.variances["cask"] == pytest.approx(8.433, abs=5e-3)
    assert ours.variances["residual"] == pytest.approx(0.678, abs=1e-3)
    assert ours.log_likelihood == pytest.approx(-123.495, abs=1e-3)
