"""The public face: the tables of the last report, typed, for notebooks of one's own.

The tables are the ones that `make report` wrote to data/processed, which R and Stata users get by
`analysis tables`. A chapter that was run by hand does not change them. In all of them:

- codes are text ("01"), dates are dates, flags and counts may be missing (`boolean`, `Int64`);
- a blank number, date or flag is missing; blank text is always "", never missing, so that
  `table[table["basis"] == ""]` and `groupby` lose no rows;
- rows stand in the order of the file, which is the same on every machine.

`describe` says what each column means. Nothing is computed here but the choice of rows.
"""

from __future__ import annotations

import difflib
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis import paths
from analysis.country import geography, names
from analysis.country.indicators import INDICATORS
from analysis.report import describe as report_describe
from analysis.report.exports import ExportError, typed


class NotFound(ValueError):
    """A unit, indicator or table is unknown or stands for several; the message says what to do."""


@dataclass(frozen=True)
class Unit:
    """A unit of the country.

    Attributes:
        level: country, region, province_63 or province_34; a province that did not merge in July
            2025 is one unit and stands under province_63.
        code: "00", "R1" to "R6", or two digits; the column province_code of all tables.
        name_en, name_vi: names; region: code of the region ("R1" to "R6"; empty for the country).
        parts: codes of the provinces of before July 2025 that it is made of.
        now: the unit of after July 2025 that it is or became part of, as level/code; empty for
            country and regions.
    """

    level: str
    code: str
    name_en: str
    name_vi: str
    region: str
    parts: tuple[str, ...]
    now: str

    def __str__(self) -> str:
        return f"{geography.label(self.code, self.level)} ({self.level}/{self.code})"


def unit(name: str | int | Unit, level: str = "") -> Unit:
    """Return a unit by its name, with or without accents, its code, or level/code.

    Args:
        name: such as "Bến Tre", "ben tre", "BR-VT", "83", 83, "province_34/86", "R6" or "cả nước";
            "cũ" or "former" behind a name means before July 2025, "mới" or "new" after.
        level: "province_63" for before July 2025, "province_34" for after, where the name or the
            code stands for both.

    Raises:
        NotFound: no unit is called so (the message names similar ones), or two are.
    """
    if isinstance(name, Unit):
        return name
    asked = f"{name:02d}" if isinstance(name, int) else str(name).strip()
    if level and level not in geography.LEVELS:
        raise NotFound(f"level {level!r}: there are {', '.join(geography.LEVELS)}")
    before, slash, after = asked.partition("/")
    if slash and before in geography.LEVELS:
        level, wanted = before, after
    else:
        wanted = asked
    found = names.named(wanted, level)
    if len(found) == 1:
        return _made(*found[0])
    if found:
        raise NotFound(_which(asked, found))
    raise NotFound(_no_unit(asked, wanted, level))


def units() -> pd.DataFrame:
    """Return all units: geo_level, province_code, name_en, name_vi, region_code, merged_code.

    The country, 6 regions, the 63 provinces of before July 2025 and the 34 units since; from
    data/raw, so it needs no report.
    """
    from analysis.readings.store import unit_table as listed

    table = listed()
    return table.astype(dict.fromkeys(table.columns, "string"))


def indicators() -> pd.DataFrame:
    """Return what the column indicator can hold: indicator, unit, name_en and name_vi."""
    rows = [(one.name, one.unit, one.name_en, one.name_vi) for one in INDICATORS.values()]
    columns = ["indicator", "unit", "name_en", "name_vi"]
    return pd.DataFrame(rows, columns=columns, dtype="string")


def readings(unit: str | int | Unit | None = None, indicator: str | None = None) -> pd.DataFrame:
    """Return the readings: one accepted figure a unit, indicator, basis and date.

    Args:
        unit: anything that `analysis.unit` takes; all units where none is given.
        indicator: such as "hi_coverage"; all where none is given.

    Returns:
        value, lower and upper in the unit of the column unit; as_of is the day described. Basis ""
        is the usual meaning of an indicator: do not mix it with others (several rows a day).

    Raises:
        NotFound: unknown unit or indicator. analysis.paths.MissingTable: no report was made yet.
    """
    return _rows("readings", unit, indicator)


def targets(unit: str | int | Unit | None = None, indicator: str | None = None) -> pd.DataFrame:
    """Return the targets: value to be reached by due, who set it, known since announced.

    Arguments and errors as for `readings`.
    """
    return _rows("targets", unit, indicator)


def outcomes(unit: str | int | Unit | None = None, indicator: str | None = None) -> pd.DataFrame:
    """Return what became of each target that has fallen due: met is yes, no or not_known.

    Where the unit has several targets for one day, held is true for the one that it is held
    against. Arguments and errors as for `readings`.
    """
    return _rows("outcomes", unit, indicator)


def forecasts(
    unit: str | int | Unit | None = None,
    indicator: str | None = None,
    scale: str | None = "reported",
) -> pd.DataFrame:
    """Return the forecasts of the last report: mean, quantiles (percent) and chances by date.

    Args:
        unit, indicator: as for `readings`.
        scale: "reported" (the value as it will be printed), "true" (the level behind it),
            "official" (on the official population) or None for all three, which are never mixed.

    Raises:
        NotFound: unknown unit, indicator or scale.
        analysis.paths.MissingTable: no report was made yet.
    """
    table = _rows("forecasts", unit, indicator)
    if scale is None:
        return table
    known = report_describe.schemas()["forecasts"]["fields"]["scale"]["enum"]
    if scale not in known:
        raise NotFound(f"scale {scale!r}: there are {', '.join(known)}, or None for all")
    return table[table["scale"] == scale].reset_index(drop=True)


