"""A small report for the tests of the site: real readings, clearly synthetic forecasts.

The notebooks are run cell by cell in this process, which takes a second instead of the ten that
two dozen kernels would take; that kernels give the same outputs is tested elsewhere.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
import pandas as pd
import synthetic_report
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from analysis import paths
from analysis.facts import Raw, load_raw
from analysis.readings import ReadingTables, build_readings
from analysis.readings.targets import targets
from analysis.runs.notebook import translated
from analysis.site.build import Executed, build

BRIEFS = ("00", "02", "83", "province_34/86")
HOSTILE_SOURCE = "S9999"
HOSTILE_TITLE = '<script>alert("title")</script>=HYPERLINK("http://example.org")'


@contextmanager
def settings(**values: str) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def write_tables(raw: Raw, built: ReadingTables, folder: Path) -> None:
    """Write the tables that the chapters would have written, one reading with a hostile source."""
    readings = built.readings.copy()
    one = readings["reading_id"] == "province_63/83/hi_coverage/2023-12-31"
    readings.loc[one, "sources"] = readings.loc[one, "sources"] + f";{HOSTILE_SOURCE}"
    tables = {
        "readings": readings,
        "targets": synthetic_report.targets(targets(raw)),
        "forecasts": synthetic_report.forecasts(),
        "estimates": synthetic_report.estimates(),
        "needs": synthetic_report.needs(),
        "late_payment_forecasts": synthetic_report.late_payment_forecasts(),
    }
    for name, table in tables.items():
        paths.write_table(table, folder / f"{name}.csv")


def copy_raw(folder: Path) -> None:
    """Copy the raw tables and add a source whose title and address are hostile."""
    for path in Path(paths.RAW).glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    sources = pd.read_csv(folder / "sources.csv", dtype=str, keep_default_na=False)
    hostile = dict.fromkeys(sources.columns, "x") | {
        "source_id": HOSTILE_SOURCE,
        "url": "javascript:alert('address')",
        "title": HOSTILE_TITLE,
        "publisher": "=1+1",
        "published": "2024-01-01",
        "language": "vi",
    }
    table = pd.concat([sources, pd.DataFrame([hostile])], ignore_index=True)
    paths.write_table(table, folder / "sources.csv")


def executed(stem: str, parameters: dict[str, Any], folder: Path) -> Executed:
    """Run a notebook in this process and keep it with its outputs."""
    notebook = nbformat.read(paths.NOTEBOOKS / f"{stem}.ipynb", as_version=4)
    notebook = translated(notebook, stem, str(parameters["language"]))
    shell = InteractiveShell.instance()
    shell.reset(new_session=True)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _run(shell, cell, parameters)
    InteractiveShell.clear_instance()
    name = "_".join([stem, *map(str, parameters.values())]).replace("/", "_")
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return Executed(stem, parameters, path)


def _run(shell: InteractiveShell, cell: nbformat.NotebookNode, parameters: dict[str, Any]) -> None:
    with capture_output() as caught:
        outcome = shell.run_cell(cell.source, store_history=False)
    outcome.raise_error()
    if "parameters" in cell.metadata.get("tags", []):
        shell.push(parameters)
    cell.outputs = [
        nbformat.v4.new_output("display_data", dict(one.data), metadata=dict(one.metadata or {}))
        for one in caught.outputs
    ]
    if _ends_in_expression(cell.source) and outcome.result is not None:
        data, metadata = shell.display_formatter.format(outcome.result)
        cell.outputs.append(
            nbformat.v4.new_output("execute_result", data, metadata=metadata, execution_count=1)
        )


def _ends_in_expression(source: str) -> bool:
    body = ast.parse(source).body
    return bool(body) and isinstance(body[-1], ast.Expr)


def first_chapter(raw: Raw, built: ReadingTables, folder: Path) -> list[Executed]:
    """Run chapter 01 in both languages; the tables that it writes lie apart."""
    (folder / "written").mkdir()
    once = patch("analysis.facts.load_raw", return_value=raw)
    again = patch("analysis.readings.build_readings", return_value=built)
    with settings(ANALYSIS_PROCESSED=str(folder / "written")), once, again:
        return [
            executed("01_readings", {"language": language}, folder / "executed")
            for language in ("en", "vi")
        ]


def make(folder: Path) -> Path:
    """Make the site in a folder and return where its pages are."""
    for part in ("raw", "processed", "executed", "reports"):
        (folder / part).mkdir()
    raw = load_raw()
    built = build_readings(raw)
    write_tables(raw, built, folder / "processed")
    copy_raw(folder / "raw")
    once = patch("analysis.findings.coverage.load_raw", return_value=raw)
    with settings(ANALYSIS_PROCESSED=str(folder / "processed"), ANALYSIS_CACHE="off"), once:
        runs = first_chapter(raw, built, folder)
        runs += [
            executed("02_coverage", {"language": language}, folder / "executed")
            for language in ("en", "vi")
        ]
        with settings(ANALYSIS_RAW=str(folder / "raw")):
            runs += [
                executed(
                    "08_province_brief",
                    {"language": language, "province_code": code},
                    folder / "executed",
                )
                for language in ("en", "vi")
                for code in BRIEFS
            ]
            build(runs, folder / "reports")
    return folder / "reports"


_made: dict[str, Path] = {}


def shared(factory: Any) -> Path:
    """Make the site once for all test files of a process."""
    if "reports" not in _made:
        _made["reports"] = make(factory.mktemp("site"))
    return _made["reports"]
