"""What the tests of the forecast share: real readings as known at an early origin, quick settings.

At the end of 2018 the families have some sixty readings each, so that a fit takes a second.
"""

import datetime
from dataclasses import replace
from functools import cache

import pandas as pd
import pytest
from example_facts import real_raw, real_tables

from analysis.forecast import tables as tables_room
from analysis.forecast.evidence import Evidence, evidence
from analysis.forecast.fit import Fit, fit
from analysis.forecast.known import Known, known_at
from analysis.forecast.model import Model, model
from analysis.forecast.outlook import Outlook, outlook
from analysis.forecast.space import Settings
from analysis.forecast.tables import ForecastTables

ORIGIN = pd.Timestamp("2018-12-31")
#: Few rounds of linearising and few points on the posterior: the same code in a tenth of the time.
QUICK = Settings(parameter_draws=2)
FIRST = {"health": "hi_coverage", "labour": "si_coverage"}


@cache
def known(origin: pd.Timestamp = ORIGIN) -> Known:
    """What was known at an origin, from the real tables."""
    return known_at(real_tables().readings, real_raw(), origin)


@cache
def gathered(family: str) -> Evidence:
    return evidence(known(), FIRST[family], QUICK)


@cache
def fitted(family: str) -> Fit:
    return fit(gathered(family))


@cache
def built(family: str) -> Model:
    return model(known(), FIRST[family], QUICK)


def ask(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Questions: geo_level, province_code, indicator, as_of."""
    names = ["geo_level", "province_code", "indicator", "as_of"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(as_of=pd.to_datetime(table["as_of"]))


def year_ends(first: int, last: int) -> list[datetime.datetime]:
    return [pd.Timestamp(year, 12, 31) for year in range(first, last + 1)]


@cache
def outlooks_of(target_year: int = 2020) -> dict[str, Outlook]:
    """Health insurance drawn 300 times at the year-ends up to five years after the target year."""
    return {"hi_coverage": outlook(built("health"), "hi_coverage", target_year, n=300)}


@cache
def tables() -> ForecastTables:
    """The tables of the chapter, from these few draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            tables_room, "outlooks", lambda known, indicators, year, own, later: outlooks_of(year)
        )
        return tables_room.forecast_tables.__wrapped__(known(), ("hi_coverage",), 2020, QUICK)


def tables_with_targets(higher: float) -> ForecastTables:
    """The same tables where every target that can lies that many points higher."""
    own = {}
    for name, one in outlooks_of(2020).items():
        value = one.targets["value"]
        value = value.where(value + higher >= 100, value + higher)
        own[name] = replace(one, targets=one.targets.assign(value=value))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables_room, "outlooks", lambda known, indicators, year, own_, later: own)
        return tables_room.forecast_tables.__wrapped__(known(), ("hi_coverage",), 2020, QUICK)
