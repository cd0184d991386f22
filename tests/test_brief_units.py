"""Whose brief it is, which chances it may show, and what it says of newer targets and people."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import synthetic_report

from analysis.country import geography
from analysis.findings import overview
from analysis.findings.brief import (
    Tables,
    brief,
    forecast_rows,
    former_units,
    grade,
    newer_targets,
    present_units,
    unit_code,
    unit_of,
)
from analysis.findings.cards import cards
from analysis.readings.targets import judged
from analysis.report.wording import LANGUAGES, say
from analysis.runs.pipeline import load
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE, coarse, verdict

DUE = pd.Timestamp(synthetic_report.DUE)
ORIGIN = pd.Timestamp(synthetic_report.ORIGIN)


def reading(code, indicator, value, day, level="province_63"):
    return {
        "reading_id": f"{level}/{code}/{indicator}/{day}", "geo_level": level,
        "province_code": code, "indicator": indicator, "basis": "", "as_of": pd.Timestamp(day),
        "value": value, "lower": value - 0.05, "upper": value + 0.05, "season": "year_end",
        "kind_of_evidence": "published", "known_on": day, "sources": "S1",
    }  # fmt: skip


def target(code, value, announced, indicator="hi_coverage", level="province_63"):
    return {
        "geo_level": level, "province_code": code, "indicator": indicator, "basis": "",
        "due": DUE, "value": value, "setter": "province", "announced": pd.Timestamp(announced),
    }  # fmt: skip


READINGS = [
    reading("83", "hi_coverage", 94.0 + year, f"{2022 + year}-12-31") for year in range(3)
] + [
    reading("14", "hi_coverage", 93.0, "2019-12-31"),
    reading("01", "hi_coverage", 95.0, "2022-12-31"),
]


def tables(targets=(), readings=READINGS):
    """Synthetic tables of all chapters, as a report would read them."""
    forecasts, needs = synthetic_report.forecasts(), synthetic_report.needs()
    for table in (forecasts, needs):
        for name in ("origin", "date"):
            table[name] = pd.to_datetime(table[name])
    estimates = synthetic_report.estimates()
    estimates["date"] = pd.to_datetime(estimates["date"])
    columns = [*target("01", 1.0, "2025-01-01")]
    late = synthetic_report.late_payment_forecasts()
    return Tables(
        readings=pd.DataFrame(readings),
        estimates=estimates,
        forecasts=forecasts,
        needs=needs,
        late=late.assign(date=pd.to_datetime(late["date"])),
        sources=pd.DataFrame(columns=["source_id", "publisher", "published", "title", "url"]),
        targets=pd.DataFrame(list(targets), columns=columns),
    )


def test_every_unit_has_one_brief_and_an_unchanged_province_no_second_one():
    varied = next(one for one in load() if one.stem == "08_province_brief").vary["province_code"]
    units = {unit_of(code) for code in varied}
    assert len(varied) == len(units) == 1 + 23 + 63
    assert {unit_of(unit_code(*unit)) for unit in units} == units
    assert set(present_units()) | set(former_units()) == units - {("country", "00")}
    assert (len(present_units()), len(former_units())) == (34, 52)


@pytest.mark.parametrize("code", ["", "99", "province_34/83", "region/R1", "province_34/"])
def test_a_code_that_names_no_unit_is_refused_with_examples(code):
    with pytest.raises(ValueError, match="give the code of one of the 63 provinces"):
        unit_of(code)


def test_only_a_target_of_its_own_gives_a_chance_but_for_the_goal_of_95_percent():
    ahead = forecast_rows(tables())
    nationwide = ahead["target_setter"] == "nationwide"
    spared = (ahead["indicator"] == "hi_coverage") & (
        (ahead["geo_level"] == "province_63")
        | ahead["province_code"].isin(
            [code for level, code in present_units() if level[-2:] == "63"]
        )
    )
    aimless = ahead["verdict"] == NO_TARGET
    unsure = ahead["verdict"] == NOT_ENOUGH_EVIDENCE
    assert aimless.sum() > 20
    assert (aimless == (nationwide & ~spared & ~unsure)).all()
    assert ahead.loc[aimless | unsure, "p_meets_reported"].isna().all()
    assert ahead.loc[~(aimless | unsure), "p_meets_reported"].notna().all()


def test_chances_of_provinces_come_in_steps_of_five_and_the_word_is_that_of_the_table():
    raw = synthetic_report.forecasts().query("scale == 'reported'")
    shown = judged(raw)
    for before, after, word, level in zip(
        raw["p_meets_reported"], shown["p_meets_reported"], shown["verdict"], raw["geo_level"],
        strict=True,
    ):  # fmt: skip
        if np.isnan(after):
            continue
        assert after == (before if level == "country" else coarse(before))
        assert word == verdict(before) == verdict(after)
    assert (coarse(0.66), coarse(0.67), coarse(0.878)) == (0.65, 0.7, 0.85)


def test_a_target_announced_after_the_origin_is_shown_and_not_used():
    made = tables([target("83", 97.0, "2025-07-31"), target("83", 96.0, "2024-01-31")])
    assert newer_targets(made, "province_63", "83")["target"].tolist() == [97.0]
    one = brief("83", made)
    row = one.answer.table.set_index("indicator").loc["hi_coverage"]
    assert row["newer_target"] == 97.0 and row["target"] == 95.0
    assert (
        row["p_meets_reported"]
        == forecast_rows(made)
        .query(
            "geo_level == 'province_63' and province_code == '83' and indicator == 'hi_coverage'"
        )["p_meets_reported"]
        .item()
    )
    assert 0 <= row["newer_chance"] < row["p_meets_reported"]
    for language in LANGUAGES:
        texts = [line.text for line in cards(one, language)[0].lines]
        assert any("97%" in text and "31" in text for text in texts)
        assert say("brief.unknown_newer", language, indicators=["hi_coverage"]) in one.unknown.text(
            language
        )


def test_the_target_that_the_forecast_knew_is_no_newer_one_and_twins_share_theirs():
    assert newer_targets(tables([target("83", 95.0, "2025-07-31")]), "province_63", "83").empty
    twin = tables([target("14", 98.0, "2025-12-31", level="province_34")])
    found = newer_targets(twin, "province_63", "14")
    assert found["target"].tolist() == [98.0]
    text = next(line.text for line in cards(brief("14", twin), "en")[0].lines if "98%" in line.text)
    assert "day unknown" in text, "the due date stands for a day that is not known"


@pytest.mark.parametrize(("code", "dots"), [("83", 3), ("01", 2), ("14", 1), ("10", 1)])
def test_evidence_is_graded_by_number_and_age_of_readings(code, dots):
    assert grade(tables(), "province_63", code, "hi_coverage") == dots


def test_without_evidence_there_are_no_dots_no_chance_and_no_people():
    unsure = tables()
    unsure.forecasts.loc[unsure.forecasts["province_code"] == "83", "verdict"] = NOT_ENOUGH_EVIDENCE
    one = brief("83", unsure)
    assert one.thin
    row = one.answer.table.iloc[0]
    assert row["grade"] == 0
    assert np.isnan(row["p_meets_reported"]) and np.isnan(row["persons_month_80"])
    assert [key for key, _ in one.unknown.phrases][:2] == [
        "brief.missing_region", "brief.missing_figure",
    ]  # fmt: skip
    assert one.measures.table.empty
    for language in LANGUAGES:
        for card in cards(one, language):
            assert all(line.text != "–" for line in card.lines)


@pytest.mark.parametrize(
    ("half", "most", "english"),
    [(0.0, 0.0, "no more needed"), (0.0, 1300.0, "none for a 50% chance, 1,300 for 80%"),
     (500.0, 1300.0, "500 for a 50% chance, 1,300 for 80%"),
     (500.0, np.nan, "500 for a 50% chance; no credible number gives 80%"),
     (np.nan, np.nan, "no credible number gives a 50% chance")],
)  # fmt: skip
def test_extra_people_are_said_by_one_definition(half, most, english):
    made = tables()
    needs = made.needs.copy()
    needs["persons_month_50"], needs["persons_month_80"] = half, most
    lines = cards(brief("83", replace(made, needs=needs)), "en")[0].lines
    found = next(line for line in lines if line.label.startswith("Extra members a month"))
    assert found.text == english
    assert found.label.endswith("January 2025 to December 2025")


def test_a_brief_ranks_nobody_and_lists_its_parts_or_its_region():
    for unit in ("83", "province_34/86"):
        one = brief(unit, tables())
        for language in LANGUAGES:
            text = one.standing.result.text(language)
            assert say("brief.standing_no_rank", language) in text
    parts = one.standing.result.table
    assert set(parts["province_code"]) == {"86", *geography.members("86")}


def test_the_headline_is_followed_by_the_share_of_the_official_population():
    phrases = overview.headline(tables())
    assert [key for key, _ in phrases][:2] == ["overview.answer", "overview.official"]
    ahead = forecast_rows(tables(), "official").query("geo_level == 'country'").iloc[0]
    assert phrases[1][1]["value"] == ahead["q50"]


def test_the_stamp_says_that_the_due_date_has_passed_once_a_result_is_read():
    keys = [key for key, _ in overview.stamp(tables())]
    assert keys == ["overview.stamp"]
    later = [*READINGS, reading("01", "hi_coverage", 95.0, "2025-12-31")]
    keys = [key for key, _ in overview.stamp(tables(readings=later))]
    assert keys == ["overview.stamp", "overview.stamp_past"]
    values = overview.stamp(tables())[0][1]
    assert values["origin"] == ORIGIN and values["newest"] == pd.Timestamp("2024-12-31")
