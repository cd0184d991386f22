"""What the notebook shows: widgets where a kernel runs, a fixed set of states elsewhere."""

from __future__ import annotations

import contextlib
import html
import itertools
import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
import typst

from analysis.country.indicators import INDICATORS
from analysis.disk_cache import cached
from analysis.explore import drawing as figure
from analysis.explore.session import USUAL, Choice, Explorer, View, offered, unmoved
from analysis.findings.coverage import COVERAGE, Tables
from analysis.parallel import begins_threads
from analysis.paths import ROOT, WORK, write_atomic, write_table
from analysis.readings.targets import NATIONWIDE
from analysis.report.results import Result
from analysis.report.wording import say, write
from analysis.verdicts import verdict

# --------------------------------------------------------------------------------------------------
# What a state of the explorer says: its sentences, and the scenarios beside each other.
# --------------------------------------------------------------------------------------------------

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
    """Return the scenarios of all three rates for the unit, origin and due date of a view.

    A rate without a known target for that date is left out, and named in a sentence.
    """
    views = [explorer.view(replace(view.choice, indicator=name)) for name in COVERAGE]
    aimed = [one for one in views if one.target is not None]
    tables = [
        _courses(explorer, one, language).assign(indicator=one.choice.indicator) for one in aimed
    ]
    empty = pd.DataFrame(columns=["indicator", *_COLUMNS])
    table = pd.concat(tables, ignore_index=True)[list(empty)] if tables else empty
    without = [one.choice.indicator for one in views if one.target is None]
    names = [INDICATORS[name].label(language) for name in without]
    phrases = [("explore.no_target_rates", {"due": view.choice.due, "names": names})]
    words = {"indicator": "indicator"}
    return Result(
        "scenarios",
        table,
        phrases if without else (),
        _FORMATS,
        words,
        "explore",
        joined={"q10": "q90"},
    )


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


# --------------------------------------------------------------------------------------------------
# Take a state away: the figure as SVG and PNG, and the numbers behind it as CSV.
# --------------------------------------------------------------------------------------------------

_PAGE = '#set page(width: auto, height: auto, margin: 6pt)\n#image("figure.svg", width: 480pt)\n'


