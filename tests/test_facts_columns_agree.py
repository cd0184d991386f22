"""The columns setter, announced, standing, doubt, denominator and versus say what the notes say.

Holds for the first 1,946 facts, whose notes the expressions were made for; later ones were read.
"""

import numpy as np
import pandas as pd
import pytest
from example_facts import real_raw

from analysis import targets
from analysis.readings import previous_year
from analysis.readings.evidence import NoteTable, denominator_version

LAST = 1947
OWN = {"derived", "announcement undated"}


@pytest.fixture(scope="module")
def facts():
    table = real_raw().facts
    return table[table["row"] <= LAST]


def test_setter_and_announcement_of_every_target(facts):
    raw = real_raw()
    table = facts[facts["kind"] == "target"]
    published = raw.sources.set_index("source_id")["published_on"].reindex(table["source_id"])
    documents = targets._documents(raw.policy_events)
    assert len(table) == 484
    assert table["setter"].tolist() == [targets.setter(note) for note in table["note"]]
    assert table["announced"].tolist() == [
        targets._announced(note, day, due, documents)
        for note, day, due in zip(table["note"], published, table["as_of"], strict=True)
    ]
    derived = [bool(targets._DERIVED.search(note)) for note in table["note"]]
    assert table["doubt"].str.contains("derived").tolist() == derived


def test_standing_and_doubt_of_every_result(facts):
    table = facts[facts["kind"] == "actual"]
    notes = NoteTable(table["note"])
    assert ((table["standing"] == "settled").to_numpy() == notes.settled).all()
    said = table["standing"].isin(["provisional", "estimate"]).to_numpy()
    assert (said == (notes.provisional & ~notes.settled)).all()
    assert table["doubt"].tolist() == list(notes.doubt)


def test_denominator_of_every_rate(facts):
    table = facts[facts["kind"] == "actual"]
    by_note = denominator_version(table, NoteTable(table["note"]))
    by_date = denominator_version(table)
    named = table["denominator"].where(table["denominator"].str.match("labour_force_(before|rest)"))
    by_column = np.where(named.notna(), named, by_date)
    assert (by_note == by_column).all()


def test_what_every_change_is_against(facts):
    table = facts[facts["indicator"].str.endswith("_change") & (facts["kind"] == "actual")]
    year_end = (table["as_of"].dt.month == 12) & (table["as_of"].dt.day == 31)
    before = table["as_of"] - pd.DateOffset(years=1)
    by_column = table["versus"].where(table["versus"].notna(), before.where(year_end))
    pd.testing.assert_series_equal(
        by_column, previous_year.base_dates(table), check_names=False, check_dtype=False
    )
