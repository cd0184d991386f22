"""Charts of chapters 03 and 04 draw the numbers of their results and say them in their alt text."""

import dataclasses

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


def test_every_change_of_late_payment_lies_inside_its_panel(late_found):
    changes = late_found.changes.copy()
    changes.loc[changes.index[0], ["rate0", "rate1"]] = [0.6, 0.4]
    chart = late_payment.changes(dataclasses.replace(late_found, changes=changes), "en")
    lines = [(axes.get_ylim(), line) for axes in chart.drawing.axes for line in axes.lines]
    assert len(lines) == len(changes)
    for (low, high), line in lines:
        assert all(low < rate < high for rate in line.get_ydata())
