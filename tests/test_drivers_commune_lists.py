"""The optional table of communes that left the lists: what it takes, refuses and gives."""

import pandas as pd
import pytest
from driver_data import raw, readings, samples

from analysis.drivers import commune_lists, decisions
from analysis.facts.load import RawDataError
from analysis.readings import covariates

HEAD = "province_code,district,commune,list_2017,list_2021,persons,source\n"
GOOD = [
    "14,Van Ho,Muong Te,III,,4200,Decision 861",
    "14,Van Ho,Xuan Nha,III,III,3100,Decision 861",
    "14,Moc Chau,Phieng Luong,II,I,5000,Decision 861",
    "17,Mai Chau,Tong Dau,I,,2500,Decision 861",
]


def folder(tmp_path, lines):
    (tmp_path / commune_lists.LISTS_FILE).write_text(
        HEAD + "\n".join(lines) + "\n", encoding="utf-8"
    )
    return tmp_path


def test_without_the_file_nothing_is_asked(tmp_path):
    assert commune_lists.read_lists(tmp_path) is None
    assert commune_lists.list_faults(tmp_path) == []


def test_only_communes_of_regions_two_and_three_lost_cards(tmp_path):
    table = commune_lists.read_lists(folder(tmp_path, GOOD))
    share = commune_lists.left_the_lists(table, raw())
    assert len(share) == 63
    people = covariates.official_population("14", "2021-07-01", "province_63", raw=raw())
    assert share["14"] == pytest.approx(100 * 9200 / people)
    assert share["17"] == 0.0


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("99,A,B,III,,4200,x", "province_code", "63 provinces"),
        ("14,A,,III,,4200,x", "commune", "name the commune"),
        ("14,A,B,IV,,4200,x", "list_2017", "Decision 582"),
        ("14,A,B,III,2,4200,x", "list_2021", "Decision 861"),
        ("14,A,B,III,,4.200,x", "persons", "without separators"),
        ("14,A,B,III,,42,x", "persons", "from 100"),
        ("14,A,B,,,4200,x", "list_2021", "neither list"),
        ("14,A,B,III,,4200,", "source", "where the commune"),
        (GOOD[0], "commune", "stands twice"),
    ],
)
def test_a_fault_says_where_it_is_and_what_to_do(tmp_path, line, column, message):
    with pytest.raises(RawDataError) as caught:
        commune_lists.read_lists(folder(tmp_path, [*GOOD, line]))
    text = str(caught.value)
    assert f"{commune_lists.LISTS_FILE}:6: {column}" in text
    assert message in text


def test_more_people_than_the_province_has_are_refused(tmp_path):
    lines = [f"04,D,Commune {i},III,,99000,x" for i in range(8)]
    table = commune_lists.read_lists(folder(tmp_path, lines))
    with pytest.raises(RawDataError, match="province 04"):
        commune_lists.left_the_lists(table, raw())


def test_no_commune_that_left_is_an_error(tmp_path):
    table = commune_lists.read_lists(folder(tmp_path, [GOOD[1]]))
    with pytest.raises(ValueError, match="no province has a commune"):
        commune_lists.standardised(commune_lists.left_the_lists(table, raw()))


def test_the_lists_stand_beside_the_minority_share_where_they_are_there():
    share = covariates.covariate_table(raw())["minority_share"]
    made = (share**1.2).where(share.index != "15", 0.0)
    found = decisions.run(samples(), readings(), raw(), 99, pd.Series(made))
    table = found.lists.set_index(["driver", "beside"])
    assert {"minority", "left_lists"} == set(table.index.get_level_values(0))
    assert table["correlation"].iloc[0] > 0.5
    assert decisions.run(samples(), readings(), raw(), 99).lists is None
