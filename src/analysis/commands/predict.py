"""`analysis predict`: the reported value of any unit on any date, from what an origin knew."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from analysis.facts import Fault

EXAMPLE = """examples:
  analysis predict --origin 2023-12-31 --queries queries.csv --out predictions.csv
  analysis predict --origin 2025-06-30 --queries queries.csv --out predictions.csv --raw my/raw

queries.csv: geo_level, province_code, indicator, as_of
  geo_level: country, region, province_63, province_34 (the units after 1 July 2025)
  indicator: hi_coverage, si_coverage, ui_coverage
predictions.csv: the same rows, with mean, sd and the quantiles q0.01 ... q0.99 in percent
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("--origin", required=True, help="nothing dated after this day is used")
    parser.add_argument("--queries", required=True, help="CSV file with the questions")
    parser.add_argument("--out", required=True, help="CSV file to write the answers to")
    parser.add_argument(
        "--model",
        type=int,
        choices=(1, 2),
        default=2,
        help="version of the model; 1 is the first one, for comparison (2 when not given)",
    )
    parser.add_argument("--raw", help="folder with the raw tables; data/raw when not given")


def run(options: argparse.Namespace) -> int:
    """Predict and write; the file is written whole or not at all."""
    from analysis.publish.runner_environment import pin_numbers

    pin_numbers()
    from analysis import paths
    from analysis.facts import load_raw
    from analysis.forecast import predict
    from analysis.forecast.known import known_at
    from analysis.forecast.queries import read_date
    from analysis.forecast.settings import VERSIONS
    from analysis.readings import build_readings

    origin = read_date(options.origin, "--origin")
    queries = read_questions(Path(options.queries))
    raw = load_raw(options.raw)
    known = known_at(build_readings(raw).readings, raw, origin)
    found = predict(known, queries, VERSIONS[options.model])
    paths.write_table(queries.join(found), options.out)
    print(f"{len(queries)} predictions from {origin:%Y-%m-%d} written to {options.out}")
    return 0


def read_questions(path: Path) -> pd.DataFrame:
    """Read the questions of a CSV file, once every row is known to stand on its own line.

    Reading alone would take the first of two columns of one name, and would pass over empty
    lines, so that every fault after them were told with a row above its own.

    Raises:
        QueryError: a doubled column, an empty line, a row with more or fewer cells than the
            heading, a cell with a line break, or any fault that `read_queries` names.
        OSError: the file cannot be opened.
    """
    from analysis.forecast.queries import QueryError, read_queries

    faults = _faults_of_form(path.name, path.read_bytes())
    if faults:
        raise QueryError("\n".join(map(str, faults)))
    return read_queries(path)


def _faults_of_form(file: str, content: bytes) -> list[Fault]:
    """What is wrong with heading and rows; rows as an editor numbers them."""
    from analysis.facts import Fault

    try:
        text = content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        return []  # read_queries says what to do about it
    rows = csv.reader(io.StringIO(text, newline=None), strict=True)
    faults: list[Fault] = []
    try:
        heading = [name.strip() for name in next(rows, [])]
        for name in sorted({name for name in heading if heading.count(name) > 1}):
            faults.append(Fault(file, 1, name or "(no name)", "", "the column stands twice"))
        line = rows.line_num
        for row in rows:
            first, line = line + 1, rows.line_num
            message = _fault_of_row(row, len(heading), first < line)
            if message:
                faults.append(Fault(file, first, "", ",".join(row), message))
    except csv.Error as error:
        message = f"cannot be read as CSV from here on ({error}); check the quotation marks"
        faults.append(Fault(file, max(rows.line_num, 1), "", "", message))
    return faults


def _fault_of_row(row: list[str], width: int, broken: bool) -> str:
    if not row:
        return "is an empty line; delete it"
    if len(row) != width:
        return f"has {len(row)} cell(s) where the heading has {width}; quote cells with a comma"
    return "a cell holds a line break; write it in one line" if broken else ""
