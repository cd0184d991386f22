"""Identities."""

import pandas as pd
from analysis.facts import Raw


def check(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    return pd.DataFrame()
