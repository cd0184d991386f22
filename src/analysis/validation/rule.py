"""How a change of the model is judged, written down before the second version was built.

The rule
1. A change is judged on readings dated before July 2025 alone. Every configuration that is scored
   counts as a look, whether it is kept or not, and stands in data/benchmarks/variants.csv.
2. Forecasts: the mean paired difference of CRPS (`compare`), on the readings of the rolling
   origins, of provinces read before and of those never read, of the country from the ends and the
   middles of years. Chances: that of the Brier score. Its 95% interval comes from resampling whole
   provinces (for the country: whole year-ends).
3. An event (a unit's figure of one day) counts once, however many origins forecast it: its
   forecasts weigh 1 / n each.
4. A change is kept if it lowers one of these scores with an interval that leaves out zero and
   raises none by more than `NOISE`; or if it mends a fault that can be stated without a score (a
   chance that depends on a label, a band that narrows with distance, a group of bands outside
   77 to 85%) and raises none by more than `NOISE`. A gain below `NOISE` whose interval holds zero
   is noise, and the simpler model stays.
5. Bands: in each group with 30 forecasts or more the 80% band should hold 77 to 85%.

Calibration of chances is read off without bins: the isotonic regression of outcomes on chances,
and the split of a score into miscalibration, discrimination and uncertainty that follows from it
(CORP: Dimitriadis, Gneiting and Jordan 2021, PNAS 118; brier = miscalibration - discrimination +
uncertainty, exactly).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from analysis.validation import scores

#: Differences of a mean score below this cannot be told from chance on these readings.
NOISE = 0.03
#: What the 80% band of a group should hold, and from how many forecasts on a group is judged.
HOLDS, _ENOUGH = (0.77, 0.85), 30
_EVENT = ["geo_level", "province_code", "indicator", "as_of"]
#: Constants beside which chances are printed: a coin, and what the past says (`attainment`).
_COIN = 0.5


@dataclass(frozen=True)
class Difference:
    """Mean of own less other over events, with a 95% interval; below zero where own is better."""

    n: int
    events: int
    own: float
    other: float
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """better, worse or noise, by rule 4."""
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 or self.difference > NOISE else "noise"


def once(table: pd.DataFrame) -> np.ndarray:
    """(n,) weights that count each event once: one over the number of its forecasts."""
    names = [name for name in _EVENT if name in table]
    return 1 / table.groupby(names, dropna=False)[names[0]].transform("size").to_numpy(float)


def paired_difference(own: pd.DataFrame, other: pd.DataFrame, loss: str = "crps") -> Difference:
    """Paired difference of a loss of two models on the same forecasts.

    own, other: one row a forecast with EVENT (indicator may be missing), origin and `loss`.
    Clusters are provinces; where there is one unit alone, its days.

    Raises:
        ValueError: the two were not scored on the same forecasts.
    """
    keys = [*(name for name in _EVENT if name in own), "origin"]
    both = own[[*keys, loss]].merge(other[[*keys, loss]], on=keys, suffixes=("", "_other"))
    if len(both) != len(own) or len(both) != len(other):
        raise ValueError(
            f"the two models share {len(both)} forecasts of {len(own)} and {len(other)}: "
            "score both on the same folds"
        )
    weight = once(both)
    one_unit = len(set(both["province_code"])) == 1
    cluster = both["as_of"] if one_unit else both["province_code"]
    gap = both[loss] - both[f"{loss}_other"]
    low, high = scores.weighted_interval(gap, weight, cluster, "compare", loss)
    mean, beside = (
        float(np.average(both[name], weights=weight)) for name in (loss, f"{loss}_other")
    )
    events = len(both.drop_duplicates(keys[:-1]))
    return Difference(len(both), events, mean, beside, mean - beside, low, high)


def holds(scored: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """What bands hold by group: n, share inside 50, 80 and 95%, width of 80%, `good` by rule 5.

    Events count once. A group with fewer than ENOUGH forecasts is neither good nor bad (NA).
    """
    table = scored.assign(weight=once(scored))
    rows = []
    for key, group in table.groupby(by):
        key = key if isinstance(key, tuple) else (key,)
        inside = {
            f"cover{p}": float(np.average(group[f"cover{p}"], weights=group["weight"]))
            for p in (50, 80, 95)
        }
        width = float(np.average(group["width80"], weights=group["weight"]))
        good = HOLDS[0] <= inside["cover80"] <= HOLDS[1] if len(group) >= _ENOUGH else pd.NA
        row = dict(zip(by, key, strict=True))
        rows.append(row | {"n": len(group)} | inside | {"width80": width, "good": good})
    return pd.DataFrame(rows)


def recalibrated(p: np.ndarray, met: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """(n,) the isotonic regression of outcomes on chances: what each chance should have been."""
    p, met = np.asarray(p, float), np.asarray(met, float)
    weight = np.ones(len(p)) if weight is None else np.asarray(weight, float)
    # Equal chances get one value: they are put together before the regression.
    values, place = np.unique(p, return_inverse=True)
    total = np.bincount(place, weight)
    share = np.bincount(place, weight * met) / total
    fitted: np.ndarray = isotonic_regression(share, weights=total).x[place]
    return fitted if len(values) else p


def decomposition(
    p: np.ndarray, met: np.ndarray, weight: np.ndarray | None = None
) -> dict[str, float]:
    """Brier score and its parts: brier = miscalibration - discrimination + uncertainty."""
    met = np.asarray(met, float)
    weight = np.ones(len(met)) if weight is None else np.asarray(weight, float)
    share = np.average(met, weights=weight)

    def score(values: np.ndarray | float) -> float:
        return float(np.average((values - met) ** 2, weights=weight))

    brier, best, flat = (
        score(np.asarray(p, float)),
        score(recalibrated(p, met, weight)),
        score(share),
    )
    return {
        "n": len(met),
        "brier": brier,
        "miscalibration": brier - best,
        "discrimination": flat - best,
        "uncertainty": flat,
    }
