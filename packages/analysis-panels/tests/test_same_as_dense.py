"""The solver for large panels is the dense model: same likelihood, gradient, fit and forecasts."""

import dataclasses
from functools import cache

import large_panels
import numpy as np
import pandas as pd
import pytest
from forecast_cases import FIRST, ask, fitted, gathered, known

from analysis.forecast.evidence import evidence
from analysis.forecast.fit import CENTRE, fit
from analysis.forecast.posterior import posterior
from analysis.forecast.pull import error_sd, mixture_quantiles
from analysis.forecast.space import Settings, points
from analysis_panels.blocks import sparse, take
from analysis_panels.draws import draw_large
from analysis_panels.fit import fit_large
from analysis_panels.panel import layout
from analysis_panels.predict import _within_reach, latent, predict_large, quantiles
from analysis_panels.task import above, task, values

FAMILIES = sorted(FIRST)


def task_of(found):
    """The task of a dense fit: its own points, logits and errors."""
    made = layout(found.parts, found.points, found.evidence.units.regions)
    held, classes = values(found.evidence.table, found.fitted, found.problem.z)
    return task(made, held, classes, above(made, held, take(made.points, made.sums)))


@cache
def large(family):
    return fit_large(gathered(family))


def same(found):
    """The dense fit as one of the large solver, so that both answer at one theta."""
    source, made = found.evidence, layout(found.parts, found.points, found.evidence.units.regions)
    logits = np.log(source.percent / (100 - source.percent))
    return dataclasses.replace(
        large(source.family),
        layout=made,
        theta=found.theta,
        covariance=found.covariance,
        draws=found.draws,
        reference=found.reference,
        fitted=found.fitted,
        at_sums=take(sparse(found.points), made.sums),
        constant=logits - CENTRE[source.family] * found.points.size - found.problem.z,
    )


def compare(found, other):
    """Likelihoods and gradients of a dense problem and a task, near and far from the top."""
    assert found.names == other.names
    for theta in [*large_panels.thetas(found), found.prior_mean - 1.0]:
        (one, gradient), (two, theirs) = found.likelihood(theta), other.likelihood(theta)
        assert abs(one - two) < 1e-8 * max(1, abs(one))
        np.testing.assert_allclose(theirs, gradient, rtol=1e-8, atol=1e-8 * np.abs(gradient).max())


@pytest.mark.parametrize("family", FAMILIES)
def test_likelihood_and_gradient_of_the_real_provinces_are_those_of_the_dense_code(family):
    compare(fitted(family).problem, task_of(fitted(family)))


def test_a_panel_with_gaps_repeated_days_and_the_whole_has_the_dense_likelihood():
    source = large_panels.evidence(large_panels.small())
    other = large_panels.task(source)
    assert any(block.repeated is not None for block in other.layout.blocks)
    assert any(not block.there.all() for block in other.layout.blocks)
    assert len(other.layout.sums) == 1
    assert other.layout.roles.varying
    compare(large_panels.dense_problem(source), other)


