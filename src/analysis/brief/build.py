"""Build the results of a brief from the tables of earlier chapters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import coverage, geography
from analysis.brief import unknown as unknowns
from analysis.brief.formats import FORMATS, WHOLE
from analysis.brief.late import late_payment
from analysis.brief.standing import Standing, standing
from analysis.brief.tables import (
    INDICATORS,
    MAIN,
    Tables,
    forecast_rows,
    grade,
    newer_targets,
    of_unit,
    rests_on,
    target_mark,
    unit_of,
)
from analysis.facts.units import as_code
from analysis.results import Result
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE

Phrases = list[tuple[str, dict[str, Any]]]

_WORDS = {"indicator": "indicator", "target_setter": "setter", "verdict": "verdict"}
_WORDS |= {"newer_setter": "setter", "scale": "measure_of"}
#: Definitions of coverage that compare with each other and with targets.
PLAIN = ("", "post_2019_census_population")
#: What is not shown where there is no chance to be shown.
NEEDS = ["persons_month_50", "persons_month_80", "expected_persons_month"]
NEEDS += ["best_year_persons_month", "best_year"]


@dataclass(frozen=True)
class Brief:
    """The parts of a brief, in the order in which they are read.

    Attributes:
        code, level: the unit.
        finding: what the brief says, in one or two sentences; its title on paper.
        answer: one row an indicator: reading, forecast, target, probability, extra people.
        measures: health insurance counted in three ways: reported, true, official population.
        path: yearly estimates and the forecast, for the figure (see :func:`_path`).
        readings: readings as published on the usual definition, for the figure.
        standing: the unit beside the provinces of its region, or its parts.
        late: what is known of late payment.
        unknown: what has to be known before quoting.
        sources: the sources of the readings of this unit.
        origin, due: the day of the forecast, and the day that it is for.
    """

    code: str
    level: str
    finding: Result
    answer: Result
    measures: Result
    path: pd.DataFrame
    readings: pd.DataFrame
    standing: Standing
    late: Result
    unknown: Result
    sources: Result
    origin: pd.Timestamp
    due: pd.Timestamp

    @property
    def thin(self) -> bool:
        """Whether the evidence on the main rate carries no probability."""
        main = self.answer.table.set_index("indicator")["verdict"]
        return bool(main[MAIN] == NOT_ENOUGH_EVIDENCE)


def brief(given: str | int, tables: Tables | None = None) -> Brief:
    """Build the brief of a unit (see :func:`analysis.brief.tables.unit_of`).

    A code that came as a number is taken for the text that it stands for: 1 is "01".

    Raises:
        ValueError: the code names no unit.
        analysis.paths.MissingTable: an earlier chapter has not run.
    """
    level, code = unit_of(as_code(given))
    tables = tables or Tables.read()
    own = of_unit(tables.readings, level, code)
    reported = pd.concat([coverage.as_reported(own, name) for name in INDICATORS])
    answer = _answer(tables, reported, level, code)
    return Brief(
        code,
        level,
        _finding(answer.table, tables, level, code),
        answer,
        _measures(tables, level, code),
        _path(tables, level, code),
        reported[reported["basis"].isin(PLAIN)],
        standing(tables, level, code),
        late_payment(own, of_unit(tables.late, level, code), level, code),
        unknowns.unknown(tables, answer.table, level, code),
        _sources(_with_parts(tables.readings, level, code), tables.sources, level, code),
        tables.origin,
        tables.due,
    )


def _with_parts(readings: pd.DataFrame, level: str, code: str) -> pd.DataFrame:
    """Return the readings of a unit and, where it is made of several provinces, theirs."""
    own = of_unit(readings, level, code)
    if level != "province_34":
        return own
    parts = [of_unit(readings, "province_63", one) for one in geography.members(code)]
    return pd.concat([own, *parts])


def _answer(tables: Tables, reported: pd.DataFrame, level: str, code: str) -> Result:
    """One row an indicator, with the sentences that open the brief."""
    table = pd.DataFrame({"indicator": INDICATORS})
    read = reported.groupby("indicator").tail(1)
    latest = read[["indicator", "value", "as_of", "evidence"]]
    columns = ["indicator", "q50", "q10", "q90", "target", "target_setter"]
    columns += ["p_meets_reported", "verdict", "p_meets_official"]
    ahead = of_unit(forecast_rows(tables), level, code)[columns]
    needs = of_unit(tables.needs, level, code)
    needs = needs[needs["date"] == tables.due][["indicator", *NEEDS]]
    table = table.merge(latest, how="left").merge(ahead, how="left").merge(needs, how="left")
    table["verdict"] = table["verdict"].fillna(NOT_ENOUGH_EVIDENCE)
    table.loc[table["verdict"].isin([NOT_ENOUGH_EVIDENCE, NO_TARGET]), NEEDS] = float("nan")
    table = table.merge(_official(tables, level, code), how="left")
    newer = newer_targets(tables, level, code).rename(
        columns={
            "target": "newer_target", "target_setter": "newer_setter",
            "announced": "newer_announced", "chance": "newer_chance",
        }
    )  # fmt: skip
    table = table.merge(newer, how="left", on="indicator")
    table["distance"] = table["q50"] - table["target"]
    table["grade"] = [grade(tables, level, code, name) for name in table["indicator"]]
    table["rests_on"] = [rests_on(tables.readings, level, code, i) for i in table["indicator"]]
    table["target_from"] = [
        target_mark(level, code, indicator, setter)
        for indicator, setter in zip(table["indicator"], table["target_setter"], strict=True)
    ]
    return Result(
        "answer",
        table.assign(origin=tables.origin, due=tables.due),
        _opening(table, read.set_index("indicator"), tables, level, code),
        FORMATS if level != "country" else {**FORMATS, **WHOLE},
        _WORDS,
        "brief",
        {"value": "evidence", "q50": "rests_on", "target": "target_from"},
    )


def _official(tables: Tables, level: str, code: str) -> pd.DataFrame:
    """The forecast on the official population: indicator, official_q50."""
    rows = of_unit(forecast_rows(tables, "official"), level, code)
    rows = rows[rows["indicator"] == MAIN]
    return rows[["indicator", "q50"]].rename(columns={"q50": "official_q50"})


def _finding(table: pd.DataFrame, tables: Tables, level: str, code: str) -> Result:
    """What the brief says: the main rate first, then the other two."""
    rows = table.set_index("indicator")
    values = {"unit": f"{level}/{code}", "due": tables.due, "origin": tables.origin}
    main: dict[str, Any] = {str(key): value for key, value in rows.loc[MAIN].items()}
    phrases = [_of_rate(MAIN, main, values)]
    if level == "country" and pd.notna(main["official_q50"]):
        phrases.append(("brief.finding_official", {**main, **values}))
    country = forecast_rows(tables)
    country = country[country["geo_level"] == "country"].set_index("indicator")
    for name in INDICATORS:
        row: dict[str, Any] = {str(key): value for key, value in rows.loc[name].items()}
        if name == MAIN or pd.isna(row["q50"]) or row["verdict"] == NOT_ENOUGH_EVIDENCE:
            continue
        own = {**values, "country": float(country["q50"].loc[name])}
        phrases.append(_of_rate(name, row, own))
    if any(key == "brief.finding_level" for key, _ in phrases):
        phrases.append(("brief.finding_aimless", {}))
    return Result("finding", table[["indicator", "verdict"]], phrases, words=_WORDS)


def _of_rate(name: str, row: dict[str, Any], values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """One sentence on a rate, by what there is to say of it."""
    given = {
        **row,
        **values,
        "scheme": f"brief.scheme_{name}",
        "meets": f"brief.meets_{row['verdict']}",
    }
    if row["verdict"] == NOT_ENOUGH_EVIDENCE:
        return "brief.finding_unsure", given
    if row["verdict"] == NO_TARGET:
        given["points"] = abs(row["distance"])
        higher = "above" if row["distance"] >= 0 else "below"
        return (f"brief.finding_{higher}" if name == MAIN else "brief.finding_level"), given
    country = values["unit"].startswith("country")
    return ("brief.finding_country" if country else "brief.finding"), given


def _measures(tables: Tables, level: str, code: str) -> Result:
    """Health insurance at the due date in three ways of counting, each beside the same target."""
    rows = []
    for scale in ("reported", "true", "official"):
        found = of_unit(forecast_rows(tables, scale), level, code)
        found = found[found["indicator"] == MAIN]
        if len(found) and found["verdict"].iloc[0] != NOT_ENOUGH_EVIDENCE:
            row = found.iloc[0]
            rows.append((scale, row["q50"], row["q10"], row["q90"], row[f"p_meets_{scale}"]))
    columns = ["scale", "q50", "q10", "q90", "chance"]
    table = pd.DataFrame(rows, columns=columns)
    chance = "probability" if level == "country" else "chance"
    formats = {"q50": "percent1", "q10": "percent1", "q90": "percent1", "chance": chance}
    table = table.astype(dict.fromkeys(columns[1:], float))
    phrase = "brief.measures" if rows else "brief.measures_none"
    return Result(
        "measures", table, [(phrase, {})], formats,
        _WORDS, "brief", joined={"q10": "q90"},
        hidden=("chance",) if table["chance"].isna().all() else (),
    )  # fmt: skip


def _opening(
    table: pd.DataFrame, latest: pd.DataFrame, tables: Tables, level: str, code: str
) -> Phrases:
    """The first sentence: the latest figure of the rate that every unit is judged by.

    latest: the latest readings by indicator; one on a definition of its own is called so.
    """
    row = table[table["indicator"] == MAIN].iloc[0]
    values = {
        "unit": f"{level}/{code}",
        "origin": tables.origin,
        "due": tables.due,
        **{name: row[name] for name in ("value", "as_of")},
    }
    basis = latest["basis"].get(MAIN, "")
    if pd.isna(row["value"]):
        key = "opening_parts" if level == "province_34" else "opening_unread"
        return [(f"brief.{key}", values)]
    if basis not in PLAIN:
        return [("brief.opening_read_basis", values | {"basis": f"basis.{basis}"})]
    return [("brief.opening_read", values)]


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
    marks = own.assign(
        source_id=own["sources"].fillna("").str.split(";"),
        unit=own["geo_level"] + "/" + own["province_code"],
    )[["source_id", "unit"]].explode("source_id")
    marks = marks[marks["source_id"].fillna("") != ""]
    counts = marks["source_id"].value_counts()
    home = marks.drop_duplicates("source_id").set_index("source_id")["unit"]
    used = sources[sources["source_id"].isin(counts.index)].copy()
    used["readings"] = used["source_id"].map(counts)
    used = used.sort_values(["readings", "source_id"], ascending=[False, True])
    used["page"] = used["source_id"].map(home) + "#" + used["source_id"]
    columns = ["source_id", "page", "publisher", "published", "title", "readings"]
    values = {"n": len(used), "readings": len(own)}
    key = "brief.sources" if len(used) else "brief.no_sources"
    formats = {"published": "source_day", "title": "source_title", "readings": "integer"}
    return Result(
        "sources", used[columns], [(key, values)], formats, evidence={"source_id": "page"}
    )
