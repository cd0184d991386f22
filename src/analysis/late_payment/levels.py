"""Late payment on one footing: variance split, conversion between bases, adjusted levels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.country.indicators import DAYS_PER_PERCENT
from analysis.inference import Components, components_shares, fit_components
from analysis.inference.components import indicator_matrix
from analysis.inference.regression import Array
from analysis.seeds import generator

#: The footing of adjusted levels: the commonest wording, over receivable, outside December.
FOOTING = {
    "basis": "unspecified",
    "denominator": "receivable",
    "december": False,
    "law": "before",
}
_MEASURES = ("basis", "denominator", "law")
#: A basis seen fewer times than this shares its term with no other and is left out.
_FEWEST = 2


@dataclass(frozen=True)
class Levels:
    """The fitted measurement model of log rates: fixed terms and province effects."""

    rows: pd.DataFrame
    names: tuple[str, ...]
    fit: Components
    provinces: tuple[str, ...]


def level_design(rows: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    """Constant, dummies of the measures against FOOTING, and December: (n, k), names."""
    columns: list[Array] = [np.ones(len(rows))]
    names = ["constant"]
    for measure in _MEASURES:
        for value in sorted(set(rows[measure]) - {FOOTING[measure]}):
            columns.append(rows[measure].eq(value).to_numpy(dtype=float))
            names.append(f"{measure}:{value}")
    columns.append(rows["december"].to_numpy(dtype=float))
    return np.column_stack(columns), (*names, "december")


def usable_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows whose basis, denominator and law occur often enough to have a term."""
    for measure in _MEASURES:
        counts = rows.groupby(measure)["rate"].transform("size")
        rows = rows[counts >= _FEWEST]
    return rows.reset_index(drop=True)


def fit_levels(rows: pd.DataFrame) -> Levels:
    """log rate = basis + denominator + December + province + residual (restricted ML)."""
    rows = usable_rates(rows)
    X, names = level_design(rows)
    codes = rows["province_code"].to_numpy(dtype=str)
    fit = fit_components(np.log(rows["rate"]), X, {"province": indicator_matrix(codes)}, names)
    return Levels(rows, names, fit, tuple(sorted(set(codes))))


def variance_split(rows: pd.DataFrame, draws: int = 200) -> pd.DataFrame:
    """Share of the variance of the log rate by source, with parametric bootstrap intervals.

    Columns: source (basis, province, denominator, season, year, residual), share, low, high.
    """
    rows = usable_rates(rows)
    sources = {
        "basis": rows["basis"],
        "province": rows["province_code"],
        "denominator": rows["denominator"],
        "season": rows["december"].astype(str),
        "year": rows["year"].astype(str),
    }
    blocks = {k: indicator_matrix(v.to_numpy(dtype=str)) for k, v in sources.items()}
    y, X = np.log(rows["rate"].to_numpy()), np.ones((len(rows), 1))
    shares = components_shares(y, X, blocks, generator("late", "variance"), draws)
    return pd.DataFrame(
        [{"source": k, "share": s, "low": lo, "high": hi} for k, (s, lo, hi) in shares.items()]
    )


def conversions(levels: Levels) -> pd.DataFrame:
    """Factors between definitions, against FOOTING: columns measure, to, factor, low, high, n."""
    cut = stats.t.ppf(0.975, len(levels.provinces) - 1)
    rows = []
    for j, name in enumerate(levels.names):
        if name == "constant":
            continue
        centre, spread = levels.fit.beta[j], cut * np.sqrt(levels.fit.covariance[j, j])
        measure, _, value = name.partition(":")
        seen = levels.rows["december"] if not value else levels.rows[measure].eq(value)
        rows.append(
            {
                "measure": measure if value else "season",
                "to": value or "december",
                "factor": float(np.exp(centre)),
                "low": float(np.exp(centre - spread)),
                "high": float(np.exp(centre + spread)),
                "n": int(seen.sum()),
            }
        )
    return pd.DataFrame(rows)


