"""Readings computed from other readings, marked as such; they never outrank a published one.

Ways, in the order in which they are preferred where two give the same key:

1. the missing one of compulsory + voluntary = social insurance, for persons and for rates;
2. health insurance = total participants - voluntary social insurance, and the reverse;
3. the year before = value - change, where the text states what the change is against;
4. rate = participants / denominator and the reverse, with a published denominator of that date;
5. health insurance coverage on the official population, as a basis of its own, and participants
   from coverage and the official population, widened by what published denominators differ;
6. late payment rates from amounts over annualised collections, and days of contributions owed;
7. merged units from all of their parts, by participants and denominators.
"""

import numpy as np
import pandas as pd

from analysis.country.indicators import DAYS_PER_PERCENT, OFFICIAL_BASIS
from analysis.facts import Raw
from analysis.readings.arithmetic import (
    UNIT_AND_DATE,
    difference,
    one_a_key,
    percentage,
    pick_readings,
    reading,
    reading_ids,
    side_by_side,
    total,
    unite,
    with_counts,
)
from analysis.readings.covariates import POST_CENSUS, PRE_CENSUS, populations
from analysis.readings.evidence import KEY

# --------------------------------------------------------------------------------------------------
# Late payment rates from amounts over annualised collections, and days of contributions owed.
# --------------------------------------------------------------------------------------------------

ANNUALISED = "annualised_collections"
_FARTHEST_DAYS = 366
# Before the end of February the sum since 1 January says too little about the year.
_EARLIEST_SHARE = 59 / 365
# Contributions come late in the year: when the share s of it has passed, s - k s (1 - s) of the
# year's sum has come. In the pairs of an interim and a year-end sum that were published for one
# unit and year, k is as here: least, median and most (0 would be an even flow).
SLOW = {"lower": 0.0, "value": 0.18, "upper": 0.42}
# Amounts of a part of the debtors or of one scheme, while collections cover all of them.
_OTHER_SCOPE = ("listed_debtors", "irrecoverable", "si_compulsory_only")


def derive_late_payment(known: pd.DataFrame) -> pd.DataFrame:
    """Return derived rates (percent of annualised collections) and days owed, by basis.

    A year's collections are the sum since 1 January over the share of the year's sum that has
    come by then (`share_come`); of several dates of one unit the nearest to the amount's, at most a
    year away, is used.
    """
    rates = _rates(known)
    published = known[known["indicator"] == "late_payment_rate"]
    taken = pd.MultiIndex.from_frame(published[["geo_level", "province_code", "basis", "as_of"]])
    keys = pd.MultiIndex.from_frame(rates[["geo_level", "province_code", "basis", "as_of"]])
    rates = rates[~keys.isin(taken)]
    return pd.concat([rates, _days(published), _days(rates)], ignore_index=True)


def annual_collections(known: pd.DataFrame) -> pd.DataFrame:
    """Return the collections of a whole year (billion VND) that each reading implies.

    The interval holds what the digits allow and any pace of collecting that was seen (`SLOW`).
    """
    table = pick_readings(known, "collections").copy()
    passed = table["as_of"].dt.dayofyear / np.where(table["as_of"].dt.is_leap_year, 366, 365)
    table, passed = table[passed >= _EARLIEST_SHARE], passed[passed >= _EARLIEST_SHARE]
    for column, slow in SLOW.items():
        table[column] = table[column] / share_come(passed, slow)
    return table


def share_come(passed: pd.Series, slow: float = SLOW["value"]) -> pd.Series:
    """Return the share of a year's collections that has come when a share of it has passed."""
    return passed - slow * passed * (1 - passed)


def _rates(known: pd.DataFrame) -> pd.DataFrame:
    amounts = known[
        (known["indicator"] == "late_payment_amount") & ~known["basis"].isin(_OTHER_SCOPE)
    ]
    collections = annual_collections(known)
    unit = ["geo_level", "province_code"]
    m = pd.merge_asof(
        amounts.sort_values(["as_of", *unit, "basis"]),
        collections.sort_values(["as_of", *unit]),
        on="as_of",
        by=unit,
        suffixes=("_a", "_b"),
        direction="nearest",
        tolerance=pd.Timedelta(days=_FARTHEST_DAYS),
    ).dropna(subset=["value_b"])
    share = (
        100 * m["value_a"] / m["value_b"],
        100 * m["lower_a"] / m["upper_b"],
        100 * m["upper_a"] / m["lower_b"],
    )
    made = reading(m, "late_payment_rate", "", share, "amount_over_annualised_collections")
    made["basis"] = m["basis_a"]
    made["denominator_version"] = ANNUALISED
    return made[made["value"] <= 100]


