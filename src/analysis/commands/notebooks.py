"""`analysis notebooks`: run the committed notebooks in place and keep clean outputs."""

from __future__ import annotations

import argparse
import base64

#: The map that opens the README: notebook and cell that draw it, and the file that shows it.
PICTURE = ("05_forecast", "map-34", "docs/images/probability-34-units.png")

EXAMPLE = """examples:
  analysis notebooks                       all, in order
  analysis notebooks 01_readings 02_coverage
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("names", nargs="*", help="stems of notebooks; all when none is named")
    parser.add_argument("--limit", type=float, default=900, help="seconds for each notebook")
    parser.add_argument("--cold", action="store_true", help="use ordinary kernels")


def run(options: argparse.Namespace) -> int:
    """Returns how many notebooks failed."""
    from analysis.runs.execute import run_in_place

    failed = run_in_place(options.names, options.limit, not options.cold)
    keep_picture()
    return failed


def keep_picture() -> None:
    """Copy the map of the README from the stored chapter, so that both show the same numbers."""
    import nbformat

    from analysis import paths

    stem, place, name = PICTURE
    file = paths.NOTEBOOKS / f"{stem}.ipynb"
    if not file.is_file():
        return
    for cell in nbformat.read(file, as_version=4).cells:
        for output in cell.get("outputs", []) if cell.id == place else []:
            if "image/png" in output.get("data", {}):
                paths.write_atomic(paths.ROOT / name, base64.b64decode(output.data["image/png"]))
