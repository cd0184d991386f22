"""Which parts of the model units share, and which are a unit's own: the layout of a large panel.

Given the effects that units share, units are independent. A part is told by its loading:
    own: a process of each unit (its loading has a column for each unit);
    common: the same for all units that are measured in one way on one day;
    varying: one coefficient for all units, times what the unit is (region, covariates).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.sparse import issparse

from analysis import seeds
from analysis.forecast.components import Component
from analysis.forecast.large.blocks import Block, blocks
from analysis.forecast.large.rows import distinct, of_unit, single, sparse, stack, take
from analysis.forecast.points import Points

#: The system of shared effects is dense: its size is the number of ways and days of measuring.
MOST_WAYS, MOST_SUMS = 1500, 2000


class TooManyWays(ValueError):
    """The panel has more days or more sums over units than the solver takes."""


@dataclass(frozen=True)
class Roles:
    """Positions of the parts by their role."""

    own: tuple[int, ...]
    common: tuple[int, ...]
    varying: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """Readings by unit, as the solver walks through them.

    points: all n readings, sparse. alone, sums: rows of single units, and of sums over units.
    ways: (k,) points, each a way and day of measuring, at a unit of size one; after those of the
    readings may come others that are asked for. blocks: units with nearly the same ways.
    columns: number of coefficients of the varying parts.
    """

    parts: list[Component]
    roles: Roles
    points: Points
    alone: np.ndarray
    sums: np.ndarray
    ways: Points
    blocks: list[Block]
    columns: int

    @property
    def units(self) -> int:
        """Number of units, read or not."""
        return int(self.points.weights.shape[1])


def layout(parts: list[Component], at: Points, regions: np.ndarray) -> Layout:
    """Sort readings and parts.

    Args:
        at: points of the readings, with dense or sparse weights. regions: (P, R) membership,
            used for the order of units only.

    Raises:
        TooManyWays: more days or sums than a dense system can take.
        NotImplementedError: a part varies both between units and in time.
    """
    at = sparse(at)
    alone, sums = np.flatnonzero(single(at)), np.flatnonzero(~single(at))
    first, way = distinct(take(at, alone))
    _refuse(len(first), len(sums))
    ways = of_unit(take(at, alone[first]), 0, at.weights.shape[1])
    found = roles(parts, ways)
    columns = sum(parts[j].loading(take(ways, np.arange(min(1, len(first))))).shape[1]
                  for j in found.varying)  # fmt: skip
    made = blocks(
        [parts[j] for j in found.own], [parts[j] for j in found.varying], at, alone, way, regions
    )
    return Layout(parts, found, at, alone, sums, ways, made, columns)


def with_asked(layout: Layout, asked: Points) -> tuple[Layout, np.ndarray]:
    """The same layout with the ways of `asked` after its own, and the way of each point asked."""
    first, way = distinct(asked)
    ways = of_unit(take(asked, first), 0, layout.units)
    joined = dataclasses.replace(layout, ways=stack(layout.ways, ways))
    return joined, len(layout.ways) + way


def _refuse(ways: int, sums: int) -> None:
    if ways > MOST_WAYS or sums > MOST_SUMS:
        raise TooManyWays(
            f"the panel has {ways:,} days or ways of measuring and {sums:,} readings of sums over "
            f"units; the solver takes {MOST_WAYS:,} and {MOST_SUMS:,}: move readings to the end "
            "of their month, or leave out sums that their parts already say"
        )


def roles(parts: list[Component], ways: Points) -> Roles:
    """Tell the roles of the parts from how their loadings answer to weights."""
    random = seeds.generator("large", "roles")
    rows, units = ways.weights.shape
    one, other = random.random((2, rows, units))
    own, common, varying = [], [], []
    for j, part in enumerate(parts):
        if issparse(part.loading(ways)):
            own.append(j)
            continue
        first, second = (
            part.loading(ways.with_weights(w / w.sum(axis=1, keepdims=True))) for w in (one, other)
        )
        if np.allclose(first, second, rtol=1e-9, atol=1e-12):
            common.append(j)
        elif part.in_time is None:
            varying.append(j)
        else:
            raise NotImplementedError(
                f"the part {part.name!r} varies between units and in time at once: large panels "
                "take one or the other; use analysis.forecast.fit for up to a thousand readings"
            )
    return Roles(tuple(own), tuple(common), tuple(varying))
