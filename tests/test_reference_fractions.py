"""Published regressions for fractions: beta regression (R betareg) and fractional logit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.api as sm
from statsmodels.othermod.betareg import BetaModel

from analysis.drivers.robustness import fractional_logit


def test_beta_regression_of_food_expenditure_as_betareg():
    path = Path(statsmodels.__file__).parent / "othermod/tests/results/foodexpenditure.csv"
    food = pd.read_csv(path)
    X = sm.add_constant(food[["income", "persons"]])
    fit = BetaModel(food["food"] / food["income"], X).fit(disp=0, maxiter=500)
    np.testing.assert_allclose(
        fit.params.iloc[:3], [-0.622548, -0.012299, 0.118462], rtol=0, atol=2e-6
    )
    assert np.exp(fit.params.iloc[3]) == pytest.approx(35.610, abs=2e-3)
    assert fit.llf == pytest.approx(45.3335, abs=1e-4)


def test_fractional_logit_equals_the_grouped_binomial_on_star98():
    data = sm.datasets.star98.load_pandas()
    X, total = sm.add_constant(data.exog), data.endog.sum(axis=1)
    grouped = sm.GLM(data.endog, X, family=sm.families.Binomial()).fit()
    assert grouped.deviance == pytest.approx(4078.7654, abs=1e-3)
    share = data.endog["NABOVE"] / total
    ours = fractional_logit(share, X, weights=total, clusters=np.arange(len(X)))
    np.testing.assert_allclose(ours.params, grouped.params, rtol=1e-6)
    assert ours.params["LOWINC"] == pytest.approx(-0.016815, abs=1e-6)
    assert grouped.bse["LOWINC"] == pytest.approx(0.000434, abs=1e-6)
