"""Is good news published more than bad? Heaping at the target, who reports, and when.

One long table: question, indicator, group, measure, n, value, low, high (95% intervals where
the data carry one).
"""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from analysis import forecast, seeds
from analysis.country import geography
from analysis.disk_cache import cached
from analysis.readings.targets import SLACK, meets
from analysis.validation import designs, peers, scores
from analysis.validation.own_model import analysis
from analysis.validation.peers import curve
from analysis.validation.run import Evaluation, evaluate_all
from analysis.validation.scores import REPLICATES, mean_interval, reported_with_target

_Row = tuple[Any, ...]
_COLUMNS = ["question", "indicator", "group", "measure", "n", "value", "low", "high"]
#: Ends of the classes of gap to the target, in points.
GAPS = (-np.inf, -1, -0.5, 0, 0.5, 1, np.inf)
GAP_NAMES = ("below_1", "below_05_1", "below_0_05", "above_0_05", "above_05_1", "above_1")


def heaping_at_targets(
    readings: pd.DataFrame, targets: pd.DataFrame, indicator: str
) -> pd.DataFrame:
    """Where reported year-end values lie from their target, in points.

    `just_above` compares the readings within half a point above the target (the target itself
    included) with those within half a point below: without any pull the two are about as many.
    """
    pairs = reported_with_target(readings, targets, indicator)
    if pairs.empty:
        return pd.DataFrame(columns=_COLUMNS)
    gap = pairs["gap"]
    classes = pd.cut(gap + SLACK, GAPS, labels=GAP_NAMES, right=False)
    counts = classes.value_counts().reindex(GAP_NAMES)
    rows = [("heaping", indicator, str(name), "readings", n, n) for name, n in counts.items()]
    above, below = int(counts["above_0_05"]), int(counts["below_0_05"])
    met = int(meets(gap, 0.0).sum())
    table: list[_Row] = [(*row, np.nan, np.nan) for row in rows]
    table.append(("heaping", indicator, "all", "median_gap", len(gap), gap.median(), *_none()))
    table.append(_share("heaping", indicator, "all", "share_met", met, len(gap)))
    table.append(_share("heaping", indicator, "near", "just_above", above, above + below))
    return pd.DataFrame(table, columns=_COLUMNS)


def reporting_provinces(
    readings: pd.DataFrame, covariates: pd.DataFrame, indicator: str, names: tuple[str, ...]
) -> pd.DataFrame:
    """How provinces with readings differ from those without, in standard deviations.

    covariates: one row a province, indexed by code. A difference above zero: reporters have
    more of it. Intervals by a bootstrap over provinces within each group.
    """
    scored = designs.scored_readings(readings, indicator)
    reads = geography.PROVINCES.index.isin(scored["province_code"])
    count = int(reads.sum())
    total = len(reads)
    rows: list[_Row] = [
        ("who_reports", indicator, "all", "provinces_with_reading", total, count, *_none())
    ]
    table = covariates.reindex(geography.PROVINCES.index)
    for name in names:
        x = table[name].astype(float)
        z = (x - x.mean()) / x.std()
        low, high = _difference(z[reads].dropna(), z[~reads].dropna(), indicator, name)
        value = z[reads].mean() - z[~reads].mean()
        rows.append(("who_reports", indicator, name, "difference", total, value, low, high))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _difference(yes: pd.Series, no: pd.Series, *names: str) -> tuple[float, float]:
    if len(yes) < 2 or len(no) < 2:
        return _none()
    random = seeds.generator("validation", "reporters", *names)
    means = [
        random.choice(group.to_numpy(), (REPLICATES, len(group))).mean(axis=1)
        for group in (yes, no)
    ]
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    return float(low), float(high)


