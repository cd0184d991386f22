"""What must hold for any facts: repeats and order change nothing, intervals hold their value."""

import dataclasses

import pandas as pd
from example_facts import fact, raw_with, real_raw, real_tables, source
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.readings import KEY, build_readings, read_published

VALUES = ["value", "lower", "upper", "rule", "denominator_version", "season"]
STANDINGS = ["", "provisional", "estimate", "settled"]
DOUBTS = ["", "year inferred", "date approximate;text cut"]
DENOMINATORS = ["", "labour_force_before_2022_10"]
NAMES = "ABCDEF"

sources = st.tuples(
    *(
        st.fixed_dictionaries(
            {
                "publisher": st.sampled_from(["Paper", "VSS", "Portal"]),
                "published": st.sampled_from(["", "2022-12-20", "2023-01-05", "2023-06-30"]),
                "url": st.sampled_from(["", "https://a.vn/1", "https://b.gov.vn/2"]),
            }
        )
        for _ in NAMES
    )
).map(lambda given: [source(name, **what) for name, what in zip(NAMES, given, strict=True)])

facts = st.lists(
    st.builds(
        lambda value, **what: fact(value, **what),
        value=st.sampled_from([90.0, 90.5, 90.52, 91.0, 92.3, 88.0]),
        qualifier=st.sampled_from(["exact", "about", "over", "under"]),
        source_id=st.sampled_from(NAMES),
        standing=st.sampled_from(STANDINGS),
        doubt=st.sampled_from(DOUBTS),
        denominator=st.sampled_from(DENOMINATORS),
        as_of=st.sampled_from(["2022-12-31", "2022-06-30"]),
        indicator=st.sampled_from(["hi_coverage", "si_coverage"]),
    ),
    min_size=1,
    max_size=9,
)


def values(raw):
    readings = read_published(raw).readings
    return readings.set_index(KEY)[VALUES].sort_index()


@settings(max_examples=12)
@given(facts, sources, st.randoms(use_true_random=False))
def test_row_order_never_matters(rows, known, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    pd.testing.assert_frame_equal(values(raw_with(rows, known)), values(raw_with(shuffled, known)))


@settings(max_examples=15)
@given(facts, sources, st.data())
def test_a_source_that_repeats_another_never_moves_a_value(rows, known, data):
    row = data.draw(st.sampled_from(rows))
    copied = next(entry for entry in known if entry["source_id"] == row["source_id"])
    later = data.draw(st.sampled_from([copied["published"], "2024-12-31"]))
    later = later if copied["published"] else ""
    copy = {**copied, "source_id": "Z", "published": later}
    more = [*rows, {**row, "source_id": "Z"}]
    before = values(raw_with(rows, known))
    after = values(raw_with(more, [*known, copy]))
    # Two copies of one source agree with each other; that is no reason of its own.
    same = {"sources_agree": "single_source"}
    after["rule"], before["rule"] = after["rule"].replace(same), before["rule"].replace(same)
    pd.testing.assert_frame_equal(before, after)


@settings(max_examples=15)
@given(facts, sources)
def test_every_value_lies_within_its_interval(rows, known):
    readings = read_published(raw_with(rows, known)).readings
    assert (readings["lower"] <= readings["value"]).all()
    assert (readings["value"] <= readings["upper"]).all()


@settings(max_examples=12)
@given(facts, sources)
def test_a_key_is_read_or_named_as_left_out_never_lost(rows, known):
    read_rows = read_published(raw_with(rows, known))
    keys = set(map(tuple, pd.DataFrame(rows)[KEY].itertuples(index=False)))
    read = set(map(tuple, read_rows.readings[KEY].itertuples(index=False)))
    candidates = read_rows.candidates
    left = candidates[candidates["rule"] == "unsettled"]
    assert keys == read | set(map(tuple, left[KEY].itertuples(index=False)))


def test_derived_readings_lie_within_their_intervals_and_replace_nothing():
    tables = real_tables()
    readings = tables.readings
    assert not readings.duplicated(KEY).any()
    assert (readings["lower"] <= readings["value"]).all()
    assert (readings["value"] <= readings["upper"]).all()
    assert (readings["known_on"] >= readings["as_of"]).all()


def test_the_real_facts_in_another_order_give_the_same_readings():
    raw = real_raw()
    shuffled = dataclasses.replace(raw, facts=raw.facts.sample(frac=1, random_state=7))
    again = build_readings(shuffled)
    pd.testing.assert_frame_equal(again.readings, real_tables().readings)
    pd.testing.assert_frame_equal(again.conflicts, real_tables().conflicts)
    pd.testing.assert_frame_equal(again.identities, real_tables().identities)
