"""The figure that would help most: exact where a reading is left out, never one that is there."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from forecast_cases import fitted
from scipy.special import expit

from analysis.forecast import wanted
from analysis.forecast.posterior import posterior
from analysis.forecast.space import points

DUE = pd.Timestamp("2020-12-31")


def without_targets(fit):
    evidence = dataclasses.replace(fit.evidence, targets=fit.evidence.targets.iloc[:0])
    return dataclasses.replace(fit, evidence=evidence)


def left_out(fit, row):
    """The same fit, with the same parameters, as if one reading were not there."""
    kept = np.delete(np.arange(len(fit.problem.z)), row)
    table = fit.evidence.table.iloc[kept].reset_index(drop=True)
    evidence = dataclasses.replace(fit.evidence, table=table)
    return dataclasses.replace(
        fit, evidence=evidence, problem=fit.problem.take(kept), points=fit.points.take(kept)
    )


def levels(fit, units):
    rows = [(*unit, "hi_coverage", DUE) for unit in units]
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
    evidence = fit.evidence
    return points(table, evidence.units, evidence.settings, evidence.origin)


@pytest.mark.parametrize("row", [3, -5])
def test_a_figure_narrows_exactly_as_it_does_once_it_is_there(row):
    fit = without_targets(fitted("health"))
    row = row % len(fit.problem.z)
    asked = levels(fit, [("province_63", "01"), ("province_34", "91"), ("country", "00")])
    figure = fit.evidence.points.take(np.array([row]))
    _, inside, across = wanted.moments(posterior(left_out(fit, row)), asked, figure)
    noise = np.array([fit.problem.noise(theta)[[row]] for theta in fit.draws])
    after = wanted.narrowed(inside[:, :3], inside[:, 3:], across, noise)[:, :, 0]
    _, known = posterior(fit).marginal(asked)
    np.testing.assert_allclose(after, known, rtol=1e-6)
    assert (after < inside[:, :3]).all()


def test_the_width_is_that_of_the_levels_that_are_drawn():
    model = posterior(fitted("health"))
    units = [("province_63", "01"), ("province_63", "14"), ("province_63", "80")]
    rows = [(*unit, "hi_coverage", DUE) for unit in units]
    asked = pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
    now, _ = wanted.widths(model, asked, asked.assign(persons=0.0))
    mean, factor = model.joint(levels(model.fit, units))
    random = np.random.default_rng(5)
    drawn = [m + random.standard_normal((4000, 3)) @ f.T for m, f in zip(mean, factor, strict=True)]
    low, high = np.quantile(100 * expit(np.concatenate(drawn)), [0.1, 0.9], axis=0)
    np.testing.assert_allclose(now, high - low, rtol=0.06)


def test_no_figure_is_asked_for_that_is_there():
    seen = fitted("health").evidence
    offered = wanted.candidates(seen, ["hi_coverage"])
    parts = seen.units.parts
    rated = seen.table[seen.table["persons"] == 0]
    there = {(tuple(parts(*key)), day) for *key, day in rated[
        ["geo_level", "province_code", "as_of"]].itertuples(index=False)}  # fmt: skip
    keys = ["geo_level", "province_code", "as_of"]
    asked = {(tuple(parts(*key)), day) for *key, day in offered[keys].itertuples(index=False)}
    assert len(asked) > 50 and not asked & there
    assert (offered["as_of"] <= seen.origin).all()
    counted = offered[offered["persons"] == 1]
    with_rate = {unit for unit, _ in there}
    assert (
        len(counted)
        and not {tuple(parts(*key)) for key in counted[keys[:2]].itertuples(index=False)}
        & with_rate
    )


def test_before_the_merger_the_parts_are_asked_and_not_the_whole():
    seen = fitted("health").evidence
    offered = wanted.candidates(seen, ["hi_coverage"])
    merged = offered[(offered["home"] == "91")]
    assert set(merged["geo_level"]) == {"province_63"}
    assert set(merged["province_code"]) <= {"89", "91"}
    later = dataclasses.replace(seen, origin=pd.Timestamp("2026-03-31"))
    whole = wanted.candidates(later, ["hi_coverage"])
    own = whole[(whole["home"] == "91") & (whole["geo_level"] == "province_34")]
    assert set(own["as_of"]) == set(pd.to_datetime(["2025-12-31", "2026-03-31"]))


def test_of_a_units_figures_the_one_that_narrows_most_is_named():
    model = posterior(fitted("health"))
    best = wanted._best(model, ["hi_coverage"], DUE)
    assert len(best) == 34 and (best["loss"] > 0).all()
    one = best[best["province_code"] == "91"]
    offered = wanted.candidates(model.fit.evidence, ["hi_coverage"])
    own = offered[offered["home"] == "91"].reset_index(drop=True)
    asked = one[["geo_level", "province_code", "indicator"]].assign(as_of=DUE)
    now, after = wanted.widths(model, asked.reset_index(drop=True), own)
    least = own.iloc[int(after[0].argmin())]
    assert (one["wanted_code"].item(), one["wanted_day"].item()) == (
        least["province_code"], least["as_of"],
    )  # fmt: skip
    np.testing.assert_allclose(one["width_after"], after.min())
    np.testing.assert_allclose(one["width"], now[0])
