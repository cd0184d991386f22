"""A kept function reads its arguments only; a notebook reads what pipeline.yml gives it only."""

import json
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import parallel_work
import pytest
from tiny_project import TinyProject, code_at_this_moment

from analysis import disk_cache, parallel, paths, reads
from analysis.country import geography
from analysis.validation import stored_forecasts

CALLS = []


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """A small project, so that no test depends on what has run in this one."""
    for folder in ("data/raw", "data/processed", "scenarios"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data/raw/facts.csv").write_text("unit,value\na,1\n")
    (tmp_path / "data/processed/readings.csv").write_text("unit,value\na,1\n")
    (tmp_path / "scenarios/one.yml").write_text("kind: hold_last\n")
    monkeypatch.setenv("ANALYSIS_ROOT", str(tmp_path))
    for name in ("ANALYSIS_RAW", "ANALYSIS_PROCESSED", "ANALYSIS_NOTEBOOKS", "ANALYSIS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    CALLS.clear()


@dataclass(frozen=True)
class Inside:
    files: dict[str, Path]


@disk_cache.cached
def kept(work, *names):
    """Reads in one of many ways; `work` is a function of this module or another."""
    CALLS.append(work.__name__)
    return work(*names)


def in_raw():
    return (paths.RAW / "facts.csv").read_text()


def by_pandas():
    return pd.read_csv(paths.PROCESSED / "readings.csv")


def by_name():
    return paths.read_processed("readings")


def missing_and_caught():
    try:
        return paths.read_processed("nowhere")
    except paths.MissingTable:
        return None


def scenarios():
    return [path.name for path in (paths.ROOT / "scenarios").glob("*.yml")]


def one_scenario():
    return (paths.ROOT / "scenarios" / "one.yml").read_text()


def in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(_refused(in_raw)))
    thread.start()
    thread.join()
    raise found[0]


def in_a_pool_of_threads():
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(in_raw).result()


def in_a_fork():
    return parallel.forked(lambda _: in_raw(), [1, 2], workers=2)


def in_another_process():
    return parallel.map(parallel_work.reads_a_raw_table, [1, 2], workers=2)


def by_another_kept_function():
    return kept(in_raw)


def writing():
    (paths.PROCESSED / "made.csv").write_text("x\n")


def _refused(work):
    try:
        work()
    except reads.HiddenRead as refused:
        return refused
    return AssertionError("nothing was refused")


@pytest.mark.parametrize(
    ("work", "file"),
    [
        (in_raw, "reads data/raw/facts.csv"),
        (by_pandas, "reads data/processed/readings.csv"),
        (by_name, "reads data/processed/readings.csv"),
        (missing_and_caught, "reads data/processed/nowhere.csv"),
        (scenarios, "lists scenarios"),
        (one_scenario, "reads scenarios/one.yml"),
        (in_a_thread, "reads data/raw/facts.csv"),
        (in_a_pool_of_threads, "reads data/raw/facts.csv"),
        (in_a_fork, "reads data/raw/facts.csv"),
        (in_another_process, "reads data/raw/facts.csv"),
        (by_another_kept_function, "reads data/raw/facts.csv"),
        (writing, "writes data/processed/"),
    ],
)
@pytest.mark.parametrize("store", ["on", "off"])
def test_a_kept_function_that_reads_another_file_is_refused_by_name(work, file, store, monkeypatch):
    if store == "off":
        monkeypatch.setenv("ANALYSIS_CACHE", "off")
    with pytest.raises(reads.HiddenRead, match=rf"kept {file}.*not among its arguments"):
        kept(work)
    assert not list(Path(paths.ROOT).rglob("*.pickle")), "a refused result was kept"


def read_given(*files):
    return [Path(file).read_text() for file in files]


def read_inside(inside):
    return [file.read_text() for file in inside.files.values()]


def read_folder(folder):
    return sorted(path.name for path in folder.glob("*.yml")) + [
        path.read_text() for path in folder.glob("*.yml")
    ]


def read_in_threads(file):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(Path.read_text, [file, file]))


def test_files_and_folders_among_the_arguments_may_be_read():
    facts, folder = paths.RAW / "facts.csv", paths.ROOT / "scenarios"
    assert kept(read_given, facts) == ["unit,value\na,1\n"]
    assert kept(read_inside, Inside({"facts": facts})) == ["unit,value\na,1\n"]
    assert kept(read_folder, folder) == ["one.yml", "kind: hold_last\n"]
    assert kept(read_in_threads, facts) == ["unit,value\na,1\n"] * 2


def speak_and_know_the_units():
    from analysis.report.wording import say

    return say("site.code", "vi"), geography.read_units(paths.RAW / "provinces.csv").shape


