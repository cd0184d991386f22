"""The benchmark that counts: the nationwide curve and a province's shrunken last deviation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast.known import Known
from analysis.forecast.validation.peers import common
from analysis.forecast.validation.scores import Floats

#: A deviation from the nationwide curve keeps this share of itself each year.
KEPT = 0.7
#: The curve goes on at the average pace of its last years.
PACE_YEARS = 3.0


def curve(country: pd.DataFrame, t: Floats, kept: float = 1.0) -> Floats:
    """Nationwide log odds at the times `t`: straight between readings, then at the last pace.

    kept: share of the pace that is left after each year (1: it never slows down).
    """
    at, z = country["t"].to_numpy(), country["z"].to_numpy()
    inside = np.interp(t, at, z)
    back = np.interp(at[-1] - PACE_YEARS, at, z)
    pace = (z[-1] - back) / PACE_YEARS
    ahead = np.maximum(t - at[-1], 0)
    if kept < 1:
        ahead = (1 - kept**ahead) / -np.log(kept)
    return inside + pace * ahead


def national(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """Nationwide curve + 0.7^years x the province's last deviation, on the logit scale.

    The band comes from the errors that the same rule would have made between readings already
    known; for a province never read, from the spread of the known deviations.
    """
    return _forecast(train, queries, kept=1.0)


def national_damped(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """As `national`, with a nationwide pace that loses 30% of itself each year."""
    return _forecast(train, queries, kept=KEPT)


def national_parallel(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """As `national`, with a deviation that stays: each province runs beside the country."""
    return _forecast(train, queries, kept=1.0, deviation_kept=1.0)


def _forecast(
    train: pd.DataFrame, queries: pd.DataFrame, kept: float, deviation_kept: float = KEPT
) -> pd.DataFrame:
    indicator = common.indicator_of(queries)
    country = common.pick(train, indicator, "country")
    panel = common.pick(train, indicator, "province_63")
    panel["deviation"] = panel["z"] - curve(country, panel["t"].to_numpy(), kept)
    last = panel.groupby("province_code").last()
    t = common.years(queries["as_of"])
    gap = np.abs(t - queries["province_code"].map(last["t"]).to_numpy(float))
    deviation = queries["province_code"].map(last["deviation"]).to_numpy(float)
    never = np.isnan(deviation)
    centre = curve(country, t, kept) + np.where(never, 0, deviation * deviation_kept**gap)
    between = common.pairs(panel)
    spread = float(np.sqrt(np.mean(panel["deviation"] ** 2)))
    errors = between["deviation_1"] - between["deviation_0"] * deviation_kept ** between["h"]
    own = common.root_mean_square(errors.to_numpy(), spread)
    return common.normal_logit(centre, np.where(never, spread, own), queries.index)
