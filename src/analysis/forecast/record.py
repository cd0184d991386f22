"""What past year-ends say of the pull of targets: how much likelier is it to print a target met?

Each past year-end that had a target is forecast from what was known a year before it, by the
model of today. The level alone would have met fewer targets than were met in print; the pull is
what makes up the difference. Learnt from readings within the sample (each seen from all others,
later ones too) it would come out weaker than forecasts need it, since such readings know nearly
where the value lies. A handful of cases cannot settle it, so all that they leave possible is kept.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from analysis import targets as targets_room
from analysis.forecast.evidence import soft_targets
from analysis.forecast.fit import Fit
from analysis.forecast.known import Known
from analysis.forecast.posterior import Posterior, posterior
from analysis.forecast.reported import (
    NO_PULLS,
    WHOLE,
    WIDTH,
    Pull,
    Pulls,
    cells,
    error_sd,
    middle,
    one_level,
    tilted_sum,
)

#: How long before the day on which a target falls due it is forecast.
AHEAD = pd.DateOffset(years=1)
#: Before any year-end is seen: values below a target may weigh anything from nothing to all,
#: each alike; the heap has this median and this width on the log scale.
HEAP = (2.0, 1.5)
#: How far above the target values heap, in points: median and width on the log scale. Of the
#: year-ends before July 2025 with a target two in five lie within a quarter of a point above it.
HEAP_WIDTH = (0.15, 0.5)
#: Version 1: the prior of the heap. Its width was fixed (`reported.WIDTH`).
HEAP_1 = (0.3, 1.0)
#: Points at which `short`, `heap` and its width are asked, and how many prior widths these reach.
GRID, REACH = (50, 80, 7), 4.0
#: Fewer readings than this cannot carry a forecast of the past.
FEWEST = 3

_KEYS = ["geo_level", "province_code", "indicator", "due"]


def pulls(fit: Fit, known: Known) -> Pulls:
    """The pull of targets on provinces and on the country; none where no target has fallen due."""
    if not fit.evidence.settings.pull:
        return NO_PULLS
    past = past_year_ends(fit, known)
    if past.empty:
        return NO_PULLS
    if not fit.evidence.settings.narrow_heap:
        return estimate(past, HEAP_1, (WIDTH, 0.0))
    return estimate(past)


def estimate(
    past: pd.DataFrame,
    heap_prior: tuple[float, float] = HEAP,
    width_prior: tuple[float, float] = HEAP_WIDTH,
) -> Pulls:
    """What past year-ends say of `short` of provinces and country, and of a common heap.

    The country's figure is printed whatever it says; a province's is found when somebody chose to
    print it. So each has its own `short`. The posterior is summed over a grid: given the heap the
    two are independent, and what one group says of the other is what it says of the heap.

    past: as `past_year_ends` gives it. heap_prior, width_prior: median and width on the log scale
    of the heap and of its width; a width of 0 fixes it.
    """
    short = (np.arange(GRID[0]) + 0.5) / GRID[0]
    heap, width, prior = _grid(heap_prior, width_prior)
    country = (past["geo_level"] == "country").to_numpy()
    loss = {nation: _loss(past[country == nation], short, heap, width) for nation in (False, True)}
    own = {nation: np.exp(one.min() - one) for nation, one in loss.items()}
    heaps, shorts = np.repeat(heap, len(short)), np.tile(short, len(heap))
    widths = np.repeat(width, len(short))
    found = []
    for nation in (False, True):
        weight = prior[:, None] * own[nation] * own[not nation].sum(axis=1, keepdims=True)
        share = (weight / weight.sum()).ravel()
        found.append(Pull(shorts, heaps, widths, share, int((country == nation).sum())))
    return Pulls(*found)


def _grid(
    heap: tuple[float, float], width: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a heap and its width, (H,) each, and how likely they are beforehand (H,)."""
    along = np.linspace(-REACH, REACH, GRID[1])
    across = np.linspace(-2.5, 2.5, GRID[2]) if width[1] > 0 else np.zeros(1)
    heaps, widths = (axis.ravel() for axis in np.meshgrid(along, across))
    prior = np.exp(-(heaps**2 + widths**2) / 2)
    return heap[0] * np.exp(heap[1] * heaps), width[0] * np.exp(width[1] * widths), prior


