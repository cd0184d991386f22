"""All sensible specifications at once, with one joint test.

Simonsohn, Simmons and Nelson (2020): a claim that rests on one specification is compared with
the whole family, and the family is tested jointly by resampling under the null. Here each
specification is resampled by the restricted wild cluster bootstrap, and one draw uses the same
province weights in all specifications, so that their dependence is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.inference.regression import (
    Array,
    FewClusters,
    Fit,
    SingularDesign,
    covariance,
    fit_least_squares,
    standard_errors,
)
from analysis.inference.resampling import (
    draw_statistics,
    minimum_detectable_effect,
    pieces,
    t_statistic,
    webb_weights,
    wild_cluster_test,
)

#: With fewer clusters no cluster-robust test is worth counting (Cameron and Miller 2015, VI).
FEWEST_CLUSTERS = 10


@dataclass(frozen=True)
class Specification:
    """One regression of the family: its choices by name, its rows and its focal term."""

    choices: Mapping[str, str]
    y: Array
    X: Array
    names: tuple[str, ...]
    clusters: np.ndarray
    focal: str
    absorb: bool = False


@dataclass(frozen=True)
class Curve:
    """``table``: one row a specification. ``joint``: joint p-values of the family."""

    table: pd.DataFrame
    joint: dict[str, float]


def run_curve(
    specifications: Sequence[Specification],
    rng: np.random.Generator,
    draws: int = 499,
    level: float = 0.05,
) -> Curve:
    """Estimate all specifications and test jointly that the focal term is zero in each.

    A specification that cannot be estimated, or that rests on fewer than FEWEST_CLUSTERS
    clusters, stays in the table with its reason in ``note`` and counts in no share. Joint
    statistics, each against its own draws: the absolute median t, the share of significant
    specifications of the dominant sign, and the dominant share of signs.
    """
    labels = np.unique(np.concatenate([np.unique(s.clusters) for s in specifications]))
    weights = webb_weights(rng, len(labels), draws)
    rows, drawn = [], []
    for number, spec in enumerate(specifications, start=1):
        row, statistics = _estimate(spec, labels, weights)
        rows.append({"specification": number, **spec.choices, **row})
        if statistics is not None:
            drawn.append(statistics)
    table = pd.DataFrame(rows)
    return Curve(table, _joint(table, np.array(drawn), level))


def _estimate(
    spec: Specification, labels: Array, weights: Array
) -> tuple[dict[str, object], Array | None]:
    """One row of the curve and its bootstrap t statistics, or the reason for having none."""
    try:
        fit = fit_least_squares(spec.y, spec.X, spec.names, spec.clusters, absorb=spec.absorb)
        error = float(standard_errors(fit, "CR3")[fit.index(spec.focal)])
    except (SingularDesign, FewClusters) as failure:
        return {"n": len(spec.y), "note": str(failure)}, None
    few = fit.clusters < FEWEST_CLUSTERS
    parts = pieces(fit, spec.focal)
    chosen = weights[np.searchsorted(labels, np.array(fit.labels))]
    drawn, t = draw_statistics(parts, chosen), t_statistic(parts)
    row: dict[str, object] = {
        "term": spec.focal,
        "estimate": parts.estimate,
        "standard_error": error,
        "p_cr3": float(2 * stats.t.sf(abs(parts.estimate) / error, fit.clusters - 1)),
        "t_cr1": t,
        "wild_p": float((1 + (np.abs(drawn) >= abs(t)).sum()) / (1 + len(drawn))),
        "n": fit.n,
        "clusters": fit.clusters,
        "terms": len(fit.names),
        "note": f"fewer than {FEWEST_CLUSTERS} clusters: not counted" if few else "",
    }
    return row, None if few else drawn


def _joint(table: pd.DataFrame, drawn: Array, level: float) -> dict[str, float]:
    """Joint p-values: how often a world without effect looks as striking as this one."""
    done = table[table["note"] == ""]
    if not len(done):
        return {}
    actual = done["t_cr1"].to_numpy()[:, None]
    # The critical value of each specification comes from its own draws, for actual and drawn.
    cut = np.quantile(np.abs(drawn), 1 - level, axis=1)[:, None]
    return {
        name: float((1 + (drawn_value >= value[0] - 1e-12).sum()) / (1 + drawn.shape[1]))
        for (name, value), drawn_value in zip(
            _statistics(actual, cut).items(), _statistics(drawn, cut).values(), strict=True
        )
    }


def _statistics(t: Array, cut: Array) -> dict[str, Array]:
    """Family statistics of t (specifications, draws): each an array (draws,)."""
    positive = (t > 0).mean(axis=0)
    up, down = (t > cut).mean(axis=0), (t < -cut).mean(axis=0)
    return {
        "median": np.abs(np.median(t, axis=0)),
        "share_significant": np.maximum(up, down),
        "share_of_sign": np.maximum(positive, 1 - positive),
    }


# --------------------------------------------------------------------------------------------------
# One form for every estimate that the project writes.
# --------------------------------------------------------------------------------------------------

CURVE_COLUMNS = [
    "outcome",
    "term",
    "estimate",
    "standard_error",
    "p_cr3",
    "wild_p",
    "low",
    "high",
    "minimum_detectable",
    "design",
    "sample",
    "n",
    "clusters",
    "note",
]


def estimate_rows(
    fit: Fit,
    terms: Sequence[str],
    rng: np.random.Generator,
    draws: int = 1999,
    **labels: str,
) -> list[dict[str, object]]:
    """Rows for the named terms: CR3 standard error, wild-bootstrap p and 95% interval.

    Where a term rests on one cluster the jackknife does not exist: the row then carries no
    standard error and no p-value, and the note says why. An end of the interval that the test
    never reaches is missing, and the note says so.
    """
    try:
        errors, note = np.sqrt(np.diag(covariance(fit, "CR3"))), ""
    except SingularDesign as failure:
        errors, note = np.full(len(fit.names), np.nan), str(failure)
    rows: list[dict[str, object]] = []
    for term in terms:
        j, usable = fit.index(term), not note
        error = float(errors[j])
        test = wild_cluster_test(fit, term, rng, draws) if usable else None
        low, high = (test.low, test.high) if test else (np.nan, np.nan)
        open_end = bool(np.isinf([low, high]).any())
        rows.append(
            {
                **labels,
                "term": term,
                "estimate": float(fit.beta[j]),
                "standard_error": error,
                "p_cr3": float(2 * stats.t.sf(abs(fit.beta[j]) / error, fit.clusters - 1)),
                "wild_p": test.p if test else np.nan,
                "low": low if np.isfinite(low) else np.nan,
                "high": high if np.isfinite(high) else np.nan,
                "minimum_detectable": minimum_detectable_effect(error, fit.clusters),
                "n": fit.n,
                "clusters": fit.clusters,
                "note": "the interval has no end on one side" if open_end else note,
            }
        )
    return rows
