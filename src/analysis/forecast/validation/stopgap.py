"""Readings and targets straight from the raw tables, until their own rooms are finished."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.paths import RAW


@dataclass(frozen=True)
class Raw:
    facts: pd.DataFrame
    sources: pd.DataFrame
    provinces: pd.DataFrame
    policy_events: pd.DataFrame
    adjacency: pd.DataFrame
    population: pd.DataFrame
    covariates: pd.DataFrame


def load_raw() -> Raw:
    text = {"province_code": str, "merged_code": str, "code_a": str, "code_b": str}
    read = {
        n: pd.read_csv(RAW / f"{n}.csv", dtype=text)
        for n in ("facts", "sources", "provinces", "policy_events", "adjacency")
    }
    read["facts"]["row"] = np.arange(len(read["facts"])) + 2
    covariates = (
        pd.read_csv(RAW / "covariates.csv", dtype=text)
        if (RAW / "covariates.csv").is_file()
        else pd.DataFrame(
            {"province_code": ["01"], "year": [2025], "variable": ["none"], "value": [np.nan]}
        )
    )
    population = (
        pd.read_csv(RAW / "population.csv", dtype=text)
        if (RAW / "population.csv").is_file()
        else pd.DataFrame({"province_code": ["01"], "year": [2025], "persons": [np.nan]})
    )
    return Raw(**read, covariates=covariates, population=population)


def build_readings(raw: Raw) -> pd.DataFrame:
    facts = raw.facts[raw.facts["kind"] == "actual"].copy()
    facts["as_of"] = pd.to_datetime(facts["as_of"])
    facts["basis"] = facts["basis"].fillna("")
    keys = ["geo_level", "province_code", "indicator", "basis", "as_of"]
    facts = facts.sort_values([*keys, "transcriptions", "row"])
    out = (
        facts.groupby(keys)
        .agg(
            value=("value", "last"),
            unit=("unit", "last"),
            qualifier=("qualifier", "last"),
            facts=("row", lambda rows: ";".join(map(str, rows))),
        )
        .reset_index()
    )
    text = out["value"].map(lambda v: f"{v:.10g}")
    decimals = text.str.partition(".")[2].str.len().clip(upper=2)
    half = np.where(out["qualifier"] == "exact", 0.5 * 10.0**-decimals, 0.5)
    out["lower"], out["upper"] = out["value"] - half, out["value"] + half
    out["season"] = np.where(out["as_of"].dt.month == 12, "year_end", "interim")
    out["kind_of_evidence"] = "published"
    out["derived_from"] = ""
    return out.drop(columns="qualifier")


def targets(raw: Raw) -> pd.DataFrame:
    facts = raw.facts[raw.facts["kind"] == "target"].copy()
    facts["due"] = pd.to_datetime(facts["as_of"])
    note = facts["note"].fillna("")
    source = facts["source_id"].map(raw.sources.set_index("source_id")["published"])
    announced = pd.to_datetime(
        source.fillna("").str.pad(10, "right").str.strip(), errors="coerce", format="mixed"
    )
    announced = announced.mask(note.str.contains("546"), pd.Timestamp(2022, 4, 29))
    announced = announced.mask(note.str.contains("1167"), pd.Timestamp(2016, 6, 28))
    start = pd.to_datetime(facts["due"].dt.year.astype(str) + "-01-01")
    facts["announced"] = announced.fillna(start)
    facts["setter"] = np.where(note.str.contains("546|1167|Prime"), "government", "province")
    facts["facts"] = facts["row"].astype(str)
    return facts[
        [
            "geo_level",
            "province_code",
            "indicator",
            "basis",
            "due",
            "value",
            "qualifier",
            "setter",
            "announced",
            "facts",
        ]
    ].reset_index(drop=True)


def known_at(targets: pd.DataFrame, origin: pd.Timestamp) -> pd.DataFrame:
    return targets[targets["announced"] <= origin]
