"""What was known on a date: the one place where later facts, rules and targets are cut away.

Every forecast, of the project's own model and of the models beside it, starts from a `Known`.
Nothing else truncates, so one test that poisons the future covers them all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.country import geography
from analysis.country.indicators import OFFICIAL_BASIS
from analysis.disk_cache import cached
from analysis.facts import Raw, corrected
from analysis.facts.corrections import settled
from analysis.readings import KEY, build_readings
from analysis.readings import targets as targets_room

_REVISED_AFTER = pd.Timedelta(days=365)


@dataclass(frozen=True)
class Known:
    """The tables as they stood on `origin`.

    readings: accepted readings with as_of <= origin that rest on no later fact (`known_on`).
    raw: the raw tables, cut likewise: facts by the date that they describe, targets by their
        announcement, policy events by their date, covariates and population by their year.
        Corrections have been applied to the facts and are gone from their own table.
    targets: targets announced by the origin, whenever due.
    """

    origin: pd.Timestamp
    readings: pd.DataFrame
    raw: Raw
    targets: pd.DataFrame


def known_at(
    readings: pd.DataFrame,
    raw: Raw,
    origin: pd.Timestamp,
    targets: pd.DataFrame | None = None,
    printed: bool = False,
) -> Known:
    """Cut `readings` and `raw` at `origin` (inclusive).

    Two rules say since when a figure is known. The *dated* rule takes the day that it describes:
    its source may have been printed some weeks later, as year-end figures always are. The
    *printed* rule takes the day on which it had been printed (`printed_on`), which is what
    somebody who forecast on that day could have had on the desk. Under both, the revision of a
    figure is known from the day on which it was printed (see `later_revisions`), and so is an
    estimate for a day within the year; what sets one aside is a count that is dated by the origin.
    `targets` is the table of `analysis.readings.targets.targets(raw)`; it is made here when not
    given.
    """
    origin = pd.Timestamp(origin)
    if targets is None:
        targets = targets_room.targets(raw)
    revised, estimates = later_revisions(raw, origin), _estimates_of_this_year(raw, origin)
    # What the rules of the readings decide, they decide on what was known.
    if revised:
        raw, readings = _never_printed(settled(raw), readings, revised)
    if len(estimates):
        whole = settled(raw)
        later = (whole.facts["kind"] == "actual") & (whole.facts["as_of"] > origin)
        hidden = {*estimates.index[estimates > origin]}
        raw = dataclasses.replace(whole, facts=whole.facts[~whole.facts["row"].isin(hidden)])
        known_facts = dataclasses.replace(raw, facts=raw.facts[~later.reindex(raw.facts.index)])
        anew = _built_anew(known_facts)
        readings = _settled_anew(readings, anew, hidden, {*estimates.index})
    announced = targets_room.announced_by(targets, origin)
    seen = _known_by(readings, origin)
    cut = _cut_raw(raw, announced, origin)
    if printed:
        days = fact_printed_on(raw)
        seen &= printed_on(readings, days) <= origin
        late = days.index[days > origin]
        facts = cut.facts
        kept = ~((facts["kind"] == "actual") & facts["row"].isin(late))
        cut = dataclasses.replace(cut, facts=facts[kept])
    return Known(
        origin=origin,
        readings=readings[seen].reset_index(drop=True),
        raw=cut,
        targets=announced.reset_index(drop=True),
    )


@cached
def _built_anew(raw: Raw) -> pd.DataFrame:
    """The readings of tables that lack what was printed later; many forecasts ask for the same."""
    return build_readings(raw).readings


def _never_printed(
    raw: Raw, readings: pd.DataFrame, rows: frozenset[int]
) -> tuple[Raw, pd.DataFrame]:
    """The settled tables and the readings as if the facts `rows` had never been printed.

    A figure that was set aside still widens the interval of the reading that was preferred to it,
    and of all that was computed from that reading, though none of these name it among their facts.
    So every reading of the same unit, indicator and day is settled anew, and what rests on it.
    """
    hidden = geography.one_level(raw.facts[raw.facts["row"].isin(rows)], raw.provinces)
    raw = dataclasses.replace(raw, facts=raw.facts[~raw.facts["row"].isin(rows)])
    anew = _built_anew(raw)
    kept, fresh = readings[~_rest_on(readings, hidden)], anew[_rest_on(anew, hidden)]
    return raw, pd.concat([kept, fresh], ignore_index=True).sort_values([*KEY], ignore_index=True)


def _rest_on(readings: pd.DataFrame, facts: pd.DataFrame) -> np.ndarray:
    """Which readings are of the unit, indicator and day of one of the facts, or computed from it.

    (n,) bool. Computed readings name those that they come from in `derived_from`.
    """
    keys = ["geo_level", "province_code", "indicator", "as_of"]
    same = pd.MultiIndex.from_frame(readings[keys]).isin(pd.MultiIndex.from_frame(facts[keys]))
    rows = {*facts["row"]}
    found = same | np.array([bool(rows & fact_rows([cell])) for cell in readings["facts"]], bool)
    sources = [set(str(cell).split(";")) for cell in readings["derived_from"].fillna("")]
    seen = 0
    while found.sum() > seen:
        seen = int(found.sum())
        ids = set(readings.loc[found, "reading_id"])
        found = found | np.array([not ids.isdisjoint(own) for own in sources], bool)
    return found


def _settled_anew(
    readings: pd.DataFrame, anew: pd.DataFrame, hidden: set[int], estimates: set[int]
) -> pd.DataFrame:
    """The readings, with those of `anew` in the place of what rests on hidden facts.

    Readings of `anew` that rest on the rows `estimates` are added, where a later count set them
    aside. All others stay as they are, those on the official population among them.
    """

    def rests(table: pd.DataFrame, rows: set[int]) -> np.ndarray:
        return np.array([bool(rows & set(fact_rows([cell]))) for cell in table["facts"]], bool)

    dropped = rests(readings, hidden)
    kept = readings[~dropped]
    wanted = anew["reading_id"].isin(readings.loc[dropped, "reading_id"]) | rests(anew, estimates)
    fresh = anew[wanted & ~anew["reading_id"].isin(kept["reading_id"])]
    fresh = fresh[fresh["basis"].fillna("") != OFFICIAL_BASIS]
    return pd.concat([kept, fresh], ignore_index=True).sort_values([*KEY], ignore_index=True)


def _estimates_of_this_year(raw: Raw, origin: pd.Timestamp) -> pd.Series:
    """When the estimates for days before the origin, within its year, were printed, by their row.

    They say what is expected as much as what is there, and a later count may set them aside.
    """
    facts = raw.facts
    within = (facts["as_of"] <= origin) & (facts["as_of"].dt.year == origin.year)
    within &= (facts["standing"] == "estimate") & (facts["as_of"].dt.month < 12)
    rows = facts.loc[within & (facts["kind"] == "actual"), "row"]
    return fact_printed_on(raw).reindex(rows) if len(rows) else pd.Series(dtype="datetime64[ns]")


def later_revisions(raw: Raw, origin: pd.Timestamp) -> frozenset[int]:
    """Rows of the facts that revise a figure which was known on `origin`, and were printed later.

    A revision is printed more than a year after the day that it describes, beside another figure of
    the same unit, indicator, definition and day that was printed by the origin, and differs from
    all of these. Figures of the whole country are not looked at: its settled accounts are printed
    years later, and the model has always counted them from their own day.
    """
    facts = corrected(raw)
    facts = facts[(facts["kind"] == "actual") & (facts["geo_level"] != "country")]
    facts = facts[facts["as_of"] <= origin]
    printed = facts["source_id"].map(raw.sources.set_index("source_id")["published_on"])
    late = (printed > origin) & (printed > facts["as_of"] + _REVISED_AFTER)
    if not late.any():
        return frozenset()
    by_then = facts[printed <= origin]
    keys = ["geo_level", "province_code", "indicator", "basis", "as_of"]
    known = set(by_then[keys].itertuples(index=False, name=None))
    same = set(by_then[[*keys, "value"]].itertuples(index=False, name=None))
    rows = facts.loc[late, [*keys, "value", "row"]].itertuples(index=False, name=None)
    return frozenset(int(row) for *key, value, row in rows
                     if tuple(key) in known and (*key, value) not in same)  # fmt: skip


#: A source without a date counts as printed so long after the day that its figure describes.
UNDATED = pd.DateOffset(months=3)


def fact_printed_on(raw: Raw) -> pd.Series:
    """The day on which each fact had been printed, by its line in facts.csv.

    That is the last day on which its source can have appeared, since some sources give a month
    or a year only; but never before the day that the figure describes.
    """
    facts = corrected(raw)
    published = raw.sources.set_index("source_id")["published_on"].reindex(facts["source_id"])
    printed = pd.Series(pd.to_datetime(published.to_numpy()), index=facts["row"].to_numpy())
    described = pd.Series(pd.to_datetime(facts["as_of"].to_numpy()), index=printed.index)
    return printed.fillna(described + UNDATED).clip(lower=described)


def printed_on(readings: pd.DataFrame, days: pd.Series) -> pd.Series:
    """The day from which each reading could be read.

    days: as `fact_printed_on` gives it. A published figure that several sources repeat is known
    from the first; one computed from several figures from the last. A reading without facts of
    its own is known from the day that it describes.
    """
    lines = [sorted(fact_rows([cell])) for cell in readings["facts"]]
    computed = (readings["kind_of_evidence"] != "published").to_numpy()
    found = [
        (days.loc[rows].max() if last else days.loc[rows].min()) if rows else day
        for rows, last, day in zip(lines, computed, readings["as_of"], strict=True)
    ]
    return pd.Series(pd.to_datetime(found), index=readings.index)


def _known_by(readings: pd.DataFrame, origin: pd.Timestamp) -> pd.Series:
    """Readings of the origin or before that rest on no later fact.

    A figure of last year can be computed from this year's value and its change on last year: it
    describes the past, but nobody knew it then. `known_on` is the date of the latest fact behind.
    """
    return (readings["as_of"] <= origin) & (pd.to_datetime(readings["known_on"]) <= origin)


def _cut_raw(raw: Raw, announced: pd.DataFrame, origin: pd.Timestamp) -> Raw:
    """The raw tables without anything that describes, rules or was announced after `origin`."""
    facts = corrected(raw)
    rows = fact_rows(announced["facts"])
    actual = (facts["kind"] == "actual") & (facts["as_of"] <= origin)
    kept = facts[actual | ((facts["kind"] == "target") & facts["row"].isin(rows))]
    events = raw.policy_events
    return dataclasses.replace(
        raw,
        facts=kept,
        corrections=raw.corrections.iloc[:0],
        policy_events=events[events["date"] <= origin],
        covariates=raw.covariates[raw.covariates["year"] <= origin.year],
        population=raw.population[raw.population["year"] <= origin.year],
    )


def ended_years(known: Known) -> Known:
    """`known` without the yearly figures of a year that had not ended by the origin."""
    last = known.origin.year if known.origin.is_year_end else known.origin.year - 1
    raw = known.raw
    cut = {name: getattr(raw, name) for name in ("covariates", "population")}
    cut = {name: table[table["year"] <= last] for name, table in cut.items()}
    return dataclasses.replace(known, raw=dataclasses.replace(raw, **cut))


def without(known: Known, hidden: pd.DataFrame) -> Known:
    """`known` as if the readings `hidden` had never been published.

    hidden: geo_level, province_code, indicator, as_of, facts. Besides these readings goes
    whatever would give them away: every reading and fact of the same unit and family of
    indicators (health insurance, social insurance, unemployment insurance) on the same date,
    and every reading that was computed from one of their facts.
    """
    hidden = hidden.assign(family=_family(hidden["indicator"]))
    keys = pd.MultiIndex.from_frame(hidden[["geo_level", "province_code", "family", "as_of"]])
    rows = fact_rows(hidden["facts"])
    readings, facts = known.readings, known.raw.facts
    shared = [not rows.isdisjoint(fact_rows([cell])) for cell in readings["facts"]]
    gone = _keys(readings).isin(keys) | np.array(shared, dtype=bool)
    actual = (facts["kind"] == "actual").to_numpy()
    gone_facts = (_keys(facts).isin(keys) & actual) | facts["row"].isin(rows).to_numpy()
    return dataclasses.replace(
        known,
        readings=readings[~gone].reset_index(drop=True),
        raw=dataclasses.replace(known.raw, facts=facts[~gone_facts]),
    )


def without_provinces(known: Known, codes: pd.Series) -> Known:
    """`known` as if nothing had ever been published about the provinces `codes`.

    Targets stay: they are set from outside and stand in decisions of the Government.
    """

    def own(table: pd.DataFrame) -> pd.Series:
        return (table["geo_level"] == "province_63") & table["province_code"].isin(codes)

    readings, facts = known.readings, known.raw.facts
    return dataclasses.replace(
        known,
        readings=readings[~own(readings)].reset_index(drop=True),
        raw=dataclasses.replace(
            known.raw, facts=facts[~(own(facts) & (facts["kind"] == "actual"))]
        ),
    )


def fact_rows(references: Iterable[str]) -> set[int]:
    """The lines of facts.csv named by references such as "facts.csv:12;facts.csv:40"."""
    return {
        int(one.rpartition(":")[2])
        for cell in references
        for one in str(cell).split(";")
        if one and (one.startswith("facts.csv:") or one.isdigit())
    }


def _family(indicator: pd.Series) -> pd.Series:
    """hi, si or ui: the part of an indicator's name before the first underscore."""
    return indicator.str.split("_").str[0]


