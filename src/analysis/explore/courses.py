"""The scenarios of the folder scenarios/ as the explorer offers them: any rate, any origin.

They run on the draws of the forecast, as in chapter 07, so both show the same numbers.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis import geography, paths
from analysis.cache import cached
from analysis.forecast.known import Known
from analysis.forecast.scenarios import (
    Baseline,
    Scenario,
    ScenarioError,
    load_folder,
    prepared,
    run,
)
from analysis.forecast.scenarios.parameters import Range
from analysis.forecast.scenarios.summary import LEVELS, quantiles

FOLDER = "scenarios"
USUAL = "business_as_usual"
_LEVELS = ("country", "province_63", "province_34")


def offered(indicator: str) -> dict[str, Scenario]:
    """Return the scenarios of the folder that can move a rate, by name, business as usual first.

    A file whose rule serves every rate, such as "one point a year", is offered for each.
    """
    found = {}
    for scenario in load_folder(paths.ROOT / FOLDER):
        fits = not scenario.rule.indicators and scenario.indicator == "hi_coverage"
        if fits or scenario.indicator == indicator:
            found[scenario.name] = replace(scenario, indicator=indicator)
    return dict(sorted(found.items(), key=lambda one: one[1].kind != USUAL))


@cached
def courses(
    known: Known,
    indicator: str,
    due: pd.Timestamp,
    scenarios: tuple[Scenario, ...],
    cards: tuple[Range | None, Range | None],
) -> pd.DataFrame:
    """Run scenarios of a rate for every unit, from what was known.

    scenarios: those that are offered for the rate. cards: see `scenarios.prepared`.

    Returns scenario, unit (level/code), more (people a month beyond business as usual, median),
    q05 to q95 of the reported value in percent, and the probability that it meets the target
    (NaN where the evidence carries none). A scenario that cannot be seen from the origin, such as
    a restored rule that had not been lost yet, has no rows.
    """
    base = prepared(known, indicator, due.year, due, cards)
    found = [_course(scenario, base) for scenario in scenarios]
    return pd.concat(found, ignore_index=True)


def _course(scenario: Scenario, base: Baseline) -> pd.DataFrame:
    units = [(level, code) for level in _LEVELS for code in geography.codes(level)]
    try:
        scenario.check_dates(base.origin, base.date)
        outcome = run(scenario, base)
    except ScenarioError:
        return pd.DataFrame()
    spread = quantiles(np.stack([outcome.reported[unit] for unit in units]))
    more = (outcome.level - base.level)[:, :, -1] / 100 * base.persons[:, -1]
    return pd.DataFrame(
        {
            "scenario": scenario.name,
            "unit": ["/".join(unit) for unit in units],
            "more": [np.median(outcome.sum(more, unit)) / outcome.months for unit in units],
            **dict(zip(LEVELS, spread, strict=True)),
            "probability": [outcome.meets(unit) for unit in units],
        }
    )
