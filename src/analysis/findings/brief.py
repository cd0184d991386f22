"""Build the results of a brief from the tables of earlier chapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import paths
from analysis.country import geography
from analysis.country.indicators import COVERAGE, DAYS_PER_PERCENT
from analysis.country.names import is_alone
from analysis.disk_cache import cached
from analysis.facts.plausible import as_code
from analysis.facts.tables import SETTERS
from analysis.findings import coverage
from analysis.findings.coverage import evidence_mark
from analysis.forecast.tables import QUANTILES
from analysis.readings.targets import NATIONWIDE, judged
from analysis.report.results import Result
from analysis.verdicts import LIKELY, NO_TARGET, NOT_ENOUGH_EVIDENCE, UNLIKELY, coarse

# --------------------------------------------------------------------------------------------------
# How the numbers of a forecast are written, on the front page and in a brief alike.
# --------------------------------------------------------------------------------------------------

#: Column of a table -> type of :func:`analysis.report.wording.write`.
FORMATS = {
    "value": "printed",
    "as_of": "short_date",
    "q50": "percent1",
    "q10": "percent1",
    "q90": "percent1",
    "official_q50": "percent1",
    "target": "goal",
    "distance": "signed1",
    "p_meets_reported": "chance",
    "p_meets_official": "chance",
    "persons_month_50": "rounded",
    "persons_month_80": "rounded",
    "expected_persons_month": "rounded",
    "best_year_persons_month": "rounded",
    "best_year": "year",
    "newer_target": "goal",
    "newer_announced": "short_date",
    "newer_chance": "chance",
    "origin": "short_date",
    "due": "short_date",
}

#: The country's own chances were scored often enough to be shown in whole percent.
WHOLE = {"p_meets_reported": "probability", "p_meets_official": "probability"}


# --------------------------------------------------------------------------------------------------
# What a brief says about late payment: the readings of the unit, each with its basis.
# --------------------------------------------------------------------------------------------------

_KEPT = 3


def late_payment(own: pd.DataFrame, forecasts: pd.DataFrame, level: str, code: str) -> Result:
    """Return the latest late payment rates of a unit, one a basis, newest first.

    The bases count different debts and are not one series, so none is compared with another.

    Args:
        own: readings of the unit.
        forecasts: rows of the unit in the late payment forecasts of chapter 04.
        level: its geographic level.
        code: its code.
    """
    rates = own[own["indicator"] == "late_payment_rate"]
    rates = rates.assign(
        evidence=evidence_mark(rates),
        basis=rates["basis"].replace("", "unspecified"),
        days=DAYS_PER_PERCENT * rates["value"],
    ).sort_values(["as_of", "basis", "reading_id"])
    newest = rates.groupby("basis").tail(1).iloc[::-1].head(_KEPT)
    columns = ["as_of", "basis", "value", "evidence", "days", "season", "kind_of_evidence"]
    values: dict[str, Any] = {
        "unit": f"{level}/{code}",
        "n": len(rates),
        "bases": rates["basis"].nunique(),
    }
    phrases = [("brief.late_none" if rates.empty else "brief.late_some", values)]
    if values["bases"] > 1:
        phrases.append(("brief.late_bases", values))
    phrases += _chance(forecasts)
    return Result(
        "late_payment",
        newest[columns],
        phrases,
        {"as_of": "short_date", "value": "percent2", "days": "number0"},
        {"basis": "basis", "season": "season", "kind_of_evidence": "evidence"},
        evidence={"value": "evidence"},
    )


def _chance(forecasts: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """The probability of keeping to the late payment target, or why there is none."""
    ahead = forecasts[forecasts["scale"].isin(["reported"]) & forecasts["target"].notna()]
    if ahead.empty:
        reasons = forecasts["reason"].dropna()
        reasons = reasons[~reasons.isin(["", "no_reading"])]
        return [("brief.late_why", {"reason": f"late_reason.{reason}"}) for reason in reasons[:1]]
    row = ahead.iloc[0]
    names = ["date", "target", "p_meets_reported", "q50", "q10", "q90"]
    values = {name: row[name] for name in names} | {"verdict": f"verdict.{row['verdict']}"}
    return [("brief.late_chance", values)]


# --------------------------------------------------------------------------------------------------
# The tables of earlier chapters that a brief reads, and the rows of one unit.
# --------------------------------------------------------------------------------------------------

_INDICATORS = COVERAGE
#: The rate that every unit is judged by.
MAIN = "hi_coverage"
#: Table of data/processed -> its columns of dates.
_DATES = {
    "readings": ["as_of"],
    "estimates": ["date"],
    "forecasts": ["origin", "date"],
    "needs": ["origin", "date"],
    "late_payment_forecasts": ["origin", "date"],
    "targets": ["due", "announced"],
}
#: Months before the origin within which a reading is recent, and within which it is of use.
_RECENT, _OF_USE = 18, 36
#: So many readings make evidence strong where the latest is recent.
_MANY = 3


@dataclass(frozen=True)
class Tables:
    """Readings, targets (chapter 01), late payment (04), estimates, forecasts, needs (05), sources.

    Forecasts are those of the latest origin in the table.
    """

    readings: pd.DataFrame
    estimates: pd.DataFrame
    forecasts: pd.DataFrame
    needs: pd.DataFrame
    late: pd.DataFrame
    sources: pd.DataFrame
    targets: pd.DataFrame

    @classmethod
    def read(cls) -> Tables:
        """Read the tables.

        Raises:
            analysis.paths.MissingTable: chapter 01, 04 or 05 has not run.
        """
        files = {name: paths.processed(name) for name in _DATES}
        return _read(files, paths.RAW / "sources.csv")

    @cached_property
    def origin(self) -> pd.Timestamp:
        """The date up to which the forecasts know the facts."""
        return self.forecasts["origin"].max()

    @cached_property
    def newest(self) -> pd.Timestamp:
        """The date of the newest reading that was known at the origin."""
        known = self.readings[self.readings["known_on"] <= f"{self.origin:%Y-%m-%d}"]
        return known["as_of"].max()

    @cached_property
    def has_outcome(self) -> bool:
        """Whether a coverage rate of the due date, or of a later one, has been read."""
        rates = self.readings[self.readings["indicator"].isin(_INDICATORS)]
        return bool((rates["as_of"] >= self.due).any())

    @cached_property
    def shown(self) -> dict[str, pd.DataFrame]:
        """The forecasts for the due date by scale, as pages show them (see ``targets.judged``)."""
        table = self.forecasts[self.forecasts["date"] == self.due]
        scales = ("true", "reported", "official")
        return {scale: judged(table[table["scale"] == scale]) for scale in scales}

    @cached_property
    def due(self) -> pd.Timestamp:
        """The date for which the targets are forecast: the first with a target."""
        return self.forecasts.loc[self.forecasts["target"].notna(), "date"].min()


@cached
def _read(files: Mapping[str, Path], sources: Path) -> Tables:
    """Read the tables of data/processed by name, parsed once for the briefs of all units."""
    tables = {name: paths.read_table(path, _DATES[name]) for name, path in files.items()}
    tables["readings"]["basis"] = tables["readings"]["basis"].fillna("")
    forecasts = tables["forecasts"]
    forecasts["target_setter"] = forecasts["target_setter"].fillna("")
    return Tables(
        readings=tables["readings"],
        estimates=tables["estimates"],
        forecasts=_at_last_origin(forecasts),
        needs=_at_last_origin(tables["needs"]),
        late=tables["late_payment_forecasts"],
        sources=pd.read_csv(sources, dtype=str, keep_default_na=False),
        targets=tables["targets"],
    )


def _at_last_origin(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["origin"] == table["origin"].max()].reset_index(drop=True)


def unit_of(code: str) -> tuple[str, str]:
    """Return level and code of a brief's unit.

    Args:
        code: ``00`` for the country, the code of one of the 63 provinces, or ``province_34/`` and
            the code of a province since the rearrangement of July 2025.

    Raises:
        ValueError: the code names none of them.
    """
    level, _, bare = code.rpartition("/")
    if code == geography.COUNTRY:
        return "country", code
    if level in {"", "province_63"} and bare in geography.codes("province_63"):
        return "province_63", bare
    if level == "province_34" and bare in geography.codes(level):
        return level, bare
    raise ValueError(
        f"no brief for {code!r}: give the code of one of the 63 provinces, such as '83', "
        "of a province since July 2025, such as 'province_34/86', "
        f"or '{geography.COUNTRY}' for the country"
    )


def unit_code(level: str, code: str) -> str:
    """Return what names a unit's brief (see :func:`unit_of`)."""
    return f"{level}/{code}" if level == "province_34" else code


