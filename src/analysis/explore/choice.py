"""What a reader has chosen: unit, indicator, origin, and how far the levers are moved."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import geography
from analysis.coverage import COVERAGE


@dataclass(frozen=True)
class Choice:
    """One state of the explorer.

    unit: level and code, such as province_63/83 or country/00. indicator: a coverage rate.
    origin: the day whose knowledge the forecast has. due: the day of the target.
    persons_month: people enrolled each month from the origin to the due date beyond those that
    the forecast expects. support: share of the premium that a budget pays for people without
    health insurance, 0 to 1. response: share of the people so offered who enrol when the whole
    premium is paid, 0 to 1; an assumption, since no estimate of it rests on these data.
    """

    unit: str = "country/00"
    indicator: str = "hi_coverage"
    origin: str = "2025-06-30"
    due: str = "2025-12-31"
    persons_month: float = 0.0
    support: float = 0.0
    response: float = 0.3

    def __post_init__(self) -> None:
        """Check the choice.

        Raises:
            ValueError: names the part that cannot be, and what it can be.
        """
        if self.code not in geography.codes(self.level):
            raise ValueError(f"unit: {self.unit!r} is not a unit, such as province_63/83")
        if self.indicator not in COVERAGE:
            raise ValueError(f"indicator: {self.indicator!r} is none of {', '.join(COVERAGE)}")
        if pd.Timestamp(self.origin) >= pd.Timestamp(self.due):
            raise ValueError(f"origin: {self.origin} is not before the due date {self.due}")
        if self.persons_month < 0:
            raise ValueError(f"persons_month: {self.persons_month} is below 0")
        for name in ("support", "response"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: {getattr(self, name)} is not a share from 0 to 1")

    @property
    def level(self) -> str:
        """The geographic level of the unit."""
        return self.unit.partition("/")[0]

    @property
    def code(self) -> str:
        """The code of the unit."""
        return self.unit.partition("/")[2]

    @property
    def months(self) -> float:
        """Months from the origin to the due date."""
        return (pd.Timestamp(self.due) - pd.Timestamp(self.origin)).days / 365.25 * 12

    @property
    def moves(self) -> bool:
        """Whether any lever is moved. Premium support acts on health insurance alone."""
        return self.persons_month > 0 or self.support * self.response * self.supportable > 0

    @property
    def supportable(self) -> bool:
        """Whether the premium of this scheme is one that a household decides to pay."""
        return self.indicator == "hi_coverage"
