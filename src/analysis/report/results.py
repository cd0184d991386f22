"""A result is one object with a table and its sentences, so that the two can never disagree.

Notebooks show results, figures draw them, and pages, PDF, workbook and CSV copy them. The numbers
of a sentence are taken from the table when the result is made; no sentence carries a typed number.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pandas as pd
from IPython.display import display

from analysis.report import wording

#: The type of the data that travel with a shown result or figure; the site saves them beside it.
CSV_TYPE = "text/csv"

#: Words and numbers of a paragraph that is read rather than skipped.
MOST_WORDS, MOST_NUMBERS = 40, 4

_NUMBER = re.compile(r"\d[\d.,/]*")
_NAME = re.compile(r"^[a-z0-9]+(_[a-z0-9]+)*$")
_NUMERIC = re.compile(
    r"^(percent|printed|goal|share|number|signed|integer|rounded|probability|chance|p_value|year)\d?$"
)


class _Cell(NamedTuple):
    """One cell as it is shown: its text, whether it is a number, the readings that it rests on."""

    text: str
    numeric: bool
    evidence: str = ""

    def html(self, tag: str, more: str = "") -> str:
        number = ' class="number"' if self.numeric else ""
        rests = f' data-evidence="{html.escape(self.evidence)}"' if self.evidence else ""
        return f"<{tag}{more}{number}{rests}>{html.escape(self.text)}</{tag}>"


@dataclass(frozen=True)
class Result:
    """A named table, what it says, and how its columns are written.

    Attributes:
        name: name in lower case with underscores; names the CSV file and is its anchor.
        table: one row a finding, in the order in which they are shown.
        phrases: the sentences, as pairs of a key of the wording catalogue and its values.
        formats: the type of each column that is not plain text (:mod:`analysis.report.wording`).
        words: columns that hold names to be said, with the topic of the catalogue that says them;
            ``unit`` says codes of units (of the level in the row's geo_level), ``unit_label``
            the same with former provinces called so, ``indicator`` the names of indicators.
        topic: the topic of the catalogue whose column headings come first.
        evidence: columns whose numbers rest on readings, with the column that says which (as
            ``province_63/83#anchor`` of the readings page); the latter is
            kept in CSV and not shown.
        hidden: further columns that are kept in CSV and not shown.
        joined: columns that share the cell of another one, by that one's name; the phrase
            ``<topic>.join_<column>`` says how the two stand together, and
            ``<topic>.joined_<column>`` heads them where the column's own heading would not do.
        across: a column whose names head the columns when the table is shown turned round, one
            row a question; in the CSV the table keeps its shape.

    Numbers are kept to two digits more than they are shown with, so that the page, the PDF, the
    workbook and the CSV, which all copy this table, cannot round to different figures.
    """

    name: str
    table: pd.DataFrame
    phrases: Sequence[tuple[str, Mapping[str, Any]]] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    topic: str | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)
    hidden: Sequence[str] = ()
    joined: Mapping[str, str] = field(default_factory=dict)
    across: str = ""

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

    @property
    def shown(self) -> list[str]:
        """The columns that a reader sees: all but those that only say where a number rests."""
        hidden = {*self.evidence.values(), *self.joined.values(), *self.hidden}
        return [column for column in self.table.columns if column not in hidden]

    def written(self, language: str) -> pd.DataFrame:
        """Return the table as it is shown, as text: headings, numbers, dates and names."""
        grid = self._grid(language)
        texts = [[cell.text for cell in row] for row in grid[1:]]
        return pd.DataFrame(texts, columns=[cell.text for cell in grid[0]], dtype=object)

    def _grid(self, language: str) -> list[list[_Cell]]:
        """Return the cells as they are shown, the first row being the headings."""
        columns = []
        for column in self.shown:
            numeric = self.numeric(column) and not self.across
            head = _Cell(self._heading(column, language), numeric)
            columns.append([head, *self._column(column, numeric, language)])
        if self.across:
            first = self.shown.index(self.across)
            columns[first][0] = _Cell(wording.say("columns.question", language), False)
            return [columns.pop(first), *columns]
        return [list(row) for row in zip(*columns, strict=True)]

    def _heading(self, column: str, language: str) -> str:
        both = f"{self.topic}.joined_{column}"
        if column in self.joined and wording.has(both, language):
            return wording.say(both, language)
        return wording.heading(column, language, self.topic)

    def _column(self, column: str, numeric: bool, language: str) -> list[_Cell]:
        marks = self.table.get(self.evidence.get(column, ""), pd.Series(index=self.table.index))
        return [
            _Cell(self._text(column, row, language), numeric, mark if isinstance(mark, str) else "")
            for row, mark in enumerate(marks)
        ]

    def _text(self, column: str, row: int, language: str) -> str:
        text = self.word(column, row, language)
        other = self.joined.get(column)
        if other is None:
            return text
        values = {column: text, other: self.word(other, row, language)}
        if wording.MISSING in values.values():
            return next((one for one in values.values() if one != wording.MISSING), text)
        return wording.say(f"{self.topic}.join_{column}", language, **values)

    def word(self, column: str, row: int, language: str) -> str:
        """Return one cell as text, without the column that shares its place."""
        value = self.table[column].iloc[row]
        if column not in self.words or not isinstance(value, str) or not value:
            return wording.write(value, self.formats.get(column, "text"), language)
        topic = self.words[column]
        if topic in {"unit", "unit_label"}:
            return wording.write(f"{self._level(row)}/{value}", topic, language)
        if topic == "indicator":
            return wording.write(value, "indicator_short", language)
        return wording.say(f"{topic}.{value}", language)

    def _level(self, row: int) -> str:
        return (
            str(self.table["geo_level"].iloc[row]) if "geo_level" in self.table else "province_63"
        )

    def numeric(self, column: str) -> bool:
        """Tell whether a column holds numbers, which stand to the right."""
        return bool(_NUMERIC.match(self.formats.get(column, "")))

    def _html(self, cell: _Cell, column: int) -> str:
        return cell.html("th", ' scope="row"') if self.across and not column else cell.html("td")

    def csv(self) -> str:
        """Return the table as CSV text: plain column names, the same bytes for the same numbers."""
        return as_csv(self.table)

    def html(self, language: str) -> str:
        """Return the table as HTML; every text is escaped."""
        head, *body = self._grid(language)
        heads = "".join(cell.html("th", ' scope="col"') for cell in head)
        rows = "\n".join(
            "<tr>" + "".join(map(self._html, row, range(99))) + "</tr>" for row in body
        )
        return (
            f'<div class="table" tabindex="0" role="region" aria-label="{html.escape(self.name)}">'
            f'<table class="result" id="table-{self.name}">\n<thead><tr>{heads}</tr></thead>\n'
            f"<tbody>\n{rows}\n</tbody></table></div>"
        )


def _kept(table: pd.DataFrame, formats: Mapping[str, str]) -> pd.DataFrame:
    """Round each column to two digits more than its format shows."""
    digits = {
        column: (
            4 if spec in {"probability", "chance", "p_value"} or spec.startswith("share") else 2
        )
        + (int(spec[-1]) if spec[-1].isdigit() else 0)
        for column, spec in formats.items()
        if column in table and pd.api.types.is_float_dtype(table[column])
    }
    return table.reset_index(drop=True).round(digits)


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


def _digits(value: Any) -> str:
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
            shown = replace(shown, table=shown.table.head(self.rows))
        text = self.result.text(self.language)
        sentence = _said(self.result, self.language) + "\n" if text else ""
        if self.result.table.empty:
            return {"text/html": sentence, "text/plain": text}
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
    shown = {"text/html": _said(result, language), "text/plain": result.text(language)}
    display(shown, raw=True)


def _said(result: Result, language: str) -> str:
    """Return the sentences as HTML: one paragraph, or one each where that would be a long one."""
    text = result.text(language)
    if len(text.split()) <= MOST_WORDS and len(_NUMBER.findall(text)) <= MOST_NUMBERS:
        return f'<p class="finding">{html.escape(text)}</p>'
    said = [wording.say(key, language, **values) for key, values in result.phrases]
    parts = "\n".join(f"<p>{html.escape(one)}</p>" for one in said)
    return f'<div class="finding">{parts}</div>'


def points(result: Result, language: str) -> None:
    """Show the sentences of a result in a notebook as a list, one point a sentence."""
    said = [wording.say(key, language, **values) for key, values in result.phrases]
    items = "\n".join(f"<li>{html.escape(text)}</li>" for text in said)
    plain = "\n".join(f"- {text}" for text in said)
    display({"text/html": f"<ul>\n{items}\n</ul>", "text/plain": plain}, raw=True)
