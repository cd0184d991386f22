"""A small business as usual, made by hand: two draws, three provinces, one year of quarters."""

import numpy as np
import pandas as pd

from analysis.forecast.pull import NO_PULLS
from analysis.scenarios import Baseline, run
from analysis.scenarios.baseline import Background
from analysis.scenarios.definition import read
from analysis.scenarios.parameters import Range

#: Ha Noi and Hai Phong share a region, Ben Tre lies in another.
CODES = ("01", "31", "83")
DATES = pd.DatetimeIndex(["2024-12-31", "2025-03-31", "2025-06-30", "2025-09-30", "2025-12-31"])
ORIGIN = DATES[0]
#: Shares of the year gone at the quarter-ends.
WAY = np.array([0, 90, 181, 273, 365]) / 365
#: The saw-tooth: points below the straight line between the year-ends.
SAG = np.array([0.0, -3.0, -2.0, -1.0, 0.0])
#: Level at the origin and the rise to the date, by draw and province.
START = np.array([[80.0, 90.0, 60.0], [82.0, 88.0, 64.0]])
RISE = np.array([[4.0, 2.0, 5.0], [2.0, 0.0, 6.0]])
PERSONS = np.array([1000.0, 500.0, 2000.0])
PAST_YEARS = np.arange(2017, 2025)


def logit(percent):
    return np.log(percent / (100 - percent))


def percent(z):
    return 100 / (1 + np.exp(-z))


def usual(past=None, targets=None, read_counts=(5, 5, 5), own_base=1.0) -> Baseline:
    """Business as usual on which every path can be worked out with a pencil."""
    straight = START[:, :, None] + RISE[:, :, None] * WAY
    level = straight + SAG
    members = {("province_63", code): np.array([i]) for i, code in enumerate(CODES)}
    members |= {("country", "00"): np.arange(3), ("region", "R1"): np.array([0, 1])}
    flat = np.repeat(START[:, :, None], len(PAST_YEARS), axis=2)
    at_date = {unit: _mean(level[:, parts, -1], parts) for unit, parts in members.items()}
    at_date["country", "00"] = at_date["country", "00"] / own_base
    return Baseline(
        indicator="hi_coverage",
        origin=ORIGIN,
        codes=CODES,
        dates=DATES,
        level=level,
        at_origin=START,
        past_dates=pd.DatetimeIndex([pd.Timestamp(year, 12, 31) for year in PAST_YEARS]),
        past=flat if past is None else past,
        persons=np.repeat(PERSONS[:, None], len(DATES), axis=1),
        persons_past=np.repeat(PERSONS[:, None], len(PAST_YEARS), axis=1),
        persons_origin=PERSONS,
        own_base=np.full(len(DATES), own_base),
        own_base_past=np.full(len(PAST_YEARS), own_base),
        own_base_origin=own_base,
        members=members,
        at_date=at_date,
        plain=at_date,
        reported=at_date,
        goals={},
        pulls=NO_PULLS,
        targets=dict.fromkeys(members, (85.0, "government")) | (targets or {}),
        best_year=dict.fromkeys(members, (2016, 10.0)),
        enough=dict.fromkeys(members, True),
        read=np.array(read_counts),
        background=Background(
            minority=np.array([0.0, 1.0, 2.0]),
            cards=Range(0.5, 0.5, 0.5, "assumed"),
            lost=Range(-0.9, -0.9, -0.9, "assumed"),
            voluntary=np.array([2.0, 4.0, 1.0]),
        ),
    )


def _mean(values, parts):
    return values @ PERSONS[parts] / PERSONS[parts].sum()


def outcome(text, base=None):
    """Run a scenario that is written as YAML."""
    return run(read(text, "case"), base or usual())


def season(path):
    """What a path without the saw-tooth looks like with it: (..., T)."""
    return path + SAG
