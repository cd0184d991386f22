"""The answer of a brief as cards, one a rate: a line for what is known, and none for what is not.

Page and paper show the same lines (see :func:`cards`); the numbers are those of the result
``answer``, whose table travels with the cards as CSV.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from IPython.display import display

from analysis.findings.brief import Brief
from analysis.readings.targets import NATIONWIDE
from analysis.report.results import CSV_TYPE
from analysis.report.wording import say, write
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE

#: Filled and empty dots of the grade of evidence, which has three steps.
DOTS = ("○○○", "●○○", "●●○", "●●●")


@dataclass(frozen=True)
class Line:
    """One line of a card: what it is, its text, and the mark of what it rests on (or nothing)."""

    label: str
    text: str
    mark: str = ""


@dataclass(frozen=True)
class Card:
    """The answer on one rate: its name, the forecast in large, the verdict, and the lines.

    when: the day that the forecast is for, in words.
    verdict: a name of :mod:`analysis.verdicts`. pill: the verdict in words, with its chance.
    mark: the readings that the forecast rests on. dots: the grade of evidence.
    """

    title: str
    forecast: str
    when: str
    mark: str
    verdict: str
    pill: str
    dots: str
    lines: tuple[Line, ...]


def cards(brief: Brief, language: str) -> list[Card]:
    """Return one card for each rate that is forecast."""
    rows = brief.answer.table.to_dict("records")
    return [
        _card(brief, {str(key): value for key, value in row.items()}, language)
        for row in rows
        if pd.notna(row["q50"])
    ]


def _card(brief: Brief, row: dict[str, Any], language: str) -> Card:
    return Card(
        say(f"site.card_{row['indicator']}", language),
        write(row["q50"], "percent1", language),
        say("site.card_when", language, due=brief.due),
        str(row["rests_on"]),
        str(row["verdict"]),
        pill(row, brief.answer.formats, language),
        DOTS[int(row["grade"])],
        tuple(_lines(brief, row, language)),
    )


def pill(row: Mapping[str, Any], formats: Mapping[str, str], language: str) -> str:
    """Return the verdict in words, with the chance where there is one."""
    word = say(f"verdict.{row['verdict']}", language)
    if pd.isna(row["p_meets_reported"]):
        return word
    spec = formats["p_meets_reported"]
    chance = write(row["p_meets_reported"], spec, language)
    key = "brief.pill" if spec == "probability" else "brief.pill_about"
    return say(key, language, word=word, chance=chance)


def _lines(brief: Brief, row: dict[str, Any], language: str) -> Iterator[Line]:
    def line(name: str, mark: str = "", **more: Any) -> Line:
        label = say(f"brief.label_{name}", language, **row, **more)
        return Line(label, say(f"brief.line_{name}", language, **row, **more), mark)

    if pd.notna(row["value"]):
        yield line("latest", str(row["evidence"]))
    yield line("range", str(row["rests_on"]))
    aimless = row["verdict"] in (NO_TARGET, NOT_ENOUGH_EVIDENCE)
    if row["verdict"] == NO_TARGET:
        name = "distance_above" if row["distance"] >= 0 else "distance_below"
        yield line(name, str(row["target_from"]), points=abs(row["distance"]))
    elif pd.notna(row["target"]) and not (aimless and row["target_setter"] == NATIONWIDE):
        setter = f"setter.{row['target_setter']}"
        yield line("target", str(row["target_from"]), setter=setter)
    if pd.notna(row.get("official_q50")) and not aimless:
        chance = write(row["p_meets_official"], brief.answer.formats["p_meets_official"], language)
        yield line("official", chance=chance)
    if pd.notna(row["newer_target"]):
        yield from _newer(brief, row, language)
    if not aimless:
        yield from _needs(brief, row, language)


def _newer(brief: Brief, row: dict[str, Any], language: str) -> Iterator[Line]:
    """A target announced after the origin; the due date stands for a day that is not known."""
    dated = "" if row["newer_announced"] >= brief.due else "_dated"
    chance = "_chance" if pd.notna(row["newer_chance"]) else ""
    yield Line(
        say("brief.label_newer", language),
        say(f"brief.line_newer{dated}{chance}", language, **row),
        f"{brief.level}/{brief.code}#target.{row['indicator']}",
    )


def _needs(brief: Brief, row: dict[str, Any], language: str) -> Iterator[Line]:
    """Extra people a month, by one definition on every page."""
    first = brief.origin + pd.Timedelta(days=1)
    label = say("brief.label_needs", language, first=first, due=brief.due)
    half, most = row["persons_month_50"], row["persons_month_80"]
    if most == 0:
        text = say("brief.line_needs_none", language)
    elif pd.isna(half):
        text = say("brief.line_needs_beyond", language)
    elif pd.isna(most):
        text = say("brief.line_needs_even", language, **row)
    else:
        text = say("brief.line_needs" if half > 0 else "brief.line_needs_most", language, **row)
    yield Line(label, text)
    if pd.notna(row["expected_persons_month"]) and pd.notna(row["best_year_persons_month"]):
        yield Line(
            say("brief.label_pace", language, first=first, due=brief.due),
            say("brief.line_pace", language, **row),
        )


class _Shown:
    """The cards as a reader sees them, and the data behind them."""

    def __init__(self, brief: Brief, language: str) -> None:
        self.brief, self.language = brief, language

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        made = cards(self.brief, self.language)
        return {
            "text/html": as_html(made, self.language),
            "text/plain": "\n\n".join(as_text(card) for card in made),
            CSV_TYPE: self.brief.answer.csv(),
        }


def show_cards(brief: Brief, language: str) -> None:
    """Show the cards in a notebook; the table behind them travels along as CSV."""
    display(_Shown(brief, language), metadata={CSV_TYPE: {"name": brief.answer.name}})


def as_html(made: list[Card], language: str) -> str:
    """Return cards as HTML; every text is escaped."""
    evidence = say("brief.evidence", language)
    parts = []
    for card in made:
        dots = f'<span class="dots" title="{html.escape(evidence)}">{card.dots}</span>'
        lines = "\n".join(
            f"<dt>{html.escape(line.label)}</dt><dd{_mark(line.mark)}>{html.escape(line.text)}</dd>"
            for line in card.lines
        )
        parts.append(
            f'<section class="card" data-verdict="{html.escape(card.verdict)}">'
            f"<h2>{html.escape(card.title)}</h2>\n"
            f'<p class="big"><b{_mark(card.mark)}>{html.escape(card.forecast)}</b>'
            f"<small>{html.escape(card.when)}</small></p>\n"
            f'<p class="pill v-{html.escape(card.verdict)}">{html.escape(card.pill)}</p> {dots}\n'
            f"<dl>\n{lines}\n</dl></section>"
        )
    note = html.escape(say("brief.trust", language))
    return f'<div class="cards">\n{"".join(parts)}\n</div>\n<p class="note">{note}</p>'


def _mark(mark: str) -> str:
    return f' data-evidence="{html.escape(mark)}"' if mark else ""


def as_text(card: Card) -> str:
    """Return a card as plain text, for a terminal."""
    lines = [f"{line.label}: {line.text}" for line in card.lines]
    return "\n".join([f"{card.title}: {card.forecast} {card.when} ({card.pill})", *lines])
