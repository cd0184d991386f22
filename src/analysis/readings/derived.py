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

from analysis.covariates import populations
from analysis.facts import Raw
from analysis.indicators import OFFICIAL_BASIS
from analysis.readings import late_payment, merged, previous_year
from analysis.readings.arithmetic import (
    UNIT_AND_DATE,
    difference,
    one_a_key,
    percentage,
    pick,
    reading,
    side_by_side,
    total,
    with_counts,
)
from analysis.readings.evidence import KEY
from analysis.readings.naming import reading_ids

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
    found.append(previous_year.derive(described).assign(way=2))
    known = _with(published, found)
    found.append(_published_denominators(known).assign(way=3))
    known = _with(published, found)
    found.append(_on_official_population(known, raw).assign(way=4))
    found.append(late_payment.derive(known).assign(way=5))
    known = _with(published, found)
    found.append(merged.derive(known, raw).assign(way=6))
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
            pick(known, f"{scheme}_{what}") for scheme in ("si", "si_compulsory", "si_voluntary")
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
    whole, health = pick(known, "total_participants"), pick(known, "hi_participants")
    voluntary = pick(known, "si_voluntary_participants")
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
        people, rate = pick(known, f"{scheme}_participants"), pick(known, f"{scheme}_coverage")
        base = pick(known, name)
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
    people = _with_population(pick(known, "hi_participants"), raw)
    scale = 100 / people["persons"]
    share = (people["value"] * scale, people["lower"] * scale, people["upper"] * scale)
    rate = reading(
        people, "hi_coverage", OFFICIAL_BASIS, share, "participants_over_official_population", [""]
    )
    # Above 100 percent the count is of other people than the population; chapter 01 lists it.
    rate = rate[rate["value"] <= 100]
    rates = _with_population(pick(known, "hi_coverage"), raw)
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
    people, rate = pick(printed, "hi_participants"), pick(printed, "hi_coverage")
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