def test_code_phrases_and_the_units_may_be_read_and_other_units_count(tmp_path, monkeypatch):
    table = (Path(__file__).parents[1] / "data/raw/provinces.csv").read_text("utf-8")
    units = tmp_path / "data/raw/provinces.csv"
    units.write_text(table, "utf-8")
    assert kept(speak_and_know_the_units)[1][0] == 63
    assert kept(speak_and_know_the_units)[1][0] == 63
    assert CALLS == ["speak_and_know_the_units"]
    units.write_text("\n".join(table.splitlines()[:-1]) + "\n", "utf-8")
    assert kept(speak_and_know_the_units)[1][0] == 62


def look_into_answers():
    return stored_forecasts.find("no such mark")


def test_what_is_in_memory_counts_as_read(monkeypatch):
    monkeypatch.delenv("ANALYSIS_ROOT")
    stored_forecasts.find("no such mark")  # the file is in memory from here on
    with pytest.raises(reads.HiddenRead, match=r"data/benchmarks/own\.csv"):
        kept(look_into_answers)


def test_what_a_kept_function_may_not_do_its_caller_may():
    with pytest.raises(reads.HiddenRead):
        kept(in_raw)
    assert in_raw().startswith("unit")
    thread = threading.Thread(target=in_raw)
    thread.start()
    thread.join()


def leave_a_thread():
    go, found = threading.Event(), []
    thread = threading.Thread(target=lambda: (go.wait(), found.append(in_raw())))
    thread.start()
    LEFT.append((go, thread, found))


LEFT = []


def test_a_thread_that_outlives_the_function_is_free():
    kept(leave_a_thread)
    go, thread, found = LEFT.pop()
    go.set()
    thread.join()
    assert found == ["unit,value\na,1\n"]


# --- the store in bad weather


def seven():
    return 7.25


def entry():
    (found,) = Path(paths.CACHE).rglob("*.pickle")
    return found


@pytest.mark.parametrize("at", [0, 25, -4])
def test_an_entry_with_one_wrong_byte_is_computed_anew(at):
    kept(seven)
    content = bytearray(entry().read_bytes())
    content[at] ^= 1
    entry().write_bytes(content)
    assert kept(seven) == 7.25
    assert kept(seven) == 7.25
    assert CALLS == ["seven", "seven"]


def test_an_entry_of_other_code_is_computed_anew():
    kept(seven)
    content = pickle.dumps(seven).replace(b"seven", b"eight")
    entry().write_bytes(disk_cache._digest(content) + content)
    assert kept(seven) == 7.25
    assert CALLS == ["seven", "seven"]


def test_a_full_disk_costs_the_entry_and_not_the_run(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "write_atomic", full)
    assert kept(seven) == kept(seven) == 7.25
    assert CALLS == ["seven", "seven"]


