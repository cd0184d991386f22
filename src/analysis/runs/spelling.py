"""Spelling of English prose: in code, documents and the text cells of notebooks.

codespell reads files; the text of notebooks is taken out first, since their stored outputs hold
Vietnamese names and titles of sources.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from analysis import paths
from analysis.runs import notebook

_PLACES = ("src", "packages", "docs", "tests", "examples", "README.md", "CONTRIBUTING.md",
           "CHANGELOG.md")  # fmt: skip


def prose(folder: Path) -> list[Path]:
    """Write the text cells of every notebook into `folder`, one file a notebook."""
    written = []
    for path in sorted(Path(paths.NOTEBOOKS).glob("*.ipynb")):
        cells = notebook.read(path).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        place = folder / f"{path.stem}.md"
        place.write_text(text + "\n", encoding="utf-8")
        written.append(place)
    return written


def _main() -> int:
    """Run codespell with the project's settings; returns its status."""
    root = Path(paths.ROOT)
    with tempfile.TemporaryDirectory() as folder:
        places = [str(root / name) for name in _PLACES if (root / name).exists()]
        places += [str(path) for path in prose(Path(folder))]
        settings = ["--toml", str(root / "pyproject.toml")]
        command = [sys.executable, "-m", "codespell_lib", *settings, *places]
        return subprocess.run(command, cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(_main())
