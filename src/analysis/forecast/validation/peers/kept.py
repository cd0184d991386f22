"""Forecasts of models that take other libraries: computed once, kept, and checked before use.

data/benchmarks/peers.csv holds mean and standard deviation (log odds) of ETS, Theta, ARIMA
(statsforecast) and Prophet, each row with the fingerprint of the readings and questions that it
was made on. Where these have changed since, the forecasts are left out and the tables say so.
`make peers` makes them anew.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pandas as pd

from analysis.forecast.known import Known
from analysis.forecast.validation.peers import common
from analysis.forecast.validation.peers.simple import last_value
from analysis.paths import ROOT, asked

KEPT_MODELS = ("ets", "theta", "arima", "prophet")
KEPT_FILE = Path(ROOT) / "data" / "benchmarks" / "peers.csv"
#: The designs with a time order; these models cannot fill in the past.
KEPT_RUNS = ("rolling_origin", "latest")
COLUMNS = ["model", "indicator", "fold", "fingerprint", "province_code", "as_of", "z", "sd", "note"]


def fingerprint(train: pd.DataFrame, queries: pd.DataFrame) -> str:
    """A short mark of the provincial readings that a fold shows and of what it asks."""
    indicator = common.indicator_of(queries)
    panel = common.pick(train, indicator, "province_63")
    text = [indicator]
    text += [f"{r.province_code} {r.as_of:%Y-%m-%d} {r.value:.6g}" for r in panel.itertuples()]
    text += [f"{q.province_code} {q.as_of:%Y-%m-%d}" for q in queries.itertuples()]
    return hashlib.sha256("\n".join(text).encode()).hexdigest()[:12]


def forecast(
    model: str, train: pd.DataFrame, queries: pd.DataFrame, context: Known
) -> pd.DataFrame:
    """The kept forecasts of `model` for a fold; series too short for it get the last value.

    Raises PeerFailure when there are none for these readings.
    """
    mark = fingerprint(train, queries)
    asked(KEPT_FILE)
    table = _table()
    found = table[(table["model"] == model) & (table["fingerprint"] == mark)]
    if found.empty:
        raise common.PeerFailure(
            "no kept forecasts for these readings; `make peers` makes them (data/benchmarks)"
        )
    keys = ["province_code", "as_of"]
    row = queries[keys].merge(found, on=keys, how="left", validate="one_to_one", indicator=True)
    if (row["_merge"] == "left_only").any():
        raise common.PeerFailure("kept forecasts are incomplete; `make peers` makes them anew")
    out = last_value(train, queries, context)
    own = row["z"].notna().to_numpy()
    z, sd = row.loc[own, "z"].to_numpy(), row.loc[own, "sd"].to_numpy()
    out = common.replaced(out, own, common.normal_logit(z, sd, queries.index[own]))
    out["note"] = row["note"].fillna("").to_numpy()
    return out


@cache
def _table() -> pd.DataFrame:
    if not KEPT_FILE.is_file():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_csv(KEPT_FILE, dtype={"province_code": str}, parse_dates=["as_of"])
