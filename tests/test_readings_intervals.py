"""The interval that the words and digits of a figure allow."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.readings.evidence import last_place, printed_bounds


def interval(value, qualifier="exact", unit="percent", indicator="hi_coverage"):
    row = {"value": [value], "qualifier": [qualifier], "unit": [unit], "indicator": [indicator]}
    lower, upper = printed_bounds(pd.DataFrame(row))
    return float(lower[0]), float(upper[0])


@pytest.mark.parametrize(
    ("value", "qualifier", "expected"),
    [
        (92.31, "exact", (92.305, 92.315)),
        (92.3, "exact", (92.25, 92.35)),
        (92.0, "exact", (91.5, 92.5)),
        (92.0, "about", (91.0, 93.0)),
        (93.0, "over", (93.0, 94.0)),
        (94.2, "over", (94.2, 94.3)),
        (91.0, "under", (90.0, 91.0)),
        (100.0, "exact", (99.5, 100.0)),
        (99.97, "over", (99.97, 99.98)),
    ],
)
def test_rates(value, qualifier, expected):
    assert interval(value, qualifier) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "qualifier", "expected"),
    [
        (1_278_316, "exact", (1_278_315.5, 1_278_316.5)),
        (551_000, "exact", (550_500, 551_500)),
        (551_100, "exact", (551_099.5, 551_100.5)),
        (76_440_000, "about", (76_430_000, 76_450_000)),
        (1_000_000, "over", (1_000_000, 1_100_000)),
        (6_000_000, "under", (5_900_000, 6_000_000)),
        (93_307_000, "over", (93_307_000, 93_308_000)),
        (0, "exact", (0, 0.5)),
    ],
)
def test_counts(value, qualifier, expected):
    assert interval(value, qualifier, "persons", "hi_participants") == pytest.approx(expected)


def test_changes_may_be_negative():
    found = interval(-102_000, "about", "persons", "si_compulsory_participants_change")
    assert found == (-103_000, -101_000)


def test_place_of_the_last_digit():
    values = np.array([92.31, 92.3, 92.0, 85_390_000.0, 54.563, 0.0])
    units = np.array(["percent"] * 3 + ["persons", "billion VND", "percent"])
    assert last_place(values, units) == pytest.approx([0.01, 0.1, 1, 10_000, 0.001, 1])


def test_a_large_number_keeps_the_decimals_that_were_printed():
    values = np.array([12_345.67, 123_456.7, 1_234_567.8])
    assert last_place(values, np.array(["billion VND"] * 3)) == pytest.approx([0.01, 0.1, 0.1])


@given(
    value=st.floats(0, 100).map(lambda number: round(number, 2)),
    qualifier=st.sampled_from(["exact", "about", "over", "under"]),
)
def test_the_interval_holds_the_value_and_stays_within_bounds(value, qualifier):
    lower, upper = interval(value, qualifier)
    assert 0 <= lower <= value <= upper <= 100
