"""A stored output that is not what the notebook gives makes `make test` fail."""

import json
import os
import re
import subprocess
import sys

import pytest
from tiny_project import notebook

from analysis.runs import environment
from analysis.runs import notebook as runs_notebook
from analysis.runs.execute import execute

#: As a chapter does it: tables, a sentence, and a chart that carries its data as text.
CELLS = [
    "import matplotlib.pyplot as plt\nimport pandas as pd\n"
    "from analysis.figures.style import Figure",
    "table = pd.DataFrame({'province': ['Ben Tre', 'Son La'], 'coverage': [92.3, 98.31]})\ntable",
    "table",
    "print('Coverage in Ben Tre is 92.3%.')",
    "figure, axes = plt.subplots()\n_ = axes.bar(table['province'], table['coverage'])"
    "\nplt.close(figure)\nFigure('two_bars', figure, 'Two bars.', table)",
    "table",
]

# Cells stand on those before them: the plugin that draws the order of tests is left out.
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The notebook with its true outputs, as the content of its file."""
    folder = str(tmp_path_factory.mktemp("stored"))
    done = execute(notebook(CELLS), {}, environment.pinned(), folder, 60)
    assert done.failure is None, done.failure
    return json.loads(runs_notebook.written(done.notebook))


def digit_of_a_table(output):
    for kind in ("text/plain", "text/html"):
        text = "".join(output["data"][kind])
        output["data"][kind] = [text.replace("98.31", "98.13")]


def row_of_a_table(output):
    html = "".join(output["data"]["text/html"])
    output["data"]["text/html"] = [re.sub(r"<tr>\s*<th>1</th>.*?</tr>", "", html, flags=re.DOTALL)]
    plain = "".join(output["data"]["text/plain"]).splitlines(keepends=True)
    output["data"]["text/plain"] = [line for line in plain if "Son La" not in line]


def digit_of_a_sentence(output):
    output["text"] = ["".join(output["text"]).replace("92.3", "93.3")]


def data_of_a_figure(output):
    """The picture stays; the mark of its data, stored as text, is that of other data."""
    plain = "".join(output["data"]["text/plain"])
    other = re.sub(r"([0-9a-f])(\W*)$", lambda m: ("1" if m[1] == "0" else "0") + m[2], plain)
    output["data"]["text/plain"] = [other]


#: Code cell (counted from 1, the parameters cell left out) -> what is done to its output.
TAMPERED = {
    2: digit_of_a_table,
    3: row_of_a_table,
    4: digit_of_a_sentence,
    5: data_of_a_figure,
}


def test_each_tampered_output_fails_and_each_true_one_passes(stored, tmp_path):
    (tmp_path / "stored.ipynb").write_text(json.dumps(stored), "utf-8")
    changed = json.loads(json.dumps(stored))
    for number, change in TAMPERED.items():
        (cell,) = [one for one in changed["cells"] if one["id"] == f"step-{number}"]
        before = json.dumps(cell["outputs"])
        change(cell["outputs"][-1])
        assert json.dumps(cell["outputs"]) != before
    (tmp_path / "changed.ipynb").write_text(json.dumps(changed), "utf-8")
    ended = subprocess.run(
        [*PYTEST, "--nbval", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    failed = re.findall(r"^FAILED (\w+)\.ipynb::Cell (\d+)", ended.stdout, re.MULTILINE)
    assert sorted(failed) == [("changed", str(number)) for number in TAMPERED], ended.stdout
