"""Whether there is anything to do: untouched files are not read again, any touched one is."""

import os
import subprocess
import sys
import time

import pytest

from analysis import paths
from analysis.runs import manifest

SETTINGS = {"only": [], "parameters": {}}
FILES = {
    "data/raw/facts.csv": "unit,value\na,1\n",
    "notebooks/01_numbers.ipynb": "{}",
    "scenarios/usual.yml": "name: usual\n",
    "rounds/ledger.csv": "round\n",
    "requirements.lock": "numpy==2\n",
    "reports/en/page.html": "page",
    "data/processed/sums.csv": "unit,value\na,1\n",
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A made report that has been compared by content once, and sealed."""
    for name in list(os.environ):
        if name.startswith("ANALYSIS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ANALYSIS_ROOT", str(tmp_path))
    for name, text in FILES.items():
        paths.write_atomic(tmp_path / name, text)
    made = manifest.listed(tmp_path / "reports", "reports/", {})
    made += manifest.listed(tmp_path / "data/processed", "data/processed/", {})
    text = manifest.text(manifest.inputs(), SETTINGS, [], made)
    paths.write_atomic(tmp_path / "reports" / manifest.NAME, text)
    monkeypatch.setattr(manifest, "_SETTLED", 0)
    time.sleep(0.1)
    assert manifest.is_up_to_date(SETTINGS)
    assert list((tmp_path / ".cache/seals").iterdir())
    return tmp_path


def test_files_that_nobody_touched_are_not_read_again(root, monkeypatch):
    monkeypatch.setattr(manifest, "file_digest", lambda path: pytest.fail(f"{path} is read"))
    assert manifest.is_up_to_date(SETTINGS)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_noticed_though_size_and_time_look_the_same(root, name):
    path = root / name
    before = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"#")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert not manifest.is_up_to_date(SETTINGS)
    path.write_bytes(content)  # touched, and the same again
    assert manifest.is_up_to_date(SETTINGS)


@pytest.mark.parametrize("name", FILES)
def test_a_lost_file_is_noticed(root, name):
    (root / name).unlink()
    assert not manifest.is_up_to_date(SETTINGS)


@pytest.mark.parametrize("name", ["data/raw/more.csv", "reports/en/surplus.html"])
def test_a_new_file_is_noticed(root, name):
    (root / name).write_text("new")
    assert not manifest.is_up_to_date(SETTINGS)


def test_another_request_is_not_answered_by_the_same_seal(root):
    assert not manifest.is_up_to_date({"only": ["01_numbers"], "parameters": {}})


def test_a_file_that_was_written_just_now_is_not_sealed(root, monkeypatch):
    """A second write within one tick of the disk's clock would leave the same times."""
    monkeypatch.setattr(manifest, "_SETTLED", 3_000_000_000)
    seal = next((root / ".cache/seals").iterdir())
    seal.unlink()
    os.utime(root / "data/raw/facts.csv")
    assert manifest.is_up_to_date(SETTINGS)
    assert not seal.exists()


def test_a_damaged_seal_costs_a_comparison_and_decides_nothing(root):
    seal = next((root / ".cache/seals").iterdir())
    seal.write_bytes(b"\xff\x00")
    assert manifest.is_up_to_date(SETTINGS)
    (root / "data/raw/facts.csv").write_text("unit,value\na,2\n")
    seal.write_bytes(b"\xff\x00")
    assert not manifest.is_up_to_date(SETTINGS)


def test_the_question_is_answered_before_anything_heavy_is_loaded():
    code = (
        "import sys; import analysis.cli, analysis.commands.report;"
        "from analysis.runs import committed, manifest, pipeline;"
        "heavy = {'pandas', 'numpy', 'nbformat', 'yaml', 'filelock', 'jupyter_client'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
