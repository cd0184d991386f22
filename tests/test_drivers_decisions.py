"""July 2021 and October 2023: made-up panels with known answers, and other people's regressions.

The claims of chapter 03 are computed once more here, in a few lines of statsmodels from the
readings, and have to agree with the chapter. No number of the data is written down.
"""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from driver_data import exposure, raw, readings, samples, small_coverage
from statsmodels.stats.power import TTestPower

from analysis.drivers import decisions, growth, windows
from analysis.findings import decisions as findings_decisions
from analysis.inference import SingularDesign
from analysis.readings import covariates

pytestmark = pytest.mark.xdist_group("drivers")
TAKEN, GIVEN = windows.TAKEN, windows.GIVEN


@pytest.fixture(scope="module")
def found():
    return small_coverage()


@pytest.fixture(scope="module")
def rows(found):
    """Readings of the chapter with logit distances to the country, computed anew."""
    table = found.decisions.readings[["province_code", "as_of", "time", "value", "minority"]].copy()
    nation = found.decisions.nation
    country = np.interp(table["time"], nation["time"], nation["value"])
    table["gap"] = np.log(table["value"] / (100 - table["value"])) - np.log(
        country / (100 - country)
    )
    table["share"] = (
        covariates.covariate_table(raw())["minority_share"]
        .reindex(table["province_code"])
        .to_numpy()
    )
    table = table[table["as_of"] >= pd.Timestamp("2017-07-01")]
    table["period"] = np.where(
        table["as_of"] < TAKEN, "a", np.where(table["as_of"] < GIVEN, "b", "c")
    )
    return table


@pytest.fixture(scope="module")
def averages(rows):
    names = ["gap", "minority", "share", "value"]
    table = rows.groupby(["province_code", "period"], as_index=False)[names].mean()
    return table[table.groupby("province_code")["period"].transform("size") > 1]


def changes(averages):
    wide = averages.pivot_table(index="province_code", columns="period", values="gap")
    table = (wide["b"] - wide["a"]).dropna().rename("change").to_frame()
    table["minority"] = averages.groupby("province_code")["minority"].first()
    table["poverty"] = exposure()["poverty"]
    return table


def made(loss=-0.6, recovery=0.25, dip=0.0, codes=("01", "10", "11", "14", "15", "17", "62", "64")):
    """Cells of provinces that lose and recover by their minority share, without noise."""
    share = exposure()["minority"]
    found = []
    for i, code in enumerate(codes):
        for period, effect, common in (
            ("early", 0.0, -0.2),
            ("before", 0.0, 0.0),
            ("between", loss, dip),
            ("after", loss + recovery, 0.1),
        ):
            found.append(
                {
                    "province_code": code,
                    "period": period,
                    "gap_logit": 0.3 * i + common + effect * share[code],
                    "value": 90.0,
                    "time": 2020.0,
                    "minority": share[code],
                    "share": 50.0 if share[code] > 0 else 5.0,
                }
            )
    return pd.DataFrame(found)


def test_a_known_loss_and_recovery_are_found_whatever_the_pandemic_did():
    for dip in (0.0, -2.0):
        table = made(dip=dip)
        fit = windows.loss_and_recovery(table[table["period"] != "early"]).fit()
        assert fit.beta[fit.index(windows.LOSS)] == pytest.approx(-0.6)
        assert fit.beta[fit.index(windows.RECOVERY)] == pytest.approx(0.25)
        assert windows.fitted_line(windows.one_row(table)).beta == pytest.approx([dip, -0.6])


def test_parallel_courses_before_leave_the_bounds_at_the_estimate():
    table = decisions.effect_bounds(made())
    assert table["step"].abs().max() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(table["low"], table["estimate"], atol=1e-9)


def test_a_drift_before_widens_the_bounds_by_its_multiple():
    table = made()
    early = table["period"] == "early"
    table.loc[early, "gap_logit"] -= 0.2 * table.loc[early, "minority"]
    own = decisions.effect_bounds(table).query("effect == 'loss'").set_index("multiple")
    assert own["step"].iloc[0] == pytest.approx(0.2)
    for multiple in (0.5, 1.0, 2.0):
        assert own.loc[multiple, "low"] == pytest.approx(-0.6 - 0.2 * multiple)
        assert own.loc[multiple, "high"] == pytest.approx(-0.6 + 0.2 * multiple)


def test_no_province_after_the_decree_is_an_error():
    table = made()
    with pytest.raises(SingularDesign, match="between and after"):
        windows.loss_and_recovery(table[table["period"] != "after"])


def test_a_doubtful_figure_of_the_country_is_no_mark_for_the_provinces():
    table = readings()
    own = table[(table["geo_level"] == "country") & (table["indicator"] == "hi_coverage")]
    own = own[own["kind_of_evidence"].eq("published") & own["basis"].eq("")]
    day = own.loc[own["season"].eq("year_end"), "as_of"].max()
    for doubt in ("contradiction", "definition unsure", "year inferred; definition unsure"):
        made = table.copy()
        made.loc[own.index[own["as_of"] == day], "doubt"] = doubt
        assert (windows.country_readings(made, raw())["as_of"] != day).all()
    assert (windows.country_readings(table, raw())["as_of"] == day).any()


