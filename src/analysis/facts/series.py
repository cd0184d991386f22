"""Checks of official series: a value far from the others of its province, or in another unit."""

import pandas as pd

from analysis.facts.cells import numbers, where
from analysis.facts.schemas import WHOLE_FORM
from analysis.facts.text import Fault

# Most that a value lies from the middle one of its series so far: population 1.3 times, poverty
# 5 times (0.1 and 0.5 percent). Percent as a fraction is 100 times, thousands are 1,000 times.
FARTHEST_POPULATION = 2.0
FARTHEST_COVARIATE = 8.0
# Where a province has no series, how far beyond all other values of the covariate, if many.
FARTHEST_OUTSIDE = 3.0
MANY = 30
# Differences of less than this, in the covariate's unit, are no slip (poverty of 0.1 and 0.5%).
SMALL = 0.9
WHOLE_UNITS = ("persons", "beds", "units")
# Labour force by the definition of work that held until 2020, and by the one that holds since
# 2021: a covariate holds years of one of them, so that no change runs across the break.
LAST_YEAR = {"labour_force": 2020, "labour_force_revised": 2020}
FIRST_YEAR = {"labour_force_new_definition": 2021}
SCORES = {"score 0-100": 100.0, "score 0-10": 10.0}


def population_faults(population: pd.DataFrame) -> list[Fault]:
    """Return populations in thousands, far from the province's other years, or missing."""
    persons = numbers(population["persons"], WHOLE_FORM)
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
    value = numbers(covariates["value"])
    groups = covariates.groupby("covariate")
    first = groups[["unit", "row"]].transform("first")
    other_unit = covariates["unit"] != first["unit"]
    unit = "is not the unit of row " + first["row"].astype(str) + ", of the same covariate"
    counted = covariates["unit"].isin(WHOLE_UNITS)
    parted = counted & covariates["value"].str.contains(r"\.[0-9]{3}$")
    off = (value < 0) | (value > covariates["unit"].map(SCORES).astype(float))
    off &= covariates["unit"].isin(list(SCORES))
    year = numbers(covariates["year"], WHOLE_FORM)
    last = covariates["covariate"].map(LAST_YEAR).astype(float)
    first_year = covariates["covariate"].map(FIRST_YEAR).astype(float)
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
    own = (years >= 3) & _far(value, middle, FARTHEST_COVARIATE) & ((value - middle).abs() > SMALL)
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
