"""Points of many units: weights kept sparse, rows picked, stacked and told apart."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, issparse, vstack

from analysis.forecast.points import Points, points
from analysis.forecast.settings import Settings
from analysis.forecast.units import Units

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
