"""The SDMX files of a release: read by sdmx1 with their own structure, cell for cell the tables."""

import csv
import io
import xml.etree.ElementTree as Xml

import pytest

from analysis.report import describe
from analysis.site import sdmx

#: Synthetic cells of a column by its type; a key is told apart by its date.
CELLS = {"string": "text, with a comma", "integer": "3", "number": "41.5", "boolean": "True",
         "date": "2021-06-30"}  # fmt: skip


def table(flow, rows=3):
    """A synthetic table of a flow: every column filled, but for the basis of the first row."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(flow.fields), lineterminator="\n")
    writer.writeheader()
    for number in range(rows):
        row = {}
        for name, what in flow.fields.items():
            row[name] = what["enum"][-1] if what.get("enum") else CELLS[what["type"]]
        row |= {"indicator": "hi_coverage", "province_code": "01", flow.time: f"202{number}-12-31"}
        if number == 0 and "basis" in row:
            row["basis"] = ""
        writer.writerow(row)
    return written.getvalue().encode()


@pytest.fixture(scope="module")
def tables():
    return {flow.table: table(flow) for flow in sdmx.FLOWS}


@pytest.fixture(scope="module")
def made(tables):
    return sdmx.files(tables, "2026-11-22")


def test_the_four_tables_are_exchanged_with_one_structure(made):
    names = {f"sdmx/{name}.csv" for name in ("readings", "targets", "outcomes", "forecasts")}
    assert set(made) == names | {"sdmx/structure.xml"}


def test_the_same_tables_give_the_same_bytes(tables, made):
    assert sdmx.files(dict(reversed(tables.items())), "2026-11-22") == made


@pytest.mark.parametrize("flow", sdmx.FLOWS, ids=lambda flow: flow.table)
def test_sdmx1_reads_every_cell_by_the_structure(flow, tables, made):
    library = pytest.importorskip("sdmx")
    from sdmx.reader.csv import Reader

    message = library.read_sdmx(io.BytesIO(made["sdmx/structure.xml"]))
    content = io.BytesIO(made[f"sdmx/{flow.table}.csv"])
    reader = Reader()
    (found,) = reader.convert(content, structure=message.dataflow[flow.id]).data
    assert reader.options.custom_columns == [], "a column that the structure does not know"
    rows = list(csv.DictReader(io.StringIO(tables[flow.table].decode())))
    assert len(found.obs) == len(rows)
    for one, row in zip(found.obs, rows, strict=True):
        assert float(one.value) == float(row[flow.value])
        for name in flow.dimensions:
            value = str(one.dimension[flow.name_of_dimension(name)].value)
            assert value == (row[name] or sdmx.NOT_APPLICABLE)
        for name in flow.attributes:
            value = str(one.attached_attribute[flow.name_of(name)].value)
            coded = row[name].replace(" ", "_") if flow.fields[name].get("enum") else row[name]
            assert value == (coded.lower() if flow.fields[name]["type"] == "boolean" else coded)


@pytest.mark.parametrize("flow", sdmx.FLOWS, ids=lambda flow: flow.table)
def test_codes_of_the_data_are_in_the_lists_that_sdmx1_finds(flow, made):
    library = pytest.importorskip("sdmx")
    message = library.read_sdmx(io.BytesIO(made["sdmx/structure.xml"]))
    definition = message.structure[flow.id]
    assert [one.id for one in definition.dimensions] == list(
        map(flow.name_of_dimension, flow.dimensions)
    )
    assert [one.id for one in definition.measures] == ["OBS_VALUE"]
    rows = list(csv.DictReader(io.StringIO(made[f"sdmx/{flow.table}.csv"].decode())))
    coded = 0
    for one in [*definition.dimensions, *definition.attributes]:
        if listed := one.local_representation.enumerated:
            coded += 1
            assert {row[one.id] for row in rows} - {""} <= set(listed.items)
    assert coded >= 2


def test_every_reference_of_the_structure_leads_to_something_in_it(made):
    message = made["sdmx/structure.xml"]
    names = {one.get("id") for one in Xml.fromstring(message).iter() if one.tag != "Ref"}
    found = list(sdmx.references(message))
    assert len(found) > 50
    assert {name for _, name in found} <= names


def test_every_column_of_the_tables_is_described(made):
    text = made["sdmx/structure.xml"].decode("utf-8")
    for flow in sdmx.FLOWS:
        for what in describe.schemas()[flow.table]["fields"].values():
            assert " ".join(what["description"].split()).split("'")[0][:40] in text


def test_a_key_that_stands_twice_is_refused_with_both_rows():
    flow = sdmx.FLOWS[0]
    twice = table(flow, 2) + table(flow, 1).split(b"\n", 1)[1]
    with pytest.raises(ValueError, match=r"readings.csv, row 4: the same key as row 2"):
        sdmx.data(flow, twice)


def test_a_word_that_is_in_no_list_is_refused():
    flow = sdmx.FLOWS[0]
    with pytest.raises(ValueError, match=r"row 2: unit: 'bushels' is in no list of codes"):
        sdmx.data(flow, table(flow).replace(b",days,", b",bushels,"))


def test_a_release_without_these_tables_has_no_sdmx():
    assert sdmx.files({"units": b"code\n"}, "2026-11-22") == {}