def save(view: View, language: str, folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Write the figure and its data, named after the unit, indicator and origin.

    Args:
        folder: work/saved by default, which no command empties.

    A file that is there stays: with the levers moved, the next name has a number.
    """
    choice = view.choice
    place = Path(folder or WORK / "saved")
    stem = f"{choice.level}_{choice.code}_{choice.indicator}_{choice.origin}_{language}"
    drawing = figure.svg(view, language, standalone=True)
    stem = _free(place, stem, drawing)
    return [
        write_atomic(place / f"{stem}.svg", drawing),
        write_atomic(place / f"{stem}.png", as_png(drawing)),
        write_table(view.data(), place / f"{stem}.csv"),
    ]


def _free(place: Path, stem: str, drawing: str) -> str:
    """The stem, with a number where files of this name show something else."""
    for number in itertools.count(1):
        name = stem if number == 1 else f"{stem}_{number}"
        if not any((place / f"{name}{kind}").exists() for kind in (".svg", ".png", ".csv")):
            return name
        file = place / f"{name}.svg"
        if file.is_file() and file.read_bytes() == drawing.encode("utf-8"):
            return name
    raise AssertionError("there is always a next number")


def as_png(drawing: str) -> bytes:
    """Return an SVG drawing as PNG, 150 dots an inch."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "figure.svg").write_text(drawing, encoding="utf-8")
        Path(folder, "page.typ").write_text(_PAGE, encoding="utf-8")
        begins_threads()
        made = typst.compile(str(Path(folder, "page.typ")), format="png", ppi=150)
    return made if isinstance(made, bytes) else made[0]


# --------------------------------------------------------------------------------------------------
# The explorer without a kernel: a drawn state for each unit and rate, and lists to choose from.
#
# All numbers, words and marks are made here; the page's script only shows the chosen ones.
# --------------------------------------------------------------------------------------------------

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


_OWN = "own"
#: The slider of people a month ends at this share of the denominator.
_LONGEST = 0.005


class Panel:
    """The explorer as widgets, with the page that stands in for it where no kernel runs.

    Setting a widget's value from code has the same effect as a reader's hand.
    """

    def __init__(self, explorer: Explorer, start: Choice, language: str) -> None:
        self.explorer, self.start, self.language = explorer, start, language
        self._busy = False
        self._choosers()
        self._sliders(start)
        self.drawing, self.words, self.saved = (widgets.HTML() for _ in range(3))
        self.button = widgets.Button(description=self._say("save"), icon="download")
        self.button.add_class("explore-save")
        self.view = explorer.view(start)
        self._show(self.view)
        self._watch()

    def _say(self, key: str, **values: Any) -> str:
        return say(f"explore.{key}", self.language, **values)

    def _choosers(self) -> None:
        units = [(self._unit(unit), unit) for unit in self.explorer.units]
        names = [(INDICATORS[name].label(self.language), name) for name in COVERAGE]
        # The day of the parameters can be chosen too: any day can be looked ahead from.
        origins = sorted({*self.explorer.origins, self.start.origin})
        days = [(write(day, "date", self.language), day) for day in origins]
        self.unit = self._dropdown("unit", units, self.start.unit)
        self.indicator = self._dropdown("indicator", names, self.start.indicator)
        self.origin = self._dropdown("origin", days, self.start.origin)
        plans = self._plans(self.start.indicator)
        self.scenario = self._dropdown("scenario", plans, USUAL)

    def _plans(self, indicator: str) -> list[tuple[str, str]]:
        """The scenarios of the folder scenarios/ for a rate, and the levers moved by hand."""
        files = offered(indicator).values()
        named = [(one.title[self.language], one.name) for one in files]
        return [*named, (self._say("scenario_own"), _OWN)]

    def _unit(self, unit: str) -> str:
        name = write(unit, "unit", self.language)
        if unit.startswith("province_34/"):
            return say("site.merged_unit", self.language, name=name)
        return name

    def _dropdown(self, name: str, options: list[tuple[str, str]], value: str) -> widgets.Dropdown:
        label = self._say(f"choose_{name}")
        made = widgets.Dropdown(options=options, value=value, description=label, style=_WIDE)
        made.add_class(f"explore-{name}")
        return made

    def _sliders(self, start: Choice) -> None:
        self.persons = self._slider("persons", widgets.IntSlider(start.persons_month, 0, 1000))
        self.support = self._slider("support", widgets.IntSlider(100 * start.support, 0, 100, 5))
        self.response = self._slider("response", widgets.IntSlider(100 * start.response, 0, 100, 5))

    def _slider(self, name: str, made: widgets.IntSlider) -> widgets.IntSlider:
        made.description, made.style = self._say(f"lever_{name}"), _WIDE
        made.layout.width = "26rem"
        made.add_class(f"explore-{name}")
        return made

    def _watch(self) -> None:
        for chooser in (self.unit, self.indicator, self.origin):
            chooser.observe(self._choose, "value")
        for slider in (self.persons, self.support, self.response):
            slider.observe(self._move, "value")
        self.scenario.observe(self._plan, "value")
        self.button.on_click(self._save)

    def _choose(self, _: Any) -> None:
        """Another unit, indicator or origin: everything anew, the levers at rest."""
        chosen = Choice(self.unit.value, self.indicator.value, self.origin.value, self.start.due)
        self._busy = True
        self.view = self.explorer.view(chosen)
        self.scenario.options = self._plans(chosen.indicator)
        self.scenario.value = USUAL
        self._busy = False
        self._show(self.view)

    def _plan(self, _: Any) -> None:
        """Follow the scenario, the levers at rest; the forecast where it cannot be followed."""
        if self._busy or self.scenario.value == _OWN:
            return
        view = self.explorer.moved(self.view, unmoved(self.view.choice))
        if self.scenario.value != USUAL:
            with contextlib.suppress(KeyError):
                view = self.explorer.followed(view, self.scenario.value)
        self._show(view)

    def _move(self, _: Any) -> None:
        """A lever was moved by hand."""
        if self._busy:
            return
        self._busy = True
        self.scenario.value = _OWN
        self._busy = False
        moved = replace(
            self.view.choice,
            persons_month=float(self.persons.value),
            support=self.support.value / 100,
            response=self.response.value / 100,
        )
        self._show(self.explorer.moved(self.view, moved))

    def _show(self, view: View) -> None:
        self.view = view
        self._busy = True
        self.persons.step, self.persons.max = self._reach(view)
        self.persons.value = round(view.choice.persons_month)
        self.support.value = round(100 * view.choice.support)
        self.response.value = round(100 * view.choice.response)
        self.support.disabled = self.response.disabled = not view.choice.supportable
        self._busy = False
        style = f"<style>{figure.CSS}</style>"
        self.drawing.value = f'<div class="explore">{style}{figure.svg(view, self.language)}</div>'
        said = html.escape(spoken(sentences(view, self.language), self.language))
        self.words.value = f'<p class="explore-words" aria-live="polite">{said}</p>'

    def _reach(self, view: View) -> tuple[int, int]:
        """Step and end of the slider of people a month, in round numbers for the unit's size."""
        people = self.explorer.future(view.choice).people * _LONGEST
        step = 10 ** max(0, len(str(int(people))) - 2)
        return step, (int(max(people, view.choice.persons_month) / step) + 1) * step

    def _save(self, _: Any) -> None:
        made = self.save()
        files, folder = [path.name for path in made], _shown(made[0].parent)
        self.saved.value = html.escape(self._say("saved", files=files, folder=folder))

    def save(self, folder: str | None = None) -> list[Path]:
        """Write the figure (SVG, PNG) and its data (CSV) of the present state."""
        return save(self.view, self.language, folder)

    def box(self) -> widgets.VBox:
        """Return the widgets in their places."""
        note = widgets.HTML(f"<small>{html.escape(self._say('lever_note'))}</small>")
        left = widgets.VBox([self.unit, self.indicator, self.origin, self.scenario])
        right = widgets.VBox([self.persons, self.support, self.response])
        rows = [widgets.HBox([left, right]), note, self.drawing, self.words]
        return widgets.VBox([*rows, widgets.HBox([self.button, self.saved])])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Widgets for a front end with a kernel; the page and the sentences for all others."""
        live = self.box()._repr_mimebundle_()
        return {
            **{kind: value for kind, value in live.items() if "widget" in kind},
            "text/html": page(self.explorer, self.start, self.language),
            "text/plain": spoken(sentences(self.view, self.language), self.language),
        }


def _shown(folder: Path) -> str:
    """A folder as a person finds it: below the project's where it lies there."""
    root = Path(ROOT)
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else str(folder)


_WIDE = {"description_width": "11rem"}


def panel(
    language: str = "en",
    unit: str = "country/00",
    indicator: str = "hi_coverage",
    origin: str = "2025-06-30",
    due: str = "2025-12-31",
) -> Panel:
    """Return the explorer, opened at a state.

    Raises:
        analysis.paths.MissingTable: chapter 01 has not run.
        ValueError: the state cannot be; see `Choice`.
    """
    return Panel(Explorer.read(), Choice(unit, indicator, origin, due), language)
