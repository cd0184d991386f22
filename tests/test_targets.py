"""Targets: who set them, since when they were known, and which one a unit is held against."""

import numpy as np
import pandas as pd
import pytest
from example_facts import fact, raw_with, real_raw

from analysis.facts.tables import SETTERS
from analysis.readings.targets import (
    SLACK,
    announced_by,
    announced_last,
    due_on,
    for_unit,
    have_aim,
    held_against,
    judged,
    keeps,
    meets,
    share_meeting,
    targets,
)
from analysis.report import describe

DUE = "2025-12-31"
LEVELS = ("province_63", "province_34")


@pytest.fixture(scope="module")
def table():
    return targets(real_raw())


def made(*given):
    """The targets that come of facts with these columns, each from a source of its own."""
    whole = {"kind": "target", "as_of": DUE, "setter": "province", "announced": "2023-05-31"}
    facts = [
        fact(95.0, **whole | columns, source_id=name)
        for name, columns in zip("ABCD", given, strict=False)
    ]
    return targets(raw_with(facts))


def test_the_note_decides_nothing():
    """Words that once made a Government target of 2022, derived, from a note in prose."""
    note = "derived: Decision 546/QD-TTg of 29/04/2022, Prime Minister; VSS; 2021-12-20"
    found = made({"note": note}).iloc[0]
    assert (found["setter"], found["derived"]) == ("province", False)
    assert found["announced"] == pd.Timestamp("2023-05-31")


def test_repeats_count_once_and_the_earliest_day_holds():
    central = {"setter": "government", "announced": "2022-04-29"}
    found = made({}, central | {"announced": "2022-05-10"}, central)
    assert found["setter"].tolist() == ["government", "province"]
    assert found["n_sources"].tolist() == [2, 1]
    assert found["announced"].tolist() == [pd.Timestamp("2022-04-29"), pd.Timestamp("2023-05-31")]


@pytest.mark.parametrize("standing", ["plan", "estimate"])
def test_a_draft_and_an_estimate_are_no_targets(standing):
    assert made({"standing": standing}, {"setter": "agency"})["setter"].tolist() == ["agency"]


@pytest.mark.parametrize(
    ("fact_row", "setter", "announced"),
    [
        ({"province_code": "01", "value": 95.15}, "government", "2022-04-29"),
        ({"province_code": "44", "value": 79.5}, "government", "2015-09-14"),
        ({"province_code": "15", "value": 100.0}, "province", "2025-11-17"),
        ({"province_code": "00", "due": "2026-12-31", "value": 48.1}, "agency", "2026-03-03"),
    ],
)
def test_setters_and_days_of_real_targets(table, fact_row, setter, announced):
    found = table
    for column, value in fact_row.items():
        found = found[found[column] == (pd.Timestamp(value) if column == "due" else value)]
    assert len(found) and set(found["setter"]) == {setter}
    assert set(found["announced"]) == {pd.Timestamp(announced)}


def test_targets_are_unique_and_complete(table):
    keys = ["geo_level", "province_code", "indicator", "basis", "due", "value", "setter"]
    assert not table.duplicated(keys).any()
    assert set(table["setter"]) == set(SETTERS)
    assert table["announced"].notna().all()
    rows = [int(row) for cell in table["facts"] for row in cell.split(";")]
    facts = real_raw().facts
    set_by_someone = (facts["kind"] == "target") & (facts["standing"] == "")
    assert sorted(rows) == sorted(facts.loc[set_by_someone, "row"])


def test_nothing_of_the_future_is_known(table):
    known = announced_by(table, "2021-12-31")
    assert (known["announced"] <= pd.Timestamp("2021-12-31")).all()
    assert not known["sources"].str.contains("S320").any(), "Decision 546 came in April 2022"


def test_the_governments_target_comes_before_the_provinces_own(table):
    assert for_unit(table, "province_63", "01", "hi_coverage", DUE).value == 95.15
    assert for_unit(table, "province_63", "01", "hi_coverage", DUE).setter == "government"
    early = for_unit(table, "province_63", "89", "hi_coverage", DUE, origin="2021-12-31")
    assert (early.value, early.setter) == (95.0, "province")


def test_without_a_target_of_its_own_the_nationwide_one_stands_in(table):
    found = for_unit(table, "province_63", "84", "si_coverage", DUE)
    assert (found.value, found.setter) == (45.0, "nationwide")


@pytest.mark.parametrize(
    ("indicator", "value"), [("hi_coverage", 95), ("si_coverage", 45), ("ui_coverage", 35)]
)
def test_nationwide_yardsticks_of_2025(table, indicator, value):
    found = for_unit(table, "region", "R1", indicator, DUE)
    assert (found.value, found.setter) == (value, "nationwide")


