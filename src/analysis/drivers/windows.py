"""Coverage of provinces against the country, by window: Decision 861 takes, Decree 75 gives back.

Every reading is set against the country on the same day, so that the pandemic, the time of the
year and the common rise drop out; no straight trend is carried over 2020 and 2021. What is left is
averaged in each province and window, one row each, and compared within the province: how did the
distance to the country change, and did it change more where more people belong to ethnic
minorities? In July 2021 cards were taken away, in October 2023 part of the support came back: a
dose that reverses.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis.country.breaks import DECISION_861, DECREE_75, MERGER
from analysis.drivers import growth, pairs
from analysis.facts import Raw
from analysis.inference import Fit, SingularDesign, covariance, fit_least_squares, permute_exposure
from analysis.inference.regression import Array
from analysis.readings import covariates
from analysis.readings.arithmetic import usual_readings
from analysis.seeds import generator

#: Decision 861 stopped the cards on 1 July 2021; Decree 75 of 19 October 2023 gave support back.
TAKEN, GIVEN = DECISION_861, DECREE_75
#: Readings from four years before the cards stopped are "before", as in the pairing rule.
SINCE = pd.Timestamp("2017-07-01")
#: From here on provinces are merged, and another decree changes who is supported.
UNTIL = MERGER
MAIN_WINDOWS = {"before": SINCE, "between": TAKEN, "after": GIVEN}
#: The same cut finer, for the path: the first starts with the readings.
WINDOWS = {
    "early": pairs.FIRST,
    "before": pd.Timestamp("2019-01-01"),
    "first_year": TAKEN,
    "until_decree": pd.Timestamp("2022-07-01"),
    "after": GIVEN,
}
#: Doubts with which a reading of the country is no mark for the provinces: a figure that sounds
#: like an expectation for the year would push every province of its weeks below the line.
_DOUBTFUL = "contradiction|year inferred|definition unsure"
LOSS, RECOVERY, REMAINING = "861_x_minority", "restoration_x_minority", "remaining_x_minority"
#: Shares of ethnic minorities, percent: below the first the lists name hardly a commune; from the
#: second on a province counts as hit.
UNTOUCHED, HIT = 10.0, 30.0


def country_readings(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """The country's published coverage on the population from after the census: time, value.

    Columns as_of, time (decimal years), value (percent), season, published. Rates published on
    the old population are moved by the ratio of the two official figures, as those of provinces.
    """
    rows = usual_readings(readings, "hi_coverage", "country")
    rows = rows[~rows["doubt"].fillna("").str.contains(_DOUBTFUL)].sort_values("as_of")
    rows = rows.drop_duplicates("as_of", keep="last").reset_index(drop=True)
    rows["published"], rows["time"] = rows["value"], pairs.time_of(rows["as_of"])
    old = rows["denominator_version"].eq(covariates.PRE_CENSUS)
    units, dates = [("country", "00")] * int(old.sum()), list(rows.loc[old, "as_of"])
    ratio = covariates.populations(units, dates, raw, covariates.PRE_CENSUS)
    ratio /= covariates.populations(units, dates, raw, covariates.POST_CENSUS)
    rows.loc[old, "value"] *= ratio
    return rows[["as_of", "time", "value", "season", "published"]]


def against_country(
    readings: pd.DataFrame, nation: pd.DataFrame, exposure: pd.DataFrame, share: pd.Series
) -> pd.DataFrame:
    """Published readings of provinces, each beside the country on its day.

    readings: on one population (see restate). Added columns: country (percent, on a line between
    the country's readings), gap (points), gap_logit, minority (standard deviations), share
    (percent). Readings after the country's last one are left out, since nothing stands beside
    them, and those from UNTIL on.
    """
    usable = pairs.usable(readings, "hi_coverage", "published")
    sizes = usable.groupby(["province_code", "key"])["value"].transform("size")
    order = usable.assign(size=sizes).sort_values(["province_code", "size", "key"])
    largest = order.groupby("province_code")["key"].last()
    rows = usable[usable["key"].isin(largest) & (usable["as_of"] < UNTIL)]
    rows = rows[rows["time"].between(nation["time"].min(), nation["time"].max())]
    rows = rows.reset_index(drop=True)
    rows["country"] = np.interp(rows["time"], nation["time"], nation["value"])
    value, country = rows["value"].to_numpy(), rows["country"].to_numpy()
    rows["gap"] = value - country
    rows["gap_logit"] = growth.logit(value) - growth.logit(country)
    rows["minority"] = exposure["minority"].reindex(rows["province_code"]).to_numpy()
    rows["share"] = share.reindex(rows["province_code"]).to_numpy()
    return rows


def window_cells(rows: pd.DataFrame, periods: dict[str, pd.Timestamp]) -> pd.DataFrame:
    """One row a province and period: the means of its readings there.

    Columns: province_code, period, gap, gap_logit, value, country, time, minority, share.
    Provinces seen in one period only are left out: nothing can be compared within them.
    """
    names, starts = list(periods), pd.DatetimeIndex(list(periods.values()))
    place = starts.searchsorted(rows["as_of"], side="right") - 1
    rows = rows.assign(period=np.array(["", *names])[place + 1])
    columns = ["gap", "gap_logit", "value", "country", "time", "minority", "share"]
    table = rows[rows["period"] != ""].groupby(["province_code", "period"])[columns].mean()
    table = table.reset_index()
    seen = table.groupby("province_code")["period"].transform("size")
    return table[seen > 1].reset_index(drop=True)


def window_design(
    table: pd.DataFrame,
    exposures: dict[str, Array],
    base: str = "before",
    outcome: str = "gap_logit",
    trend: bool = False,
) -> growth.Design:
    """Effects of provinces and periods, and each exposure in each period but the base.

    exposures: name -> (n,). Names of terms: the period, and ``exposure:period``; with ``trend``
    also ``exposure:trend``, a straight line in time by the exposure.
    """
    periods = [p for p in dict.fromkeys(table["period"]) if p != base]
    columns: dict[str, Array] = {p: table["period"].eq(p).to_numpy(float) for p in sorted(periods)}
    for name, values in exposures.items():
        columns |= {f"{name}:{p}": columns[p] * values for p in sorted(periods)}
        if trend:
            columns[f"{name}:trend"] = (table["time"].to_numpy() - growth.STEP_YEAR) * values
    matrix = np.column_stack(list(columns.values()))
    codes = table["province_code"].to_numpy(str)
    return growth.Design(table[outcome].to_numpy(float), matrix, tuple(columns), codes, True, table)


def combination(fit: Fit, weights: dict[str, float]) -> tuple[float, float, float, float]:
    """A weighted sum of terms: estimate, CR3 standard error, and ends of its 95% interval."""
    vector = np.zeros(len(fit.names))
    for name, weight in weights.items():
        vector[fit.index(name)] = weight
    centre = float(vector @ fit.beta)
    error = float(np.sqrt(vector @ covariance(fit, "CR3") @ vector))
    cut = float(stats.t.ppf(0.975, fit.clusters - 1))
    return centre, error, centre - cut * error, centre + cut * error


def _turned(built: growth.Design, name: str = "minority") -> growth.Design:
    """The three-period design in terms of loss (from July 2021) and recovery (from October 2023).

    The loss lasts into the last period, so the term of the last period becomes the change there.
    """
    names = list(built.names)
    X: Array = built.X.copy()
    X[:, names.index(f"{name}:between")] += X[:, names.index(f"{name}:after")]
    new = {f"{name}:between": LOSS, f"{name}:after": RECOVERY}
    return replace(built, X=X, names=tuple(new.get(n, n) for n in names))


def loss_and_recovery(table: pd.DataFrame, trend: bool = False) -> growth.Design:
    """The main design: three periods, province effects, loss and recovery by minority share.

    table: `window_cells` of MAIN_WINDOWS. Raises SingularDesign without a reading after October
    2023.
    """
    if not {"between", "after"} <= set(table["period"]):
        raise SingularDesign("no province has readings between and after the two decisions")
    return _turned(window_design(table, {"minority": table["minority"].to_numpy()}, trend=trend))


def one_row(
    table: pd.DataFrame, outcome: str = "gap_logit", first: str = "before", then: str = "between"
) -> pd.DataFrame:
    """One row a province: its change from one period to another.

    Columns: province_code, change, before, value0 and value1 (percent), minority, share.
    """
    wide = table.pivot_table(index="province_code", columns="period", values=[outcome, "value"])
    both = wide.dropna(subset=[(outcome, first), (outcome, then)])
    fixed = table.groupby("province_code")[["minority", "share"]].first().reindex(both.index)
    return pd.DataFrame(
        {
            "change": both[(outcome, then)] - both[(outcome, first)],
            "value0": both[("value", first)],
            "value1": both[("value", then)],
            **{name: fixed[name] for name in fixed},
        }
    ).reset_index()


def fitted_line(changes: pd.DataFrame, names: tuple[str, ...] = ("minority",)) -> Fit:
    """Least squares of the changes on a constant and exposures, a province a cluster.

    With one row a province CR3 is the jackknife of the usual regression (HC3).
    """
    X = np.column_stack([np.ones(len(changes)), *(changes[n] for n in names)])
    return fit_least_squares(
        changes["change"], X, ("constant", *names), changes["province_code"].to_numpy(str)
    )


def dealt(changes: pd.DataFrame, draws: int, *stream: str) -> float:
    """Permutation p of the slope: the minority share dealt out again among these provinces."""
    n = len(changes)
    share, codes = changes["minority"].to_numpy(), np.arange(n)
    ones = np.ones(n)
    rng = generator("drivers", "windows", *stream)
    y = changes["change"].to_numpy()
    return permute_exposure(y, ones[:, None], [ones], share, codes, rng, draws, absorb=False).p


def stood(changes: pd.DataFrame) -> float:
    """Mean coverage before July 2021 of the provinces above the mean minority share, percent."""
    return float(changes.loc[changes["minority"] > 0, "value0"].mean())


def effect_in_points(effect: float, start: float) -> float:
    """Points gained or lost by a province at ``start`` percent for a change on the logit scale."""
    return float(growth.inverse_logit(growth.logit(np.array([start]))[0] + effect) - start)


def imputed(table: pd.DataFrame) -> pd.DataFrame:
    """What each hit province would have had, from the untouched ones (imputation).

    Effects of provinces and periods are fitted on untouched provinces in all periods and on hit
    ones before July 2021 only, and carried to the others (Borusyak, Jaravel and Spiess 2024; with
    one date and a base period of its own this is the comparison of Callaway and Sant'Anna 2021).
    Columns: province_code, period, value, expected (percent), points, logit.
    """
    hit = table["share"] >= HIT
    chosen = table[hit | (table["share"] < UNTOUCHED)].reset_index(drop=True)
    free = (chosen["share"] < UNTOUCHED) | chosen["period"].isin(["early", "before"])
    periods = sorted(set(chosen["period"]) - {"before"})
    dummies = pd.get_dummies(chosen["province_code"], dtype=float)
    own = pd.DataFrame({p: chosen["period"].eq(p).astype(float) for p in periods})
    X = pd.concat([dummies, own], axis=1).to_numpy()
    seen = X[free]
    if np.linalg.matrix_rank(seen) < X.shape[1]:
        raise SingularDesign("untouched provinces have no reading in one of the periods")
    beta = np.linalg.lstsq(seen, chosen.loc[free, "gap_logit"].to_numpy(), rcond=None)[0]
    rows = chosen[~free].copy()
    rows["logit"] = rows["gap_logit"] - (X @ beta)[~free.to_numpy()]
    # The mean of logits of a window is not the logit of its mean; the effect is put on the value.
    level = growth.logit(rows["value"].to_numpy())
    rows["expected"] = growth.inverse_logit(level - rows["logit"].to_numpy())
    rows["points"] = rows["value"] - rows["expected"]
    names = ["province_code", "period", "share", "value", "expected", "points", "logit"]
    return rows[names].reset_index(drop=True)


def hit_provinces(table: pd.DataFrame) -> pd.DataFrame:
    """The mean effect on hit provinces by period, with a jackknife over all provinces used.

    Columns: period, points, logit, standard_error, low, high (of points), provinces (hit),
    untouched (provinces compared with).
    """
    found = imputed(table)
    means = found.groupby("period")[["points", "logit"]].mean()
    used = table[(table["share"] >= HIT) | (table["share"] < UNTOUCHED)]
    codes = sorted(used["province_code"].unique())
    left = []
    for code in codes:
        try:
            part = imputed(table[table["province_code"] != code])
        except SingularDesign:
            continue
        left.append(part.groupby("period")["points"].mean())
    jack = pd.DataFrame(left)
    rows = []
    for period, mean in means.iterrows():
        values = jack[period].dropna() if period in jack else pd.Series(dtype=float)
        n = len(values)
        error = float(np.sqrt((n - 1) / n * ((values - values.mean()) ** 2).sum())) if n else 0.0
        cut = float(stats.t.ppf(0.975, max(n - 1, 1)))
        rows.append(
            {
                "period": period,
                "points": float(mean["points"]),
                "logit": float(mean["logit"]),
                "standard_error": error,
                "low": float(mean["points"] - cut * error),
                "high": float(mean["points"] + cut * error),
                "provinces": int((found["period"] == period).sum()),
                "untouched": int(used.loc[used["share"] < UNTOUCHED, "province_code"].nunique()),
            }
        )
    return pd.DataFrame(rows)


def exposure_names(rows: pd.DataFrame) -> tuple[str, ...]:
    """The two provinces with most people of ethnic minorities that were read in all periods."""
    table = window_cells(rows, MAIN_WINDOWS)
    seen = table.groupby("province_code")["period"].nunique()
    whole = seen.index[seen == len(MAIN_WINDOWS)]
    order = table[table["province_code"].isin(whole)].sort_values(
        ["share", "province_code"], ascending=[False, True]
    )
    return tuple(order["province_code"].drop_duplicates().head(2))
