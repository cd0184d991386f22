"""The readings and raw tables that validation runs on."""

from __future__ import annotations

from typing import Any

import pandas as pd


def inputs() -> tuple[pd.DataFrame, Any]:
    """Accepted readings and raw tables, read from data/raw."""
    try:
        from analysis.facts import load_raw
        from analysis.readings import build_readings
    except ImportError:
        from analysis.forecast.validation import stopgap

        raw = stopgap.load_raw()
        return stopgap.build_readings(raw), raw
    raw = load_raw()
    return build_readings(raw).readings, raw
