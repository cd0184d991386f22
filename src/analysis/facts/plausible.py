"""Checks of what is said beside the figures: setters, standings, policy events, corrections."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis.country.geography import COUNTRY, REGIONS
from analysis.country.indicators import INDICATORS
from analysis.facts.corrections import as_corrected
from analysis.facts.tables import (
    BASES,
    NUMBER_FORM,
    QUALIFIERS,
    WHOLE_FORM,
    as_numbers,
    is_day,
    last_day,
    where,
)
from analysis.facts.text import Fault

# What a policy event may bear on, beside the indicators.
SUBJECTS = {*INDICATORS, "late_payment", "reporting", "geography"}
_SUBJECT = re.compile(r"(\w+)( targets| \([a-z ]+\)|( unit)? of all series)?")
_NUMERIC_DATE = re.compile(r"\b(\d{1,2})/(\d{1,2})/((?:19|20)\d\d)\b(?!['\"]? ?\[sic\])")
_SIGN = r"([+0-].*|break.*)?"
# The action of a correction -> what its new content has to be.
_CONTENT: dict[str, Callable[[str], bool]] = {
    "value": lambda text: re.fullmatch(NUMBER_FORM, text) is not None,
    "indicator": INDICATORS.__contains__,
    "basis": BASES.__contains__,
    "qualifier": QUALIFIERS.__contains__,
    "as_of": is_day,
    "denominator": bool,
    "announced": is_day,
    "drop": "".__eq__,
}


def said_faults(facts: pd.DataFrame) -> list[Fault]:
    """Return targets without setter or day of announcement, and columns that fit no such row.

    Nothing in a note decides anything; only a date in the note of a target that no calendar has
    is named, since the announcement was probably copied from there.
    """
    target = facts["kind"] == "target"
    change = facts["indicator"].str.endswith("_change")
    whose = "is empty; write who set the target: government, province or agency"
    since = "is empty; write the first day on which the target was known, YYYY-MM-DD"
    dated = facts["versus"].map(is_day).astype(bool) & facts["as_of"].map(is_day).astype(bool)
    early = dated & (facts["versus"] >= facts["as_of"])
    impossible = facts["note"].map(impossible_date)
    message = "names a day that no calendar has: " + impossible + "; correct it, or say [sic]"
    return [
        *where("facts", facts, target & (facts["setter"] == ""), "setter", whose),
        *where("facts", facts, target & (facts["announced"] == ""), "announced", since),
        *where("facts", facts, ~target & (facts["setter"] != ""), "setter", "belongs to targets"),
        *where(
            "facts", facts, ~target & (facts["announced"] != ""), "announced", "belongs to targets"
        ),
        *where(
            "facts",
            facts,
            ~target & (facts["standing"] == "plan"),
            "standing",
            "belongs to targets; what is only expected is no result",
        ),
        *where(
            "facts",
            facts,
            target & facts["standing"].isin(["settled", "provisional"]),
            "standing",
            "belongs to results; a target is a plan, an estimate or neither",
        ),
        *where("facts", facts, ~change & (facts["versus"] != ""), "versus", "belongs to changes"),
        *where("facts", facts, early, "versus", "is not before the day that the figure describes"),
        *where("facts", facts, target & (impossible != ""), "note", message),
    ]


def source_faults(sources: pd.DataFrame) -> list[Fault]:
    """Return sources that were read before they were published."""
    form = r"[0-9]{4}(-[0-9]{2}){0,2}"
    dated = sources["published"].str.fullmatch(form) & sources["retrieved"].str.fullmatch(form)
    length = np.minimum(sources["published"].str.len(), sources["retrieved"].str.len())
    rows = zip(sources["published"], sources["retrieved"], length, dated, strict=True)
    early = [is_date and read[:n] < printed[:n] for printed, read, n, is_date in rows]
    message = "is before the day of publication"
    return where("sources", sources, pd.Series(early, sources.index), "retrieved", message)


def impossible_date(text: str) -> str:
    """Return the first date written as D/M/YYYY that does not exist or has the month first.

    What is followed by "[sic]" is quoted as printed and passes.
    """
    for match in _NUMERIC_DATE.finditer(text):
        day, month, year = (int(part) for part in match.groups())
        if not is_day(f"{year:04}-{month:02}-{day:02}"):
            return match.group(0)
    return ""


def event_faults(events: pd.DataFrame) -> list[Fault]:
    """Return events that bear on nothing known, or whose sign cannot be read."""
    strange = ~events["affects"].map(_names_subjects).astype(bool)
    unclear = ~events["expected_sign"].str.fullmatch(_SIGN)
    known = "names no indicator; write such as hi_coverage, late_payment, reporting, geography"
    return [
        *where("policy_events", events, strange, "affects", known),
        *where("policy_events", events, unclear, "expected_sign", "begins with no +, -, 0, break"),
    ]


def _names_subjects(affects: str) -> bool:
    found = [_SUBJECT.fullmatch(part.strip()) for part in affects.split(",")]
    return all(match is not None and match[1] in SUBJECTS for match in found)


def correction_faults(corrections: pd.DataFrame) -> list[Fault]:
    """Return corrections whose content does not fit what they replace, or without both reasons."""
    pairs = zip(corrections["action"], corrections["corrected"], strict=True)
    unfit = [action in _CONTENT and not _CONTENT[action](text) for action, text in pairs]
    other_unit = [
        _other_unit(*row) for row in corrections[["action", "indicator", "corrected"]].to_numpy()
    ]
    english = corrections["reason"].map(str.isascii).astype(bool)
    vietnamese = ~corrections["reason_vi"].map(str.isascii).astype(bool)
    unfitting = pd.Series(unfit, corrections.index)
    content = "does not fit the column that is replaced (nothing, where the fact is dropped)"
    unit = "is counted in another unit than the indicator that it replaces"
    return [
        *where("corrections", corrections, unfitting, "corrected", content),
        *where(
            "corrections", corrections, pd.Series(other_unit, corrections.index), "corrected", unit
        ),
        *where("corrections", corrections, ~english, "reason", "is not in English letters"),
        *where("corrections", corrections, ~vietnamese, "reason_vi", "is not in Vietnamese"),
    ]


def _other_unit(action: str, published: str, corrected: str) -> bool:
    both = {published, corrected}
    if action != "indicator" or not both <= set(INDICATORS):
        return False
    return len({INDICATORS[name].unit for name in both}) > 1


# --------------------------------------------------------------------------------------------------
# Whether a published figure can be of the size that it states, and of the day.
# --------------------------------------------------------------------------------------------------

# Below these a percentage can only be a fraction written by mistake (0.92 for 92%). The smallest
# published values so far: HI 53, SI 9.3, UI 7.7, voluntary SI 0.49, late payment 0.79.
SMALLEST_PERCENT = {
    "hi_coverage": 5.0,
    "hi_student_coverage": 5.0,
    "hi_farm_household_coverage": 5.0,
    "si_coverage": 1.0,
    "si_compulsory_coverage": 1.0,
    "ui_coverage": 1.0,
    "si_voluntary_coverage": 0.1,
    "late_payment_rate": 0.1,
}
SMALLEST_PLAN_RATE = 2.0
LARGEST = {"persons": 2e8, "billion VND": 1e7, "units": 1e7, "percent": 1000.0, "days": 3660.0}
MOST_DECIMALS = 2

# Participants above the official population by more than this are refused; less than this occurs
# where residents insured elsewhere or an old yearbook are counted, and chapter 01 shows it.
POPULATION_TOLERANCE = 1.10

# What a million people have at least and at most: persons, or billion VND. Amounts are published
# with and without three decimals, so 140.304 may mean 140,304; a slip of a thousand times leaves
# these ranges, and no figure published so far lies within three times of their ends.
PER_MILLION: dict[str, tuple[float, float]] = {
    "population": (500_000, 1_500_000),
    "labour_force_working_age": (200_000, 900_000),
    "total_participants": (300_000, 1_200_000),
    "hi_participants": (250_000, 1_200_000),
    "si_participants": (18_000, 900_000),
    "si_compulsory_participants": (15_000, 900_000),
    "si_voluntary_participants": (20, 400_000),
    "ui_participants": (12_000, 900_000),
    "collections": (60, 30_000),
    "hi_expenditure": (100, 5_000),
    "late_payment_amount": (1.5, 2_500),
}
# Amounts of a part of the debtors may be as small as they like.
PARTS_OF_DEBTS = ("listed_debtors", "irrecoverable")
# Year-end results are announced up to a month before the year ends, as estimates.
EARLIEST_ANNOUNCEMENT = pd.Timedelta(days=31)

_UNIT = "is not the unit of this indicator"
_OUTSIDE = "lies outside what this indicator allows"
_FRACTION = "looks like a fraction; write percent (92.5, not 0.925)"
_LARGE = "is larger than any figure of this unit can be"
_PARTED = "is not a whole number; a thousands separator may have been read as a decimal point"
_FINE = "has more decimals than a percentage is published with; a separator may have been lost"
_SIZE = "is not of a size that the population of this unit can have; check unit and separators"
_ABOVE = "participants exceed the population"


def related_faults(facts: pd.DataFrame, known: dict[str, pd.DataFrame]) -> list[Fault]:
    """Return figures that people cannot have so many of, and results from before their day."""
    return _per_head_faults(facts, known) + _too_early(facts, known["sources"])


def value_faults(facts: pd.DataFrame) -> list[Fault]:
    """Return faults of unit and size, for rows whose indicator and number can be read."""
    readable = facts[facts["indicator"].isin(list(INDICATORS))]
    value, indicator = as_numbers(readable["value"]), readable["indicator"]
    unit = indicator.map({name: item.unit for name, item in INDICATORS.items()})
    low = indicator.map({name: item.lower for name, item in INDICATORS.items()}).astype(float)
    high = indicator.map({name: item.upper for name, item in INDICATORS.items()}).astype(float)
    smallest = indicator.map(SMALLEST_PERCENT).astype(float)
    smallest = smallest.mask(indicator.str.endswith("_plan_rate"), SMALLEST_PLAN_RATE)
    outside = (value < low) | (value > high)
    fraction = (value < smallest) & ~outside
    large = (value.abs() > unit.map(LARGEST).astype(float)) & ~outside
    parted = value.notna() & _parted(readable["value"], unit)
    fine = value.notna() & _fine(readable["value"], unit) & ~outside & ~fraction
    return [
        *where("facts", readable, readable["unit"] != unit, "unit", _UNIT),
        *where("facts", readable, outside, "value", _OUTSIDE),
        *where("facts", readable, fraction, "value", _FRACTION),
        *where("facts", readable, large, "value", _LARGE),
        *where("facts", readable, parted, "value", _PARTED),
        *where("facts", readable, fine, "value", _FINE),
    ]


def _parted(text: pd.Series, unit: pd.Series) -> pd.Series:
    """Counts with decimals: 295.000 is 295,000 in Vietnamese; 295.0 is how programs write 295."""
    return unit.isin(["persons", "units"]) & ~text.str.fullmatch(r"-?[0-9]+(\.0)?")


def _fine(text: pd.Series, unit: pd.Series) -> pd.Series:
    return (unit == "percent") & (text.str.extract(r"\.([0-9]+)$")[0].str.len() > MOST_DECIMALS)


def _per_head_faults(facts: pd.DataFrame, known: dict[str, pd.DataFrame]) -> list[Fault]:
    """Return figures above the population, or of another size than people can have."""
    # A misprint is kept as printed; what has to be of a possible size is its correction.
    facts = as_corrected(facts, known["corrections"])
    counted = facts[facts["indicator"].isin(list(PER_MILLION))]
    persons = _persons(counted, known)
    value = as_numbers(counted["value"])
    participants = counted["indicator"].str.endswith("_participants")
    above = participants & (value > POPULATION_TOLERANCE * persons)
    low, high = (
        counted["indicator"]
        .map({name: ends[end] for name, ends in PER_MILLION.items()})
        .astype(float)
        for end in (0, 1)
    )
    rate = value / persons * 1e6
    strange = (rate < low) & ~counted["basis"].isin(PARTS_OF_DEBTS) | (rate > high)
    readable = ~_parted(counted["value"], counted["unit"])
    strange &= readable & ~above & (counted["indicator"] != "population")
    return [
        *where("facts", counted, above, "value", _ABOVE),
        *where("facts", counted, strange, "value", _SIZE),
    ]


def _persons(facts: pd.DataFrame, known: dict[str, pd.DataFrame]) -> pd.Series:
    """Return the larger official population of each fact's unit and year; missing if unknown."""
    sums = _persons_by_unit(known["population"], known["provinces"])
    years = sorted(year for _, _, year in sums)
    if not years:
        return pd.Series(float("nan"), index=facts.index)
    when = [min(max(int(day[:4]), years[0]), years[-1]) if day[:4].isdigit() else 0
            for day in facts["as_of"]]  # fmt: skip
    keys = zip(facts["geo_level"], facts["province_code"], when, strict=True)
    return pd.Series([sums.get(key, float("nan")) for key in keys], facts.index, dtype=float)


