"""The parameters of a scenario: what each may hold, and how a wrong value is refused."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import seeds

#: Where the value of an assumption comes from.
GROUNDS = ("assumed", "set", "rule", "readings", "chapter_03")


class ScenarioError(ValueError):
    """A scenario cannot be run; the message names the file, the key and what to write instead."""


@dataclass(frozen=True)
class Range:
    """A number that is known only roughly.

    A stated range is triangular: from low to high, most likely central. An estimate of chapter 03
    is normal, low and high being its 95% interval.

    ground: assumed (nobody measured it), set (by the scenario itself), rule (stands in a decree),
    readings or chapter_03.
    note: one line that says why, in English and Vietnamese. stream: names its random numbers.
    """

    low: float
    central: float
    high: float
    ground: str = "assumed"
    note: tuple[str, str] = ("", "")
    stream: str = ""

    def draws(self, n: int) -> np.ndarray:
        """(n,) values, the same each time."""
        if self.high == self.low:
            return np.full(n, self.central)
        random = seeds.generator("scenario", self.stream)
        if self.ground == "chapter_03":
            return random.normal(self.central, (self.high - self.low) / 3.92, n)
        return random.triangular(self.low, self.central, self.high, n)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kind.

    Attributes:
        form: number, integer, range, date, choice, or target (a number or "assigned").
        low, high: the values that are possible, both included.
        unit: what the number counts, for messages.
        default: used when the file does not give it; None means that the file has to.
        choices: the words that a choice allows.
        optional: may stay away without a default (then None).
    """

    form: str
    low: float = float("-inf")
    high: float = float("inf")
    unit: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    optional: bool = False

    def read(self, value: Any, where: str) -> Any:
        """Return the value in the form that kinds work with. Raises ScenarioError."""
        return getattr(self, f"_{self.form}")(value, where)

    def _number(self, value: Any, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ScenarioError(f"{where}: {value!r} is not a number")
        if value != value or value in (float("inf"), float("-inf")):
            raise ScenarioError(f"{where}: {value!r} is not a finite number")
        if not self.low <= value <= self.high:
            raise ScenarioError(
                f"{where}: {value:g} is impossible; it has to lie from {self.low:g} to "
                f"{self.high:g}{' ' + self.unit if self.unit else ''}"
            )
        return float(value)

    def _integer(self, value: Any, where: str) -> int:
        number = self._number(value, where)
        if number != int(number):
            raise ScenarioError(f"{where}: {value!r} is not a whole number")
        return int(number)

    def _target(self, value: Any, where: str) -> float | str:
        if isinstance(value, str):
            return self._choice(value, where)
        return self._number(value, where)

    def _choice(self, value: Any, where: str) -> str:
        if value not in self.choices:
            raise ScenarioError(f"{where}: {value!r}: {did_you_mean(value, self.choices)}")
        return str(value)

    def _date(self, value: Any, where: str) -> pd.Timestamp:
        return scenario_date(value, where)

    def _range(self, value: Any, where: str) -> Range:
        if not isinstance(value, Mapping):
            number = self._number(value, where)
            return Range(number, number, number, "set", stream=where)
        known = ("low", "central", "high", "ground", "note", "note_vi")
        refuse_unknown(value, known, where)
        for key in ("low", "high"):
            if key not in value:
                raise ScenarioError(f"{where}.{key}: is missing; a range has low and high")
        low, high = (self._number(value[key], f"{where}.{key}") for key in ("low", "high"))
        middle = value.get("central", (low + high) / 2)
        central = self._number(middle, f"{where}.central")
        if not low <= central <= high:
            raise ScenarioError(f"{where}: low, central and high are not in order")
        ground = Parameter("choice", choices=GROUNDS).read(
            value.get("ground", "assumed"), f"{where}.ground"
        )
        note = str(value.get("note", ""))
        notes = (note, str(value.get("note_vi", note)))
        return Range(low, central, high, ground, notes, where)


def scenario_date(value: Any, where: str) -> pd.Timestamp:
    """A day, given as YYYY-MM-DD. Raises ScenarioError."""
    if isinstance(value, dt.date):
        return pd.Timestamp(value).normalize()
    try:
        return pd.Timestamp(dt.date.fromisoformat(str(value)))
    except ValueError:
        raise ScenarioError(f"{where}: {value!r} is not a date; write YYYY-MM-DD") from None


def read_parameters(given: Any, expected: Mapping[str, Parameter], where: str) -> dict[str, Any]:
    """Read the parameters of a kind, with defaults for those left out. Raises ScenarioError."""
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        raise ScenarioError(f"{where}: expected 'name: value' lines")
    refuse_unknown(given, tuple(expected), where)
    values = {}
    for name, parameter in expected.items():
        if name in given:
            values[name] = parameter.read(given[name], f"{where}.{name}")
        elif parameter.default is None and not parameter.optional:
            raise ScenarioError(f"{where}.{name}: is missing; this kind needs it")
        else:
            values[name] = parameter.default
    return values


def refuse_unknown(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raise ScenarioError for the first key that is not known, with the nearest one that is."""
    for key in given:
        if key not in known:
            place = f"{where}.{key}" if where and not where.endswith(": ") else f"{where}{key}"
            raise ScenarioError(f"{place}: unknown key; {did_you_mean(key, known)}")


def did_you_mean(word: Any, known: tuple[str, ...]) -> str:
    """The nearest known word, or all of them."""
    near = difflib.get_close_matches(str(word), known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(known)}" if known else "none is known here"
