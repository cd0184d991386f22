"""Facts to readings at 1,000,000 facts, and at a tenth of it to see that cost grows in line.

The facts are synthetic: the project's own, again and again, on other dates and with other values.
They are written to a temporary folder and read from there as data/raw is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measure import finish, row, seconds

from analysis import paths, seeds

SIZES = (100_000, 1_000_000)
FIRST_DAY = pd.Timestamp("2010-01-01")
DAYS = 5_800


def synthetic_facts(count: int) -> pd.DataFrame:
    """`count` actual facts with the columns of data/raw/facts.csv, none twice."""
    real = pd.read_csv(paths.RAW / "facts.csv", dtype=str, keep_default_na=False)
    real = real[(real["kind"] == "actual") & real["unit"].eq("percent")]
    real = real[real["geo_level"].eq("province_63")]
    random = seeds.generator("benchmark of readings", count)
    facts = real.iloc[random.integers(0, len(real), 2 * count)].reset_index(drop=True)
    days = pd.to_timedelta(random.integers(0, DAYS, len(facts)), unit="D")
    facts["as_of"] = (FIRST_DAY + days).strftime("%Y-%m-%d")
    facts["value"] = np.round(random.uniform(20, 99, len(facts)), 2).astype(str)
    facts["note"] = "synthetic, for the benchmark"
    key = ["geo_level", "province_code", "indicator", "basis", "as_of", "source_id"]
    return facts.drop_duplicates(key).head(count)


def measure(count: int) -> tuple[float, int]:
    """Seconds from files to readings, and how many readings came out."""
    from analysis.facts import load_raw
    from analysis.readings import build_readings

    made = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "raw"
        shutil.copytree(paths.RAW, folder)
        # The guarded corrections belong to the project's own facts, which are not here.
        corrections = folder / "corrections.csv"
        if corrections.is_file():
            corrections.write_text(corrections.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
        # On their dates the facts could be from after the publication of their sources.
        sources = pd.read_csv(folder / "sources.csv", dtype=str, keep_default_na=False)
        undated = sources.assign(published="")
        undated.to_csv(folder / "sources.csv", index=False, lineterminator="\n")
        synthetic_facts(count).to_csv(folder / "facts.csv", index=False, lineterminator="\n")
        took = seconds(lambda: made.append(build_readings(load_raw(folder))))
    return took, len(made[0].readings)


def main() -> None:
    """The sizes may be given on the command line."""
    sizes = tuple(int(size) for size in sys.argv[1:]) or SIZES
    took = {size: measure(size)[0] for size in sizes}
    rows = [row(f"{size:,} facts to readings", took[size], "s") for size in sizes]
    if sizes == SIZES:
        rows[-1] = row("1,000,000 facts to readings", took[SIZES[1]], "s", below=60)
        rows.append(row("ten times the facts cost", took[SIZES[1]] / took[SIZES[0]], "times"))
    finish(rows)


if __name__ == "__main__":
    main()
