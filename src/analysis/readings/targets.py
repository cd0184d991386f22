"""Targets: what was to be reached by when, who set it, and since when it was known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

import numpy as np
import pandas as pd

from analysis.country.names import is_alone
from analysis.facts import Raw, corrected
from analysis.facts.tables import SETTERS
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE, coarse, verdict

_KEY = ["geo_level", "province_code", "indicator", "basis", "due", "setter", "value"]
# Drafts, and an agency's estimate of what will be reached: no target that anybody has set.
NOT_SET = ("plan", "estimate")
NATIONWIDE = "nationwide"
#: Percent of all: a call for everyone, and no number that a report could reach.
EVERYONE = 100.0
#: Less than this below a target is the rounding of a computation and no miss: some hundred times
#: the distance of two numbers near 100. People who are still needed are counted to nine digits,
#: which a larger one would move.
SLACK = 1e-11

#: Figures or targets, in the unit of the indicator.
_Numbers = np.ndarray | pd.Series | Sequence[float]


@dataclass(frozen=True)
class Target:
    """The target that a unit is held against.

    Attributes:
        value: in the unit of the indicator.
        setter: government, province or agency for a target of the unit's own; nationwide where
            only the Government's target for the whole country is known.
        announced: first day on which it was known.
        facts, sources: row references and source ids joined by ";".
    """

    value: float
    qualifier: str
    setter: str
    announced: pd.Timestamp
    facts: str
    sources: str


def targets(raw: Raw) -> pd.DataFrame:
    """Return the targets, each once, whoever repeats it.

    Columns: geo_level, province_code, indicator, basis, due, value, qualifier, setter
    (government, province or agency), announced, derived (True where the text gives only the
    distance to a result), n_sources, facts, sources; sorted by unit, indicator, due and value.

    `announced` is the first day on which the target was known, as facts.csv gives it: the day of
    the deciding document, else the last day on which the source can have been published; for
    undated sources the due date, so that no forecast uses a target before it is known to have
    existed. Drafts and estimates (`standing`) are no targets.
    """
    facts = corrected(raw)
    table = facts[(facts["kind"] == "target") & ~facts["standing"].isin(NOT_SET)]
    table = table.rename(columns={"as_of": "due"})
    return _once(table.assign(derived=table["doubt"].map(is_derived).astype(bool)))


def is_derived(doubt: str) -> bool:
    """Whether the doubts of a fact say that it was computed from another figure of its text."""
    return "derived" in doubt.split(";")


def _once(table: pd.DataFrame) -> pd.DataFrame:
    order = pd.Categorical(table["qualifier"], ["exact", "over", "under", "about"], ordered=True)
    table = table.assign(order=order.codes, reference=table["row"].astype(str))
    groups = table.sort_values([*_KEY, "order", "row"]).groupby(_KEY, sort=True)
    once = groups.agg(
        qualifier=("qualifier", "first"),
        announced=("announced", "min"),
        derived=("derived", "all"),
        n_sources=("source_id", "nunique"),
        facts=("reference", ";".join),
        sources=("source_id", lambda ids: ";".join(sorted(set(ids)))),
    ).reset_index()
    columns = ["geo_level", "province_code", "indicator", "basis", "due", "value", "qualifier"]
    columns += ["setter", "announced", "derived", "n_sources", "facts", "sources"]
    return once.sort_values(_KEY, ignore_index=True)[columns]


def announced_by(table: pd.DataFrame, origin: str | pd.Timestamp) -> pd.DataFrame:
    """Return the targets that had been announced by the origin."""
    return table[table["announced"] <= pd.Timestamp(origin)]


def numbered(table: pd.DataFrame) -> pd.DataFrame:
    """Targets that a report could reach: without calls for everyone, such as "universal"."""
    return table[table["value"] < EVERYONE]


# --------------------------------------------------------------------------------------------------
# Whether a figure meets a target, and the share of draws that do. Nothing else compares the two.
# --------------------------------------------------------------------------------------------------


@overload
def meets(value: float, target: float) -> bool: ...
@overload
def meets(value: _Numbers, target: _Numbers | float) -> np.ndarray: ...
def meets(value: _Numbers | float, target: _Numbers | float) -> np.ndarray | bool:
    """Whether figures are at or above their targets, row by row: a figure equal to its target is.

    value, target: in one unit, of shapes that go together. A missing one meets nothing.
    """
    found: np.ndarray = np.asarray(value, float) >= np.asarray(target, float) - SLACK
    return found if found.ndim else bool(found)


@overload
def keeps(value: float, ceiling: float) -> bool: ...
@overload
def keeps(value: _Numbers, ceiling: _Numbers | float) -> np.ndarray: ...
def keeps(value: _Numbers | float, ceiling: _Numbers | float) -> np.ndarray | bool:
    """Whether figures are at or below their ceilings, as of late payment; see `meets`."""
    return meets(-np.asarray(value, float), -np.asarray(ceiling, float))


def share_meeting(draws: np.ndarray, target: np.ndarray | float) -> np.ndarray:
    """Share of draws (S, ...) at or above a target of each column (...); NaN without a target."""
    share = meets(draws, target).mean(axis=0)
    return np.where(np.isnan(target), np.nan, share)


# --------------------------------------------------------------------------------------------------
# Which of several targets counts.
#
# A unit is held against one target of a day (`Due.held_by`, `held_against`): whose it is comes
# first. What a figure is drawn to as it is reported is another question (`announced_last`): the
# number that was named last, whoever named it.
# --------------------------------------------------------------------------------------------------


def held_against(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return the one target of each group that counts, by the order of `Due.held_by`.

    table: setter, derived, announced, n_sources, value and the keys. Rows come sorted by keys.
    """
    order = [_order(row) for row in table.to_dict("records")]
    first = table.iloc[sorted(range(len(table)), key=order.__getitem__)]
    return first.drop_duplicates(keys).sort_values(keys)


