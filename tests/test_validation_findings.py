"""What is said about scores follows from the scores; attainment and selection by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.findings import validation, validation_targets
from analysis.report.wording import say
from analysis.validation import peers, run, scores, selection

SILENT = pd.DataFrame(
    {
        "p": [0.8, 0.6, 0.5, 0.7],
        "reported": [True, False, False, False],
        "value": [95.0, np.nan, np.nan, np.nan],
        "target": [94.0, 95.0, 95.0, 95.0],
    }
)


@pytest.mark.parametrize(
    ("low", "high", "said_so"),
    [
        (0.02, 0.30, "benchmark_better"),
        (-0.02, 0.30, "benchmark_not_shown"),
        (-0.3, -0.1, "benchmark_worse"),
    ],
)
def test_better_is_said_only_when_the_interval_excludes_zero(low, high, said_so):
    row = pd.Series({"skill_vs_national_low": low, "skill_vs_national_high": high})
    assert validation.verdict_on(row) == said_so


def test_silence_that_means_nothing_leaves_the_chances_alone():
    table = scores.chances_of_silent(SILENT, "p", (1.0, 3.0))
    assert table["mean_probability"].iloc[0] == pytest.approx(0.6)
    assert table["expected"].iloc[0] == pytest.approx(1.8)
    assert table["mean_probability"].iloc[1] < 0.6
    rates = table.iloc[1]
    assert rates["reporting_if_met"] == pytest.approx(3 * rates["reporting_if_missed"])
    p = SILENT["p"].to_numpy()
    expected = p * rates["reporting_if_met"] + (1 - p) * rates["reporting_if_missed"]
    assert expected.mean() == pytest.approx(0.25)


def test_silence_by_bayes_rule():
    got = scores.if_silent(np.array([0.5]), 0.8, 0.4)
    assert got[0] == pytest.approx(0.5 * 0.2 / (0.5 * 0.2 + 0.5 * 0.6))
    assert scores.met_of_all(0.9, 1.0) == pytest.approx(0.9)
    assert scores.met_of_all(0.9, 4.0) == pytest.approx(0.9 / 1.3)


def test_no_silence_is_refused():
    with pytest.raises(ValueError, match="no silence"):
        scores.chances_of_silent(SILENT.assign(reported=True), "p", (1.0,))


def test_discrimination_counts_ordered_pairs():
    met = np.array([True, True, False])
    assert scores.discrimination(np.array([0.9, 0.4, 0.4]), met) == pytest.approx(0.75)
    assert np.isnan(scores.discrimination(np.array([0.9]), np.array([True])))


def toy_readings(values):
    return pd.DataFrame(
        {
            "geo_level": "province_63",
            "province_code": [f"{i:02d}" for i in range(len(values))],
            "indicator": "hi_coverage",
            "basis": "",
            "as_of": pd.Timestamp("2023-12-31"),
            "value": values,
            "kind_of_evidence": "published",
        }
    )


def test_heaping_counts_by_distance_from_the_target():
    values = [95.0, 95.1, 95.4, 94.8, 93.0, 97.0]
    targets = pd.DataFrame(
        {
            "geo_level": "province_63",
            "province_code": [f"{i:02d}" for i in range(6)],
            "indicator": "hi_coverage",
            "basis": "",
            "due": pd.Timestamp("2023-12-31"),
            "value": 95.0,
            "setter": "government",
            "announced": pd.Timestamp("2022-04-29"),
            "derived": False,
            "n_sources": 1,
        }
    )
    table = selection.heaping_at_targets(toy_readings(values), targets, "hi_coverage")
    counts = table[table["measure"] == "readings"].set_index("group")["value"]
    assert counts.to_dict() == {
        "below_1": 1, "below_05_1": 0, "below_0_05": 1,
        "above_0_05": 3, "above_05_1": 0, "above_1": 1,
    }  # fmt: skip
    met = table[table["measure"] == "share_met"].iloc[0]
    assert met["value"] == pytest.approx(4 / 6) and met["low"] < 4 / 6 < met["high"]


def test_the_governments_target_counts_before_the_provinces():
    from analysis.validation.designs import targets_in_force

    rows = pd.DataFrame(
        {
            "geo_level": "province_63",
            "province_code": "01",
            "indicator": "hi_coverage",
            "basis": "",
            "due": pd.Timestamp("2023-12-31"),
            "value": [96.0, 94.0, 95.0],
            "setter": ["province", "government", "government"],
            "announced": pd.to_datetime(["2023-01-01", "2021-01-01", "2022-01-01"]),
            "derived": False,
            "n_sources": 1,
        }
    )
    assert targets_in_force(rows, "hi_coverage")["target"].tolist() == [95.0]


def scored(model, shift, provinces=4):
    """Toy scored forecasts: each CRPS is 2 plus `shift`."""
    return pd.DataFrame(
        {
            "model": model,
            "indicator": "hi_coverage",
            "design": "rolling_origin",
            "origin": ["2022", "2023"] * provinces,
            "province_code": [f"{i:02d}" for i in range(provinces) for _ in range(2)],
            "as_of": pd.to_datetime(["2023-06-30", "2024-06-30"] * provinces),
            "crps": 2.0 + shift,
            "error": 1.0,
            "log_score": -4.0,
            "change_error": 1.0,
            **{f"cover{p}": True for p in (50, 80, 90, 95)},
            **{f"width{p}": 5.0 for p in (50, 80, 90, 95)},
        }
    )


def test_the_score_table_compares_on_the_same_forecasts():
    part = scored("short", -1.0).iloc[:6]
    rows = pd.concat([scored("last_value", 0.0), scored("national", -1.0), part])
    full = run.model_score_table(rows).set_index(["model", "origin"])
    assert full.loc[("national", "all"), "skill_vs_naive"] == pytest.approx(0.5)
    assert full.loc[("last_value", "all"), "skill_vs_national"] == pytest.approx(-1.0)
    assert full.loc[("short", "all"), "n"] == 6
    assert full.loc[("short", "all"), "skill_vs_naive"] == pytest.approx(0.5)
    missing = pd.concat([scored("last_value", 0.0).iloc[:4], scored("other", 0.0)])
    assert np.isnan(
        run.model_score_table(missing)
        .set_index(["model", "origin"])
        .loc[("other", "all"), "skill_vs_naive"]
    )


def test_an_ablation_says_what_is_lost():
    full, reduced = scored("analysis", 0.0), {"targets": scored("x", 0.25)}
    table = selection.ablation_table(full, reduced).set_index("without")
    assert table.loc["targets", "lost"] == pytest.approx(0.25)
    assert table.loc["targets", "lost_low"] == pytest.approx(0.25)
    with pytest.raises(ValueError, match="not scored on the forecasts"):
        selection.ablation_table(full, {"targets": scored("x", 0.25).iloc[:3]})


def test_what_we_would_have_said_is_refused_for_a_year_without_forecasts():
    rows = scored("analysis", 0.0).assign(
        value=90.0, last_value=89.0, last_as_of=pd.Timestamp("2022-12-31"),
        **{"q0.10": 88.0, "q0.50": 91.0, "q0.90": 94.0},
    )  # fmt: skip
    table = validation_targets.past_forecasts(rows, "hi_coverage", 2022)
    assert table["held"].all() and len(table) == 4
    with pytest.raises(ValueError, match="no forecast of hi_coverage from the end of 2016"):
        validation_targets.past_forecasts(rows, "hi_coverage", 2016)


def toy_study(better):
    """A made-up study: 20 forecasts in ten provinces, `better` the CRPS of three models."""
    keys = pd.DataFrame(
        {"province_code": [f"{i:02d}" for i in range(10)] * 2,
         "origin": ["2021"] * 10 + ["2022"] * 10}
    )  # fmt: skip
    keys = keys.assign(indicator="hi_coverage", as_of=pd.Timestamp("2023-12-31"))
    wobble = np.tile(np.linspace(-0.2, 0.2, 10), 2)
    forecasts, lines = [], []
    for design in (validation.WARM, validation.COLD):
        for model, crps in {"analysis": 1.5, **better}.items():
            forecasts.append(keys.assign(model=model, design=design, crps=crps + wobble**2))
            lines.append(
                {"indicator": "hi_coverage", "design": design, "origin": "all", "model": model,
                 "crps": crps, "cover80": 0.8, "width80": 6.0, "n": 20}
            )  # fmt: skip
    failure = {"model": "transition", "indicator": "hi_coverage", "design": validation.WARM}
    failure |= {"fold": "toy", "n": 3, "reason": f"{peers.STALE}; `make peers` makes them"}

    class Toy:
        validation_scores = pd.DataFrame(lines)
        validation_forecasts = pd.concat(forecasts, ignore_index=True)
        model_failures = pd.DataFrame([failure])

    return Toy


@pytest.mark.parametrize(
    ("crps", "verdict", "behind"), [(1.9, "published_none_better", 4), (1.2, "published_better", 2)]
)
def test_a_published_model_that_wins_is_said_to_win(crps, verdict, behind):
    found = validation.published_models(toy_study({"bym2": crps, "gpboost": 2.5}), "hi_coverage")
    said = dict(found.phrases)
    assert f"validation.{verdict}" in said
    assert said["validation.published_best"]["best"] == "model.bym2"
    assert said["validation.published_behind"] == {"n": behind, "of": 4}
    row = found.table.iloc[0]
    assert row["lost"] == pytest.approx(crps - 1.5)
    assert row["lost_low"] <= row["lost"] <= row["lost_high"]
    for language in ("en", "vi"):
        assert all(say(key, language, **values) for key, values in found.phrases)


def test_stale_forecasts_are_named_in_one_line_and_none_of_their_scores_is_shown():
    study = toy_study({"bym2": 1.9})
    found = validation.published_models(study, "hi_coverage")
    assert "transition" not in set(found.table["model"])
    assert dict(found.phrases)["validation.models_stale"] == {"n": 1}
    fresh = study.model_failures.assign(reason="it did not converge")
    study.model_failures = fresh
    assert "validation.models_stale" not in dict(
        validation.published_models(study, "hi_coverage").phrases
    )
