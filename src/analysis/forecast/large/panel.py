"""A table of anybody's units as evidence for the model: districts, communes, months."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from analysis import geography
from analysis.forecast.evidence import Evidence
from analysis.forecast.large.rows import points_of
from analysis.forecast.settings import DEFAULT, FAMILY, Settings
from analysis.forecast.units import Units

#: What a panel must say, and the unit that stands for all of them together.
COLUMNS = ("unit", "parent", "as_of", "value")
WHOLE = geography.COUNTRY
#: The nationwide curve of the model starts in 2009.
FIRST = pd.Timestamp(2009, 6, 30)
#: Faults of a kind that a message lists.
LISTED = 20


class PanelError(ValueError):
    """The panel cannot be used; the message has a line for each faulty row."""


def panel(
    readings: pd.DataFrame,
    persons: pd.Series | None = None,
    covariates: pd.DataFrame | None = None,
    indicator: str = "hi_coverage",
    origin: pd.Timestamp | None = None,
    settings: Settings = DEFAULT,
) -> Evidence:
    """Evidence from a table of coverage by unit and day, for `fit_large`.

    Args:
        readings: unit, parent (the region or province that the unit shares an effect with),
            as_of, value in percent; perhaps lower and upper, the interval that the figure allows.
            Rows of unit "00" are readings of all units together (their parent is not used).
        persons: by unit, the denominators; needed for readings or forecasts of the whole.
        covariates: by unit, numbers that levels may go with; they are standardised here.
        indicator: decides the family, whose time constants and priors are used.
        origin: the day of knowledge; the last reading by default. Later readings are left out.

    Returns:
        Evidence whose units are called `province_63`, whose parents `region`, whose whole
        `country`, 00: the names of the model's frame.

    Raises:
        PanelError: rows with unknown dates, values outside 0 to 100, intervals that do not hold
            their value, readings that stand twice, units with two parents or no persons; columns
            that are missing. All faulty rows are listed, the first after the heading being row 2.
    """
    table = _checked(readings)
    day = pd.Timestamp(origin) if origin is not None else table["as_of"].max()
    table = table[table["as_of"] <= day]
    if table.empty:
        raise PanelError(f"no reading is dated {day:%Y-%m-%d} or before: choose a later origin")
    units = _units(table, persons, covariates)
    own = dataclasses.replace(
        settings,
        targets=False,
        pull=False,
        participants=False,
        step_2021=False,
        covariates=settings.covariates and covariates is not None,
    )
    rows = _rows(table, indicator)
    place = pd.Index(units.codes).get_indexer(pd.Index(rows["province_code"]))
    alone = (rows["geo_level"] == "province_63").to_numpy()
    return Evidence(
        family=FAMILY[indicator],
        origin=day,
        settings=own,
        units=units,
        table=rows,
        points=points_of(rows, place, alone, units, own, day),
        targets=rows.iloc[:0],
    )


def _checked(readings: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in COLUMNS if name not in readings]
    if missing:
        raise PanelError(f"the panel lacks column(s): {', '.join(missing)}")
    table = readings.reset_index(drop=True)
    table = table.assign(
        unit=table["unit"].fillna("").astype(str).str.strip(),
        parent=table["parent"].fillna("").astype(str).str.strip(),
        as_of=pd.to_datetime(table["as_of"], errors="coerce"),
        value=pd.to_numeric(table["value"], errors="coerce"),
    )
    for name in ("lower", "upper"):
        given = table[name] if name in table else table["value"]
        table[name] = pd.to_numeric(given, errors="coerce")
    faults = _faults(table, readings)
    if faults:
        raise PanelError("\n".join(faults))
    return table


def _faults(table: pd.DataFrame, readings: pd.DataFrame) -> list[str]:
    parents = table[table["unit"] != WHOLE].groupby("unit")["parent"].transform("nunique")
    inside = table["lower"].le(table["value"]) & table["value"].le(table["upper"])
    held = inside | table["value"].isna()
    whole = table["unit"] == WHOLE
    checks = [
        ("unit", table["unit"] == "", "no unit is named"),
        ("parent", (table["parent"] == "") & ~whole, "no parent is named"),
        ("as_of", table["as_of"].isna(), "not a date: write it as 2025-12-31"),
        ("as_of", table["as_of"] < FIRST, f"before {FIRST:%Y-%m-%d}, where the model begins"),
        ("value", ~table["value"].between(0, 100), "not a percentage from 0 to 100"),
        ("lower", ~held, "the interval from lower to upper does not hold the value"),
        ("parent", parents.reindex(table.index, fill_value=1) > 1, "the unit has two parents"),
        ("value", table.duplicated(["unit", "as_of", "value"]), "the same reading stands twice"),
    ]
    lines = []
    for name, wrong, what in checks:
        rows = np.flatnonzero(wrong)
        shown = (readings if name in readings else table)[name].iloc[rows[:LISTED]]
        lines += [
            f"row {row + 2}: {name}: {own}: {what}" for row, own in zip(rows, shown, strict=False)
        ]
        if len(rows) > LISTED:
            lines.append(f"{len(rows) - LISTED:,} more rows: {name}: {what}")
    return lines


def _units(
    table: pd.DataFrame, persons: pd.Series | None, covariates: pd.DataFrame | None
) -> Units:
    parent = table[table["unit"] != WHOLE].groupby("unit", sort=True)["parent"].first()
    codes, names = tuple(parent.index), sorted(set(parent))
    if not codes:
        raise PanelError("the panel has readings of the whole only: add those of its units")
    of = pd.Index(names).get_indexer(parent)
    members = {("province_63", code): np.array([i]) for i, code in enumerate(codes)}
    members |= {("region", name): np.flatnonzero(of == i) for i, name in enumerate(names)}
    members["country", WHOLE] = np.arange(len(codes))
    people = _by_unit(persons, codes, "persons")
    return Units(
        codes=codes,
        regions=np.eye(len(names))[of],
        members=members,
        covariates=_standardised(covariates, codes),
        minority=np.zeros(len(codes)),
        years=np.array([float(table["as_of"].dt.year.min())]),
        persons=people[:, None],
        labour=np.ones(len(codes)),
    )


def _by_unit(persons: pd.Series | None, codes: tuple[str, ...], name: str) -> np.ndarray:
    if persons is None:
        return np.ones(len(codes))
    found = pd.to_numeric(persons.rename(str), errors="coerce").reindex(codes)
    without = found.index[~(found > 0)]
    if len(without):
        raise PanelError(f"{name}: no positive number for unit(s) {', '.join(without[:LISTED])}")
    return found.to_numpy(float)


def _standardised(covariates: pd.DataFrame | None, codes: tuple[str, ...]) -> np.ndarray:
    """With mean 0 and standard deviation 1; where one is missing, the mean."""
    if covariates is None:
        return np.zeros((len(codes), 0))
    own = covariates.rename(index=str).reindex(codes).astype(float)
    spread = own.std(ddof=0)
    flat = list(spread.index[~(spread > 0)])
    if flat:
        raise PanelError(f"covariate(s) that do not differ between units: {', '.join(flat)}")
    return ((own - own.mean()) / spread).fillna(0.0).to_numpy()


def _rows(table: pd.DataFrame, indicator: str) -> pd.DataFrame:
    whole = (table["unit"] == WHOLE).to_numpy()
    return pd.DataFrame(
        {
            "geo_level": np.where(whole, "country", "province_63"),
            "province_code": table["unit"].to_numpy(),
            "indicator": indicator,
            "as_of": table["as_of"].to_numpy(),
            "reading_id": table.index.astype(str),
            "percent": table["value"].to_numpy(float),
            "half": ((table["upper"] - table["lower"]) / 2).to_numpy(float),
            "error": np.where(whole, "error_country", "error_coverage"),
        }
    )
