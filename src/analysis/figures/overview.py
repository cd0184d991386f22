"""The figures of the front page: tile maps of probabilities, forecast against target."""

from __future__ import annotations

from analysis import geography, overview
from analysis.brief import brief
from analysis.brief.tables import Tables, forecast_rows
from analysis.figures.brief import fan
from analysis.figures.style import Figure
from analysis.figures.tiles import probability_steps, tile_map
from analysis.indicators import INDICATORS
from analysis.verdicts import NOT_ENOUGH_EVIDENCE, percent
from analysis.wording import say, write


def front_figures(tables: Tables, language: str) -> tuple[list[Figure], Figure]:
    """Return what the front page and the report of the country show: two maps and the forecast."""
    levels = ("province_63", "province_34")
    maps = [probability_map(tables, overview.MAIN, level, language) for level in levels]
    return maps, fan(brief(geography.COUNTRY, tables), language)


def probability_map(tables: Tables, indicator: str, level: str, language: str) -> Figure:
    """Draw the probability that each unit reports to have met its target, as a tile map.

    Args:
        tables: see :class:`analysis.brief.tables.Tables`.
        indicator: a coverage rate.
        level: ``province_63`` or ``province_34``.
        language: ``en`` or ``vi``.
    """
    ahead = forecast_rows(tables)
    table = ahead[(ahead["geo_level"] == level) & (ahead["indicator"] == indicator)]
    table = table.assign(value=table["p_meets_reported"].round(4))
    table.loc[table["verdict"] == NOT_ENOUGH_EVIDENCE, "value"] = float("nan")
    columns = ["geo_level", "province_code", "value", "target", "target_setter", "verdict"]
    table = table[columns].sort_values("province_code", ignore_index=True)
    written = {
        str(row["province_code"]): write(row["value"], "probability", language)
        for row in table.dropna(subset=["value"]).to_dict("records")
    }
    values = {
        "indicator": INDICATORS[indicator].label(language),
        "due": tables.due,
        "origin": tables.origin,
        **overview.counts(tables, indicator, level),
    }
    words = {
        "title": say("figures.probability_title", language, **values),
        "legend": say("figures.probability_legend", language),
        "missing": say("verdict.not_enough_evidence", language),
        "footer": say("figures.probability_footer", language, **values),
        "alt": say("figures.probability_alt", language, **values),
    }
    name = f"probability_{indicator}_{level.removeprefix('province_')}"
    return tile_map(name, table, probability_steps(language), written, words, language, percent)
