"""The tables as Stata files and Parquet: the same figures, typed, with labels."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest

from analysis import cli, paths
from analysis.facts import load_raw
from analysis.readings import build_readings
from analysis.readings.store import write
from analysis.report.describe import schemas
from analysis.report.exports import LABEL, ExportError, export, stata_names

DOC = Path(paths.ROOT) / "docs" / "r-and-stata.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the tables that the readings chapter makes."""
    folder = tmp_path_factory.mktemp("processed")
    raw = load_raw()
    write(build_readings(raw), raw, folder)
    return folder


def test_a_stata_file_holds_the_figures_dates_and_labels(made, tmp_path):
    export(["targets"], "dta", tmp_path, source=made)
    table, about = pyreadstat.read_dta(str(tmp_path / "targets.dta"))
    source = pd.read_csv(made / "targets.csv", dtype={"province_code": str})
    assert list(table["province_code"]) == list(source["province_code"])
    assert table["value"].tolist() == source["value"].tolist()
    assert [f"{day}" for day in table["due"]] == source["due"].tolist()
    assert table["derived"].tolist() == source["derived"].astype(float).tolist()
    assert about.variable_value_labels["derived"] == {0: "no", 1: "yes"}
    assert about.column_names_to_labels["setter"] == "Who set it"
    assert all(0 < len(label) <= LABEL for label in about.column_labels)


def test_parquet_has_types_and_descriptions_in_the_language_asked_for(made, tmp_path):
    export(["readings"], "parquet", tmp_path, "vi", source=made)
    schema = pq.read_schema(tmp_path / "readings.parquet")
    assert str(schema.field("as_of").type) == "date32[day]"
    assert str(schema.field("province_code").type) == "string"
    assert str(schema.field("n_facts").type) == "int64"
    assert "ngày" in schema.field("as_of").metadata[b"description"].decode()
    table = pq.read_table(tmp_path / "readings.parquet").to_pandas()
    source = pd.read_csv(made / "readings.csv")
    assert table["value"].tolist() == source["value"].tolist()


def test_all_tables_that_are_there_are_written_and_read_by_pandas_too(made, tmp_path):
    files = export([], "dta", tmp_path, source=made)
    assert {file.stem for file in files} == {p.stem for p in made.glob("*.csv")} & set(schemas())
    for file in files:
        assert len(pd.read_stata(file)) == len(pd.read_csv(made / f"{file.stem}.csv"))


def test_every_field_of_every_table_has_a_name_of_its_own_in_stata():
    for entry in schemas().values():
        assert all(
            re.fullmatch(r"[A-Za-z_]\w{0,31}", n) for n in stata_names(entry["fields"]).values()
        )


def test_a_table_that_is_unknown_or_not_made_or_of_another_form_is_named(made, tmp_path):
    with pytest.raises(ExportError, match="no table 'reading'; there are"):
        export(["reading"], "dta", tmp_path / "out", source=made)
    with pytest.raises(ExportError, match=r"forecasts\.csv has not been made yet; run make report"):
        export(["targets", "forecasts"], "dta", tmp_path / "out", source=made)
    (tmp_path / "units.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ExportError, match=r"units\.csv: its columns are not those described"):
        export(["units"], "dta", tmp_path / "out", source=tmp_path)
    assert not (tmp_path / "out").exists()


def test_the_command_writes_into_a_new_folder(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ANALYSIS_PROCESSED", str(made))
    folder = tmp_path / "new"
    assert cli.main(["tables", "--format", "dta", str(folder), "--only", "units"]) == 0
    assert [file.name for file in folder.iterdir()] == ["units.dta"]
    assert cli.main(["tables", "--format", "dta", str(folder), "--only", "unit"]) == 2
    assert "no table 'unit'" in capsys.readouterr().err


@pytest.mark.slow
def test_the_example_for_r_runs_as_it_is_printed(made, tmp_path):
    rscript = shutil.which("Rscript")
    asked = [rscript, "-e", "library(haven)"] if rscript else []
    if not rscript or subprocess.run(asked, capture_output=True).returncode:
        pytest.skip("R with haven is not installed (Debian: r-base-core, r-cran-haven)")
    export([], "dta", tmp_path / "my_folder", source=made)
    code = re.search(r"```r\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)[1]
    done = subprocess.run([rscript, "-e", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '"Date that the figure describes"' in done.stdout
    source = pd.read_csv(made / "readings.csv", dtype={"province_code": str})
    own = source[(source["indicator"] == "hi_coverage") & source["basis"].isna()]
    own = own[own["geo_level"] == "province_63"].sort_values(["province_code", "as_of"])
    lowest = own.groupby("province_code").tail(1).sort_values("value").iloc[0]
    first = re.search(r"^1 +(\S+) (\S+) (\S+)$", done.stdout, re.MULTILINE)
    assert first.groups()[:2] == (lowest["province_code"], lowest["as_of"])
    assert float(first[3]) == pytest.approx(lowest["value"], abs=0.01)
