"""The chapters that `make lab` leads through: what each asks, and what it writes."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis import paths
from analysis.report.results import Result
from analysis.runs import notebook as runs_notebook
from analysis.runs import pipeline
from analysis.runs.notebook import translated

_H1 = re.compile(r"^# (.+)$", re.MULTILINE)
_WELCOME = "00_welcome"


@dataclass(frozen=True)
class Chapters(Result):
    """A result whose first column names notebooks beside this one, shown as links to them."""

    def html(self, language: str) -> str:
        """Return the table as HTML, the names of notebooks as links."""
        text = super().html(language)
        for name in self.table["notebook"]:
            cell = html.escape(str(name))
            text = text.replace(f"<td>{cell}</td>", f'<td><a href="{cell}">{cell}</a></td>', 1)
        return text


def chapters(language: str) -> Result:
    """Return one row a notebook, in the order in which they are read."""
    writes = {one.stem: one.produces for one in pipeline.load()}
    rows = []
    for path in sorted(Path(paths.NOTEBOOKS).glob("*.ipynb")):
        if path.stem != _WELCOME:
            tables = ", ".join(one.removesuffix(".csv") for one in writes.get(path.stem, ()))
            rows.append((path.name, title(path.stem, language), tables))
    table = pd.DataFrame(rows, columns=["notebook", "title", "writes"])
    return Chapters("chapters", table, topic="welcome")


def title(stem: str, language: str) -> str:
    """Return the heading of a notebook in a language; its name where it has none."""
    notebook = translated(runs_notebook.read(paths.NOTEBOOKS / f"{stem}.ipynb"), stem, language)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = _H1.search(prose)
    return found[1].strip() if found else stem
