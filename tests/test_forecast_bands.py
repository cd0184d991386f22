"""Bands follow the errors of earlier forecasts of their kind, and nothing later."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from forecast_cases import ask, known
from scipy.special import logit

from analysis.forecast import bands
from analysis.forecast.draws import draw
from analysis.forecast.model import Model, model
from analysis.forecast.prediction import reported
from analysis.forecast.space import Settings

ORIGIN = pd.Timestamp("2021-12-31")
#: Enough parameter draws that one stands for errors of definition.
QUICK = Settings(parameter_draws=8, pull=False, unknown_targets=False)


@pytest.fixture(scope="module")
def built() -> Model:
    return model(known(ORIGIN), "hi_coverage", QUICK)


def synthetic(kind, size, n=400, rare=bands.RARE):
    """Labelled synthetic errors: ordinary ones of `size`, and a share that lies further off."""
    random = np.random.default_rng(4)
    far = np.where(random.uniform(size=n) < rare, bands.FAR, 1.0)
    return pd.DataFrame(
        {
            "geo_level": "province_63",
            "province_code": [f"{i:03d}" for i in range(n)],
            "indicator": "hi_coverage",
            "as_of": pd.Timestamp(2020, 12, 31),
            "kind": kind,
            "error": size * far * random.standard_normal(n),
        }
    )


@pytest.mark.parametrize("size", [0.6, 1.0, 1.5])
def test_the_size_of_synthetic_errors_is_found_again(size):
    found = bands.estimate(synthetic("province_year_end", size))
    assert found.factor["province_year_end"] == pytest.approx(size, rel=0.1)
    assert found.n["province_year_end"] == 400


def test_bands_during_the_year_are_left_alone(built):
    asked = ask(("province_63", "01", "hi_coverage", "2022-06-30"))
    plain = dataclasses.replace(built, scales=bands.UNSCALED)
    np.testing.assert_array_equal(reported(built, asked)[1], reported(plain, asked)[1])
    assert set(built.scales.factor) == set(bands.BAND_KINDS)


def test_few_errors_move_a_band_little():
    few = bands.estimate(synthetic("province_year_end", 0.5, n=4)).factor["province_year_end"]
    many = bands.estimate(synthetic("province_year_end", 0.5)).factor["province_year_end"]
    assert many < few < 1


def test_an_event_counts_once_however_many_days_forecast_it():
    once = synthetic("never_read", 0.7, n=30)
    often = pd.concat([once] * 5, ignore_index=True)
    one, five = (bands.estimate(table).factor["never_read"] for table in (once, often))
    assert one == pytest.approx(five, rel=1e-9)


def test_errors_are_those_of_forecasts_made_before_the_reading(built):
    past = bands.errors(built.fit, built.known)
    assert len(past) > 50 and set(past["kind"]) == set(bands.BAND_KINDS)
    assert (past["as_of"] > past["day"]).all() and (past["as_of"] <= ORIGIN).all()
    last = past["day"].max()
    table = built.evidence.table
    moved = np.where((table["as_of"] > past["day"].min()).to_numpy(), 9.0, built.fit.problem.z)
    fit = dataclasses.replace(built.fit, problem=dataclasses.replace(built.fit.problem, z=moved))
    after = bands.errors(fit, built.known)
    first = past["day"] == past["day"].min()
    np.testing.assert_array_equal(past.loc[first, "error"], after.loc[first, "error"])
    assert not np.allclose(
        past.loc[past["day"] == last, "error"], after.loc[past["day"] == last, "error"]
    )


def test_formulae_and_draws_are_widened_alike(built):
    day = pd.Timestamp(2022, 12, 31)
    codes = built.evidence.units.codes
    asked = ask(*[("province_63", code, "hi_coverage", "2022-12-31") for code in codes])
    _, sd = reported(built, asked)
    drawn = draw(built, "hi_coverage", [day], n=8000)
    spread = logit(drawn.plain[:, :, 0] / 100).std(axis=0)
    np.testing.assert_allclose(np.sqrt((sd**2).mean(axis=0)), spread, rtol=0.15)


def test_estimates_of_the_past_keep_their_bands(built):
    asked = ask(("province_63", "01", "hi_coverage", "2020-12-31"))
    plain = dataclasses.replace(built, scales=bands.UNSCALED)
    np.testing.assert_array_equal(reported(built, asked)[1], reported(plain, asked)[1])
    later = ask(("province_63", "01", "hi_coverage", "2022-12-31"))
    assert not np.allclose(reported(built, later)[1], reported(plain, later)[1])


def test_the_country_keeps_the_bands_of_the_model(built):
    asked = ask(("country", "00", "hi_coverage", "2022-12-31"))
    plain = dataclasses.replace(built, scales=bands.UNSCALED)
    np.testing.assert_array_equal(reported(built, asked)[1], reported(plain, asked)[1])


def test_an_unmerged_unit_is_of_one_kind_under_both_its_levels(built):
    asked = [(level, "14", "hi_coverage", "2022-12-31") for level in ("province_63", "province_34")]
    kinds = bands.kinds(ask(*asked), built.evidence)
    assert kinds[0] == kinds[1]
