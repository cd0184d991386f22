"""Distance to the assigned target: does a province that is told to do more, do more?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.drivers import growth, terms
from analysis.inference import SingularDesign

TERM = "target_gap"


def own_targets(targets: pd.DataFrame, indicator: str = "hi_coverage") -> pd.DataFrame:
    """One year-end target of its own for each province and year, the Government's first."""
    order = {"government": 0, "province": 1, "agency": 2}
    rows = targets[
        (targets["geo_level"] == "province_63")
        & (targets["indicator"] == indicator)
        & (targets["basis"] == "")
        & (targets["due"].dt.month == 12)
    ]
    rows = rows.assign(year=rows["due"].dt.year, order=rows["setter"].map(order))
    rows = rows.sort_values(["province_code", "year", "order", "announced", "value"])
    return rows.drop_duplicates(["province_code", "year"])


def with_target(
    chosen: growth.Sample, targets: pd.DataFrame, exposure: pd.DataFrame
) -> growth.Design:
    """The main design of changes plus the yearly gap to the target at the end of the interval.

    The gap is logit(target) - logit(start), over the years from the start to the target's date.
    Intervals whose province had no target of its own for that year, or learnt of it after the
    interval, are left out. Raises SingularDesign when none is left.
    """
    rows = chosen.rows.assign(row=range(len(chosen.rows)), year=chosen.rows["end"].dt.year)
    known = own_targets(targets)[["province_code", "year", "value", "announced"]]
    joined = rows.merge(known, on=["province_code", "year"])
    joined = joined[joined["announced"] <= joined["end"]]
    if not len(joined):
        raise SingularDesign("no interval has a target of its own")
    keep = np.zeros(len(rows), dtype=bool)
    keep[joined["row"].to_numpy()] = True
    part = growth.subset(chosen, keep)
    joined = joined.sort_values("row")
    years = joined["year"].to_numpy() + 1.0 - part.first
    gap = (terms.logit(joined["value"].to_numpy()) - part.y0) / years
    design = growth.design(part, growth.carried(part, exposure), growth.Choices())
    X, names = np.column_stack([gap, design.X]), (TERM, *design.names)
    return replace(design, X=X, names=names)