def _days(rates: pd.DataFrame) -> pd.DataFrame:
    numbers = (
        DAYS_PER_PERCENT * rates["value"],
        DAYS_PER_PERCENT * rates["lower"],
        DAYS_PER_PERCENT * rates["upper"],
    )
    named = rates if "reading_id" in rates else rates.assign(reading_id=rates["derived_from"])
    made = reading(named, "late_payment_days", "", numbers, "rate_times_3_65", [""])
    return made.assign(
        basis=rates["basis"], denominator_version=rates["denominator_version"].to_numpy()
    )


# --------------------------------------------------------------------------------------------------
# Merged units from their parts: participants and denominators add up, rates do not.
# --------------------------------------------------------------------------------------------------

_ADDITIVE = ("persons", "units", "billion VND")
_SCHEMES = ("hi", "si", "si_compulsory", "si_voluntary", "ui")
_WHERE = ["merged_code", "indicator", "basis", "as_of"]


def derive_merged_units(known: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Return readings of the units after the merger for dates on which every part has one.

    Counts and amounts are added. Coverage is the sum of participants over the sum of the
    denominators that participants and coverage of each part imply.
    """
    units = raw.provinces.groupby("merged_code")["province_code"].nunique()
    several = units[units > 1]
    code = raw.provinces.set_index("province_code")["merged_code"]
    parts = known[known["geo_level"] == "province_63"].copy()
    parts["merged_code"] = parts["province_code"].map(code)
    parts = parts[parts["merged_code"].isin(several.index)]
    counts = _complete(parts[parts["unit"].isin(_ADDITIVE)], several, "sum_of_provinces")
    return pd.concat([counts, _coverage(parts, several)], ignore_index=True)


def _complete(parts: pd.DataFrame, several: pd.Series, rule: str) -> pd.DataFrame:
    """Add up the parts where all of them are there."""
    size = parts.groupby(_WHERE)["province_code"].transform("nunique")
    whole = parts[size == parts["merged_code"].map(several)]
    lists = {"reading_id": unite, "facts": unite, "sources": unite, "doubt": unite}
    sums = {name: "sum" for name in ("value", "lower", "upper", "denominator") if name in whole}
    rest = {"unit": "first", "known_on": "max"}
    made = whole.groupby(_WHERE, as_index=False).agg({**sums, **rest, **lists})
    made = made.rename(columns={"merged_code": "province_code", "reading_id": "derived_from"})
    return made.assign(geo_level="province_34", rule=rule)


def _coverage(parts: pd.DataFrame, several: pd.Series) -> pd.DataFrame:
    """Return merged coverage as 100 sum(n) / sum(n / c) over the parts.

    The limits follow those of the rates, whose digits are fewer than those of participants.
    """
    people = _by_scheme(parts, "_participants")
    rates = _by_scheme(parts, "_coverage")
    on = ["merged_code", "geo_level", "province_code", "basis", "as_of", "scheme"]
    m = side_by_side(people, rates[rates["value"] > 0], on)
    pairs = m[on].assign(indicator=m["scheme"] + "_coverage", unit="percent")
    pairs["denominator"] = 100 * m["value_a"] / m["value_b"]
    pairs["known_on"] = m[["known_on_a", "known_on_b"]].max(axis=1)
    for limit in ("value", "lower", "upper"):
        pairs[limit] = pairs["denominator"] * m[f"{limit}_b"]
    for name in ("reading_id", "facts", "sources", "doubt"):
        pairs[name] = [unite(both) for both in zip(m[f"{name}_a"], m[f"{name}_b"], strict=True)]
    rule = "sum_of_participants_over_sum_of_denominators"
    made = _complete(pairs, several, rule)
    for limit in ("value", "lower", "upper"):
        made[limit] = made[limit] / made["denominator"]
    return made.drop(columns="denominator")


def _by_scheme(parts: pd.DataFrame, ending: str) -> pd.DataFrame:
    """Return the readings of one kind, with the scheme that they are of."""
    scheme = parts["indicator"].str.removesuffix(ending)
    wanted = parts["indicator"].str.endswith(ending) & scheme.isin(_SCHEMES)
    return parts.assign(scheme=scheme)[wanted]


# --------------------------------------------------------------------------------------------------
# The level a year before, from a level and its change, where the text says against what.
# --------------------------------------------------------------------------------------------------


def derive_previous_year(described: pd.DataFrame) -> pd.DataFrame:
    """Return the readings at the base date of each change, from one and the same source.

    Args:
        described: facts with lower and upper limits; `row` and `source_id` give the lineage.
    """
    table = described.assign(
        reading_id="facts.csv:" + described["row"].astype(str),
        facts=described["row"].astype(str),
        sources=described["source_id"],
        known_on=described["as_of"],
    )
    is_change = table["indicator"].str.endswith("_change")
    changes = table[is_change].copy()
    changes["base"] = base_dates(changes)
    changes["of"] = changes["indicator"].str.removesuffix("_change")
    same = ["geo_level", "province_code", "as_of", "basis", "source_id"]
    levels = table[~is_change].assign(of=table["indicator"])
    m = side_by_side(levels, changes.dropna(subset=["base"]), [*same, "of"])
    m["as_of"] = m["base"]
    found = [
        reading(part, str(name), "", difference(part), "value_less_change").assign(
            basis=part["basis"]
        )
        for name, part in m.groupby("of")
    ]
    made = (
        pd.concat(found, ignore_index=True)
        if found
        else reading(m, "si_participants", "", difference(m), "value_less_change")
    )
    return made[made["value"] > 0]


def base_dates(changes: pd.DataFrame) -> pd.Series:
    """Return what each change is against; missing where the text does not say.

    The column `versus` says it; a year-end figure without it is against the year-end before. Other
    changes may be against the year's start or a year ago, so are not used.
    """
    day = changes["as_of"]
    year_end = (day.dt.month == 12) & (day.dt.day == 31)
    year_before = day - pd.DateOffset(years=1)
    return changes["versus"].where(changes["versus"].notna(), year_before.where(year_end))


# Fewer pairs of participants and coverage than this do not tell how denominators differ.
_FEWEST_PAIRS = 20
_DENOMINATORS = {
    "hi": "population",
    "si": "labour_force_working_age",
    "si_compulsory": "labour_force_working_age",
    "si_voluntary": "labour_force_working_age",
    "ui": "labour_force_working_age",
}


def derive(published: pd.DataFrame, described: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Return the derived readings, without the keys that were published.

    Args:
        published: the accepted readings with reading_id.
        described: the facts behind them (`evidence.describe`).
    """
    known, found = published, []
    steps = [_parts_of_social_insurance, _out_of_totals]
    for way, step in enumerate(steps):
        found.append(step(known).assign(way=way))
        known = _with(published, found)
    found.append(derive_previous_year(described).assign(way=2))
    known = _with(published, found)
    found.append(_published_denominators(known).assign(way=3))
    known = _with(published, found)
    found.append(_on_official_population(known, raw).assign(way=4))
    found.append(derive_late_payment(known).assign(way=5))
    known = _with(published, found)
    found.append(derive_merged_units(known, raw).assign(way=6))
    made = _with(published, found)
    return made[made["kind_of_evidence"] == "derived"]


def _with(published: pd.DataFrame, found: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the published readings and, for other keys, the derived ones."""
    made = pd.concat([table for table in found if len(table)] or found, ignore_index=True)
    made = made[made["value"].notna() & np.isfinite(made["value"])]
    taken = pd.MultiIndex.from_frame(published[KEY])
    made = with_counts(one_a_key(made[~pd.MultiIndex.from_frame(made[KEY]).isin(taken)]))
    made["reading_id"] = reading_ids(made)
    return pd.concat([published, made], ignore_index=True)


def _parts_of_social_insurance(known: pd.DataFrame) -> pd.DataFrame:
    found = []
    for what in ("participants", "coverage"):
        whole, compulsory, voluntary = (
            pick_readings(known, f"{scheme}_{what}")
            for scheme in ("si", "si_compulsory", "si_voluntary")
        )
        m = side_by_side(compulsory, voluntary, UNIT_AND_DATE)
        found.append(reading(m, f"si_{what}", "", total(m), "compulsory_plus_voluntary"))
        for part, other in (("si_voluntary", compulsory), ("si_compulsory", voluntary)):
            m = side_by_side(whole, other, UNIT_AND_DATE)
            made = reading(m, f"{part}_{what}", "", difference(m), "social_insurance_less_part")
            # A negative remainder means that the two texts count differently.
            found.append(made[made["value"] > 0])
    return pd.concat(found, ignore_index=True)


def _out_of_totals(known: pd.DataFrame) -> pd.DataFrame:
    """Return HI = total - voluntary SI, and voluntary SI = total - HI.

    The total of all schemes counts a person once; whoever is in compulsory social or unemployment
    insurance is in health insurance too.
    """
    whole, health = (
        pick_readings(known, "total_participants"),
        pick_readings(known, "hi_participants"),
    )
    voluntary = pick_readings(known, "si_voluntary_participants")
    m = side_by_side(whole, voluntary, UNIT_AND_DATE)
    made = reading(m, "hi_participants", "", difference(m), "total_less_voluntary")
    # Where health insurance was published on another basis, the total may count on that basis.
    counted = known.loc[known["indicator"] == "hi_participants", UNIT_AND_DATE]
    taken = pd.MultiIndex.from_frame(counted)
    made = made[~pd.MultiIndex.from_frame(made[UNIT_AND_DATE]).isin(taken)]
    m = side_by_side(whole, health, UNIT_AND_DATE)
    rest = reading(m, "si_voluntary_participants", "", difference(m), "total_less_health")
    return pd.concat([made, rest[rest["value"] > 0]], ignore_index=True)


def _published_denominators(known: pd.DataFrame) -> pd.DataFrame:
    found = []
    for scheme, name in _DENOMINATORS.items():
        people, rate = (
            pick_readings(known, f"{scheme}_participants"),
            pick_readings(known, f"{scheme}_coverage"),
        )
        base = pick_readings(known, name)
        m = side_by_side(people, base, UNIT_AND_DATE)
        found.append(
            reading(m, f"{scheme}_coverage", "", percentage(m), "participants_over_denominator")
        )
        m = side_by_side(rate, base, UNIT_AND_DATE)
        product = (
            m["value_a"] * m["value_b"] / 100,
            m["lower_a"] * m["lower_b"] / 100,
            m["upper_a"] * m["upper_b"] / 100,
        )
        found.append(
            reading(m, f"{scheme}_participants", "", product, "coverage_times_denominator")
        )
    return pd.concat(found, ignore_index=True)


def _on_official_population(known: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    people = _with_population(pick_readings(known, "hi_participants"), raw)
    scale = 100 / people["persons"]
    share = (people["value"] * scale, people["lower"] * scale, people["upper"] * scale)
    rate = reading(
        people, "hi_coverage", OFFICIAL_BASIS, share, "participants_over_official_population", [""]
    )
    # Above 100 percent the count is of other people than the population; chapter 01 lists it.
    rate = rate[rate["value"] <= 100]
    rates = _with_population(pick_readings(known, "hi_coverage"), raw)
    rates = implied_ratio(known, raw, rates)
    scale = rates["persons"] / 100
    numbers = (
        rates["value"] * rates["middle"] * scale,
        rates["lower"] * rates["low"] * scale,
        rates["upper"] * rates["high"] * scale,
    )
    rule = "coverage_times_official_population"
    persons = reading(rates, "hi_participants", OFFICIAL_BASIS, numbers, rule, [""])
    counted = pd.MultiIndex.from_frame(people[UNIT_AND_DATE])
    persons = persons[~pd.MultiIndex.from_frame(persons[UNIT_AND_DATE]).isin(counted)]
    return pd.concat([rate, persons], ignore_index=True)


def _with_population(readings: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Add the official population (persons) of the unit at the date; drop units without one."""
    known = set(raw.population["province_code"])
    parts = raw.provinces.groupby("merged_code")["province_code"].agg(set)
    whole = {code for code, codes in parts.items() if codes <= known}
    level, code = readings["geo_level"], readings["province_code"]
    covered = (
        ((level == "country") & (set(raw.provinces["province_code"]) <= known))
        | ((level == "province_63") & code.isin(known))
        | ((level == "province_34") & code.isin(whole))
    )
    table = readings[covered].copy()
    units = list(zip(table["geo_level"], table["province_code"], strict=True))
    table["persons"] = populations(units, list(table["as_of"]), raw) if units else []
    return table


def implied_ratio(known: pd.DataFrame, raw: Raw, rates: pd.DataFrame) -> pd.DataFrame:
    """Add to `rates` how implied populations differed from the official one up to each date.

    The implied population is participants over coverage, both as published for one date. The
    columns low, middle and high are the 5th, 50th and 95th percentile of implied over official
    population among the pairs dated up to the reading (so no later fact moves an earlier
    reading); missing before there are twenty pairs.
    """
    printed = known[known["kind_of_evidence"] == "published"]
    people, rate = pick_readings(printed, "hi_participants"), pick_readings(printed, "hi_coverage")
    pairs = _with_population(side_by_side(people, rate, UNIT_AND_DATE), raw)
    pairs = pairs[pairs["value_b"] > 0].sort_values(["as_of", "geo_level", "province_code"])
    ratio = 100 * pairs["value_a"] / pairs["value_b"] / pairs["persons"]
    past = ratio.expanding(min_periods=_FEWEST_PAIRS)
    spread = pd.DataFrame(
        {"low": past.quantile(0.05), "middle": past.quantile(0.5), "high": past.quantile(0.95)}
    ).set_index(pd.DatetimeIndex(pairs["as_of"]))
    spread = spread[~spread.index.duplicated(keep="last")]
    at = rates.sort_values("as_of")
    joined = pd.merge_asof(at, spread, left_on="as_of", right_index=True)
    return joined.set_index(at.index).sort_index()


# --------------------------------------------------------------------------------------------------
# Which population stands behind a health insurance rate around the census of 1 April 2019.
# --------------------------------------------------------------------------------------------------

# Offices took over the census results at different times within these dates.
_FIRST_DAY, _LAST_DAY = pd.Timestamp("2019-04-01"), pd.Timestamp("2020-12-31")
# The other base is taken only if it fits better by more than this (on the log scale).
_CLEARLY_BETTER = 0.02


def census_base(published: pd.DataFrame, raw: Raw) -> pd.Series:
    """Return denominator_version, corrected for rates whose participants tell the population.

    By default rates up to the end of 2019 are on the population before the census revision. For
    dates from the census to the end of 2020 with participants beside the rate, the implied
    population decides instead if it clearly fits the other series better.
    """
    version = published["denominator_version"].copy()
    rates = pick_readings(published, "hi_coverage")
    rates = rates[rates["as_of"].between(_FIRST_DAY, _LAST_DAY) & (rates["value"] > 0)]
    known = set(raw.population["province_code"])
    rates = rates[(rates["geo_level"] == "province_63") & rates["province_code"].isin(known)]
    people = pick_readings(published, "hi_participants").set_index(UNIT_AND_DATE)["value"]
    at = pd.MultiIndex.from_frame(rates[UNIT_AND_DATE])
    implied = 100 * people.reindex(at).to_numpy() / rates["value"].to_numpy()
    if np.isnan(implied).all():
        return version
    misfit = {name: _misfit(implied, rates, raw, name) for name in (PRE_CENSUS, POST_CENSUS)}
    default = version.loc[rates.index].to_numpy()
    other = np.where(default == PRE_CENSUS, POST_CENSUS, PRE_CENSUS)
    own = np.where(default == PRE_CENSUS, misfit[PRE_CENSUS], misfit[POST_CENSUS])
    alternative = np.where(default == PRE_CENSUS, misfit[POST_CENSUS], misfit[PRE_CENSUS])
    better = own - alternative > _CLEARLY_BETTER
    version.loc[rates.index[better]] = other[better]
    return version


def _misfit(implied: np.ndarray, rates: pd.DataFrame, raw: Raw, revision: str) -> np.ndarray:
    units = list(zip(rates["geo_level"], rates["province_code"], strict=True))
    official = populations(units, list(rates["as_of"]), raw, revision)
    return np.abs(np.log(implied / official))
