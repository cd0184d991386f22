"""Peers that need no fitting: last value, pooled drift, logit trend by province, climatology."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast.known import Known
from analysis.forecast.validation.peers import common
from analysis.forecast.validation.scores import LEVELS, Floats


def last_value(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """The province's last reading, with the spread of past changes (percentage points).

    The variance grows in a straight line with the time since that reading. A province never
    read gets the climatology.
    """
    panel = common.pick(train, common.indicator_of(queries), "province_63")
    between = common.pairs(panel)
    changes = (between["value_1"] - between["value_0"]).to_numpy()
    return _from_last(panel, queries, "value", 0.0, changes, between["h"].to_numpy())


def drift(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """The last reading moved on by the average yearly change of all provinces, in log odds.

    The pace is the pooled one, sum of changes over sum of years; a province never read gets the
    climatology.
    """
    panel = common.pick(train, common.indicator_of(queries), "province_63")
    between = common.pairs(panel)
    change, h = (between["z_1"] - between["z_0"]).to_numpy(), between["h"].to_numpy()
    pace = float(change.sum() / h.sum()) if len(h) else 0.0
    return _from_last(panel, queries, "z", pace, change - pace * h, h)


def trend(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """A straight line in log odds for each province with three readings over two years.

    Least squares with its own forecast error, at least that of the pooled residuals. Other
    provinces are carried on by `drift`.
    """
    indicator = common.indicator_of(queries)
    panel = common.pick(train, indicator, "province_63")
    tried = {str(code): _line(group) for code, group in panel.groupby("province_code")}
    lines = {code: line for code, line in tried.items() if line is not None}
    out = drift(train, queries, context)
    if not lines:
        return out
    pooled = np.sqrt(np.mean([line[2] ** 2 for line in lines.values()]))
    straight = queries["province_code"].isin(list(lines)).to_numpy()
    own = queries[straight]
    t = common.years(own["as_of"])
    fits = [lines[code] for code in own["province_code"]]
    mean = np.array([a + b * x for (a, b, *_), x in zip(fits, t, strict=True)])
    sd = np.array(
        [max(s, pooled) * np.sqrt(1 + 1 / n + (x - m) ** 2 / q)
         for (_, _, s, n, m, q), x in zip(fits, t, strict=True)]
    )  # fmt: skip
    return common.replaced(out, straight, common.normal_logit(mean, sd, own.index))


def climatology(train: pd.DataFrame, queries: pd.DataFrame, context: Known) -> pd.DataFrame:
    """The quantiles of the readings of all provinces in the five years before the last one."""
    panel = common.pick(train, common.indicator_of(queries), "province_63")
    quantiles = _past_quantiles(panel)
    return common.frame(np.tile(quantiles, (len(queries), 1)), queries.index)


def _past_quantiles(panel: pd.DataFrame) -> Floats:
    recent = panel[panel["t"] >= panel["t"].max() - 5]
    return np.quantile(recent["value"], LEVELS)


def _line(group: pd.DataFrame) -> tuple[float, float, float, int, float, float] | None:
    """Intercept, slope, residual sd, n, mean and sum of squares of t; None with too little."""
    t, z = group["t"].to_numpy(), group["z"].to_numpy()
    if len(t) < 3 or t[-1] - t[0] < 2:
        return None
    centred = t - t.mean()
    square = float(centred @ centred)
    slope = float(centred @ z) / square
    intercept = float(z.mean() - slope * t.mean())
    residual = z - intercept - slope * t
    sd = float(np.sqrt(residual @ residual / (len(t) - 2)))
    return intercept, slope, sd, len(t), float(t.mean()), square


def _from_last(
    panel: pd.DataFrame, queries: pd.DataFrame, scale: str, pace: float, errors: Floats, h: Floats
) -> pd.DataFrame:
    """Last reading + pace x years, with a variance of past errors that grows with time.

    Random walk variance per year by least squares through the origin of squared errors on time.
    """
    last = panel.groupby("province_code").last()
    gap = np.abs(
        common.years(queries["as_of"]) - queries["province_code"].map(last["t"]).to_numpy(float)
    )
    mean = queries["province_code"].map(last[scale]).to_numpy(float) + pace * gap
    if len(h) >= common.ENOUGH_ERRORS:
        yearly = float((errors**2 * h).sum() / (h**2).sum())
    else:
        yearly = float(panel[scale].var()) if len(panel) > 1 else np.nan
    if not np.isfinite(yearly):
        raise common.PeerFailure("too few readings for a band")
    sd = np.sqrt(yearly * np.maximum(gap, 0.25))
    never = np.isnan(mean)
    to_frame = common.normal_percent if scale == "value" else common.normal_logit
    out = to_frame(np.nan_to_num(mean), np.nan_to_num(sd, nan=1.0), queries.index)
    if never.any():
        quantiles = np.tile(_past_quantiles(panel), (int(never.sum()), 1))
        out = common.replaced(out, never, common.frame(quantiles, queries.index[never]))
    return out
