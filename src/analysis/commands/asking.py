"""What commands that write share: which folder, the question before writing, where not to."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.intake.proposal import Proposal


def configure_writing(parser: argparse.ArgumentParser) -> None:
    """Declare the options that all such commands have."""
    parser.add_argument("--raw", help="folder with the raw tables; data/raw when not given")
    parser.add_argument("--yes", action="store_true", help="write without asking")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, no more")


def use_raw(folder: str | None) -> None:
    """Make a folder the one of the raw tables for this command. Raises ValueError."""
    if folder:
        if not Path(folder).is_dir():
            raise ValueError(f"--raw {folder}: there is no such folder")
        os.environ["ANALYSIS_RAW"] = str(Path(folder).resolve())


def refuse_onto_input(out: str | None, *given: str) -> None:
    """Refuse to write results over a file that they are made from, or over a folder.

    Raises:
        ValueError: `out` is one of the files given, a raw table, or a folder.
    """
    if out is None:
        return
    from analysis import paths

    target = Path(out).resolve()
    if target.is_dir():
        raise ValueError(f"--out {out}: is a folder; name a file in it")
    raw = Path(os.fspath(paths.RAW)).resolve()
    same = [one for one in given if Path(one).exists() and target.exists()
            and target.samefile(one)]  # fmt: skip
    if same or raw == target.parent:
        raise ValueError(f"--out {out}: would be written over what it is made from; name another")


def write_if_wanted(proposal: Proposal, options: argparse.Namespace) -> int:
    """Ask, unless --yes or --dry-run has answered, and write.

    Returns 1 where somebody else has written the tables meanwhile; nothing is written then.
    """
    from analysis.intake.proposal import ChangedMeanwhile

    if options.dry_run:
        print("Nothing was written (--dry-run).")
        return 0
    if not options.yes:
        if not sys.stdin.isatty():
            print("Nothing was written: add --yes to write without being asked.")
            return 0
        if input("Write this? [y/N] ").strip().lower() not in {"y", "yes"}:
            print("Nothing was written.")
            return 0
    try:
        written = proposal.write()
    except ChangedMeanwhile as error:
        print(error)
        return 1
    for path in written:
        print(f"Written: {path}")
    print("Now: make report")
    return 0
