"""Blocks: units that were read on nearly the same days, worked on together as arrays.

A slot is a way and day of measuring, and its repetition where a unit has it twice. A unit that
lacks a slot of its block has nothing there: loadings and values of zero, masked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, issparse, vstack

from analysis.forecast.parts import Component
from analysis.forecast.space import Points, Settings, Units, points

# --------------------------------------------------------------------------------------------------
# Points of many units: weights kept sparse, rows picked, stacked and told apart.
# --------------------------------------------------------------------------------------------------

#: What says where and how a single unit is measured, besides which unit it is.
ATTRIBUTES = ("t", "year", "season", "push", "ui", "persons", "country", "old_base", "step")


def dense(values: Any) -> np.ndarray:
    """The same matrix as an array."""
    return cast(np.ndarray, values.toarray()) if issparse(values) else np.asarray(values)


def sparse(at: Points) -> Points:
    """The same points with their weights as a sparse matrix: memory grows with the readings."""
    return at.with_weights(cast(np.ndarray, csr_array(at.weights)))


def take(at: Points, rows: np.ndarray) -> Points:
    """Some of the points, in the order of `rows`."""
    picked = {field.name: getattr(at, field.name)[rows] for field in dataclasses.fields(Points)}
    return Points(**picked)


def stack(first: Points, second: Points) -> Points:
    """The points of `first` followed by those of `second`, both with sparse weights."""
    joined = {
        name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in ATTRIBUTES
    }
    weights = csr_array(vstack([first.weights, second.weights]))
    return Points(**joined, weights=cast(np.ndarray, weights))


def of_unit(at: Points, unit: int, units: int) -> Points:
    """The points of `at`, measured at one unit of `units`."""
    return of_units(at, np.full(len(at), unit), units)


def of_units(at: Points, unit: np.ndarray, units: int) -> Points:
    """The points of `at`, each measured at its own unit."""
    n = len(at)
    weights = csr_array((np.ones(n), unit, np.arange(n + 1)), shape=(n, units))
    return at.with_weights(cast(np.ndarray, weights))


def single(at: Points) -> np.ndarray:
    """(n,) True where a point is that of one unit; the others are sums over units."""
    weights = csr_array(at.weights)
    return (np.diff(weights.indptr) == 1) & (weights.sum(axis=1) == 1.0)


def distinct(at: Points) -> tuple[np.ndarray, np.ndarray]:
    """First rows of all different ways of measuring, sorted, and the way of each point."""
    table = pd.DataFrame({name: getattr(at, name) for name in ATTRIBUTES})
    way = table.groupby(list(ATTRIBUTES), sort=True).ngroup().to_numpy()
    _, first = np.unique(way, return_index=True)
    return first, way


def points_of(
    table: pd.DataFrame,
    place: np.ndarray,
    alone: np.ndarray,
    units: Units,
    settings: Settings,
    origin: pd.Timestamp,
) -> Points:
    """Points of any number of rows (`forecast.points.points`), with sparse weights.

    Args:
        table: geo_level, province_code, indicator, as_of; perhaps persons, old_base.
        place: (n,) position of the unit, where the row is one of a single unit (`alone`).
    """
    names = [name for name in ("indicator", "as_of", "persons", "old_base") if name in table]
    number = table.groupby(names, sort=True).ngroup().to_numpy()
    _, first = np.unique(number, return_index=True)
    ways = table.iloc[first].assign(geo_level="province_63", province_code=units.codes[0])
    every = take(sparse(points(ways, units, settings, origin)), number)
    joined = of_units(every, np.where(alone, place, 0), len(units.codes))
    if alone.all():
        return joined
    sums, single_rows = np.flatnonzero(~alone), np.flatnonzero(alone)
    others = sparse(points(table.iloc[sums], units, settings, origin))
    order = np.argsort(np.concatenate([single_rows, sums]))
    return take(stack(take(joined, single_rows), others), order)


#: Units in a block, at the most, and parents; and how much of a block may be empty.
LARGEST, PARENTS, EMPTY = 16, 4, 0.2


@dataclass(frozen=True)
class Block:
    """m units with n slots.

    units: (m,). rows: (m, n) reading of each slot, 0 where there is none; there: (m, n) bool.
    ways: (n,) way of each slot. t: (n,) years. own: (J, m, n) loadings of the own parts.
    kernels: J times (n, n), or None where 1 throughout; roots: G with G G' = kernel.
    varying: (m, n, q) loadings of those varying coefficients, `columns`, that are felt here.
    repeated: (n, k) which slot is which of the k different ways, None where all differ.
    """

    units: np.ndarray
    rows: np.ndarray
    there: np.ndarray
    ways: np.ndarray
    t: np.ndarray
    own: np.ndarray
    kernels: list[np.ndarray | None]
    roots: list[np.ndarray | None]
    varying: np.ndarray
    columns: np.ndarray
    repeated: np.ndarray | None

    @property
    def different(self) -> np.ndarray:
        """(k,) the different ways of the block, in the order of its columns."""
        return self.ways if self.repeated is None else np.unique(self.ways)


def blocks(
    own: list[Component],
    varying: list[Component],
    at: Points,
    alone: np.ndarray,
    way: np.ndarray,
    regions: np.ndarray,
) -> list[Block]:
    """All units in blocks; those that were never read have blocks without slots.

    Args:
        alone: rows of `at` that are of single units. way: the way of each of them.
    """
    unit = np.asarray(csr_array(at.weights)[alone].indices)
    slots = _slots(unit, way)
    made = []
    for units, picked in _groups(unit, slots, regions):
        made.append(_block(own, varying, at, alone, unit, way, slots, units, picked))
    return made


def _slots(unit: np.ndarray, way: np.ndarray) -> np.ndarray:
    """A number for each reading: its way, and which of the unit's readings in that way it is."""
    again = pd.DataFrame({"u": unit, "w": way}).groupby(["u", "w"]).cumcount().to_numpy()
    return way * (again.max(initial=0) + 1) + again


