"""Decision 861 on trial: randomisation, each province left out, placebo dates."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis.drivers import growth
from analysis.facts import Raw
from analysis.inference import Fit, RandomisationTest, SingularDesign, covariance, permute_exposure
from analysis.inference.regression import Array, leave_one_out_changes, within
from analysis.readings import covariates
from analysis.seeds import generator

TERM = "861_x_minority"


def leave_one_out(fit: Fit, term: str = TERM) -> pd.DataFrame:
    """The coefficient without each province: columns province_code, estimate, sorted."""
    estimates = fit.beta[fit.index(term)] - leave_one_out_changes(fit)[:, fit.index(term)]
    table = pd.DataFrame({"province_code": fit.labels, "estimate": estimates})
    return table.sort_values(["estimate", "province_code"], ignore_index=True)


def _stepped(design: growth.Design, step: float) -> Array:
    """Column of the step in a design: after minus before, per year in a design of changes."""
    rows = design.rows
    if design.absorb:
        return (rows["time"].to_numpy() > step).astype(float)
    before, after = rows["time0"].to_numpy() > step, rows["time1"].to_numpy() > step
    return (after.astype(float) - before) / rows["years"].to_numpy()


def randomisation(
    design: growth.Design, exposure: pd.DataFrame, draws: int = 1999, minority_trend: bool = False
) -> RandomisationTest:
    """Deal the minority share out again among the provinces of a design (annual weighting).

    With ``minority_trend``, a trend by the dealt share moves with it.
    """
    labels, codes = np.unique(design.clusters, return_inverse=True)
    own = [i for i, n in enumerate(design.names) if n not in (TERM, "minority_trend")]
    steps = [_stepped(design, growth.STEP_YEAR)]
    if minority_trend:
        steps.append(design.X[:, design.names.index("trend")])
    share = exposure["minority"].reindex(labels).to_numpy()
    rng = generator("drivers", "randomisation", int(design.absorb), int(minority_trend))
    return permute_exposure(
        design.y, design.X[:, own], steps, share, codes, rng, draws, absorb=design.absorb
    )


def placebo_dates(
    samples: growth.Samples,
    choices: growth.Choices,
    dates: Array,
) -> pd.DataFrame:
    """The same regression with the step at other dates, with and without a minority trend.

    Columns: date (decimal year), minority_trend, estimate, standard_error (CR3), t, fit (the
    residual sum of squares), n, clusters, note. A date at which the design is singular keeps its
    row with the reason.
    """
    rows = []
    for trend in (False, True):
        for date in dates:
            spec = replace(choices, step=float(date), minority_trend=trend)
            rows.append({"date": date, "minority_trend": trend, **_placebo(samples, spec)})
    return pd.DataFrame(rows)


def _placebo(samples: growth.Samples, spec: growth.Choices) -> dict[str, object]:
    try:
        fit = samples.design("hi_coverage", spec).fit()
        j = fit.index(TERM)
        error = float(np.sqrt(covariance(fit, "CR3")[j, j]))
    except (SingularDesign, KeyError) as failure:
        return {"note": str(failure)}
    return {
        "estimate": float(fit.beta[j]),
        "standard_error": error,
        "t": float(fit.beta[j]) / error,
        "fit": float(fit.residuals @ fit.residuals),
        "n": fit.n,
        "clusters": fit.clusters,
        "note": "",
    }


def in_points(effect: float, shares: Array, start: float = 90.0) -> Array:
    """Fall in percentage points from ``start`` for standardised minority shares (k,)."""
    base = growth.logit(np.array([start]))[0]
    return growth.inverse_logit(base + effect * np.asarray(shares)) - start


def region_test(design: growth.Design, exposure: pd.DataFrame, draws: int = 999) -> float:
    """Permutation p-value of all region terms together: provinces are dealt other regions.

    The statistic is the fall of the residual sum of squares when the region terms enter.
    """
    region = [i for i, n in enumerate(design.names) if n.startswith("region_")]
    own = [i for i in range(design.X.shape[1]) if i not in region]
    labels, codes = np.unique(design.clusters, return_inverse=True)
    y, X, trend = design.y[:, None], design.X[:, own], design.X[:, design.names.index("trend")]
    dummies = exposure[[design.names[i] for i in region]].reindex(labels).to_numpy()
    rng = generator("drivers", "regions", int(design.absorb))

    def left(dealt: Array) -> float:
        full = np.column_stack([X, trend[:, None] * dealt[codes]])
        if design.absorb:
            full = within(full, codes, len(labels))
        target = within(y, codes, len(labels)) if design.absorb else y
        solved = np.linalg.lstsq(full, target, rcond=None)[0]
        return float(((target - full @ solved) ** 2).sum())

    actual = left(dummies)
    drawn = [left(dummies[rng.permutation(len(labels))]) for _ in range(draws)]
    return float((1 + (np.array(drawn) <= actual * (1 + 1e-12)).sum()) / (1 + draws))


# --------------------------------------------------------------------------------------------------
# What provinces are like: the drivers named by the question, on one scale.
#
# The minority share enters in its own values, because Decision 861 took cards from people, not from
# ranks. All others enter as normal scores of their ranks among the 63 provinces: most of the series
# stop in 2016, and a rank ages better than a level. One unit is always one standard deviation.
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Driver:
    """A driver: its column in the table of covariates, and whether it enters by rank."""

    column: str
    by_rank: bool = True


DRIVERS: dict[str, Driver] = {
    "minority": Driver("minority_share", by_rank=False),
    "poverty": Driver("poverty_rate"),
    "income": Driver("income_month"),
    "grdp": Driver("grdp_per_capita_2022"),
    "urban": Driver("urban_share"),
    "migration": Driver("net_migration"),
    "wage_work": Driver("wage_share"),
    "trained": Driver("trained_share"),
    "foreign_investment": Driver("fdi_stock_rate"),
    "governance": Driver("papi"),
    "competitiveness": Driver("pci"),
}


def exposures(raw: Raw) -> pd.DataFrame:
    """The drivers in standard deviations, indexed by province_code (63 rows).

    A province without a value of a driver keeps a missing one; designs that use the driver leave
    the province out and say so.
    """
    table = covariates.covariate_table(raw)
    return pd.DataFrame({name: _standardised(table[d.column], d) for name, d in DRIVERS.items()})


def _standardised(values: pd.Series, driver: Driver) -> pd.Series:
    if not driver.by_rank:
        return (values - values.mean()) / values.std()
    ranks = values.rank() / (values.notna().sum() + 1)
    scores = pd.Series(stats.norm.ppf(ranks), index=values.index)
    return scores / scores.std()


def what_one_unit_means(raw: Raw) -> pd.DataFrame:
    """For each driver the value at its middle and one standard deviation above it.

    Columns: driver, middle, above, unit, by_rank, provinces. For a driver by rank these are the
    medians and the 84th percentile of provinces; for the minority share mean and mean + SD.
    """
    table, rows = covariates.covariate_table(raw), []
    units = raw.covariates.groupby("covariate")["unit"].first()
    for name, driver in DRIVERS.items():
        values = table[driver.column].dropna()
        if driver.by_rank:
            middle, above = np.quantile(values, [0.5, stats.norm.cdf(1)])
        else:
            middle, above = values.mean(), values.mean() + values.std()
        unit = units.get(covariates.FIXED_LEVELS.get(driver.column, ("",))[0], "")
        rows.append(
            {
                "driver": name,
                "middle": float(middle),
                "above": float(above),
                "unit": unit or {"wage_share": "percent"}.get(driver.column, "USD per person"),
                "provinces": len(values),
            }
        )
    return pd.DataFrame(rows)
