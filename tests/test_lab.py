"""JupyterLab: it opens at the welcome notebook, and what is tried there mixes with nothing."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from analysis import paths, readings
from analysis.facts import load_raw
from analysis.readings import store

START = Path(paths.ROOT) / "examples" / "start.ipynb"
PIPELINE = """
notebooks:
  04_late:
    produces: [late.csv]
  05_forecast:
    produces: [forecasts.csv]
"""


@pytest.fixture
def by_hand(monkeypatch):
    """No variable names a folder, as for a person in JupyterLab."""
    for name in list(os.environ):
        if name.startswith("ANALYSIS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(Path(paths.ROOT) / "src"))


def printed(folder, *cells):
    """What cells print when a person runs them in a notebook in `folder`."""
    book = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return [
        "".join(one.text for one in cell.outputs if one.output_type == "stream")
        for cell in book.cells
    ]


@pytest.fixture
def project(tmp_path, by_hand):
    """A project whose report has been made: two tables with an origin each."""
    for name in ("data/raw", "data/processed", "notebooks"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks/pipeline.yml").write_text(PIPELINE)
    for name in ("04_late", "05_forecast"):
        nbformat.write(new_notebook(), tmp_path / f"notebooks/{name}.ipynb")
    for name, day in (("forecasts", "2025-06-30"), ("late", "2025-05-31")):
        table = pd.DataFrame({"origin": [day], "value": [1]})
        table.to_csv(tmp_path / f"data/processed/{name}.csv", index=False)
    return tmp_path


READ = "from analysis.paths import read_processed\nprint(read_processed('{}')['value'].iloc[0])"
WRITE = (
    "import pandas as pd\nfrom analysis.paths import PROCESSED, write_table\n"
    "write_table(pd.DataFrame({{'origin': ['{}'], 'value': [2]}}), PROCESSED / 'forecasts.csv')"
)


def test_a_chapter_run_by_hand_leaves_the_tables_of_the_report_and_is_named_when_read(project):
    place = project / "notebooks"
    before = (project / "data/processed/forecasts.csv").read_bytes()
    assert printed(place, READ.format("forecasts"), READ.format("late")) == ["1\n", "1\n"]
    written = printed(place, WRITE.format("2025-06-30"), READ.format("forecasts"),
                      READ.format("late"))  # fmt: skip
    assert written[1].startswith("forecasts.csv: of 05_forecast run by hand with origin 2025-06-30")
    assert written[1].endswith("\n2\n")
    # The report has these two days side by side as well: nothing is mixed.
    assert written[2] == "1\n"
    assert (project / "data/processed/forecasts.csv").read_bytes() == before
    assert (project / "work/tables/forecasts.csv").is_file()
    code = "from analysis.paths import read_processed; print(read_processed('forecasts').value[0])"
    told = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True)
    assert told.stdout == "1\n", told.stderr  # a command, not a notebook
    (project / "work/tables/forecasts.csv").unlink()
    assert printed(place, READ.format("forecasts")) == ["1\n"]


def test_a_chapter_that_would_mix_two_origins_says_so_in_one_line(project):
    place = project / "notebooks"
    printed(place, WRITE.format("2022-12-31"))
    said = printed(place, READ.format("late"), READ.format("forecasts"))[1].splitlines()
    assert len([line for line in said if line.startswith("Two origins meet here")]) == 1
    assert "forecasts.csv is from 2022-12-31, late.csv from 2025-05-31" in said[1]
    assert "run 04_late and 05_forecast with one origin, or remove work/tables" in said[1]


def test_the_first_notebook_of_one_s_own_runs_on_the_tables_of_a_report(tmp_path, by_hand):
    for name in ("data/processed", "work", "data/raw"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    shutil.copytree(Path(paths.RAW), tmp_path / "data/raw", dirs_exist_ok=True)
    raw = load_raw()
    store.write(readings.build_readings(raw), raw, tmp_path / "data/processed")
    shutil.copy(START, tmp_path / "work/start.ipynb")
    book = nbformat.read(START, 4)
    NotebookClient(
        book, timeout=300, resources={"metadata": {"path": str(tmp_path / "work")}}
    ).execute()
    outputs = {cell.id: cell.get("outputs", []) for cell in book.cells}
    assert any("image/png" in one.get("data", {}) for one in outputs["draw"])
    text = "".join(one.get("text", "") for one in outputs["regression"])
    assert "value_first" in text
    assert int(re.search(r"(\d+) provinces", text)[1]) > 10
    assert all(cell.outputs == [] for cell in nbformat.read(START, 4).cells if "outputs" in cell)


def test_the_folder_of_one_s_own_is_no_part_of_the_repository():
    assert "/work/" in (Path(paths.ROOT) / ".gitignore").read_text("utf-8").splitlines()
    make = (Path(paths.ROOT) / "Makefile").read_text("utf-8")
    removed = [line for line in make.splitlines() if "rm -rf" in line or "-delete" in line]
    assert removed and not [line for line in removed if re.search(r"\bwork\b", line)]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lab_opens_the_welcome_notebook_whoever_runs_it_and_where_the_port_is_taken(
    tmp_path, by_hand
):
    root = Path(paths.ROOT)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(root / name, tmp_path)
    for name in ("notebooks", "examples"):
        shutil.copytree(root / name, tmp_path / name)
    (tmp_path / "work").mkdir()
    (tmp_path / "work/mine.ipynb").write_text("mine")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        options = f"--no-browser --port {port} --IdentityProvider.token=t --ip 127.0.0.1"
        server = subprocess.Popen(
            ["make", "lab", f"PYTHON={sys.executable}", f"OPTIONS={options}"],
            cwd=tmp_path,
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "settings")},
        )
        try:
            address = said = ""
            until = time.monotonic() + 120
            while not address and time.monotonic() < until and server.stdout:
                line = server.stdout.readline()
                said += line
                if server.poll() is not None and not line:
                    break
                found = re.search(r"http://127\.0\.0\.1:(\d+)(\S*)", line)
                address = found[0] if found else ""
            assert address, said
            assert "/lab/tree/notebooks/00_welcome.ipynb" in address, said
            assert f":{port}/" not in address
            # What the browser is sent to, with the token, once the server answers.
            status = 0
            while not status and time.monotonic() < until:
                with contextlib.suppress(urllib.error.URLError):
                    address = f"{address.partition('?')[0]}?token=t"
                    status = urllib.request.urlopen(address, timeout=60).status
                time.sleep(0.2)
            assert status == 200
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=60)
    assert (tmp_path / "work/start.ipynb").read_bytes() == START.read_bytes()
    assert (tmp_path / "work/mine.ipynb").read_text() == "mine"
