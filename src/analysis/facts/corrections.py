"""Guarded corrections: each names the published value that it expects, or the run stops."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from analysis.facts.text import Fault

if TYPE_CHECKING:
    from analysis.facts.load import Raw

_WHERE = ["geo_level", "province_code", "indicator", "kind", "as_of", "source_id"]


class CorrectionError(ValueError):
    """A correction matches no fact: the published value changed, or the place is wrong."""


def as_corrected(facts: pd.DataFrame, corrections: pd.DataFrame) -> pd.DataFrame:
    """Return the text of facts.csv with misprinted values and indicators replaced.

    This is what the checks of size look at: a misprint is kept as printed, beside its correction.

    Args:
        facts, corrections: text of the two tables.
    """
    rules = corrections[corrections["action"].isin(["value", "indicator"])]
    if rules.empty:
        return facts
    wanted = dict(zip(_keys(rules, "expected_value"), rules.index, strict=True))
    found = facts.copy()
    for place, key in zip(facts.index, _keys(facts, "value"), strict=True):
        if key in wanted:
            rule = rules.loc[wanted[key]]
            found.loc[place, rule["action"]] = rule["corrected"]
    return found


def _keys(table: pd.DataFrame, value: str) -> list[tuple[str, ...]]:
    numbers = pd.to_numeric(table[value], errors="coerce").astype(float).astype(str)
    return list(zip(*(table[name] for name in _WHERE), numbers, strict=True))


def matches(facts: pd.DataFrame, corrections: pd.DataFrame) -> dict[str, pd.Index]:
    """Return, for each correction_id, the index of the facts that it corrects (maybe empty)."""
    keyed = corrections.assign(
        as_of=pd.to_datetime(corrections["as_of"]),
        expected_value=corrections["expected_value"].astype(float),
    )
    joined = (
        facts[[*_WHERE, "value"]]
        .reset_index(names="at")
        .merge(
            keyed[[*_WHERE, "expected_value", "correction_id"]],
            left_on=[*_WHERE, "value"],
            right_on=[*_WHERE, "expected_value"],
        )
    )
    found = joined.groupby("correction_id")["at"].agg(list).to_dict()
    return {name: pd.Index(found.get(name, [])) for name in corrections["correction_id"]}


def unmatched(facts: pd.DataFrame, corrections: pd.DataFrame) -> list[Fault]:
    """Return a fault for each correction that matches no published fact."""
    return _lost(corrections, matches(facts, corrections))


def _lost(corrections: pd.DataFrame, found: dict[str, pd.Index]) -> list[Fault]:
    return [
        Fault(
            "corrections.csv",
            int(row["row"]),
            "expected_value",
            str(row["expected_value"]),
            f"correction {row['correction_id']} matches no fact: check the place and the value",
        )
        for row in corrections.to_dict("records")
        if found[row["correction_id"]].empty
    ]


def corrected(raw: Raw) -> pd.DataFrame:
    """Return the facts with the corrections applied, and the column `correction`.

    `correction` holds the ids of the corrections of a row, joined by ";". Dropped rows are absent.
    The facts of `settled` tables are returned as they are.

    Raises:
        CorrectionError: a correction matches nothing; all of them are named.
    """
    if raw.corrections.empty and "correction" in raw.facts:
        return raw.facts
    found = matches(raw.facts, raw.corrections)
    if lost := _lost(raw.corrections, found):
        raise CorrectionError("\n".join(str(fault) for fault in lost))
    facts = raw.facts.assign(correction="")
    dropped: set[int] = set()
    for rule in raw.corrections.to_dict("records"):
        rows, column = found[rule["correction_id"]], rule["action"]
        marks = facts.loc[rows, "correction"]
        named = marks.where(marks == "", marks + ";") + rule["correction_id"]
        facts.loc[rows, "correction"] = named
        if column == "drop":
            dropped.update(rows)
        else:
            facts.loc[rows, column] = _typed(column, rule["corrected"])
    return facts.drop(index=sorted(dropped))


def settled(raw: Raw) -> Raw:
    """Return the tables with the corrections applied to the facts, and none left to apply.

    Raises:
        CorrectionError: see `corrected`.
    """
    return replace(raw, facts=corrected(raw), corrections=raw.corrections.iloc[:0])


def _typed(column: str, text: str) -> float | pd.Timestamp | str:
    if column == "value":
        return float(text)
    return pd.Timestamp(text) if column in ("as_of", "announced") else text
