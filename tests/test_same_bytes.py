"""Two builds in other places, at other times, under other settings have the same bytes."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_project import TinyProject, code_at_this_moment

from analysis import cli
from analysis.runs import environment
from analysis.site import verify

CELLS = [
    "import os, time\nimport numpy as np\nimport pandas as pd\nfrom analysis.paths import *",
    "names = {'b', 'a', 'ă', 'đ'}\nlist(names), hash('x'), time.localtime(0).tm_hour",
    "big = np.arange(90000.0).reshape(300, 300) / 7\nrepr((big @ big.T).sum()), f'{1234.5:n}'",
    "write_table(pd.DataFrame({'a': list(names)}), PROCESSED / 'numbers.csv').name",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
]


@pytest.fixture
def two_builds(tmp_path):
    roots = []
    for number, setting in enumerate(verify.settings()):
        project = TinyProject(tmp_path / setting.folder)
        project.write(
            "notebooks/pipeline.yml",
            "notebooks:\n  01_numbers: {raw: all, produces: [numbers.csv]}\n",
        )
        project.notebook("01_numbers", CELLS)
        aside = tmp_path / f"aside-{number}"
        aside.mkdir()
        own = verify.surroundings(project.root, setting, aside)
        own["PYTHONPATH"] = f"{aside}{os.pathsep}{code_at_this_moment()}"
        command = project.command("report", "--workers", str(setting.workers))
        result = subprocess.run(
            command, env=own, cwd=project.root, umask=setting.umask,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
        roots.append(project.root)
    return roots


def test_the_settings_of_machine_and_user_change_no_byte(two_builds):
    one, two = two_builds
    assert verify.differing(one, two) == []
    assert len(verify._digests(one)) == 6
    # The comparison itself must be able to find a difference.
    shutil.copytree(one, one.parent / "tampered")
    page = one.parent / "tampered/reports/en/01_numbers.txt"
    page.write_text(page.read_text().replace("# Title", "# Titel"))
    (one.parent / "tampered/data/processed/extra.csv").touch()
    assert verify.differing(one, one.parent / "tampered") == [
        "data/processed/extra.csv",
        "reports/en/01_numbers.txt",
    ]


def seen(setting, tmp_path, code):
    """What a Python of a build prints."""
    own = verify.surroundings(tmp_path, setting, tmp_path)
    return subprocess.run(
        [sys.executable, "-c", code], env=own, umask=setting.umask, cwd=tmp_path,
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip


def test_twelve_variations_or_more_are_named_and_each_reaches_the_second_build(tmp_path):
    names = [one.name for one in verify.variations()]
    more = {one.name for one in verify.variations(processor=True)} - set(names)
    assert more == ({"instructions of the processor"} if environment.instructions() else set())
    assert len(set(names)) == len(names) >= 12
    for name in ("one", "two", "three"):
        (tmp_path / name).touch()
    code = (
        "import os, time, datetime, pathlib, getpass\n"
        "mask = os.umask(0)\n"
        "files = [one for one in os.listdir() if '.' not in one and one != '__pycache__']\n"
        "scanned = [one.name for one in os.scandir() if one.name in files]\n"
        "below = [one.name for one in pathlib.Path().iterdir() if one.name in files]\n"
        "print(int(time.time()), datetime.date.today().year, time.localtime().tm_year, oct(mask),"
        " getpass.getuser(), os.environ['HOME'], ','.join(files), files == scanned == below,"
        " os.environ.get('TZ'), os.environ.get('PYTHONHASHSEED'), os.environ.get('COLUMNS'))"
    )
    first, second = (seen(one, tmp_path, code) for one in verify.settings())
    year = 365 * 24 * 3600
    assert abs(int(second[0]) - int(first[0]) - year) < 300
    assert abs(int(first[0]) - time.time()) < 300
    assert int(second[1]) == int(first[1]) + 1 and second[2] == second[1]
    assert (first[3], second[3]) == ("0o22", "0o77")
    assert second[4] == "somebody" and not Path(second[5]).exists() and first[5] != second[5]
    assert second[6] == "two,three,one" and second[7] == "True"
    for one, other in zip(first[8:], second[8:], strict=True):
        assert one != other
    assert [one.workers for one in verify.settings()] == [1, 4]


def test_other_instructions_reach_the_pinned_settings_of_a_run(monkeypatch):
    if not environment.instructions():
        pytest.skip("not a processor that is pinned")
    assert environment.pinned()["OPENBLAS_CORETYPE"] == "Haswell"
    monkeypatch.setenv(environment.KERNELS, "Sandybridge")
    assert environment.pinned()["OPENBLAS_CORETYPE"] == "Sandybridge"


def test_the_command_names_every_variation_before_it_builds(monkeypatch, capsys):
    monkeypatch.setattr(verify, "_build", lambda root, setting, only: None)
    monkeypatch.setattr(verify, "copy", lambda root: None)
    assert cli.main(["verify"]) == 0
    said = capsys.readouterr().out
    for one in verify.variations():
        assert f"{one.name}: {one.first} / {one.second}" in said