def test_an_unknown_yardstick_is_an_error(table):
    with pytest.raises(KeyError, match="no nationwide target: hi_coverage, due 2050-12-31"):
        for_unit(table, "region", "R1", "hi_coverage", "2050-12-31")


@pytest.mark.parametrize("code", ["01", "04", "42"])
def test_a_province_that_did_not_merge_has_one_target_under_both_levels(table, code):
    held = [for_unit(table, level, code, "hi_coverage", DUE) for level in LEVELS]
    assert held[0] == held[1]
    assert held[0].setter != "nationwide"


def test_a_merged_unit_does_not_inherit_the_target_of_the_province_whose_code_it_keeps(table):
    """The city of before July 2025 had a target; with its two neighbours it is another unit."""
    assert for_unit(table, "province_63", "79", "hi_coverage", DUE).setter != "nationwide"
    assert for_unit(table, "province_34", "79", "hi_coverage", DUE).setter == "nationwide"


def test_targets_fit_their_description(table, tmp_path):
    from analysis.paths import write_table

    write_table(table, tmp_path / "targets.csv")
    assert describe.faults("targets", tmp_path) == []


# --------------------------------------------------------------------------------------------------
# One rule at a time, on targets made for it.
# --------------------------------------------------------------------------------------------------


def row(**given):
    """A row of the table of targets: An Giang's own goal, unless told otherwise."""
    whole = {
        "geo_level": "province_63", "province_code": "89", "indicator": "hi_coverage",
        "basis": "", "due": pd.Timestamp(DUE), "value": 95.0, "qualifier": "exact",
        "setter": "province", "announced": pd.Timestamp("2023-05-31"), "derived": False,
        "n_sources": 1, "facts": "7", "sources": "A",
    }  # fmt: skip
    return whole | given


def held(*rows, level="province_63", code="89", indicator="hi_coverage", **asked):
    return for_unit(pd.DataFrame(list(rows)), level, code, indicator, DUE, **asked)


EARLY, LATE = pd.Timestamp("2021-03-01"), pd.Timestamp("2024-03-01")


@pytest.mark.parametrize("turned", [False, True])
def test_of_one_setter_the_latest_announced_target_counts(turned):
    early, late = row(value=90.0, announced=EARLY), row(value=96.0, announced=LATE)
    assert held(*((late, early) if turned else (early, late))).value == 96.0


def test_a_target_announced_on_one_day_by_more_sources_comes_before_the_lower_one():
    assert held(row(value=90.0), row(value=96.0, n_sources=3)).value == 96.0


def test_of_targets_that_differ_in_nothing_else_the_lower_one_counts():
    assert held(row(value=96.0), row(value=90.0)).value == 90.0


def test_a_stated_target_comes_before_a_later_one_that_was_worked_out_from_a_distance():
    stated, derived = row(value=90.0), row(value=96.0, announced=LATE, derived=True)
    assert held(derived, stated).value == 90.0


def test_the_government_comes_before_the_province_and_the_province_before_the_agency():
    agency, own = row(value=1.0, setter="agency", announced=LATE), row(value=2.0)
    central = row(value=3.0, setter="government", announced=EARLY)
    assert held(agency, own).setter == "province"
    assert held(agency, own, central).setter == "government"


def test_a_target_says_where_it_stands_and_how_it_was_worded():
    found = held(row(value=95.15, qualifier="over", facts="7;9", sources="A;B", announced=LATE))
    assert (found.value, found.qualifier, found.setter) == (95.15, "over", "province")
    assert (found.facts, found.sources, found.announced) == ("7;9", "A;B", LATE)


def test_a_target_is_known_from_the_day_of_its_announcement_on():
    own, nation = row(announced=LATE), row(geo_level="country", province_code="00", announced=EARLY)
    assert held(own, nation, origin=LATE).setter == "province"
    assert held(own, nation, origin=LATE - pd.Timedelta(days=1)).setter == "nationwide"


def test_only_the_targets_of_this_indicator_day_and_definition_are_asked():
    own = row(value=95.0, announced=EARLY)
    others = [
        row(value=1.0, announced=LATE, indicator="si_coverage"),
        row(value=2.0, announced=LATE, due=pd.Timestamp("2024-12-31")),
        row(value=3.0, announced=LATE, basis="post_2019_census_population"),
    ]
    assert held(own, *others).value == 95.0


@pytest.mark.parametrize("first", [95.0, 95.5], ids=["raised later", "lowered later"])
def test_the_yardstick_is_the_target_that_the_country_itself_is_held_against(first):
    country = {"geo_level": "country", "province_code": "00"}
    agency = row(**country, value=90.0, setter="agency", announced=LATE)
    early = row(**country, value=first, setter="government", announced=EARLY)
    late = row(**country, value=190.5 - first, setter="government", announced=LATE)
    whole = held(agency, early, late, level="country", code="00")
    part = held(agency, early, late, level="region", code="R1")
    assert part.value == whole.value == late["value"]
    assert (part.setter, whole.setter) == ("nationwide", "government")