def _loss(past: pd.DataFrame, short: np.ndarray, heap: np.ndarray, width: np.ndarray) -> np.ndarray:
    """(H, S) minus the log likelihood of year-ends at heap and width (H,) and short (S,)."""
    loss = np.zeros((len(heap), len(short)))
    columns = past[["mean", "sd", "target", "percent"]].to_numpy(float)
    for mean, sd, target, percent in columns:
        edges, mass = cells(mean[None], sd[None], target)
        gap = middle(edges) - target
        over = gap >= 0
        kinds, place = np.unique(width, return_inverse=True)
        near = (np.exp(-gap[over] / kinds[:, None]) @ mass[over])[place][:, None]
        below, above = mass[~over].sum(), mass[over].sum()
        loss += np.log(tilted_sum(short, heap[:, None], below, above, near))
        if percent < target:
            loss -= np.log(short)
        else:
            loss -= np.log1p(heap * np.exp(-(percent - target) / width))[:, None]
    return loss


def past_year_ends(fit: Fit, known: Known) -> pd.DataFrame:
    """Readings of coverage on a day on which a target fell due, each as forecast a year before.

    Columns: geo_level, province_code, indicator, as_of, percent, target, mean and sd (of the logit
    of the reported value, before any pull). The standard deviations are those of the whole fit.
    """
    pairs = _pairs(fit, known)
    days = sorted(pairs["as_of"].unique())
    parts = [_forecast(fit, known, day, pairs[pairs["as_of"] == day]) for day in days]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pairs.iloc[:0]


def _pairs(fit: Fit, known: Known) -> pd.DataFrame:
    """Readings beside the latest target for their day; `row` is the place in the evidence."""
    table = fit.evidence.table
    seen = one_level(known, table.assign(row=np.arange(len(table))))
    seen = seen[seen["error"].isin(["error_coverage", "error_country"])]
    targets = one_level(known, known.targets[known.targets["due"] <= known.origin])
    latest = targets.sort_values(["announced", "value"]).groupby(_KEYS, as_index=False).tail(1)
    pairs = seen.merge(
        latest[[*_KEYS, "value"]].rename(columns={"value": "target", "due": "as_of"}),
        on=[*_KEYS[:3], "as_of"],
    )
    return pairs[pairs["target"] < WHOLE]


def _forecast(fit: Fit, known: Known, due: pd.Timestamp, pairs: pd.DataFrame) -> pd.DataFrame:
    """Mean and sd of the year-ends `pairs` of one day, from a year before."""
    earlier = as_known(fit, known, due - AHEAD)
    if earlier is None:
        return pairs.iloc[:0]
    asked = fit.evidence.points.take(pairs["row"].to_numpy())
    mean, variance = earlier.marginal(asked)
    error = error_sd(fit, fit.theta[None], mean, asked.country > 0)
    return pairs.assign(mean=mean[0], sd=np.sqrt(variance + error**2)[0])


def as_known(fit: Fit, known: Known, day: pd.Timestamp) -> Posterior | None:
    """The posterior from the readings and targets known on `day`; None where there are too few."""
    since = known.readings.set_index("reading_id")["known_on"]
    table = fit.evidence.table
    known_on = pd.to_datetime(table["reading_id"].map(since)).fillna(table["as_of"])
    rows = np.flatnonzero((table["as_of"] <= day) & (known_on <= day))
    if len(rows) < FEWEST:
        return None
    targets = soft_targets(_targets_by(known, day), fit.evidence.family, fit.evidence.settings)
    part = dataclasses.replace(
        fit.evidence,
        table=table.iloc[rows],
        points=fit.evidence.points.take(rows),
        targets=targets,
    )
    return posterior(
        dataclasses.replace(
            fit,
            evidence=part,
            problem=fit.problem.take(rows),
            points=fit.points.take(rows),
            draws=fit.theta[None],
        )
    )


def _targets_by(known: Known, day: pd.Timestamp) -> Known:
    """`known` with the targets and decisions of an earlier day."""
    events = known.raw.policy_events
    return dataclasses.replace(
        known,
        origin=day,
        targets=targets_room.known_at(known.targets, day),
        raw=dataclasses.replace(known.raw, policy_events=events[events["date"] <= day]),
    )
