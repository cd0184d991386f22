"""Merged units from their parts: participants and denominators add up, rates do not."""

import pandas as pd

from analysis.facts import Raw
from analysis.readings.arithmetic import pick, side_by_side, unite, with_counts

_ADDITIVE = ("persons", "units", "billion VND")
_SCHEMES = ("hi", "si", "si_compulsory", "si_voluntary", "ui")
_WHERE = ["merged_code", "indicator", "basis", "as_of"]


def derive(known: pd.DataFrame, raw: Raw) -> pd.DataFrame:
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
    additive = parts[parts["unit"].isin(_ADDITIVE)]
    counts = _complete(additive, several, "sum_of_provinces")
    rates = [_coverage(parts, several, scheme) for scheme in _SCHEMES]
    return pd.concat([counts, *rates], ignore_index=True)


def _complete(parts: pd.DataFrame, several: pd.Series, rule: str) -> pd.DataFrame:
    """Add up the parts where all of them are there."""
    size = parts.groupby(_WHERE)["province_code"].transform("nunique")
    whole = parts[size == parts["merged_code"].map(several)]
    lists = {"reading_id": unite, "facts": unite, "sources": unite, "doubt": unite}
    sums = {"value": "sum", "lower": "sum", "upper": "sum", "unit": "first", "known_on": "max"}
    made = whole.groupby(_WHERE, as_index=False).agg({**sums, **lists})
    made = made.rename(columns={"merged_code": "province_code", "reading_id": "derived_from"})
    made["geo_level"], made["rule"] = "province_34", rule
    for column in ("derived_from", "facts", "sources"):
        made[column] = made[column].astype(str)
    return with_counts(made)


def _coverage(parts: pd.DataFrame, several: pd.Series, scheme: str) -> pd.DataFrame:
    """Return merged coverage as 100 sum(n) / sum(n / c) over the parts."""
    on = ["merged_code", "geo_level", "province_code", "basis", "as_of"]
    people, rate = pick(parts, f"{scheme}_participants"), pick(parts, f"{scheme}_coverage")
    m = side_by_side(people, rate, on)
    m = m[m["value_b"] > 0]
    latest = m[["known_on_a", "known_on_b"]].max(axis=1)
    base = m[on].assign(indicator=f"{scheme}_coverage", unit="percent", known_on=latest)
    for column in ("reading_id", "facts", "sources", "doubt"):
        base[column] = [
            unite(pair) for pair in zip(m[f"{column}_a"], m[f"{column}_b"], strict=True)
        ]
    rule = "sum_of_participants_over_sum_of_denominators"
    persons = {name: m[f"{name}_a"] for name in ("value", "lower", "upper")}
    people_sum = _complete(base.assign(**persons), several, rule)
    implied = 100 * m["value_a"] / m["value_b"]
    denominators = _complete(
        base.assign(value=implied, lower=implied, upper=implied), several, rule
    )
    # The limits follow the rates, whose digits are fewer than those of the participants.
    for name in ("lower", "upper"):
        weighted = _complete(
            base.assign(value=implied * m[f"{name}_b"] / 100, lower=0.0, upper=0.0), several, rule
        )
        people_sum[name] = 100 * weighted["value"] / denominators["value"]
    people_sum["value"] = 100 * people_sum["value"] / denominators["value"]
    people_sum["lower"] = people_sum[["lower", "value"]].min(axis=1)
    people_sum["upper"] = people_sum[["upper", "value"]].max(axis=1)
    return people_sum
