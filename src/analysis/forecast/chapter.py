"""Chapter 05 in steps: what was known, the tables, and writing them for later chapters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from analysis import paths
from analysis.facts import load_raw
from analysis.forecast.known import Known, known_at
from analysis.forecast.queries import read_date
from analysis.forecast.rounds import Round, named
from analysis.forecast.settings import FAMILY
from analysis.forecast.tables import ForecastTables, forecast_tables

#: File of data/processed -> table of ForecastTables.
FILES = {name: f"{name}.csv" for name in ("estimates", "forecasts", "attainment", "needs")} | {
    "answers": "round_answers.csv"
}


def known_on(origin: str) -> Known:
    """What was known on a day, from the readings that chapter 01 wrote.

    Raises:
        analysis.paths.MissingTable: chapter 01 has not run.
        QueryError: the day cannot be read.
    """
    readings = filled(paths.read_processed("readings", dates=["as_of"]))
    return known_at(readings, load_raw(), read_date(origin, "origin"))


def round_named(name: str) -> tuple[Round, Known]:
    """A round of rounds.yml and what was known on its origin.

    Raises:
        RoundError: rounds.yml has no such round, or has faults.
        analysis.paths.MissingTable: chapter 01 has not run.
    """
    chosen = named(name)
    return chosen, known_on(f"{chosen.origin:%Y-%m-%d}")


def filled(readings: pd.DataFrame) -> pd.DataFrame:
    """Readings with empty texts for missing ones, as models take them.

    Whoever asks for a model with the same readings in the same form finds it kept.
    """
    text = readings.select_dtypes(include=["object", "string"]).columns
    return readings.fillna(dict.fromkeys(text, ""))


def forecast(known: Known, indicators: list[str], target_year: int) -> ForecastTables:
    """The tables of the chapter.

    Raises:
        ValueError: an indicator is not forecast, or no forecast is possible from this origin.
    """
    _check(indicators)
    return forecast_tables(known, tuple(indicators), int(target_year))


def forecast_round(known: Known, chosen: Round, indicators: Sequence[str]) -> ForecastTables:
    """The tables of a round: all its due dates, with its version of the model.

    Raises:
        ValueError: an indicator is not forecast, or no forecast is possible from this origin.
    """
    _check(indicators)
    first, *later = chosen.years
    return forecast_tables(
        known, tuple(indicators), first, chosen.settings, tuple(later), chosen.levels[1:]
    )


def _check(indicators: Iterable[str]) -> None:
    unknown = sorted(set(indicators) - set(FAMILY))
    if unknown:
        raise ValueError(f"indicators: {', '.join(unknown)}: known are {', '.join(FAMILY)}")


def write(tables: ForecastTables) -> list[str]:
    """Write the tables to data/processed; returns the names of the files."""
    for name, file in FILES.items():
        table: pd.DataFrame = getattr(tables, name)
        paths.write_table(table, paths.PROCESSED / file)
    return sorted(FILES.values())
