"""Scores of the forecasts of the country: numbers and chances, of every model on the same cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import targets as targets_room
from analysis.forecast.validation import country, designs, own_country, run, scores
from analysis.forecast.validation.attainment import TINY
from analysis.forecast.validation.peers.series import SERIES
from analysis.forecast.validation.scores import QUANTILES

OWN = "analysis"
MODELS = {OWN: own_country.analysis, **SERIES}
PAST = {"past_share": "plain", "past_share_cautious": "cautious"}
ALL = "all"

FORECASTS = [
    "model", "indicator", "origin", "as_of", "value", "lower", "upper", "last_value",
    "last_as_of", "mean", "sd", *QUANTILES, "crps", "error", "pit",
]  # fmt: skip
CASES = [
    "model", "indicator", "design", "origin", "as_of", "target", "setter", "announced",
    "p_meets_true", "p_meets_reported", "value", "met",
]  # fmt: skip
_CASE = ["design", "indicator", "origin", "as_of"]
_READING = ["indicator", "origin", "as_of"]


@dataclass(frozen=True)
class Country:
    """What came of the designs of `country`.

    scores: by model, indicator (and all together) and readings (all and year_end of the origins at
    ends of years; mid_year: year-ends from the middle of their year). forecasts: each
    scored forecast. cases: each target with its chances and outcome (met is 1, 0 or missing).
    chances: Brier scores by design, indicator (and all together), model and probability. A model
    that cannot answer a fold (see `peers.series`) has no rows for it.
    """

    scores: pd.DataFrame
    forecasts: pd.DataFrame
    cases: pd.DataFrame
    chances: pd.DataFrame


def evaluate(readings: pd.DataFrame, raw: Any, indicators: tuple[str, ...]) -> Country:
    """Forecast and score every fold of every design with every model."""
    done = [
        _fold(fold, design)
        for design in country.DESIGNS
        for fold in country.folds(design, readings, raw, indicators)
    ]
    scored, cases = (
        pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
        for parts in zip(*done, strict=True)
    )
    cases = pd.concat([cases, past_share(cases, readings, raw)], ignore_index=True)
    cases = _ordered(cases.astype({"met": "Int64"}), _CASE)
    scored["origin"] = pd.to_datetime(scored["origin"])
    numbers = _ordered(scored[scored["design"] != country.ANNOUNCED], _READING)
    return Country(table(numbers), numbers[FORECASTS], cases[CASES], chances(cases))


def _ordered(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Rows by model and `keys`; designs in the order of `country.DESIGNS`."""
    orders = {"model": (*MODELS, *PAST), "design": country.DESIGNS}

    def rank(column: pd.Series) -> pd.Series:
        order = orders.get(str(column.name))
        return column.map({one: i for i, one in enumerate(order)}) if order else column

    return table.sort_values(["model", *keys], key=rank, ignore_index=True)


