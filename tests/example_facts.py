"""Raw tables for the tests of readings: the real ones, and small synthetic ones around them."""

import dataclasses
import itertools
from functools import cache
from typing import Any

import pandas as pd

from analysis.country.indicators import INDICATORS
from analysis.facts import Raw, load_raw
from analysis.facts.tables import last_day
from analysis.readings import ReadingTables, build_readings

_SOURCE = {"url": "", "title": "", "publisher": "Paper", "published": "2023-01-05"}


@cache
def real_raw() -> Raw:
    return load_raw()


@cache
def real_tables() -> ReadingTables:
    return build_readings(real_raw())


def source(source_id: str, **given: str) -> dict[str, Any]:
    """A synthetic source; every one has a title and a site of its own unless told otherwise."""
    filled = _SOURCE | {"title": f"Title {source_id}", "url": f"https://{source_id}.vn/a"} | given
    return {"source_id": source_id, "language": "vi", "retrieved": "", "how": "", **filled}


def fact(value: float, **given: Any) -> dict[str, Any]:
    """A synthetic fact: HI coverage of An Giang at the end of 2022, unless told otherwise."""
    indicator = given.get("indicator", "hi_coverage")
    filled = {
        "geo_level": "province_63",
        "province_code": "89",
        "province": "An Giang",
        "indicator": indicator,
        "basis": "",
        "value": float(value),
        "unit": INDICATORS[indicator].unit,
        "qualifier": "exact",
        "kind": "actual",
        "as_of": "2022-12-31",
        "denominator": "",
        "source_id": "A",
        "transcriptions": 1,
        "setter": "",
        "announced": None,
        "standing": "",
        "doubt": "",
        "versus": None,
        "note": "",
    } | given
    for day in ("as_of", "announced", "versus"):
        filled[day] = pd.Timestamp(filled[day]) if filled[day] else pd.NaT
    return filled


def raw_with(facts: list[dict[str, Any]], sources: list[dict[str, Any]] | None = None) -> Raw:
    """The real raw tables with other facts and sources, and without corrections."""
    rows = [{**row, "row": place} for place, row in zip(itertools.count(2), facts)]
    named = {row["source_id"] for row in rows}
    given = sources if sources is not None else [source(name) for name in sorted(named)]
    table = pd.DataFrame(given)
    table["published_on"] = last_day(table["published"])
    real = real_raw()
    return dataclasses.replace(
        real, facts=pd.DataFrame(rows), sources=table, corrections=real.corrections.iloc[:0]
    )


def tables_of(facts: list[dict[str, Any]], sources: list[dict[str, Any]] | None = None):
    return build_readings(raw_with(facts, sources))


def published(tables: ReadingTables) -> pd.DataFrame:
    return tables.readings[tables.readings["kind_of_evidence"] == "published"]


def one_reading(tables: ReadingTables, **where: Any) -> pd.Series:
    """The only reading with these values; an AssertionError says how many there are otherwise."""
    found = tables.readings
    for column, value in where.items():
        wanted = pd.Timestamp(value) if column in ("as_of", "known_on") else value
        found = found[found[column] == wanted]
    assert len(found) == 1, f"{len(found)} readings for {where}"
    return found.iloc[0]
