"""The calibrated words for a probability, tied to their thresholds in this one place.

A verdict is a name such as ``likely``. The words that stand for it in each language are the
phrases ``verdict.<name>`` of :mod:`analysis.wording`; a table stores the name only.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Verdict(NamedTuple):
    """A verdict and the probabilities that it stands for: ``lowest <= p < highest``."""

    name: str
    lowest: float
    highest: float


#: From the least to the most probable. Every probability from 0 to 1 belongs to exactly one.
SCALE: tuple[Verdict, ...] = (
    Verdict("very_unlikely", 0.0, 0.10),
    Verdict("unlikely", 0.10, 1 / 3),
    Verdict("about_even", 1 / 3, 2 / 3),
    Verdict("likely", 2 / 3, 0.90),
    Verdict("very_likely", 0.90, math.inf),
)

#: The verdict where the evidence does not carry a probability.
NOT_ENOUGH_EVIDENCE = "not_enough_evidence"

#: Every verdict that a table may hold.
NAMES: tuple[str, ...] = (*(verdict.name for verdict in SCALE), NOT_ENOUGH_EVIDENCE)


def verdict(probability: float | None) -> str:
    """Name the verdict for a probability (a share from 0 to 1).

    A missing probability (None or NaN) is ``not_enough_evidence``.

    Raises:
        ValueError: the value is not a probability.
    """
    if probability is None or math.isnan(probability):
        return NOT_ENOUGH_EVIDENCE
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"{probability!r} is not a probability: it has to lie from 0 to 1")
    return next(step.name for step in SCALE if step.lowest <= probability < step.highest)
