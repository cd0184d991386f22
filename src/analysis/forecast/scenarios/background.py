"""What scenarios of policies rest on besides the draws: exposures, effects, groups as read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis import paths
from analysis.drivers.exposures import exposures
from analysis.forecast.known import Known
from analysis.forecast.scenarios.parameters import Range

#: The terms of drivers_coverage.csv that measure what Decree 75 gave back and what Decision 861
#: took, by window and without a straight trend.
RECOVERY, LOSS = "restoration_x_minority", "861_x_minority"
DESIGN, BESIDE = "windows", "main design"


@dataclass(frozen=True)
class Background:
    """What is known besides coverage; NaN where nothing is.

    minority: (P,) standard deviations of the minority share above a share of zero.
    cards: what giving support back in October 2023 added to the logit of coverage for each of
        these (chapter 03), or None. lost: what the end of the cards in July 2021 took, or None.
    voluntary: (P,) voluntary social insurance participants in percent of the labour force.
    """

    minority: np.ndarray = field(default_factory=lambda: np.zeros(0))
    cards: Range | None = None
    lost: Range | None = None
    voluntary: np.ndarray = field(default_factory=lambda: np.zeros(0))


def background(known: Known, codes: tuple[str, ...], persons: np.ndarray) -> Background:
    """Gather what is known at the origin of `known`, cards aside. `persons`: (P,) denominators."""
    return Background(minority=_minority(known, codes), voluntary=_voluntary(known, codes, persons))


def _minority(known: Known, codes: tuple[str, ...]) -> np.ndarray:
    scores = exposures(known.raw)["minority"].reindex(list(codes))
    return (scores - scores.min()).fillna(0.0).to_numpy()


def effects_of_cards(indicator: str) -> tuple[Range | None, Range | None]:
    """What Decree 75 gave back and what Decision 861 took, as chapter 03 estimates them.

    They concern health insurance alone: None for another indicator, and when that chapter has not
    run; in a run of the report a notebook that is not given the table fails instead.
    """
    if indicator != "hi_coverage":
        return None, None
    return _estimate(RECOVERY, "cards"), _estimate(LOSS, "cards_lost")


def _estimate(term: str, stream: str) -> Range | None:
    """An estimate of chapter 03 with its 95% interval; None when that chapter has not run.

    An end that the interval does not reach is set by the standard error.
    """
    try:
        table = paths.read_processed("drivers_coverage")
    except paths.MissingTable:
        return None
    rows = table[
        (table["term"] == term) & (table["design"] == DESIGN) & (table["beside"] == BESIDE)
    ].dropna(subset=["estimate", "standard_error"])
    if len(rows) != 1:
        return None
    row = rows.iloc[0]
    centre, reach = float(row["estimate"]), 1.96 * float(row["standard_error"])
    low, high = (
        float(row[name]) if np.isfinite(row[name]) else centre + sign * reach
        for name, sign in (("low", -1), ("high", 1))
    )
    return Range(low, centre, high, "chapter_03", stream=stream)


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
