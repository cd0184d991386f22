"""A kept result is used when code and arguments are the same by content, and only then."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from analysis import disk_cache

CALLS = []


@dataclass(frozen=True)
class Evidence:
    table: pd.DataFrame
    weights: np.ndarray


@disk_cache.cached
def total(table, power=1):
    CALLS.append(power)
    return float((table["value"] ** power).sum())


@disk_cache.cached
def weighted(evidence):
    CALLS.append("weighted")
    return float((evidence.table["value"] * evidence.weights).sum())


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYSIS_CACHE", str(tmp_path))
    CALLS.clear()


def table(*values, codes=("01", "79")):
    return pd.DataFrame({"province_code": codes, "value": values})


def test_equal_content_is_computed_once_however_the_argument_is_passed():
    assert total(table(1.0, 2.0)) == total(table=table(1.0, 2.0), power=1) == 3.0
    assert CALLS == [1]


@pytest.mark.parametrize(
    "other",
    [
        table(1.0, 2.5),
        table(2.0, 1.0),
        table(1, 2),
        table(1.0, 2.0, codes=("1", "79")),
        table(1.0, 2.0).rename(columns={"province_code": "code"}),
        table(1.0, 2.0).set_axis([1, 0]),
    ],
)
def test_any_other_content_is_computed_anew(other):
    total(table(1.0, 2.0))
    total(other)
    assert CALLS == [1, 1]


def test_a_dataclass_counts_by_its_fields():
    assert weighted(Evidence(table(1.0, 2.0), np.array([1.0, 1.0]))) == 3.0
    assert weighted(Evidence(table(1.0, 2.0), np.array([1.0, 2.0]))) == 5.0
    weighted(Evidence(table(1.0, 2.0), np.array([1.0, 1.0])))
    assert CALLS == ["weighted", "weighted"]


def test_a_file_counts_by_its_content(tmp_path):
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("a")
    two.write_text("a")
    assert list(disk_cache._content(one)) == list(disk_cache._content(two))
    two.write_text("b")
    assert list(disk_cache._content(one)) != list(disk_cache._content(two))


def test_a_damaged_entry_is_computed_anew(tmp_path):
    total(table(1.0, 2.0))
    for entry in tmp_path.rglob("*.pickle"):
        entry.write_bytes(entry.read_bytes()[:-3])
    assert total(table(1.0, 2.0)) == 3.0
    assert CALLS == [1, 1]


def test_an_argument_whose_content_is_unknown_is_refused():
    with pytest.raises(TypeError, match="cannot take a object"):
        total(object())


def forget():
    """Drop what is remembered of the package's files."""
    for function in (disk_cache.module_file, disk_cache._direct, disk_cache._data_files):
        function.cache_clear()
    disk_cache._digest_of.cache_clear()


@pytest.fixture
def fresh_memory():
    """Nothing that a test pretends about the package's files outlives it."""
    forget()
    yield
    forget()


@pytest.mark.usefixtures("fresh_memory")
def test_a_changed_helper_changes_the_fingerprint_of_its_users_only(tmp_path, monkeypatch):
    package = tmp_path / "package"
    (package / "words").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("x = 1\n")
    (package / "user.py").write_text("def f():\n    from . import helper\n    return helper\n")
    (package / "other.py").write_text("import json\n")
    (package / "words" / "__init__.py").write_text("")
    (package / "words" / "en.yml").write_text("a: b\n")
    monkeypatch.setattr(disk_cache, "SOURCE", package)

    def prints():
        forget()
        return [disk_cache.fingerprint([f"analysis.{m}"]) for m in ("user", "other", "words")]

    before = prints()
    (package / "helper.py").write_text("x = 2\n")
    after = prints()
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True, True]
    (package / "words" / "en.yml").write_text("a: c\n")
    assert prints()[2] != after[2]


@pytest.mark.parametrize("name", disk_cache.SETTINGS)
def test_other_instructions_or_threads_of_the_processor_compute_anew(name, monkeypatch):
    total(table(1.0, 2.0))
    monkeypatch.setenv(name, "another")
    total(table(1.0, 2.0))
    assert CALLS == [1, 1]


def test_every_pinned_setting_that_changes_a_number_is_part_of_the_key():
    from analysis.runs.environment import PINNED, PINNED_X86

    threads = {name for name in PINNED if name.endswith("_NUM_THREADS")}
    assert {*threads, *PINNED_X86} <= set(disk_cache.SETTINGS)
