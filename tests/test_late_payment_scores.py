"""Scores of late payment, the pull under ceilings, and the claims of chapter 04 computed anew."""

import argparse

import nbformat
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from driver_data import exposure, raw, readings, small_late_payment
from scipy.stats import norm

from analysis import paths
from analysis.commands import report
from analysis.forecast import rounds
from analysis.late_payment import data, levels, scores, study

pytestmark = pytest.mark.xdist_group("drivers")


@pytest.fixture(scope="module")
def found():
    return small_late_payment()


def made(last, model, rates=(2.0, 3.0, 4.0, 5.0, 6.0, 7.0), like=True):
    """Readings whose last value and model are off by a factor each."""
    n = len(rates)
    return pd.DataFrame(
        {
            "province_code": [f"{i:02d}" for i in range(n)],
            "as_of": pd.date_range("2020-01-31", periods=n, freq="YE"),
            "rate": rates,
            "sd": 0.3,
            "last_value": np.array(rates) * last,
            "like_for_like": like,
            "definition_mean": np.array(rates) * 2.0,
            "model": np.array(rates) * model,
        }
    )


def test_the_better_forecast_is_used_and_the_simpler_one_where_they_tie():
    assert scores.better(made(1.1, 1.5)) == "last_value"
    assert scores.better(made(1.5, 1.1)) == "model"
    mixed = pd.concat([made(1.1, 1.2, like=False), made(1.5, 1.1)], ignore_index=True)
    assert scores.better(mixed) == "model"
    unread = made(1.1, 1.5).assign(last_value=np.nan)
    assert scores.better(unread) == "model"


def test_the_crps_of_a_normal_is_its_integral():
    grid = np.linspace(-12, 12, 200_001)
    for y, mean, sd in ((0.3, 0.0, 1.0), (-2.0, 0.5, 0.4)):
        below = sm.distributions.ECDF([y])(grid)
        area = np.trapezoid((norm.cdf(grid, mean, sd) - below) ** 2, grid)
        assert scores.crps_normal(np.array(y), np.array(mean), np.array(sd)) == pytest.approx(
            area, abs=1e-4
        )


def test_scores_are_the_means_of_their_readings(found):
    score = found.score
    table = scores.compare(score).set_index(["read", "method"])
    read = score["last_value"].notna()
    for method in scores.METHODS:
        error = np.abs(np.log(score["rate"] / score[method]))
        assert table.loc[("read", method), "error"] == pytest.approx(error[read].mean())
        assert table.loc[("read", method), "n"] == read.sum()
    like = read & score["like_for_like"].astype(bool)
    error = np.abs(np.log(score["rate"] / score["model"]))
    assert table.loc[("like", "model"), "error"] == pytest.approx(error[like].mean())


def test_no_case_pulls_at_nothing():
    rate = np.exp(np.random.default_rng(1).normal(1, 0.3, 4000))
    np.testing.assert_allclose(scores.pull([]).weights(rate, 3.0), 1 / 4000)


def test_ceilings_kept_just_under_pull_results_there():
    rng = np.random.default_rng(2)
    drawn = [np.exp(rng.normal(np.log(3.0), 0.3, 4000)) for _ in range(12)]
    kept = scores.pull([(d, 3.0, 2.95) for d in drawn])
    passed = scores.pull([(d, 3.0, 3.6) for d in drawn])
    rate, met = drawn[0], drawn[0] <= 3.0
    before = met.mean()
    assert kept.weights(rate, 3.0) @ met > before + 0.1
    assert kept.weights(rate, 3.0) @ ((rate > 2.7) & met) > ((rate > 2.7) & met).mean() + 0.1
    assert passed.weights(rate, 3.0) @ met < kept.weights(rate, 3.0) @ met - 0.1
    assert kept.weights(rate, 3.0).sum() == pytest.approx(1.0)


def test_nothing_is_compared_across_the_law_of_july_2025():
    days = pd.to_datetime(["2024-12-31", "2025-12-31", "2026-12-31"])
    rows = pd.DataFrame(
        {
            "province_code": "01",
            "as_of": days,
            "basis": "total",
            "rate": [5.0, 4.0, 3.0],
            "evidence": "stated",
            "denominator": "receivable",
            "december": True,
            "law": data.under_law(pd.Series(days)),
            "readings": ["a", "b", "c"],
        }
    )
    table = levels.like_for_like(rows)
    assert list(table["end"]) == [pd.Timestamp("2026-12-31")]
    columns = levels.level_design(rows)[1]
    assert "law:since_july_2025" in columns


