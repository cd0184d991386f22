"""`analysis import-px`: bring in a table of the statistics office as a covariate."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

EXAMPLE = """examples:
  analysis import-px V02.46.csv --covariate labour_force --unit persons --scale 1000 \\
      --source-id NSO-V02.46 --address https://www.nso.gov.vn/px-web-2/ --dry-run
  analysis import-px poverty.json --covariate multidimensional_poverty --unit percent \\
      --source-id NSO-E11.20 --address https://www.nso.gov.vn/px-web-2/

The file is a table by the 63 provinces, with English or Vietnamese names: PX-Web CSV, .px,
JSON-stat or .xlsx. Its shape is shown back first; where several figures are there for one province
and year, the command lists the options to choose with. Where a figure is there already, it stays.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from analysis.commands.writing import configure_writing

    parser.epilog = EXAMPLE
    parser.add_argument("file", type=Path, help="PX-Web CSV, .px, JSON-stat or .xlsx file")
    parser.add_argument("--covariate", required=True, help="its name in covariates.csv")
    parser.add_argument("--unit", required=True, help="unit in covariates.csv")
    parser.add_argument("--source-id", required=True, help="id of the table, such as NSO-V02.46")
    parser.add_argument("--address", required=True, help="page that it was downloaded from")
    parser.add_argument("--title", default="", help="title; the file's own when not given")
    parser.add_argument("--scale", type=float, help="factor to the unit, such as 1000")
    pick = "take only cells with this whole label (or LEVEL=LABEL), such as Total; may be repeated"
    parser.add_argument("--pick", action="append", default=[], metavar="LABEL", help=pick)
    ignore = "leave out this row, such as 'Ha Tay'; may be repeated"
    parser.add_argument("--ignore", action="append", default=[], metavar="NAME", help=ignore)
    parser.add_argument("--decimal", choices=["point", "comma"], default="",
                        help="what marks decimals, where the file leaves it open")  # fmt: skip
    parser.add_argument("--year", default="", metavar="LEVEL|YEAR",
                        help="heading, column or dimension that holds the years; or the year of "
                        "all figures, where the table names none")  # fmt: skip
    parser.add_argument("--part", default="", help="sheet or data set, where the file has several")
    parser.add_argument("--areas", choices=["63"], default="",
                        help="vouch that the areas are those of the 63 provinces")  # fmt: skip
    parser.add_argument("--marks", choices=["read"], default="",
                        help="take figures that carry a mark, without it")  # fmt: skip
    configure_writing(parser)


def run(options: argparse.Namespace) -> int:
    """Show what changes, ask, write; returns 1 when the file or the raw tables are faulty."""
    from analysis.commands.writing import use_raw, write_if_wanted
    from analysis.runs.environment import run_pinned

    use_raw(options.raw)
    run_pinned()
    from analysis.facts import RawDataError
    from analysis.intake.choice import lines as shape_lines
    from analysis.intake.covariate import Wanted, propose_covariate, read_table, remarks, take
    from analysis.intake.sheet import IntakeError

    names = ["covariate", "unit", "source_id", "address", "title", "scale", "decimal"]
    names += ["year", "part", "areas", "marks"]
    wanted = Wanted(
        **{name: getattr(options, name) for name in names},
        pick=tuple(options.pick),
        ignore=tuple(options.ignore),
    )
    try:
        table = read_table(options.file, wanted)
        print("\n".join(shape_lines(table)))
        found = take(table, wanted)
        print("\n".join([*_told(found, wanted), *remarks(found, wanted, dt.date.today().year)]))
        proposal = propose_covariate(found, wanted, options.file)
        after = proposal.checked()
    except (IntakeError, RawDataError) as error:
        print(error)
        return 1
    print("\n".join(_effect(found, wanted, after)))
    print()
    return write_if_wanted(proposal, options)


def _told(found, wanted) -> list[str]:  # type: ignore[no-untyped-def]
    told = [f"{found.title}", f"New as {wanted.covariate} ({wanted.unit}): {found.span()}"]
    if len(found.new):
        told += [
            f"  {which} taken: {row['place']}: {row['text']} -> {row['value']:.12g} {wanted.unit}"
            for which, row in (("First", found.new.iloc[0]), ("Last", found.new.iloc[-1]))
        ]
    if found.left_out:
        told.append(f"Empty in the table: {found.left_out}")
    if len(found.known):
        apart = (found.known["value"] - found.known["standing"]).abs()
        same = int((apart <= 1e-9 * found.known["standing"].abs()).sum())
        told.append(
            f"Already there and left as they are: {len(found.known)}; {same} are equal, "
            f"{len(found.known) - same} differ by {apart.max():g} {wanted.unit} at most"
        )
    return told


def _effect(found, wanted, after) -> list[str]:  # type: ignore[no-untyped-def]
    """What the models make of the new figures; forecasts are compared where they read them."""
    from analysis.facts import load_raw
    from analysis.intake.covariate import years_read
    from analysis.intake.preview import lines, preview

    reads = years_read(wanted.covariate)
    new = set(found.new["year"])
    used = [one for one in reads if any(one[1] <= year <= one[2] for year in new)]
    if not reads:
        return [f"No model reads {wanted.covariate} so far; it is kept for drivers and for you."]
    if not used:
        years = "; ".join(f"{first} to {last}" for _, first, last in reads)
        return [
            f"The models read {wanted.covariate} for the years {years} as a fixed level of the "
            "province; the new years change no forecast."
        ]
    return lines(preview(load_raw(), after))