def _keys(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays(
        [
            table["geo_level"],
            table["province_code"],
            _family(table["indicator"]),
            table["as_of"],
        ]
    )


# --------------------------------------------------------------------------------------------------
# Read questions for the forecast from a file, and refuse faulty ones with their row.
# --------------------------------------------------------------------------------------------------

QUERY_COLUMNS = ["geo_level", "province_code", "indicator", "as_of"]
#: The model looks no further: beyond, the nationwide curve is a guess.
LAST = pd.Timestamp(2035, 12, 31)


class QueryError(ValueError):
    """A question that cannot be answered; the message has a line for each faulty row."""


def read_date(text: str, where: str) -> pd.Timestamp:
    """Read a day as YYYY-MM-DD. Raises QueryError naming `where`."""
    try:
        return pd.to_datetime(str(text).strip(), format="%Y-%m-%d")
    except ValueError as error:
        raise QueryError(f"{where}: {text!r} is not a date: write it as 2025-12-31") from error


def read_queries(path: Path) -> pd.DataFrame:
    """Read a CSV file with the columns of QUERY_COLUMNS; as_of becomes a date.

    Raises:
        QueryError: the file is not CSV, lacks a column, has no row, or a date cannot be read.
        OSError: the file cannot be opened.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise QueryError(f"{path.name}: not a CSV file in UTF-8: {error}") from error
    missing = [column for column in QUERY_COLUMNS if column not in table]
    if missing:
        raise QueryError(f"{path.name}: missing column(s): {', '.join(missing)}")
    if table.empty:
        raise QueryError(f"{path.name}: no questions: write one row for each")
    table = table.apply(lambda column: column.str.strip())
    return table.assign(as_of=_dates(table["as_of"], path.name))


def _dates(text: pd.Series, file: str) -> pd.Series:
    dates = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    faults = [
        f"{file}:{row}: as_of: {value!r}: not a date from 2009-12-31 to {LAST:%Y-%m-%d}, "
        "written as 2025-12-31"
        for row, (value, day) in enumerate(zip(text, dates, strict=True), start=2)
        if pd.isna(day) or not pd.Timestamp(2009, 12, 31) <= day <= LAST
    ]
    if faults:
        raise QueryError("\n".join(faults))
    return dates
