"""The front page says of every unit of today: was the last target met, and when is the next."""

import re

import pandas as pd
import pytest
import synthetic_report
from driver_data import raw, readings

from analysis import paths
from analysis.findings import coverage, outcomes, overview
from analysis.findings.brief import Tables, present_units
from analysis.readings.targets import targets
from analysis.report.wording import LANGUAGES
from analysis.site import front

ORIGIN, DUE, LATER = (pd.Timestamp(day) for day in ("2026-03-31", "2026-12-31", "2030-12-31"))
REACHED = pd.Timestamp("2028-12-31")
AT_ONE, NEVER = ("province_34", "79"), ("province_34", "15")


def tables():
    """Real readings and targets under clearly synthetic forecasts for 2026 and 2030."""
    ahead = synthetic_report.forecasts().assign(origin=ORIGIN)
    both = pd.concat([ahead.assign(date=DUE), ahead.assign(date=LATER)], ignore_index=True)
    past = synthetic_report.estimates()
    return Tables(
        readings=readings().assign(basis=lambda t: t["basis"].fillna("")),
        estimates=past.assign(date=pd.to_datetime(past["date"])),
        forecasts=both,
        needs=synthetic_report.needs().assign(origin=ORIGIN, date=DUE),
        late=synthetic_report.late_payment_forecasts(),
        sources=raw().sources,
        targets=targets(raw()),
    )


def answers(origin=ORIGIN):
    empty = {"geo_level": "country", "province_code": "00", "indicator": "", "origin": origin}
    rows = [
        {**empty, "question": "all_national", "date": DUE, "n": 3, "probability": 0.25},
        {**empty, "question": "all_national", "date": LATER, "n": 2, "probability": 0.125},
    ]
    for (level, code), day in ((AT_ONE, REACHED), (NEVER, pd.NaT)):
        unit = {"geo_level": level, "province_code": code, "indicator": "hi_coverage"}
        whole = {**empty, **unit, "question": "passes", "scale": "reported", "date": LATER}
        rows.append({**whole, "date_50": day})
    return pd.DataFrame(rows).assign(date_50=lambda t: pd.to_datetime(t["date_50"]))


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(paths, "read_processed", lambda name, dates=(): answers())
    whole = tables()
    return whole, overview.course(whole)


def test_every_unit_of_today_has_one_row_a_rate(made):
    found = made[1].table
    units = [("country", "00"), *present_units()]
    assert len(found) == 3 * len(units) == 3 * 35
    assert not found.duplicated(["geo_level", "province_code", "indicator"]).any()
    assert (made[1].was, made[1].later) == (pd.Timestamp("2025-12-31"), LATER)


def test_what_came_of_the_last_targets_is_the_table_of_outcomes(made):
    own = coverage.Tables(readings(), targets(raw()), raw())
    known = outcomes.of_units(own, "2025-12-31").table
    both = made[1].table.merge(known, on=["province_code", "indicator"])
    assert len(both) == 3 * 35
    asked = (both["met_x"] != "") & both["reading"].notna()
    assert (both["met_x"] == both["met_y"])[asked].all()
    assert {"yes", "no"} <= set(both.loc[asked, "met_x"])
    # The nationwide goals of the labour force are no targets of a province.
    labour = (both["indicator"] != "hi_coverage") & (both["setter"] == "nationwide")
    assert (both.loc[labour, "met_x"] == "").all() and labour.any()


