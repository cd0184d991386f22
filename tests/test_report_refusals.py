"""Faulty raw tables stop a report before it starts; the network is never needed."""

import shutil
import subprocess

import pytest
from tiny_project import TinyProject

from analysis import cli, facts, paths
from analysis.runs.pipeline import Request
from analysis.site import build


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    """A project with the real raw tables, one of them damaged, and a report made before."""
    project = TinyProject(tmp_path / "tiny")
    shutil.rmtree(project.root / "data/raw")
    shutil.copytree(paths.RAW, project.root / "data/raw")
    table = project.root / "data/raw/facts.csv"
    lines = table.read_text("utf-8").splitlines(keepends=True)
    lines[5] = lines[5].replace(",country,", ",nowhere,").replace("country,00", "province_63,ZZ")
    table.write_text("".join(lines), "utf-8")
    (project.root / "reports").mkdir()
    (project.root / "reports/index.html").write_text("the last report")
    monkeypatch.setenv("ANALYSIS_ROOT", str(project.root))
    monkeypatch.setattr("analysis.runs.environment.run_pinned", lambda: None)
    return project


def test_faulty_raw_tables_stop_the_report_and_leave_the_last_one(faulty, capsys, monkeypatch):
    monkeypatch.setattr("analysis.runs.store.staging", pytest.fail)
    before = faulty.files()
    assert cli.main(["report"]) == 1
    said = capsys.readouterr()
    assert "facts.csv:6" in said.err
    assert "ZZ" in said.err
    assert "the last report is as it was" in said.err
    assert faulty.files() == before
    with pytest.raises(facts.RawDataError):
        build.report(Request())


def test_check_data_lists_the_same_fault_and_fails(faulty, capsys):
    assert cli.main(["check-data"]) == 1
    assert "facts.csv:6" in capsys.readouterr().out


def test_tables_that_are_in_order_are_read_once(monkeypatch, tmp_path):
    monkeypatch.setenv("ANALYSIS_CACHE", str(tmp_path))
    build.check_raw()
    monkeypatch.setattr(facts, "check", pytest.fail)
    build.check_raw()


def test_a_report_needs_no_network(tmp_path):
    """Where the system allows it: in a namespace that has no network, not even loopback."""
    alone = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("this system does not let a test take the network away")
    project = TinyProject(tmp_path / "tiny")
    project.write("notebooks/pipeline.yml", "notebooks:\n  03_aside: {languages: [en]}\n")
    ended = subprocess.run(
        [*alone, *project.command("report")],
        env=project.environment(),
        cwd=project.root,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "reports/en/03_aside.txt" in project.files()
