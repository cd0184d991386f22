"""Late payment cut to a given rate: what has to be collected, and how many days owed that spares.

Rates at the date are the forecasts of chapter 04, each on the definition that its province uses.
What a point of the rate is worth follows from the contributions collected in a year. Only units
with a forecast are told apart; the country is held at its latest reading, without an interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis import seeds
from analysis.country.indicators import DAYS_PER_PERCENT
from analysis.forecast.outlook import MONTH
from analysis.late_payment import data
from analysis.scenarios.definition import Scenario
from analysis.scenarios.parameters import ScenarioError
from analysis.scenarios.tables import records

#: Standard normal quantiles at 10 and 90 percent lie this far apart.
_BAND = 2 * 1.2815515655446004
_NAMES = ("q10", "q50", "q90")


class Label(NamedTuple):
    """What a rate is: its definition, what it rests on, its day, and since when it is known."""

    basis: str
    footing: str
    date: pd.Timestamp
    origin: pd.Timestamp


@dataclass(frozen=True)
class LateOutcome:
    """table: one row a unit with a rate; see `run`."""

    scenario: Scenario
    table: pd.DataFrame


def run(
    scenario: Scenario, forecasts: pd.DataFrame, readings: pd.DataFrame, draws: int = 4000
) -> LateOutcome:
    """Cut late payment to the scenario's rate in every unit that is above it.

    Args:
        forecasts: late_payment_forecasts.csv of chapter 04. readings: of chapter 01.

    Returns:
        Columns: geo_level, province_code, basis, footing (forecast or reading), date, rate_q10,
        rate_q50, rate_q90 (percent under business as usual), days_q50 (of contributions owed),
        days_after, collections (billion VND a year), collect_q10, collect_q50, collect_q90
        (billion VND to collect by the date beyond business as usual), collect_month.

    Raises:
        ScenarioError: no unit has a rate to cut.
    """
    money = data.build(readings)
    rows = _forecast_rows(scenario, forecasts, money, draws) + _country_row(
        scenario, readings, money, draws
    )
    if not rows:
        raise ScenarioError(f"{scenario.file}: no unit has a late payment rate that can be carried")
    table = pd.DataFrame(rows).sort_values(["geo_level", "province_code"], ignore_index=True)
    return LateOutcome(scenario, table)


def _forecast_rows(
    scenario: Scenario,
    forecasts: pd.DataFrame,
    money: data.Collections,
    draws: int,
) -> list[dict[str, object]]:
    chosen = forecasts[
        (forecasts["scale"] == "true")
        & forecasts["q50"].gt(0)
        & forecasts["geo_level"].eq("province_63")
    ]
    rows = []
    for row in records(chosen):
        day, code = pd.Timestamp(row["date"]), str(row["province_code"])
        base = money.base(code, day.year)
        if base is None:
            continue
        normal = seeds.generator("late", code).standard_normal(draws)
        spread = float(np.log(row["q90"] / row["q10"])) / _BAND
        rates = row["q50"] * np.exp(spread * normal)
        label = Label(str(row["basis"]), "forecast", day, pd.Timestamp(row["origin"]))
        rows.append(_row(scenario, ("province_63", code), label, rates, base.value))
    return rows


def _country_row(
    scenario: Scenario,
    readings: pd.DataFrame,
    money: data.Collections,
    draws: int,
) -> list[dict[str, object]]:
    own = readings[
        (readings["geo_level"] == "country")
        & (readings["indicator"] == "late_payment_rate")
        & (readings["kind_of_evidence"] == "published")
    ].sort_values("as_of")
    if own.empty:
        return []
    last = records(own)[-1]
    day = pd.Timestamp(last["as_of"].year, 12, 31)
    rates = np.full(draws, float(last["value"]))
    label = Label(str(last["basis"]), "reading", day, pd.Timestamp(last["as_of"]))
    worth = float(money.nationwide[day.year])
    row = _row(scenario, ("country", "00"), label, rates, worth)
    # How the rate moves until then is not forecast: no interval is better than one too narrow.
    narrow = ("rate_q10", "rate_q90", "collect_q10", "collect_q90")
    return [row | dict.fromkeys(narrow, float("nan"))]


def _row(
    scenario: Scenario,
    unit: tuple[str, str],
    label: Label,
    rates: np.ndarray,
    collections: float,
) -> dict[str, object]:
    goal = scenario.parameters["rate"]
    after = np.minimum(rates, goal)
    collect = (rates - after) / 100 * collections
    months = max((label.date - label.origin).days / MONTH, 1.0)
    found = dict(zip(_NAMES, np.quantile(rates, [0.1, 0.5, 0.9]), strict=True))
    money = dict(zip(_NAMES, np.quantile(collect, [0.1, 0.5, 0.9]), strict=True))
    return {
        "scenario": scenario.name,
        "geo_level": unit[0],
        "province_code": unit[1],
        **label._asdict(),
        "target": goal,
        **{f"rate_{name}": value for name, value in found.items()},
        "days_q50": DAYS_PER_PERCENT * found["q50"],
        "days_after": DAYS_PER_PERCENT * float(np.median(after)),
        "collections": collections,
        **{f"collect_{name}": value for name, value in money.items()},
        "collect_month": money["q50"] / months,
    }
