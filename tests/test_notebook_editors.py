"""Notebooks as other editors save them give what they gave before, or one line with their name."""

import json
import shutil

import pytest

from analysis import paths
from analysis.runs import notebook, pipeline
from analysis.runs.execute import chosen
from analysis.runs.notebook import translated

STEM = "02_coverage"


@pytest.fixture
def file(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    shutil.copytree(str(paths.NOTEBOOKS), folder)
    monkeypatch.setenv("ANALYSIS_NOTEBOOKS", str(folder))
    return folder / f"{STEM}.ipynb"


def another_kernel(book):
    book["metadata"]["kernelspec"] = {"display_name": "bhyt", "language": "python", "name": "bhyt"}


def without_identifiers(book):
    book["nbformat_minor"] = 4
    for cell in book["cells"]:
        del cell["id"]


def older_minor_version(book):
    book["nbformat_minor"] = 2


def interrupted(book):
    cell = [one for one in book["cells"] if one["cell_type"] == "code"][-1]
    cell["outputs"] = [{"output_type": "error", "ename": "KeyboardInterrupt", "evalue": "",
                        "traceback": []}]  # fmt: skip


def doubled(book):
    book["cells"][3]["id"] = book["cells"][0]["id"]


def windows_lines(book):
    for cell in book["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")


@pytest.mark.parametrize(
    "damage",
    [another_kernel, without_identifiers, older_minor_version, interrupted, doubled, windows_lines],
)
def test_a_notebook_saved_by_another_editor_keeps_code_and_translation(file, damage):
    before = notebook.read(file)
    book = json.loads(file.read_text("utf-8"))
    damage(book)
    file.write_text(json.dumps(book), "utf-8")
    after = notebook.read(file)
    assert notebook.code(after) == notebook.code(before)
    names = [cell.id for cell in after.cells]
    assert len(set(names)) == len(names)
    assert names == [cell.id for cell in notebook.read(file).cells]
    prose = [[cell.source for cell in translated(one, STEM, "vi").cells] for one in (before, after)]
    assert prose[0] == prose[1]


@pytest.mark.parametrize("name", [f"{STEM}.ipynb", "pipeline.yml", f"vi/{STEM}.md"])
def test_a_mark_of_the_encoding_and_other_line_ends_change_nothing(file, name):
    path = file.parent / name
    before = (notebook.read(file), pipeline.load())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert (notebook.read(file), pipeline.load()) == before
    translated(notebook.read(file), STEM, "vi")
    assert paths.chapter_of_table("gaps.csv") == STEM


@pytest.mark.parametrize("name", [f"{STEM}.ipynb", "pipeline.yml", f"vi/{STEM}.md"])
def test_marks_of_a_merge_are_named_by_file_and_line(file, name):
    path = file.parent / name
    lines = path.read_text("utf-8").split("\n")
    path.write_text("\n".join([*lines[:3], "<<<<<<< HEAD", *lines[3:]]), "utf-8")
    with pytest.raises(ValueError) as error:
        translated(notebook.read(file), STEM, "vi")
        pipeline.load()
    assert f"{path.name}, line 4: git has left the marks of a merge" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": 3, "nbformat": 4}', '{"cells": [1'])
def test_what_is_no_notebook_is_refused_in_one_line(file, text):
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=rf"^notebooks/{STEM}\.ipynb is not a valid notebook: .+$"):
        notebook.read(file)


def test_copies_that_an_editor_leaves_are_not_run(file):
    for name in ("Untitled.ipynb", "Untitled1.ipynb", f"{STEM}-Copy1.ipynb"):
        shutil.copyfile(file, file.parent / name)
    stems = [path.stem for path in chosen([])]
    assert STEM in stems and "00_welcome" in stems
    assert not [stem for stem in stems if "Untitled" in stem or "Copy" in stem]


@pytest.mark.parametrize(
    ("value", "better"),
    [("1", "write 01"), ("Ben Tre", "write 83"), ("Bến Tre", "write 83"), ("86x", "such as 83"),
     ("99", "such as 83")],
)  # fmt: skip
def test_a_wrong_province_is_refused_before_anything_runs(value, better):
    with pytest.raises(pipeline.PipelineError) as error:
        pipeline.check_units({"08_province_brief": {"province_code": value}})
    assert f"province_code={value}" in str(error.value) and better in str(error.value)
    pipeline.check_units({"08_province_brief": {"province_code": "83", "language": "vi"}})
