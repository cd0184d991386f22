"""Chapter 04 in one run: late payment measured, compared, explained as far as it goes, forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.disk_cache import cached
from analysis.drivers.policy import exposures
from analysis.facts import Raw, load_raw
from analysis.inference import rejection_rates
from analysis.late_payment import data, drivers, forecast, levels
from analysis.late_payment import levels as late_payment_levels
from analysis.readings import store, targets
from analysis.seeds import generator


@dataclass(frozen=True)
class LatePayment:
    """All tables of chapter 04.

    ``rows`` (the data set with its lineage), ``unused`` (provinces with amounts but no base),
    ``variance``, ``conversions``, ``same_weeks``, ``levels``, ``changes``, ``drivers`` (the
    columns of drivers_late_payment.csv), ``reporters``, ``size``, ``forecasts``, ``score``,
    ``ceilings`` (past ones, with their chances), and ``full_data_effect``: the smallest effect
    that full publication would show.
    """

    rows: pd.DataFrame
    unused: list[str]
    variance: pd.DataFrame
    conversions: pd.DataFrame
    same_weeks: pd.DataFrame
    levels: pd.DataFrame
    changes: pd.DataFrame
    drivers: pd.DataFrame
    reporters: pd.DataFrame
    size: pd.DataFrame
    forecasts: pd.DataFrame
    score: pd.DataFrame
    ceilings: pd.DataFrame
    full_data_effect: float


@cached
def run(
    readings: pd.DataFrame, raw: Raw, draws: int = 1999, origin: str | None = None
) -> LatePayment:
    """Estimate everything that chapter 04 shows.

    Args:
        readings: see `analysis.readings.build_readings`.
        raw: the raw tables.
        draws: bootstrap draws a test.
        origin: day on which the forecasts are made; the last reading when not given.
    """
    rows, exposure = data.late_rows(readings, raw), exposures(raw)
    levels = late_payment_levels.fit_levels(rows)
    score = forecast.rolling_score(rows)
    known = targets.targets(raw)["announced"].max()
    record = forecast.past_ceilings(readings, raw, max(readings["as_of"].max(), known))
    day = pd.Timestamp(origin) if origin else None
    # What was read after the origin may not choose how its forecasts are made.
    later = day is not None and bool((rows["as_of"] > day).any())
    return LatePayment(
        rows=rows,
        unused=_unused(readings, rows),
        variance=late_payment_levels.variance_split(rows),
        conversions=late_payment_levels.conversions(levels),
        same_weeks=late_payment_levels.same_weeks(rows),
        levels=late_payment_levels.adjusted_levels(levels),
        changes=late_payment_levels.like_for_like(rows),
        drivers=drivers.driver_rows(rows, exposure, draws),
        reporters=drivers.who_reports(rows, exposure),
        size=_size(rows, exposure),
        forecasts=forecast.late_payment_forecasts(
            readings, raw, day, score=None if later else score
        ),
        score=score,
        ceilings=forecast.ceiling_scores(record),
        full_data_effect=drivers.with_full_data(levels),
    )


def of_chapter_01(draws: int = 1999, origin: str | None = None) -> LatePayment:
    """The same from the readings that chapter 01 wrote.

    Raises MissingTable, which names the chapter, when it has not run.
    """
    return run(store.read_readings(), load_raw(), draws, origin)


def _unused(readings: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """Provinces with a published amount or rate that gives no usable rate."""
    some = readings[
        (readings["geo_level"] == "province_63")
        & readings["indicator"].isin(["late_payment_amount", "late_payment_rate"])
        & readings["kind_of_evidence"].eq("published")
    ]
    return sorted(set(some["province_code"]) - set(rows["province_code"]))


def _size(rows: pd.DataFrame, exposure: pd.DataFrame, panels: int = 300) -> pd.DataFrame:
    """How often each test finds a driver in panels without one, on the real design."""
    rows = levels.usable_rates(rows)
    X, names = levels.level_design(rows)
    x = exposure["urban"].reindex(rows["province_code"]).to_numpy()
    clusters = rows["province_code"].to_numpy(dtype=str)
    rates = rejection_rates(
        np.column_stack([x, X]),
        ("urban", *names),
        clusters,
        "urban",
        generator("late", "size"),
        panels,
        draws=199,
    )
    return pd.DataFrame([{"term": "urban", "panels": panels, **rates}])
