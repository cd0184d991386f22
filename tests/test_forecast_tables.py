"""The published tables: keys, columns, quantiles, probabilities, verdicts, marks of evidence."""

import pickle

import numpy as np
import pandas as pd
import pytest
from forecast_cases import ORIGIN, ask, built, gathered, known, outlooks_of, tables

from analysis.forecast.prediction import answered
from analysis.forecast.tables import QUANTILES, RECENT_YEARS, SERIES_KEY
from analysis.verdicts import NOT_ENOUGH_EVIDENCE, verdict

COLUMNS = [
    "geo_level", "province_code", "indicator", "origin", "date", "scale", "mean", "sd",
    "q025", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q975",
    "target", "target_setter", "p_meets_true", "p_meets_reported", "persons_short", "verdict",
]  # fmt: skip
DUE = pd.Timestamp("2020-12-31")


def test_forecasts_have_the_columns_that_readers_rely_on():
    found = list(tables().forecasts.columns)
    assert [name for name in found if name in COLUMNS] == COLUMNS
    assert {"p_meets_official", "evidence"} == set(found) - set(COLUMNS)


def test_every_unit_has_each_scale_and_year_end_once():
    table = tables().forecasts
    units = table[["geo_level", "province_code"]].drop_duplicates()
    assert units["geo_level"].value_counts().to_dict() == {
        "country": 1, "region": 6, "province_63": 63, "province_34": 34,
    }  # fmt: skip
    assert not table.duplicated([*SERIES_KEY, "date", "scale"]).any()
    assert len(table) == len(units) * 2 * 3
    assert sorted(set(table["date"])) == [pd.Timestamp("2019-12-31"), DUE]
    assert set(table["scale"]) == {"true", "reported", "official"}
    assert (table["origin"] == ORIGIN).all()


def test_estimates_have_every_unit_at_every_year_end_once():
    table = tables().estimates
    keys = [*SERIES_KEY, "date", "scale"]
    assert not table.duplicated(keys).any()
    assert len(table) == 104 * 6
    assert table["date"].min() == pd.Timestamp("2015-12-31")
    assert table["date"].max() == DUE
    assert set(COLUMNS[6:17]) <= set(table.columns)


@pytest.mark.parametrize("name", ["estimates", "forecasts"])
def test_quantiles_rise_within_what_a_share_can_be(name):
    table = getattr(tables(), name)
    steps = np.diff(table[list(QUANTILES)].to_numpy(), axis=1)
    assert (steps >= 0).all() and (steps.sum(axis=1) > 0).all()
    assert table[[*QUANTILES, "mean"]].min().min() > 0
    assert table[[*QUANTILES, "mean"]].max().max() <= 100
    assert table["mean"].between(table["q025"], table["q975"]).all()
    assert (table["sd"] > 0).all()


def test_probabilities_are_missing_exactly_where_the_evidence_is_not_enough():
    table = tables().forecasts
    due = table[table["date"] == DUE]
    unsure = due["verdict"] == NOT_ENOUGH_EVIDENCE
    assert unsure.any() and not unsure.all()
    for name in ("p_meets_true", "p_meets_reported", "p_meets_official"):
        assert due[name].between(0, 1)[~unsure].all(), name
        assert due[name].isna()[unsure].all(), name
    assert ((due["evidence"] == "borrowed") == unsure).all()


def test_before_the_target_falls_due_there_is_neither_target_nor_verdict():
    early = tables().forecasts
    early = early[early["date"] < DUE]
    assert early["target"].isna().all() and early["persons_short"].isna().all()
    assert (early["verdict"] == "").all() and (early["target_setter"] == "").all()
    assert early[["p_meets_true", "p_meets_reported"]].isna().all(axis=None)


def test_each_verdict_is_that_of_its_own_scale():
    due = tables().forecasts
    due = due[(due["date"] == DUE) & (due["evidence"] == "own")]
    for row in due.to_dict("records"):
        assert row["verdict"] == verdict(row[f"p_meets_{row['scale']}"])


def test_probabilities_and_persons_short_follow_from_the_draws():
    own = outlooks_of()["hi_coverage"]
    table = tables().forecasts
    checked = 0
    for row in table[table["date"] == DUE].to_dict("records"):
        unit = (row["geo_level"], row["province_code"])
        drawn = own.of(*unit, row["scale"])[:, own.at(DUE)]
        assert row["q50"] == pytest.approx(np.median(drawn))
        short = (row["target"] - np.median(drawn)) / 100 * own.people(*unit, row["scale"])
        assert row["persons_short"] == pytest.approx(max(0, short[own.at(DUE)]))
        if row["evidence"] == "own":
            assert row[f"p_meets_{row['scale']}"] == (drawn >= row["target"]).mean()
            checked += 1
    assert checked > 100


