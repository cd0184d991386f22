"""Guarded corrections: they act where they expect to, and stop the run where they do not."""

import dataclasses

import pytest
from example_facts import fact, raw_with, real_raw
from raw_folder import change, copy_real

from analysis.facts import CorrectionError, check, corrected
from analysis.facts.plausible import correction_faults
from analysis.paths import RAW
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


def test_misprints_stay_as_printed_and_are_read_as_meant():
    """The texts print 1.6 billion, health insurance and participants; none of it can be meant."""
    raw, facts = real_raw(), corrected(real_raw())
    meant = {
        "YB-1": ("collections", 1.6, "collections", 1600.0),
        "BD-1": ("hi_participants", 119_165, "ui_participants", 119_165),
        "BD-2": ("hi_participants_change", 3808, "ui_participants_change", 3808),
        "QN-4": ("si_compulsory_participants", 847_372, "labour_force_working_age", 847_372),
        "QN-5": ("si_compulsory_participants", 908_709, "labour_force_working_age", 908_709),
    }
    for name, (printed, value, indicator, right) in meant.items():
        row = facts[facts["correction"] == name].iloc[0]
        before = raw.facts[raw.facts["row"] == row["row"]].iloc[0]
        assert (before["indicator"], before["value"]) == (printed, value)
        assert (row["indicator"], row["value"]) == (indicator, right)


def test_a_misprint_without_its_correction_is_refused(tmp_path):
    folder = copy_real(tmp_path / "raw")
    rows = (folder / "corrections.csv").read_text("utf-8").splitlines()
    kept = [row for row in rows if not row.startswith("YB-1")]
    (folder / "corrections.csv").write_text("\n".join(kept) + "\n", "utf-8")
    faults = check(folder)
    assert [(f.column, f.value) for f in faults] == [("value", "1.6")]
    assert "size" in faults[0].message


def test_figures_that_were_not_taken_have_a_reason_and_are_not_among_the_facts():
    import csv

    with (RAW / "not_taken.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows and all(row["reason"] and row["read_in"] for row in rows)
    facts = real_raw().facts
    for row in rows:
        if row["file"] != "facts" or "-" not in row["as_of"]:
            continue
        source = row["read_in"].split()[0]
        same = facts[
            (facts["source_id"] == source)
            & (facts["indicator"] == row["indicator"])
            & (facts["value"] == float(row["value"]))
            & (facts["as_of"] == row["as_of"])
        ]
        assert same.empty, row


@pytest.mark.parametrize(
    ("indicator", "message"),
    [("late_payment_amount", "another unit"), ("hi_covrage", "does not fit"), ("ui_coverage", "")],
)
def test_an_indicator_is_corrected_to_one_of_the_same_unit(indicator, message):
    rule = (
        real_raw()
        .corrections.iloc[:1]
        .assign(indicator="hi_coverage", action="indicator", corrected=indicator)
    )
    found = [fault.message for fault in correction_faults(rule)]
    assert [message in text for text in found] == [True] * bool(message)
