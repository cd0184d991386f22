"""How many facts became how many readings, what the rules decided, and what still does not fit."""

import numpy as np
import pandas as pd

from analysis.coverage import evidence_mark
from analysis.facts import Raw
from analysis.provenance.mixed import MixedUnits
from analysis.readings import KEY, ReadingTables
from analysis.readings.conflicts import RULES, UNSETTLED
from analysis.readings.expectations import EXPECTED
from analysis.readings.identities import TYPICAL_RATIO, TYPICAL_SPREAD
from analysis.results import Result

FIRST_YEAR, LAST_YEAR = 2012, 2025
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
    order = ["agree_within_rounding", *RULES, UNSETTLED]
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
    rates = rates.assign(year=year)[year.between(FIRST_YEAR, LAST_YEAR)]
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
            "last": LAST_YEAR,
            "all": 63 * (LAST_YEAR - _EMPTY_PROVINCE_YEARS_FROM + 1),
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
