"""Guarded corrections: they act where they expect to, and stop the run where they do not."""

import dataclasses

import pytest
from example_facts import fact, raw_with, real_raw
from raw_folder import change, copy_real

from analysis.facts import CorrectionError, check, corrected
from analysis.readings import build_readings


def corrected_facts(action, text, expected=92.0):
    raw = raw_with([fact(92.0), fact(91.0, source_id="B")])
    rule = {
        "correction_id": "T-1",
        "geo_level": "province_63",
        "province_code": "89",
        "indicator": "hi_coverage",
        "kind": "actual",
        "as_of": "2022-12-31",
        "source_id": "A",
        "expected_value": expected,
        "action": action,
        "corrected": text,
        "reason": "a test",
        "reason_vi": "thử",
        "row": 2,
    }
    rules = real_raw().corrections.iloc[:1].assign(**rule)
    return corrected(dataclasses.replace(raw, corrections=rules))


def test_a_value_is_replaced_and_the_other_source_left_alone():
    facts = corrected_facts("value", "82")
    assert list(facts["value"]) == [82.0, 91.0]
    assert list(facts["correction"]) == ["T-1", ""]


def test_a_dropped_fact_is_gone():
    assert list(corrected_facts("drop", "")["source_id"]) == ["B"]


def test_a_basis_and_a_date_are_corrected():
    assert corrected_facts("basis", "unspecified")["basis"].iloc[0] == "unspecified"
    assert corrected_facts("as_of", "2021-12-31")["as_of"].dt.year.tolist() == [2021, 2022]


def test_a_correction_that_matches_nothing_stops_the_run():
    with pytest.raises(CorrectionError, match="T-1 matches no fact"):
        corrected_facts("value", "82", expected=92.5)


def test_every_correction_of_the_project_matches():
    raw = real_raw()
    facts = corrected(raw)
    named = {name for cell in facts["correction"] for name in cell.split(";") if name}
    dropped = set(raw.corrections.loc[raw.corrections["action"] == "drop", "correction_id"])
    assert named | dropped == set(raw.corrections["correction_id"])
    assert len(raw.facts) - len(facts) == len(dropped)


def test_a_changed_published_value_is_reported_by_check_and_stops_readings(tmp_path):
    folder = copy_real(tmp_path / "raw")
    change(folder, "facts", 714, "value", "1278317.0")
    faults = check(folder)
    assert [(f.file, f.column) for f in faults] == [("corrections.csv", "expected_value")]
    raw = real_raw()
    moved = raw.facts.assign(value=raw.facts["value"].where(raw.facts["row"] != 714, 1_278_317.0))
    with pytest.raises(CorrectionError, match="SL-1"):
        build_readings(dataclasses.replace(raw, facts=moved))


def test_the_raw_facts_stay_as_published():
    raw = real_raw()
    before = raw.facts.copy()
    corrected(raw)
    assert before.equals(raw.facts)
