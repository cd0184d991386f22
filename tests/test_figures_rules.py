"""Every figure fits a phone, is light, and prints its ticks where they are true."""

import re

import numpy as np
import pandas as pd
import pytest
import synthetic_report
from example_facts import real_raw, real_tables
from figure_rules import check, parsed, wrong_ticks

from analysis.country import geography
from analysis.country.indicators import COVERAGE
from analysis.figures import brief as brief_figures
from analysis.figures import coverage as coverage_figures
from analysis.figures import forecast as overview_figures
from analysis.figures import readings as readings_figures
from analysis.figures import style, validation, vector
from analysis.findings import contradictions, coverage, readings
from analysis.findings.brief import Tables, brief, forecast_rows
from analysis.readings.targets import targets
from analysis.report.results import Result
from analysis.report.wording import LANGUAGES, say
from analysis.validation.selection import GAP_NAMES
from analysis.verdicts import NOT_ENOUGH_EVIDENCE

pytestmark = [pytest.mark.xdist_group("figures"), pytest.mark.parametrize("language", LANGUAGES)]
DUE = synthetic_report.DUE


def dated(table, *columns):
    return table.assign(**{name: pd.to_datetime(table[name]) for name in columns})


@pytest.fixture(scope="module")
def tables():
    """Real readings under clearly synthetic forecasts."""
    return Tables(
        readings=real_tables().readings.assign(basis=lambda t: t["basis"].fillna("")),
        estimates=dated(synthetic_report.estimates(), "date"),
        forecasts=dated(synthetic_report.forecasts(), "origin", "date"),
        needs=dated(synthetic_report.needs(), "origin", "date"),
        late=dated(synthetic_report.late_payment_forecasts(), "origin", "date"),
        sources=real_raw().sources,
        targets=synthetic_report.targets(targets(real_raw())),
    )


@pytest.fixture(scope="module")
def standings(tables):
    return coverage.standing(
        coverage.Tables(tables.readings, targets(real_raw()), real_raw()), "hi_coverage", DUE
    )


@pytest.mark.parametrize("code", ["00", "01", "02"])
def test_the_charts_of_a_brief(tables, language, code):
    page = brief(code, tables)
    figures = [brief_figures.fan(page, language), *brief_figures.other_fans(page, language)]
    figures += [brief_figures.strip(page, language)]
    figures += [brief_figures.measures(tables, page.level, code, language)]
    for figure in figures:
        check(figure, language)
    assert [figure.again is not None for figure in figures] == [True, False, False, False, False]


def test_a_brief_marks_the_day_of_the_forecast_the_events_and_the_end(tables, language):
    page = brief("83", tables)
    shown = {text.get_text() for text in brief_figures.fan(page, language).drawing.axes[0].texts}
    row = page.answer.table.set_index("indicator").loc["hi_coverage"]
    assert say("figures.fan_origin", language, origin=tables.origin) in shown
    assert say("figures.event_decision_861", language) in shown
    assert any(parsed(text, language) == round(row["q50"], 1) for text in shown)


def test_the_line_is_dashed_in_years_without_a_reading(tables, language):
    """Bến Tre has figures of 2020 and 2023 only: two stretches are solid, all others dashed."""
    axes = brief_figures.fan(brief("83", tables), language).drawing.axes[0]
    lines = [line for line in axes.lines if line.get_color() == vector.ESTIMATE]
    drawn = [line for line in lines if len(line.get_xdata()) > 2]
    solid, dashed = (
        [round(x) for x in line.get_xdata() if x == x]
        for look in ("-", "--")
        for line in drawn
        if line.get_linestyle() == look
    )
    assert solid == [2020, 2021, 2023, 2024]
    begins = [2016, 2017, 2018, 2019, 2021, 2022, 2024]
    assert dashed == [end for begin in begins for end in (begin, begin + 1)]


def test_the_region_stands_in_the_order_of_the_alphabet_without_ranks(tables, language):
    figure = brief_figures.strip(brief("83", tables), language)
    names = [
        geography.name(str(code), "province_63", language) for code in figure.data["province_code"]
    ]
    assert names == sorted(names, key=style.alphabetical)
    assert {geography.region_of(code) for code in figure.data["province_code"]} == {"R6"}


def test_a_province_of_today_stands_beside_all_its_parts_of_any_region(tables, language):
    """Lâm Đồng took in Bình Thuận, which lies in another region; its name stands for two units."""
    figure = brief_figures.strip(brief("province_34/68", tables), language)
    assert sorted(figure.data["province_code"]) == sorted(["68", *geography.members("68")])
    named = [text.get_text() for text in figure.drawing.axes[0].get_yticklabels()]
    assert len(set(named)) == len(named)
    assert geography.label("60", "province_63", language) in named
    check(figure, language)


