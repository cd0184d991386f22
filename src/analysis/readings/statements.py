"""One statement of one text counts once, even where it was recorded under several dates."""

import pandas as pd

SAME_STATEMENT_DAYS = 20
_STATEMENT = [
    "source_id",
    "geo_level",
    "province_code",
    "indicator",
    "basis",
    "value",
    "qualifier",
]


def dated_once(facts: pd.DataFrame) -> pd.DataFrame:
    """Move statements that a text makes once to the earliest date recorded for them.

    A page that says "early April" was recorded as 31 March, 1 April and 5 April: the same source,
    unit, indicator, basis and value within 20 days (months of a series are farther apart). The
    cut-off cannot be later than the first.
    The column `restated` marks the rows that were moved.
    """
    table = facts.sort_values([*_STATEMENT, "as_of", "row"])
    gap = table.groupby(_STATEMENT, sort=False)["as_of"].diff()
    start = ~(gap <= pd.Timedelta(days=SAME_STATEMENT_DAYS))
    first = table["as_of"].where(start).ffill()
    table["restated"] = table["as_of"] != first
    table["as_of"] = first
    return table.sort_values("row")
