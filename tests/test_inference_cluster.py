"""CR1, CR2 and CR3 against statsmodels, the delete-one jackknife and exact expectations."""

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.inference import (
    FewClusters,
    SingularDesign,
    covariance,
    fit_least_squares,
    standard_errors,
)
from analysis.inference.regression import check_full_rank, cr1_factor, sums_by, within

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


# --------------------------------------------------------------------------------------------------
# The parts, on numbers small enough for a pencil.
# --------------------------------------------------------------------------------------------------


def test_sums_and_deviations_are_taken_by_cluster():
    codes, values = np.array([0, 1, 0, 2]), np.array([1.0, 5.0, 3.0, 7.0])
    both = np.column_stack([values, -2 * values])
    np.testing.assert_array_equal(sums_by(codes, values, 4), [4, 5, 7, 0])
    np.testing.assert_array_equal(sums_by(codes, both, 3), [[4, -8], [5, -10], [7, -14]])
    np.testing.assert_array_equal(within(values, codes, 3), [-1, 0, 1, 0])
    np.testing.assert_array_equal(within(both, codes, 3), [[-1, 2], [0, 0], [1, -2], [0, 0]])


def test_the_factor_of_cr1_is_as_stata_has_it():
    assert cr1_factor(40, 3, 9) == pytest.approx(9 / 8 * 39 / 37)


def test_a_fit_knows_its_size_and_its_terms(panel):
    y, X, codes = panel
    fit = fit_least_squares(y, X, NAMES, codes)
    assert (fit.n, fit.clusters, fit.index("group")) == (40, 9, 2)
    np.testing.assert_allclose(fit.residuals, y - X @ fit.beta)
    np.testing.assert_allclose(fit.bread @ (X.T @ X), np.eye(3), atol=1e-10)
    with pytest.raises(KeyError, match=r"no term 'slop' in this design; it has constant, slope, g"):
        fit.index("slop")


def test_clusters_are_found_by_label_in_whatever_order(panel):
    y, X, codes = panel
    order = np.random.default_rng(2).permutation(40)
    names = np.array([f"p{code}" for code in codes])
    plain = covariance(fit_least_squares(y, X, NAMES, codes), "CR3")
    turned = fit_least_squares(y[order], X[order], NAMES, names[order])
    assert turned.labels == tuple(f"p{code}" for code in range(9))
    np.testing.assert_allclose(covariance(turned), plain)
    np.testing.assert_allclose(standard_errors(turned), np.sqrt(np.diag(plain)))


def test_absorbed_effects_give_the_coefficients_of_dummies(panel):
    y, X, codes = panel
    ours = fit_least_squares(y, X[:, [1]], ["slope"], codes, absorb=True)
    dummies = (codes[:, None] == np.arange(9)).astype(float)
    theirs = sm.OLS(y, np.column_stack([X[:, [1]], dummies])).fit()
    assert ours.beta[0] == pytest.approx(theirs.params[0])
    np.testing.assert_allclose(ours.residuals, theirs.resid, atol=1e-10)


def test_as_many_effects_as_rows_are_refused():
    codes = np.repeat(np.arange(4), 2)
    X = np.random.default_rng(1).normal(size=(8, 4))
    with pytest.raises(SingularDesign, match="8 rows do not carry 4 effects"):
        fit_least_squares(np.zeros(8), X, "abcd", codes, absorb=True)
    assert fit_least_squares(np.zeros(8), X[:, :3], "abc", codes, absorb=True).n == 8


def test_a_term_that_does_not_vary_is_named(panel):
    y, X, codes = panel
    dead = np.column_stack([X, np.zeros(40)])
    with pytest.raises(SingularDesign, match="the design: the term 'none' does not vary"):
        fit_least_squares(y, dead, [*NAMES, "none"], codes)
    with pytest.raises(SingularDesign, match="effects: the term 'constant' does not vary"):
        check_full_rank(X * 0, NAMES, "effects")


def test_more_terms_than_rows_are_refused():
    X = np.random.default_rng(1).normal(size=(3, 3))
    with pytest.raises(SingularDesign, match="3 terms for 3 rows"):
        check_full_rank(X, "abc")
    check_full_rank(np.vstack([X, X + 1]), "abc")


@pytest.mark.parametrize("place", ["y", "X"])
def test_an_infinite_value_is_refused_wherever_it_stands(panel, place):
    y, X, codes = (value.copy() for value in panel)
    {"y": y, "X": X[:, 1]}[place][3] = np.inf
    with pytest.raises(ValueError, match="missing or infinite"):
        fit_least_squares(y, X, NAMES, codes)


def test_two_clusters_are_enough_and_an_unknown_covariance_is_refused(panel):
    y, X, codes = panel
    fit = fit_least_squares(y, X, NAMES, codes % 2)
    assert fit.clusters == 2
    with pytest.raises(ValueError, match="unknown covariance 'CR4': choose one of CR1, CR2, CR3"):
        covariance(fit, "CR4")
