"""Specification curve, false discovery rate, power, and variance components."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.inference import (
    CURVE_COLUMNS,
    SingularDesign,
    Specification,
    benjamini_hochberg,
    components_shares,
    estimate_rows,
    fit_components,
    fit_least_squares,
    minimum_detectable_effect,
    run_curve,
    standard_errors,
    wild_cluster_test,
)
from analysis.inference.components import _projected, _value_and_slope, indicator_matrix
from analysis.inference.resampling import draw_statistics, pieces, webb_weights
from analysis.inference.specification_curve import FEWEST_CLUSTERS


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


# --------------------------------------------------------------------------------------------------
# Every column and every joint statistic, computed again the long way.
# --------------------------------------------------------------------------------------------------


def test_each_row_of_a_curve_says_what_was_estimated_and_on_what():
    specs = family(0.4, np.random.default_rng(1))[:2]
    table = run_curve(specs, np.random.default_rng(2), draws=99).table
    assert table["specification"].tolist() == [1, 2]
    assert table["controls"].tolist() == ["alone", "with z"]
    for spec, row in zip(specs, table.to_dict("records"), strict=True):
        fit = fit_least_squares(spec.y, spec.X, spec.names, spec.clusters)
        error = standard_errors(fit, "CR3")[1]
        assert row["standard_error"] == pytest.approx(error)
        assert row["p_cr3"] == pytest.approx(2 * stats.t.sf(abs(fit.beta[1]) / error, 14))
        assert row["t_cr1"] == pytest.approx(fit.beta[1] / standard_errors(fit, "CR1")[1])
        assert (row["n"], row["clusters"], row["terms"]) == (60, 15, len(spec.names))
        assert (row["term"], row["note"]) == ("x", "")


@pytest.mark.parametrize("effect", [0.5, -0.5, 0.0])
def test_joint_values_compare_the_family_with_its_own_draws(effect):
    specs = family(effect, np.random.default_rng(5))
    curve = run_curve(specs, np.random.default_rng(2), draws=99, level=0.1)
    weights = webb_weights(np.random.default_rng(2), 15, 99)
    drawn = np.array([draw_statistics(pieces(fit_of(spec), "x"), weights) for spec in specs[:2]])
    actual = curve.table["t_cr1"].to_numpy()[:2]
    cut = np.quantile(np.abs(drawn), 0.9, axis=1)

    def family_of(t):
        up, down = (t > cut).mean(), (t < -cut).mean()
        positive = (t > 0).mean()
        return abs(np.median(t)), max(up, down), max(positive, 1 - positive)

    own, others = family_of(actual), np.array([family_of(t) for t in drawn.T])
    expected = [(1 + (others[:, i] >= own[i] - 1e-12).sum()) / 100 for i in range(3)]
    names = ["median", "share_significant", "share_of_sign"]
    assert [curve.joint[name] for name in names] == pytest.approx(expected)


def fit_of(spec):
    return fit_least_squares(spec.y, spec.X, spec.names, spec.clusters)


def small(clusters, rng):
    """A specification with that many clusters of four rows."""
    codes = np.repeat(np.arange(clusters), 4)
    x, y = rng.normal(size=(2, 4 * clusters))
    labels = np.array([f"{code:02d}" for code in codes])
    X = np.column_stack([np.ones(len(x)), x])
    return Specification({"controls": "none"}, y, X, ("constant", "x"), labels, "x")


def test_few_clusters_are_told_and_counted_in_no_joint_value():
    rng = np.random.default_rng(3)
    enough, few = small(FEWEST_CLUSTERS, rng), small(FEWEST_CLUSTERS - 1, rng)
    both = run_curve([enough, few], np.random.default_rng(2), draws=99)
    alone = run_curve([enough], np.random.default_rng(2), draws=99)
    assert both.joint == alone.joint != {}
    notes = both.table["note"].tolist()
    assert notes == ["", f"fewer than {FEWEST_CLUSTERS} clusters: not counted"]
    assert both.table["estimate"].notna().all(), "it is shown, though"
    assert run_curve([few], np.random.default_rng(2), draws=99).joint == {}


def test_effects_of_clusters_are_absorbed_where_a_specification_asks_for_it():
    spec = small(12, np.random.default_rng(4))
    own = replace(spec, X=spec.X[:, [1]], names=("x",), absorb=True)
    row = run_curve([own], np.random.default_rng(2), draws=19).table.iloc[0]
    fit = fit_least_squares(own.y, own.X, ("x",), own.clusters, absorb=True)
    assert row["estimate"] == pytest.approx(fit.beta[0])


def test_rows_of_estimates_carry_error_test_interval_and_power():
    fit = fit_of(family(0.4, np.random.default_rng(1))[1])
    rows = estimate_rows(fit, ["x", "z"], np.random.default_rng(6), draws=199, design="main")
    rng = np.random.default_rng(6)
    for place, row in zip((1, 2), rows, strict=True):
        test = wild_cluster_test(fit, row["term"], rng, 199)
        error = standard_errors(fit, "CR3")[place]
        assert (row["design"], row["n"], row["clusters"], row["note"]) == ("main", 60, 15, "")
        assert row["estimate"] == fit.beta[place]
        assert row["standard_error"] == pytest.approx(error)
        assert row["p_cr3"] == pytest.approx(2 * stats.t.sf(abs(fit.beta[place]) / error, 14))
        assert (row["wild_p"], row["low"], row["high"]) == (test.p, test.low, test.high)
        assert row["minimum_detectable"] == minimum_detectable_effect(error, 15)
    assert [row["term"] for row in rows] == ["x", "z"]
    assert set(rows[0]) - {"outcome", "sample"} <= set(CURVE_COLUMNS)


def test_a_term_of_one_cluster_has_an_estimate_and_no_statement():
    spec = small(12, np.random.default_rng(4))
    X = np.column_stack([spec.X, spec.clusters == "03"])
    fit = fit_least_squares(spec.y, X, ("constant", "x", "lone"), spec.clusters)
    row = estimate_rows(fit, ["lone"], np.random.default_rng(1), draws=19)[0]
    assert row["estimate"] == fit.beta[2]
    empty = ["standard_error", "p_cr3", "wild_p", "low", "high", "minimum_detectable"]
    assert np.isnan([row[name] for name in empty]).all()
    assert "cluster '03' alone" in row["note"]


def test_an_interval_without_an_end_says_so():
    """Of nine draws and the actual one the smallest p-value is one in ten."""
    fit = fit_of(small(12, np.random.default_rng(4)))
    row = estimate_rows(fit, ["x"], np.random.default_rng(1), draws=9)[0]
    assert np.isnan([row["low"], row["high"]]).all()
    assert row["note"] == "the interval has no end on one side"
    assert np.isfinite([row["standard_error"], row["wild_p"]]).all()


def test_the_minimum_detectable_effect_is_the_sum_of_both_quantiles():
    expected = 0.1 * (stats.t.ppf(0.95, 9) + stats.t.ppf(0.7, 9))
    assert minimum_detectable_effect(0.1, 10, level=0.1, power=0.7) == pytest.approx(expected)


def test_q_values_stay_in_order_and_below_one():
    np.testing.assert_allclose(benjamini_hochberg([0.9, 0.02, 1.0, 0.01]), [1, 0.04, 1, 0.04])
    np.testing.assert_array_equal(benjamini_hochberg([0.0, 1.0]), [0, 1])
    with pytest.raises(ValueError, match="outside"):
        benjamini_hochberg([0.5, -0.1])


# --------------------------------------------------------------------------------------------------
# Variance components of a balanced layout have closed forms.
# --------------------------------------------------------------------------------------------------

GROUPS, EACH = 8, 5
PLACES = np.repeat(np.arange(GROUPS), EACH)


@pytest.fixture(scope="module")
def layout():
    rng = np.random.default_rng(21)
    return 3 + 2 * rng.normal(size=GROUPS)[PLACES] + rng.normal(size=GROUPS * EACH)


def test_components_of_a_balanced_layout_are_those_of_the_analysis_of_variance(layout):
    found = fit_components(layout, np.ones((40, 1)), {"group": indicator_matrix(PLACES)})
    means = layout.reshape(GROUPS, EACH).mean(axis=1)
    within = ((layout - means[PLACES]) ** 2).sum() / (GROUPS * (EACH - 1))
    between = EACH * means.var(ddof=1)
    group = (between - within) / EACH
    assert found.variances["residual"] == pytest.approx(within, rel=1e-3)
    assert found.variances["group"] == pytest.approx(group, rel=1e-3)
    assert found.beta[0] == pytest.approx(layout.mean())
    assert found.covariance[0, 0] == pytest.approx(between / 40, rel=1e-3)
    shrunk = EACH * group / (EACH * group + within)
    np.testing.assert_allclose(
        found.effects["group"], shrunk * (means - layout.mean()), rtol=1e-3, atol=1e-6
    )
    # Known mean: group (1 - shrunk); its own uncertainty adds shrunk^2 x its variance.
    own = group * (1 - shrunk) + shrunk**2 * between / 40
    other = shrunk**2 * between / 40
    spread = found.effect_covariances["group"]
    np.testing.assert_allclose(np.diag(spread), own, rtol=1e-3)
    np.testing.assert_allclose(spread[0, 1:], other, rtol=1e-2)
    V = group * (PLACES[:, None] == PLACES) + within * np.eye(40)
    inside = np.linalg.inv(V)
    left = layout - layout.mean()
    likelihood = -0.5 * (
        39 * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + np.log(inside.sum())
        + left @ inside @ left
    )  # fmt: skip
    assert found.log_likelihood == pytest.approx(likelihood, abs=1e-4)


def test_groups_that_do_not_differ_have_no_variance():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(GROUPS, EACH))
    y -= y.mean(axis=1, keepdims=True)
    found = fit_components(y.ravel(), np.ones((40, 1)), {"group": indicator_matrix(PLACES)})
    assert found.variances["group"] < 1e-5
    assert found.variances["residual"] == pytest.approx(y.ravel().var(ddof=1), rel=1e-3)


def test_collinear_fixed_terms_are_named():
    X = np.ones((40, 2))
    blocks = {"group": indicator_matrix(PLACES)}
    with pytest.raises(SingularDesign, match="'column 2'"):
        fit_components(np.arange(40.0), X, blocks)
    with pytest.raises(SingularDesign, match="'again'"):
        fit_components(np.arange(40.0), X, blocks, ("constant", "again"))


def test_dummies_stand_in_the_order_of_their_labels():
    found = indicator_matrix(np.array(["b", "a", "b"]))
    np.testing.assert_array_equal(found, [[0, 1], [1, 0], [0, 1]])


def test_shares_and_their_interval_come_of_layouts_drawn_from_the_fit(layout):
    X, blocks = np.ones((40, 1)), {"group": indicator_matrix(PLACES)}
    found = components_shares(layout, X, blocks, np.random.default_rng(3), draws=6, level=0.4)
    fitted = fit_components(layout, X, blocks)
    rng, drawn = np.random.default_rng(3), []
    for _ in range(6):
        y = fitted.beta[0] + np.sqrt(fitted.variances["residual"]) * rng.normal(size=40)
        y = y + np.sqrt(fitted.variances["group"]) * rng.normal(size=GROUPS)[PLACES]
        own = fit_components(y, X, blocks).variances
        drawn.append(own["group"] / (own["group"] + own["residual"]))
    low, high = np.quantile(drawn, [0.2, 0.8])
    group = fitted.variances["group"] / sum(fitted.variances.values())
    assert found["group"] == pytest.approx((group, low, high))
    assert found["residual"] == pytest.approx((1 - group, 1 - high, 1 - low))


def test_the_slope_of_the_likelihood_is_its_change_by_the_logs(layout):
    X = np.column_stack([np.ones(40), np.tile(np.arange(5.0), 8)])
    Z = indicator_matrix(PLACES)
    logs, step = np.log([1.3, 0.8]), 1e-5
    _, slope = _value_and_slope(np.exp(2 * logs), [Z @ Z.T], layout, X)
    for place in (0, 1):
        shift = step * np.eye(2)[place]
        up, down = (
            _value_and_slope(np.exp(2 * (logs + sign * shift)), [Z @ Z.T], layout, X)[0]
            for sign in (1, -1)
        )
        assert slope[place] == pytest.approx((up - down) / (2 * step), rel=1e-5)


def test_a_slope_counts_unless_it_leads_out_of_the_box():
    best = SimpleNamespace(jac=[0.3, -0.3, 0.3, 0.3], x=[-8.0, -8.0, -7.9, 1.0])
    np.testing.assert_array_equal(_projected(best, -8.0), [0.0, -0.3, 0.3, 0.3])
