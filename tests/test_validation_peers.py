"""The models to beat do what they say, and what they cannot do is reported."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from statsmodels.regression.mixed_linear_model import MixedLM

from analysis.forecast.prediction import PERCENTILE_COLUMNS
from analysis.validation import peers, run, stored_forecasts
from analysis.validation.designs import Fold
from analysis.validation.peers import PEERS, PeerFailure

CHEAP = sorted(set(PEERS) - set(peers.KEPT_MODELS))


class Seen:
    """What stands beside the readings in the toy panel: regions and borders of its provinces."""

    class raw:  # noqa: N801
        provinces = pd.DataFrame(
            {"province_code": [*(f"{i:02d}" for i in range(1, 13)), "77"],
             "region": ["north"] * 6 + ["south"] * 7}
        )  # fmt: skip
        adjacency = pd.DataFrame(
            {"code_a": [f"{i:02d}" for i in range(1, 12)],
             "code_b": [f"{i:02d}" for i in range(2, 13)]}
        )  # fmt: skip
        covariates = pd.DataFrame(columns=["province_code", "year", "covariate", "value"])


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
    out = PEERS[name](panel, queries, Seen)
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


def test_mixed_model_has_slopes_that_go_with_the_intercepts(panel):
    """Provinces that start high rise slowly: the covariance is found, and used as Bayes has it."""
    random = np.random.default_rng(8)
    effects = random.multivariate_normal([0, 0], [[0.5, -0.09], [-0.09, 0.03]], 60)
    t = np.linspace(-2, 2, 5)
    rows = [(f"{i:02d}", at, 1 + 0.2 * at + a + b * at + random.normal(0, 0.1))
            for i, (a, b) in enumerate(effects) for at in t]  # fmt: skip
    own = pd.DataFrame(rows, columns=["province_code", "t", "z"])
    design = np.column_stack([np.ones(len(own)), own["t"]])
    fit, note = peers._fit(own, design)
    covariance = np.asarray(fit.cov_re, float)
    assert note == "" and covariance.shape == (2, 2)
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    true = np.corrcoef(effects.T)[0, 1]
    assert correlation == pytest.approx(true, abs=0.05) and true < -0.5
    ahead = np.array([3.0])
    mean, variance = peers._predict(fit, own, design, pd.Series(["03"]), ahead)
    a, b = np.asarray(fit.random_effects["03"], float)
    beta = np.asarray(fit.fe_params)
    assert mean[0] == pytest.approx(beta[0] + a + (beta[1] + b) * 3, abs=1e-6)
    # Given beta: var(a + 3 b | the five readings), by inverting precisions, and an error.
    z, x = np.column_stack([np.ones(5), t]), np.array([1.0, 3.0])
    given = np.linalg.inv(np.linalg.inv(covariance) + z.T @ z / fit.scale)
    assert variance[0] == pytest.approx(x @ given @ x + fit.scale, rel=0.05)
    assert variance[0] > x @ given @ x + fit.scale


def test_too_few_readings_are_a_named_failure(panel):
    few = panel[panel["province_code"].isin(["00", "01"])]
    with pytest.raises(PeerFailure, match="too few for a mixed model"):
        PEERS["mixed_model"](few, ask(("01", "2021-12-31")), None)
    with pytest.raises(PeerFailure, match="too few for a model of all provinces"):
        PEERS["bym2"](few, ask(("01", "2021-12-31")), Seen)


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


@pytest.mark.parametrize("name", sorted(peers.KEPT_MODELS))
def test_kept_forecasts_are_left_out_when_readings_have_changed(name, panel):
    with pytest.raises(PeerFailure, match=peers.STALE):
        peers.forecast(name, panel, ask(("01", "2021-12-31")), Seen)


def test_the_transition_is_asked_for_health_insurance_alone(panel):
    queries = ask(("01", "2021-12-31")).assign(indicator="si_coverage")
    with pytest.raises(PeerFailure, match="health insurance alone"):
        peers.forecast("transition", panel.assign(indicator="si_coverage"), queries, Seen)


@pytest.mark.parametrize("name", ["ets", "gpboost"])
def test_the_fingerprint_follows_values_and_questions(name, panel):
    queries = ask(("01", "2021-12-31"))
    mark = peers.fingerprint(name, panel, queries, Seen)
    assert peers.fingerprint(name, panel.sample(frac=1, random_state=1), queries, Seen) == mark
    moved = panel.assign(value=panel["value"] + 0.01 * (panel["province_code"] == "02"))
    assert peers.fingerprint(name, moved, queries, Seen) != mark
    assert peers.fingerprint(name, panel, ask(("01", "2021-11-30")), Seen) != mark


def test_the_fingerprint_follows_the_country_and_the_borders_where_a_model_sees_them(panel):
    queries = ask(("01", "2021-12-31"))
    moved = panel.assign(value=panel["value"] + 0.01 * (panel["province_code"] == "00"))

    class Other(Seen):
        class raw(Seen.raw):  # noqa: N801
            adjacency = Seen.raw.adjacency.iloc[1:]

    for name, sees in (("ets", False), ("gpboost", True)):
        mark = peers.fingerprint(name, panel, queries, Seen)
        assert (peers.fingerprint(name, moved, queries, Seen) != mark) == sees
        assert (peers.fingerprint(name, panel, queries, Other) != mark) == sees


def test_kept_forecasts_go_with_the_code_that_made_them(panel, monkeypatch):
    """The same forecast is found under today's code, and left out when the code has changed."""
    queries = ask(("01", "2021-12-31"))
    kept = pd.DataFrame(
        {"model": "gpboost", "indicator": "hi_coverage", "fold": "toy",
         "fingerprint": peers.fingerprint("gpboost", panel, queries, Seen),
         "province_code": ["01"], "as_of": queries["as_of"], "z": [1.5], "sd": [0.2], "note": ""}
    )  # fmt: skip
    monkeypatch.setattr(peers, "_table", lambda: kept)
    found = peers.forecast("gpboost", panel, queries, Seen)
    assert found["q0.50"].iloc[0] == pytest.approx(100 / (1 + np.exp(-1.5)))
    monkeypatch.setattr(stored_forecasts, "code_mark", lambda start: f"another {start}")
    with pytest.raises(PeerFailure, match=peers.STALE):
        peers.forecast("gpboost", panel, queries, Seen)