@pytest.mark.parametrize("level", ["province_63", "province_34"])
def test_maps_and_the_chart_of_all_units(tables, language, level):
    def address(where, code):
        return f"briefs/{where}_{code}.html"

    for indicator in COVERAGE:
        chart = overview_figures.intervals(tables, indicator, language, level, address)
        assert set(chart.data["province_code"]) == set(geography.codes(level))
        plain = overview_figures.intervals(tables, indicator, language, level)
        check(plain, language)
        assert chart.svg().count("<a href") == len(geography.codes(level))
    found = overview_figures.probability_map(tables, "hi_coverage", level, language, address)
    check(found, language)
    assert found.svg().count("<a href") == len(geography.codes(level))


def test_the_title_of_a_map_counts_what_it_shows(tables, language):
    figure = overview_figures.probability_map(tables, "hi_coverage", "province_63", language)
    title = figure.drawing.texts[0].get_text()
    rows = forecast_rows(tables)
    rows = rows[(rows["geo_level"] == "province_63") & (rows["indicator"] == "hi_coverage")]
    likely = int(rows["verdict"].isin(["likely", "very_likely"]).sum())
    unlikely = int(rows["verdict"].isin(["unlikely", "very_unlikely"]).sum())
    judged = int((rows["verdict"] != NOT_ENOUGH_EVIDENCE).sum())
    assert [int(n) for n in re.findall(r"\d+", title)] == [likely, judged, unlikely]


def test_the_charts_of_coverage(tables, standings, language):
    check(coverage_figures.gap_map(standings, language), language)
    check(coverage_figures.gaps(standings, language), language)
    chapter = coverage.Tables(tables.readings, targets(real_raw()), real_raw())
    country = chapter.targets[chapter.targets["geo_level"] == "country"]
    check(
        coverage_figures.nationwide(coverage.nationwide(chapter), country, DUE, language), language
    )


def test_the_charts_of_readings(language):
    found = real_tables()
    check(readings_figures.funnel(readings.funnel(found), language), language)
    cases = contradictions.contradictions(found, real_raw())
    check(readings_figures.contradictions(cases, language), language)
    grid = readings.matrix(found, "hi_coverage")
    check(readings_figures.matrix(grid, language), language)
    implied = readings.implied_population(found)
    check(readings_figures.implied_population(implied, language), language)


def scored(**columns):
    return Result("scored", pd.DataFrame(columns), [])


def test_the_charts_of_validation(language):
    models = ["analysis", "national", "last_value"]
    one = scored(model=models, n=[40] * 3, crps=[1.25, 1.5, 2.0], mae=[1.8, 2.0, 2.5])
    check(validation.models(one, one, "hi_coverage", language), language)
    by_year = scored(
        origin=[2018, 2019, 2020], n=[10, 12, 9], crps_own=[1.0, 1.2, 2.5],
        crps_national=[1.1, 1.6, 2.8], crps_naive=[1.4, 1.9, 3.6],
    )  # fmt: skip
    check(validation.origins(by_year, language), language)
    bands = scored(band=[0.5, 0.8, 0.9], held=[0.55, 0.83, 0.95])
    pit = pd.DataFrame({"pit": np.linspace(0.02, 0.98, 40)})
    check(validation.calibration(pit, bands, language), language)
    gaps = scored(gap_class=list(GAP_NAMES), readings=[1, 0, 2, 7, 4, 5])
    heaping = validation.heaping(gaps, language)
    check(heaping, language)
    title = heaping.drawing.get_suptitle()
    assert [int(n) for n in re.findall(r"\d+", title)] == [16, 19, 7]
    said = scored(
        province_code=["01", "83"], as_of=pd.to_datetime(["2023-12-31", "2024-06-30"]),
        median=[94.0, 92.5], low=[92.0, 90.0], high=[95.5, 94.5], value=[95.0, 95.1],
        band_held=["held", "missed"],
    )  # fmt: skip
    check(validation.would_have_said(said, 2022, language), language)


def test_a_rounded_tick_is_found(language):
    """The rule itself: a label that is rounded away from its place does not pass."""
    drawing = style.canvas(100)
    axes = drawing.add_subplot()
    axes.set_xticks([82.5, 87.5], ["82%", "88%"])
    axes.yaxis.set_visible(False)
    assert wrong_ticks(axes, language) == [(82.5, "82%"), (87.5, "88%")]
    style.unit_ticks(axes.xaxis, "percent", language)
    assert wrong_ticks(axes, language) == []
