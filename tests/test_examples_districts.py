"""The synthetic districts: made by their script, in order, and good for a forecast."""

import runpy
from pathlib import Path

from analysis import paths
from analysis.facts import check, load_raw
from analysis.forecast import predict
from analysis.forecast.known import known_at
from analysis.forecast.queries import read_queries
from analysis.readings import build_readings

FOLDER = Path(paths.ROOT) / "examples"
RAW = FOLDER / "districts" / "raw"


def test_the_tables_are_those_that_the_script_makes(tmp_path):
    script = runpy.run_path(str(FOLDER / "make_districts.py"))
    for name, table in script["tables"]().items():
        paths.write_table(table, tmp_path / f"{name}.csv")
        assert (tmp_path / f"{name}.csv").read_bytes() == (RAW / f"{name}.csv").read_bytes(), name


def test_they_pass_the_same_checks_and_are_labelled():
    assert check(RAW) == []
    raw = load_raw(RAW)
    assert raw.provinces["name_en"].str.contains("Synthetic").all()
    assert raw.facts["note"].str.contains("synthetic").all()


def test_districts_their_sums_and_the_whole_are_forecast():
    raw = load_raw(RAW)
    queries = read_queries(FOLDER / "districts" / "queries.csv")
    found = predict(known_at(build_readings(raw).readings, raw, "2024-12-31"), queries)
    assert found["q0.50"].between(80, 99).all()
    assert (found["q0.10"] < found["q0.50"]).all() and (found["q0.50"] < found["q0.90"]).all()
