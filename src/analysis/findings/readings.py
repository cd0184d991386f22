"""How many facts became how many readings, what the rules decided, and what still does not fit."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np
import pandas as pd

from analysis.country import geography
from analysis.facts import Raw
from analysis.findings.contradictions import MixedUnits
from analysis.findings.coverage import evidence_mark
from analysis.readings import KEY, ReadingTables
from analysis.readings.conflicts import CONFLICT_RULES, EXPECTED, UNSETTLED
from analysis.readings.identities import TYPICAL_RATIO, TYPICAL_SPREAD
from analysis.report.results import Result

_FIRST_YEAR, _LAST_YEAR = 2012, 2025
_WORDS = {"province_code": "unit", "indicator": "indicator"}
_EMPTY_PROVINCE_YEARS_FROM = 2015


def summary(tables: ReadingTables, raw: Raw) -> Result:
    """Say in a few sentences what was read and what came of it."""
    readings, steps = tables.readings, tables.funnel.set_index("step")["n"]
    published = readings[readings["kind_of_evidence"] == "published"]
    decided = _decided(tables.conflicts)
    disputed = decided[decided["rule"] != "agree_within_rounding"]
    values = {
        "facts": int(steps["facts"]),
        "sources": int(raw.facts["source_id"].nunique()),
        "readings": int(steps["readings"]),
        "published": len(published),
        "derived": int(steps["derived_readings"]),
        "single": int((published["n_sources"] == 1).sum()),
        "disputed": len(disputed),
        "settled": int((disputed["rule"] != UNSETTLED).sum()),
        "unsettled": int((disputed["rule"] == UNSETTLED).sum()),
        "corrections": len(raw.corrections),
    }
    phrases = [
        ("readings.summary_read", values),
        ("readings.summary_single", values),
        ("readings.summary_conflicts", values),
        ("readings.summary_corrections", values),
    ]
    return Result("readings_summary", pd.DataFrame([values]), phrases)


def funnel(tables: ReadingTables) -> Result:
    """Return how many are left after each step: step, n."""
    steps = tables.funnel.set_index("step")
    lost, left = steps["lost"].to_dict(), steps["n"].to_dict()
    shown = ["facts", "after_corrections", "actual_figures", "distinct_keys", "published_readings"]
    table = steps.loc[[*shown, "readings"], ["n"]].reset_index()
    values = {
        "targets": int(lost["actual_figures"]),
        "repeats": int(lost["distinct_keys"]),
        "unsettled": len(_decided(tables.conflicts[tables.conflicts["rule"] == UNSETTLED])),
        "expected": int((tables.conflicts["rule"] == EXPECTED).sum()),
        "derived": int(left["derived_readings"]),
    }
    words = {"step": "readings"}
    formats = {"n": "integer"}
    return Result(
        "readings_funnel", table, [("readings.funnel", values)], formats, words, "readings"
    )


def _decided(conflicts: pd.DataFrame) -> pd.DataFrame:
    """Return one row a key with different published values: the key, rule and spread."""
    return conflicts[conflicts["rule"] != EXPECTED].drop_duplicates(KEY)


def decisions(tables: ReadingTables) -> Result:
    """Return by rule how many keys with different published values it decided."""
    keys = _decided(tables.conflicts)
    order = ["agree_within_rounding", *CONFLICT_RULES, UNSETTLED]
    table = keys.groupby("rule").size().reindex(order, fill_value=0).rename("n").reset_index()
    return Result("readings_decisions", table, (), {"n": "integer"}, {"rule": "rule"}, "readings")


def disagreements(tables: ReadingTables) -> Result:
    """Return the keys on which sources disagree beyond rounding, with what was accepted.

    Columns: geo_level, province_code, indicator, as_of, accepted, lower, upper, others (the values
    set aside, joined by ";"), rule and the mark of the reading.
    """
    conflicts = tables.conflicts
    conflicts = conflicts[~conflicts["rule"].isin(["agree_within_rounding", EXPECTED])]
    aside = conflicts[conflicts["outcome"].isin(["set_aside", "left_out_unsettled"])]
    others = aside.groupby(KEY)["value"].agg(lambda values: ";".join(map(str, sorted(set(values)))))
    table = _decided(conflicts)[[*KEY, "rule"]].merge(others.rename("others"), on=KEY)
    accepted = tables.readings[[*KEY, "value", "lower", "upper", "reading_id"]]
    table = table.merge(accepted, on=KEY, how="left").rename(columns={"value": "accepted"})
    table["evidence"] = evidence_mark(table.fillna({"reading_id": "///"}))
    table.loc[table["accepted"].isna(), "evidence"] = ""
    columns = ["geo_level", "province_code", "indicator", "as_of", "accepted", "lower", "upper"]
    return MixedUnits(
        "readings_disagreements",
        table[[*columns, "others", "rule", "evidence"]],
        (),
        {"as_of": "short_date"},
        {**_WORDS, "rule": "rule"},
        "readings",
        {"accepted": "evidence"},
        ["geo_level"],
        measured=("accepted", "lower", "upper", "others"),
    )


def left_out(tables: ReadingTables) -> Result:
    """Return the figures that no reading holds, with value, source and the rule that says why.

    They are those that no rule settles, and estimates above a later count of the same year.
    """
    unsettled = tables.conflicts[tables.conflicts["rule"] == UNSETTLED]
    expected = tables.conflicts[tables.conflicts["rule"] == EXPECTED]
    rows = pd.concat([unsettled, expected])
    columns = ["geo_level", "province_code", "indicator", "as_of", "value", "rule", "source_id"]
    values = {
        "n": len(_decided(unsettled)),
        "facts": len(unsettled),
        "expected": len(expected),
    }
    return MixedUnits(
        "readings_left_out",
        rows[columns],
        [("readings.left_out", values)],
        {"as_of": "short_date"},
        {**_WORDS, "rule": "rule"},
        "readings",
        hidden=["geo_level"],
        measured=("value",),
    )


def corrections(raw: Raw, language: str) -> Result:
    """Return the guarded corrections: where, published value, what was done and why."""
    table = raw.corrections.copy()
    table["as_of"] = pd.to_datetime(table["as_of"])
    table["reason"] = table["reason"] if language == "en" else table[f"reason_{language}"]
    columns = ["geo_level", "province_code", "indicator", "as_of", "expected_value", "action"]
    counts = raw.corrections["action"].value_counts()
    values = {
        "n": len(table),
        "dropped": int(counts.get("drop", 0)),
        "moved": int(counts.get("basis", 0)),
    }
    return MixedUnits(
        "readings_corrections",
        table[[*columns, "reason"]],
        [("readings.corrections", values)],
        {"as_of": "short_date"},
        {**_WORDS, "action": "correction"},
        "readings",
        hidden=["geo_level"],
        measured=("expected_value",),
    )


def matrix(tables: ReadingTables, indicator: str) -> Result:
    """Return for each province and year the best evidence: year_end, interim or computed.

    A year with a published rate at year-end counts as year_end, one with a published rate during
    the year as interim, and one with a rate that was computed only (from participants and the
    official population, or from other figures) as computed.
    """
    rates = tables.readings[
        (tables.readings["indicator"] == indicator)
        & (tables.readings["geo_level"] == "province_63")
    ]
    year = rates["as_of"].dt.year
    rates = rates.assign(year=year)[year.between(_FIRST_YEAR, _LAST_YEAR)]
    published = rates["kind_of_evidence"] == "published"
    rates["kind"] = np.select(
        [published & (rates["season"] == "year_end"), published],
        ["year_end", "interim"],
        "computed",
    )
    rank = rates["kind"].map({"year_end": 0, "interim": 1, "computed": 2})
    best = rates.assign(rank=rank).sort_values(["province_code", "year", "rank"])
    best = best.drop_duplicates(["province_code", "year"])
    table = best[["province_code", "year", "kind"]].reset_index(drop=True)
    return Result(f"readings_matrix_{indicator}", table, [_matrix_sentence(table, indicator)])


def _matrix_sentence(table: pd.DataFrame, indicator: str) -> tuple[str, dict]:
    recent = table[table["year"] >= _EMPTY_PROVINCE_YEARS_FROM]
    published = recent[recent["kind"] != "computed"]
    return (
        "readings.matrix",
        {
            "indicator": indicator,
            "first": _EMPTY_PROVINCE_YEARS_FROM,
            "last": _LAST_YEAR,
            "all": 63 * (_LAST_YEAR - _EMPTY_PROVINCE_YEARS_FROM + 1),
            "published": len(published),
            "provinces": int(published["province_code"].nunique()),
            "year_end": int((published["kind"] == "year_end").sum()),
            "computed": int((recent["kind"] == "computed").sum()),
        },
    )


def implied_population(tables: ReadingTables) -> Result:
    """Return implied over official population for each unit and date: ratio, holds, explained."""
    checked = tables.identities
    table = checked[checked["identity"] == "implied_population_is_official"]
    columns = ["geo_level", "province_code", "as_of", "ratio", "holds", "explained"]
    table = table[columns].sort_values(["ratio", "province_code", "as_of"], ignore_index=True)
    values = {
        "n": len(table),
        "units": int(table["province_code"].nunique()),
        "mean": 100 * float(table["ratio"].mean()),
        "sd": 100 * float(table["ratio"].std()),
        "usual_low": 100 * (TYPICAL_RATIO - 2 * TYPICAL_SPREAD),
        "usual_high": 100 * (TYPICAL_RATIO + 2 * TYPICAL_SPREAD),
        "outside": int((~table["holds"]).sum()),
        "points": 90 * (1 - float(table["ratio"].mean())),
    }
    return Result(
        "implied_population",
        table,
        [("readings.implied", values)],
        {"as_of": "short_date", "ratio": "number3"},
        _WORDS,
        "readings",
    )


def identities(tables: ReadingTables) -> Result:
    """Return by identity how often it was checked, holds, fails with a reason, and without."""
    checked = tables.identities
    fails = ~checked["holds"]
    groups = checked.assign(
        fails_explained=fails & (checked["explained"] != ""),
        fails_open=fails & (checked["explained"] == ""),
    ).groupby("identity")
    table = groups[["holds", "fails_explained", "fails_open"]].sum().astype(int)
    table.insert(0, "checked", groups.size())
    values = {
        "checked": len(checked),
        "holds": int(checked["holds"].sum()),
        "open": int(table["fails_open"].sum()),
    }
    formats = dict.fromkeys(["checked", "holds", "fails_explained", "fails_open"], "integer")
    return Result(
        "readings_identities",
        table.reset_index(),
        [("readings.identities", values)],
        formats,
        {"identity": "identity"},
        "readings",
    )


# --------------------------------------------------------------------------------------------------
# Tables of readings from which each source is one click away.
# --------------------------------------------------------------------------------------------------

_LINK_WORDS = {"province_code": "unit", "indicator": "indicator", "basis": "basis", "rule": "rule"}


@dataclass(frozen=True)
class SourcedResult(MixedUnits):
    """A result whose last shown column holds source ids, shown as links to their addresses.

    Attributes:
        sources: address by source id; it may be empty.
    """

    sources: Mapping[str, str] = field(default_factory=dict)

    def html(self, language: str) -> str:
        """Return the table as HTML; every text and address is escaped."""
        written = self.written(language)
        heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in written.columns)
        rows = "\n".join(self._row(row) for row in written.itertuples(index=False))
        return (
            f'<div class="table" tabindex="0" role="region" aria-label="{html.escape(self.name)}">'
            f'<table class="result" id="table-{self.name}">\n<thead><tr>{heads}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody></table></div>"
        )

    def _row(self, row: tuple[str, ...]) -> str:
        *cells, ids = row
        shown = "".join(f"<td>{html.escape(text)}</td>" for text in cells)
        links = ", ".join(self._link(name) for name in ids.split(";"))
        return f"<tr>{shown}<td>{links}</td></tr>"

    def _link(self, source_id: str) -> str:
        address, label = self.sources.get(source_id, ""), html.escape(source_id)
        if not web_address(address):
            return label
        return f'<a href="{html.escape(address)}">{label}</a>'


def web_address(address: str) -> str:
    """Return an address of the web, or nothing where it is another one.

    The raw tables refuse others; a page must not trust that they were checked.
    """
    return address if urlsplit(address).scheme in ("http", "https") else ""


def readings_of_unit(tables: ReadingTables, raw: Raw, code: str) -> SourcedResult:
    """Return every reading of one of the 63 provinces or the country ("00") with its sources.

    Raises:
        ValueError: there is no reading of this code.
    """
    readings = tables.readings
    level = "country" if code == geography.COUNTRY else "province_63"
    chosen = readings[(readings["geo_level"] == level) & (readings["province_code"] == code)]
    if chosen.empty and code not in set(raw.provinces["province_code"]):
        raise ValueError(f"{code!r} is neither 00 nor a province code")
    return with_sources(f"readings_of_{code}", chosen, raw, "readings.readings_of_unit")


def with_sources(name: str, chosen: pd.DataFrame, raw: Raw, phrase: str) -> SourcedResult:
    """Return readings with their intervals and sources.

    Args:
        name: name of the result.
        chosen: rows of the table of readings.
        raw: the raw tables, which hold the addresses.
        phrase: key of a sentence of n readings, sources, and unaddressed ones among these.
    """
    table = chosen.sort_values(["geo_level", "province_code", "indicator", "as_of", "basis"])
    table = table.assign(accepted=table["value"], how=table["rule"])
    columns = ["geo_level", "province_code", "indicator", "basis", "as_of", "accepted"]
    columns += ["lower", "upper", "how"]
    used = {ids for cell in table["sources"] for ids in cell.split(";")}
    known = raw.sources[raw.sources["source_id"].isin(used)]
    sources = dict(zip(known["source_id"], known["url"], strict=True))
    values = {
        "n": len(table),
        "sources": len(sources),
        "unaddressed": sum(1 for address in sources.values() if not address),
    }
    return SourcedResult(
        name,
        table[[*columns, "sources"]],
        [(phrase, values)],
        {"as_of": "short_date"},
        {**_LINK_WORDS, "how": "rule"},
        "readings",
        hidden=["geo_level"],
        measured=("accepted", "lower", "upper"),
        sources=sources,
    )
