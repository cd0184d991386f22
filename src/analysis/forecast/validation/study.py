"""The whole study: every model in every design for every indicator, and the tables it ends in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import covariates, parallel, paths
from analysis import targets as targets_room
from analysis.cache import cached
from analysis.facts import Raw
from analysis.forecast.validation import (
    ablations,
    attainment,
    country_scores,
    designs,
    inputs,
    run,
    selection,
)
from analysis.forecast.validation.keep import FILE as ANSWERS
from analysis.forecast.validation.peers import PEERS
from analysis.forecast.validation.peers.kept import KEPT_FILE, KEPT_MODELS, KEPT_RUNS
from analysis.forecast.validation.run import Evaluation
from analysis.forecast.validation.scores import QUANTILES

MODELS = ("analysis", *PEERS)
INDICATORS = ("hi_coverage", "si_coverage", "ui_coverage")

VALIDATION = [
    "model", "indicator", "design", "origin", "n", "crps", "mae", "bias",
    "cover50", "cover80", "cover90", "cover95",
    "skill_vs_naive", "skill_vs_naive_low", "skill_vs_naive_high",
    "skill_vs_national", "skill_vs_national_low", "skill_vs_national_high",
]  # fmt: skip
FORECASTS = [
    "model", "indicator", "design", "origin", "province_code", "as_of", "value", "lower", "upper",
    "last_value", "last_as_of", "mean", "sd", *QUANTILES, "crps", "error", "log_score", "pit",
]  # fmt: skip
#: The models that the whole study is told with: the project's own, the benchmark, the naive one.
REFERENCES = ("analysis", run.BENCHMARK, run.NAIVE)
#: Characteristics on which provinces with and without readings are compared.
COMPARED = ("population_2015", "urban_share", "income_month", "poverty_rate", "minority_share")


#: What is worked on at once: a function and its arguments.
Task = tuple[Any, ...]

#: Files that are not named as the field is.
FILES = {
    "silence": "selection_silence",
    "printed": "validation_as_printed",
    "country": "validation_country",
    "country_forecasts": "validation_country_forecasts",
    "country_cases": "attainment_country",
    "country_chances": "attainment_country_scores",
}
#: How many times likelier a met target is to be reported than a missed one.
ODDS = (1.0, 1.5, 2.0, 4.0)


@dataclass(frozen=True)
class Study:
    """Every table of the validation, by name of its file in data/processed.

    validation: scores by model, indicator, design and origin. validation_scores: the same with
    widths, log score and change error. validation_forecasts: each scored forecast.
    attainment_forecasts and attainment_scores: chances of meeting targets. ablations, selection:
    see there. silence: the chances of silent units if silence means bad news. printed: scores
    on the figures as printed. model_failures: what models reported not to have been able to do.
    country, country_forecasts, country_cases, country_chances: the forecasts of the whole country,
    see `country_scores.Country`.
    """

    validation: pd.DataFrame
    validation_scores: pd.DataFrame
    validation_forecasts: pd.DataFrame
    attainment_forecasts: pd.DataFrame
    attainment_scores: pd.DataFrame
    ablations: pd.DataFrame
    selection: pd.DataFrame
    silence: pd.DataFrame
    printed: pd.DataFrame
    model_failures: pd.DataFrame
    country: pd.DataFrame
    country_forecasts: pd.DataFrame
    country_cases: pd.DataFrame
    country_chances: pd.DataFrame

    def write(self) -> None:
        """Write every table to data/processed."""
        for field in dataclasses.fields(self):
            name = FILES.get(field.name, field.name)
            paths.write_table(getattr(self, field.name), paths.PROCESSED / f"{name}.csv")


@cached
def evaluations(
    models: tuple[str, ...],
    indicator: str,
    design: str,
    readings: pd.DataFrame,
    raw: Raw,
    kept: Path | None,
    answers: Path | None,
) -> dict[str, Evaluation]:
    """Models in one design, kept on disk until readings, code or one of the files change.

    The models look into these files themselves: `kept`, forecasts of heavier models; `answers`,
    those of the project's own (`analysis.forecast.validation.keep`).
    """
    names = {model: model for model in models}
    return run.evaluate_all(names, indicator, design, readings, raw)


@cached
def study(
    readings: pd.DataFrame,
    raw: Raw,
    kept: Path | None = KEPT_FILE,
    indicators: tuple[str, ...] = INDICATORS,
    answers: Path | None = ANSWERS,
) -> Study:
    """Run everything and put the tables together. The order of work never changes a number.

    kept: the file of forecasts of heavier models; with None they are left out.
    answers: the file of forecasts of the project's own model, which saves fitting it anew.
    """
    printed = inputs.as_published(readings, raw)
    tasks: list[Task] = [
        (evaluations, _models(design, kept), indicator, design, readings, raw, kept, answers)
        for indicator in indicators
        for design in run.RUNS
    ]
    tasks += [
        (evaluations, REFERENCES, "hi_coverage", "rolling_origin", *printed, kept, answers),
        (ablations.without, "hi_coverage", readings, raw, answers),
        (country_scores.evaluate, readings, raw, indicators),
    ]
    *done, as_printed, reduced, whole = parallel.map(_part, tasks)
    scored, chances, failures = _tables(done)
    full = run.table(scored)
    return Study(
        validation=full[VALIDATION],
        validation_scores=full,
        validation_forecasts=scored[FORECASTS],
        attainment_forecasts=chances,
        attainment_scores=_attainment_scores(chances, readings, raw, indicators),
        ablations=_ablations(scored, reduced),
        selection=_selection(chances, readings, raw, indicators),
        silence=_silence(chances, indicators),
        printed=run.table(_tables([as_printed])[0], by_origin=False),
        model_failures=failures,
        country=whole.scores,
        country_forecasts=whole.forecasts,
        country_cases=whole.cases,
        country_chances=whole.chances,
    )


def variants() -> pd.DataFrame:
    """Every configuration that was scored on these readings: number, part, variant, why, kept."""
    return pd.read_csv(Path(paths.ROOT) / "data" / "benchmarks" / "variants.csv")


def _models(design: str, kept: Path | None) -> tuple[str, ...]:
    there = kept and design in KEPT_RUNS
    return tuple(model for model in MODELS if there or model not in KEPT_MODELS)


def _part(task: Task) -> Any:
    """The answer of the task's function to its arguments."""
    function, *arguments = task
    return function(*arguments)


