"""What the notebook shows: widgets where a kernel runs, a fixed set of states elsewhere."""

from __future__ import annotations

import contextlib
import html
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from analysis.coverage import COVERAGE
from analysis.explore import still
from analysis.explore.choice import Choice
from analysis.explore.courses import USUAL, offered
from analysis.explore.said import sentences, spoken
from analysis.explore.save import save
from analysis.explore.session import Explorer, View, unmoved
from analysis.figures import explore as figure
from analysis.indicators import INDICATORS
from analysis.paths import ROOT
from analysis.wording import say, write

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
        days = [(write(day, "date", self.language), day) for day in self.explorer.origins]
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
            "text/html": still.page(self.explorer, self.start, self.language),
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
