"""Published models that serve as peers are what their formulae say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid
from scipy.special import expit, logit
from scipy.stats import multivariate_normal

from analysis.validation import field_models as fields


def toy(n=14, units=5, seed=4):
    """A labelled toy panel of random readings, the country's first."""
    random = np.random.default_rng(seed)
    unit = np.concatenate([[-1, -1], random.integers(0, units - 1, n - 2)])
    t = np.sort(random.uniform(10, 20, n))
    return fields.ProvincePanel(
        codes=tuple(f"{i:02d}" for i in range(units)),
        z=random.normal(1.5, 0.5, n),
        t=t,
        unit=unit,
        within=random.integers(0, 2, n).astype(float),
        asked_t=np.array([20.5, 21.0, 21.0]),
        asked_unit=np.array([0, 1, units - 1]),
        asked_within=np.array([1.0, 0.0, 0.0]),
        region=np.array([0, 0, 1, 1, 1]),
        borders=np.array([[0, 1], [1, 2], [2, 3]]),
    )


def test_the_walk_sums_to_zero_and_keeps_its_steps():
    at = np.linspace(0, 8, 2001)
    k = fields.walk_to_zero(at, at, 8.0)
    assert np.abs(trapezoid(k, at, axis=1)).max() < 1e-4
    step = k[1000, 1000] + k[1500, 1500] - 2 * k[1000, 1500]
    assert step == pytest.approx(at[1500] - at[1000])
    beyond = fields.walk_to_zero(np.array([8.0, 10.0]), np.array([8.0, 10.0]), 8.0)
    assert beyond[0, 0] + beyond[1, 1] - 2 * beyond[0, 1] == pytest.approx(2.0)
    assert np.linalg.eigvalsh(k[::100, ::100]).min() > -1e-9


def test_the_autoregression_is_scaled_and_lone_units_stand_alone():
    k = fields.scaled_icar(5, np.array([[0, 1], [1, 2], [2, 3]]))
    assert np.exp(np.log(np.diag(k)[:4]).mean()) == pytest.approx(1)
    assert k[4].tolist() == [0, 0, 0, 0, 1]
    assert np.abs(k[:4, :4].sum(axis=1)).max() < 1e-12
    assert k[0, 1] > k[0, 2] > k[0, 3]


def test_the_prior_of_phi_puts_two_thirds_below_a_half():
    borders = np.array([[i, i + 1] for i in range(62)])
    phi, log_density = fields.phi_prior(fields.scaled_icar(63, borders))
    density = np.exp(log_density)
    half = phi <= 0.5
    assert trapezoid(density[half], phi[half]) == pytest.approx(2 / 3, abs=0.02)


def test_smoothing_answers_as_the_joint_normal_of_its_effects_does():
    """Against effects drawn up one by one: intercept, offset, walk, space, interaction, error."""
    data, theta = toy(), np.array([-2.0, -0.8, -2.2, -1.9, 0.4])
    model = fields._Smoothing(data)
    unit = np.concatenate([data.unit, data.asked_unit])
    t = np.concatenate([data.t, data.asked_t]) - fields.WALK_START
    within = np.concatenate([data.within, data.asked_within])
    f, b, d, e = np.exp(2 * theta[:4])
    phi, icar = expit(theta[4]), fields.scaled_icar(5, data.borders)
    length, n = t[: len(data.z)].max(), len(data.z)
    joint = np.empty((len(t), len(t)))
    for i in range(len(t)):
        for j in range(len(t)):
            walk = fields.walk_to_zero(t[[i]], t[[j]], length)[0, 0]
            joint[i, j] = 100 + f * walk + 0.09 * within[i] * within[j]
            if unit[i] >= 0 and unit[j] >= 0:
                space = phi * icar[unit[i], unit[j]] + (1 - phi) * (unit[i] == unit[j])
                joint[i, j] += space * (b + d * walk)
            if unit[i] < 0 and unit[j] < 0:
                joint[i, j] += fields._COUNTRY_OFFSET**2
    joint += np.diag(np.where(unit < 0, fields._COUNTRY_ERROR**2, e))
    seen, across = joint[:n, :n], joint[n:, :n]
    mean, variance = model.answer(theta)
    np.testing.assert_allclose(mean, across @ np.linalg.solve(seen, data.z), atol=1e-5)
    known = np.diag(across @ np.linalg.solve(seen, across.T))
    np.testing.assert_allclose(variance, np.diag(joint)[n:] - known, atol=1e-5)
    other = theta + np.array([0.2, 0.1, -0.3, 0.1, 0.0])
    change = model.log_posterior(other) - model.log_posterior(theta)
    prior = (other[:4] - theta[:4] - fields._RATE * (np.exp(other[:4]) - np.exp(theta[:4]))).sum()
    logs = []
    for values in (theta, other):
        k = model.covariance(values, slice(0, n))[:n] + np.diag(model.noise(values)[:n])
        logs.append(multivariate_normal(np.zeros(n), k).logpdf(data.z))
    assert change - prior == pytest.approx(logs[1] - logs[0], abs=1e-5)


def test_smoothing_borrows_from_neighbours_and_knows_less_of_the_unread():
    data = toy(40)
    mean, sd, note = fields.smoothed(data)
    assert note == "" and np.isfinite(mean).all()
    assert sd[2] > max(sd[:2])