def _tables(done: list[dict[str, Evaluation]]) -> list[pd.DataFrame]:
    names = [field.name for field in dataclasses.fields(Evaluation)]
    parts = [evaluation for models in done for evaluation in models.values()]
    return [_together([getattr(one, name) for one in parts]) for name in names]


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def _attainment_scores(
    chances: pd.DataFrame, readings: pd.DataFrame, raw: Raw, indicators: tuple[str, ...]
) -> pd.DataFrame:
    return _together([attainment.score_table(chances, readings, raw, one) for one in indicators])


def _ablations(scored: pd.DataFrame, reduced: dict[str, Evaluation]) -> pd.DataFrame:
    """Ablations of the model on health insurance, where there is enough to tell them apart."""
    own = scored[(scored["model"] == "analysis") & (scored["indicator"] == "hi_coverage")]
    own = own[own["design"].isin(designs.DESIGNS[:2])]
    return ablations.ablation_table(own, {name: one.scored for name, one in reduced.items()})


def _selection(
    chances: pd.DataFrame, readings: pd.DataFrame, raw: Raw, indicators: tuple[str, ...]
) -> pd.DataFrame:
    targets, wide = targets_room.targets(raw), covariates.table(raw)
    own = chances[chances["model"] == "analysis"]
    parts = []
    for one in indicators:
        parts.append(selection.heaping(readings, targets, one))
        parts.append(selection.reporters(readings, wide, one, COMPARED))
        parts.append(selection.when(readings, one))
        parts.append(selection.reported_or_silent(own, one, "p_meets_true"))
    return _together(parts)


def _silence(chances: pd.DataFrame, indicators: tuple[str, ...]) -> pd.DataFrame:
    """Targets due a year after their forecast, by whether their outcome was ever published."""
    own = chances[chances["model"] == "analysis"]
    own = own[own["as_of"].dt.year == own["origin"].astype(int) + 1]
    parts = []
    for one in indicators:
        units = own[own["indicator"] == one].assign(reported=own["value"].notna())
        if units["reported"].any() and not units["reported"].all():
            table = attainment.silence(units, "p_meets_reported", ODDS)
            parts.append(table.assign(indicator=one))
    return _together(parts)
