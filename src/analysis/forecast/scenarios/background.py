"""What scenarios of policies rest on besides the draws: exposures, effects, groups as read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis import paths
from analysis.drivers.exposures import exposures
from analysis.forecast.known import Known
from analysis.forecast.scenarios.parameters import Range

#: The term of drivers_coverage.csv that measures Decision 861, in its main specification.
TERM, DESIGN, BESIDE = "861_x_minority", "levels", "main design"


@dataclass(frozen=True)
class Background:
    """What is known besides coverage; NaN where nothing is.

    minority: (P,) standard deviations of the minority share above a share of zero.
    cards: effect of Decision 861 on the logit of coverage for each of these (chapter 03), or None.
    voluntary: (P,) voluntary social insurance participants in percent of the labour force.
    """

    minority: np.ndarray = field(default_factory=lambda: np.zeros(0))
    cards: Range | None = None
    voluntary: np.ndarray = field(default_factory=lambda: np.zeros(0))


def background(known: Known, codes: tuple[str, ...], persons: np.ndarray) -> Background:
    """Gather what is known at the origin of `known`, cards aside. `persons`: (P,) denominators."""
    return Background(minority=_minority(known, codes), voluntary=_voluntary(known, codes, persons))


def _minority(known: Known, codes: tuple[str, ...]) -> np.ndarray:
    scores = exposures(known.raw)["minority"].reindex(list(codes))
    return (scores - scores.min()).fillna(0.0).to_numpy()


def effect_of_cards(indicator: str) -> Range | None:
    """The estimate of chapter 03 with its 95% interval, which concerns health insurance alone.

    None for another indicator, and when that chapter has not run; in a run of the report a
    notebook that is not given the table fails instead.
    """
    if indicator != "hi_coverage":
        return None
    try:
        table = paths.read_processed("drivers_coverage")
    except paths.MissingTable:
        return None
    rows = table[
        (table["term"] == TERM) & (table["design"] == DESIGN) & (table["beside"] == BESIDE)
    ].dropna(subset=["estimate", "low", "high"])
    if len(rows) != 1:
        return None
    row = rows.iloc[0]
    low, central, high = (float(row[name]) for name in ("low", "estimate", "high"))
    return Range(low, central, high, "chapter_03", stream="cards")


def _voluntary(known: Known, codes: tuple[str, ...], persons: np.ndarray) -> np.ndarray:
    """Voluntary participants over the labour force: own year-end readings, else the country's."""
    table = known.readings
    rows = table[
        (table["indicator"] == "si_voluntary_participants")
        & (table["basis"].fillna("") == "")
        & (table["season"] == "year_end")
    ].sort_values("as_of")
    recent = rows[rows["as_of"] >= known.origin - pd.DateOffset(years=3)]
    country = recent[recent["geo_level"] == "country"]["value"]
    mean = 100 * float(country.iloc[-1]) / persons.sum() if len(country) else float("nan")
    latest = recent[recent["geo_level"] == "province_63"].groupby("province_code")["value"].last()
    counts = latest.reindex(list(codes)).to_numpy(float)
    return np.where(np.isfinite(counts), 100 * np.nan_to_num(counts) / persons, mean)
