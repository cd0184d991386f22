"""Small synthetic panels, and the dense likelihood of the same readings to compare with."""

from functools import cache

import numpy as np
import pandas as pd

from analysis.forecast.evidence import Evidence
from analysis.forecast.fit import CENTRE, problem
from analysis.forecast.parts import components
from analysis.forecast.space import STEP, Settings, logit_slope
from analysis_panels.blocks import dense, take
from analysis_panels.fit import fit_large, round_task
from analysis_panels.panel import layout, panel
from analysis_panels.synthetic import synthetic_panel

QUICK = Settings(parameter_draws=2)


def small(units: int = 14, months: int = 18, missing: float = 0.2) -> pd.DataFrame:
    """A panel with gaps, two readings of some days, and readings of the whole."""
    table = synthetic_panel(units, months, parents=3, missing=missing)
    again = table[table["unit"] != "00"].iloc[::17]
    return pd.concat([table, again.assign(value=(again["value"] - 0.3).clip(1), lower=1.0)])


def evidence(table: pd.DataFrame) -> Evidence:
    """The panel with a covariate and unequal denominators."""
    codes = sorted(set(table["unit"]) - {"00"})
    size = np.arange(len(codes))
    return panel(
        table,
        persons=pd.Series(1000.0 + 37 * size, index=codes),
        covariates=pd.DataFrame({"wealth": np.sin(size)}, index=codes),
        settings=QUICK,
    )


def task(source: Evidence):
    """The likelihood near the readings themselves."""
    parts = components(source.family, source.units, source.settings, source.origin >= STEP)
    made = layout(parts, source.points, source.units.regions)
    share = np.clip(source.percent / 100, 0.03, 0.985)
    nothing = np.zeros(len(source.table))
    return round_task(source, made, share, nothing, take(made.points, made.sums))


def dense_problem(source: Evidence):
    """The same likelihood by the dense code."""
    parts = components(source.family, source.units, source.settings, source.origin >= STEP)
    at = source.points.with_weights(dense(source.points.weights))
    share = np.clip(source.percent / 100, 0.03, 0.985)
    slope = logit_slope(share)
    z = np.log(source.percent / (100 - source.percent)) - CENTRE[source.family] * at.size
    table = source.table
    return problem(parts, at, z, slope, table["half"].to_numpy(), table["error"].to_numpy())


def thetas(of, count: int = 3):
    """Points at which likelihoods are compared: the prior's middle, and away from it."""
    random = np.random.default_rng(3)
    yield of.prior_mean
    for _ in range(count - 1):
        yield of.prior_mean + 0.7 * random.standard_normal(len(of.prior_mean))


@cache
def fitted():
    """A fit of the small panel."""
    return fit_large(evidence(small()))
