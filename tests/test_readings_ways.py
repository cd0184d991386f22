"""Each way of computing a reading, on a few rows made for it: value, limits, lineage, and where
it does not apply."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from example_facts import real_raw

from analysis.country.indicators import INDICATORS
from analysis.readings.covariates import POST_CENSUS, PRE_CENSUS, official_population
from analysis.readings.derived import (
    annual_collections,
    census_base,
    derive,
    derive_late_payment,
    derive_merged_units,
    derive_previous_year,
    implied_ratio,
)

DAY = "2023-12-31"
LIMITS = ["value", "lower", "upper"]


def row(indicator, value, lower=None, upper=None, **given):
    """A reading of An Giang at the end of 2023, unless told otherwise."""
    whole = {
        "geo_level": "province_63", "province_code": "89", "indicator": indicator, "basis": "",
        "as_of": DAY, "value": float(value), "unit": INDICATORS[indicator].unit, "doubt": "",
        "lower": value - 1.0 if lower is None else lower, "denominator_version": None,
        "upper": value + 2.0 if upper is None else upper, "kind_of_evidence": "published",
    }  # fmt: skip
    return whole | given


def table(*rows):
    """The rows as readings; the first rests on line 2 of the facts, the next on line 3."""
    found = pd.DataFrame(list(rows))
    lines = [str(place) for place in range(2, len(found) + 2)]
    found = found.assign(facts=lines, row=lines)
    found["reading_id"] = [f"r{line}" for line in lines]
    found["sources"] = found["source_id"] = found.get("source_id", [f"S{line}" for line in lines])
    found["as_of"] = pd.to_datetime(found["as_of"])
    found["versus"] = pd.to_datetime(found.get("versus", pd.Series(None, index=found.index)))
    return found.assign(known_on=found["as_of"])


def only(found, **where):
    for column, value in where.items():
        found = found[found[column] == (pd.Timestamp(value) if column == "as_of" else value)]
    assert len(found) == 1, f"{len(found)} for {where}"
    return found.iloc[0]


def computed(*rows):
    """What is derived from published readings, none of which is a change."""
    known = table(*rows)
    return derive(known, known.iloc[:0], real_raw())


def near(*numbers):
    return pytest.approx(list(numbers), rel=1e-9)


# --------------------------------------------------------------------------------------------------
# Late payment.
# --------------------------------------------------------------------------------------------------

JUNE = {"as_of": "2023-06-30"}


def owed(value=100, basis="total", **given):
    return row("late_payment_amount", value, **{"basis": basis} | given)


def rates(*rows):
    found = derive_late_payment(table(*rows))
    return found[found["indicator"] == "late_payment_rate"]


def test_limits_of_late_payment_hold_the_digits_and_every_pace_that_was_seen():
    found = derive_late_payment(
        table(owed(100, lower=99, upper=101, **JUNE), row("collections", 1000, 990, 1010, **JUNE))
    )
    s = 181 / 365
    year = [1000 / (s - 0.18 * s * (1 - s)), 990 / s, 1010 / (s - 0.42 * s * (1 - s))]
    percent = [100 * 100 / year[0], 100 * 99 / year[2], 100 * 101 / year[1]]
    rate, days = (only(found, indicator=f"late_payment_{name}") for name in ("rate", "days"))
    assert list(rate[LIMITS]) == near(*percent)
    assert list(days[LIMITS]) == near(*(3.65 * number for number in percent))
    for one in (rate, days):
        assert (one["basis"], one["facts"], one["sources"]) == ("total", "2;3", "S2;S3")
        assert one["denominator_version"] == "annualised_collections"
    assert rate["derived_from"] == days["derived_from"] == "r2;r3"
    assert found.index.tolist() == [0, 1]


def test_a_published_rate_stands_and_gives_the_days():
    stated = row("late_payment_rate", 2.0, 1.5, 2.5, basis="total", denominator_version="stated")
    paid = row("collections", 1000)
    found = derive_late_payment(table(owed(), paid, stated))
    day = only(found)
    assert day["indicator"] == "late_payment_days"
    assert list(day[LIMITS]) == near(7.3, 5.475, 9.125)
    assert (day["derived_from"], day["denominator_version"]) == ("r4", "stated")
    for other in ({"basis": "over_3_months"}, {"as_of": "2023-11-30"}, {"province_code": "91"}):
        assert len(rates(owed(), paid, stated | other)) == 1, "it is of something else"


@pytest.mark.parametrize(
    ("day", "used"),
    [("2023-02-27", 0), ("2023-02-28", 1), ("2023-03-01", 1), ("2024-02-28", 0), ("2024-02-29", 1)],
)
def test_collections_are_annualised_from_the_end_of_february(day, used):
    found = annual_collections(table(row("collections", 1000, as_of=day)))
    assert len(found) == used and found["value"].notna().all()


@pytest.mark.parametrize("day", ["2023-12-31", "2024-12-31"])
def test_the_sum_of_a_whole_year_is_that_of_the_year(day):
    whole = annual_collections(table(row("collections", 1000, 990, 1010, as_of=day)))
    assert whole[LIMITS].to_numpy().tolist() == [near(1000, 990, 1010)]


def test_half_of_a_leap_year_has_passed_after_183_days():
    found = annual_collections(table(row("collections", 1000, as_of="2024-07-01")))
    assert found["value"].tolist() == near(1000 / (0.5 - 0.18 * 0.25))


@pytest.mark.parametrize(
    ("day", "fact"), [("2023-05-31", "2;4"), ("2023-02-28", "2;3"), ("2023-06-30", "2;4")]
)
def test_the_nearest_collections_are_used_before_or_after(day, fact):
    found = rates(
        owed(as_of=day), row("collections", 1500, as_of="2022-12-31"),
        row("collections", 900, **JUNE), row("collections", 900, **JUNE, province_code="91"),
    )  # fmt: skip
    assert found["facts"].tolist() == [fact]
    assert found["as_of"].tolist() == [pd.Timestamp(day)]


@pytest.mark.parametrize(("day", "used"), [("2022-01-01", 1), ("2022-01-02", 0)])
def test_collections_farther_than_a_year_away_are_not_used(day, used):
    assert len(rates(owed(as_of=day), row("collections", 1500, as_of="2020-12-31"))) == used


def test_collections_of_another_level_or_basis_are_not_used():
    for other in ({"geo_level": "province_34"}, {"basis": "plan"}, {"province_code": "91"}):
        assert rates(owed(), row("collections", 1000, **other)).empty


def test_nobody_owes_more_than_a_year():
    assert rates(owed(1000), row("collections", 1000))["value"].tolist() == [100.0]
    assert rates(owed(1001), row("collections", 1000)).empty


def test_each_basis_of_the_amount_has_a_rate_of_its_own():
    found = rates(owed(100), owed(40, basis="over_3_months"), row("collections", 1000))
    assert dict(zip(found["basis"], found["value"], strict=True)) == pytest.approx(
        {"total": 10.0, "over_3_months": 4.0}
    )


# --------------------------------------------------------------------------------------------------
# Sums, parts and totals.
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["participants", "coverage"])
def test_of_social_insurance_the_missing_one_has_the_width_of_both(what):
    kinds = [f"{name}_{what}" for name in ("si", "si_compulsory", "si_voluntary")]
    numbers = [(17, 16, 19), (12, 11, 13.5), (5, 4.5, 5.75)]
    given = [row(kind, *three) for kind, three in zip(kinds, numbers, strict=True)]
    whole = only(computed(given[1], given[2]), indicator=kinds[0], basis="")
    assert list(whole[LIMITS]) == near(17, 15.5, 19.25)
    assert whole["rule"] == "compulsory_plus_voluntary"
    for place, limits in ((1, (12, 10.25, 14.5)), (2, (5, 2.5, 8))):
        part = only(computed(given[0], given[3 - place]), indicator=kinds[place])
        assert list(part[LIMITS]) == near(*limits)
        assert (part["rule"], part["facts"]) == ("social_insurance_less_part", "2;3")
    nothing = computed(row(kinds[0], 12), row(kinds[1], 12))
    assert kinds[2] not in set(nothing["indicator"]), "a rest of nothing says nothing"
    little = computed(row(kinds[0], 12.5), row(kinds[1], 12))
    assert only(little, indicator=kinds[2])["value"] == 0.5


def test_voluntary_insurance_is_what_the_total_has_beside_health_insurance():
    found = computed(row("total_participants", 1000), row("hi_participants", 900))
    rest = only(found, indicator="si_voluntary_participants")
    assert list(rest[LIMITS]) == near(100, 97, 103)
    assert rest["rule"] == "total_less_health"
    for health in (1000, 1001):
        none = computed(row("total_participants", 1000), row("hi_participants", health))
        assert "si_voluntary_participants" not in set(none["indicator"])
    found = computed(row("total_participants", 1000), row("si_voluntary_participants", 100))
    health = only(found, indicator="hi_participants", basis="")
    assert (list(health[LIMITS]), health["rule"]) == (near(900, 897, 903), "total_less_voluntary")


def test_a_sum_of_parts_is_preferred_to_a_rate_times_a_denominator():
    found = computed(
        row("si_compulsory_participants", 90), row("si_voluntary_participants", 10),
        row("si_coverage", 20), row("labour_force_working_age", 450),
    )  # fmt: skip
    assert only(found, indicator="si_participants")["rule"] == "compulsory_plus_voluntary"


# --------------------------------------------------------------------------------------------------
# The year before.
# --------------------------------------------------------------------------------------------------


def test_the_year_before_is_the_level_less_the_change_of_the_same_source():
    given = [
        row("hi_participants", 1000, 990, 1010, source_id="A", basis="all"),
        row("hi_participants_change", 100, 95, 110, source_id="A", basis="all"),
        row("si_participants", 500, source_id="A"),
        row("si_participants_change", 50, source_id="A"),
    ]
    found = derive_previous_year(table(*given))
    made = only(found, indicator="hi_participants")
    assert list(made[LIMITS]) == near(900, 880, 915)
    assert (made["basis"], made["rule"]) == ("all", "value_less_change")
    assert (made["derived_from"], made["facts"]) == ("facts.csv:2;facts.csv:3", "2;3")
    assert (made["sources"], made["as_of"]) == ("A", pd.Timestamp("2022-12-31"))
    assert made["known_on"] == pd.Timestamp(DAY)
    assert only(found, indicator="si_participants")["value"] == 450
    assert found.index.is_unique
    for other in (
        {"source_id": "B"},
        {"basis": ""},
        {"province_code": "91"},
        {"as_of": "2022-12-31"},
    ):
        assert derive_previous_year(table(given[0], given[1] | other)).empty


def test_a_level_less_its_change_is_preferred_to_a_rate_times_a_denominator():
    before = {"as_of": "2022-12-31"}
    known = table(
        row("ui_coverage", 40, 40, 40, **before),
        row("labour_force_working_age", 1000, 1000, 1000, **before),
    )
    said = {"source_id": "A"}
    grown = table(row("ui_participants", 500, **said), row("ui_participants_change", 90, **said))
    made = only(derive(known, grown, real_raw()), indicator="ui_participants")
    assert (made["value"], made["rule"]) == (410, "value_less_change")


def test_nothing_is_left_of_a_level_that_grew_by_itself():
    level = row("hi_participants", 100, source_id="A")
    for change, left in ((99, 1), (100, 0), (101, 0)):
        grown = row("hi_participants_change", change, source_id="A")
        assert len(derive_previous_year(table(level, grown))) == left
    assert derive_previous_year(table(level)).empty


# --------------------------------------------------------------------------------------------------
# Denominators: published, and the official population.
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["hi", "si", "si_compulsory", "si_voluntary", "ui"])
def test_rate_and_count_follow_from_the_denominator_of_their_scheme(scheme):
    base = "population" if scheme == "hi" else "labour_force_working_age"
    below = row(base, 1000, 990, 1010)
    rate = only(
        computed(row(f"{scheme}_participants", 400, 396, 404), below),
        indicator=f"{scheme}_coverage",
        basis="",
    )
    assert list(rate[LIMITS]) == near(40, 100 * 396 / 1010, 100 * 404 / 990)
    assert rate["rule"] == "participants_over_denominator"
    count = only(
        computed(row(f"{scheme}_coverage", 40, 39, 41), below),
        indicator=f"{scheme}_participants",
        basis="",
    )
    assert list(count[LIMITS]) == near(400, 39 * 9.9, 41 * 10.1)
    assert count["rule"] == "coverage_times_denominator"


def test_a_count_over_the_official_population_keeps_its_limits():
    persons = official_population("89", DAY)
    found = computed(row("hi_participants", 1_000_000, 999_000, 1_002_000))
    rate = only(found, indicator="hi_coverage", basis="official_population")
    assert list(rate[LIMITS]) == near(1e8 / persons, 999e5 / persons, 1002e5 / persons)
    assert rate["facts"] == "2" and rate["derived_from"] == "r2"
    whole = computed(row("hi_participants", persons))
    assert only(whole, basis="official_population")["value"] == pytest.approx(100)
    more = computed(row("hi_participants", 1.005 * persons))
    assert more.empty, "more people than there are"


@pytest.mark.parametrize(
    ("level", "code", "made"),
    [("country", "00", 1), ("province_34", "91", 1), ("region", "red_river", 0)],
)
def test_every_unit_whose_parts_have_a_population_gets_a_rate(level, code, made):
    found = computed(row("hi_participants", 1_000_000, geo_level=level, province_code=code))
    assert (found["basis"] == "official_population").sum() == made


def test_a_unit_of_which_a_part_has_no_population_gets_no_rate():
    whole = real_raw()
    known = whole.population["province_code"] != "89"
    raw = dataclasses.replace(whole, population=whole.population[known])
    units = [("country", "00"), ("province_34", "91"), ("province_63", "89"), ("province_63", "91")]
    rows = table(
        *(
            row("hi_participants", 1_000_000, geo_level=level, province_code=code)
            for level, code in units
        )
    )
    found = derive(rows, rows.iloc[:0], raw)
    assert found[["geo_level", "province_code"]].to_numpy().tolist() == [["province_63", "91"]]


def pairs(ratios, day="2021-03-01"):
    """Participants beside rates of one day after the other, whose people are ratio x official."""
    days = pd.date_range(day, periods=len(ratios))
    return [
        one
        for ratio, at in zip(ratios, days, strict=True)
        for one in (
            row("hi_participants", 0.9 * ratio * official_population("89", at), as_of=at),
            row("hi_coverage", 90, 89.5, 90.5, as_of=at),
        )
    ]


#: Their middle is not one: to divide by it is another thing than to multiply.
RATIOS = np.random.default_rng(3).permutation(np.linspace(0.8, 1.1, 25))


def test_denominators_up_to_the_day_say_how_far_they_differ():
    known = table(*pairs(RATIOS))
    asked = table(
        *(row("hi_coverage", 80, as_of=day) for day in ("2021-03-22", "2021-03-19", "2021-03-20"))
    ).set_index(pd.Index([7, 5, 3]))
    found = implied_ratio(known, real_raw(), asked)
    assert found.index.tolist() == [3, 5, 7]
    assert found.loc[5, ["low", "middle", "high"]].isna().all(), "nineteen pairs"
    for place, count in ((3, 20), (7, 22)):
        expected = np.quantile(RATIOS[:count], [0.05, 0.5, 0.95])
        assert found.loc[place, ["low", "middle", "high"]].tolist() == near(*expected)
    computed_too = known.assign(kind_of_evidence="derived")
    assert implied_ratio(computed_too, real_raw(), asked)["middle"].isna().all()


@pytest.mark.parametrize(("rate", "told"), [(0.5, True), (0.0, False)])
def test_a_pair_tells_its_people_unless_nobody_is_covered(rate, told):
    known = table(*pairs(RATIOS[:20]))
    covered = known["indicator"] == "hi_coverage"
    known["value"] = known["value"].mask(covered, rate).where(covered, known["value"] * rate / 90)
    found = implied_ratio(known, real_raw(), table(row("hi_coverage", 80)))
    if told:
        assert found["middle"].tolist() == near(np.median(RATIOS[:20]))
    else:
        assert found["middle"].isna().all()


def test_of_several_pairs_on_one_day_all_count():
    others = [one | {"province_code": "91"} for one in pairs(RATIOS[:1], "2021-03-20")]
    persons = official_population("91", "2021-03-20")
    others[0]["value"] = 0.9 * 1.3 * persons
    known = table(*pairs(RATIOS[:20]), *others)
    found = implied_ratio(known, real_raw(), table(row("hi_coverage", 80, as_of="2021-03-20")))
    expected = np.quantile([*RATIOS[:20], 1.3], [0.05, 0.5, 0.95])
    assert found[["low", "middle", "high"]].to_numpy()[0].tolist() == near(*expected)


def test_a_rate_times_the_official_population_is_as_wide_as_denominators_differ():
    asked = row("hi_coverage", 80, 79, 82, as_of="2021-06-30")
    found = computed(*pairs(RATIOS), asked)
    count = only(found, indicator="hi_participants", as_of="2021-06-30")
    persons = official_population("89", "2021-06-30") / 100
    low, middle, high = np.quantile(RATIOS, [0.05, 0.5, 0.95])
    assert list(count[LIMITS]) == near(
        80 * middle * persons, 79 * low * persons, 82 * high * persons
    )
    assert count["basis"] == "official_population"
    assert count["rule"] == "coverage_times_official_population"
    counted = found[(found["indicator"] == "hi_participants") & (found["as_of"] < "2021-06-01")]
    assert counted.empty, "where people were counted, nothing is computed"


# --------------------------------------------------------------------------------------------------
# Merged units.
# --------------------------------------------------------------------------------------------------

OTHER = {"province_code": "91"}


def merged(*rows):
    return derive_merged_units(table(*rows), real_raw())


@pytest.mark.parametrize("scheme", ["hi", "si", "si_compulsory", "si_voluntary", "ui"])
def test_merged_coverage_weighs_each_limit_by_the_people_behind_it(scheme):
    people, rate = f"{scheme}_participants", f"{scheme}_coverage"
    found = merged(
        row(people, 400), row(rate, 40, 39, 42, doubt="a"),
        row(people, 1500, **OTHER, doubt="b"), row(rate, 50, 49.5, 51, **OTHER),
    )  # fmt: skip
    made = only(found, indicator=rate)
    limits = [(1000 * a + 3000 * b) / 4000 for a, b in ((40, 50), (39, 49.5), (42, 51))]
    assert list(made[LIMITS]) == near(*limits)
    assert (made["geo_level"], made["province_code"], made["unit"]) == (
        "province_34",
        "91",
        "percent",
    )
    assert (made["facts"], made["doubt"]) == ("2;3;4;5", "a;b")
    assert made["derived_from"] == "r2;r3;r4;r5"
    count = only(found, indicator=people)
    assert list(count[LIMITS]) == near(1900, 1898, 1904)
    assert (count["unit"], count["facts"], count["sources"]) == ("persons", "2;4", "S2;S4")


def test_amounts_add_up_and_rates_do_not():
    found = merged(
        row("collections", 10), row("collections", 20, **OTHER),
        row("late_payment_rate", 1), row("late_payment_rate", 2, **OTHER),
    )  # fmt: skip
    assert found["indicator"].tolist() == ["collections"]
    assert found["value"].tolist() == [30.0]


def test_coverage_of_a_group_of_people_is_not_merged():
    found = merged(
        row("hi_student_participants", 400), row("hi_student_coverage", 40),
        row("hi_student_participants", 900, **OTHER), row("hi_student_coverage", 50, **OTHER),
    )  # fmt: skip
    assert found["indicator"].tolist() == ["hi_student_participants"]


def test_parts_with_another_basis_are_not_added():
    assert merged(row("collections", 10), row("collections", 20, **OTHER, basis="plan")).empty


def test_a_unit_of_one_province_has_no_merged_reading_and_merged_ones_are_no_parts():
    assert merged(row("collections", 10, province_code="01")).empty
    whole = row("collections", 30, geo_level="province_34", **OTHER)
    assert merged(row("collections", 10), whole).empty


@pytest.mark.parametrize(("rate", "made"), [(0.0, 0), (0.5, 1)])
def test_a_part_of_which_nobody_is_covered_has_no_denominator(rate, made):
    found = merged(
        row("ui_participants", 400), row("ui_coverage", rate, rate, rate),
        row("ui_participants", 1500, **OTHER), row("ui_coverage", 50, **OTHER),
    )  # fmt: skip
    assert (found["indicator"] == "ui_coverage").sum() == made


def test_a_merged_reading_is_known_with_the_last_of_its_parts():
    known = table(row("hi_participants", 400), row("hi_coverage", 40),
                  row("hi_participants", 900, **OTHER),
                  row("hi_coverage", 50, **OTHER))  # fmt: skip
    for late in range(4):
        days = pd.Series(pd.Timestamp(DAY), index=known.index)
        days[late] = pd.Timestamp("2024-06-30")
        found = derive_merged_units(known.assign(known_on=days), real_raw())
        assert only(found, indicator="hi_coverage")["known_on"] == pd.Timestamp("2024-06-30")
        count = only(found, indicator="hi_participants")
        assert (count["known_on"] == pd.Timestamp("2024-06-30")) == (late % 2 == 0)


# --------------------------------------------------------------------------------------------------
# Before or after the census.
# --------------------------------------------------------------------------------------------------


def based(day, fits, stated, ratio=1.0, **where):
    """The base that is found for a rate whose participants fit one of the two series."""
    where = {"as_of": day} | where
    persons = official_population(where.get("province_code", "89"), day, revision=fits)
    known = table(
        row("hi_coverage", 90, denominator_version=stated, **where),
        row("hi_participants", 0.9 * ratio * persons, denominator_version="none", **where),
    )
    found = census_base(known, real_raw())
    assert found.tolist()[1] == "none"
    assert known["denominator_version"].tolist() == [stated, "none"], "a copy is changed"
    return found.tolist()[0]


@pytest.mark.parametrize("stated", [PRE_CENSUS, POST_CENSUS])
@pytest.mark.parametrize("fits", [PRE_CENSUS, POST_CENSUS])
def test_participants_tell_the_population_around_the_census(fits, stated):
    assert based("2019-12-31", fits, stated) == fits
    for day, moved in (("2019-03-31", False), ("2019-04-01", True)):
        assert based(day, fits, stated) == (fits if moved else stated)
    for day, moved in (("2020-12-31", True), ("2021-01-01", False)):
        assert based(day, fits, stated) == (fits if moved else stated)


def test_the_base_stays_where_nothing_speaks_clearly_against_it():
    day = "2019-12-31"
    old, new = (official_population("89", day, revision=name) for name in (PRE_CENSUS, POST_CENSUS))
    middle = np.sqrt(old / new)
    assert np.log(old / new) > 0.1
    assert based(day, POST_CENSUS, PRE_CENSUS, ratio=middle * 0.995) == PRE_CENSUS
    assert based(day, POST_CENSUS, PRE_CENSUS, ratio=middle * 0.985) == POST_CENSUS
    merged_unit = {"geo_level": "province_34"}
    assert based(day, POST_CENSUS, PRE_CENSUS, **merged_unit) == PRE_CENSUS


def test_a_rate_without_participants_keeps_its_base():
    known = table(row("hi_coverage", 90, as_of="2019-12-31", denominator_version=PRE_CENSUS))
    assert census_base(known, real_raw()).tolist() == [PRE_CENSUS]
