"""Every committed notebook is a chapter: one title, no functions, stable cells, clean outputs."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import paths
from analysis.publish import pipeline, runner_notebook
from analysis.publish.translate import TranslationError, sections, translated

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
    return runner_notebook.read(path)


def test_one_title_of_the_first_level(notebook):
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    assert notebook.cells[0].cell_type == "markdown"


def test_a_parameters_cell_whose_defaults_are_plain_values(notebook):
    tagged = [cell for cell in notebook.cells if "parameters" in runner_notebook.tags(cell)]
    assert len(tagged) == 1
    assert runner_notebook.declared_parameters(notebook)["language"] == "en"


def test_no_functions_or_classes_and_few_lines_a_cell(path, notebook):
    tree = ast.parse(runner_notebook.code(notebook))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, kinds)]
    lines = [
        (cell.id, len([line for line in cell.source.splitlines() if line.strip()]))
        for cell in notebook.cells
        if cell.cell_type == "code" and "parameters" not in runner_notebook.tags(cell)
    ]
    assert not [
        (name, count) for name, count in lines if count > (8 if path.stem in WIDGETS else 6)
    ]


def test_cells_have_readable_ids_of_their_own(notebook):
    identifiers = [cell.id for cell in notebook.cells]
    assert len(set(identifiers)) == len(identifiers)
    assert not [one for one in identifiers if not STABLE_ID.match(one)]


def test_outputs_are_there_and_clean(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code), "run `make notebooks` and commit the outputs"
    outputs = [output for cell in code for output in cell.outputs]
    assert not [one for one in outputs if one.output_type == "error" or one.get("name") == "stderr"]
    texts = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs]
    assert not [text for text in texts if UNSTABLE.search(text)]


def test_the_metadata_names_no_versions_or_times(notebook):
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "widgets"}
    assert set(notebook.metadata.get("language_info", {})) <= {"name"}
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


def test_the_prose_is_there_in_every_language(path, notebook):
    chapter = {one.stem: one for one in pipeline.load()}.get(path.stem)
    for language in chapter.languages if chapter else ():
        before = runner_notebook.written(notebook)
        after = runner_notebook.written(translated(notebook, path.stem, language))
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
            stored = runner_notebook.read(project.root / "notebooks/03_aside.ipynb")
            translated(stored, "03_aside", "vi")


def test_prose_keeps_its_own_lines():
    text = "<!-- cell: one -->\n# Một\n\nHai <!-- cell: x --> ba\n\n<!-- cell: two -->\nBốn\n"
    assert sections(text) == {"one": "# Một\n\nHai <!-- cell: x --> ba", "two": "Bốn"}


def test_a_notebook_chosen_alone_says_at_once_what_has_to_be_chosen_too(tmp_path):
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"),
            *("--nbval", "tests/test_seeds.py", "notebooks/02_coverage.ipynb"),
        ],
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "readings.csv is written by 01_readings. Add notebooks/01_readings.ipynb" in ended.stdout
    assert ended.stdout.count("is written by 01_readings") <= 3  # not once for every cell
    seconds = re.search(r"passed.* in ([\d.]+)s", ended.stdout)
    assert seconds and float(seconds[1]) < 60  # it used to wait 600 s for the table
