"""What is hidden from a model, and what it is then asked: the designs of validation.

The first five were fixed before the project's own model was tuned, the further ones before its
second version.

rolling_origin, rolling_origin_cold
    Origins at the ends of 2018 to 2023. Asked: every later reading of a province to 24 months.
    Warm (rolling_origin): the province had been read by the origin. Cold: never.
latest
    Each province's latest reading is hidden, all at once; everything else is known.
random_fifth
    A random fifth of the readings is hidden, five times, so that each is hidden once.
leave_province_out
    All that a fifth of the provinces ever published is hidden at a time.

Further designs (`FURTHER`), with the same questions as the rolling origins but for what is said:

printed_december, printed_january
    Origins at the ends of 2018 to 2023, and a month later. Known is what had been *printed* by
    the origin, not what describes a day before it: year-end figures are printed weeks later.
    Asked is the same in both, every later reading from the end of the year to 24 months on.
horizon_far
    Origins at the ends of 2016 to 2021. Asked: every reading of a province or of the country from
    more than 24 to 60 months later.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis import seeds
from analysis.country.indicators import COVERAGE
from analysis.facts import Raw, load_raw, settled
from analysis.forecast.known import (
    Known,
    ended_years,
    fact_rows,
    known_at,
    without,
    without_provinces,
)
from analysis.readings import build_readings
from analysis.readings import targets as targets_room
from analysis.readings.arithmetic import usual_readings
from analysis.readings.store import read_readings

DESIGNS = ("rolling_origin", "rolling_origin_cold", "latest", "random_fifth", "leave_province_out")
FURTHER = ("printed_december", "printed_january", "horizon_far")
ORIGINS = tuple(pd.Timestamp(year, 12, 31) for year in range(2018, 2024))
HORIZON = pd.DateOffset(months=24)
FAR_ORIGINS = tuple(pd.Timestamp(year, 12, 31) for year in range(2016, 2022))
_FAR = pd.DateOffset(months=60)
FIFTHS = 5
PROVINCE_FOLDS = 5

PROVINCE, COUNTRY_LEVEL = "province_63", "country"
QUERY = ["geo_level", "province_code", "indicator", "as_of"]


@dataclass(frozen=True)
class Fold:
    """One question to a model.

    known: what it may see. queries: what it is scored on (columns of QUERY). answers: same
    index, with design, value, lower, upper (percent) and the unit's last known reading.
    targets: year-ends after a rolling origin with a target announced by then (QUERY, target),
    whether or not the province reported later. origin: the year of a rolling origin, else "all".
    """

    name: str
    origin: str
    known: Known
    queries: pd.DataFrame
    answers: pd.DataFrame
    targets: pd.DataFrame

    @cached_property
    def questions(self) -> pd.DataFrame:
        """All that the model is asked at once: the queries, then the year-ends with a target.

        Year-ends that are queries already are not asked twice; `target` is NaN where none is.
        """
        both = pd.concat([self.queries, self.targets], ignore_index=True)
        target = both.groupby(QUERY, sort=False)["target"].max().reset_index()
        return target


def scored_readings(readings: pd.DataFrame, indicator: str, level: str = PROVINCE) -> pd.DataFrame:
    """The readings that forecasts are scored on: one a unit of `level` and date, sorted.

    Published values on the usual basis. Values computed from other figures and values on an
    unusual basis (with residents insured elsewhere, ...) may inform a model but never judge it.
    Raises ValueError where two readings describe one unit and day.
    """
    kept = usual_readings(readings, indicator, level)
    kept = kept.sort_values(["province_code", "as_of"], ignore_index=True)
    twice = kept.duplicated(["province_code", "as_of"])
    if twice.any():
        first = kept[twice].iloc[0]
        raise ValueError(
            f"{indicator}: two readings of {level} {first.province_code} on "
            f"{first.as_of:%Y-%m-%d}; the readings must be unique before they are scored"
        )
    return kept


def folds(design: str, readings: pd.DataFrame, raw: Any, indicator: str) -> Iterator[Fold]:
    """The folds of `design`; the two rolling designs share theirs. Raises ValueError."""
    if design not in (*DESIGNS, *FURTHER):
        raise ValueError(f"unknown design {design!r}; known: {', '.join((*DESIGNS, *FURTHER))}")
    scored, raw = scored_readings(readings, indicator), settled(raw)
    if design == "horizon_far":
        yield from _far(scored, readings, raw, indicator)
    elif design.startswith("printed"):
        yield from _printed(design, scored, readings, raw)
    elif design.startswith("rolling_origin"):
        yield from _rolling(scored, readings, raw)
    else:
        yield from _hidden(design, scored, readings, raw)


def _rolling(scored: pd.DataFrame, readings: pd.DataFrame, raw: Any) -> Iterator[Fold]:
    targets = targets_room.targets(raw)
    for origin in ORIGINS:
        known = known_at(readings, raw, origin, targets)
        asked = scored[(scored["as_of"] > origin) & (scored["as_of"] <= origin + HORIZON)]
        if len(asked):
            yield _fold(f"origin {origin.year}", str(origin.year), known, asked, due=True)


def _printed(design: str, scored: pd.DataFrame, readings: pd.DataFrame, raw: Any) -> Iterator[Fold]:
    """The rolling origins with what had been printed by the origin, or a month later."""
    targets = targets_room.targets(raw)
    for end in ORIGINS:
        origin = end + pd.offsets.MonthEnd(1) if design == "printed_january" else end
        known = ended_years(known_at(readings, raw, origin, targets, printed=True))
        asked = scored[(scored["as_of"] > end) & (scored["as_of"] <= end + HORIZON)]
        asked = asked[asked["as_of"] > origin] if design == "printed_january" else asked
        if len(asked):
            fold = _fold(f"{design} {end.year}", str(end.year), known, asked, due=True)
            warm = fold.answers["design"] == "rolling_origin"
            fold.answers["design"] = np.where(warm, design, f"{design}_cold")
            yield fold


def _far(scored: pd.DataFrame, readings: pd.DataFrame, raw: Any, indicator: str) -> Iterator[Fold]:
    """Readings of provinces and of the country from two to five years ahead."""
    targets = targets_room.targets(raw)
    both = pd.concat(
        [scored, scored_readings(readings, indicator, COUNTRY_LEVEL)], ignore_index=True
    )
    for origin in FAR_ORIGINS:
        known = known_at(readings, raw, origin, targets)
        asked = both[(both["as_of"] > origin + HORIZON) & (both["as_of"] <= origin + _FAR)]
        if len(asked) and len(scored_readings(known.readings, indicator, COUNTRY_LEVEL)):
            fold = _fold(
                f"horizon_far {origin.year}", str(origin.year), known, asked, "horizon_far"
            )
            nation = fold.queries["geo_level"] == COUNTRY_LEVEL
            fold.answers["design"] = np.where(nation, "horizon_far_country", "horizon_far")
            yield fold


def _hidden(design: str, scored: pd.DataFrame, readings: pd.DataFrame, raw: Any) -> Iterator[Fold]:
    end = max(readings["as_of"].max(), pd.Timestamp(raw.covariates["year"].max(), 12, 31))
    everything = known_at(readings, raw, end)
    for number, part in enumerate(_parts(design, scored), start=1):
        asked = scored.loc[part]
        if design == "leave_province_out":
            known = without_provinces(everything, asked["province_code"])
        else:
            known = without(everything, asked)
        yield _fold(f"{design} {number}", "all", known, asked, design)


def _parts(design: str, scored: pd.DataFrame) -> list[np.ndarray]:
    """Index labels of the readings hidden in each fold."""
    if design == "latest":
        by_province = scored.groupby("province_code")
        last = by_province["as_of"].transform("max") == scored["as_of"]
        several = by_province["as_of"].transform("size") > 1
        return [scored.index[last & several].to_numpy()]
    random = seeds.generator("validation", design)
    if design == "random_fifth":
        return np.array_split(random.permutation(scored.index.to_numpy()), FIFTHS)
    provinces = random.permutation(scored["province_code"].unique().astype(str))
    groups = np.array_split(provinces, min(PROVINCE_FOLDS, len(provinces)))
    return [scored.index[scored["province_code"].isin(group)].to_numpy() for group in groups]


def _fold(
    name: str,
    origin: str,
    known: Known,
    asked: pd.DataFrame,
    design: str | None = None,
    due: bool = False,
) -> Fold:
    """Queries and answers; without a `design` the rows are told apart into warm and cold."""
    asked = asked.reset_index(drop=True)
    answers = asked[["value", "lower", "upper"]].join(_last_known(known, asked))
    if design is None:
        warm = answers["last_value"].notna()
        answers["design"] = np.where(warm, "rolling_origin", "rolling_origin_cold")
    else:
        answers["design"] = design
    targets = announced_targets(known, asked["indicator"].iloc[0])
    return Fold(name, origin, known, asked[QUERY], answers, targets if due else targets.iloc[:0])


def _last_known(known: Known, asked: pd.DataFrame) -> pd.DataFrame:
    """The latest known scored reading of each asked province (NaN where there is none)."""
    indicator = asked["indicator"].iloc[0]
    both = [scored_readings(known.readings, indicator, one) for one in (PROVINCE, COUNTRY_LEVEL)]
    last = pd.concat(both).groupby("province_code").last()
    return pd.DataFrame(
        {
            "last_value": asked["province_code"].map(last["value"]),
            "last_as_of": asked["province_code"].map(last["as_of"]),
        },
        index=asked.index,
    )


def announced_targets(known: Known, indicator: str) -> pd.DataFrame:
    """Provinces' own targets that fall due after the origin and within the horizon."""
    due = known.targets["due"]
    ahead = (due > known.origin) & (due <= known.origin + HORIZON)
    return targets_in_force(known.targets[ahead], indicator)