def _fold(fold: designs.Fold, design: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scored forecasts and cases of every model in one fold."""
    indicator = fold.queries["indicator"].iloc[0]
    made = [run.evaluate_fold(peer, name, indicator, fold) for name, peer in MODELS.items()]
    scored = pd.concat([one.scored for one in made], ignore_index=True)
    asked = pd.concat([one.attainment for one in made], ignore_index=True)
    if asked.empty:
        return scored, asked
    details = fold.targets[["as_of", "setter", "announced"]]
    cases = asked.merge(details, on="as_of", validate="many_to_one")
    said = cases["p_meets_reported"].fillna(cases["p_quantiles"])
    met = np.where(cases["value"].isna(), np.nan, cases["value"] >= cases["target"] - TINY)
    day = pd.to_datetime(cases["origin"])
    cases = cases.assign(design=design, p_meets_reported=said, met=met, origin=day)
    return scored, cases[CASES]


def past_share(cases: pd.DataFrame, readings: pd.DataFrame, raw: Any) -> pd.DataFrame:
    """What the past share of met targets of the country says to every case.

    Rows as `cases`, of two models: past_share (a half where nothing had been reported) and
    past_share_cautious (one met and one missed target added).
    """
    asked = cases[cases["model"] == OWN]
    targets = targets_room.targets(raw)
    rows = []
    for (indicator, origin), group in asked.groupby(["indicator", "origin"]):
        met, n = _past(readings, targets, str(indicator), pd.Timestamp(str(origin)))
        shares = (met / n if n else 0.5, (met + 1) / (n + 2))
        for model, share in zip(PAST, shares, strict=True):
            rows.append(group.assign(model=model, p_meets_true=np.nan, p_meets_reported=share))
    return pd.concat(rows, ignore_index=True)


def _past(
    readings: pd.DataFrame, targets: pd.DataFrame, indicator: str, origin: pd.Timestamp
) -> tuple[int, int]:
    """How many of the country's targets had been met, of how many year-ends read by `origin`."""
    due = country.before_due(targets_room.known_at(targets, origin))
    due = designs.in_force(due, indicator, designs.COUNTRY)
    known = readings[pd.to_datetime(readings["known_on"]) <= origin]
    seen = designs.scored_readings(known[known["as_of"] <= origin], indicator, designs.COUNTRY)
    pairs = seen.merge(due[["as_of", "target"]], on="as_of")
    return int((pairs["value"] >= pairs["target"] - TINY).sum()), len(pairs)


def table(numbers: pd.DataFrame) -> pd.DataFrame:
    """Scores by model, indicator and readings.

    numbers: scored forecasts. crps_analysis is the score of the project's own model on the
    forecasts that the model of the line answered; days and year_ends count different dates.
    """
    mine = numbers.loc[numbers["model"] == OWN, [*_READING, "crps"]]
    numbers = numbers.merge(mine.rename(columns={"crps": "crps_analysis"}), on=_READING)
    numbers["year_end"] = numbers["as_of"].dt.is_year_end
    rows = []
    for (model, indicator, which), group in _groups(numbers):
        line = scores.summary(group).drop(["provinces", "change_error", "log_score"]).to_dict()
        days = {
            "n": line.pop("n"),
            "days": group["as_of"].nunique(),
            "year_ends": group.loc[group["year_end"], "as_of"].nunique(),
        }
        head = {"model": model, "indicator": indicator, "readings": which}
        rows.append(head | days | {"crps_analysis": group["crps_analysis"].mean()} | line)
    return pd.DataFrame(rows)


def _groups(numbers: pd.DataFrame) -> list[tuple[tuple[str, str, str], pd.DataFrame]]:
    """The forecasts of each model, by indicator and together, by kind of reading."""
    found = []
    for model in [name for name in MODELS if name in set(numbers["model"])]:
        one = numbers[numbers["model"] == model]
        for indicator in [*one["indicator"].unique(), ALL]:
            part = one if indicator == ALL else one[one["indicator"] == indicator]
            early = part["origin"].dt.is_year_end
            for which, rows in (
                (ALL, early),
                ("year_end", early & part["year_end"]),
                ("mid_year", ~early),
            ):
                chosen = part[rows]
                if len(chosen):
                    found.append(((model, str(indicator), which), chosen))
    return found


def chances(cases: pd.DataFrame) -> pd.DataFrame:
    """Brier scores of the cases whose outcome was reported.

    Columns: design, indicator, model, probability (meets_true, meets_reported), n, year_ends,
    share_met, mean_probability, brier, and brier_analysis: that of the project's own model
    (as reported) on the cases that the model of the line answered.
    """
    known = cases[cases["met"].notna()]
    mine = known.loc[known["model"] == OWN, [*_CASE, "p_meets_reported"]]
    known = known.merge(mine.rename(columns={"p_meets_reported": "own"}), on=_CASE)
    rows = []
    for design in country.DESIGNS:
        part = known[known["design"] == design]
        for indicator in [*part["indicator"].unique(), ALL]:
            chosen = part if indicator == ALL else part[part["indicator"] == indicator]
            rows += [{"design": design, "indicator": indicator} | line for line in _brier(chosen)]
    return pd.DataFrame(rows)


def _brier(cases: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a model and probability."""
    rows = []
    for model in [name for name in (*MODELS, *PAST) if name in set(cases["model"])]:
        for kind in ("meets_true", "meets_reported"):
            one = cases[(cases["model"] == model) & cases[f"p_{kind}"].notna()]
            if one.empty:
                continue
            met = one["met"].to_numpy(float)
            rows.append(
                {
                    "model": model,
                    "probability": kind,
                    "n": len(one),
                    "year_ends": one["as_of"].nunique(),
                    "share_met": float(met.mean()),
                    "mean_probability": float(one[f"p_{kind}"].mean()),
                    "brier": scores.brier(one[f"p_{kind}"].to_numpy(float), met),
                    "brier_analysis": scores.brier(one["own"].to_numpy(float), met),
                }
            )
    return rows
