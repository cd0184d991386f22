"""One full Bayesian check: how far off are bands that rest on a normal around the mode?

The product's forecasts average over 16 points of the normal that has the curvature of the
posterior of the log standard deviations at its top (Laplace). Here that posterior itself is
sampled by NUTS (Hoffman and Gelman 2014, Journal of Machine Learning Research 15), from one origin;
everything below it is exact in both, since readings are normal on the log odds. What stays as it
is: the linear form of aggregates, the pull of targets and the factors of bands.

    python -m analysis.validation.full_sampling

writes data/benchmarks/full_sampling.csv and needs the optional dependencies `peers`. Chapter 06
shows the table as long as readings and code are those that it was made from.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast import bands, prediction
from analysis.forecast.fit import JITTER, Problem
from analysis.forecast.known import Known, ended_years, known_at
from analysis.forecast.model import Model, model
from analysis.forecast.posterior import posterior
from analysis.forecast.prediction import PERCENTILE_COLUMNS
from analysis.forecast.space import DEFAULT
from analysis.paths import ROOT, asked, write_table
from analysis.validation import scores, stored_forecasts
from analysis.validation.designs import inputs

SAMPLING_FILE = Path(ROOT) / "data" / "benchmarks" / "full_sampling.csv"
SAMPLED_FROM = pd.Timestamp(2022, 12, 31)
#: The days on which targets of the two years after the origin fall due.
_DAYS = (pd.Timestamp(2023, 12, 31), pd.Timestamp(2024, 12, 31))
_INDICATOR = "hi_coverage"
#: Chains, draws of each before and after adaptation ends, and draws that bands are made from.
_CHAINS, _WARMUP, _DRAWS, _USED = 2, 300, 300, 120
_WIDTHS = (50, 80, 95)
SAMPLING_COLUMNS = ["kind", "n", "shift", "shift_most", *(f"ratio{w}" for w in _WIDTHS),
           "parameters", "draws", "rhat", "ess", "mark"]  # fmt: skip


def question(readings: pd.DataFrame, raw: Any) -> tuple[Known, pd.DataFrame]:
    """What is known at SAMPLED_FROM, and every province and the country on each of _DAYS."""
    known = ended_years(known_at(readings, raw, SAMPLED_FROM))
    codes = sorted(known.raw.provinces["province_code"])
    units = [("country", "00"), *(("province_63", code) for code in codes)]
    rows = [(level, code, _INDICATOR, day) for day in _DAYS for level, code in units]
    names = ["geo_level", "province_code", "indicator", "as_of"]
    return known, pd.DataFrame(rows, columns=names)


def sampling_mark(known: Known, queries: pd.DataFrame) -> str:
    """The mark of evidence, question, settings and code (`stored_forecasts.mark`)."""
    return stored_forecasts.mark(known, queries, DEFAULT, "analysis.validation.full_sampling")


def stored_sampling(readings: pd.DataFrame, raw: Any) -> pd.DataFrame | None:
    """The stored comparison; None where it was made from other readings or other code."""
    asked(SAMPLING_FILE)
    stored = _stored()
    if stored is None or set(stored["mark"]) != {sampling_mark(*question(readings, raw))}:
        return None
    return stored


@cache
def _stored() -> pd.DataFrame | None:
    return pd.read_csv(SAMPLING_FILE) if SAMPLING_FILE.is_file() else None


def log_posterior(task: Problem, theta: Any) -> Any:
    """Minus `Problem.objective`, written anew for JAX: up to a constant, (J + E,) -> number."""
    import jax.numpy as jnp
    from jax.scipy.linalg import solve_triangular

    j = len(task.unit)
    scale = jnp.exp(2 * theta)
    matrix = jnp.tensordot(scale[:j], task.unit, 1)
    matrix = matrix + jnp.diag(scale[j:] @ task.errors + task.known + JITTER)
    factor = jnp.linalg.cholesky(matrix)
    half = solve_triangular(factor, task.z, lower=True)
    distance = (theta - task.prior_mean) / task.prior_width
    return -0.5 * half @ half - jnp.log(jnp.diag(factor)).sum() - 0.5 * distance @ distance


def sampled(built: Model) -> tuple[np.ndarray, float, float]:
    """Draws (_CHAINS, _DRAWS, J + E) of the log standard deviations, worst R-hat, least ESS.

    Coordinates are those in which the normal around the mode is round.
    """
    import jax
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
    from numpyro.infer import MCMC, NUTS

    fit = built.fit
    turn = np.linalg.cholesky(fit.covariance)
    with jax.enable_x64(True):

        def potential(x: Any) -> Any:
            return -log_posterior(fit.problem, fit.theta + turn @ x)

        kernel = NUTS(potential_fn=potential, max_tree_depth=6)
        run = MCMC(kernel, num_warmup=_WARMUP, num_samples=_DRAWS, num_chains=_CHAINS,
                   chain_method="sequential", progress_bar=False)  # fmt: skip
        start = np.random.default_rng(20221231).normal(size=(_CHAINS, len(fit.theta)))
        run.run(jax.random.PRNGKey(20221231), init_params=start)
        found = np.asarray(run.get_samples(group_by_chain=True), float)
    theta = fit.theta + found @ turn.T
    rhat, ess = split_gelman_rubin(theta), effective_sample_size(theta)
    return theta, float(np.max(rhat)), float(np.min(ess))


def fully(built: Model, theta: np.ndarray) -> Model:
    """The same model with the draws theta (M, J + E) in the place of its 16 points."""
    fit = dataclasses.replace(built.fit, draws=theta)
    return dataclasses.replace(built, posterior=posterior(fit))


def compared(built: Model, full: Model, queries: pd.DataFrame) -> pd.DataFrame:
    """One row a kind of unit: shift of the median (points) and ratios of the widths of bands.

    shift: mean of full less product; shift_most: the largest in size. ratio: mean width of the
    full bands over that of the product's.
    """
    own, other = (
        pd.DataFrame(prediction.answered(one, queries)[:, 2:], columns=PERCENTILE_COLUMNS)
        for one in (built, full)
    )
    shift = (other["q0.50"] - own["q0.50"]).to_numpy(float)
    widths = {}
    for percent in _WIDTHS:
        ends = [scores.band(one.to_numpy(float), percent) for one in (own, other)]
        widths[percent] = [high - low for low, high in ends]
    kinds = bands.kinds(queries, built.evidence)
    rows = []
    for kind in sorted(set(kinds)):
        at = kinds == kind
        row = {"kind": kind, "n": int(at.sum()), "shift": shift[at].mean()}
        row["shift_most"] = shift[at][np.abs(shift[at]).argmax()]
        for percent, (mine, theirs) in widths.items():
            row[f"ratio{percent}"] = theirs[at].mean() / mine[at].mean()
        rows.append(row)
    return pd.DataFrame(rows)


def _main() -> None:
    """Sample and write the table, unless it is of today's readings and code already."""
    if importlib.util.find_spec("numpyro") is None:
        print(f"numpyro is not installed: {SAMPLING_FILE.name} stays as it is")
        return
    readings, raw = inputs()
    if stored_sampling(readings, raw) is not None:
        print(f"{SAMPLING_FILE.name} is up to date")
        return
    known, queries = question(readings, raw)
    built = model(known, _INDICATOR, DEFAULT)
    theta, rhat, ess = sampled(built)
    flat = theta.reshape(-1, theta.shape[-1])
    used = flat[np.linspace(0, len(flat) - 1, _USED).round().astype(int)]
    found = compared(built, fully(built, used), queries).round(4)
    found = found.assign(parameters=theta.shape[-1], draws=len(flat), rhat=round(rhat, 3))
    found = found.assign(ess=round(ess), mark=sampling_mark(known, queries))
    write_table(found[SAMPLING_COLUMNS], SAMPLING_FILE)
    print(found.to_string(index=False))


if __name__ == "__main__":
    _main()
