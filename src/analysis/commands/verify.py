"""`analysis verify`: two builds under different settings must have the same bytes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

EXAMPLE = """examples:
  analysis verify
  analysis verify --only 02_coverage
  analysis verify --against DIGESTS

Builds twice from nothing, in two temporary folders, and compares every byte. The second build
differs in everything that may be otherwise on another machine; each difference is named with what
the two builds have. Takes twice as long as a first report.

With --against it builds once and compares with digests that were published (release/DIGESTS of
`analysis release`, or any list in the form of sha256sum).
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("--only", nargs="+", default=[], metavar="NOTEBOOK", help="compare less")
    parser.add_argument(
        "--processor",
        action="store_true",
        help="with other instructions of the processor, which still change figures",
    )
    parser.add_argument("--against", type=Path, metavar="DIGESTS",
                        help="build once and compare with a published list of digests")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Returns 1 when a file differs or a build fails."""
    from analysis.site.verify import variations, verify, verify_against

    try:
        if options.against:
            return _against(*verify_against(options.against, options.only))
        every = variations(options.processor)
        print(f"Building twice, with {len(every)} variations:", flush=True)
        for number, one in enumerate(every, 1):
            print(f"  {number:2}. {one.name}: {one.first} / {one.second}", flush=True)
        names = verify(options.only, options.processor)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    for name in names:
        print(f"differs: {name}")
    if not names:
        print(
            "Both builds have the same bytes in reports/ and data/processed/, "
            f"under all {len(every)} variations."
        )
    return int(bool(names))


def _against(differing: list[str], inputs: list[str]) -> int:
    """Say which outputs differ from the published ones, and which inputs may be the reason."""
    for name in differing:
        print(f"differs: {name}")
    for name in inputs:
        print(f"made from something else: {name}")
    if not differing:
        print("Every published file was made again, byte for byte.")
    elif not inputs:
        print("All published inputs are the same here: the difference lies in the machine.")
    return int(bool(differing))
