"""Other models of the same question: a mixed model and a fractional logit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import ArrayLike
from scipy import stats

from analysis.drivers import growth, terms
from analysis.inference import fit_components
from analysis.inference.components import indicator_matrix


class NotConvergedError(RuntimeError):
    """An iterative fit did not reach its end; the message says where it stood."""


def fractional_logit(
    share: ArrayLike, X: pd.DataFrame, clusters: ArrayLike, weights: ArrayLike | None = None
) -> Any:
    """Papke and Wooldridge (1996): a binomial quasi-likelihood for shares (n,) in [0, 1].

    Returns the statsmodels result with CR1 covariance by cluster. Raises NotConvergedError.
    """
    model = sm.GLM(np.asarray(share), X, family=sm.families.Binomial(), var_weights=weights)
    with warnings.catch_warnings():
        # statsmodels warns that shares are no counts; that is the point of the method.
        warnings.simplefilter("ignore")
        groups = np.unique(np.asarray(clusters), return_inverse=True)[1]
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": groups}, maxiter=200)
    if not fit.converged:
        raise NotConvergedError(f"fractional logit stopped after {fit.fit_history['iteration']}")
    return fit


def check_rows(
    samples: growth.Samples, choices: growth.Choices, term: str
) -> list[dict[str, object]]:
    """The term in a mixed model (random province intercepts) and in a fractional logit.

    Standard errors are the model's own for the mixed model, CR1 by province for the other, with
    t(G-1) p-values; both lean to the optimistic side and are checks of the coefficient only.
    """
    design = samples.design("hi_coverage", choices)
    labels: dict[str, Any] = {"sample": f"{choices.rule}, {choices.evidence}", "n": len(design.y)}
    labels["clusters"] = len(np.unique(design.clusters))
    minority = samples.exposure["minority"].reindex(design.clusters).to_numpy()
    X = np.column_stack([np.ones(len(design.y)), minority, design.X])
    mixed = fit_components(design.y, X, {"province": indicator_matrix(design.clusters)})
    j = 2 + design.names.index(term)
    rows = [_row("mixed_model", term, mixed.beta[j], np.sqrt(mixed.covariance[j, j]), labels)]
    dummies = indicator_matrix(design.clusters)
    frame = pd.DataFrame(np.column_stack([design.X, dummies]))
    fit = fractional_logit(terms.inverse_logit(design.y) / 100, frame, design.clusters)
    k = design.names.index(term)
    rows.append(_row("fractional_logit", term, fit.params.iloc[k], fit.bse.iloc[k], labels))
    return rows


def _row(
    design: str, term: str, estimate: float, error: float, labels: dict[str, Any]
) -> dict[str, object]:
    freedom = int(labels["clusters"]) - 1
    cut = stats.t.ppf(0.975, freedom)
    return {
        **labels,
        "outcome": "hi_coverage",
        "design": design,
        "term": term,
        "estimate": float(estimate),
        "standard_error": float(error),
        "low": float(estimate - cut * error),
        "high": float(estimate + cut * error),
        "p_model": float(2 * stats.t.sf(abs(estimate / error), freedom)),
    }
