"""Damaged cells never pass silently: the tables are identical, or a fault names the place."""

import os

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_folder import cell, change, make

from analysis.facts import check, load_raw

CASES = 1500 if os.environ.get("ANALYSIS_FUZZ") else 40
COLUMNS = ["geo_level", "province_code", "province", "indicator", "value", "unit", "qualifier"]
COLUMNS += ["kind", "as_of", "source_id", "basis"]

DAMAGE = {
    "emptied": lambda text: "",
    "blanks around": lambda text: f"  {text} ",
    "doubled": lambda text: text + text,
    "formula": lambda text: f"={text}",
    "nan": lambda text: "NaN",
    "infinite": lambda text: "inf",
    "huge": lambda text: "9" * 40,
    "long": lambda text: text + "x" * 10_000,
    "comma": lambda text: text.replace(".", ",") if "." in text else text + ",0",
    "thousands": lambda text: "1,234,567",
    "points": lambda text: "1.234.567",
    "other date": lambda text: "31.12.2022",
    "fraction": lambda text: "0.0091",
    "control": lambda text: text + "\x07",
    "hostile": lambda text: "<script>alert(1)</script>",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = make(tmp_path_factory.mktemp("damaged") / "raw")
    return folder, load_raw(folder), (folder / "facts.csv").read_text("utf-8")


@settings(max_examples=CASES)
@given(
    row=st.integers(2, 30),
    column=st.sampled_from(COLUMNS),
    damage=st.sampled_from(sorted(DAMAGE)),
)
def test_a_damaged_fact_is_refused_at_its_place_or_changes_nothing(place, row, column, damage):
    folder, expected, text = place
    (folder / "facts.csv").write_text(text, "utf-8")
    before = cell(folder, "facts", row, column)
    change(folder, "facts", row, column, DAMAGE[damage](before))
    faults = check(folder)
    if faults:
        assert any(f.file == "facts.csv" and f.row == row for f in faults), list(map(str, faults))
        return
    found = load_raw(folder).facts
    if damage == "emptied" and column == "basis":
        return  # A basis may be empty: this is another, valid fact.
    pd.testing.assert_frame_equal(found, expected.facts)


def test_swapped_columns_are_refused(place):
    folder, _, text = place
    header, rest = text.split("\n", 1)
    swapped = header.replace("as_of", "?").replace("value", "as_of").replace("?", "value")
    (folder / "facts.csv").write_text(swapped + "\n" + rest, "utf-8")
    faults = check(folder)
    (folder / "facts.csv").write_text(text, "utf-8")
    assert {fault.column for fault in faults} >= {"as_of", "value"}


def test_shuffled_rows_give_the_same_facts(place):
    folder, expected, text = place
    header, *rows = text.strip().split("\n")
    (folder / "facts.csv").write_text("\n".join([header, *reversed(rows)]) + "\n", "utf-8")
    found = load_raw(folder).facts
    (folder / "facts.csv").write_text(text, "utf-8")
    order = ["geo_level", "province_code", "indicator", "as_of", "value", "source_id", "note"]
    columns = [name for name in found.columns if name != "row"]
    pd.testing.assert_frame_equal(
        found.sort_values(order, ignore_index=True)[columns],
        expected.facts.sort_values(order, ignore_index=True)[columns],
    )