def _persons_by_unit(
    population: pd.DataFrame, provinces: pd.DataFrame
) -> dict[tuple[str, str, int], int]:
    """Return persons by level, unit and year: the larger of the two revisions, added up."""
    merged = dict(zip(provinces["province_code"], provinces["merged_code"], strict=True))
    largest: dict[tuple[str, int], int] = {}
    rows = zip(*(population[c] for c in ("province_code", "year", "persons")), strict=True)
    for code, year, persons in rows:
        if year.isdigit() and persons.isdigit():
            key = code, int(year)
            largest[key] = max(largest.get(key, 0), int(persons))
    sums: dict[tuple[str, str, int], int] = {}
    for (code, year), persons in largest.items():
        for level, unit in (("province_63", code), ("province_34", merged.get(code, "")),
                            ("country", COUNTRY)):  # fmt: skip
            sums[level, unit, year] = sums.get((level, unit, year), 0) + persons
    return sums


def _too_early(facts: pd.DataFrame, sources: pd.DataFrame) -> list[Fault]:
    """Return results that describe a day long after their source was published."""
    published = sources.drop_duplicates("source_id").set_index("source_id")["published"]
    known_on = last_day(facts["source_id"].map(published).fillna(""))
    day = pd.to_datetime(facts["as_of"], format="%Y-%m-%d", errors="coerce")
    early = (facts["kind"] == "actual") & (day > known_on + EARLIEST_ANNOUNCEMENT)
    announced = pd.to_datetime(facts["announced"], format="%Y-%m-%d", errors="coerce")
    afterwards = announced > known_on
    message = "is later than the publication of its source; check the year, and day and month"
    read = "is later than the publication of the source that tells of it; check year, day and month"
    return [
        *where("facts", facts, early, "as_of", message),
        *where("facts", facts, afterwards, "announced", read),
    ]


