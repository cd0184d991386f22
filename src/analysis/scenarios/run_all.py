"""Chapter 07 in steps: business as usual, the scenarios, and the tables that it writes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import paths
from analysis.forecast.space import FAMILY
from analysis.forecast.tables import known_on
from analysis.readings.store import read_readings
from analysis.scenarios import late_payment
from analysis.scenarios import tables as scenarios_tables
from analysis.scenarios.baseline import Baseline, Unit, effects_of_cards, prepared
from analysis.scenarios.definition import Scenario, load_folder
from analysis.scenarios.late_payment import LateOutcome
from analysis.scenarios.outcome import Outcome, run
from analysis.scenarios.parameters import ScenarioError
from analysis.scenarios.tables import contributions

_FOLDER = "scenarios"
#: Columns that business as usual shares with the forecasts of chapter 05.
_SHARED = ("q05", "q10", "q50", "q90", "q95", "p_meets_true", "p_meets_reported")


@dataclass(frozen=True)
class Chapter:
    """All scenarios of the folder, run.

    outcomes: scenarios of coverage, business as usual of each indicator first. late: those of late
    payment. forecasts: of chapter 05.
    """

    outcomes: tuple[Outcome, ...]
    late: tuple[LateOutcome, ...]
    forecasts: pd.DataFrame

    def of(self, indicator: str) -> list[Outcome]:
        """The scenarios of an indicator, business as usual first."""
        found = [one for one in self.outcomes if one.base.indicator == indicator]
        if not found:
            raise ScenarioError(f"no scenario of {indicator} is in the folder {_FOLDER}")
        return found

    def one(self, name: str) -> Outcome:
        """The scenario of a name. Raises ScenarioError."""
        for outcome in self.outcomes:
            if outcome.scenario.name == name:
                return outcome
        known = ", ".join(one.scenario.name for one in self.outcomes)
        raise ScenarioError(f"no scenario {name!r} in the folder {_FOLDER}; there are: {known}")

    def choose(self, names: Iterable[str]) -> list[Outcome]:
        """Several scenarios, in the order in which they are named."""
        return [self.one(name) for name in names]


def read_forecasts() -> pd.DataFrame:
    """The forecasts of chapter 05, latest origin.

    Raises:
        analysis.paths.MissingTable: chapter 05 has not run.
    """
    table = paths.read_processed("forecasts", dates=["origin", "date"])
    return table[table["origin"] == table["origin"].max()].reset_index(drop=True)


def usual(indicator: str, forecasts: pd.DataFrame) -> Baseline:
    """Business as usual from the origin of the forecasts to the day on which targets fall due."""
    own = forecasts[forecasts["indicator"] == indicator]
    if own.empty:
        raise ScenarioError(
            f"indicator: {indicator} is not in forecasts.csv; run chapter 05 with it"
        )
    return usual_at(indicator, own["origin"].iloc[0], _due(own))


def _due(forecasts: pd.DataFrame) -> pd.Timestamp:
    """The first day on which targets fall due."""
    return forecasts.loc[forecasts["target"].notna(), "date"].min()


def usual_at(indicator: str, origin: pd.Timestamp, date: pd.Timestamp) -> Baseline:
    """Business as usual from any origin to a year-end, on the readings of chapter 01."""
    known = known_on(f"{origin:%Y-%m-%d}")
    return prepared(known, indicator, date.year, date, effects_of_cards(indicator))


def days_of_forecasts(indicator: str) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """Origin and due date of chapter 05 for an indicator; None where it has not run."""
    try:
        table = read_forecasts()
    except paths.MissingTable:
        return None
    own = table[table["indicator"] == indicator]
    return None if own.empty else (own["origin"].iloc[0], _due(own))


def usual_scenario(indicator: str) -> Scenario:
    """The scenario that changes nothing."""
    title = {"en": "Business as usual", "vi": "Giữ đà hiện nay"}
    name = "business_as_usual"
    if indicator != "hi_coverage":
        name += f"_{indicator.split('_')[0]}"
    return Scenario(name, title, "business_as_usual", indicator, file=f"{name}.yml")


def run_all(folder: Path | None = None) -> Chapter:
    """Run every scenario of a folder (scenarios/ of the project when none is given).

    Raises:
        ScenarioError: a file or value is wrong, or a scenario does not fit the forecasts.
        analysis.paths.MissingTable: an earlier chapter has not run.
    """
    scenarios = load_folder(folder or paths.ROOT / _FOLDER)
    forecasts = read_forecasts()
    outcomes: list[Outcome] = []
    for indicator in [name for name in FAMILY if name in {one.indicator for one in scenarios}]:
        base = usual(indicator, forecasts)
        wanted = _first_usual(scenarios, indicator)
        outcomes += [run(scenario, base) for scenario in wanted]
    return Chapter(tuple(outcomes), tuple(_late(scenarios)), forecasts)


def _first_usual(scenarios: list[Scenario], indicator: str) -> list[Scenario]:
    """Scenarios of an indicator; where none of them is business as usual, with that first."""
    own = [one for one in scenarios if one.indicator == indicator]
    if own[0].kind == "business_as_usual":
        return own
    return [usual_scenario(indicator), *own]


def _late(scenarios: Iterable[Scenario]) -> list[LateOutcome]:
    return [run_late(one) for one in scenarios if one.kind == "late_payment_cut"]


def run_late(scenario: Scenario) -> LateOutcome:
    """Run a scenario of late payment on the forecasts of chapter 04.

    Raises:
        analysis.paths.MissingTable: chapter 01 or 04 has not run.
    """
    forecasts = paths.read_processed("late_payment_forecasts", dates=["origin", "date"])
    return late_payment.run(scenario, forecasts, read_readings())


def path_differences(chapter: Chapter) -> pd.DataFrame:
    """Business as usual beside the forecasts of chapter 05: one row a unit and indicator.

    `difference` is the largest absolute one of all quantiles and probabilities; 0 where both
    tables are the same.
    """
    rows = []
    usual_ones = [one for one in chapter.outcomes if one.scenario.kind == "business_as_usual"]
    for outcome in usual_ones:
        own = scenarios_tables.outcome_table(outcome)
        keys = ["geo_level", "province_code", "indicator", "date"]
        said = chapter.forecasts[chapter.forecasts["scale"] == "reported"]
        both = own.merge(said, on=keys, suffixes=("", "_said"), validate="one_to_one")
        gaps = np.column_stack([_gap(both[name], both[f"{name}_said"]) for name in _SHARED])
        rows.append(both[keys].assign(difference=gaps.max(axis=1)))
    return pd.concat(rows, ignore_index=True)


def _gap(first: pd.Series, second: pd.Series) -> np.ndarray:
    """Absolute differences; none where both are missing, infinite where one is."""
    gap = (first - second).abs().to_numpy()
    neither = first.isna().to_numpy() & second.isna().to_numpy()
    return np.where(neither, 0.0, np.where(np.isnan(gap), np.inf, gap))


def tables(chapter: Chapter) -> dict[str, pd.DataFrame]:
    """What the chapter writes, by file name without .csv."""
    units: list[Unit] = list(chapter.outcomes[0].base.units)
    found = {
        "scenarios": [scenarios_tables.outcome_table(one) for one in chapter.outcomes],
        "scenario_paths": [scenarios_tables.path_table(one, units) for one in chapter.outcomes],
        "scenario_contributions": [contributions(one) for one in chapter.outcomes],
        "scenario_assumptions": [
            scenarios_tables.assumption_table(one) for one in chapter.outcomes
        ],
        "scenario_late_payment": [one.table for one in chapter.late],
    }
    return {name: _stacked(parts) for name, parts in found.items()}


def _stacked(parts: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame({"scenario": []})


def write(chapter: Chapter) -> list[str]:
    """Write the tables to data/processed; returns the names of the files."""
    made = tables(chapter)
    for name, table in made.items():
        paths.write_table(table, paths.PROCESSED / f"{name}.csv")
    return sorted(f"{name}.csv" for name in made)
