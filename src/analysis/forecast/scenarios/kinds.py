"""The kinds of scenario: what parameters each has, and the rule that draws its path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast.scenarios import comparators, paths, policies
from analysis.forecast.scenarios.footing import Footing
from analysis.forecast.scenarios.parameters import Parameter, ScenarioError

Path = Callable[[Footing, Mapping[str, Any]], np.ndarray]
Supported = Callable[[Footing, Mapping[str, Any]], "policies.Support"]

_YEARS = Parameter("integer", 1, 20, "years", default=3)
_SHARE = Parameter("range", 0, 1, "(a share from 0 to 1)")
_BEGINS = Parameter("date", optional=True)
_POINTS = Parameter("number", 0, 100, "percentage points")


@dataclass(frozen=True)
class Kind:
    """One kind of scenario.

    Attributes:
        path: from the units under business as usual to their wanted path (S, V, T), percent.
        parameters: by name.
        ahead: names of the dates that lie between the origin and the date.
        provinces_only: the rule needs what is known of provinces only.
        indicators: coverage rates that it can move; empty for all.
        support: what the state pays for, where the kind says so itself.
        orders: pairs of parameters of which the first may not exceed the second.
    """

    path: Path
    parameters: Mapping[str, Parameter]
    ahead: tuple[str, ...] = ()
    provinces_only: bool = False
    indicators: tuple[str, ...] = ()
    support: Supported | None = None
    orders: tuple[tuple[str, str], ...] = ()

    def check(self, values: Mapping[str, Any], where: str) -> None:
        """Raise ScenarioError when two values cannot stand together."""
        for first, second in self.orders:
            a, b = values.get(first), values.get(second)
            if a is None or b is None:
                continue
            a, b = (getattr(one, "central", one) for one in (a, b))
            if a > b:
                raise ScenarioError(
                    f"{where}.{second}: {_written(b)} lies before {first}, {_written(a)}"
                )


def _written(value: Any) -> str:
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else f"{value:g}"


_POLICY = {"begins": _BEGINS, "in_full": _BEGINS}
_SUPPORT = {
    "supported_before": Parameter("range", 0, 1, "(a share from 0 to 1)"),
    "supported_after": Parameter("range", 0, 1, "(a share from 0 to 1)"),
}

KINDS: Mapping[str, Kind] = {
    "business_as_usual": Kind(paths.business_as_usual, {}),
    "hold_last": Kind(paths.hold_last, {}),
    "linear_change": Kind(
        paths.linear_change,
        {"points_per_year": Parameter("number", -100, 100, "percentage points a year")},
    ),
    "percent_of_baseline": Kind(
        paths.percent_of_baseline,
        {"percent": Parameter("number", 1, 1000, "percent of the value at the origin")},
    ),
    "constant_rate": Kind(
        paths.constant_rate,
        {"percent_per_year": Parameter("number", -99, 100, "percent a year")},
    ),
    "reach_target": Kind(
        paths.reach_target,
        {
            "target": Parameter("target", 0, 100, "percent", "assigned", ("assigned",)),
            "by": Parameter("date", optional=True),
            "shape": Parameter("choice", default="straight", choices=tuple(paths.SHAPES)),
        },
        ahead=("by",),
    ),
    "return_to_trajectory": Kind(
        comparators.return_to_trajectory,
        {
            "shock": Parameter("date", default=pd.Timestamp(2021, 7, 1)),
            "years": Parameter("integer", 1, 20, "years", default=3),
        },
    ),
    "dip_and_recover": Kind(
        paths.dip_and_recover,
        {"dip": _POINTS, "lowest": _BEGINS, "recovered": _BEGINS},
        ahead=("lowest",),
        orders=(("lowest", "recovered"),),
    ),
    "best_of_region": Kind(comparators.best_of_region, {"years": _YEARS}),
    "top_n": Kind(
        comparators.top_n,
        {"n": Parameter("integer", 1, 63, "units", default=5), "years": _YEARS},
    ),
    "peer_quantile": Kind(
        comparators.peer_quantile,
        {
            "quantile": Parameter("number", 0, 1, "(a share from 0 to 1)", default=0.75),
            "groups": Parameter("integer", 1, 21, "groups", default=5),
            "years": _YEARS,
        },
    ),
    "own_best_years": Kind(
        comparators.own_best_years, {"n": Parameter("integer", 1, 10, "years", default=3)}
    ),
    "restored_cards": Kind(
        policies.restored_cards,
        {
            "restored": _SHARE,
            "effect": Parameter("range", 0, 5, "(logit, 0 or above)", optional=True),
            "lost": Parameter("range", -5, 0, "(logit, 0 or below)", optional=True),
            **_POLICY,
        },
        ahead=("begins", "in_full"),
        provinces_only=True,
        indicators=("hi_coverage",),
        support=policies.support_cards,
        orders=(("begins", "in_full"),),
    ),
    "premium_support": Kind(
        policies.premium_support,
        {
            "group": Parameter("choice", choices=policies.GROUPS),
            "share_of_population": _SHARE,
            "share_of_uninsured": _SHARE,
            "enrolled": _SHARE,
            **_SUPPORT,
            **_POLICY,
        },
        ahead=("begins", "in_full"),
        indicators=("hi_coverage",),
        support=policies.support_group,
        orders=(("begins", "in_full"), ("supported_before", "supported_after")),
    ),
    "late_payment_cut": Kind(
        paths.business_as_usual,
        {"rate": Parameter("number", 0, 100, "percent of the receivable")},
        indicators=("late_payment_rate",),
    ),
    "voluntary_support": Kind(
        policies.voluntary_support,
        {
            "increase": Parameter("range", 0, 10, "(0.2 is 20% more)"),
            "monthly_contribution": Parameter("number", 0.01, 10, "million VND a month"),
            **_SUPPORT,
            **_POLICY,
        },
        ahead=("begins", "in_full"),
        provinces_only=True,
        indicators=("si_coverage",),
        support=policies.support_voluntary,
        orders=(("begins", "in_full"), ("supported_before", "supported_after")),
    ),
}
