"""The whole study: every model in every design for every indicator, and the tables it ends in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import parallel, paths
from analysis.country.indicators import COVERAGE
from analysis.disk_cache import cached
from analysis.facts import Raw
from analysis.forecast.prediction import PERCENTILE_COLUMNS
from analysis.readings import covariates
from analysis.readings import targets as targets_room
from analysis.validation import country, designs, own_model_country, run, scores, selection
from analysis.validation.peers import KEPT_FILE, KEPT_MODELS, KEPT_RUNS, PEERS, SERIES
from analysis.validation.run import Evaluation
from analysis.validation.stored_forecasts import FILE as ANSWERS

# --------------------------------------------------------------------------------------------------
# Scores of the forecasts of the country: numbers and chances, of every model on the same cases.
# --------------------------------------------------------------------------------------------------

OWN = "analysis"
COUNTRY_MODELS = {OWN: own_model_country.analysis, **SERIES}
PAST = {"past_share": "plain", "past_share_cautious": "cautious"}
ALL = "all"

COUNTRY_FORECASTS = [
    "model", "indicator", "origin", "as_of", "value", "lower", "upper", "last_value",
    "last_as_of", "mean", "sd", *PERCENTILE_COLUMNS, "crps", "error", "pit",
]  # fmt: skip
CASES = [
    "model", "indicator", "design", "origin", "as_of", "target", "setter", "announced",
    "p_meets_true", "p_meets_reported", "value", "met",
]  # fmt: skip
_CASE = ["design", "indicator", "origin", "as_of"]
_READING = ["indicator", "origin", "as_of"]


@dataclass(frozen=True)
class Country:
    """What came of the designs of `country`.

    scores: by model, indicator (and all together) and readings (all and year_end of the origins at
    ends of years; mid_year: year-ends from the middle of their year). forecasts: each
    scored forecast. cases: each target with its chances and outcome (met is 1, 0 or missing).
    chances: Brier scores by design, indicator (and all together), model and probability. A model
    that cannot answer a fold (see `peers.series`) has no rows for it.
    """

    scores: pd.DataFrame
    forecasts: pd.DataFrame
    cases: pd.DataFrame
    chances: pd.DataFrame


def evaluate(readings: pd.DataFrame, raw: Any, indicators: tuple[str, ...]) -> Country:
    """Forecast and score every fold of every design with every model."""
    done = [
        _fold(fold, design)
        for design in country.COUNTRY_DESIGNS
        for fold in country.country_folds(design, readings, raw, indicators)
    ]
    scored, cases = (
        pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
        for parts in zip(*done, strict=True)
    )
    cases = pd.concat([cases, past_share(cases, readings, raw)], ignore_index=True)
    cases = _ordered(cases.astype({"met": "Int64"}), _CASE)
    scored["origin"] = pd.to_datetime(scored["origin"])
    numbers = _ordered(scored[scored["design"] != country.ANNOUNCED], _READING)
    return Country(
        country_score_table(numbers), numbers[COUNTRY_FORECASTS], cases[CASES], chances(cases)
    )


def _ordered(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Rows by model and `keys`; designs in the order of `country.COUNTRY_DESIGNS`."""
    orders = {"model": (*COUNTRY_MODELS, *PAST), "design": country.COUNTRY_DESIGNS}

    def rank(column: pd.Series) -> pd.Series:
        order = orders.get(str(column.name))
        return column.map({one: i for i, one in enumerate(order)}) if order else column

    return table.sort_values(["model", *keys], key=rank, ignore_index=True)


