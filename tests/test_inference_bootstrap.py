"""The wild cluster bootstrap against a literal loop, and its confidence interval."""

import numpy as np
import pytest
import statsmodels.api as sm

from analysis.inference import fit_least_squares, webb_weights, wild_cluster_test


@pytest.fixture
def case():
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(7), [3, 4, 2, 5, 6, 3, 4])
    X = np.column_stack([np.ones(27), rng.normal(size=27), rng.normal(size=7)[codes]])
    y = X @ [0.3, 0.4, 0.0] + 0.5 * rng.normal(size=7)[codes] + rng.normal(size=27)
    return y, X, codes


def literal_p(y, X, codes, j, null, weights):
    """The bootstrap as its authors write it: impose the null, reweigh residuals, refit."""

    def t_of(outcome):
        fit = sm.OLS(outcome, X).fit(cov_type="cluster", cov_kwds={"groups": codes})
        return (fit.params[j] - null) / fit.bse[j]

    others = np.delete(X, j, axis=1)
    restricted = sm.OLS(y - null * X[:, j], others).fit()
    drawn = [
        t_of(null * X[:, j] + restricted.fittedvalues + w[codes] * restricted.resid)
        for w in weights.T
    ]
    return (1 + (np.abs(drawn) >= abs(t_of(y)) * (1 - 1e-12)).sum()) / (1 + len(drawn))


@pytest.mark.parametrize("null", [0.0, 0.7])
def test_p_value_equals_the_literal_bootstrap(case, null):
    y, X, codes = case
    weights = webb_weights(np.random.default_rng(5), 7, 149)
    fit = fit_least_squares(y, X, ("c", "a", "b"), codes)
    for j, term in enumerate(("c", "a", "b")):
        ours = wild_cluster_test(fit, term, np.random.default_rng(0), weights=weights, null=null)
        assert ours.p == pytest.approx(literal_p(y, X, codes, j, null, weights), abs=1e-12)


def test_interval_ends_where_the_test_reaches_its_level(case):
    y, X, codes = case
    fit = fit_least_squares(y, X, ("c", "a", "b"), codes)
    weights = webb_weights(np.random.default_rng(6), 7, 999)
    rng = np.random.default_rng(0)
    test = wild_cluster_test(fit, "a", rng, weights=weights)
    inside = np.linspace(test.low, test.high, 9)[1:-1]
    assert all(wild_cluster_test(fit, "a", rng, weights=weights, null=v).p > 0.05 for v in inside)
    for end, step in ((test.low, -1e-3), (test.high, 1e-3)):
        assert wild_cluster_test(fit, "a", rng, weights=weights, null=end + step).p <= 0.05


def test_webb_weights_have_mean_zero_and_variance_one():
    values = np.unique(webb_weights(np.random.default_rng(0), 100, 100))
    assert len(values) == 6
    assert values.mean() == pytest.approx(0, abs=1e-12)
    assert (values**2).mean() == pytest.approx(1)


def test_same_seed_same_result(case):
    y, X, codes = case
    fit = fit_least_squares(y, X, ("c", "a", "b"), codes)
    first, second = (wild_cluster_test(fit, "a", np.random.default_rng(4), 199) for _ in range(2))
    assert first == second
