"""Answers that take targets together: against sums done by hand, and against single chances."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from forecast_cases import built, known, outlooks_of, tables

from analysis.forecast import tables as tables_room
from analysis.forecast.answers import AT_LEAST, PASSES, Asked, all_met, at_least
from analysis.forecast.outlook import outlook
from analysis.readings import targets as targets_room
from analysis.seeds import generator


def asked():
    own = outlooks_of()["hi_coverage"]
    held = tables_room._targets(own)
    return Asked(own, held, dict.fromkeys(held, 1.0))


def test_the_chance_of_at_least_k_is_counted_draw_by_draw():
    one = asked()
    rows = at_least(one, "province_63")
    units = [unit for unit in one.held if unit[0] == "province_63"]
    counts = np.sum([one.meets(unit) for unit in units], axis=0)
    assert [row["k"] for row in rows] == list(range(1, 64))
    for row in rows:
        assert row["probability"] == pytest.approx(np.mean(counts >= row["k"]))
    expected = sum(one.meets(unit).mean() for unit in units)
    assert sum(row["probability"] for row in rows) == pytest.approx(expected)


def test_units_without_evidence_are_not_counted():
    one = asked()
    without = replace(one, shares=one.shares | {("province_63", "01"): 0.0})
    assert {row["n"] for row in at_least(without, "province_63")} == {62}
    none = replace(one, shares=dict.fromkeys(one.held, 0.0))
    assert at_least(none, "province_63") == []


def test_targets_taken_together_hold_their_own_chances_and_the_pattern_of_the_joint_draws():
    random = generator("test", "answers")
    x, y = random.standard_normal((2, 20000))
    z = random.standard_normal(20000)
    same, opposite = [z, z], [z, -z]
    assert all_met([x, y], [0, 0], same) == pytest.approx(0.5, abs=0.02)
    assert all_met([x, y], [0, 0], opposite) == pytest.approx(0.0, abs=0.02)
    free = random.standard_normal(20000)
    assert all_met([x, y], [0, 0], [z, free]) == pytest.approx(0.25, abs=0.02)
    tilted = [z, 0.6 * z + 0.8 * free]
    quarter = 0.25 + np.arcsin(0.6) / (2 * np.pi)
    assert all_met([x, y], [0, 0], tilted) == pytest.approx(quarter, abs=0.02)
    assert all_met([x, y], [-9, 0.5], tilted) == pytest.approx(np.mean(y >= 0.5))


def test_the_year_of_passing_is_the_first_with_the_chance():
    one = asked()
    table = tables().answers
    rows = table[(table["question"] == PASSES) & (table["scale"] == "reported")]
    assert len(rows) > 30
    for row in rows.to_dict("records"):
        unit = (row["geo_level"], row["province_code"])
        chance = (one.own.of(*unit, "reported") >= row["target"]).mean(axis=0)
        later = [
            (day, p) for day, p in zip(one.own.draws.dates, chance, strict=True)
            if day > one.own.origin
        ]  # fmt: skip
        for share in (50, 80):
            first = next((day for day, p in later if p >= share / 100), pd.NaT)
            found = row[f"date_{share}"]
            assert found == first or (pd.isna(found) and pd.isna(first))


def test_the_curve_of_the_table_falls_and_is_a_chance():
    table = tables().answers
    rows = table[table["question"] == AT_LEAST].sort_values("k")
    assert rows["probability"].between(0, 1).all()
    assert rows["probability"].is_monotonic_decreasing


def test_later_target_years_share_the_draws_of_the_first():
    own = outlook(built("health"), "hi_coverage", 2019, n=40, later=(2020,))
    (later,) = own.later
    assert (own.target_year, later.target_year) == (2019, 2020)
    assert later.draws is own.draws
    alone = outlook(built("health"), "hi_coverage", 2019, n=40)
    np.testing.assert_array_equal(own.draws.true, alone.draws.true)
    second = outlook(built("health"), "hi_coverage", 2020, n=40)
    np.testing.assert_array_equal(later.past.rise, second.past.rise)
    far = outlook(built("health"), "hi_coverage", 2019, n=40, later=(2027,))
    assert far.draws.dates[-1] == pd.Timestamp("2027-12-31")


def test_a_call_for_everyone_is_no_number_to_be_met():
    targets = known().targets
    call = targets[targets["geo_level"] == "country"].iloc[[-1]].assign(value=100.0)
    found = targets_room.numbered(pd.concat([targets, call]))
    assert len(found) == (targets["value"] < 100).sum() > 50
    assert np.isnan(tables_room.chance(np.full(9, 99.9), 100.0, True))
    assert tables_room.chance(np.full(9, 99.9), 99.0, True) == 1.0
