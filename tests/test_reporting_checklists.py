"""GATHER and EPIFORGE: every item is there, and points to a file and heading that exist."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from analysis import paths

ROOT = Path(paths.ROOT)
PAGE = ROOT / "docs/reporting-checklists.md"
ITEMS = {"GATHER": 18, "EPIFORGE 2020": 19}


def rows(checklist):
    text = PAGE.read_text("utf-8").split(f"## {checklist}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if re.match(r"\| \d+ \|", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ALL = [(name, *row) for name in ITEMS for row in rows(name)]


def headings(path):
    if path.suffix == ".cff":
        return path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)
    # Numbers before headings may change when a section is put in.
    return re.findall(r"^#+ (?:\d+\. )?(.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("name", ITEMS)
def test_every_item_of_a_checklist_has_its_line(name):
    assert [int(row[0]) for row in rows(name)] == list(range(1, ITEMS[name] + 1))


@pytest.mark.parametrize("row", ALL, ids=lambda row: f"{row[0]} {row[1]}")
def test_an_item_points_to_a_place_that_exists(row):
    _, _, told, state, place, remark = row
    file, heading = re.fullmatch(r"\[[^]]+\]\(([^)]+)\) § (.+)", place).groups()
    path = (PAGE.parent / file).resolve()
    assert path.is_file() and path.is_relative_to(ROOT.resolve())
    assert heading in headings(path)
    assert state in {"met", "partly", "open"} and told
    assert state == "met" or remark, "say why it is not met"


def test_what_waits_for_the_owner_is_marked():
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    assert text.count("TO FILL") == 3
    assert {"authors", "title", "version"} <= set(yaml.safe_load(text))


def test_the_example_in_python_prints_the_archived_chances():
    text = (ROOT / "docs/rounds.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert re.search(r"hi_coverage +95\.00 +0\.714", done.stdout)


def test_the_example_in_r_names_a_file_that_is_there():
    text = (ROOT / "docs/rounds.md").read_text("utf-8")
    (code,) = re.findall(r"```r\n(.*?)```", text, re.DOTALL)
    folder, file = re.search(r'"(rounds/.+?)"', code)[1], re.search(r'folder, "(.+?)"', code)[1]
    assert (ROOT / folder / file).is_file()


#: Where R has no arrow, its own reader stands in under the name of arrow's.
_WITHOUT_ARROW = """
if (!requireNamespace("arrow", quietly = TRUE)) {
  library <- function(...) invisible(NULL)
  read_csv_arrow <- function(file) read.csv(file)
}
"""


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_the_example_in_r_prints_the_archived_chances():
    text = (ROOT / "docs/rounds.md").read_text("utf-8")
    (code,) = re.findall(r"```r\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        ["Rscript", "--vanilla", "-e", _WITHOUT_ARROW + code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.search(r"hi_coverage +95\.00 +0\.714", done.stdout)
