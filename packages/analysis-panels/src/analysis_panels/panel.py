"""A table of anybody's units as evidence for the model: districts, communes, months."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from analysis import seeds
from analysis.country import geography
from analysis.forecast.evidence import Evidence
from analysis.forecast.parts import Component
from analysis.forecast.space import DEFAULT, FAMILY, Points, Settings, Units
from analysis_panels.blocks import (
    Block,
    blocks,
    distinct,
    of_unit,
    points_of,
    single,
    sparse,
    stack,
    take,
)

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


# --------------------------------------------------------------------------------------------------
# Which parts of the model units share, and which are a unit's own: the layout of a large panel.
#
# Given the effects that units share, units are independent. A part is told by its loading:
#     own: a process of each unit (its loading has a column for each unit);
#     common: the same for all units that are measured in one way on one day;
#     varying: one coefficient for all units, times what the unit is (region, covariates).
# --------------------------------------------------------------------------------------------------

#: The system of shared effects is dense: its size is the number of ways and days of measuring.
MOST_WAYS, MOST_SUMS = 1500, 2000


class TooManyWays(ValueError):
    """The panel has more days or more sums over units than the solver takes."""


@dataclass(frozen=True)
class Roles:
    """Positions of the parts by their role."""

    own: tuple[int, ...]
    common: tuple[int, ...]
    varying: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """Readings by unit, as the solver walks through them.

    points: all n readings, sparse. alone, sums: rows of single units, and of sums over units.
    ways: (k,) points, each a way and day of measuring, at a unit of size one; after those of the
    readings may come others that are asked for. blocks: units with nearly the same ways.
    columns: number of coefficients of the varying parts.
    """

    parts: list[Component]
    roles: Roles
    points: Points
    alone: np.ndarray
    sums: np.ndarray
    ways: Points
    blocks: list[Block]
    columns: int

    @property
    def units(self) -> int:
        """Number of units, read or not."""
        return int(self.points.weights.shape[1])


def layout(parts: list[Component], at: Points, regions: np.ndarray) -> Layout:
    """Sort readings and parts.

    Args:
        at: points of the readings, with dense or sparse weights. regions: (P, R) membership,
            used for the order of units only.

    Raises:
        TooManyWays: more days or sums than a dense system can take.
        NotImplementedError: a part varies both between units and in time.
    """
    at = sparse(at)
    alone, sums = np.flatnonzero(single(at)), np.flatnonzero(~single(at))
    first, way = distinct(take(at, alone))
    _refuse(len(first), len(sums))
    ways = of_unit(take(at, alone[first]), 0, at.weights.shape[1])
    found = roles(parts, ways)
    columns = sum(parts[j].loading(take(ways, np.arange(min(1, len(first))))).shape[1]
                  for j in found.varying)  # fmt: skip
    made = blocks(
        [parts[j] for j in found.own], [parts[j] for j in found.varying], at, alone, way, regions
    )
    return Layout(parts, found, at, alone, sums, ways, made, columns)


def with_asked(layout: Layout, asked: Points) -> tuple[Layout, np.ndarray]:
    """The same layout with the ways of `asked` after its own, and the way of each point asked."""
    first, way = distinct(asked)
    ways = of_unit(take(asked, first), 0, layout.units)
    joined = dataclasses.replace(layout, ways=stack(layout.ways, ways))
    return joined, len(layout.ways) + way


def _refuse(ways: int, sums: int) -> None:
    if ways > MOST_WAYS or sums > MOST_SUMS:
        raise TooManyWays(
            f"the panel has {ways:,} days or ways of measuring and {sums:,} readings of sums over "
            f"units; the solver takes {MOST_WAYS:,} and {MOST_SUMS:,}: move readings to the end "
            "of their month, or leave out sums that their parts already say"
        )


def roles(parts: list[Component], ways: Points) -> Roles:
    """Tell the roles of the parts from how their loadings answer to weights."""
    random = seeds.generator("large", "roles")
    rows, units = ways.weights.shape
    one, other = random.random((2, rows, units))
    own, common, varying = [], [], []
    for j, part in enumerate(parts):
        if issparse(part.loading(ways)):
            own.append(j)
            continue
        first, second = (
            part.loading(ways.with_weights(w / w.sum(axis=1, keepdims=True))) for w in (one, other)
        )
        if np.allclose(first, second, rtol=1e-9, atol=1e-12):
            common.append(j)
        elif part.in_time is None:
            varying.append(j)
        else:
            raise NotImplementedError(
                f"the part {part.name!r} varies between units and in time at once: large panels "
                "take one or the other; use analysis.forecast.fit for up to a thousand readings"
            )
    return Roles(tuple(own), tuple(common), tuple(varying))
