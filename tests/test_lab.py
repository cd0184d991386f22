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
from tiny_project import TinyProject

from analysis import paths, readings
from analysis.facts import load_raw
from analysis.readings import store

START = Path(paths.ROOT) / "examples" / "start.ipynb"
CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome")
                 if (found := shutil.which(name))), None)  # fmt: skip
#: Seconds; a busy machine takes many times what a calm one does.
PATIENCE = 240
#: The notebook that is in front of the others.
FRONT = ".jp-NotebookPanel:not(.lm-mod-hidden)"
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
def lab(folder, *options):
    """`make lab` in a folder; gives the address that it prints, once the server answers there."""
    told = f"--no-browser --IdentityProvider.token=t --ip 127.0.0.1 {' '.join(options)}"
    server = subprocess.Popen(
        ["make", "lab", f"PYTHON={sys.executable}", f"OPTIONS={told}"],
        cwd=folder,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(folder.parent / "settings")},
    )
    try:
        address = said = ""
        until = time.monotonic() + PATIENCE
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
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_lab_opens_the_welcome_notebook_whoever_runs_it_and_where_the_port_is_taken(
    tmp_path, by_hand
):
    root = tmp_path / "project"
    root.mkdir()
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, root)
    for name in ("notebooks", "examples"):
        shutil.copytree(paths.ROOT / name, root / name)
    (root / "work").mkdir()
    (root / "work/mine.ipynb").write_text("mine")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with lab(root, "--port", str(port)) as address:
            assert "/lab/tree/notebooks/00_welcome.ipynb" in address
            assert f":{port}/" not in address
    assert (root / "work/start.ipynb").read_bytes() == START.read_bytes()
    assert (root / "work/mine.ipynb").read_text() == "mine"


# --------------------------------------------------------------------------------------------------
# An afternoon in the lab, in a real browser: read, try, save, write a notebook of one's own.
# --------------------------------------------------------------------------------------------------

#: The report of the copy: readings, and the real explorer in both languages.
REPORT = """
notebooks:
  01_readings:
    raw: all
    produces: [readings.csv, readings.parquet, conflicts.csv, identities.csv, targets.csv,
               lineage.csv, units.csv, datapackage.json, drivers_coverage.csv]
  explore:
    raw: all
    files: [scenarios/*.yml]
    needs: [readings.csv, drivers_coverage.csv]
"""
READINGS = [
    "from analysis.facts import load_raw\nfrom analysis.readings import build_readings, store",
    "raw = load_raw()\nlen(store.write(build_readings(raw), raw))",
    # Chapter 03 is not run: no estimate, in a table with the columns that are looked up.
    "import pandas as pd\nfrom analysis.paths import PROCESSED, write_table",
    "columns = ['term', 'design', 'beside', 'estimate', 'standard_error', 'low', 'high']\n"
    "write_table(pd.DataFrame(columns=columns), PROCESSED / 'drivers_coverage.csv').name",
]
#: What a person types over the parameters of the explorer, and into a notebook in work/.
TRIED = """language = "en"
unit = "country/00"
origin = "2024-12-31"
due = "2026-12-31"
"""
OWN = 'import analysis\nprint(len(analysis.readings("Bến Tre")), "of my own")'


@pytest.fixture
def published(tmp_path, by_hand):
    """A copy of the project in git, with fewer chapters, whose report has been made."""
    made = TinyProject(tmp_path / "project")
    root, home = made.root, Path(paths.ROOT)
    for name in ("notebooks", "data/raw"):
        shutil.rmtree(root / name)
    (root / "notebooks/vi").mkdir(parents=True)
    for stem in ("00_welcome", "explore"):
        shutil.copy(home / f"notebooks/{stem}.ipynb", root / "notebooks")
        shutil.copy(home / f"notebooks/vi/{stem}.md", root / "notebooks/vi")
    for name in ("data/raw", "scenarios", "examples"):
        shutil.copytree(home / name, root / name)
    for name in ("Makefile", ".gitignore"):
        shutil.copy(home / name, root)
    made.write("notebooks/pipeline.yml", REPORT)
    made.notebook("01_readings", READINGS)
    made.write("notebooks/vi/01_readings.md", "<!-- cell: title -->\n# Số liệu\n")
    who = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        subprocess.run([*who, *words], cwd=root, check=True, capture_output=True)
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
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(1000 * PATIENCE)
        yield page
        browser.close()


