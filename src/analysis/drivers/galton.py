"""Regression to the mean: what reading error alone does to the coefficient of the start.

Galton's effect: a start that was read too high is followed by a smaller change, because the error
is not repeated. So the starting level gets a negative coefficient even where no province ever
catches up. The simulation takes a world in which the start has no effect by construction, adds
reading errors, and runs the very same regression.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.drivers import growth, pairs, terms
from analysis.inference import fit_least_squares
from analysis.inference.least_squares import Array
from analysis.seeds import generator

#: Standard deviations of the error of one reading, in percentage points.
ERRORS = (1.0, 1.5, 2.0)


def simulate_start(
    samples: growth.Samples,
    choices: growth.Choices,
    draws: int = 500,
    errors: tuple[float, ...] = ERRORS,
) -> pd.DataFrame:
    """Coefficients of the start in worlds where the start has no effect.

    Returns columns error (points) and estimate, ``draws`` rows for each error. The true paths
    follow the fitted design without the start, shrunk by province towards the common level, so
    that provinces differ no more than the readings support.
    """
    spec = replace(choices, design="changes", start_level=True)
    design = samples.design("hi_coverage", spec)
    start, end, position = _true_paths(samples.readings, spec, design)
    rows = []
    for error in errors:
        rng = generator("drivers", "galton", str(error))
        estimates = [_once(design, start, end, position, error, rng) for _ in range(draws)]
        rows.append(pd.DataFrame({"error": error, "estimate": estimates}))
    return pd.concat(rows, ignore_index=True)


def _true_paths(
    readings: pd.DataFrame, spec: growth.Choices, design: growth.Design
) -> tuple[Array, Array, tuple[np.ndarray, np.ndarray, int]]:
    """True logits at both ends of each interval, and the reading that stands at each end."""
    own = [i for i, n in enumerate(design.names) if n != "start_level"]
    fit = fit_least_squares(
        design.y, design.X[:, own], [design.names[i] for i in own], design.clusters
    )
    change = fit.X @ fit.beta * design.rows["years"].to_numpy()
    start = terms.logit(design.rows["value0"].to_numpy())
    start = start.mean() + 0.8 * (start - start.mean())
    rows = pairs.kept(pairs.usable(readings, "hi_coverage", spec.evidence), spec.rule)
    index = {k: i for i, k in enumerate(zip(rows["key"], rows["as_of"], strict=True))}
    ends = [
        np.array([index[k] for k in zip(design.rows["key"], design.rows[c], strict=True)])
        for c in ("start", "end")
    ]
    return start, start + change, (ends[0], ends[1], len(rows))


def _once(
    design: growth.Design,
    start: Array,
    end: Array,
    position: tuple[np.ndarray, np.ndarray, int],
    error: float,
    rng: np.random.Generator,
) -> float:
    """One world: a reading that ends one interval and starts the next has one error."""
    noise = rng.normal(0, error, size=position[2])
    read0 = start + noise[position[0]] * _per_point(start)
    read1 = end + noise[position[1]] * _per_point(end)
    years = design.rows["years"].to_numpy()
    X = design.X.copy()
    j = design.names.index("start_level")
    X[:, j] = read0 - read0.mean()
    y = (read1 - read0) / years
    return float(np.linalg.lstsq(X, y, rcond=None)[0][j])


def _per_point(z: Array) -> Array:
    """dz/dc: change of the logit for one percentage point at the level z."""
    share = terms.inverse_logit(z) / 100
    return 1 / (100 * share * (1 - share))
