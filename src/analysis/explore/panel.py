"""What the notebook shows: widgets where a kernel runs, the page of `shipped` elsewhere."""

from __future__ import annotations

import contextlib
import html
import itertools
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
import typst

from analysis.country.indicators import COVERAGE, INDICATORS
from analysis.explore import drawing as figure
from analysis.explore.session import USUAL, Choice, Explorer, View, listed, offered, unmoved
from analysis.explore.shipped import LONGEST, lines, page, units_in_order
from analysis.parallel import begins_threads
from analysis.paths import ROOT, WORK, write_atomic, write_table
from analysis.readings.targets import NATIONWIDE, Target
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


def _courses(explorer: Explorer, view: View, language: str) -> pd.DataFrame:
    if view.target is None:
        return pd.DataFrame(columns=_COLUMNS)
    files = offered(view.choice.indicator)
    found = explorer.courses(view.choice).rename(columns={"more": "persons_month"})
    found["scenario"] = [files[name].title[language] for name in found["scenario"]]
    # As the sentences and the page write them: a table rounds what it holds before it is written.
    for name, digits in {"persons_month": 0, "q50": 1, "q10": 1, "q90": 1}.items():
        found[name] = [round(value, digits) for value in found[name]]
    return found[_COLUMNS]


def sentences(view: View, language: str) -> list[tuple[str, dict[str, object]]]:
    """Return what is expected, how probable the target is, and what it takes, as phrases."""
    values = {**vars(view.choice), **vars(view.plain), "even": view.even, "good": view.good}
    said: list[tuple[str, dict[str, object]]] = [("explore.forecast", values)]
    if view.target is None:
        said.append(("explore.no_target", {}))
    elif not view.read:
        said.append(("explore.unsure", {}))
    else:
        said += _of_target(view, view.target, values, language)
    return [*said, *view.further(language)]


def _of_target(
    view: View, target: Target, values: dict[str, object], language: str
) -> list[tuple[str, dict[str, object]]]:
    of_target = {
        "target": target.value,
        "setter": f"setter.{target.setter}",
        "verdict": f"verdict.{verdict(view.plain.probability)}",
    }
    whose = "yardstick" if target.setter == NATIONWIDE else "own"
    said: list[tuple[str, dict[str, object]]] = [(f"explore.chance_{whose}", values | of_target)]
    if view.course:
        title = offered(view.choice.indicator)[view.course].title[language]
        said.append(("explore.moved_course", values | vars(view.moved) | {"title": title}))
    elif view.choice.moves:
        said.append((f"explore.moved_{_by_what(view)}", values | vars(view.moved)))
    return [*said, (f"explore.takes_{_how_much(view)}", values)]


def spoken(phrases: Sequence[tuple[str, Mapping[str, object]]], language: str) -> list[str]:
    """Return phrases as sentences."""
    return [say(key, language, **values) for key, values in phrases]


def _by_what(view: View) -> str:
    """Which levers are moved."""
    choice = view.choice
    if choice.persons_month > 0:
        return "both" if choice.joining > 0 else "persons"
    return "support"


#: Fewer people than this are written as none.
_HALF = 0.5


def _how_much(view: View) -> str:
    """Which of the two chances takes people beyond the forecast; half a person is nobody."""
    nobody = view.even < _HALF
    if math.isnan(view.good):
        if math.isnan(view.even):
            return "too_much"
        return "half" if nobody else "even"
    if view.good < _HALF:
        return "nothing"
    return "good" if nobody else "both"


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
# The widgets.
# --------------------------------------------------------------------------------------------------

_OWN = "own"


class Panel:
    """The explorer as widgets, with the page that stands in for it where no kernel runs.

    Setting a widget's value from code has the same effect as a reader's hand.
    """

    def __init__(self, explorer: Explorer, start: Choice, language: str) -> None:
        # A province that did not merge stands in the list once, as one of the 63.
        start = replace(start, unit=listed(start.unit))
        self.explorer, self.start, self.language = explorer, start, language
        self._busy = False
        self._choosers()
        self._sliders(start)
        self.drawing, self.words, self.table, self.saved = (widgets.HTML() for _ in range(4))
        wide = widgets.Layout(width="auto")  # the words do not fit the usual width
        self.button = widgets.Button(description=self._say("save"), icon="download", layout=wide)
        self.button.add_class("explore-save")
        self.view = explorer.view(start)
        self._show(self.view)
        self._tell_scenarios()
        self._watch()

    def _say(self, key: str, **values: Any) -> str:
        return say(f"explore.{key}", self.language, **values)

    def _choosers(self) -> None:
        units = units_in_order(self.explorer, self.language)
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
        self._tell_scenarios()

    def _tell_scenarios(self) -> None:
        """The scenarios of the unit and rate that are chosen, side by side."""
        self.table.value = scenarios(self.explorer, self.view, self.language).html(self.language)

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
        style = f"<style>{figure.EXPLORER_CSS}</style>"
        self.drawing.value = f'<div class="explore">{style}{figure.svg(view, self.language)}</div>'
        said = lines(spoken(sentences(view, self.language), self.language))
        said = f'<p class="explore-words finding" aria-live="polite">{said}</p>'
        self.words.value = f'<div class="explore">{said}</div>'

    def _reach(self, view: View) -> tuple[int, int]:
        """Step and end of the slider of people a month, in round numbers for the unit's size."""
        people = self.explorer.people(view.choice) * LONGEST
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
        rows = [widgets.HBox([left, right]), note, self.drawing, self.words, self.table]
        return widgets.VBox([*rows, widgets.HBox([self.button, self.saved])])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Widgets for a front end with a kernel; the page and the sentences for all others."""
        live, language = self.box()._repr_mimebundle_(), self.language
        start = self.explorer.view(self.start)
        told = spoken(sentences(start, language), language)
        table = scenarios(self.explorer, start, language)
        return {
            **{kind: value for kind, value in live.items() if "widget" in kind},
            "text/html": page(self.explorer, self.start, language, told, table),
            "text/plain": " ".join(told),
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
