"""Chances of meeting a target, against what was reported later and against plain base rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast.known import known_at
from analysis.forecast.validation import designs, scores
from analysis.forecast.validation.scores import Floats

KEYS = ["indicator", "origin", "province_code", "as_of"]
#: A reading meets a target that it equals to the last printed digit.
TINY = 1e-6
EDGES = np.array([0, 0.25, 0.5, 0.75, 1.0])


def past_share(readings: pd.DataFrame, raw: Any, indicator: str) -> pd.DataFrame:
    """By origin: the share of targets met among year-ends reported by then.

    Columns: origin, n, met, probability (the plain share, a half where nothing had been reported)
    and cautious: the share with one met and one missed target added (Laplace's rule), which no
    handful of cases drives to 0 or 1.
    """
    rows = []
    for origin in designs.ORIGINS:
        known = known_at(readings, raw, origin)
        pairs = reported_with_target(known.readings, known.targets, indicator)
        met = int((pairs["gap"] >= -TINY).sum())
        share = met / len(pairs) if len(pairs) else 0.5
        rows.append((str(origin.year), len(pairs), met, share, (met + 1) / (len(pairs) + 2)))
    return pd.DataFrame(rows, columns=["origin", "n", "met", "probability", "cautious"])


def reported_with_target(
    readings: pd.DataFrame, targets: pd.DataFrame, indicator: str
) -> pd.DataFrame:
    """Year-end readings of provinces beside the target due that day, with gap in points.

    The target is chosen as in `designs.own_targets`.
    """
    scored = designs.scored_readings(readings, indicator)
    scored = scored[(scored["as_of"].dt.month == 12) & (scored["as_of"].dt.day == 31)]
    own = designs.own_targets(targets, indicator).drop(columns=["geo_level", "indicator"])
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
    base = past_share(readings, raw, indicator).set_index("origin")
    asked = rows.drop_duplicates(KEYS).assign(model="past_share")
    plain = [
        asked.assign(kind=kind, p=asked["origin"].map(base[column]))
        for kind, column in (("base_rate", "probability"), ("base_rate_cautious", "cautious"))
    ]
    long = pd.concat([long, *plain], ignore_index=True)
    long["loss"] = (long["p"] - (long["value"] >= long["target"] - TINY)) ** 2
    reference = long[long["kind"] == "base_rate"].set_index(KEYS)["loss"]
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
    met = (group["value"] >= group["target"] - TINY).to_numpy()
    p = group["p"].to_numpy(float)
    own = group.set_index(KEYS)["loss"]
    province = pd.Series(own.index.get_level_values("province_code"))
    other = reference.loc[own.index].reset_index(drop=True)
    skill = scores.skill(own.reset_index(drop=True), other, province, "attainment")
    return {
        "n": len(group),
        "provinces": group["province_code"].nunique(),
        "share_met": float(met.mean()),
        "provinces_missed": group.loc[~met, "province_code"].nunique(),
        "mean_probability": float(p.mean()),
        "brier": scores.brier(p, met),
        "skill_vs_past_share": skill[0],
        "skill_vs_past_share_low": skill[1],
        "skill_vs_past_share_high": skill[2],
        "discrimination": discrimination(p, met),
    }


def discrimination(probability: Floats, met: np.ndarray) -> float:
    """Share of (met, missed) pairs in the right order, ties half (area under the ROC curve)."""
    yes, no = probability[met], probability[~met]
    if not len(yes) or not len(no):
        return float("nan")
    difference = yes[:, None] - no[None, :]
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def silence(forecasts: pd.DataFrame, column: str, odds: tuple[float, ...]) -> pd.DataFrame:
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
    seen = float((shown["value"] >= shown["target"] - TINY).mean())
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
