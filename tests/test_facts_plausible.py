"""Figures that can be read but cannot be meant: of another size, unit or day than the rest."""

import pandas as pd
import pytest
from damage import rows_of, small_tables, text_of

from analysis.facts import TABLES, load_raw
from analysis.facts.load import validated
from analysis.facts.plausible import covariate_faults

TABLE = small_tables()


def faults_of(table, change):
    """Faults of the small tables after `change` has changed the rows of one of them."""
    contents = {name: text_of(rows).encode() for name, rows in TABLE.items()}
    rows = rows_of(text_of(TABLE[table]))
    place = change(rows)
    _, faults = validated({**contents, table: text_of(rows).encode()})
    return place, [f for f in faults if f.file == f"{table}.csv"]


def setting(column, value, where=lambda row: True):
    """Set a cell of the first row that fits; a function of the old text, or a text."""

    def change(rows):
        head = rows[0]
        number = next(n for n, r in enumerate(rows) if n and where(dict(zip(head, r, strict=True))))
        at = head.index(column)
        old = rows[number][at]
        rows[number][at] = value(old) if callable(value) else value
        return number + 1

    return change


def is_a(**wanted):
    return lambda row: all(row[name] == value for name, value in wanted.items())


def moved(by):
    """Move the decimal point: 1,000 times smaller or larger, as separators do when misread."""
    return lambda text: f"{float(text) * by:.3f}".rstrip("0").rstrip(".")


