"""What chapter 06 says about the forecasts: each finding a table and its sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.report.results import Result
from analysis.validation import scores
from analysis.validation.peers import STALE
from analysis.validation.run import BENCHMARK, NAIVE
from analysis.validation.study import MODELS, REFERENCES, Study

WARM, COLD = "rolling_origin", "rolling_origin_cold"
_OWN = "analysis"
#: Models that others have published for such data, as against simple ones.
PUBLISHED_MODELS = ("mixed_model", "bym2", "transition", "gpboost")

#: The kinds of bands that full sampling is compared for, as sentences name them.
_SAMPLED = {"read": "province_year_end", "unread": "never_read", "country": "country_year_end"}

_FORMATS = {
    "n": "integer",
    "provinces": "integer",
    "crps": "number2",
    "mae": "number2",
    "bias": "signed2",
    "error": "signed1",
    "value": "percent1",
    "median": "percent1",
    "low": "percent1",
    "high": "percent1",
    "last_value": "percent1",
    "as_of": "short_date",
    "last_as_of": "short_date",
    "cover50": "share0",
    "cover80": "share0",
    "cover90": "share0",
    "cover95": "share0",
    "width80": "number1",
    "log_score": "number2",
    "change_error": "number1",
    "skill_vs_naive": "share0",
    "skill_vs_naive_low": "share0",
    "skill_vs_naive_high": "share0",
    "skill_vs_national": "share0",
    "skill_vs_national_low": "share0",
    "skill_vs_national_high": "share0",
    "lost": "signed2",
    "lost_low": "signed2",
    "lost_high": "signed2",
    "difference": "signed2",
}
_WORDS = {
    "model": "model",
    "design": "design",
    "indicator": "indicator",
    "province_code": "unit",
    "season": "season",
    "without": "ingredient",
    "readings_used": "readings_used",
}


def result(name: str, shown: pd.DataFrame, phrases: list[tuple[str, dict[str, Any]]]) -> Result:
    return Result(name, shown, phrases, formats=_FORMATS, words=_WORDS, topic="validation")


def lines(study: Study, indicator: str, design: str) -> pd.DataFrame:
    """The lines of the score table over all origins, one a model."""
    full = study.validation_scores
    same = (full["indicator"] == indicator) & (full["design"] == design)
    return full[same & (full["origin"] == "all")]


def row_of(study: Study, indicator: str, design: str, model: str = _OWN) -> pd.Series:
    """The line of the score table over all origins. Raises KeyError when there is none."""
    found = lines(study, indicator, design)
    found = found[found["model"] == model]
    if found.empty:
        raise KeyError(f"no score of {model} for {indicator}, {design}")
    return found.iloc[0]


def summary(study: Study, indicator: str) -> Result:
    """The answer in brief: how far off, how much better, and whether the bands hold."""
    warm, cold = row_of(study, indicator, WARM), row_of(study, indicator, COLD)
    values = {
        "indicator": indicator,
        "n": warm["n"],
        "provinces": warm["provinces"],
        "mae": warm["mae"],
        "crps": warm["crps"],
        "naive": warm["skill_vs_naive"],
        "naive_low": warm["skill_vs_naive_low"],
        "naive_high": warm["skill_vs_naive_high"],
        "national": warm["skill_vs_national"],
        "national_low": warm["skill_vs_national_low"],
        "national_high": warm["skill_vs_national_high"],
        "cover80": warm["cover80"],
        "n_cold": cold["n"],
        "mae_cold": cold["mae"],
        "cold_national": cold["skill_vs_national"],
        "cold_low": cold["skill_vs_national_low"],
        "cold_high": cold["skill_vs_national_high"],
        "cover80_cold": cold["cover80"],
    }
    phrases = ["summary", "summary_naive", verdict_on(warm), "summary_band", "summary_cold"]
    values |= {
        "readings": _different(study, indicator, WARM),
        "readings_cold": _different(study, indicator, COLD),
    }
    keyed = [(f"validation.{phrase}", values) for phrase in phrases]
    return result(f"forecast_skill_{indicator}", pd.DataFrame([values]), keyed)


def _different(study: Study, indicator: str, design: str) -> int:
    """How many different readings were forecast, some of them from two origins."""
    table = study.validation_forecasts
    own = table[(table["indicator"] == indicator) & (table["design"] == design)]
    return len(own.drop_duplicates(["province_code", "as_of"]))


def verdict_on(row: pd.Series) -> str:
    """Which sentence the comparison with the benchmark allows: better, not shown, or worse."""
    if row["skill_vs_national_low"] > 0:
        return "benchmark_better"
    if row["skill_vs_national_high"] < 0:
        return "benchmark_worse"
    return "benchmark_not_shown"


def models(study: Study, indicator: str, design: str) -> Result:
    """Every model on the same forecasts of one design, best first."""
    chosen = lines(study, indicator, design).sort_values(["crps", "model"])
    most = int(chosen["n"].max())
    best = chosen.iloc[0]
    values = {"n": most, "best": f"model.{best['model']}", "crps": best["crps"]}
    phrases = [("validation.models_best", values)]
    phrases += _stale(study, indicator, design)
    chosen, left_out = _informed(chosen, design)
    if left_out:
        phrases.append(("validation.models_without", {"n": left_out}))
    partial = chosen[chosen["n"] < most]
    if len(partial):
        phrases.append(("validation.models_partial", {"n": len(partial), "most": most}))
    columns = ["model", "n", "crps", "mae", "bias", "cover50", "cover80", "cover95", "width80"]
    columns += ["skill_vs_naive", "skill_vs_national", "skill_vs_national_low"]
    columns += ["skill_vs_national_high"]
    return result(f"models_{indicator}_{design}", chosen[columns], phrases)


def _stale(study: Study, indicator: str, design: str) -> list[tuple[str, dict[str, Any]]]:
    """One line where kept forecasts of other models are not of today's readings and code."""
    failures = study.model_failures
    same = (failures["indicator"] == indicator) & (failures["design"] == design)
    old = failures[same & failures["reason"].str.startswith(STALE)]
    n = old["model"].nunique()
    return [("validation.models_stale", {"n": n})] if n else []


