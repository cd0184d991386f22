"""Checks that need more than one cell: keys, duplicates, units, bounds, populations."""

import pandas as pd

from analysis.facts.schemas import NUMBER_FORM, WHOLE_FORM
from analysis.facts.text import Fault
from analysis.geography import COUNTRY, REGIONS
from analysis.indicators import INDICATORS

KEYS = {
    "facts": [
        "geo_level",
        "province_code",
        "indicator",
        "basis",
        "value",
        "qualifier",
        "kind",
        "as_of",
        "source_id",
    ],
    "sources": ["source_id"],
    "provinces": ["province_code"],
    "policy_events": ["date", "event"],
    "adjacency": ["code_a", "code_b"],
    "population": ["province_code", "year", "revision"],
    "covariates": ["province_code", "year", "covariate", "source_id"],
    "covariate_sources": ["source_id"],
    "corrections": ["correction_id"],
}

# Below these a percentage can only be a fraction written by mistake (0.92 for 92%). The smallest
# published values so far: HI 53, SI 9.3, UI 7.7, voluntary SI 0.49, late payment 0.79.
SMALLEST_PERCENT = {
    "hi_coverage": 5.0,
    "hi_student_coverage": 5.0,
    "si_coverage": 1.0,
    "si_compulsory_coverage": 1.0,
    "ui_coverage": 1.0,
    "si_voluntary_coverage": 0.05,
    "late_payment_rate": 0.1,
}
SMALLEST_PLAN_RATE = 1.05
LARGEST = {"persons": 2e8, "billion VND": 1e7, "units": 1e7, "percent": 1000.0, "days": 3660.0}

# Participants above the official population by more than this are refused; less than this occurs
# where residents insured elsewhere or an old yearbook are counted, and chapter 01 shows it.
POPULATION_TOLERANCE = 1.10


def faults(table: str, frame: pd.DataFrame, known: dict[str, pd.DataFrame]) -> list[Fault]:
    """Return the faults of one table that need its other rows or the other tables.

    Args:
        table: name of the raw table.
        frame: its text, with `row`; only tables without faults of form come here.
        known: the other tables as text.
    """
    found = _duplicates(table, frame)
    for column, codes, message in _references(table, known):
        found += _where(table, frame, ~frame[column].isin(codes), column, message)
    if table == "facts":
        found += _fact_faults(frame, known)
    if table == "provinces":
        regions = [names[0] for names in REGIONS.values()]
        bad = ~frame["region"].isin(regions)
        found += _where(table, frame, bad, "region", "is not one of the six regions")
    if table == "population":
        low = _numbers(frame["persons"], WHOLE_FORM) < 1000
        found += _where(table, frame, low, "persons", "is too small; write persons, not thousands")
    return found


def _numbers(column: pd.Series, form: str = NUMBER_FORM) -> pd.Series:
    """Return numbers; missing where a cell is no plain number, which is a fault of its own."""
    return pd.to_numeric(column.where(column.str.fullmatch(form)), errors="coerce")


def _references(table: str, known: dict[str, pd.DataFrame]) -> list[tuple[str, set[str], str]]:
    provinces = set(known["provinces"]["province_code"])
    sources = set(known["sources"]["source_id"])
    covariate_sources = set(known["covariate_sources"]["source_id"])
    province = "is not a province code of provinces.csv (two digits, such as 01)"
    return {
        "facts": [("source_id", sources, "is not a source of sources.csv")],
        "adjacency": [("code_a", provinces, province), ("code_b", provinces, province)],
        "population": [
            ("province_code", provinces, province),
            ("source_id", covariate_sources, "is not a source of covariate_sources.csv"),
        ],
        "covariates": [
            ("province_code", provinces, province),
            ("source_id", covariate_sources, "is not a source of covariate_sources.csv"),
        ],
    }.get(table, [])


def _where(
    table: str, frame: pd.DataFrame, bad: pd.Series, column: str, message: str
) -> list[Fault]:
    cells = frame.loc[bad, ["row", column]]
    return [
        Fault(f"{table}.csv", int(row), column, str(value), message)
        for row, value in zip(cells["row"], cells[column], strict=True)
    ]


