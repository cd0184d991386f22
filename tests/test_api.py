"""`import analysis` gives the tables of the last report, typed, and errors that say what to do."""

import doctest
import json
import os
import pydoc
import re
import subprocess
import sys
import warnings
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import analysis
from analysis import api, paths, readings
from analysis.country import geography
from analysis.facts import load_raw
from analysis.findings.coverage import Tables
from analysis.findings.outcomes import outcomes
from analysis.readings import store
from analysis.report import describe

DOC = Path(paths.ROOT) / "docs" / "api.md"


def synthetic_forecasts():
    """Rows with the form of forecasts.csv and made-up values, for tests alone."""
    fields = describe.schemas()["forecasts"]["fields"]
    rows = []
    for scale in ("true", "reported", "official"):
        for year in (2025, 2026):
            row = dict.fromkeys(fields, "")
            row |= {name: 1 for name, what in fields.items() if what["type"] == "number"}
            row |= {"geo_level": "province_63", "province_code": "83", "scale": scale,
                    "indicator": "hi_coverage", "origin": "2025-06-30", "evidence": "own",
                    "date": f"{year}-12-31", "p_meets_true": ""}  # fmt: skip
            rows.append(row)
    return pd.DataFrame(rows, columns=list(fields))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the tables of chapter 01, outcomes, and synthetic forecasts."""
    folder = tmp_path_factory.mktemp("processed")
    raw = load_raw()
    tables = readings.build_readings(raw)
    store.write(tables, raw, folder)
    before = os.environ.get("ANALYSIS_PROCESSED")
    os.environ["ANALYSIS_PROCESSED"] = str(folder)
    try:
        paths.write_table(outcomes(Tables.read()), folder / "outcomes.csv")
    finally:
        os.environ.pop("ANALYSIS_PROCESSED")
        if before is not None:
            os.environ["ANALYSIS_PROCESSED"] = before
    paths.write_table(synthetic_forecasts(), folder / "forecasts.csv")
    return folder


@pytest.fixture
def processed(made, monkeypatch, tmp_path):
    monkeypatch.setenv("ANALYSIS_PROCESSED", str(made))
    monkeypatch.setenv("ANALYSIS_REPORTS", str(tmp_path / "reports"))
    return made


def test_every_example_of_the_page_gives_what_it_says(processed):
    blocks = re.findall(r"```python\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "api.md", str(DOC), 0)
    said = []
    ended = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False).run(
        examples, out=said.append
    )
    assert ended.attempted > 12
    assert ended.failed == 0, "".join(said)


@pytest.mark.parametrize(
    ("word", "level", "code"),
    [
        ("Bến Tre", "province_63", "83"), ("ben tre", "province_63", "83"),
        ("BEN-TRE", "province_63", "83"), ("tỉnh Bến Tre", "province_63", "83"),
        (83, "province_63", "83"), (1, "province_63", "01"), ("Hà Nội", "province_63", "01"),
        ("province_34/01", "province_63", "01"), ("province_34/86", "province_34", "86"),
        ("Vĩnh Long (cũ)", "province_63", "86"), ("Huế", "province_63", "46"),
        ("Thua Thien Hue", "province_63", "46"), ("Đắk Lắk (former)", "province_63", "66"),
        ("Việt Nam", "country", "00"), ("vietnam", "country", "00"), ("R6", "region", "R6"),
        ("mekong river delta", "region", "R6"), ("cả nước", "country", "00"),
        ("TP. HCM cũ", "province_63", "79"), ("Tp. Hồ Chí Minh (mới)", "province_34", "79"),
        ("Sài Gòn cũ", "province_63", "79"), ("Thừa Thiên-Huế", "province_63", "46"),
        ("TP. Huế", "province_63", "46"), ("Ba Ria Vung Tau", "province_63", "77"),
        ("Bà Rịa – Vũng Tàu", "province_63", "77"), ("BR-VT", "province_63", "77"),
        ("Bắc Cạn", "province_63", "06"), ("Vĩnh Long mới", "province_34", "86"),
    ],
)  # fmt: skip
def test_a_unit_is_found_by_name_code_or_level_and_code(word, level, code):
    found = api.unit(word)
    assert (found.level, found.code) == (level, code)
    assert api.unit(found) is found


def test_every_unit_is_found_by_what_the_tables_call_it():
    for level in geography.LEVELS:
        for code in geography.codes(level):
            found = api.unit(f"{level}/{code}")
            assert found.code == code
            assert set(found.parts) == set(geography.parts(code, level))
            for language in ("en", "vi"):
                assert api.unit(geography.name(code, level, language), level=found.level) == found


@pytest.mark.parametrize(
    ("word", "level", "said"),
    [
        ("86", "", "province_63/86 .* or province_34/86"),
        ("Vĩnh Long", "", "stands for 2 units: write province_63/86"),
        ("TP. HCM", "", "province_63/79 .* or province_34/79"),
        ("TP.HCM", "", "province_63/79 .* or province_34/79"),
        ("HCMC", "", "province_63/79 .* or province_34/79"),
        ("Đắc Lắc", "", "province_63/66 .* or province_34/66"),
        ("TP. Bến Tre", "", "is a city in the province of that name; .* write province_63/83"),
        ("Quang", "", "do you mean .*Quảng Nam or "),
        ("Bên Trè", "province_34", "at the level province_34: write province_63/83"),
        ("Ben Tere", "", "do you mean B.n Tre"),
        ("province_63/99", "", "the codes of province_63 go from 01 to 96"),
        ("99", "", r"analysis\.units\(\) lists all"),
        ("Bến Tre", "commune", "there are country, region"),
    ],
)
def test_what_is_no_unit_or_two_is_answered_by_what_to_write(word, level, said):
    with pytest.raises(api.NotFound, match=said):
        api.unit(word, level)


def test_blank_text_is_empty_and_other_blanks_are_missing(processed):
    for name in ("readings", "targets", "outcomes", "forecasts", "units"):
        table = analysis.table(name)
        fields = describe.schemas()[name]["fields"]
        assert list(table.columns) == list(fields)
        for column, what in fields.items():
            kinds = {"string": "string", "number": "float64", "integer": "Int64",
                     "boolean": "boolean"}  # fmt: skip
            if what["type"] == "date":
                assert pd.api.types.is_datetime64_any_dtype(table[column])
            else:
                assert table[column].dtype == kinds[what["type"]], column
            if what["type"] == "string":
                assert table[column].notna().all()
    assert (analysis.readings()["basis"] == "").sum() > 1000
    assert analysis.outcomes()["reading"].isna().any()
    assert analysis.forecasts()["p_meets_true"].isna().all()


def test_rows_are_those_of_the_unit_and_indicator_and_one_scale(processed):
    whole = pd.read_csv(processed / "readings.csv", dtype=str, keep_default_na=False)
    mine = whole[(whole["geo_level"] == "province_63") & (whole["province_code"] == "83")]
    assert len(analysis.readings("Bến Tre")) == len(mine) > 0
    health = analysis.readings("83", "hi_coverage")
    assert len(health) == (mine["indicator"] == "hi_coverage").sum()
    assert set(analysis.forecasts("83")["scale"]) == {"reported"}
    assert len(analysis.forecasts("83", scale=None)) == 6
    with pytest.raises(api.NotFound, match="there are true, reported, official"):
        analysis.forecasts(scale="other")


def test_no_reading_stands_under_the_new_level_of_a_province_that_did_not_merge(processed):
    table = analysis.readings()
    alone = [code for code in geography.codes("province_34") if len(geography.members(code)) == 1]
    rows = table[(table["geo_level"] == "province_34") & table["province_code"].isin(alone)]
    assert rows.empty  # so that analysis.readings("Hà Nội") has them all


def test_without_a_report_the_error_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYSIS_PROCESSED", str(tmp_path))
    with pytest.raises(paths.MissingTable, match="run `make report` in a terminal first"):
        analysis.readings()


def test_a_warning_names_the_raw_table_that_has_changed_since_the_report(processed, tmp_path):
    from analysis.runs import manifest

    inputs = manifest.inputs()
    file = tmp_path / "reports" / "manifest.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"inputs": inputs}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(analysis.targets("Bến Tre")) > 0
    inputs["data/raw/facts.csv"] = "another"
    file.write_text(json.dumps({"inputs": inputs}))
    with pytest.warns(UserWarning, match=r"changed since the last report \(facts.csv\)"):
        analysis.targets("Bến Tre")


def test_the_import_is_cheap_and_modules_are_still_modules(processed):
    code = (
        "import sys, analysis; assert 'pandas' not in sys.modules, 'pandas';"
        "from analysis import readings;"
        "print(readings.build_readings.__name__,"
        " len(analysis.readings('83')) > 0, len(readings('83')) > 0, analysis.targets('83').shape,"
        " analysis.outcomes('83').shape)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=paths.ROOT
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("build_readings True True (")


def test_help_names_every_room_and_every_function():
    text = pydoc.render_doc(analysis, renderer=pydoc.plaintext).partition("PACKAGE CONTENTS")[0]
    folder = Path(analysis.__file__).parent
    rooms = [one.parent.name for one in folder.glob("*/__init__.py")]
    assert not [name for name in rooms if not re.search(rf"^ +{name}  ", text, re.MULTILINE)]
    named = re.findall(r"^ {8}([a-z_]+)  +", text, re.MULTILINE)
    assert len(named) > 5 and set(named) <= set(rooms), "a room is named that is not there"
    assert not [name for name in analysis._FACE if f"analysis.{name}(" not in text]
    assert set(analysis._FACE) <= set(dir(analysis))


def test_chapters_import_from_rooms_so_that_the_store_knows_what_they_use():
    for path in sorted(Path(paths.NOTEBOOKS).glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                assert not re.search(r"^\s*import analysis\s*(#|$|,)", cell.source, re.MULTILINE)
