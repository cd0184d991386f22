"""What is known on a day: each rule of cutting the future away, on a few figures made for it."""

import pandas as pd
import pytest
from example_facts import fact, raw_with, source

from analysis.forecast import known as known_module
from analysis.forecast.known import (
    LAST,
    QUERY_COLUMNS,
    QueryError,
    ended_years,
    fact_printed_on,
    fact_rows,
    known_at,
    later_revisions,
    printed_on,
    read_queries,
    without,
    without_provinces,
)
from analysis.readings import targets as targets_room

DAY = pd.Timestamp("2022-12-31")
BEFORE, AFTER = DAY - pd.Timedelta(days=1), DAY + pd.Timedelta(days=1)


def reading(facts="2", **given):
    """A reading of health insurance in An Giang at the end of 2022, unless told otherwise."""
    whole = {
        "reading_id": f"r{facts}", "geo_level": "province_63", "province_code": "89",
        "indicator": "hi_coverage", "basis": "", "as_of": DAY, "value": 90.0,
        "kind_of_evidence": "published", "known_on": given.get("as_of", DAY),
    }  # fmt: skip
    refs = ";".join(f"facts.csv:{row}" for row in facts.split(";") if row)
    return whole | given | {"facts": refs}


def table(*rows):
    found = pd.DataFrame(list(rows))
    return found.assign(**{day: pd.to_datetime(found[day]) for day in ("as_of", "known_on")})


def at(origin, rows, facts, sources=None, **how):
    return known_at(table(*rows), raw_with(facts, sources), pd.Timestamp(origin), **how)


def test_a_figure_is_known_from_the_day_that_it_describes():
    facts = [fact(90.0, as_of=day) for day in (BEFORE, DAY, AFTER)]
    rows = [
        reading(str(row), as_of=day)
        for row, day in zip((2, 3, 4), (BEFORE, DAY, AFTER), strict=True)
    ]
    known = at(DAY, rows, facts)
    assert known.readings["reading_id"].tolist() == ["r2", "r3"]
    assert known.readings.index.tolist() == [0, 1]
    assert known.readings.columns.tolist() == table(*rows).columns.tolist()
    assert known.raw.facts["row"].tolist() == [2, 3]
    assert known.origin == DAY


def test_a_reading_that_rests_on_a_later_fact_is_not_known():
    rows = [reading("2", known_on=AFTER), reading("3", known_on=DAY)]
    assert at(DAY, rows, [fact(90.0), fact(90.0)]).readings["reading_id"].tolist() == ["r3"]
    change = reading("2", known_on=pd.Timestamp("2023-06-30"))
    assert at("2023-02-01", [change], [fact(90.0)], printed=True).readings.empty


def test_a_target_is_known_from_its_announcement_whenever_it_falls_due():
    whole = {"kind": "target", "as_of": "2025-12-31", "setter": "province"}
    facts = [
        fact(value, **whole, announced=day)
        for value, day in ((93.0, BEFORE), (94.0, DAY), (95.0, AFTER))
    ]
    known = at(DAY, [reading("9", as_of=AFTER)], facts)
    assert known.targets["value"].tolist() == [93.0, 94.0]
    assert known.targets.index.tolist() == [0, 1]
    assert known.targets.columns.tolist() == targets_room.targets(raw_with(facts)).columns.tolist()
    assert known.raw.facts["row"].tolist() == [2, 3]
    given = targets_room.targets(raw_with(facts)).assign(value=1.0)
    assert at(DAY, [reading()], facts, targets=given).targets["value"].tolist() == [1.0, 1.0]


