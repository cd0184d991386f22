"""What became of the targets: who met them, who did not, and who has not said.

Every target that has fallen due is set against the figure published for its day. Nothing is
modelled and nothing is filled in: where no figure was published the answer is "not known", which is
a result too. Figures during the year are no outcome of a year-end target, since levels jump in
December; a unit that merged before its target fell due has no figure of its own any more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.country import geography
from analysis.country.breaks import MERGER
from analysis.country.indicators import COVERAGE, OFFICIAL_BASIS
from analysis.findings.coverage import Tables
from analysis.readings.conflicts import standing_of
from analysis.readings.targets import NATIONWIDE, due_on, meets, succession
from analysis.report.results import Result

_COLUMNS = [
    "geo_level", "province_code", "indicator", "basis", "due", "target", "qualifier", "setter",
    "announced", "derived", "held", "superseded_by", "superseded_on", "reading", "reading_id",
    "as_of", "standing", "met", "why", "official", "met_official", "first_print", "days_to_print",
    "facts", "sources",
]  # fmt: skip
YES, NO, NOT_KNOWN = "yes", "no", "not_known"
#: Indicators whose targets are ceilings.
CEILINGS = ("late_payment_rate", "late_payment_amount", "employers_late")
#: A figure of so many days before a due day is of that day (28 to 31 December).
NEAR_DAYS = 3
_SERIES = ["geo_level", "province_code", "indicator", "basis"]


def outcomes(tables: Tables, until: str | pd.Timestamp | None = None) -> pd.DataFrame:
    """Return one row a target that has fallen due; see `_COLUMNS`.

    Args:
        tables: readings, targets and raw tables.
        until: the last due day that counts; by default the last day on which a page was read.

    Returns:
        target in the unit of the indicator; held says whether it is the target that the unit is
        held against; superseded_by and superseded_on name the later target of the same setter for
        the same day. reading is the published figure of the due day, standing "", settled or
        provisional. met and met_official are yes, no or not_known (met_official is empty for
        other indicators than health insurance coverage). why says of not_known: no_figure,
        interim_only, merged or too_vague. first_print is the earliest day on which a figure for
        the due day can have been printed; days_to_print counts from the due day and is negative
        for figures printed before it.
    """
    raw = tables.raw
    last = pd.Timestamp(until) if until is not None else _last_read(tables)
    table = tables.targets[tables.targets["due"] <= last].rename(columns={"value": "target"})
    table = geography.one_level(table, raw.provinces).reset_index(drop=True)
    table = _with_succession(table, tables)
    table = _with_readings(table, tables)
    table = _with_first_print(table, tables)
    table["why"] = _why(table, tables)
    table["met"] = [
        met(row["reading"], row["lower"], row["upper"], row["target"], row["indicator"])
        for row in table.to_dict("records")
    ]
    vague = (table["met"] == NOT_KNOWN) & table["reading"].notna()
    table["why"] = table["why"].mask(vague, "too_vague")
    table["met_official"] = [
        met(row["official"], row["official"], row["official"], row["target"], row["indicator"])
        if row["indicator"] == "hi_coverage"
        else ""
        for row in table.to_dict("records")
    ]
    order = ["due", "geo_level", "province_code", "indicator", "basis", "setter", "target"]
    return table.sort_values(order, ignore_index=True)[_COLUMNS]


def met(reading: float, lower: float, upper: float, target: float, indicator: str) -> str:
    """Return whether a target is met: yes, no or not_known.

    A printed figure is compared as printed. "Nearly 95" ends at 95 and says no to a target of 95;
    "over 93" begins at 93 and says nothing of a target of 93.5.
    """
    if pd.isna(reading):
        return NOT_KNOWN
    if indicator in CEILINGS:
        reading, lower, upper, target = -reading, -upper, -lower, -target
    ends_here, begins_here = upper <= reading and lower < reading, lower >= reading < upper
    reached, whole, best = (meets(value, target) for value in (reading, lower, upper))
    if reached and (whole or not ends_here):
        return YES
    if ends_here and not whole and not meets(target, reading):
        return NOT_KNOWN
    if begins_here and not reached and best:
        return NOT_KNOWN
    return NO


def word_beside(table: pd.DataFrame) -> np.ndarray:
    """(n,) "under" or "over" where the text says so of a figure ("nearly 95%"), else empty.

    table: reading, lower and upper, as `came` gives them.
    """
    below = (table["upper"] <= table["reading"]) & (table["lower"] < table["reading"])
    above = (table["lower"] >= table["reading"]) & (table["upper"] > table["reading"])
    return np.select([below, above], ["under", "over"], "")


def came(asked: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return questions with the figure that was published for their due day.

    Args:
        asked: geo_level, province_code, indicator, basis and due, beside columns of its own.
        tables: readings, targets and raw tables.

    Returns:
        the same rows, units that did not merge under province_63, with reading, lower, upper,
        reading_id, as_of, standing and official (see `outcomes`); empty where nothing has come.
    """
    return _with_readings(
        geography.one_level(asked, tables.raw.provinces).reset_index(drop=True), tables
    )


