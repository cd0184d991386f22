"""Tables of the statistics office: form, language and numbers are read as they are meant."""

import json

import pytest

from analysis import paths
from analysis.facts import load_raw
from analysis.intake.covariate import Wanted, propose_covariate, read_covariate
from analysis.intake.provinces import codes, key
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
    known = codes(table)
    for row in table.itertuples():
        assert known[key(row.name_en)] == known[key(row.name_vi)] == row.province_code
        assert known[key(f"Tỉnh {row.name_vi}")] == row.province_code


def test_the_raw_tables_are_untouched_by_reading(tmp_path):
    before = (paths.RAW / "covariates.csv").read_bytes()
    propose_covariate(read(tmp_path, ACROSS), WANTED, tmp_path / "px.csv").checked()
    assert (paths.RAW / "covariates.csv").read_bytes() == before
