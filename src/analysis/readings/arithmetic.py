"""Choosing readings, and computing one from others with intervals and the lineage behind it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.country.indicators import INDICATORS
from analysis.readings.evidence import KEY, denominator_version, season_of

UNIT_AND_DATE = ["geo_level", "province_code", "as_of"]
_LINEAGE = ["reading_id", "facts", "sources", "doubt"]


def pick_readings(readings: pd.DataFrame, indicator: str, basis: str = "") -> pd.DataFrame:
    """Return the readings of one indicator and basis."""
    return readings[(readings["indicator"] == indicator) & (readings["basis"] == basis)]


def usual_readings(
    readings: pd.DataFrame, indicator: str | None = None, geo_level: str | None = None
) -> pd.DataFrame:
    """Return the readings as published, on the usual basis: what is counted, and scored against.

    Readings computed from other figures, and those on another basis (with residents insured
    elsewhere, on the official population), are left out.
    """
    kept = (readings["kind_of_evidence"] == "published") & (readings["basis"].fillna("") == "")
    for column, wanted in (("indicator", indicator), ("geo_level", geo_level)):
        if wanted is not None:
            kept &= readings[column] == wanted
    return readings[kept]


def side_by_side(left: pd.DataFrame, right: pd.DataFrame, on: Sequence[str]) -> pd.DataFrame:
    """Join two sets of readings; their columns get the endings _a and _b."""
    return left.merge(right, on=list(on), suffixes=("_a", "_b"))


def reading(
    table: pd.DataFrame,
    indicator: str,
    basis: str,
    numbers: tuple[pd.Series, pd.Series, pd.Series],
    rule: str,
    parents: Sequence[str] = ("_a", "_b"),
) -> pd.DataFrame:
    """Return derived readings, with the lineage of their parents.

    Args:
        table: geo_level, province_code, as_of and, for each ending in `parents`, the lineage
            columns reading_id, facts, sources, doubt and known_on.
        numbers: value, lower and upper limit.
        rule: how it was computed.
    """
    value, lower, upper = (pd.Series(number, index=table.index) for number in numbers)
    item = INDICATORS[indicator]
    made = table[UNIT_AND_DATE].assign(indicator=indicator, basis=basis, unit=item.unit)
    made["value"] = value.astype(float)
    made["lower"] = np.fmin(np.fmax(lower, -np.inf if item.lower is None else item.lower), value)
    made["upper"] = np.fmax(np.fmin(upper, np.inf if item.upper is None else item.upper), value)
    made["rule"] = rule
    made["known_on"] = table[[f"known_on{parent}" for parent in parents]].max(axis=1)
    for column, name in zip(_LINEAGE, ["derived_from", "facts", "sources", "doubt"], strict=True):
        united = _joined([table[f"{column}{parent}"] for parent in parents])
        made[name] = pd.Series(united, index=made.index, dtype=object)
    return made


def with_counts(made: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that follow from the others; a denominator version that is set stays."""
    made["season"] = season_of(made["as_of"])
    usual = pd.Series(denominator_version(made), index=made.index)
    given = made.get("denominator_version", pd.Series(np.nan, index=made.index))
    made["denominator_version"] = given.where(given.notna(), usual)
    made["n_facts"] = made["facts"].str.count(";") + 1
    made["n_sources"] = made["sources"].str.count(";") + 1
    made["kind_of_evidence"] = "derived"
    return made


def _joined(columns: Sequence[pd.Series]) -> list[str]:
    """Join lists written with ";" row by row: each entry once, rows of facts by number."""
    return [unite(cells) for cells in zip(*columns, strict=True)]


def unite(cells: Sequence[str]) -> str:
    """Return the distinct entries of several ";"-joined lists, sorted, as one such list."""
    entries = {entry for cell in cells for entry in cell.split(";") if entry}
    return ";".join(sorted(entries, key=lambda e: (len(e), e) if e.isdigit() else (0, e)))


def total(m: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    """a + b, with the interval."""
    return m["value_a"] + m["value_b"], m["lower_a"] + m["lower_b"], m["upper_a"] + m["upper_b"]


def difference(m: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    """a - b, with the interval."""
    return m["value_a"] - m["value_b"], m["lower_a"] - m["upper_b"], m["upper_a"] - m["lower_b"]


def percentage(m: pd.DataFrame) -> tuple[pd.Series, pd.Series, pd.Series]:
    """100 a / b, with the interval."""
    return (
        100 * m["value_a"] / m["value_b"],
        100 * m["lower_a"] / m["upper_b"],
        100 * m["upper_a"] / m["lower_b"],
    )


def one_a_key(readings: pd.DataFrame) -> pd.DataFrame:
    """Keep the first way of computing each key, and of one way the narrowest interval."""
    table = readings.assign(width=readings["upper"] - readings["lower"])
    order = table.sort_values([*KEY, "way", "width", "value", "derived_from"], kind="stable")
    return order.drop_duplicates(KEY).drop(columns=["width", "way"])


# --------------------------------------------------------------------------------------------------
# The name of a reading.
# --------------------------------------------------------------------------------------------------


def reading_ids(readings: pd.DataFrame) -> pd.Series:
    """Return stable names, such as province_63/14/hi_coverage/2023-12-31 (plus the basis)."""
    name = readings["geo_level"] + "/" + readings["province_code"] + "/" + readings["indicator"]
    name = name + "/" + readings["as_of"].dt.strftime("%Y-%m-%d")
    return name + readings["basis"].where(readings["basis"] == "", "/" + readings["basis"])
