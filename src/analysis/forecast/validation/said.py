"""What we would have said: forecasts from an earlier year's end beside what then came."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast.validation.attainment import TINY


def would_have_said(forecasts: pd.DataFrame, indicator: str, origin: int) -> pd.DataFrame:
    """Forecasts of the project's own model made at the end of `origin`, one row a later reading.

    forecasts: rows of validation_forecasts. Columns: province_code, as_of, last_value,
    last_as_of, median, low, high (the 80% band), value, error, held (whether the band held it),
    years (between origin and reading). Raises ValueError for an origin without forecasts.
    """
    own = forecasts[
        (forecasts["model"] == "analysis")
        & (forecasts["indicator"] == indicator)
        & (forecasts["origin"].astype(str) == str(origin))
    ]
    if own.empty:
        raise ValueError(f"no forecast of {indicator} from the end of {origin}")
    table = own[["province_code", "as_of", "last_value", "last_as_of", "value", "error"]].assign(
        median=own["q0.50"],
        low=own["q0.10"],
        high=own["q0.90"],
        held=own["value"].between(own["q0.10"], own["q0.90"]),
        years=(own["as_of"] - pd.Timestamp(origin, 12, 31)).dt.days / 365.25,
    )
    return table.sort_values(["province_code", "as_of"], ignore_index=True)


def verdicts_then(attainment: pd.DataFrame, indicator: str, origin: int) -> pd.DataFrame:
    """Chances given at the end of `origin` for each target due later, and how it ended.

    attainment: rows of attainment_forecasts. Columns: province_code, as_of (due), target,
    p_meets_true, p_meets_reported, value (reported; NaN: never), met (missing where no value).
    """
    own = attainment[
        (attainment["model"] == "analysis")
        & (attainment["indicator"] == indicator)
        & (attainment["origin"].astype(str) == str(origin))
    ]
    columns = ["province_code", "as_of", "target", "p_meets_true", "p_meets_reported", "value"]
    table = own[columns].copy()
    met = np.where(table["value"] >= table["target"] - TINY, "met", "missed")
    table["outcome"] = np.where(table["value"].isna(), "not_reported", met)
    return table.sort_values(["as_of", "province_code"], ignore_index=True)
