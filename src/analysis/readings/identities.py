"""Sums and ratios that should hold: checked and shown, never forced."""

import numpy as np
import pandas as pd

from analysis.country.breaks import DECISION_861, LABOUR_FORCE_BREAK, RESOLUTION_202
from analysis.facts import Raw
from analysis.readings.arithmetic import UNIT_AND_DATE, pick_readings, side_by_side
from analysis.readings.covariates import populations

_COLUMNS = [
    "identity",
    "geo_level",
    "province_code",
    "as_of",
    "left",
    "right",
    "difference",
    "ratio",
    "holds",
    "explained",
    "readings",
]
# Implied over official population was 0.98 with a standard deviation of 0.03 to 0.035.
TYPICAL_RATIO, TYPICAL_SPREAD = 0.98, 0.035
# Two readings of one unit this near in time should not differ by more than this, in points.
_NEAR_DAYS, _JUMP_POINTS = 120, 5.0
# ... nor two counts of it by more than this share (health insurance moves by 6% at year-end).
_JUMP_SHARE = 0.35


def check_identities(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Return each identity for each unit and date where its parts are known; see `_COLUMNS`.

    left and right are the two sides (persons or percent); holds says whether their intervals
    meet (sums), the order is kept (bounds) or the ratio is usual (denominators); explained names
    a known reason where it does not hold.
    """
    printed = readings[readings["kind_of_evidence"] == "published"]
    found = [
        _sum(printed, "si_participants", "si_compulsory_participants", "si_voluntary_participants"),
        _sum(printed, "si_coverage", "si_compulsory_coverage", "si_voluntary_coverage"),
        _sum(printed, "total_participants", "hi_participants", "si_voluntary_participants"),
        _order(printed, "ui_participants", "si_compulsory_participants"),
        _within_population(printed, raw),
        _implied_population(printed, raw),
        _implied_labour_force(printed),
        _merged_population(printed, raw),
        _not_on_resolution(printed, raw),
        _previous_year(readings),
        _jumps(printed),
        _count_jumps(printed),
    ]
    table = pd.concat([part for part in found if len(part)] or found, ignore_index=True)
    table["difference"] = table["left"] - table["right"]
    table["ratio"] = table["left"] / table["right"]
    order = ["identity", "geo_level", "province_code", "as_of", "readings"]
    return table.sort_values(order, ignore_index=True).reindex(columns=_COLUMNS)


def _table(m: pd.DataFrame, identity: str, left, right, holds, explained, names) -> pd.DataFrame:
    columns = ["geo_level", "province_code", "as_of"]
    table = m[columns].assign(identity=identity, left=left, right=right)
    table["holds"] = np.asarray(holds, dtype=bool)
    table["explained"] = np.where(table["holds"], "", explained)
    table["readings"] = names
    return table


def _sum(printed: pd.DataFrame, whole: str, first: str, second: str) -> pd.DataFrame:
    m = side_by_side(pick_readings(printed, first), pick_readings(printed, second), UNIT_AND_DATE)
    total = pick_readings(printed, whole)[
        [*UNIT_AND_DATE, "value", "lower", "upper", "reading_id", "doubt"]
    ]
    m = m.merge(total, on=UNIT_AND_DATE)
    low, high = m["lower_a"] + m["lower_b"], m["upper_a"] + m["upper_b"]
    holds = (m["lower"] <= high) & (low <= m["upper"])
    names = m["reading_id"] + ";" + m["reading_id_a"] + ";" + m["reading_id_b"]
    right = m["value_a"] + m["value_b"]
    return _table(m, f"{whole}_is_sum", m["value"], right, holds, m["doubt"], names)


def _order(printed: pd.DataFrame, small: str, large: str) -> pd.DataFrame:
    m = side_by_side(pick_readings(printed, small), pick_readings(printed, large), UNIT_AND_DATE)
    holds = m["lower_a"] <= m["upper_b"]
    names = m["reading_id_a"] + ";" + m["reading_id_b"]
    name = f"{small}_not_above_{large}"
    return _table(m, name, m["value_a"], m["value_b"], holds, m["doubt_a"], names)


def _official(m: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Keep country and provinces with a population, and add it as `persons`."""
    known = m["province_code"].isin(set(raw.population["province_code"]))
    m = m[((m["geo_level"] == "province_63") & known) | (m["geo_level"] == "country")].copy()
    units = list(zip(m["geo_level"], m["province_code"], strict=True))
    m["persons"] = populations(units, list(m["as_of"]), raw) if units else []
    return m


def _within_population(printed: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    people = printed[printed["indicator"] == "hi_participants"]
    m = _official(people, raw)
    explained = m["basis"].where(m["basis"] != "", m["doubt"])
    holds = m["lower"] <= m["persons"]
    name = "hi_participants_not_above_population"
    return _table(m, name, m["value"], m["persons"], holds, explained, m["reading_id"])


def _implied_population(printed: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    people = printed[printed["indicator"] == "hi_participants"]
    rates = printed[(printed["indicator"] == "hi_coverage") & (printed["value"] > 0)]
    m = _official(side_by_side(people, rates, [*UNIT_AND_DATE, "basis"]), raw)
    implied = 100 * m["value_a"] / m["value_b"]
    ratio = implied / m["persons"]
    holds = (ratio - TYPICAL_RATIO).abs() <= 2 * TYPICAL_SPREAD
    old = m["denominator_version_b"] == "pre_2019_census"
    explained = np.where(old, "pre_2019_census", m["basis"].where(m["basis"] != "", m["doubt_a"]))
    names = m["reading_id_a"] + ";" + m["reading_id_b"]
    name = "implied_population_is_official"
    return _table(m, name, implied, m["persons"], holds, explained, names)


def _implied_labour_force(printed: pd.DataFrame) -> pd.DataFrame:
    """Compare the labour force that SI figures imply with the one that UI figures imply."""
    sides = []
    for scheme in ("si", "ui"):
        people, rate = (
            pick_readings(printed, f"{scheme}_participants"),
            pick_readings(printed, f"{scheme}_coverage"),
        )
        m = side_by_side(people, rate[rate["value"] > 0], UNIT_AND_DATE)
        m["value"] = 100 * m["value_a"] / m["value_b"]
        m["lower"] = 100 * m["lower_a"] / m["upper_b"]
        m["upper"] = 100 * m["upper_a"] / m["lower_b"]
        m["doubt"], m["reading_id"] = m["doubt_b"], m["reading_id_a"] + ";" + m["reading_id_b"]
        sides.append(m[[*UNIT_AND_DATE, "value", "lower", "upper", "doubt", "reading_id"]])
    m = side_by_side(sides[0], sides[1], UNIT_AND_DATE)
    holds = (m["lower_a"] <= 1.02 * m["upper_b"]) & (m["lower_b"] <= 1.02 * m["upper_a"])
    names = m["reading_id_a"] + ";" + m["reading_id_b"]
    name = "si_and_ui_imply_one_labour_force"
    return _table(m, name, m["value_a"], m["value_b"], holds, m["doubt_a"], names)


def _merged_population(printed: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Compare the population stated for a merged unit with the official sum of its parts."""
    m = pick_readings(printed, "population")
    m = m[m["geo_level"] == "province_34"].copy()
    units = list(zip(m["geo_level"], m["province_code"], strict=True))
    m["persons"] = populations(units, list(m["as_of"]), raw) if units else []
    holds = (m["value"] / m["persons"] - 1).abs() <= 0.02
    name = "merged_population_is_sum_of_parts"
    explained = "registered_population"
    return _table(m, name, m["value"], m["persons"], holds, explained, m["reading_id"])


def _not_on_resolution(printed: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Flag coverage that was worked out on the population printed with Resolution 202/2025.

    That population is 1.01 to 1.35 times the one of the statistics office, so a rate on it is no
    rate of this panel. Rates stand on it where participants over coverage come nearer to it.
    """
    unit = ["geo_level", "province_code"]
    said = pick_readings(printed, "population", "resolution_202_population")
    people = pick_readings(printed, "hi_participants")
    rates = pick_readings(printed, "hi_coverage")
    m = side_by_side(people, rates[rates["value"] > 0], UNIT_AND_DATE)
    # A province that did not merge is one unit under two levels.
    first = said.sort_values("as_of").drop_duplicates("province_code")
    known = first.set_index("province_code")["value"]
    whole = raw.provinces.groupby("merged_code")["province_code"].nunique()
    alone = m["province_code"].isin(whole[whole == 1].index)
    m = m[(m["as_of"] >= RESOLUTION_202) & ((m["geo_level"] == "province_34") | alone)].copy()
    m["resolution"] = m["province_code"].map(known).astype(float)
    m = m[m["resolution"].notna()]
    pairs = list(m[unit].itertuples(index=False, name=None))
    m["persons"] = populations(pairs, list(m["as_of"]), raw) if pairs else np.zeros(0)
    implied = 100 * m["value_a"] / m["value_b"]
    usual = TYPICAL_RATIO * m["persons"]
    holds = (implied / usual - 1).abs() <= (implied / m["resolution"] - 1).abs()
    names = m["reading_id_a"] + ";" + m["reading_id_b"]
    name = "coverage_is_not_on_resolution_202"
    explained = "resolution_202_population"
    return _table(m, name, implied, m["resolution"], holds, explained, names)


def _previous_year(readings: pd.DataFrame) -> pd.DataFrame:
    """Compare value less change with the reading that was published for the year before."""
    value = readings[readings["kind_of_evidence"] == "published"]
    change = value[value["indicator"].str.endswith("_change")].copy()
    change["indicator"] = change["indicator"].str.removesuffix("_change")
    year_end = (change["as_of"].dt.month == 12) & (change["as_of"].dt.day == 31)
    on = ["geo_level", "province_code", "indicator", "basis", "as_of"]
    m = side_by_side(value, change[year_end], on)
    m["before"] = m["as_of"] - pd.DateOffset(years=1)
    earlier = value.rename(columns={"as_of": "before"})
    m = m.merge(earlier[[*on[:4], "before", "value", "lower", "upper", "reading_id"]])
    low, high = m["lower_a"] - m["upper_b"], m["upper_a"] - m["lower_b"]
    holds = (m["lower"] <= high) & (low <= m["upper"])
    names = m["reading_id"] + ";" + m["reading_id_a"] + ";" + m["reading_id_b"]
    right = m["value_a"] - m["value_b"]
    return _table(m, "change_leads_back_to_last_year", m["value"], right, holds, "restated", names)


def _jumps(printed: pd.DataFrame) -> pd.DataFrame:
    """List neighbouring coverage readings of one unit that differ too much for the time between."""
    rates = printed[
        printed["indicator"].isin(["hi_coverage", "si_coverage", "ui_coverage"])
        & (printed["basis"] == "")
    ].sort_values(["geo_level", "province_code", "indicator", "as_of"])
    unit = ["geo_level", "province_code", "indicator"]
    before = rates.groupby(unit)[["value", "as_of", "reading_id", "doubt"]].shift()
    near = (rates["as_of"] - before["as_of"]) <= pd.Timedelta(days=_NEAR_DAYS)
    rates, before = rates[near], before[near]
    holds = (rates["value"] - before["value"]).abs() <= _JUMP_POINTS
    health = rates["indicator"] == "hi_coverage"
    crosses = [
        health & (before["as_of"] < DECISION_861) & (rates["as_of"] >= DECISION_861),
        ~health & (before["as_of"] < LABOUR_FORCE_BREAK) & (rates["as_of"] >= LABOUR_FORCE_BREAK),
        health & (rates["denominator_version"] != "") & (rates["as_of"].dt.year == 2019),
    ]
    explained = np.select(
        crosses, ["decision_861", "labour_force_break", "census_revision"], rates["doubt"]
    )
    names = before["reading_id"] + ";" + rates["reading_id"]
    right, left = before["value"], rates["value"]
    return _table(rates, "neighbouring_readings_agree", left, right, holds, explained, names)


def _count_jumps(printed: pd.DataFrame) -> pd.DataFrame:
    """List neighbouring counts of one unit that differ too much for the time between."""
    counts = printed[printed["indicator"].str.endswith("_participants") & (printed["value"] > 0)]
    unit = ["geo_level", "province_code", "indicator", "basis"]
    counts = counts.sort_values([*unit, "as_of"])
    before = counts.groupby(unit)[["value", "as_of", "reading_id"]].shift()
    near = (counts["as_of"] - before["as_of"]) <= pd.Timedelta(days=_NEAR_DAYS)
    counts, before = counts[near], before[near]
    holds = (counts["value"] / before["value"] - 1).abs() <= _JUMP_SHARE
    names = before["reading_id"] + ";" + counts["reading_id"]
    left, right = counts["value"], before["value"]
    name = "neighbouring_counts_agree"
    return _table(counts, name, left, right, holds, counts["doubt"], names)
