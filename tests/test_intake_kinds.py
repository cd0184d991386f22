"""Files and moments that went wrong for people: now read rightly or refused in plain words."""

import csv
import datetime as dt
import io
import shutil
import time
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from intake_files import Typed, Writer, texts
from test_intake_add import NEW, contents, written

from analysis import cli, paths
from analysis.facts import load_raw
from analysis.facts.plausible import as_code
from analysis.forecast.known import known_at
from analysis.intake import preview
from analysis.intake.advice import Names, days, figures
from analysis.intake.preview import Preview
from analysis.intake.proposal import ChangedMeanwhile, propose_facts
from analysis.intake.sheet import NAMES, IntakeError, read_sheet
from analysis.readings import build_readings

HEADING = texts(dict(zip(NAMES, NAMES, strict=True)))


@pytest.fixture
def raw_dir(tmp_path):
    folder = tmp_path / "raw"
    shutil.copytree(str(paths.RAW), folder)
    return folder


def proposed(folder: Path, raw_dir: Path, *rows: dict):
    return propose_facts(read_sheet(written(folder / "mine.csv", *rows)), "mine.csv", raw_dir)


def faults_of(proposal) -> list[str]:
    with pytest.raises(IntakeError) as error:
        proposal.checked()
    return [str(fault) for fault in error.value.faults]


def workbook(path: Path, rows: dict, writer: Writer | None = None) -> Path:
    path.write_bytes((writer or Writer()).workbook(rows))
    return path


REPORT = {"source_url": "", "source_title": "Báo cáo kết quả năm 2024"}
OF_BEN_TRE = NEW | REPORT | {"source_publisher": "BHXH tỉnh Bến Tre"}
OF_AN_GIANG = NEW | REPORT | {"source_publisher": "BHXH tỉnh An Giang", "province_code": "89",
                              "value": "93.1"}  # fmt: skip


def test_two_reports_of_one_title_are_two_sources(raw_dir, tmp_path):
    proposal = proposed(
        tmp_path, raw_dir, OF_BEN_TRE, OF_AN_GIANG, OF_AN_GIANG | {"as_of": "2022-11-30"}
    )
    assert proposal.counts == {"facts": 3, "sources": 2}
    after = proposal.checked()
    named = after.facts.tail(3).merge(after.sources, on="source_id")
    assert named["publisher"].tolist() == ["BHXH tỉnh Bến Tre"] + ["BHXH tỉnh An Giang"] * 2


def test_a_page_that_was_replaced_is_another_source_and_is_said(raw_dir, tmp_path):
    known = load_raw(raw_dir).sources.iloc[0]
    proposal = proposed(tmp_path, raw_dir, NEW | {"source_url": known["url"]})
    assert proposal.counts["sources"] == 1
    assert any(known["source_id"] in remark for remark in proposal.remarks)


def test_an_id_beside_another_description_is_refused(raw_dir, tmp_path):
    known = load_raw(raw_dir).sources.iloc[0]
    found = faults_of(proposed(tmp_path, raw_dir, NEW | {"source_id": known["source_id"]}))
    assert len(found) == 1 and "leave the id empty if another one is meant" in found[0]


def test_a_row_twice_in_the_file_is_named_with_the_row_that_it_repeats(raw_dir, tmp_path):
    other = NEW | {"as_of": "2022-11-30", "value": "94.0"}
    found = faults_of(proposed(tmp_path, raw_dir, NEW, other, NEW))
    assert len(found) == 1 and found[0].startswith("mine.csv:4:")
    assert "repeats row 2 of this file" in found[0]


def test_tables_that_changed_since_the_preview_are_not_written_over(raw_dir, tmp_path):
    first = proposed(tmp_path, raw_dir, OF_BEN_TRE)
    proposed(tmp_path, raw_dir, OF_AN_GIANG | {"as_of": "2022-11-30"}).write()
    before = contents(raw_dir)
    with pytest.raises(ChangedMeanwhile, match=r"facts\.csv, sources\.csv.*run the same command"):
        first.write()
    assert contents(raw_dir) == before