def published_models(study: Study, indicator: str) -> Result:
    """Models published for such data against this project's, on the same forecasts."""
    rows = []
    for design in (WARM, COLD):
        for model in PUBLISHED_MODELS:
            if len(lines(study, indicator, design).query("model == @model")):
                rows.append(_paired(study, indicator, design, model))
    shown = pd.DataFrame(rows)
    warm = shown[shown["design"] == WARM].sort_values(["crps", "model"])
    best = warm.iloc[0]
    values = {
        "best": f"model.{best['model']}",
        "crps": best["crps"],
        "own": best["crps_own"],
        "n": best["n"],
    }
    won = shown[shown["lost_high"] < 0]
    clear = {"n": int((shown["lost_low"] > 0).sum()), "of": len(shown)}
    verdict = "published_better" if len(won) else "published_none_better"
    phrases = [
        ("validation.published_best", values),
        (f"validation.{verdict}", {"n": int(won["model"].nunique())}),
        ("validation.published_behind", clear),
    ]
    for kind in (WARM, COLD):
        phrases += [one for one in _stale(study, indicator, kind) if one not in phrases]
    formats = _FORMATS | {"crps_own": "number2"}
    return Result(
        f"published_models_{indicator}",
        shown,
        phrases,
        formats=formats,
        words=_WORDS,
        topic="validation",
    )


def _paired(study: Study, indicator: str, design: str, model: str) -> dict[str, Any]:
    """Scores of a model and of this project's on the same forecasts, and their difference.

    lost: CRPS of the model less that of this project (positive: this project is better), with a
    95% interval from resampling provinces.
    """
    table = study.validation_forecasts
    chosen = table[(table["indicator"] == indicator) & (table["design"] == design)]
    keys = ["origin", "province_code", "as_of"]
    own, other = (chosen[chosen["model"] == name].set_index(keys)["crps"] for name in (_OWN, model))
    own = own.loc[other.index]
    province = pd.Series(other.index.get_level_values("province_code"))
    lost = (other - own).reset_index(drop=True)
    low, high = scores.mean_interval(lost, province, "published", model, design)
    row = row_of(study, indicator, design, model)
    return {
        "design": design,
        "model": model,
        "n": len(other),
        "crps": float(other.mean()),
        "crps_own": float(own.mean()),
        "lost": float(lost.mean()),
        "lost_low": low,
        "lost_high": high,
        "cover80": row["cover80"],
        "width80": row["width80"],
    }


