"""The explorer without a kernel: a drawn state for each unit and rate, and lists to choose from.

All numbers, words and marks are made here; the page's script only shows the chosen ones.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analysis.coverage import COVERAGE
from analysis.explore.choice import Choice
from analysis.explore.said import scenarios
from analysis.explore.session import Explorer
from analysis.figures import explore as figure
from analysis.results import Result
from analysis.wording import say, write

_SCRIPT = Path(__file__).with_name("still.js")


@dataclass(frozen=True)
class _State:
    """One state: the marks of the drawing, the sentences, and the rows of the table as texts."""

    marks: str
    words: str
    rows: list[list[str]]


def page(explorer: Explorer, start: Choice, language: str) -> str:
    """Return the HTML of the fixed set of states: the three rates, the country and provinces.

    start: its origin and due date are those of every state; its unit and rate are shown first.
    """
    states, table = {}, ""
    units = _units(explorer)
    first = (start.unit if start.unit in units else units[0], start.indicator)
    for unit in units:
        for indicator in COVERAGE:
            result, state = _state(explorer, start, unit, indicator, language)
            states[f"{unit} {indicator}"] = state
            table = result.html(language) if (unit, indicator) == first else table
    return _html(states, first, table, start, language)


def _html(
    states: dict[str, _State], first: tuple[str, str], table: str, start: Choice, language: str
) -> str:
    shown = states[" ".join(first)]
    box = f'viewBox="0 0 {figure.WIDTH} {figure.HEIGHT}" role="figure"'
    name = html.escape(write(first[0], "unit", language))
    note = html.escape(say("explore.static_note", language, origin=start.origin))
    data = {key: [one.marks, one.words, one.rows] for key, one in states.items()}
    # No tag inside a text may end the script that carries it, or open another one.
    carried = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="explore"><style>{figure.CSS}</style>\n<p>{note}</p>\n'
        f'<p class="filters">{_choose("unit", _names(states, first[0], language), language)} '
        f"{_choose('indicator', _rates(first[1], language), language)}</p>\n"
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}">'
        f'<svg {box} aria-label="{name}">{shown.marks}</svg></div>\n'
        f'<p class="finding" aria-live="polite">{html.escape(shown.words)}</p>\n{table}\n'
        # The site moves a script with a name into a file beside the page.
        f'<script data-file="states">window.exploreStates = {carried};</script>\n'
        f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script></div>"
    )


def _units(explorer: Explorer) -> list[str]:
    return [unit for unit in explorer.units if not unit.startswith("province_34/")]


def _state(
    explorer: Explorer, start: Choice, unit: str, indicator: str, language: str
) -> tuple[Result, _State]:
    """The scenarios of a unit and rate, and all that is shown of it."""
    view = explorer.view(Choice(unit, indicator, start.origin, start.due))
    result = scenarios(explorer, view, language)
    rows = result.written(language).to_numpy().tolist()
    return result, _State(figure.inside(view, language), result.text(language), rows)


def _choose(what: str, options: Iterable[str], language: str) -> str:
    label = html.escape(say(f"explore.choose_{what}", language))
    return f'<label>{label} <select class="{what}">{"".join(options)}</select></label>'


def _names(states: dict[str, _State], first: str, language: str) -> list[str]:
    units = dict.fromkeys(key.split(" ")[0] for key in states)
    return [_option(unit, write(unit, "unit", language), first) for unit in units]


def _rates(first: str, language: str) -> list[str]:
    return [_option(name, write(name, "indicator", language), first) for name in COVERAGE]


def _option(value: str, name: str, first: str) -> str:
    chosen = " selected" if value == first else ""
    return f'<option value="{value}"{chosen}>{html.escape(name)}</option>'
