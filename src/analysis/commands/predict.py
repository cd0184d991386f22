"""`analysis predict`: the reported value of any unit on any date, from what an origin knew."""

from __future__ import annotations

import argparse
import csv
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from analysis.facts import Fault, Raw

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
    from analysis.runs.environment import pin_numbers

    pin_numbers()
    from analysis import paths
    from analysis.commands.writing import counted, refuse_onto_input
    from analysis.facts import load_raw
    from analysis.forecast import predict
    from analysis.forecast.known import known_at, read_date
    from analysis.forecast.space import VERSIONS
    from analysis.readings import build_readings

    refuse_onto_input(options.out, options.queries)
    origin = read_date(options.origin, "--origin")
    raw = load_raw(options.raw)
    queries = read_questions(Path(options.queries), origin, raw)
    known = known_at(build_readings(raw).readings, raw, origin)
    found = predict(known, queries, VERSIONS[options.model])
    paths.write_table(queries.join(found), options.out)
    number = counted(len(queries), "prediction")
    print(f"{number} from {origin:%Y-%m-%d} written to {options.out}")
    return 0


def read_questions(
    path: Path, origin: pd.Timestamp | None = None, raw: Raw | None = None
) -> pd.DataFrame:
    """Read the questions of a CSV file, once every row is known to stand on its own line.

    Reading alone would take the first of two columns of one name, and would pass over empty
    lines, so that every fault after them were told with a row above its own. Levels and indicators
    may be written in capitals.

    Args:
        origin: questions about days before it are refused. None: they are not.
        raw: the tables whose units are asked for. None: units are not looked up.

    Raises:
        QueryError: another kind of file, a doubled column, an empty line, a row with more or fewer
            cells than the heading, a cell with a line break, a unit that is none, a day before the
            origin, or any fault that `read_queries` names.
        OSError: the file cannot be opened.
    """
    from analysis.forecast.known import QueryError, read_queries

    content = path.read_bytes()
    faults = _faults_of_kind(path, content) or _faults_of_form(path.name, content)
    if faults:
        raise QueryError("\n".join(map(str, faults)))
    table = read_queries(path)
    for name in ("geo_level", "indicator"):
        table[name] = table[name].str.lower()
    if faults := [*_unknown_units(path.name, table, raw), *_past(path.name, table, origin)]:
        raise QueryError("\n".join(map(str, sorted(faults))))
    return table


def _faults_of_kind(path: Path, content: bytes) -> list[Fault]:
    """A file that is no CSV text in UTF-8 with commas, by its own name."""
    from analysis.facts import Fault
    from analysis.intake.workbook import other_kind

    save = "save it as CSV UTF-8, separated by commas"
    if content[:2] == b"PK" or other_kind(content, ".csv"):
        what = "is a workbook or another kind of file, no CSV text; open it and "
        return [Fault(path.name, 0, "", "", what + save)]
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:200]:
        return [Fault(path.name, 0, "", "", f"is UTF-16 (Unicode text of Excel); {save}")]
    first = content.split(b"\n", 1)[0].decode("utf-8", "replace").strip("\ufeff\r ")
    if re.fullmatch(r'"?sep=.*', first, re.I):
        return [Fault(path.name, 1, "", first, "is a hint for Excel; delete this line")]
    for sign, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if "," not in first and sign in first:
            message = f"the cells are separated by {name}; {save}"
            return [Fault(path.name, 1, "", first[:60], message)]
    return []


def _unknown_units(file: str, table: pd.DataFrame, raw: Raw | None) -> list[Fault]:
    """Codes that are none of their level, with the code that seems to be meant."""
    from analysis.country import geography
    from analysis.facts import Fault
    from analysis.intake.advice import Names

    if raw is None:
        return []
    names = Names(raw)
    codes = {"country": {geography.COUNTRY}, "region": set(geography.REGIONS),
             "province_63": set(raw.provinces["province_code"]),
             "province_34": set(raw.provinces["merged_code"])}  # fmt: skip
    faults = []
    cells = table[["geo_level", "province_code"]].itertuples(index=False, name=None)
    for row, (level, code) in enumerate(cells, start=2):
        if level not in codes:
            message = f"is no level; write {', '.join(codes)}"
            faults.append(Fault(file, row, "geo_level", level, message))
        elif code not in codes[level]:
            message = f"is no unit of {level}; codes have two digits, such as 01"
            if code.isdigit() and code.zfill(2) in codes[level]:
                message = f"has lost its zero; write {code.zfill(2)}"
            elif meant := names.code(level, code):
                message = f"is a name; write the code, {meant}"
            faults.append(Fault(file, row, "province_code", code, message))
    return faults


def _past(file: str, table: pd.DataFrame, origin: pd.Timestamp | None) -> list[Fault]:
    from analysis.facts import Fault

    if origin is None:
        return []
    message = f"is before the origin, {origin:%Y-%m-%d}; ask for that day or a later one"
    return [
        Fault(file, row, "as_of", f"{day:%Y-%m-%d}", message)
        for row, day in enumerate(table["as_of"], start=2)
        if day < origin
    ]


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
        if heading and not heading[-1]:
            message = "empty columns stand behind the table; delete them"
            return [Fault(file, 1, "(no name)", "", message)]
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