def test_a_unit_has_no_figures_of_days_on_which_it_did_not_exist(raw_dir, tmp_path):
    gone = NEW | {"as_of": "2025-12-31", "source_published": "2026-01-05"}
    not_yet = NEW | {"geo_level": "province_34", "province_code": "86", "as_of": "2023-12-31"}
    alone = gone | {"province_code": "14"}
    said = {"setter": "province", "announced": "2024-12-10"}
    aim = gone | said | {"kind": "target", "value": "95"}
    found = faults_of(proposed(tmp_path, raw_dir, gone, not_yet, alone, aim))
    assert [line.split(": ")[0] for line in found] == ["mine.csv:2", "mine.csv:3"]
    assert "part of Vinh Long (Vĩnh Long) since 1 July 2025" in found[0]
    assert "did not exist yet" in found[1]


@pytest.mark.parametrize(
    ("code", "name"),
    [("83", "Tỉnh Bến Tre"), ("83", "Ben Tre / Bến Tre"), ("79", "TP. Hồ Chí Minh"),
     ("79", "TPHCM"), ("79", "Thành phố Hồ Chí Minh"), ("46", "Thừa Thiên - Huế"),
     ("46", "Huế"), ("06", "Bắc Cạn"), ("66", "Đắc Lắc"), ("17", "Hoà Bình"), ("62", "KonTum"),
     ("77", "Bà Rịa - Vũng Tàu"), ("83", unicodedata.normalize("NFD", "Bến Tre")),
     ("83", "BẾN TRE (cũ)")],
)  # fmt: skip
def test_a_name_is_taken_in_every_usual_spelling(code, name):
    assert Names(load_raw()).is_name_of(name, "province_63", code)


@pytest.mark.parametrize(
    ("level", "code", "name"),
    [("province_63", "83", "Trà Vinh"), ("province_63", "83", "Bến Tre, Trà Vinh"),
     ("province_63", "83", "TP. Bến Tre"), ("province_34", "96", "Thành phố Cà Mau"),
     ("province_63", "86", "Bến Tre"), ("province_34", "86", "Bến Tre"), ("country", "00", "Huế")],
)  # fmt: skip
def test_the_name_of_another_unit_is_not_taken(level, code, name):
    assert not Names(load_raw()).is_name_of(name, level, code)


def test_a_city_that_bears_the_name_of_its_province_is_not_taken_for_it(raw_dir, tmp_path):
    found = faults_of(proposed(tmp_path, raw_dir, NEW | {"province": "TP. Bến Tre"}))
    assert len(found) == 1 and "where the whole province is meant, else delete the row" in found[0]


def test_a_city_among_the_districts_of_a_province_keeps_its_name():
    raw = load_raw()
    cities = raw.provinces.head(2).assign(
        province_code=["829", "831"], name_en=["Ben Tre City", "Chau Thanh"],
        name_vi=["Thành phố Bến Tre", "Châu Thành"],
    )  # fmt: skip
    names = Names(replace(raw, provinces=cities))
    assert names.code("province_63", "TP. Bến Tre") == "829"


@pytest.mark.parametrize(
    ("level", "name", "better"),
    [
        ("province_63", "Bến Tre", "write 83, the code of Ben Tre (Bến Tre)"),
        ("country", "Cả nước", "write 00, the code of Viet Nam (Việt Nam)"),
        ("province_34", "Bến Tre", "write 86 where all of Vinh Long (Vĩnh Long) is meant, of which "
         "Ben Tre (Bến Tre) has been part since 1 July 2025"),
    ],
)  # fmt: skip
def test_a_unit_given_by_its_name_alone_is_told_its_code(raw_dir, tmp_path, level, name, better):
    typed = {"geo_level": level, "province_code": "", "province": name}
    found = faults_of(proposed(tmp_path, raw_dir, NEW | typed))
    assert len(found) == 1 and "province_code: is empty" in found[0] and found[0].endswith(better)


