"""Percent and logits, safe at 0 and 100 percent."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

#: Shares are kept this far off 0 and 1 where a logit is taken.
_EDGE = 1e-9


def to_logit(percent: np.ndarray) -> np.ndarray:
    """Logit of percent, finite at 0 and 100."""
    z: np.ndarray = logit(np.clip(percent / 100, _EDGE, 1 - _EDGE))
    return z


def to_percent(z: np.ndarray) -> np.ndarray:
    """Percent of a logit."""
    percent: np.ndarray = 100 * expit(z)
    return percent
