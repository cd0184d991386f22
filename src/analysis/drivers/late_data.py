"""One data set on late payment from all evidence: stated rates, and rates from amounts.

A rate is late contributions over what was to be received in the year, in percent. Where only an
amount is published, it is divided by annual collections (see late_collections). Definitions stay
apart as measurement terms: basis (how late a debt must be to count), denominator and season.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.drivers import late_collections
from analysis.facts import Raw

#: What the published bases say, brought to comparable ones. Lists of debtors and debts that
#: cannot be collected are no province totals and stay out.
BASES = {
    "total": "total",
    "unspecified": "unspecified",
    "interest_bearing": "one_month",
    "ge_1_month": "one_month",
    "ge_3_months": "three_months",
    "ge_6_months": "six_months",
    "net_of_hard_to_collect": "net",
    "si_compulsory_only": "compulsory_only",
}
#: 365 days over 100 percent: a rate of 1% is 3.65 days of a year's contributions.
DAYS_PER_PERCENT = 3.65
FIRST = pd.Timestamp("2014-01-01")
#: The Law on Social Insurance of 2024 tells late payment from evasion: rates from this day on
#: count something else, and are not compared with those before.
LAW = pd.Timestamp("2025-07-01")


def late_rows(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """All provincial rates of late payment since 2014, one row a reading.

    Columns: province_code, as_of, year, basis, rate (percent), days (of contributions owed),
    evidence (stated, derived), denominator (receivable, plan, unstated, collections), base_step
    (how the collections were found: "stated", "reading" for derived readings, or a step of
    late_collections), december (bool), law (before, or since_july_2025: see LAW), readings (the
    reading ids behind the row, ";"-joined), facts.
    """
    own = readings[(readings["geo_level"] == "province_63") & (readings["as_of"] >= FIRST)]
    parts = [_rates(own, raw), _from_amounts(own, readings)]
    rows = pd.concat(parts, ignore_index=True)
    # A stated rate outranks one derived from an amount of the same day and basis, and a derived
    # reading outranks the ladder of collections.
    rows["_rank"] = rows["base_step"].map({"stated": 0, "reading": 1}).fillna(2)
    rows = rows.sort_values(["province_code", "as_of", "basis", "_rank"], kind="stable")
    rows = rows.drop_duplicates(["province_code", "as_of", "basis"]).drop(columns="_rank")
    rows["year"] = rows["as_of"].dt.year
    rows["december"] = rows["season"].eq("year_end")
    rows["law"] = under_law(rows["as_of"])
    rows["days"] = DAYS_PER_PERCENT * rows["rate"]
    return rows.reset_index(drop=True)


def under_law(days: pd.Series) -> np.ndarray:
    """The law under which rates of these days are counted: before, or since_july_2025."""
    return np.where(pd.to_datetime(days) < LAW, "before", "since_july_2025")


def _kept(rows: pd.DataFrame, indicator: str) -> pd.DataFrame:
    rows = rows[(rows["indicator"] == indicator) & (rows["value"] > 0)]
    basis = rows["basis"].replace("", "unspecified").fillna("unspecified")
    return rows.assign(basis=basis.map(BASES)).dropna(subset=["basis"])


_COLUMNS = [
    "province_code",
    "as_of",
    "basis",
    "rate",
    "evidence",
    "denominator",
    "base_step",
    "season",
    "doubt",
    "readings",
    "facts",
]


def _rates(own: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Readings of the rate: stated ones, and those derived from amounts and collections."""
    rows = _kept(own, "late_payment_rate")
    stated = rows["kind_of_evidence"].eq("published")
    said = [_denominator(refs, raw) for refs in rows["facts"]]
    rows = rows.assign(
        rate=rows["value"],
        evidence=np.where(stated, "stated", "derived"),
        denominator=np.where(stated, said, "collections"),
        base_step=np.where(stated, "stated", "reading"),
        readings=rows["reading_id"],
    )
    return rows[_COLUMNS]


def _denominator(references: object, raw: Raw) -> str:
    """What the accepted facts say a rate is a share of: receivable, plan, or unstated."""
    lines = [int(r) for r in str(references).split(";") if r.isdigit()]
    said = raw.facts.loc[raw.facts["row"].isin(lines), "denominator"]
    known = sorted({d for d in said if d in ("receivable", "plan")})
    return known[0] if len(known) == 1 else "unstated"


def _from_amounts(own: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """Published amounts over collections found by the ladder of late_collections."""
    collections = late_collections.build(readings)
    rows = _kept(own[own["kind_of_evidence"] == "published"], "late_payment_amount")
    bases = [
        collections.base(code, int(day.year))
        for code, day in zip(rows["province_code"], rows["as_of"], strict=True)
    ]
    rows = rows[[b is not None for b in bases]]
    found = [b for b in bases if b is not None]
    rows = rows.assign(
        rate=100 * rows["value"] / np.array([b.value for b in found]),
        evidence="derived",
        denominator="collections",
        base_step=[b.step for b in found],
        readings=[
            ";".join([own_id, *b.readings])
            for own_id, b in zip(rows["reading_id"], found, strict=True)
        ],
    )
    return rows[_COLUMNS]
