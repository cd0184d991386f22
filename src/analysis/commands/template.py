"""`analysis template`: an empty table to fill in with figures of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """examples:
  analysis template my_figures.xlsx
  analysis template my_figures.csv

The workbook explains every column and lists units, indicators and bases to choose from. Fill it in
and give it to `analysis add`.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("file", type=Path, help="file to write, .xlsx or .csv")
    parser.add_argument("--raw", help="folder with the raw tables; data/raw when not given")


def run(options: argparse.Namespace) -> int:
    """Write the template."""
    from analysis.commands.writing import use_raw

    use_raw(options.raw)
    from analysis.facts import load_raw
    from analysis.intake.sheet import write_template

    print(f"Written: {write_template(options.file, load_raw())}")
    print(f"Fill it in, then: analysis add {options.file}")
    return 0
