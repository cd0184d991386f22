"""The sentences of the forecast carry the numbers of their tables, in both languages."""

import dataclasses
import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from forecast_cases import built, known, tables, tables_with_targets

from analysis import paths
from analysis.country import geography
from analysis.findings import forecast
from analysis.report.wording import LANGUAGES, say
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE


def numbers(text):
    """Whole numbers of an English sentence, in their order."""
    return [
        int(found.replace(",", "")) for found in re.findall(r"(?<![\d.])\d[\d,]*(?![\d.%])", text)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answer_says_what_its_table_shows(language):
    result = forecast.answer(tables())
    text, shown = result.text(language), result.written(language)
    assert len(shown) == 1
    for column in ("q50", "q10", "q90", "target", "p_meets_reported"):
        cell = result.word(column, 0, language)
        assert re.search(r"\d", cell), column
        assert cell in text, column
        place = "q10" if column == "q90" else column  # the ends of a range share a cell
        assert cell in shown.iloc[0, result.shown.index(place)], column
    verdict = result.table["verdict"].iloc[0]
    assert say(f"verdict.{verdict}", language) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_the_country_sets_level_beside_report_and_repeats_no_sentence(language):
    result = forecast.country(tables())
    pd.testing.assert_frame_equal(result.table, forecast.answer(tables()).table)
    shown = result.written(language)
    cells = {column: shown.iloc[0, result.shown.index(column)] for column in result.shown}
    expected = ["target", "verdict_true", "p_meets_true", "verdict", "p_meets_reported"]
    assert len(result.phrases) == len(shown) == 1
    said = result.text(language)
    assert all(cells[column] in said for column in expected)
    other = {say(key, language, **v) for key, v in forecast.answer(tables()).phrases}
    assert not any(sentence in said for sentence in other)


def test_chapter_05_says_no_sentence_twice():
    chapter = nbformat.read(paths.NOTEBOOKS / "05_forecast.ipynb", as_version=4)
    code = [cell.source for cell in chapter.cells if cell.cell_type == "code"]
    called = [
        call
        for source in code
        for call in re.findall(r"\b(?:forecast|findings)\.\w+\([^()]*\)", source)
    ]
    assert len(called) > 5
    assert sorted(called) == sorted(set(called))


def test_the_answer_is_that_of_the_published_table():
    row = forecast.answer(tables()).table.iloc[0]
    table = tables().forecasts
    own = table[(table["geo_level"] == "country") & (table["date"] == table["date"].max())]
    own = own.set_index("scale")
    for column in ("q10", "q50", "q90", "target", "p_meets_true", "p_meets_reported"):
        assert row[column] == pytest.approx(own.loc["reported", column], abs=5e-3)
    assert row["verdict"] == own.loc["reported", "verdict"]
    assert row["verdict_true"] == own.loc["true", "verdict"]


def test_the_counts_of_provinces_are_those_of_the_verdicts():
    rows = forecast.at_target(tables())
    counts = rows.loc[rows["geo_level"] == "province_34", "verdict"].value_counts()
    expected = [
        34,
        counts.get("likely", 0) + counts.get("very_likely", 0),
        counts.get("about_even", 0),
        counts.get("unlikely", 0) + counts.get("very_unlikely", 0),
        counts.get(NO_TARGET, 0),
        counts.get(NOT_ENOUGH_EVIDENCE, 0),
    ]
    assert sum(expected[1:]) == 34
    key, values = forecast.answer(tables()).phrases[-1]
    assert numbers(say(key, "en", **values)) == expected


@pytest.mark.parametrize("level", ["province_63", "province_34", "region"])
def test_the_table_of_units_is_sorted_and_counts_itself(level):
    result = forecast.units(tables(), "hi_coverage", level)
    table = result.table
    merged = geography.codes("province_34")
    alone = [code for code in merged if geography.members(code) == [code]]
    given = (level == "province_63") | table["province_code"].isin(alone)
    own = int(((table["target_setter"] != "nationwide") | given).sum())
    assert numbers(result.text("en")) == [len(table), own], "the goal until 2025 was set for all 63"
    chances = table["p_meets_reported"].fillna(-1)
    assert chances.is_monotonic_decreasing
    assert len(result.written("vi")) == len(table)


def test_announced_targets_are_counted_with_those_that_differ():
    result = forecast.setters(tables())
    table = tables().attainment
    several = table.groupby("province_code")["target"].nunique().gt(1).sum()
    assert numbers(result.text("en")) == [len(table), several]


@pytest.mark.parametrize(("higher", "more_than", "some_beyond"), [(0, 1, False), (12, 5, True)])
def test_units_beyond_their_best_year_are_counted_from_the_table(higher, more_than, some_beyond):
    """Of 2020 nearly all targets were within reach, so they are asked about higher ones too."""
    result = forecast.takes(tables_with_targets(higher), level="province_63")
    table = result.table
    assert (table["persons_month_80"] > 0).all() and len(table) > more_than
    together = table["expected_persons_month"] + table["persons_month_50"]
    asked = table["persons_month_50"] > 0
    beyond = int((asked & (together > table["best_year_persons_month"])).sum())
    assert (beyond > 0) == some_beyond
    assert numbers(result.text("en"))[:2] == [len(table), beyond]


def test_silence_lowers_chances_by_the_stated_odds():
    result = forecast.silence(tables(), known())
    table = result.table
    p, chance = table["p_meets_reported"], table["chance"]
    inside = p.between(0.001, 0.999)
    odds = (p / (1 - p))[inside] / (chance / (1 - chance))[inside]
    np.testing.assert_allclose(odds, forecast.ODDS, rtol=0.05)
    said = [len(table), forecast.SILENT, int(forecast.ODDS)]
    said += [int((chance >= 2 / 3).sum()), int((p >= 2 / 3).sum())]
    assert numbers(result.text("en")) == said
    last = known().readings.query("indicator == 'hi_coverage'").groupby("province_code")["as_of"]
    quiet = table["province_code"].map(last.max())
    since = known().origin - pd.DateOffset(months=forecast.SILENT)
    assert not (quiet > since).any()


def test_the_pull_of_targets_is_the_fitted_one(monkeypatch):
    monkeypatch.setattr(forecast, "kept_model", lambda known, indicator, settings: built("health"))
    result, found = forecast.pulled(known()), built("health").pulls
    by_level = result.table.set_index("level")
    text = result.text("en")
    for level, own in (("province_63", found.provinces), ("country", found.country)):
        assert by_level.loc[level, "readings"] == own.n > 0
        row = by_level.loc[level]
        assert row["short"] == pytest.approx(own.mean_short, abs=1e-4)
        assert 0 < row["short_low"] < row["short"] < row["short_high"] < 1
        assert f"{own.mean_short:.2f} times" in text
    assert f"{1 + found.provinces.mean_heap:.1f} times" in text
    assert f"from {found.provinces.n} year-end" in text


def test_late_payment_counts_targets_forecasts_and_silence():
    row = {
        "geo_level": "province_63", "province_code": "01", "basis": "unspecified",
        "scale": "reported", "q10": 1.0, "q50": 2.0, "q90": 3.0, "target": 2.5,
        "target_setter": "agency", "p_meets_reported": 0.7, "verdict": "likely",
        "origin": "2025-06-30",
    }  # fmt: skip
    none = dict.fromkeys(("q10", "q50", "q90", "target", "p_meets_reported"), np.nan)
    table = pd.DataFrame(
        [row, {**row, "scale": "true"}, {**row, "province_code": "02", "target": np.nan}]
        + [{**row, **none, "province_code": code, "scale": np.nan} for code in ("04", "06", "08")]
    )
    result = forecast.late_payment(table, pd.Timestamp("2025-06-30"))
    assert numbers(result.text("en")) == [1, 1, 3]
    assert result.table["province_code"].tolist() == ["01"]
    other = forecast.late_payment(table, pd.Timestamp("2026-03-31"))
    assert other.table.empty and "2025" in other.text("en") and "2026" in other.text("en")


def test_chances_that_rest_on_a_gain_beyond_any_on_record_are_counted():
    made = tables()
    result = forecast.takes(made, level="province_63")
    (_, checked) = result.phrases[1]
    shown = forecast.at_target(made)
    shown = shown[(shown["geo_level"] == "province_63") & (shown["indicator"] == "hi_coverage")]
    likely = set(shown.loc[shown["p_meets_reported"] > 0.5, "province_code"])
    needs = made.needs[(made.needs["geo_level"] == "province_63")]
    needs = needs[(needs["indicator"] == "hi_coverage") & needs["province_code"].isin(likely)]
    assert checked["units"] == len(likely) > 0
    steep = needs["expected_persons_month"] > needs["best_year_persons_month"]
    assert checked["steep"] == steep.sum()
    slow = dataclasses.replace(made, needs=made.needs.assign(best_year_persons_month=0.0))
    assert forecast.takes(slow, level="province_63").phrases[1][1]["steep"] > checked["steep"]
