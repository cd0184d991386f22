"""Charts of chapters 03 and 04 draw the numbers of their results and say them in their alt text."""

import pytest
from driver_data import small_coverage, small_late_payment
from figure_rules import check

from analysis.figures import drivers, late_payment
from analysis.report.wording import LANGUAGES

pytestmark = pytest.mark.xdist_group("drivers")
COVERAGE = ("rivals", "left_out", "placebo", "starting_level", "season", "curve", "path")
COVERAGE += ("rivals_of_cards",)
LATE = ("variance", "conversions", "levels", "changes", "reporters", "drivers", "forecasts")


@pytest.fixture(scope="module")
def found():
    return small_coverage()


@pytest.fixture(scope="module")
def late_found():
    return small_late_payment()


@pytest.mark.parametrize("name", COVERAGE)
def test_coverage_charts(name, found):
    charts = [getattr(drivers, name)(found, language) for language in LANGUAGES]
    assert charts[0].data.equals(charts[1].data)
    assert len({chart.alt for chart in charts}) == 2
    assert charts[1].png.startswith(b"\x89PNG")
    for language, chart in zip(LANGUAGES, charts, strict=True):
        check(chart, language)


@pytest.mark.parametrize("name", LATE)
def test_late_payment_charts(name, late_found):
    charts = [getattr(late_payment, name)(late_found, language) for language in LANGUAGES]
    assert charts[0].data.equals(charts[1].data)
    assert len({chart.alt for chart in charts}) == 2
    assert charts[1].png.startswith(b"\x89PNG")
    for language, chart in zip(LANGUAGES, charts, strict=True):
        check(chart, language)
