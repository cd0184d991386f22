"""Run a scenario: move the provinces, draw by draw, and say what it gives, takes and costs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.forecast.draws import pulled
from analysis.forecast.outlook import MONTH, least_persons
from analysis.forecast.tables import chance
from analysis.scenarios.baseline import (
    SHOWN_QUANTILES,
    Baseline,
    Footing,
    Unit,
    footing,
    month_ends,
    to_logit,
    to_provinces,
)
from analysis.scenarios.definition import Scenario
from analysis.scenarios.parameters import ScenarioError
from analysis.scenarios.paths import Support

# --------------------------------------------------------------------------------------------------
# What the state budget pays: persons x months x contribution x supported share.
# --------------------------------------------------------------------------------------------------

#: Health insurance contribution as a share of the base salary (Decree 146/2018/ND-CP, article 7).
RATE = 0.045
#: Base salary in million VND a month from each day on (Decrees 38/2019, 24/2023, 73/2024/ND-CP).
BASE_SALARY = {
    pd.Timestamp(2019, 7, 1): 1.49,
    pd.Timestamp(2023, 7, 1): 1.80,
    pd.Timestamp(2024, 7, 1): 2.34,
}


def base_salary(day: pd.Timestamp) -> float:
    """Base salary in million VND on a day. Raises ValueError before July 2019."""
    known = [salary for since, salary in sorted(BASE_SALARY.items()) if since <= day]
    if not known:
        raise ValueError(f"the base salary is known from July 2019 on, not for {day:%Y-%m-%d}")
    return known[-1]


def monthly_contributions(
    origin: pd.Timestamp, date: pd.Timestamp, fixed: float | None = None
) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """The months after the origin and the contribution of one person in each, million VND.

    fixed: a contribution that does not follow the base salary.
    """
    months = month_ends(origin, date)
    if fixed is not None:
        return months, np.full(len(months), fixed)
    return months, np.array([RATE * base_salary(day) for day in months])


def budget(
    persons: np.ndarray,
    dates: pd.DatetimeIndex,
    origin: pd.Timestamp,
    share: np.ndarray,
    fixed: float | None = None,
) -> np.ndarray:
    """Billion VND from the origin to the last date: (S, U).

    Each month counts the persons at its end, taken straight between the dates.

    Args:
        persons: (S, U, T) supported persons at `dates`. share: (S,) of the contribution.
    """
    months, each = monthly_contributions(origin, dates[-1], fixed)
    weights = _weights(dates, months, each)
    return share[:, None] * (persons @ weights) / 1000


def _weights(dates: pd.DatetimeIndex, months: pd.DatetimeIndex, each: np.ndarray) -> np.ndarray:
    """(T,) million VND for each person at each date: months interpolated, then added up."""
    at = (dates - dates[0]).days.to_numpy()
    when = (months - dates[0]).days.to_numpy()
    shares = np.stack([np.interp(when, at, row) for row in np.eye(len(at))])
    weights: np.ndarray = shares @ each
    return weights


@dataclass(frozen=True)
class Outcome:
    """A scenario on S draws, P provinces and T dates.

    level: (S, P, T) percent, with the saw-tooth of business as usual. support: what the state
    pays under it, at provinces; None where it pays nothing that is stated.
    """

    scenario: Scenario
    base: Baseline
    level: np.ndarray
    support: Support | None = None

    def true(self, unit: Unit) -> np.ndarray:
        """(S, T) level of a unit, percent: the sum over its provinces."""
        return self.base.of(self.level, unit)

    @cached_property
    def at_date(self) -> dict[Unit, np.ndarray]:
        """(S,) level of every unit at the date, percent.

        A unit none of whose provinces a scenario moves keeps its forecast to the last bit.
        """
        base, last = self.base, self.level[:, :, -1]
        moved = (last != base.level[:, :, -1]).any(axis=0)
        weights = base.persons[:, -1]
        found = dict(base.at_date)
        for unit in base.units:
            parts = base.members[unit]
            if moved[parts].any():
                found[unit] = last[:, parts] @ (weights[parts] / base.denominator(unit)[-1])
        return found

    @cached_property
    def reported(self) -> dict[Unit, np.ndarray]:
        """(S,) value of every unit as it would be reported at the date, percent.

        A draw keeps its reading error, on the logit scale; the pull of the target is then that
        of the forecast.
        """
        return {unit: self._report(unit) for unit in self.base.units}

    def _report(self, unit: Unit) -> np.ndarray:
        base, level = self.base, self.at_date[unit]
        if np.array_equal(level, base.at_date[unit]):
            return base.reported[unit]
        said: np.ndarray = 100 * expit(to_logit(level) + base.error[unit])
        if unit not in base.goals:
            return said
        return pulled(said, base.goals[unit], base.pulls.of(unit[0]))

    def meets(self, unit: Unit, scale: str = "reported") -> float:
        """Probability that a unit is at or above its target.

        NaN where it has none, or too little evidence of its own.
        """
        return _chance((self.reported if scale == "reported" else self.at_date)[unit],
                       self.base, unit)  # fmt: skip

    @cached_property
    def persons(self) -> np.ndarray:
        """(S, P) persons insured at the date less those at the origin, net of those who leave."""
        end = self.level[:, :, -1] * self.base.persons[:, -1]
        return (end - self.base.at_origin * self.base.persons_origin) / 100

    @cached_property
    def additional(self) -> np.ndarray:
        """(S, P, T) persons insured beyond business as usual."""
        return (self.level - self.base.level) / 100 * self.base.persons

    def sum(self, persons: np.ndarray, unit: Unit) -> np.ndarray:
        """Add provinces (S, P) up to a unit (S,)."""
        total: np.ndarray = persons[:, self.base.members[unit]].sum(axis=1)
        return total

    @property
    def months(self) -> float:
        """Months from the origin to the date."""
        return (self.base.date - self.base.origin).days / MONTH

    @cached_property
    def budget_new(self) -> np.ndarray | None:
        """(S, P) billion VND for persons beyond business as usual; None where none is stated."""
        if self.support is None:
            return None
        return budget(
            self.additional,
            self.base.dates,
            self.base.origin,
            self.support.new,
            self.support.monthly,
        )

    @cached_property
    def budget_all(self) -> np.ndarray | None:
        """(S, P) billion VND also for those who are insured anyway and get the support too."""
        if self.support is None or self.budget_new is None:
            return None
        if not self.support.others.any():
            return self.budget_new
        more = budget(
            self.support.others,
            self.base.dates,
            self.base.origin,
            self.support.others_share,
            self.support.monthly,
        )
        return self.budget_new + more


def run(scenario: Scenario, base: Baseline) -> Outcome:
    """Run a scenario on business as usual.

    Raises:
        ScenarioError: the scenario is about another indicator, origin or date than the draws.
    """
    _fits(scenario, base)
    usual = footing(base, scenario.level)
    wanted = _only(scenario, usual, scenario.rule.path(usual, scenario.parameters))
    moved = to_provinces(base, scenario.level, usual, wanted)
    path, _ = base.free
    level = np.clip(base.level + (moved - path), 0, 100)
    return Outcome(scenario, base, level, _support(scenario, base, usual))


def _fits(scenario: Scenario, base: Baseline) -> None:
    if scenario.indicator != base.indicator:
        raise ScenarioError(
            f"{scenario.file}: indicator: {scenario.indicator} cannot run on draws of "
            f"{base.indicator}"
        )
    for name, asked, own in (
        ("origin", scenario.origin, base.origin),
        ("date", scenario.date, base.date),
    ):
        if asked is not None and asked != own:
            raise ScenarioError(
                f"{scenario.file}: {name}: {asked:%Y-%m-%d}, but the draws are of {own:%Y-%m-%d}"
            )
    scenario.check_dates(base.origin, base.date)


def _only(scenario: Scenario, usual: Footing, wanted: np.ndarray) -> np.ndarray:
    if not scenario.only:
        return wanted
    moved = np.isin(usual.codes, scenario.only)
    return np.where(moved[None, :, None], wanted, usual.path)


def _support(scenario: Scenario, base: Baseline, usual: Footing) -> Support | None:
    if scenario.rule.support is not None:
        own = scenario.rule.support(usual, scenario.parameters)
        moved = np.isin(usual.codes, scenario.only) if scenario.only else True
        others = np.where(np.reshape(moved, (1, -1, 1)), own.others, 0.0)
        return Support(own.new, others, own.others_share, own.monthly)
    if scenario.supported_share is None:
        return None
    share = scenario.supported_share.draws(base.size)
    return Support(share, np.zeros((1, 1, 1)), share)


def _chance(values: np.ndarray, base: Baseline, unit: Unit) -> float:
    return chance(values, base.targets[unit][0], base.enough[unit])


# --------------------------------------------------------------------------------------------------
# A single unit moved by hand: people a month, and support for those who would be without.
#
# People over the denominator of the date add points of coverage; they raise the draws of the
# reported value before the pull of the target acts on them, as `least_persons` counts them.
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reached:
    """Quantiles of the reported value in percent, and the probability of meeting the target."""

    q05: float
    q10: float
    q50: float
    q90: float
    q95: float
    probability: float


def forecast_of(base: Baseline, unit: Unit) -> Reached:
    """Business as usual for a unit, as the tables of the forecast have it."""
    values = base.reported[unit]
    found = dict(
        zip(
            SHOWN_QUANTILES,
            np.quantile(values, list(SHOWN_QUANTILES.values())).tolist(),
            strict=True,
        )
    )
    return Reached(**found, probability=_chance(values, base, unit))


def by_hand(base: Baseline, unit: Unit, persons_month: float, joining: float) -> Reached:
    """What is to be expected with more people a month, and a share of the others joining.

    The difference that both make to draws weighted by the pull is added to the forecast: weights
    move smoothly where resampled draws would jump.

    Args:
        persons_month: beyond business as usual, from the origin to the date.
        joining: share, 0 to 1, of those who would then still be without.
    """
    usual, plain = forecast_of(base, unit), np.sort(base.plain[unit])
    months = (base.date - base.origin).days / MONTH
    more = 100 * persons_month * months / base.denominator(unit)[-1]
    raised = np.minimum(plain + more, 100.0)
    at_rest = _weighted(plain, base, unit)
    moved = _weighted(raised + joining * (100.0 - raised), base, unit)
    most = np.array([100.0] * len(SHOWN_QUANTILES) + [1.0])
    found = np.clip(np.array([*vars(usual).values()]) + moved - at_rest, 0, most)
    return Reached(**dict(zip(vars(usual), found.tolist(), strict=True)))


def _weighted(values: np.ndarray, base: Baseline, unit: Unit) -> np.ndarray:
    """SHOWN_QUANTILES of rising draws under the pull, and the probability of the target.

    A draw stands for the values halfway to its neighbours, of which a target may cut a share off.
    """
    goals, target = base.goals.get(unit, np.array([])), base.targets[unit][0]
    weight, met = np.zeros(len(values)), 0.0
    over = _share_over(values, target) / len(values)
    for goal in goals:
        above = _share_over(values, goal) / len(values)
        sides = base.pulls.of(unit[0]).split(values - goal, above, 1 / len(values) - above)
        weight += (sides[0] + sides[1]) / len(goals)
        if goal == target:
            met += sides[0].sum() / len(goals)
        else:
            met += ((sides[0] + sides[1]) * over).sum() * len(values) / len(goals)
    if not len(goals):
        weight, met = np.full(len(values), 1 / len(values)), over.sum()
    total = weight.sum()
    levels = (np.cumsum(weight) - weight / 2) / total
    return np.append(np.interp(list(SHOWN_QUANTILES.values()), levels, values), met / total)


def _share_over(values: np.ndarray, edge: float) -> np.ndarray:
    """(S,) share at or above an edge of what each rising value stands for."""
    middle = (values[1:] + values[:-1]) / 2
    lower, upper = np.append(values[0], middle), np.append(middle, values[-1])
    return np.clip((upper - edge) / np.maximum(upper - lower, 1e-12), 0.0, 1.0)


def people_needed(base: Baseline, unit: Unit) -> tuple[float, float]:
    """People a month beyond business as usual for a chance of 50 and of 80 percent, as chapter 05
    counts them; NaN without a target, without evidence, or where no credible number is enough."""
    target = base.targets[unit][0]
    if not np.isfinite(target) or not base.enough[unit]:
        return float("nan"), float("nan")
    goals = base.goals.get(unit, np.array([np.nan]))
    months, people = (base.date - base.origin).days / MONTH, base.denominator(unit)[-1]
    pull = base.pulls.of(unit[0])
    return least_persons(base.plain[unit], float(people), months, target, goals, pull)
