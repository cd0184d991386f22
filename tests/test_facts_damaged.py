"""Damaged raw tables never pass silently: the same tables, or a fault that names the place.

2,025 cases in `make test`, 20,250 in `make fuzz`, over all nine tables; see `damage` for the kinds.
"""

import os
from functools import cache

import pandas as pd
import pytest
from damage import TABLE_DAMAGES, cell_damages, damaged_cell, small_tables, text_of
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.facts import TABLES
from analysis.facts.load import validated

MORE = 10 if os.environ.get("ANALYSIS_FUZZ") else 1
CASES = {"cells": 145 * MORE, "tables": 80 * MORE}
WHOLE = st.integers(0, 10_000)


@cache
def rows_of(table):
    return small_tables()[table]


@cache
def contents():
    return {table: text_of(rows_of(table)).encode() for table in TABLES}


@cache
def expected():
    tables, faults = validated(contents())
    assert not faults, "\n".join(map(str, faults))
    return tables


def hold(table, damage, name):
    """The rule: refused at its place, or read as before; free text as it was written."""
    tables, faults = validated({**contents(), table: damage.content})
    if faults:
        assert tables == {}, "tables must not be given beside faults"
        assert damage.must != "same", f"{name}: {faults[0]}"
        assert any(names_place(fault, table, damage) for fault in faults), (
            f"{name}: none of the faults names {table}.csv, rows {damage.rows[:3]}, "
            f"columns {damage.columns}: " + "; ".join(map(str, faults[:3]))
        )
        return
    assert damage.must != "refused", f"{name} of {table} passed silently"
    wanted = dict(expected())
    if damage.arrives:
        wanted = validated({**contents(), table: text_of(damage.arrives).encode()})[0]
    for other in TABLES:
        found, right = tables[other], wanted[other]
        if damage.any_order and other == table:
            found, right = in_order(found), in_order(right)
        if not found.equals(right):
            pd.testing.assert_frame_equal(found, right, check_exact=True, obj=f"{name}: {other}")


def in_order(frame):
    bare = frame.drop(columns="row")
    return bare.sort_values(list(bare.columns), ignore_index=True)


def names_place(fault, table, damage):
    if fault.file == f"{table}.csv":
        # Where two rows contradict each other, the fault stands at one and names the other.
        told = fault.message.partition("row ")[2].partition(",")[0]
        in_row = fault.row in damage.rows or told in map(str, damage.rows)
        # A fault of form (encoding, quotation marks, number of cells) has no column; a correction
        # whose place is damaged matches no fact.
        columns = (*damage.columns, "", *["expected_value"] * (table == "corrections"))
        return in_row and (not damage.columns or fault.column in columns)
    # The damaged cell was referred to: the fault stands at the row that refers to it.
    return any(text and text in (fault.value, fault.message) for text in damage.before)


def test_the_tables_that_are_damaged_are_in_order_and_varied():
    tables = expected()
    assert set(tables) == set(TABLES)
    assert len(tables["facts"]) > 40 and len(tables["corrections"]) >= 4
    assert tables["facts"]["indicator"].nunique() > 12


@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_cell(table):
    rows = rows_of(table)

    @settings(max_examples=CASES["cells"])
    @given(row=st.integers(2, len(rows)), column=st.sampled_from(rows[0]), kind=WHOLE)
    def case(row, column, kind):
        fits = cell_damages(table, column, rows[row - 1][rows[0].index(column)])
        name = fits[kind % len(fits)]
        hold(table, damaged_cell(table, rows, row, column, name), f"{name} ({column}, row {row})")

    case()


@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_file(table):
    rows = rows_of(table)

    @settings(max_examples=CASES["tables"])
    @given(name=st.sampled_from(sorted(TABLE_DAMAGES)), a=WHOLE, b=WHOLE)
    def case(name, a, b):
        hold(table, TABLE_DAMAGES[name](table, rows, a, b), f"{name} ({a}, {b})")

    case()
