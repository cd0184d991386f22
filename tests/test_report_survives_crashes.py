"""Killed at any moment, the report is whole afterwards, and the next run ends as if undisturbed."""

import random
import shutil
import signal
import subprocess
import time

import pytest
from tiny_project import TinyProject

from analysis.runs import manifest, store


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    project = TinyProject(tmp_path_factory.mktemp("made") / "tiny")
    assert project.run("report").returncode == 0
    return project


@pytest.fixture
def project(made, tmp_path):
    return made.copy(tmp_path / "tiny")


def is_whole(project):
    """The report that is there agrees with its own manifest."""
    folders = {
        "reports/": project.root / "reports",
        "data/processed/": project.root / "data/processed",
    }
    return not manifest.differences(manifest.read(project.root / "reports"), folders)


def change(project, number):
    project.write("data/raw/facts.csv", f"unit,value\na,{number}\na,2\nb,5\n")


def kill_after(project, seconds):
    process = subprocess.Popen(
        project.command("report"),
        env=project.environment(),
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_twenty_random_moments(made, tmp_path):
    undisturbed = made.copy(tmp_path / "undisturbed")
    change(undisturbed, 7)
    started = time.monotonic()
    assert undisturbed.run("report").returncode == 0
    whole_run = time.monotonic() - started
    moments = random.Random(20251231)
    interrupted = 0
    for number in range(20):
        project = made.copy(tmp_path / f"killed-{number}")
        change(project, 7)
        interrupted += kill_after(project, moments.uniform(0, whole_run * 1.1)) < 0
        assert is_whole(project), f"kill {number} left a report that is not whole"
        assert project.run("report").returncode == 0
        assert project.manifest() == undisturbed.manifest()
        shutil.rmtree(project.root)
        print(f"killed {number + 1} times, {interrupted} of them before the end", flush=True)
    assert interrupted >= 10


def test_killed_between_the_tables_and_the_pages(project, tmp_path, monkeypatch):
    """The narrowest moment: the new tables are in place and the new pages are not."""
    from analysis.runs.pipeline import Request
    from analysis.site import build

    change(project, 3)
    monkeypatch.setenv("ANALYSIS_ROOT", str(project.root))
    before = project.files()

    class Killed(BaseException):
        pass

    def place(new, target):
        if target.name == "reports":
            raise Killed
        store.put_in_place(new, target)

    def plain(finished, reports):
        (reports / "index.html").write_text("index")

    monkeypatch.setattr(build, "put_in_place", place)
    monkeypatch.setattr(build, "check_raw", lambda: None)
    monkeypatch.setattr(build, "site", plain)
    with pytest.raises(Killed):
        build.report(Request(warm=False))
    pages = {name for name in before if name.startswith("reports/")}
    assert {name: project.files()[name] for name in pages} == {name: before[name] for name in pages}
    assert not is_whole(project)
    again = project.run("report")
    assert "9 notebooks unchanged" in again.stdout
    assert is_whole(project)


def test_a_full_disk_is_one_clear_line_and_changes_nothing(project, monkeypatch, capsys):
    from analysis import cli
    from analysis.site import build

    monkeypatch.setenv("ANALYSIS_ROOT", str(project.root))
    monkeypatch.setattr("analysis.runs.environment.run_pinned", lambda: None)
    change(project, 4)
    before = project.files()

    def full(*_):
        raise OSError(28, "No space left on device", "reports")

    monkeypatch.setattr(build, "check_raw", full)
    assert cli.main(["report"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert "the disk is full" in said
    assert "The last report is as it was." in said
    assert project.files() == before
