"""The two designs of growth, and Decision 861 on trial, on the project's own readings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from driver_data import coverage_readings, exposure, reading, samples

from analysis.drivers import growth, policy, robustness
from analysis.inference import SingularDesign, fit_least_squares

pytestmark = pytest.mark.xdist_group("drivers")
HI = "hi_coverage"


def build(**choices):
    return samples().design(HI, growth.Choices(**choices))


def made(years, levels, codes=("01", "10", "15", "40")):
    """Year-end readings of four provinces at the given logits."""
    rows = [
        reading(code, f"{year}-12-31", float(growth.inverse_logit(z)))
        for code, path in zip(codes, levels, strict=True)
        for year, z in zip(years, path, strict=True)
    ]
    return pd.DataFrame(rows)


def test_both_designs_recover_a_known_step_by_minority_share():
    years = range(2017, 2025)
    share = exposure()["minority"]
    codes = ("01", "10", "15", "40", "14", "17")
    after = np.array([y + 1 > 2021.5 for y in years])
    levels = [1 + 0.1 * np.arange(8) - after * (0.3 + 0.6 * share[c]) for c in codes]
    rows = made(years, levels, codes)
    for design in growth.GROWTH_DESIGNS:
        fit = growth.Samples(rows, exposure()).design(HI, growth.Choices(design=design)).fit()
        found = dict(zip(fit.names, fit.beta, strict=True))
        assert found[policy.TERM] == pytest.approx(-0.6, abs=1e-6)
        assert found["step"] == pytest.approx(-0.3, abs=1e-6)
        assert found["trend"] == pytest.approx(0.1, abs=1e-6)


def test_a_term_that_the_data_cannot_carry_is_dropped_with_its_reason():
    years = range(2017, 2025)
    rows = made(years, [1 + 0.1 * np.arange(8)] * 4)
    design = growth.Samples(rows, exposure()).design(
        HI, growth.Choices(start_level=True, design="levels")
    )
    assert dict(design.dropped) == {
        "start_level": "a design of levels has no start",
        "season": "does not vary in these rows",
    }
    assert not {"start_level", "season"} & set(design.names)


def test_no_rows_is_an_error_and_not_an_empty_result():
    rows = made([2019], [[1.0]] * 4)
    with pytest.raises(SingularDesign, match="no rows"):
        growth.Samples(rows, exposure()).design(HI, growth.Choices())


def test_coverage_of_all_or_none_has_no_logit():
    with pytest.raises(ValueError, match="no logit"):
        growth.logit(np.array([100.0]))


def test_an_unknown_design_is_named():
    with pytest.raises(ValueError, match="unknown design 'wishes'"):
        build(design="wishes")


@pytest.mark.parametrize("design", growth.GROWTH_DESIGNS)
def test_the_sign_of_decision_861_is_negative_whichever_province_is_left_out(design):
    fit = build(design=design).fit()
    left = policy.leave_one_out(fit)
    assert len(left) == fit.clusters >= 20
    assert (left["estimate"] < 0).all()


def test_leaving_out_by_formula_equals_fitting_again():
    built = build(design="levels")
    fit, j = built.fit(), built.names.index(policy.TERM)
    left = policy.leave_one_out(fit).set_index("province_code")["estimate"]
    for code in fit.labels[:6]:
        keep = built.clusters != code
        again = fit_least_squares(
            built.y[keep], built.X[keep], built.names, built.clusters[keep], absorb=True
        )
        assert left[code] == pytest.approx(again.beta[j], rel=1e-8)


def test_randomisation_finds_the_estimate_of_the_regression():
    for design in growth.GROWTH_DESIGNS:
        built = build(design=design)
        fit = built.fit()
        test = policy.randomisation(built, exposure(), draws=199)
        assert test.estimate == pytest.approx(fit.beta[fit.index(policy.TERM)], rel=1e-8)
        assert test.p <= 0.05


def test_a_placebo_date_without_readings_before_it_is_reported():
    rows = policy.placebo_dates(
        samples(), growth.Choices(design="levels"), np.array([2013.0, 2021.5])
    )
    assert rows.loc[rows["date"] == 2013.0, "note"].str.len().min() > 0
    assert (rows.loc[rows["date"] == 2021.5, "note"] == "").all()


def test_reading_error_alone_makes_the_start_look_negative():
    choices = growth.Choices()
    found = robustness.simulate_start(samples(), choices, 150, (0.01, 1.5))
    means = found.groupby("error")["estimate"].mean()
    assert abs(means[0.01]) < 0.005
    assert -0.3 < means[1.5] < -0.02


def test_the_checks_stand_beside_the_main_estimate():
    choices = growth.Choices(design="levels")
    rows = robustness.check_rows(samples(), choices, policy.TERM)
    main = build(design="levels").fit()
    estimate = main.beta[main.index(policy.TERM)]
    assert [row["design"] for row in rows] == ["mixed_model", "fractional_logit"]
    for row in rows:
        assert row["estimate"] == pytest.approx(estimate, abs=0.15)


def test_the_set_of_specifications_is_complete_and_without_doubles():
    for focal in robustness.FAMILIES:
        found = list(robustness.choices_of(focal))
        assert len(found) == len(set(found)) >= 700
        assert not [c for c in found if c.design == "levels" and c.start_level]
        assert {c.evidence for c in found} == set(robustness.COMPARED_EVIDENCE)
        if focal != policy.TERM:
            assert {c.policy for c in found} == {True, False}


def test_one_specification_of_the_curve_is_the_main_regression():
    choices = growth.Choices(design="levels", weighting="whole")
    spec = robustness.specification(samples(), policy.TERM, choices)
    fit = fit_least_squares(spec.y, spec.X, spec.names, spec.clusters, absorb=spec.absorb)
    main = build(design="levels").fit()
    assert fit.beta[fit.index(policy.TERM)] == pytest.approx(main.beta[main.index(policy.TERM)])
    assert spec.choices["controls"] == ""


def test_provinces_without_a_value_of_a_driver_are_left_out():
    wanting = exposure().copy()
    wanting.loc["01", "income"] = np.nan
    choices = growth.Choices(design="levels", drivers=("income",))
    fit = growth.Samples(coverage_readings(), wanting).design(HI, choices).fit()
    assert "01" not in fit.labels
    with_all = (
        growth.Samples(coverage_readings(), wanting).design(HI, replace(choices, drivers=())).fit()
    )
    assert "01" in with_all.labels
