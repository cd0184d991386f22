"""Merged units from their parts: participants and denominators add up, rates do not."""

import pandas as pd

from analysis.facts import Raw
from analysis.readings.arithmetic import side_by_side, unite

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
