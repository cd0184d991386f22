"""Targets whose number is not known: what they may be, from those that are known.

Every province was given a target of health insurance by the Government, and the number of some is
known. One that is not known is missing, not absent: the province is drawn to it all the same. It
is taken to be one of the targets that are known for the same indicator and day, likelier those of
provinces at a like level (a hot deck: Little and Rubin 2002, chapter 4). A merged unit without a
target of its own has that of its parts, weighted by their denominators. Of social and unemployment
insurance too few targets are known to say what the others are; there nothing but a known one draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis import seeds
from analysis.forecast.pull import due_targets
from analysis.forecast.space import decimal_year

if TYPE_CHECKING:
    from analysis.forecast.model import Model

#: Equally likely numbers that stand for a target which is not known.
POSSIBLE = 8
#: Fewer known targets of an indicator and day than this say nothing of the others.
_FEWEST = 3
#: Provinces count as alike within this share of the spread of levels (on the log-odds scale).
ALIKE = 0.5


def goals(built: Model, queries: pd.DataFrame) -> np.ndarray:
    """What each query's reported value is drawn to: (q, POSSIBLE) percent, equally likely.

    A known target of the unit itself fills its row; NaN where nothing draws. The country and the
    regions have known targets or none, and so has every unit on a day on or before the origin.

    queries: geo_level, province_code, indicator, as_of.
    """
    own = due_targets(built.known, queries)
    found = np.repeat(own[:, None], POSSIBLE, axis=1)
    if not built.evidence.settings.unknown_targets or built.evidence.family != "health":
        return found
    later = pd.to_datetime(queries["as_of"]) > built.known.origin
    units = queries["geo_level"].isin(["province_63", "province_34"])
    open_rows = np.flatnonzero(later.to_numpy() & units.to_numpy() & np.isnan(own))
    asked = queries.iloc[open_rows]
    asked = asked.assign(place=open_rows)
    for indicator, day in sorted(set(zip(asked["indicator"], asked["as_of"], strict=True))):
        decks = _decks(built, indicator, day)
        if decks is None:
            continue
        same = asked[(asked["indicator"] == indicator) & (asked["as_of"] == day)]
        names = (same[name] for name in ("place", "geo_level", "province_code"))
        for place, level, code in zip(*names, strict=True):
            found[place] = _of_unit(built, decks, day, level, code)
    return found


def _of_unit(
    built: Model, decks: np.ndarray, day: pd.Timestamp, level: str, code: str
) -> np.ndarray:
    """(POSSIBLE,) of a unit: its parts' targets, weighted; each part's in an order of its own."""
    units = built.evidence.units
    parts = units.parts(level, code)
    if len(parts) == 1:
        return decks[parts[0]]
    t = decimal_year(pd.DatetimeIndex([day]))
    people = units.denominators(t, built.evidence.family)[parts, 0]
    people = people * built.fit.reference.base[parts]
    random = seeds.generator("goals", built.evidence.family, *parts.tolist())
    mixed = np.stack([random.permutation(decks[part]) for part in parts])
    total: np.ndarray = np.sort(people @ mixed / people.sum())
    return total


def _decks(built: Model, indicator: str, day: pd.Timestamp) -> np.ndarray | None:
    """(P, POSSIBLE) possible targets of every province; None where too few are known."""
    source = built.evidence
    provinces = pd.DataFrame({"province_code": source.units.codes}).assign(
        geo_level="province_63", indicator=indicator, as_of=day
    )
    own = due_targets(built.known, provinces)
    known = np.isfinite(own)
    if known.sum() < _FEWEST:
        return None
    today = source.at(provinces.assign(as_of=source.origin))
    level = built.posterior.marginal(today)[0].mean(axis=0)
    shares = (np.arange(POSSIBLE) + 0.5) / POSSIBLE
    near = (level[:, None] - level[known]) / (ALIKE * level.std())
    decks = np.stack([_quantiles(own[known], np.exp(-(row**2) / 2), shares) for row in near])
    decks[known] = own[known, None]
    return decks


def _quantiles(values: np.ndarray, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Quantiles of values (K,) with weights: the least value whose weights reach each share."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    place = np.minimum(np.searchsorted(reached, shares), len(values) - 1)
    found: np.ndarray = values[order][place]
    return found