def test_readings_after_the_mergers_and_beyond_the_country_stay_out(found):
    table, nation = found.decisions.readings, found.decisions.nation
    assert table["as_of"].max() < windows.UNTIL
    assert table["time"].max() <= nation["time"].max()


def test_the_loss_is_that_of_an_ordinary_regression(found, averages):
    fit = smf.ols("change ~ minority", changes(averages)).fit(cov_type="HC3")
    row = found.decisions.designs.set_index("design").loc["one_row"]
    assert row["estimate"] == pytest.approx(fit.params["minority"], rel=1e-6)
    assert row["at_mean"] == pytest.approx(fit.params["Intercept"], rel=1e-6)
    assert row["low"] < fit.params["minority"] < row["high"]
    assert row["standard_error"] == pytest.approx(fit.bse["minority"], rel=0.15)


def test_loss_and_recovery_are_those_of_dummies(found, averages):
    table = averages.assign(
        lost=averages["minority"] * (averages["period"] != "a"),
        back=averages["minority"] * (averages["period"] == "c"),
    )
    fit = smf.ols("gap ~ C(province_code) + C(period) + lost + back", table).fit()
    for term, name in ((windows.LOSS, "lost"), (windows.RECOVERY, "back")):
        row = findings_decisions._estimate(found.decisions, term)
        assert row["estimate"] == pytest.approx(fit.params[name], rel=1e-6)
        low, high = findings_decisions._ends(row)
        assert low < fit.params[name] < high


def test_the_effect_on_hit_provinces_is_that_of_two_stages(found, averages):
    """Effects of provinces and periods from the untouched, carried to the hit ones."""
    chosen = averages[(averages["share"] < 10) | (averages["share"] >= 30)]
    free = chosen[(chosen["share"] < 10) | (chosen["period"] == "a")]
    fit = smf.ols("gap ~ C(province_code) + C(period)", free).fit()
    hit = chosen[(chosen["share"] >= 30) & (chosen["period"] != "a")]
    hit = hit[hit["province_code"].isin(free["province_code"])]
    z = np.log(hit["value"] / (100 - hit["value"]))
    expected = 100 / (1 + np.exp(-(z - (hit["gap"] - fit.predict(hit)))))
    by_hand = (hit["value"] - expected).groupby(hit["period"]).mean()
    ours = found.decisions.hit.set_index("period")["points"]
    assert ours["between"] == pytest.approx(by_hand["b"], rel=1e-6)
    assert ours["after"] == pytest.approx(by_hand["c"], rel=1e-6)


def test_poverty_beside_the_minority_share_is_that_of_an_ordinary_regression(found, averages):
    table = changes(averages).dropna()
    fit = smf.ols("change ~ minority + poverty", table).fit()
    ours = found.decisions.rivals.query("beside == 'together'").set_index("driver")
    for name in ("minority", "poverty"):
        assert ours.loc[name, "estimate"] == pytest.approx(fit.params[name], rel=1e-6)
    assert ours["correlation"].iloc[0] == pytest.approx(table["minority"].corr(table["poverty"]))


def test_the_country_and_the_provinces_are_compared_at_the_countrys_share(found, averages):
    table = covariates.covariate_table(raw())
    share = np.average(table["minority_share"], weights=table["population_last"])
    at = (share - table["minority_share"].mean()) / table["minority_share"].std()
    fit = smf.ols("change ~ minority", changes(averages)).fit()
    country = found.decisions.country
    assert country["gap_logit"] == pytest.approx(fit.predict({"minority": [at]})[0], abs=1e-9)
    printed = readings().query(
        "geo_level == 'country' and indicator == 'hi_coverage' and basis == '' "
        "and season == 'year_end' and kind_of_evidence == 'published'"
    )
    years = printed.set_index(printed["as_of"].dt.year)["value"]
    assert (country["first"], country["last"]) == (years[2020], years[2021])
    said = findings_decisions.country(found).phrases[0][0]
    assert said == ("decisions.country" if country["agrees"] else "decisions.country_apart")


def test_country_and_estimate_that_disagree_are_said_to(found):
    import dataclasses

    apart = found.decisions.country.copy()
    apart["agrees"] = False
    changed = dataclasses.replace(
        found, decisions=dataclasses.replace(found.decisions, country=apart)
    )
    assert "do not agree" in findings_decisions.country(changed).text("en")


def test_the_claim_of_the_last_edition_falls_apart_into_its_two_reasons(found):
    last = found.decisions.last_edition
    values = dict(findings_decisions.last_edition(found).phrases[0][1])
    assert last["above"] == pytest.approx(values["by_start"] + values["by_trend"] + last["now"])
    assert last["fold"] == pytest.approx(last["above"] / last["now"])


