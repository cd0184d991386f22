"""Figures of one's own: completed, checked as a whole, previewed, written whole or not at all."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook

from analysis import paths
from analysis.facts import load_raw
from analysis.intake.preview import changed_readings, surprising_persons
from analysis.intake.proposal import propose_facts
from analysis.intake.sheet import LATER, NAMES, IntakeError, read_sheet, write_template
from analysis.readings import build_readings
from analysis.readings.targets import targets
from analysis.runs.environment import pinned

NEW = {
    "geo_level": "province_63",
    "province_code": "83",
    "indicator": "hi_coverage",
    "value": "95.6",
    "as_of": "2024-12-31",
    "source_url": "https://example.org/ben-tre",
    "source_title": "Results of 2024",
    "source_publisher": "Newspaper",
    "source_published": "2025-01-10",
}


@pytest.fixture
def raw_dir(tmp_path):
    folder = tmp_path / "raw"
    shutil.copytree(str(paths.RAW), folder)
    return folder


def written(path: Path, *rows: dict) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, NAMES, restval="")
        sheet.writeheader()
        sheet.writerows(rows)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_new_figure_becomes_one_fact_one_source_and_one_reading(raw_dir, tmp_path):
    before = load_raw(raw_dir)
    proposal = propose_facts(read_sheet(written(tmp_path / "mine.csv", NEW)), "mine.csv", raw_dir)
    after = proposal.checked()
    assert contents(raw_dir)["facts.csv"] == (raw_dir / "facts.csv").read_bytes()
    proposal.write()
    fact = load_raw(raw_dir).facts.iloc[-1]
    assert (fact["province"], fact["unit"], fact["kind"]) == ("Ben Tre", "percent", "actual")
    source = load_raw(raw_dir).sources.iloc[-1]
    assert fact["source_id"] == source["source_id"] and source["title"] == "Results of 2024"
    assert len(after.facts) == len(before.facts) + 1
    changed = changed_readings(build_readings(before).readings, build_readings(after).readings)
    published = changed[changed["kind_of_evidence_after"] == "published"]
    assert published[
        ["province_code", "indicator", "change", "value_after"]
    ].to_numpy().tolist() == [["83", "hi_coverage", "new", 95.6]]


def test_the_lines_that_stand_stay_as_they_are(raw_dir, tmp_path):
    before = contents(raw_dir)
    propose_facts(read_sheet(written(tmp_path / "a.csv", NEW)), "a.csv", raw_dir).write()
    after = contents(raw_dir)
    assert {name for name in before if before[name] != after[name]} == {"facts.csv", "sources.csv"}
    assert all(after[name].startswith(before[name]) for name in before)


def test_one_faulty_row_stops_everything_and_all_faults_are_listed(raw_dir, tmp_path):
    rows = [
        NEW,
        NEW | {"value": "0.956"},
        NEW | {"province_code": "99"},
        NEW | {"as_of": "31/12/2024"},
        NEW | {"indicator": "hi_covrage"},
    ]
    proposal = propose_facts(read_sheet(written(tmp_path / "bad.csv", *rows)), "bad.csv", raw_dir)
    before = contents(raw_dir)
    with pytest.raises(IntakeError) as error:
        proposal.checked()
    found = {(fault.file, fault.row, fault.column) for fault in error.value.faults}
    assert {("bad.csv", 3, "value"), ("bad.csv", 4, "province_code"), ("bad.csv", 5, "as_of"),
            ("bad.csv", 6, "indicator")} <= found  # fmt: skip
    assert not [fault for fault in error.value.faults if (fault.file, fault.row) == ("bad.csv", 2)]
    assert contents(raw_dir) == before


def test_a_figure_that_is_there_already_is_named_with_its_row(raw_dir, tmp_path):
    fact = load_raw(raw_dir).facts.iloc[10]
    row = {name: str(fact[name]) for name in NAMES if name in fact and name != "as_of"}
    row |= {"as_of": f"{fact['as_of']:%Y-%m-%d}"}
    proposal = propose_facts(read_sheet(written(tmp_path / "b.csv", row)), "b.csv", raw_dir)
    with pytest.raises(
        IntakeError, match=rf"b.csv:2: .*already there, in row {fact['row']} of facts"
    ):
        proposal.checked()


def test_a_row_without_a_source_is_refused(raw_dir, tmp_path):
    row = NEW | {"source_title": "", "source_publisher": ""}
    with pytest.raises(IntakeError, match=r"c.csv:2: source_id: there is no source"):
        propose_facts(read_sheet(written(tmp_path / "c.csv", row)), "c.csv", raw_dir).checked()


def test_a_row_without_a_source_tells_its_other_faults_too(tmp_path, raw_dir):
    row = {**NEW, "source_url": "", "source_title": "", "indicator": "hi_coverag", "value": "95,6"}
    with pytest.raises(IntakeError) as error:
        propose_facts(read_sheet(written(tmp_path / "e.csv", row)), "e.csv", raw_dir).checked()
    told = str(error.value)
    assert all(f"e.csv:2: {column}:" in told for column in ("source_id", "indicator", "value"))


def test_a_known_address_leads_to_its_source(raw_dir, tmp_path):
    known = load_raw(raw_dir).sources.iloc[0]
    described = dict.fromkeys(("source_title", "source_publisher", "source_published"), "")
    row = NEW | described | {"source_url": known["url"], "as_of": "2022-11-30"}
    proposal = propose_facts(read_sheet(written(tmp_path / "d.csv", row)), "d.csv", raw_dir)
    assert proposal.counts == {"facts": 1, "sources": 0}
    assert proposal.checked().facts.iloc[-1]["source_id"] == known["source_id"]


def test_the_workbook_gives_what_the_csv_gives(raw_dir, tmp_path):
    template = write_template(tmp_path / "mine.xlsx", load_raw(raw_dir))
    book = load_workbook(template)
    assert [cell.value for cell in book["facts"][1]] == list(NAMES)
    # As a person types them: a number, a code without its zero, a share shown as percent, a date.
    for place, name in enumerate(NAMES, start=1):
        book["facts"].cell(2, place).value = NEW.get(name)
    cell = book["facts"].cell(2, NAMES.index("value") + 1)
    cell.value, cell.number_format = 0.956, "0.0%"
    book["facts"].cell(2, NAMES.index("as_of") + 1).value = pd.Timestamp(
        "2024-12-31"
    ).to_pydatetime()
    book.save(template)
    from_csv = read_sheet(written(tmp_path / "mine.csv", NEW))
    pd.testing.assert_frame_equal(read_sheet(template).table, from_csv.table)
    assert not read_sheet(template).remarks, "the template's own lists are no sheet left unread"


def test_a_code_typed_as_a_number_keeps_its_zero(tmp_path):
    book = Workbook()
    book.active.append(list(NAMES))
    book.active.append([{**NEW, "province_code": 1}.get(name) for name in NAMES])
    book.save(tmp_path / "e.xlsx")
    assert read_sheet(tmp_path / "e.xlsx").table["province_code"].tolist() == ["01"]


TARGET = NEW | {
    "kind": "target", "value": "95", "as_of": "2025-12-31", "source_published": "2025-03-01"
}  # fmt: skip
LIKE_A_DECISION = "Quyết định 546/QĐ-TTg ngày 29/4/2022 của Thủ tướng"


def faults_in(raw_dir, tmp_path, *rows):
    with pytest.raises(IntakeError) as error:
        read = read_sheet(written(tmp_path / "t.csv", *rows))
        propose_facts(read, "t.csv", raw_dir).checked()
    return {(fault.row, fault.column): fault.message for fault in error.value.faults}


@pytest.mark.parametrize("note", ["", LIKE_A_DECISION, "Decision 546/QD-TTg", "29 April 2022"])
def test_a_target_is_asked_for_its_setter_and_day_whatever_its_note_says(raw_dir, tmp_path, note):
    found = faults_in(raw_dir, tmp_path, NEW, TARGET | {"note": note})
    assert set(found) == {(3, "setter"), (3, "announced")}
    assert "who set the target" in found[3, "setter"]
    assert "first day" in found[3, "announced"]


def test_a_target_counts_from_the_day_that_its_column_names(raw_dir, tmp_path):
    row = TARGET | {"setter": "province", "announced": "2023-12-08", "note": LIKE_A_DECISION}
    after = propose_facts(read_sheet(written(tmp_path / "t.csv", row)), "t.csv", raw_dir).checked()
    mine = targets(after)
    mine = mine[(mine["province_code"] == "83") & (mine["facts"] == str(len(after.facts) + 1))]
    assert mine["setter"].tolist() == ["province"]
    assert mine["announced"].tolist() == [pd.Timestamp("2023-12-08")]


@pytest.mark.parametrize("day", ["31/4/2022", "2022-04-31", "12/31/2023", "8 August 2023"])
def test_a_day_that_cannot_be_is_named_at_its_cell(raw_dir, tmp_path, day):
    found = faults_in(raw_dir, tmp_path, TARGET | {"setter": "province", "announced": day})
    assert "is not a date" in found[2, "announced"]


@pytest.mark.parametrize("day", ["31/4/2022", "12/31/2023"])
def test_a_day_that_cannot_be_is_named_in_the_note_of_a_target_too(raw_dir, tmp_path, day):
    row = TARGET | {"setter": "province", "announced": "2022-04-30", "note": f"Resolution of {day}"}
    found = faults_in(raw_dir, tmp_path, row)
    assert list(found) == [(2, "note")] and day in found[2, "note"]


def test_a_template_of_before_these_columns_is_still_read(raw_dir, tmp_path):
    names = [name for name in NAMES if name not in LATER]
    with (tmp_path / "old.csv").open("w", encoding="utf-8", newline="") as file:
        sheet = csv.DictWriter(file, names, restval="")
        sheet.writeheader()
        sheet.writerows([NEW, TARGET])
    read = read_sheet(tmp_path / "old.csv")
    assert not read.faults
    assert list(read.table) == [*NAMES, "row"] and (read.table["setter"] == "").all()
    with pytest.raises(IntakeError) as error:
        propose_facts(read, "old.csv", raw_dir).checked()
    assert {(f.row, f.column) for f in error.value.faults} == {(3, "setter"), (3, "announced")}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.csv", None, "the file is not there"),
        ("a.txt", b"x", "is neither .csv nor .xlsx"),
        ("b.csv", b"a,b\n1,2\n", "b.csv: no row holds the names of the columns"),
        ("c.xlsx", b"not a workbook", "cannot be read as a workbook"),
        ("d.csv", (",".join(NAMES) + "\n").encode(), "holds no rows"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(IntakeError, match=message):
        read_sheet(tmp_path / name)


def test_a_template_is_never_written_over(tmp_path):
    (tmp_path / "t.csv").write_text("mine")
    with pytest.raises(ValueError, match="exists already"):
        write_template(tmp_path / "t.csv", load_raw())
    assert (tmp_path / "t.csv").read_text() == "mine"


@pytest.mark.slow
def test_the_command_shows_what_changes_and_writes_only_when_told(raw_dir, tmp_path):
    file = written(tmp_path / "mine.csv", NEW)
    before = contents(raw_dir)
    shown = _add(file, raw_dir)
    assert "1 fact and 1 new source from" in shown.stdout
    assert "new      Ben Tre, hi_coverage, 2024-12-31: 95.6" in shown.stdout
    assert "target met:" in shown.stdout and "Nothing was written" in shown.stdout
    assert contents(raw_dir) == before
    assert "Written:" in _add(file, raw_dir, "--yes").stdout
    again = _add(file, raw_dir, "--yes")
    assert again.returncode == 1 and "already there" in again.stdout


def _add(file: Path, raw_dir: Path, *more: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "analysis", "add", str(file), "--raw", str(raw_dir), *more]
    return subprocess.run(
        command,
        env=pinned(),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )


def test_after_writing_it_says_that_notebooks_are_stored_anew_and_how_to_undo(
    raw_dir, tmp_path, monkeypatch, capsys
):
    from argparse import Namespace

    from analysis.commands import writing

    project = tmp_path / "project"
    shutil.copytree(raw_dir, project / "data" / "raw")
    monkeypatch.setenv("ANALYSIS_ROOT", str(project))
    monkeypatch.delenv("ANALYSIS_RAW", raising=False)
    monkeypatch.chdir(project)
    before = contents(project / "data" / "raw")
    sheet = read_sheet(written(tmp_path / "a.csv", NEW))
    for number in (1, 2):
        proposal = propose_facts(sheet, "a.csv")
        options = Namespace(dry_run=False, yes=True)
        assert writing.write_if_wanted(proposal, options) == 0
        assert contents(project / "data" / "raw") != before
        told = capsys.readouterr().out
        assert "`make notebooks`" in told
        undo = next(line for line in told.splitlines() if line.startswith("To undo it: "))
        assert undo == f"To undo it: cp work/before/{number}/*.csv data/raw/"
        subprocess.run(undo.removeprefix("To undo it: "), shell=True, check=True, cwd=project)
        assert contents(project / "data" / "raw") == before
    monkeypatch.setenv("ANALYSIS_RAW", str(raw_dir))  # a folder that the user names
    assert writing.write_if_wanted(propose_facts(sheet, "a.csv"), options) == 0
    assert "undo" not in capsys.readouterr().out


def test_a_figure_far_from_what_was_to_be_expected_is_named_before_it_is_written(raw_dir, tmp_path):
    typed = NEW | {"province_code": "82", "value": "59.6", "source_url": "https://example.org/t"}
    seen = _add(written(tmp_path / "mine.csv", NEW, typed), raw_dir, "--dry-run").stdout
    warned = seen.partition("Look at these again")[2].partition("\n\n")[0]
    assert "Tien Giang, hi_coverage, 2024-12-31: 59.6%; without it, 9" in warned
    assert "Ben Tre" not in warned


def test_figures_that_leave_a_date_without_a_reading_are_named(raw_dir, tmp_path):
    two = [
        NEW | {"geo_level": "province_34", "province_code": "15", "as_of": "2026-06-30",
               "value": value, "source_url": f"https://example.org/{value}",
               "source_published": "2026-07-10"}
        for value in ("95.6", "94.1")
    ]  # fmt: skip
    seen = _add(written(tmp_path / "mine.csv", *two), raw_dir, "--dry-run").stdout
    assert "Readings: none changes." in seen
    assert "Lao Cai, hi_coverage, 2026-06-30: 94.1 of" in seen
    assert seen.count("left out unsettled") == 2


def test_persons_far_from_the_nearest_figure_of_the_unit_are_named():
    key = {"geo_level": "province_63", "province_code": "83", "indicator": "si_participants",
           "basis": "", "kind_of_evidence": "published"}  # fmt: skip
    old = pd.DataFrame([key | {"as_of": pd.Timestamp(2023, 12, 31), "value": 100_000.0}])
    new = pd.DataFrame([
        key | {"as_of": pd.Timestamp(2024, month, 28), "value_after": value, "change": "new",
               "kind_of_evidence_after": "published"}
        for month, value in ((3, 110_000.0), (4, 1_100_000.0), (5, 40_000.0))
    ])  # fmt: skip
    found = surprising_persons(old, new)
    assert found["value_after"].tolist() == [1_100_000, 40_000]
    assert (found["middle"] == 100_000).all()


def test_storing_the_notebooks_anew_is_offered_to_who_can_answer(tmp_path, monkeypatch, capsys):
    from analysis.commands import notebooks, writing
    from analysis.runs import execute as stored

    ran = []
    monkeypatch.setattr(stored, "run_in_place", lambda names: ran.append(names))
    monkeypatch.setattr(notebooks, "keep_picture", lambda: None)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    for answer, ask, times in (("n", True, 0), ("y", False, 0), ("y", True, 1)):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        writing._say_what_follows(tmp_path, ask=ask)
        assert len(ran) == times
