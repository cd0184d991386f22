"""Every committed notebook is a chapter: one title, no functions, stable cells, clean outputs."""

import ast
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from analysis import paths
from analysis.runs import notebook as runs_notebook
from analysis.runs import pipeline
from analysis.runs.notebook import TranslationError, sections, translated

NOTEBOOKS = sorted(Path(paths.NOTEBOOKS).glob("*.ipynb"))
WIDGETS = {"explore"}
STABLE_ID = re.compile(r"^[a-z][a-z0-9-]*[a-z0-9]$")
#: What a run on another machine or at another time would write otherwise.
UNSTABLE = re.compile(r"0x[0-9a-f]{8,}|/home/|/tmp/|/root/|/Users/|\bs per loop\b")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return runs_notebook.read(path)


def test_one_title_of_the_first_level(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    assert notebook.cells[0].cell_type == "markdown"


def test_a_parameters_cell_whose_defaults_are_plain_values(notebook):
    tagged = [cell for cell in notebook.cells if "parameters" in runs_notebook.tags(cell)]
    assert len(tagged) == 1
    assert runs_notebook.declared_parameters(notebook)["language"] == "en"


def test_no_functions_or_classes_and_few_lines_a_cell(path, notebook):
    tree = ast.parse(runs_notebook.code(notebook))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, kinds)]
    lines = [
        (cell.id, len([line for line in cell.source.splitlines() if line.strip()]))
        for cell in notebook.cells
        if cell.cell_type == "code" and "parameters" not in runs_notebook.tags(cell)
    ]
    assert not [
        (name, count) for name, count in lines if count > (8 if path.stem in WIDGETS else 6)
    ]


def test_cells_have_readable_ids_of_their_own(notebook):
    identifiers = [cell.id for cell in notebook.cells]
    assert len(set(identifiers)) == len(identifiers)
    assert not [one for one in identifiers if not STABLE_ID.match(one)]


def test_outputs_are_there_and_clean(path, notebook):
    mend = f'run `make notebooks NAMES="{path.stem}"` and commit the outputs'
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert outputs, mend
    wrong = [one for one in outputs if one.output_type == "error" or one.get("name") == "stderr"]
    assert not wrong, mend
    texts = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs]
    assert not [text for text in texts if UNSTABLE.search(text)], mend


def test_what_is_committed_names_no_versions_or_times_and_every_cell_has_run(path):
    """Of the file as git has it: what an editor writes by itself while reading is no fault.

    Without git the file is looked at, unless an editor has saved it.
    """
    notebook = stored(path)
    if notebook is None:
        pytest.skip("an editor has saved it, and there is no git to know it from before")
    mend = f'run `make notebooks NAMES="{path.stem}"` and commit it'
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "widgets"}, mend
    assert set(notebook.metadata.get("language_info", {})) <= {"name"}, mend
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells), mend
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code), mend


def stored(path):
    """The notebook as git has staged it, or the file where git does not know it; see above."""
    name = f"notebooks/{path.name}"
    git = ["git", "-C", str(path.parent.parent)]
    with contextlib.suppress(OSError):
        shown = subprocess.run([*git, "show", f":./{name}"], capture_output=True, check=False)
        if shown.returncode == 0:
            return nbformat.reads(shown.stdout.decode("utf-8"), as_version=4)
    notebook = runs_notebook.read(path)
    saved_by_an_editor = "version" in notebook.metadata.get("language_info", {})
    return None if saved_by_an_editor else notebook


def as_an_editor_saves(path):
    """Two minutes of reading: versions, counts, an unrun cell, the state of widgets."""
    book = json.loads(path.read_text("utf-8"))
    book["metadata"] |= {
        "kernelspec": {"display_name": "own", "language": "python", "name": "own"},
        "language_info": {"name": "python", "version": "3.11.2", "file_extension": ".py"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {}}},
        "toc": {"base_numbering": 1},
    }
    for number, cell in enumerate(one for one in book["cells"] if one["cell_type"] == "code"):
        cell["execution_count"] = None if number == 0 else number + 40
        cell["metadata"]["execution"] = {"iopub.execute_input": "2025-01-01T00:00:00Z"}
        cell["metadata"]["scrolled"] = True
    path.write_text(json.dumps(book), "utf-8")