def test_power_is_that_of_a_t_test(found):
    row = found.decisions.power.query("effect == 'recovery' and correlation == 1.0").iloc[0]
    estimate = findings_decisions._estimate(found.decisions, windows.RECOVERY)
    n = int(estimate["clusters"])
    size = abs(estimate["estimate"]) / (estimate["standard_error"] * np.sqrt(n))
    assert row["power"] == pytest.approx(TTestPower().power(size, n, 0.05), abs=1e-6)
    half = found.decisions.power.query("effect == 'recovery' and correlation == 0.5").iloc[0]
    assert half["by_stand_in"] == pytest.approx(2 * row["by_stand_in"])
    assert half["power_lists"] > half["power"]


def test_the_recovery_weakens_with_its_evidence(found):
    import dataclasses

    def with_p(p, worst=0.04, trend=0.04, sign=1.0):
        d = found.decisions
        table, left = d.estimates.copy(), d.left_out.copy()
        mine = table["term"] == windows.RECOVERY
        table.loc[mine, "estimate"] = 0.2
        table.loc[mine & (table["beside"] == "main design"), "wild_p"] = p
        table.loc[mine & (table["beside"] == "minority trend"), "wild_p"] = trend
        left["recovery"], left["p_recovery"] = 0.1 * sign, worst
        changed = dataclasses.replace(d, estimates=table, left_out=left)
        return findings_decisions.strength(dataclasses.replace(found, decisions=changed))

    assert with_p(0.01) == "strong"
    assert with_p(0.01, worst=0.2) == "moderate"
    assert with_p(0.01, trend=0.2) == "moderate"
    assert with_p(0.10) == "weak"
    assert with_p(0.30) == "none"
    assert with_p(0.01, sign=-1.0) == "none"


def test_a_placebo_date_without_provinces_says_so(found):
    few = found.decisions.readings.head(3)
    table = decisions.placebo_days(few)
    assert table["note"].eq("too few provinces").all()
    assert table["estimate"].isna().all()


@pytest.mark.parametrize("design", growth.GROWTH_DESIGNS)
def test_the_designs_with_a_trend_are_those_of_statsmodels(found, design):
    """Season, Decision 861 and, in changes, the starting level: the columns made by hand."""
    chosen, _ = samples().rows("hi_coverage", growth.Choices(design=design))
    table = chosen.rows.reset_index(drop=True).copy()

    def columns(time):
        left = 1 - (time % 1)
        left = np.where(time % 1 < 1e-9, 0.0, left)
        after = (time > growth.STEP_YEAR).astype(float)
        return np.column_stack([time, after, np.clip(time - growth.STEP_YEAR, 0, None), left])

    names = ["trend", "step", "bend", "season"]
    minority = exposure()["minority"].reindex(table["province_code"]).to_numpy()
    if design == "levels":
        table[names] = columns(table["time"].to_numpy())
        table["y"] = np.log(table["value"] / (100 - table["value"]))
        formula = "y ~ trend + step + bend + season + policy + C(province_code)"
    else:
        years = table["years"].to_numpy()[:, None]
        table[names] = (columns(table["time1"].to_numpy()) - columns(table["time0"].to_numpy())) / (
            years
        )
        z = [np.log(table[v] / (100 - table[v])) for v in ("value0", "value1")]
        table["y"] = (z[1] - z[0]) / table["years"]
        formula = "y ~ trend + step + bend + season + policy - 1"
    table["policy"] = table["step"] * minority
    fit = smf.ols(formula, table).fit()
    ours = found.estimates.query(
        "outcome == 'hi_coverage' and design == @design and beside == 'main design'"
    ).set_index("term")
    for name, term in (("season", "season"), ("policy", "861_x_minority"), ("step", "step")):
        assert ours.loc[term, "estimate"] == pytest.approx(fit.params[name], rel=1e-6)
        assert ours.loc[term, "low"] < fit.params[name] < ours.loc[term, "high"]
    for driver in ("poverty", "income"):
        own = exposure()[driver].reindex(table["province_code"]).to_numpy()
        table["driver"] = table["trend"] * own if design == "levels" else own
        known = table[np.isfinite(table["driver"])]
        alone = smf.ols(formula.replace("policy", "driver"), known).fit()
        row = found.estimates.query(
            "outcome == 'hi_coverage' and design == @design and beside == 'time only' "
            "and term == @driver"
        ).iloc[0]
        assert row["low"] < alone.params["driver"] < row["high"]
    if design == "changes":
        table["start"] = (z[0] - z[0].mean()) * table["years"] / table["years"]
        fit = smf.ols(formula.replace("policy", "policy + start"), table).fit()
        row = found.estimates.query(
            "outcome == 'hi_coverage' and design == 'changes' and term == 'start_level'"
        ).iloc[0]
        assert row["estimate"] == pytest.approx(fit.params["start"], rel=1e-6)
