"""Which population stands behind a health insurance rate around the census of 1 April 2019."""

import numpy as np
import pandas as pd

from analysis.covariates import POST_CENSUS, PRE_CENSUS, populations
from analysis.facts import Raw
from analysis.readings.arithmetic import UNIT_AND_DATE, pick

# Offices took over the census results at different times within these dates.
_FIRST_DAY, _LAST_DAY = pd.Timestamp("2019-04-01"), pd.Timestamp("2020-12-31")
# The other base is taken only if it fits better by more than this (on the log scale).
_CLEARLY_BETTER = 0.02


def census_base(published: pd.DataFrame, raw: Raw) -> pd.Series:
    """Return denominator_version, corrected for rates whose participants tell the population.

    By default rates up to the end of 2019 are on the population before the census revision. For
    dates from the census to the end of 2020 with participants beside the rate, the implied
    population decides instead if it clearly fits the other series better.
    """
    version = published["denominator_version"].copy()
    rates = pick(published, "hi_coverage")
    rates = rates[rates["as_of"].between(_FIRST_DAY, _LAST_DAY) & (rates["value"] > 0)]
    known = set(raw.population["province_code"])
    rates = rates[(rates["geo_level"] == "province_63") & rates["province_code"].isin(known)]
    people = pick(published, "hi_participants").set_index(UNIT_AND_DATE)["value"]
    at = pd.MultiIndex.from_frame(rates[UNIT_AND_DATE])
    implied = 100 * people.reindex(at).to_numpy() / rates["value"].to_numpy()
    if np.isnan(implied).all():
        return version
    misfit = {name: _misfit(implied, rates, raw, name) for name in (PRE_CENSUS, POST_CENSUS)}
    default = version.loc[rates.index].to_numpy()
    other = np.where(default == PRE_CENSUS, POST_CENSUS, PRE_CENSUS)
    own = np.where(default == PRE_CENSUS, misfit[PRE_CENSUS], misfit[POST_CENSUS])
    alternative = np.where(default == PRE_CENSUS, misfit[POST_CENSUS], misfit[PRE_CENSUS])
    better = own - alternative > _CLEARLY_BETTER
    version.loc[rates.index[better]] = other[better]
    return version


def _misfit(implied: np.ndarray, rates: pd.DataFrame, raw: Raw, revision: str) -> np.ndarray:
    units = list(zip(rates["geo_level"], rates["province_code"], strict=True))
    official = populations(units, list(rates["as_of"]), raw, revision)
    return np.abs(np.log(implied / official))
