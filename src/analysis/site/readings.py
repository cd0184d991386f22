"""The pages of evidence: the readings of each unit with their sources, and all sources."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

import pandas as pd

from analysis import paths
from analysis.country import geography
from analysis.country.indicators import COVERAGE, INDICATORS
from analysis.country.names import is_alone
from analysis.findings.contradictions import written
from analysis.findings.coverage import reading_anchor
from analysis.readings.targets import due_on, succession
from analysis.report import wording
from analysis.report.wording import say, write
from analysis.site.page import (
    NO_STAMP,
    Stamp,
    brief_of,
    page,
    readings_file,
    render,
    safe_address,
    unit_label,
)


@dataclass(frozen=True)
class Evidence:
    """The readings of chapter 01, the targets, the raw table of sources, and the figures that
    chapter 10 asks for (no rows where it has not run)."""

    readings: pd.DataFrame
    targets: pd.DataFrame
    sources: pd.DataFrame
    wanted: pd.DataFrame = field(default_factory=pd.DataFrame)


def pages(
    evidence: Evidence, briefs: Collection[str], language: str, stamp: Stamp = NO_STAMP
) -> dict[str, str]:
    """Return the page of each unit's readings and the page of all sources, by file name.

    Args:
        evidence: readings, targets and sources.
        briefs: the files of the briefs that there are; only these are linked to.
        language: ``en`` or ``vi``.
        stamp: when the forecast was made.
    """
    readings, targets, sources = evidence.readings, evidence.targets, evidence.sources
    known = sources.set_index("source_id")
    made = {}
    units = [(level, code) for level in _LEVELS for code in geography.codes(level)]
    groups = dict(tuple(readings.groupby(["geo_level", "province_code"])))
    aims = dict(tuple(targets.groupby(["geo_level", "province_code"])))
    for unit in units:
        found = groups.get(unit, readings.iloc[:0])
        own = _aims_of(unit, aims, targets)
        brief = brief_of(*unit)
        link = brief if brief in briefs else ""
        parts = _parts(unit, groups, known, language)
        made[readings_file(*unit)] = _unit_page(
            unit, found, own, known, link, language, parts, _asked(unit, evidence.wanted, language),
            stamp,
        )  # fmt: skip
    made["sources.html"] = _sources_page(units, sources, language, stamp)
    return made


def _aims_of(
    unit: tuple[str, str], aims: Mapping[Any, pd.DataFrame], targets: pd.DataFrame
) -> pd.DataFrame:
    """The targets of a unit; an unchanged province is one unit under two levels.

    Beside the columns of targets.csv: held, whether it is the one that the unit is held against,
    and what `succession` adds.
    """
    level, code = unit
    levels = ["province_63", "province_34"] if level != "country" and is_alone(code) else [level]
    own = pd.concat([targets.iloc[:0], *(aims[one, code] for one in levels if (one, code) in aims)])
    own = own.assign(basis=own["basis"].fillna(""), facts=own["facts"].astype(str))
    held = set()
    for indicator, due in own[["indicator", "due"]].drop_duplicates().itertuples(index=False):
        on_the_day = due_on(own, indicator, due)
        if len(on_the_day.table):
            held.add(on_the_day.held_by(level, code).facts)
    found = succession(own)
    return found.assign(held=found["facts"].isin(held))


def _asked(unit: tuple[str, str], wanted: pd.DataFrame, language: str) -> str:
    """Name the figure that would narrow a forecast of the unit most; nothing where none is."""
    level, code = unit
    if wanted.empty or level == "country" or (level == "province_63" and not is_alone(code)):
        return ""
    rows = wanted[wanted["province_code"] == code].sort_values("loss", ascending=False)
    if rows.empty:
        return ""
    row = rows.iloc[0]
    of_whom = f"{row['wanted_level']}/{row['wanted_code']}"
    return say(
        "site.wanted", language, figure=row["wanted_indicator"], unit=of_whom, day=row["wanted_day"]
    )


def _parts(
    unit: tuple[str, str], groups: Mapping[Any, pd.DataFrame], known: pd.DataFrame, language: str
) -> list[dict[str, Any]]:
    """The provinces that a unit was made of: page, number of readings, and the readings published.

    What was computed from other figures stands on the province's own page alone.
    """
    if unit[0] != "province_34":
        return []
    made = []
    for code in geography.members(unit[1]):
        part = ("province_63", code)
        name, file = unit_label(*part, language), readings_file(*part)
        rows: list[dict[str, Any]] = []
        if part in groups:
            own = groups[part]
            own = own[own["kind_of_evidence"] == "published"]
            own = own.assign(place=own["indicator"].map(_PLACE))
            own = own.sort_values(["place", "as_of", "basis"], ascending=[True, False, True])
            rows = [_part_row(row, file, known, language) for row in own.to_dict("records")]
        text = say("site.part_readings", language, n=len(groups.get(part, ())), published=len(rows))
        made.append({"name": name, "file": file, "text": text, "code": code, "rows": rows})
    return made


def _part_row(
    row: Mapping[Hashable, Any], file: str, known: pd.DataFrame, language: str
) -> dict[str, Any]:
    """A reading of a part: it links to its place on the province's own page, and to its sources."""
    made = _row(row, language)
    made["indicator"] = INDICATORS[str(row["indicator"])].label(language, short=True)
    made["place"] = f"{file}#{made['anchor']}"
    made["links"] = [
        {"id": one, "url": safe_address(str(known.loc[one, "url"])) if one in known.index else ""}
        for one in made["sources"]
    ]
    return made