@pytest.mark.parametrize("name", ["deviation", "region", "season_year", "error_coverage"])
def test_another_standard_deviation_would_be_noticed(name):
    found, other = fitted("health").problem, task_of(fitted("health"))
    theta = found.prior_mean.copy()
    theta[found.names.index(name)] += 0.01
    assert abs(found.likelihood(found.prior_mean)[0] - other.likelihood(theta)[0]) > 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_the_fit_is_the_dense_fit(family):
    dense, other = fitted(family), large(family)
    assert other.names == dense.names
    # Each stops its rounds where no coverage moves by 2e-4, and searches in its own way till then.
    np.testing.assert_allclose(other.theta, dense.theta, atol=2e-4)
    np.testing.assert_allclose(other.covariance, dense.covariance, atol=1e-4)
    np.testing.assert_allclose(other.fitted, dense.fitted, atol=5e-5)
    np.testing.assert_allclose(other.reference.mean, dense.reference.mean, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_forecasts_of_provinces_merged_units_and_country_are_the_dense_ones(family):
    dense = fitted(family)
    days = ("2016-12-31", "2019-06-30", "2020-12-31")
    keys = sorted(dense.evidence.units.members)
    questions = ask(*[(*key, FIRST[family], day) for key in keys for day in days])
    source = dense.evidence
    at = points(questions, source.units, source.settings, source.origin)
    mean, variance = posterior(dense).marginal(at)
    found = latent(same(dense), at)
    np.testing.assert_allclose(found[0], mean, atol=1e-8)
    np.testing.assert_allclose(found[1], variance, rtol=1e-8, atol=1e-8)


def test_announced_targets_are_conditioned_on():
    assert len(gathered("health").targets) > 0, "the comparison above has to include targets"
    questions = ask(("country", "00", "hi_coverage", "2020-12-31"))
    with_targets = same(fitted("health"))
    without = dataclasses.replace(
        with_targets,
        evidence=dataclasses.replace(
            with_targets.evidence, targets=with_targets.evidence.targets.iloc[:0]
        ),
    )
    one, other = (
        predict_large(each, questions)["mean"].iloc[0] for each in (with_targets, without)
    )
    assert abs(one - other) > 0.01


def test_quantiles_of_reported_values_are_those_of_the_dense_mixture():
    dense, levels = fitted("health"), np.arange(1, 100) / 100
    keys = sorted(dense.evidence.units.members)[::9]
    questions = ask(*[(*key, "hi_coverage", "2020-06-30") for key in keys])
    found = predict_large(same(dense), questions, levels).to_numpy()
    source = dense.evidence
    at = points(questions, source.units, source.settings, source.origin)
    given = posterior(dense)
    mean, variance = given.marginal(at)
    sd = np.sqrt(variance + error_sd(dense, given.theta, mean, at.country > 0) ** 2)
    for i in range(len(questions)):
        inner, expected, spread = mixture_quantiles(mean[:, i], sd[:, i], levels)
        np.testing.assert_allclose(found[i], [expected, spread, *inner], atol=0.01)


def test_a_mixture_of_equal_normals_has_their_quantiles():
    z = quantiles(np.full((4, 1), 0.3), np.full((4, 1), 2.0), np.array([0.025, 0.5, 0.975]))
    np.testing.assert_allclose(z[0], 0.3 + 2.0 * np.array([-1.959964, 0, 1.959964]), atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_joint_draws_have_the_dense_mean_and_covariance(family):
    dense = fitted(family)
    first = dataclasses.replace(dense, draws=dense.draws[:1])
    days = ask(*[("province_63", "01", FIRST[family], day) for day in ("2018-12-31", "2020-12-31")])
    found = draw_large(same(first), FIRST[family], list(days["as_of"]), n=4000)
    z = np.log(found.true / (100 - found.true)).reshape(4000, -1)
    source = dense.evidence
    rows = [
        ("province_63", code, FIRST[family], str(day.date()))
        for code in source.units.codes
        for day in days["as_of"]
    ]
    at = points(ask(*rows), source.units, source.settings, source.origin)
    mean, factor = posterior(first).joint(at)
    covariance = factor[0] @ factor[0].T
    sd = np.sqrt(np.diag(covariance))
    assert np.abs((z.mean(axis=0) - mean[0]) / sd).max() < 4.5 / np.sqrt(4000)
    np.testing.assert_allclose(z.std(axis=0) / sd, 1, atol=0.06)
    correlation = covariance / np.outer(sd, sd)
    np.testing.assert_allclose(np.corrcoef(z.T), correlation, atol=0.09)
    together = np.ones(len(sd))
    assert abs((z @ together).std() / np.sqrt(together @ covariance @ together) - 1) < 0.05


@pytest.mark.slow
def test_all_readings_up_to_2024_give_the_dense_fit():
    quick = Settings(parameter_draws=2)
    source = evidence(known(large_panels.pd.Timestamp("2024-12-31")), "hi_coverage", quick)
    dense, other = fit(source), fit_large(source)
    compare(dense.problem, task_of(dense))
    np.testing.assert_allclose(other.theta, dense.theta, atol=1e-3)
    np.testing.assert_allclose(other.fitted, dense.fitted, atol=2e-4)


def test_the_same_targets_are_out_of_reach():
    for family in ("health", "labour"):
        own = posterior(fitted(family)).fit.evidence.targets
        pd.testing.assert_frame_equal(_within_reach(same(fitted(family))).targets, own)
