"""What new rows would change: readings, conflicts and forecasts, before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import geography
from analysis.coverage import Tables
from analysis.explore.choice import Choice
from analysis.explore.outlook import outlook
from analysis.explore.session import Explorer
from analysis.facts import Raw
from analysis.forecast import FAMILY
from analysis.readings import KEY, build_readings
from analysis.targets import targets

_SHOWN = ["value", "lower", "upper", "rule", "kind_of_evidence"]
#: Forecasts that move by less, in points and in probability, are counted and not listed.
SMALL_POINTS, SMALL_CHANCE = 0.05, 0.01


@dataclass(frozen=True)
class Preview:
    """What changes.

    readings: one row a reading that is new, changed or gone: change, key, value and rule before
    and after. forecasts: one row a unit and indicator: q10, q50, q90 and probability before and
    after, in percent and as shares; the probability is missing where the report gives none, since
    the unit's own evidence does not carry one. origin, due: of these forecasts. conflicts: the
    figures after the change of every reading that is new or changed and rests on more than one
    value.
    """

    readings: pd.DataFrame
    forecasts: pd.DataFrame
    origin: str
    due: str
    conflicts: pd.DataFrame

    def moved(self) -> pd.DataFrame:
        """The forecasts that move by more than a rounding, largest first."""
        table = self.forecasts
        points = (table["q50_after"] - table["q50_before"]).abs()
        chance = (table["p_after"] - table["p_before"]).abs().fillna(0)
        given = table["p_before"].notna() != table["p_after"].notna()
        kept = table[(points >= SMALL_POINTS) | (chance >= SMALL_CHANCE) | given]
        order = (points + 100 * chance).loc[kept.index].sort_values(ascending=False, kind="stable")
        return kept.loc[order.index]


def preview(before: Raw, after: Raw, indicators: list[str] | None = None) -> Preview:
    """Compare readings and forecasts on two sets of raw tables.

    Args:
        indicators: those of the new rows; only forecasts of their families are made anew. None:
            all that are forecast.
    """
    built = [build_readings(raw) for raw in (before, after)]
    old, new = (one.readings for one in built)
    last = max(old["as_of"].max(), new["as_of"].max()) + pd.offsets.MonthEnd(0)
    due = pd.Timestamp(Choice.due)
    if last >= due:
        due = pd.Timestamp(last.year + 1, 12, 31)
    origin, ends = f"{last:%Y-%m-%d}", f"{due:%Y-%m-%d}"
    sides = [Explorer(Tables(t, targets(raw), raw)) for t, raw in ((old, before), (new, after))]
    rows = [_forecasts(side, _families(indicators), origin, ends) for side in sides]
    keys = ["geo_level", "province_code", "indicator"]
    both = rows[0].merge(rows[1], on=keys, how="outer", suffixes=("_before", "_after"))
    changed = changed_readings(old, new)
    disputed = built[1].conflicts.merge(changed[KEY].drop_duplicates(), on=KEY)
    return Preview(changed, both, origin, ends, disputed)


def _families(indicators: list[str] | None) -> list[str]:
    """The forecast indicators whose model sees any of the indicators given."""
    if indicators is None:
        return list(FAMILY)
    starts = {name.split("_")[0] for name in indicators}
    families = {family for name, family in FAMILY.items() if name.split("_")[0] in starts}
    return [name for name, family in FAMILY.items() if family in families]


def changed_readings(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return the readings that are new, changed or gone; see `Preview.readings`."""
    both = old[[*KEY, *_SHOWN]].merge(
        new[[*KEY, *_SHOWN]], on=KEY, how="outer", suffixes=("_before", "_after"), indicator=True
    )
    same = np.logical_and.reduce(
        [both[f"{name}_before"].eq(both[f"{name}_after"]) for name in ("value", "lower", "upper")]
    )
    change = (
        both["_merge"]
        .astype(str)
        .map({"left_only": "gone", "right_only": "new", "both": "changed"})
    )
    kept = both.assign(change=change)[~same].drop(columns="_merge")
    return kept.sort_values(["kind_of_evidence_after", "change", *KEY], ignore_index=True)


def _forecasts(side: Explorer, indicators: list[str], origin: str, due: str) -> pd.DataFrame:
    levels = ("country", "province_63", "province_34")
    units = [f"{level}/{code}" for level in levels for code in geography.codes(level)]
    rows = []
    for name in indicators:
        for unit in units:
            choice = Choice(unit, name, origin, due)
            found = outlook(side.future(choice), choice)
            chance = found.probability if side.has_evidence(choice) else float("nan")
            rows.append((choice.level, choice.code, name, found.q10, found.q50, found.q90, chance))
    keys = ["geo_level", "province_code", "indicator"]
    return pd.DataFrame(rows, columns=[*keys, "q10", "q50", "q90", "p"])
