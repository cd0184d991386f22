"""Writing the tables of the readings to data/processed, and reading the readings back."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from analysis import paths
from analysis.country import geography
from analysis.facts import Raw
from analysis.paths import PROCESSED, write_atomic, write_table
from analysis.readings import ReadingTables
from analysis.readings.targets import targets
from analysis.report import describe

# --------------------------------------------------------------------------------------------------
# From each reading to its facts and to the addresses where they were read.
# --------------------------------------------------------------------------------------------------


def _lineage(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Return one row a reading and fact: reading_id, fact, source_id, publisher, title,
    published and url (empty where no address is known)."""
    table = readings[["reading_id"]].assign(fact=readings["facts"].str.split(";"))
    table = table.explode("fact").astype({"fact": int})
    table = table.merge(raw.facts[["row", "source_id"]], left_on="fact", right_on="row")
    sources = raw.sources[["source_id", "publisher", "title", "published", "url"]]
    table = table.drop(columns="row").merge(sources, on="source_id")
    return table.sort_values(["reading_id", "fact"], ignore_index=True)


def unit_table() -> pd.DataFrame:
    """Return all units: geo_level, province_code, name_en, name_vi, region_code, merged_code."""
    rows = [
        {
            "geo_level": level,
            "province_code": code,
            "name_en": geography.name(code, level, "en"),
            "name_vi": geography.name(code, level, "vi"),
            "region_code": _region(code, level),
            "merged_code": _merged(code, level),
        }
        for level in geography.LEVELS
        for code in geography.codes(level)
    ]
    return pd.DataFrame(rows)


def _region(code: str, level: str) -> str:
    return geography.region_of(code, level) if level.startswith("province") else ""


def _merged(code: str, level: str) -> str:
    return str(geography.provinces().loc[code, "merged_code"]) if level == "province_63" else ""


def write(tables: ReadingTables, raw: Raw, folder: Path | None = None) -> list[str]:
    """Write the tables as CSV, the readings as Parquet too, and datapackage.json.

    Returns:
        The names of the files written.
    """
    place = Path(folder or PROCESSED)
    written = {
        "readings": tables.readings,
        "conflicts": tables.conflicts,
        "identities": tables.identities,
        "targets": targets(raw),
        "lineage": _lineage(tables.readings, raw),
        "units": unit_table(),
    }
    files = [write_table(table, place / f"{name}.csv") for name, table in written.items()]
    files.append(write_atomic(place / "readings.parquet", _parquet(tables.readings)))
    files.append(describe.write(place))
    return [file.name for file in files]


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    return buffer.getvalue()


# --------------------------------------------------------------------------------------------------
# Reading them back.
# --------------------------------------------------------------------------------------------------


def read_readings() -> pd.DataFrame:
    """The readings that chapter 01 wrote, in the form that every later chapter takes them.

    Raises:
        analysis.paths.MissingTable: chapter 01 has not run.
    """
    return filled(paths.read_processed("readings", dates=["as_of"]))


def filled(readings: pd.DataFrame) -> pd.DataFrame:
    """Return readings with empty texts for missing ones, as models take them.

    Whoever asks for a model with the same readings in the same form finds it kept.
    """
    text = readings.select_dtypes(include=["object", "string"]).columns
    return readings.fillna(dict.fromkeys(text, ""))
