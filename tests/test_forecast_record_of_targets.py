"""The pull of targets is learnt from past year-ends, each forecast from a year before it."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from forecast_cases import built, known
from scipy.special import expit, logit
from scipy.stats import norm

from analysis.forecast import pull
from analysis.forecast.pull import NO_PULLS, cells, middle, probability_at_least

WIDTH = pull.HEAP_WIDTH[0]


def synthetic(short, heap, n=4000, level="province_63", width=WIDTH):
    """Labelled synthetic year-ends: values drawn from the tilted density by rejection."""
    rng = np.random.default_rng(11)
    mean, target = rng.normal(logit(0.9), 0.2, 20 * n), 90.0
    value = 100 * expit(rng.normal(mean, 0.25))
    gap = value - target
    tilt = np.where(gap < 0, short, 1 + heap * np.exp(-np.maximum(gap, 0) / width))
    kept = rng.uniform(0, 1 + heap, 20 * n) < tilt
    table = pd.DataFrame({"percent": value, "mean": mean, "sd": 0.25, "target": target})
    return table[kept].head(n).assign(geo_level=level)


def test_the_pull_behind_synthetic_year_ends_is_found_again():
    past = pd.concat([synthetic(0.4, 8.0), synthetic(0.8, 8.0, level="country")])
    found = pull.estimate(past)
    assert found.provinces.mean_short == pytest.approx(0.4, rel=0.1)
    assert found.country.mean_short == pytest.approx(0.8, rel=0.1)
    assert found.provinces.mean_heap == pytest.approx(8.0, rel=0.15)
    assert (found.provinces.n, found.country.n) == (4000, 4000)


def test_without_year_ends_of_the_country_its_pull_is_the_prior():
    found = pull.estimate(synthetic(0.3, 2.0, 400))
    assert found.country.mean_short == pytest.approx(0.5, rel=1e-3)
    assert found.country.short_at(0.1) == pytest.approx(0.1, abs=0.02)
    assert found.country.short_at(0.9) == pytest.approx(0.9, abs=0.02)
    assert found.country.n == 0


def test_the_width_of_the_heap_is_found_again():
    for width in (0.08, 0.3):
        past = synthetic(0.5, 6.0, 3000, width=width)
        assert pull.estimate(past).provinces.mean_width == pytest.approx(width, rel=0.2)


def test_version_1_keeps_its_own_heap():
    own = built("health")
    settings = dataclasses.replace(own.evidence.settings, narrow_heap=False)
    source = dataclasses.replace(own.evidence, settings=settings)
    found = pull.pulls(dataclasses.replace(own.fit, evidence=source), known())
    assert set(found.provinces.width) == {0.5}
    assert found.provinces.mean_width > 2 * own.pulls.provinces.mean_width


def test_the_grid_gives_what_integrating_over_both_parameters_gives():
    past = pd.concat([synthetic(0.3, 1.0, 6), synthetic(0.9, 1.0, 3, level="country")])

    def weighed(case):
        """Which group, gap, and chances: of meeting the target, and of lying just above it."""
        mean, sd = np.array([case.mean]), np.array([case.sd])
        edges, mass = cells(mean, sd, case.target)
        gap = middle(edges) - case.target
        near = (mass * np.exp(-gap / WIDTH))[gap >= 0].sum()
        met = probability_at_least(mean, sd, case.target)
        return case.geo_level == "province_63", case.percent - case.target, met, near

    cases = [weighed(case) for case in past.itertuples()]

    def density(log_heap, short, of_country):
        heap, chance = np.exp(log_heap), norm.pdf(log_heap, np.log(pull.HEAP[0]), pull.HEAP[1])
        for province, gap, met, near in cases:
            weight = short if province else of_country
            tilt = weight if gap < 0 else 1 + heap * np.exp(-gap / WIDTH)
            chance *= tilt / (weight * (1 - met) + met + heap * near)
        return chance

    axis = (np.arange(24) + 0.5) / 24
    logs = np.log(pull.HEAP[0]) + pull.HEAP[1] * np.linspace(-5, 5, 41)
    cube = np.array([[[density(h, s, c) for c in axis] for s in axis] for h in logs])
    expected = (cube.sum(axis=(0, 2)) @ axis) / cube.sum()
    found = pull.estimate(past, pull.HEAP, (WIDTH, 0.0))
    assert found.provinces.mean_short == pytest.approx(expected, abs=2e-3)
    heaps = cube.sum(axis=(1, 2))
    assert found.country.mean_heap == pytest.approx(heaps @ np.exp(logs) / heaps.sum(), rel=0.05)


def test_a_finer_grid_says_the_same(monkeypatch):
    past = pd.concat([synthetic(0.3, 1.0, 9), synthetic(0.7, 1.0, 5, level="country")])
    asked = np.array([2.6]), np.array([0.3]), 95.0
    plain = pull.estimate(past)
    monkeypatch.setattr(pull, "GRID", (200, 160, 15))
    finer = pull.estimate(past)
    for one, other in ((plain.provinces, finer.provinces), (plain.country, finer.country)):
        assert probability_at_least(*asked, one) == pytest.approx(
            probability_at_least(*asked, other), abs=5e-4
        )


def test_where_no_target_fell_due_nothing_pulls():
    own, now = built("health"), known()
    later = dataclasses.replace(now, targets=now.targets[now.targets["due"] > now.origin])
    assert pull.pulls(own.fit, later) is NO_PULLS


def test_a_past_year_end_is_forecast_from_figures_a_year_older():
    own, now = built("health"), known()
    before = pull.past_year_ends(own.fit, now)
    assert len(before) > 2
    due = before["as_of"].max()
    table = own.evidence.table
    late = (table["as_of"] > due - pull.AHEAD).to_numpy()
    assert late.any()
    moved = dataclasses.replace(own.fit.problem, z=np.where(late, 9.0, own.fit.problem.z))
    after = pull.past_year_ends(dataclasses.replace(own.fit, problem=moved), now)
    same = ["mean", "sd"]
    last = before["as_of"] == due
    pd.testing.assert_frame_equal(before.loc[last, same], after.loc[last, same])


def test_a_forecast_knows_less_than_the_other_readings_say():
    own = built("health")
    past = pull.past_year_ends(own.fit, known())
    inverse = np.linalg.inv(own.fit.problem.covariance(own.fit.theta))
    within = 1 / np.sqrt(np.diag(inverse))
    provinces = past["geo_level"] == "province_63"
    assert past.loc[provinces, "sd"].mean() > within[past.loc[provinces, "row"]].mean()
