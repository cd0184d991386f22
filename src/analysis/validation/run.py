"""Score one model: forecasts of every fold, their scores, and a compact table.

    python -m analysis.validation.run --model national --indicator hi_coverage \
        --design rolling_origin
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.forecast.prediction import PERCENTILE_COLUMNS
from analysis.forecast.space import VERSION_1
from analysis.validation import designs, own_model, scores
from analysis.validation.designs import inputs
from analysis.validation.peers import PEERS, Peer, PeerFailure

NAIVE, BENCHMARK, _FIRST = "last_value", "national", "version_1"
#: The two rolling designs come from one set of folds.
RUNS = ("rolling_origin", "latest", "random_fifth", "leave_province_out")
FAILURES = ["model", "indicator", "design", "fold", "n", "reason"]


@dataclass(frozen=True)
class Evaluation:
    """What came of one model in one design.

    scored: one row a forecast with its scores. attainment: one row a year-end with a target,
    with the probabilities of meeting it. failures: folds and rows that a model gave up on.
    """

    scored: pd.DataFrame
    attainment: pd.DataFrame
    failures: pd.DataFrame


def model_of(name: str) -> Peer:
    """The function of a model: `analysis`, `version_1`, one of PEERS, or `module:function`."""
    if name in ("analysis", _FIRST):
        return (
            own_model.analysis
            if name == "analysis"
            else partial(own_model.analysis, settings=VERSION_1)
        )
    if name in PEERS:
        return PEERS[name]
    module, _, function = name.partition(":")
    if not function:
        raise ValueError(
            f"unknown model {name!r}; known: analysis, {_FIRST}, {', '.join(PEERS)}, or "
            "module:function"
        )
    return getattr(importlib.import_module(module), function)


def _evaluate(
    model: str | Callable[..., pd.DataFrame],
    indicator: str,
    design: str,
    readings: pd.DataFrame,
    raw: Any,
    name: str | None = None,
) -> Evaluation:
    """Forecast and score every fold of `design` (RUNS, designs.FURTHER) with one model."""
    label = name or (model if isinstance(model, str) else model.__name__)
    return evaluate_all({label: model}, indicator, design, readings, raw)[label]


def evaluate_all(
    models: Mapping[str, str | Callable[..., pd.DataFrame]],
    indicator: str,
    design: str,
    readings: pd.DataFrame,
    raw: Any,
) -> dict[str, Evaluation]:
    """Forecast and score every fold of `design` (one of RUNS) with several models, by label.

    The folds are made once for all. A PeerFailure is recorded as a failure with its reason; any
    other exception stops the run.
    """
    folds = list(designs.folds(design, readings, raw, indicator))
    return {
        label: _together(
            [
                evaluate_fold(model_of(one) if isinstance(one, str) else one, label, indicator, f)
                for f in folds
            ]
        )
        for label, one in models.items()
    }


def _together(results: list[Evaluation]) -> Evaluation:
    return Evaluation(*(pd.concat(parts, ignore_index=True) for parts in _columns(results)))


def _columns(results: list[Evaluation]) -> list[list[pd.DataFrame]]:
    """The folds' tables side by side, empty ones left out unless there is nothing else."""
    names = [field.name for field in dataclasses.fields(Evaluation)]
    tables = [[getattr(result, name) for result in results] for name in names]
    return [[table for table in column if len(table)] or column[:1] for column in tables]


def evaluate_fold(peer: Peer, label: str, indicator: str, fold: designs.Fold) -> Evaluation:
    """Forecast one fold and score it."""
    kind = fold.answers["design"].iloc[0]
    questions = fold.questions
    try:
        forecast = peer(fold.known.readings, questions.copy(), fold.known)
    except PeerFailure as failure:
        row = (label, indicator, kind, fold.name, len(fold.queries), str(failure))
        return Evaluation(pd.DataFrame(), pd.DataFrame(), pd.DataFrame([row], columns=FAILURES))
    _check(forecast, questions, f"{label}, {fold.name}")
    asked = fold.queries.merge(questions[designs.QUERY].reset_index(), on=designs.QUERY)
    own = forecast.loc[asked["index"], ["mean", "sd", *PERCENTILE_COLUMNS]].reset_index(drop=True)
    names = {"model": label, "origin": fold.origin, "fold": fold.name}
    head = pd.DataFrame(names, index=fold.queries.index)
    table = pd.concat([head, fold.queries, fold.answers, own], axis=1).copy()
    return Evaluation(
        scored=table.join(scores.score_forecasts(table)),
        attainment=_attainment(forecast, questions, fold, label),
        failures=_notes(forecast, (label, indicator, kind, fold.name)),
    )


def _notes(forecast: pd.DataFrame, where: tuple[str, ...]) -> pd.DataFrame:
    """What the model did without, from its column `note`: one row a reason."""
    if "note" not in forecast:
        return pd.DataFrame(columns=FAILURES)
    counted = forecast.loc[forecast["note"] != "", "note"].value_counts().sort_index()
    rows = [(*where, n, text) for text, n in counted.items()]
    return pd.DataFrame(rows, columns=FAILURES)