def _last_read(tables: Tables) -> pd.Timestamp:
    days = pd.to_datetime(tables.raw.sources["retrieved"].replace("", None), format="ISO8601")
    if days.notna().any():
        return days.max()
    return tables.readings["as_of"].max()


def _with_succession(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Add held, and the later target of the same setter for the same day, if there is one."""
    found = succession(table.rename(columns={"target": "value"}))
    found = found.rename(columns={"value": "target"})
    held = []
    dues = {
        pair: due_on(tables.targets, *pair)
        for pair in set(zip(found["indicator"], found["due"], strict=True))
    }
    for row in found.to_dict("records"):
        target = None
        if row["basis"] == "":
            due = dues[row["indicator"], row["due"]]
            target = due.held_by(row["geo_level"], row["province_code"])
        held.append(target is not None and target.facts == row["facts"])
    return found.assign(held=held)


def _published(tables: Tables) -> pd.DataFrame:
    readings = tables.readings
    return readings[readings["kind_of_evidence"] == "published"]


def _with_readings(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Add the published reading of the due day, and coverage on the official population."""
    known = _published(tables).copy()
    known["standing"] = standing_of(known, tables.raw)
    columns = ["value", "lower", "upper", "reading_id", "as_of", "standing"]
    asked = table.assign(at=table.index)
    pairs = asked.merge(known[[*_SERIES, *columns]], on=_SERIES)
    before = (pairs["due"] - pairs["as_of"]).dt.days
    pairs = pairs[before.between(0, NEAR_DAYS)].sort_values("as_of").groupby("at").tail(1)
    chosen = pairs.set_index("at")[columns].rename(columns={"value": "reading"})
    found = table.join(chosen)
    found["standing"] = found["standing"].fillna("")
    official = tables.readings[
        (tables.readings["basis"] == OFFICIAL_BASIS)
        & (tables.readings["indicator"] == "hi_coverage")
    ]
    plain = found.assign(day=found["as_of"].fillna(found["due"]))
    keys = ["geo_level", "province_code", "indicator", "as_of"]
    values = official.drop_duplicates(keys).set_index(keys)["value"]
    wanted = plain[["geo_level", "province_code", "indicator", "day"]]
    rows = pd.MultiIndex.from_frame(wanted.set_axis(keys, axis=1))
    found["official"] = values.reindex(rows).to_numpy()
    return found


def _with_first_print(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Add when a figure for the due day was first printed, whatever became of that figure."""
    raw = tables.raw
    facts = geography.one_level(raw.facts[raw.facts["kind"] == "actual"], raw.provinces)
    published = raw.sources.set_index("source_id")["published_on"]
    facts = facts.assign(printed=facts["source_id"].map(published))
    asked = table.assign(at=table.index)[["at", *_SERIES, "due"]]
    pairs = asked.merge(facts[[*_SERIES, "as_of", "printed"]], on=_SERIES)
    near = (pairs["due"] - pairs["as_of"]).dt.days.between(0, NEAR_DAYS)
    first = pairs[near].groupby("at")["printed"].min()
    found = table.assign(first_print=first.reindex(table.index).to_numpy())
    found.loc[found["reading"].isna(), "first_print"] = pd.NaT
    found["days_to_print"] = (found["first_print"] - found["due"]).dt.days
    return found


def _why(table: pd.DataFrame, tables: Tables) -> np.ndarray:
    """Say why an outcome is not known; empty where a reading of the due day is."""
    known = _published(tables)
    during = known.assign(year=known["as_of"].dt.year)[[*_SERIES, "year"]].drop_duplicates()
    asked = table.assign(year=table["due"].dt.year)[[*_SERIES, "year"]]
    interim = pd.MultiIndex.from_frame(asked).isin(pd.MultiIndex.from_frame(during))
    members = tables.raw.provinces.groupby("merged_code")["province_code"].nunique()
    home = tables.raw.provinces.set_index("province_code")["merged_code"]
    merging = table["province_code"].map(home).isin(members[members > 1].index)
    gone = (table["geo_level"] == "province_63") & merging & (table["due"] >= MERGER)
    read = table["reading"].notna()
    return np.select([read, gone, interim], ["", "merged", "interim_only"], "no_figure")


@dataclass(frozen=True)
class OfUnits:
    """The outcome of each unit of today for one due day; see `of_units`."""

    due: pd.Timestamp
    table: pd.DataFrame


def of_units(tables: Tables, due: str) -> OfUnits:
    """Return country and the 34 units beside the target that each is held against.

    Columns: geo_level, province_code, indicator, target, setter (nationwide where the unit has no
    target of its own), word (over or under, where the text says so), reading, as_of, standing, met,
    official, met_official, days_to_print. The country comes first.
    """
    day, raw = pd.Timestamp(due), tables.raw
    units = [("country", geography.COUNTRY)]
    units += [("province_34", code) for code in geography.codes("province_34")]
    rows = []
    for indicator in COVERAGE:
        held = due_on(tables.targets, indicator, day)
        for level, code in units:
            target = held.held_by(level, code)
            rows.append((level, code, indicator, "", day, target.value, target.setter))
    columns = [*_SERIES, "due", "target", "setter"]
    table = geography.one_level(pd.DataFrame(rows, columns=columns), raw.provinces)
    table = _with_first_print(_with_readings(table, tables), tables)
    for name, low, high in (("reading", "lower", "upper"), ("official", "official", "official")):
        table["met" if name == "reading" else "met_official"] = [
            met(row[name], row[low], row[high], row["target"], row["indicator"])
            for row in table.to_dict("records")
        ]
    table.loc[table["indicator"] != "hi_coverage", "met_official"] = ""
    # Units of today are named as today, whatever level their readings stand under.
    table["geo_level"] = table["geo_level"].replace("province_63", "province_34")
    table["word"] = word_beside(table)
    kept = ["geo_level", "province_code", "indicator", "target", "setter", "word", "reading"]
    kept += ["as_of", "standing", "met", "official", "met_official", "days_to_print"]
    return OfUnits(day, table[kept])


def country(found: OfUnits) -> Result:
    """Say for the country and each coverage rate whether the target was met."""
    rows = found.table[found.table["geo_level"] == "country"]
    phrases = []
    for row in rows.to_dict("records"):
        values = {**{str(name): value for name, value in row.items()}, "due": found.due}
        unsure = "_provisional" if row["standing"] == "provisional" else ""
        known = row["met"] != NOT_KNOWN
        phrases.append((f"outcomes.country_{row['met']}{unsure if known else ''}", values))
        if row["met_official"] in (YES, NO):
            phrases.append((f"outcomes.country_official_{row['met_official']}", values))
    return Result("outcomes_country", _shown(rows), phrases, _FORMATS, _WORDS, topic="outcomes")


def units(found: OfUnits) -> Result:
    """Count by coverage rate the units that met the target, did not, and have not said."""
    rows = found.table[found.table["geo_level"] != "country"]
    counts = pd.crosstab(rows["indicator"], rows["met"])
    counts = counts.reindex(index=list(COVERAGE), columns=[YES, NO, NOT_KNOWN], fill_value=0)
    own = rows[rows["setter"] != NATIONWIDE].groupby("indicator").size()
    counts["own_target"] = own.reindex(counts.index, fill_value=0)
    phrases = [
        (
            "outcomes.units",
            {
                "indicator": name,
                "units": int(geography.merged().index.size),
                "yes": int(row[YES]),
                "no": int(row[NO]),
                "silent": int(row[NOT_KNOWN]),
            },
        )
        for name, row in counts.iterrows()
    ]
    table = counts.reset_index().rename(
        columns={YES: "units_met", NO: "units_missed", NOT_KNOWN: "units_silent"}
    )
    formats = dict.fromkeys(["units_met", "units_missed", "units_silent", "own_target"], "integer")
    return Result("outcomes_units", table, phrases, formats, _WORDS, topic="outcomes")


def named(found: OfUnits) -> Result:
    """Return the units that have said how they ended the year, missed targets first."""
    rows = found.table[(found.table["geo_level"] != "country") & found.table["reading"].notna()]
    rows = rows.assign(order=rows["met"].map({NO: 0, NOT_KNOWN: 1, YES: 2}))
    rows = rows.sort_values(["order", "indicator", "province_code"])
    return Result(
        "outcomes_named",
        _shown(rows.drop(columns="order")),
        [],
        _FORMATS,
        _WORDS,
        topic="outcomes",
        hidden=("geo_level",),
    )


def superseded(found: pd.DataFrame, due: str) -> Result:
    """Return the targets of one due day that a later one of the same setter has replaced."""
    rows = found[(found["due"] == pd.Timestamp(due)) & found["superseded_by"].notna()]
    rows = rows[rows["indicator"].isin(COVERAGE)]
    columns = ["geo_level", "province_code", "indicator", "setter", "target", "announced"]
    columns += ["superseded_by", "superseded_on"]
    return Result(
        "outcomes_superseded",
        rows[columns],
        [("outcomes.superseded", {"n": len(rows)})],
        {
            "target": "printed",
            "superseded_by": "printed",
            "announced": "short_date",
            "superseded_on": "short_date",
        },
        _WORDS,
        topic="outcomes",
        hidden=("geo_level",),
    )


_FORMATS = {
    "target": "printed",
    "reading": "printed",
    "official": "percent1",
    "as_of": "short_date",
    "days_to_print": "integer",
}
_WORDS = {
    "province_code": "unit",
    "indicator": "indicator",
    "setter": "setter",
    "word": "outcome_word",
    "standing": "outcome_standing",
    "met": "outcome_met",
    "met_official": "outcome_met",
}


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out what is empty, and write the plain standing by its name."""
    plain = rows["standing"].mask((rows["standing"] == "") & rows["reading"].notna(), "plain")
    return rows.assign(standing=plain).dropna(axis=1, how="all")
