"""Files appear whole or not at all, and tables are written the same each time."""

import os
import pickle
from pathlib import Path

import pandas as pd
import pytest

from analysis import paths


def test_the_root_is_the_named_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYSIS_ROOT", str(tmp_path))
    assert tmp_path / "data" / "raw" / "facts.csv" == paths.RAW / "facts.csv"
    assert Path(paths.REPORTS) == tmp_path / "reports"


def test_a_folder_that_was_imported_follows_a_later_change(tmp_path, monkeypatch):
    from analysis.paths import PROCESSED

    monkeypatch.setenv("ANALYSIS_PROCESSED", str(tmp_path / "elsewhere"))
    assert tmp_path / "elsewhere" / "a.csv" == PROCESSED / "a.csv"
    assert pickle.loads(pickle.dumps(PROCESSED)) == PROCESSED


def test_the_root_is_found_from_a_folder_inside_the_project(tmp_path, monkeypatch):
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.delenv("ANALYSIS_ROOT", raising=False)
    monkeypatch.chdir(tmp_path / "notebooks")
    assert Path(paths.ROOT) == tmp_path


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "table.csv"
    target.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        paths.write_atomic(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_a_table_keeps_codes_as_text_and_dates_without_hours(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYSIS_PROCESSED", str(tmp_path))
    table = pd.DataFrame(
        {
            "province_code": ["01", "79"],
            "as_of": pd.to_datetime(["2021-10-31", "2021-12-31"]),
            "value": [1 / 3, 954931.0],
        }
    )
    paths.write_table(table, paths.PROCESSED / "small.csv")
    assert (tmp_path / "small.csv").read_bytes() == (
        b"province_code,as_of,value\n01,2021-10-31,0.333333333333\n79,2021-12-31,954931\n"
    )
    back = paths.read_processed("small", dates=["as_of"])
    assert list(back["province_code"]) == ["01", "79"]
    assert list(back["as_of"]) == list(table["as_of"])


def test_a_missing_table_names_the_chapter_that_writes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYSIS_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "pipeline.yml").write_text(
        "notebooks:\n  01_readings:\n    produces: [readings.csv]\n"
    )
    with pytest.raises(paths.MissingTable, match=r"run notebooks/01_readings\.ipynb first"):
        paths.read_processed("readings")
    with pytest.raises(paths.MissingTable, match="no chapter declares"):
        paths.read_processed("unheard_of")
