"""What mutants.yml says of tests and of lines still holds."""

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
