"""Clustered standard errors on Grunfeld's and Petersen's data, as Stata and Petersen print them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
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


# Petersen's panel of 500 firms and 10 years (statsmodels ships it with its tests), and the
# results that he publishes beside it: Petersen, Test Data for Simulated Panels, 2006.
PETERSEN = Path(statsmodels.__file__).parent / "stats/tests/test_data.txt"


@pytest.mark.parametrize(
    ("by", "published"),
    [("firm", [0.0670, 0.0506]), ("year", [0.0234, 0.0334])],
)
def test_petersen_by_firm_and_by_year_as_published(by, published):
    data = pd.read_csv(PETERSEN, sep=r"\s+", header=None, names=["firm", "year", "x", "y"])
    assert len(data) == 5000
    X = np.column_stack([np.ones(len(data)), data["x"]])
    fit = fit_least_squares(data["y"], X, ("constant", "x"), data[by])
    np.testing.assert_allclose(fit.beta, [0.0297, 1.0348], atol=5e-5)
    errors = np.sqrt(np.diag(covariance(fit, "CR1")))
    np.testing.assert_allclose(errors, published, atol=5.1e-5)
