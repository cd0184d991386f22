"""The environment is described in four places; they must say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; (.*?))? \\$", re.MULTILINE)


def pins(lock):
    """Name -> versions, of which the marker of each line chooses one."""
    found = {}
    for name, version, _ in PINNED.findall((ROOT / lock).read_text("utf-8")):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def requirements(extra=None):
    given = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return [one for one in map(Requirement, given) if one.name != "analysis"]


def test_conda_names_the_packages_and_versions_of_pyproject():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    pip = next(entry["pip"] for entry in entries if isinstance(entry, dict))
    named = [entry for entry in entries if isinstance(entry, str)] + pip
    plain = {one for one in named if not one.startswith(("python>", "pip", "--editable"))}
    assert plain == set(PROJECT["dependencies"])
    assert f"python{PROJECT['requires-python']}" in named
    assert "--editable ." in pip


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_a_version_that_pyproject_allows(lock):
    have = pins(lock)
    wanted = requirements() + requirements("build")
    if lock == "requirements-dev.lock":
        wanted += requirements("dev") + requirements("cluster")
    for requirement in wanted:
        versions = have.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_both_locks_agree():
    run, develop = (pins(lock) for lock in LOCKS)
    assert {name: develop.get(name) for name in run} == run


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_has_a_hash_and_no_address(lock):
    text = (ROOT / lock).read_text("utf-8")
    blocks = re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) > 50
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "index" not in text.replace("--hash", "")


def test_the_workflow_runs_the_lowest_and_the_newest_python():
    text = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    versions = set(re.findall(r'"(3\.\d+)"', text))
    assert PROJECT["requires-python"].removeprefix(">=") in versions
    classifiers = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if "3." in one}
    assert max(classifiers, key=lambda one: int(one[2:])) in versions


def test_the_workflow_has_least_rights_and_pinned_actions():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert used
    assert all(re.search(r"@[0-9a-f]{40}$", one) for one in used), used
