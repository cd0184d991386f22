"""How good the forecasts of the whole country are: its own design, fixed before any score.

This was written down before a forecast of the country was scored by it. The readings and targets
were known, and some choices of the model had been made with a look at the country
(data/benchmarks/variants.csv), so the scores flatter the model somewhat.

Readings
    Every published reading of the country on the usual basis, of health, social and unemployment
    insurance coverage. There is one a day: where figures over two denominators were printed for
    the same day, the rules of chapter 01 have kept the one over the denominator in force on that
    day, and a day with two readings is refused.
country_year_end
    Origins at the ends of 2018 to 2023, as for provinces. Asked: every later reading within 24
    months, and every target in force at the origin that falls due within 24 months.
country_mid_year
    Origins in the middle of 2019 to 2024, as the forecast that chapter 05 prints is made. Asked:
    the reading of the year-end that follows, and the target in force for it. This design came
    later than the others, when two changes of the model were to be judged.
country_announced
    Targets of a year are often set in its first weeks, so that the origins above never see them.
    Here the origin is the day, after the end of 2018, on which a target was announced. Asked:
    that target, if it falls due later, within 24 months, and is in force on that day. Only
    chances are scored in this design, no readings.
    From origins within a year, covariates and population of that year are hidden.
Targets
    In force is the Government's target before the agency's, and of one setter's the latest
    announced by the origin. One that was announced on the day it fell due, or later, is none. It
    is met by the year-end reading that equals or passes it to the last printed digit.
Models
    The project's own; the country's last value, drift and straight line (log odds), and Theta of
    statsmodels on its yearly values; for chances also the past share of met targets of the
    country, plainly and with one met and one missed added.
Scores
    By indicator and together, over all readings and over year-ends alone. There is no interval:
    the cases are few and overlap, so the number of different year-ends is given instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analysis.facts import settled
from analysis.forecast.known import Known, ended_years, known_at
from analysis.readings import targets as targets_room
from analysis.validation import designs
from analysis.validation.designs import COUNTRY_LEVEL, HORIZON, ORIGINS, QUERY, Fold

YEAR_END, MID_YEAR, ANNOUNCED = "country_year_end", "country_mid_year", "country_announced"
COUNTRY_DESIGNS = (YEAR_END, MID_YEAR, ANNOUNCED)
MIDDLES = tuple(pd.Timestamp(year, 6, 30) for year in range(2019, 2025))


def country_folds(
    design: str, readings: pd.DataFrame, raw: Any, indicators: tuple[str, ...]
) -> Iterator[Fold]:
    """The folds of one of DESIGNS, by origin, one an indicator with a later reading to ask for.

    `origin` of a fold is its day (2020-12-31); `targets` also has setter and announced. Raises
    ValueError for another design.
    """
    if design not in COUNTRY_DESIGNS:
        raise ValueError(f"unknown design {design!r}; known: {', '.join(COUNTRY_DESIGNS)}")
    raw = settled(raw)
    targets = targets_room.targets(raw)
    scored = {one: designs.scored_readings(readings, one, COUNTRY_LEVEL) for one in indicators}
    origins = {YEAR_END: ORIGINS, MID_YEAR: MIDDLES}.get(design)
    for origin in origins or announcements(targets, indicators):
        known = ended_years(known_at(readings, raw, origin, targets))
        for indicator in indicators:
            due = ahead(before_due(known.targets), origin, indicator)
            later = scored[indicator]
            later = later[(later["as_of"] > origin) & (later["as_of"] <= origin + HORIZON)]
            if design == MID_YEAR:
                later = later[later["as_of"] == pd.Timestamp(origin.year, 12, 31)]
                due = due[due["as_of"].isin(later["as_of"])]
            if design == ANNOUNCED:
                due = due[due["announced"] == origin]
                later = later[later["as_of"].isin(due["as_of"])]
            if len(later):
                yield _fold(design, known, *(one.reset_index(drop=True) for one in (later, due)))


def before_due(targets: pd.DataFrame) -> pd.DataFrame:
    """The targets that were announced before the day on which they fell due."""
    return targets[targets["announced"] < targets["due"]]


def announcements(targets: pd.DataFrame, indicators: tuple[str, ...]) -> list[pd.Timestamp]:
    """The days after the first of ORIGINS on which a target of the country was announced."""
    own = before_due(targets)
    own = own[(own["geo_level"] == COUNTRY_LEVEL) & own["indicator"].isin(indicators)]
    return sorted(set(own.loc[own["announced"] > ORIGINS[0], "announced"]))


def ahead(targets: pd.DataFrame, origin: pd.Timestamp, indicator: str) -> pd.DataFrame:
    """The country's targets in force that fall due after `origin` and within the horizon.

    targets: those known at the origin. Columns of QUERY, target, setter, announced.
    """
    own = designs.in_force(targets, indicator, COUNTRY_LEVEL)
    due = (own["as_of"] > origin) & (own["as_of"] <= origin + HORIZON)
    return own[due].reset_index(drop=True)


def _fold(design: str, known: Known, later: pd.DataFrame, due: pd.DataFrame) -> Fold:
    """One question: the later readings and the targets due, from what was known."""
    seen = designs.scored_readings(known.readings, later["indicator"].iloc[0], COUNTRY_LEVEL)
    last = seen.iloc[-1] if len(seen) else pd.Series({"value": float("nan"), "as_of": pd.NaT})
    answers = later[["value", "lower", "upper"]].assign(
        last_value=last["value"], last_as_of=last["as_of"], design=design
    )
    day = f"{known.origin:%Y-%m-%d}"
    return Fold(f"{design} {day}", day, known, later[QUERY], answers, due)
