"""What a rule works on: the units of one level, their paths, and how provinces follow them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from analysis import geography
from analysis.forecast.scenarios.background import Background
from analysis.forecast.scenarios.baseline import Baseline
from analysis.forecast.scenarios.logits import to_logit


@dataclass(frozen=True, eq=False)
class Footing:
    """V units of one level under business as usual, without the saw-tooth.

    codes: of the units. path: (S, V, T) percent. start: (S, V) at the
    origin. years: (T,) since the origin. past: (S, V, Y) at past year-ends `past_years`.
    targets: (V,). persons: (V, T) denominators of the units, factor: (V, T) these over the sum of
    the provinces'. region: (V,) code of the region of each unit. read: (V,)
    readings. dates: (T,). background: for policies.
    """

    codes: tuple[str, ...]
    path: np.ndarray
    start: np.ndarray
    years: np.ndarray
    dates: pd.DatetimeIndex
    origin: pd.Timestamp
    past: np.ndarray
    past_years: np.ndarray
    targets: np.ndarray
    persons: np.ndarray
    factor: np.ndarray
    region: np.ndarray
    read: np.ndarray
    background: Background

    @property
    def size(self) -> int:
        """The number of draws."""
        return len(self.path)

    def ramp(self, first: pd.Timestamp, last: pd.Timestamp) -> np.ndarray:
        """(T,) rising straight from 0 on the first day to 1 on the last; a step if they agree."""
        if last <= first:
            return np.asarray(self.dates >= first, dtype=float)
        gone = (self.dates - first).days.to_numpy() / (last - first).days
        return np.clip(gone, 0, 1)

    @cached_property
    def past_logits(self) -> np.ndarray:
        """(S, V, Y) logits at past year-ends."""
        return to_logit(self.past)

    def yearly_change(self, years: int) -> np.ndarray:
        """(S, V) change of the logit a year over the last `years` years before the origin."""
        back = max(len(self.past_years) - 1 - years, 0)
        span = self.past_years[-1] - self.past_years[back]
        return (self.past_logits[:, :, -1] - self.past_logits[:, :, back]) / span


@lru_cache(maxsize=4)
def footing(base: Baseline, level: str) -> Footing:
    """Add the provinces of a baseline up to the units of a level."""
    path, start = base.free
    units = [unit for unit in base.units if unit[0] == level]
    parts = [base.members[unit] for unit in units]
    own = level == "country"
    factor = np.stack([base.own_base if own else np.ones_like(base.own_base)] * len(units))
    before = base.own_base_past if own else 1.0
    return Footing(
        codes=tuple(code for _, code in units),
        path=_means(path, base.persons, parts) / factor,
        start=_means(start[:, :, None], base.persons_origin[:, None], parts)[:, :, 0]
        / (base.own_base_origin if own else 1.0),
        years=base.years(),
        dates=base.dates,
        origin=base.origin,
        past=_means(base.past, base.persons_past, parts) / before,
        past_years=np.asarray(base.past_dates.year, dtype=float),
        targets=np.array([base.targets[unit][0] for unit in units]),
        persons=np.stack([base.denominator(unit) for unit in units]),
        factor=factor,
        region=np.array([_region(*unit) for unit in units]),
        read=np.array([base.read[part].sum() for part in parts]),
        background=base.background,
    )


def _means(values: np.ndarray, persons: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """(S, V, T) means over the provinces of each unit, weighted by persons (P, T)."""
    if all(len(own) == 1 for own in parts):
        return values[:, [own[0] for own in parts], :]
    weights = np.zeros((len(parts), *persons.shape))
    for v, own in enumerate(parts):
        weights[v, own] = persons[own] / persons[own].sum(axis=0)
    return np.stack([values[:, :, t] @ weights[:, :, t].T for t in range(values.shape[2])], axis=2)


def _region(level: str, code: str) -> str:
    if level in ("province_63", "province_34") and code in geography.codes(level):
        return geography.region_of(code, level)
    return code if level == "region" else ""


def to_provinces(base: Baseline, level: str, usual: Footing, wanted: np.ndarray) -> np.ndarray:
    """Provinces (S, P, T) whose sums follow the wanted paths (S, V, T) of their units.

    Upwards each province closes the same share of its own gap to 100 percent; downwards each
    loses the same share of its coverage. The sum then meets the wanted path exactly.

    Args:
        usual: the units under business as usual.
    """
    path, _ = base.free
    if level == "province_63":
        return wanted
    moved = path.copy()
    units = [unit for unit in base.units if unit[0] == level]
    for v, unit in enumerate(units):
        own = base.members[unit]
        # Both as means over the provinces, which the country's own denominator is not.
        before, after = usual.path[:, v] * usual.factor[v], wanted[:, v] * usual.factor[v]
        with np.errstate(divide="ignore", invalid="ignore"):
            up = np.where(before < 100, (after - before) / (100 - before), 0.0)
            down = np.where(before > 0, (after - before) / before, 0.0)
        at = path[:, own]
        rise = (100 - at) * np.clip(up, 0, 1)[:, None]
        fall = at * np.clip(down, -1, 0)[:, None]
        moved[:, own] = at + rise + fall
    return moved
