"""The tables of earlier chapters that a brief reads, and the rows of one unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis import coverage, geography, paths
from analysis.cache import cached
from analysis.targets import NATIONWIDE

INDICATORS = coverage.COVERAGE
#: Table of data/processed -> its columns of dates.
_DATES = {
    "readings": ["as_of"],
    "estimates": ["date"],
    "forecasts": ["origin", "date"],
    "needs": ["origin", "date"],
    "late_payment_forecasts": ["origin", "date"],
}


@dataclass(frozen=True)
class Tables:
    """Readings (chapter 01), late payment (04), estimates, forecasts, needs (05), sources.

    Forecasts are those of the latest origin in the table.
    """

    readings: pd.DataFrame
    estimates: pd.DataFrame
    forecasts: pd.DataFrame
    needs: pd.DataFrame
    late: pd.DataFrame
    sources: pd.DataFrame

    @classmethod
    def read(cls) -> Tables:
        """Read the tables.

        Raises:
            analysis.paths.MissingTable: chapter 01, 04 or 05 has not run.
        """
        files = {name: paths.processed(name) for name in _DATES}
        return _read(files, paths.RAW / "sources.csv")

    @cached_property
    def origin(self) -> pd.Timestamp:
        """The date up to which the forecasts know the facts."""
        return self.forecasts["origin"].max()

    @cached_property
    def due(self) -> pd.Timestamp:
        """The date for which the targets are forecast: the first with a target."""
        return self.forecasts.loc[self.forecasts["target"].notna(), "date"].min()


@cached
def _read(files: Mapping[str, Path], sources: Path) -> Tables:
    """Read the tables of data/processed by name, parsed once for the briefs of all units."""
    tables = {name: paths.read_table(path, _DATES[name]) for name, path in files.items()}
    tables["readings"]["basis"] = tables["readings"]["basis"].fillna("")
    forecasts = tables["forecasts"]
    forecasts["target_setter"] = forecasts["target_setter"].fillna("")
    return Tables(
        readings=tables["readings"],
        estimates=tables["estimates"],
        forecasts=_at_last_origin(forecasts),
        needs=_at_last_origin(tables["needs"]),
        late=tables["late_payment_forecasts"],
        sources=pd.read_csv(sources, dtype=str, keep_default_na=False),
    )


def _at_last_origin(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["origin"] == table["origin"].max()].reset_index(drop=True)


def level_of(code: str) -> str:
    """Return the geographic level of a brief's unit.

    Raises:
        ValueError: the code names neither a province nor the country.
    """
    if code == geography.COUNTRY:
        return "country"
    if code in geography.codes("province_63"):
        return "province_63"
    raise ValueError(
        f"no brief for {code!r}: give the code of one of the 63 provinces, such as '83', "
        f"or '{geography.COUNTRY}' for the country"
    )


def of_unit(table: pd.DataFrame, level: str, code: str) -> pd.DataFrame:
    """Return the rows of one unit."""
    return table[(table["geo_level"] == level) & (table["province_code"] == code)]


def forecast_rows(tables: Tables, scale: str = "reported") -> pd.DataFrame:
    """Return the forecasts for the due date on one scale (true, reported or official)."""
    table = tables.forecasts
    return table[(table["scale"] == scale) & (table["date"] == tables.due)]


def rests_on(readings: pd.DataFrame, level: str, code: str, indicator: str) -> str:
    """Return the mark of the readings that an estimate rests on (see ``Result.evidence``)."""
    own = of_unit(readings, level, code)
    anchor = f"#{indicator}" if (own["indicator"] == indicator).any() else ""
    return f"{level}/{code}{anchor}"


def target_mark(level: str, code: str, indicator: str, setter: object) -> str:
    """Return the mark of a target; nothing where no target is known."""
    if not isinstance(setter, str) or not setter:
        return ""
    unit = f"country/{geography.COUNTRY}" if setter == NATIONWIDE else f"{level}/{code}"
    return f"{unit}#target.{indicator}"
