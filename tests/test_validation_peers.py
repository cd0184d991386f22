"""The models to beat do what they say, and what they cannot do is reported."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from statsmodels.regression.mixed_linear_model import MixedLM

from analysis.forecast.prediction import PERCENTILE_COLUMNS
from analysis.validation import peers, run
from analysis.validation.designs import Fold
from analysis.validation.peers import PEERS, PeerFailure

CHEAP = sorted(set(PEERS) - set(peers.KEPT_MODELS))


def readings(rows):
    """A labelled toy panel: (geo_level, province_code, date, value)."""
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "as_of", "value"])
    table["as_of"] = pd.to_datetime(table["as_of"])
    return table.assign(
        indicator="hi_coverage", basis="", kind_of_evidence="published", facts="", unit="%"
    )


@pytest.fixture
def panel():
    random = np.random.default_rng(3)
    rows = [
        ("country", "00", f"{year}-12-31", 80.0 + 2 * (year - 2015)) for year in range(2015, 2021)
    ]
    for number in range(12):
        level = random.normal(0, 4)
        for year in range(2016, 2021):
            value = 78 + 2 * (year - 2015) + level + random.normal(0, 1)
            rows.append(("province_63", f"{number + 1:02d}", f"{year}-12-31", min(value, 98)))
    return readings(rows)


def ask(*pairs):
    table = pd.DataFrame(pairs, columns=["province_code", "as_of"])
    table["as_of"] = pd.to_datetime(table["as_of"])
    return table.assign(geo_level="province_63", indicator="hi_coverage")


@pytest.mark.parametrize("name", CHEAP)
def test_every_peer_gives_ordered_quantiles_for_read_and_unread_provinces(name, panel):
    queries = ask(("01", "2021-12-31"), ("77", "2022-06-30"))
    out = PEERS[name](panel, queries, None)
    run._check(out, queries, name)
    assert (out["sd"] > 0).all()


def test_national_keeps_seven_tenths_of_the_deviation_a_year(panel):
    out = peers.national(panel, ask(("01", "2021-12-31"), ("77", "2021-12-31")), None)
    country = peers.pick(panel, "hi_coverage", "country")
    own = peers.pick(panel, "hi_coverage", "province_63")
    own = own[own["province_code"] == "01"].iloc[-1]
    at = peers.years(pd.Series(pd.to_datetime(["2020-12-31", "2021-12-31"])))
    now, then = peers.curve(country, at)
    deviation = own["z"] - now
    expected = 100 / (1 + np.exp(-(then + deviation * 0.7 ** (at[1] - at[0]))))
    assert out["q0.50"].iloc[0] == pytest.approx(expected, abs=1e-9)
    assert out["q0.50"].iloc[1] == pytest.approx(100 / (1 + np.exp(-then)), abs=1e-9)


def test_the_curve_goes_through_its_readings_and_on_at_its_pace():
    rows = [("country", "00", f"{year}-12-31", v) for year, v in ((2017, 80), (2020, 90))]
    country = peers.pick(readings(rows), "hi_coverage", "country")
    at = country["t"].to_numpy()
    got = peers.curve(country, np.append(at, at[-1] + 1))
    assert got[:2] == pytest.approx(logit([0.8, 0.9]))
    assert got[2] - got[1] == pytest.approx((logit(0.9) - logit(0.8)) / 3, rel=2e-3)


def test_last_value_repeats_the_last_value(panel):
    own = panel[panel["province_code"] == "05"]["value"].iloc[-1]
    out = PEERS["last_value"](panel, ask(("05", "2021-06-30")), None)
    assert out["q0.50"].iloc[0] == pytest.approx(own)


def test_mixed_model_puts_random_effects_in_mean_and_band(panel):
    """Against statsmodels: fitted fixed plus random effects, and a wider band when unread."""
    own = peers.pick(panel, "hi_coverage", "province_63")
    centre = own["t"].mean()
    design = np.column_stack([np.ones(len(own)), own["t"] - centre])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = MixedLM(own["z"], design, own["province_code"], exog_re=design[:, :1]).fit(reml=True)
    t = np.array([own["t"].max() + 1 - centre])
    mean, variance = peers._predict(fit, own, design, pd.Series(["03"]), t)
    effect = float(fit.random_effects["03"].iloc[0])
    beta = np.asarray(fit.fe_params)
    assert mean[0] == pytest.approx(beta[0] + beta[1] * t[0] + effect, abs=1e-6)
    unread, wider = peers._predict(fit, own, design, pd.Series(["77"]), t)
    assert unread[0] == pytest.approx(beta[0] + beta[1] * t[0], abs=1e-9)
    assert wider[0] > variance[0] > fit.scale


def test_too_few_readings_are_a_named_failure(panel):
    few = panel[panel["province_code"].isin(["00", "01"])]
    with pytest.raises(PeerFailure, match="too few for a mixed model"):
        PEERS["mixed_model"](few, ask(("01", "2021-12-31")), None)


def test_a_failure_is_a_row_with_its_reason_and_no_score(panel):
    queries = ask(("01", "2021-12-31"))
    answers = pd.DataFrame(
        {"value": [90.0], "lower": [89.95], "upper": [90.05], "design": ["latest"],
         "last_value": [88.0], "last_as_of": [pd.Timestamp("2020-12-31")]}
    )  # fmt: skip

    class Seen:
        readings = panel

    fold = Fold("toy", "all", Seen(), queries, answers, queries.iloc[:0].assign(target=[]))

    def fails(train, questions, context):
        raise PeerFailure("it did not converge")

    out = run.evaluate_fold(fails, "toy model", "hi_coverage", fold)
    assert out.scored.empty
    assert out.failures["reason"].tolist() == ["it did not converge"]
    assert out.failures["n"].tolist() == [1]

    def breaks(train, questions, context):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run.evaluate_fold(breaks, "toy model", "hi_coverage", fold)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.assign(**{"q0.50": 120.0, "q0.99": 121.0}), "ascending|outside"),
        (lambda t: t.assign(**{"q0.50": np.nan}), "not a finite number"),
        (lambda t: t.drop(columns="q0.07"), "columns missing: q0.07"),
        (lambda t: t.set_axis([7]), "index"),
    ],
)
def test_a_malformed_forecast_stops_the_run(panel, spoil, said):
    queries = ask(("01", "2021-12-31"))
    good = PEERS["national"](panel, queries, None)
    with pytest.raises(ValueError, match=said):
        run._check(spoil(good), queries, "toy")


def test_kept_forecasts_are_left_out_when_readings_have_changed(panel):
    with pytest.raises(PeerFailure, match="no kept forecasts for these readings"):
        peers.forecast("ets", panel, ask(("01", "2021-12-31")), None)


def test_the_fingerprint_follows_values_and_questions(panel):
    queries = ask(("01", "2021-12-31"))
    mark = peers.fingerprint(panel, queries)
    assert peers.fingerprint(panel.sample(frac=1, random_state=1), queries) == mark
    moved = panel.assign(value=panel["value"] + 0.01 * (panel["province_code"] == "02"))
    assert peers.fingerprint(moved, queries) != mark
    assert peers.fingerprint(panel, ask(("01", "2021-11-30"))) != mark


def test_a_normal_frame_has_the_moments_it_was_given():
    out = peers.normal_percent(np.array([60.0]), np.array([3.0]), pd.RangeIndex(1))
    assert out["mean"].iloc[0] == pytest.approx(60, abs=1e-9)
    assert out["sd"].iloc[0] == pytest.approx(3, rel=0.04)
    assert out[PERCENTILE_COLUMNS].to_numpy().shape == (1, 99)
