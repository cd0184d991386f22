"""What the tables of data/processed and their fields hold, in the languages of the report.

English stands in the schema of each table (see `analysis.report.describe`), Vietnamese in
`src/analysis/tables/vi`: tables.yml, fields.yml and units.yml.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from analysis.paths import PROCESSED, write_atomic

# --------------------------------------------------------------------------------------------------
# The tables of data/processed described field by field (Frictionless Table Schema).
#
# Each table has one file, `src/analysis/tables/<table>.yml`, with title, description, fields (name:
# type, unit, description, constraints), primary_key, foreign_keys and sources. A room that writes a
# table adds its file there; nothing else needs to know. Types are those of Table Schema: string,
# integer, number, boolean, date.
# --------------------------------------------------------------------------------------------------

PROFILE = "tabular-data-resource"
_CONSTRAINTS = ("required", "minimum", "maximum", "enum", "pattern", "unique")
_LICENSE = {
    "name": "CC-BY-4.0",
    "path": "https://creativecommons.org/licenses/by/4.0/",
    "title": "Creative Commons Attribution 4.0",
}


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Return the description of every table, by its name.

    Raises:
        ValueError: a file lacks a part or names an unknown type or constraint.
    """
    found = {}
    for path in _FOLDER.glob("*.yml"):
        for name, entry in yaml.safe_load(path.read_text("utf-8")).items():
            found[name] = _checked(path.stem, name, entry)
    return dict(sorted(found.items()))


