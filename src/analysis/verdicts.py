"""The words for a probability, tied to their thresholds in this one place.

A verdict is a name such as ``likely``. The words that stand for it in each language are the
phrases ``verdict.<name>`` of :mod:`analysis.report.wording`; a table stores the name only.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Verdict(NamedTuple):
    """A verdict and the whole percentages, as printed, that it stands for: both ends belong."""

    name: str
    lowest: int
    highest: int


#: From the least to the most probable. Every whole percentage from 0 to 100 belongs to exactly one.
SCALE: tuple[Verdict, ...] = (
    Verdict("very_unlikely", 0, 9),
    Verdict("unlikely", 10, 32),
    Verdict("about_even", 33, 66),
    Verdict("likely", 67, 89),
    Verdict("very_likely", 90, 100),
)

#: What counts as likely, and as unlikely, where provinces are counted.
LIKELY = ("likely", "very_likely")
UNLIKELY = ("unlikely", "very_unlikely")

#: The verdict where the evidence does not carry a probability.
NOT_ENOUGH_EVIDENCE = "not_enough_evidence"

#: The verdict where no target of the unit is known that a chance could be of.
NO_TARGET = "no_target"

#: Every verdict that a table may hold.
VERDICT_NAMES: tuple[str, ...] = (
    *(verdict.name for verdict in SCALE),
    NO_TARGET,
    NOT_ENOUGH_EVIDENCE,
)

#: The chances of provinces are told in steps of so many percent: few of them were ever scored.
PERCENT_STEP = 5


def percent(probability: float) -> float:
    """The whole percentage that a probability (a share from 0 to 1) is printed as.

    A missing one stays missing. Verdicts and colours go by this number and not by the probability
    behind it, so that two units printed with the same percentage are never called differently.
    """
    return float(round(100.0 * probability)) if not math.isnan(probability) else math.nan


def coarse(probability: float) -> float:
    """A province's probability in steps of five percent; below 2.5% and above 97.5% as it is.

    The word goes by the probability itself, here as in the tables. The step printed is the nearest
    of those with the same word: 0.878 is likely, and 85% rather than 90%. So two provinces with
    one printed chance are called alike, and no page calls a unit other than its table does.
    """
    if math.isnan(probability) or min(probability, 1.0 - probability) < PERCENT_STEP / 200:
        return probability
    word = verdict(probability)
    alike = [step for step in range(PERCENT_STEP, 100, PERCENT_STEP) if verdict(step / 100) == word]
    return min(alike, key=lambda step: (abs(100.0 * probability - step), -step)) / 100.0


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
    printed = percent(probability)
    return next(step.name for step in SCALE if step.lowest <= printed <= step.highest)
