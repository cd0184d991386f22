"""Every kind of fault in the raw tables is named with file, row, column and value, all at once."""

import unicodedata

import pandas as pd
import pytest
from raw_folder import change, copy_real, find, make

from analysis.facts import RawDataError, check, load_raw
from analysis.facts.text import Fault


@pytest.fixture
def folder(tmp_path):
    return make(tmp_path / "raw")


def the_fault(folder):
    faults = check(folder)
    assert len(faults) == 1, "\n".join(map(str, faults))
    return faults[0]


def test_the_projects_own_tables_are_in_order():
    assert check() == []


def test_the_small_tables_are_in_order(folder):
    assert check(folder) == []


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("geo_level", "province", "is not a level"),
        ("province_code", "1", "is not a unit of this level"),
        ("province_code", "99", "is not a unit of this level"),
        ("indicator", "hi_covrage", "is not a known indicator"),
        ("basis", "gross", "is not a known basis"),
        ("unit", "share", "is not the unit of this indicator"),
        ("source_id", "S9999", "is not a source of sources.csv"),
        ("value", "101", "lies outside what this indicator allows"),
        ("value", "-3", "lies outside what this indicator allows"),
        ("value", "0.925", "looks like a fraction"),
        ("value", "92,5", "is not a plain number"),
        ("value", "92.5%", "is not a plain number"),
        ("value", "1.278.316", "is not a plain number"),
        ("value", "nan", "is not a plain number"),
        ("value", "inf", "is not a plain number"),
        ("value", "9e1", "is not a plain number"),
        ("value", "", "is not a plain number"),
        ("value", "９２", "is not a plain number"),
        ("as_of", "31/12/2022", "is not a date written as YYYY-MM-DD"),
        ("as_of", "2022-02-30", "is not a date written as YYYY-MM-DD"),
        ("as_of", "2022-12", "is not a date written as YYYY-MM-DD"),
        ("as_of", "44926", "is not a date written as YYYY-MM-DD"),
        ("qualifier", "circa", "is not exact, about, over or under"),
        ("kind", "plan", "is neither actual nor target"),
        ("transcriptions", "two", "is not a whole number"),
        ("note", "=HYPERLINK(1)", "would be computed as a formula"),
        ("note", "@SUM(A1:A9)", "would be computed as a formula"),
        ("note", "+cmd|' /C calc'!A0", "would be computed as a formula"),
        ("note", "x" * 10_000, "has 10,000 characters"),
        ("note", "zero\u200bwidth", "invisible control character"),
        ("note", "tỷ lá»‡ bao phá»§", "wrong encoding"),
        ("note", "replacement \ufffd", "wrong encoding"),
        ("province", "Ha Nam", "is not the name that belongs to the code"),
    ],
)
def test_a_bad_cell_of_the_facts_is_named(folder, column, value, message):
    row = find(folder, "facts", "indicator", "hi_coverage")
    change(folder, "facts", row, column, value)
    faults = [fault for fault in check(folder) if fault.column == column]
    assert len(faults) == 1
    assert (faults[0].file, faults[0].row, faults[0].value) == ("facts.csv", row, value)
    assert message in faults[0].message


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://x.vn/a", "file:///etc/passwd",
                                     "//x.vn", "http://", "https://a b.vn"])  # fmt: skip
def test_addresses_other_than_http_are_refused(folder, address):
    change(folder, "sources", 5, "url", address)
    fault = the_fault(folder)
    assert (fault.file, fault.row, fault.column) == ("sources.csv", 5, "url")


def test_participants_above_the_population(folder):
    row = find(folder, "facts", "indicator", "hi_participants")
    change(folder, "facts", row, "value", "199000000")
    assert "exceed the population" in the_fault(folder).message


def test_a_thousands_point_in_a_count_is_not_taken_for_a_decimal(folder):
    row = find(folder, "facts", "indicator", "hi_participants")
    change(folder, "facts", row, "value", "1278.316")
    assert "is not a whole number" in the_fault(folder).message


def test_a_duplicate_fact_names_the_row_that_it_repeats(folder):
    path = folder / "facts.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[3]]) + "\n", "utf-8")
    fault = the_fault(folder)
    assert (fault.row, fault.message) == (len(lines) + 1, "repeats row 4")