def announced_last(table: pd.DataFrame) -> pd.DataFrame:
    """Return the target of each unit, indicator and day that was announced last.

    Of two of one day the higher. Rows come sorted by unit, indicator and day.
    """
    keys = ["geo_level", "province_code", "indicator", "due"]
    last = table.sort_values(["announced", "value"]).drop_duplicates(keys, keep="last")
    return last.sort_values(keys, ignore_index=True)


def for_unit(
    table: pd.DataFrame,
    geo_level: str,
    province_code: str,
    indicator: str,
    due: str | pd.Timestamp,
    origin: str | pd.Timestamp | None = None,
) -> Target:
    """Return the target that a unit is held against; see `Due.held_by`.

    Raises:
        KeyError: no target of the unit and none for the country is known.
    """
    return due_on(table, indicator, due, origin).held_by(geo_level, province_code)


def due_on(
    table: pd.DataFrame,
    indicator: str,
    due: str | pd.Timestamp,
    origin: str | pd.Timestamp | None = None,
) -> "Due":
    """Return the targets of an indicator for one day, of those announced by the origin if given."""
    day = pd.Timestamp(due)
    rows = table[(table["indicator"] == indicator) & (table["due"] == day) & (table["basis"] == "")]
    return Due(indicator, day, rows if origin is None else announced_by(rows, origin))


@dataclass(frozen=True)
class Due:
    """The targets of one indicator that fall due on one day, to be asked for many units."""

    indicator: str
    day: pd.Timestamp
    table: pd.DataFrame

    def held_by(self, geo_level: str, province_code: str) -> Target:
        """Return the target that a unit is held against.

        The Government's target for the unit comes before the province's own and the agency's plan;
        of one setter the latest announced counts, then the one with more sources, then the lower
        one. Without any of its own, the unit is held against the nationwide target, the one that
        the country itself is held against. A province that did not merge in 2025 is one unit under
        two levels; a target for either is one for both.

        Raises:
            KeyError: no target of the unit and none for the country is known.
        """
        both = geo_level.startswith("province") and is_alone(province_code)
        levels = ("province_63", "province_34") if both else (geo_level,)
        if own := [row for level in levels for row in self._rows.get((level, province_code), [])]:
            return _chosen(own)
        if geo_level == "country":
            raise KeyError(f"no target for the country: {self.indicator}, due {self.day:%Y-%m-%d}")
        return self._yardstick

    @cached_property
    def _rows(self) -> dict[tuple[str, str], list[dict]]:
        found: dict[tuple[str, str], list[dict]] = {}
        for row in self.table.to_dict("records"):
            found.setdefault((row["geo_level"], row["province_code"]), []).append(row)
        return found

    @cached_property
    def _yardstick(self) -> Target:
        return _nationwide(self.table, self.indicator, self.day)


