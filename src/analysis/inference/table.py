"""One form for every estimate that the project writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from analysis.inference.bootstrap import wild_cluster_test
from analysis.inference.cluster import covariance
from analysis.inference.least_squares import Fit, SingularDesign
from analysis.inference.power import minimum_detectable_effect

COLUMNS = [
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
