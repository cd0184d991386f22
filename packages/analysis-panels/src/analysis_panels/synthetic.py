"""Synthetic panels of coverage: no real place, no real figure, for measurements and tests only.

Units are called SYN00001 and so on, their parents SYNTHETIC-01; every table says so in `note`.
Each is drawn with known parameters from a curve that all share, levels of parents and units that
close, passing deviations, a saw-tooth and errors in percentage points.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis import seeds

NOTE = "synthetic, made by analysis_panels.synthetic"
FIRST_MONTH = pd.Timestamp("2019-01-31")
#: What the panels are drawn with, on the logit scale; the error is in points.
TRUTH = {"parent": 0.3, "unit": 0.45, "deviation": 0.25, "season": 0.35, "error": 1.5}
LEVEL_MEMORY, DEVIATION_MEMORY = 15.0, 2.0


def synthetic_panel(
    units: int, months: int = 60, parents: int = 63, whole: bool = True, missing: float = 0.0
) -> pd.DataFrame:
    """A panel as `analysis_panels.panel` takes it.

    Args:
        units, months, parents: its size. whole: with year-end readings of all units together.
        missing: share of the readings that are left out at random.

    Returns:
        unit, parent, as_of, value, lower, upper, note: a row a unit and month, values in percent
        with one decimal.
    """
    days = pd.date_range(FIRST_MONTH, periods=months, freq="ME")
    level = expit(_logits(units, min(parents, units), days))
    random = seeds.generator("synthetic panel", "error", units, months)
    value = 100 * level + TRUTH["error"] * random.standard_normal(level.shape)
    names = np.array([f"SYN{i + 1:05d}" for i in range(units)])
    own = np.array([f"SYNTHETIC-{1 + i * min(parents, units) // units:02d}" for i in range(units)])
    table = _table(np.repeat(names, months), np.repeat(own, months), np.tile(days, units), value)
    if missing:
        table = table[random.random(len(table)) >= missing]
    if whole:
        ends = np.flatnonzero(days.month == 12)
        together = 100 * level[:, ends].mean(axis=0) + 0.2 * random.standard_normal(len(ends))
        everybody = np.full(len(ends), "00")
        table = pd.concat([table, _table(everybody, everybody, days[ends], together)])
    return table.reset_index(drop=True)


def _table(
    unit: np.ndarray, parent: np.ndarray, as_of: np.ndarray | pd.DatetimeIndex, value: np.ndarray
) -> pd.DataFrame:
    shown = np.clip(np.round(value.ravel(), 1), 0.5, 99.5)
    return pd.DataFrame(
        {
            "unit": unit,
            "parent": parent,
            "as_of": as_of,
            "value": shown,
            "lower": shown - 0.05,
            "upper": shown + 0.05,
            "note": NOTE,
        }
    )


def _logits(units: int, parents: int, days: pd.DatetimeIndex) -> np.ndarray:
    """(units, months) true logits."""
    random = seeds.generator("synthetic panel", "level", units, len(days))
    year = days.year.to_numpy()
    t = year + days.dayofyear.to_numpy() / 365.25
    curve = 1.4 + 0.12 * (t - t[0]) + np.cumsum(random.normal(0, 0.02, len(t)))
    season = -TRUTH["season"] * np.clip(1 - (t - year), 0, 1) ** 2
    parent = np.arange(units) * parents // units
    lasting = TRUTH["parent"] * random.standard_normal(parents)[parent]
    lasting = lasting + TRUTH["unit"] * random.standard_normal(units)
    closing = np.exp(-(t - 2015.0) / LEVEL_MEMORY)
    return curve + season + lasting[:, None] * closing + _deviations(units, t, random)


def _deviations(units: int, t: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """An Ornstein-Uhlenbeck process for each unit."""
    steps = random.standard_normal((units, len(t)))
    keep = np.exp(-np.diff(t, prepend=t[0]) / DEVIATION_MEMORY)
    out = np.empty_like(steps)
    out[:, 0] = steps[:, 0]
    for i in range(1, len(t)):
        out[:, i] = keep[i] * out[:, i - 1] + np.sqrt(1 - keep[i] ** 2) * steps[:, i]
    return TRUTH["deviation"] * out
