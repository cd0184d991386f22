"""`analysis verify`: two builds under different settings must have the same bytes."""

from __future__ import annotations

import argparse
import sys

EXAMPLE = """examples:
  analysis verify
  analysis verify --only 02_coverage

Builds twice from nothing, in two temporary folders, with other time zones, languages, orders of
sets, numbers of threads and of notebooks at once, and with the notebooks in another order. Takes
twice as long as a first report.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("--only", nargs="+", default=[], metavar="NOTEBOOK", help="compare less")


def run(options: argparse.Namespace) -> int:
    """Returns 1 when a file differs or a build fails."""
    from analysis.publish.verify import verify

    try:
        names = verify(options.only)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    for name in names:
        print(f"differs: {name}")
    if not names:
        print("Both builds have the same bytes in reports/ and data/processed/.")
    return int(bool(names))
