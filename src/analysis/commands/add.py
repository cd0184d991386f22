"""`analysis add`: append figures of one's own, after a look at what they change."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

EXAMPLE = """examples:
  analysis template my_figures.xlsx          write a template, then fill it in
  analysis add my_figures.xlsx --dry-run     what would change in readings and forecasts
  analysis add my_figures.xlsx               the same, then ask before writing

Every row needs a source: the id of one that sources.csv holds, or title, publisher and address of
a new one. A single faulty row stops everything, and all faults are listed at once.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from analysis.commands.writing import configure_writing

    parser.epilog = EXAMPLE
    parser.add_argument("file", type=Path, help="filled-in template, .csv or .xlsx")
    configure_writing(parser)


def run(options: argparse.Namespace) -> int:
    """Show what changes, ask, write; returns 1 when the file or the raw tables are faulty."""
    from analysis.commands.writing import counted, use_raw, write_if_wanted
    from analysis.runs.environment import run_pinned

    use_raw(options.raw)
    run_pinned()
    from analysis.facts import RawDataError, load_raw
    from analysis.intake.preview import lines, preview
    from analysis.intake.proposal import propose_facts
    from analysis.intake.sheet import IntakeError, read_sheet

    try:
        sheet = read_sheet(options.file)
        proposal = propose_facts(sheet, options.file.name, today=dt.date.today())
        before = load_raw()
        after = proposal.checked()
    except (IntakeError, RawDataError) as error:
        print(error)
        return 1
    table = sheet.table
    counts = proposal.counts
    words = f"{counted(counts['facts'], 'fact')} and {counted(counts['sources'], 'new source')}"
    print(f"{words} from {options.file}\n")
    for remark in proposal.remarks:
        print(remark)
    print("\n".join(lines(preview(before, after, sorted(set(table["indicator"]))))))
    print()
    return write_if_wanted(proposal, options)