def targets_in_force(targets: pd.DataFrame, indicator: str) -> pd.DataFrame:
    """One target a province and date, as `in_force` has it: columns of QUERY and target."""
    return in_force(targets, indicator)[[*QUERY, "target"]]


def in_force(targets: pd.DataFrame, indicator: str, level: str = PROVINCE) -> pd.DataFrame:
    """The target of its own that a unit of `level` is held against, one a unit and date.

    See `analysis.readings.targets.held_against`. Columns of QUERY (as_of is the date due), target
    (percent), setter and announced.
    """
    own = targets[
        (targets["geo_level"] == level)
        & (targets["indicator"] == indicator)
        & (targets["basis"].fillna("") == "")
    ]
    own = targets_room.held_against(own, ["province_code", "due"])
    own = own.rename(columns={"due": "as_of", "value": "target"})
    return own[[*QUERY, "target", "setter", "announced"]]


# --------------------------------------------------------------------------------------------------
# The readings that validation runs on: as accepted, and as published before any decision.
# --------------------------------------------------------------------------------------------------


def inputs() -> tuple[pd.DataFrame, Raw]:
    """Accepted readings and raw tables, read from data/raw."""
    raw = load_raw()
    return build_readings(raw).readings, raw


def from_chapter_01() -> tuple[pd.DataFrame, Raw]:
    """The readings that chapter 01 wrote, and the raw tables.

    Raises MissingTable, which names the chapter, when it has not run.
    """
    return read_readings(), load_raw()