@pytest.mark.parametrize("due", ["2025-12-31", "2026-12-31", "2030-12-31"])
def test_country_and_yardstick_are_one_number_in_the_real_tables(table, due):
    for indicator in ("hi_coverage", "si_coverage"):
        whole = for_unit(table, "country", "00", indicator, due)
        assert for_unit(table, "region", "R1", indicator, due).value == whole.value


def test_the_country_without_a_target_is_told_apart_from_a_unit_without_one():
    with pytest.raises(KeyError, match="no target for the country: hi_coverage, due 2025-12-31"):
        held(row(), level="country", code="00")
    with pytest.raises(KeyError, match="no nationwide target: hi_coverage, due 2025-12-31"):
        held(row(), level="region", code="R1")


def test_the_country_is_held_against_its_own_target_by_the_name_of_its_setter():
    nation = row(geo_level="country", province_code="00", setter="government")
    assert held(nation, level="country", code="00").setter == "government"


def test_repeats_give_the_sharpest_wording_and_every_source():
    found = made({"qualifier": "about"}, {"qualifier": "exact"}, {"qualifier": "over"})
    assert found["qualifier"].tolist() == ["exact"]
    assert (found["facts"].tolist(), found["sources"].tolist()) == (["3;4;2"], ["A;B;C"])
    assert made({"qualifier": "under"}, {"qualifier": "over"})["qualifier"].tolist() == ["over"]
    assert made({"qualifier": "about"}, {"qualifier": "under"})["qualifier"].tolist() == ["under"]


def test_a_target_is_derived_only_where_no_source_states_it():
    assert made({"doubt": "derived"}, {"doubt": "derived"})["derived"].tolist() == [True]
    assert made({"doubt": "derived"}, {})["derived"].tolist() == [False]
    assert made({"doubt": "date approximate;derived"})["derived"].tolist() == [True]


def test_the_table_of_targets_is_sorted_and_numbered():
    found = made({"province_code": "91"}, {"province_code": "01"}, {"province_code": "44"})
    assert found["province_code"].tolist() == ["01", "44", "91"]
    assert found.index.tolist() == [0, 1, 2]


def forecast(**given):
    whole = {
        "geo_level": "province_63", "province_code": "89", "indicator": "hi_coverage",
        "target_setter": "province", "verdict": "likely",
        "p_meets_true": 0.613, "p_meets_reported": 0.713, "p_meets_official": 0.433,
        "date": pd.Timestamp("2025-12-31"),
    }  # fmt: skip
    return whole | given


CHANCES = ["p_meets_true", "p_meets_reported", "p_meets_official"]


def shown(**given):
    return judged(pd.DataFrame([forecast(**given)])).iloc[0]


def test_the_chances_of_a_province_come_in_steps_and_the_word_goes_by_the_reported_one():
    found = shown(verdict="unlikely")
    assert found[CHANCES].tolist() == [0.6, 0.7, 0.45]
    assert found["verdict"] == "likely"
    assert shown(p_meets_reported=0.04)["verdict"] == "very_unlikely"


def test_the_chances_of_the_country_are_shown_as_they_are():
    found = shown(geo_level="country", province_code="00")
    assert found[CHANCES].tolist() == [0.613, 0.713, 0.433]


@pytest.mark.parametrize("word", ["", "not_enough_evidence", None])
def test_without_enough_evidence_there_is_no_chance(word):
    found = shown(verdict=word)
    assert found[CHANCES].isna().all()
    assert found["verdict"] == "not_enough_evidence"
    bare = shown(verdict=word, target_setter="nationwide", indicator="si_coverage")
    assert bare["verdict"] == "not_enough_evidence", "the evidence is asked for first"


@pytest.mark.parametrize(
    ("unit", "meant"),
    [
        ({"target_setter": "agency", "indicator": "si_coverage"}, True),
        ({"target_setter": ""}, False),
        ({"target_setter": "nationwide"}, True),
        ({"target_setter": "nationwide", "indicator": "si_coverage"}, False),
        ({"target_setter": "nationwide", "indicator": "ui_coverage", "province_code": "01"}, False),
        ({"target_setter": "nationwide", "geo_level": "province_34"}, False),
        ({"target_setter": "nationwide", "geo_level": "province_34", "province_code": "01"}, True),
        ({"target_setter": "nationwide", "geo_level": "region", "province_code": "R1"}, False),
        ({"target_setter": "nationwide", "date": pd.Timestamp("2026-12-31")}, False),
        (
            {
                "target_setter": "nationwide",
                "date": pd.Timestamp("2026-12-31"),
                "province_code": "01",
                "geo_level": "province_34",
            },
            False,
        ),
        ({"target_setter": "province", "date": pd.Timestamp("2026-12-31")}, True),
        (
            {
                "target_setter": "nationwide",
                "date": pd.Timestamp("2026-12-31"),
                "province_code": "00",
                "geo_level": "country",
            },
            True,
        ),
    ],
)
def test_a_chance_is_of_a_units_own_target_or_of_the_95_percent_of_health_insurance(unit, meant):
    found = shown(**unit)
    assert found[CHANCES].notna().tolist() == [meant] * 3
    assert found["verdict"] == ("likely" if meant else "no_target")