def same_weeks(rows: pd.DataFrame, days: int = 45) -> pd.DataFrame:
    """One province within some weeks on two bases: how many times the larger is the smaller.

    Readings are matched to their nearest on the other basis, each once a pair of bases.
    Columns: province_code, as_of, lower_basis, higher_basis, ratio.
    """
    out = []
    for (code, first, second), pair in _pairs_of_bases(rows):
        gaps = np.abs(pair[0]["as_of"].to_numpy()[:, None] - pair[1]["as_of"].to_numpy())
        for i in range(len(pair[0])):
            j = int(gaps[i].argmin())
            if gaps[:, j].argmin() == i and gaps[i, j] <= np.timedelta64(days, "D"):
                a, b = pair[0].iloc[i], pair[1].iloc[j]
                low, high = (first, second) if a["rate"] <= b["rate"] else (second, first)
                ratio = max(a["rate"], b["rate"]) / min(a["rate"], b["rate"])
                out.append([code, max(a["as_of"], b["as_of"]), low, high, ratio])
    return pd.DataFrame(
        out, columns=["province_code", "as_of", "lower_basis", "higher_basis", "ratio"]
    )


def _pairs_of_bases(
    rows: pd.DataFrame,
) -> Iterator[tuple[tuple[str, str, str], tuple[pd.DataFrame, pd.DataFrame]]]:
    for code, own in rows.groupby("province_code"):
        by_basis = {str(b): part.sort_values("as_of") for b, part in own.groupby("basis")}
        for first, second in combinations(sorted(by_basis), 2):
            yield (str(code), first, second), (by_basis[first], by_basis[second])


def adjusted_levels(levels: Levels, draws: int = 4000) -> pd.DataFrame:
    """Province levels on one footing as days of contributions owed, with rank intervals.

    Best linear predictions, so a province with one reading is drawn to the middle. Columns:
    province_code, days, low, high (95%), rank, rank_low, rank_high (90%; 1 owes most), n.
    """
    fit, rng = levels.fit, generator("late", "ranks")
    effects, spread = fit.effects["province"], fit.effect_covariances["province"]
    root = np.linalg.cholesky(spread + 1e-9 * np.eye(len(spread)))
    drawn = effects + rng.normal(size=(draws, len(effects))) @ root.T
    ranks = (-drawn).argsort(axis=1).argsort(axis=1) + 1
    counts = levels.rows.groupby("province_code").size().reindex(levels.provinces)
    error = 1.96 * np.sqrt(np.diag(spread) + fit.covariance[0, 0])
    table = pd.DataFrame(
        {
            "province_code": levels.provinces,
            "days": DAYS_PER_PERCENT * np.exp(fit.beta[0] + effects),
            "low": DAYS_PER_PERCENT * np.exp(fit.beta[0] + effects - error),
            "high": DAYS_PER_PERCENT * np.exp(fit.beta[0] + effects + error),
            "rank": (-effects).argsort().argsort() + 1,
            "rank_low": np.quantile(ranks, 0.05, axis=0).round().astype(int),
            "rank_high": np.quantile(ranks, 0.95, axis=0).round().astype(int),
            "n": counts.to_numpy(),
        }
    )
    return table.sort_values(["rank", "province_code"], ignore_index=True)


# --------------------------------------------------------------------------------------------------
# Changes of late payment that compare like with like, all of them.
# --------------------------------------------------------------------------------------------------

#: Readings closer than this are the same news; farther apart, another time.
SHORTEST_GAP, LONGEST_GAP = 60, 5 * 366


def like_for_like(rows: pd.DataFrame) -> pd.DataFrame:
    """Changes within a province, basis, season and kind of evidence; one row a change.

    The season is the same when both readings are year-end ones, or both are not; rates over plan
    are not compared with rates over receivable, and an unstated denominator counts as the usual
    one, receivable. Nor are rates from before July 2025 compared with later ones, since the law
    counts otherwise (country.breaks). Columns: province_code, basis, evidence, denominator,
    december, law, start, end, years, rate0, rate1, ratio, per_year (change of the log a year).
    """
    usual = rows["denominator"].replace({"unstated": "receivable"})
    keys = ["province_code", "basis", "evidence", "denominator", "december", "law"]
    ordered = rows.assign(denominator=usual).sort_values([*keys, "as_of"], kind="stable")
    before = ordered.groupby(keys)[["as_of", "rate", "readings"]].shift(1)
    gap = (ordered["as_of"] - before["as_of"]).dt.days
    table = pd.DataFrame(
        {
            **{key: ordered[key] for key in keys},
            "start": before["as_of"],
            "end": ordered["as_of"],
            "years": gap / 365.25,
            "rate0": before["rate"],
            "rate1": ordered["rate"],
        }
    )
    table["ratio"] = table["rate1"] / table["rate0"]
    table["per_year"] = np.log(table["ratio"]) / table["years"]
    keep = gap.between(SHORTEST_GAP, LONGEST_GAP)
    return table[keep].sort_values(["province_code", "basis", "end"], ignore_index=True)