def table(name: str) -> pd.DataFrame:
    """Return a table of data/processed with the types that its description gives.

    Raises:
        NotFound: no table is called so.
        analysis.paths.MissingTable: no report was made yet, or only an older one.
    """
    name = str(name).removesuffix(".csv")
    _check_table(name)
    file = paths.PUBLISHED / f"{name}.csv"
    if not file.is_file():
        raise paths.MissingTable(
            f"data/processed/{name}.csv is not there yet: run `make report` in a terminal first "
            "(some minutes the first time)"
        )
    _say_when_older_than_the_figures()
    try:
        found = typed(name, file)
    except ExportError as error:
        raise ExportError(f"{error} (it was written by another version of the project)") from error
    text = [str(column) for column in found.columns if found[column].dtype == "string"]
    return found.fillna(dict.fromkeys(text, ""))


def describe(name: str, language: str = "en") -> pd.DataFrame:
    """Return what a table holds: column, type, unit and meaning of each column.

    Args:
        name: such as "readings"; language: "en" or "vi".

    Raises:
        NotFound: no table is called so.
    """
    name = str(name).removesuffix(".csv")
    _check_table(name)
    fields = report_describe.schemas()[name]["fields"]
    words = report_describe.described(name, language)
    rows = [
        (field, what["type"], words.units.get(field, ""), words.fields[field])
        for field, what in fields.items()
    ]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "meaning"], dtype="string")


def _rows(name: str, where: str | int | Unit | None, indicator: str | None) -> pd.DataFrame:
    # Names are looked at before the file is read: a slip is answered at once.
    chosen = None if where is None else unit(where)
    if indicator is not None and indicator not in INDICATORS:
        raise NotFound(
            f"no indicator {indicator!r}{_like(indicator, INDICATORS)}; analysis.indicators() "
            "lists all"
        )
    rows = table(name)
    if chosen is not None:
        rows = rows[(rows["geo_level"] == chosen.level) & (rows["province_code"] == chosen.code)]
    if indicator is not None:
        rows = rows[rows["indicator"] == indicator]
    return rows.reset_index(drop=True)


def _check_table(name: str) -> None:
    known = report_describe.schemas()
    if name not in known:
        raise NotFound(f"no table {name!r}{_like(name, known)}; there are {', '.join(known)}")


def _say_when_older_than_the_figures() -> None:
    """Warn when data/raw has changed since the report whose tables are read."""
    from analysis.runs import manifest

    made_from = manifest.read(Path(paths.REPORTS)).get("inputs", {})
    changed = [
        path.name
        for path in sorted(Path(paths.RAW).glob("*.csv"))
        if made_from and made_from.get(f"data/raw/{path.name}") != manifest.file_digest(path)
    ]
    if changed:
        warnings.warn(
            f"data/raw has changed since the last report ({', '.join(changed)}): these tables do "
            "not hold it yet. Run `make report`.",
            stacklevel=4,
        )


def _made(level: str, code: str) -> Unit:
    provincial = level.startswith("province")
    now = ""
    if provincial:
        merged = str(geography.provinces()["merged_code"].get(code, code))
        merged = code if level == "province_34" else merged
        now = f"province_63/{code}" if names.is_alone(code) else f"province_34/{merged}"
    return Unit(
        level,
        code,
        geography.name(code, level, "en"),
        geography.name(code, level, "vi"),
        geography.region_of(code, level) if provincial else code if level == "region" else "",
        tuple(geography.parts(code, level)),
        now,
    )


def _which(asked: str, found: list[tuple[str, str]]) -> str:
    lines = [
        f"{level}/{code} ({geography.label(code, level)}"
        + (", since July 2025)" if level == "province_34" else ")")
        for level, code in found
    ]
    return f"{asked!r} stands for {len(found)} units: write {' or '.join(lines)}"


def _no_unit(asked: str, wanted: str, level: str) -> str:
    others = names.named(wanted)
    if others:
        return f"no unit {asked!r} at the level {level}: write {_listed(others)}"
    if level and re.fullmatch(r"R?\d+", wanted):
        codes = geography.codes(level)
        return f"no unit {asked!r}: the codes of {level} go from {codes[0]} to {codes[-1]}"
    province = names.by_key().get(names.key(wanted), ())
    if province:
        return (
            f"{asked!r} is a city in the province of that name; for the province write "
            f"{_listed(list(province))}"
        )
    close = names.similar(wanted)
    hint = f"; do you mean {' or '.join(close)}?" if close else ""
    return f"no unit is called {asked!r}{hint or '; analysis.units() lists all'}"


def _listed(found: list[tuple[str, str]]) -> str:
    return " or ".join(f"{level}/{code}" for level, code in found)


def _like(name: str, known: object) -> str:
    close = difflib.get_close_matches(str(name), list(known), 3, 0.6)  # type: ignore[call-overload]
    return f" (do you mean {' or '.join(close)}?)" if close else ""