# --------------------------------------------------------------------------------------------------
# Checks of official series: a value far from the others of its province, or in another unit.
# --------------------------------------------------------------------------------------------------

# Most that a value lies from the middle one of its series so far: population 1.3 times, poverty
# 5 times (0.1 and 0.5 percent). Percent as a fraction is 100 times, thousands are 1,000 times.
FARTHEST_POPULATION = 2.0
FARTHEST_COVARIATE = 8.0
# Where a province has no series, how far beyond all other values of the covariate, if many.
FARTHEST_OUTSIDE = 3.0
MANY = 30
# Differences of less than this, in the covariate's unit, are no slip (poverty of 0.1 and 0.5%).
_SMALL = 0.9
WHOLE_UNITS = ("persons", "beds", "units")
# Labour force by the definition of work that held until 2020, and by the one that holds since
# 2021: a covariate holds years of one of them, so that no change runs across the break.
_LAST_YEAR = {"labour_force": 2020, "labour_force_revised": 2020}
_FIRST_YEAR = {"labour_force_new_definition": 2021}
_SCORES = {"score 0-100": 100.0, "score 0-10": 10.0}


def population_faults(population: pd.DataFrame) -> list[Fault]:
    """Return populations in thousands, far from the province's other years, or missing."""
    persons = as_numbers(population["persons"], WHOLE_FORM)
    low = persons < 1000
    typical = persons.groupby(population["province_code"]).transform("median")
    far = ~low & _far(persons, typical, FARTHEST_POPULATION)
    small = "is too small; write persons, not thousands"
    message = "is far from the other years of this province, about " + _said(typical)
    return [
        *where("population", population, low, "persons", small),
        *where("population", population, far, "persons", message),
        *_gaps(population),
    ]


