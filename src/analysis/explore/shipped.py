"""The explorer without a kernel: what a page carries, and the frame in which it is shown.

A page carries the forecast of every unit and rate as quantiles of the reported value before the
pull of its target, a thinned form of what is known of the pull, the courses of the scenarios, and
the phrases. `explorer.js` computes every state from these in the browser.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.country.indicators import COVERAGE, INDICATORS
from analysis.explore import drawing
from analysis.explore.session import Choice, Explorer, View, offered, parts_of
from analysis.forecast.outlook import FIRST_YEAR
from analysis.forecast.pull import Pull
from analysis.forecast.space import decimal_year
from analysis.report.results import Result
from analysis.report.wording import catalogue, say, write
from analysis.scenarios import Baseline
from analysis.scenarios.baseline import SHOWN_QUANTILES
from analysis.verdicts import SCALE

SCRIPT = Path(__file__).with_name("explorer.js")
#: Shares below the quantiles that stand for a forecast at which no target pulls: closer in its
#: tails. Where one pulls, which weighs what lies just above it many times, all draws are carried.
_TAIL = np.array([0.0, 0.001, 0.0025, 0.005])
LEVELS_CARRIED = np.array([*_TAIL, *(np.arange(1, 100) / 100), *(1 - _TAIL[::-1])])
#: Parts of a percentage point in which quantiles, and draws, are carried.
PARTS, PARTS_OF_DRAWS = 100, 1000
#: The signs that stand for the steps between draws, 0 and up; the last adds its number to the next.
SIGNS = "".join(chr(code) for code in range(35, 127) if chr(code) not in "&'<>\\`")
#: Neighbouring points of the pull that are taken as one: of its weight below, and of its heap.
_TOGETHER = (3, 3)
#: Points of the pull that are less likely than this are left out.
_RARE = 1e-5
#: The slider of people a month ends at this share of the denominator.
LONGEST = 0.005
#: Phrases that the script says.
_PHRASES = (
    "forecast", "chance_own", "chance_yardstick", "no_target", "unsure", "moved_course",
    "moved_persons", "moved_support", "moved_both", "takes_nothing", "takes_good", "takes_both",
    "takes_even", "takes_half", "takes_too_much", "origin_mark", "target_mark", "scenario_own",
    "join_q10",
)  # fmt: skip


def carried(
    explorer: Explorer, start: Choice, language: str, rates: Sequence[str] = COVERAGE
) -> dict[str, Any]:
    """Return everything that the script needs, as plain values.

    start: its origin and due date are those of every state. rates: that can be chosen.
    """
    days = (start.origin, start.due)
    found: dict[str, Any] = {
        "origin": start.origin,
        "due": start.due,
        "months": start.months,
        "longest": LONGEST,
        "response": Choice.response,
        "first": FIRST_YEAR + 0.5,
        "known": _year(start.origin),
        "last": _year(start.due),
        "years": [FIRST_YEAR + 1, int(_year(start.due))],
        "levels": LEVELS_CARRIED.tolist(),
        "parts": [PARTS, PARTS_OF_DRAWS],
        "signs": SIGNS,
        "units": {unit: write(unit, "unit_label", language) for unit in explorer.units},
        "dates": {
            day: [write(day, kind, language) for kind in ("date", "short_date")] for day in days
        },
        "marks": _marks(language),
        "verdicts": [list(step) for step in SCALE],
        "phrases": _phrases(language),
        "rates": {},
        "pulls": {},
        "states": {},
    }  # fmt: skip
    for name in rates:
        chosen = replace(start, indicator=name)
        base, courses = explorer.base(chosen), _courses(explorer, chosen)
        found["ends"] = [_year(day) for day in base.ends]
        found["rates"][name] = _rate(name, language)
        found["pulls"][name] = _pulls(base)
        found["states"][name] = {
            unit: _state(explorer.view(replace(chosen, unit=unit)), base, courses[unit], language)
            for unit in explorer.units
        }
    return found


def _year(day: Any) -> float:
    return round(float(decimal_year(pd.DatetimeIndex([day]))[0]), 4)


def _marks(language: str) -> dict[str, str]:
    """How numbers are written."""
    thousand, half = write(1000, "integer", language), write(0.5, "number1", language)
    one, most = write(1, "percent0", language), write(99, "percent0", language)
    return {
        "group": thousand.strip("01"),
        "decimal": half.strip("05"),
        "below": write(0.0, "probability", language).replace(one, "{}"),
        "above": write(1.0, "probability", language).replace(most, "{}"),
    }


def _phrases(language: str) -> dict[str, str]:
    every = catalogue(language)
    keys = [f"explore.{name}" for name in _PHRASES]
    keys += [key for key in every if key.split(".")[0] in ("setter", "verdict")]
    found = {key: str(every[key]) for key in keys}
    alt = every["explore.alt"]
    forms = {"other": alt} if isinstance(alt, str) else alt
    return found | {f"explore.alt.{form}": text for form, text in forms.items()}


def _rate(name: str, language: str) -> dict[str, Any]:
    files = offered(name).values()
    return {
        "label": INDICATORS[name].label(language),
        "inline": write(name, "indicator_inline", language),
        "supportable": Choice(indicator=name).supportable,
        "scenarios": [one.title[language] for one in files],
    }


def _courses(explorer: Explorer, choice: Choice) -> dict[str, list[Any]]:
    """What each scenario gives each unit, in the order of the offer; 0 for one that cannot be."""
    found: dict[str, list[Any]] = {}
    for unit in explorer.units:
        table = explorer.courses(replace(choice, unit=unit)).set_index("scenario")
        found[unit] = [
            [
                _kept(round(row.more, 0), 0, "rounded"),
                *(_kept(value, 2, "percent1") for value in (row.q10, row.q50, row.q90)),
                _kept(row.probability, 3, "probability"),
            ]
            if (row := _row(table, name)) is not None
            else 0
            for name in offered(choice.indicator)
        ]
    return found


def _row(table: pd.DataFrame, name: str) -> Any:
    return next(iter(table.loc[[name]].itertuples()), None) if name in table.index else None


def _kept(value: float, digits: int, written: str) -> float | int | None:
    """A number with so many digits that is written as the number itself is; None for NaN."""
    if not np.isfinite(value):
        return None
    near = round(float(value), digits)
    aim = write(value, written, "en")
    for step in (0, 1, -1):
        moved = round(near + step * 10.0**-digits, digits)
        if (moved >= 0 or written == "rounded") and write(moved, written, "en") == aim:
            return moved if digits else int(moved)
    return float(value)


def _pulls(base: Baseline) -> dict[str, list[Any]]:
    """What is known of the pull of those that anything pulls at, thinned."""
    levels = {"country" if level == "country" else "provinces" for level, _ in base.goals}
    whose = {"country": base.pulls.country, "provinces": base.pulls.provinces}
    return {name: thinned(pull) if name in levels else [] for name, pull in whose.items()}


def thinned(pull: Pull) -> list[list[Any]]:
    """Return the pull by width: the width, then shorts, heaps and how likely each pair is.

    Neighbouring points stand together as their mean: a forecast under the pull is a mean over
    them, and hardly bends within so small a step.
    """
    short, heap = (np.unique(one, return_inverse=True)[1] for one in (pull.short, pull.heap))
    cell = (heap // _TOGETHER[1]) * 1000 + short // _TOGETHER[0]
    found: list[list[Any]] = []
    for width in np.unique(pull.width):
        rows = pull.width == width
        places, at = np.unique(cell[rows], return_inverse=True)
        weight = np.bincount(at, pull.weight[rows], len(places))
        kept = weight > _RARE
        means = [
            np.bincount(at, pull.weight[rows] * one[rows], len(places))[kept] / weight[kept]
            for one in (pull.short, pull.heap)
        ]
        found.append([float(width), *(_digits(one, 4) for one in (*means, weight[kept]))])
    total = sum(sum(one[3]) for one in found)
    for one in found:
        one[3] = _digits(np.array(one[3]) / total, 4)
    return found


def _digits(values: np.ndarray, digits: int) -> list[float]:
    """Numbers to so many leading digits."""
    return [float(f"{value:.{digits}g}") for value in values]


def _state(view: View, base: Baseline, courses: list[Any], language: str) -> dict[str, Any]:
    """One unit and rate: n people, t target, s its setter, r whether chances are given, u the
    forecast, e and g people a month for 50 and 80 percent, o goals, z the value before the pull, y
    year-ends, c courses, d dots, a further sentences."""
    unit = (view.choice.level, view.choice.code)
    goals, plain = base.goals.get(unit), base.plain[unit]
    path = np.round(100 * view.path[list(SHOWN_QUANTILES)].to_numpy()).astype(int).T
    usual = [_kept(getattr(view.plain, name), 3, "percent1") for name in SHOWN_QUANTILES]
    further = [say(key, language, **values) for key, values in view.further(language)]
    return {
        "n": round(float(base.denominator(unit)[-1]), 1),
        "t": None if view.target is None else view.target.value,
        "s": "" if view.target is None else view.target.setter,
        "r": int(view.read),
        "u": [*usual, _kept(view.plain.probability, 5, "probability")],
        "e": _kept(view.even, 1, "rounded"),
        "g": _kept(view.good, 1, "rounded"),
        **({} if goals is None else {"o": goals.tolist()}),
        "z": quantiles_of(plain) if goals is None else draws_of(plain),
        "y": np.diff(path, axis=1, prepend=0).ravel().tolist(),
        "c": courses,
        "d": _dots(view, language),
        "a": further,
    }


def quantiles_of(plain: np.ndarray) -> list[int]:
    """Return quantiles of draws in parts of a point: the first, then the steps between them."""
    found = np.round(PARTS * np.quantile(plain, LEVELS_CARRIED)).astype(int)
    steps: list[int] = np.diff(found, prepend=0).tolist()
    return steps


def draws_of(plain: np.ndarray) -> list[Any]:
    """Return draws in rising order: the first in parts of a point, then the steps as signs."""
    found = np.round(PARTS_OF_DRAWS * np.sort(plain)).astype(int)
    most = len(SIGNS) - 1
    steps = (SIGNS[most] * (step // most) + SIGNS[step % most] for step in np.diff(found))
    return [int(found[0]), "".join(steps)]


def _dots(view: View, language: str) -> list[list[Any]]:
    return [
        [_year(row["as_of"]), round(row["value"], 2), drawing.look(row),
         drawing.source(row, language), row["address"]]
        for row in view.readings.to_dict("records")
    ]  # fmt: skip


# --------------------------------------------------------------------------------------------------
# The frame: what stands on the page before the script runs is its first state.
# --------------------------------------------------------------------------------------------------


def page(
    explorer: Explorer, start: Choice, language: str, said: Sequence[str], table: Result
) -> str:
    """Return the explorer as HTML that needs no kernel, opened at a state.

    said, table: the sentences and the scenarios of that state.
    """
    data = carried(explorer, start, language)
    first = explorer.view(start)
    name = html.escape(say("explore.chart", language))
    note = html.escape(say("explore.static_note", language, origin=start.origin))
    # Not folded on the site: what folds a long table counts its rows, and these change.
    shown = table.html(language).replace('class="table"', 'class="table scenarios"', 1)
    # No tag inside a text may end the script that carries it, or open another one.
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="explore"><style>{drawing.EXPLORER_CSS}</style>\n<p>{note}</p>\n'
        f'<div class="controls" hidden>{_controls(explorer, start, language)}</div>\n'
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}">'
        f"{drawing.svg(first, language)}</div>\n"
        f'<p class="finding" aria-live="polite">{lines(said)}</p>\n'
        f"{shown}\n"
        # The site moves a script with a name into a file beside the page.
        f'<script data-file="states">window.exploreStates = {written};</script>\n'
        f"<script>{SCRIPT.read_text(encoding='utf-8')}"
        "Explorer.start(document.currentScript.parentElement, window.exploreStates);</script></div>"
    )


def lines(said: Iterable[str]) -> str:
    """Return sentences as HTML, each on a line of its own."""
    return " ".join(f"<span>{html.escape(text)}</span>" for text in said)


def _controls(explorer: Explorer, start: Choice, language: str) -> str:
    units = grouped(explorer, language)
    groups = "".join(
        f'<optgroup label="{html.escape(head)}">{_options(names, start.unit)}</optgroup>'
        for head, names in units.items()
    )
    rates = {name: write(name, "indicator", language) for name in COVERAGE}
    return (
        '<p class="filters">'
        + _choose("unit", groups, language)
        + _choose("indicator", _options(rates, start.indicator), language)
        + _choose("scenario", "", language)
        + '</p>\n<p class="filters">'
        + "".join(
            f"<label>{html.escape(say(f'explore.lever_{name}', language))} <output></output>"
            f'<input type="range" class="{name}" min="0" max="100" step="{step}" value="0"></label>'
            for name, step in (("persons", 1), ("support", 5), ("response", 5))
        )
        + f"</p>\n<p><small>{html.escape(say('explore.lever_note', language))}</small></p>"
    )


def grouped(explorer: Explorer, language: str) -> Mapping[str, Mapping[str, str]]:
    """Return the units to choose from, by their heading: code and name."""
    found: dict[str, dict[str, str]] = {"country": {}, "today": {}, "former": {}}
    former = {part for unit in explorer.units for part in parts_of(unit)}
    for unit in explorer.units:
        kind = "country" if unit.startswith("country/") else "former" if unit in former else "today"
        found[kind][unit] = write(unit, "unit_label", language)
    return {say(f"explore.units_{kind}", language): names for kind, names in found.items()}


def _choose(what: str, options: str, language: str) -> str:
    label = html.escape(say(f"explore.choose_{what}", language))
    return f'<label>{label} <select class="{what}">{options}</select></label>'


def _options(names: Mapping[str, str], first: str) -> str:
    return "".join(_option(value, name, first) for value, name in names.items())


def _option(value: str, name: str, first: str) -> str:
    chosen = " selected" if value == first else ""
    return f'<option value="{value}"{chosen}>{html.escape(name)}</option>'


def units_in_order(explorer: Explorer, language: str) -> list[tuple[str, str]]:
    """The same as one list of names and codes."""
    return [
        (name, unit)
        for names in grouped(explorer, language).values()
        for unit, name in names.items()
    ]
