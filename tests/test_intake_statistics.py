"""Tables of the statistics office: form, language and numbers are read as they are meant."""

import datetime as dt
import json
import re
import time

import pytest
from openpyxl import Workbook

from analysis import paths
from analysis.country.names import codes_by_key, key
from analysis.facts import load_raw
from analysis.intake.choice import lines
from analysis.intake.covariate import Wanted, propose_covariate, read_table, remarks, take
from analysis.intake.sheet import IntakeError

WANTED = Wanted("labour_force", "persons", "NSO-X", "https://example.org/px", scale=1000)
ACROSS = """"Labour force by province"

"Cities, provinces","2016","2018","Prel. 2019"
"WHOLE COUNTRY","54445.3","55354.2","55767.4"
"Red River Delta","12024.1","12131.8",".."
"Hà Nội","3743.9","3852.1","3861.5"
"TP. Hồ Chí Minh","4223.4","4470.5",".."
"Thua Thien-Hue","610.5","620","621.25"
"""


def read_covariate(path, wanted):
    return take(read_table(path, wanted), wanted)


def read(tmp_path, text, wanted=WANTED, name="px.csv", encoding="utf-8-sig"):
    path = tmp_path / name
    path.write_text(text, encoding=encoding)
    return read_covariate(path, wanted)


def values(found):
    rows = zip(found.new["province_code"], found.new["year"], found.new["value"], strict=True)
    return {(code, year): round(value, 3) for code, year, value in rows}