@pytest.mark.parametrize(
    ("value", "given", "better"),
    [
        (">95", "", "write 95, and over in the column qualifier"),
        ("trên 95%", "", "write 95, and over in the column qualifier"),
        ("gần 95%", "", "write 95, and under in the column qualifier"),
        ("khoảng 95%", "exact", "write 95, and about in the column qualifier"),
        ("trên 95%", "over", "write 95"),
    ],
)
def test_a_word_before_a_figure_is_not_lost(raw_dir, tmp_path, value, given, better):
    typed = {"value": value, "qualifier": given}
    found = faults_of(proposed(tmp_path, raw_dir, NEW | typed))
    assert len(found) == 1 and found[0].endswith(better)


def test_a_period_in_words_stands_for_its_last_day():
    assert days("6 tháng đầu năm 2024") == days("Quý II/2024") == days("quý 2 năm 2024")
    assert days("quý 2 năm 2024") == days("hết tháng 6/2024") == ["2024-06-30"]
    assert days("9 tháng 2024") == ["2024-09-30"] and days("tháng 02/2024") == ["2024-02-29"]
    assert days("cuối năm 2024") == days("2024") == days("Quý IV/2024") == ["2024-12-31"]
    assert days("quý V/2024") == days("tháng 13/2024") == []


def test_a_result_of_a_day_to_come_is_remarked_on_and_a_target_is_not(raw_dir, tmp_path):
    later = {"as_of": "2025-12-31", "source_published": "2026-01-10"}
    sheet = read_sheet(written(tmp_path / "mine.csv", NEW | later, NEW | {
        **later, "kind": "target", "source_published": "2025-01-10", "setter": "province",
        "announced": "2025-01-10"}))  # fmt: skip
    said = propose_facts(sheet, "mine.csv", raw_dir, today=dt.date(2025, 12, 1)).remarks
    assert [remark.split(" (")[0] for remark in said if "yet to come" in remark] == [
        "Row 2: as_of 2025-12-31 is yet to come",
        "Row 2: source_published 2026-01-10 is yet to come",
    ]
    after = propose_facts(sheet, "mine.csv", raw_dir, today=dt.date(2026, 2, 1)).remarks
    assert not any("yet to come" in remark for remark in after)


def test_a_wrong_name_is_shown_beside_the_right_one(raw_dir, tmp_path):
    found = faults_of(proposed(tmp_path, raw_dir, NEW | {"province": "Tỉnh Trà Vinh"}))
    assert len(found) == 1
    assert "write Ben Tre (Bến Tre), or leave the cell empty" in found[0]
    assert "the code of Tra Vinh (Trà Vinh) is 84" in found[0]


def test_every_cell_that_an_official_types_is_named_with_what_to_write(raw_dir, tmp_path):
    typed = {"value": "95,6%", "unit": "%", "qualifier": "trên", "kind": "thực hiện",
             "as_of": "31/12/2024", "source_published": "20/01/2025"}  # fmt: skip
    found = faults_of(proposed(tmp_path, raw_dir, NEW | typed))
    assert len(found) == 6
    for better in ("95.6", "percent", "over", "actual", "2024-12-31", "2025-01-20"):
        assert any(f"; write {better}" in line for line in found)


def test_every_day_and_word_beside_a_target_is_named_with_what_to_write(raw_dir, tmp_path):
    typed = {"kind": "target", "as_of": "2025-12-31", "setter": "UBND tỉnh", "standing": "dự thảo",
             "announced": "10/12/2024", "source_retrieved": "15.01.2025"}  # fmt: skip
    found = faults_of(proposed(tmp_path, raw_dir, NEW | typed))
    assert len(found) == 4
    for better in ("province", "plan", "2024-12-10", "2025-01-15"):
        assert any(f"; write {better}" in line for line in found)
    other = {"setter": "BHXH Việt Nam", "standing": "", "announced": "2024-12-10",
             "source_retrieved": "2025-01-15"}  # fmt: skip
    assert "write agency" in faults_of(proposed(tmp_path, raw_dir, NEW | typed | other))[0]


