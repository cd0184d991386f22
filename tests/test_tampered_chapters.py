"""A number changed by hand in a stored chapter is noticed, whichever it is.

Every output of every notebook is tampered with, and nbval's own comparison has to refuse each; one
chapter is then run by nbval with three outputs tampered with, and exactly those cells have to fail.
"""

import copy
import json
import os
import re
import subprocess
import sys

import pytest
from nbval.plugin import IPyNbFile, coalesce_streams

from analysis import paths
from analysis.facts import load_raw
from analysis.figures import style
from analysis.readings import build_readings, store
from analysis.runs import environment

CHAPTERS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
TEXTS = ("text/plain", "text/html", "text/csv", "image/svg+xml", style.SVG_NARROW)
DIGIT = re.compile("[0-9]")

# Cells stand on those before them: the plugin that draws the order of tests is left out.
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"]


def another_digit(text, place):
    """Raise the digit at one place by one (9 becomes 0)."""
    found = list(DIGIT.finditer(text))
    at = found[place % len(found)]
    return text[: at.start()] + str((int(at[0]) + 1) % 10) + text[at.end() :]


def without_a_row(kind, text):
    if kind == "text/html":
        rows = list(re.finditer(r"<tr\b.*?(?=<tr\b|</tbody>)", text, re.DOTALL))
        return text[: rows[-1].start()] + text[rows[-1].end() :] if len(rows) > 1 else text
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: len(lines) // 2], *lines[len(lines) // 2 + 1 :]])


def texts_of(output):
    """The texts of an output by kind; a stream is a text of its own."""
    if "text" in output:
        return {"stream": output["text"]}
    return {kind: output["data"][kind] for kind in TEXTS if kind in output.get("data", {})}


def changed(outputs, number, kind, text):
    other = copy.deepcopy(outputs)
    if kind == "stream":
        other[number]["text"] = text
    else:
        other[number]["data"][kind] = text
    return other


def tamperings(outputs):
    """Every way that is tried, as (what, outputs): three digits and a row of each text."""
    for number, output in enumerate(outputs):
        yield f"output {number} left out", outputs[:number] + outputs[number + 1 :]
        for kind, text in texts_of(output).items():
            for place in (0, len(text) // 2, -1) if DIGIT.search(text) else ():
                yield (
                    f"a digit of {kind}",
                    changed(outputs, number, kind, another_digit(text, place)),
                )
            if (shorter := without_a_row(kind, text)) != text:
                yield f"a row of {kind}", changed(outputs, number, kind, shorter)


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def cells(request):
    """The code cells of a notebook as nbval collects them."""
    return list(IPyNbFile.from_parent(request.session, path=request.param).collect())


def test_no_cell_is_left_out_of_the_comparison(cells):
    for cell in cells:
        assert cell.options["check"], f"{cell.cell['id']} is not compared"
        assert not cell.options["skip"], f"{cell.cell['id']} is not run"


def test_every_picture_has_its_data_beside_it_and_nothing_else_escapes(cells):
    compared = {*TEXTS, "image/png"}
    for cell in cells:
        for output in cell.cell.outputs:
            kinds = set(output.get("data", {}))
            assert kinds <= compared, f"{cell.cell['id']} shows {kinds - compared}"
            if "image/png" in kinds:
                assert DIGIT.search(output["data"]["text/csv"]), cell.cell["id"]


def test_every_tampered_output_is_refused(cells):
    tried = 0
    for cell in cells:
        true = coalesce_streams(cell.cell.outputs)
        assert cell.compare_outputs(true, copy.deepcopy(true))
        for what, outputs in tamperings(true):
            assert not cell.compare_outputs(true, outputs), f"{cell.cell['id']}: {what} passed"
            tried += 1
    assert tried >= 8


#: Cell of chapter 02 -> kind of its output, and what is done to it.
TAMPERED = {
    "answer": ("text/plain", lambda text: another_digit(text, 0)),
    "own-targets": ("text/csv", lambda text: without_a_row("text/csv", text)),
    "gap-map": ("text/csv", lambda text: another_digit(text, -1)),
}


def test_a_chapter_that_is_run_fails_at_the_tampered_cells_only(tmp_path):
    chapter = json.loads((paths.NOTEBOOKS / "02_coverage.ipynb").read_text("utf-8"))
    code = [cell for cell in chapter["cells"] if cell["cell_type"] == "code"]
    numbers = []
    for number, cell in enumerate(code):
        if cell["id"] in TAMPERED:
            kind, change = TAMPERED[cell["id"]]
            data = cell["outputs"][0]["data"]
            data[kind] = change("".join(data[kind]))
            numbers.append(str(number))
    assert len(numbers) == len(TAMPERED)
    (tmp_path / "02_coverage.ipynb").write_text(json.dumps(chapter), "utf-8")
    raw = load_raw()
    store.write(build_readings(raw), raw, tmp_path / "tables")
    ended = subprocess.run(
        [*PYTEST, "--nbval", str(tmp_path)],
        cwd=tmp_path,
        env={
            **os.environ,
            **environment.pinned({"ANALYSIS_PROCESSED": str(tmp_path / "tables")}),
            "ANALYSIS_ROOT": str(paths.ROOT),
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    failed = re.findall(r"^FAILED \w+\.ipynb::Cell (\d+)", ended.stdout, re.MULTILINE)
    assert sorted(failed) == sorted(numbers), ended.stdout[-3000:]