CASES = {
    "points in a count": (
        "facts", "value", lambda text: "295.000", is_a(indicator="si_voluntary_participants"),
        "is not a whole number"),
    "an amount 1,000 times too small": (
        "facts", "value", moved(1e-3), is_a(indicator="late_payment_amount"),
        "is not of a size"),
    "collections 1,000 times too large": (
        "facts", "value", moved(1e3), is_a(indicator="collections"), "is not of a size"),
    "a result from after its publication": (
        "facts", "as_of", "2031-12-31", is_a(kind="actual", province_code="00"),
        "later than the publication"),
    "a plan rate as a fraction": (
        "facts", "value", moved(1e-2), is_a(indicator="collections_plan_rate"), "fraction"),
    "a percentage with a lost separator": (
        "facts", "value", "92.345", is_a(indicator="hi_coverage", kind="actual"),
        "more decimals"),
    "a province after its merger": (
        "facts", "as_of", "2025-12-31",
        is_a(kind="actual", province_code="91", geo_level="province_63"),
        "part of An Giang; write province_34 and its code 91"),
    "a date of a spreadsheet's beginning": (
        "facts", "as_of", "1900-01-01", is_a(kind="actual"), "is not a date"),
    "population in thousands": (
        "population", "persons", lambda text: str(int(text) // 1000), is_a(),
        "far from the other years"),
    "a percentage among the covariates as a fraction": (
        "covariates", "value", moved(1e-2), is_a(covariate="urban_share"), "far from the other"),
    "a count among the covariates with a point": (
        "covariates", "value", moved(1e-3),
        lambda row: row["covariate"] == "urban_population" and not row["value"].endswith("00"),
        "three decimals"),
    "an area that no province has": (
        "covariates", "value", moved(1e-3), is_a(covariate="area"), "far from the other"),
    "a covariate in two units": (
        "covariates", "unit", "persons", is_a(covariate="pci", year="2012"),
        "is not the unit of row"),
    "a misspelt covariate": (
        "covariates", "covariate", "urban_shares", is_a(covariate="urban_share"),
        "one province only"),
    "a score beyond its scale": (
        "covariates", "value", "612.4", is_a(covariate="pci"), "outside the score's scale"),
    "members that contradict each other": (
        "provinces", "merged_name_en", "Elsewhere", is_a(province_code="08"), "differs from row"),
    "a tile off the map": (
        "provinces", "tile_row", "4000", is_a(), "lies off the map"),
    "a Vietnamese name among the English ones": (
        "provinces", "name_en", "Hà Nội", is_a(province_code="01"), "is no English name"),
    "a correction whose content does not fit": (
        "corrections", "corrected", "many", is_a(action="basis"), "does not fit the column"),
    "a reason in the other language": (
        "corrections", "reason", "Con số vượt tổng", is_a(), "is not in English letters"),
    "an event that bears on nothing": (
        "policy_events", "affects", "the weather", is_a(), "names no indicator"),
    "a sign that cannot be read": (
        "policy_events", "expected_sign", "up", is_a(), "begins with no"),
    "what a program writes for nothing": (
        "facts", "note", "nan", is_a(), "leave the cell empty"),
    "letters that were lost": (
        "sources", "title", "Qu?ng Nam", is_a(), "question mark in place of a letter"),
    "a letter of another alphabet": (
        "sources", "title", "Ð ng Nai", is_a(), "only looks like"),
    "two addresses in one cell": (
        "sources", "url", "https://a.vn/x?https://b.vn", is_a(), "is not an http or https"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_meant_is_named_at_its_cell(name):
    table, column, value, where, message = CASES[name]
    row, faults = faults_of(table, setting(column, value, where))
    found = [f for f in faults if message in f.message]
    assert found, f"{name}: {[str(f) for f in faults]}"
    # Of members that contradict each other, the one that comes later is at fault.
    assert found[0].row == row or f"row {row}" in found[0].message
    assert found[0].column == column


def test_a_place_in_the_map_that_another_unit_has():
    def onto_the_neighbour(rows):
        rows[2][4:6] = rows[1][4:6]
        return 3

    row, faults = faults_of("provinces", onto_the_neighbour)
    assert [(f.row, f.column) for f in faults] == [(row, "tile_row")]


def test_a_map_on_its_side():
    def turned(rows):
        for row in rows[1:]:
            row[4], row[5] = row[5], row[4]
        return 0

    assert "on its side" in faults_of("provinces", turned)[1][0].message


def test_neighbours_stand_once_with_the_smaller_code_first():
    def turned(rows):
        rows[3] = rows[3][::-1]
        return 4

    row, faults = faults_of("adjacency", turned)
    assert [(f.row, f.column) for f in faults] == [(row, "code_a")]


def test_a_year_of_population_that_is_missing():
    _, faults = faults_of("population", lambda rows: rows.pop(4) and 0)
    assert [f.message for f in faults] == ["the province lacks 2013 (post_2019_census)"]


def test_a_cell_with_a_line_break_does_not_hide_the_faults_of_other_rows():
    def two(rows):
        rows[3][1] = rows[3][1][:3] + "\n" + rows[3][1][3:]
        rows[6][5] = "Vietnamese"
        return 4

    row, faults = faults_of("sources", two)
    assert [(f.row, f.column) for f in faults] == [(row, ""), (8, "language")]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\xef\xbb\xbf\n\n", "is empty"), (None, "the file is missing")],
)
def test_nothing_is_told_from_a_missing_file(table, content, message):
    contents = {name: text_of(rows).encode() for name, rows in TABLE.items()}
    _, faults = validated({**contents, table: content})
    assert message in next(f.message for f in faults if f.file == f"{table}.csv")


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator_is_named(sign, name):
    contents = {one: text_of(rows).encode() for one, rows in TABLE.items()}
    contents["facts"] = text_of(TABLE["facts"], delimiter=sign).encode()
    fault = validated(contents)[1][0]
    assert (fault.file, fault.row) == ("facts.csv", 1) and name in fault.message


def test_a_zero_byte_is_named_with_its_row_and_column():
    contents = {name: text_of(rows).encode() for name, rows in TABLE.items()}
    rows = rows_of(text_of(TABLE["sources"]))
    rows[4][2] = "\0" + rows[4][2]
    fault = validated({**contents, "sources": text_of(rows).encode()})[1][0]
    assert (fault.row, fault.column) == (5, "title")
    assert "\0" not in str(fault)


@pytest.mark.parametrize(
    ("covariate", "year", "wrong"),
    [
        ("labour_force_revised", "2021", True),
        ("labour_force", "2021", True),
        ("labour_force_new_definition", "2020", True),
        ("labour_force_revised", "2020", False),
        ("labour_force_new_definition", "2021", False),
    ],
)
def test_no_series_of_the_labour_force_runs_across_the_new_definition(covariate, year, wrong):
    rows = pd.DataFrame(
        [
            {"province_code": code, "year": year, "covariate": covariate, "value": value,
             "unit": "persons", "source_id": "GSO-2023", "row": row}
            for row, (code, value) in enumerate([("01", "4011800"), ("04", "170000")], start=2)
        ]
    )  # fmt: skip
    faults = [f for f in covariate_faults(rows) if f.column == "year"]
    assert [f.row for f in faults] == ([2, 3] if wrong else [])
    assert all("new definition of work" in fault.message for fault in faults)


def test_the_real_labour_force_is_carried_in_both_vintages_on_its_side_of_the_break():
    table = load_raw().covariates
    years = table.groupby("covariate")["year"].agg(["min", "max", "size"])
    assert years.loc["labour_force"].tolist() == [2010, 2016, 63 * 7]
    assert years.loc["labour_force_revised"].tolist() == [2010, 2020, 63 * 11]
    assert years.loc["labour_force_new_definition"].tolist() == [2021, 2021, 63]