def _informed(chosen: pd.DataFrame, design: str) -> tuple[pd.DataFrame, int]:
    """Without the models that only repeat the climatology where there is no past to go by."""
    plain = chosen.loc[chosen["model"] == "climatology", "crps"]
    if design != COLD or plain.empty:
        return chosen, 0
    repeats = np.isclose(chosen["crps"].astype(float), float(plain.iloc[0]), atol=1e-9)
    kept = chosen[~repeats | (chosen["model"] == "climatology").to_numpy()]
    return kept, len(chosen) - len(kept)


def origins(study: Study, indicator: str, design: str = WARM) -> Result:
    """Scores by origin of the project's model and its two references, with the worst origin."""
    full = study.validation_scores
    chosen = full[
        (full["indicator"] == indicator)
        & (full["design"] == design)
        & (full["origin"] != "all")
        & full["model"].isin(REFERENCES)
    ]
    wide = chosen.pivot_table(
        index="origin", columns="model", values="crps", aggfunc="first"
    ).reset_index()
    own = chosen[chosen["model"] == _OWN][
        ["origin", "n", "bias", "cover80", "skill_vs_naive", "skill_vs_national"]
    ]
    both = own.merge(wide, on="origin")
    worst = both.sort_values(_OWN).iloc[-1]
    values = {
        "origin": worst["origin"],
        "crps": worst[_OWN],
        "naive": worst[NAIVE],
        "bias": worst["bias"],
        "cover": worst["cover80"],
        "share": worst[_OWN] * worst["n"] / (both[_OWN] * both["n"]).sum(),
        "n": worst["n"],
        "total": both["n"].sum(),
    }
    lost = worst["skill_vs_naive"] < 0
    phrases = [("validation.worst_origin", values)]
    phrases.append((f"validation.worst_origin_{'lost' if lost else 'won'}", values))
    names = {_OWN: "crps_own", BENCHMARK: "crps_national", NAIVE: "crps_naive"}
    columns = ["origin", "n", *names.values(), "bias", "cover80", "skill_vs_national"]
    shown = both.rename(columns=names)[columns]
    formats = _FORMATS | dict.fromkeys(names.values(), "number2")
    return Result(
        f"origins_{indicator}_{design}", shown, phrases, formats=formats, topic="validation"
    )


def calibration(study: Study, indicator: str, design: str = WARM) -> Result:
    """Share of readings inside each band of the project's model, against what it claims."""
    row = row_of(study, indicator, design)
    shown = pd.DataFrame(
        {
            "band": [percent / 100 for percent in scores.BANDS],
            "held": [row[f"cover{percent}"] for percent in scores.BANDS],
            "width": [row[f"width{percent}"] for percent in scores.BANDS],
        }
    )
    values = {"n": row["n"], "held": row["cover80"], "width": row["width80"]}
    formats = {"band": "share0", "held": "share0", "width": "number1"}
    name = f"calibration_{indicator}_{design}"
    phrases = [("validation.calibration", values)]
    return Result(name, shown, phrases, formats=formats, topic="validation")


def own_forecasts(study: Study, indicator: str, design: str = WARM) -> pd.DataFrame:
    """The scored forecasts of the project's model in one design."""
    table = study.validation_forecasts
    return table[
        (table["model"] == _OWN) & (table["indicator"] == indicator) & (table["design"] == design)
    ]


def seasons(study: Study, indicator: str) -> Result:
    """Scores of the rolling origins at year-end and during the year, warm."""
    own = own_forecasts(study, indicator)
    december = own["as_of"].dt.month == 12
    rows = []
    for season, part in (("year_end", own[december]), ("interim", own[~december])):
        rows.append(
            {
                "season": season,
                "n": len(part),
                "crps": part["crps"].mean(),
                "mae": part["error"].abs().mean(),
                "bias": part["error"].mean(),
            }
        )
    shown = pd.DataFrame(rows)
    end, interim = shown.iloc[0], shown.iloc[1]
    values = {
        "end_mae": end["mae"],
        "end_bias": end["bias"],
        "interim_mae": interim["mae"],
        "interim_bias": interim["bias"],
        "end_n": end["n"],
        "interim_n": interim["n"],
    }
    return result(f"seasons_{indicator}", shown, [("validation.seasons", values)])


