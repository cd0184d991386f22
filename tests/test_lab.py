"""JupyterLab: it opens at the welcome notebook, and what is tried there mixes with nothing."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from tiny_project import PIPELINE as TINY
from tiny_project import TinyProject

from analysis import paths, readings
from analysis.facts import load_raw
from analysis.readings import store
from analysis.runs import notebook

START = Path(paths.ROOT) / "examples" / "start.ipynb"
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
#: The notebook that is in front of the others.
FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"
NUMBERS = [
    "import pandas as pd\nfrom analysis.paths import PROCESSED, RAW, WORK, write_table",
    "numbers = pd.read_csv(RAW / 'facts.csv')\nnumbers['value'] *= factor\nnumbers",
    "write_table(numbers, PROCESSED / 'numbers.csv').name",
    "if factor > 1:\n    (WORK / 'saved').mkdir(parents=True, exist_ok=True)\n"
    "    (WORK / 'saved/mine.txt').write_text('mine')",
]
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


@contextlib.contextmanager
def lab(folder, settings, *options):
    """`make lab` in a folder; gives the address that it prints, once the server answers."""
    told = f"--no-browser --IdentityProvider.token=t --ip 127.0.0.1 {' '.join(options)}"
    server = subprocess.Popen(
        ["make", "lab", f"PYTHON={sys.executable}", f"OPTIONS={told}"],
        cwd=folder,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(settings)},
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
            address = found[0].partition("?")[0] if found else ""
        assert address, said
        # What the browser is sent to, with the token, once the server answers.
        status = 0
        while not status and time.monotonic() < until:
            with contextlib.suppress(urllib.error.URLError):
                status = urllib.request.urlopen(f"{address}?token=t", timeout=60).status
            time.sleep(0.2)
        assert status == 200
        # Nobody reads what it says from here on, and a full pipe would stop it.
        threading.Thread(target=server.stdout.read, daemon=True).start()
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


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
        with lab(tmp_path, tmp_path / "settings", "--port", str(port)) as address:
            assert "/lab/tree/notebooks/00_welcome.ipynb" in address
            assert f":{port}/" not in address
    assert (tmp_path / "work/start.ipynb").read_bytes() == START.read_bytes()
    assert (tmp_path / "work/mine.ipynb").read_text() == "mine"


@pytest.fixture
def tiny(tmp_path, by_hand):
    """A small project in git whose report has been made, with what `make lab` needs."""
    made = TinyProject(tmp_path / "tiny")
    made.notebook("01_numbers", NUMBERS, 'language = "en"\nfactor = 1')
    made.notebook("00_welcome", ["1"])
    made.write("notebooks/vi/00_welcome.md", "<!-- cell: title -->\n# Tiêu đề\n")
    made.write("notebooks/pipeline.yml", f"{TINY}  00_welcome:\n    limit: 300\n")
    for path in (made.root / "notebooks").glob("*.ipynb"):
        # Without it the editor asks for a kernel before it starts one.
        book = nbformat.read(path, 4)
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(book, path)
    made.write(".gitignore", "reports/\n.cache/\nwork/\ndata/processed/\n.ipynb_checkpoints/\n")
    shutil.copy(Path(paths.ROOT) / "Makefile", made.root)
    (made.root / "examples").mkdir()
    shutil.copy(START, made.root / "examples")
    who = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        subprocess.run([*who, *words], cwd=made.root, check=True, capture_output=True)
    first = made.run("report")
    assert first.returncode == 0, first.stdout + first.stderr
    return made


@pytest.fixture
def screen():
    """A page of a real browser."""
    player = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is missing: apt-get install chromium")
    with player.sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        page = browser.new_page()
        page.set_default_timeout(120_000)
        yield page
        browser.close()


def awaited(page, holds):
    """Wait until something holds, while the page goes on."""
    until = time.monotonic() + 120
    while not holds() and time.monotonic() < until:
        page.wait_for_timeout(200)
    assert holds()


@pytest.mark.skipif(not (shutil.which("make") and shutil.which("git")), reason="no make or no git")
def test_what_a_person_does_in_the_lab_is_neither_published_nor_deleted(tiny, screen, tmp_path):
    root, before = tiny.root, tiny.files()
    file = root / "notebooks/01_numbers.ipynb"

    def opened(address):
        screen.goto(address)
        cell = screen.locator(f"{FRONT} .jp-CodeCell .cm-content").first
        cell.wait_for()
        # The kernel has told its language, which the editor then writes into the file.
        screen.get_by_text("| Idle").first.wait_for()
        return cell

    def saved(text):
        screen.keyboard.press("Control+s")
        awaited(screen, lambda: text in file.read_text("utf-8"))

    with lab(root, tmp_path / "settings", "--port", "0") as address:
        welcome = address.partition("/lab")[0]
        screen.goto(f"{welcome}/?token=t")
        screen.wait_for_url("**/lab/tree/notebooks/00_welcome.ipynb")
        screen.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")

        # Reading, and a save that only the editor asked for.
        committed = nbformat.read(file, 4)
        opened(f"{welcome}/lab/tree/notebooks/01_numbers.ipynb").click()
        screen.keyboard.press("Escape")
        screen.keyboard.press("Shift+Enter")
        saved('"execution_count": 1')
        stored = nbformat.read(file, 4)
        assert stored.metadata != committed.metadata
        assert notebook.without_outputs(stored) == notebook.without_outputs(committed)
        result = tiny.run("report")
        assert result.stdout.startswith("Nothing has changed"), result.stdout

        # An experiment: another parameter, all cells, and a figure saved beside it.
        screen.locator(f"{FRONT} .jp-CodeCell .cm-content").first.click()
        screen.keyboard.press("Control+a")
        screen.keyboard.type('language = "en"\nfactor = 100')
        for _ in range(len(NUMBERS) + 1):
            screen.keyboard.press("Shift+Enter")
        own = root / "work/tables/numbers.csv"
        awaited(screen, own.is_file)
        awaited(screen, (root / "work/saved/mine.txt").is_file)
        saved("factor = 100")
    assert "b,500" in own.read_text("utf-8")
    assert tiny.files() == before

    for _ in range(2):
        result = tiny.run("report")
        assert result.returncode == 0, result.stdout + result.stderr
        first = result.stdout.splitlines()[0]
        assert first.startswith("01_numbers: factor is 100 here and 1 in git. The report takes")
        assert tiny.files() == before
        assert "factor = 100" in file.read_text("utf-8")
        assert (root / "work/saved/mine.txt").read_text("utf-8") == "mine"
        # The second time everything is made anew, to the end.
        shutil.rmtree(root / "reports", ignore_errors=True)
        shutil.rmtree(root / ".cache", ignore_errors=True)
