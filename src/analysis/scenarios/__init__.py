"""Scenarios: what coverage would be, and what it would take, on the draws of the forecast.

A scenario is data: a YAML file that names a kind and its parameters (`definition`). It moves the
provinces away from business as usual, draw by draw (`run`), so every aggregate is the sum of its
parts and every answer carries the uncertainty of the forecast.
"""

from analysis.scenarios.baseline import Baseline, baseline, prepared
from analysis.scenarios.definition import Scenario, load, load_folder
from analysis.scenarios.outcome import Outcome, run
from analysis.scenarios.parameters import ScenarioError

__all__ = [
    "Baseline",
    "Outcome",
    "Scenario",
    "ScenarioError",
    "baseline",
    "load",
    "load_folder",
    "prepared",
    "run",
]
