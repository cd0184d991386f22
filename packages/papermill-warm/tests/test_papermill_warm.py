"""Warm kernels give what papermill gives by itself, share nothing, and end with their run."""

import ast
import os
import subprocess
import sys
import textwrap
import time
import tomllib
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from papermill_warm import engine, kernels, warm_kernels

HERE = Path(__file__).resolve().parents[1]
PROJECT = HERE.parents[1]
CELLS = [
    "import json, sys",
    "print('to stdout'); print('to stderr', file=sys.stderr)",
    "from IPython.display import Markdown, display\ndisplay(Markdown('**bold**'))\nword",
    "sorted({'b', 'a'}), json.dumps({'a': 1.5}), __name__",
    "[name for name in dir() if not name.startswith('_')]",
]


def notebook(cells):
    """A notebook whose first cell holds the parameters."""
    first = nbformat.v4.new_code_cell("word = 'plain'", metadata={"tags": ["parameters"]})
    made = nbformat.v4.new_notebook(cells=[first, *map(nbformat.v4.new_code_cell, cells)])
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.metadata["kernelspec"] = python
    return made


def run(cells, name="warm", **options):
    return papermill.execute_notebook(
        notebook(cells), None, {"word": "given"}, engine_name=name, progress_bar=False, **options
    )


def outputs(done):
    return [cell.get("outputs", []) for cell in done.cells]


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    mark = tmp_path_factory.mktemp("hooks")
    code = f"""
        from pathlib import Path
        def rehearse(modules):
            Path({str(mark)!r}, "rehearsed").write_text(" ".join(modules))
        def fails(modules):
            raise ValueError
        def begin():
            import builtins
            builtins.begun = True
    """
    (mark / "hooks_of_test.py").write_text(textwrap.dedent(code), "utf-8")
    path = os.pathsep.join([str(mark), os.environ.get("PYTHONPATH", "")])
    prepared = warm_kernels(
        ["json", "no_such_module"],
        {**os.environ, "PYTHONPATH": path},
        rehearsals=["hooks_of_test:fails", "hooks_of_test:rehearse"],
        in_fork=["hooks_of_test:begin"],
    )
    with prepared as is_warm:
        if not is_warm:
            pytest.skip("this system cannot fork")
        yield mark


def test_outputs_are_those_of_plain_papermill_cell_by_cell(warm):
    assert outputs(run(CELLS)) == outputs(run(CELLS, None))


def test_kernels_are_forks_of_the_prepared_process(warm):
    cells = ["import os\nopen(f'/proc/{os.getppid()}/cmdline').read()"]
    assert "papermill_warm.server" in str(outputs(run(cells))[-1])


def test_nothing_leaks_from_one_notebook_to_the_next(warm):
    run(["leak = 1\nimport json, os\njson.leak = 1\nos.environ['LEAK'] = '1'"])
    seen = ["import json, os\n'leak' in dir(), hasattr(json, 'leak'), 'LEAK' in os.environ"]
    assert outputs(run(seen))[-1][0].data["text/plain"] == "(False, False, False)"


def test_what_is_rehearsed_and_done_in_each_fork_is_done(warm):
    assert outputs(run(["begun"]))[-1][0].data["text/plain"] == "True"
    assert (warm / "rehearsed").read_text() == "json no_such_module"


def test_an_error_in_a_cell_is_papermills_own(warm):
    with pytest.raises(PapermillExecutionError, match="ZeroDivisionError"):
        run(["1 / 0"])


def test_a_kernel_that_dies_says_in_which_cell_and_how(warm):
    watch = {}
    with pytest.raises(Exception, match=r"(?i)died"):
        run(["fine = 1", "import os\nos.write(2, b'last words')\nos._exit(3)"], watch=watch)
    assert watch["exit"] == 3
    assert "last words" in watch["log"]


def test_limits_of_the_notebook_of_a_cell_and_of_memory_hold(warm):
    for limit in ({"limit": 3.0}, {"execution_timeout": 3.0}):
        started = time.monotonic()
        with pytest.raises(Exception, match="timed out"):
            run(["import time\ntime.sleep(600)"], **limit)
        assert time.monotonic() - started < 200
    short = {**os.environ, kernels.MEMORY: "1000"}
    with pytest.raises(PapermillExecutionError, match="MemoryError"):
        run(["big = bytearray(3 << 30)"], environment=short)


def test_without_a_prepared_process_the_engine_starts_ordinary_kernels(warm, monkeypatch):
    monkeypatch.delenv(kernels.SOCKET)
    assert outputs(run(CELLS)) == outputs(run(CELLS, None))


def test_a_kernel_of_another_language_is_not_taken_for_this_one():
    names = engine.WarmSpecifications()
    assert names.get_kernel_spec("python3").argv[0] == sys.executable
    with pytest.raises(Exception, match="no_such_kernel"):
        names.get_kernel_spec("no_such_kernel")


def test_the_command_prepares_kernels_for_the_command_behind_it():
    inner = f"import os; print(os.path.exists(os.environ[{kernels.SOCKET!r}]))"
    command = [sys.executable, "-m", "papermill_warm", "json", "--", sys.executable, "-c", inner]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "True\n"), ended.stderr
    wrong = subprocess.run(command[:4], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "Usage" in wrong.stderr


def test_papermill_is_all_that_the_package_needs():
    brought = {"papermill", "papermill_warm", "nbclient", "jupyter_client", "jupyter_core"}
    brought |= {"ipykernel"}  # imported where there is one: else there is no kernel of Python
    for path in sorted((HERE / "src/papermill_warm").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            roots = {name.partition(".")[0] for name in names}
            assert roots <= brought | sys.stdlib_module_names, path


def test_the_project_that_brings_the_package_along_registers_it_alike():
    own, other = (
        tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        for folder in (HERE, PROJECT)
    )
    for group, entries in own["entry-points"].items():
        assert other["entry-points"][group] == entries
    assert own["dependencies"] == [one for one in other["dependencies"] if "papermill" in one]