def present_units() -> list[tuple[str, str]]:
    """Return the provinces of today: an unchanged one under its level of the 63, which has all."""
    return [
        ("province_63" if is_alone(code) else "province_34", code)
        for code in geography.codes("province_34")
    ]


def former_units() -> list[tuple[str, str]]:
    """Return the provinces that are parts of one of today's."""
    codes = geography.codes("province_63")
    return [("province_63", code) for code in codes if not is_alone(code)]


def of_unit(table: pd.DataFrame, level: str, code: str) -> pd.DataFrame:
    """Return the rows of one unit."""
    return table[(table["geo_level"] == level) & (table["province_code"] == code)]


def forecast_rows(tables: Tables, scale: str = "reported") -> pd.DataFrame:
    """Return the forecasts for the due date on one scale (true, reported or official).

    Chances and verdicts are those that pages show (see :func:`analysis.readings.targets.judged`).
    """
    rows: pd.DataFrame = tables.shown[scale]
    return rows


def newer_targets(tables: Tables, level: str, code: str) -> pd.DataFrame:
    """Return the targets of a unit for the due date that were announced after the origin.

    Columns: indicator, target (percent), target_setter, announced (the due date stands for an
    unknown day), chance: the probability of meeting it as reported, read off the quantiles of the
    same forecast; missing without evidence of the unit's own. A target equal to the one that the
    forecast knew is none.
    """
    levels = ["province_63", "province_34"] if is_alone(code) else [level]
    table = tables.targets
    table = table[
        table["geo_level"].isin(levels)
        & (table["province_code"] == code)
        & table["indicator"].isin(_INDICATORS)
        & (table["due"] == tables.due)
        & (table["announced"] > tables.origin)
        & table["basis"].fillna("").eq("")
    ]
    order = table["setter"].map({name: at for at, name in enumerate(SETTERS)})
    table = table.assign(order=order).sort_values(["indicator", "order", "announced", "value"])
    table = (
        table.groupby("indicator")
        .head(1)
        .rename(columns={"value": "target", "setter": "target_setter"})[
            ["indicator", "target", "target_setter", "announced"]
        ]
    )
    ahead = of_unit(forecast_rows(tables), level, code).set_index("indicator")
    known = table["indicator"].map(lambda name: _known_target(ahead, name)).astype(float)
    table = table[table["target"] != known].reset_index(drop=True)
    chances = [
        _chance_of(ahead.loc[name], target) if name in ahead.index else np.nan
        for name, target in zip(table["indicator"], table["target"], strict=True)
    ]
    return table.assign(chance=np.array(chances, float))


