"""Clustered standard errors on Grunfeld's data as Stata prints them."""

import numpy as np
from statsmodels.datasets import grunfeld

from analysis.inference import covariance, fit_least_squares


def test_grunfeld_without_american_steel_as_stata():
    data = grunfeld.load_pandas().data
    data = data[data["firm"] != "American Steel"]
    X = np.column_stack([data["value"], data["capital"], np.ones(len(data))])
    names = ("value", "capital", "constant")
    fit = fit_least_squares(data["invest"], X, names, data["firm"])
    np.testing.assert_allclose(fit.beta, [0.115562, 0.230678, -42.714369], atol=5e-7)
    errors = np.sqrt(np.diag(covariance(fit, "CR1")))
    np.testing.assert_allclose(errors, [0.015894, 0.084967, 20.425203], atol=6e-7)
