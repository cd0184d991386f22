"""How readings reach the model: persons through denominators, days through the saw-tooth."""

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest
from forecast_cases import QUICK, ask, built, gathered, known

from analysis.forecast.evidence import evidence
from analysis.forecast.prediction import predict
from analysis.forecast.space import DEFAULT, FAMILY, points

LATE = pd.Timestamp("2025-06-30")
KEYS = ["geo_level", "province_code", "indicator", "as_of"]


@cache
def now(indicator):
    return evidence(known(LATE), indicator)


def printed_both(indicator):
    """The country's rates beside its persons, on the last day on which it printed both."""
    rows = known(LATE).readings.query("geo_level == 'country' and kind_of_evidence == 'published'")
    rows = rows[rows["basis"].fillna("") == ""]
    family = [name for name in FAMILY if FAMILY[name] == FAMILY[indicator]]
    rates = rows[rows["indicator"].isin(family)]
    counts = rows.assign(indicator=rows["indicator"].str.replace("participants", "coverage"))
    counts = counts[counts["indicator"].isin(family) & rows["indicator"].str.endswith("pants")]
    both = rates.merge(counts, on=KEYS, suffixes=("", "_counted"))
    return both[both["as_of"] == both["as_of"].max()]


@pytest.mark.parametrize("indicator", ["hi_coverage", "si_coverage"])
def test_the_countrys_persons_are_read_through_its_own_denominator(indicator):
    """Persons over official figures times the ratio are the rate that was printed that day."""
    both = printed_both(indicator)
    assert len(both)
    own = now(indicator)
    t = np.array([both["as_of"].iloc[0].year + 1.0])
    official = own.units.denominators(t, own.family).sum()
    share = 100 * both["value_counted"] / (own.ratio * official)
    np.testing.assert_allclose(share, both["value"], rtol=0.01)


def test_one_ratio_serves_both_rates_of_the_labour_family():
    """As a shift of log odds it would not: social insurance would need a larger one."""
    both = printed_both("si_coverage").set_index("indicator")
    assert set(both.index) == {"si_coverage", "ui_coverage"}
    ratios = both["value_counted"] / both["value"]
    assert ratios["si_coverage"] == pytest.approx(ratios["ui_coverage"], rel=0.01)
    scale = now("si_coverage").ratio * ratios.mean() / ratios
    counted = scale * both["value"]
    odds = np.log(both["value"] / (100 - both["value"])) - np.log(counted / (100 - counted))
    assert odds["si_coverage"] > odds["ui_coverage"] + 0.03


def test_the_ratio_is_that_of_the_origin_and_one_where_nothing_shows_it():
    early = evidence(known(pd.Timestamp("2020-12-31")), "si_coverage").ratio
    assert early > now("si_coverage").ratio + 0.05
    bare = known(LATE).readings
    bare = bare[~bare["indicator"].str.endswith("participants")]
    none = evidence(dataclasses.replace(known(LATE), readings=bare), "si_coverage")
    assert none.ratio == 1.0


def test_persons_of_provinces_are_read_through_the_same_ratio():
    own = now("si_coverage")
    counted = own.table[(own.table["persons"] == 1) & (own.table["error"] == "error_persons")]
    readings = known(LATE).readings.set_index("reading_id")
    row = counted[counted["geo_level"] == "province_63"].iloc[0]
    t = points(row.to_frame().T.assign(persons=1.0), own.units, DEFAULT, LATE).t
    part = own.units.parts("province_63", row["province_code"])
    official = own.units.denominators(t, "labour")[part, 0].sum()
    value = readings.loc[row["reading_id"], "value"]
    assert row["percent"] == pytest.approx(100 * value / official / own.ratio)


def test_season_and_push_vanish_at_year_end_and_differ_within_the_year():
    days = ["2022-12-31", "2023-01-01", "2023-06-30", "2023-09-30", "2023-11-15", "2024-12-31"]
    rows = [("country", "00", "hi_coverage", pd.Timestamp(day)) for day in days]
    at = points(pd.DataFrame(rows, columns=KEYS), gathered("health").units, DEFAULT, LATE)
    assert at.season[[0, 5]] == pytest.approx(0, abs=1e-12)
    assert at.push[[0, 5]] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(at.push[1:4], -1, atol=0.01)
    assert at.push[4] == pytest.approx(-(46 / 365) / 0.25, abs=0.01)
    assert (np.diff(at.season[1:5]) > 0).all()
    assert at.season[3] > -0.1


def test_a_national_figure_of_the_year_moves_the_units_of_that_year():
    """The country's last figure, two points higher: the forecasts of nearly all units rise."""
    now = known()
    rows = now.readings
    own = rows[(rows["geo_level"] == "country") & (rows["indicator"] == "hi_coverage")]
    last = own.loc[own["as_of"].idxmax()]
    assert last["as_of"] > pd.Timestamp("2018-06-30")
    higher = rows.copy()
    higher.loc[last.name, ["value", "lower", "upper"]] += 2.0
    moved = dataclasses.replace(now, readings=higher)
    codes = built("health").evidence.units.codes
    asked = ask(*[("province_63", code, "hi_coverage", "2018-12-30") for code in codes])
    medians = [predict(one, asked, QUICK)["q0.50"].to_numpy(float) for one in (now, moved)]
    rise = medians[1] - medians[0]
    assert (rise > 0.1).mean() > 0.9 and 0.5 < rise.mean() < 2.5
