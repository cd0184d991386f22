"""Control of the false discovery rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.inference.least_squares import Array


def benjamini_hochberg(p_values: ArrayLike) -> Array:
    """Benjamini and Hochberg (1995) q-values; missing p-values stay missing and do not count."""
    p = np.asarray(p_values, dtype=float)
    if ((p < 0) | (p > 1)).any():
        raise ValueError("a p-value lies outside 0 to 1")
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    ratio = p[order] * len(order) / np.arange(1, len(order) + 1)
    out[order] = np.minimum(1.0, np.minimum.accumulate(ratio[::-1])[::-1])
    return out
