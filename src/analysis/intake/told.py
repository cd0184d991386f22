"""A preview in words, for a terminal."""

from __future__ import annotations

import pandas as pd

from analysis.geography import name
from analysis.intake.preview import SMALL_CHANCE, SMALL_POINTS, Preview
from analysis.readings import KEY
from analysis.wording import has, say, write

LINES = 12
NONE = say("verdict.not_enough_evidence", "en")


def lines(preview: Preview) -> list[str]:
    """Return the preview as lines of text: readings first, then forecasts."""
    return [
        *_readings(preview.readings),
        *_conflicts(preview.conflicts),
        "",
        *_forecasts(preview),
    ]


def _readings(table: pd.DataFrame) -> list[str]:
    if table.empty:
        return ["Readings: none changes."]
    counts = ", ".join(f"{n} {change}" for change, n in table["change"].value_counts().items())
    told = [f"Readings: {counts}."]
    told += [f"  {_reading(row)}" for row in table.head(LINES).to_dict("records")]
    if len(table) > LINES:
        told.append(f"  ... and {len(table) - LINES} more")
    return told


def _reading(row: dict) -> str:
    unit = name(row["province_code"], row["geo_level"])
    day = f"{row['as_of']:%Y-%m-%d}"
    basis = f" ({row['basis']})" if row["basis"] else ""
    values = [_value(row, side) for side in ("before", "after") if pd.notna(row[f"value_{side}"])]
    rule = row["rule_after"] if isinstance(row["rule_after"], str) else row["rule_before"]
    key = f"{unit}, {row['indicator']}{basis}, {day}"
    return f"{row['change']:<8} {key}: {' -> '.join(values)}, {_rule(rule)}"


def _rule(name: str) -> str:
    return say(f"rule.{name}", "en") if has(f"rule.{name}") else name


def _printed(day: pd.Timestamp) -> str:
    return "no date" if pd.isna(day) else f"{day:%Y-%m-%d}"


def _conflicts(table: pd.DataFrame) -> list[str]:
    """Which figure is taken where several stand, by which rule; all of them stay on record."""
    if table.empty:
        return []
    groups = [group for _, group in table.groupby(KEY, sort=False)
              if not set(group["outcome"]) <= {"accepted", "agrees"}]  # fmt: skip
    if not groups:
        return []
    told = ["Figures that contradict each other (all stay in conflicts.csv, by these rules):"]
    for group in groups[:LINES]:
        first = group.iloc[0]
        unit = name(first["province_code"], first["geo_level"])
        figures = "; ".join(
            f"{row['value']:.10g} of {row['source_id']} ({_printed(row['published_on'])}) "
            f"{row['outcome'].replace('_', ' ')}"
            for row in group.sort_values("published_on").to_dict("records")
        )
        day = f"{first['as_of']:%Y-%m-%d}"
        told.append(f"  {unit}, {first['indicator']}, {day}: {figures}; {_rule(first['rule'])}")
    if len(groups) > LINES:
        told.append(f"  ... and {len(groups) - LINES} more")
    return told


def _value(row: dict, side: str) -> str:
    value, lower, upper = (row[f"{part}_{side}"] for part in ("value", "lower", "upper"))
    return f"{value:.10g} [{lower:.10g}, {upper:.10g}]"


def _forecasts(preview: Preview) -> list[str]:
    if preview.forecasts.empty:
        return ["Forecasts: none rests on these indicators."]
    moved = preview.moved()
    head = f"Forecasts for {preview.due}, known on {preview.origin}, as they will be reported: "
    rest = len(preview.forecasts) - len(moved)
    limits = f"{SMALL_POINTS} points and {SMALL_CHANCE:.0%} probability"
    if moved.empty:
        return [f"{head}none of {rest} moves by {limits}."]
    told = [f"{head}{len(moved)} move, {rest} by less than {limits}."]
    told += [f"  {_forecast(row)}" for row in moved.head(LINES).to_dict("records")]
    if len(moved) > LINES:
        told.append(f"  ... and {len(moved) - LINES} more")
    return told


def _forecast(row: dict) -> str:
    unit = name(row["province_code"], row["geo_level"])
    after_merger = " (after the merger)" if row["geo_level"] == "province_34" else ""
    told = f"{unit}{after_merger}, {row['indicator']}: "
    told += f"{row['q50_before']:.1f}% [{row['q10_before']:.1f}, {row['q90_before']:.1f}] -> "
    told += f"{row['q50_after']:.1f}% [{row['q10_after']:.1f}, {row['q90_after']:.1f}]"
    chances = [row["p_before"], row["p_after"]]
    if any(map(pd.notna, chances)):
        given = [write(one, "probability", "en") if pd.notna(one) else NONE for one in chances]
        told += f"; target met: {given[0]} -> {given[1]}"
    return told