EXPECTED = {
    ("01", 2018): 3852100.0,
    ("01", 2019): 3861500.0,
    ("46", 2018): 620000.0,
    ("46", 2019): 621250.0,
    ("79", 2018): 4470500.0,
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_years_across(tmp_path, encoding, delimiter):
    found = read(tmp_path, ACROSS.replace('","', f'"{delimiter}"'), encoding=encoding)
    assert values(found) == EXPECTED
    assert (found.left_out, found.title) == (1, "Labour force by province")


def test_years_down(tmp_path):
    lines = ["Tỉnh,Năm,Giá trị", "Hà Nội,2018,3852.1", "Hà Nội,2019,3861.5", "CẢ NƯỚC,2019,1",
             "Thừa Thiên Huế,2018,620", "Thừa Thiên Huế,2019,621.25",
             "Hồ Chí Minh,2018,4470.5"]  # fmt: skip
    assert values(read(tmp_path, "\n".join(lines))) == EXPECTED


@pytest.mark.parametrize("version", [1, 2])
def test_json_stat(tmp_path, version):
    order = ["province", "year"]
    dimension = {
        "province": {"category": {"index": ["a", "b", "c", "d"], "label": {
            "a": "Ha Noi", "b": "Ho Chi Minh city", "c": "Thua Thien-Hue", "d": "Whole country"}}},
        "year": {"category": {"index": {"y18": 0, "y19": 1},
                              "label": {"y18": "2018", "y19": "Prel. 2019"}}},
    }  # fmt: skip
    content = {"label": "T", "value": [3852.1, 3861.5, 4470.5, None, 620, 621.25, 1, 2]}
    if version == 2:
        text = json.dumps({**content, "id": order, "size": [4, 2], "dimension": dimension})
    else:
        text = json.dumps({"dataset": {**content, "dimension": {**dimension, "id": order}}})
    assert values(read(tmp_path, text, name="px.json")) == EXPECTED


def test_a_figure_that_is_there_stays(tmp_path):
    found = read(tmp_path, ACROSS)
    assert set(found.known["year"]) == {2016}
    assert found.known["standing"].notna().all()
    proposal = propose_covariate(found, WANTED, tmp_path / "px.csv")
    after = proposal.checked().covariates
    before = load_raw().covariates
    assert len(after) == len(before) + len(EXPECTED)
    added = after[after["source_id"] == "NSO-X"]
    assert (
        set(added["year"]) == {2018, 2019} and not added.duplicated(["province_code", "year"]).any()
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Hà Nội", "Ha Tay", "px.csv:6: Ha Tay: is not one of the 63 provinces"),
        ('"3852.1"', '"38a2.1"', "px.csv:6: Hà Nội / 2018: 38a2.1: is not a number"),
        ('"Prel. 2019"', '"2018 male"', "several figures for one province and year; .*--pick"),
        ('"2016","2018","Prel. 2019"', '"a","b","c"', "no line with years"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(tmp_path, old, new, message):
    with pytest.raises(IntakeError, match=message):
        read(tmp_path, ACROSS.replace(old, new))


def test_pick_chooses_among_cells_and_ignore_leaves_a_row_out(tmp_path):
    text = ACROSS.replace('"Prel. 2019"', '"2018 Male"').replace('"2018",', '"2018 Total",')
    wanted = Wanted(**{**vars(WANTED), "pick": ("Total",)})
    assert set(values(read(tmp_path, text, wanted))) == {("01", 2018), ("46", 2018), ("79", 2018)}
    ignoring = Wanted(**{**vars(WANTED), "ignore": ("Ha Tay",)})
    assert ("01", 2018) not in values(read(tmp_path, ACROSS.replace("Hà Nội", "Ha Tay"), ignoring))


@pytest.mark.parametrize(
    ("cells", "decimal", "value"),
    [
        ("3.852,1", "", 3852.1),
        ("3,852.1", "", 3852.1),
        ("3852,1", "", 3852.1),
        ("3,852", "point", 3852.0),
        ("3,852", "comma", 3.852),
        ("3 852.1", "", 3852.1),
    ],
)
def test_separators_are_read_as_the_file_uses_them(tmp_path, cells, decimal, value):
    wanted = Wanted(**{**vars(WANTED), "scale": 1.0, "decimal": decimal})
    text = f'"Provinces";"2018"\n"Ha Noi";"{cells}"\n"Bac Kan";".."\n'
    assert values(read(tmp_path, text, wanted)) == {("01", 2018): value}


def test_a_separator_that_could_be_either_is_refused(tmp_path):
    with pytest.raises(IntakeError, match="--decimal point or comma"):
        read(tmp_path, '"Provinces";"2018"\n"Ha Noi";"3,852"\n"Ha Giang";"9,101"\n')


def test_a_table_of_the_units_after_the_merger_is_refused(tmp_path):
    units = load_raw().provinces
    names = sorted(set(units["merged_name_en"]))
    rows = "\n".join(f'"{name}","100.5"' for name in names)
    with pytest.raises(IntakeError, match="only units that exist since the merger"):
        read(tmp_path, f'"Provinces","2024"\n{rows}\n')


def test_another_unit_than_the_covariate_has_is_refused(tmp_path):
    wanted = Wanted(**{**vars(WANTED), "unit": "thousand persons"})
    with pytest.raises(IntakeError, match="labour_force is kept in persons"):
        read(tmp_path, ACROSS, wanted)


def test_names_in_both_languages_lead_to_one_code_each():
    table = load_raw().provinces
    known = codes_by_key(table)
    for row in table.itertuples():
        assert known[key(row.name_en)] == known[key(row.name_vi)] == row.province_code
        assert known[key(f"Tỉnh {row.name_vi}")] == row.province_code


def test_the_raw_tables_are_untouched_by_reading(tmp_path):
    before = (paths.RAW / "covariates.csv").read_bytes()
    propose_covariate(read(tmp_path, ACROSS), WANTED, tmp_path / "px.csv").checked()
    assert (paths.RAW / "covariates.csv").read_bytes() == before


def asked(tmp_path, text, **said):
    """What the refusal of a table says."""
    with pytest.raises(IntakeError) as error:
        read(tmp_path, text, Wanted(**{**vars(WANTED), "covariate": "new", **said}))
    return str(error.value)


def new(tmp_path, text, encoding="utf-8-sig", **said):
    """What is taken of a table for a covariate that is new."""
    wanted = Wanted(**{**vars(WANTED), "covariate": "new", "scale": 1.0, **said})
    return values(read(tmp_path, text, wanted, encoding=encoding))


SEXES = "Tỉnh,2018,,2019,\n,Nam,Nữ,Nam,Nữ\nQuảng Nam,1,2,3,4\nHà Nam,5,6,7,8\n"


def test_merged_years_over_sexes_are_asked_about_and_a_whole_label_answers(tmp_path):
    message = asked(tmp_path, SEXES)
    assert "--pick Nam or --pick 'Nữ'" in message
    assert new(tmp_path, SEXES, pick=("Nam",)) == {
        ("49", 2018): 1, ("49", 2019): 3, ("35", 2018): 5, ("35", 2019): 7,
    }  # fmt: skip
    assert "is no label of the table as a whole" in asked(tmp_path, SEXES, pick=("Na",))


def test_one_sex_for_each_province_is_still_a_question(tmp_path):
    assert "--pick Nam" in asked(tmp_path, "Tỉnh,Giới,2018\nHà Nội,Nam,1\nHà Nam,Nữ,4\n")
    text = "Tỉnh,Giới,2018\nHà Nội,Nam,1\nHà Nam,Nam,..\nHà Nội,Nữ,..\nHà Nam,Nữ,4\n"
    assert "--pick Nam" in asked(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Tỉnh,2018,\nHà Nội,1,0.1\nHà Nam,5,0.2\n", "carry the same labels"),
        ("Tỉnh,Sơ bộ 2018,2018\nHà Nội,1,2\nHà Nam,5,6\n", "--ignore 'Sơ bộ 2018'"),
        ("Tỉnh,2018,2019 (kế hoạch)\nHà Nội,1,2\nHà Nam,5,6\n", "kế hoạch"),
        ("Số liệu năm 2018\n\nTỉnh,Giá trị\nHà Nội,1\nHà Nam,5\n", "--year 2018"),
        ("Tỉnh,2018-2019\nHà Nội,1\nHà Nam,5\n", "--year"),
        ("Tỉnh,2018\nHà Nội (1),1\nHà Nam,5\n", r"carries the mark \\(1\\)"),
        ("Tỉnh,2018\nHà Nội,1.5*\nHà Nam,5\n", "--marks read"),
        ("Tỉnh,2018\nHà Nội,12.5 1\nHà Nam,5\n", "is not a number"),
        ("Tỉnh,2018\nHà Nội,1\nHà Nam,5\n,6\n", "without the name of a province"),
        ("Tỉnh,2018\nLào Cai,1\nBắc Ninh,5\n", "--areas 63"),
        ("Tỉnh,Đơn vị,2018\nHà Nội,Nghìn người,1\nHà Nam,Người,5\n", "--pick 'Nghìn người'"),
        ("<html><table><tr><td>Hà Nội</td></tr></table></html>", "web page.*CSV"),
        ('{"columns": [], "data": [{"key": ["01"], "values": ["1"]}]}', "PX-Web's own JSON.*CSV"),
    ],
)
def test_a_table_that_leaves_something_open_says_what_to_do(tmp_path, text, word):
    assert re.search(word.replace("\\\\", "\\"), asked(tmp_path, text), re.DOTALL)


def test_units_of_the_merger_are_refused_for_earlier_years_too(tmp_path):
    names = sorted(set(load_raw().provinces["merged_name_vi"]))
    text = "Tỉnh,2019,2021\n" + "".join(f"{name},1.5,2.5\n" for name in names)
    assert "only units that exist since the merger" in asked(tmp_path, text)
    assert "only units that exist" in asked(tmp_path, text.replace("Tỉnh", "Mã"))


def test_answers_that_the_questions_offer_are_taken(tmp_path):
    one = {("01", 2018): 1.5, ("35", 2018): 5.0}
    table = "Tỉnh,2018\nHà Nội,1.5\nHà Nam,5\n"
    assert new(tmp_path, table.replace("1.5", "1.5*"), marks="read") == one
    assert new(tmp_path, table.replace("2018", "Giá trị"), year="2018") == one
    twice = "Tỉnh,Sơ bộ 2018,2018\nHà Nội,9,1.5\nHà Nam,5,5\n"
    assert new(tmp_path, twice, ignore=("Sơ bộ 2018",)) == one
    merged = "Tỉnh,2018\nLào Cai,1.5\nBắc Ninh,5\n"
    assert new(tmp_path, merged, areas="63") == {("10", 2018): 1.5, ("27", 2018): 5.0}


def test_thousands_in_the_file_and_no_scale_is_a_question(tmp_path):
    text = "Đơn vị tính: Nghìn người\nTỉnh,2018\nHà Nội,1\nHà Nam,5\n"
    assert "--scale 1000" in asked(tmp_path, text, scale=None)
    assert new(tmp_path, text, scale=1000.0)["01", 2018] == 1000


def test_the_shape_is_shown_back_before_anything_is_taken(tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text(SEXES, "utf-8")
    shown = "\n".join(lines(read_table(path, Wanted(**{**vars(WANTED), "covariate": "new"}))))
    for part in ("Provinces: Tỉnh (column A): 2", "Years: heading row 1: 2018; 2019",
                 "heading row 2: Nam; Nữ", "First cell: row 3, column B: Quảng Nam / 2018",
                 "Last cell: row 4, column E"):  # fmt: skip
        assert part in shown


def test_a_large_file_is_read_or_refused_within_seconds(tmp_path):
    rows = "".join(f"Hà Nội,Nam,{year},{n}\n" for year in (2018,) for n in range(150_000))
    start = time.process_time()
    assert "carry the same labels" in asked(tmp_path, "Tỉnh,Giới,Năm,Số\n" + rows)
    (tmp_path / "px.csv").write_bytes(b"1" * 31_000_000)
    with pytest.raises(IntakeError, match="larger than"):
        read_covariate(tmp_path / "px.csv", WANTED)
    assert time.process_time() - start < 30


def units_of_both_times() -> str:
    """A table of the 63 provinces whose column of 2025 holds the units of the merger."""
    table = load_raw().provinces
    lasting = set(table["merged_name_en"]) | {"Thua Thien Hue"}
    rows = [f"{name},1.5,{2.5 if name in lasting else '..'}\n" for name in table["name_en"]]
    return "Province,2024,2025\n" + "".join(rows)


def test_a_table_that_goes_over_to_the_merged_units_is_refused_for_those_years(tmp_path):
    text = units_of_both_times()
    message = asked(tmp_path, text)
    assert "gives for 2025 only units that exist since the merger" in message
    kept = new(tmp_path, text, ignore=("2025",))
    assert len(kept) == 63 and {year for _, year in kept} == {2024}
    assert len(new(tmp_path, text, areas="63")) == 97
    # Figures of a dissolved province show that the year is one of the 63.
    assert len(new(tmp_path, text.replace("Ben Tre,1.5,..", "Ben Tre,1.5,3"))) == 98


def test_the_old_name_of_one_unit_makes_no_table_of_the_63_provinces(tmp_path):
    names = sorted(set(load_raw().provinces["merged_name_vi"]) - {"Huế"})
    text = "Tỉnh,2019\n" + "".join(f"{name},1.5\n" for name in [*names, "Thừa Thiên Huế"])
    assert "gives for 2019 only units that exist since the merger" in asked(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "Tỉnh,Đơn vị tính,2018\nHà Nội,1000 người,1\nHà Nam,1000 người,5\n",
        "Tỉnh,Đơn vị,2018\nHà Nội,Nghìn người,1\nHà Nội,%,9\nHà Nam,Nghìn người,5\nHà Nam,%,9\n",
        "Tỉnh,2018,\n,Lao động (nghìn người),Cơ cấu (%)\nHà Nội,1,9\nHà Nam,5,9\n",
    ],
)
def test_thousands_beside_the_figures_and_no_scale_is_a_question(tmp_path, text):
    pick = tuple(x for x in ("Nghìn người", "Lao động (nghìn người)") if x in text and "%" in text)
    assert "--scale 1000" in asked(tmp_path, text, pick=pick, scale=None)
    assert new(tmp_path, text, pick=pick, scale=1000.0)["01", 2018] == 1000


@pytest.mark.parametrize("line", ["ĐVT: Nghìn người - Unit: Thous. persons", "Đơn vị: 1000 người"])
def test_the_line_of_the_unit_is_found_below_titles_in_two_languages(tmp_path, line):
    text = f"Lao động theo tỉnh\nLabour by province\n{line}\nTỉnh,2018\nHà Nội,1\nHà Nam,5\n"
    assert "--scale 1000" in asked(tmp_path, text, scale=None)
    shape = lines(read_table(tmp_path / "px.csv", Wanted(**{**vars(WANTED), "covariate": "new"})))
    assert any("Unit in the file" in told for told in shape)
    whole = text.replace(line, "Đơn vị tính: %")
    assert "say --unit percent" in asked(tmp_path, whole)
    assert new(tmp_path, whole, unit="percent", scale=None)["35", 2018] == 5


def test_tables_below_each_other_keep_their_own_units(tmp_path):
    rows = "Tỉnh,2018\nHà Nội,{}\nHà Nam,5\n"
    text = f"ĐVT: Nghìn người\n{rows.format(1)}\nĐVT: %\n{rows.format(9)}"
    assert "--pick 'ĐVT: %'" in asked(tmp_path, text)
    assert "say --unit percent" in asked(tmp_path, text, pick=("ĐVT: %",))
    assert "--scale 1000" in asked(tmp_path, text, pick=("ĐVT: Nghìn người",), scale=None)
    assert new(tmp_path, text, pick=("ĐVT: %",), unit="percent", scale=None)["01", 2018] == 9


def test_figures_in_percent_are_never_taken_for_persons(tmp_path):
    text = "Đơn vị: Nghìn người, %\nTỉnh,2018,\n,Số,%\nHà Nội,1,9\nHà Nam,5,9\n"
    assert "say --unit percent" in asked(tmp_path, text, pick=("%",))
    in_percent = {"pick": ("%",), "unit": "percent", "scale": None}
    assert new(tmp_path, text, **in_percent) == {("01", 2018): 9.0, ("35", 2018): 9.0}
    thousands = "Tỉnh,2018\n,Nghìn người\nHà Nội,1\nHà Nam,5\n"
    assert "choose others" in asked(tmp_path, thousands, unit="percent", scale=None)


def test_a_unit_that_the_file_gives_each_kind_of_figure_is_read(tmp_path):
    dimension = {
        "p": {"category": {"index": ["a", "b"], "label": {"a": "Ha Noi", "b": "Ha Nam"}}},
        "t": {"category": {"index": ["2018"]}},
        "m": {"label": "Kind", "category": {"index": ["n", "s"], "label": {
            "n": "Workers", "s": "Share"}, "unit": {
            "n": {"label": "thousand persons"}, "s": {"label": "percent"}}}},
    }  # fmt: skip
    json_stat = json.dumps({"version": "2.0", "id": ["p", "t", "m"], "size": [2, 1, 2],
                            "dimension": dimension, "value": [1, 9, 5, 9]})  # fmt: skip
    px = (
        'TITLE="T";\nUNITS("Workers")="thousand persons";\nUNITS("Share")="percent";\n'
        'STUB="p";\nHEADING="t","m";\nVALUES("p")="Ha Noi","Ha Nam";\nVALUES("t")="2018";\n'
        'VALUES("m")="Workers","Share";\nDATA=\n1 9\n5 9\n;\n'
    )
    for text in (json_stat, px):
        assert "--scale 1000" in asked(tmp_path, text, pick=("Workers",), scale=None)
        assert "--unit percent" in asked(tmp_path, text, pick=("Share",))
        assert new(tmp_path, text, pick=("Workers",), scale=1000.0)["35", 2018] == 5000


def in_excel(tmp_path, value, code, **said):
    book = Workbook()
    book.active.append(["Tỉnh", "2017", "2018"])
    for name in ("Hà Nội", "Hà Nam"):
        book.active.append([name, 4, value])
        book.active.cell(book.active.max_row, 3).number_format = code
    book.save(tmp_path / "px.xlsx")
    wanted = Wanted(**{**vars(WANTED), "covariate": "new", "scale": 1.0, **said})
    return values(read_covariate(tmp_path / "px.xlsx", wanted))["01", 2018]


def test_figures_of_a_workbook_are_what_their_cells_show(tmp_path):
    for code in ("#,##0,", '#,##0,,"tr"', "[>=1000]#,##0,;0", "_(* #,##0,_)"):
        with pytest.raises(IntakeError, match=r"px\.xlsx:2: C: 1612345: is not what"):
            in_excel(tmp_path, 1612345, code)
    for code in ("#,##0", "_(* #,##0_)", "#,##0.00", "General"):
        assert in_excel(tmp_path, 1612345, code) == 1612345
    for value, code in ((0.563, "0.0%"), (56.3, '0.0"%"'), (56.3, "0.0\\%")):
        with pytest.raises(IntakeError, match="--unit percent"):
            in_excel(tmp_path, value, code)
        assert in_excel(tmp_path, value, code, unit="percent") == 56.3
    with pytest.raises(IntakeError, match="holds a day there"):
        in_excel(tmp_path, dt.datetime(2025, 5, 3), "d-mmm")


def test_a_table_without_figures_of_provinces_is_called_so(tmp_path):
    text = "Tỉnh,2018\nHà Nội,\nThành thị,1\nHà Nam,\nThành thị,5\n"
    found = read(tmp_path, text, Wanted(**{**vars(WANTED), "covariate": "new", "scale": 1.0}))
    with pytest.raises(IntakeError, match="holds no figure of a province"):
        propose_covariate(found, WANTED, tmp_path / "px.csv")


@pytest.mark.parametrize("name", ["TP. Bến Tre", "Thành phố Bến Tre", "Ben Tre city"])
def test_a_city_in_a_province_is_not_the_province(tmp_path, name):
    text = f"Tỉnh,2018\nTP. Cần Thơ,1\nTP Huế,2\nTỉnh Hà Nam,5\n{name},9\n"
    message = asked(tmp_path, text)
    assert f"{name}: is not one of the 63 provinces" in message and "Cần Thơ" not in message
    kept = new(tmp_path, text, ignore=(name,))
    assert kept == {("92", 2018): 1.0, ("46", 2018): 2.0, ("35", 2018): 5.0}


@pytest.mark.parametrize("beside", ["6 tháng năm", "Kế hoạch", "Quý I", "Plan", "First half"])
def test_figures_of_a_part_of_a_year_or_of_a_plan_are_not_those_of_the_year(tmp_path, beside):
    text = f"Tỉnh,{beside} 2018\nHà Nội,1\nHà Nam,5\n"
    message = asked(tmp_path, text)
    assert "row 2, column B is headed" in message
    pick = re.search(r"--pick ('[^']*'|\S+)", message)[1].strip("'")
    assert new(tmp_path, text, pick=(pick,)) == {("01", 2018): 1.0, ("35", 2018): 5.0}
    assert new(tmp_path, text, pick=(f"beside the year={pick}",))["01", 2018] == 1
    plain = text.replace(beside, "Sơ bộ")
    assert new(tmp_path, plain)["01", 2018] == 1


def test_a_sheet_that_is_named_by_its_year_offers_it(tmp_path):
    book = Workbook()
    book.active.title = "2018"
    for row in (["Tỉnh", "Số"], ["Hà Nội", 1], ["Hà Nam", 5]):
        book.active.append(row)
    book.save(tmp_path / "px.xlsx")
    with pytest.raises(IntakeError, match="say --year 2018"):
        read_covariate(tmp_path / "px.xlsx", Wanted(**{**vars(WANTED), "covariate": "new"}))


FOUR = ("Hà Nội", "Hà Giang", "Cao Bằng", "Bắc Kạn")


def later(tmp_path, change):
    """What is read, and what is said, of a table for the years after the last that stands."""
    raw = load_raw(paths.RAW)
    own = raw.covariates[raw.covariates["covariate"] == "labour_force_new_definition"]
    codes = codes_by_key(raw.provinces)
    standing = own[own["year"] == 2021].set_index("province_code")["value"]
    rows = [[name, standing[codes[key(name)]] / 1000] for name in FOUR]
    text = "Tỉnh,2022\n" + "".join(f"{n},{v:.1f}\n" for n, v in change(rows))
    wanted = Wanted(
        "labour_force_new_definition", "persons", "NSO-X", "https://e.org/px", scale=1000
    )
    return read(tmp_path, text, wanted), wanted


def times(factor, place):
    return lambda rows: [[n, v * factor if i == place else v] for i, (n, v) in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "lines", "what"),
    [
        (times(10, 2), [4], "check --scale, separators and the order of the rows"),
        (times(0.1, 2), [4], "check --scale, separators and the order of the rows"),
        (times(0, 1), [3], "leave the cell empty where nothing is known"),
        (lambda rows: [[n, v * 1000] for n, v in rows], [2, 3, 4, 5], "check --scale"),
    ],
)
def test_a_count_that_no_year_of_its_province_comes_near_is_refused_in_its_row(
    tmp_path, change, lines, what
):
    found, wanted = later(tmp_path, change)
    with pytest.raises(IntakeError) as error:
        propose_covariate(found, wanted, tmp_path / "px.csv")
    assert [fault.row for fault in error.value.faults] == lines
    assert all(what in fault.message and "stand for 2021" in fault.message
               for fault in error.value.faults)  # fmt: skip


def test_counts_are_compared_with_the_nearest_year_before_they_are_written(tmp_path):
    assert remarks(*later(tmp_path, lambda rows: rows), 2026) == []
    (told,) = remarks(*later(tmp_path, times(1.7, 1)), 2026)
    assert told.startswith("Look at this again: row 3, column B, 2022: ")
    (told,) = remarks(*later(tmp_path, lambda rows: [[n, v * 0.47] for n, v in rows]), 2026)
    assert told.startswith("Most figures are about 0.47 times those of the nearest year")
    (told,) = remarks(*later(tmp_path, lambda rows: rows), 2021)
    assert told.startswith("Yet to come: 2022.")
