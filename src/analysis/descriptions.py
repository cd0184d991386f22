"""What the tables of data/processed and their fields hold, in the languages of the report.

English stands in the schema of each table (see `analysis.datapackage`), Vietnamese in
`src/analysis/tables/vi`: tables.yml, fields.yml and units.yml.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from analysis.datapackage import schemas

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
