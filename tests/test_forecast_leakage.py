"""A forecast from an origin is the same, bit for bit, whatever happens after it.

The raw tables are poisoned: every fact that describes a later day, every target that was announced
later, every later policy event, covariate and population figure. Readings are built from both.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from example_facts import real_raw, real_tables
from forecast_cases import FIRST, ORIGIN, QUICK, ask, gathered, year_ends

from analysis.facts import corrected
from analysis.forecast import draw, model, predict
from analysis.forecast.known import fact_rows, known_at
from analysis.readings import build_readings
from analysis.readings import targets as targets_room

QUERIES = ask(
    ("country", "00", "hi_coverage", "2019-12-31"),
    ("province_63", "01", "hi_coverage", "2020-12-31"),
    ("province_63", "14", "hi_coverage", "2019-06-30"),
    ("province_34", "91", "hi_coverage", "2020-12-31"),
    ("region", "R4", "hi_coverage", "2020-12-31"),
    ("country", "00", "si_coverage", "2020-12-31"),
    ("province_63", "35", "si_coverage", "2019-12-31"),
    ("province_63", "58", "ui_coverage", "2019-12-31"),
    ("province_34", "79", "ui_coverage", "2020-12-31"),
)

#: Coverage on the official population, beside coverage as published: it divides by figures for
#: the middle of a year, interpolated with those of the next. No forecast reads it.
OTHER = "official_population"


def poisoned_facts(raw):
    """Later facts are a third of what they were, targets announced later two thirds."""
    facts, announced = corrected(raw), targets_room.targets(raw)
    rows = fact_rows(announced.loc[announced["announced"] > ORIGIN, "facts"])
    later = (facts["kind"] == "actual") & (facts["as_of"] > ORIGIN)
    goals = (facts["kind"] == "target") & facts["row"].isin(rows)
    facts.loc[later, "value"] /= 3
    facts.loc[goals, "value"] *= 2 / 3
    return facts, int(later.sum()), int(goals.sum())


def poisoned():
    """The real raw tables with a future of nonsense."""
    raw = real_raw()
    facts, *_ = poisoned_facts(raw)
    events = raw.policy_events.copy()
    late = events["date"] > ORIGIN
    # What an event says is poisoned; its number stays, since it dates targets announced later.
    events.loc[late, ["affects", "expected_sign", "note"]] = "targets of hi_coverage, nonsense"
    tables = {
        name: table.assign(**{column: table[column].where(table["year"] <= ORIGIN.year, 7.0)})
        for name, table, column in (
            ("covariates", raw.covariates, "value"),
            ("population", raw.population, "persons"),
        )
    }
    none = raw.corrections.iloc[:0]
    return dataclasses.replace(raw, facts=facts, policy_events=events, corrections=none, **tables)


@pytest.fixture(scope="module")
def both():
    """What was known at the origin, from the real tables and from the poisoned ones."""
    bad = poisoned()
    return (
        known_at(real_tables().readings, real_raw(), ORIGIN),
        known_at(build_readings(bad).readings, bad, ORIGIN),
    )


def test_the_poison_reaches_what_it_is_meant_for():
    raw, bad = real_raw(), poisoned()
    _, facts, goals = poisoned_facts(raw)
    assert facts > 300 and goals > 100
    assert (raw.policy_events["affects"] != bad.policy_events["affects"]).sum() > 10
    for name, column in (("covariates", "value"), ("population", "persons")):
        assert (getattr(raw, name)[column] != getattr(bad, name)[column]).sum() > 60


def test_no_reading_known_at_the_origin_moves(both):
    clean, bad = (
        known.readings[known.readings["basis"] != OTHER].set_index("reading_id") for known in both
    )
    moved = clean.index.symmetric_difference(bad.index)
    assert moved.empty, f"there with one future only: {', '.join(moved)}"
    assert len(clean) > 250
    pd.testing.assert_frame_equal(clean, bad, check_exact=True)


def test_no_target_known_at_the_origin_moves(both):
    pd.testing.assert_frame_equal(both[0].targets, both[1].targets, check_exact=True)


def test_predictions_do_not_move(both):
    clean, bad = (predict(known, QUERIES, QUICK) for known in both)
    assert np.isfinite(clean.to_numpy()).all()
    pd.testing.assert_frame_equal(clean, bad, check_exact=True)


def test_draws_do_not_move(both):
    clean, bad = (
        draw(model(known, "ui_coverage", QUICK), "ui_coverage", year_ends(2019, 2019), n=50)
        for known in both
    )
    for name in ("true", "reported", "country_reported", "country_base", "persons"):
        np.testing.assert_array_equal(getattr(clean, name), getattr(bad, name), err_msg=name)
    np.testing.assert_equal(clean.goals, bad.goals)
    for group in ("provinces", "country"):
        one, other = (vars(getattr(draws.pulls, group)) for draws in (clean, bad))
        np.testing.assert_equal(one, other, err_msg=group)


def test_no_forecast_reads_coverage_on_the_official_population(both):
    for family in FIRST:
        own = gathered(family).table["reading_id"]
        assert not own.str.contains(OTHER).any()
        assert set(own) <= set(both[0].readings["reading_id"])


def test_an_earlier_fact_does_move_predictions(both):
    """Otherwise the comparison would be of no worth."""
    known = both[0]
    readings = known.readings.copy()
    own = readings["indicator"].eq("si_coverage") & readings["geo_level"].eq("country")
    readings.loc[own, ["value", "lower", "upper"]] -= 0.1
    asked = QUERIES[QUERIES["indicator"] == "si_coverage"]
    moved = predict(dataclasses.replace(known, readings=readings), asked, QUICK)
    assert not np.array_equal(moved, predict(known, asked, QUICK))
