"""Two plain forecasts that are archived with every round: the last value, and the curve.

A unit that came out of the merger counts as one of its own: readings of the province that gave it
its code say nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.country import geography
from analysis.forecast.known import Known
from analysis.forecast.prediction import PERCENTILE_COLUMNS
from analysis.forecast.rounds import Round
from analysis.forecast.space import FAMILY
from analysis.forecast.tables import QUANTILES
from analysis.validation import scores
from analysis.validation.peers import Peer, PeerFailure, drift, last_value, national

#: Model of the hub -> how it forecasts provinces and merged units, and the country.
#: The curve of the country itself is its own last value, moved on at its past pace.
_BESIDE: dict[str, tuple[Peer, Peer]] = {
    "last-value": (last_value, last_value),
    "curve": (national, drift),
}


def beside(
    chosen: Round, known: Known, indicators: Sequence[str] = tuple(FAMILY)
) -> dict[str, pd.DataFrame]:
    """Plain forecasts of a round's values: model -> target, location, target_end_date, quantiles.

    A model that has nothing to learn from for an indicator leaves it out.
    """
    readings = geography.one_level(known.readings, known.raw.provinces)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in _BESIDE}
    for name, (of_units, of_country) in _BESIDE.items():
        for indicator in indicators:
            for country in (True, False):
                asked = _asked(chosen, indicator, country)
                train = _country_alone(readings) if country else _one_name_each(readings)
                try:
                    made = (of_country if country else of_units)(train, asked, known)
                except PeerFailure:
                    continue
                found[name].append(asked.join(_quantiles(made)))
    return {name: _named(parts) for name, parts in found.items() if parts}


def _named(parts: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True)
    table = table.rename(columns={"indicator": "target", "as_of": "target_end_date"})
    return table[["target", "location", "target_end_date", *QUANTILES]]


def _asked(chosen: Round, indicator: str, country: bool) -> pd.DataFrame:
    """The questions of a round; units under the names that `_one_name_each` gives them."""
    units = [
        (level, code)
        for level in chosen.levels
        if (level == "country") == country
        for code in geography.codes(level)
    ]
    rows = [
        (f"{level}/{code}", _name(level, code), indicator, day)
        for level, code in units
        for day in chosen.due
    ]
    return pd.DataFrame(rows, columns=["location", "province_code", "indicator", "as_of"])


def _name(level: str, code: str) -> str:
    merged = level == "province_34" and len(geography.members(code)) > 1
    return f"merged {code}" if merged else code


def _one_name_each(readings: pd.DataFrame) -> pd.DataFrame:
    """Provinces and merged units as units of one level, none sharing the code of another."""
    units = readings["geo_level"].isin(["province_63", "province_34"])
    names = [
        _name(level, code)
        for level, code in readings.loc[units, ["geo_level", "province_code"]].itertuples(
            index=False
        )
    ]
    code = readings["province_code"].copy()
    code[units] = names
    return readings.assign(
        province_code=code, geo_level=readings["geo_level"].mask(units, "province_63")
    )


def _country_alone(readings: pd.DataFrame) -> pd.DataFrame:
    """The country's readings as if of a province, for models that forecast provinces."""
    rows = readings[readings["geo_level"] == "country"]
    return rows.assign(geo_level="province_63")


def _quantiles(made: pd.DataFrame) -> pd.DataFrame:
    """The quantiles of a round from those of a peer, which has 99."""
    every = made[PERCENTILE_COLUMNS].to_numpy(float)
    low, high = scores.band(every, 95)
    ends = {"q025": low, "q975": high}
    columns = {
        name: ends[name] if name in ends else made[f"q{level:.2f}"]
        for name, level in QUANTILES.items()
    }
    return pd.DataFrame(columns, index=made.index)
