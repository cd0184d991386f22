"""Answer any question: the value of a unit's indicator, as it will be reported on a date."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from analysis.forecast import bands
from analysis.forecast.fit import HIGHEST_RATE, matched, mean_coverage, mean_slope
from analysis.forecast.goals import goals
from analysis.forecast.known import Known, QueryError
from analysis.forecast.model import Model, model
from analysis.forecast.posterior import Posterior
from analysis.forecast.pull import error_sd, mixture_quantiles, tilted
from analysis.forecast.space import (
    DEFAULT,
    FAMILY,
    Points,
    Settings,
    decimal_year,
    members_of,
)

#: The levels at which a forecast is given and scored: 0.01 to 0.99.
PERCENTILES = np.arange(1, 100) / 100
#: The names of the columns that hold them.
PERCENTILE_COLUMNS = [f"q{level:.2f}" for level in PERCENTILES]


def predict(known: Known, queries: pd.DataFrame, settings: Settings = DEFAULT) -> pd.DataFrame:
    """Predict the reported value for each query from what was known at the origin.

    Args:
        queries: geo_level, province_code, indicator, as_of.

    Returns:
        On the index of `queries`: mean, sd and the quantiles q0.01 ... q0.99, in percent.

    Raises:
        QueryError: unknown units or indicators, with their rows.
        EvidenceError, ValueError: no forecast is possible from this origin.
    """
    refuse(queries, known)
    answer = pd.DataFrame(
        index=queries.index, columns=["mean", "sd", *PERCENTILE_COLUMNS], dtype=float
    )
    families = queries["indicator"].map(FAMILY)
    for family in sorted(set(families)):
        asked = queries[families == family]
        built = model(known, asked["indicator"].iloc[0], settings)
        answer.loc[asked.index] = answered(built, asked)
    return answer


def answered(built: Model, queries: pd.DataFrame) -> np.ndarray:
    """(q, 101) mean, sd and quantiles of the reported value for queries of one family."""
    mean, sd = reported(built, queries)
    mean = mean + carried(built, queries)
    target = goals(built, queries)
    out = np.empty((len(queries), 2 + len(PERCENTILES)))
    for i, level in enumerate(queries["geo_level"]):
        quantiles, expected, spread = mixture_quantiles(
            mean[:, i], sd[:, i], PERCENTILES, built.pulls.of(level), target[i]
        )
        out[i] = [expected, spread, *quantiles]
    return out


def carried(built: Model, queries: pd.DataFrame) -> np.ndarray:
    """(q,) how far targets that fall due earlier have moved a reported value, on the logit scale.

    As `analysis.forecast.draws` has it, but for the mean alone: what a target moves at its own day
    fades over `Settings.carry_memory` years.
    """
    settings, origin = built.evidence.settings, built.known.origin
    moved = np.zeros(len(queries))
    if not settings.carried:
        return moved
    days = pd.to_datetime(queries["as_of"])
    last = days.max()
    ends = [pd.Timestamp(y, 12, 31) for y in range(origin.year, last.year + 1)]
    ends = [day for day in ends if origin < day < last]
    keys = ["geo_level", "province_code", "indicator"]
    units = queries[keys].drop_duplicates().reset_index(drop=True)
    if not ends or units.empty:
        return moved
    state, since = np.zeros(len(units)), np.full(len(units), np.nan)
    place = pd.MultiIndex.from_frame(units).get_indexer(pd.MultiIndex.from_frame(queries[keys]))
    t = decimal_year(pd.DatetimeIndex(days))
    for day in ends:
        asked = units.assign(as_of=day)
        goal = goals(built, asked)
        due = np.isfinite(goal).all(axis=1)
        if not due.any():
            continue
        now = float(decimal_year(pd.DatetimeIndex([day]))[0])
        before = np.where(np.isnan(since), 0.0, state)
        before = before * np.exp(-(now - np.nan_to_num(since, nan=now)) / settings.carry_memory)
        mean, sd = reported(built, asked[due])
        for i, unit in enumerate(np.flatnonzero(due)):
            pull = built.pulls.of(asked["geo_level"].iloc[unit])
            edges, mass = tilted(mean[:, i] + before[unit], sd[:, i], goal[unit], pull)
            state[unit] = mass @ (edges[1:] + edges[:-1]) / 2 - mean[:, i].mean()
            since[unit] = now
        later = (days > day).to_numpy()
        fresh = later & ~np.isnan(since[place])
        faded = np.exp(-(t - since[place]) / settings.carry_memory)
        moved[fresh] = (state[place] * faded)[fresh]
    return moved


def reported(built: Model, queries: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd (M, q) of the logit of the reported value, before the pull of targets."""
    source, given = built.evidence, built.posterior
    asked = source.at(queries)
    mean, variance = given.marginal(asked)
    sums = np.flatnonzero(asked.weights.max(axis=1) < 1)
    if len(sums):
        share, spread = _sums(built, queries.iloc[sums])
        own = _own_base(given, asked.take(sums), mean[:, sums], share)
        mean[:, sums], spread = matched(np.minimum(share * own, HIGHEST_RATE), spread * own)
        variance[:, sums] = spread**2
    error = error_sd(given.fit, given.theta, mean, asked.country > 0)
    return mean, _widened(built, queries, np.sqrt(variance + error**2))


