"""Take a state away: the figure as SVG and PNG, and the numbers behind it as CSV."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import typst

from analysis.explore.session import View
from analysis.figures import explore as figure
from analysis.parallel import begins_threads
from analysis.paths import REPORTS, write_atomic, write_table

_PAGE = '#set page(width: auto, height: auto, margin: 6pt)\n#image("figure.svg", width: 480pt)\n'


def save(view: View, language: str, folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Write the figure and its data, named after the unit, indicator and origin.

    Args:
        folder: reports/explore by default.
    """
    choice = view.choice
    place = Path(folder or REPORTS / "explore")
    stem = f"{choice.level}_{choice.code}_{choice.indicator}_{choice.origin}_{language}"
    drawing = figure.svg(view, language, standalone=True)
    return [
        write_atomic(place / f"{stem}.svg", drawing),
        write_atomic(place / f"{stem}.png", as_png(drawing)),
        write_table(view.data(), place / f"{stem}.csv"),
    ]


def as_png(drawing: str) -> bytes:
    """Return an SVG drawing as PNG, 150 dots an inch."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "figure.svg").write_text(drawing, encoding="utf-8")
        Path(folder, "page.typ").write_text(_PAGE, encoding="utf-8")
        begins_threads()
        made = typst.compile(str(Path(folder, "page.typ")), format="png", ppi=150)
    return made if isinstance(made, bytes) else made[0]
