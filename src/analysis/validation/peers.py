"""What the peers share: picking readings, the nationwide curve, normal bands on a scale."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.tsa.forecasting.theta import ThetaModel

from analysis.forecast.known import Known
from analysis.forecast.prediction import PERCENTILE_COLUMNS, PERCENTILES
from analysis.paths import ROOT, asked
from analysis.readings.arithmetic import usual_readings
from analysis.validation import stored_forecasts
from analysis.validation.scores import Floats

_SCORES = norm.ppf(PERCENTILES)
_EPOCH = pd.Timestamp(2000, 1, 1)
#: Fewer past errors than this say too little about a band.
ENOUGH_ERRORS = 6


class PeerFailure(RuntimeError):
    """A model has no forecast for a fold, with the reason; the tables report it."""


def years(dates: pd.Series) -> Floats:
    """Dates as years since the start of 2000."""
    return ((pd.to_datetime(dates) - _EPOCH).dt.days / 365.25).to_numpy(float)


def _to_logit(percent: pd.Series | Floats) -> Floats:
    """Log odds of a percentage, which is first moved inside 0.05 to 99.95."""
    return logit(np.clip(np.asarray(percent, float), 0.05, 99.95) / 100)


def _to_percent(log_odds: Floats) -> Floats:
    return 100 * expit(log_odds)


def pick(train: pd.DataFrame, indicator: str, geo_level: str) -> pd.DataFrame:
    """Published readings on the usual basis, sorted, with t (years) and z (log odds)."""
    kept = usual_readings(train, indicator, geo_level)
    kept = kept.sort_values(["province_code", "as_of"], ignore_index=True)
    if kept.empty:
        raise PeerFailure(f"no {geo_level} reading of {indicator} to learn from")
    return kept.assign(t=years(kept["as_of"]), z=_to_logit(kept["value"]))


def indicator_of(queries: pd.DataFrame) -> str:
    """The one indicator asked for. Raises ValueError when there are several."""
    names = queries["indicator"].unique()
    if len(names) != 1:
        raise ValueError(f"queries must ask for one indicator at a time, not {list(names)}")
    return str(names[0])


def normal_logit(mean: Floats, sd: Floats, index: pd.Index) -> pd.DataFrame:
    """Forecast frame of a normal on the logit scale (mean and sd (n,) in log odds)."""
    return _frame(_to_percent(mean[:, None] + np.asarray(sd)[:, None] * _SCORES), index)


def normal_percent(mean: Floats, sd: Floats, index: pd.Index) -> pd.DataFrame:
    """Forecast frame of a normal in percentage points, cut at 0 and 100."""
    return _frame(np.clip(mean[:, None] + np.asarray(sd)[:, None] * _SCORES, 0, 100), index)


def _frame(quantiles: Floats, index: pd.Index) -> pd.DataFrame:
    """mean, sd and q0.01 to q0.99 from quantiles (n, 99), of which mean and sd are taken."""
    moments = [quantiles.mean(axis=1), quantiles.std(axis=1)]
    values = np.column_stack([*moments, quantiles])
    return pd.DataFrame(values, columns=["mean", "sd", *PERCENTILE_COLUMNS], index=index)


def replaced(forecast: pd.DataFrame, where: np.ndarray, other: pd.DataFrame) -> pd.DataFrame:
    """A forecast frame with the rows `where` (n,) bool taken from another, in order."""
    values = forecast.to_numpy(float, copy=True)
    values[where] = other.to_numpy(float)
    return pd.DataFrame(values, columns=forecast.columns, index=forecast.index)


def root_mean_square(errors: list[float] | Floats, otherwise: float) -> float:
    """Root mean square of `errors`, or `otherwise` when there are too few."""
    errors = np.asarray(errors, float)
    if len(errors) < ENOUGH_ERRORS:
        return otherwise
    return float(np.sqrt(np.mean(errors**2)))


def pairs(panel: pd.DataFrame, longest: float = 3.0) -> pd.DataFrame:
    """Every ordered pair of readings of one province at most `longest` years apart.

    Columns of the earlier and later reading carry _0 and _1; h is the time between in years.
    """
    both = panel.merge(panel, on="province_code", suffixes=("_0", "_1"))
    both["h"] = both["t_1"] - both["t_0"]
    return both[(both["h"] > 0) & (both["h"] <= longest)].reset_index(drop=True)


# --------------------------------------------------------------------------------------------------
# Peers that need no fitting: last value, pooled drift, logit trend by province, climatology.
# --------------------------------------------------------------------------------------------------


def last_value(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """The province's last reading, with the spread of past changes (percentage points).

    The variance grows in a straight line with the time since that reading. A province never
    read gets the climatology.
    """
    panel = pick(train, indicator_of(queries), "province_63")
    between = pairs(panel)
    changes = (between["value_1"] - between["value_0"]).to_numpy()
    return _from_last(panel, queries, "value", 0.0, changes, between["h"].to_numpy())


def drift(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """The last reading moved on by the average yearly change of all provinces, in log odds.

    The pace is the pooled one, sum of changes over sum of years; a province never read gets the
    climatology.
    """
    panel = pick(train, indicator_of(queries), "province_63")
    between = pairs(panel)
    change, h = (between["z_1"] - between["z_0"]).to_numpy(), between["h"].to_numpy()
    pace = float(change.sum() / h.sum()) if len(h) else 0.0
    return _from_last(panel, queries, "z", pace, change - pace * h, h)


def trend(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """A straight line in log odds for each province with three readings over two years.

    Least squares with its own forecast error, at least that of the pooled residuals. Other
    provinces are carried on by `drift`.
    """
    indicator = indicator_of(queries)
    panel = pick(train, indicator, "province_63")
    tried = {str(code): _line(group) for code, group in panel.groupby("province_code")}
    lines = {code: line for code, line in tried.items() if line is not None}
    out = drift(train, queries, context)
    if not lines:
        return out
    pooled = np.sqrt(np.mean([line[2] ** 2 for line in lines.values()]))
    straight = queries["province_code"].isin(list(lines)).to_numpy()
    own = queries[straight]
    t = years(own["as_of"])
    fits = [lines[code] for code in own["province_code"]]
    mean = np.array([a + b * x for (a, b, *_), x in zip(fits, t, strict=True)])
    sd = np.array(
        [max(s, pooled) * np.sqrt(1 + 1 / n + (x - m) ** 2 / q)
         for (_, _, s, n, m, q), x in zip(fits, t, strict=True)]
    )  # fmt: skip
    return replaced(out, straight, normal_logit(mean, sd, own.index))


def climatology(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """The quantiles of the readings of all provinces in the five years before the last one."""
    panel = pick(train, indicator_of(queries), "province_63")
    quantiles = _past_quantiles(panel)
    return _frame(np.tile(quantiles, (len(queries), 1)), queries.index)


def _past_quantiles(panel: pd.DataFrame) -> Floats:
    recent = panel[panel["t"] >= panel["t"].max() - 5]
    return np.quantile(recent["value"], PERCENTILES)


def _line(group: pd.DataFrame) -> tuple[float, float, float, int, float, float] | None:
    """Intercept, slope, residual sd, n, mean and sum of squares of t; None with too little."""
    t, z = group["t"].to_numpy(), group["z"].to_numpy()
    if len(t) < 3 or t[-1] - t[0] < 2:
        return None
    centred = t - t.mean()
    square = float(centred @ centred)
    slope = float(centred @ z) / square
    intercept = float(z.mean() - slope * t.mean())
    residual = z - intercept - slope * t
    sd = float(np.sqrt(residual @ residual / (len(t) - 2)))
    return intercept, slope, sd, len(t), float(t.mean()), square


def _from_last(
    panel: pd.DataFrame, queries: pd.DataFrame, scale: str, pace: float, errors: Floats, h: Floats
) -> pd.DataFrame:
    """Last reading + pace x years, with a variance of past errors that grows with time.

    Random walk variance per year by least squares through the origin of squared errors on time.
    """
    last = panel.groupby("province_code").last()
    gap = np.abs(years(queries["as_of"]) - queries["province_code"].map(last["t"]).to_numpy(float))
    mean = queries["province_code"].map(last[scale]).to_numpy(float) + pace * gap
    if len(h) >= ENOUGH_ERRORS:
        yearly = float((errors**2 * h).sum() / (h**2).sum())
    else:
        yearly = float(panel[scale].var()) if len(panel) > 1 else np.nan
    if not np.isfinite(yearly):
        raise PeerFailure("too few readings for a band")
    sd = np.sqrt(yearly * np.maximum(gap, 0.25))
    never = np.isnan(mean)
    to_frame = normal_percent if scale == "value" else normal_logit
    out = to_frame(np.nan_to_num(mean), np.nan_to_num(sd, nan=1.0), queries.index)
    if never.any():
        quantiles = np.tile(_past_quantiles(panel), (int(never.sum()), 1))
        out = replaced(out, never, _frame(quantiles, queries.index[never]))
    return out


# --------------------------------------------------------------------------------------------------
# Forecasts of models that take other libraries: computed once, kept, and checked before use.
#
# data/benchmarks/peers.csv holds mean and standard deviation (log odds) of ETS, Theta, ARIMA
# (statsforecast), Prophet, the logistic transition (NumPyro) and GPBoost, each row with the
# fingerprint of the code, readings and questions that it was made from. Where one of these has
# changed since, the forecasts are left out and the tables say so. `make peers` makes them anew.
# --------------------------------------------------------------------------------------------------

_LIBRARIES, _FIELD = "analysis.validation.libraries", "analysis.validation.field_models"
#: The models, and the module that answers for each.
KEPT_MODELS = dict.fromkeys(("ets", "theta", "arima", "prophet"), _LIBRARIES) | dict.fromkeys(
    ("transition", "gpboost"), _FIELD
)
#: Sampling takes minutes a fold, and needs more readings than the other rates have.
HEALTH_ALONE = ("transition",)
KEPT_FILE = Path(ROOT) / "data" / "benchmarks" / "peers.csv"
#: The designs with a time order; these models cannot fill in the past.
KEPT_RUNS = ("rolling_origin", "latest")
COLUMNS = ["model", "indicator", "fold", "fingerprint", "province_code", "as_of", "z", "sd", "note"]
#: How the reason begins when forecasts are not of today's readings and code.
STALE = "no kept forecasts for these readings and this code"


def fingerprint(
    model: str, train: pd.DataFrame, queries: pd.DataFrame, known: Known | None = None
) -> str:
    """A short mark of all that a kept model sees, is asked, and is computed with.

    Of a series by itself that is the provinces' readings; of a model of all provinces also the
    country's, and regions, borders and characteristics in `known`.
    """
    indicator = indicator_of(queries)
    module = KEPT_MODELS[model]
    text = [model, indicator, stored_forecasts.code_mark(module)]
    levels = ["province_63", "country"] if module == _FIELD else ["province_63"]
    for level in levels:
        if level == "country" and not (train["geo_level"] == level).any():
            continue
        panel = pick(train, indicator, level)
        text += [f"{r.province_code} {r.as_of:%Y-%m-%d} {r.value:.6g}" for r in panel.itertuples()]
    if module == _FIELD and known is not None:
        raw = known.raw
        for table in (
            raw.provinces[["province_code", "region"]],
            raw.adjacency[["code_a", "code_b"]],
            raw.covariates[["province_code", "year", "covariate", "value"]],
        ):
            text.append(table.to_csv(index=False, float_format="%.6g"))
    text += [f"{q.province_code} {q.as_of:%Y-%m-%d}" for q in queries.itertuples()]
    return hashlib.sha256("\n".join(text).encode()).hexdigest()[:12]


def forecast(
    model: str, train: pd.DataFrame, queries: pd.DataFrame, context: Known
) -> pd.DataFrame:
    """The kept forecasts of `model` for a fold; series too short for it get the last value.

    Raises PeerFailure when there are none for these readings and this code.
    """
    if model in HEALTH_ALONE and indicator_of(queries) != "hi_coverage":
        raise PeerFailure("run for health insurance alone, where there are enough readings")
    mark = fingerprint(model, train, queries, context)
    asked(KEPT_FILE)
    table = _table()
    found = table[(table["model"] == model) & (table["fingerprint"] == mark)]
    if found.empty:
        raise PeerFailure(f"{STALE}; `make peers` makes them (data/benchmarks)")
    keys = ["province_code", "as_of"]
    row = queries[keys].merge(found, on=keys, how="left", validate="one_to_one", indicator=True)
    if (row["_merge"] == "left_only").any():
        raise PeerFailure("kept forecasts are incomplete; `make peers` makes them anew")
    refused = row["note"].fillna("").str.startswith(REFUSED)
    if refused.all():
        raise PeerFailure(row["note"].iloc[0].removeprefix(REFUSED))
    out = last_value(train, queries, context)
    own = row["z"].notna().to_numpy()
    z, sd = row.loc[own, "z"].to_numpy(), row.loc[own, "sd"].to_numpy()
    out = replaced(out, own, normal_logit(z, sd, queries.index[own]))
    out["note"] = row["note"].fillna("").to_numpy()
    return out


#: The note of a fold that a model of all provinces could not answer; the reason follows.
REFUSED = "not answered: "


@cache
def _table() -> pd.DataFrame:
    if not KEPT_FILE.is_file():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(KEPT_FILE, dtype={"province_code": str}, parse_dates=["as_of"])


# --------------------------------------------------------------------------------------------------
# The benchmark that counts: the nationwide curve and a province's shrunken last deviation.
# --------------------------------------------------------------------------------------------------

#: A deviation from the nationwide curve keeps this share of itself each year.
_KEPT = 0.7
#: The curve goes on at the average pace of its last years.
PACE_YEARS = 3.0


def curve(country: pd.DataFrame, t: Floats, kept: float = 1.0) -> Floats:
    """Nationwide log odds at the times `t`: straight between readings, then at the last pace.

    kept: share of the pace that is left after each year (1: it never slows down).
    """
    at, z = country["t"].to_numpy(), country["z"].to_numpy()
    inside = np.interp(t, at, z)
    back = np.interp(at[-1] - PACE_YEARS, at, z)
    pace = (z[-1] - back) / PACE_YEARS
    ahead = np.maximum(t - at[-1], 0)
    if kept < 1:
        ahead = (1 - kept**ahead) / -np.log(kept)
    return inside + pace * ahead


def national(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """Nationwide curve + 0.7^years x the province's last deviation, on the logit scale.

    The band comes from the errors that the same rule would have made between readings already
    known; for a province never read, from the spread of the known deviations.
    """
    return _forecast(train, queries, kept=1.0)


def national_damped(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """As `national`, with a nationwide pace that loses 30% of itself each year."""
    return _forecast(train, queries, kept=_KEPT)


def national_parallel(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """As `national`, with a deviation that stays: each province runs beside the country."""
    return _forecast(train, queries, kept=1.0, deviation_kept=1.0)


def _forecast(
    train: pd.DataFrame, queries: pd.DataFrame, kept: float, deviation_kept: float = _KEPT
) -> pd.DataFrame:
    indicator = indicator_of(queries)
    country = pick(train, indicator, "country")
    panel = pick(train, indicator, "province_63")
    panel["deviation"] = panel["z"] - curve(country, panel["t"].to_numpy(), kept)
    last = panel.groupby("province_code").last()
    t = years(queries["as_of"])
    gap = np.abs(t - queries["province_code"].map(last["t"]).to_numpy(float))
    deviation = queries["province_code"].map(last["deviation"]).to_numpy(float)
    never = np.isnan(deviation)
    centre = curve(country, t, kept) + np.where(never, 0, deviation * deviation_kept**gap)
    between = pairs(panel)
    spread = float(np.sqrt(np.mean(panel["deviation"] ** 2)))
    errors = between["deviation_1"] - between["deviation_0"] * deviation_kept ** between["h"]
    own = root_mean_square(errors.to_numpy(), spread)
    return normal_logit(centre, np.where(never, spread, own), queries.index)


# --------------------------------------------------------------------------------------------------
# A mixed model of statsmodels: random intercept and slope by province on the logit scale.
# --------------------------------------------------------------------------------------------------


def mixed_model(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """Log odds = a + b t + (a_i + b_i t) + error, by restricted maximum likelihood.

    `MixedLM.predict` leaves the random effects out, so mean and band are put together here:
    the best linear unbiased prediction of a_i + b_i t with its conditional variance, the
    variance of the fixed effects, and the residual variance (Robinson 1991, equations 1.1 to
    1.4). Falls back to a random intercept when the slope's variance ends on its boundary, and
    says so in the column `note`. Raises PeerFailure when neither converges.
    """
    panel = pick(train, indicator_of(queries), "province_63")
    if panel["province_code"].nunique() < 4 or len(panel) < 10:
        raise PeerFailure(f"{len(panel)} readings are too few for a mixed model")
    centre = panel["t"].mean()
    design = np.column_stack([np.ones(len(panel)), panel["t"] - centre])
    result, note = _fit(panel, design)
    t = years(queries["as_of"]) - centre
    mean, variance = _predict(result, panel, design, queries["province_code"], t)
    out = normal_logit(mean, np.sqrt(variance), queries.index)
    out["note"] = note
    return out


def _fit(panel: pd.DataFrame, design: Floats) -> tuple[Any, str]:
    """The first of slope and intercept, intercept alone, that converges inside its bounds."""
    reasons = []
    for columns, name in ((2, "random intercept and slope"), (1, "random intercept only")):
        model = MixedLM(panel["z"], design, panel["province_code"], exog_re=design[:, :columns])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = model.fit(reml=True, method=["lbfgs", "bfgs"], maxiter=500)
            except (np.linalg.LinAlgError, ValueError) as error:
                reasons.append(f"{name}: {error}")
                continue
        smallest = np.linalg.eigvalsh(np.asarray(result.cov_re, float)).min()
        fixed = np.asarray(result.cov_params(), float)[:2, :2]
        if result.converged and smallest > 1e-8 and np.isfinite(fixed).all():
            return result, "" if columns == 2 else f"{name} ({'; '.join(reasons)})"
        words = {str(item.message).split(".")[0] for item in caught}
        reasons.append(f"{name}: {', '.join(sorted(words)) or 'variance on its boundary'}")
    raise PeerFailure("; ".join(reasons))


def _predict(
    result: Any, panel: pd.DataFrame, design: Floats, codes: pd.Series, t: Floats
) -> tuple[Floats, Floats]:
    """Mean and variance (log odds) of a new reading of each province at time t."""
    beta = np.asarray(result.fe_params, float)
    covariance = np.asarray(result.cov_re, float)
    fixed = np.asarray(result.cov_params(), float)[:2, :2]
    k, noise = len(covariance), float(result.scale)
    rows = panel.groupby("province_code").indices
    x = np.column_stack([np.ones(len(t)), t])
    mean, variance = np.empty(len(t)), np.empty(len(t))
    for i, code in enumerate(codes):
        own = design[rows.get(code, [])]
        z = own[:, :k]
        marginal = z @ covariance @ z.T + noise * np.eye(len(own))
        weight = np.linalg.solve(marginal, z @ covariance @ x[i, :k]) if len(own) else np.zeros(0)
        residual = panel["z"].to_numpy()[rows.get(code, [])] - own @ beta
        left = x[i] - own.T @ weight
        mean[i] = x[i] @ beta + weight @ residual
        conditional = x[i, :k] @ covariance @ x[i, :k] - weight @ (z @ covariance @ x[i, :k])
        variance[i] = conditional + left @ fixed @ left + noise
    return mean, variance


# --------------------------------------------------------------------------------------------------
# Simple models on the one series of the whole country.
#
# ETS and ARIMA are not among them: by the origins the country has four to ten yearly values, some
# of them interpolated, for as many parameters.
# --------------------------------------------------------------------------------------------------

#: A yearly series shorter than this, or with fewer readings behind it, is refused.
_ENOUGH_YEARS, _ENOUGH_READINGS = 4, 3
_ONE_SD = 0.31731


def alone(peer: Peer) -> Peer:
    """A model of provinces, shown the country's readings as those of its only province."""

    def answer(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
        own = train[train["geo_level"] == "country"].assign(geo_level="province_63")
        if not (own["indicator"] == indicator_of(queries)).any():
            raise PeerFailure("no reading of the country to learn from")
        return peer(own, queries.assign(geo_level="province_63"), context)

    return answer


def theta(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """Theta of statsmodels on log odds at yearly steps back from the last reading.

    Values between readings are interpolated, so the library's band is narrow. Raises PeerFailure
    for a series of less than four years or three readings. Assimakopoulos and Nikolopoulos 2000.
    """
    own = pick(train, indicator_of(queries), "country")
    at, z = own["t"].to_numpy(), own["z"].to_numpy()
    grid = np.arange(at[-1], at[0] - 1e-9, -1)[::-1]
    if len(grid) < _ENOUGH_YEARS or len(at) < _ENOUGH_READINGS:
        raise PeerFailure(f"{len(at)} readings in {len(grid)} years are too few for Theta")
    t = years(queries["as_of"]) - at[-1]
    mean, sd = _theta(np.interp(grid, at, z), int(np.ceil(t.max())))
    steps = np.arange(len(mean) + 1)
    return normal_logit(
        np.interp(t, steps, np.append(z[-1], mean)),
        np.interp(t, steps, np.append(sd[0], sd)),
        queries.index,
    )


def _theta(y: Floats, steps: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation one to `steps` years ahead."""
    with warnings.catch_warnings():
        # The library warns of every series as short as these.
        warnings.simplefilter("ignore")
        fitted = ThetaModel(pd.Series(y), period=1, deseasonalize=False).fit(disp=False)
        mean = fitted.forecast(steps).to_numpy(float)
        low, high = fitted.prediction_intervals(steps, alpha=_ONE_SD).to_numpy(float).T
    if not np.isfinite([mean, low, high]).all():
        raise PeerFailure("Theta gave no finite forecast")
    return mean, np.maximum((high - low) / 2, 1e-3)


#: The models that forecasts of the country are compared with.
SERIES: dict[str, Peer] = {
    "last_value": alone(last_value),
    "drift": alone(drift),
    "trend": alone(trend),
    "theta": theta,
}


# --------------------------------------------------------------------------------------------------
# The models that the project's own is measured against, all with one signature.
#
# peer(train, queries, context) -> DataFrame with mean, sd and q0.01 to q0.99 of the reported
# value in percent, on the index of `queries`. train: readings known at the origin, of all levels
# and indicators. context: a `Known`. A column `note` may say what a forecast had to do without.
# --------------------------------------------------------------------------------------------------

Peer = Callable[[pd.DataFrame, pd.DataFrame, Known], pd.DataFrame]


def bym2(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """BYM2 in space and a random walk in time: `analysis.validation.field_models`."""
    from analysis.validation import field_models

    mean, sd, _ = field_models.small_area(train, queries, context)
    return normal_logit(mean, sd, queries.index)


#: Computed at each run. `last_value` is the naive forecast, `national` the benchmark.
PEERS: dict[str, Peer] = {
    "last_value": last_value,
    "national": national,
    "national_damped": national_damped,
    "national_parallel": national_parallel,
    "drift": drift,
    "trend": trend,
    "mixed_model": mixed_model,
    "bym2": bym2,
    "climatology": climatology,
}
#: Read from data/benchmarks, in the designs with a time order.
PEERS |= {name: partial(forecast, name) for name in KEPT_MODELS}