def _checked(chapter: str, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    where = f"tables/{chapter}.yml: {name}"
    parts = ("title", "description", "fields", "primary_key")
    missing = [part for part in parts if part not in entry]
    if missing:
        raise ValueError(f"{where}: lacks {', '.join(missing)}")
    for field, what in entry["fields"].items():
        if what.get("type") not in ("string", "integer", "number", "boolean", "date"):
            raise ValueError(f"{where}: {field}: unknown type {what.get('type')!r}")
        if not what.get("description"):
            raise ValueError(f"{where}: {field}: lacks a description")
    unknown = [key for key in entry["primary_key"] if key not in entry["fields"]]
    if unknown:
        raise ValueError(f"{where}: primary_key: no field {', '.join(unknown)}")
    return entry


def package() -> dict[str, Any]:
    """Return the whole description as a Frictionless data package."""
    return {
        "profile": "tabular-data-package",
        "name": "viet-nam-social-protection-coverage",
        "title": "Coverage of social protection in Viet Nam: readings, drivers, forecasts",
        "licenses": [_LICENSE],
        "resources": [_resource(name, entry) for name, entry in schemas().items()],
    }


def _resource(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "fields": [_package_field(field, what) for field, what in entry["fields"].items()],
        "primaryKey": entry["primary_key"],
        "missingValues": [""],
    }
    if entry.get("foreign_keys"):
        schema["foreignKeys"] = [
            {
                "fields": key["fields"],
                "reference": {"resource": key["table"], "fields": key["reference"]},
            }
            for key in entry["foreign_keys"]
        ]
    return {
        "profile": PROFILE,
        "name": name.replace("_", "-"),
        "path": f"{name}.csv",
        "title": entry["title"],
        "description": " ".join(entry["description"].split()),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "sources": [{"title": source} for source in entry.get("sources", [])],
        "schema": schema,
    }


def _package_field(name: str, what: dict[str, Any]) -> dict[str, Any]:
    field = {
        "name": name,
        "type": what["type"],
        "description": " ".join(what["description"].split()),
    }
    if what.get("unit"):
        field["unit"] = what["unit"]
    rules = {rule: what[rule] for rule in _CONSTRAINTS if rule in what}
    if rules:
        field["constraints"] = rules
    return field


def write(folder: Path | None = None) -> Path:
    """Write datapackage.json into data/processed (or another folder)."""
    text = json.dumps(package(), ensure_ascii=False, indent=2) + "\n"
    return write_atomic((folder or PROCESSED) / "datapackage.json", text)


def faults(name: str, folder: Path | None = None) -> list[str]:
    """Check one written table against its description; return what is wrong, a line each.

    Columns and their order, types, constraints, the primary key, and foreign keys into tables
    that have been written.
    """
    entry, place = schemas()[name], Path(folder or PROCESSED)
    table = pd.read_csv(place / f"{name}.csv", dtype=str, keep_default_na=False)
    expected = list(entry["fields"])
    if list(table.columns) != expected:
        return [f"{name}.csv: columns are {list(table.columns)}, described are {expected}"]
    found = [
        f"{name}.csv: {field}: {message}"
        for field, what in entry["fields"].items()
        for message in _column_faults(table[field], what)
    ]
    if table.duplicated(entry["primary_key"]).any():
        found.append(f"{name}.csv: primary key {entry['primary_key']} is not unique")
    for key in entry.get("foreign_keys", []):
        found += _reference_faults(name, table, key, place)
    return found


def _column_faults(column: pd.Series, what: dict[str, Any]) -> Iterable[str]:
    filled = column[column != ""]
    if what.get("required") and len(filled) < len(column):
        yield f"{len(column) - len(filled)} empty cells where a value is required"
    wrong = filled[~_fits(filled, what["type"])]
    if len(wrong):
        yield f"{wrong.iloc[0]!r} is not of type {what['type']}"
        return
    if "enum" in what and not filled.isin([str(value) for value in what["enum"]]).all():
        yield f"{filled[~filled.isin([str(v) for v in what['enum']])].iloc[0]!r} is not allowed"
    if "pattern" in what and not filled.str.fullmatch(what["pattern"]).all():
        yield f"{filled[~filled.str.fullmatch(what['pattern'])].iloc[0]!r} breaks the pattern"
    if what["type"] in ("number", "integer") and len(filled):
        numbers = filled.astype(float)
        if numbers.min() < what.get("minimum", float("-inf")):
            yield f"{numbers.min()} is below the minimum {what['minimum']}"
        if numbers.max() > what.get("maximum", float("inf")):
            yield f"{numbers.max()} is above the maximum {what['maximum']}"


def _fits(column: pd.Series, kind: str) -> pd.Series:
    if kind == "string":
        return pd.Series(True, index=column.index)
    if kind == "date":
        return pd.to_datetime(column, format="%Y-%m-%d", errors="coerce").notna()
    if kind == "boolean":
        return column.isin(["True", "False", "true", "false"])
    if kind == "integer":
        return column.str.fullmatch(r"-?\d+")
    number = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
    return column.str.fullmatch(number)


def _reference_faults(
    name: str, table: pd.DataFrame, key: dict[str, Any], place: Path
) -> list[str]:
    target = place / f"{key['table']}.csv"
    if not target.is_file():
        return []
    other = pd.read_csv(target, dtype=str, keep_default_na=False)
    known = pd.MultiIndex.from_frame(other[key["reference"]])
    asked = pd.MultiIndex.from_frame(table[key["fields"]])
    lost = asked[~asked.isin(known)]
    if lost.empty:
        return []
    return [f"{name}.csv: {key['fields']}: {lost[0]} is not in {key['table']}.csv"]


_FOLDER = Path(__file__).parent / "tables"
_QUANTILE = re.compile(r"q0?\.?(\d+)")


@dataclass(frozen=True)
class Described:
    """A table in one language: title, description, and by field its meaning and its unit."""

    title: str
    description: str
    fields: dict[str, str]
    units: dict[str, str]


def described(name: str, language: str) -> Described:
    """Return what a table and its fields hold.

    Raises:
        KeyError: the table is not described, or a part of it has no words in the language.
    """
    entry = schemas()[name]
    titles = entry if language == "en" else _words("tables", language)[name]
    fields = {
        field: _plain(what["description"]) if language == "en" else _field(name, field, language)
        for field, what in entry["fields"].items()
    }
    units = {
        field: what["unit"] if language == "en" else _words("units", language)[what["unit"]]
        for field, what in entry["fields"].items()
        if what.get("unit")
    }
    return Described(titles["title"], _plain(titles["description"]), fields, units)


def _field(table: str, field: str, language: str) -> str:
    """Return the meaning of a field: the table's own, else that of all tables."""
    words = _words("fields", language)
    if (quantile := _QUANTILE.fullmatch(field)) and field not in words:
        return str(words["quantile"]).format(f"0.{quantile[1]}")
    return str(words[f"{table}.{field}"] if f"{table}.{field}" in words else words[field])


@cache
def _words(part: str, language: str) -> dict[str, Any]:
    return dict(yaml.safe_load((_FOLDER / language / f"{part}.yml").read_text("utf-8")))


def _plain(text: str) -> str:
    return " ".join(text.split())
