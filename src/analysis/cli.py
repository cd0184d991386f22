"""The command line: `analysis report`, `analysis check-data`, `analysis predict` and the rest."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

#: Command -> what it does, in the order in which a newcomer needs them. The module that does it is
#: analysis.commands.<command with underscores>.
COMMANDS = {
    "report": "run the chapters and briefs that changed, and build reports/index.html",
    "check-data": "list every fault in data/raw as file:row: column: value: what is wrong",
    "predict": "predict coverage for any unit and date from what was known at an origin",
    "scenario": "run a scenario that a YAML file describes",
    "template": "write an empty table to fill in with figures of your own",
    "add": "append figures of your own, after a look at what they change",
    "import-px": "bring in a table of the statistics office (CSV, .px, JSON-stat, .xlsx)",
    "tables": "write the tables of data/processed for R and Stata (Parquet or .dta with labels)",
    "verify": "build the report twice under different settings and compare every byte",
    "round": "close a dated forecast for good, and score all closed ones against what came",
    "release": "pack report, data and rounds with digests and descriptions; publishes nothing",
    "notebooks": "run the notebooks in place and store clean outputs, ready to commit",
}

#: What a command that takes longer does meanwhile; told on stderr before anything is loaded.
#: `report` and `notebooks` do so themselves.
MEANWHILE = {
    "check-data": "Reading data/raw ...",
    "predict": "Reading the figures and fitting the model; up to a minute for a new origin ...",
    "scenario": "Running the scenario; up to a minute where its forecasts are new ...",
    "add": "Reading the file and forecasting without and with it; a minute or two ...",
    "import-px": "Reading the table and data/raw ...",
    "verify": "Building the report twice; twice as long as a first report ...",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status (2: the request itself cannot be carried out)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser, options = _parse(given)
    if options.command is None:
        parser.print_help()
        return 0
    # A command that has been started again under pinned settings has said so before.
    again = os.environ.pop("ANALYSIS_STARTED_AGAIN", "")
    if options.command in MEANWHILE and not again:
        print(MEANWHILE[options.command], file=sys.stderr, flush=True)
    try:
        return _module(options.command).run(options)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        if os.environ.get("ANALYSIS_TRACEBACK"):
            raise
        print(f"analysis {options.command}: {error}", file=sys.stderr)
        return 2


def _parse(given: list[str]) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Only the command that is asked for is imported and configured."""
    parser = argparse.ArgumentParser(
        prog="analysis",
        description="Coverage of social protection in Viet Nam: report, forecasts, scenarios.",
        epilog="Every command explains itself: analysis predict --help",
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    wanted = next((word for word in given if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == wanted:
            _module(name).configure(command)
    return parser, parser.parse_args(given)


def _module(command: str):
    return importlib.import_module(f"analysis.commands.{command.replace('-', '_')}")