def test_one_unit_without_an_aim_takes_no_chance_from_another():
    table = pd.DataFrame([forecast(), forecast(target_setter="", province_code="91")])
    before = table.copy()
    found = judged(table.drop(columns="p_meets_official"))
    assert found["p_meets_reported"].notna().tolist() == [True, False]
    assert found["verdict"].tolist() == ["likely", "no_target"]
    assert "p_meets_official" not in found
    pd.testing.assert_frame_equal(table, before)


def test_an_aim_is_a_target_that_was_set_for_the_unit():
    rows = [
        forecast(),
        forecast(target_setter="nationwide"),
        forecast(target_setter="nationwide", date=pd.Timestamp("2026-12-31")),
        forecast(target_setter="nationwide", indicator="si_coverage"),
        forecast(target_setter=float("nan")),
    ]
    assert have_aim(pd.DataFrame(rows)).tolist() == [True, True, False, False, False]


def test_a_figure_equal_to_its_target_meets_it_and_so_does_one_short_by_rounding_alone():
    added = 0.1 + 0.2  # a little more than 0.3
    assert meets(95.0, 95.0) and meets(0.3, added) and not meets(94.9999, 95.0)
    assert meets(0.0, SLACK) and not meets(0.0, 2 * SLACK)
    assert keeps(1.5, 1.5) and keeps(added, 0.3) and not keeps(1.5001, 1.5)
    assert SLACK < 1e-6, "a figure printed with six decimals below its target misses it"


def test_figures_are_compared_row_by_row_and_a_missing_one_meets_nothing():
    values = pd.Series([95.0, 94.0, np.nan, 96.0], index=[7, 8, 9, 10])
    aims = pd.Series([95.0, 95.0, 95.0, np.nan])
    assert meets(values, aims).tolist() == [True, False, False, False]
    assert keeps(values, aims).tolist() == [True, True, False, False]
    assert keeps(values, 94.0).tolist() == [False, True, False, False]


def test_the_chance_of_a_target_is_the_share_of_draws_that_meet_it():
    draws = np.array([[94.0, 90.0, 1.0], [95.0, 90.0, 2.0], [96.0, 90.0, 3.0], [97.0, 95.0, 4.0]])
    found = share_meeting(draws, np.array([95.0, 95.0, np.nan]))
    assert found[:2].tolist() == [0.75, 0.25] and np.isnan(found[2])
    assert share_meeting(draws[:, 0], 96.0) == 0.5 and np.isnan(share_meeting(draws[:, 0], np.nan))


def test_a_table_of_targets_gives_each_unit_the_one_it_is_held_against(table):
    keys = ["geo_level", "province_code", "indicator", "due"]
    usual = table[table["basis"] == ""]
    several = usual.groupby(keys)["value"].transform("nunique") > 1
    assert several.sum() > 20, "without a choice there is nothing to compare"
    chosen = held_against(usual.sample(frac=1, random_state=1), keys)
    assert chosen[keys].equals(chosen[keys].sort_values(keys))
    assert len(chosen) == len(usual.drop_duplicates(keys))
    for row in chosen[chosen["geo_level"] != "province_34"].to_dict("records"):
        due = due_on(usual[usual["geo_level"] == row["geo_level"]], row["indicator"], row["due"])
        assert due.held_by(row["geo_level"], row["province_code"]).facts == row["facts"]


def test_the_target_announced_last_is_another_question_than_whose_it_is():
    central, own = {"setter": "government", "announced": "2022-04-29"}, {"announced": "2024-01-01"}
    found = pd.concat([made(central), made(own), made(own), made(own | {"as_of": "2024-12-31"})])
    found = found.assign(value=[95.0, 94.0, 94.5, 95.0])
    last = announced_last(found.iloc[::-1])
    assert last["due"].dt.year.tolist() == [2024, 2025] and last.index.tolist() == [0, 1]
    assert last["value"].tolist() == [95.0, 94.5], "of two of one day the higher"
    assert held_against(found, ["due"])["setter"].tolist() == ["province", "government"]