@pytest.mark.parametrize(
    ("indicator", "value", "better"),
    [
        ("collections", "6543210000000", "6543.21 for dong"),
        ("collections", "65432100", "65432.1 for million dong"),
        ("hi_participants", "1.612.345", "write 1612345"),
        ("hi_participants", "172.345", "write 172345"),
        ("hi_participants", "1612.34", "write 1612340 where it is in thousands"),
    ],
)
def test_a_figure_in_another_unit_is_named_with_what_it_may_be(
    raw_dir, tmp_path, indicator, value, better
):
    found = faults_of(proposed(tmp_path, raw_dir, NEW | {"indicator": indicator, "value": value}))
    assert found and all(line.startswith("mine.csv:2: value") and better in line for line in found)
    assert not any(" or " in line.split("; write ")[1] for line in found)


def test_a_day_that_is_not_read_is_in_no_time_before_or_after_the_merger(raw_dir, tmp_path):
    found = faults_of(proposed(tmp_path, raw_dir, NEW | {"as_of": "31/12/2024"}))
    merged = NEW | {"geo_level": "province_34", "province_code": "86", "as_of": "1/9/2025"}
    found += faults_of(proposed(tmp_path, raw_dir, merged))
    assert len(found) == 2 and all("is not a date written as" in line for line in found)


def test_an_unknown_level_is_one_fault(raw_dir, tmp_path):
    found = faults_of(proposed(tmp_path, raw_dir, NEW | {"geo_level": "63 tỉnh"}))
    assert len(found) == 1 and "write province_63" in found[0]


@pytest.mark.parametrize("cell", ["geo_level", "province_code", "province"])
@pytest.mark.parametrize("text", ["Tổng cộng", "TỔNG SỐ", "Cộng:", "Total"])
def test_a_row_of_totals_is_one_fault_that_calls_it_so(raw_dir, tmp_path, cell, text):
    total = {"indicator": "hi_participants", "value": "1612345", "as_of": "", cell: text}
    found = faults_of(proposed(tmp_path, raw_dir, NEW, total))
    assert len(found) == 1 and "mine.csv:3" in found[0] and "a note or a total" in found[0]


@pytest.mark.parametrize("code", ["d-mmm", "dd/mm/yyyy", "mmm-yy"])
def test_a_figure_that_became_a_day_is_called_so(raw_dir, tmp_path, code):
    row = texts(NEW | {"value": ""})
    row[NAMES.index("value")] = Typed(45780.0, code)
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", {1: HEADING, 2: row}))
    found = faults_of(propose_facts(sheet, "a.xlsx", raw_dir))
    assert len(found) == 1 and "is a day: programs make one of 3/5" in found[0]


def test_a_merged_cell_that_holds_the_right_name_gets_no_other(raw_dir, tmp_path):
    rows = {1: HEADING, 2: texts(NEW | {"province": "Bến Tre"}), 3: texts(NEW)}
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", rows, Writer(merged=("B2:B3", "C2:C3"))))
    found = faults_of(propose_facts(sheet, "a.xlsx", raw_dir))
    merged = [line for line in found if "is merged down" in line]
    assert len(merged) == 2 and not any("write" in line for line in merged)


def test_rows_keep_their_numbers_behind_a_note_of_two_lines(raw_dir, tmp_path):
    rows = {1: HEADING}
    for row, (day, value) in enumerate(
        [("2024-12-31", "95.6"), ("2023-11-30", "94.1"), ("2022-11-30", "95,01")], start=2
    ):
        note = "dòng một\ndòng hai" if row == 2 else ""
        rows[row] = texts(NEW | {"as_of": day, "value": value, "note": note})
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", rows))
    found = faults_of(propose_facts(sheet, "a.xlsx", raw_dir))
    assert [line.split(": ")[:2] for line in found] == [["a.xlsx:2", "note"], ["a.xlsx:4", "value"]]
    assert "write 95.01" in found[1]


