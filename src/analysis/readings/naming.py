"""The name of a reading."""

import pandas as pd


def reading_ids(readings: pd.DataFrame) -> pd.Series:
    """Return stable names, such as province_63/14/hi_coverage/2023-12-31 (plus the basis)."""
    name = readings["geo_level"] + "/" + readings["province_code"] + "/" + readings["indicator"]
    name = name + "/" + readings["as_of"].dt.strftime("%Y-%m-%d")
    return name + readings["basis"].where(readings["basis"] == "", "/" + readings["basis"])
