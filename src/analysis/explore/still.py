"""The explorer without a kernel: one drawn state a unit, and a list to choose from.

All numbers, words and marks are made here; the page's script only shows the chosen ones.
"""

from __future__ import annotations

import html
import json
from pathlib import Path

from analysis.explore.choice import Choice
from analysis.explore.said import scenarios
from analysis.explore.session import Explorer
from analysis.figures import explore as figure
from analysis.wording import say, write

_SCRIPT = Path(__file__).with_name("still.js")


def page(explorer: Explorer, start: Choice, language: str) -> str:
    """Return the HTML of the fixed set of states: health insurance of the country and provinces.

    start: its indicator, origin and due date are those of every state; its unit is shown first.
    """
    states = {unit: _state(explorer, start, unit, language) for unit in _units(explorer)}
    first = start.unit if start.unit in states else next(iter(states))
    marks, words = states[first]
    box = f'viewBox="0 0 {figure.WIDTH} {figure.HEIGHT}" role="figure"'
    name = html.escape(_name(first, language))
    label = html.escape(say("explore.choose_unit", language))
    note = html.escape(say("explore.static_note", language, origin=start.origin))
    # A closing tag inside a text must not end the script that carries it.
    data = json.dumps(states, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<div class="explore"><style>{figure.CSS}</style>\n<p>{note}</p>\n'
        f"<p><label>{label} <select>{_options(states, first, language)}</select></label></p>\n"
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}">'
        f'<svg {box} aria-label="{name}">{marks}</svg></div>\n'
        f'<div class="words" aria-live="polite">{words}</div>\n'
        # The site moves a script with a name into a file beside the page.
        f'<script data-file="states">window.exploreStates = {data};</script>\n'
        f"<script>{_SCRIPT.read_text(encoding='utf-8')}</script></div>"
    )


def _units(explorer: Explorer) -> list[str]:
    return [unit for unit in explorer.units if not unit.startswith("province_34/")]


def _state(explorer: Explorer, start: Choice, unit: str, language: str) -> tuple[str, str]:
    """The marks of the drawing, and the sentences with the table of scenarios."""
    view = explorer.view(Choice(unit, start.indicator, start.origin, start.due))
    result = scenarios(explorer, view)
    words = f'<p class="finding">{html.escape(result.text(language))}</p>'
    table = "" if result.table.empty else result.html(language)
    return figure.inside(view, language), words + table


def _options(states: dict[str, tuple[str, str]], first: str, language: str) -> str:
    return "".join(
        f'<option value="{unit}"{" selected" if unit == first else ""}>'
        f"{html.escape(_name(unit, language))}</option>"
        for unit in states
    )


def _name(unit: str, language: str) -> str:
    return write(unit, "unit", language)
