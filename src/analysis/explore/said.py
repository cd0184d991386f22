"""What a state of the explorer says: its sentences, and the scenarios beside each other."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd

from analysis.explore.choice import Choice
from analysis.explore.outlook import outlook
from analysis.explore.session import Explorer, View
from analysis.results import Result
from analysis.targets import NATIONWIDE
from analysis.verdicts import verdict

#: Scenario -> share of the premium that is paid in it.
SCENARIOS = {"forecast": 0.0, "even": 0.0, "good": 0.0, "support": 0.5}
_FORMATS = {
    "persons_month": "rounded",
    "q50": "percent1",
    "q10": "percent1",
    "q90": "percent1",
    "probability": "probability",
}


def levers(view: View, scenario: str) -> Choice | None:
    """Return the choice of a view with the levers as a scenario sets them.

    None where the scenario cannot be, or is the forecast itself: no number of people gives its
    probability, or none is needed, or premium support does not apply to the scheme.
    """
    if scenario == "support" and not view.choice.supportable:
        return None
    persons = {"even": view.even, "good": view.good}.get(scenario, 0.0)
    if math.isnan(persons) or (scenario in ("even", "good") and persons == 0):
        return None
    return replace(view.choice, persons_month=persons, support=SCENARIOS[scenario])


def scenarios(explorer: Explorer, view: View) -> Result:
    """Return one row a scenario: people a month, what is expected, the probability.

    The sentences are those of `sentences`. Without a reading of the unit, or without a target,
    the table is empty.
    """
    rows = []
    future = explorer.future(view.choice)
    for name in SCENARIOS if view.read and view.target is not None else ():
        choice = levers(view, name)
        if choice is not None:
            row = {"scenario": f"scenario_{name}", "persons_month": choice.persons_month}
            rows.append(row | vars(outlook(future, choice)))
    columns = ["scenario", "persons_month", "q50", "q10", "q90", "probability"]
    table = pd.DataFrame(rows, columns=columns)
    words = {"scenario": "explore"}
    phrases = sentences(view)
    return Result("explore", table, phrases, _FORMATS, words, "explore", joined={"q10": "q90"})


def sentences(view: View) -> list[tuple[str, dict[str, object]]]:
    """Return what is expected, how probable the target is, and what it takes, as phrases."""
    values = {**vars(view.choice), **vars(view.plain), "even": view.even, "good": view.good}
    said: list[tuple[str, dict[str, object]]] = [("explore.forecast", values)]
    if view.target is None:
        return [*said, ("explore.no_target", {})]
    if not view.read:
        return [*said, ("explore.unsure", {})]
    of_target = {
        "target": view.target.value,
        "setter": f"setter.{view.target.setter}",
        "verdict": f"verdict.{verdict(view.plain.probability)}",
    }
    whose = "yardstick" if view.target.setter == NATIONWIDE else "own"
    said.append((f"explore.chance_{whose}", values | of_target))
    if view.choice.moves:
        said.append((f"explore.moved_{_by_what(view)}", values | vars(view.moved)))
    return [*said, (f"explore.takes_{_how_much(view)}", values)]


def _by_what(view: View) -> str:
    """Which levers are moved."""
    choice = view.choice
    supported = choice.supportable and choice.support * choice.response > 0
    if choice.persons_month > 0:
        return "both" if supported else "persons"
    return "support"


def _how_much(view: View) -> str:
    """Which of the two chances takes people beyond the forecast."""
    if math.isnan(view.good):
        return "too_much" if math.isnan(view.even) else "even"
    if view.good == 0:
        return "nothing"
    return "good" if view.even == 0 else "both"