def _widened(built: Model, queries: pd.DataFrame, sd: np.ndarray) -> np.ndarray:
    """Sds (M, q) of readings to come, as wide as past errors of their kind call for.

    Every `bands.EVERY`th parameter draw stands for a reading that errs by definition.
    """
    kind = bands.kinds(queries, built.evidence)
    later = (pd.to_datetime(queries["as_of"]) > built.known.origin).to_numpy()
    factor = np.where(later, built.scales.of(kind), 1.0)
    moved = later & built.scales.known(kind)
    far = np.where(moved[None], built.scales.far(len(sd))[:, None], 1.0)
    wide: np.ndarray = sd * factor * far
    return wide


def _sums(built: Model, queries: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd (M, q) of the coverage (0 to 1) of aggregates: that of their provinces, summed.

    Means of coverage add up exactly; the linear form of a logit does not, and uncertain parts, or
    targets that move the provinces away from where it was taken, would pull it to one side. For
    normal logits, cov(expit(x), expit(y)) = E expit'(x) E expit'(y) cov(x, y) but for terms of
    higher order (the first term of Mehler's expansion).
    """
    source, given, base = built.evidence, built.posterior, built.fit.reference.base
    share = np.empty((len(given.theta), len(queries)))
    spread = np.empty_like(share)
    for indicator, day in sorted(set(zip(queries["indicator"], queries["as_of"], strict=True))):
        table = pd.DataFrame({"province_code": source.units.codes, "geo_level": "province_63"})
        table = table.assign(indicator=indicator, as_of=day)
        at = source.at(table)
        centre, factor = given.joint(at)
        sd = np.sqrt((factor**2).sum(axis=2))
        own, slope = mean_coverage(centre, sd), mean_slope(centre, sd)
        people = source.units.denominators(at.t[:1], source.family)[:, 0] * base
        asked = (queries["indicator"] == indicator) & (queries["as_of"] == day)
        for row in np.flatnonzero(asked):
            unit = queries.iloc[row]
            weight = np.zeros(len(people))
            parts = source.units.parts(unit["geo_level"], unit["province_code"])
            weight[parts] = people[parts] / people[parts].sum()
            share[:, row] = own @ weight
            moved = np.einsum("mp,mpk->mk", slope * weight, factor)
            spread[:, row] = np.sqrt((moved**2).sum(axis=1))
    return share, spread


def _own_base(given: Posterior, asked: Points, mean: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(q,) the country's own rate over that of its provinces together; 1 for other aggregates.

    As `analysis.forecast.draws` has it: the country's series says how far its rate lies from that
    of its provinces, and since participants add up the difference is one of denominators.
    mean: (M, q) logits of the linear form. share: (M, q) coverage of the provinces together.
    """
    nation = asked.country > 0
    if not nation.any():
        return np.ones(len(asked))
    without, _ = given.marginal(dataclasses.replace(asked, country=np.zeros(len(asked))))
    together = share.mean(axis=0)
    own = expit(logit(together) + (mean - without).mean(axis=0))
    return np.where(nation, own / together, 1.0)


def refuse(queries: pd.DataFrame, known: Known) -> None:
    """Raise QueryError naming every row with an unknown unit or indicator."""
    members = members_of(known.raw)
    faults = []
    for row, query in enumerate(queries.itertuples(), start=2):
        if (query.geo_level, query.province_code) not in members:
            faults.append(
                f"row {row}: province_code: {query.geo_level} {query.province_code!r} "
                "is not a unit of provinces.csv"
            )
        if query.indicator not in FAMILY:
            faults.append(
                f"row {row}: indicator: {query.indicator!r} is not forecast; "
                f"known: {', '.join(FAMILY)}"
            )
    if faults:
        raise QueryError("\n".join(faults))