def test_missing_and_extra_columns_are_both_named(folder):
    path = folder / "facts.csv"
    path.write_text(path.read_text("utf-8").replace("qualifier", "word", 1), "utf-8")
    assert [str(fault) for fault in check(folder)] == [
        "facts.csv:1: qualifier: the column is missing",
        "facts.csv:1: word: is not a column of this table",
    ]


def test_a_row_with_too_few_fields(folder):
    path = folder / "adjacency.csv"
    lines = path.read_text("utf-8").splitlines()
    lines[4] = lines[4].split(",")[0]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    fault = the_fault(folder)
    assert (fault.file, fault.row) == ("adjacency.csv", 5)
    assert "has 1 fields where the header has 2" in fault.message


def test_an_open_quotation_mark_does_not_swallow_the_rest(folder):
    path = folder / "facts.csv"
    lines = path.read_text("utf-8").splitlines()
    lines[6] = '"' + lines[6]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    faults = [fault for fault in check(folder) if fault.file == "facts.csv"]
    assert len(faults) == 1
    assert "check the quotation marks" in faults[0].message


def test_a_ragged_row_does_not_hide_the_faults_of_other_rows(folder):
    change(folder, "adjacency", 7, "code_b", "98")
    path = folder / "adjacency.csv"
    lines = path.read_text("utf-8").splitlines()
    lines[2] += ",extra"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert [(fault.row, fault.column) for fault in check(folder)] == [(3, ""), (7, "code_b")]


def test_another_encoding_is_named_with_its_row(folder):
    path = folder / "provinces.csv"
    content = path.read_bytes().replace("Cao Bằng".encode(), "Cao B\xe0ng".encode("latin-1"), 1)
    path.write_bytes(content)
    fault = next(fault for fault in check(folder) if fault.file == "provinces.csv")
    assert fault.row == find(make(folder.parent / "good"), "provinces", "name_en", "Cao Bang")
    assert "is not UTF-8" in fault.message


def test_utf_16_and_a_missing_file(folder):
    text = (folder / "sources.csv").read_text("utf-8")
    (folder / "sources.csv").write_bytes(text.encode("utf-16"))
    (folder / "adjacency.csv").unlink()
    messages = {fault.file: fault.message for fault in check(folder)}
    assert messages == {
        "sources.csv": "is UTF-16; save it as CSV UTF-8",
        "adjacency.csv": "the file is missing; restore it from git",
    }


def test_all_faults_come_at_once_in_order(folder):
    change(folder, "facts", 3, "value", "many")
    change(folder, "facts", 2, "as_of", "soon")
    change(folder, "sources", 4, "published", "May")
    change(folder, "population", 9, "persons", "12.5")
    places = [(fault.file, fault.row, fault.column) for fault in check(folder)]
    assert places == [
        ("facts.csv", 2, "as_of"),
        ("facts.csv", 3, "value"),
        ("population.csv", 9, "persons"),
        ("sources.csv", 4, "published"),
    ]
    with pytest.raises(RawDataError, match="4 faults in the raw tables") as error:
        load_raw(folder)
    assert "facts.csv:3: value: many: is not a plain number" in str(error.value)


def test_population_in_thousands_is_noticed(folder):
    change(folder, "population", 9, "persons", "815")
    assert "write persons, not thousands" in the_fault(folder).message


def test_what_means_the_same_gives_the_same_tables(folder):
    expected = load_raw(folder)
    for table in ("facts", "provinces", "sources"):
        path = folder / f"{table}.csv"
        text = unicodedata.normalize("NFD", path.read_text("utf-8")).replace("\n", "\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + text.encode("utf-8") + b"\r\n\r\n")
    found = load_raw(folder)
    for table in ("facts", "provinces", "sources"):
        pd.testing.assert_frame_equal(getattr(found, table), getattr(expected, table))


def test_the_order_of_columns_does_not_matter(folder):
    expected = load_raw(folder).facts
    table = pd.read_csv(folder / "facts.csv", dtype=str, keep_default_na=False)
    table[sorted(table.columns)].to_csv(folder / "facts.csv", index=False)
    pd.testing.assert_frame_equal(load_raw(folder).facts, expected)


def test_the_real_tables_can_be_read_from_another_folder(tmp_path):
    assert len(load_raw(copy_real(tmp_path / "raw")).facts) == len(load_raw().facts)


def test_a_fault_is_one_line_with_a_shortened_value():
    fault = Fault("facts.csv", 7, "note", "x" * 500, "is too long")
    assert len(str(fault)) < 150
    assert "\n" not in str(fault)
