"""What is known of the provinces, what was added of late, and which figure would help most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml

from analysis import paths
from analysis.country import geography
from analysis.facts import Raw, load_raw
from analysis.facts.tables import last_day
from analysis.forecast.tables import round_named
from analysis.forecast.wanted import wanted
from analysis.readings.store import read_readings
from analysis.report.results import Result
from analysis.report.wording import write as write_value

_FIRST, _LAST = 2015, 2025
#: Rate -> what else says something of the same: people insured, or the amount paid late.
SCHEMES = {
    "hi_coverage": "hi_participants",
    "si_coverage": "si_participants",
    "ui_coverage": "ui_participants",
    "late_payment_rate": "late_payment_amount",
}
#: Kinds of evidence for a unit and year, the best first.
RATE_YEAR_END, RATE_INTERIM, COUNT, COMPUTED, _NOTHING = KINDS = (
    "rate_year_end", "rate_interim", "count", "computed", "none",
)  # fmt: skip
PRINTED = [RATE_YEAR_END, RATE_INTERIM, COUNT]
_WORDS = {"province_code": "unit_label", "indicator": "indicator"}
#: Table of Data -> file of data/processed.
_FILES = {"panel": "panel_coverage.csv", "wanted": "figures_wanted.csv"}


@dataclass(frozen=True)
class Data:
    """The panel, what would help, and the raw tables; `released` is the day of the last release."""

    panel: pd.DataFrame
    wanted: pd.DataFrame
    raw: Raw
    released: pd.Timestamp


def read(round_name: str) -> Data:
    """Everything that the chapter shows.

    Raises:
        RoundError: there is no such round.
        analysis.paths.MissingTable: an earlier chapter has not run.
    """
    chosen, known = round_named(round_name)
    return Data(panel(read_readings()), wanted(known, chosen), load_raw(), released())


def write(data: Data) -> list[str]:
    """Write panel and figures wanted to data/processed; returns the names of the files."""
    for name, file in _FILES.items():
        paths.write_table(getattr(data, name), paths.PROCESSED / file)
    return sorted(_FILES.values())


def released() -> pd.Timestamp:
    """The day of the last release, as CITATION.cff has it."""
    path = paths.ROOT / "CITATION.cff"
    paths.asked(path)
    return pd.Timestamp(yaml.safe_load(path.read_text("utf-8"))["date-released"])


def panel(readings: pd.DataFrame) -> pd.DataFrame:
    """Say for each of the 63 provinces, each year and each rate what was published.

    Returns:
        geo_level, province_code, year, indicator and evidence: rate_year_end (the rate was
        printed for the year's end), rate_interim (for another day), count (only a number of
        people, or an amount, was printed), computed (it follows from other figures) or none.
    """
    rows = readings[readings["geo_level"] == "province_63"]
    rows = rows.assign(year=rows["as_of"].dt.year)
    published = rows["kind_of_evidence"] == "published"
    found: dict[tuple[str, int, str], int] = {}
    for rate, count in SCHEMES.items():
        own = rows["indicator"] == rate
        year_end = own & published & (rows["season"] == "year_end")
        chosen = {
            RATE_YEAR_END: year_end,
            RATE_INTERIM: own & published & ~year_end,
            COUNT: published & (rows["indicator"] == count),
            COMPUTED: own & ~published,
        }
        for kind, mask in chosen.items():
            for code, year in rows.loc[mask, ["province_code", "year"]].itertuples(index=False):
                key, rank = (str(code), int(year), rate), KINDS.index(kind)
                found[key] = min(rank, found.get(key, rank))
    every = [
        ("province_63", code, year, rate, KINDS[found.get((code, year, rate), len(KINDS) - 1)])
        for code in geography.codes("province_63")
        for year in range(_FIRST, _LAST + 1)
        for rate in SCHEMES
    ]
    columns = ["geo_level", "province_code", "year", "indicator", "evidence"]
    return pd.DataFrame(every, columns=columns)


def coverage(data: Data) -> Result:
    """Count the province-years of each rate by what was published for them."""
    table = data.panel
    counts = pd.crosstab(table["indicator"], table["evidence"])
    counts = counts.reindex(index=list(SCHEMES), columns=list(KINDS), fill_value=0)
    read = table[table["evidence"].isin(PRINTED)]
    counts["provinces"] = read.groupby("indicator")["province_code"].nunique()
    counts = counts.fillna(0).astype(int)
    units = table["province_code"].nunique()
    whole = {"first": _FIRST, "last": _LAST, "all": len(table) // len(SCHEMES)}
    phrases: list[tuple[str, dict[str, Any]]] = [("data.coverage_all", whole)]
    phrases += [
        (
            "data.coverage",
            {
                "indicator": name,
                "rate": int(row[RATE_YEAR_END] + row[RATE_INTERIM]),
                "any": int(row[PRINTED].sum()),
                "never": int(units - row["provinces"]),
            },
        )
        for name, row in counts.iterrows()
    ]
    formats = dict.fromkeys([*KINDS, "provinces"], "integer")
    return Result("data_coverage", counts.reset_index(), phrases, formats, _WORDS, "data")


def years(data: Data) -> Result:
    """Count by year the provinces of which any figure on each rate was printed."""
    read = data.panel[data.panel["evidence"].isin(PRINTED)]
    table = pd.crosstab(read["year"], read["indicator"])
    table = table.reindex(index=range(_FIRST, _LAST + 1), columns=list(SCHEMES), fill_value=0)
    formats = {"year": "year", **dict.fromkeys(SCHEMES, "integer")}
    return Result("data_years", table.reset_index(), [], formats, {}, "data")


def units(data: Data) -> Result:
    """Count for each province the years in which any figure on each rate was printed."""
    read = data.panel[data.panel["evidence"].isin(PRINTED)]
    table = pd.crosstab(read["province_code"], read["indicator"])
    codes = pd.Index(geography.codes("province_63"), name="province_code")
    table = table.reindex(index=codes, columns=list(SCHEMES), fill_value=0).reset_index()
    table.insert(0, "geo_level", "province_63")
    hidden = ["geo_level"]
    formats = dict.fromkeys(SCHEMES, "integer")
    return Result("data_units", table, [], formats, _WORDS, "data", hidden=hidden)


def added(data: Data) -> Result:
    """Count by indicator the figures of pages that were read after the last release."""
    raw = data.raw
    day = last_day(raw.sources["retrieved"]).set_axis(raw.sources["source_id"])
    facts = raw.facts[raw.facts["source_id"].map(day) > data.released]
    unit = facts["geo_level"] + "/" + facts["province_code"]
    groups = facts.assign(unit=unit).groupby("indicator")
    table = groups.agg(
        n=("value", "size"),
        units=("unit", "nunique"),
        first=("as_of", "min"),
        last=("as_of", "max"),
    )
    table["targets"] = groups["kind"].agg(lambda kind: int((kind == "target").sum()))
    table = table.sort_values(["n", "last"], ascending=False).reset_index()
    values = {
        "n": len(facts),
        "pages": int(facts["source_id"].nunique()),
        "targets": int((facts["kind"] == "target").sum()),
        "released": data.released,
    }
    formats = {"n": "integer", "units": "integer", "targets": "integer"}
    return Result(
        "data_added",
        table[["indicator", "n", "targets", "units", "first", "last"]],
        [("data.added" if len(facts) else "data.added_nothing", values)],
        {**formats, "first": "short_date", "last": "short_date"},
        _WORDS,
        "data",
    )


def not_taken(language: str) -> Result:
    """List the figures that were offered and not taken, each with its reason."""
    path = paths.RAW / "not_taken.csv"
    paths.asked(path)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table["reason"] = table["reason"] if language == "en" else table[f"reason_{language}"]
    values = table["value"].astype(float)
    forms = ["integer" if value == round(value) else "number1" for value in values]
    pairs = zip(values, forms, strict=True)
    table["value"] = [write_value(value, form, language) for value, form in pairs]
    columns = ["geo_level", "province_code", "indicator", "as_of", "value", "unit", "read_in"]
    counts = {"n": len(table), "facts": int((table["file"] == "facts").sum())}
    return Result(
        "data_not_taken",
        table[[*columns, "reason"]],
        [("data.not_taken", counts)],
        {"as_of": "source_day"},
        {"province_code": "unit", "indicator": "offered", "unit": "offered_unit"},
        "data",
        hidden=["geo_level"],
    )


def wanted_most(data: Data, rate: str = "") -> Result:
    """Return for each unit of today the one figure that would narrow a forecast of it most.

    Args:
        data: what `read` returns.
        rate: the rate whose forecast is looked at; whichever it helps most where none is given.
    """
    table = data.wanted[data.wanted["indicator"] == rate] if rate else data.wanted
    table = table.sort_values(["loss", "province_code"], ascending=[False, True])
    table = table.groupby("province_code", sort=False).head(1).reset_index(drop=True)
    table["wanted_unit"] = table["wanted_level"] + "/" + table["wanted_code"]
    phrases = []
    if len(table):
        first = table.iloc[0]
        names = ["wanted_unit", "wanted_indicator", "wanted_day", "indicator", "date", "width"]
        values = {name: first[name] for name in [*names, "width_after"]}
        phrases.append(("data.wanted_first", values))
        year_end = table["wanted_day"].dt.is_year_end
        phrases.append(("data.wanted", {"n": len(table), "year_end": int(year_end.sum())}))
    columns = ["geo_level", "province_code", "wanted_indicator", "wanted_unit", "wanted_day"]
    formats = {
        **dict.fromkeys(("width", "width_after", "loss"), "number1"),
        "wanted_day": "short_date",
        "wanted_unit": "unit_label",
    }
    return Result(
        f"data_wanted_{rate}" if rate else "data_wanted",
        table[[*columns, "indicator", "width", "width_after", "loss"]],
        phrases,
        formats,
        {**_WORDS, "wanted_indicator": "indicator"},
        "data",
        hidden=["geo_level"],
    )
