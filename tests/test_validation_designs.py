"""The designs ask what they say: origins, warm and cold, folds that cover each reading once."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.facts import load_raw
from analysis.readings import build_readings
from analysis.validation import designs


@pytest.fixture(scope="module")
def raw():
    return load_raw()


@pytest.fixture(scope="module")
def readings(raw):
    return build_readings(raw).readings


@pytest.fixture(scope="module")
def rolling(readings, raw):
    return list(designs.folds("rolling_origin", readings, raw, "hi_coverage"))


def test_every_later_reading_to_24_months_is_asked_once(rolling, readings):
    scored = designs.scored_readings(readings, "hi_coverage")
    assert [fold.origin for fold in rolling] == [str(year) for year in range(2018, 2024)]
    for fold in rolling:
        start = fold.known.origin
        end = start + pd.DateOffset(months=24)
        expected = scored[(scored["as_of"] > start) & (scored["as_of"] <= end)]
        assert fold.queries["as_of"].tolist() == expected["as_of"].tolist()
        assert fold.queries["province_code"].tolist() == expected["province_code"].tolist()


def test_warm_means_read_before_the_origin(rolling):
    for fold in rolling:
        known = designs.scored_readings(fold.known.readings, "hi_coverage")
        read = fold.queries["province_code"].isin(known["province_code"])
        assert (fold.answers["design"] == "rolling_origin").tolist() == read.tolist()
        assert (fold.answers["last_as_of"].dropna() <= fold.known.origin).all()


def test_the_number_of_forecasts_is_of_the_order_planned(rolling):
    """About 115 warm forecasts and 54 cold ones; a new fact may add some, never lose many."""
    kinds = pd.concat([fold.answers["design"] for fold in rolling]).value_counts()
    assert 105 <= kinds["rolling_origin"] <= 140
    assert 45 <= kinds["rolling_origin_cold"] <= 80


@pytest.mark.parametrize("design", ["random_fifth", "leave_province_out"])
def test_each_reading_is_left_out_exactly_once(design, readings, raw):
    folds = list(designs.folds(design, readings, raw, "hi_coverage"))
    asked = pd.concat([fold.queries for fold in folds])
    assert not asked.duplicated().any()
    assert len(asked) == len(designs.scored_readings(readings, "hi_coverage"))


def test_latest_asks_one_reading_of_each_province_read_twice(readings, raw):
    (fold,) = designs.folds("latest", readings, raw, "hi_coverage")
    assert fold.queries["province_code"].is_unique
    assert fold.answers["last_value"].notna().all()
    assert (fold.answers["last_as_of"] < fold.queries["as_of"]).all()


def test_targets_asked_were_announced_and_are_not_yet_due(rolling):
    for fold in rolling:
        due = fold.targets["as_of"]
        assert (due > fold.known.origin).all()
        assert not fold.targets.duplicated(["province_code", "as_of"]).any()
        assert len(fold.questions) <= len(fold.queries) + len(fold.targets)
        head = fold.questions.head(len(fold.queries))[designs.QUERY]
        pd.testing.assert_frame_equal(head, fold.queries, check_dtype=False)


def test_an_unknown_design_is_refused_by_name(readings, raw):
    with pytest.raises(ValueError, match="unknown design 'rolling'"):
        list(designs.folds("rolling", readings, raw, "hi_coverage"))


def test_two_readings_of_one_day_are_refused(readings):
    twice = pd.concat([readings, readings])
    with pytest.raises(ValueError, match="two readings of province_63"):
        designs.scored_readings(twice, "hi_coverage")