class Hands:
    """What a person does in JupyterLab, each act waited for."""

    def __init__(self, page, address, root):
        self.page, self.root = page, root
        self.home = address.partition("/lab/")[0]

    def open(self, name):
        """Open a notebook, and wait until its kernel has told its language."""
        self.page.goto(f"{self.home}/lab/tree/{name}?token=t")
        self.loaded()

    def loaded(self):
        self.page.wait_for_selector(f"{FRONT} .jp-Cell")
        self.page.wait_for_function(
            "() => { const there = window.jupyterapp?.shell.currentWidget?.context;"
            " return there?.isReady && there.model.metadata.language_info?.version"
            " && there.sessionContext.session?.kernel?.connectionStatus === 'connected'; }"
        )

    def run_all(self):
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def write_first_code_cell(self, text):
        # Other notebooks stay open behind the one in front.
        self.page.locator(f"{FRONT} .jp-CodeCell .cm-content").first.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def save(self, name, holds):
        """Save as the keys do, and wait until the file holds some words."""
        self.page.keyboard.press("Control+S")
        until = time.monotonic() + PATIENCE
        while holds not in (self.root / name).read_text("utf-8") and time.monotonic() < until:
            self.page.wait_for_timeout(200)
        assert holds in (self.root / name).read_text("utf-8")


def rules(root):
    """`make lint` looks at the notebooks that a person has opened."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "-k", "00_welcome or explore", "tests/test_notebook_rules.py"],
        cwd=paths.ROOT,
        env={**os.environ, "ANALYSIS_ROOT": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not (shutil.which("make") and shutil.which("git")), reason="no make or no git")
def test_what_a_person_does_in_the_lab_is_neither_published_nor_deleted(published, screen):
    root, before = published.root, published.files()
    with lab(root, "--port=0", "--expose-app-in-browser") as address:
        hands = Hands(screen, address, root)

        # The lab opens at the welcome notebook; reading it and saving changes no more than an
        # editor writes by itself, which no rule minds and no report publishes.
        screen.goto(f"{hands.home}/?token=t")
        screen.wait_for_url("**/lab/tree/notebooks/00_welcome.ipynb*")
        hands.loaded()
        hands.save("notebooks/00_welcome.ipynb", '"pygments_lexer"')
        assert changed(root) == ["notebooks/00_welcome.ipynb"]
        ended = rules(root)
        assert ended.returncode == 0 and " passed" in ended.stdout, ended.stdout
        again = published.run("report")
        assert again.stdout.startswith("Nothing has changed"), again.stdout

        # Another day to look ahead from, all cells, and a figure taken away.
        hands.open("notebooks/explore.ipynb")
        hands.write_first_code_cell(TRIED)
        hands.run_all()
        screen.locator("button.explore-save").click()
        screen.get_by_text("Saved in the folder work/saved").wait_for()
        hands.save("notebooks/explore.ipynb", "2024-12-31")

        # A notebook of one's own, which reads the tables of the report.
        hands.open("work/start.ipynb")
        hands.write_first_code_cell(OWN)
        screen.keyboard.press("Shift+Enter")
        screen.get_by_text(re.compile(r"^\d+ of my own$")).wait_for()
        hands.save("work/start.ipynb", "of my own")
    saved = {path.name: path.read_bytes() for path in (root / "work/saved").iterdir()}
    stem = "country_00_hi_coverage_2024-12-31_en"
    assert sorted(saved) == [f"{stem}.csv", f"{stem}.png", f"{stem}.svg"]
    own = (root / "work/start.ipynb").read_bytes()
    assert changed(root) == ["notebooks/00_welcome.ipynb", "notebooks/explore.ipynb"]
    assert published.files() == before

    for made in ("Nothing has changed", "Looking for what has changed"):
        result = published.run("report")
        assert result.returncode == 0, result.stdout + result.stderr
        named, then = result.stdout.splitlines()[:2]
        assert named.startswith(
            "explore: origin is '2024-12-31' here and '2026-03-31' in git. The report takes the "
            "committed version"
        )
        assert then.startswith(made)
        assert published.files() == before
        assert 'origin = \\"2024-12-31\\"' in (root / "notebooks/explore.ipynb").read_text("utf-8")
        assert {path.name: path.read_bytes() for path in (root / "work/saved").iterdir()} == saved
        assert (root / "work/start.ipynb").read_bytes() == own
        # The second time every page and table is made anew.
        shutil.rmtree(root / "reports")


def changed(root):
    """The files that git sees as changed or new."""
    told = subprocess.run(
        ["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=True
    )
    return [line[3:] for line in told.stdout.splitlines()]
