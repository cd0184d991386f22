"""Forecasts of late payment: who gets one, what it knows, and that it hides nothing."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest
from driver_data import raw, readings

from analysis.country import geography
from analysis.late_payment import data, forecast, scores
from analysis.readings import targets

pytestmark = pytest.mark.xdist_group("drivers")

MIDDLE = pd.Timestamp("2025-06-30")


def announced():
    """The raw tables, as if every target of late payment had been announced by MIDDLE."""
    made = raw()
    facts = made.facts.copy()
    mine = (facts["indicator"] == "late_payment_rate") & (facts["kind"] == "target")
    facts.loc[mine, "announced"] = facts.loc[mine, "announced"].clip(upper=MIDDLE)
    return type(made)(**{**vars(made), "facts": facts})


@pytest.fixture(scope="module")
def table():
    return forecast.late_payment_forecasts(readings(), announced(), MIDDLE)


def test_every_province_has_a_forecast_or_a_reason(table):
    own = table[table["geo_level"] == "province_63"]
    assert set(own["province_code"]) == set(geography.provinces().index)
    silent = own[own["scale"].isna()]
    assert silent["reason"].isin(["no_reading", "no_series_no_target"]).all()
    assert silent["q50"].isna().all()
    assert (silent["verdict"] == "not_enough_evidence").all()


def test_every_target_still_ahead_is_answered(table):
    known = targets.targets(announced())
    ahead = known[
        (known["indicator"] == "late_payment_rate") & (known["due"] > table["origin"].max())
    ]
    asked = set(zip(ahead["geo_level"], ahead["province_code"], strict=True))
    answered = table[table["p_meets_reported"].notna()]
    assert asked == set(zip(answered["geo_level"], answered["province_code"], strict=True))


def test_quantiles_are_ordered_and_reported_rates_are_wider(table):
    rows = table[table["scale"].notna()]
    names = ["q025", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q975"]
    assert (np.diff(rows[names].to_numpy(), axis=1) > 0).all()
    wide = rows.pivot_table(
        index=["geo_level", "province_code", "date"], columns="scale", values="sd"
    )
    assert (wide["reported"] > wide["true"]).all()


def test_a_looser_target_is_met_more_surely():
    loose = announced()
    facts = loose.facts.copy()
    mine = (
        (facts["indicator"] == "late_payment_rate")
        & (facts["kind"] == "target")
        & (facts["province_code"] == "22")
    )
    assert mine.sum() == 1
    chances = []
    for value in (1.0, 6.0):
        facts.loc[mine, "value"] = value
        changed = type(loose)(**{**vars(loose), "facts": facts.copy()})
        found = forecast.late_payment_forecasts(readings(), changed, MIDDLE)
        row = found[(found["province_code"] == "22") & (found["scale"] == "true")]
        chances.append(float(row["p_meets_true"].iloc[0]))
    assert chances == sorted(chances)
    assert chances[0] < 0.2 < 0.9 < chances[1]


def test_nothing_after_the_origin_is_known():
    origin = pd.Timestamp("2023-12-31")
    before = forecast.late_payment_forecasts(readings(), raw(), origin)
    poisoned = readings().copy()
    later = poisoned["as_of"] > origin
    assert later.sum() > 100
    poisoned.loc[later, "value"] *= 3
    after = forecast.late_payment_forecasts(poisoned, raw(), origin)
    pd.testing.assert_frame_equal(before, after)
    assert before["last_reading"].max() <= origin


def test_a_province_alone_is_predicted_near_its_last_reading():
    rows = data.late_rows(readings(), raw())
    model = forecast.fit_model(rows)
    last = rows[(rows["province_code"] == "56") & (rows["basis"] == "total")].iloc[-1]
    mean, spread = forecast.predict_rates(model, ["56"], last["as_of"], last.to_dict())
    assert np.exp(mean[0]) == pytest.approx(last["rate"], rel=0.35)
    _, wide = forecast.predict_rates(model, ["02"], last["as_of"], last.to_dict())
    assert wide[0, 0] > 3 * spread[0, 0]


def test_a_merged_unit_lies_between_its_members(table):
    merged = table[(table["geo_level"] == "province_34") & (table["province_code"] == "31")]
    row = merged[merged["scale"] == "true"].iloc[0]
    rows = data.late_rows(readings(), raw())
    model = forecast.fit_model(rows)
    term = {"basis": row["basis"], "denominator": "receivable", "december": False}
    mean, _ = forecast.predict_rates(model, ["30", "31"], row["date"], term)
    assert np.exp(mean.min()) < row["q50"] < np.exp(mean.max()) * 1.1
    assert row["members"] == 2


def test_forecasts_use_the_better_of_last_value_and_model(table):
    rows = data.late_rows(readings(), raw())
    score = forecast.rolling_score(rows)
    used = set(table.loc[table["scale"].notna(), "method"])
    assert used <= {"last_value", "model", "mixed"}
    if scores.better(score) == "model":
        assert used == {"model"}
        return
    mine = table[(table["method"] == "last_value") & (table["scale"] == "true")]
    alone = mine[mine["geo_level"] == "province_63"].iloc[0]
    own = rows[
        (rows["province_code"] == alone["province_code"]) & (rows["basis"] == alone["basis"])
    ]
    assert alone["q50"] == pytest.approx(own.sort_values("as_of")["rate"].iloc[-1], rel=0.05)


@pytest.mark.parametrize("last_value_sd", [0.2, 0.6])
def test_a_last_value_that_wins_is_the_forecast(last_value_sd):
    """Printed rates spread as the last value did, or as one reading's error where that is more.

    Of the spread of the last value a quarter (in variance) is left to the true rate at least.
    """
    rows = data.late_rows(readings(), raw())
    rows = rows[rows["as_of"] <= MIDDLE]
    model = forecast.fit_model(rows)
    last = model.rows[(model.rows["province_code"] == "56") & (model.rows["basis"] == "total")]
    setting = forecast.Setting(
        model, data.build(readings()), rows["as_of"].max(), 4000, last_value_sd=last_value_sd
    )
    asked = {
        "geo_level": "province_63",
        "province_code": "56",
        "date": pd.Timestamp("2025-12-31"),
        "basis": "total",
        "denominator": last["denominator"].iloc[-1],
        "december": bool(last["december"].iloc[-1]),
        "law": last["law"].iloc[-1],
        "target": np.nan,
    }
    true, reported = forecast._draws(asked, ["56"], setting)
    assert np.median(true) == pytest.approx(last["rate"].iloc[-1], rel=0.03)
    error, own = model.fit.variances["residual"], last_value_sd**2
    level = max(own - error, own / 4)
    assert np.log(true).std() == pytest.approx(np.sqrt(level), rel=0.05)
    assert np.log(reported).std() == pytest.approx(np.sqrt(level + error), rel=0.05)
    # Where the error of a reading leaves room for it, that is the spread of the last value.
    assert (level + error == pytest.approx(own)) == (last_value_sd == 0.6)


def test_a_ceiling_announced_later_pulls_at_nothing_before():
    """What came of a ceiling counts from its due day on, and only where it was known by then."""
    made = raw()
    facts = made.facts.copy()
    mine = (facts["indicator"] == "late_payment_rate") & (facts["kind"] == "target")
    assert mine.any()
    record = forecast.past_ceilings(readings(), made, pd.Timestamp("2027-01-01"), 500)
    for case in record:
        before = forecast.past_ceilings(
            readings(), made, max(case["announced"], case["due"]) - pd.Timedelta(days=1), 500
        )
        keys = [(c["geo_level"], c["province_code"], c["due"]) for c in before]
        assert (case["geo_level"], case["province_code"], case["due"]) not in keys


def test_a_ceiling_is_scored_beside_what_came():
    """A ceiling and a result made up for a province that was read before."""
    made = raw()
    known = targets.targets(made)
    ceiling = known[(known["indicator"] == "late_payment_rate")].iloc[0].to_dict()
    ceiling |= {
        "geo_level": "province_63",
        "province_code": "01",
        "basis": "interest_bearing",
        "due": pd.Timestamp("2024-12-31"),
        "announced": pd.Timestamp("2024-02-01"),
        "value": 2.5,
    }
    with mock.patch.object(targets, "targets", lambda raw: pd.DataFrame([ceiling])):
        record = forecast.past_ceilings(readings(), made, pd.Timestamp("2025-01-31"), 2000)
    assert len(record) == 1
    table = readings()
    came = table[
        (table["province_code"] == "01")
        & (table["indicator"] == "late_payment_rate")
        & (table["as_of"] == pd.Timestamp("2024-12-31"))
        & (table["kind_of_evidence"] == "published")
    ]
    came = came[came["basis"].map(data.COMPARABLE_BASES) == "one_month"]
    score = forecast.ceiling_scores(record).iloc[0]
    assert score["rate"] == came["value"].iloc[0]
    assert score["kept"] == (score["rate"] <= 2.5)
    assert score["brier"] == pytest.approx((score["p"] - score["kept"]) ** 2)
    assert score["p"] == pytest.approx((record[0]["drawn"] <= 2.5).mean())
    assert score["p_pulled"] == pytest.approx(score["p"])


def test_bands_held_in_the_past():
    score = forecast.rolling_score(data.late_rows(readings(), raw()))
    assert len(score) >= 30
    assert 0.65 <= score["inside80"].mean() <= 0.95
