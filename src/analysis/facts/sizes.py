"""Whether a published figure can be of the size that it states, and of the day."""

import pandas as pd

from analysis.facts.cells import numbers, where
from analysis.facts.corrections import as_corrected
from analysis.facts.dates import last_day
from analysis.facts.text import Fault
from analysis.geography import COUNTRY
from analysis.indicators import INDICATORS

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
    value, indicator = numbers(readable["value"]), readable["indicator"]
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
    value = numbers(counted["value"])
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