def misses(study: Study, indicator: str, most: int = 10) -> Result:
    """The forecasts that cost most, warm and cold, with the share of the error that they make."""
    both = pd.concat([own_forecasts(study, indicator, design) for design in (WARM, COLD)])
    ordered = both.sort_values(["crps", "province_code"], ascending=[False, True])
    worst = ordered.head(most)
    values = {"n": most, "total": len(both), "share": worst["crps"].sum() / both["crps"].sum()}
    shown = worst.assign(median=worst["q0.50"], low=worst["q0.10"], high=worst["q0.90"])
    columns = ["origin", "province_code", "as_of", "value", "median", "low", "high", "error"]
    return result(f"misses_{indicator}", shown[columns], [("validation.misses", values)])


def other_designs(study: Study, indicator: str) -> Result:
    """The project's model and its references where no time order is kept."""
    full = study.validation_scores
    chosen = full[
        (full["indicator"] == indicator)
        & full["design"].isin(["latest", "random_fifth", "leave_province_out"])
        & full["model"].isin(REFERENCES)
        & (full["origin"] == "all")
    ].sort_values(["design", "crps"])
    columns = ["design", "model", "n", "crps", "mae", "bias", "cover80", "skill_vs_national"]
    columns += ["skill_vs_national_low", "skill_vs_national_high"]
    return result(f"other_designs_{indicator}", chosen[columns], [("validation.designs", {})])


def other_indicators(study: Study) -> Result:
    """Social and unemployment insurance on the rolling origins, against the best simple model.

    The nationwide curve is a poor benchmark here: provinces keep their distance from it.
    """
    rows, phrases = [], []
    for indicator in ("si_coverage", "ui_coverage"):
        for design in (WARM, COLD):
            row = against_best(study, indicator, design)
            rows.append(row)
            kind = "warm" if design == WARM else "cold"
            phrases.append((f"validation.{kind}_{row['verdict']}", row))
    columns = ["indicator", "design", "n", "provinces", "crps", "mae", "bias", "cover80"]
    columns += ["best", "best_crps", "skill", "skill_low", "skill_high"]
    formats = _FORMATS | dict.fromkeys(["skill", "skill_low", "skill_high"], "share0")
    return Result(
        "other_indicators",
        pd.DataFrame(rows)[columns],
        phrases,
        formats=formats | {"best_crps": "number2"},
        words=_WORDS | {"best": "model"},
        topic="validation",
    )


def against_best(study: Study, indicator: str, design: str) -> dict[str, Any]:
    """The project's score against the best of the other models that answered everything.

    Keys: those of `row_of`, best (its name), best_crps, skill with its 95% interval over
    provinces, and verdict (better, not_shown or worse). The best is chosen with hindsight, which
    favours it.
    """
    own = row_of(study, indicator, design)
    rivals = lines(study, indicator, design)
    rivals = rivals[(rivals["model"] != _OWN) & (rivals["n"] == own["n"])]
    order = {name: place for place, name in enumerate(MODELS)}
    rivals = rivals.assign(order=rivals["model"].map(order), score=rivals["crps"].astype(float))
    best = rivals.round({"score": 9}).sort_values(["score", "order"]).iloc[0]
    keys = ["origin", "province_code", "as_of"]
    table = study.validation_forecasts
    chosen = table[(table["indicator"] == indicator) & (table["design"] == design)]
    crps = [
        chosen[chosen["model"] == name].set_index(keys)["crps"] for name in (_OWN, best["model"])
    ]
    province = pd.Series(crps[0].index.get_level_values("province_code"))
    mine, other = (one.loc[crps[0].index].reset_index(drop=True) for one in crps)
    skill, low, high = scores.skill(mine, other, province, "best", indicator, design)
    verdict = "better" if low > 0 else "worse" if high < 0 else "not_shown"
    found = {"best": best["model"], "best_crps": best["crps"], "verdict": verdict}
    found |= {"rival": f"model.{best['model']}"}
    line = {str(name): value for name, value in own.items()}
    return {**line, **found, "skill": skill, "skill_low": low, "skill_high": high}


# --------------------------------------------------------------------------------------------------
# What chapter 06 says about the study itself: ingredients, raw figures, variants, failures.
# --------------------------------------------------------------------------------------------------


def ingredients(study: Study) -> Result:
    """What the score loses without each ingredient of the model (health insurance, warm)."""
    warm = study.ablations[study.ablations["design"] == WARM].drop(columns="design")
    tried = warm[warm["without"] != "none"]
    clear = tried[tried["lost_low"] > 0]
    best = tried.sort_values("lost").iloc[-1]
    values = {
        "best": f"ingredient.{best['without']}",
        "lost": best["lost"],
        "n": len(clear),
        "tried": len(tried),
    }
    return result("ingredients", warm, [("validation.ingredients", values)])


