"""The tables of earlier chapters that a brief reads, and the rows of one unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import coverage, geography, paths
from analysis.cache import cached
from analysis.targets import NATIONWIDE, SETTERS, is_alone, judged
from analysis.verdicts import NOT_ENOUGH_EVIDENCE, coarse

INDICATORS = coverage.COVERAGE
#: The rate that every unit is judged by.
MAIN = "hi_coverage"
#: Table of data/processed -> its columns of dates.
_DATES = {
    "readings": ["as_of"],
    "estimates": ["date"],
    "forecasts": ["origin", "date"],
    "needs": ["origin", "date"],
    "late_payment_forecasts": ["origin", "date"],
    "targets": ["due", "announced"],
}
#: Columns of quantiles in the tables of chapter 05, and what they are quantiles of.
_QUANTILES = {"q025": 0.025, "q05": 0.05, "q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75}
_QUANTILES |= {"q90": 0.9, "q95": 0.95, "q975": 0.975}
#: Months before the origin within which a reading is recent, and within which it is of use.
_RECENT, _OF_USE = 18, 36
#: So many readings make evidence strong where the latest is recent.
_MANY = 3


@dataclass(frozen=True)
class Tables:
    """Readings, targets (chapter 01), late payment (04), estimates, forecasts, needs (05), sources.

    Forecasts are those of the latest origin in the table.
    """

    readings: pd.DataFrame
    estimates: pd.DataFrame
    forecasts: pd.DataFrame
    needs: pd.DataFrame
    late: pd.DataFrame
    sources: pd.DataFrame
    targets: pd.DataFrame

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
    def newest(self) -> pd.Timestamp:
        """The date of the newest reading that was known at the origin."""
        known = self.readings[self.readings["known_on"] <= f"{self.origin:%Y-%m-%d}"]
        return known["as_of"].max()

    @cached_property
    def has_outcome(self) -> bool:
        """Whether a coverage rate of the due date, or of a later one, has been read."""
        rates = self.readings[self.readings["indicator"].isin(INDICATORS)]
        return bool((rates["as_of"] >= self.due).any())

    @cached_property
    def shown(self) -> dict[str, pd.DataFrame]:
        """The forecasts for the due date by scale, as pages show them (see ``targets.judged``)."""
        table = self.forecasts[self.forecasts["date"] == self.due]
        scales = ("true", "reported", "official")
        return {scale: judged(table[table["scale"] == scale]) for scale in scales}

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
        targets=tables["targets"],
    )


def _at_last_origin(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["origin"] == table["origin"].max()].reset_index(drop=True)


def unit_of(code: str) -> tuple[str, str]:
    """Return level and code of a brief's unit.

    Args:
        code: ``00`` for the country, the code of one of the 63 provinces, or ``province_34/`` and
            the code of a province since the rearrangement of July 2025.

    Raises:
        ValueError: the code names none of them.
    """
    level, _, bare = code.rpartition("/")
    if code == geography.COUNTRY:
        return "country", code
    if level in {"", "province_63"} and bare in geography.codes("province_63"):
        return "province_63", bare
    if level == "province_34" and bare in geography.codes(level):
        return level, bare
    raise ValueError(
        f"no brief for {code!r}: give the code of one of the 63 provinces, such as '83', "
        "of a province since July 2025, such as 'province_34/86', "
        f"or '{geography.COUNTRY}' for the country"
    )


def unit_code(level: str, code: str) -> str:
    """Return what names a unit's brief (see :func:`unit_of`)."""
    return f"{level}/{code}" if level == "province_34" else code


def present_units() -> list[tuple[str, str]]:
    """Return the provinces of today: an unchanged one under its level of the 63, which has all."""
    return [
        ("province_63" if is_alone(code) else "province_34", code)
        for code in geography.codes("province_34")
    ]


def former_units() -> list[tuple[str, str]]:
    """Return the provinces that are parts of one of today's."""
    codes = geography.codes("province_63")
    return [("province_63", code) for code in codes if not is_alone(code)]


def of_unit(table: pd.DataFrame, level: str, code: str) -> pd.DataFrame:
    """Return the rows of one unit."""
    return table[(table["geo_level"] == level) & (table["province_code"] == code)]


