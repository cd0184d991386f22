"""What the chapters on drivers read: the readings of chapter 01 and the raw tables."""

from __future__ import annotations

import pandas as pd

from analysis import paths
from analysis.facts import Raw, load_raw


def read() -> tuple[pd.DataFrame, Raw]:
    """Readings and raw tables. Raises MissingTable when chapter 01 has not run."""
    readings = paths.read_processed("readings", dates=["as_of"])
    text = readings.select_dtypes(include=["object", "string"]).columns
    readings[text] = readings[text].fillna("")
    return readings, load_raw()
