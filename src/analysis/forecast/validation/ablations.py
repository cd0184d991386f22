"""What each ingredient of the model is worth: the score without it, on the rolling origins."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import forecast
from analysis.cache import cached
from analysis.forecast.validation import scores
from analysis.forecast.validation.own import analysis
from analysis.forecast.validation.run import Evaluation, evaluate_all

KEYS = ["design", "origin", "province_code", "as_of"]
#: Ingredients that act on the chance of meeting a target only, not on the forecast value.
NOT_IN_CRPS = ("pull",)


def ingredients() -> list[str]:
    """The switches of `forecast.Settings` that the forecast value depends on."""
    fields = dataclasses.fields(forecast.Settings)
    return [
        field.name for field in fields if field.default is True and field.name not in NOT_IN_CRPS
    ]


@cached
def without(
    indicator: str, readings: pd.DataFrame, raw: Any, answers: Path | None
) -> dict[str, Evaluation]:
    """The rolling origins with one ingredient switched off at a time, by ingredient.

    answers: the file in which the model finds what it has answered before (see `keep`).
    """
    models = {}
    for ingredient in ingredients():
        settings = dataclasses.replace(forecast.Settings(), **{ingredient: False})
        models[ingredient] = partial(analysis, settings=settings)
    return evaluate_all(models, indicator, "rolling_origin", readings, raw)


def ablation_table(full: pd.DataFrame, reduced: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """CRPS (points) of the full model and without each ingredient, warm and cold.

    full, reduced: scored forecasts. lost is the increase of CRPS without the ingredient, with a
    95% interval from a bootstrap over provinces (both scores of a province move together).
    """
    rows: list[tuple[Any, ...]] = []
    for design, part in full.groupby("design"):
        own = part.set_index(KEYS)["crps"]
        rows.append((design, "none", len(own), own.mean(), 0.0, np.nan, np.nan))
        for ingredient, table in reduced.items():
            other = table[table["design"] == design].set_index(KEYS)["crps"]
            rows.append((design, ingredient, len(other), other.mean(), *_lost(own, other)))
    names = ["design", "without", "n", "crps", "lost", "lost_low", "lost_high"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values(["design", "lost"], ascending=[True, False], ignore_index=True)


def _lost(own: pd.Series, other: pd.Series) -> tuple[float, float, float]:
    """Mean difference of the scores with a bootstrap over provinces."""
    difference = (other - own).rename("difference")
    if difference.isna().any():
        raise ValueError("an ablation was not scored on the forecasts of the full model")
    province = pd.Series(difference.index.get_level_values("province_code"))
    low, high = scores.mean_interval(difference.reset_index(drop=True), province, "ablation")
    return float(difference.mean()), low, high
