"""Whatever starts first, however many at once, killed or not: the report is the same."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml
from tiny_project import TinyProject, code_at_this_moment

from analysis import paths
from analysis.runs.jobs import SCHEDULE, Chance, by_chance, run_graph
from analysis.site import verify

#: Workers, seed, what goes first, longest pause in seconds, and after which share of an
#: undisturbed run it is killed before it is repeated (0: it is not).
SCHEDULES = [
    (1, 1, "", 0.0, 0.0),
    (2, 2, "", 1.0, 0.0),
    (4, 3, "", 1.0, 0.0),
    (1, 4, "explore", 0.0, 0.0),
    (2, 5, "explore", 2.0, 0.0),
    (4, 6, "explore", 0.5, 0.0),
    (2, 7, "", 1.0, 0.4),
    (4, 8, "explore", 1.0, 0.7),
]
#: Tests of a small project, which take seconds each.
SEEDS = range(1, 26)


def settings(seed, first, pause):
    return {SCHEDULE: f"{seed},{first},{pause}"}


def test_chance_is_the_same_again_and_puts_first_what_it_shall():
    names = [f"job {number}" for number in range(20)] + ["explore en", "explore vi"]
    one = Chance("1", "explore").order(names)
    assert one == Chance("1", "explore").order(sorted(names))
    assert set(one[:2]) == {"explore en", "explore vi"}
    assert sorted(one) == sorted(names)
    assert one[2:] not in (names[:20], Chance("2", "explore").order(names)[2:])


def test_jobs_by_chance_still_come_after_those_they_need():
    after = {f"{number}": [f"{number - 1}"] * (number % 3 > 0) for number in range(12)}
    orders = set()
    for seed in range(8):
        ended = []
        for name, _, _ in run_graph(after, str, lambda _: True, 2, Chance(str(seed))):
            assert set(after[name]) <= set(ended)
            ended.append(name)
        assert sorted(ended) == sorted(after)
        orders.add(tuple(ended))
    assert len(orders) > 4


def test_a_schedule_that_cannot_be_read_is_refused(monkeypatch):
    monkeypatch.setenv(SCHEDULE, "7,explore")
    with pytest.raises(ValueError, match="SEED or SEED,FIRST,SECONDS"):
        by_chance()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    project = TinyProject(tmp_path_factory.mktemp("undisturbed") / "tiny")
    assert project.run("report", "--workers", "1").returncode == 0
    return project


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_small_report_is_the_same_under_25_schedules(undisturbed, tmp_path):
    for seed in SEEDS:
        project = TinyProject(tmp_path / f"tiny-{seed}")
        first = ("", "08_brief", "03_aside")[seed % 3]
        workers = str((1, 2, 4)[seed % 3])
        ended = project.run(
            "report", "--workers", workers, settings=settings(seed, first, seed % 2 * 0.5)
        )
        assert ended.returncode == 0, f"seed {seed}: {ended.stdout}{ended.stderr}"
        assert project.manifest() == undisturbed.manifest(), f"seed {seed}"
        shutil.rmtree(project.root)
        print(f"seed {seed}: the same", flush=True)


def test_a_copy_to_build_from_holds_every_file_that_a_notebook_reads(tmp_path):
    verify.copy(tmp_path / "copy")
    read = ["data/raw/*.csv"]
    for chapter in yaml.safe_load((paths.NOTEBOOKS / "pipeline.yml").read_text("utf-8"))[
        "notebooks"
    ].values():
        read += chapter.get("files", [])
    for pattern in read:
        here = {file.relative_to(paths.ROOT).as_posix() for file in paths.ROOT.glob(pattern)}
        copied = {
            file.relative_to(tmp_path / "copy").as_posix()
            for file in (tmp_path / "copy").glob(pattern)
        }
        assert here and copied == here, pattern


class Reduced:
    """The project itself in another folder: English, two briefs, and no validation.

    Validation takes two thirds of the time, and no other notebook rests on it.
    """

    def __init__(self, root):
        self.root = root
        verify.copy(root)
        pipeline = root / "notebooks/pipeline.yml"
        given = yaml.safe_load(pipeline.read_text("utf-8"))["notebooks"]
        del given["06_validation"]
        for entry in given.values():
            entry["languages"] = ["en"]
        given["08_province_brief"]["vary"] = {"province_code": ["00", "83"]}
        pipeline.write_text(yaml.safe_dump({"notebooks": given}), "utf-8")

    def start(self, workers, seed, first, pause):
        own = {"ANALYSIS_ROOT": str(self.root), "PYTHONPATH": str(code_at_this_moment())}
        return subprocess.Popen(
            [sys.executable, "-m", "analysis", "report", "--workers", str(workers)],
            env={**os.environ, **own, **settings(seed, first, pause)},
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def manifest(self):
        return json.loads((self.root / "reports/manifest.json").read_text("utf-8"))


def made(root, workers, seed, first, pause, kill_at=0.0):
    """The manifest of the report under a schedule, and the seconds that it took."""
    project = Reduced(root)
    if kill_at:
        process = project.start(workers, seed, first, pause)
        time.sleep(kill_at)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
    started = time.monotonic()
    process = project.start(workers, seed, first, pause)
    said, _ = process.communicate(timeout=3000)
    seconds = time.monotonic() - started
    assert process.returncode == 0, f"seed {seed}: {said}"
    manifest = project.manifest()
    shutil.rmtree(root)
    return manifest, seconds


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_the_report_is_the_same_under_eight_schedules(tmp_path):
    usual, whole = made(tmp_path / "usual", 1, *SCHEDULES[0][1:4])
    assert any(one["file"] == "reports/en/explore.html" for one in usual["files"])
    for workers, seed, first, pause, share in SCHEDULES[1:]:
        other, seconds = made(
            tmp_path / f"schedule-{seed}", workers, seed, first, pause, share * whole
        )
        names = {one["file"] for one in usual["files"]} | {one["file"] for one in other["files"]}
        one, two = ({f["file"]: f["sha256"] for f in m["files"]} for m in (usual, other))
        assert [name for name in sorted(names) if one.get(name) != two.get(name)] == [], seed
        assert other == usual, f"seed {seed}"
        print(f"seed {seed}: the same, {seconds:.0f} s", flush=True)
