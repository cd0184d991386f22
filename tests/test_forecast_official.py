"""The ratio of published to official denominators: worked out by hand, and adding up."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from forecast_cases import ORIGIN, gathered, known

from analysis.forecast.evidence import ADDS_UP, LEAST_WITHIN, Ratio, ratio
from analysis.forecast.space import Units

#: Three provinces with 1, 2 and 1 million people that do not change.
PEOPLE = np.array([1e6, 2e6, 1e6])
DAY = "2018-12-31"


def three_units():
    codes = ("01", "02", "04")
    members = {("province_63", code): np.array([i]) for i, code in enumerate(codes)}
    return Units(
        codes=codes,
        regions=np.ones((3, 1)),
        members={**members, ("country", "00"): np.arange(3)},
        covariates=np.zeros((3, 0)),
        minority=np.zeros(3),
        years=np.array([2015.0, 2016.0]),
        persons=np.column_stack([PEOPLE, PEOPLE]),
        labour=np.ones(3),
    )


def printed(*rows):
    """Readings of a day: (level, code, coverage in percent, persons)."""
    out = []
    for level, code, rate, persons in rows:
        for name, value in (("hi_coverage", rate), ("hi_participants", persons)):
            out.append((level, code, name, pd.Timestamp(DAY), value, "published", ""))
    names = ["geo_level", "province_code", "indicator", "as_of", "value"]
    table = pd.DataFrame(out, columns=[*names, "kind_of_evidence", "basis"])
    return dataclasses.replace(known(), readings=table)


def test_two_provinces_are_weighed_against_their_mean_by_hand():
    """Ratios 0.96 and 1.00: middle 0.98, between 0.02828 = 0.04 / sqrt 2, within the least 0.01.

    A province's own ratio counts 0.0008 / (0.0008 + 0.0001) = 8/9, the mean the rest.
    """
    found = ratio(
        printed(("province_63", "01", 90.0, 864_000), ("province_63", "02", 80.0, 1_600_000)),
        three_units(),
    )
    between = 0.04**2 / 2
    keep = between / (between + LEAST_WITHIN**2)
    assert keep == pytest.approx(8 / 9)
    np.testing.assert_allclose(found.mean, [0.98 - keep * 0.02, 0.98 + keep * 0.02, 0.98])
    np.testing.assert_allclose(
        np.diag(found.covariance), [between * (1 - keep), between * (1 - keep), between]
    )
    np.testing.assert_allclose(found.covariance, np.diag(np.diag(found.covariance)), atol=1e-18)
    assert found.n == 2


def test_the_country_ties_the_provinces_together_by_hand():
    """One province (ratio 0.96) and the country (0.99): between is 0.035, within 0.01.

    The mean of province 2 and 3 rises, so that the three come near 0.99 by their people.
    """
    found = ratio(
        printed(("province_63", "01", 90.0, 864_000), ("country", "00", 80.0, 3_168_000)),
        three_units(),
    )
    share = PEOPLE / PEOPLE.sum()
    rows, prior = np.array([[1.0, 0, 0], share]), 0.035**2 * np.eye(3)
    errors = np.diag([LEAST_WITHIN**2, ADDS_UP**2])
    expected = 0.96 + prior @ rows.T @ np.linalg.inv(rows @ prior @ rows.T + errors) @ (
        np.array([0.96, 0.99]) - 0.96
    )
    np.testing.assert_allclose(found.mean, expected)
    assert found.mean[1] > found.mean[2] > found.mean[0]
    assert share @ found.mean == pytest.approx(0.99, abs=0.003)


def test_without_any_pair_nothing_is_pretended():
    found = ratio(printed(), three_units())
    assert found.n == 0
    np.testing.assert_allclose(found.mean, 0.98)
    np.testing.assert_allclose(found.covariance, 0.035**2 * np.eye(3))


def test_a_pair_that_cannot_be_true_does_not_count():
    """Persons twice the people at a coverage of 90 percent: a slip, not a ratio."""
    found = ratio(printed(("province_63", "01", 90.0, 2_000_000)), three_units())
    assert found.n == 0


def test_the_real_provinces_add_up_to_the_country():
    """By their people, within three standard errors of how closely they have to."""
    units = gathered("health").units
    found = ratio(known(), units)
    share = units.persons[:, -1] / units.persons[:, -1].sum()
    readings = known().readings
    day = readings[(readings["geo_level"] == "country") & (readings["basis"] == "")]
    day = day[day["kind_of_evidence"] == "published"].pivot_table(
        index="as_of", columns="indicator", values="value"
    )
    day = day[["hi_coverage", "hi_participants"]].dropna().tail(3)
    years = day.index.year + day.index.dayofyear / 365.25
    people = units.denominators(np.asarray(years), "health").sum(axis=0)
    own = (100 * day["hi_participants"] / people / day["hi_coverage"]).mean()
    assert day.index.max() <= ORIGIN and len(day) == 3
    assert share @ found.mean == pytest.approx(own, abs=3 * ADDS_UP)
    drawn = found.draw(2000) @ share
    assert drawn.std() < 2 * ADDS_UP
    assert drawn.mean() == pytest.approx(share @ found.mean, abs=1e-3)


def test_draws_have_the_mean_and_covariance_that_they_claim():
    covariance = np.array([[4e-4, 1e-4], [1e-4, 9e-4]])
    drawn = Ratio(np.array([0.97, 1.01]), covariance, 5).draw(20_000)
    np.testing.assert_allclose(drawn.mean(axis=0), [0.97, 1.01], atol=1e-3)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=3e-5)
