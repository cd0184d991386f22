"""`analysis notebooks`: run the committed notebooks in place and keep clean outputs."""

from __future__ import annotations

import argparse

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
    from analysis.publish.notebooks import run_in_place

    return run_in_place(options.names, options.limit, not options.cold)
