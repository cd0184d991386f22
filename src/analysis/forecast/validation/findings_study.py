"""What chapter 06 says about the study itself: ingredients, raw figures, variants, failures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.forecast.validation.findings import COLD, OWN, WARM, WORDS, result
from analysis.forecast.validation.study import REFERENCES, Study
from analysis.results import Result


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
    own = both[(both["model"] == OWN) & (both["design"] == WARM)].set_index("readings_used")
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
        words=WORDS,
        topic="validation",
    )