def _known_target(ahead: pd.DataFrame, indicator: str) -> float:
    if indicator not in ahead.index or ahead.loc[indicator, "target_setter"] == NATIONWIDE:
        return float("nan")
    return float(ahead["target"].loc[indicator])


def _chance_of(row: pd.Series, target: float) -> float:
    """The probability of a value at or above a target, from the quantiles of its forecast."""
    if row["verdict"] == NOT_ENOUGH_EVIDENCE:
        return float("nan")
    names = [name for name in QUANTILES if name in row]
    values = row[names].to_numpy(float)
    below = np.interp(target, values, [QUANTILES[name] for name in names], left=0.0, right=1.0)
    return coarse(1.0 - float(below))


def grade(tables: Tables, level: str, code: str, indicator: str) -> int:
    """Return how good the evidence is for a unit's forecast, from 0 (none) to 3.

    3: at least three readings of the rate, the latest at most 18 months older than the origin.
    2: the latest at most 36 months older. 1: older ones, or figures of other kinds only.
    A province made of several counts as the mean of its parts, unless its own readings say more.
    """
    ahead = of_unit(forecast_rows(tables), level, code)
    row = ahead[ahead["indicator"] == indicator]
    if row.empty or row["verdict"].iloc[0] == NOT_ENOUGH_EVIDENCE:
        return 0
    own = _read_grade(tables, level, code, indicator)
    if level == "province_34":
        parts = [
            _read_grade(tables, "province_63", one, indicator) for one in geography.members(code)
        ]
        own = max(own, sum(parts) // len(parts))
    return max(own, 1)


def _read_grade(tables: Tables, level: str, code: str, indicator: str) -> int:
    own = of_unit(tables.readings, level, code)
    own = own[own["indicator"] == indicator]
    own = own[own["known_on"] <= f"{tables.origin:%Y-%m-%d}"]
    if own.empty:
        return 0
    months = (tables.origin - own["as_of"].max()).days / 30.4375
    if months <= _RECENT and own["as_of"].nunique() >= _MANY:
        return 3
    return 2 if months <= _OF_USE else 1


def rests_on(readings: pd.DataFrame, level: str, code: str, indicator: str) -> str:
    """Return the mark of the readings that an estimate rests on (see ``Result.evidence``)."""
    own = of_unit(readings, level, code)
    anchor = f"#{indicator}" if (own["indicator"] == indicator).any() else ""
    return f"{level}/{code}{anchor}"


def target_mark(level: str, code: str, indicator: str, setter: object) -> str:
    """Return the mark of a target; nothing where no target is known."""
    if not isinstance(setter, str) or not setter:
        return ""
    unit = f"country/{geography.COUNTRY}" if setter == NATIONWIDE else f"{level}/{code}"
    return f"{unit}#target.{indicator}"


# --------------------------------------------------------------------------------------------------
# A unit beside what a reader can check: the provinces of its region, or its own parts.
#
# There is no rank: the bands of nearly all provinces overlap, so an order would be one of
# accidents.
# --------------------------------------------------------------------------------------------------

INDICATOR = MAIN


@dataclass(frozen=True)
class Standing:
    """The sentence on the neighbours, their table, and the provinces for the figure.

    ``provinces`` has one row a province: geo_level, province_code, q10, q50, q90 (percent, forecast
    as reported for the due date), target, p_meets_reported, verdict, group (own, region, which
    parts count as too, or other).
    """

    result: Result
    provinces: pd.DataFrame


def standing(tables: Tables, level: str, code: str) -> Standing:
    """Place a unit beside the provinces of its region or, one made in July 2025, its parts."""
    ahead = forecast_rows(tables)
    rows = ahead[ahead["indicator"] == MAIN]
    columns = ["geo_level", "province_code", "q10", "q50", "q90", "target", "target_setter"]
    columns += ["p_meets_reported", "verdict"]
    country = rows[rows["geo_level"] == "country"].iloc[0]
    near = rows[rows["geo_level"] == "province_63"]
    if level == "province_34":
        parts = geography.members(code)
        own = rows[(rows["geo_level"] == level) & (rows["province_code"] == code)]
        near = pd.concat([own, near[near["province_code"].isin(parts)]])
    elif level == "country":
        wanted = pd.DataFrame(present_units(), columns=["geo_level", "province_code"])
        near = rows.merge(wanted)
    provinces = near[columns].sort_values(["geo_level", "province_code"], ignore_index=True)
    if level == "country":
        return _country(provinces)
    units = zip(provinces["geo_level"], provinces["province_code"], strict=True)
    provinces["group"] = [_group(unit, (level, code)) for unit in units]
    return Standing(_result(provinces, tables, country, (level, code)), provinces)


def _group(unit: tuple[str, str], own: tuple[str, str]) -> str:
    if unit == own:
        return "own"
    if own[0] == "province_34":
        return "region"
    return "region" if geography.region_of(unit[1]) == geography.region_of(own[1]) else "other"


def _result(
    provinces: pd.DataFrame, tables: Tables, country: pd.Series, unit: tuple[str, str]
) -> Result:
    near = provinces[provinces["group"] != "other"]
    row = provinces[provinces["group"] == "own"].iloc[0]
    values = {
        "unit": "/".join(unit),
        "region": f"region/{geography.region_of(unit[1], unit[0])}",
        "own": row["q50"],
        "country": country["q50"],
        "parts": [f"province_63/{one}" for one in geography.parts(unit[1], unit[0])],
        "n": len(near) - 1,
    }
    phrases = []
    if unit[0] == "province_34":
        phrases.append(("brief.standing_parts", values))
    if row["verdict"] == NOT_ENOUGH_EVIDENCE:
        made_of = "_parts" if unit[0] == "province_34" else ""
        phrases.append((f"brief.standing_thin{made_of}", values))
    elif row["q10"] <= country["q50"] <= row["q90"]:
        phrases.append(("brief.standing_alike", values))
    else:
        side = "above" if row["q50"] > country["q50"] else "below"
        phrases.append((f"brief.standing_{side}", values))
    phrases.append(("brief.standing_no_rank", values))
    return Result(
        "standing",
        _listed(near, tables),
        phrases,
        FORMATS,
        {"province_code": "unit_label", "verdict": "verdict"},
        "brief",
        {"value": "evidence", "target": "target_from"},
        hidden=("geo_level", "group", "target_setter", "p_meets_reported"),
        joined={"q10": "q90", "value": "as_of", "verdict": "p_meets_reported"},
    )


def _listed(near: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """The neighbours as rows: latest reading, forecast, target and chance."""
    latest = coverage.latest(tables.readings, MAIN)
    keys = ["geo_level", "province_code"]
    table = near.merge(latest[[*keys, "value", "as_of", "evidence"]], on=keys, how="left")
    table["target_from"] = [
        target_mark(str(row.geo_level), str(row.province_code), MAIN, row.target_setter)
        for row in table.itertuples()
    ]
    own_target = ~table["verdict"].isin([NO_TARGET, NOT_ENOUGH_EVIDENCE])
    table["target"] = table["target"].where(own_target)
    table.loc[~own_target, "target_from"] = ""
    columns = [*keys, "value", "evidence", "as_of", "q50", "q10", "q90", "target", "target_from"]
    return table[[*columns, "target_setter", "p_meets_reported", "verdict", "group"]]


def _country(provinces: pd.DataFrame) -> Standing:
    """For the country: how many provinces have which verdict."""
    provinces = provinces.assign(group="other")
    verdicts = provinces["verdict"]
    values = {
        "all": len(provinces),
        "likely": int(verdicts.isin(LIKELY).sum()),
        "even": int((verdicts == "about_even").sum()),
        "unlikely": int(verdicts.isin(UNLIKELY).sum()),
        "aimless": int((verdicts == NO_TARGET).sum()),
        "unsure": int((verdicts == NOT_ENOUGH_EVIDENCE).sum()),
    }
    return Standing(
        Result("standing", provinces.iloc[:0], [("brief.standing_country", values)]), provinces
    )


# --------------------------------------------------------------------------------------------------
# What has to be known before a brief is quoted: what is missing, borrowed, or blurred.
# --------------------------------------------------------------------------------------------------

_STALE_MONTHS = 18
#: A reader who has to quote a number reads so many points; the unit's own come first.
_MOST = 4


def unknown(tables: Tables, answer: pd.DataFrame, level: str, code: str) -> Result:
    """List what is not known of a unit, each point once, the gravest first.

    Args:
        tables: see :class:`analysis.findings.brief.Tables`.
        answer: the table that opens the brief.
        level: its geographic level.
        code: its code.
    """
    phrases: list[tuple[str, dict[str, Any]]] = []
    phrases += _missing(tables, answer, level, code)
    phrases += _newer(answer)
    phrases += _below(answer, level)
    for name in _INDICATORS:
        phrases += _stale(name, tables, answer)
    phrases += _unread(answer)
    phrases += _borrowed(tables, level, code)
    phrases += _yardsticks(answer)
    if level == "province_63":
        phrases += _merger(code)
    phrases = phrases[:_MOST] + [one for one in phrases[_MOST:] if one[0] == "brief.unknown_merged"]
    phrases = phrases or [("brief.unknown_nothing", {})]
    table = pd.DataFrame({"point": [key.split(".")[1] for key, _ in phrases]})
    return Result("unknown", table, phrases)


def _missing(
    tables: Tables, answer: pd.DataFrame, level: str, code: str
) -> list[tuple[str, dict[str, Any]]]:
    """For a unit without evidence: what the region shows, and which figure would settle it."""
    rows = answer.set_index("indicator")
    if "verdict" not in rows or rows["verdict"].get(MAIN) != NOT_ENOUGH_EVIDENCE:
        return []
    ahead = forecast_rows(tables)
    near = ahead[
        (ahead["geo_level"] == "province_63")
        & (ahead["indicator"] == MAIN)
        & (ahead["verdict"] != NOT_ENOUGH_EVIDENCE)
    ]
    region = geography.region_of(code, level) if level != "country" else ""
    near = near[[geography.region_of(one) == region for one in near["province_code"]]]
    values = {
        "unit": f"{level}/{code}",
        "region": f"region/{region}",
        "n": len(near),
        "low": near["q50"].min(),
        "high": near["q50"].max(),
        "year": tables.origin - pd.DateOffset(years=1),
    }
    return [
        *([("brief.missing_region", values)] if len(near) else []),
        ("brief.missing_figure", values),
    ]


def _newer(answer: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """Targets announced after the day of the forecast, which it could not use."""
    if "newer_target" not in answer:
        return []
    names = list(answer.loc[answer["newer_target"].notna(), "indicator"])
    return [("brief.unknown_newer", {"indicators": names})] if names else []


def _unread(answer: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """The indicators on which no figure was found."""
    names = list(answer.loc[answer["as_of"].isna(), "indicator"])
    return [("brief.unknown_never", {"indicators": names})] if names else []


def _stale(name: str, tables: Tables, answer: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """The latest figure is old, seen from the origin of the forecast."""
    day = answer.loc[answer["indicator"] == name, "as_of"].iloc[0]
    months = 0 if pd.isna(day) else (tables.origin - day).days / 30.4375
    if months <= _STALE_MONTHS:
        return []
    return [("brief.unknown_stale", {"indicator": name, "day": day, "months": round(months)})]


def _below(answer: pd.DataFrame, level: str) -> list[tuple[str, dict[str, Any]]]:
    """The indicators whose forecast lies below their latest figure, as both are printed."""
    below = answer["q50"].round(1) < answer["value"].round(1)
    names = list(answer.loc[below, "indicator"])
    key = "unknown_below_country" if level == "country" else "unknown_below"
    return [(f"brief.{key}", {"indicators": names})] if names else []


def _borrowed(tables: Tables, level: str, code: str) -> list[tuple[str, dict[str, Any]]]:
    """What the estimates rest on where the unit has no readings of its own."""
    rows = of_unit(tables.estimates, level, code)
    if "status" not in rows or level == "country":
        return []
    rows = rows[rows["status"] == "borrowed"]
    names = [name for name in _INDICATORS if (rows["indicator"] == name).sum() > 0]
    whole = [name for name in names if name in _wholly_borrowed(tables, level, code)]
    if not whole:
        return []
    region = f"region/{geography.region_of(code, level)}"
    return [("brief.unknown_borrowed", {"indicators": whole, "region": region})]


def _wholly_borrowed(tables: Tables, level: str, code: str) -> list[str]:
    rows = of_unit(tables.estimates, level, code)
    all_borrowed = rows["status"].eq("borrowed").groupby(rows["indicator"]).all()
    return sorted(all_borrowed.index[all_borrowed])


def _yardsticks(answer: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """The indicators for which no target of the unit's own is known."""
    borrowed = answer[answer["target_setter"] == NATIONWIDE]
    if "verdict" in borrowed:  # a chance against the nationwide goal names it where it stands
        borrowed = borrowed[borrowed["verdict"] == NO_TARGET]
    names = list(borrowed["indicator"])
    return [("brief.unknown_target", {"indicators": names})] if names else []


def _merger(code: str) -> list[tuple[str, dict[str, Any]]]:
    merged = str(geography.PROVINCES.loc[code, "merged_code"])
    if len(geography.members(merged)) == 1:
        return []
    parts = [f"province_63/{one}" for one in geography.members(merged)]
    return [("brief.unknown_merged", {"unit": f"province_34/{merged}", "parts": parts})]


_Phrases = list[tuple[str, dict[str, Any]]]

_WORDS = {"indicator": "indicator", "target_setter": "setter", "verdict": "verdict"}
_WORDS |= {"newer_setter": "setter", "scale": "measure_of"}
#: Definitions of coverage that compare with each other and with targets.
PLAIN = ("", "post_2019_census_population")
#: What is not shown where there is no chance to be shown.
_NEEDS = ["persons_month_50", "persons_month_80", "expected_persons_month"]
_NEEDS += ["best_year_persons_month", "best_year"]


@dataclass(frozen=True)
class Brief:
    """The parts of a brief, in the order in which they are read.

    Attributes:
        code, level: the unit.
        finding: what the brief says, in one or two sentences; its title on paper.
        answer: one row an indicator: reading, forecast, target, probability, extra people.
        measures: health insurance counted in three ways: reported, true, official population.
        path: yearly estimates and the forecast, for the figure (see :func:`_path`).
        readings: readings as published on the usual definition, for the figure.
        standing: the unit beside the provinces of its region, or its parts.
        late: what is known of late payment.
        unknown: what has to be known before quoting.
        sources: the sources of the readings of this unit.
        origin, due: the day of the forecast, and the day that it is for.
    """

    code: str
    level: str
    finding: Result
    answer: Result
    measures: Result
    path: pd.DataFrame
    readings: pd.DataFrame
    standing: Standing
    late: Result
    unknown: Result
    sources: Result
    origin: pd.Timestamp
    due: pd.Timestamp

    @property
    def thin(self) -> bool:
        """Whether the evidence on the main rate carries no probability."""
        main = self.answer.table.set_index("indicator")["verdict"]
        return bool(main[MAIN] == NOT_ENOUGH_EVIDENCE)


def brief(given: str | int, tables: Tables | None = None) -> Brief:
    """Build the brief of a unit (see :func:`analysis.findings.brief.unit_of`).

    A code that came as a number is taken for the text that it stands for: 1 is "01".

    Raises:
        ValueError: the code names no unit.
        analysis.paths.MissingTable: an earlier chapter has not run.
    """
    level, code = unit_of(as_code(given))
    tables = tables or Tables.read()
    own = of_unit(tables.readings, level, code)
    reported = pd.concat([coverage.as_reported(own, name) for name in _INDICATORS])
    answer = _answer(tables, reported, level, code)
    return Brief(
        code,
        level,
        _finding(answer.table, tables, level, code),
        answer,
        _measures(tables, level, code),
        _path(tables, level, code),
        reported[reported["basis"].isin(PLAIN)],
        standing(tables, level, code),
        late_payment(own, of_unit(tables.late, level, code), level, code),
        unknown(tables, answer.table, level, code),
        _sources(_with_parts(tables.readings, level, code), tables.sources, level, code),
        tables.origin,
        tables.due,
    )


def _with_parts(readings: pd.DataFrame, level: str, code: str) -> pd.DataFrame:
    """Return the readings of a unit and, where it is made of several provinces, theirs."""
    own = of_unit(readings, level, code)
    if level != "province_34":
        return own
    parts = [of_unit(readings, "province_63", one) for one in geography.members(code)]
    return pd.concat([own, *parts])


def _answer(tables: Tables, reported: pd.DataFrame, level: str, code: str) -> Result:
    """One row an indicator, with the sentences that open the brief."""
    table = pd.DataFrame({"indicator": _INDICATORS})
    read = reported.groupby("indicator").tail(1)
    latest = read[["indicator", "value", "as_of", "evidence"]]
    columns = ["indicator", "q50", "q10", "q90", "target", "target_setter"]
    columns += ["p_meets_reported", "verdict", "p_meets_official"]
    ahead = of_unit(forecast_rows(tables), level, code)[columns]
    needs = of_unit(tables.needs, level, code)
    needs = needs[needs["date"] == tables.due][["indicator", *_NEEDS]]
    table = table.merge(latest, how="left").merge(ahead, how="left").merge(needs, how="left")
    table["verdict"] = table["verdict"].fillna(NOT_ENOUGH_EVIDENCE)
    table.loc[table["verdict"].isin([NOT_ENOUGH_EVIDENCE, NO_TARGET]), _NEEDS] = float("nan")
    table = table.merge(_official(tables, level, code), how="left")
    newer = newer_targets(tables, level, code).rename(
        columns={
            "target": "newer_target", "target_setter": "newer_setter",
            "announced": "newer_announced", "chance": "newer_chance",
        }
    )  # fmt: skip
    table = table.merge(newer, how="left", on="indicator")
    table["distance"] = table["q50"] - table["target"]
    table["grade"] = [grade(tables, level, code, name) for name in table["indicator"]]
    table["rests_on"] = [rests_on(tables.readings, level, code, i) for i in table["indicator"]]
    table["target_from"] = [
        target_mark(level, code, indicator, setter)
        for indicator, setter in zip(table["indicator"], table["target_setter"], strict=True)
    ]
    return Result(
        "answer",
        table.assign(origin=tables.origin, due=tables.due),
        _opening(table, read.set_index("indicator"), tables, level, code),
        FORMATS if level != "country" else {**FORMATS, **WHOLE},
        _WORDS,
        "brief",
        {"value": "evidence", "q50": "rests_on", "target": "target_from"},
    )


def _official(tables: Tables, level: str, code: str) -> pd.DataFrame:
    """The forecast on the official population: indicator, official_q50."""
    rows = of_unit(forecast_rows(tables, "official"), level, code)
    rows = rows[rows["indicator"] == MAIN]
    return rows[["indicator", "q50"]].rename(columns={"q50": "official_q50"})


def _finding(table: pd.DataFrame, tables: Tables, level: str, code: str) -> Result:
    """What the brief says: the main rate first, then the other two."""
    rows = table.set_index("indicator")
    values = {"unit": f"{level}/{code}", "due": tables.due, "origin": tables.origin}
    main: dict[str, Any] = {str(key): value for key, value in rows.loc[MAIN].items()}
    phrases = [_of_rate(MAIN, main, values)]
    if level == "country" and pd.notna(main["official_q50"]):
        phrases.append(("brief.finding_official", {**main, **values}))
    country = forecast_rows(tables)
    country = country[country["geo_level"] == "country"].set_index("indicator")
    for name in _INDICATORS:
        row: dict[str, Any] = {str(key): value for key, value in rows.loc[name].items()}
        if name == MAIN or pd.isna(row["q50"]) or row["verdict"] == NOT_ENOUGH_EVIDENCE:
            continue
        own = {**values, "country": float(country["q50"].loc[name])}
        phrases.append(_of_rate(name, row, own))
    if any(key == "brief.finding_level" for key, _ in phrases):
        phrases.append(("brief.finding_aimless", {}))
    return Result("finding", table[["indicator", "verdict"]], phrases, words=_WORDS)


def _of_rate(name: str, row: dict[str, Any], values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """One sentence on a rate, by what there is to say of it."""
    given = {
        **row,
        **values,
        "scheme": f"brief.scheme_{name}",
        "meets": f"brief.meets_{row['verdict']}",
    }
    if row["verdict"] == NOT_ENOUGH_EVIDENCE:
        return "brief.finding_unsure", given
    if row["verdict"] == NO_TARGET:
        given["points"] = abs(row["distance"])
        higher = "above" if row["distance"] >= 0 else "below"
        return (f"brief.finding_{higher}" if name == MAIN else "brief.finding_level"), given
    country = values["unit"].startswith("country")
    return ("brief.finding_country" if country else "brief.finding"), given


def _measures(tables: Tables, level: str, code: str) -> Result:
    """Health insurance at the due date in three ways of counting, each beside the same target."""
    rows = []
    for scale in ("reported", "true", "official"):
        found = of_unit(forecast_rows(tables, scale), level, code)
        found = found[found["indicator"] == MAIN]
        if len(found) and found["verdict"].iloc[0] != NOT_ENOUGH_EVIDENCE:
            row = found.iloc[0]
            rows.append((scale, row["q50"], row["q10"], row["q90"], row[f"p_meets_{scale}"]))
    columns = ["scale", "q50", "q10", "q90", "chance"]
    table = pd.DataFrame(rows, columns=columns)
    chance = "probability" if level == "country" else "chance"
    formats = {"q50": "percent1", "q10": "percent1", "q90": "percent1", "chance": chance}
    table = table.astype(dict.fromkeys(columns[1:], float))
    phrase = "brief.measures" if rows else "brief.measures_none"
    return Result(
        "measures", table, [(phrase, {})], formats,
        _WORDS, "brief", joined={"q10": "q90"},
        hidden=("chance",) if table["chance"].isna().all() else (),
    )  # fmt: skip


def _opening(
    table: pd.DataFrame, latest: pd.DataFrame, tables: Tables, level: str, code: str
) -> _Phrases:
    """The first sentence: the latest figure of the rate that every unit is judged by.

    latest: the latest readings by indicator; one on a definition of its own is called so.
    """
    row = table[table["indicator"] == MAIN].iloc[0]
    values = {
        "unit": f"{level}/{code}",
        "origin": tables.origin,
        "due": tables.due,
        **{name: row[name] for name in ("value", "as_of")},
    }
    basis = latest["basis"].get(MAIN, "")
    if pd.isna(row["value"]):
        key = "opening_parts" if level == "province_34" else "opening_unread"
        return [(f"brief.{key}", values)]
    if basis not in PLAIN:
        return [("brief.opening_read_basis", values | {"basis": f"basis.{basis}"})]
    return [("brief.opening_read", values)]


def _path(tables: Tables, level: str, code: str) -> pd.DataFrame:
    """Yearly estimates and the forecast: indicator, date, q05, q10, q50, q90, q95, target."""
    columns = ["indicator", "date", "q05", "q10", "q50", "q90", "q95"]
    past = of_unit(tables.estimates, level, code)
    past = past[past["date"] < tables.due]
    if "scale" in past:
        past = past[past["scale"] == "reported"]
    ahead = of_unit(forecast_rows(tables), level, code)
    table = pd.concat([past[columns], ahead[[*columns, "target"]]], ignore_index=True)
    return table.sort_values(["indicator", "date"], ignore_index=True)


def _sources(own: pd.DataFrame, sources: pd.DataFrame, level: str, code: str) -> Result:
    """The sources of the readings of this unit, most used first."""
    marks = own.assign(
        source_id=own["sources"].fillna("").str.split(";"),
        unit=own["geo_level"] + "/" + own["province_code"],
    )[["source_id", "unit"]].explode("source_id")
    marks = marks[marks["source_id"].fillna("") != ""]
    counts = marks["source_id"].value_counts()
    home = marks.drop_duplicates("source_id").set_index("source_id")["unit"]
    used = sources[sources["source_id"].isin(counts.index)].copy()
    used["readings"] = used["source_id"].map(counts)
    used = used.sort_values(["readings", "source_id"], ascending=[False, True])
    used["page"] = used["source_id"].map(home) + "#" + used["source_id"]
    columns = ["source_id", "page", "publisher", "published", "title", "readings"]
    values = {"n": len(used), "readings": len(own)}
    key = "brief.sources" if len(used) else "brief.no_sources"
    formats = {"published": "source_day", "title": "source_title", "readings": "integer"}
    return Result(
        "sources", used[columns], [(key, values)], formats, evidence={"source_id": "page"}
    )