def test_a_fold_that_a_model_of_all_provinces_could_not_answer_says_why(panel, monkeypatch):
    queries = ask(("01", "2021-12-31"))
    kept = pd.DataFrame(
        {"model": "gpboost", "indicator": "hi_coverage", "fold": "toy",
         "fingerprint": peers.fingerprint("gpboost", panel, queries, Seen),
         "province_code": ["01"], "as_of": queries["as_of"], "z": [np.nan], "sd": [np.nan],
         "note": f"{peers.REFUSED}3 readings are too few"}
    )  # fmt: skip
    monkeypatch.setattr(peers, "_table", lambda: kept)
    with pytest.raises(PeerFailure, match=r"^3 readings are too few$"):
        peers.forecast("gpboost", panel, queries, Seen)


def test_the_kept_file_has_the_form_that_it_is_read_in():
    table = pd.read_csv(peers.KEPT_FILE, dtype={"province_code": str}, parse_dates=["as_of"])
    assert list(table) == peers.COLUMNS
    assert set(table["model"]) <= set(peers.KEPT_MODELS)
    assert table["fingerprint"].str.fullmatch("[0-9a-f]{12}").all()
    assert table["province_code"].str.fullmatch("[0-9]{2}").all()
    assert not table.duplicated(["model", "fingerprint", "province_code", "as_of"]).any()
    answered = table["z"].notna()
    assert (table["sd"].notna() == answered).all()
    assert (table.loc[answered, "sd"] > 0).all() and (table.loc[answered, "z"].abs() < 10).all()
    assert (table.loc[~answered, "note"].fillna("") != "").all()
    order = table.sort_values(peers.COLUMNS[:6], ignore_index=True)
    pd.testing.assert_frame_equal(table, order)


def test_a_normal_frame_has_the_moments_it_was_given():
    out = peers.normal_percent(np.array([60.0]), np.array([3.0]), pd.RangeIndex(1))
    assert out["mean"].iloc[0] == pytest.approx(60, abs=1e-9)
    assert out["sd"].iloc[0] == pytest.approx(3, rel=0.04)
    assert out[PERCENTILE_COLUMNS].to_numpy().shape == (1, 99)
