"""From the true level to the value as it will be reported: reading error, and the target's pull.

Reported year-end values sit at or just above their target more often than levels do. The
density of the reported value is that of level plus reading error, tilted by
    r(gap) = short                          below the target,
             1 + heap exp(-gap / width)     at or above it,
where gap is the reported value less the target in points. `analysis.forecast.pull` learns
`short`, `heap` and `width` from past year-ends. These are few, so what is known of them is kept as
a weighted grid, and a forecast is the average of the densities under its points.

Where the number of a target is not known, several are possible (`analysis.forecast.goals`), and a
forecast is the average of the densities under them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr

from analysis.country.geography import one_level
from analysis.forecast.evidence import soft_targets
from analysis.forecast.fit import CEILING, FLOOR, Fit
from analysis.forecast.known import Known
from analysis.forecast.posterior import Posterior, posterior
from analysis.forecast.space import logit_slope
from analysis.readings import targets as targets_room

#: Points above the target within which reported values heap, in version 1.
WIDTH = 0.5
#: Cells into which a density is cut, and how many standard deviations it reaches to either side.
CELLS, _REACH = 800, 6.0


@dataclass(frozen=True, eq=False)
class Pull:
    """What is known of the pull: (K,) points of its parameters and how likely each is.

    short: weight of values below a target. heap: extra weight just above. width: points above
    within which they heap. weight: adds up to 1. n: year-ends seen.
    """

    short: np.ndarray
    heap: np.ndarray
    width: np.ndarray
    weight: np.ndarray
    n: int

    @classmethod
    def certain(cls, short: float, heap: float, width: float = WIDTH, n: int = 0) -> Pull:
        """A pull of which everything is known."""
        return cls(np.array([short]), np.array([heap]), np.array([width]), np.ones(1), n)

    @property
    def mean_short(self) -> float:
        """The weight of values below a target that is to be expected."""
        return float(self.weight @ self.short)

    def short_at(self, share: float) -> float:
        """The value that the weight below targets does not pass with probability `share`."""
        order = np.argsort(self.short, kind="stable")
        return float(self.short[order][np.searchsorted(self.weight[order].cumsum(), share)])

    @property
    def mean_heap(self) -> float:
        """The extra weight just above a target that is to be expected."""
        return float(self.weight @ self.heap)

    @property
    def mean_width(self) -> float:
        """Points above a target within which values heap, as is to be expected."""
        return float(self.weight @ self.width)

    def tilt(self, gap: np.ndarray, mass: np.ndarray) -> np.ndarray:
        """Probabilities under the pull of values with gaps in points and probabilities `mass`.

        gap, mass: (C,). Returns (C,), adding up to 1: the mean of the tilted densities, each with
        a sum of its own.
        """
        above = targets_room.meets(gap, 0.0)
        over, under = self.split(gap, np.where(above, mass, 0), np.where(above, 0, mass))
        return over + under

    def split(
        self, gap: np.ndarray, over: np.ndarray, under: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same for cells that the target may cut: what lies over it and under it, (C,) each."""
        out, below = np.zeros_like(over), 0.0
        for width in np.unique(self.width):
            rows = self.width == width
            near = np.exp(-np.maximum(gap, 0) / width)
            short, heap = self.short[rows], self.heap[rows]
            total = tilted_sum(short, heap, under.sum(), over.sum(), (over * near).sum())
            each = self.weight[rows] / total
            out = out + over * (each.sum() + (each @ heap) * near)
            below += float(each @ short)
        return out, under * below


def tilted_sum(
    short: np.ndarray, heap: np.ndarray, below: float, above: float, near: float | np.ndarray
) -> np.ndarray:
    """What a tilted density adds up to, from the probabilities below and above its target.

    short, heap: shapes that go together. near: like `above`, each cell times exp(-gap / width).
    """
    return short * below + above + heap * near


NONE = Pull.certain(1.0, 0.0)


