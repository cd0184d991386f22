"""The tables of data/processed for R and Stata: Parquet and .dta, typed and labelled.

Types, titles and descriptions come from the descriptions of the tables
(`analysis.report.describe`), so that a label can never say something else than the data package.
"""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.paths import PROCESSED, write_atomic
from analysis.report.describe import Described, described, schemas

_FORMATS = ("parquet", "dta")
#: Limits of Stata: characters of a label, characters of a name, bytes of a text.
LABEL, _NAME, _TEXT = 80, 32, 2045


class ExportError(ValueError):
    """A table cannot be exported; the message says which and why."""


def export(
    names: Iterable[str], kind: str, folder: Path, language: str = "en", source: Path | None = None
) -> list[Path]:
    """Write tables of data/processed in another format, each file whole or not at all.

    Args:
        names: tables; none for all that have been made.
        kind: "parquet" or "dta". language: of the labels, "en" or "vi".

    Raises:
        ExportError: a table is unknown, has not been made yet, or does not fit its description.
    """
    place = Path(source or PROCESSED)
    known = schemas()
    made = [name for name in known if (place / f"{name}.csv").is_file()]
    wanted = list(names) or made
    for name in wanted:
        if name not in known:
            raise ExportError(f"no table {name!r}; there are {', '.join(known)}")
        if name not in made:
            raise ExportError(f"{name}.csv has not been made yet; run make report first")
    if not wanted:
        raise ExportError(f"{place} holds no tables yet; run make report first")
    content = {}
    for name in wanted:
        table = typed(name, place / f"{name}.csv")
        words = described(name, language)
        content[name] = _parquet(table, words) if kind == "parquet" else _dta(name, table, words)
    return [write_atomic(Path(folder) / f"{name}.{kind}", data) for name, data in content.items()]


def typed(name: str, path: Path) -> pd.DataFrame:
    """Return a written table with the types that its description gives.

    Codes stay text ("01"), dates become dates, integers and booleans may be missing.

    Raises:
        ExportError: a column is not described, or a cell does not have the type.
    """
    fields = schemas()[name]["fields"]
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(text.columns) != list(fields):
        raise ExportError(f"{path.name}: its columns are not those described; run make report")
    table = pd.DataFrame(index=text.index)
    for field, what in fields.items():
        column = text[field].mask(text[field] == "")
        try:
            table[field] = _as_type(column, what["type"])
        except (ValueError, TypeError) as error:
            raise ExportError(f"{path.name}: {field}: {error}") from error
    return table


def _as_type(column: pd.Series, kind: str) -> pd.Series:
    if kind == "number":
        return pd.to_numeric(column).astype("float64")
    if kind == "integer":
        return pd.to_numeric(column).astype("Int64")
    if kind == "boolean":
        return column.str.lower().map({"true": True, "false": False}).astype("boolean")
    if kind == "date":
        return pd.to_datetime(column, format="%Y-%m-%d")
    return column.astype("string")


def _parquet(table: pd.DataFrame, words: Described) -> bytes:
    """Parquet with the description of each field in its metadata; dates as dates."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    fields = []
    for field in arrow.schema:
        kind = pa.date32() if pa.types.is_timestamp(field.type) else field.type
        kind = pa.string() if pa.types.is_large_string(kind) else kind
        about = {"description": words.fields[field.name], "unit": words.units.get(field.name, "")}
        fields.append(pa.field(field.name, kind, metadata={k: v for k, v in about.items() if v}))
    about = {"title": words.title, "description": words.description}
    buffer = io.BytesIO()
    pq.write_table(arrow.cast(pa.schema(fields, metadata=about)), buffer, compression="snappy")
    return buffer.getvalue()


def stata_names(fields: Iterable[str]) -> dict[str, str]:
    """Return field -> name in Stata: letters, digits and underscores, at most 32 of them.

    Raises:
        ExportError: two fields would get one name.
    """
    found = {field: re.sub(r"\W", "_", re.sub(r"^q0\.", "q", field))[:_NAME] for field in fields}
    if len(set(found.values())) < len(found):
        raise ExportError("two columns would have one name in Stata")
    return found


def _dta(name: str, table: pd.DataFrame, words: Described) -> bytes:
    """A Stata 14 file: labels from the descriptions, booleans as 0 and 1 with value labels."""
    import pyreadstat

    names = stata_names(table.columns)
    own: dict[str, Any] = {}
    values: dict[str, dict[int | float, str]] = {}
    for field, column in table.items():
        short = names[str(field)]
        if column.dtype == "boolean":
            values[short] = {0: "no", 1: "yes"}
            own[short] = column.astype("Int64").astype("float64")
        elif column.dtype == "Int64":
            own[short] = column.astype("float64")
        elif column.dtype == "string":
            long = max((len(text.encode()) for text in column.dropna()), default=0)
            if long and long > _TEXT:
                raise ExportError(f"{name}: {field}: a text is longer than Stata can hold; "
                                  "take --format parquet")  # fmt: skip
            own[short] = column.fillna("").astype(object)
        elif str(column.dtype).startswith("datetime"):
            days = [None if pd.isna(day) else day.date() for day in column]
            own[short] = pd.Series(days, dtype=object, index=column.index)
        else:
            own[short] = column
    labels: list[str | None] = [
        _label(words.fields[str(f)], words.units.get(str(f), "")) for f in table.columns
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.dta"
        pyreadstat.write_dta(
            pd.DataFrame(own), str(path), file_label=words.title[:LABEL], version=14,
            column_labels=labels, variable_value_labels=values,
        )  # fmt: skip
        return path.read_bytes()


def _label(description: str, unit: str) -> str:
    """The first sentence of a description with the unit, cut at a word to what Stata holds."""
    first = re.split(r"(?<=[a-zà-ỹ0-9)])[.;:](?:\s|$)", description)[0].rstrip(".")
    text = f"{first} ({unit})" if unit else first
    return text if len(text) <= LABEL else text[: LABEL - 3].rsplit(" ", 1)[0] + "..."
