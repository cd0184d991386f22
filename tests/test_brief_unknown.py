"""A brief admits where its forecast lies below the figure that a reader has just seen."""

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.findings.brief import unknown
from analysis.report.wording import LANGUAGES, say, write

RATES = ["hi_coverage", "si_coverage", "ui_coverage"]
TABLES = SimpleNamespace(
    origin=pd.Timestamp("2025-06-30"),
    estimates=pd.DataFrame(columns=["geo_level", "province_code", "indicator"]),
)


def admitted(values, forecasts, level="province_63", code="14"):
    """The phrases on a unit with these latest readings and forecasts, by key."""
    answer = pd.DataFrame({"indicator": RATES, "value": values, "q50": forecasts})
    answer["as_of"] = pd.Timestamp("2025-03-31")
    answer["target_setter"] = "government"
    return dict(unknown(TABLES, answer, level, code).phrases)


def test_rates_whose_forecast_lies_below_their_latest_reading_are_named():
    found = admitted([94.9, 21.7, 14.8], [96.4, 20.4, 13.4])
    assert found["brief.unknown_below"] == {"indicators": ["si_coverage", "ui_coverage"]}


def test_the_country_is_told_of_the_provinces_and_not_of_its_region():
    found = admitted([94.2, 42.7, 34.2], [95.1, 42.0, 35.3], "country", "00")
    assert found["brief.unknown_below_country"] == {"indicators": ["si_coverage"]}
    assert "brief.unknown_below" not in found


@pytest.mark.parametrize(
    ("value", "forecast"), [(90.0, 90.0), (90.04, 89.96), (90.0, 91.0), (None, 90.0)]
)
def test_what_is_printed_alike_or_higher_or_was_never_read_needs_no_sentence(value, forecast):
    found = admitted([value, 1.0, 1.0], [forecast, 2.0, 2.0])
    assert not {"brief.unknown_below", "brief.unknown_below_country"} & found.keys()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["brief.unknown_below", "brief.unknown_below_country"])
def test_the_sentence_names_the_rates_in_both_languages(key, language):
    text = say(key, language, indicators=RATES[1:])
    assert write(RATES[1:], "indicators", language) in text


def test_where_nothing_is_missing_the_brief_says_so():
    found = admitted([94.2, 42.7, 34.2], [95.1, 43.0, 35.3], "country", "00")
    assert list(found) == ["brief.unknown_nothing"]
    assert "brief.unknown_nothing" not in admitted([94.9, 21.7, 14.8], [96.4, 20.4, 13.4])