def as_published(readings: pd.DataFrame, raw: Raw) -> tuple[pd.DataFrame, Raw]:
    """Readings and raw tables as if no correction had been made and no conflict settled.

    Accepted readings were decided on with everything that is known today. To see what these
    decisions are worth to the scores, the provinces' coverage rates are taken here as printed,
    one a province and date: of several the one copied most often, then the last in the file.
    """
    facts = raw.facts
    printed = facts[
        (facts["geo_level"] == PROVINCE)
        & (facts["kind"] == "actual")
        & facts["indicator"].isin(COVERAGE)
        & (facts["basis"].fillna("") == "")
    ].sort_values(["indicator", "province_code", "as_of", "transcriptions", "row"])
    keys = ["indicator", "province_code", "as_of"]
    printed = printed.drop_duplicates(keys, keep="last")
    accepted = pd.concat([scored_readings(readings, name) for name in COVERAGE])
    same = printed.merge(
        accepted[[*keys, "value"]], on=[*keys, "value"], how="left", indicator=True
    )
    new = _plain(printed[(same["_merge"] == "left_only").to_numpy()], readings)
    replaced = readings.merge(new[keys].assign(new=True), on=keys, how="left")["new"].notna()
    usual = (readings["geo_level"] == PROVINCE) & readings["indicator"].isin(COVERAGE)
    rows = fact_rows(new["facts"])
    same_fact = readings["facts"].map(lambda cell: not rows.isdisjoint(fact_rows([cell])))
    kept = readings[~(usual & (replaced.to_numpy() | same_fact))]
    together = pd.concat([kept, new], ignore_index=True)
    order = ["geo_level", "province_code", "indicator", "basis", "as_of"]
    bare = dataclasses.replace(raw, corrections=raw.corrections.iloc[:0])
    return together.sort_values(order, ignore_index=True), bare


def _plain(facts: pd.DataFrame, readings: pd.DataFrame) -> pd.DataFrame:
    """Readings from facts with nothing but the rounding of their digits as interval."""
    decimals = facts["value"].map(lambda value: f"{value:.10g}".partition(".")[2]).str.len()
    half = np.where(facts["qualifier"] == "exact", 0.5 * 10.0 ** -decimals.clip(upper=2), 0.5)
    table = facts[["geo_level", "province_code", "indicator", "as_of", "value", "unit"]].assign(
        basis="",
        lower=(facts["value"] - half).clip(lower=0),
        upper=(facts["value"] + half).clip(upper=100),
        season=np.where(facts["as_of"].dt.month == 12, "year_end", "interim"),
        kind_of_evidence="published",
        known_on=facts["as_of"],
        facts="facts.csv:" + facts["row"].astype(str),
        sources=facts["source_id"],
        n_facts=1,
        n_sources=1,
        rule="as_printed",
        reading_id="as_printed/" + facts["row"].astype(str),
    )
    table = table.reindex(columns=readings.columns)
    text = [str(name) for name in table if table[name].isna().all()]
    return table.assign(**dict.fromkeys(text, ""))