def _gaps(population: pd.DataFrame) -> list[Fault]:
    """Return the years that a province lacks and others have, at the province's last row."""
    times = population["year"] + " (" + population["revision"] + ")"
    held: dict[str, set[str]] = {}
    last: dict[str, int] = {}
    for code, time, row in zip(population["province_code"], times, population["row"], strict=True):
        held.setdefault(code, set()).add(time)
        last[code] = int(row)
    every = set(times)
    return [
        Fault("population.csv", last[code], "year", code, f"the province lacks {time}")
        for code, have in held.items()
        for time in sorted(every - have)
    ]


def covariate_faults(covariates: pd.DataFrame) -> list[Fault]:
    """Return covariates in two units, in fractions or thousands, or far from their series."""
    value = as_numbers(covariates["value"])
    groups = covariates.groupby("covariate")
    first = groups[["unit", "row"]].transform("first")
    other_unit = covariates["unit"] != first["unit"]
    unit = "is not the unit of row " + first["row"].astype(str) + ", of the same covariate"
    counted = covariates["unit"].isin(WHOLE_UNITS)
    parted = counted & covariates["value"].str.contains(r"\.[0-9]{3}$")
    off = (value < 0) | (value > covariates["unit"].map(_SCORES).astype(float))
    off &= covariates["unit"].isin(list(_SCORES))
    year = as_numbers(covariates["year"], WHOLE_FORM)
    last = covariates["covariate"].map(_LAST_YEAR).astype(float)
    first_year = covariates["covariate"].map(_FIRST_YEAR).astype(float)
    across = (year > last) | (year < first_year)
    definition = (
        "is on the other side of the new definition of work of 2021; write labour_force_revised "
        "until 2020 and labour_force_new_definition from 2021"
    )
    separator = "has three decimals; a thousands separator may have been read as a decimal point"
    alone = groups["province_code"].transform("nunique") == 1
    misspelt = "is given for one province only; check the spelling"
    return [
        *where("covariates", covariates, alone, "covariate", misspelt),
        *where("covariates", covariates, other_unit, "unit", unit),
        *where("covariates", covariates, across, "year", definition),
        *where("covariates", covariates, parted, "value", separator),
        *where("covariates", covariates, off, "value", "lies outside the score's scale"),
        *_fractions(covariates, value),
        *_strangers(covariates, value, parted | off),
    ]


