"""The synthetic districts: made by their script, in order, and good for a forecast."""

import runpy
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from analysis import paths
from analysis.facts import check, load_raw
from analysis.forecast import predict
from analysis.forecast.known import known_at, read_queries
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


def run(script, *arguments):
    """Run a script of the examples; its exit status."""
    before = sys.argv
    sys.argv = [script, *map(str, arguments)]
    try:
        runpy.run_path(str(FOLDER / script), run_name="__main__")
    except SystemExit as end:
        return end.code
    finally:
        sys.argv = before
    return 0


def cells(book):
    return [[cell.value for cell in row] for row in book.active.iter_rows()]


TARGETS = "set in 2023, Plan 45 of the provincial committee"
SAID = ["--published", "2025-01-15", "--targets", TARGETS]


def test_the_office_sheet_is_the_one_that_the_script_makes():
    script = runpy.run_path(str(FOLDER / "make_districts.py"))
    stored = openpyxl.load_workbook(FOLDER / "districts" / "office.xlsx")
    made = [[cell or None for cell in row] for row in cells(script["office"]())]
    assert cells(stored) == made


def test_an_office_sheet_leads_to_forecasts_and_a_page_with_its_2025_targets(tmp_path):
    sheet = FOLDER / "districts" / "office.xlsx"
    assert run("districts_from_spreadsheet.py", sheet, tmp_path, *SAID) == 0
    assert check(tmp_path / "raw") == []
    raw = load_raw(tmp_path / "raw")
    row = cells(openpyxl.load_workbook(sheet))[6]
    own = raw.facts[raw.facts["province_code"] == "D001"]
    actual = own[own["kind"] == "actual"].sort_values(["as_of", "indicator"])
    by_day = [sorted(zip(("hi", "si", "ui"), row[3 + 3 * i : 6 + 3 * i], strict=True))
              for i in range(5)]  # fmt: skip
    assert actual["value"].tolist() == [value for day in by_day for _, value in day]
    due = own[own["kind"] == "target"].set_index("indicator")["value"]
    assert due.to_dict() == dict(zip(("hi_coverage", "si_coverage", "ui_coverage"), row[18:21],
                                     strict=True))  # fmt: skip
    queries = read_queries(tmp_path / "queries.csv")
    assert len(queries) == 39 and set(queries["as_of"]) == {pd.Timestamp(2025, 12, 31)}
    found = predict(known_at(build_readings(raw).readings, raw, "2024-12-31"), queries)
    queries.join(found).to_csv(tmp_path / "predictions.csv", index=False)
    assert run("districts_brief.py", tmp_path, "--language", "vi") == 0
    page = (tmp_path / "brief.html").read_text("utf-8")
    assert page.count("<h2>") == 13 and "Huyện giả định 12" in page and "93.0" in page


@pytest.mark.parametrize(
    ("row", "column", "value", "word"),
    [
        (7, 4, 0.79, "looks like a fraction"),
        (7, 4, 793, "row 7, column D is no percentage"),
        (7, 3, None, "no population"),
        (8, 2, "Huyện giả định 01", "each district once"),
        (7, 5, "n.q.", "row|is not a number"),
    ],
)
def test_an_office_sheet_that_cannot_be_meant_is_refused_and_nothing_is_written(
    tmp_path, capsys, row, column, value, word
):
    book = openpyxl.load_workbook(FOLDER / "districts" / "office.xlsx")
    book.active.cell(row, column, value).value = value
    book.save(tmp_path / "sheet.xlsx")
    out = tmp_path / "out"
    status = run("districts_from_spreadsheet.py", tmp_path / "sheet.xlsx", out, *SAID)
    assert status == 1 and not out.exists()
    assert pd.Series([capsys.readouterr().err]).str.contains(word).all()


def test_targets_without_a_word_on_who_set_them_are_asked_about(tmp_path, capsys):
    sheet = FOLDER / "districts" / "office.xlsx"
    out = tmp_path / "out"
    assert run("districts_from_spreadsheet.py", sheet, out, "--published", "2025-01-15") == 1
    assert "--targets" in capsys.readouterr().err and not out.exists()
