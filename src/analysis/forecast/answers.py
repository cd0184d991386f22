"""What takes several targets, units or years together, from joint draws.

Chances of single targets do not say how likely it is that all are met, or most: units rise and fall
together. Units share draws, so they are counted draw by draw. Social and unemployment insurance
come from one posterior; what they share is drawn once more for the due date and carried over by
ranks, so that each keeps its published chance (the Schaake shuffle: Clark and others 2004, J.
Hydrometeorology 5). Health insurance is fitted apart from both and enters as independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas._libs.tslibs.nattype import NaTType
from scipy.special import expit

from analysis.country import geography
from analysis.forecast.draws import weighted
from analysis.forecast.known import Known
from analysis.forecast.model import kept_model
from analysis.forecast.outlook import ENOUGH, Outlook
from analysis.forecast.space import FAMILY, Settings
from analysis.readings.targets import Target, meets, share_meeting
from analysis.seeds import generator

_COUNTRY = ("country", geography.COUNTRY)
ALL_NATIONAL, AT_LEAST, PASSES = "all_national", "at_least", "passes"
_COLUMNS = ["question", "geo_level", "province_code", "indicator", "origin", "date", "scale",
           "target", "k", "n", "probability", "date_50", "date_80"]  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One indicator and due date: draws, the target of each unit, the share that is read of it."""

    own: Outlook
    held: dict[tuple[str, str], Target]
    shares: dict[tuple[str, str], float]

    def meets(self, unit: tuple[str, str], scale: str = "reported") -> np.ndarray:
        """(S,) whether each draw is at or above the unit's target on the due date."""
        values = self.own.of(*unit, scale)[:, self.own.at(self.own.due)]
        return meets(values, self.held[unit].value)

    def enough(self, unit: tuple[str, str]) -> bool:
        """Whether the unit has a target and evidence of its own."""
        return unit in self.held and self.shares[unit] >= ENOUGH


def answers(
    asked: Sequence[Asked], known: Known, settings: Settings, levels: Iterable[str]
) -> pd.DataFrame:
    """All joint answers, one row each; the columns are COLUMNS (k and n whole numbers).

    all_national: the chance that all n nationwide targets of the date are reported as met.
    at_least: that at least k of the n units of a level with enough evidence report theirs as met.
    passes: the first year-ends at which a unit is at or above its target with a probability of 50
    and of 80%; missing where that is not within the years drawn.
    """
    rows = []
    for due in sorted({one.own.due for one in asked}):
        now = [one for one in asked if one.own.due == due]
        rows.append(_all_national(now, known, settings))
        rows += [row for one in now for level in levels for row in at_least(one, level)]
        rows += [row for one in now for unit in one.held for row in _passes(one, unit)]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.astype({"k": "Int64", "n": "Int64"})


def _row(question: str, one: Outlook, unit: tuple[str, str], **values: object) -> dict:
    empty = dict.fromkeys(_COLUMNS, np.nan) | {"indicator": one.indicator, "scale": "reported"}
    dates = {"origin": one.origin, "date": one.due, "date_50": pd.NaT, "date_80": pd.NaT}
    names = {"question": question, "geo_level": unit[0], "province_code": unit[1]}
    return {**empty, **dates, **names, **values}


def _all_national(now: Sequence[Asked], known: Known, settings: Settings) -> dict:
    national = [one for one in now if one.enough(_COUNTRY)]
    chance = 1.0 if national else np.nan
    for family in sorted({FAMILY[one.own.indicator] for one in national}):
        chance *= _all_of_family(
            [one for one in national if FAMILY[one.own.indicator] == family], known, settings
        )
    row = _row(ALL_NATIONAL, now[0].own, _COUNTRY, n=len(national), probability=chance)
    return row | {"indicator": ""}


def _all_of_family(these: Sequence[Asked], known: Known, settings: Settings) -> float:
    """The chance that a family's nationwide targets are all met."""
    met = [one.meets(_COUNTRY) for one in these]
    if len(met) == 1:
        return float(met[0].mean())
    return all_met(
        [one.own.of(*_COUNTRY, "reported")[:, one.own.at(one.own.due)] for one in these],
        [one.held[_COUNTRY].value for one in these],
        _levels_together([one.own for one in these], known, settings),
    )


def all_met(
    values: Sequence[np.ndarray], targets: Sequence[float], pattern: Sequence[np.ndarray]
) -> float:
    """Share of joint draws in which every value is at or above its target.

    values: draws (S,) of each quantity, whose order means nothing. pattern: draws (S,) of as many
    quantities whose ranks say how they go together.
    """
    met = np.ones(len(values[0]), bool)
    for own, target, like in zip(values, targets, pattern, strict=True):
        ranks = np.argsort(np.argsort(like, kind="stable"), kind="stable")
        met &= meets(np.sort(own)[ranks], target)
    return float(met.mean())


def _levels_together(
    these: Sequence[Outlook], known: Known, settings: Settings
) -> list[np.ndarray]:
    """Draws (S,) of the country's level on the due date, of several indicators at once."""
    built = kept_model(known, these[0].indicator, settings)
    source, codes = built.evidence, these[0].draws.codes
    rows = [("province_63", code, one.indicator, one.due) for one in these for code in codes]
    table = pd.DataFrame(rows, columns=["geo_level", "province_code", "indicator", "as_of"])
    mean, factor = built.posterior.joint(source.at(table))
    random = generator("answers", source.family, len(table))
    n = len(these[0].draws.true)
    parts = []
    for m, share in enumerate(np.array_split(np.arange(n), len(mean))):
        parts.append(mean[m] + random.standard_normal((len(share), len(table))) @ factor[m].T)
    level = 100 * expit(np.concatenate(parts)).reshape(n, len(these), len(codes))
    found = []
    for place, one in enumerate(these):
        persons = one.draws.persons[:, [one.at(one.due)]]
        every = one.draws.members[_COUNTRY]
        found.append(weighted(level[:, place, :, None], persons, every)[:, 0])
    return found


def at_least(one: Asked, level: str) -> list[dict]:
    """The chance that at least 1, 2, ... of the units of a level report their targets as met.

    Units without enough evidence of their own are not counted, and n says how many are.
    """
    units = [unit for unit in one.held if unit[0] == level and one.enough(unit)]
    if not units:
        return []
    met = np.sum([one.meets(unit) for unit in units], axis=0)
    return [
        _row(AT_LEAST, one.own, (level, ""), k=k, n=len(units), probability=(met >= k).mean())
        for k in range(1, len(units) + 1)
    ]


def _passes(one: Asked, unit: tuple[str, str]) -> list[dict]:
    if not one.enough(unit):
        return []
    target = one.held[unit].value
    rows = []
    for scale in ("true", "reported"):
        chance = share_meeting(one.own.of(*unit, scale), target)
        first = {f"date_{share}": _first(one.own, chance, share / 100) for share in (50, 80)}
        rows.append(_row(PASSES, one.own, unit, scale=scale, target=target, **first))
    return rows


def _first(own: Outlook, chance: np.ndarray, share: float) -> pd.Timestamp | NaTType:
    """The first year-end after the origin with at least this chance; NaT where none has it."""
    for place, day in enumerate(own.draws.dates):
        if day > own.origin and day.is_year_end and chance[place] >= share:
            return day
    return pd.NaT
