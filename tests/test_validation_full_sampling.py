"""Full sampling samples the posterior that the product approximates, and is shown while it fits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.findings import validation
from analysis.forecast.fit import Problem
from analysis.forecast.model import model
from analysis.forecast.space import DEFAULT
from analysis.report.wording import say
from analysis.validation import designs, full_sampling


@pytest.fixture(scope="module")
def asked():
    known, queries = full_sampling.question(*designs.inputs())
    return known, queries


def test_the_density_is_that_which_the_fit_climbs():
    """Against `Problem.objective` and its gradient, on a made-up problem of twelve readings."""
    pytest.importorskip("jax", reason='jax is not installed (pip install ".[peers]")')
    import jax

    random = np.random.default_rng(5)
    loads = random.normal(size=(3, 12, 4))
    task = Problem(
        names=("a", "b", "c", "error_x", "error_y"),
        unit=loads @ loads.transpose(0, 2, 1),
        errors=np.stack([np.arange(12) % 2, 1 - np.arange(12) % 2]) * 0.3,
        known=np.full(12, 0.01),
        z=random.normal(size=12),
        prior_mean=np.log([0.5, 0.2, 0.1, 1.0, 0.7]),
        prior_width=np.array([0.5, 0.3, 0.5, 0.5, 0.3]),
    )
    points = [task.prior_mean, task.prior_mean + random.normal(0, 0.5, 5)]
    with jax.enable_x64(True):
        function = jax.value_and_grad(lambda theta: full_sampling.log_posterior(task, theta))
        found = [function(theta) for theta in points]
    expected = [task.objective(theta) for theta in points]
    change = float(found[1][0] - found[0][0])
    assert change == pytest.approx(expected[0][0] - expected[1][0], abs=1e-9)
    for (_, slope), (_, gradient) in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(slope), -gradient, atol=1e-8)


def test_the_same_points_give_the_same_bands_and_wider_ones_wider_bands(asked):
    known, queries = asked
    queries = queries.iloc[[0, 1, 2, 3, 70]].reset_index(drop=True)
    built = model(known, full_sampling._INDICATOR, DEFAULT)
    same = full_sampling.compared(built, full_sampling.fully(built, built.fit.draws), queries)
    assert np.allclose(same[["ratio50", "ratio80", "ratio95"]], 1)
    assert np.allclose(same[["shift", "shift_most"]], 0)
    assert same["n"].sum() == len(queries)
    louder = built.fit.draws.copy()
    louder[:, built.fit.names.index("error_coverage")] += 0.5
    wide = full_sampling.compared(built, full_sampling.fully(built, louder), queries)
    provinces = wide["kind"] != "country_year_end"
    assert (wide.loc[provinces, "ratio80"] > 1.05).all()


def test_nothing_after_the_origin_is_known_and_both_year_ends_are_asked(asked):
    known, queries = asked
    assert known.readings["as_of"].max() <= full_sampling.SAMPLED_FROM
    assert len(queries) == 2 * 64 and set(queries["as_of"]) == set(full_sampling._DAYS)


def test_the_stored_table_has_its_form():
    stored = pd.read_csv(full_sampling.SAMPLING_FILE)
    assert list(stored) == full_sampling.SAMPLING_COLUMNS
    assert set(stored["kind"]) == {"country_year_end", "never_read", "province_year_end"}
    assert stored["n"].sum() == 128
    assert len(set(stored["mark"])) == 1 and len(stored["mark"].iloc[0]) == 16
    assert (stored["rhat"] < 1.05).all() and (stored["ess"] > 100).all()
    ratios = stored[["ratio50", "ratio80", "ratio95"]]
    assert ((ratios > 0.5) & (ratios < 2)).all(axis=None)


def test_a_table_of_other_readings_is_not_shown(asked, monkeypatch):
    known, queries = asked
    stored = pd.read_csv(full_sampling.SAMPLING_FILE)
    readings, raw = designs.inputs()
    fresh = stored.assign(mark=full_sampling.sampling_mark(known, queries))
    monkeypatch.setattr(full_sampling, "_stored", lambda: fresh)
    assert full_sampling.stored_sampling(readings, raw) is fresh
    own = (readings["indicator"] == "hi_coverage") & (
        readings["as_of"] <= full_sampling.SAMPLED_FROM
    )
    moved = readings.assign(value=readings["value"] + 0.01 * own)
    assert full_sampling.stored_sampling(moved, raw) is None
    for found, said in ((fresh, "full_sampling"), (None, "full_sampling_stale")):
        result = validation.full_sampling(found)
        assert f"validation.{said}" in dict(result.phrases)
        assert result.table.empty == (found is None)
        for language in ("en", "vi"):
            assert all(say(key, language, **values) for key, values in result.phrases)
            result.written(language)