def _fractions(covariates: pd.DataFrame, value: pd.Series) -> list[Fault]:
    """Percentages below one with many decimals are fractions; so are those all below one."""
    percent = covariates["unit"] == "percent"
    fine = percent & (value.abs() <= 1) & covariates["value"].str.contains(r"\.[0-9]{3,}$")
    years = value.abs().groupby([covariates["covariate"], covariates["year"]])
    small = percent & (years.transform("max") <= 1) & (years.transform("size") >= 5)
    wrong = fine | (small & (value != 0))
    message = "looks like a fraction; write percent (92.5, not 0.925)"
    return where("covariates", covariates, wrong, "value", message)


def _strangers(covariates: pd.DataFrame, value: pd.Series, named: pd.Series) -> list[Fault]:
    """Return values far from their series; covariates that change sign are left out."""
    signed = (value < 0).groupby(covariates["covariate"]).transform("mean") > 0.05
    series = value.groupby([covariates["covariate"], covariates["province_code"]])
    middle, years = series.transform("median"), series.transform("size")
    own = (years >= 3) & _far(value, middle, FARTHEST_COVARIATE) & ((value - middle).abs() > _SMALL)
    low, high = _others(covariates["covariate"], value)
    many = value.groupby(covariates["covariate"]).transform("size") > MANY
    beyond = (value < low / FARTHEST_OUTSIDE) | (value > high * FARTHEST_OUTSIDE)
    beyond &= many & (years < 3) & (value != 0)
    far = (own | beyond) & ~signed & ~named
    message = "is far from the other values of this covariate; check unit and separators"
    return where("covariates", covariates, far, "value", message)