def read() -> Evidence | None:
    """Read the evidence; nothing when chapter 01 has not run."""
    try:
        readings = paths.read_processed("readings", dates=["as_of"])
    except paths.MissingTable:
        return None
    sources = pd.read_csv(paths.RAW / "sources.csv", dtype=str, keep_default_na=False)
    targets = paths.read_processed("targets", dates=["due", "announced"])
    try:
        wanted = paths.read_processed("figures_wanted", dates=["wanted_day"])
    except paths.MissingTable:
        wanted = pd.DataFrame()
    return Evidence(readings, targets, sources, wanted)


_LEVELS = ("country", "province_63", "province_34")


def unit_title(level: str, code: str, language: str) -> str:
    """Return the name of a unit; one of the two territories of a name says which it is."""
    name = unit_label(level, code, language)
    return say("site.merged_unit", language, name=name) if level == "province_34" else name


def _unit_page(
    unit: tuple[str, str],
    readings: pd.DataFrame,
    targets: pd.DataFrame,
    sources: pd.DataFrame,
    brief: str,
    language: str,
    parts: list[dict[str, Any]],
    asked: str,
    stamp: Stamp,
) -> str:
    level, code = unit
    file = readings_file(level, code)
    title = say("site.readings_of", language, name=unit_title(level, code, language))
    listed = [*readings["sources"].fillna(""), *targets["sources"]]
    used = sorted({source for cell in listed for source in cell.split(";") if source})
    intro = say("site.readings_intro", language, n=len(readings), sources=len(used))
    if parts:
        of_parts = sum(len(part["rows"]) for part in parts)
        intro = say("site.readings_intro_parts", language, n=len(readings), of_parts=of_parts)
    body = render(
        "readings.html.j2",
        language,
        title=title,
        intro=intro,
        brief=brief,
        asked=asked,
        parts=parts,
        part_heads=[say(f"site.readings_{head}", language) for head in _PART_HEADS],
        groups=_groups(readings, language),
        heads=[say(f"site.readings_{head}", language) for head in _HEADS],
        aims=_aims(targets, language),
        aim_heads=[say(f"site.targets_{head}", language) for head in _AIM_HEADS],
        sources=[_source(s, sources.loc[s], language) for s in used if s in sources.index],
    )
    return page(language, file, title, body, "readings", intro, "sources.js", stamp)


_PART_HEADS = ("indicator", "day", "value", "interval", "basis", "rule", "sources")
#: The coverage rates come first, the others in their order.
_PLACE = {name: at for at, name in enumerate(dict.fromkeys([*COVERAGE, *INDICATORS]))}
_HEADS = ("day", "value", "interval", "basis", "evidence", "rule", "sources")


