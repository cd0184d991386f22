"""Nothing dated after the origin reaches a model: poison the future and nothing moves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.facts import corrected, load_raw
from analysis.forecast.known import fact_rows, known_at, without, without_provinces
from analysis.readings import build_readings
from analysis.readings import targets as targets_room
from analysis.validation import designs, field_models, peers
from analysis.validation.peers import KEPT_MODELS, PEERS

ORIGIN = pd.Timestamp("2020-12-31")


@pytest.fixture(scope="module")
def raw():
    return load_raw()


@pytest.fixture(scope="module")
def readings(raw):
    return build_readings(raw).readings


def poisoned(readings, raw):
    """The same tables with every value dated or announced after ORIGIN replaced by nonsense."""
    facts, events = corrected(raw), raw.policy_events.copy()
    targets = targets_room.targets(raw)
    late_targets = fact_rows(targets.loc[targets["announced"] > ORIGIN, "facts"])
    late = (facts["kind"] == "actual") & (facts["as_of"] > ORIGIN)
    late |= facts["row"].isin(late_targets)
    facts.loc[late, "value"] = 1.0
    targets.loc[targets["announced"] > ORIGIN, "value"] = 1.0
    events.loc[events["date"] > ORIGIN, "affects"] = "poison"
    bad = readings.copy()
    bad.loc[bad["as_of"] > ORIGIN, ["value", "lower", "upper"]] = 1.0
    later = {
        name: table.assign(**{column: table[column].where(table["year"] <= ORIGIN.year, 1)})
        for name, table, column in (
            ("covariates", raw.covariates, "value"),
            ("population", raw.population, "persons"),
        )
    }
    none = raw.corrections.iloc[:0]
    raw = dataclasses.replace(raw, facts=facts, policy_events=events, corrections=none, **later)
    return bad, raw, ORIGIN, targets


def test_what_is_known_does_not_change_with_the_future(readings, raw):
    clean, bad = known_at(readings, raw, ORIGIN), known_at(*poisoned(readings, raw))
    pd.testing.assert_frame_equal(clean.readings, bad.readings)
    pd.testing.assert_frame_equal(clean.targets, bad.targets)
    for name in ("policy_events", "covariates", "population"):
        pd.testing.assert_frame_equal(getattr(clean.raw, name), getattr(bad.raw, name))
    facts = [known.raw.facts.drop(columns="correction") for known in (clean, bad)]
    pd.testing.assert_frame_equal(*facts)


def test_the_poison_is_strong_enough_to_be_seen(readings, raw):
    bad_readings, bad_raw, *_ = poisoned(readings, raw)
    assert (bad_readings["value"] != readings["value"]).sum() > 200
    assert (bad_raw.facts["value"] != corrected(raw)["value"]).sum() > 300


@pytest.mark.parametrize("name", sorted(set(PEERS) - set(KEPT_MODELS)))
def test_no_peer_moves_when_the_future_is_poisoned(name, readings, raw):
    asked = designs.scored_readings(readings, "hi_coverage")
    asked = asked.loc[asked["as_of"] > ORIGIN, designs.QUERY].reset_index(drop=True).head(20)
    clean, bad = known_at(readings, raw, ORIGIN), known_at(*poisoned(readings, raw))
    one = PEERS[name](clean.readings, asked, clean)
    two = PEERS[name](bad.readings, asked, bad)
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(("name", "library"), [("gpboost", "gpboost"), ("transition", "numpyro")])
def test_no_kept_model_moves_when_the_future_is_poisoned(name, library, readings, raw, monkeypatch):
    pytest.importorskip(library, reason=f'{library} is not installed (pip install ".[peers]")')
    monkeypatch.setattr(field_models, "_WARMUP", 5)
    monkeypatch.setattr(field_models, "_DRAWS", 6)
    asked = designs.scored_readings(readings, "hi_coverage")
    asked = asked.loc[asked["as_of"] > ORIGIN, designs.QUERY].reset_index(drop=True).head(20)
    clean, bad = known_at(readings, raw, ORIGIN), known_at(*poisoned(readings, raw))
    answers = [
        getattr(field_models, name)(known.readings, asked, known)[:2] for known in (clean, bad)
    ]
    np.testing.assert_array_equal(*answers)
    assert np.isfinite(answers[0]).all()
    marks = {peers.fingerprint(name, known.readings, asked, known) for known in (clean, bad)}
    assert len(marks) == 1


def test_nothing_after_the_origin_is_known(readings, raw):
    known = known_at(readings, raw, ORIGIN)
    assert known.readings["as_of"].max() <= ORIGIN
    assert pd.to_datetime(known.readings["known_on"]).max() <= ORIGIN
    assert known.raw.policy_events["date"].max() <= ORIGIN
    assert known.targets["announced"].max() <= ORIGIN
    assert known.targets["due"].max() > ORIGIN
    actual = known.raw.facts[known.raw.facts["kind"] == "actual"]
    assert actual["as_of"].max() <= ORIGIN


def test_a_hidden_reading_leaves_no_trace(readings, raw):
    """Neither the reading, nor what was computed from it, nor its facts of the same day stay."""
    known = known_at(readings, raw, readings["as_of"].max())
    scored = designs.scored_readings(readings, "hi_coverage")
    participants = readings[
        (readings["indicator"] == "hi_participants") & (readings["geo_level"] == "province_63")
    ]
    both = scored.merge(participants[["province_code", "as_of"]], on=["province_code", "as_of"])
    hidden = both.head(1)
    code, day = hidden["province_code"].iloc[0], hidden["as_of"].iloc[0]
    left = without(known, hidden)
    for table in (left.readings, left.raw.facts[left.raw.facts["kind"] == "actual"]):
        same = (table["province_code"] == code) & (table["as_of"] == day)
        assert not table.loc[same, "indicator"].str.startswith("hi_").any()
    rows = fact_rows(hidden["facts"])
    assert not any(rows & fact_rows([cell]) for cell in left.readings["facts"])
    assert len(left.readings) > len(known.readings) - 30


def test_a_province_left_out_keeps_only_its_targets(readings, raw):
    known = known_at(readings, raw, readings["as_of"].max())
    left = without_provinces(known, pd.Series(["01"]))
    assert "01" not in set(left.readings["province_code"])
    facts = left.raw.facts
    own = facts[(facts["geo_level"] == "province_63") & (facts["province_code"] == "01")]
    assert set(own["kind"]) == {"target"}
    assert "01" in set(left.targets["province_code"])


@pytest.mark.parametrize("design", ["latest", "random_fifth", "leave_province_out"])
def test_what_is_asked_is_not_known(design, readings, raw):
    seen = 0
    for fold in designs.folds(design, readings, raw, "hi_coverage"):
        known = designs.scored_readings(fold.known.readings, "hi_coverage")
        both = fold.queries.merge(known, on=["province_code", "as_of"])
        assert both.empty
        seen += len(fold.queries)
    assert np.all(seen > 20)