def _duplicates(table: str, frame: pd.DataFrame) -> list[Fault]:
    keys = KEYS[table]
    again = frame[frame.duplicated(keys)]
    if again.empty:
        return []
    first = frame.drop_duplicates(keys).set_index(keys)["row"]
    at = first.loc[list(again[keys].itertuples(index=False, name=None))] if len(keys) > 1 else None
    rows = first.loc[again[keys[0]]] if at is None else at
    return [
        Fault(f"{table}.csv", int(row), keys[0], str(value), f"repeats row {int(original)}")
        for row, value, original in zip(again["row"], again[keys[0]], rows, strict=True)
    ]


def _fact_faults(facts: pd.DataFrame, known: dict[str, pd.DataFrame]) -> list[Fault]:
    found = []
    names = _names_by_unit(known["provinces"])
    units = pd.Series(list(zip(facts["geo_level"], facts["province_code"], strict=True)))
    name = units.map(names).set_axis(facts.index)
    unknown = name.isna()
    message = "is not a unit of this level in provinces.csv (codes have two digits, such as 01)"
    found += _where("facts", facts, unknown, "province_code", message)
    other = ~unknown & (name != facts["province"])
    found += _where("facts", facts, other, "province", "is not the name that belongs to the code")
    return found + _value_faults(facts) + _above_population(facts, known["population"])


def _names_by_unit(provinces: pd.DataFrame) -> dict[tuple[str, str], str]:
    old = provinces[["province_code", "name_en"]].itertuples(index=False, name=None)
    new = provinces[["merged_code", "merged_name_en"]].itertuples(index=False, name=None)
    names = {("country", COUNTRY): "Viet Nam"}
    names |= {("province_63", code): name for code, name in old}
    return names | {("province_34", code): name for code, name in new}


def _value_faults(facts: pd.DataFrame) -> list[Fault]:
    """Return faults of unit and size, for rows whose indicator and number can be read."""
    readable = facts[facts["indicator"].isin(list(INDICATORS))].copy()
    value = _numbers(readable["value"])
    indicator = readable["indicator"]
    unit = indicator.map({name: item.unit for name, item in INDICATORS.items()})
    low = indicator.map({name: item.lower for name, item in INDICATORS.items()}).astype(float)
    high = indicator.map({name: item.upper for name, item in INDICATORS.items()}).astype(float)
    smallest = indicator.map(SMALLEST_PERCENT).astype(float)
    smallest = smallest.mask(indicator.str.endswith("_plan_rate"), SMALLEST_PLAN_RATE)
    bad_unit = readable["unit"] != unit
    outside = (value < low) | (value > high)
    return [
        *_where("facts", readable, bad_unit, "unit", "is not the unit of this indicator"),
        *_where("facts", readable, outside, "value", "lies outside what this indicator allows"),
        *_where(
            "facts",
            readable,
            (value < smallest) & ~outside,
            "value",
            "looks like a fraction; write percent (92.5, not 0.925)",
        ),
        *_where(
            "facts",
            readable,
            (value.abs() > unit.map(LARGEST)) & ~outside,
            "value",
            "is larger than any figure of this unit can be",
        ),
        *_where(
            "facts",
            readable,
            unit.isin(["persons", "units"]) & (value % 1 != 0) & value.notna(),
            "value",
            "is not a whole number; a thousands separator may have been read as a decimal point",
        ),
    ]


def _above_population(facts: pd.DataFrame, population: pd.DataFrame) -> list[Fault]:
    """Return the participants that exceed the larger official population by over 10 percent."""
    counted = facts[
        facts["indicator"].isin([n for n in INDICATORS if n.endswith("_participants")])
        & (facts["indicator"] != "total_participants")
        & facts["geo_level"].isin(["country", "province_63"])
    ]
    persons = population.assign(
        persons=_numbers(population["persons"], WHOLE_FORM),
        year=_numbers(population["year"], WHOLE_FORM),
    ).dropna(subset=["persons", "year"])
    if persons.empty or counted.empty:
        return []
    largest = persons.groupby(["province_code", "year"])["persons"].max()
    country = largest.groupby("year").sum()
    years = _numbers(counted["as_of"].str[:4], WHOLE_FORM)
    years = years.clip(persons["year"].min(), persons["year"].max())
    keys = pd.MultiIndex.from_arrays([counted["province_code"], years])
    limit = pd.Series(largest.reindex(keys).to_numpy(), index=counted.index)
    limit = limit.where(counted["geo_level"] != "country", years.map(country))
    above = _numbers(counted["value"]) > POPULATION_TOLERANCE * limit
    return _where("facts", counted, above, "value", "participants exceed the population")
