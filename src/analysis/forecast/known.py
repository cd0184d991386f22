"""What was known on a date: the one place where later facts, rules and targets are cut away.

Every forecast, of the project's own model and of the models beside it, starts from a `Known`.
Nothing else truncates, so one test that poisons the future covers them all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import targets as targets_room
from analysis.facts import Raw, corrected
from analysis.facts.corrections import settled
from analysis.readings import build_readings

_REVISED_AFTER = pd.Timedelta(days=365)


@dataclass(frozen=True)
class Known:
    """The tables as they stood on `origin`.

    readings: accepted readings with as_of <= origin that rest on no later fact (`known_on`).
    raw: the raw tables, cut likewise: facts by the date that they describe, targets by their
        announcement, policy events by their date, covariates and population by their year.
        Corrections have been applied to the facts and are gone from their own table.
    targets: targets announced by the origin, whenever due.
    """

    origin: pd.Timestamp
    readings: pd.DataFrame
    raw: Raw
    targets: pd.DataFrame


def known_at(
    readings: pd.DataFrame, raw: Raw, origin: pd.Timestamp, targets: pd.DataFrame | None = None
) -> Known:
    """Cut `readings` and `raw` at `origin` (inclusive).

    A figure counts as known from the date that it describes: its source may have been printed
    some weeks later, as year-end figures always are. The revision of a figure is known from the day
    on which it was printed (see `later_revisions`). `targets` is the table of
    `analysis.targets.targets(raw)`; it is made here when not given.
    """
    origin = pd.Timestamp(origin)
    if targets is None:
        targets = targets_room.targets(raw)
    if rows := later_revisions(raw, origin):
        whole = settled(raw)
        raw = dataclasses.replace(whole, facts=whole.facts[~whole.facts["row"].isin(rows)])
        readings = build_readings(raw).readings
    announced = targets_room.known_at(targets, origin)
    return Known(
        origin=origin,
        readings=readings[_known_by(readings, origin)].reset_index(drop=True),
        raw=_cut_raw(raw, announced, origin),
        targets=announced.reset_index(drop=True),
    )


def later_revisions(raw: Raw, origin: pd.Timestamp) -> frozenset[int]:
    """Rows of the facts that revise a figure which was known on `origin`, and were printed later.

    A revision is printed more than a year after the day that it describes, beside another figure of
    the same unit, indicator, definition and day that was printed by the origin, and differs from
    all of these. Figures of the whole country are not looked at: its settled accounts are printed
    years later, and the model has always counted them from their own day.
    """
    facts = corrected(raw)
    facts = facts[(facts["kind"] == "actual") & (facts["geo_level"] != "country")]
    printed = facts["source_id"].map(raw.sources.set_index("source_id")["published_on"])
    late = (printed > origin) & (printed > facts["as_of"] + _REVISED_AFTER)
    if not late.any():
        return frozenset()
    by_then = facts[printed <= origin]
    keys = ["geo_level", "province_code", "indicator", "basis", "as_of"]
    known = set(by_then[keys].itertuples(index=False, name=None))
    same = set(by_then[[*keys, "value"]].itertuples(index=False, name=None))
    rows = facts.loc[late, [*keys, "value", "row"]].itertuples(index=False, name=None)
    return frozenset(int(row) for *key, value, row in rows
                     if tuple(key) in known and (*key, value) not in same)  # fmt: skip


def _known_by(readings: pd.DataFrame, origin: pd.Timestamp) -> pd.Series:
    """Readings of the origin or before that rest on no later fact.

    A figure of last year can be computed from this year's value and its change on last year: it
    describes the past, but nobody knew it then. `known_on` is the date of the latest fact behind.
    """
    return (readings["as_of"] <= origin) & (pd.to_datetime(readings["known_on"]) <= origin)


def _cut_raw(raw: Raw, announced: pd.DataFrame, origin: pd.Timestamp) -> Raw:
    """The raw tables without anything that describes, rules or was announced after `origin`."""
    facts = corrected(raw)
    rows = fact_rows(announced["facts"])
    actual = (facts["kind"] == "actual") & (facts["as_of"] <= origin)
    kept = facts[actual | ((facts["kind"] == "target") & facts["row"].isin(rows))]
    events = raw.policy_events
    return dataclasses.replace(
        raw,
        facts=kept,
        corrections=raw.corrections.iloc[:0],
        policy_events=events[events["date"] <= origin],
        covariates=raw.covariates[raw.covariates["year"] <= origin.year],
        population=raw.population[raw.population["year"] <= origin.year],
    )


def without(known: Known, hidden: pd.DataFrame) -> Known:
    """`known` as if the readings `hidden` had never been published.

    hidden: geo_level, province_code, indicator, as_of, facts. Besides these readings goes
    whatever would give them away: every reading and fact of the same unit and family of
    indicators (health insurance, social insurance, unemployment insurance) on the same date,
    and every reading that was computed from one of their facts.
    """
    hidden = hidden.assign(family=_family(hidden["indicator"]))
    keys = pd.MultiIndex.from_frame(hidden[["geo_level", "province_code", "family", "as_of"]])
    rows = fact_rows(hidden["facts"])
    readings, facts = known.readings, known.raw.facts
    shared = [not rows.isdisjoint(fact_rows([cell])) for cell in readings["facts"]]
    gone = _keys(readings).isin(keys) | np.array(shared, dtype=bool)
    actual = (facts["kind"] == "actual").to_numpy()
    gone_facts = (_keys(facts).isin(keys) & actual) | facts["row"].isin(rows).to_numpy()
    return dataclasses.replace(
        known,
        readings=readings[~gone].reset_index(drop=True),
        raw=dataclasses.replace(known.raw, facts=facts[~gone_facts]),
    )


def without_provinces(known: Known, codes: pd.Series) -> Known:
    """`known` as if nothing had ever been published about the provinces `codes`.

    Targets stay: they are set from outside and stand in decisions of the Government.
    """

    def own(table: pd.DataFrame) -> pd.Series:
        return (table["geo_level"] == "province_63") & table["province_code"].isin(codes)

    readings, facts = known.readings, known.raw.facts
    return dataclasses.replace(
        known,
        readings=readings[~own(readings)].reset_index(drop=True),
        raw=dataclasses.replace(
            known.raw, facts=facts[~(own(facts) & (facts["kind"] == "actual"))]
        ),
    )


def fact_rows(references: Iterable[str]) -> set[int]:
    """The lines of facts.csv named by references such as "facts.csv:12;facts.csv:40"."""
    return {
        int(one.rpartition(":")[2])
        for cell in references
        for one in str(cell).split(";")
        if one and (one.startswith("facts.csv:") or one.isdigit())
    }


def _family(indicator: pd.Series) -> pd.Series:
    """hi, si or ui: the part of an indicator's name before the first underscore."""
    return indicator.str.split("_").str[0]


def _keys(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(
        [
            table["geo_level"],
            table["province_code"],
            _family(table["indicator"]),
            table["as_of"],
        ]
    )
