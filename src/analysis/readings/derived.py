"""Readings computed from other readings, marked as such; they never outrank a published one."""

import pandas as pd

from analysis.facts import Raw


def derive(published: pd.DataFrame, described: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    return published.iloc[:0]
