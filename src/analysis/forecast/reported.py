"""From the true level to the value as it will be reported: reading error, and the target's pull.

Reported year-end values sit at or just above their target more often than levels do. The
density of the reported value is that of level plus reading error, tilted by
    r(gap) = short                          below the target,
             1 + heap exp(-gap / WIDTH)     at or above it,
where gap is the reported value less the target in points. `analysis.forecast.record` learns
`short` and `heap` from past year-ends. These are few, so what is known of the two is kept as a
weighted grid, and a forecast is the average of the densities under its points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, ndtr

from analysis.forecast.fit import CEILING, FLOOR, Fit
from analysis.forecast.known import Known

#: Points above the target within which reported values heap.
WIDTH = 0.5
#: Cells into which a density is cut, and how many standard deviations it reaches to either side.
CELLS, REACH = 800, 6.0
#: A target of everybody, in percent, cannot be passed and pulls at nothing.
WHOLE = 100.0


@dataclass(frozen=True, eq=False)
class Pull:
    """What is known of the pull: (K,) points of its two parameters and how likely each is.

    short: weight of values below a target. heap: extra weight just above. weight: adds up to 1.
    n: year-ends seen.
    """

    short: np.ndarray
    heap: np.ndarray
    weight: np.ndarray
    n: int

    @classmethod
    def certain(cls, short: float, heap: float, n: int = 0) -> Pull:
        """A pull of which everything is known."""
        return cls(np.array([short]), np.array([heap]), np.ones(1), n)

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
        near = np.exp(-np.maximum(gap, 0) / WIDTH)
        total = tilted_sum(self.short, self.heap, under.sum(), over.sum(), (over * near).sum())
        each = self.weight / total
        return over * (each.sum() + (each @ self.heap) * near), under * (each @ self.short)


def tilted_sum(
    short: np.ndarray, heap: np.ndarray, below: float, above: float, near: float
) -> np.ndarray:
    """What a tilted density adds up to, from the probabilities below and above its target.

    short, heap: shapes that go together. near: like `above`, each cell times exp(-gap / WIDTH).
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
    mean: np.ndarray, sd: np.ndarray, levels: np.ndarray, pull: Pull = NONE, target: float = np.nan
) -> tuple[np.ndarray, float, float]:
    """Quantiles, mean and standard deviation, in percent, of a tilted mixture of logit normals.

    Args:
        mean, sd: (M,) logits. levels: probabilities asked. target: percent, NaN for none.
    """
    edges, mass = tilted(mean, sd, target, pull)
    value = middle(edges)
    cumulative = np.concatenate([[0.0], np.cumsum(mass)])
    expected = float(mass @ value)
    spread = float(mass @ (value - expected) ** 2) ** 0.5
    found: np.ndarray = expit(np.interp(levels, cumulative, edges))
    return 100 * found, expected, spread


def probability_at_least(
    mean: np.ndarray, sd: np.ndarray, target: float, pull: Pull = NONE
) -> float:
    """Probability that the (tilted) value is at or above `target` percent."""
    edges, mass = tilted(mean, sd, target, pull)
    return float(mass[middle(edges) >= target].sum())


def tilted(
    mean: np.ndarray, sd: np.ndarray, target: float, pull: Pull
) -> tuple[np.ndarray, np.ndarray]:
    """Edges (C + 1,) of the cells on the logit scale, and their probabilities (C,) under the pull.

    Without a target (NaN) nothing pulls.
    """
    edges, mass = cells(mean, sd, target)
    if np.isfinite(target):
        return edges, pull.tilt(middle(edges) - target, mass)
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