def test_a_rise_goes_from_its_start_to_its_asymptote():
    late = fields.logistic_rise(np.array([15.0, 1e4]), top=1.0, pace=0.0, start=0.3)
    asymptote = 0.5 + 0.5 * expit(1.0)
    assert expit(late[1]) == pytest.approx(asymptote)
    assert expit(late[0]) == pytest.approx(asymptote * expit(0.3))
    slope = np.diff(fields.logistic_rise(np.array([15.0, 15.001]), 30.0, 0.0, 0.3))[0] / 0.001
    assert slope == pytest.approx(0.01 + 0.49 / 2, abs=1e-4)


def test_the_transition_weighs_readings_and_answers_as_its_normals_do():
    """NumPyro's density against scipy's, and the conditional mean against the joint one."""
    pytest.importorskip("numpyro", reason='numpyro is not installed (pip install ".[peers]")')
    import jax
    from numpyro import handlers
    from numpyro.infer.util import log_density

    data = toy(20)
    rows, region = fields._padded(data), np.append(data.region, -1)
    random = np.random.default_rng(2)
    draw = {name: random.normal(0, 0.5, 6) for name in ("top", "pace", "start")}
    draw |= {"region": random.normal(0, 1, 2), "top_mean": 2.4, "pace_mean": -1.1}
    draw |= {"start_mean": 0.9, "within": -0.1, "kept": 0.6}
    draw |= {f"{name}_sd": 0.3 for name in ("top", "pace", "start", "region", "fading", "error")}
    with jax.enable_x64(True), handlers.seed(rng_seed=0):
        arguments = (rows, region, 2)
        total, trace = log_density(fields._transition_model, arguments, {}, draw)
        readings = float(trace["readings"]["fn"].log_prob(trace["readings"]["value"]))
        assert float(total) < readings

    unit = np.concatenate([np.where(data.unit < 0, 5, data.unit), data.asked_unit])
    t = np.concatenate([data.t, data.asked_t])
    within = np.concatenate([data.within, data.asked_within])
    level = {name: draw[f"{name}_mean"] + 0.3 * draw[name] for name in ("top", "pace", "start")}
    level["start"] = level["start"] + np.append(0.3 * draw["region"], 0)[region]
    centre = fields.logistic_rise(t, *(level[name][unit] for name in ("top", "pace", "start")))
    centre = centre - 0.1 * within
    joint = 0.09 * (unit[:, None] == unit) * 0.6 ** np.abs(t[:, None] - t)
    joint[np.diag_indices(len(t))] += 0.09 + 1e-6
    n = len(data.z)
    constant = 0.5 * n * np.log(2 * np.pi)
    density = multivariate_normal(centre[:n], joint[:n, :n]).logpdf(data.z) + constant
    assert readings == pytest.approx(density, abs=1e-6)
    draw = {name: np.asarray(value, float) for name, value in draw.items()}
    mean, variance = fields._risen(draw, rows, region, data)
    weight = np.linalg.solve(joint[:n, :n], joint[:n, n:]).T
    np.testing.assert_allclose(mean, centre[n:] + weight @ (data.z - centre[:n]), atol=1e-9)
    known = (weight * joint[n:, :n]).sum(axis=1)
    np.testing.assert_allclose(variance, np.diag(joint)[n:] - 1e-6 - known, atol=1e-9)


def test_provinces_have_nothing_in_common_in_the_process_of_gpboost():
    pytest.importorskip("gpboost", reason='gpboost is not installed (pip install ".[peers]")')
    near = fields._apart(np.array([0, 0, 1]), np.array([10.0, 12.0, 10.0]))
    apart = np.linalg.norm(near[:, None] - near[None], axis=2)
    assert apart[0, 1] == 2.0 and np.exp(-apart[0, 2] / 100) < 1e-40


def test_what_a_panel_asks_for_stands_where_the_province_does():
    class Known:
        class raw:  # noqa: N801
            provinces = pd.DataFrame({"province_code": ["02", "01", "03", "04"], "region": "x"})
            adjacency = pd.DataFrame({"code_a": ["01"], "code_b": ["03"]})

    rows = [("country", "00", 2020, 85.0)]
    rows += [
        ("province_63", f"{p:02d}", y, 80.0 + p) for p in range(1, 5) for y in range(2018, 2021)
    ]
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "year", "value"])
    table["as_of"] = pd.to_datetime(table["year"].astype(str) + "-12-31")
    table = table.assign(indicator="hi_coverage", basis="", kind_of_evidence="published")
    queries = pd.DataFrame(
        {"province_code": ["03", "01"], "as_of": pd.to_datetime(["2021-06-30", "2021-12-31"]),
         "indicator": "hi_coverage", "geo_level": "province_63"}
    )  # fmt: skip
    data = fields.province_panel(table, queries, Known)
    assert data.codes == ("01", "02", "03", "04")
    assert data.asked_unit.tolist() == [2, 0] and data.asked_within.tolist() == [1.0, 0.0]
    assert data.borders.tolist() == [[0, 2]]
    assert data.z[data.unit == 2].tolist() == pytest.approx([logit(0.83)] * 3)
    assert (data.unit == -1).sum() == 1
