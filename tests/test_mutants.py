"""What mutants.yml says of tests and of lines still holds, and mutants leave nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from analysis.paths import ROOT

TESTS = Path(__file__).parent
GIVEN = yaml.safe_load((TESTS / "mutants.yml").read_text("utf-8"))


@pytest.mark.parametrize("module", GIVEN)
def test_an_explained_line_stands_in_its_module_and_another_is_no_longer_explained(module):
    path = ROOT / "src" / "analysis" / f"{module.replace('.', '/')}.py"
    source = " ".join(path.read_text("utf-8").split())
    for one in GIVEN[module].get("explained", []):
        assert one["was"] in source, f"take it out of mutants.yml: {one['was']}"
        assert one["now"] not in source
        assert len(one["why"].split()) > 3, "a reason is a sentence"


@pytest.mark.parametrize("module", GIVEN)
def test_the_tests_named_for_a_module_exist(module):
    for name in GIVEN[module]["tests"]:
        file, _, test = name.partition("::")
        text = (TESTS / f"test_{file}.py").read_text("utf-8")
        assert f"def {test or 'test_'}" in text


KEPT = """\
from analysis.disk_cache import cached


@cached
def double(number):
    return 2 * number
"""
TRY = """\
from pathlib import Path
import mutants, pytest, twice

runner = mutants.Runner(twice, mutants.mutants(Path("twice.py").read_text("utf-8"), 100, 1), [])
pytest.main(["test_twice.py", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"], [runner])
print(runner.done, len(runner.found), len(runner.survivors))
"""


def test_mutants_are_not_judged_by_kept_results_and_keep_none(tmp_path):
    (tmp_path / "twice.py").write_text(KEPT, "utf-8")
    test = "from twice import double\n\n\ndef test_six():\n    assert double(3) == 6\n"
    (tmp_path / "test_twice.py").write_text(test, "utf-8")
    path = os.pathsep.join([str(tmp_path), str(TESTS)])
    own = {"PYTHONPATH": path, "ANALYSIS_ROOT": str(ROOT), "ANALYSIS_CACHE": str(tmp_path / "kept")}

    def run(code):
        ended = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | own, capture_output=True,
            text=True, timeout=120,
        )  # fmt: skip
        return ended.stdout + ended.stderr

    assert run("from twice import double; print(double(3))") == "6\n"
    done, found, left = run(TRY).split()[-3:]
    assert (done, left) == ("True", "0") and int(found) > 1
    assert len(list((tmp_path / "kept").rglob("*.pickle"))) == 1
