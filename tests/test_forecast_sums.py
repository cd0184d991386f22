"""Participants of provinces add up, draw by draw; the same question has the same draws."""

import numpy as np
import pytest
from forecast_cases import QUICK, built, known, year_ends

from analysis.forecast import draw, model
from analysis.forecast.evidence import ratio

DATES = year_ends(2018, 2020)


@pytest.fixture(scope="module", params=["hi_coverage", "si_coverage", "ui_coverage"])
def drawn(request):
    family = "health" if request.param == "hi_coverage" else "labour"
    return draw(built(family), request.param, DATES, n=200)


def participants(drawn, level, code):
    """(S, T) persons: coverage times the unit's own denominator."""
    return drawn.of(level, code) / 100 * drawn.denominator(level, code)


def test_participants_of_provinces_add_up_to_those_of_the_country(drawn):
    parts = sum(participants(drawn, "province_63", code) for code in drawn.codes)
    np.testing.assert_allclose(participants(drawn, "country", "00"), parts, rtol=1e-12)


@pytest.mark.parametrize(("level", "units"), [("region", 6), ("province_34", 34)])
def test_participants_of_regions_and_merged_units_add_up_to_those_of_the_country(
    drawn, level, units
):
    codes = sorted(code for own, code in drawn.members if own == level)
    assert len(codes) == units
    parts = sum(participants(drawn, level, code) for code in codes)
    np.testing.assert_allclose(parts, participants(drawn, "country", "00"), rtol=1e-12)


@pytest.mark.parametrize("level", ["region", "province_34"])
def test_participants_of_a_unit_are_those_of_its_provinces(drawn, level):
    for (own, code), parts in drawn.members.items():
        if own == level:
            members = [drawn.codes[i] for i in parts]
            total = sum(participants(drawn, "province_63", member) for member in members)
            np.testing.assert_allclose(participants(drawn, level, code), total, rtol=1e-12)


def test_a_merged_unit_is_no_mean_of_rates(drawn):
    """Rates of its provinces, each counted once, would give another figure."""
    code, parts = next(
        (code, parts) for (own, code), parts in sorted(drawn.members.items(), key=str)
        if own == "province_34" and len(parts) > 1
    )  # fmt: skip
    rates = drawn.true[:, parts, :].mean(axis=1)
    assert np.abs(drawn.of("province_34", code) - rates).max() > 1e-3


def test_every_draw_is_a_share(drawn):
    for values in (drawn.true, drawn.reported, drawn.country_reported):
        assert np.isfinite(values).all()
        assert values.min() > 0 and values.max() < 100


def test_only_the_country_has_a_base_of_its_own(drawn):
    every = drawn.persons.sum(axis=0)
    np.testing.assert_allclose(drawn.denominator("country", "00"), every * drawn.country_base)
    for level in ("region", "province_34"):
        own = sum(drawn.denominator(level, c) for at, c in drawn.members if at == level)
        np.testing.assert_allclose(own, every, rtol=1e-12)


def test_an_unknown_unit_has_no_draws(drawn):
    with pytest.raises(KeyError):
        drawn.of("province_63", "98")


@pytest.mark.parametrize("family", ["health", "labour"])
def test_the_same_question_has_the_same_draws_bit_for_bit(family):
    indicator = {"health": "hi_coverage", "labour": "ui_coverage"}[family]
    again = draw(model(known(), indicator, QUICK), indicator, DATES, n=100)
    once = draw(built(family), indicator, DATES, n=100)
    for name in ("true", "reported", "country_reported", "country_base", "persons", "people"):
        assert np.array_equal(getattr(once, name), getattr(again, name)), name
    for level, code in sorted(once.members):
        for scale in ("true", "reported"):
            assert np.array_equal(once.of(level, code, scale), again.of(level, code, scale))
    own = [ratio(known(), built(family).evidence.units).draw(50) for _ in range(2)]
    assert np.array_equal(*own)