def forecast_rows(tables: Tables, scale: str = "reported") -> pd.DataFrame:
    """Return the forecasts for the due date on one scale (true, reported or official).

    Chances and verdicts are those that pages show (see :func:`analysis.targets.judged`).
    """
    rows: pd.DataFrame = tables.shown[scale]
    return rows


def newer_targets(tables: Tables, level: str, code: str) -> pd.DataFrame:
    """Return the targets of a unit for the due date that were announced after the origin.

    Columns: indicator, target (percent), target_setter, announced (the due date stands for an
    unknown day), chance: the probability of meeting it as reported, read off the quantiles of the
    same forecast; missing without evidence of the unit's own. A target equal to the one that the
    forecast knew is none.
    """
    levels = ["province_63", "province_34"] if is_alone(code) else [level]
    table = tables.targets
    table = table[
        table["geo_level"].isin(levels)
        & (table["province_code"] == code)
        & table["indicator"].isin(INDICATORS)
        & (table["due"] == tables.due)
        & (table["announced"] > tables.origin)
        & table["basis"].fillna("").eq("")
    ]
    order = table["setter"].map({name: at for at, name in enumerate(SETTERS)})
    table = table.assign(order=order).sort_values(["indicator", "order", "announced", "value"])
    table = (
        table.groupby("indicator")
        .head(1)
        .rename(columns={"value": "target", "setter": "target_setter"})[
            ["indicator", "target", "target_setter", "announced"]
        ]
    )
    ahead = of_unit(forecast_rows(tables), level, code).set_index("indicator")
    known = table["indicator"].map(lambda name: _known_target(ahead, name)).astype(float)
    table = table[table["target"] != known].reset_index(drop=True)
    chances = [
        _chance_of(ahead.loc[name], target) if name in ahead.index else np.nan
        for name, target in zip(table["indicator"], table["target"], strict=True)
    ]
    return table.assign(chance=np.array(chances, float))


def _known_target(ahead: pd.DataFrame, indicator: str) -> float:
    if indicator not in ahead.index or ahead.loc[indicator, "target_setter"] == NATIONWIDE:
        return float("nan")
    return float(ahead["target"].loc[indicator])


def _chance_of(row: pd.Series, target: float) -> float:
    """The probability of a value at or above a target, from the quantiles of its forecast."""
    if row["verdict"] == NOT_ENOUGH_EVIDENCE:
        return float("nan")
    names = [name for name in _QUANTILES if name in row]
    values = row[names].to_numpy(float)
    below = np.interp(target, values, [_QUANTILES[name] for name in names], left=0.0, right=1.0)
    return coarse(1.0 - float(below))


def grade(tables: Tables, level: str, code: str, indicator: str) -> int:
    """Return how good the evidence is for a unit's forecast, from 0 (none) to 3.

    3: at least three readings of the rate, the latest at most 18 months older than the origin.
    2: the latest at most 36 months older. 1: older ones, or figures of other kinds only.
    A province made of several counts as the mean of its parts, unless its own readings say more.
    """
    ahead = of_unit(forecast_rows(tables), level, code)
    row = ahead[ahead["indicator"] == indicator]
    if row.empty or row["verdict"].iloc[0] == NOT_ENOUGH_EVIDENCE:
        return 0
    own = _read_grade(tables, level, code, indicator)
    if level == "province_34":
        parts = [
            _read_grade(tables, "province_63", one, indicator) for one in geography.members(code)
        ]
        own = max(own, sum(parts) // len(parts))
    return max(own, 1)


def _read_grade(tables: Tables, level: str, code: str, indicator: str) -> int:
    own = of_unit(tables.readings, level, code)
    own = own[own["indicator"] == indicator]
    own = own[own["known_on"] <= f"{tables.origin:%Y-%m-%d}"]
    if own.empty:
        return 0
    months = (tables.origin - own["as_of"].max()).days / 30.4375
    if months <= _RECENT and own["as_of"].nunique() >= _MANY:
        return 3
    return 2 if months <= _OF_USE else 1


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
