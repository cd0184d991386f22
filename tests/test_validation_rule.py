"""The rule by which a change of the model is judged, and the designs that came with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from example_facts import real_raw, real_tables

from analysis.forecast.known import fact_printed_on, known_at, printed_on
from analysis.validation import designs, rule, run

ORIGIN = pd.Timestamp("2021-12-31")


def scored(losses, days=None, provinces=None):
    n = len(losses)
    return pd.DataFrame(
        {
            "geo_level": "province_63",
            "province_code": provinces or [f"{i:02d}" for i in range(n)],
            "as_of": pd.to_datetime(days or ["2021-12-31"] * n),
            "origin": [str(2018 + i) for i in range(n)] if provinces else "2020",
            "crps": losses,
        }
    )


def test_an_event_counts_once_however_often_it_was_forecast():
    table = scored([1.0, 1.0, 4.0], provinces=["01", "01", "02"])
    assert rule.once(table).tolist() == [0.5, 0.5, 1.0]
    found = rule.paired_difference(table, table.assign(crps=[0.0, 0.0, 0.0]))
    assert found.difference == pytest.approx(2.5) and found.events == 2 and found.n == 3


def test_a_clear_gain_is_better_and_a_wobble_is_noise():
    random = np.random.default_rng(1)
    base = scored(list(random.uniform(1, 2, 40)))
    better = base.assign(crps=base["crps"] - random.uniform(0.1, 0.2, 40))
    wobble = base.assign(crps=base["crps"] + random.normal(0, 0.05, 40))
    assert rule.paired_difference(better, base).verdict == "better"
    assert rule.paired_difference(base, better).verdict == "worse"
    assert rule.paired_difference(wobble, base).verdict == "noise"


def test_scores_of_other_forecasts_are_refused():
    base = scored([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="same folds"):
        rule.paired_difference(base, base.iloc[:2])


def test_the_parts_of_a_brier_score_add_up():
    random = np.random.default_rng(2)
    p = random.uniform(size=300).round(2)
    met = random.uniform(size=300) < p**2
    parts = rule.decomposition(p, met)
    total = parts["miscalibration"] - parts["discrimination"] + parts["uncertainty"]
    assert total == pytest.approx(parts["brier"], abs=1e-12)
    assert parts["miscalibration"] > 0.01 and parts["discrimination"] > 0.05
    assert rule.decomposition(rule.recalibrated(p, met), met)["miscalibration"] < 1e-12


def test_chances_put_right_rise_with_the_chances_given():
    p = np.array([0.9, 0.1, 0.5, 0.5, 0.7])
    met = np.array([1, 0, 1, 0, 0])
    fitted = rule.recalibrated(p, met)
    assert fitted[2] == fitted[3]
    assert (np.diff(fitted[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_groups_of_bands_are_judged_by_what_they_hold():
    table = scored([1.0] * 40).assign(kind="a", cover50=True, cover95=True, width80=5.0)
    table["cover80"] = [True] * 32 + [False] * 8
    assert bool(rule.holds(table, ["kind"])["good"].iloc[0])
    assert not rule.holds(table.assign(cover80=True), ["kind"])["good"].iloc[0]
    assert pd.isna(rule.holds(table.head(10), ["kind"])["good"].iloc[0])


def test_the_printed_rule_knows_less_and_nothing_printed_later():
    raw, readings = real_raw(), real_tables().readings
    dated, printed = (known_at(readings, raw, ORIGIN, printed=one) for one in (False, True))
    days = printed_on(printed.readings, fact_printed_on(raw))
    assert (days <= ORIGIN).all()
    ends = (dated.readings["as_of"] == ORIGIN).sum()
    assert ends > 5 and len(printed.readings) < len(dated.readings) - ends / 2
    assert set(printed.readings["reading_id"]) < set(dated.readings["reading_id"])
    actual = printed.raw.facts[printed.raw.facts["kind"] == "actual"]
    assert (fact_printed_on(raw).loc[actual["row"]] <= ORIGIN).all()


def test_a_figure_printed_later_moves_nothing_under_the_printed_rule():
    raw, readings = real_raw(), real_tables().readings
    late = printed_on(readings, fact_printed_on(raw)) > ORIGIN
    bad = readings.assign(value=readings["value"].mask(late, 1.0))
    clean, moved = (known_at(one, raw, ORIGIN, printed=True) for one in (readings, bad))
    pd.testing.assert_frame_equal(clean.readings, moved.readings)
    assert (bad["value"] != readings["value"]).sum() > 100


@pytest.mark.parametrize("design", designs.FURTHER)
def test_further_designs_ask_for_later_readings_only(design):
    raw, readings = real_raw(), real_tables().readings
    folds = list(designs.folds(design, readings, raw, "hi_coverage"))
    assert len(folds) >= 5
    for fold in folds:
        assert (fold.queries["as_of"] > fold.known.origin).all()
        assert fold.answers["design"].str.startswith(design).all()
        if design == "horizon_far":
            years = (fold.queries["as_of"] - fold.known.origin).dt.days / 365.25
            assert years.min() > 1.99 and years.max() < 5.01


def test_both_printed_designs_know_a_month_more_in_january():
    raw, readings = real_raw(), real_tables().readings
    pairs = zip(
        *(designs.folds(one, readings, raw, "hi_coverage") for one in designs.FURTHER[:2]),
        strict=True,
    )
    more = [len(b.known.readings) - len(a.known.readings) for a, b in pairs]
    assert min(more) >= 0 and sum(more) > 50


def test_the_first_version_can_be_scored_beside_the_second():
    from analysis.forecast.space import VERSION_1

    assert run.model_of("version_1").keywords == {"settings": VERSION_1}
    with pytest.raises(ValueError, match="unknown model 'version_3'; known: analysis, version_1"):
        run.model_of("version_3")
