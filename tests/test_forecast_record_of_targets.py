"""The pull of targets is learnt from past year-ends, each forecast from a year before it."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from forecast_cases import built, fitted, known
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


# --------------------------------------------------------------------------------------------------
# The same on a handful of year-ends, where every likelihood can be written down.
# --------------------------------------------------------------------------------------------------

HANDFUL = pd.DataFrame(
    [
        ("province_63", 2.2, 0.25, 90.0, 88.0),
        ("province_34", 2.0, 0.30, 90.0, 90.0),
        ("region", 2.4, 0.20, 92.0, 92.3),
        ("country", 2.3, 0.15, 91.0, 90.2),
        ("country", 2.6, 0.15, 92.0, 92.1),
    ],
    columns=["geo_level", "mean", "sd", "target", "percent"],
)


def likelihood(case, short, heap, width):
    """The tilted density at the value, up to what does not depend on the pull."""
    z = np.linspace(case.mean - 8 * case.sd, case.mean + 8 * case.sd, 40_001)
    gap = 100 * expit(z) - case.target
    density = norm.pdf(z, case.mean, case.sd) * (z[1] - z[0])
    below, above = density[gap < 0].sum(), density[gap >= 0].sum()
    near = (density * np.exp(-np.maximum(gap, 0) / width))[gap >= 0].sum()
    off = case.percent - case.target
    tilt = short if off < 0 else 1 + heap * np.exp(-off / width)
    return tilt / (short * below + above + heap * near)


@pytest.mark.parametrize("spread", [0.5, 0.0])
def test_what_a_handful_of_year_ends_says_is_the_product_of_their_likelihoods(spread):
    short = (np.arange(50) + 0.5) / 50
    along = np.linspace(-4, 4, 80)
    across = np.linspace(-2.5, 2.5, pull.GRID[2]) if spread else np.zeros(1)
    width = 0.15 * np.exp(spread * across)[:, None, None]
    heap = 2.0 * np.exp(1.5 * along)[:, None]
    prior = np.exp(-(along[:, None] ** 2 + across[:, None, None] ** 2) / 2)
    own = {"province": np.ones((len(across), 80, 50)), "country": np.ones((len(across), 80, 50))}
    for case in HANDFUL.itertuples():
        for place, one in enumerate(width.ravel()):
            group = own["country" if case.geo_level == "country" else "province"]
            group[place] *= likelihood(case, short, heap, one)
    found = pull.estimate(HANDFUL, (2.0, 1.5), (0.15, spread))
    for group, other, pulls in (("province", "country", found.provinces),
                                ("country", "province", found.country)):  # fmt: skip
        weight = prior * own[group] * own[other].sum(axis=-1, keepdims=True)
        weight /= weight.sum()
        assert pulls.mean_short == pytest.approx((weight * short).sum(), rel=2e-3)
        assert pulls.mean_heap == pytest.approx((weight * heap).sum(), rel=1e-2)
        assert pulls.mean_width == pytest.approx((weight * width).sum(), rel=2e-3)
        assert pulls.weight.sum() == pytest.approx(1)
    assert (found.provinces.n, found.country.n) == (3, 2)
    assert len(set(found.provinces.width)) == len(across)


def settings(**given):
    return SimpleNamespace(evidence=SimpleNamespace(settings=SimpleNamespace(**given)))


def test_a_model_without_a_pull_asks_no_year_end():
    assert pull.pulls(settings(pull=False, narrow_heap=True), None) is NO_PULLS


@pytest.mark.parametrize("narrow", [True, False])
def test_version_1_has_a_wider_heap_of_one_width(narrow, monkeypatch):
    monkeypatch.setattr(pull, "past_year_ends", lambda fit, known: HANDFUL)
    found = pull.pulls(settings(pull=True, narrow_heap=narrow), None)
    expected = pull.estimate(HANDFUL) if narrow else pull.estimate(HANDFUL, (0.3, 1.0), (0.5, 0.0))
    for name in ("short", "heap", "width", "weight"):
        for one, other in zip(
            (found.provinces, found.country), (expected.provinces, expected.country), strict=True
        ):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_where_no_year_end_was_seen_nothing_pulls(monkeypatch):
    monkeypatch.setattr(pull, "past_year_ends", lambda fit, known: HANDFUL.iloc[:0])
    assert pull.pulls(settings(pull=True, narrow_heap=True), None) is NO_PULLS


def test_where_no_pull_is_known_country_and_provinces_stay_as_they_are():
    mass = np.array([0.4, 0.6])
    for level in ("country", "province_63"):
        found = NO_PULLS.of(level).tilt(np.array([-1.0, 1.0]), mass)
        np.testing.assert_allclose(found, mass)


def test_year_ends_of_which_no_forecast_can_be_made_are_left_out(monkeypatch):
    own, now = fitted("health"), known()
    monkeypatch.setattr(pull, "as_known", lambda fit, known, day: None)
    found = pull.past_year_ends(own, now)
    assert found.empty and {"target", "percent"} <= set(found.columns)


def seen(**given):
    whole = {
        "geo_level": "province_63", "province_code": "89", "indicator": "hi_coverage",
        "as_of": pd.Timestamp("2022-12-31"), "percent": 91.0, "error": "error_coverage",
    }  # fmt: skip
    return whole | given


def set_for(value, **given):
    whole = {
        "geo_level": "province_63", "province_code": "89", "indicator": "hi_coverage",
        "due": pd.Timestamp("2022-12-31"), "value": value, "announced": pd.Timestamp("2022-01-01"),
    }  # fmt: skip
    return whole | given


def paired(readings, targets, origin="2022-12-31"):
    parts = pd.DataFrame({"province_code": ["01", "89", "91"], "merged_code": ["01", "91", "91"]})
    fit = SimpleNamespace(evidence=SimpleNamespace(table=pd.DataFrame(readings)))
    known = SimpleNamespace(
        targets=pd.DataFrame(targets),
        origin=pd.Timestamp(origin),
        raw=SimpleNamespace(provinces=parts),
    )
    return pull._pairs(fit, known)


def test_year_ends_stand_beside_the_latest_target_of_their_unit_and_day():
    late = {"announced": pd.Timestamp("2022-06-01")}
    readings = [
        seen(error="error_count"),
        seen(),
        seen(province_code="91"),
        seen(geo_level="country", province_code="00", error="error_country"),
        seen(geo_level="province_34", province_code="01"),
        seen(as_of=pd.Timestamp("2021-12-31")),
    ]
    targets = [
        set_for(95.0), set_for(92.0, **late), set_for(93.0, **late),
        set_for(100.0, province_code="91"),
        set_for(90.0, geo_level="country", province_code="00"),
        set_for(96.0, province_code="01"),
    ]  # fmt: skip
    found = paired(readings, targets).sort_values("row")
    assert found["row"].tolist() == [1, 3, 4], "a target of everybody is none"
    assert found["target"].tolist() == [93.0, 90.0, 96.0]


@pytest.mark.parametrize(("origin", "n"), [("2022-12-31", 1), ("2022-12-30", 0)])
def test_only_targets_that_have_fallen_due_have_a_year_end(origin, n):
    assert len(paired([seen()], [set_for(95.0)], origin)) == n


def test_a_past_day_knows_its_own_readings_targets_and_decisions():
    own, now = fitted("health"), known()
    day = pd.Timestamp("2017-12-31")
    earlier = pull.as_known(own, now, day)
    table = own.evidence.table
    since = now.readings.set_index("reading_id")["known_on"]
    printed = pd.to_datetime(table["reading_id"].map(since)).fillna(table["as_of"])
    expected = table[(table["as_of"] <= day) & (printed <= day)]
    assert (table["as_of"] == day).any() and 3 < len(expected) < len(table)
    part = earlier.fit.evidence
    pd.testing.assert_frame_equal(part.table, expected)
    assert len(part.points.country) == len(earlier.fit.problem.z) == len(expected)
    np.testing.assert_array_equal(earlier.fit.draws, own.theta[None])


def test_too_few_readings_carry_no_forecast_of_the_past():
    own, now = fitted("health"), known()
    days = own.evidence.table["as_of"].sort_values()
    assert pull.as_known(own, now, days.iloc[1] - pd.Timedelta(days=1)) is None
    third = days.iloc[2]
    assert (days <= third).sum() == pull.FEWEST, "otherwise this says nothing about three"
    assert pull.as_known(own, now, third) is not None


def test_an_earlier_day_has_the_targets_and_decisions_announced_by_then():
    now = known()
    day = now.raw.policy_events["date"].sort_values().iloc[4]
    early = pull._targets_by(now, day)
    assert early.origin == day
    assert early.raw.policy_events["date"].max() == day
    assert (early.targets["announced"] <= day).all()
    assert len(early.targets) == (now.targets["announced"] <= day).sum() < len(now.targets)


def test_the_error_of_a_reading_is_added_to_the_spread_of_the_level():
    own, now = fitted("health"), known()
    past = pull.past_year_ends(own, now)
    due = past["as_of"].max()
    rows = past[past["as_of"] == due]
    earlier = pull.as_known(own, now, due - pd.DateOffset(years=1))
    asked = own.evidence.points.take(rows["row"].to_numpy())
    mean, variance = earlier.marginal(asked)
    error = pull.error_sd(own, own.theta[None], mean, rows["geo_level"].eq("country").to_numpy())
    np.testing.assert_allclose(rows["mean"], mean[0])
    np.testing.assert_allclose(rows["sd"], np.sqrt(variance[0] + error[0] ** 2))
    assert (rows["sd"] > np.sqrt(variance[0])).all()
    assert past["as_of"].is_monotonic_increasing and len(set(past["as_of"])) > 1
    assert past.index.tolist() == list(range(len(past)))