def _order(row: dict) -> tuple:
    """The first of several targets in this order counts; see `Due.held_by`."""
    rank = SETTERS.index(row["setter"])
    return rank, row["derived"], -row["announced"].value, -row["n_sources"], row["value"]


def _chosen(own: list[dict]) -> Target:
    first = min(own, key=_order)
    return Target(
        value=float(first["value"]),
        qualifier=str(first["qualifier"]),
        setter=str(first["setter"]),
        announced=first["announced"],
        facts=str(first["facts"]),
        sources=str(first["sources"]),
    )


def _nationwide(known: pd.DataFrame, indicator: str, due: pd.Timestamp) -> Target:
    """The target that the country itself is held against, as a yardstick for units without one."""
    country = known[known["geo_level"] == "country"]
    if country.empty:
        raise KeyError(f"no nationwide target: {indicator}, due {due:%Y-%m-%d}")
    return replace(_chosen(country.to_dict("records")), setter=NATIONWIDE)


def succession(table: pd.DataFrame) -> pd.DataFrame:
    """Return targets with the later one of the same setter for the same day, where there is one.

    Args:
        table: targets as `targets` gives them; only geo_level, province_code, indicator, basis,
            due, setter, value and announced are looked at.

    Returns:
        the same rows with superseded_by (in the unit of the indicator) and superseded_on (the day
        on which that one was announced); empty where none replaced the target. None ever replaces
        one of the country: its goal and the average of what was assigned to provinces stand side
        by side.
    """
    keys = ["geo_level", "province_code", "indicator", "basis", "due", "setter"]
    newest = table.sort_values("announced").groupby(keys, dropna=False).tail(1)
    names = {"value": "superseded_by", "announced": "superseded_on"}
    newest = newest[[*keys, *names]].rename(columns=names)
    found = table.merge(newest, on=keys, how="left")
    later = (found["superseded_on"] > found["announced"]) & (
        found["superseded_by"] != found["value"]
    )
    later &= found["geo_level"] != "country"
    for name in names.values():
        found[name] = found[name].where(later)
    return found


#: Probabilities of the tables of forecasts.
_CHANCES = ("p_meets_true", "p_meets_reported", "p_meets_official")


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Return forecasts with the chances that may be shown, and the word for the reported one.

    Without enough evidence, and without a target that is the unit's own, there is no chance.
    Those of provinces come in steps of five percent: too few were scored for more.
    """
    table = table.copy()
    unsure = table["verdict"].isin(["", NOT_ENOUGH_EVIDENCE]) | table["verdict"].isna()
    if {"target", "evidence"} <= set(table):
        unsure &= ~(table["target"].isna() & (table["evidence"] == "own"))
    aimless = ~unsure & ~have_aim(table)
    for name in _CHANCES:
        if name in table:
            table.loc[unsure | aimless, name] = float("nan")
            fine = table["geo_level"] == "country"
            table[name] = table[name].where(fine, table[name].map(coarse))
    table["verdict"] = table["p_meets_reported"].map(verdict)
    table.loc[aimless, "verdict"] = NO_TARGET
    return table


def have_aim(table: pd.DataFrame) -> np.ndarray:
    """(n,) bool: for which forecasts the target is one that was set for the unit.

    table: geo_level, province_code, indicator, target_setter and date (the due day).
    """
    asked = table[["geo_level", "province_code", "indicator", "target_setter"]]
    asked = asked.assign(date=pd.to_datetime(table["date"]))
    return np.array([_has_aim(*row) for row in asked.itertuples(index=False, name=None)], bool)


#: The last day for which the Government set a target of health insurance for every province.
ASSIGNED_UNTIL = pd.Timestamp("2025-12-31")


def _has_aim(level: str, code: str, indicator: str, setter: object, date: pd.Timestamp) -> bool:
    """Whether a chance against the target means something for a unit.

    Its own target does. The goal of 95% of the population in health insurance was set for the
    reports of every one of the 63 provinces up to 2025; nothing of that kind is known of later
    years, nor of provinces made in July 2025, whether or not they merged. The nationwide goals of
    the other two rates are averages of very unlike labour markets.
    """
    if setter != NATIONWIDE:
        return isinstance(setter, str) and bool(setter)
    assigned = indicator == "hi_coverage" and date <= ASSIGNED_UNTIL
    return level == "country" or (assigned and (level == "province_63" or is_alone(code)))
