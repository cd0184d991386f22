"""From the true level to the value as it will be reported: reading error, and the target's pull.

Reported year-end values sit at or just above their target more often than levels do. The
density of the reported value is that of level plus reading error, tilted by
    r(gap) = short                          below the target,
             1 + heap exp(-gap / width)     at or above it,
where gap is the reported value less the target in points. `analysis.forecast.record` learns
`short`, `heap` and `width` from past year-ends. These are few, so what is known of them is kept as
a weighted grid, and a forecast is the average of the densities under its points.

Where the number of a target is not known, several are possible (`analysis.forecast.goals`), and a
forecast is the average of the densities under them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr

from analysis.forecast.fit import CEILING, FLOOR, Fit
from analysis.forecast.known import Known

#: Points above the target within which reported values heap, in version 1.
WIDTH = 0.5
#: Cells into which a density is cut, and how many standard deviations it reaches to either side.
CELLS, REACH = 800, 6.0
#: A target of everybody, in percent, cannot be passed and pulls at nothing.
WHOLE = 100.0


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
        over, under = self.split(gap, np.where(gap >= 0, mass, 0), np.where(gap < 0, mass, 0))
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
    slope = 1 / (100 * share * (1 - share))
    own = coverage_error(fit, theta)
    nation = _error(fit, theta, "error_country")
    return np.where(country, nation[:, None], own[:, None]) * slope


def coverage_error(fit: Fit, theta: np.ndarray) -> np.ndarray:
    """(M,) standard deviation of the reading error of a province's coverage, in points."""
    return _error(fit, theta, "error_coverage")


def _error(fit: Fit, theta: np.ndarray, name: str) -> np.ndarray:
    """Points of error by parameter draw; where no reading of a class was seen, its prior."""
    from analysis.forecast.settings import PRIORS

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
        return float(mass[middle(edges) >= target].sum())
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
    reach = REACH * float(np.hypot(np.max(sd), np.std(mean)))
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
    asked = one_level(known, asked.assign(due=pd.to_datetime(asked["due"])))
    targets = known.targets[known.targets["due"].isin(asked["due"].unique())]
    targets = one_level(known, targets).sort_values(["announced", "value"])
    latest = targets.groupby(keys).tail(1)
    found = asked.merge(latest[[*keys, "value"]], on=keys, how="left")
    return found["value"].where(found["value"] < WHOLE).to_numpy(float)


def one_level(known: Known, table: pd.DataFrame) -> pd.DataFrame:
    """A table with units of a single province, merged with no other, as provinces of the 63."""
    parts = known.raw.provinces["merged_code"].value_counts()
    alone = table["province_code"].isin(parts.index[parts == 1])
    same = alone & table["geo_level"].eq("province_34")
    return table.assign(geo_level=table["geo_level"].mask(same, "province_63"))