def _groups(readings: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    """Group the readings by indicator, in the order in which indicators are asked for.

    Each reading has its identifier as anchor.
    """
    place = readings["indicator"].map(_PLACE)
    ordered = readings.assign(place=place).sort_values(["place", "as_of", "basis", "reading_id"])
    rows = groupby(ordered.to_dict("records"), key=itemgetter("indicator"))
    return [
        {
            "anchor": indicator,
            "title": INDICATORS[indicator].label(language),
            "rows": [_row(row, language) for row in found],
        }
        for indicator, found in rows
    ]


_AIM_HEADS = ("indicator", "due", "value", "setter", "announced", "counts", "sources")


def _aims(targets: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    """Return the targets of a unit, latest due first; the first of an indicator is linked to.

    Each says whether it is the one that counts, or which later one of the same setter replaced it
    and since when.
    """
    rows = []
    seen: set[str] = set()
    ordered = targets.sort_values(["indicator", "due", "announced"], ascending=[True, False, False])
    for row in ordered.to_dict("records"):
        indicator = str(row["indicator"])
        anchor = "" if indicator in seen else f"target.{indicator}"
        seen.add(indicator)
        rows.append(
            {
                "anchor": anchor,
                "indicator": INDICATORS[indicator].label(language, short=True),
                "due": write(row["due"], "short_date", language),
                "value": written(float(row["value"]), INDICATORS[indicator].unit, language),
                "setter": say(f"setter.{row['setter']}", language),
                "announced": write(row["announced"], "short_date", language),
                "counts": _counts(row, language),
                "sources": [source for source in row["sources"].split(";") if source],
            }
        )
    return rows


def _counts(row: Mapping[Hashable, Any], language: str) -> str:
    """Say whether a target counts, or what replaced it; nothing where another setter's counts."""
    if row["held"]:
        return say("site.target_held", language)
    if pd.isna(row["superseded_by"]):
        return ""
    unit = INDICATORS[str(row["indicator"])].unit
    later = written(float(row["superseded_by"]), unit, language)
    return say("site.target_replaced", language, target=later, day=row["superseded_on"])


def _row(row: Mapping[Hashable, Any], language: str) -> dict[str, Any]:
    value, *ends = (
        written(float(row[part]), str(row["unit"]), language)
        for part in ("value", "lower", "upper")
    )
    return {
        "anchor": reading_anchor(row["reading_id"]),
        "day": write(row["as_of"], "short_date", language),
        "value": value,
        "band": "–".join(dict.fromkeys(ends)),
        "basis": _word("basis", row["basis"], language),
        "evidence": _word("evidence", row["kind_of_evidence"], language),
        "rule": _word("rule", row["rule"], language),
        "sources": [s for s in str(row["sources"] or "").split(";") if s and s != "nan"],
    }


def _word(topic: str, name: Any, language: str) -> str:
    if not isinstance(name, str) or not name:
        return ""
    key = f"{topic}.{name}"
    return say(key, language) if wording.has(key, language) else name.replace("_", " ")


def _source(source_id: str, source: pd.Series, language: str) -> dict[str, str]:
    title, url = write(str(source["title"]), "source_title", language), str(source["url"])
    return {
        "id": source_id,
        "publisher": str(source["publisher"]),
        "day": write(str(source["published"]), "source_day", language),
        "title": title if url else f"{title} ({say('site.no_address', language)})",
        "url": safe_address(url),
    }


def _sources_page(
    units: list[tuple[str, str]], sources: pd.DataFrame, language: str, stamp: Stamp
) -> str:
    title = say("site.nav_sources", language)
    intro = say(
        "site.sources_intro", language, n=len(sources), unaddressed=int(sources["url"].eq("").sum())
    )
    listed = [_source(str(row["source_id"]), row, language) for _, row in sources.iterrows()]
    entries = [
        {"file": readings_file(*unit), "title": unit_title(*unit, language)} for unit in units
    ]
    body = render("sources.html.j2", language, intro=intro, units=entries, sources=listed)
    return page(language, "sources.html", title, body, "readings", intro, stamp=stamp)
