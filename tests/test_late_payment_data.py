"""The data set on late payment: what enters, on which base, with which lineage."""

import numpy as np
import pandas as pd
import pytest
from driver_data import exposure, raw, readings

from analysis.late_payment import data, drivers, levels

pytestmark = pytest.mark.xdist_group("drivers")


@pytest.fixture(scope="module")
def rows():
    return data.late_rows(readings(), raw())


def test_every_row_leads_to_readings_that_exist(rows):
    known = set(readings()["reading_id"])
    assert len(rows) > 60
    for ids in rows["readings"]:
        assert set(ids.split(";")) <= known


def test_a_stated_rate_is_the_reading_itself(rows):
    stated = rows[rows["evidence"] == "stated"]
    values = readings().set_index("reading_id")["value"]
    assert (stated["rate"].to_numpy() == values[stated["readings"]].to_numpy()).all()
    assert set(stated["denominator"]) <= {"receivable", "plan", "unstated"}


def test_ha_noi_in_august_2023_keeps_its_two_definitions_apart(rows):
    own = rows[(rows["province_code"] == "01") & (rows["as_of"] == "2023-08-31")]
    found = own.set_index("basis")["rate"]
    assert found["total"] == 8.37
    assert found["one_month"] == 2.87


def test_debts_that_are_no_province_totals_stay_out(rows):
    used = ";".join(rows["readings"])
    assert "irrecoverable" not in used
    assert "listed_debtors" not in used


def test_days_are_the_share_of_a_year(rows):
    assert np.allclose(rows["days"], rows["rate"] / 100 * 365)


def test_a_base_says_how_it_was_found_and_prefers_the_province_itself():
    found = data.build(readings())
    own = found.base("79", 2023)
    assert own.step == "own_year"
    assert own.value == pytest.approx(86100.0)
    other = found.base("79", 2021)
    assert other.step == "other_year"
    ratio = found.nationwide[2021] / found.nationwide[2022]
    assert other.value == pytest.approx(77604.0 * ratio)
    assert found.base("12", 2025).step == "participants"
    assert found.base("02", 2020) is None


def test_two_nationwide_years_are_needed():
    with pytest.raises(ValueError, match="fewer than 2 years"):
        data.build(readings().query("geo_level == 'province_63'"))


def test_changes_compare_like_with_like(rows):
    changes = levels.like_for_like(rows)
    assert len(changes) >= 10
    assert (changes["end"] > changes["start"]).all()
    gap = (changes["end"] - changes["start"]).dt.days
    assert gap.between(levels.SHORTEST_GAP, levels.LONGEST_GAP).all()
    assert np.allclose(changes["ratio"], changes["rate1"] / changes["rate0"])


def test_a_change_of_definition_season_or_denominator_is_no_change():
    base = {
        "province_code": "01",
        "basis": "total",
        "evidence": "stated",
        "denominator": "plan",
        "december": False,
        "law": "before",
        "rate": 5.0,
        "readings": "",
        "as_of": pd.Timestamp("2020-06-30"),
    }
    later = {"as_of": pd.Timestamp("2021-06-30"), "rate": 4.0}
    for other in ({"basis": "net"}, {"december": True}, {"denominator": "receivable"}):
        pair = pd.DataFrame([base, base | later | other])
        assert levels.like_for_like(pair).empty
    assert len(levels.like_for_like(pd.DataFrame([base, base | later]))) == 1


def synthetic(rng, factor=0.5, spread=0.5):
    """Forty provinces with two rates each, one of them on a definition that halves it."""
    level = rng.normal(1.0, spread, size=40)
    parts = []
    for basis, shift in (("unspecified", 0.0), ("one_month", np.log(factor))):
        log = level + shift + rng.normal(0, 0.1, size=40)
        parts.append(pd.DataFrame({"rate": np.exp(log), "basis": basis}))
    table = pd.concat(parts, ignore_index=True)
    table["province_code"] = [f"{i:02d}" for i in range(40)] * 2
    table["denominator"], table["year"], table["law"] = "receivable", 2022, "before"
    table["december"] = np.arange(80) % 3 == 0
    table["as_of"] = pd.Timestamp("2022-06-30")
    return table, level


def test_the_factor_between_definitions_is_recovered():
    table, level = synthetic(np.random.default_rng(1))
    fitted = levels.fit_levels(table)
    found = levels.conversions(fitted).set_index("to")
    assert found.loc["one_month", "factor"] == pytest.approx(0.5, rel=0.06)
    assert found.loc["one_month", "low"] < 0.5 < found.loc["one_month", "high"]
    days = levels.adjusted_levels(fitted).set_index("province_code")["days"]
    assert np.corrcoef(np.log(days.sort_index()), level)[0, 1] > 0.95


def test_rank_intervals_hold_the_rank_and_grow_when_provinces_are_alike():
    near, far = (
        levels.adjusted_levels(levels.fit_levels(synthetic(np.random.default_rng(2), spread=s)[0]))
        for s in (0.05, 1.0)
    )
    for table in (near, far):
        assert (table["rank_low"] <= table["rank"]).all()
        assert (table["rank"] <= table["rank_high"]).all()
    width = [(t["rank_high"] - t["rank_low"]).median() for t in (near, far)]
    assert width[0] > 2 * width[1]


def test_shares_of_variance_add_up(rows):
    split = levels.variance_split(rows, draws=10)
    assert split["share"].sum() == pytest.approx(1)
    assert (split["low"] <= split["share"] + 1e-9).all()


def test_a_driver_that_makes_late_payment_is_found_and_others_are_not(rows):
    rng = np.random.default_rng(4)
    strong = rows.copy()
    urban = exposure()["urban"].reindex(rows["province_code"]).to_numpy()
    strong["rate"] = np.exp(1 + 0.8 * urban + rng.normal(0, 0.2, size=len(rows)))
    found = drivers.driver_rows(strong, exposure(), draws=199).set_index("term")
    assert found.loc["urban", "permutation_p"] <= 0.01
    assert found.loc["urban", "estimate"] == pytest.approx(0.8, abs=0.15)
    assert found.loc["governance", "q"] > 0.05