def test_events_and_yearly_figures_are_known_up_to_the_origin():
    raw = raw_with([fact(90.0)])
    day = raw.policy_events["date"].sort_values().iloc[len(raw.policy_events) // 2]
    rows = table(reading(as_of=day))
    on, before = (known_at(rows, raw, one).raw for one in (day, day - pd.Timedelta(days=1)))
    assert on.policy_events["date"].max() == day
    assert before.policy_events["date"].max() < day
    for name in ("covariates", "population"):
        whole, cut = getattr(raw, name)["year"], getattr(on, name)["year"]
        assert cut.max() == day.year < whole.max()
        assert len(cut) == (whole <= day.year).sum()
    assert on.corrections.empty


def test_of_a_year_that_has_not_ended_there_are_no_yearly_figures():
    raw = raw_with([fact(90.0)])
    for day, last in (("2019-12-31", 2019), ("2019-12-30", 2018), ("2019-01-01", 2018)):
        cut = ended_years(known_at(table(reading()), raw, pd.Timestamp(day))).raw
        assert cut.population["year"].max() == cut.covariates["year"].max() == last


# --------------------------------------------------------------------------------------------------
# The day of printing.
# --------------------------------------------------------------------------------------------------


def test_a_fact_is_printed_on_the_last_day_that_its_source_allows_and_never_before_its_own():
    facts = [fact(90.0, source_id=name) for name in "ABCD"]
    sources = [
        source("A", published="2023-01-05"),
        source("B", published="2023-02"),
        source("C", published="2022-12-20"),
        source("D", published=""),
    ]
    days = fact_printed_on(raw_with(facts, sources))
    assert days.index.tolist() == [2, 3, 4, 5]
    assert days.tolist() == [
        pd.Timestamp(day) for day in ("2023-01-05", "2023-02-28", "2022-12-31", "2023-03-31")
    ]


def test_a_repeated_figure_is_read_from_the_first_source_and_a_computed_one_from_the_last():
    days = pd.Series(pd.to_datetime(["2023-01-05", "2023-03-05"]), index=[2, 3])
    rows = table(
        reading("2;3"),
        reading("3;2", kind_of_evidence="derived"),
        reading("", kind_of_evidence="derived"),
        reading(""),
    ).set_index(pd.Index([7, 5, 3, 1]))
    found = printed_on(rows, days)
    assert found.index.tolist() == [7, 5, 3, 1]
    assert found.tolist() == [days[2], days[3], DAY, DAY]


@pytest.mark.parametrize(
    ("origin", "printed", "known"),
    [("2023-01-04", True, 0), ("2023-01-05", True, 1), ("2023-01-04", False, 1)],
)
def test_the_printed_rule_waits_for_the_source_and_the_dated_one_does_not(origin, printed, known):
    target = {"kind": "target", "as_of": "2025-12-31", "setter": "province", "announced": DAY}
    found = at(origin, [reading()], [fact(90.0), fact(95.0, **target)], printed=printed)
    assert len(found.readings) == known
    assert found.raw.facts["row"].tolist() == [2, 3][1 - known :], "a target has a day of its own"


def test_references_to_facts_are_lines_of_their_file():
    assert fact_rows(["facts.csv:12;facts.csv:40", "7", "7;8"]) == {7, 8, 12, 40}
    assert fact_rows(["", "population.csv:3;facts.csv:5", float("nan")]) == {5}


# --------------------------------------------------------------------------------------------------
# Revisions, and estimates for the year that still runs.
# --------------------------------------------------------------------------------------------------

OLD = {"as_of": "2015-12-31"}
PRINTED = {"A": "2016-01-05", "B": "2018-02-01"}


def revised(origin="2016-12-31", value=88.0, days=None, **where):
    """Rows that revise the first of two figures of one day."""
    facts = [fact(90.0, **OLD, **where), fact(value, **OLD | where, source_id="B")]
    sources = [source(name, published=day) for name, day in (PRINTED | (days or {})).items()]
    return set(later_revisions(raw_with(facts, sources), pd.Timestamp(origin)))


def test_another_figure_printed_more_than_a_year_later_is_a_revision_until_it_is_printed():
    assert revised() == {3}
    assert revised(origin="2018-01-31") == {3}
    assert revised(origin="2018-02-01") == set(), "by now it is known"
    assert revised(value=90.0) == set(), "it says the same"
    assert revised(days={"B": "2016-12-30"}, origin="2016-06-30") == set(), "within a year"
    assert revised(days={"B": "2017-01-01"}, origin="2016-06-30") == {3}
    assert revised(days={"A": "2017-03-01"}) == set(), "nothing was printed before"
    assert revised(origin="2015-12-30") == set(), "the day is yet to come"
    assert revised(days={"A": "2016-12-31"}) == {3}, "printed on the day of the origin"


def test_settled_accounts_of_the_country_are_no_revision():
    assert revised(geo_level="country", province_code="00") == set()


@pytest.mark.parametrize(
    "other", [{"province_code": "91"}, {"indicator": "si_coverage"}, {"as_of": "2015-06-30"}]
)
def test_a_revision_is_of_one_unit_indicator_and_day(other):
    facts = [fact(90.0, **OLD), fact(88.0, **OLD | other, source_id="B")]
    sources = [source(name, published=day) for name, day in PRINTED.items()]
    assert later_revisions(raw_with(facts, sources), pd.Timestamp("2016-12-31")) == frozenset()


def test_targets_are_not_revised():
    target = {"kind": "target", "setter": "province", "announced": DAY}
    assert revised(**target) == set()


def settled(origin, facts, sources):
    """What was known of figures whose readings were settled with everything that came later."""
    from analysis.readings import build_readings

    raw = raw_with(facts, sources)
    known = known_at(build_readings(raw).readings, raw, pd.Timestamp(origin))
    own = known.readings[known.readings["basis"] == ""]
    assert not own.duplicated(["indicator", "as_of"]).any()
    return known, dict(zip(own["indicator"], own["value"], strict=True))


def test_before_a_revision_is_printed_the_first_figure_stands():
    facts = [
        fact(90.0, **OLD),
        fact(88.0, **OLD, source_id="B", standing="settled"),
        fact(30.0, **OLD, indicator="si_coverage"),
    ]
    sources = [source(name, published=day) for name, day in PRINTED.items()]
    known, values = settled("2016-12-31", facts, sources)
    assert values == {"hi_coverage": 90.0, "si_coverage": 30.0}
    assert known.raw.facts["row"].tolist() == [2, 4]
    known, values = settled("2018-02-01", facts, sources)
    assert values == {"hi_coverage": 88.0, "si_coverage": 30.0}
    assert known.raw.facts["row"].tolist() == [2, 3, 4]


def test_before_a_revision_is_printed_nothing_that_was_computed_from_it_is_known():
    facts = [
        fact(1_000_000, **OLD, indicator="hi_participants"),
        fact(990_000, **OLD, indicator="hi_participants", source_id="B", standing="settled"),
        fact(-2_000, **OLD, indicator="hi_participants_change", source_id="B"),
    ]
    sources = [source(name, published=day) for name, day in PRINTED.items()]
    for origin, years in (("2016-12-31", [2015]), ("2018-02-01", [2014, 2015])):
        known = settled(origin, facts, sources)[0].readings
        counts = known[(known["indicator"] == "hi_participants") & (known["basis"] == "")]
        assert counts["as_of"].dt.year.tolist() == years


def test_a_sum_is_as_wide_as_it_was_before_a_revision_of_one_of_its_parts():
    """A revision that is set aside widens the figure that stands, and the sums made of it."""
    from analysis.readings import build_readings

    facts = [
        fact(1_000_000, **OLD, indicator="si_compulsory_participants"),
        fact(50_000, **OLD, indicator="si_voluntary_participants"),
        fact(970_000, **OLD, indicator="si_compulsory_participants", source_id="B", doubt="typo"),
    ]
    sources = [source(name, published=day) for name, day in PRINTED.items()]
    columns = ["indicator", "value", "lower", "upper"]
    known = settled("2016-12-31", facts, sources)[0].readings
    before = build_readings(raw_with(facts[:2], sources)).readings
    after = build_readings(raw_with(facts, sources)).readings
    assert set(known["indicator"]) >= {"si_participants"}
    assert known[columns].to_numpy().tolist() == before[columns].to_numpy().tolist()
    assert known[columns].to_numpy().tolist() != after[columns].to_numpy().tolist()


JUNE = {"as_of": "2022-06-30", "standing": "estimate"}


def hoped(origin, printed="2022-07-15", **where):
    facts = [fact(93.4, **JUNE | where), fact(92.0, as_of="2022-11-30", source_id="B")]
    sources = [source("A", published=printed), source("B", published="2022-12-05")]
    return settled(origin, facts, sources)


@pytest.mark.parametrize(
    ("origin", "value", "rows"),
    [("2022-09-30", 93.4, [2]), ("2022-11-30", 92.0, [2, 3]), ("2023-03-31", 92.0, [2, 3])],
)
def test_an_estimate_stands_until_the_count_below_it_is_dated(origin, value, rows):
    known, values = hoped(origin)
    assert values == {"hi_coverage": value}
    assert known.raw.facts["row"].tolist() == rows


@pytest.mark.parametrize("origin", ["2022-06-30", "2022-09-30"])
def test_an_estimate_of_this_year_is_not_known_before_the_day_of_printing(origin):
    known, values = hoped(origin, printed="2022-10-01")
    assert values == {} and known.raw.facts.empty


def test_an_estimate_of_this_year_is_known_on_the_day_of_printing():
    assert hoped("2022-10-01", printed="2022-10-01")[1] == {"hi_coverage": 93.4}


def test_an_estimate_that_no_later_count_sets_aside_is_known_once():
    facts = [fact(93.4, **JUNE), fact(94.0, as_of="2022-11-30", source_id="B")]
    sources = [source("A", published="2022-07-15"), source("B", published="2022-12-05")]
    known, values = settled("2022-09-30", facts, sources)
    assert values == {"hi_coverage": 93.4} and len(known.readings) == 1


def test_readings_that_do_not_rest_on_an_estimate_stay_those_on_official_population_among_them():
    facts = [
        fact(93.4, **JUNE),
        fact(92.0, as_of="2022-11-30", source_id="B"),
        fact(1_000_000, indicator="hi_participants", as_of="2021-12-31"),
    ]
    sources = [source("A", published="2022-01-15"), source("B", published="2022-12-05")]
    known = settled("2022-09-30", facts, sources)[0].readings
    assert known["reading_id"].tolist() == [
        "province_63/89/hi_coverage/2022-06-30",
        "province_63/89/hi_coverage/2021-12-31/official_population",
        "province_63/89/hi_participants/2021-12-31",
    ]


def test_an_estimate_for_a_year_end_counts_from_its_own_day():
    facts = [fact(93.4, as_of="2022-12-31", standing="estimate")]
    known, values = settled("2022-12-31", facts, [source("A", published="2023-02-01")])
    assert values == {"hi_coverage": 93.4} and len(known.raw.facts) == 1


# --------------------------------------------------------------------------------------------------
# What a reading that is hidden takes with it.
# --------------------------------------------------------------------------------------------------


def test_what_rests_on_a_fact_is_found_by_its_day_its_facts_and_through_what_was_computed():
    other = pd.Timestamp("2021-12-31")
    rows = table(
        reading("2"),
        reading("9", as_of=other),
        reading("3;5", as_of=other),
        reading("", reading_id="a", as_of=other, derived_from="r9;r3;5"),
        reading("", reading_id="b", as_of=other, derived_from="x;r2"),
        reading("", reading_id="c", as_of=other, derived_from="x;b"),
    )
    rows["derived_from"] = rows["derived_from"].fillna("")
    facts = pd.DataFrame([fact(90.0, row=7)]).assign(row=7)
    facts["as_of"] = pd.to_datetime(facts["as_of"])
    of_the_day = known_module._rest_on(rows, facts)
    assert of_the_day.tolist() == [True, False, False, False, True, True]
    facts = facts.assign(row=5, as_of=pd.Timestamp("2010-12-31"))
    assert known_module._rest_on(rows, facts).tolist() == [False, False, True, False, False, False]


def test_readings_that_rest_on_no_hidden_fact_stay_and_nothing_else_is_added():
    old = table(reading("2"), reading("3", value=91.0), reading("4", basis="official_population"))
    anew = table(reading("8", reading_id="r2"), reading("3", value=1.0), reading("6"), reading("7"))
    found = known_module._settled_anew(old, anew, {2}, {7})
    assert sorted(found["reading_id"]) == ["r2", "r3", "r4", "r7"]
    by_id = found.set_index("reading_id")
    assert by_id.loc["r2", "facts"] == "facts.csv:8"
    assert by_id.loc["r3", "value"] == 91.0, "what rests on no hidden fact is not settled anew"


def test_questions_up_to_the_last_day_are_answered(tmp_path):
    file = tmp_path / "questions.csv"
    head = "geo_level,province_code,indicator,as_of\n"
    file.write_text(f"{head}country,00,hi_coverage,{known_module.LAST:%Y-%m-%d}\n", "utf-8")
    assert known_module.read_queries(file)["as_of"].tolist() == [known_module.LAST]


def whole():
    facts = [
        fact(90.0),
        fact(1_000_000, indicator="hi_participants"),
        fact(30.0, indicator="si_coverage"),
        fact(91.0, as_of="2021-12-31"),
        fact(92.0, province_code="91"),
        fact(95.0, kind="target", setter="province", announced="2022-01-01"),
        fact(94.0, geo_level="province_34"),
    ]
    rows = [
        reading("2"),
        reading("3", indicator="hi_participants"),
        reading("4", indicator="si_coverage"),
        reading("5", as_of=pd.Timestamp("2021-12-31")),
        reading("6", province_code="91"),
        reading("2;5", as_of=pd.Timestamp("2021-06-30"), kind_of_evidence="derived"),
        reading("8", geo_level="province_34"),
    ]
    return at(DAY, rows, facts)


def test_a_hidden_reading_takes_its_family_its_day_and_what_was_computed_from_it():
    known = whole()
    left = without(known, known.readings[known.readings["reading_id"] == "r2"])
    assert left.readings["reading_id"].tolist() == ["r4", "r5", "r6", "r8"]
    assert left.readings.index.tolist() == [0, 1, 2, 3]
    assert left.raw.facts["row"].tolist() == [4, 5, 6, 7, 8], "the target stays"
    assert len(known.readings) == 7, "what was known is not changed"
    assert left.readings.columns.tolist() == known.readings.columns.tolist()


def test_a_hidden_reading_takes_its_facts_on_whatever_day_they_stand():
    known = whole()
    computed = known.readings[known.readings["reading_id"] == "r2;5"]
    left = without(known, computed)
    assert left.readings["reading_id"].tolist() == ["r3", "r4", "r6", "r8"]
    assert left.raw.facts["row"].tolist() == [3, 4, 6, 7, 8]


def test_of_a_province_that_is_left_out_only_its_targets_stay():
    known = whole()
    left = without_provinces(known, pd.Series(["89"]))
    assert left.readings.columns.tolist() == known.readings.columns.tolist()
    assert left.readings["reading_id"].tolist() == ["r6", "r8"]
    assert left.readings.index.tolist() == [0, 1]
    assert left.raw.facts["row"].tolist() == [6, 7, 8]


def test_a_question_may_be_about_every_day_to_which_the_model_looks(tmp_path):
    path = tmp_path / "q.csv"
    asked = [f"country,00,hi_coverage,{day}\n" for day in ("2009-12-31", "2035-12-31")]
    path.write_text(",".join(QUERY_COLUMNS) + "\n" + "".join(asked), "utf-8")
    assert read_queries(path)["as_of"].tolist() == [pd.Timestamp(2009, 12, 31), LAST]
    path.write_text(path.read_text("utf-8").replace("2035-12-31", "2036-01-01"), "utf-8")
    with pytest.raises(QueryError, match=r"q.csv:3: as_of: '2036-01-01'"):
        read_queries(path)
