"""The readings that validation runs on: as accepted, and as published before any decision."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from analysis import paths
from analysis.facts import Raw, load_raw
from analysis.forecast.known import fact_rows
from analysis.forecast.validation.designs import PROVINCE, scored_readings
from analysis.readings import build_readings

COVERAGE = ("hi_coverage", "si_coverage", "ui_coverage")


def inputs() -> tuple[pd.DataFrame, Raw]:
    """Accepted readings and raw tables, read from data/raw."""
    raw = load_raw()
    return build_readings(raw).readings, raw


def from_chapter_01() -> tuple[pd.DataFrame, Raw]:
    """The readings that chapter 01 wrote, and the raw tables.

    Raises MissingTable, which names the chapter, when it has not run.
    """
    readings = paths.read_processed("readings", dates=["as_of"])
    text = readings.select_dtypes(include=["object", "string"]).columns
    return readings.fillna(dict.fromkeys(text, "")), load_raw()


def as_published(readings: pd.DataFrame, raw: Raw) -> tuple[pd.DataFrame, Raw]:
    """Readings and raw tables as if no correction had been made and no conflict settled.

    Accepted readings were decided on with everything that is known today. To see what these
    decisions are worth to the scores, the provinces' coverage rates are taken here as printed,
    one a province and date: of several the one copied most often, then the last in the file.
    """
    facts = raw.facts
    printed = facts[
        (facts["geo_level"] == PROVINCE)
        & (facts["kind"] == "actual")
        & facts["indicator"].isin(COVERAGE)
        & (facts["basis"].fillna("") == "")
    ].sort_values(["indicator", "province_code", "as_of", "transcriptions", "row"])
    keys = ["indicator", "province_code", "as_of"]
    printed = printed.drop_duplicates(keys, keep="last")
    accepted = pd.concat([scored_readings(readings, name) for name in COVERAGE])
    same = printed.merge(
        accepted[[*keys, "value"]], on=[*keys, "value"], how="left", indicator=True
    )
    new = _plain(printed[(same["_merge"] == "left_only").to_numpy()], readings)
    replaced = readings.merge(new[keys].assign(new=True), on=keys, how="left")["new"].notna()
    usual = (readings["geo_level"] == PROVINCE) & readings["indicator"].isin(COVERAGE)
    rows = fact_rows(new["facts"])
    same_fact = readings["facts"].map(lambda cell: not rows.isdisjoint(fact_rows([cell])))
    kept = readings[~(usual & (replaced.to_numpy() | same_fact))]
    together = pd.concat([kept, new], ignore_index=True)
    order = ["geo_level", "province_code", "indicator", "basis", "as_of"]
    bare = dataclasses.replace(raw, corrections=raw.corrections.iloc[:0])
    return together.sort_values(order, ignore_index=True), bare


def _plain(facts: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """Readings from facts with nothing but the rounding of their digits as interval."""
    decimals = facts["value"].map(lambda value: f"{value:.10g}".partition(".")[2]).str.len()
    half = np.where(facts["qualifier"] == "exact", 0.5 * 10.0 ** -decimals.clip(upper=2), 0.5)
    table = facts[["geo_level", "province_code", "indicator", "as_of", "value", "unit"]].assign(
        basis="",
        lower=(facts["value"] - half).clip(lower=0),
        upper=(facts["value"] + half).clip(upper=100),
        season=np.where(facts["as_of"].dt.month == 12, "year_end", "interim"),
        kind_of_evidence="published",
        known_on=facts["as_of"],
        facts="facts.csv:" + facts["row"].astype(str),
        sources=facts["source_id"],
        n_facts=1,
        n_sources=1,
        rule="as_printed",
        reading_id="as_printed/" + facts["row"].astype(str),
    )
    table = table.reindex(columns=readings.columns)
    text = [str(name) for name in table if table[name].isna().all()]
    return table.assign(**dict.fromkeys(text, ""))
