"""Forecasts of the project's own model, kept so that a report need not fit it a hundred times.

data/benchmarks/own.csv holds the answers to every fold of every design and ablation, each under
a mark of the evidence, the question, the settings and the code that answered. A mark that is not
found is computed anew, so a change of readings or code costs time and never a wrong number.
`make keep` makes the file again.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

import pandas as pd

from analysis import disk_cache
from analysis.forecast.known import Known
from analysis.forecast.space import Settings
from analysis.paths import FLOAT_FORMAT, ROOT, asked

FILE = Path(ROOT) / "data" / "benchmarks" / "own.csv"
#: The module whose imports, as far as they lie in these rooms, make a forecast what it is; the
#: country's forecasts start from `own_model_country`.
START = "analysis.validation.own_model"
ROOMS = ("analysis.forecast.", "analysis.readings.arithmetic", "analysis.readings.covariates",
         "analysis.readings.targets", "analysis.country.geography",
         "analysis.country.breaks")  # fmt: skip
#: Used by `own_model`, but no part of a forecast; what `known` does shows in the evidence itself.
NOT_THE_MODEL = ("analysis.validation", "analysis.forecast.known")
#: What the model can see of a reading; the sources behind it may change without any effect.
_READING = [
    "geo_level", "province_code", "indicator", "basis", "as_of", "value", "lower", "upper",
    "denominator_version", "kind_of_evidence", "derived_from", "season",
]  # fmt: skip
_TARGET = [
    "geo_level", "province_code", "indicator", "basis", "due", "value", "setter", "announced",
]  # fmt: skip


def mark(known: Known, queries: pd.DataFrame, settings: Settings, start: str = START) -> str:
    """A mark that is the same only for the same evidence, question, settings and code.

    start: the module that answers.
    """
    raw = known.raw
    computed = [
        known.readings[_READING],
        known.targets[_TARGET],
        raw.policy_events[["date", "event", "affects"]],
        raw.provinces[["province_code", "region", "merged_code"]],  # names and maps decide nothing
        queries,
    ]
    as_read = [
        raw.covariates[["province_code", "year", "covariate", "value"]],
        raw.population[["province_code", "year", "revision", "persons"]],
    ]
    total = hashlib.sha256(f"{code_mark(start)} {settings!r} {known.origin:%Y-%m-%d}".encode())
    for table in computed:  # rounded, since computers differ in the last digit
        total.update(_as_read(table).to_csv(index=False, float_format="%.9g").encode())
    for table in as_read:  # long, and the same everywhere
        total.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return total.hexdigest()[:16]


def _as_read(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its numbers as a CSV of the project gives them back.

    A number half-way between two of nine digits would else be rounded up before it has been
    written, and down after it has been read.
    """
    table = table.copy()
    for name in table.select_dtypes("float").columns:
        table[name] = [float(FLOAT_FORMAT % number) for number in table[name]]
    return table


@cache
def code_mark(start: str = START) -> str:
    """A mark of the model's code; comments, docstrings and layout do not count.

    start: the module whose imports are followed.
    """
    waiting, seen = [start], {}
    while waiting:
        name = waiting.pop()
        file = disk_cache.module_file(name)
        foreign = not name.startswith(ROOMS) or name.startswith(NOT_THE_MODEL)
        if file is None or name in seen or (foreign and name != start):
            continue
        source = file.read_text("utf-8")
        seen[name] = ast.dump(_bare(ast.parse(source)))
        waiting.extend(disk_cache.imported_by(source, name, file.name == "__init__.py"))
    return disk_cache.digest(*(f"{name} {seen[name]}" for name in sorted(seen)))


def _bare(tree: ast.Module) -> ast.Module:
    """The tree without its docstrings."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                node.body = body[1:]  # type: ignore[attr-defined]
    return tree


def find(wanted: str) -> pd.DataFrame | None:
    """The kept answers under a mark, in the order of their questions; None when there are none."""
    asked(FILE)
    return _kept().get(wanted)


@cache
def _kept() -> dict[str, pd.DataFrame]:
    if not FILE.is_file():
        return {}
    table = pd.read_csv(FILE)
    parts = table.groupby("mark", sort=False)
    return {str(name): part.reset_index(drop=True) for name, part in parts}