def test_a_percentage_of_an_indicator_that_counts_people_is_refused(raw_dir, tmp_path):
    row = texts(NEW | {"indicator": "hi_participants", "value": ""})
    row[NAMES.index("value")] = Typed(12000.0, '#,##0"%"')
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", {1: HEADING, 2: row}))
    found = faults_of(propose_facts(sheet, "a.xlsx", raw_dir))
    assert any("value" in line and "shown as a percentage" in line for line in found)


def test_cells_far_outside_cost_no_time(tmp_path):
    ghosts = "".join(f'<row r="{row}"><c r="A{row}" s="0"/></row>' for row in range(3, 200_000))
    ghosts += '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t> </t></is></c></row>'
    file = workbook(tmp_path / "a.xlsx", {1: HEADING, 2: texts(NEW)}, Writer(empty_cells=ghosts))
    started = time.process_time()
    sheet = read_sheet(file)
    assert time.process_time() - started < 2
    assert not sheet.faults and sheet.table["row"].tolist() == [2]


def test_a_row_far_below_is_named_by_its_number(tmp_path):
    far = '<row r="90000"><c r="F90000"><v>95.6</v></c></row>'
    file = workbook(tmp_path / "a.xlsx", {1: HEADING, 2: texts(NEW)}, Writer(empty_cells=far))
    assert [fault.row for fault in read_sheet(file).faults] == [90000]


def test_merged_cells_of_the_table_are_refused_and_those_above_it_are_not(tmp_path):
    rows = {
        1: [Typed("BẢNG SỐ LIỆU")],
        3: HEADING,
        4: texts(NEW | {"kind": "target"}),
        5: texts(NEW),
    }
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", rows, Writer(merged=("A1:R1", "I4:I5"))))
    assert [(fault.row, fault.column) for fault in sheet.faults] == [(4, "kind")]
    assert any("row 3" in remark for remark in sheet.remarks)


def test_a_heading_of_two_rows_with_merged_cells_is_read(tmp_path):
    upper = [None if name.startswith("source_") else Typed(name) for name in NAMES]
    upper[NAMES.index("source_id")] = Typed("source")
    lower = [Typed(name) if name.startswith("source_") else None for name in NAMES]
    beside = [at for at, name in enumerate(NAMES) if not name.startswith("source_")]
    merged = tuple(f"{chr(65 + at)}1:{chr(65 + at)}2" for at in beside)
    rows = {1: upper, 2: lower, 3: texts(NEW)}
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", rows, Writer(merged=merged)))
    assert not sheet.faults and sheet.table["value"].tolist() == ["95.6"]


def test_hidden_columns_and_other_sheets_are_said(tmp_path):
    writer = Writer(hidden_columns=(6,), sheets=("facts", "năm 2023"))
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", {1: HEADING, 2: texts(NEW)}, writer))
    assert any("value" in remark and "Hidden" in remark for remark in sheet.remarks)
    assert any("năm 2023" in remark for remark in sheet.remarks)


