"""A small folder of raw tables, cut from the real ones, for tests that damage it."""

import shutil
from functools import cache
from pathlib import Path

from analysis.facts import TABLES
from analysis.paths import RAW

_KEEP = {"facts": 40, "policy_events": 5}


@cache
def _small(table: str) -> str:
    lines = (RAW / f"{table}.csv").read_text("utf-8").splitlines()
    if table == "corrections":
        return lines[0] + "\n"
    if table == "covariates":  # A covariate that stands for one province only is refused.
        return "\n".join([lines[0], *(line for line in lines if ",area," in line)]) + "\n"
    step = max(1, (len(lines) - 1) // _KEEP.get(table, len(lines)))
    return "\n".join([lines[0], *lines[1::step]]) + "\n"


def make(folder: Path) -> Path:
    """Write the small raw tables into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        (folder / f"{table}.csv").write_text(_small(table), "utf-8")
    return folder


def copy_real(folder: Path) -> Path:
    """Copy the real raw tables."""
    shutil.copytree(Path(RAW), folder)
    return folder


def change(folder: Path, table: str, row: int, column: str, value: str) -> None:
    """Write one cell (row as counted in the file, header = 1); quotes it where needed."""
    import csv
    import io

    path = folder / f"{table}.csv"
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"))))
    rows[row - 1][rows[0].index(column)] = value
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), "utf-8")


def cell(folder: Path, table: str, row: int, column: str) -> str:
    """Return one cell as text."""
    import csv

    rows = list(csv.reader((folder / f"{table}.csv").read_text("utf-8").splitlines()))
    return rows[row - 1][rows[0].index(column)]


def find(folder: Path, table: str, column: str, value: str) -> int:
    """Return the first row (header = 1) that holds a value in a column."""
    import csv

    rows = list(csv.reader((folder / f"{table}.csv").read_text("utf-8").splitlines()))
    at = rows[0].index(column)
    return next(n for n, row in enumerate(rows, start=1) if row[at] == value)