def test_a_folder_that_cannot_be_made_costs_the_entry_and_not_the_run(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ANALYSIS_CACHE", str(tmp_path / "file"))
    assert kept(seven) == 7.25
    assert CALLS == ["seven"]


def broken_disk():
    raise OSError(5, "the function's own trouble")


def test_an_error_of_the_function_itself_is_not_taken_for_one_of_the_store():
    with pytest.raises(OSError, match="own trouble"):
        kept(broken_disk)
    assert CALLS == ["broken_disk"]


def long_text(letter):
    return letter * 400_000


def test_entries_used_longest_ago_leave_beyond_the_limit(monkeypatch):
    monkeypatch.setenv(disk_cache.LIMIT, "1")
    for letter in "ab":
        kept(long_text, letter)
    for age, path in zip((200, 100), sorted(Path(paths.CACHE).rglob("*.pickle")), strict=True):
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    old = min(Path(paths.CACHE).rglob("*.pickle"), key=lambda path: path.stat().st_mtime)
    letter = pickle.loads(old.read_bytes()[disk_cache._DIGEST :])[0]
    kept(long_text, letter)  # used again: now the other one is the oldest
    kept(long_text, "c")
    left = {pickle.loads(p.read_bytes()[20:])[0] for p in Path(paths.CACHE).rglob("*.pickle")}
    assert left == {letter, "c"}


# --- runs of notebooks

READ = "from analysis import paths, parallel, disk_cache\nfrom pathlib import Path\n"
ASKS = {
    "a table": ("paths.read_processed('numbers')", "data/processed/numbers.csv", "needs"),
    "an unknown table": ("paths.processed('nowhere')", "data/processed/nowhere.csv", "needs"),
    "a raw file": ("(paths.RAW / 'facts.csv').read_text()", "data/raw/facts.csv", "raw"),
    "a scenario": ("(paths.ROOT / 'scenarios/one.yml').read_text()", "scenarios/one.yml", "files"),
    "a folder": ("list((paths.ROOT / 'scenarios').iterdir())", "scenarios", "files"),
    "a fork": (
        "parallel.forked(lambda _: paths.read_processed('numbers'), [1, 2], workers=2)",
        "data/processed/numbers.csv",
        "needs",
    ),
}


@pytest.fixture
def tiny(tmp_path):
    project = TinyProject(tmp_path / "tiny")
    (project.root / "scenarios").mkdir()
    project.write("scenarios/one.yml", "kind: hold_last\n")
    return project


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A report in which each notebook asks for one thing too many, and catches what comes."""
    project = TinyProject(tmp_path_factory.mktemp("asked") / "tiny")
    (project.root / "scenarios").mkdir()
    project.write("scenarios/one.yml", "kind: hold_last\n")
    pipeline = "notebooks:\n  01_numbers: {raw: all, produces: [numbers.csv]}\n"
    for number, (code, _, _) in enumerate(ASKS.values()):
        caught = f"{READ}try:\n    {code}\nexcept BaseException:\n    pass"
        project.notebook(f"ask_{number}", [caught, "1 + 1"])
        pipeline += f"  ask_{number}: {{languages: [en]}}\n"
    project.notebook("uncaught", ["1", f"{READ}{ASKS['a raw file'][0]}"])
    project.write("notebooks/pipeline.yml", pipeline + "  uncaught: {languages: [en]}\n")
    ended = project.run("report")
    assert ended.returncode == len(ASKS) + 1
    return ended.stdout


@pytest.mark.parametrize("ask", ASKS)
def test_a_notebook_that_asks_for_what_it_is_not_given_fails_whatever_catches(asked, ask):
    _, file, key = ASKS[ask]
    sentence = (
        f"notebooks/ask_{list(ASKS).index(ask)}.ipynb asks for {file}, which "
        f"notebooks/pipeline.yml does not give it: add it there under {key}"
    )
    assert sentence in asked


def test_an_ask_that_nobody_catches_is_shown_with_its_cell(asked):
    (line,) = [one for one in asked.splitlines() if "uncaught language=en" in one]
    assert "FAILED in cell step-2" in line
    assert "does not give it: add it there under raw" in line


def test_what_is_declared_may_be_read(tiny):
    pipeline = (tiny.root / "notebooks/pipeline.yml").read_text()
    given = (
        "  03_aside:\n    raw: [facts.csv]\n    needs: [numbers.csv]\n    files: [scenarios/*]\n"
    )
    tiny.write("notebooks/pipeline.yml", pipeline.replace("  03_aside:\n", given))
    codes = [ASKS[name][0] for name in ("a table", "a raw file", "a scenario", "a folder")]
    tiny.notebook("03_aside", [f"{READ}len({code})" for code in codes])
    ended = tiny.run("report", "--only", "03_aside")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_kernel_that_was_not_prepared_is_held_to_it_too(tiny):
    """As on systems that cannot fork: Python starts afresh, with the settings of the run."""
    run = tiny.root / "run"
    for part in ("raw", "processed"):
        (run / part).mkdir(parents=True)
    reads.declare(run, "notebooks/03_aside.ipynb")
    settings = {
        **os.environ,
        "PYTHONPATH": str(code_at_this_moment()),
        "ANALYSIS_ROOT": str(tiny.root),
        "ANALYSIS_PROCESSED": str(run / "processed"),
        "ANALYSIS_RAW": str(run / "raw"),
        reads.DECLARED: reads.declaration_in(run),
    }
    code = (
        f"{READ}\ntry:\n    paths.read_processed('numbers')\nexcept paths.MissingTable:\n    pass"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=False
    )
    assert "UndeclaredRead" in ended.stderr
    assert "asks for data/processed/numbers.csv" in reads.undeclared(run)


def test_the_declaration_is_what_pipeline_yml_says(tiny, monkeypatch):
    from analysis.runs import pipeline
    from analysis.runs.jobs import _declared

    monkeypatch.setenv("ANALYSIS_ROOT", str(tiny.root))
    (job,) = [one for one in pipeline.jobs(pipeline.load()) if one.name == "02_sums language=en"]
    assert json.loads(json.dumps(_declared(job))) == {
        "notebook": "notebooks/02_sums.ipynb",
        "raw": [],
        "tables": ["numbers.csv", "sums.csv"],
        "files": [],
    }


@pytest.mark.parametrize(
    ("folder", "leads"),
    [("rounds", True), ("rounds/2026", True), ("rounds/2026/deep", False), ("data", False)],
)
def test_a_folder_may_be_listed_that_lies_on_the_way_to_declared_files(folder, leads):
    assert reads._leads_to(folder, "rounds/*/*.csv") is leads