def test_factors_between_definitions_are_those_of_a_mixed_model(found):
    rows = levels.usable_rates(found.rows).copy()
    rows["y"] = np.log(rows["rate"])
    rows["december"] = rows["december"].astype(float)
    formula = "y ~ C(basis, Treatment('unspecified')) + C(denominator, Treatment('receivable'))"
    formula += " + december" + ("" if rows["law"].eq("before").all() else " + C(law)")
    fit = smf.mixedlm(formula, rows, groups=rows["province_code"]).fit(reml=True)
    ours = found.conversions.set_index("to")
    for name in ("total", "one_month", "six_months"):
        theirs = np.exp(fit.params[f"C(basis, Treatment('unspecified'))[T.{name}]"])
        assert ours.loc[name, "factor"] == pytest.approx(theirs, rel=0.02)
        assert ours.loc[name, "low"] < theirs < ours.loc[name, "high"]
    effects = pd.Series({code: e.iloc[0] for code, e in fit.random_effects.items()})
    mine = found.levels.set_index("province_code")
    days = (3.65 * np.exp(fit.params["Intercept"] + effects)).reindex(mine.index)
    assert np.corrcoef(np.log(mine["days"]), np.log(days))[0, 1] > 0.99
    assert ((mine["low"] < days) & (days < mine["high"])).all()


def test_drivers_of_late_payment_are_those_of_ordinary_regressions(found):
    rows = levels.usable_rates(found.rows).copy()
    X, _ = levels.level_design(rows)
    for driver in ("urban", "poverty", "wage_work"):
        x = exposure()[driver].reindex(rows["province_code"]).to_numpy()
        known = np.isfinite(x)
        theirs = sm.OLS(np.log(rows["rate"][known]), np.column_stack([x, X])[known]).fit()
        row = found.drivers.set_index("term").loc[driver]
        assert row["estimate"] == pytest.approx(theirs.params.iloc[0], rel=1e-6)
        assert row["low"] < theirs.params.iloc[0] < row["high"]


def test_shares_of_the_variance_and_reporters_are_found_again(found):
    """Definition and province account for far more than the year in a plain regression too."""
    rows = levels.usable_rates(found.rows).copy()
    rows["y"] = np.log(rows["rate"])
    formula = "y ~ C(basis) + C(province_code) + C(denominator) + C(december)"
    full = smf.ols(formula, rows).fit()
    without = {
        name: smf.ols(formula.replace(f"C({name})", "1"), rows).fit().ssr - full.ssr
        for name in ("basis", "province_code")
    }
    assert min(without.values()) > full.ssr * 0.05
    share = found.variance.set_index("source")["share"]
    assert share["year"] < min(share["basis"], share["province"])
    reports = exposure().index.isin(found.rows["province_code"])
    first = found.reporters.iloc[0]
    x = exposure()[first["driver"]]
    difference = x[reports].mean() - x[~reports].mean()
    assert first["difference"] == pytest.approx(difference)


def test_changes_are_counted_by_hand(found):
    rows = found.rows.assign(d=found.rows["denominator"].replace({"unstated": "receivable"}))
    keys = ["province_code", "basis", "evidence", "d", "december", "law"]
    count = 0
    for _, own in rows.sort_values("as_of").groupby(keys):
        gap = own["as_of"].diff().dt.days.dropna()
        count += int(gap.between(60, 5 * 366).sum())
    assert count == len(found.changes)


def test_pairs_of_the_same_weeks_are_of_one_province_and_two_definitions(found):
    table = found.same_weeks
    assert (table["lower_basis"] != table["higher_basis"]).all()
    assert table["ratio"].min() >= 1
    assert table["ratio"].median() == pytest.approx(float(np.median(table["ratio"])))


def test_late_payment_is_forecast_from_the_day_of_the_main_round():
    notebook = nbformat.read(paths.NOTEBOOKS / "04_drivers_of_late_payment.ipynb", as_version=4)
    (given,) = [c.source for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert f'origin = "{rounds.main_round().origin:%Y-%m-%d}"' in given
    for name in ("2025", "2022-12-31/2025-12-31"):
        options = argparse.ArgumentParser()
        report.configure(options)
        asked = report.requested(options.parse_args(["--round", name]))
        day = asked.settings["04_drivers_of_late_payment"]["origin"]
        assert day == f"{rounds.named_round(name).origin:%Y-%m-%d}"


@pytest.mark.parametrize(("origin", "given"), [("2019-06-30", False), ("2026-03-31", True)])
def test_what_was_read_after_the_origin_does_not_choose_the_forecast(origin, given, monkeypatch):
    """The score of all readings is used where all were known; else that of the known ones."""
    seen = {}

    def kept(*_, score=None, **__):
        seen["score"] = score
        raise StopIteration

    monkeypatch.setattr(study.forecast, "late_payment_forecasts", kept)
    for room, name in (
        (study.drivers, "driver_rows"),
        (study.drivers, "who_reports"),
        (study.late_payment_levels, "variance_split"),
        (study.forecast, "rolling_score"),
        (study.forecast, "past_ceilings"),
        (study, "_size"),
    ):
        monkeypatch.setattr(room, name, lambda *_, **__: pd.DataFrame({"made": [1]}))
    with pytest.raises(StopIteration):
        study.run.__wrapped__(readings(), raw(), 9, origin)
    assert (seen["score"] is not None) == given
