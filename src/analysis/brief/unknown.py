"""What has to be known before a brief is quoted: what is missing, borrowed, or blurred."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import geography
from analysis.brief.tables import INDICATORS, MAIN, Tables, forecast_rows, of_unit
from analysis.results import Result
from analysis.targets import NATIONWIDE
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE

_STALE_MONTHS = 18
#: A reader who has to quote a number reads so many points; the unit's own come first.
_MOST = 4


def unknown(tables: Tables, answer: pd.DataFrame, level: str, code: str) -> Result:
    """List what is not known of a unit, each point once, the gravest first.

    Args:
        tables: see :class:`analysis.brief.tables.Tables`.
        answer: the table that opens the brief.
        level: its geographic level.
        code: its code.
    """
    phrases: list[tuple[str, dict[str, Any]]] = []
    phrases += _missing(tables, answer, level, code)
    phrases += _newer(answer)
    phrases += _below(answer, level)
    for name in INDICATORS:
        phrases += _stale(name, tables, answer)
    phrases += _unread(answer)
    phrases += _borrowed(tables, level, code)
    phrases += _yardsticks(answer)
    if level == "province_63":
        phrases += _merger(code)
    phrases = phrases[:_MOST] + [one for one in phrases[_MOST:] if one[0] == "brief.unknown_merged"]
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
    names = [name for name in INDICATORS if (rows["indicator"] == name).sum() > 0]
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
