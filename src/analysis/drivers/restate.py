"""Coverage before and after the census of 2019 on one population, so that like meets like.

The census of April 2019 found other populations than were projected, and rates published since
2020 stand on them. Official figures exist on both footings for 2014 to 2018, so a rate published
on the old population is moved to the new one by their ratio at its date, carried on to 2019. What
was published stays beside it, and the specification curve also runs on pairs of one footing only.
"""

from __future__ import annotations

import pandas as pd

from analysis import covariates
from analysis.facts import Raw

#: Above this coverage the logit says more about denominators than about people.
CEILING = 99.5


def on_one_population(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Readings of HI coverage of the 63 provinces, those before 2020 restated.

    Added columns: published (value as published), version (denominator version as published),
    restated (bool). ``denominator_version`` is the later one for all. Restated values at or above
    CEILING are left out, as are their published twins where those are above it.
    """
    rows = readings[
        (readings["geo_level"] == "province_63") & (readings["indicator"] == "hi_coverage")
    ].copy()
    old = rows["denominator_version"].eq(covariates.PRE_CENSUS)
    rows["published"], rows["version"] = rows["value"], rows["denominator_version"]
    rows["restated"] = old
    units = [("province_63", code) for code in rows.loc[old, "province_code"]]
    dates = list(rows.loc[old, "as_of"])
    ratio = covariates.populations(units, dates, raw, covariates.PRE_CENSUS)
    ratio = ratio / covariates.populations(units, dates, raw, covariates.POST_CENSUS)
    for column in ("value", "lower", "upper"):
        rows.loc[old, column] *= ratio
    rows["denominator_version"] = covariates.POST_CENSUS
    return rows[(rows["value"] < CEILING) & (rows["published"] < CEILING)].reset_index(drop=True)
