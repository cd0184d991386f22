"""Every claim of chapters 03 and 04 is computed once more, in a few lines of other people's code.

Rows are those of the chapter, columns are made by hand, the regressions are statsmodels'. No number
of the data is written down. A claim that no test computes again fails the first test below.
"""

import ast
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from driver_data import (
    coverage_readings,
    exposure,
    raw,
    readings,
    small_coverage,
    small_late_payment,
)
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from analysis import paths
from analysis.drivers import growth
from analysis.drivers.policy import DRIVERS
from analysis.findings import drivers, late_payment
from analysis.late_payment import levels
from analysis.readings import targets

pytestmark = pytest.mark.xdist_group("drivers")

#: Claim -> the test that computes it again, here or in the tests of its chapter.
RECOMPUTED = {
    "policy": "test_the_loss_is_that_of_an_ordinary_regression",
    "recovery": "test_loss_and_recovery_are_those_of_dummies",
    "season": "test_the_designs_with_a_trend_are_those_of_statsmodels",
    "start": "test_the_designs_with_a_trend_are_those_of_statsmodels",
    "poverty": "test_poverty_beside_the_minority_share_is_that_of_an_ordinary_regression",
    "rivals": "test_every_rival_is_that_of_an_ordinary_regression",
    "target": "test_the_distance_to_the_target_is_that_of_an_ordinary_regression",
    "participants": "test_drivers_of_participants_are_those_of_ordinary_regressions",
    "basis": "test_pairs_of_definitions_are_found_by_hand",
    "variance": "test_shares_of_the_variance_are_those_of_crossed_effects",
    "reporters": "test_provinces_that_report_differ_by_a_t_test_too",
    "levels": "test_factors_between_definitions_are_those_of_a_mixed_model",
    "course": "test_changes_are_counted_by_hand",
    "late_forecast": "test_errors_of_the_last_value_are_found_by_hand",
    "late_drivers": "test_every_driver_of_late_payment_is_that_of_an_ordinary_regression",
    "inspection": "test_what_full_publication_would_show_is_a_t_test",
}


@pytest.fixture(scope="module")
def found():
    return small_coverage()


@pytest.fixture(scope="module")
def late():
    return small_late_payment()


def rows_of(outcome, design):
    """Rows of a chapter's regression with the columns of time made by hand."""
    evidence = "published" if outcome == "hi_coverage" else "derived"
    source = coverage_readings() if outcome == "hi_coverage" else readings()
    chosen = growth.sample(source, outcome, design, "yearly", evidence)
    table = chosen.rows.reset_index(drop=True).copy()

    def scale(values):
        return np.log(values / (100 - values)) if outcome == "hi_coverage" else np.log(values)

    def time(at):
        gone = at % 1
        left = np.where(gone < 1e-9, 0.0, 1 - gone)
        after = (at > growth.STEP_YEAR).astype(float)
        return np.column_stack([at, after, np.clip(at - growth.STEP_YEAR, 0, None), left])

    if design == "levels":
        table[["trend", "step", "bend", "season"]] = time(table["time"].to_numpy())
        table["y"] = scale(table["value"])
    else:
        years = table["years"].to_numpy()
        change = time(table["time1"].to_numpy()) - time(table["time0"].to_numpy())
        table[["trend", "step", "bend", "season"]] = change / years[:, None]
        table["start"] = scale(table["value0"])
        table["y"] = (scale(table["value1"]) - table["start"]) / years
    for name in DRIVERS:
        own = exposure()[name].reindex(table["province_code"]).to_numpy()
        table[name] = own * (table["trend"] if design == "levels" else 1)
    share = exposure()["minority"].reindex(table["province_code"]).to_numpy()
    table["policy"] = table["step"] * share
    return table


def regression(table, design, *terms):
    ending = "+ C(province_code)" if design == "levels" else "- 1"
    formula = f"y ~ trend + step + bend + season + {' + '.join(terms)} {ending}"
    return smf.ols(formula, table[np.isfinite(table[list(terms)]).all(axis=1)]).fit()


def estimates(found, outcome, design, beside):
    own = found.estimates.query(
        "outcome == @outcome and design == @design and beside == @beside"
    ).set_index("term")
    return own.loc[[name for name in DRIVERS if name in own.index]]


def holds(row, value):
    """The same number by another way, inside the interval that the chapter prints."""
    assert row["estimate"] == pytest.approx(value, rel=1e-6)
    assert row["low"] < value < row["high"]