def test_the_year_of_an_even_chance_is_that_of_the_round(made):
    rows = made[1].table.set_index(["geo_level", "province_code", "indicator"])
    assert rows.loc[(*AT_ONE, "hi_coverage"), "even_from"] == REACHED
    assert pd.isna(rows.loc[(*NEVER, "hi_coverage"), "even_from"])
    assert rows["asked"].eq(True).sum() == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_front_page_answers_for_the_country_and_every_unit(made, language):
    whole, found = made
    said = front._said(overview.said_of_course(whole, found), language)
    assert "2025" in said and "25%" in said and "2030" in said
    assert len(said.split()) <= 40
    rows = overview.provinces(whole, present_units())
    page = front.table(rows, whole, set(), language, found)
    heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", page)
    assert [head for head in heads if head.isdigit()] == ["2025", "2030"]
    lines = page.split("<tr data-")[1:]
    assert len(lines) == 3 * 34
    assert all(line.count("<td") + line.count("<th") == len(heads) for line in lines)
    assert page.count(">✓</span>") + page.count(">✗</span>") == int(
        found.table.loc[found.table["geo_level"] != "country", "met"].isin(["yes", "no"]).sum()
    )
    assert page.count(": 2028</small>") == 1 and page.count(": –</small>") == 1
    plain = front.table(rows, whole, set(), language)
    assert len(re.findall(r"<th scope=\"col\"", plain)) == len(heads) - 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_card_says_the_years_before_and_after(made, language):
    before, after = front._card_course(made[1], "hi_coverage", language)
    assert (before[0], after[0]) == ("2025", "2030")
    assert "✓" in before[1] and "95" in before[1]
    assert front._card_course(None, "hi_coverage", language) == []


def test_answers_of_another_day_are_not_shown(monkeypatch):
    stale = answers(pd.Timestamp("2025-06-30"))
    monkeypatch.setattr(paths, "read_processed", lambda name, dates=(): stale)
    found = overview.course(tables())
    assert found.together == {}
    assert found.table["even_from"].isna().all()


def test_without_a_round_the_page_has_no_course(monkeypatch):
    def missing(name, dates=()):
        raise paths.MissingTable(name)

    monkeypatch.setattr(paths, "read_processed", missing)
    assert overview.course(tables()) is None


def test_the_headline_counts_the_provinces_of_today():
    counted = overview.counts(tables())
    assert counted["units"] == 34
    kinds = ("likely", "even", "unlikely", "aimless", "unsure")
    assert sum(counted[kind] for kind in kinds) == 34


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_brief_says_of_its_unit_what_the_table_of_the_front_page_says(made, language):
    found = made[1]
    rows = found.table[found.table["indicator"] == "hi_coverage"]
    met = {"yes": 0, "no": 0, "silent": 0}
    for row in rows.to_dict("records"):
        phrases = overview.said_of_unit(found, row["geo_level"], row["province_code"])
        keys = [key.removeprefix("overview.unit_") for key, _ in phrases]
        said = front._said(phrases, language)
        assert len(keys) == 2 and "2025" in said and "2030" in said
        silent = pd.isna(row["was_reading"])
        assert keys[0].removesuffix("_word") == f"was_{'silent' if silent else row['met']}"
        met["silent" if silent else row["met"]] += 1
    assert all(met.values()) and sum(met.values()) == 35
    one = front._said(overview.said_of_unit(found, *AT_ONE), language)
    never = front._said(overview.said_of_unit(found, *NEVER), language)
    assert "2028" in one and "2028" not in never
    # A target is called the nation's where the unit has none of its own.
    national = {"en": "the national target of", "vi": "chỉ tiêu chung cả nước"}[language]
    own = rows.set_index(["geo_level", "province_code"])["was_setter"]
    for unit in [("country", "00"), *own[own != "nationwide"].index[:3]]:
        first = overview.said_of_unit(found, *unit)[:1]
        assert national not in front._said(first, language)


def test_a_province_that_merged_has_no_course_of_its_own(made):
    assert overview.said_of_unit(made[1], "province_63", "02") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phone_shows_whether_the_last_target_was_met(made, language):
    whole, found = made
    page = front.table(overview.provinces(whole, present_units()), whole, set(), language, found)
    assert re.search(r'<th scope="col" class="number stays">2025</th>', page)
    marks = re.findall(r'<td class="stays"[^>]*><span title="[^"]*">[✓✗]</span></td>', page)
    assert len(marks) == int(
        found.table.loc[found.table["geo_level"] != "country", "met"].isin(["yes", "no"]).sum()
    )