def archive(*names: str, kind: bytes = b"") -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as package:
        if kind:
            package.writestr("mimetype", kind)
        for name in names:
            package.writestr(name, b"x")
    return memory.getvalue()


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsm", Writer().workbook({1: HEADING}), "with macros"),
        ("a.ods", archive(kind=b"application/vnd.oasis.opendocument.spreadsheet"), "OpenDocument"),
        ("a.xlsx", archive(kind=b"application/vnd.oasis.opendocument.spreadsheet"), "OpenDocument"),
        ("a.ods", b"PK\x03\x04 cut off", "damaged .ods"),
        ("a.xls", OLD, "old format of Excel"),
        ("a.xlsx", OLD, "old format of Excel"),
        ("a.xlsx", OLD + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        ("a.xlsx", b"<html><table><tr><td>geo_level</td></tr></table></html>", "web page"),
        ("a.xls", b"\xef\xbb\xbf <!DOCTYPE html><html>", "web page"),
        ("a.xlsx", archive("xl/workbook.bin", "_rels/.rels"), "binary workbook"),
        ("a.xlsx", archive("word/document.xml", "_rels/.rels"), "Word document"),
        ("a.xlsx", b"%PDF-1.7", "PDF"),
        ("a.csv", Writer().workbook({1: HEADING}), "workbook under another name"),
        ("a.xlsx", b"geo_level,province_code\n", "plain text"),
        ("a.xlsx", archive("readme.txt"), ".zip archive"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_called_by_its_own_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(IntakeError) as error:
        read_sheet(tmp_path / name)
    assert len(error.value.faults) == 1 and message in str(error.value)


def test_days_and_figures_that_can_be_read_in_two_ways_are_both_shown():
    assert days("03/04/2024") == ["2024-04-03", "2024-03-04"]
    assert days("31/4/2022") == [] and days("45657") == ["2024-12-31"]
    assert figures("1,234") == ["1234", "1.234"] and figures("1.234.567") == ["1234567"]
    assert figures("1.234,5%") == ["1234.5"] and figures("x") == []


def test_the_preview_gives_no_probability_where_the_report_gives_none():
    row = {"geo_level": "province_63", "province_code": "83", "indicator": "hi_coverage",
           **{f"q{q}_{side}": 95.0 + (side == "after") for q in (10, 50, 90)
              for side in ("before", "after")}}  # fmt: skip
    table = pd.DataFrame([row | {"p_before": float("nan"), "p_after": float("nan")},
                          row | {"p_before": float("nan"), "p_after": 0.8}])  # fmt: skip
    shown = preview.lines(
        Preview(pd.DataFrame(), table, "2025-06-30", "2025-12-31", pd.DataFrame(), pd.DataFrame())
    )
    rows = [line for line in shown if line.startswith("  ")]
    assert sum("target met" in line for line in rows) == 1
    assert any("not enough evidence -> 80%" in line for line in rows)


def test_the_preview_forecasts_the_year_end_that_follows_the_newest_figure():
    newest = {"2025-06-30": "2025-12-31", "2025-12-31": "2026-12-31", "2026-03-31": "2026-12-31"}
    for day, due in newest.items():
        assert preview.due_after(pd.Timestamp(day)) == pd.Timestamp(due)


def asked(folder: Path, text: bytes, capsys, name: str = "q.csv", out: str = "out.csv"):
    (folder / name).write_bytes(text)
    given = ["predict", "--origin", "2024-12-31", "--queries", str(folder / name)]
    status = cli.main([*given, "--out", str(folder / out)])
    waiting, _, said = capsys.readouterr().err.partition("\n")
    assert waiting == cli.MEANWHILE["predict"]
    return status, said


QUERY = "geo_level,province_code,indicator,as_of\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (QUERY + "province_63,1,hi_coverage,2025-12-31\n",
         "q.csv:2: province_code: 1: has lost its zero; write 01"),
        (QUERY + "province_63,Bến Tre,hi_coverage,2025-12-31\n", "is a name; write the code, 83"),
        (QUERY + "province_63,83,hi_coverage,2023-12-31\n",
         "q.csv:2: as_of: 2023-12-31: is before the origin"),
        (QUERY.replace(",", ";"), "q.csv:1:"),
        ("sep=,\n" + QUERY, "q.csv:1:"),
        (QUERY.rstrip() + ",,\n", "empty columns stand behind the table"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_named_by_its_row(tmp_path, capsys, text, message):
    status, said = asked(tmp_path, text.encode(), capsys)
    assert status == 2 and message in said and said.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("content", [QUERY.encode("utf-16"), Writer().workbook({1: HEADING})])
def test_questions_in_another_kind_of_file_are_refused_in_one_line(tmp_path, capsys, content):
    status, said = asked(tmp_path, content, capsys)
    assert status == 2 and "save it as CSV UTF-8" in said and said.count("\n") == 1


def test_answers_are_never_written_over_the_questions(tmp_path, capsys):
    text = (QUERY + "country,00,hi_coverage,2025-12-31\n").encode()
    status, said = asked(tmp_path, text, capsys, out="q.csv")
    assert status == 2 and "--out" in said and (tmp_path / "q.csv").read_bytes() == text


@pytest.mark.parametrize("where", ["option", "file"])
def test_a_scenario_of_a_far_year_names_the_last_that_can_be_forecast(tmp_path, capsys, where):
    text = "\ufefftitle: far\r\nkind: linear_change\r\nparameters: {points_per_year: 1.0}\r\n"
    text += "date: 2052-12-31\r\n" if where == "file" else ""
    (tmp_path / "s.yml").write_text(text, "utf-8")
    more = ["--date", "2095-12-31"] if where == "option" else []
    started = time.process_time()
    assert cli.main(["scenario", str(tmp_path / "s.yml"), *more]) == 2
    waiting, _, said = capsys.readouterr().err.partition("\n")
    assert waiting == cli.MEANWHILE["scenario"]
    assert "the last year that can be forecast is 2035" in said and said.count("\n") == 1
    assert time.process_time() - started < 5


def test_a_scenario_is_never_written_over_itself(tmp_path, capsys):
    text = "title: one\nkind: hold_last\n"
    (tmp_path / "s.yml").write_text(text, "utf-8")
    file = str(tmp_path / "s.yml")
    assert cli.main(["scenario", file, "--out", file]) == 2
    assert "would be written over" in capsys.readouterr().err
    assert (tmp_path / "s.yml").read_text("utf-8") == text


def test_a_code_that_came_as_a_number_is_the_text_that_it_stands_for():
    assert [as_code(one) for one in (83, 1, "01", " 83 ", "R1")] == [
        "83",
        "01",
        "01",
        "83",
        "R1",
    ]


def test_csv_rows_are_numbered_by_their_first_line(tmp_path):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([NAMES, [NEW.get(n, "") for n in NAMES]])
    writer.writerow([(NEW | {"note": "a\nb", "as_of": "2022-11-30"}).get(n, "") for n in NAMES])
    writer.writerow([(NEW | {"value": ""}).get(n, "") for n in NAMES])
    (tmp_path / "a.csv").write_text(text.getvalue(), "utf-8")
    sheet = read_sheet(tmp_path / "a.csv")
    assert [(fault.row, fault.column) for fault in sheet.faults] == [(3, "note"), (5, "value")]


def test_a_revision_is_not_known_before_it_was_printed(raw_dir, tmp_path):
    before = load_raw(raw_dir)
    revised = NEW | {"as_of": "2023-12-31", "value": "94.1", "source_published": "2025-02-01"}
    after = proposed(tmp_path, raw_dir, revised).checked()
    built = [build_readings(raw) for raw in (before, after)]
    assert 94.1 in set(built[1].conflicts["value"])
    earlier, later = pd.Timestamp("2024-12-31"), pd.Timestamp("2025-06-30")
    old, new = (known_at(one.readings, raw, earlier).readings.fillna("")
                for one, raw in zip(built, (before, after), strict=True))  # fmt: skip
    pd.testing.assert_frame_equal(old, new)
    key = {"province_code": "83", "indicator": "hi_coverage", "as_of": "2023-12-31"}
    seen = known_at(built[1].readings, after, later).readings.astype({"as_of": str})
    row = seen[np.logical_and.reduce([seen[name] == value for name, value in key.items()])]
    row = row[row["basis"].fillna("") == ""]
    assert row["lower"].item() == 94.1 and row["upper"].item() == 95.015
