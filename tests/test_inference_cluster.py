"""CR1, CR2 and CR3 against statsmodels, the delete-one jackknife and exact expectations."""

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.inference import FewClusters, SingularDesign, covariance, fit_least_squares

NAMES = ("constant", "slope", "group")


@pytest.fixture
def panel():
    rng = np.random.default_rng(7)
    codes = np.repeat(np.arange(9), [2, 5, 3, 7, 4, 2, 6, 3, 8])
    X = np.column_stack([np.ones(40), rng.normal(size=40), rng.normal(size=9)[codes]])
    y = X @ [1, 0.5, -0.2] + rng.normal(size=9)[codes] + rng.normal(size=40)
    return y, X, codes


def test_cr1_is_the_clustered_covariance_of_statsmodels(panel):
    y, X, codes = panel
    ours = fit_least_squares(y, X, NAMES, codes)
    theirs = sm.OLS(y, X).fit(cov_type="cluster", cov_kwds={"groups": codes})
    np.testing.assert_allclose(ours.beta, theirs.params, rtol=1e-10)
    np.testing.assert_allclose(covariance(ours, "CR1"), theirs.cov_params(), rtol=1e-9)


def test_cr3_is_the_delete_one_cluster_jackknife(panel):
    y, X, codes = panel
    ours = fit_least_squares(y, X, NAMES, codes)
    left = np.array([sm.OLS(y[codes != g], X[codes != g]).fit().params for g in range(9)])
    jackknife = 8 / 9 * (left - ours.beta).T @ (left - ours.beta)
    np.testing.assert_allclose(covariance(ours, "CR3"), jackknife, rtol=1e-8)


def test_cr3_with_absorbed_effects_is_the_jackknife_with_dummies(panel):
    y, X, codes = panel
    ours = fit_least_squares(y, X[:, [1]], ["slope"], codes, absorb=True)
    left = []
    for g in range(9):
        keep = codes != g
        dummies = (codes[keep][:, None] == np.unique(codes[keep])).astype(float)
        fitted = sm.OLS(y[keep], np.column_stack([X[keep][:, [1]], dummies])).fit()
        left.append(fitted.params[0])
    jackknife = 8 / 9 * ((np.array(left) - ours.beta[0]) ** 2).sum()
    np.testing.assert_allclose(covariance(ours, "CR3")[0, 0], jackknife, rtol=1e-8)


def test_cr2_is_unbiased_under_its_working_model(panel):
    """With independent errors of variance one, E[CR2] is exactly (X'X)^-1."""
    _, X, codes = panel
    fit = fit_least_squares(np.zeros(40), X, NAMES, codes)
    annihilator = np.eye(40) - X @ fit.bread @ X.T
    expected = np.zeros((3, 3))
    # The estimator is quadratic in y, so its expectation is the sum over a basis of errors
    # of the estimates of the annihilated basis vectors.
    for column in np.eye(40):
        expected += covariance(fit_least_squares(column, X, NAMES, codes), "CR2")
    assert np.allclose(annihilator @ X, 0, atol=1e-10)
    np.testing.assert_allclose(expected, fit.bread, rtol=1e-8)


def test_a_collinear_term_is_named(panel):
    y, X, codes = panel
    with pytest.raises(SingularDesign, match="twice"):
        fit_least_squares(y, np.column_stack([X, X[:, 1]]), [*NAMES, "twice"], codes)


def test_a_term_that_rests_on_one_cluster_has_no_jackknife(panel):
    y, X, codes = panel
    lone = np.column_stack([X, codes == 3])
    with pytest.raises(SingularDesign, match="'3'"):
        covariance(fit_least_squares(y, lone, [*NAMES, "lone"], codes), "CR3")


def test_one_cluster_is_refused(panel):
    y, X, _ = panel
    with pytest.raises(FewClusters):
        fit_least_squares(y, X, NAMES, np.zeros(40))


def test_a_missing_value_is_refused_and_never_dropped(panel):
    y, X, codes = panel
    y = y.copy()
    y[3] = np.nan
    with pytest.raises(ValueError, match="missing"):
        fit_least_squares(y, X, NAMES, codes)
