"""Build the results of a brief from the tables of earlier chapters."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis import coverage
from analysis.brief import unknown as unknowns
from analysis.brief.formats import FORMATS
from analysis.brief.late import late_payment
from analysis.brief.standing import Standing, standing
from analysis.brief.tables import (
    INDICATORS,
    Tables,
    forecast_rows,
    level_of,
    of_unit,
    rests_on,
    target_mark,
)
from analysis.facts.units import as_code
from analysis.results import Result
from analysis.verdicts import NOT_ENOUGH_EVIDENCE

_JOINED = {
    "value": "as_of",
    "q10": "q90",
    "target": "target_setter",
    "p_meets_reported": "verdict",
    "best_year_persons_month": "best_year",
}
_WORDS = {"indicator": "indicator", "target_setter": "setter", "verdict": "verdict"}
#: Definitions of coverage that compare with each other and with targets.
PLAIN = ("", "post_2019_census_population")
#: What is not shown where the evidence does not carry it.
_CHANCES = ["p_meets_reported", "p_meets_official", "persons_month_50", "persons_month_80"]
_CHANCES += ["best_year_persons_month", "best_year"]


@dataclass(frozen=True)
class Brief:
    """The parts of a brief, in the order in which they are read.

    Attributes:
        code, level: the unit.
        answer: one row an indicator: reading, forecast, target, probability, persons a month.
        path: yearly estimates and the forecast, for the figure (see :func:`_path`).
        readings: readings as published on the usual definition, for the figure.
        standing: where the unit stands among its region and its peers.
        late: what is known of late payment.
        unknown: what is not known.
        sources: the sources of the readings of this unit.
    """

    code: str
    level: str
    answer: Result
    path: pd.DataFrame
    readings: pd.DataFrame
    standing: Standing
    late: Result
    unknown: Result
    sources: Result


def brief(given: str | int, tables: Tables | None = None) -> Brief:
    """Build the brief of a province (given by its code) or of the country (``00``).

    A code that came as a number is taken for the text that it stands for: 1 is "01".

    Raises:
        ValueError: the code names neither.
        analysis.paths.MissingTable: an earlier chapter has not run.
    """
    code = as_code(given)
    level = level_of(code)
    tables = tables or Tables.read()
    own = of_unit(tables.readings, level, code)
    reported = pd.concat([coverage.as_reported(own, name) for name in INDICATORS])
    answer = _answer(tables, reported, level, code)
    return Brief(
        code,
        level,
        answer,
        _path(tables, level, code),
        reported[reported["basis"].isin(PLAIN)],
        standing(tables, level, code),
        late_payment(own, of_unit(tables.late, level, code), level, code),
        unknowns.unknown(tables, answer.table, level, code),
        _sources(own, tables.sources, level, code),
    )


def _answer(tables: Tables, reported: pd.DataFrame, level: str, code: str) -> Result:
    """One row an indicator, with the sentence that opens the brief."""
    table = pd.DataFrame({"indicator": INDICATORS})
    read = reported.groupby("indicator").tail(1)
    latest = read[["indicator", "value", "as_of", "evidence"]]
    columns = ["indicator", "q50", "q10", "q90", "target", "target_setter"]
    columns += ["p_meets_reported", "verdict", "p_meets_official"]
    ahead = of_unit(forecast_rows(tables), level, code)[columns]
    needed = ["persons_month_50", "persons_month_80", "best_year_persons_month", "best_year"]
    needs = of_unit(tables.needs, level, code)
    needs = needs[needs["date"] == tables.due][["indicator", *needed]]
    table = table.merge(latest, how="left").merge(ahead, how="left").merge(needs, how="left")
    table["verdict"] = table["verdict"].fillna(NOT_ENOUGH_EVIDENCE)
    table.loc[table["verdict"] == NOT_ENOUGH_EVIDENCE, _CHANCES] = float("nan")
    table["rests_on"] = [rests_on(tables.readings, level, code, i) for i in table["indicator"]]
    table["target_from"] = [
        target_mark(level, code, indicator, setter)
        for indicator, setter in zip(table["indicator"], table["target_setter"], strict=True)
    ]
    return Result(
        "answer",
        table,
        _opening(table, read.set_index("indicator"), tables, level, code),
        FORMATS,
        _WORDS,
        "brief",
        {"value": "evidence", "q50": "rests_on", "target": "target_from"},
        joined=_JOINED,
        across="indicator",
    )


def _opening(
    table: pd.DataFrame, latest: pd.DataFrame, tables: Tables, level: str, code: str
) -> list[tuple[str, dict[str, object]]]:
    """The first sentences: health insurance, which every unit is judged by.

    latest: the latest readings by indicator; one on a definition of its own is called so.
    """
    row = table[table["indicator"] == "hi_coverage"].iloc[0]
    values = {
        "unit": f"{level}/{code}",
        "origin": tables.origin,
        "due": tables.due,
        "verdict": f"verdict.{row['verdict']}",
        **{name: row[name] for name in FORMATS},
    }
    basis = latest["basis"].get("hi_coverage", "")
    read = "brief.opening_read" if pd.notna(row["value"]) else "brief.opening_unread"
    if basis not in PLAIN:
        read, values = "brief.opening_read_basis", values | {"basis": f"basis.{basis}"}
    sure = row["verdict"] != NOT_ENOUGH_EVIDENCE
    chance = "brief.opening_chance" if sure else "brief.opening_no_chance"
    return [(read, values), (chance, values)]


def _path(tables: Tables, level: str, code: str) -> pd.DataFrame:
    """Yearly estimates and the forecast: indicator, date, q05, q10, q50, q90, q95, target."""
    columns = ["indicator", "date", "q05", "q10", "q50", "q90", "q95"]
    past = of_unit(tables.estimates, level, code)
    past = past[past["date"] < tables.due]
    if "scale" in past:
        past = past[past["scale"] == "reported"]
    ahead = of_unit(forecast_rows(tables), level, code)
    table = pd.concat([past[columns], ahead[[*columns, "target"]]], ignore_index=True)
    return table.sort_values(["indicator", "date"], ignore_index=True)


def _sources(own: pd.DataFrame, sources: pd.DataFrame, level: str, code: str) -> Result:
    """The sources of the readings of this unit, most used first."""
    listed = own["sources"].fillna("").str.split(";").explode()
    counts = listed[listed != ""].value_counts()
    used = sources[sources["source_id"].isin(counts.index)].copy()
    used["readings"] = used["source_id"].map(counts)
    used = used.sort_values(["readings", "source_id"], ascending=[False, True])
    used["page"] = f"{level}/{code}#" + used["source_id"]
    columns = ["source_id", "page", "publisher", "published", "title", "readings"]
    values = {"n": len(used), "readings": len(own)}
    key = "brief.sources" if len(used) else "brief.no_sources"
    formats = {"published": "source_day", "title": "source_title", "readings": "integer"}
    return Result(
        "sources", used[columns], [(key, values)], formats, evidence={"source_id": "page"}
    )
