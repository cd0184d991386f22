"""The explorer without a kernel: a drawn state for each unit and rate, and lists to choose from.

All numbers, words and marks are made here; the page's script only shows the chosen ones.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from analysis.cache import cached
from analysis.coverage import COVERAGE, Tables
from analysis.explore.choice import Choice
from analysis.explore.said import scenarios
from analysis.explore.session import Explorer, View
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
    shown = views(explorer.tables, start.origin, start.due)
    first = (start.unit, start.indicator)
    first = first if " ".join(first) in shown else (Choice.unit, start.indicator)
    results = {key: scenarios(explorer, view, language) for key, view in shown.items()}
    states = {key: _state(view, results[key], language) for key, view in shown.items()}
    return _html(states, first, results[" ".join(first)].html(language), start, language)


@cached
def views(tables: Tables, origin: str, due: str) -> dict[str, View]:
    """Return the numbers of every state, by unit and rate, which are the same in all languages."""
    explorer = Explorer(tables)
    units = [unit for unit in explorer.units if not unit.startswith("province_34/")]
    chosen = [Choice(unit, name, origin, due) for unit in units for name in COVERAGE]
    return {f"{one.unit} {one.indicator}": explorer.view(one) for one in chosen}


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


def _state(view: View, result: Result, language: str) -> _State:
    rows = result.written(language).to_numpy().tolist()
    return _State(figure.inside(view, language), result.text(language), rows)


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
