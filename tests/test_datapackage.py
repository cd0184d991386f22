"""The written tables fit their description; the links lead to sources and nowhere else."""

import json

import jsonschema
import pandas as pd
import pytest
from example_facts import real_raw, real_tables

from analysis.findings.readings import SourcedResult, readings_of_unit
from analysis.readings.store import write
from analysis.report import describe

TABLES = ["readings", "conflicts", "identities", "targets", "lineage", "units"]

RESOURCE = {
    "type": "object",
    "required": ["name", "path", "title", "description", "schema", "sources"],
    "properties": {
        "name": {"type": "string", "pattern": "^([-a-z0-9._/])+$"},
        "path": {"type": "string", "pattern": "^(?=^[^./~])(^((?!\\.{2}).)*$).*$"},
        "sources": {"type": "array", "minItems": 1, "items": {"required": ["title"]}},
        "schema": {
            "type": "object",
            "required": ["fields", "primaryKey"],
            "properties": {
                "fields": {
                    "type": "array",
                    "items": {
                        "required": ["name", "type", "description"],
                        "properties": {
                            "type": {"enum": ["string", "integer", "number", "boolean", "date"]}
                        },
                    },
                }
            },
        },
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("processed")
    write(real_tables(), real_raw(), place)
    return place


@pytest.mark.parametrize("name", TABLES)
def test_a_written_table_fits_its_description(folder, name):
    assert describe.faults(name, folder) == []


def test_the_package_describes_every_table_that_the_chapter_writes(folder):
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    written = {path.name for path in folder.glob("*.csv")}
    assert written <= {resource["path"] for resource in package["resources"]}
    for resource in package["resources"]:
        jsonschema.validate(resource, RESOURCE)


def test_numbers_have_units_unless_they_count_nothing(folder):
    for name in TABLES:
        for field, what in describe.schemas()[name]["fields"].items():
            if what["type"] == "number":
                assert what.get("unit"), f"{name}: {field}"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("value", "many", "not of type number"),
        ("as_of", "31/12/2022", "not of type date"),
        ("season", "winter", "not allowed"),
        ("rule", "", "a value is required"),
        ("n_facts", "0", "below the minimum"),
        ("province_code", "98", "is not in units.csv"),
        ("reading_id", "province_63/01/hi_coverage/2017-10-31", "not unique"),
    ],
)
def test_a_table_that_does_not_fit_is_noticed(folder, tmp_path, column, value, message):
    for name in ("readings", "units"):
        (tmp_path / f"{name}.csv").write_bytes((folder / f"{name}.csv").read_bytes())
    table = pd.read_csv(tmp_path / "readings.csv", dtype=str, keep_default_na=False)
    table.loc[0, column] = value
    table.to_csv(tmp_path / "readings.csv", index=False)
    assert any(message in fault for fault in describe.faults("readings", tmp_path))


def test_parquet_and_csv_hold_the_same_readings(folder):
    parquet = pd.read_parquet(folder / "readings.parquet")
    csv = pd.read_csv(folder / "readings.csv", dtype=str, keep_default_na=False)
    assert list(parquet.columns) == list(csv.columns)
    assert parquet["reading_id"].tolist() == csv["reading_id"].tolist()
    assert parquet["value"].tolist() == pytest.approx(csv["value"].astype(float).tolist())


def test_writing_twice_gives_the_same_bytes(folder, tmp_path):
    write(real_tables(), real_raw(), tmp_path)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_every_reading_leads_to_its_facts_and_sources(folder):
    lineage = pd.read_csv(folder / "lineage.csv", dtype=str, keep_default_na=False)
    readings = real_tables().readings
    assert set(lineage["reading_id"]) == set(readings["reading_id"])
    facts = real_raw().facts.set_index("row")
    for row in lineage.sample(50, random_state=1).itertuples():
        assert facts.loc[int(row.fact), "source_id"] == row.source_id
    addressed = lineage.loc[lineage["url"] != "", "url"]
    assert addressed.str.match("https?://").all()
    assert len(addressed) > 0.9 * len(lineage)


def test_each_source_of_a_unit_is_one_click_away():
    page = readings_of_unit(real_tables(), real_raw(), "14").html("en")
    url = real_raw().sources.set_index("source_id").loc["S284", "url"]
    assert f'<a href="{url}">S284</a>' in page


def test_hostile_text_and_addresses_do_not_reach_the_page():
    table = pd.DataFrame({"rule": ["<script>alert(1)</script>"], "sources": ['X"><b>;Y']})
    result = SourcedResult(
        "hostile",
        table,
        topic="readings",
        sources={'X"><b>': "javascript:alert(1)", "Y": 'https://a.vn/"onclick="x'},
    )
    page = result.html("en")
    assert "<script>" not in page
    assert "javascript:" not in page
    assert '"onclick="' not in page
    assert "&lt;script&gt;" in page


def test_an_unknown_province_is_refused():
    with pytest.raises(ValueError, match="neither 00 nor a province code"):
        readings_of_unit(real_tables(), real_raw(), "98")
