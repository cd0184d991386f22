"""Policies of the field: their effect on coverage, and whom the state then pays for.

Effects are stated assumptions with ranges. Only restored cards rest on estimates (chapter 03);
nothing in these data measures how people answer to premium support.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast.scenarios.footing import Footing
from analysis.forecast.scenarios.logits import to_logit, to_percent
from analysis.forecast.scenarios.parameters import Range, ScenarioError
from analysis.forecast.scenarios.paths import after_origin

GROUPS = ("near_poor", "students", "farm_households")


@dataclass(frozen=True)
class Support:
    """What the state pays under a policy, as shares of the contribution.

    new: (S,) share paid for each additional person. others: (S, V, T) persons who are insured
    under business as usual too and get support that they did not have. others_share: (S,) the
    additional share paid for them. monthly: the contribution in million VND, None for 4.5% of
    the base salary.
    """

    new: np.ndarray
    others: np.ndarray
    others_share: np.ndarray
    monthly: float | None = None


def restored_cards(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Support for those who lost their cards in July 2021, as Decree 75 gave it in October 2023.

    The Decree moved the logit of coverage by `effect` for each standard deviation of the minority
    share. `restored` is the size of the new support against the Decree's; support takes nobody's
    insurance away, so a draw below zero counts as zero.
    """
    gain = _given_back(units, given)
    return _phased(units, given, to_percent(_lifted(units, gain)) - units.path)


def support_cards(units: Footing, given: Mapping[str, Any]) -> Support:
    """The state pays in full, also for those who lost cards and are insured otherwise today."""
    lost = np.minimum(_of_chapter(units, given, "lost", units.background.lost), 0)
    whole = (-lost * _drawn(units, given, "restored"))[:, None] * units.background.minority
    back = to_percent(_lifted(units, _given_back(units, given)))
    others = np.maximum(to_percent(_lifted(units, whole)) - back, 0) / 100 * units.persons
    one = np.ones(units.size)
    return Support(one, others * _phase(units, given), one)


def _given_back(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """(S, V) logits that the support adds."""
    effect = np.maximum(_of_chapter(units, given, "effect", units.background.cards), 0)
    return (effect * _drawn(units, given, "restored"))[:, None] * units.background.minority


def _of_chapter(
    units: Footing, given: Mapping[str, Any], name: str, estimate: Range | None
) -> np.ndarray:
    """(S,) draws of a parameter, or of the estimate of chapter 03 where the file gives none."""
    value = given[name] or estimate
    if value is None:
        raise ScenarioError(
            f"restored_cards: parameters.{name}: no estimate is there; run notebook "
            "03_drivers_of_coverage first, or give a range"
        )
    return value.draws(units.size)


def _lifted(units: Footing, gain: np.ndarray) -> np.ndarray:
    return to_logit(units.path) + gain[:, :, None]


def premium_support(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """Some of the uninsured belong to the group, and some of these enrol.

    gain = (100 - coverage) x share_of_uninsured x enrolled, so it never passes 100 percent.
    """
    share = _drawn(units, given, "share_of_uninsured") * _drawn(units, given, "enrolled")
    return _phased(units, given, (100 - units.path) * share[:, None, None])


def support_group(units: Footing, given: Mapping[str, Any]) -> Support:
    """More of the contribution is paid for all of the group, enrolled before or not."""
    before, after = (
        _drawn(units, given, "supported_before"),
        _drawn(units, given, "supported_after"),
    )
    uninsured = (100 - units.path) / 100 * _drawn(units, given, "share_of_uninsured")[:, None, None]
    group = _drawn(units, given, "share_of_population")[:, None, None]
    others = np.maximum(group - uninsured, 0) * units.persons * _phase(units, given)
    return Support(after, others, np.maximum(after - before, 0))


def voluntary_support(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """More voluntary participants, by a share of those of the last year-end."""
    more = _drawn(units, given, "increase")
    gain = more[:, None, None] * np.nan_to_num(units.background.voluntary)[None, :, None]
    return _phased(units, given, np.broadcast_to(gain, units.path.shape))


def support_voluntary(units: Footing, given: Mapping[str, Any]) -> Support:
    """More of the contribution is paid for voluntary participants, old and new."""
    before, after = (
        _drawn(units, given, "supported_before"),
        _drawn(units, given, "supported_after"),
    )
    now = np.nan_to_num(units.background.voluntary)[None, :, None] / 100 * units.persons
    others = np.broadcast_to(now, units.path.shape) * _phase(units, given)
    return Support(after, others, np.maximum(after - before, 0), given["monthly_contribution"])


def _drawn(units: Footing, given: Mapping[str, Any], name: str) -> np.ndarray:
    """(S,) one value a draw, the same in every unit: an assumption errs everywhere at once."""
    value: Range = given[name]
    return value.draws(units.size)


def _phase(units: Footing, given: Mapping[str, Any]) -> np.ndarray:
    """(T,) share of the policy in force: from `begins` (the origin) to `in_full` (the date)."""
    first: pd.Timestamp = given["begins"] or units.origin
    return units.ramp(first, given["in_full"] or units.dates[-1])


def _phased(units: Footing, given: Mapping[str, Any], gain: np.ndarray) -> np.ndarray:
    return after_origin(units, units.path + gain * _phase(units, given))
