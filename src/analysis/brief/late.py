"""What a brief says about late payment: the readings of the unit, each with its basis."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.coverage import evidence_mark
from analysis.results import Result

#: A rate of one percent of a year's contributions is 3.65 days of contributions.
DAYS_PER_PERCENT = 3.65
_KEPT = 3


def late_payment(own: pd.DataFrame, forecasts: pd.DataFrame, level: str, code: str) -> Result:
    """Return the latest late payment rates of a unit, one a basis, newest first.

    The bases count different debts and are not one series, so none is compared with another.

    Args:
        own: readings of the unit.
        forecasts: rows of the unit in the late payment forecasts of chapter 04.
        level: its geographic level.
        code: its code.
    """
    rates = own[own["indicator"] == "late_payment_rate"]
    rates = rates.assign(
        evidence=evidence_mark(rates),
        basis=rates["basis"].replace("", "unspecified"),
        days=DAYS_PER_PERCENT * rates["value"],
    ).sort_values(["as_of", "basis", "reading_id"])
    newest = rates.groupby("basis").tail(1).iloc[::-1].head(_KEPT)
    columns = ["as_of", "basis", "value", "evidence", "days", "season", "kind_of_evidence"]
    values: dict[str, Any] = {
        "unit": f"{level}/{code}",
        "n": len(rates),
        "bases": rates["basis"].nunique(),
    }
    phrases = [("brief.late_none" if rates.empty else "brief.late_some", values)]
    if values["bases"] > 1:
        phrases.append(("brief.late_bases", values))
    phrases += _chance(forecasts)
    return Result(
        "late_payment",
        newest[columns],
        phrases,
        {"as_of": "short_date", "value": "percent2", "days": "number0"},
        {"basis": "basis", "season": "season", "kind_of_evidence": "evidence"},
        evidence={"value": "evidence"},
    )


def _chance(forecasts: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """The probability of keeping to the late payment target, or why there is none."""
    ahead = forecasts[forecasts["scale"].isin(["reported"]) & forecasts["target"].notna()]
    if ahead.empty:
        reasons = forecasts["reason"].dropna()
        reasons = reasons[~reasons.isin(["", "no_reading"])]
        return [("brief.late_why", {"reason": f"late_reason.{reason}"}) for reason in reasons[:1]]
    row = ahead.iloc[0]
    names = ["date", "target", "p_meets_reported", "q50", "q10", "q90"]
    values = {name: row[name] for name in names} | {"verdict": f"verdict.{row['verdict']}"}
    return [("brief.late_chance", values)]
