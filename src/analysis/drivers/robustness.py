"""Other models of the same question: a mixed model and a fractional logit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import ArrayLike
from scipy import stats

from analysis.drivers import growth, pairs, policy
from analysis.inference import Curve, Specification, fit_components, fit_least_squares, run_curve
from analysis.inference.components import indicator_matrix
from analysis.inference.regression import Array
from analysis.inference.resampling import benjamini_hochberg
from analysis.seeds import generator


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
    fit = fractional_logit(growth.inverse_logit(design.y) / 100, frame, design.clusters)
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


# --------------------------------------------------------------------------------------------------
# The specification curve: every sensible combination of choices, for each question.
#
# The set was fixed before any of it was run: three pairing rules; published rates on one
# population, participants over the official population, or rates as published; levels or changes
# (annual or whole changes); three forms of the periods; and every subset of the controls of each
# question. A choice that a design cannot express is not counted twice: levels have no start.
# --------------------------------------------------------------------------------------------------

#: Focal terms and the controls that may stand beside each.
FAMILIES: dict[str, tuple[str, ...]] = {
    policy.TERM: ("start_level", "regions", "minority_trend", "income", "urban"),
    "start_level": (policy.TERM, "regions", "minority_trend", "income", "urban"),
    "income": (policy.TERM, "start_level", "regions", "urban"),
    "poverty": (policy.TERM, "start_level", "regions", "urban"),
    "urban": (policy.TERM, "start_level", "regions", "income"),
    "grdp": (policy.TERM, "start_level", "regions", "urban"),
    "wage_work": (policy.TERM, "start_level", "regions", "urban"),
    "governance": (policy.TERM, "start_level", "regions", "urban"),
}
#: Which readings are compared, and what may stand for the coverage of a province.
COMPARED_RULES = pairs.RULES
COMPARED_EVIDENCE = ("published", "participants", "as_published")
FORMS = (("levels", "whole"), ("changes", "annual"), ("changes", "whole"))


def choices_of(focal: str) -> Iterator[growth.Choices]:
    """All specifications of one question, in a fixed order."""
    for rule, evidence, form, periods in product(
        COMPARED_RULES, COMPARED_EVIDENCE, FORMS, growth.PERIODS
    ):
        for size in range(len(FAMILIES[focal]) + 1):
            for controls in combinations(FAMILIES[focal], size):
                design, weighting = form
                terms_used = {focal, *controls}
                if design == "levels" and "start_level" in terms_used:
                    continue
                yield growth.Choices(
                    design=design,
                    rule=rule,
                    evidence=evidence,
                    periods=periods,
                    weighting=weighting,
                    policy=policy.TERM in terms_used,
                    start_level="start_level" in terms_used,
                    regions="regions" in terms_used,
                    minority_trend="minority_trend" in terms_used,
                    drivers=tuple(d for d in (focal, *controls) if d in growth_drivers()),
                )


def growth_drivers() -> tuple[str, ...]:
    """Terms that are drivers times the trend."""
    return ("income", "poverty", "urban", "grdp", "wage_work", "governance")


def specification(samples: growth.Samples, focal: str, choices: growth.Choices) -> Specification:
    """One specification ready to run. Raises SingularDesign where there are no rows."""
    design = samples.design("hi_coverage", choices)
    controls = sorted(
        name
        for name in ("start_level", "regions", "minority_trend")
        if getattr(choices, name) and name != focal
    )
    controls += [d for d in choices.drivers if d != focal]
    controls += ["decision_861"] if choices.policy and focal != policy.TERM else []
    named = {
        "focal": focal,
        "design": choices.design,
        "weighting": choices.weighting,
        "rule": choices.rule,
        "evidence": choices.evidence,
        "periods": choices.periods,
        "controls": " + ".join(controls),
    }
    return Specification(
        named, design.y, design.X, design.names, design.clusters, focal, design.absorb
    )


def run(samples: growth.Samples, draws: int = 499) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run all families.

    Returns the curve (one row a specification) and a summary (one row a family: specifications,
    counted, not_counted, median, share_negative, share_significant, joint p-values and their
    false-discovery q). Specifications that cannot be estimated, or rest on fewer than ten
    provinces, are listed with the reason and not counted.
    """
    tables, summary = [], []
    for focal in FAMILIES:
        specs = [specification(samples, focal, c) for c in choices_of(focal)]
        curve = run_curve(specs, generator("drivers", "curve", focal), draws)
        tables.append(curve.table)
        summary.append(_summary(focal, curve))
    table = pd.concat(tables, ignore_index=True)
    table["specification"] = np.arange(1, len(table) + 1)
    joint = pd.DataFrame(summary)
    joint["joint_q"] = benjamini_hochberg(joint["joint_median"])
    return table, joint


def _summary(focal: str, curve: Curve) -> dict[str, object]:
    done = curve.table[curve.table["note"] == ""]
    significant = done["wild_p"] <= 0.05
    return {
        "focal": focal,
        "specifications": len(curve.table),
        "counted": len(done),
        "not_counted": len(curve.table) - len(done),
        "median": float(done["estimate"].median()),
        "low": float(done["estimate"].quantile(0.05)),
        "high": float(done["estimate"].quantile(0.95)),
        "share_negative": float((done["estimate"] < 0).mean()),
        "share_significant": float(significant.mean()),
        "joint_median": curve.joint["median"],
        "joint_significant": curve.joint["share_significant"],
        "joint_sign": curve.joint["share_of_sign"],
    }


# --------------------------------------------------------------------------------------------------
# Regression to the mean: what reading error alone does to the coefficient of the start.
#
# Galton's effect: a start that was read too high is followed by a smaller change, because the error
# is not repeated. So the starting level gets a negative coefficient even where no province ever
# catches up. The simulation takes a world in which the start has no effect by construction, adds
# reading errors, and runs the very same regression.
# --------------------------------------------------------------------------------------------------

#: Standard deviations of the error of one reading, in percentage points.
_ERRORS = (1.0, 1.5, 2.0)


def simulate_start(
    samples: growth.Samples,
    choices: growth.Choices,
    draws: int = 500,
    errors: tuple[float, ...] = _ERRORS,
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
    start = growth.logit(design.rows["value0"].to_numpy())
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
    share = growth.inverse_logit(z) / 100
    return 1 / (100 * share * (1 - share))
