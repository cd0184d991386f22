"""The wild cluster bootstrap against a literal loop, and its confidence interval."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.inference import (
    covariance,
    fit_least_squares,
    rejection_rates,
    standard_errors,
    webb_weights,
    wild_cluster_test,
)
from analysis.inference.resampling import draw_statistics, pieces, simulate_null, t_statistic


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


def test_the_statistic_is_the_coefficient_over_its_cr1_error(case):
    y, X, codes = case
    fit = fit_least_squares(y, X, ("c", "a", "b"), codes)
    error = np.sqrt(covariance(fit, "CR1")[1, 1])
    test = wild_cluster_test(fit, "a", np.random.default_rng(1), 99, null=0.2)
    assert (test.term, test.estimate, test.draws) == ("a", fit.beta[1], 99)
    assert test.t == pytest.approx((fit.beta[1] - 0.2) / error)


def test_a_design_of_one_term_is_tested_too(case):
    y, X, codes = case
    fit = fit_least_squares(y, X[:, [1]], ("a",), codes)
    weights = webb_weights(np.random.default_rng(5), 7, 149)
    ours = wild_cluster_test(fit, "a", np.random.default_rng(0), weights=weights)
    drawn = []
    for w in weights.T:
        again = fit_least_squares(w[codes] * y, X[:, [1]], ("a",), codes)
        drawn.append(again.beta[0] / np.sqrt(covariance(again, "CR1")[0, 0]))
    assert ours.p == pytest.approx((1 + (np.abs(drawn) >= abs(ours.t)).sum()) / 150)


def test_a_lower_level_gives_a_wider_interval_and_one_never_reached_has_no_end(case):
    y, X, codes = case
    fit = fit_least_squares(y, X, ("c", "a", "b"), codes)
    weights = webb_weights(np.random.default_rng(6), 7, 199)
    rng = np.random.default_rng(0)
    wide, narrow = (
        wild_cluster_test(fit, "a", rng, weights=weights, level=level) for level in (0.05, 0.3)
    )
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high
    for end, step in ((narrow.low, -1e-3), (narrow.high, 1e-3)):
        for shift, above in ((step, False), (-step, True)):
            p = wild_cluster_test(fit, "a", rng, weights=weights, null=end + shift).p
            assert (p > 0.3) is above
    never = wild_cluster_test(fit, "a", rng, weights=weights, level=1e-9)
    assert (never.low, never.high) == (-np.inf, np.inf)


def test_simulated_outcomes_share_their_error_within_clusters():
    codes = np.repeat(np.arange(200), 5)
    drawn = simulate_null(codes, np.random.default_rng(1), 40)
    assert drawn.shape == (40, 1000)
    size = np.exp(2 * 0.35**2)
    assert drawn.var() == pytest.approx(size, rel=0.05)
    assert (drawn[:, ::5] * drawn[:, 1::5]).mean() == pytest.approx(0.3 * size, rel=0.08)
    more = simulate_null(codes, np.random.default_rng(1), 40, share=0.8)
    assert (more[:, ::5] * more[:, 1::5]).mean() == pytest.approx(0.8 * size, rel=0.08)
    square = drawn.reshape(40, 200, 5)
    spread = np.log((square - square.mean(axis=2, keepdims=True)).var(axis=2)).std()
    same = np.log(np.random.default_rng(2).normal(size=(40, 200, 5)).var(axis=2)).std()
    assert spread**2 - same**2 == pytest.approx((2 * 0.35) ** 2, rel=0.25)


@pytest.mark.parametrize("absorb", [False, True])
def test_rejection_rates_count_what_each_test_rejects(absorb):
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(6), 4)
    labels = np.array([f"p{code}" for code in codes])
    X = np.column_stack([rng.normal(size=24)] if absorb else [np.ones(24), rng.normal(size=24)])
    names = ("x",) if absorb else ("c", "x")
    found = rejection_rates(
        X, names, labels, "x", np.random.default_rng(4), 60, 19, absorb=absorb, level=0.2
    )
    again = np.random.default_rng(4)
    hits = dict.fromkeys(found, 0)
    for y in simulate_null(codes, again, 60):
        fit = fit_least_squares(y, X, names, labels, absorb=absorb)
        t = {k: abs(fit.beta[-1]) / standard_errors(fit, k)[-1] for k in ("CR1", "CR2", "CR3")}
        for kind, value in t.items():
            hits[kind] += 2 * stats.t.sf(value, 5) < 0.2
        hits["CR1_normal"] += 2 * stats.norm.sf(t["CR1"]) < 0.2
        weights = webb_weights(again, 6, 19)
        hits["wild"] += wild_cluster_test(fit, "x", again, weights=weights).p <= 0.2
    assert found == {name: count / 60 for name, count in hits.items()}
    assert found["CR1_normal"] > found["CR1"] >= found["CR3"] and 0 < found["wild"] < 0.5


@pytest.mark.parametrize("null", [0.0, 0.4])
def test_weights_of_one_give_the_actual_statistic_back(case, null):
    y, X, codes = case
    fit = fit_least_squares(y, X, ("c", "a", "b"), codes)
    parts = pieces(fit, "a")
    error = np.sqrt(covariance(fit, "CR1")[1, 1])
    drawn = draw_statistics(parts, np.ones((7, 2)), null)
    np.testing.assert_allclose(drawn, (fit.beta[1] - null) / error)
    assert t_statistic(parts, null) == pytest.approx(drawn[0])
