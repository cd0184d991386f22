"""A report of a small project: what runs, what is found again, what a failure costs."""

import json
import shutil

import pytest
from tiny_project import TinyProject


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose report has been made once; tests take copies."""
    project = TinyProject(tmp_path_factory.mktemp("made") / "tiny")
    project.first = project.run("report")
    return project


@pytest.fixture
def project(made, tmp_path):
    return made.copy(tmp_path / "tiny")


def lines(result, word):
    return [line for line in result.stdout.splitlines() if word in line]


def test_each_notebook_ends_with_one_line(made):
    assert made.first.returncode == 0, made.first.stderr
    assert len(lines(made.first, " ok")) == 9
    assert len(lines(made.first, "08_brief language=vi unit=b")) == 1
    assert made.first.stdout.splitlines()[-1].endswith("reports/index.html")


def test_pages_hold_results_in_both_languages(made):
    english, vietnamese = (
        json.loads(made.files()[f"reports/{language}/08_brief-b.txt"]) for language in ("en", "vi")
    )
    assert english["cells"][0]["source"] == ["# Title"]
    assert vietnamese["cells"][0]["source"] == ["# Tiêu đề"]
    assert "vi b 5" in json.dumps(vietnamese)


def test_the_settings_of_the_machine_do_not_reach_a_notebook(made):
    shown = json.dumps(json.loads(made.files()["reports/en/03_aside.txt"]))
    assert "['a', 'b', 'c']" in shown
    assert "'UTC'" in shown


def test_the_manifest_says_what_made_each_file(made):
    manifest = made.manifest()
    files = {entry["file"]: entry for entry in manifest["files"]}
    assert set(files) == set(made.files()) - {
        "reports/manifest.json",
        "data/processed/.gitkeep",
    }
    assert files["data/processed/sums.csv"]["notebook"] == "02_sums"
    assert files["reports/vi/02_sums.txt"]["parameters"] == {"language": "vi"}
    assert "data/raw/facts.csv" in manifest["inputs"]
    assert len(manifest["notebooks"]) == 9


def test_with_nothing_changed_nothing_is_done(project):
    before = project.files()
    again = project.run("report")  # how fast is measured by the benchmark, on an idle machine
    assert "Nothing has changed" in again.stdout
    assert project.files() == before


def test_a_lost_page_comes_back_without_running_anything(project):
    project.write("reports/bench.json", "{}")  # lies beside the report, and stays
    assert "Nothing has changed" in project.run("report").stdout
    before = project.files()
    (project.root / "reports/en/08_brief-a.txt").unlink()
    (project.root / "data/processed/sums.csv").write_text("tampered")
    again = project.run("report")
    assert "9 notebooks unchanged" in again.stdout
    assert project.files() == before


def test_a_change_reaches_what_depends_on_it_and_nothing_else(project):
    project.write("data/raw/facts.csv", "unit,value\na,2\na,1\nb,5\n")
    again = project.run("report")
    ran = {line.split("] ")[1].split()[0] for line in lines(again, " ok")}
    # The order of two rows changes chapter 01 and its table, but no sum: the briefs stand.
    assert ran == {"01_numbers", "02_sums"}
    assert "unchanged" in again.stdout


def test_a_failure_costs_its_dependents_only_and_says_where(project):
    project.notebook("02_sums", ["fine = 1", "wrong = fine / 0"])
    project.notebook(
        "03_aside", ["from analysis.paths import read_processed", "read_processed('sums')"]
    )
    result = project.run("report")
    assert result.returncode == 2
    aside, sums = sorted(lines(result, "FAILED"), key=lambda line: "02_sums language" in line)
    assert "cell step-2: ZeroDivisionError: division by zero" in sums
    assert "wrong = fine / 0" in result.stderr
    # Running 02 first would not help 03: what it lacks is the line in pipeline.yml.
    assert aside.endswith(
        "FAILED in cell step-2: notebooks/03_aside.ipynb asks for data/processed/sums.csv, which "
        "notebooks/pipeline.yml does not give it: add it there under needs"
    )
    assert len(lines(result, "not run: 02_sums language=en failed")) == 5
    assert "reports/en/01_numbers.txt" in project.files()
    assert "reports/en/02_sums.txt" not in project.files()
    assert "data/processed/sums.csv" not in project.files()
    failed = [run for run in project.manifest()["notebooks"] if "failed" in run]
    assert {run["notebook"] for run in failed} == {"02_sums", "03_aside", "08_brief"}


def test_a_parameter_that_is_not_declared_stops_before_anything_runs(project):
    before = project.files()
    result = project.run("report", "--set", "03_aside.orign=2022-12-31")
    assert result.returncode == 2
    assert "03_aside.ipynb does not declare the parameter orign" in result.stderr
    assert project.files() == before


def test_one_notebook_with_one_value_takes_what_it_needs_along_and_leaves_the_report(project):
    before = project.files()
    result = project.run("report", "--set", "08_brief.unit=b", "--only", "08_brief")
    assert result.returncode == 0, result.stderr
    assert "6 notebooks unchanged" in result.stdout
    place = project.root / "work/trials/08_brief_08_brief.unit=b"
    assert f"The trial: {place}/report/index.html" in result.stdout
    manifest = json.loads((place / "report/manifest.json").read_text("utf-8"))
    runs = [(run["notebook"], run["parameters"]) for run in manifest["notebooks"]]
    assert ("08_brief", {"unit": "b", "language": "vi"}) in runs
    assert {name for name, _ in runs} == {"01_numbers", "02_sums", "08_brief"}
    assert (place / "tables/sums.csv").read_bytes() == before["data/processed/sums.csv"]
    assert project.files() == before
    again = project.run("report", "--set", "08_brief.unit=b", "--only", "08_brief")
    assert "Nothing has changed" in again.stdout
    assert "Nothing has changed" in project.run("report").stdout


def test_a_trial_that_fails_leaves_the_whole_report_and_its_tables(project):
    before = project.files()
    result = project.run("report", "--only", "08_brief", "--set", "08_brief.unit=zz")
    assert result.returncode > 0
    assert project.files() == before


def test_two_reports_at_once_do_not_mix(project):
    import subprocess

    project.write("data/raw/facts.csv", "unit,value\na,7\nb,9\n")
    first, second = (
        subprocess.Popen(
            project.command("report"),
            env=project.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    )
    told = first.communicate(timeout=600)[0] + second.communicate(timeout=600)[0]
    assert first.returncode == second.returncode == 0
    assert told.count("waiting until it is done") <= 1
    assert len([line for line in told.splitlines() if "01_numbers language=en" in line]) == 1


def test_a_second_report_can_refuse_to_wait(project, monkeypatch):
    from filelock import FileLock

    from analysis.site import build

    monkeypatch.setenv("ANALYSIS_ROOT", str(project.root))
    holder = FileLock(project.root / ".cache/report.lock", thread_local=False)
    refused = pytest.raises(build.Busy, match="another report is being made")
    with holder, refused, build.one_at_a_time(wait=False):
        pass


@pytest.mark.parametrize("file", ["notebook.ipynb", "tables/sums.csv", "record.json"])
def test_a_damaged_run_in_the_store_is_made_anew(project, file):
    """One wrong byte in every kept run that has such a file; what comes out is as before."""
    before = project.files()
    (project.root / "reports/manifest.json").unlink()
    damaged = [path for path in (project.root / ".cache/runs").rglob("*") if path.is_file()]
    damaged = [path for path in damaged if path.as_posix().endswith(file)]
    assert damaged
    for path in damaged:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    again = project.run("report")
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(lines(again, " ok")) >= min(len(damaged), 2)
    assert project.files() == before


def test_without_its_store_the_report_is_made_the_same_again(project):
    before = project.files()
    shutil.rmtree(project.root / ".cache")
    (project.root / "reports/manifest.json").unlink()
    assert project.run("report").returncode == 0
    assert project.files() == before


def test_a_report_without_kept_results_says_so_to_its_notebooks_and_names_no_folder_so(project):
    project.notebook("03_aside", ["import os\nos.environ['ANALYSIS_CACHE']"])
    made = project.run("report", settings={"ANALYSIS_CACHE": "off"})
    assert made.returncode == 0, made.stdout + made.stderr
    assert "'off'" in json.dumps(json.loads(project.files()["reports/en/03_aside.txt"]))
    assert not (project.root / "off").exists()
