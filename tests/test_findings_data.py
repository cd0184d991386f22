"""The chapter on the data: what is known, what was added, what was not taken and why."""

import csv

import pandas as pd
import pytest
from example_facts import real_raw, real_tables

from analysis.findings import data as findings
from analysis.findings import readings
from analysis.paths import RAW

WANTED = pd.DataFrame(
    [
        ("province_34", "91", "hi_coverage", 9.0, "province_63", "89", "hi_coverage", 6.5),
        ("province_34", "91", "si_coverage", 8.0, "province_34", "91", "si_participants", 4.0),
        ("province_34", "01", "hi_coverage", 5.0, "province_34", "01", "hi_coverage", 4.0),
    ],
    columns=[
        "geo_level", "province_code", "indicator", "width", "wanted_level", "wanted_code",
        "wanted_indicator", "width_after",
    ],
)  # fmt: skip


@pytest.fixture(scope="module")
def data():
    table = WANTED.assign(
        date=pd.Timestamp("2026-12-31"),
        wanted_day=pd.to_datetime(["2024-12-31", "2025-12-31", "2026-03-31"]),
        loss=WANTED["width"] - WANTED["width_after"],
    )
    panel = findings.panel(real_tables().readings)
    return findings.Data(panel, table, real_raw(), findings.released())


def test_the_panel_has_every_province_year_once_whatever_was_found(data):
    keys = ["geo_level", "province_code", "year", "indicator"]
    assert len(data.panel) == 63 * 11 * 4 and not data.panel.duplicated(keys).any()
    assert set(data.panel["evidence"]) <= set(findings.KINDS)


def test_the_panel_counts_printed_rates_as_chapter_01_does(data):
    """The number is printed: 134 of 693 province-years for health insurance on these figures."""
    for rate in ("hi_coverage", "si_coverage", "ui_coverage"):
        _, said = readings.matrix(real_tables(), rate).phrases[0]
        row = findings.coverage(data).table.set_index("indicator").loc[rate]
        assert row["rate_year_end"] + row["rate_interim"] == said["published"] > 20
        assert row["rate_year_end"] == said["year_end"]
        assert row[list(findings.KINDS)].sum() == said["all"] == 693
    text = findings.coverage(data).text("en")
    assert "693 province-years" in text and "134 have a printed rate" in text


@pytest.mark.parametrize(
    ("code", "year", "rate", "evidence"),
    [
        ("83", 2023, "hi_coverage", "rate_year_end"),  # Ben Tre, end of 2023
        ("17", 2018, "hi_coverage", "count"),  # Hoa Binh: no rule settles the rates printed
        ("83", 2019, "hi_coverage", "computed"),  # Ben Tre: this year's number less its change
        ("02", 2020, "hi_coverage", "none"),  # Ha Giang
    ],
)
def test_kinds_of_evidence(data, code, year, rate, evidence):
    table = data.panel
    row = table[
        (table["province_code"] == code) & (table["year"] == year) & (table["indicator"] == rate)
    ]
    assert row["evidence"].tolist() == [evidence]


def test_years_and_provinces_add_up_to_the_same_number(data):
    by_year, by_unit = findings.years(data).table, findings.units(data).table
    for rate in findings.SCHEMES:
        assert by_year[rate].sum() == by_unit[rate].sum()
    assert len(by_unit) == 63


def test_what_was_added_counts_the_figures_of_pages_read_after_the_release(data):
    raw = data.raw
    later = set(
        raw.sources.loc[raw.sources["retrieved"] > f"{data.released:%Y-%m-%d}", "source_id"]
    )
    expected = raw.facts["source_id"].isin(later).sum()
    found = findings.added(data)
    assert found.table["n"].sum() == expected > 500
    assert f"{expected} figures" in found.text("en")
    after = findings.Data(data.panel, data.wanted, raw, pd.Timestamp("2030-01-01"))
    assert "no page" in findings.added(after).text("en")


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_figure_not_taken_is_listed_with_its_reason_in_words(language):
    with (RAW / "not_taken.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shown = findings.not_taken(language).written(language)
    assert len(shown) == len(rows) > 40
    reason = "reason" if language == "en" else "reason_vi"
    assert shown.iloc[:, -1].tolist() == [row[reason] for row in rows]
    assert (shown != "").all(axis=None)
    mark = {"en": ",", "vi": "."}[language]
    assert shown.iloc[1, 3] == f"97{mark}570{mark}000" and shown.iloc[0, 3][-2] != mark


def test_the_figure_that_helps_most_comes_first_and_each_unit_has_one(data):
    found = findings.wanted_most(data)
    assert found.table["province_code"].tolist() == ["91", "01"]
    assert found.table["wanted_indicator"].tolist() == ["si_participants", "hi_coverage"]
    text = found.text("en")
    assert "4.0 points wide, now 8.0" in text and "31 December 2025" in text


def test_nothing_wanted_is_no_error(data):
    none = findings.Data(data.panel, data.wanted.iloc[:0], data.raw, data.released)
    assert findings.wanted_most(none).text("en") == ""


def test_of_one_rate_alone_its_own_best_figures_are_named(data):
    found = findings.wanted_most(data, "hi_coverage")
    assert found.table["wanted_indicator"].tolist() == ["hi_coverage", "hi_coverage"]
    assert found.name == "data_wanted_hi_coverage"