def test_reading_in_an_editor_breaks_no_rule_and_changing_something_names_the_command(tmp_path):
    root = tmp_path / "copy"
    (root / "data").mkdir(parents=True)
    left = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("notebooks", "tests", "data/raw"):
        shutil.copytree(paths.ROOT / name, root / name, ignore=left)
    shutil.copy(paths.ROOT / "pyproject.toml", root)
    own = {name: text for name, text in os.environ.items() if not name.startswith("ANALYSIS_")}
    environment = own | {"ANALYSIS_ROOT": str(root)}

    def rules():
        chosen = "title or metadata or outputs_are or committed or few_lines or ids"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
        return subprocess.run(
            [*command, "-k", f"({chosen}) and 02_coverage", "tests/test_notebook_rules.py"],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    file = root / "notebooks/02_coverage.ipynb"
    as_an_editor_saves(file)
    ended = rules()
    assert ended.returncode == 0, ended.stdout
    book = json.loads(file.read_text("utf-8"))
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    file.write_text(json.dumps(book), "utf-8")
    ended = rules()
    assert ended.returncode == 1
    assert 'run `make notebooks NAMES="02_coverage"`' in ended.stdout


def test_a_stored_notebook_that_gives_something_else_says_what_mends_it(tmp_path):
    (tmp_path / "notebooks").mkdir()
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    book.cells[0].outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "3"}, execution_count=1)
    ]
    book.metadata["kernelspec"] = {"name": "another", "display_name": "x", "language": "python"}
    nbformat.write(book, tmp_path / "notebooks/99_wrong.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [*command, "--nbval", "-c", "pyproject.toml", "-p", "conftest",
         str(tmp_path / "notebooks/99_wrong.ipynb")],
        cwd=paths.ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(paths.ROOT), "tests"])},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert "No such kernel" not in ended.stdout
    assert 'make notebooks NAMES="99_wrong"' in ended.stdout, ended.stdout + ended.stderr
    assert "git checkout notebooks/99_wrong.ipynb" in ended.stdout


def test_the_prose_is_there_in_every_language(path, notebook):
    chapter = {one.stem: one for one in pipeline.load()}.get(path.stem)
    for language in chapter.languages if chapter else ():
        before = runs_notebook.written(notebook)
        after = runs_notebook.written(translated(notebook, path.stem, language))
        assert (before == after) == (language == "en")


def test_a_translation_with_a_missing_or_surplus_cell_is_refused(tmp_path, monkeypatch):
    from tiny_project import TinyProject

    project = TinyProject(tmp_path / "tiny")
    monkeypatch.setenv("ANALYSIS_ROOT", str(project.root))
    file = "notebooks/vi/03_aside.md"
    for text, message in (
        ("<!-- cell: title -->\n# A\n<!-- cell: end -->\nB\n", "not in the notebook: end"),
        ("", "stand in the notebook and not in .*: title"),
        ("<!-- cell: title -->\na\n<!-- cell: title -->\nb\n", "two sections: title"),
    ):
        project.write(file, text)
        with pytest.raises(TranslationError, match=message):
            stored = runs_notebook.read(project.root / "notebooks/03_aside.ipynb")
            translated(stored, "03_aside", "vi")


def test_prose_keeps_its_own_lines():
    text = "<!-- cell: one -->\n# Một\n\nHai <!-- cell: x --> ba\n\n<!-- cell: two -->\nBốn\n"
    assert sections(text) == {"one": "# Một\n\nHai <!-- cell: x --> ba", "two": "Bốn"}


@pytest.mark.parametrize("beside", [["tests/test_seeds.py"], []], ids=["with a test", "alone"])
def test_a_notebook_chosen_alone_says_at_once_what_has_to_be_chosen_too(beside):
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"),
            *("--nbval", *beside, "notebooks/02_coverage.ipynb"),
        ],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "readings.csv is written by 01_readings. Add notebooks/01_readings.ipynb" in ended.stdout
    assert ended.stdout.count("is written by 01_readings") <= 3  # not once for every cell
    seconds = re.search(r"skipped.* in ([\d.]+)s", ended.stdout)
    assert seconds and float(seconds[1]) < 60  # it used to wait 600 s for the table