def _groups(
    unit: np.ndarray, slots: np.ndarray, regions: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Units of a block, and the positions of their readings."""
    order = np.lexsort((slots, unit))
    edges = np.searchsorted(unit[order], np.arange(len(regions) + 1))
    held = [order[edges[u] : edges[u + 1]] for u in range(len(regions))]
    region = regions.argmax(axis=1) if regions.shape[1] else np.zeros(len(regions), int)
    sequence = sorted(range(len(regions)), key=lambda u: (region[u], tuple(slots[held[u]]), u))
    current: list[int] = []
    union: frozenset[int] = frozenset()
    total, parents = 0, set[int]()
    for u in sequence:
        own = slots[held[u]].tolist()
        both = union.union(own)
        room = (len(current) + 1) * len(both) * (1 - EMPTY) <= total + len(own)
        near = region[u] in parents or len(parents) < PARENTS
        if current and not (len(current) < LARGEST and room and near):
            yield np.array(current), np.concatenate([held[v] for v in current])
            current, both, total, parents = [], frozenset(own), 0, set()
        current.append(u)
        parents.add(int(region[u]))
        union, total = both, total + len(own)
    if current:
        yield np.array(current), np.concatenate([held[v] for v in current])


def _block(
    own: list[Component],
    varying: list[Component],
    at: Points,
    alone: np.ndarray,
    unit: np.ndarray,
    way: np.ndarray,
    slots: np.ndarray,
    units: np.ndarray,
    picked: np.ndarray,
) -> Block:
    different, column = np.unique(slots[picked], return_inverse=True)
    line = np.searchsorted(np.sort(units), unit[picked])
    line = np.argsort(units)[line]
    rows = np.zeros((len(units), len(different)), int)
    there = np.zeros(rows.shape, bool)
    rows[line, column], there[line, column] = alone[picked], True
    t, ways = np.zeros(len(different)), np.zeros(len(different), int)
    t[column], ways[column] = at.t[alone[picked]], way[picked]
    here = take(at, alone[picked])
    loadings = np.zeros((len(own), *rows.shape))
    for j, part in enumerate(own):
        loadings[j, line, column] = part.loading(here).sum(axis=1)
    felt, columns = _varying(varying, here)
    spread = np.zeros((*rows.shape, len(columns)))
    spread[line, column] = felt
    kernels = [None if part.in_time is None else part.in_time(t, t) for part in own]
    return Block(
        units=units,
        rows=rows,
        there=there,
        ways=ways,
        t=t,
        own=loadings,
        kernels=kernels,
        roots=[None if kernel is None else root(kernel) for kernel in kernels],
        varying=spread,
        columns=columns,
        repeated=_repeated(ways),
    )


def _varying(parts: list[Component], here: Points) -> tuple[np.ndarray, np.ndarray]:
    """Loadings (n, q) of the coefficients that are felt at these points, and which they are."""
    if not parts:
        return np.zeros((len(here), 0)), np.zeros(0, int)
    every = np.hstack([dense(part.loading(here)) for part in parts])
    columns = np.flatnonzero(np.abs(every).max(axis=0, initial=0) > 0)
    return every[:, columns], columns


def _repeated(ways: np.ndarray) -> np.ndarray | None:
    different = np.unique(ways)
    if len(different) == len(ways):
        return None
    return (ways[:, None] == different[None]).astype(float)


def root(kernel: np.ndarray) -> np.ndarray:
    """G with G G' = kernel, without the directions that rounding cannot tell from nothing."""
    values, vectors = np.linalg.eigh(kernel)
    kept = values > 1e-15 * values.max(initial=0) * max(len(values), 1)
    return vectors[:, kept] * np.sqrt(values[kept])
