"""Outcomes as tables: what a scenario gives each unit, its path, and its assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast.outlook import MONTH
from analysis.scenarios.baseline import SHOWN_QUANTILES, Unit
from analysis.scenarios.outcome import Outcome
from analysis.scenarios.parameters import Range
from analysis.verdicts import NO_TARGET, verdict

#: A quarter has three months.
_QUARTER = 3


def quantiles(values: np.ndarray) -> np.ndarray:
    """(5, U) quantiles at SHOWN_QUANTILES of U rows of draws (U, S), linear between draws.

    The same numbers as numpy.quantile, from one sort.
    """
    ordered = np.sort(values, axis=1)
    place = np.array(list(SHOWN_QUANTILES.values())) * (values.shape[1] - 1)
    low = place.astype(int)
    high = np.minimum(low + 1, values.shape[1] - 1)
    share = place - low
    found: np.ndarray = ordered[:, low] + share * (ordered[:, high] - ordered[:, low])
    return found.T


def outcome_table(outcome: Outcome, units: Sequence[Unit] | None = None) -> pd.DataFrame:
    """One row a unit: what scenarios.csv holds (see src/analysis/tables/scenarios.yml).

    Coverage in percent, persons in persons, budgets in billion VND from the origin to the date.
    """
    base, chosen = outcome.base, list(units or outcome.base.units)
    columns: dict[str, object] = {
        "scenario": outcome.scenario.name,
        "kind": outcome.scenario.kind,
        "geo_level": [level for level, _ in chosen],
        "province_code": [code for _, code in chosen],
        "indicator": base.indicator,
        "origin": base.origin,
        "date": base.date,
    }
    columns |= _spread("", [outcome.reported[unit] for unit in chosen], list(SHOWN_QUANTILES))
    columns |= _spread("true_", [outcome.at_date[unit] for unit in chosen], ("q10", "q50", "q90"))
    columns |= _chances(outcome, chosen)
    columns |= _people(outcome, chosen)
    columns |= _money(outcome, chosen)
    return pd.DataFrame(columns)


def _spread(prefix: str, values: list[np.ndarray], names: Sequence[str]) -> dict[str, np.ndarray]:
    found = dict(zip(SHOWN_QUANTILES, quantiles(np.stack(values)), strict=True))
    return {f"{prefix}{name}": found[name] for name in names}


def _chances(outcome: Outcome, units: list[Unit]) -> dict[str, object]:
    reported = [outcome.meets(unit) for unit in units]
    return {
        "target": [outcome.base.targets[unit][0] for unit in units],
        "target_setter": [outcome.base.targets[unit][1] for unit in units],
        "p_meets_true": [outcome.meets(unit, "true") for unit in units],
        "p_meets_reported": reported,
        "verdict": [
            verdict(p) if np.isfinite(outcome.base.targets[unit][0]) else NO_TARGET
            for unit, p in zip(units, reported, strict=True)
        ],
    }


def _people(outcome: Outcome, units: list[Unit]) -> dict[str, object]:
    names = ("q10", "q50", "q90")
    total = _spread("persons_", [outcome.sum(outcome.persons, unit) for unit in units], names)
    last = outcome.additional[:, :, -1]
    more = _spread("additional_", [outcome.sum(last, unit) for unit in units], names)
    month = total["persons_q50"] / outcome.months
    best = np.array([outcome.base.best_year[unit][1] for unit in units])
    with np.errstate(divide="ignore", invalid="ignore"):
        effort = np.where(best > 0, month / best, np.nan)
    return {
        **total,
        "persons_month": month,
        "persons_quarter": month * min(_QUARTER, outcome.months),
        **more,
        "best_year": [outcome.base.best_year[unit][0] for unit in units],
        "best_year_persons_month": best,
        "effort": effort,
    }


def _money(outcome: Outcome, units: list[Unit]) -> dict[str, object]:
    names = ("q10", "q50", "q90")
    columns: dict[str, object] = {}
    for prefix, values in (
        ("budget_new_", outcome.budget_new),
        ("budget_all_", outcome.budget_all),
    ):
        if values is None:
            columns |= dict.fromkeys([f"{prefix}{name}" for name in names], float("nan"))
        else:
            columns |= _spread(prefix, [outcome.sum(values, unit) for unit in units], names)
    return columns


def significant(values: pd.Series, digits: int = 4) -> pd.Series:
    """Numbers to so many leading digits: two more than are shown of quantities known roughly.

    What lies behind these differs between processors, and says nothing.
    """
    numbers = values.to_numpy(float)
    size = np.where(np.isfinite(numbers) & (numbers != 0), np.abs(numbers), 1.0)
    step = 10.0 ** (np.floor(np.log10(size)) - digits + 1)
    return pd.Series(np.round(numbers / step) * step, index=values.index)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, each by column name."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def path_table(outcome: Outcome, units: Sequence[Unit]) -> pd.DataFrame:
    """One row a unit and date: quantiles of the level in percent, insured persons (median)."""
    base, rows = outcome.base, []
    for unit in units:
        levels = quantiles(np.ascontiguousarray(outcome.true(unit).T)).T
        insured = levels[:, list(SHOWN_QUANTILES).index("q50")] / 100 * base.denominator(unit)
        for at, (day, level) in enumerate(zip(base.dates, levels, strict=True)):
            row: dict[str, Any] = {"scenario": outcome.scenario.name, "geo_level": unit[0]}
            row |= {"province_code": unit[1], "indicator": base.indicator, "date": day}
            rows.append(
                row | dict(zip(SHOWN_QUANTILES, level, strict=True)) | {"insured": insured[at]}
            )
    return pd.DataFrame(rows)


def plan_table(outcome: Outcome, unit: Unit) -> pd.DataFrame:
    """One row a quarter-end after the origin: persons won by then, in that quarter, a month.

    Medians of insured persons less those at the origin, net of those who leave and with the
    saw-tooth of the year; what is won in a quarter is the difference of two of them.
    """
    base, own = outcome.base, outcome.base.members[unit]
    begun = base.at_origin[:, own] @ base.persons_origin[own]
    insured = np.einsum("spt,pt->st", outcome.level[:, own], base.persons[own])
    ahead = np.asarray(base.dates > base.origin)
    won = np.median((insured - begun[:, None])[:, ahead] / 100, axis=0)
    days = base.dates[ahead]
    lengths = np.diff(np.append(0, (days - base.origin).days)) / MONTH
    quarter = np.diff(np.append(0.0, won))
    return pd.DataFrame(
        {
            "date": days,
            "persons_quarter": quarter,
            "persons_month": quarter / lengths,
            "persons_by": won,
        }
    )


def assumption_table(outcome: Outcome) -> pd.DataFrame:
    """One row an assumption: scenario, parameter, low, central, high, ground, note, note_vi."""
    scenario, rows = outcome.scenario, []
    given = dict(scenario.parameters) | {"supported_share": scenario.supported_share}
    for name, estimate in (
        ("effect", outcome.base.background.cards),
        ("lost", outcome.base.background.lost),
    ):
        if name in given and given[name] is None:
            given[name] = estimate
    for name, value in given.items():
        if isinstance(value, Range):
            rows.append(
                {
                    "scenario": scenario.name,
                    "parameter": name,
                    "low": value.low,
                    "central": value.central,
                    "high": value.high,
                    "ground": value.ground,
                    "note": value.note[0],
                    "note_vi": value.note[1],
                }
            )
    columns = ["scenario", "parameter", "low", "central", "high", "ground", "note", "note_vi"]
    return pd.DataFrame(rows, columns=columns)


# --------------------------------------------------------------------------------------------------
# How much each province adds to the nationwide result and to the gap, in parts that add up.
#
# Medians and quantiles of provinces do not add up to those of the country; means and regression
# shares do. With X the sum of the provinces' x_p and beta_p = cov(x_p, X) / var(X), the expectation
# of x_p where the country stands at a quantile q of X is, in a linear approximation,
#     E x_p + beta_p (q - E X),
# and these sum to q because the beta_p sum to one (Tasche 1999, Euler allocation).
# --------------------------------------------------------------------------------------------------

COUNTRY_UNIT: Unit = ("country", "00")


def contributions(outcome: Outcome) -> pd.DataFrame:
    """One row a province: persons enrolled, persons missing from the nationwide target.

    Columns: scenario, province_code, added (mean), added_low and added_high (what the province
    adds where the country stands at its 10% and 90% quantile), added_q10 and added_q90 (its own
    80% interval), the same for short; share_of_short. Each of added, added_low, added_high, short,
    short_low, short_high sums to the country's figure.
    """
    base = outcome.base
    target = base.targets.get(COUNTRY_UNIT, (float("nan"), ""))[0]
    # A province's part of the country's own denominator, on which the nationwide target is set.
    wanted = target * base.own_base[-1]
    short = (wanted - outcome.level[:, :, -1]) / 100 * base.persons[:, -1]
    columns: dict[str, object] = {"scenario": outcome.scenario.name, "province_code": base.codes}
    columns |= _parts("added", outcome.persons) | _parts("short", short)
    table = pd.DataFrame(columns)
    missing = table["short"].clip(lower=0)
    total = missing.sum()
    table["share_of_short"] = missing / total if total > 0 else np.nan
    return table


def _parts(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Means, parts of the country's 80% interval, and own 80% intervals of (S, P)."""
    total = values.sum(axis=1)
    mean, spread = values.mean(axis=0), total - total.mean()
    variance = float(spread @ spread)
    beta = (values - mean).T @ spread / variance if variance > 0 else np.zeros(len(mean))
    low, high = np.quantile(total, [0.10, 0.90])
    own = np.quantile(values, [0.10, 0.90], axis=0)
    return {
        name: mean,
        f"{name}_low": mean + beta * (low - total.mean()),
        f"{name}_high": mean + beta * (high - total.mean()),
        f"{name}_q10": own[0],
        f"{name}_q90": own[1],
    }
