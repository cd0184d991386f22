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


def counted(number: int, word: str) -> str:
    """Return "1 fact", "2 facts", "no facts"."""
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


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
    former = _copies(proposal)
    try:
        written = proposal.write()
    except ChangedMeanwhile as error:
        print(error)
        return 1
    for path in written:
        print(f"Written: {path}")
    print("Now: make report")
    if former:
        _say_what_follows(former, ask=not options.yes)
    return 0


def _copies(proposal: Proposal) -> Path | None:
    """The tables as they are before anything is written, in a new folder of work/before.

    None for a folder of raw tables that the user has named: it is no part of the project.
    """
    from analysis import paths

    if os.environ.get("ANALYSIS_RAW"):
        return None
    home = paths.WORK / "before"
    home.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(one.name) for one in home.iterdir() if one.name.isdigit()), default=0)
    folder = home / str(number)
    for name in sorted(proposal.texts):
        table = proposal.raw_dir / f"{name}.csv"
        if table.is_file():
            paths.write_atomic(folder / table.name, table.read_bytes())
    return folder if folder.is_dir() else None


def _say_what_follows(former: Path, ask: bool) -> None:
    """Say what the stored notebooks still show, offer to store them anew, and how to undo."""
    from analysis import paths

    place = former.relative_to(Path(paths.ROOT)) if former.is_relative_to(paths.ROOT) else former
    print(f"To undo it: cp {place}/*.csv data/raw/")
    print(
        "The stored notebooks show the figures of before: `make test` fails until "
        "`make notebooks` has run them anew (some minutes)."
    )
    if not (ask and sys.stdin.isatty()):
        return
    if input("Run `make notebooks` now? [y/N] ").strip().lower() in {"y", "yes"}:
        from analysis.commands.notebooks import keep_picture
        from analysis.runs.execute import run_in_place

        run_in_place([])
        keep_picture()