@dataclass(frozen=True)
class Pulls:
    """The pull on provinces (merged units and regions too), and on the country."""

    provinces: Pull
    country: Pull

    def of(self, level: str) -> Pull:
        """The pull on units of a geo_level."""
        return self.country if level == "country" else self.provinces


NO_PULLS = Pulls(NONE, NONE)


def error_sd(fit: Fit, theta: np.ndarray, level: np.ndarray, country: np.ndarray) -> np.ndarray:
    """Standard deviation of reading error on the logit scale: (M, q).

    theta: (M, J + E). level: (M, q) or (q,) logits at which it is asked. country: (q,) bool.
    """
    share = np.clip(expit(level), FLOOR, CEILING)
    slope = logit_slope(share)
    own = coverage_error(fit, theta)
    nation = _error(fit, theta, "error_country")
    return np.where(country, nation[:, None], own[:, None]) * slope


def coverage_error(fit: Fit, theta: np.ndarray) -> np.ndarray:
    """(M,) standard deviation of the reading error of a province's coverage, in points."""
    return _error(fit, theta, "error_coverage")


def _error(fit: Fit, theta: np.ndarray, name: str) -> np.ndarray:
    """Points of error by parameter draw; where no reading of a class was seen, its prior."""
    from analysis.forecast.space import PRIORS

    if name in fit.names:
        return np.exp(theta[:, fit.names.index(name)])
    return np.full(len(theta), PRIORS[name][0])


def mixture_quantiles(
    mean: np.ndarray,
    sd: np.ndarray,
    levels: np.ndarray,
    pull: Pull = NONE,
    target: float | np.ndarray = np.nan,
) -> tuple[np.ndarray, float, float]:
    """Quantiles, mean and standard deviation, in percent, of a tilted mixture of logit normals.

    Args:
        mean, sd: (M,) logits. levels: probabilities asked. target: percent, NaN for none; or
            several that are equally likely.
    """
    edges, mass = tilted(mean, sd, target, pull)
    value = middle(edges)
    cumulative = np.concatenate([[0.0], np.cumsum(mass)])
    expected = float(mass @ value)
    spread = float(mass @ (value - expected) ** 2) ** 0.5
    found: np.ndarray = expit(np.interp(levels, cumulative, edges))
    return 100 * found, expected, spread


def probability_at_least(
    mean: np.ndarray,
    sd: np.ndarray,
    target: float,
    pull: Pull = NONE,
    goal: float | np.ndarray | None = None,
) -> float:
    """Probability that the (tilted) value is at or above `target` percent.

    goal: what pulls, where that is not the target itself; as `target` of `mixture_quantiles`.
    """
    possible, counts = np.unique(target if goal is None else goal, return_counts=True)
    if len(possible) > 1:
        each = [probability_at_least(mean, sd, target, pull, float(one)) for one in possible]
        return float(np.average(each, weights=counts))
    edges, mass = tilted(mean, sd, float(possible[0]), pull)
    if possible[0] == target:
        return float(mass[targets_room.meets(middle(edges), target)].sum())
    below = np.interp(np.log(target / (100 - target)), edges, np.append(0.0, np.cumsum(mass)))
    return float(1 - below)


def tilted(
    mean: np.ndarray, sd: np.ndarray, target: float | np.ndarray, pull: Pull
) -> tuple[np.ndarray, np.ndarray]:
    """Edges (C + 1,) of the cells on the logit scale, and their probabilities (C,) under the pull.

    Without a target (NaN) nothing pulls. Of several targets each is as likely as the others.
    """
    possible, counts = np.unique(target, return_counts=True)
    if len(possible) > 1:
        edges, _ = cells(mean, sd, np.nan)
        cumulative = np.zeros(len(edges))
        for one, count in zip(possible, counts, strict=True):
            own, mass = tilted(mean, sd, float(one), pull)
            cumulative += count * np.interp(edges, own, np.append(0.0, np.cumsum(mass)))
        mass = np.diff(cumulative)
        return edges, mass / mass.sum()
    edges, mass = cells(mean, sd, float(possible[0]))
    if np.isfinite(possible[0]):
        return edges, pull.tilt(middle(edges) - float(possible[0]), mass)
    return edges, mass / mass.sum()


