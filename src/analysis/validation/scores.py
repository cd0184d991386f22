"""How a forecast is judged: proper scores from quantiles or samples, calibration, skill."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from analysis import seeds
from analysis.forecast.known import known_at
from analysis.forecast.prediction import PERCENTILE_COLUMNS, PERCENTILES
from analysis.readings.targets import meets
from analysis.validation import designs

BANDS = (50, 80, 90, 95)
#: A reading's interval never gets less probability than this, so that one miss has a finite price.
SMALLEST_PROBABILITY = 1e-6
REPLICATES = 2000

Floats = npt.NDArray[Any]


def crps_quantiles(quantiles: Floats, value: Floats) -> Floats:
    """Continuous ranked probability score from the 99 quantiles q0.01 to q0.99.

    Twice the mean pinball loss (Gneiting and Raftery 2007, section 4.2; Laio and Tamea 2007).
    quantiles: (n, 99) in the unit of value; value: (n,). Lower is better; for a point forecast
    it is the absolute error.
    """
    miss = np.asarray(value, float)[:, None] - quantiles
    return 2 * np.mean(np.maximum(PERCENTILES * miss, (PERCENTILES - 1) * miss), axis=1)


def distribution(quantiles: Floats, value: Floats) -> Floats:
    """P(X <= value) for each row of quantiles (n, 99).

    Linear between the quantiles on the scale of normal scores, and beyond the outer ones with
    the slope of the tail from q0.01 to q0.05 (q0.95 to q0.99), so that it is exact for a normal.
    """
    scores = [_normal_score(q, v) for q, v in zip(quantiles, value, strict=True)]
    return norm.cdf(np.array(scores))


_AT = norm.ppf(PERCENTILES)
_STEP = 1e-9 * np.arange(len(PERCENTILES))


def _normal_score(quantiles: Floats, value: float) -> float:
    x = quantiles + _STEP
    if value < x[0]:
        return _AT[0] + (value - x[0]) * (_AT[4] - _AT[0]) / (x[4] - x[0])
    if value > x[-1]:
        return _AT[-1] + (value - x[-1]) * (_AT[-1] - _AT[-5]) / (x[-1] - x[-5])
    return float(np.interp(value, x, _AT))


def log_score(quantiles: Floats, lower: Floats, upper: Floats) -> Floats:
    """Log probability of the interval that the printed digits and words allow (n,)."""
    probability = distribution(quantiles, upper) - distribution(quantiles, lower)
    return np.log(np.maximum(probability, SMALLEST_PROBABILITY))


def band(quantiles: Floats, percent: int) -> tuple[Floats, Floats]:
    """Lower and upper end of the central `percent` band, each (n,).

    Ends that fall between two of the 99 levels (2.5 and 97.5%) are interpolated.
    """
    low, high = (_between(quantiles, position) for position in _ends(percent))
    return low, high


@cache
def _ends(percent: int) -> list[float]:
    """Where the ends of a central band fall among the 99 quantiles, counted from 0."""
    outside = (1 - percent / 100) / 2
    ends = norm.ppf([outside, 1 - outside])
    return [float(np.interp(end, _AT, np.arange(len(PERCENTILES)))) for end in ends]


def _between(quantiles: Floats, position: float) -> Floats:
    left = min(int(np.floor(position + 1e-9)), quantiles.shape[1] - 2)
    share = position - left
    return quantiles[:, left] * (1 - share) + quantiles[:, left + 1] * share


def score_forecasts(forecasts: pd.DataFrame) -> pd.DataFrame:
    """One row a forecast with its scores, in the order of `forecasts`.

    forecasts: value, lower, upper, last_value, last_as_of, as_of and the 99 quantiles (percent).
    error is median minus value. change_error is the error of the yearly change since the
    province's last reading, in points a year (missing for a province never read).
    """
    quantiles = forecasts[PERCENTILE_COLUMNS].to_numpy(float)
    value = forecasts["value"].to_numpy(float)
    years = (forecasts["as_of"] - forecasts["last_as_of"]).dt.days / 365.25
    scores = pd.DataFrame(
        {
            "crps": crps_quantiles(quantiles, value),
            "error": forecasts["q0.50"] - value,
            "pit": distribution(quantiles, value),
            "log_score": log_score(
                quantiles, forecasts["lower"].to_numpy(float), forecasts["upper"].to_numpy(float)
            ),
        },
        index=forecasts.index,
    )
    # Over less than a quarter a year's change would only blow up the rounding.
    scores["change_error"] = (scores["error"].abs() / years).where(years >= 0.25)
    for percent in BANDS:
        low, high = band(quantiles, percent)
        scores[f"cover{percent}"] = (value >= low) & (value <= high)
        scores[f"width{percent}"] = high - low
    return scores


def score_summary(scored: pd.DataFrame) -> pd.Series:
    """n, crps, mae, bias, change_error, log_score, cover and width of each band."""
    row = {
        "n": len(scored),
        "provinces": scored["province_code"].nunique(),
        "crps": scored["crps"].mean(),
        "mae": scored["error"].abs().mean(),
        "bias": scored["error"].mean(),
        "change_error": scored["change_error"].mean(),
        "log_score": scored["log_score"].mean(),
    }
    for percent in BANDS:
        row[f"cover{percent}"] = scored[f"cover{percent}"].mean()
    for percent in BANDS:
        row[f"width{percent}"] = scored[f"width{percent}"].mean()
    return pd.Series(row, dtype=object)


def skill(
    own: pd.Series, other: pd.Series, province: pd.Series, *names: str
) -> tuple[float, float, float]:
    """1 - mean(own) / mean(other) with a 95% interval; positive where `own` is better.

    The three series share an index (one score a forecast). The interval is a percentile
    bootstrap over provinces, because readings of one province stand and fall together;
    `names` name its random numbers. With one province there is no interval (NaN).
    """
    sums = pd.DataFrame({"own": own, "other": other}).groupby(province.to_numpy()).sum()
    if not len(sums) or sums["other"].sum() == 0:
        return (np.nan, np.nan, np.nan)
    estimate = 1 - sums["own"].sum() / sums["other"].sum()
    k = len(sums)
    if k < 2:
        return (float(estimate), np.nan, np.nan)
    replicated = _times(k, "skill", *names) @ sums.to_numpy()
    low, high = np.quantile(1 - replicated[:, 0] / replicated[:, 1], [0.025, 0.975])
    return float(estimate), float(low), float(high)


@cache
def _times(k: int, *names: str) -> Floats:
    """How often each of k provinces is drawn in each replicate: (REPLICATES, k)."""
    random = seeds.generator("validation", *names)
    return random.multinomial(k, np.full(k, 1 / k), size=REPLICATES)


def mean_interval(values: pd.Series, province: pd.Series, *names: str) -> tuple[float, float]:
    """95% percentile interval of a mean, resampling whole provinces (NaN with one province)."""
    sums = pd.DataFrame({"s": values.to_numpy(float), "n": 1.0}).groupby(province.to_numpy()).sum()
    k = len(sums)
    if k < 2:
        return (np.nan, np.nan)
    drawn = _times(k, "mean", *names) @ sums.to_numpy()
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)


def weighted_interval(
    values: pd.Series, weight: Floats, cluster: pd.Series, *names: str
) -> tuple[float, float]:
    """95% percentile interval of a weighted mean, resampling whole clusters (NaN with one)."""
    table = pd.DataFrame({"s": values.to_numpy(float) * weight, "n": weight})
    sums = table.groupby(cluster.to_numpy()).sum()
    if len(sums) < 2:
        return (np.nan, np.nan)
    drawn = _times(len(sums), "mean", *names) @ sums.to_numpy()
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return float(low), float(high)


def brier(probability: Floats, met: Floats) -> float:
    """Mean squared distance between the probability and what came (1 met, 0 not)."""
    return float(np.mean((np.asarray(probability) - np.asarray(met, float)) ** 2))


def reliability(probability: Floats, met: Floats, edges: Floats) -> pd.DataFrame:
    """By bins of probability: n, mean probability, share met (empty bins are left out)."""
    groups = np.clip(np.digitize(probability, edges[1:-1]), 0, len(edges) - 2)
    table = pd.DataFrame({"bin": groups, "probability": probability, "met": np.asarray(met, float)})
    out = table.groupby("bin").agg(
        n=("met", "size"), mean_probability=("probability", "mean"), share_met=("met", "mean")
    )
    out.insert(0, "from", np.asarray(edges)[out.index])
    out.insert(1, "to", np.asarray(edges)[out.index + 1])
    return out.reset_index(drop=True)


# --------------------------------------------------------------------------------------------------
# Chances of meeting a target, against what was reported later and against plain base rates.
# --------------------------------------------------------------------------------------------------

_KEYS = ["indicator", "origin", "province_code", "as_of"]
EDGES = np.array([0, 0.25, 0.5, 0.75, 1.0])


def _past_share(readings: pd.DataFrame, raw: Any, indicator: str) -> pd.DataFrame:
    """By origin: the share of targets met among year-ends reported by then.

    Columns: origin, n, met, probability (the plain share, a half where nothing had been reported)
    and cautious: the share with one met and one missed target added (Laplace's rule), which no
    handful of cases drives to 0 or 1.
    """
    rows = []
    for origin in designs.ORIGINS:
        known = known_at(readings, raw, origin)
        pairs = reported_with_target(known.readings, known.targets, indicator)
        met = int(meets(pairs["gap"], 0.0).sum())
        share = met / len(pairs) if len(pairs) else 0.5
        rows.append((str(origin.year), len(pairs), met, share, (met + 1) / (len(pairs) + 2)))
    return pd.DataFrame(rows, columns=["origin", "n", "met", "probability", "cautious"])


def reported_with_target(
    readings: pd.DataFrame, targets: pd.DataFrame, indicator: str
) -> pd.DataFrame:
    """Year-end readings of provinces beside the target due that day, with gap in points.

    The target is chosen as in `designs.targets_in_force`.
    """
    scored = designs.scored_readings(readings, indicator)
    scored = scored[(scored["as_of"].dt.month == 12) & (scored["as_of"].dt.day == 31)]
    own = designs.targets_in_force(targets, indicator).drop(columns=["geo_level", "indicator"])
    pairs = scored.merge(own, on=["province_code", "as_of"])
    return pairs.assign(gap=(pairs["value"] - pairs["target"]).round(6))


def score_table(
    forecasts: pd.DataFrame, readings: pd.DataFrame, raw: Any, indicator: str
) -> pd.DataFrame:
    """Brier score of each probability on the year-ends that were reported.

    forecasts: rows of `Evaluation.attainment` of several models. Columns: model, probability
    (which of the model's), indicator, n, provinces, share_met, provinces_missed
    (how many missed one), mean_probability, brier, and
    skill against the past share of met targets with a 95% interval over provinces;
    past_share has two of them, base_rate and base_rate_cautious (see `past_share`);
    discrimination is the share of pairs of a met and a missed target that the probabilities
    put in the right order (0.5: none).
    """
    rows = forecasts[(forecasts["indicator"] == indicator) & forecasts["value"].notna()]
    if rows.empty:
        return pd.DataFrame()
    long = _long(rows)
    base = _past_share(readings, raw, indicator).set_index("origin")
    asked = rows.drop_duplicates(_KEYS).assign(model="past_share")
    plain = [
        asked.assign(kind=kind, p=asked["origin"].map(base[column]))
        for kind, column in (("base_rate", "probability"), ("base_rate_cautious", "cautious"))
    ]
    long = pd.concat([long, *plain], ignore_index=True)
    long["loss"] = (long["p"] - meets(long["value"], long["target"])) ** 2
    reference = long[long["kind"] == "base_rate"].set_index(_KEYS)["loss"]
    out = []
    for (model, kind), group in long.groupby(["model", "kind"]):
        out.append({"model": model, "probability": kind, "indicator": indicator})
        out[-1] |= _scores(group, reference)
    return pd.DataFrame(out).sort_values(["brier", "model"], ignore_index=True)


def _long(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a probability: p with its kind (quantiles, meets_true, meets_reported)."""
    parts = [
        rows.assign(kind=column.removeprefix("p_"), p=rows[column]).dropna(subset=["p"])
        for column in ("p_quantiles", "p_meets_true", "p_meets_reported")
    ]
    return pd.concat(parts, ignore_index=True)


def _scores(group: pd.DataFrame, reference: pd.Series) -> dict[str, float]:
    met = meets(group["value"], group["target"])
    p = group["p"].to_numpy(float)
    own = group.set_index(_KEYS)["loss"]
    province = pd.Series(own.index.get_level_values("province_code"))
    other = reference.loc[own.index].reset_index(drop=True)
    gain = skill(own.reset_index(drop=True), other, province, "attainment")
    return {
        "n": len(group),
        "provinces": group["province_code"].nunique(),
        "share_met": float(met.mean()),
        "provinces_missed": group.loc[~met, "province_code"].nunique(),
        "mean_probability": float(p.mean()),
        "brier": brier(p, met),
        "skill_vs_past_share": gain[0],
        "skill_vs_past_share_low": gain[1],
        "skill_vs_past_share_high": gain[2],
        "discrimination": discrimination(p, met),
    }


def discrimination(probability: Floats, met: np.ndarray) -> float:
    """Share of (met, missed) pairs in the right order, ties half (area under the ROC curve)."""
    yes, no = probability[met], probability[~met]
    if not len(yes) or not len(no):
        return float("nan")
    difference = yes[:, None] - no[None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def chances_of_silent(
    forecasts: pd.DataFrame, column: str, odds: tuple[float, ...]
) -> pd.DataFrame:
    """Chances of meeting the target if silence means bad news, by how much.

    forecasts: one row a unit with `column`, the chance that it meets its target whether or not
    it reports, `reported`, whether a year-end value has come, value and target. odds: how many
    times likelier a unit is to report when it has met its target. Reporting rates of met and
    missed targets, r and r / odds, are such that the expected share of reports equals the
    observed one; then `if_silent` applies.

    Columns: odds, reporting_if_met, reporting_if_missed, n_silent, mean_probability (of the
    silent), expected (number of silent units that meet their target), met_of_all (see there).
    Raises ValueError when nobody is silent.
    """
    p, reported = forecasts[column].to_numpy(float), forecasts["reported"].to_numpy(bool)
    if reported.all():
        raise ValueError("every unit has reported: there is no silence to interpret")
    shown = forecasts[reported]
    seen = float(meets(shown["value"], shown["target"]).mean())
    rows = []
    for ratio in odds:
        rate = min(reported.mean() / np.mean(p + (1 - p) / ratio), 1 - 1e-9)
        after = if_silent(p[~reported], rate, rate / ratio)
        share = met_of_all(seen, ratio)
        rows.append((ratio, rate, rate / ratio, len(after), after.mean(), after.sum(), share))
    names = ["odds", "reporting_if_met", "reporting_if_missed", "n_silent"]
    return pd.DataFrame(rows, columns=[*names, "mean_probability", "expected", "met_of_all"])


def if_silent(p: Floats, reporting_if_met: float, reporting_if_missed: float) -> Floats:
    """Chance of a met target given that the unit stayed silent, by Bayes' rule (shares)."""
    kept, lost = p * (1 - reporting_if_met), (1 - p) * (1 - reporting_if_missed)
    return kept / (kept + lost)


def met_of_all(met_of_reported: float, odds: float) -> float:
    """Share of all targets that were met, from the share among the reported ones.

    Reported ones over-represent met targets by `odds`: s / (s + odds (1 - s)).
    """
    return met_of_reported / (met_of_reported + odds * (1 - met_of_reported))