def _attainment(
    forecast: pd.DataFrame, questions: pd.DataFrame, fold: designs.Fold, label: str
) -> pd.DataFrame:
    """Probabilities of meeting each announced target, and the value reported later (or NaN).

    p_quantiles is read off the quantiles of the reported value; p_meets_true and
    p_meets_reported are the model's own, where it gives them.
    """
    due = questions["target"].notna()
    if not due.any():
        return pd.DataFrame()
    table = questions[due].reset_index(drop=True)
    quantiles = forecast.loc[due, PERCENTILE_COLUMNS].to_numpy(float)
    table["p_quantiles"] = 1 - scores.distribution(quantiles, table["target"].to_numpy(float))
    for column in ("p_meets_true", "p_meets_reported"):
        table[column] = forecast.loc[due, column].to_numpy() if column in forecast else np.nan
    known = fold.queries.join(fold.answers[["value", "last_value"]])
    table = table.merge(known, on=designs.QUERY, how="left")
    table.insert(0, "model", label)
    table.insert(1, "origin", fold.origin)
    return table


def _check(forecast: pd.DataFrame, questions: pd.DataFrame, where: str) -> None:
    """A forecast must answer every query with finite, ordered quantiles within 0 to 100."""
    missing = [column for column in ("mean", "sd", *PERCENTILE_COLUMNS) if column not in forecast]
    if missing:
        raise ValueError(f"{where}: columns missing: {', '.join(missing[:5])}")
    if not forecast.index.equals(questions.index):
        raise ValueError(f"{where}: the forecasts are not on the index of the queries")
    quantiles = forecast[PERCENTILE_COLUMNS].to_numpy(float)
    if not np.isfinite(quantiles).all():
        raise ValueError(f"{where}: a quantile is not a finite number")
    if (np.diff(quantiles, axis=1) < -1e-9).any():
        raise ValueError(f"{where}: quantiles are not in ascending order")
    if quantiles.min() < -1e-9 or quantiles.max() > 100 + 1e-9:
        raise ValueError(f"{where}: a quantile lies outside 0 to 100 percent")


def model_score_table(scored: pd.DataFrame, by_origin: bool = True) -> pd.DataFrame:
    """Scores by model, indicator, design and origin, with skill against the two references.

    scored: rows of `evaluate` of several models, the references among them. Skill compares on
    the same forecasts and is left empty where a reference has none.
    """
    keys = ["indicator", "design", "province_code", "as_of", "origin"]
    for label, reference in (("naive", NAIVE), ("national", BENCHMARK)):
        other = scored.loc[scored["model"] == reference, [*keys, "crps"]]
        scored = scored.merge(other.rename(columns={"crps": label}), on=keys, how="left")
    rows = []
    for (model, indicator, design), part in scored.groupby(["model", "indicator", "design"]):
        groups: list[tuple[Any, pd.DataFrame]] = [("all", part)]
        if by_origin and len(set(part["origin"])) > 1:
            groups += list(part.groupby("origin"))
        for origin, group in groups:
            row: dict[Any, Any] = {"model": model, "indicator": indicator}
            row |= {"design": design, "origin": origin, **scores.score_summary(group).to_dict()}
            rows.append(row | _skill(group, "naive") | _skill(group, "national"))
    return pd.DataFrame(rows)


def _skill(group: pd.DataFrame, label: str) -> dict[str, float]:
    names = (f"skill_vs_{label}", f"skill_vs_{label}_low", f"skill_vs_{label}_high")
    if group[label].isna().any():
        return dict.fromkeys(names, np.nan)
    found = scores.skill(group["crps"], group[label], group["province_code"], label)
    return dict(zip(names, found, strict=True))


def compact(full: pd.DataFrame) -> str:
    """The table as text: two decimals, coverage and skill in percent."""
    shown = full[["model", "design", "origin", "n", "crps", "mae", "bias"]].copy()
    shown[["crps", "mae", "bias"]] = shown[["crps", "mae", "bias"]].astype(float).round(3)
    bands = [full[f"cover{percent}"].astype(float) * 100 for percent in scores.BANDS]
    shown["50/80/90/95"] = ["/".join(f"{x:.0f}" for x in row) for row in zip(*bands, strict=True)]
    shown["w80"] = full["width80"].astype(float).round(1)
    shown["logs"] = full["log_score"].astype(float).round(2)
    for label in ("naive", "national"):
        name = f"skill_vs_{label}"
        shown[f"vs {label} %"] = [
            "" if pd.isna(a) else f"{100 * a:.0f} ({100 * b:.0f} to {100 * c:.0f})"
            for a, b, c in zip(full[name], full[f"{name}_low"], full[f"{name}_high"], strict=True)
        ]
    return shown.to_string(index=False)


def _main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, action="append")
    parser.add_argument("--indicator", default="hi_coverage")
    parser.add_argument(
        "--design", default="rolling_origin", choices=[*RUNS, *designs.FURTHER, "all"]
    )
    parser.add_argument("--out", help="write every scored forecast to this CSV file")
    given = parser.parse_args(arguments)
    readings, raw = inputs()
    runs = RUNS if given.design == "all" else (given.design,)
    models = list(dict.fromkeys([*given.model, NAIVE, BENCHMARK]))
    done = [_evaluate(m, given.indicator, run, readings, raw) for run in runs for m in models]
    scored = pd.concat([one.scored for one in done if len(one.scored)], ignore_index=True)
    full = model_score_table(scored)
    print(compact(full[full["model"].isin(given.model)]))
    failures = pd.concat([one.failures for one in done], ignore_index=True)
    if len(failures):
        print("\nnot as asked:\n" + failures.to_string(index=False))
    if given.out:
        scored[scored["model"].isin(given.model)].to_csv(given.out, index=False)


if __name__ == "__main__":
    _main()
