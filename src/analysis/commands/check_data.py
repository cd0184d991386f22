"""`analysis check-data`: every fault of the raw tables at once."""

from __future__ import annotations

import argparse

EXAMPLE = """examples:
  analysis check-data
  analysis check-data --raw other/folder
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("--raw", help="folder with the raw tables; data/raw when not given")


def run(options: argparse.Namespace) -> int:
    """Print the faults; returns 1 when there are any."""
    from analysis import facts
    from analysis.commands.writing import counted
    from analysis.drivers import commune_lists

    faults = [*facts.check(options.raw), *commune_lists.list_faults(options.raw)]
    for fault in faults:
        print(fault)
    if faults:
        print(f"{counted(len(faults), 'fault')}. Correct what is named above, then run this again.")
        return 1
    print("The raw tables are in order.")
    return 0