def test_every_claim_is_computed_again_by_a_test_that_exists(found, late):
    made = drivers.coverage_claims(found) + drivers.late_claims(late)
    assert {claim.question for claim in made} == set(RECOMPUTED)
    tests = {
        node.name
        for path in (paths.ROOT / "tests").glob("test_*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert set(RECOMPUTED.values()) <= tests


@pytest.mark.parametrize("design", growth.GROWTH_DESIGNS)
def test_every_rival_is_that_of_an_ordinary_regression(found, design):
    table = rows_of("hi_coverage", design)
    for beside, more in (("time only", ()), ("decision_861", ("policy",))):
        own = estimates(found, "hi_coverage", design, beside)
        assert len(own) == len(DRIVERS)
        for name, row in own.iterrows():
            holds(row, regression(table, design, name, *more).params[name])
        assert own["q"].to_numpy() == pytest.approx(
            multipletests(own["wild_p"], method="fdr_bh")[1]
        )


@pytest.mark.parametrize("design", growth.GROWTH_DESIGNS)
@pytest.mark.parametrize("outcome", ["si_compulsory_participants", "si_voluntary_participants"])
def test_drivers_of_participants_are_those_of_ordinary_regressions(found, outcome, design):
    table = rows_of(outcome, design)
    for beside, more in (("time only", ()), ("start_level", ("start",))):
        own = estimates(found, outcome, design, beside)
        if design == "levels" and more:
            assert own.empty
            continue
        for name, row in own.iterrows():
            part = table[np.isfinite(table[name])]
            fit = regression(part.assign(**_centred(part)), design, name, *more)
            holds(row, fit.params[name])
        assert own["q"].to_numpy() == pytest.approx(
            multipletests(own["wild_p"], method="fdr_bh")[1]
        )


def _centred(part):
    return {"start": part["start"] - part["start"].mean()} if "start" in part else {}


def test_the_distance_to_the_target_is_that_of_an_ordinary_regression(found):
    table = rows_of("hi_coverage", "changes")
    table["year"] = table["end"].dt.year
    known = targets.targets(raw()).query(
        "geo_level == 'province_63' and indicator == 'hi_coverage' and basis == ''"
    )
    known = known[known["due"].dt.month == 12].assign(year=known["due"].dt.year)
    first = {"government": 0, "province": 1, "agency": 2}
    known = known.assign(first=known["setter"].map(first))
    known = known.sort_values(["first", "announced", "value"])
    known = known.groupby(["province_code", "year"], as_index=False).first()
    own = table.merge(
        known[["province_code", "year", "value", "announced"]], on=["province_code", "year"]
    )
    own = own[own["announced"] <= own["end"]]
    aim = np.log(own["value"] / (100 - own["value"]))
    own["gap"] = (aim - own["start"]) / (own["year"] + 1 - own["time0"])
    row = drivers.estimate(found, term="target_gap")
    assert (row["n"], row["clusters"]) == (len(own), own["province_code"].nunique())
    holds(row, regression(own, "changes", "gap", "policy").params["gap"])


def test_pairs_of_definitions_are_found_by_hand(late):
    """Of two definitions of a province, readings that are each other's nearest, 45 days at most."""
    ratios = []
    for _, own in late.rows.groupby("province_code"):
        for one, other in combinations(sorted(own["basis"].unique()), 2):
            a, b = (own[own["basis"] == basis] for basis in (one, other))
            days = np.abs((a["as_of"].to_numpy()[:, None] - b["as_of"].to_numpy()).astype("m8[D]"))
            gap = pd.DataFrame(days.astype(float), a.index, b.index)
            for i, j in gap.idxmin(axis=1).items():
                if gap[j].idxmin() == i and gap.loc[i, j] <= 45:
                    pair = sorted([a.loc[i, "rate"], b.loc[j, "rate"]])
                    ratios.append(pair[1] / pair[0])
    said = dict(late_payment.conversions(late).phrases[0][1])
    assert said["pairs"] == len(ratios)
    assert said["median"] == pytest.approx(np.median(ratios))
    assert said["largest"] == pytest.approx(max(ratios))


def test_shares_of_the_variance_are_those_of_crossed_effects(late):
    rows = levels.usable_rates(late.rows).assign(y=lambda t: np.log(t["rate"]), one=1)
    parts = {"basis": "0 + C(basis)", "province": "0 + C(province_code)"}
    fit = smf.mixedlm("y ~ 1", rows, groups="one", vc_formula=parts, re_formula="0").fit(reml=True)
    total = fit.vcomp.sum() + fit.scale
    ours = late.variance.set_index("source")
    for name, share in zip(fit.model.exog_vc.names, fit.vcomp / total, strict=True):
        assert ours.loc[name, "low"] < share < ours.loc[name, "high"]
        assert ours.loc[name, "share"] == pytest.approx(share, abs=0.05)
    assert ours.loc["year", "share"] < 0.05


def test_provinces_that_report_differ_by_a_t_test_too(late):
    reports = exposure().index.isin(late.rows["province_code"])
    table = late.reporters.set_index("driver")
    for name, row in table.iterrows():
        x = exposure()[name]
        inside, outside = x[reports].dropna(), x[~reports].dropna()
        test = stats.ttest_ind(inside, outside, equal_var=False)
        assert row["difference"] == pytest.approx(inside.mean() - outside.mean())
        assert row["p"] == pytest.approx(test.pvalue, abs=0.03)
    assert table["q"].to_numpy() == pytest.approx(multipletests(table["p"], method="fdr_bh")[1])


def test_errors_of_the_last_value_are_found_by_hand(late):
    """Each scored reading against the province's newest earlier one on the same definition."""
    rows = levels.usable_rates(late.rows)
    errors = []
    for row in late.score.itertuples():
        own = rows[
            (rows["province_code"] == row.province_code)
            & (rows["basis"] == row.basis)
            & (rows["as_of"] < row.as_of)
        ].sort_values("as_of", kind="stable")
        if len(own):
            errors.append(abs(np.log(row.rate / own["rate"].iloc[-1])))
    said = dict(late_payment.scores(late).phrases[0][1])
    assert said["n"] == len(errors)
    assert said["last"] == pytest.approx(100 * np.expm1(np.mean(errors)))


def test_every_driver_of_late_payment_is_that_of_an_ordinary_regression(late):
    rows = levels.usable_rates(late.rows).assign(y=lambda t: np.log(t["rate"]))
    rows["december"] = rows["december"].astype(float)
    table = late.drivers.set_index("term")
    for name, row in table.iterrows():
        rows["x"] = exposure()[name].reindex(rows["province_code"]).to_numpy()
        known = rows[np.isfinite(rows["x"])]
        fit = smf.ols("y ~ x + C(basis) + C(denominator) + C(law) + december", known).fit()
        holds(row, fit.params["x"])
    theirs = multipletests(table["permutation_p"], method="fdr_bh")[1]
    assert table["q"].to_numpy() == pytest.approx(theirs)
    assert dict(late_payment.drivers(late).phrases[0][1])["passing"] == (theirs <= 0.1).sum()


def test_what_full_publication_would_show_is_a_t_test(late):
    """63 provinces once each: the spread is that of a province and of one reading of it."""
    rows = levels.usable_rates(late.rows).assign(y=lambda t: np.log(t["rate"]))
    formula = "y ~ C(basis) + C(denominator) + C(law) + C(december)"
    fit = smf.mixedlm(formula, rows, groups=rows["province_code"]).fit(reml=True)
    spread = float(np.sqrt(fit.cov_re.iloc[0, 0] + fit.scale))
    power = TTestPower().power(late.full_data_effect / spread, 63, 0.05)
    assert power == pytest.approx(0.8, abs=0.02)


def test_what_the_last_edition_printed_stands_beside_every_claim_it_made(found, late):
    table = pd.read_csv(drivers.LAST_EDITION)
    assert set(table["claim_id"]) < set(RECOMPUTED)
    assert not table.duplicated(["claim_id", "figure"]).any()
    was = table.drop_duplicates(["claim_id", "strength"]).set_index("claim_id")["strength"]
    assert was.index.is_unique
    made = drivers.coverage_claims(found) + drivers.late_claims(late)
    for claim in made:
        said = claim.say("changed", "en")
        if claim.question not in was:
            assert said.startswith("New. ")
        elif was[claim.question] == claim.strength:
            assert said.startswith("Strength as before. Then ")
        else:
            word = {"none": "no claim"}.get(was[claim.question], was[claim.question])
            assert said.startswith(f"Before: {word}. ")
