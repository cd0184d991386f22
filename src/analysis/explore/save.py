"""Take a state away: the figure as SVG and PNG, and the numbers behind it as CSV."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

import typst

from analysis.explore.session import View
from analysis.figures import explore as figure
from analysis.parallel import begins_threads
from analysis.paths import WORK, write_atomic, write_table

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
