"""Writing the tables of the readings to data/processed."""

import io
from pathlib import Path

import pandas as pd

from analysis import datapackage
from analysis.facts import Raw
from analysis.paths import PROCESSED, write_atomic, write_table
from analysis.readings import ReadingTables
from analysis.readings.lineage import lineage, units
from analysis.targets import targets


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
        "lineage": lineage(tables.readings, raw),
        "units": units(),
    }
    files = [write_table(table, place / f"{name}.csv") for name, table in written.items()]
    files.append(write_atomic(place / "readings.parquet", _parquet(tables.readings)))
    files.append(datapackage.write(place))
    return [file.name for file in files]


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, engine="pyarrow", compression="zstd", index=False)
    return buffer.getvalue()