def _fold(fold: designs.Fold, design: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scored forecasts and cases of every model in one fold."""
    indicator = fold.queries["indicator"].iloc[0]
    made = [run.evaluate_fold(peer, name, indicator, fold) for name, peer in COUNTRY_MODELS.items()]
    scored = pd.concat([one.scored for one in made], ignore_index=True)
    asked = pd.concat([one.attainment for one in made], ignore_index=True)
    if asked.empty:
        return scored, asked
    details = fold.targets[["as_of", "setter", "announced"]]
    cases = asked.merge(details, on="as_of", validate="many_to_one")
    said = cases["p_meets_reported"].fillna(cases["p_quantiles"])
    met = targets_room.meets(cases["value"], cases["target"])
    met = np.where(cases["value"].isna(), np.nan, met)
    day = pd.to_datetime(cases["origin"])
    cases = cases.assign(design=design, p_meets_reported=said, met=met, origin=day)
    return scored, cases[CASES]


def past_share(cases: pd.DataFrame, readings: pd.DataFrame, raw: Any) -> pd.DataFrame:
    """What the past share of met targets of the country says to every case.

    Rows as `cases`, of two models: past_share (a half where nothing had been reported) and
    past_share_cautious (one met and one missed target added).
    """
    asked = cases[cases["model"] == OWN]
    targets = targets_room.targets(raw)
    rows = []
    for (indicator, origin), group in asked.groupby(["indicator", "origin"]):
        met, n = _past(readings, targets, str(indicator), pd.Timestamp(str(origin)))
        shares = (met / n if n else 0.5, (met + 1) / (n + 2))
        for model, share in zip(PAST, shares, strict=True):
            rows.append(group.assign(model=model, p_meets_true=np.nan, p_meets_reported=share))
    return pd.concat(rows, ignore_index=True)


def _past(
    readings: pd.DataFrame, targets: pd.DataFrame, indicator: str, origin: pd.Timestamp
) -> tuple[int, int]:
    """How many of the country's targets had been met, of how many year-ends read by `origin`."""
    due = country.before_due(targets_room.announced_by(targets, origin))
    due = designs.in_force(due, indicator, designs.COUNTRY_LEVEL)
    known = readings[pd.to_datetime(readings["known_on"]) <= origin]
    seen = designs.scored_readings(
        known[known["as_of"] <= origin], indicator, designs.COUNTRY_LEVEL
    )
    pairs = seen.merge(due[["as_of", "target"]], on="as_of")
    return int(targets_room.meets(pairs["value"], pairs["target"]).sum()), len(pairs)


def country_score_table(numbers: pd.DataFrame) -> pd.DataFrame:
    """Scores by model, indicator and readings.

    numbers: scored forecasts. crps_analysis is the score of the project's own model on the
    forecasts that the model of the line answered; days and year_ends count different dates.
    """
    mine = numbers.loc[numbers["model"] == OWN, [*_READING, "crps"]]
    numbers = numbers.merge(mine.rename(columns={"crps": "crps_analysis"}), on=_READING)
    numbers["year_end"] = numbers["as_of"].dt.is_year_end
    rows = []
    for (model, indicator, which), group in _groups(numbers):
        line = (
            scores.score_summary(group).drop(["provinces", "change_error", "log_score"]).to_dict()
        )
        days = {
            "n": line.pop("n"),
            "days": group["as_of"].nunique(),
            "year_ends": group.loc[group["year_end"], "as_of"].nunique(),
        }
        head = {"model": model, "indicator": indicator, "readings": which}
        rows.append(head | days | {"crps_analysis": group["crps_analysis"].mean()} | line)
    return pd.DataFrame(rows)


def _groups(numbers: pd.DataFrame) -> list[tuple[tuple[str, str, str], pd.DataFrame]]:
    """The forecasts of each model, by indicator and together, by kind of reading."""
    found = []
    for model in [name for name in COUNTRY_MODELS if name in set(numbers["model"])]:
        one = numbers[numbers["model"] == model]
        for indicator in [*one["indicator"].unique(), ALL]:
            part = one if indicator == ALL else one[one["indicator"] == indicator]
            early = part["origin"].dt.is_year_end
            for which, rows in (
                (ALL, early),
                ("year_end", early & part["year_end"]),
                ("mid_year", ~early),
            ):
                chosen = part[rows]
                if len(chosen):
                    found.append(((model, str(indicator), which), chosen))
    return found


def chances(cases: pd.DataFrame) -> pd.DataFrame:
    """Brier scores of the cases whose outcome was reported.

    Columns: design, indicator, model, probability (meets_true, meets_reported), n, year_ends,
    share_met, mean_probability, brier, and brier_analysis: that of the project's own model
    (as reported) on the cases that the model of the line answered.
    """
    known = cases[cases["met"].notna()]
    mine = known.loc[known["model"] == OWN, [*_CASE, "p_meets_reported"]]
    known = known.merge(mine.rename(columns={"p_meets_reported": "own"}), on=_CASE)
    rows = []
    for design in country.COUNTRY_DESIGNS:
        part = known[known["design"] == design]
        for indicator in [*part["indicator"].unique(), ALL]:
            chosen = part if indicator == ALL else part[part["indicator"] == indicator]
            rows += [{"design": design, "indicator": indicator} | line for line in _brier(chosen)]
    return pd.DataFrame(rows)


def _brier(cases: pd.DataFrame) -> list[dict[str, Any]]:
    """One line a model and probability."""
    rows = []
    for model in [name for name in (*COUNTRY_MODELS, *PAST) if name in set(cases["model"])]:
        for kind in ("meets_true", "meets_reported"):
            one = cases[(cases["model"] == model) & cases[f"p_{kind}"].notna()]
            if one.empty:
                continue
            met = one["met"].to_numpy(float)
            rows.append(
                {
                    "model": model,
                    "probability": kind,
                    "n": len(one),
                    "year_ends": one["as_of"].nunique(),
                    "share_met": float(met.mean()),
                    "mean_probability": float(one[f"p_{kind}"].mean()),
                    "brier": scores.brier(one[f"p_{kind}"].to_numpy(float), met),
                    "brier_analysis": scores.brier(one["own"].to_numpy(float), met),
                }
            )
    return rows


MODELS = ("analysis", *PEERS)

VALIDATION = [
    "model", "indicator", "design", "origin", "n", "crps", "mae", "bias",
    "cover50", "cover80", "cover90", "cover95",
    "skill_vs_naive", "skill_vs_naive_low", "skill_vs_naive_high",
    "skill_vs_national", "skill_vs_national_low", "skill_vs_national_high",
]  # fmt: skip
_FORECASTS = [
    "model", "indicator", "design", "origin", "province_code", "as_of", "value", "lower", "upper",
    "last_value", "last_as_of", "mean", "sd", *PERCENTILE_COLUMNS, "crps", "error",
    "log_score", "pit",
]  # fmt: skip
#: The models that the whole study is told with: the project's own, the benchmark, the naive one.
REFERENCES = ("analysis", run.BENCHMARK, run.NAIVE)
#: Characteristics on which provinces with and without readings are compared.
COMPARED = ("population_2015", "urban_share", "income_month", "poverty_rate", "minority_share")


#: What is worked on at once: a function and its arguments.
_Task = tuple[Any, ...]

#: Files that are not named as the field is.
_FILES = {
    "silence": "selection_silence",
    "printed": "validation_as_printed",
    "country": "validation_country",
    "country_forecasts": "validation_country_forecasts",
    "country_cases": "attainment_country",
    "country_chances": "attainment_country_scores",
}
#: How many times likelier a met target is to be reported than a missed one.
_ODDS = (1.0, 1.5, 2.0, 4.0)


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
            name = _FILES.get(field.name, field.name)
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
    those of the project's own (`analysis.validation.stored_forecasts`).
    """
    names = {model: model for model in models}
    return run.evaluate_all(names, indicator, design, readings, raw)


@cached
def study(
    readings: pd.DataFrame,
    raw: Raw,
    kept: Path | None = KEPT_FILE,
    indicators: tuple[str, ...] = COVERAGE,
    answers: Path | None = ANSWERS,
) -> Study:
    """Run everything and put the tables together. The order of work never changes a number.

    kept: the file of forecasts of heavier models; with None they are left out.
    answers: the file of forecasts of the project's own model, which saves fitting it anew.
    """
    printed = designs.as_published(readings, raw)
    tasks: list[_Task] = [
        (evaluations, _models(design, kept), indicator, design, readings, raw, kept, answers)
        for indicator in indicators
        for design in run.RUNS
    ]
    tasks += [
        (evaluations, REFERENCES, "hi_coverage", "rolling_origin", *printed, kept, answers),
        (selection.without_ingredient, "hi_coverage", readings, raw, answers),
        (evaluate, readings, raw, indicators),
    ]
    *done, as_printed, reduced, whole = parallel.map(_part, tasks)
    scored, chances, failures = _tables(done)
    full = run.model_score_table(scored)
    return Study(
        validation=full[VALIDATION],
        validation_scores=full,
        validation_forecasts=scored[_FORECASTS],
        attainment_forecasts=chances,
        attainment_scores=_attainment_scores(chances, readings, raw, indicators),
        ablations=_ablations(scored, reduced),
        selection=_selection(chances, readings, raw, indicators),
        silence=_silence(chances, indicators),
        printed=run.model_score_table(_tables([as_printed])[0], by_origin=False),
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


def _part(task: _Task) -> Any:
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
    return _together([scores.score_table(chances, readings, raw, one) for one in indicators])


def _ablations(scored: pd.DataFrame, reduced: dict[str, Evaluation]) -> pd.DataFrame:
    """Ablations of the model on health insurance, where there is enough to tell them apart."""
    own = scored[(scored["model"] == "analysis") & (scored["indicator"] == "hi_coverage")]
    own = own[own["design"].isin(designs.DESIGNS[:2])]
    return selection.ablation_table(own, {name: one.scored for name, one in reduced.items()})


def _selection(
    chances: pd.DataFrame, readings: pd.DataFrame, raw: Raw, indicators: tuple[str, ...]
) -> pd.DataFrame:
    targets, wide = targets_room.targets(raw), covariates.covariate_table(raw)
    own = chances[chances["model"] == "analysis"]
    parts = []
    for one in indicators:
        parts.append(selection.heaping_at_targets(readings, targets, one))
        parts.append(selection.reporting_provinces(readings, wide, one, COMPARED))
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
            table = scores.chances_of_silent(units, "p_meets_reported", _ODDS)
            parts.append(table.assign(indicator=one))
    return _together(parts)
