"""Scenarios on the real model: business as usual is the forecast, and paths belong to its draws."""

import time

import numpy as np
import pandas as pd
import pytest

from analysis.facts import load_raw
from analysis.forecast import draw, model
from analysis.forecast.known import known_at
from analysis.forecast.outlook import outlook
from analysis.forecast.tables import chance
from analysis.forecast.tables import quantile_row as quantiles_of_forecast
from analysis.paths import ROOT
from analysis.readings import build_readings
from analysis.scenarios import baseline, load_folder, run, tables
from analysis.scenarios.baseline import SHOWN_QUANTILES
from analysis.scenarios.definition import read
from analysis.scenarios.run_all import usual_scenario

pytestmark = pytest.mark.xdist_group("scenarios_forecast")
ORIGIN = pd.Timestamp("2025-06-30")


@pytest.fixture(scope="module")
def built():
    raw = load_raw()
    return model(known_at(build_readings(raw).readings, raw, ORIGIN), "hi_coverage")


@pytest.fixture(scope="module")
def forecast(built):
    return outlook(built, "hi_coverage", 2025, n=800)


@pytest.fixture(scope="module")
def base(built, forecast):
    return baseline(built, forecast)


def test_business_as_usual_equals_the_forecast_exactly(base, forecast):
    table = tables.outcome_table(run(usual_scenario("hi_coverage"), base))
    at = forecast.at(base.date)
    for row in table.to_dict("records"):
        unit = (row["geo_level"], row["province_code"])
        said = quantiles_of_forecast(forecast.of(*unit, "reported")[:, at])
        assert [row[name] for name in SHOWN_QUANTILES] == pytest.approx(
            [said[name] for name in SHOWN_QUANTILES], rel=1e-13
        )
        for scale in ("true", "reported"):
            drawn = forecast.of(*unit, scale)[:, at]
            expected = chance(drawn, row["target"], base.enough[unit])
            assert row[f"p_meets_{scale}"] == pytest.approx(expected, abs=0, nan_ok=True)


def test_every_draw_of_business_as_usual_is_a_draw_of_the_forecast(base, forecast):
    at = forecast.at(base.date)
    assert np.array_equal(base.level[:, :, -1], forecast.draws.true[:, :, at])
    for unit, reported in base.reported.items():
        assert np.array_equal(reported, forecast.draws.of(*unit, "reported")[:, at])


def test_insured_people_add_up_to_the_country_draw_by_draw(base):
    text = "kind: reach_target\nlevel: country\nparameters: {target: 97}"
    found = run(read(text), base)
    insured = (found.level[:, :, -1] * base.persons[:, -1]).sum(axis=1) / 100
    whole = found.at_date["country", "00"] / 100 * base.denominator(("country", "00"))[-1]
    np.testing.assert_allclose(insured, whole, rtol=1e-12)
    assert found.at_date["country", "00"].min() >= 97 - 1e-9


def test_dates_between_are_drawn_from_the_model(built, base):
    """Level in September: mean and spread as if drawn directly, tied to the level in December."""
    september, december = base.dates[3], base.dates[4]
    direct = draw(built, "hi_coverage", [september, december], n=800).true
    mean, sd = direct[:, :, 0].mean(axis=0), direct[:, :, 0].std(axis=0)
    own = base.level[:, :, 3]
    assert np.abs((own.mean(axis=0) - mean) / sd).max() < 0.25
    np.testing.assert_allclose(own.std(axis=0) / sd, 1, atol=0.2)
    tied = [np.corrcoef(direct[:, p, 0], direct[:, p, 1])[0, 1] for p in range(len(base.codes))]
    found = [np.corrcoef(own[:, p], base.level[:, p, 4])[0, 1] for p in range(len(base.codes))]
    np.testing.assert_allclose(found, tied, atol=0.2)


def test_a_date_that_was_not_forecast_is_refused(built, forecast):
    with pytest.raises(ValueError, match="2025-09-30 cannot be forecast from 2025-06-30"):
        baseline(built, forecast, pd.Timestamp("2025-09-30"))


@pytest.mark.slow
def test_all_scenarios_take_less_than_ten_seconds(built):
    """18 scenarios, 63 provinces and all aggregates, 4,000 draws: processor seconds."""
    bases = {"hi_coverage": baseline(built, outlook(built, "hi_coverage", 2025, n=4000))}
    scenarios = [one for one in load_folder(ROOT / "scenarios") if one.indicator in bases]
    start = time.process_time()
    for scenario in scenarios:
        if scenario.kind != "restored_cards" or bases["hi_coverage"].background.cards:
            tables.outcome_table(run(scenario, bases[scenario.indicator]))
    assert time.process_time() - start < 10
