"""`analysis report`: bring the report up to date."""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.runs.pipeline import Request

EXAMPLE = """examples:
  analysis report
  analysis report --only 08_province_brief
  analysis report --round 2025
  analysis report --only 05_forecast --round 2022-12-31/2025-12-31
  analysis report --only 06_validation --set 06_validation.indicator=si_coverage
  analysis report --uncommitted
  analysis report --scheduler tcp://10.0.0.5:8786

The report takes notebooks as git has committed them: what you try in JupyterLab is not published
unless you commit it or say --uncommitted. With --only or --set, what is made goes to a folder of
its own in work/trials, and the last whole report stays.

More machines: install this project with `pip install .[cluster]` on each, start `dask scheduler`
on one and `dask worker tcp://10.0.0.5:8786` on the others. Leave the workers their nanny, as Dask
does by itself: with --no-nanny, a worker that loses its scheduler in the middle of an item goes on
with it and may pay no heed to a first SIGTERM; send a second one.

The exit status is the number of notebooks that failed.
"""

#: The chapter that is made for one round; what follows takes it from its tables.
ROUNDS_CHAPTER = "05_forecast"
#: The chapter that forecasts late payment, from the same day.
LATE_CHAPTER = "04_drivers_of_late_payment"
#: Characters of the name of a trial's folder.
_LONGEST = 100

#: What the operating system says -> what to say to people.
_DISK = {
    errno.ENOSPC: "the disk is full; free some space and run this again",
    errno.EDQUOT: "the disk quota is used up; free some space and run this again",
    errno.EROFS: "this folder cannot be written to (the disk is read-only)",
    errno.EACCES: "this folder cannot be written to (permission denied)",
    errno.EPERM: "this folder cannot be written to (operation not permitted)",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NOTEBOOK", help="these, and what they need"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NOTEBOOK.PARAMETER=VALUE",
        help="pass a parameter to a notebook; may be repeated",
    )
    parser.add_argument(
        "--round",
        metavar="NAME",
        help="a round of notebooks/rounds.yml other than its main one, or ORIGIN/DUE",
    )
    parser.add_argument(
        "--uncommitted",
        action="store_true",
        help="publish notebooks as they are in the folder, not as git has committed them",
    )
    parser.add_argument("--workers", type=int, default=0, help="notebooks at once; default: cores")
    parser.add_argument("--cold", action="store_true", help="use ordinary kernels")
    parser.add_argument("--no-wait", action="store_true", help="refuse when a report is being made")
    parser.add_argument("--scheduler", help="a Dask scheduler for the heavy loops and the briefs")


def run(options: argparse.Namespace) -> int:
    """Returns how many notebooks failed, 1 for faulty raw tables, 2 for an impossible request."""
    from analysis import paths
    from analysis.runs import committed
    from analysis.runs.manifest import is_up_to_date

    request = requested(options)
    for line in committed.take(options.uncommitted):
        print(line, flush=True)
    asked = [*options.set, *([f"round={options.round}"] if options.round else [])]
    apart = trial_folder(options.only, asked)
    if is_up_to_date(request.as_settings()):
        print(f"Nothing has changed. The report: {paths.REPORTS / 'index.html'}")
        return 0
    # Half a second of imports that only a report with something to do needs.
    from analysis.runs.environment import run_pinned

    run_pinned()
    from analysis.site.build import report

    print("Looking for what has changed; each notebook says when it is done ...", flush=True)
    signal.signal(signal.SIGTERM, _stop)
    if options.scheduler:
        os.environ["ANALYSIS_SCHEDULER"] = options.scheduler
    try:
        failed = report(request, wait=not options.no_wait)
    except ValueError as error:
        if not hasattr(error, "faults"):
            print(f"analysis report: {error}", file=sys.stderr)
            print("No report was made; the last report is as it was.", file=sys.stderr)
            return 2
        print(error, file=sys.stderr)
        print("No report was made; the last report is as it was.", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in _DISK:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"analysis report: {_DISK[error.errno]}{where}. ", file=sys.stderr, end="")
        print("The last report is as it was.", file=sys.stderr)
        return 2
    print(f"{'The trial' if apart else 'The report'}: {paths.REPORTS / 'index.html'}")
    if apart:
        print("The last whole report and its tables are as they were.")
    return failed


def requested(options: argparse.Namespace) -> Request:
    """The request that the options make. Raises ValueError for an option that cannot be read."""
    from analysis.runs.pipeline import Request

    settings = parsed_settings(options.set)
    if options.round:
        from analysis.forecast.rounds import BACKCAST, named_round

        chosen = named_round(options.round)  # an unknown one is refused before anything is run
        settings.setdefault(ROUNDS_CHAPTER, {})["round"] = options.round
        # Alone, the chapter says that late payment is of another day. Back-casts are of coverage:
        # too few rates of late payment had been printed by then.
        if not options.only and chosen.kind != BACKCAST:
            settings.setdefault(LATE_CHAPTER, {}).setdefault("origin", f"{chosen.origin:%Y-%m-%d}")
    return Request(tuple(options.only), settings, options.workers, not options.cold)


def trial_folder(only: Sequence[str], settings: Sequence[str]) -> bool:
    """Let this process make a part of the report, or one with other parameters, aside.

    Its pages and tables go to a folder of work/trials that is named after what was asked for, so
    that they take the place of the same request alone. Does nothing for the whole report, and
    where variables name the folders.

    Returns:
        Whether the run is a trial.
    """
    from analysis import paths

    if not (only or settings):
        return False
    if not os.environ.get("ANALYSIS_REPORTS"):
        asked = [Path(one).name.removesuffix(".ipynb") for one in only] + [*settings]
        name = re.sub(r"[^\w.=-]+", "_", "_".join(dict.fromkeys(asked)))
        if len(name) > _LONGEST:
            name = f"{name[:_LONGEST]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        place = paths.WORK / "trials" / name
        os.environ["ANALYSIS_REPORTS"] = str(place / "report")
        os.environ.setdefault("ANALYSIS_PROCESSED", str(place / "tables"))
    return True


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


def parsed_settings(given: list[str]) -> dict[str, dict[str, str]]:
    """NOTEBOOK.PARAMETER=VALUE as stem -> parameter -> text; raises ValueError when unreadable.

    What the text means depends on the notebook's own default: see runner_notebook.typed.
    """
    settings: dict[str, dict[str, str]] = {}
    for one in given:
        name, equals, value = one.partition("=")
        stem, dot, parameter = name.rpartition(".")
        if not (equals and dot and stem and parameter):
            raise ValueError(f"--set {one}: write NOTEBOOK.PARAMETER=VALUE")
        settings.setdefault(stem, {})[parameter] = value
    return settings