def _far(value: pd.Series, middle: pd.Series, factor: float) -> pd.Series:
    # Zeros are left out: they are exact, and no slip of units makes or moves them.
    ratio = value / middle.where(middle > 0)
    return (value != 0) & ((ratio > factor) | (ratio < 1 / factor))


def _others(group: pd.Series, value: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return the smallest and the largest of the other values above zero of the group."""
    ordered = value.where(value > 0).groupby(group)
    low, high = ordered.transform("min"), ordered.transform("max")
    second_low = value.where(value > low).groupby(group).transform("min")
    second_high = value.where(value < high).groupby(group).transform("max")
    return low.where(value != low, second_low), high.where(value != high, second_high)


def _said(number: pd.Series) -> pd.Series:
    return number.round(-3).map("{:,.0f}".format)


# --------------------------------------------------------------------------------------------------
# Checks of the units: names, regions, merged units, neighbours and places in tile maps.
# --------------------------------------------------------------------------------------------------

LARGEST_TILE = 60
# The first day of the 34 units, and of the regional offices that reported for some before.
_MERGER, FIRST_REGIONAL = "2025-07-01", "2025-03-01"
_MERGED = ["merged_name_en", "merged_name_vi", "merged_tile_row", "merged_tile_col"]


def as_code(given: str | int) -> str:
    """Return a code as text of two digits at least: 83 is "83", 1 is "01".

    Papermill and spreadsheets turn a code into a number, which loses its zero.
    """
    text = str(given).strip()
    return text.zfill(2) if text.isdigit() else text


def province_faults(provinces: pd.DataFrame) -> list[Fault]:
    """Return units of unknown regions, and names and places that contradict each other."""
    regions = [names[0] for names in REGIONS.values()]
    unknown = ~provinces["region"].isin(regions)
    found = where("provinces", provinces, unknown, "region", "is not one of the six regions")
    for column in ("name_en", "merged_name_en"):
        foreign = ~provinces[column].map(str.isascii).astype(bool)
        found += where("provinces", provinces, foreign, column, "is no English name; write Ha Noi")
    for column in ("name_en", "name_vi"):
        again = provinces[column].duplicated()
        found += where("provinces", provinces, again, column, "is the name of another unit too")
    return found + _merged_faults(provinces) + _tile_faults(provinces)


def _merged_faults(provinces: pd.DataFrame) -> list[Fault]:
    """All members of a merged unit have to tell the same of it."""
    first = provinces.groupby("merged_code")[[*_MERGED, "row"]].transform("first")
    message = "differs from row " + first["row"].astype(str) + ", of the same merged unit"
    found = []
    for column in _MERGED:
        other = provinces[column] != first[column]
        found += where("provinces", provinces, other, column, message)
    return found


def _tile_faults(provinces: pd.DataFrame) -> list[Fault]:
    found = []
    whole_country = set(provinces["region"]) == {names[0] for names in REGIONS.values()}
    for prefix, key in (("", "province_code"), ("merged_", "merged_code")):
        row, column = f"{prefix}tile_row", f"{prefix}tile_col"
        units = provinces.drop_duplicates(key)
        taken = units.duplicated([row, column])
        found += where("provinces", units, taken, row, "and its column are another unit's place")
        high, wide = as_numbers(units[row], WHOLE_FORM), as_numbers(units[column], WHOLE_FORM)
        for name, place in ((row, high), (column, wide)):
            off = place > LARGEST_TILE
            found += where("provinces", units, off, name, f"lies off the map (0 to {LARGEST_TILE})")
        if whole_country and high.max() < wide.max():
            message = "the map lies on its side; rows and columns seem to be swapped"
            widest = wide.index == wide.idxmax()
            found += where("provinces", units, pd.Series(widest, units.index), column, message)
    return found


def adjacency_faults(adjacency: pd.DataFrame) -> list[Fault]:
    """Return pairs that are not written with the smaller code first: each pair stands once."""
    turned = adjacency["code_a"] >= adjacency["code_b"]
    message = "does not come before code_b; write each pair once, the smaller code first"
    return where("adjacency", adjacency, turned, "code_a", message)


def name_faults(facts: pd.DataFrame, provinces: pd.DataFrame) -> list[Fault]:
    """Return the facts of units that do not exist, or whose name belongs to another code."""
    names = _names_by_unit(provinces)
    keys = pd.Series(list(zip(facts["geo_level"], facts["province_code"], strict=True)))
    name = keys.map(names).set_axis(facts.index)
    # An unknown level is named by itself.
    unknown = name.isna() & facts["geo_level"].isin({level for level, _ in names})
    message = "is not a unit of this level in provinces.csv (codes have two digits, such as 01)"
    other = name.notna() & (name != facts["province"])
    return [
        *where("facts", facts, unknown, "province_code", message),
        *where("facts", facts, other, "province", "is not the name that belongs to the code"),
    ]


def unit_of_the_day_faults(facts: pd.DataFrame, provinces: pd.DataFrame) -> list[Fault]:
    """Return results of provinces after their merger, and of merged units long before it.

    Since March 2025 regional offices report for the territory of a later unit, so figures of
    merged units begin there. Targets may be of either: they were set for days after the merger.
    """
    if set(provinces["region"]) != {names[0] for names in REGIONS.values()}:
        return []  # Districts, or a few provinces: units of their own, which merge at other times.
    members = provinces.groupby("merged_code")["province_code"].nunique()
    merging = set(members[members > 1].index)
    home = dict(zip(provinces["province_code"], provinces["merged_code"], strict=True))
    names = dict(zip(provinces["merged_code"], provinces["merged_name_en"], strict=True))
    into = facts["province_code"].map(home)
    actual = facts["kind"] == "actual"
    old = actual & (facts["geo_level"] == "province_63") & into.isin(merging)
    new = actual & (facts["geo_level"] == "province_34") & facts["province_code"].isin(merging)
    dated = facts["as_of"].map(is_day).astype(bool)
    after = old & dated & (facts["as_of"] >= _MERGER)
    before = new & dated & (facts["as_of"] < FIRST_REGIONAL)
    message = "is after the merger of 1 July 2025, when this province became part of "
    gone = message + into.map(names).fillna("") + "; write province_34 and its code "
    gone = gone + into.fillna("")
    early = "is before this unit existed; write the figure of its province (province_63)"
    return [
        *where("facts", facts, after, "as_of", gone),
        *where("facts", facts, before, "as_of", early),
    ]


def _names_by_unit(provinces: pd.DataFrame) -> dict[tuple[str, str], str]:
    old = provinces[["province_code", "name_en"]].itertuples(index=False, name=None)
    new = provinces[["merged_code", "merged_name_en"]].itertuples(index=False, name=None)
    names = {("country", COUNTRY): "Viet Nam"}
    names |= {("province_63", code): name for code, name in old}
    return names | {("province_34", code): name for code, name in new}
