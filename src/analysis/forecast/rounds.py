"""Rounds: dated forecasts, declared in notebooks/rounds.yml and checked before anything is made.

A round is a question with a date: what was known on its origin, about the targets that fall due on
its due dates. A prospective round is closed before the first of them; a retrospective one is worked
out later from what was known then; a back-cast is one of those that also served to choose the
model. They are never mixed in one figure unnamed.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from analysis import paths
from analysis.forecast import space as model_settings
from analysis.forecast.known import LAST
from analysis.forecast.space import DEFAULT, Settings

_FILE = "rounds.yml"
#: Years on which the model was chosen: scored as other rounds are, and never with them.
BACKCAST = "backcast"
_KINDS = ("prospective", "retrospective", BACKCAST)
#: What `units` may say -> the levels that are archived and scored, beside the country.
SYSTEMS = {
    "34": ("country", "province_34"),
    "63": ("country", "province_63"),
    "both": ("country", "province_63", "province_34"),
}
NEWEST = "newest"
_KEYS = ("origin", "due", "units", "model", "kind")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class RoundError(ValueError):
    """A round that cannot be made, closed or scored; one line for each fault."""


@dataclass(frozen=True)
class Round:
    """One entry of rounds.yml.

    Attributes:
        origin: nothing dated or announced later is used.
        due: year-ends on which targets fall due, ascending.
        units: a key of SYSTEMS.
        model: version of the forecast.
        kind: one of KINDS.
    """

    name: str
    origin: pd.Timestamp
    due: tuple[pd.Timestamp, ...]
    units: str
    model: int
    kind: str

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of the units that the round is about."""
        return SYSTEMS[self.units]

    @property
    def years(self) -> tuple[int, ...]:
        """The years at whose ends targets fall due."""
        return tuple(day.year for day in self.due)

    @property
    def settings(self) -> Settings:
        """The settings of its version of the model."""
        return versions()[self.model]


def versions() -> Mapping[int, Settings]:
    """The versions of the model that can be called."""
    found: Mapping[int, Settings] = getattr(model_settings, "VERSIONS", {1: DEFAULT})
    return found


def load_rounds(file: Path | None = None) -> dict[str, Round]:
    """All rounds by name. Raises RoundError, with a line for each fault."""
    content = _content(file or paths.NOTEBOOKS / _FILE)
    faults: list[str] = []
    found = {}
    for name, entry in content["rounds"].items():
        own = _faults(name, entry)
        faults += [f"{_FILE}: round {name}: {fault}" for fault in own]
        if not own:
            found[name] = _round(name, entry)
    if not faults and content["main"] not in found:
        faults.append(f"{_FILE}: main: {content['main']!r} is not among the rounds below it")
    if faults:
        raise RoundError("\n".join(faults))
    return found


def main_round(file: Path | None = None) -> Round:
    """The round that the report shows. Raises RoundError."""
    file = file or paths.NOTEBOOKS / _FILE
    return load_rounds(file)[_content(file)["main"]]


def named_round(name: str, file: Path | None = None) -> Round:
    """The round of a name, or of two days such as 2022-12-31/2025-12-31: origin and due date.

    A round of two days is one to look at, retrospective, by the newest version of the model.

    Raises:
        RoundError: neither is meant; the message lists the names that there are.
    """
    if "/" in str(name):
        return _of_days(str(name))
    known = load_rounds(file)
    if str(name) not in known:
        raise RoundError(
            f"no round {name!r} in {_FILE}; there are: {', '.join(known)}; or write origin and due "
            "date as 2022-12-31/2025-12-31"
        )
    return known[str(name)]


def _of_days(name: str) -> Round:
    try:
        origin, due = (datetime.date.fromisoformat(part) for part in name.split("/"))
    except ValueError as error:
        raise RoundError(
            f"round {name!r}: write origin and due date as 2022-12-31/2025-12-31"
        ) from error
    if found := _faults_of_days(origin, [due]):
        raise RoundError(f"round {name}: {found[0]}")
    days = {"origin": origin, "due": [due]}
    return _round(name, {**days, "units": "both", "model": NEWEST, "kind": _KINDS[1]})


class _UniqueKeys(yaml.SafeLoader):
    """Reads YAML safely and refuses a key that stands twice, which YAML would let pass."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"{key} stands twice")
        return super().construct_mapping(node, deep)


def _content(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_text("utf-8"), Loader=_UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise RoundError(f"{_FILE}: cannot be read: {reason}") from error
    if not isinstance(content, dict) or set(content) != {"main", "rounds"}:
        raise RoundError(f"{_FILE}: write `main` (the name of a round) and `rounds`, nothing else")
    if not isinstance(content["rounds"], dict) or not content["rounds"]:
        raise RoundError(f"{_FILE}: rounds: write at least one, as name and entries below it")
    return {
        "main": str(content["main"]),
        "rounds": {str(name): entry for name, entry in content["rounds"].items()},
    }


def _faults(name: str, entry: Any) -> list[str]:
    if not _NAME.fullmatch(name):
        return ["the name may have small letters, digits and hyphens only"]
    if not isinstance(entry, dict):
        return [f"write {', '.join(_KEYS)} below it"]
    found = [f"lacks {key}" for key in _KEYS if key not in entry]
    found += [f"unknown entry {key}" for key in entry if key not in _KEYS]
    if found:
        return found
    found += _faults_of_days(entry["origin"], entry["due"])
    if str(entry["units"]) not in SYSTEMS:
        found.append(f"units: {entry['units']!r} is none of {', '.join(SYSTEMS)}")
    if entry["kind"] not in _KINDS:
        found.append(f"kind: {entry['kind']!r} is none of {', '.join(_KINDS)}")
    if entry["model"] != NEWEST and entry["model"] not in versions():
        known = ", ".join(map(str, versions()))
        found.append(f"model: there is no version {entry['model']!r}; there are: {known}")
    return found


def _faults_of_days(origin: Any, due: Any) -> list[str]:
    if not _is_day(origin):
        return [f"origin: {origin!r} is not a date: write it as 2025-06-30"]
    if not isinstance(due, list) or not due:
        return ["due: write a list of dates, such as [2026-12-31]"]
    found = []
    for day in due:
        if not _is_day(day):
            found.append(f"due: {day!r} is not a date: write it as 2026-12-31")
        elif day <= origin:
            found.append(f"due: {day} is not after the origin {origin}")
        elif (day.month, day.day) != (12, 31) or pd.Timestamp(day) > LAST:
            found.append(f"due: {day} is not a 31 December up to {LAST.year}")
    if not found and sorted(set(due)) != due:
        found.append("due: write each date once, the earliest first")
    return found


def _is_day(value: Any) -> bool:
    return isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)


def _round(name: str, entry: Mapping[str, Any]) -> Round:
    given = entry["model"]
    return Round(
        name=name,
        origin=pd.Timestamp(entry["origin"]),
        due=tuple(pd.Timestamp(day) for day in entry["due"]),
        units=str(entry["units"]),
        model=max(versions()) if given == NEWEST else given,
        kind=entry["kind"],
    )