def printed_figures(study: Study, indicator: str) -> Result:
    """The same scores on the figures as printed, before any correction or conflict rule."""
    rows = []
    for label, full in (("accepted", study.validation_scores), ("as_printed", study.printed)):
        chosen = full[
            (full["indicator"] == indicator)
            & full["design"].isin([WARM, COLD])
            & full["model"].isin(REFERENCES)
            & (full["origin"] == "all")
        ]
        rows.append(chosen.assign(readings_used=label))
    both = pd.concat(rows).sort_values(["design", "model", "readings_used"])
    own = both[(both["model"] == _OWN) & (both["design"] == WARM)].set_index("readings_used")
    values = {
        "accepted": own.loc["accepted", "crps"],
        "printed": own.loc["as_printed", "crps"],
        "n_accepted": own.loc["accepted", "n"],
        "n_printed": own.loc["as_printed", "n"],
        "skill": own.loc["as_printed", "skill_vs_national"],
        "low": own.loc["as_printed", "skill_vs_national_low"],
        "high": own.loc["as_printed", "skill_vs_national_high"],
    }
    columns = ["design", "readings_used", "model", "n", "crps", "mae", "cover80"]
    columns += ["skill_vs_national", "skill_vs_national_low", "skill_vs_national_high"]
    name = f"printed_figures_{indicator}"
    return result(name, both[columns], [("validation.printed_figures", values)])


def full_sampling(stored: pd.DataFrame | None) -> Result:
    """How far bands move when the standard deviations are sampled in full.

    stored: `analysis.validation.full_sampling.stored_sampling`; None where it is not of today's
    readings and code, of which one line is said and nothing shown.
    """
    columns = ["kind", "n", "shift", "shift_most", "ratio50", "ratio80", "ratio95"]
    formats = _FORMATS | dict.fromkeys(["shift", "shift_most"], "signed2")
    formats |= dict.fromkeys(["ratio50", "ratio80", "ratio95"], "share0")
    if stored is None:
        shown = pd.DataFrame(columns=columns)
        phrases: list[tuple[str, dict[str, Any]]] = [("validation.full_sampling_stale", {})]
    else:
        shown = stored[columns]
        ratio = stored.set_index("kind")["ratio80"]
        run = stored.iloc[0]
        bands = {name: ratio[kind] for name, kind in _SAMPLED.items()}
        most = float(stored["shift_most"].abs().max())
        runs = {name: run[name] for name in ("draws", "parameters", "rhat", "ess")}
        phrases = [
            ("validation.full_sampling", bands),
            ("validation.full_sampling_medians", {"most": most}),
            ("validation.full_sampling_run", runs),
        ]
    words = {"kind": "band_kind"}
    return Result("full_sampling", shown, phrases, formats=formats, words=words, topic="validation")


def variants(tried: pd.DataFrame) -> Result:
    """How many configurations were scored on these readings, by part, and what was kept.

    tried: number, part, variant, runs (configurations behind one line), kept.
    """
    kept = tried["kept"].str.startswith("yes")
    parts = tried.assign(kept=kept).groupby("part")
    counts = parts.agg(runs=("runs", "sum"), lines=("number", "size"), kept=("kept", "sum"))
    values = {"runs": int(tried["runs"].sum()), "lines": len(tried), "kept": int(kept.sum())}
    return Result(
        "variants",
        counts.reset_index(),
        [("validation.variants", values)],
        formats=dict.fromkeys(["runs", "lines", "kept"], "integer"),
        words={"part": "part"},
        topic="validation",
    )


def gave_up(study: Study) -> Result:
    """What models could not do: folds without a forecast, and rows with a simpler one instead."""
    failures = study.model_failures
    shown = (
        failures.groupby(["model", "indicator", "design"], as_index=False)
        .agg(folds=("fold", "nunique"), n=("n", "sum"), reason=("reason", "first"))
        .sort_values(["model", "indicator", "design"])
    )
    shown["reason"] = shown["reason"].str.slice(0, 80)
    values = {"models": int(failures["model"].nunique()), "n": int(np.sum(failures["n"]))}
    formats = {"n": "integer", "folds": "integer"}
    return Result(
        "gave_up",
        shown,
        [("validation.gave_up", values)],
        formats=formats,
        words=_WORDS,
        topic="validation",
    )
