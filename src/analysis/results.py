"""A result is one object with a table and its sentences, so that the two can never disagree.

Notebooks show results, figures draw them, and pages, PDF, workbook and CSV copy them. The numbers
of a sentence are taken from the table when the result is made; no sentence carries a typed number.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from IPython.display import display

from analysis import wording

#: The type of the data that travel with a shown result or figure; the site saves them beside it.
CSV_TYPE = "text/csv"

_NAME = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)*$")
_NUMERIC = re.compile(
    r"^(percent|share|number|signed|integer|rounded|probability|p_value|year)\d?$"
)


@dataclass(frozen=True)
class Result:
    """A named table, what it says, and how its columns are written.

    Attributes:
        name: name in lower case with underscores; names the CSV file and is its anchor.
        table: one row a finding, in the order in which they are shown.
        phrases: the sentences, as pairs of a key of the wording catalogue and its values.
        formats: the type of each column that is not plain text (see :mod:`analysis.wording`).
        words: columns that hold names to be said, with the topic of the catalogue that says them.
        topic: the topic of the catalogue whose column headings come first.

    Numbers are kept to two digits more than they are shown with, so that the page, the PDF, the
    workbook and the CSV, which all copy this table, cannot round to different figures.
    """

    name: str
    table: pd.DataFrame
    phrases: Sequence[tuple[str, Mapping[str, Any]]] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    topic: str | None = None

    def __post_init__(self) -> None:
        """Check the name, which becomes part of a file name, and round the numbers.

        Raises:
            ValueError: the name could not serve as a file name.
        """
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} cannot name a result: use a-z, 0-9 and underscores")
        object.__setattr__(self, "table", _kept(self.table, self.formats))

    def text(self, language: str) -> str:
        """Return the sentences in a language, one after the other."""
        return " ".join(wording.say(key, language, **values) for key, values in self.phrases)

    def written(self, language: str) -> pd.DataFrame:
        """Return the table as text: headings, numbers, dates and names in a language."""
        columns = {
            wording.heading(column, language, self.topic): [
                self._cell(column, value, language) for value in self.table[column]
            ]
            for column in self.table.columns
        }
        return pd.DataFrame(columns, dtype=object)

    def _cell(self, column: str, value: Any, language: str) -> str:
        if column in self.words and isinstance(value, str) and value:
            return wording.say(f"{self.words[column]}.{value}", language)
        return wording.write(value, self.formats.get(column, "text"), language)

    def numeric(self, column: str) -> bool:
        """Tell whether a column holds numbers, which stand to the right."""
        return bool(_NUMERIC.match(self.formats.get(column, "")))

    def csv(self) -> str:
        """Return the table as CSV text: plain column names, the same bytes for the same numbers."""
        return as_csv(self.table)

    def html(self, language: str) -> str:
        """Return the table as HTML; every text is escaped."""
        written = self.written(language)
        marks = [' class="number"' if self.numeric(c) else "" for c in self.table.columns]
        head = "".join(
            f'<th scope="col"{mark}>{html.escape(str(name))}</th>'
            for name, mark in zip(written.columns, marks, strict=True)
        )
        rows = "\n".join(
            "<tr>" + "".join(_td(v, m) for v, m in zip(row, marks, strict=True)) + "</tr>"
            for row in written.itertuples(index=False)
        )
        return (
            f'<div class="table" tabindex="0" role="region" aria-label="{html.escape(self.name)}">'
            f'<table class="result" id="table-{self.name}">\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody></table></div>"
        )


def _kept(table: pd.DataFrame, formats: Mapping[str, str]) -> pd.DataFrame:
    """Round each column to two digits more than its format shows."""
    digits = {
        column: (4 if spec in {"probability", "p_value"} or spec.startswith("share") else 2)
        + (int(spec[-1]) if spec[-1].isdigit() else 0)
        for column, spec in formats.items()
        if column in table and pd.api.types.is_float_dtype(table[column])
    }
    return table.reset_index(drop=True).round(digits)


def _td(value: str, mark: str) -> str:
    return f"<td{mark}>{html.escape(value)}</td>"


def as_csv(table: pd.DataFrame) -> str:
    """Return a table as CSV text: six significant digits or whole numbers, dates as ISO days.

    A text that a spreadsheet would take for a formula is kept from it by a leading apostrophe.
    """
    safe = table.copy()
    for column in safe.columns:
        if pd.api.types.is_datetime64_any_dtype(safe[column]):
            safe[column] = safe[column].dt.strftime("%Y-%m-%d")
        elif not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = [defused(value) for value in safe[column]]
    return str(safe.to_csv(index=False, float_format=_digits, lineterminator="\n"))


def _digits(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1e5 else f"{value:.6g}"


def defused(value: Any) -> Any:
    """Return a text so that no spreadsheet reads it as a formula; other values as they are."""
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return value


class _Shown:
    """The two faces of a shown result: what a reader sees, and the data behind it."""

    def __init__(self, result: Result, language: str, rows: int | None) -> None:
        self.result, self.language, self.rows = result, language, rows

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        shown = self.result
        if self.rows is not None:
            shown = Result(**{**vars(shown), "table": shown.table.head(self.rows)})
        text = self.result.text(self.language)
        sentence = f'<p class="finding">{html.escape(text)}</p>\n' if text else ""
        table = shown.written(self.language).to_string(index=False)
        return {
            "text/html": sentence + shown.html(self.language),
            "text/plain": f"{text}\n\n{table}".strip(),
            CSV_TYPE: self.result.csv(),
        }


def show(result: Result, language: str, rows: int | None = None) -> None:
    """Show a result in a notebook: its sentences, its table (or its first rows), its data.

    The data of the whole table travel with the output as CSV, for the site to save beside it.
    """
    shown = _Shown(result, language, rows)
    display(shown, metadata={CSV_TYPE: {"name": result.name}})


def say(result: Result, language: str) -> None:
    """Show only the sentences of a result in a notebook."""
    text = result.text(language)
    paragraph = f'<p class="finding">{html.escape(text)}</p>'
    display({"text/html": paragraph, "text/plain": text}, raw=True)
