"""The figures of the front page: tile maps of probabilities, forecast against target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis import geography, overview
from analysis.brief import brief
from analysis.brief.tables import Tables, forecast_rows
from analysis.figures.brief import fan
from analysis.figures.style import Figure
from analysis.figures.tiles import Extras, probability_steps, tile_map
from analysis.verdicts import NOT_ENOUGH_EVIDENCE, percent
from analysis.wording import say, write


def front_figures(tables: Tables, language: str) -> tuple[list[Figure], Figure]:
    """Return what the front page and the report of the country show: two maps and the forecast."""
    levels = ("province_63", "province_34")
    maps = [probability_map(tables, overview.MAIN, level, language) for level in levels]
    return maps, fan(brief(geography.COUNTRY, tables), language)


def probability_map(
    tables: Tables,
    indicator: str,
    level: str,
    language: str,
    address: Callable[[str, str], str] | None = None,
) -> Figure:
    """Draw the probability that each unit reports to have met its target, as a tile map.

    Args:
        tables: see :class:`analysis.brief.tables.Tables`.
        indicator: a coverage rate.
        level: ``province_63`` or ``province_34``.
        language: ``en`` or ``vi``.
        address: the page of a unit, from its geographic level and code; a tile leads there.
    """
    ahead = forecast_rows(tables)
    table = ahead[(ahead["geo_level"] == level) & (ahead["indicator"] == indicator)]
    table = table.assign(value=table["p_meets_reported"].round(4))
    table.loc[table["verdict"] == NOT_ENOUGH_EVIDENCE, "value"] = float("nan")
    table["verdict"] = table["verdict"].fillna(NOT_ENOUGH_EVIDENCE)
    columns = ["geo_level", "province_code", "value", "q50", "q10", "q90"]
    columns += ["target", "target_setter", "verdict"]
    table = table[columns].sort_values("province_code", ignore_index=True)
    written = {
        str(row["province_code"]): write(row["value"], "probability", language)
        for row in table.dropna(subset=["value"]).to_dict("records")
    }
    values = {
        "indicator": indicator,
        "short": [indicator],
        "due": tables.due,
        "origin": tables.origin,
        **overview.counts(tables, indicator, level),
    }
    words = {
        "title": _title(values, language),
        "legend": say("figures.probability_legend", language),
        "missing": say("verdict.not_enough_evidence", language),
        "footer": say("figures.probability_footer", language, **values),
        "alt": say("figures.probability_alt", language, **values),
    }
    name = f"probability_{indicator}_{level.removeprefix('province_')}"
    codes = [str(code) for code in table["province_code"]]
    tips = dict(zip(codes, (_tip(row, language) for row in table.to_dict("records")), strict=True))
    addresses = {code: address(level, code) for code in codes} if address else {}
    steps, extras = probability_steps(language), Extras(tips, addresses)
    return tile_map(name, table, steps, written, words, language, percent, extras)


def _title(values: dict[str, Any], language: str) -> str:
    """Say how many of the units that can be judged are likely and unlikely to meet the target."""
    judged = values["units"] - values["unsure"]
    key = "figures.probability_title" if judged else "figures.probability_title_none"
    return say(key, language, judged=judged, **values)


def _tip(row: dict[Any, Any], language: str) -> str:
    """Say what a tile stands for."""
    sure = row["verdict"] != NOT_ENOUGH_EVIDENCE
    key = "figures.probability_tip" if sure else "figures.probability_tip_unsure"
    unit = f"{row['geo_level']}/{row['province_code']}"
    values = {str(name): value for name, value in row.items()}
    return say(key, language, unit=unit, **(values | {"verdict": f"verdict.{row['verdict']}"}))
