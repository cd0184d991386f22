"""`analysis tables`: the tables of data/processed for R and Stata."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """examples:
  analysis tables --format dta my_folder
  analysis tables --format parquet my_folder --only readings --only forecasts

Every variable carries its label; data/processed/datapackage.json says more. docs/r-and-stata.md has
an example for each program.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("folder", type=Path, help="folder to write to; made where it is missing")
    parser.add_argument("--format", choices=["dta", "parquet"], required=True, dest="kind",
                        help="dta for Stata and R, parquet for R and Python")  # fmt: skip
    parser.add_argument("--only", action="append", default=[], metavar="TABLE",
                        help="write only this table; may be repeated")  # fmt: skip
    parser.add_argument("--language", choices=["en", "vi"], default="en", help="of the labels")


def run(options: argparse.Namespace) -> int:
    """Write the tables."""
    from analysis.report.exports import export

    for path in export(options.only, options.kind, options.folder, options.language):
        print(f"Written: {path}")
    return 0
