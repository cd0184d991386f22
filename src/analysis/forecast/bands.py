"""How wide bands should have been: by kind of reading, learnt from forecasts of earlier origins.

One model serves readings of different quality: what is printed for the end of a year follows its
plan, what is printed in between strays. So every reading known by the origin is forecast from
days half a year to two years before it, from what was known then, and the standardised errors of
a kind say by how much its bands should be wider or narrower (a relative of split conformal
prediction: Vovk, Gammerman and Shafer 2005, but with a prior, since kinds are small). Errors are
ordinary, or ones of definition: one reading in eight or so counts other people or divides by
another number, and lies several times as far away.

With e = (reading - mean) / sd on the log-odds scale, of a forecast before any pull,
    e ~ (1 - RARE) N(0, s^2) + RARE N(0, (FAR s)^2),   RARE = 1 / EVERY,
s of each kind on a grid, log s ~ N(0, PRIOR) beforehand. An event counts once, however many
origins forecast it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import logit
from scipy.stats import norm

from analysis.forecast.evidence import Evidence
from analysis.forecast.fit import Fit
from analysis.forecast.known import Known
from analysis.forecast.pull import error_sd

#: One error in so many is one of definition, and lies so many times as far as ordinary ones.
EVERY, FAR = 8, 2.5
RARE = 1 / EVERY
#: The kinds of health insurance whose bands follow past errors. Bands of readings during the year
#: do not: narrower or wider, forecasts became worse. Nor do those of the country and of social and
#: unemployment insurance, whose errors are few.
BAND_KINDS = ("province_year_end", "never_read")
#: Width on the log scale of what a kind's factor may be before any error of it is seen.
PRIOR = 0.35
_GRID = np.exp(np.linspace(np.log(0.2), np.log(3.0), 109))
_UNIT = ["geo_level", "province_code", "indicator"]
#: Days from which the past is forecast: ends and middles of so many years before the origin.
YEARS, _AHEAD = 5, pd.DateOffset(months=24)


@dataclass(frozen=True)
class Scales:
    """Factor of the width of bands by kind; 1 where nothing is known. n: errors seen by kind."""

    factor: Mapping[str, float] = field(default_factory=dict)
    n: Mapping[str, int] = field(default_factory=dict)

    def of(self, kinds: np.ndarray) -> np.ndarray:
        """(q,) factors of kinds (q,)."""
        return np.array([self.factor.get(kind, 1.0) for kind in kinds])

    def far(self, draws: int) -> np.ndarray:
        """(draws,) FAR for every EVERYth parameter draw, which stands for errors of definition."""
        far = np.ones(draws)
        if self.factor:
            far[EVERY - 1 :: EVERY] = FAR
        return far

    def known(self, kinds: np.ndarray) -> np.ndarray:
        """(q,) whether bands of kinds (q,) follow past errors at all."""
        return np.array([kind in self.factor for kind in kinds])


UNSCALED = Scales()


def kinds(queries: pd.DataFrame, seen: Evidence) -> np.ndarray:
    """(q,) the kind of each query, given the readings `seen`.

    A unit has never been read where neither it nor one of its parts has a reading of the
    indicator. Merged units and regions are otherwise like provinces that have been read.
    """
    table, members = seen.table, seen.units.members
    read: dict[str, set[int]] = {}
    for level, code, name in zip(*(table[one] for one in _UNIT), strict=True):
        if level != "country":
            read.setdefault(name, set()).update(members[level, code].tolist())
    ends = pd.to_datetime(queries["as_of"]).dt.is_year_end
    out = []
    for end, level, code, name in zip(ends, *(queries[one] for one in _UNIT), strict=True):
        when = "year_end" if end else "interim"
        if level == "country":
            out.append(f"country_{when}")
        elif read.get(name, set()).isdisjoint(members[level, code].tolist()):
            out.append("never_read")
        else:
            out.append(f"province_{when}")
    return np.array(out)


def scales(fit: Fit, known: Known) -> Scales:
    """The factors that errors of earlier forecasts call for; none where settings say so."""
    if not fit.evidence.settings.scaled or fit.evidence.family != "health":
        return UNSCALED
    past = errors(fit, known)
    return estimate(past) if len(past) else UNSCALED


def estimate(past: pd.DataFrame) -> Scales:
    """past: as `errors` gives it."""
    weight = 1 / past.groupby([*_UNIT, "as_of"])["error"].transform("size")
    factor, n = {}, {}
    for kind, rows in past.groupby("kind"):
        e = rows["error"].to_numpy(float)[:, None]
        density = (1 - RARE) * norm.pdf(e, 0, _GRID) + RARE * norm.pdf(e, 0, FAR * _GRID)
        loss = weight.loc[rows.index].to_numpy() @ np.log(density)
        loss = loss - np.log(_GRID) ** 2 / (2 * PRIOR**2)
        share = np.exp(loss - loss.max())
        factor[str(kind)] = float(np.exp(share @ np.log(_GRID) / share.sum()))
        n[str(kind)] = len(rows)
    return Scales(factor, n)


def errors(fit: Fit, known: Known) -> pd.DataFrame:
    """Standardised errors of readings, as forecast from earlier days (one row a forecast).

    Columns: geo_level, province_code, indicator, as_of, day (of the forecast), kind, error.
    """
    table = fit.evidence.table.assign(row=np.arange(len(fit.evidence.table)))
    scored = table[table["error"].isin(["error_coverage", "error_country"])]
    scored = scored[(scored["persons"] == 0) & (scored["geo_level"] == "province_63")]
    parts = [_from(fit, known, day, scored) for day in _days(known.origin)]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else scored.iloc[:0]


def _days(origin: pd.Timestamp) -> Iterator[pd.Timestamp]:
    for year in range(origin.year - YEARS, origin.year + 1):
        for day in (pd.Timestamp(year, 6, 30), pd.Timestamp(year, 12, 31)):
            if day < origin:
                yield day


def _from(fit: Fit, known: Known, day: pd.Timestamp, scored: pd.DataFrame) -> pd.DataFrame:
    from analysis.forecast.pull import as_known

    asked = scored[(scored["as_of"] > day) & (scored["as_of"] <= day + _AHEAD)]
    earlier = as_known(fit, known, day) if len(asked) else None
    if earlier is None:
        return asked.iloc[:0]
    at = fit.evidence.points.take(asked["row"].to_numpy())
    mean, variance = earlier.marginal(at)
    wrong = error_sd(fit, fit.theta[None], mean, at.country > 0)
    z = logit(asked["percent"].to_numpy(float) / 100)
    found = (z - mean[0]) / np.sqrt(variance + wrong**2)[0]
    kind = kinds(asked, earlier.fit.evidence)
    table = asked[[*_UNIT, "as_of"]].assign(day=day, kind=kind, error=found)
    return table[table["kind"].isin(BAND_KINDS)]