def when(readings: pd.DataFrame, indicator: str) -> pd.DataFrame:
    """Share of readings by season, and whether the next year-end is read after good and bad news.

    Good news: the last reading of a year lies above the nationwide curve of its date.
    """
    scored = designs.scored_readings(readings, indicator)
    year_end = (scored["as_of"].dt.month == 12).to_numpy()
    rows: list[_Row] = [
        _share("when", indicator, "december", "share_of_readings", year_end.sum(), len(scored))
    ]
    panel = peers.pick(readings, indicator, "province_63")
    country = peers.pick(readings, indicator, "country")
    panel["above"] = panel["z"] > curve(country, panel["t"].to_numpy())
    panel["year"] = panel["as_of"].dt.year
    last = panel.groupby(["province_code", "year"]).last().reset_index()
    ends = panel[panel["as_of"].dt.month == 12][["province_code", "year"]].assign(next=True)
    ends["year"] -= 1
    last = last.merge(ends.drop_duplicates(), on=["province_code", "year"], how="left")
    last = last[last["year"] < panel["year"].max()]
    for above, group in last.groupby("above"):
        read = group["next"].notna()
        low, high = mean_interval(read, group["province_code"], "when", indicator)
        name = "after_above_curve" if above else "after_below_curve"
        rows.append(
            ("when", indicator, name, "next_year_end_read", len(read), read.mean(), low, high)
        )
    return pd.DataFrame(rows, columns=_COLUMNS)


def reported_or_silent(attainment: pd.DataFrame, indicator: str, column: str) -> pd.DataFrame:
    """Forecast chance of meeting the target: year-ends reported later against silent ones.

    attainment: rows of `Evaluation.attainment` of one model. If good news is published more,
    the reported ones had the better chances, and met more targets than they were given.
    """
    rows: list[_Row] = []
    own = attainment[(attainment["indicator"] == indicator) & attainment[column].notna()]
    for reported, group in own.groupby(own["value"].notna()):
        name = "reported_later" if reported else "silent"
        low, high = mean_interval(group[column], group["province_code"], name, indicator)
        value = group[column].mean()
        rows.append(("chances", indicator, name, "mean_probability", len(group), value, low, high))
        if reported:
            met = meets(group["value"], group["target"])
            rows.append(_share("chances", indicator, name, "share_met", met.sum(), len(met)))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _none() -> tuple[float, float]:
    return (np.nan, np.nan)


def _share(question: str, indicator: str, group: str, measure: str, k: int, n: int) -> _Row:
    """A share with its exact binomial interval (Clopper and Pearson 1934)."""
    if n == 0:
        return (question, indicator, group, measure, 0, np.nan, np.nan, np.nan)
    interval = binomtest(int(k), int(n)).proportion_ci(0.95)
    return (question, indicator, group, measure, int(n), k / n, interval.low, interval.high)


# --------------------------------------------------------------------------------------------------
# What each ingredient of the model is worth: the score without it, on the rolling origins.
# --------------------------------------------------------------------------------------------------

_KEYS = ["design", "origin", "province_code", "as_of"]
#: Ingredients that act on the chance of meeting a target only, not on the forecast value.
NOT_IN_CRPS = ("pull",)


def ingredient_names() -> list[str]:
    """The switches of `forecast.Settings` that the forecast value depends on."""
    fields = dataclasses.fields(forecast.Settings)
    return [
        field.name for field in fields if field.default is True and field.name not in NOT_IN_CRPS
    ]


@cached
def without_ingredient(
    indicator: str, readings: pd.DataFrame, raw: Any, answers: Path | None
) -> dict[str, Evaluation]:
    """The rolling origins with one ingredient switched off at a time, by ingredient.

    answers: the file in which the model finds what it has answered before (see `keep`).
    """
    models = {}
    for ingredient in ingredient_names():
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
        own = part.set_index(_KEYS)["crps"]
        rows.append((design, "none", len(own), own.mean(), 0.0, np.nan, np.nan))
        for ingredient, table in reduced.items():
            other = table[table["design"] == design].set_index(_KEYS)["crps"]
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