def test_a_year_end_is_reported_where_the_unit_printed_it_and_nowhere_else():
    readings = known().readings
    rows = readings[(readings["indicator"] == "hi_coverage") & (readings["basis"] == "")]
    rows = rows[(rows["kind_of_evidence"] == "published") & rows["as_of"].dt.is_year_end]
    printed = set(zip(rows["geo_level"], rows["province_code"], rows["as_of"].dt.year, strict=True))
    table = tables().estimates
    keys = zip(table["geo_level"], table["province_code"], table["date"].dt.year, strict=True)
    expected = np.array([key in printed for key in keys])
    assert expected.sum() > 10
    assert ((table["status"] == "reported") == expected).all()
    assert ((table["reading_id"] != "") == expected).all()
    named = table.loc[expected, ["reading_id", "geo_level", "province_code"]]
    named = named.merge(readings, on="reading_id", suffixes=("", "_own"))
    assert (named["province_code"] == named["province_code_own"]).all()


def test_other_estimates_of_a_province_are_inferred_from_its_own_readings_or_borrowed():
    evidence = gathered("health").table
    recent = evidence[evidence["as_of"] > ORIGIN - pd.DateOffset(years=RECENT_YEARS)]
    own = set(recent.loc[recent["geo_level"] == "province_63", "province_code"])
    table = tables().estimates
    rest = table[(table["geo_level"] == "province_63") & (table["status"] != "reported")]
    expected = np.where(rest["province_code"].isin(own), "inferred", "borrowed")
    assert set(expected) == {"inferred", "borrowed"}
    assert (rest["status"] == expected).all()


def test_an_aggregate_is_judged_by_the_people_of_the_provinces_that_were_read():
    """A merged unit of which less than half the people live in provinces with readings borrows."""
    source = gathered("health")
    recent = source.table[source.table["as_of"] > ORIGIN - pd.DateOffset(years=RECENT_YEARS)]
    read = set(zip(recent["geo_level"], recent["province_code"], strict=True))
    people = source.units.persons[:, -1]
    by_code = np.array([("province_63", code) in read for code in source.units.codes])
    table = tables().forecasts.drop_duplicates(["geo_level", "province_code"])
    marks = set()
    for row in table.itertuples():
        unit = (row.geo_level, row.province_code)
        parts = source.units.parts(*unit)
        share = (people * by_code)[parts].sum() / people[parts].sum()
        expected = "own" if unit in read or share >= 0.5 else "borrowed"
        assert row.evidence == expected, unit
        marks.add((row.geo_level, expected))
    assert {("province_34", "own"), ("province_34", "borrowed"), ("country", "own")} <= marks


def test_attainment_holds_every_target_that_was_announced_for_the_date():
    goals = known().targets
    goals = goals[
        (goals["indicator"] == "hi_coverage") & (goals["due"] == DUE) & (goals["basis"] == "")
    ]
    columns = ["geo_level", "province_code", "setter", "announced", "value"]
    expected = goals[columns].sort_values(columns).to_numpy().tolist()
    found = tables().attainment.rename(columns={"target_setter": "setter", "target": "value"})
    assert found[columns].sort_values(columns).to_numpy().tolist() == expected
    assert len(expected) > 5 and (found["announced"] <= ORIGIN).all()
    assert found["facts"].str.len().gt(0).all()


def test_attainment_agrees_with_the_forecast_where_the_target_is_the_same():
    due = tables().forecasts
    due = due[(due["date"] == DUE) & (due["scale"] == "reported")]
    both = tables().attainment.merge(due, on=[*SERIES_KEY, "target"], suffixes=("", "_forecast"))
    assert len(both) >= 5
    for name in ("p_meets_true", "p_meets_reported", "p_meets_official"):
        pd.testing.assert_series_equal(both[name], both[f"{name}_forecast"], check_names=False)


def test_needs_have_each_unit_once_and_no_number_without_evidence():
    table = tables().needs
    assert not table.duplicated(SERIES_KEY).any() and len(table) == 104
    borrowed = table["evidence"] == "borrowed"
    persons = table[["persons_month_50", "persons_month_80"]]
    assert persons[borrowed].isna().all(axis=None)
    assert (persons[~borrowed] >= 0).all(axis=None)
    assert (table["persons_month_80"] >= table["persons_month_50"])[~borrowed].all()


def test_a_fitted_model_that_was_kept_says_what_it_said():
    made = built("labour")
    again = pickle.loads(pickle.dumps(made))
    asked = ask(("province_63", "01", "si_coverage", "2019-12-31"))
    assert np.array_equal(answered(again, asked), answered(made, asked))
