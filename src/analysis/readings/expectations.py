"""Which facts are of one unit under two levels, and which "estimates" were only hoped for.

A province that did not merge in July 2025 is one unit under two levels, and its figures are one
series. Its parts and a merged unit live side by side: figures after the merger describe new units.

Interim figures that their source calls estimates are figures like others, except where the count
that came later in the same year lies below them: within a year levels rise towards its end, so
such a figure was an expectation for the year rather than a level of its day. In July 2025 the
Ministry of Finance gave 95.2% for health insurance "at the end of June"; at the end of November
the agency counted 91.4%. All estimates of that statement are then set aside, since they were
worked out in one way.
"""

import pandas as pd

from analysis.facts import Raw
from analysis.readings.evidence import KEY, PLAIN

EXPECTED = "expectation_above_later_count"
_UNIT = ["geo_level", "province_code"]
_SERIES = [*_UNIT, "indicator", "basis", "year"]
_STATEMENT = ["source_id", *_UNIT, "as_of"]


def one_level(facts: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Return the facts with units that did not merge under the level province_63 alone."""
    members = raw.provinces.groupby("merged_code")["province_code"].nunique()
    alone = facts["province_code"].isin(members[members == 1].index)
    level = facts["geo_level"].mask(alone & (facts["geo_level"] == "province_34"), "province_63")
    return facts.assign(geo_level=level)


def expectations(described: pd.DataFrame) -> pd.Series:
    """Return which facts are estimates that a later count of the same year lies below.

    Args:
        described: rows of `evidence.describe`.
    """
    table = described.assign(year=described["as_of"].dt.year, at=described.index)
    level = table["indicator"].str.endswith(("_coverage", "_participants"))
    hoped = table[level & table["estimate"] & (table["season"] == "interim")]
    counted = table[level & ~table["estimate"] & (table["standing"] >= PLAIN)]
    pairs = hoped.merge(counted, on=_SERIES, suffixes=("", "_later"))
    below = (pairs["as_of_later"] > pairs["as_of"]) & (pairs["upper_later"] < pairs["lower"])
    statements = pd.MultiIndex.from_frame(pairs.loc[below, _STATEMENT])
    same = pd.MultiIndex.from_frame(table[_STATEMENT]).isin(statements)
    people = table["indicator"].str.contains("_coverage|_participants")
    return pd.Series(same & people & table["estimate"], described.index)


def standing_of(readings: pd.DataFrame, raw: Raw) -> pd.Series:
    """Return the standing of published readings: "", settled or provisional.

    A reading is as settled as the best of its facts; it is provisional where all of them are
    provisional, estimates, or printed before the day that they describe.
    """
    facts = raw.facts.set_index("row")
    published = raw.sources.set_index("source_id")["published_on"]
    early = facts["source_id"].map(published) < facts["as_of"]
    unsure = facts["standing"].isin(["provisional", "estimate"]) | early
    settled = facts["standing"] == "settled"

    def one(cell: str) -> str:
        rows = [int(row) for row in cell.split(";")]
        if settled.loc[rows].any():
            return "settled"
        return "provisional" if unsure.loc[rows].all() else ""

    return readings["facts"].map(one)


def left_out(described: pd.DataFrame) -> pd.DataFrame:
    """Return expectations in the form of `conflicts.settle`: its candidates, none accepted."""
    rows = described.assign(
        outcome="left_out_expectation", rule=EXPECTED, spread=0.0, fact=described["row"]
    )
    columns = [*KEY, "value", "qualifier", "lower", "upper", "unit", "outcome", "rule", "spread"]
    details = ["standing", "official", "denominator_version", "published_on", "doubt"]
    return rows[[*columns, *details, "source_id", "fact", "note"]]
