"""A small project of its own for tests of the runner: four short notebooks, in a second or two."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import analysis

PIPELINE = """
notebooks:
  01_numbers:
    raw: all
    produces: [numbers.csv]
    limit: 300
  02_sums:
    needs: [numbers.csv]
    produces: [sums.csv]
    limit: 300
  03_aside:
    languages: [en]
    limit: 300
  08_brief:
    needs: [sums.csv]
    vary: {unit: [a, b]}
    limit: 300
"""

CELLS = {
    "01_numbers": [
        "import pandas as pd\nfrom analysis.paths import PROCESSED, RAW, write_table",
        "numbers = pd.read_csv(RAW / 'facts.csv')\nnumbers",
        "write_table(numbers, PROCESSED / 'numbers.csv').name",
    ],
    "02_sums": [
        "import numpy as np\nfrom analysis.paths import PROCESSED, read_processed, write_table",
        "sums = read_processed('numbers').groupby('unit', as_index=False).sum()\nsums",
        "write_table(sums, PROCESSED / 'sums.csv').name",
    ],
    "03_aside": ["import os\nsorted({'b', 'a', 'c'}), hash('text'), os.environ['TZ']"],
    "08_brief": [
        "from analysis.paths import read_processed",
        "print(language, unit, read_processed('sums').set_index('unit').loc[unit, 'value'])",
    ],
}

#: Publishes each notebook as a text file; what the whole report does with pages, in small.
PUBLISH = """
import sys
from pathlib import Path
from analysis import cli
from analysis.site import build

def plain(outcomes, reports):
    for one in outcomes:
        if not one.finished:
            continue
        values = "-".join(str(v) for _, v in sorted(one.job.parameters.items()) if _ != "language")
        stem = "-".join(filter(None, [one.job.chapter.stem, values]))
        page = reports / one.job.language / (stem + ".txt")
        page.parent.mkdir(exist_ok=True)
        page.write_bytes(one.finished.notebook.read_bytes())
    (reports / "index.html").write_text("index")

build.site = plain
build.check_raw = lambda: None
sys.exit(cli.main())
"""


def notebook(cells: list[str], parameters: str = 'language = "en"') -> nbformat.NotebookNode:
    """A notebook with a title, a parameters cell and code cells that have stable ids."""
    head = [
        new_markdown_cell("# Title", id="title"),
        new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}),
    ]
    body = [new_code_cell(source, id=f"step-{n}") for n, source in enumerate(cells, 1)]
    return new_notebook(cells=head + body)


@functools.cache
def code_at_this_moment() -> Path:
    """A copy of the package, so that all runs of one test use the same code."""
    folder = Path(tempfile.mkdtemp(prefix="analysis-code-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    package = Path(analysis.__file__).parent
    shutil.copytree(package, folder / "analysis", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


class TinyProject:
    """The project's folder, and what a user does in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("data/raw", "data/processed", "notebooks/vi"):
            (root / folder).mkdir(parents=True)
        (root / "pyproject.toml").touch()
        (root / "requirements.lock").write_text("pandas==0\n")
        (root / "data/processed/.gitkeep").touch()
        self.write("data/raw/facts.csv", "unit,value\na,1\na,2\nb,5\n")
        self.write("notebooks/pipeline.yml", PIPELINE)
        for stem, cells in CELLS.items():
            unit = '\nunit = "a"' if stem == "08_brief" else ""
            self.notebook(stem, cells, f'language = "en"{unit}')
            self.write(f"notebooks/vi/{stem}.md", "<!-- cell: title -->\n# Tiêu đề\n")

    def copy(self, root: Path) -> TinyProject:
        """The same project, with its report and what it has found, in another folder."""
        shutil.copytree(self.root, root)
        other = object.__new__(TinyProject)
        other.root = root
        return other

    def write(self, name: str, text: str) -> None:
        """Write a text file below the root."""
        (self.root / name).write_text(text, "utf-8")

    def notebook(self, stem: str, cells: list[str], parameters: str = 'language = "en"') -> None:
        """Replace a notebook."""
        self.write(f"notebooks/{stem}.ipynb", nbformat.writes(notebook(cells, parameters)))

    def command(self, *arguments: str) -> list[str]:
        """The command line of `analysis` with pages as plain text."""
        return [sys.executable, "-c", PUBLISH, *arguments]

    def environment(self, settings: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment in which the command works on this project."""
        own = {"ANALYSIS_ROOT": str(self.root), "PYTHONPATH": str(code_at_this_moment())}
        return {**os.environ, **own, **(settings or {})}

    def run(
        self, *arguments: str, settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command and wait for its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(settings),
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def files(self) -> dict[str, bytes]:
        """The content of every file of the report and of data/processed."""
        found = {}
        for folder in ("reports", "data/processed"):
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file():
                    found[path.relative_to(self.root).as_posix()] = path.read_bytes()
        return found

    def manifest(self) -> dict:
        """The manifest of the report."""
        return json.loads((self.root / "reports/manifest.json").read_text("utf-8"))
