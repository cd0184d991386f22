"""How good forecasts of late payment are, and what past ceilings say of results just under them.

Three forecasts of each reading are scored on what was dated before it: the province's last value
on the same definition, the mean of the definition, and the model. Late payment has ceilings where
coverage has targets: results heap just under them, so the pull of coverage is turned round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.inference.regression import Array
from analysis.readings.targets import keeps

METHODS = ("last_value", "definition_mean", "model")
#: Readings on which methods are compared, by how the province was read before.
SETS = {"read": ("like", "basis"), "like": ("like",), "not_read": ("not",)}
#: Earlier errors of a method that are needed for its band.
FEWEST_ERRORS = 3
#: Results heap within this distance under the ceiling, on the log scale: a tenth of it.
_WIDTH = 0.1
#: What is held of the pull before any ceiling fell due, as for coverage: results above a ceiling
#: may weigh anything from nothing to all; the heap has this median and this width (log).
_HEAP = (0.3, 1.0)
_GRID, _REACH = (50, 80), 4.0


def crps_normal(y: Array, mean: Array, sd: Array) -> Array:
    """Continuous ranked probability score of normal forecasts (Gneiting and Raftery 2007)."""
    z = (y - mean) / sd
    density, below = stats.norm.pdf(z), stats.norm.cdf(z)
    return sd * (z * (2 * below - 1) + 2 * density - 1 / np.sqrt(np.pi))


def _errors(score: pd.DataFrame) -> pd.DataFrame:
    """Each forecast of each reading: error and CRPS on the log scale, by method.

    score: of `late_forecast.rolling_score`. Columns: row, as_of, province_code, method, read
    (how the province was read before: "like", on the same basis and denominator; "basis", on the
    same basis over something else; "not"), error (absolute), crps. A method
    without FEWEST_ERRORS earlier errors has no band and no CRPS; last value and mean take the
    root mean square of their own earlier errors.
    """
    y = np.log(score["rate"].to_numpy(dtype=float))
    day = score["as_of"].to_numpy()
    read = np.where(
        score["last_value"].isna(),
        "not",
        np.where(score["like_for_like"].astype(bool), "like", "basis"),
    )
    parts = []
    for method in METHODS:
        centre = np.log(score[method].to_numpy(dtype=float))
        miss = y - centre
        sd = score["sd"].to_numpy(dtype=float) if method == "model" else _own_bands(miss, day)
        parts.append(
            pd.DataFrame(
                {
                    "row": np.arange(len(score)),
                    "as_of": day,
                    "province_code": score["province_code"].to_numpy(),
                    "method": method,
                    "read": read,
                    "error": np.abs(miss),
                    "crps": crps_normal(y, centre, sd),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _own_bands(miss: Array, day: np.ndarray) -> Array:
    bands = np.full(len(miss), np.nan)
    for i in range(len(miss)):
        earlier = miss[(day < day[i]) & np.isfinite(miss)]
        if len(earlier) >= FEWEST_ERRORS:
            bands[i] = np.sqrt(np.mean(earlier**2))
    return bands


def compare(score: pd.DataFrame) -> pd.DataFrame:
    """Mean error and CRPS of each method, on the readings that all compared methods forecast.

    Columns: read ("read": province read before on the basis; "like": of these, over the same
    denominator too; "not_read"), method, n, error, n_crps, crps. Where a province was not read,
    the last value has nothing to say.
    """
    table, rows = _errors(score), []
    for read, groups in SETS.items():
        methods = METHODS[1:] if read == "not_read" else METHODS
        own = table[table["read"].isin(groups) & table["method"].isin(methods)]
        banded = own.groupby("row")["crps"].transform(lambda c: c.notna().all())
        for method in methods:
            one = own[own["method"] == method]
            with_band = one[banded[one.index].astype(bool)]
            rows.append(
                {
                    "read": read,
                    "method": method,
                    "n": len(one),
                    "error": float(one["error"].mean()),
                    "n_crps": len(with_band),
                    "crps": float(with_band["crps"].mean()),
                }
            )
    return pd.DataFrame(rows)


def better(score: pd.DataFrame) -> str:
    """What forecasts a province read before on the definition: last_value or model.

    The last value, the simpler of the two, is used where it is not worse, in error and in CRPS,
    both on the same basis and where the denominator is the same too.
    """
    table = compare(score)
    by = {(row["read"], row["method"]): row for row in table.to_dict("records")}
    wins = all(
        by[read, "last_value"][measure] <= by[read, "model"][measure]
        for read in ("read", "like")
        for measure in ("error", "crps")
    )
    return "last_value" if wins else "model"


def last_value_sd(score: pd.DataFrame) -> float:
    """Root mean square error of the last value on the log scale; NaN without any."""
    known = score[score["last_value"].notna()]
    miss = np.log(known["rate"].to_numpy(float)) - np.log(known["last_value"].to_numpy(float))
    return float(np.sqrt(np.mean(miss**2))) if len(miss) else float("nan")


@dataclass(frozen=True, eq=False)
class CeilingPull:
    """What is known of the pull under a ceiling: (K,) points and how likely each is.

    short: weight of results above the ceiling. heap: extra weight just under it. n: ceilings seen.
    """

    short: Array
    heap: Array
    weight: Array
    n: int

    def weights(self, rate: Array, ceiling: float) -> Array:
        """Weights of draws (D,) of a rate in percent, adding up to 1: the mean over the points."""
        gap = np.log(ceiling) - np.log(rate)
        met = keeps(rate, ceiling)
        near = np.where(met, np.exp(-np.maximum(gap, 0) / _WIDTH), 0.0)
        total = self.short * (~met).mean() + met.mean() + self.heap * near.mean()
        each = self.weight / total
        tilted = met * each.sum() + near * (each @ self.heap) + ~met * (each @ self.short)
        return np.asarray(tilted / tilted.sum())


NO_PULL = CeilingPull(np.ones(1), np.zeros(1), np.ones(1), 0)


def pull(cases: list[tuple[Array, float, float]]) -> CeilingPull:
    """The pull that past ceilings speak for: draws (D,) before the pull, ceiling, result each.

    As for coverage (`analysis.forecast.pull`), summed over a grid; none where no case is known.
    """
    if not cases:
        return NO_PULL
    short = (np.arange(_GRID[0]) + 0.5) / _GRID[0]
    normal = np.linspace(-_REACH, _REACH, _GRID[1])
    heap = _HEAP[0] * np.exp(_HEAP[1] * normal)
    shorts, heaps = (axis.ravel() for axis in np.meshgrid(short, heap))
    likely = np.repeat(-(normal**2) / 2, _GRID[0])
    for rate, ceiling, result in cases:
        gap = np.log(ceiling) - np.log(rate)
        under = keeps(rate, ceiling)
        near = np.where(under, np.exp(-np.maximum(gap, 0) / _WIDTH), 0.0).mean()
        met = float(under.mean())
        likely = likely - np.log(shorts * (1 - met) + met + heaps * near)
        reached = np.log(ceiling) - np.log(result)
        likely = likely + (
            np.log(1 + heaps * np.exp(-reached / _WIDTH))
            if keeps(result, ceiling)
            else np.log(shorts)
        )
    weight = np.exp(likely - likely.max())
    return CeilingPull(shorts, heaps, weight / weight.sum(), len(cases))
