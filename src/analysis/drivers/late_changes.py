"""Changes of late payment that compare like with like, all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Readings closer than this are the same news; farther apart, another time.
SHORTEST, LONGEST = 60, 5 * 366


def like_for_like(rows: pd.DataFrame) -> pd.DataFrame:
    """Changes within a province, basis, season and kind of evidence; one row a change.

    The season is the same when both readings are year-end ones, or both are not; rates over plan
    are not compared with rates over receivable, and an unstated denominator counts as the usual
    one, receivable. Nor are rates from before July 2025 compared with later ones, since the law
    counts otherwise (late_data.LAW). Columns: province_code, basis, evidence, denominator,
    december, law, start, end, years, rate0, rate1, ratio, per_year (change of the log a year).
    """
    usual = rows["denominator"].replace({"unstated": "receivable"})
    keys = ["province_code", "basis", "evidence", "denominator", "december", "law"]
    ordered = rows.assign(denominator=usual).sort_values([*keys, "as_of"], kind="stable")
    before = ordered.groupby(keys)[["as_of", "rate", "readings"]].shift(1)
    gap = (ordered["as_of"] - before["as_of"]).dt.days
    table = pd.DataFrame(
        {
            **{key: ordered[key] for key in keys},
            "start": before["as_of"],
            "end": ordered["as_of"],
            "years": gap / 365.25,
            "rate0": before["rate"],
            "rate1": ordered["rate"],
        }
    )
    table["ratio"] = table["rate1"] / table["rate0"]
    table["per_year"] = np.log(table["ratio"]) / table["years"]
    keep = gap.between(SHORTEST, LONGEST)
    return table[keep].sort_values(["province_code", "basis", "end"], ignore_index=True)
