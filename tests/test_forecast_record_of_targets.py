"""The pull of targets is learnt from past year-ends, each forecast from a year before it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from forecast_cases import built, known
from scipy.special import expit, logit

from analysis.forecast import record
from analysis.forecast.reported import NO_PULLS, Pull


def synthetic(short, heap, n=4000, level="province_63"):
    """Labelled synthetic year-ends: values drawn from the tilted density by rejection."""
    rng = np.random.default_rng(11)
    pull = Pull(short, heap, 0)
    mean, target = rng.normal(logit(0.9), 0.2, 8 * n), 90.0
    value = 100 * expit(rng.normal(mean, 0.25))
    kept = rng.uniform(0, 1 + heap, 8 * n) < pull.tilt(value - target)
    table = pd.DataFrame({"percent": value, "mean": mean, "sd": 0.25, "target": target})
    return table[kept].head(n).assign(geo_level=level)


def test_the_pull_behind_synthetic_year_ends_is_found_again():
    past = pd.concat([synthetic(0.4, 2.0), synthetic(0.8, 2.0, level="country")])
    found = record.estimate(past)
    assert found.provinces.short == pytest.approx(0.4, rel=0.1)
    assert found.country.short == pytest.approx(0.8, rel=0.1)
    assert found.provinces.heap == pytest.approx(2.0, rel=0.15)
    assert (found.provinces.n, found.country.n) == (4000, 4000)


def test_without_year_ends_of_the_country_its_pull_is_the_prior():
    found = record.estimate(synthetic(0.3, 2.0, 400))
    assert found.country.short == pytest.approx(record.SHORT[0], rel=1e-3)
    assert found.country.n == 0


def test_where_no_target_fell_due_nothing_pulls():
    own, now = built("health"), known()
    later = dataclasses.replace(now, targets=now.targets[now.targets["due"] > now.origin])
    assert record.pulls(own.fit, later) == NO_PULLS


def test_a_past_year_end_is_forecast_from_figures_a_year_older():
    own, now = built("health"), known()
    before = record.past_year_ends(own.fit, now)
    assert len(before) > 2
    due = before["as_of"].max()
    table = own.evidence.table
    late = (table["as_of"] > due - record.AHEAD).to_numpy()
    assert late.any()
    moved = dataclasses.replace(own.fit.problem, z=np.where(late, 9.0, own.fit.problem.z))
    after = record.past_year_ends(dataclasses.replace(own.fit, problem=moved), now)
    same = ["mean", "sd"]
    last = before["as_of"] == due
    pd.testing.assert_frame_equal(before.loc[last, same], after.loc[last, same])


def test_a_forecast_knows_less_than_the_other_readings_say():
    own = built("health")
    past = record.past_year_ends(own.fit, known())
    inverse = np.linalg.inv(own.fit.problem.covariance(own.fit.theta))
    within = 1 / np.sqrt(np.diag(inverse))
    provinces = past["geo_level"] == "province_63"
    assert past.loc[provinces, "sd"].mean() > within[past.loc[provinces, "row"]].mean()
