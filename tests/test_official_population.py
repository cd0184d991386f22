"""Official population at any date and for any unit, and the covariates of provinces."""

import numpy as np
import pandas as pd
import pytest
from example_facts import real_raw

from analysis.country import geography
from analysis.readings import covariates
from analysis.readings.covariates import PRE_CENSUS, official_population


def published(code, year, revision="post_2019_census"):
    table = real_raw().population.set_index(["province_code", "year", "revision"])["persons"]
    return table[code, year, revision]


def test_the_average_of_a_year_stands_for_its_middle():
    assert official_population("35", "2019-07-01") == pytest.approx(published("35", 2019))
    before = official_population("35", "2018-07-01", revision=PRE_CENSUS)
    assert before == pytest.approx(published("35", 2018, PRE_CENSUS))


def test_between_and_beyond_the_years():
    middle = official_population("35", "2019-12-31")
    low, high = published("35", 2019), published("35", 2020)
    assert low < middle < high
    assert middle == pytest.approx(np.sqrt(low * high), rel=2e-3)
    growth = published("35", 2024) / published("35", 2023)
    ahead = official_population("35", "2025-07-01")
    assert ahead == pytest.approx(published("35", 2024) * growth, rel=1e-4)


def test_parts_add_up_for_merged_units_regions_and_the_country():
    day = "2025-07-01"
    whole = official_population("00", day)
    merged = sum(official_population(c, day, "province_34") for c in geography.MERGED.index)
    regions = sum(official_population(c, day) for c in geography.REGIONS)
    provinces = sum(official_population(c, day) for c in geography.PROVINCES.index)
    assert merged == pytest.approx(provinces)
    assert regions == pytest.approx(provinces)
    assert whole == pytest.approx(provinces, rel=1e-3)


def test_the_same_code_is_another_unit_after_the_merger():
    before = official_population("91", "2025-06-30")
    after = official_population("91", "2025-06-30", "province_34")
    parts = before + official_population("89", "2025-06-30")
    assert after == pytest.approx(parts, rel=1e-3)


def test_an_unknown_unit_is_an_error():
    with pytest.raises(KeyError, match="no official population for province_63 98"):
        official_population("98", "2020-01-01")


def test_the_country_is_the_published_sum():
    table = real_raw().population
    years = table[table["revision"] == "post_2019_census"].groupby("year")["persons"].sum()
    assert years[2023] == pytest.approx(100.3e6, rel=5e-3)
    assert years.is_monotonic_increasing


def test_covariates_are_complete_but_for_what_was_never_published():
    table = covariates.covariate_table(real_raw())
    assert len(table) == 63
    missing = table.isna().sum()
    assert missing[missing > 0].to_dict() == {"fdi_stock": 1, "fdi_stock_rate": 1}
    assert table["minority_share"].min() == covariates.UNLISTED_MINORITY_SHARE
    assert table["wage_share"].between(20, 70).all()


def test_covariates_until_a_year_know_nothing_later():
    until = covariates.covariate_table(real_raw(), until=2018)
    assert until["grdp_per_capita_2024"].isna().all()
    poisoned = real_raw().covariates.assign(
        value=lambda t: t["value"].where(t["year"] <= 2018, 9.9e9)
    )
    import dataclasses

    raw = dataclasses.replace(real_raw(), covariates=poisoned)
    pd.testing.assert_frame_equal(covariates.covariate_table(raw, until=2018), until)


def test_every_official_figure_cites_its_source():
    raw = real_raw()
    known = set(raw.covariate_sources["source_id"])
    assert set(raw.population["source_id"]) | set(raw.covariates["source_id"]) == known
