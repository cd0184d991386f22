"""What a state of the explorer says: its sentences, and the scenarios beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from analysis.coverage import COVERAGE
from analysis.explore.courses import offered
from analysis.explore.session import Explorer, View
from analysis.results import Result
from analysis.targets import NATIONWIDE
from analysis.verdicts import verdict
from analysis.wording import say

_FORMATS = {
    "persons_month": "rounded",
    "q50": "percent1",
    "q10": "percent1",
    "q90": "percent1",
    "probability": "probability",
}
_COLUMNS = ["scenario", "persons_month", "q50", "q10", "q90", "probability"]


def scenarios(explorer: Explorer, view: View, language: str) -> Result:
    """Return one row a scenario of the folder scenarios/, as the files name them.

    People a month beyond the forecast, the value expected to be reported with its 80% band, and
    the probability of the target; without a target the table is empty. The sentences are those of
    `sentences`.
    """
    table = _courses(explorer, view, language)
    phrases = sentences(view, language)
    return Result("explore", table, phrases, _FORMATS, {}, "explore", joined={"q10": "q90"})


def all_rates(explorer: Explorer, view: View, language: str) -> Result:
    """Return the scenarios of all three rates for the unit, origin and due date of a view."""
    views = [explorer.view(replace(view.choice, indicator=name)) for name in COVERAGE]
    tables = [
        _courses(explorer, one, language).assign(indicator=one.choice.indicator) for one in views
    ]
    table = pd.concat(tables, ignore_index=True)[["indicator", *_COLUMNS]]
    words = {"indicator": "indicator"}
    return Result("scenarios", table, (), _FORMATS, words, "explore", joined={"q10": "q90"})


def _courses(explorer: Explorer, view: View, language: str) -> pd.DataFrame:
    if view.target is None:
        return pd.DataFrame(columns=_COLUMNS)
    files = offered(view.choice.indicator)
    found = explorer.courses(view.choice).rename(columns={"more": "persons_month"})
    found["scenario"] = [files[name].title[language] for name in found["scenario"]]
    return found[_COLUMNS]


def sentences(view: View, language: str) -> list[tuple[str, dict[str, object]]]:
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
    if view.course:
        title = offered(view.choice.indicator)[view.course].title[language]
        said.append(("explore.moved_course", values | vars(view.moved) | {"title": title}))
    elif view.choice.moves:
        said.append((f"explore.moved_{_by_what(view)}", values | vars(view.moved)))
    return [*said, (f"explore.takes_{_how_much(view)}", values)]


def spoken(phrases: Sequence[tuple[str, Mapping[str, object]]], language: str) -> str:
    """Return phrases as one text."""
    return " ".join(say(key, language, **values) for key, values in phrases)


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