def cells(mean: np.ndarray, sd: np.ndarray, target: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (C + 1,) and probabilities (C,) of a mixture of logit normals before any pull.

    The target (percent) is an edge itself: where the pull jumps, no cell is cut in two.
    """
    reach = _REACH * float(np.hypot(np.max(sd), np.std(mean)))
    width = 2 * reach / CELLS
    edges = mean.mean() - reach + width * np.arange(CELLS + 1)
    if 0 < target < 100:
        edges += (np.log(target / (100 - target)) - edges[0]) % width
    mass = np.diff(ndtr((edges[None] - mean[:, None]) / sd[:, None]).mean(axis=0))
    return edges, mass


def middle(edges: np.ndarray) -> np.ndarray:
    """The values in percent at the middle of cells on the logit scale."""
    return 100 * expit((edges[1:] + edges[:-1]) / 2)


def due_targets(known: Known, queries: pd.DataFrame) -> np.ndarray:
    """The latest target announced for each query's unit and day, in percent; NaN where none.

    queries: geo_level, province_code, indicator, as_of. A province that did not merge in 2025 is
    one unit under two levels: a target of either is a target of both.
    """
    keys = ["geo_level", "province_code", "indicator", "due"]
    asked = queries[[*keys[:3], "as_of"]].rename(columns={"as_of": "due"})
    asked = one_level(asked.assign(due=pd.to_datetime(asked["due"])), known.raw.provinces)
    targets = known.targets[known.targets["due"].isin(asked["due"].unique())]
    latest = targets_room.announced_last(one_level(targets, known.raw.provinces))
    found = asked.merge(latest[[*keys, "value"]], on=keys, how="left")
    return found["value"].where(found["value"] < targets_room.EVERYONE).to_numpy(float)


# --------------------------------------------------------------------------------------------------
# What past year-ends say of the pull of targets: how much likelier is it to print a target met?
#
# Each past year-end that had a target is forecast from what was known a year before it, by the
# model of today. The level alone would have met fewer targets than were met in print; the pull is
# what makes up the difference. Learnt from readings within the sample (each seen from all others,
# later ones too) it would come out weaker than forecasts need it, since such readings know nearly
# where the value lies. A handful of cases cannot settle it, so all that they leave possible is
# kept.
# --------------------------------------------------------------------------------------------------

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
#: Widths lie a quarter apart: many cases settle on one of them, not more than an eighth off.
GRID, GRID_REACH = (50, 51, 11), 4.0
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
    along = np.linspace(-GRID_REACH, GRID_REACH, GRID[1])
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
        over = targets_room.meets(gap, 0.0)
        kinds, place = np.unique(width, return_inverse=True)
        near = (np.exp(-gap[over] / kinds[:, None]) @ mass[over])[place][:, None]
        below, above = mass[~over].sum(), mass[over].sum()
        loss += np.log(tilted_sum(short, heap[:, None], below, above, near))
        if targets_room.meets(percent, target):
            loss -= np.log1p(heap * np.exp(-(percent - target) / width))[:, None]
        else:
            loss -= np.log(short)
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
    seen = one_level(table.assign(row=np.arange(len(table))), known.raw.provinces)
    seen = seen[seen["error"].isin(["error_coverage", "error_country"])]
    fallen = known.targets[known.targets["due"] <= known.origin]
    latest = targets_room.announced_last(one_level(fallen, known.raw.provinces))
    pairs = seen.merge(
        latest[[*_KEYS, "value"]].rename(columns={"value": "target", "due": "as_of"}),
        on=[*_KEYS[:3], "as_of"],
    )
    return pairs[pairs["target"] < targets_room.EVERYONE]


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
        targets=targets_room.announced_by(known.targets, day),
        raw=dataclasses.replace(known.raw, policy_events=events[events["date"] <= day]),
    )
