"""`analysis release`: one archive of the report, for others to check and reuse."""

from __future__ import annotations

import argparse

from analysis import paths

EXAMPLE = """examples:
  analysis report && analysis release

Writes release/analysis-VERSION.zip and release/DIGESTS, from a report that is whole and up to
date. The same report gives the same bytes. Nothing is published.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE


def run(options: argparse.Namespace) -> int:
    """Write the archive and its digests."""
    from analysis.site.release import release

    for path in release():
        print(f"Written: {path.relative_to(paths.ROOT)}")
    return 0
