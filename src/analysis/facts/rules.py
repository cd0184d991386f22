"""Checks of what is said beside the figures: setters, standings, policy events, corrections."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis.facts.cells import where
from analysis.facts.schemas import BASES, NUMBER_FORM, QUALIFIERS, is_day
from analysis.facts.text import Fault
from analysis.indicators import INDICATORS

# What a policy event may bear on, beside the indicators.
SUBJECTS = {*INDICATORS, "late_payment", "reporting", "geography"}
_SUBJECT = re.compile(r"(\w+)( targets| \([a-z ]+\)|( unit)? of all series)?")
_NUMERIC_DATE = re.compile(r"\b(\d{1,2})/(\d{1,2})/((?:19|20)\d\d)\b(?!['\"]? ?\[sic\])")
_SIGN = r"([+0-].*|break.*)?"
# The action of a correction -> what its new content has to be.
_CONTENT: dict[str, Callable[[str], bool]] = {
    "value": lambda text: re.fullmatch(NUMBER_FORM, text) is not None,
    "indicator": INDICATORS.__contains__,
    "basis": BASES.__contains__,
    "qualifier": QUALIFIERS.__contains__,
    "as_of": is_day,
    "denominator": bool,
    "announced": is_day,
    "drop": "".__eq__,
}


def said_faults(facts: pd.DataFrame) -> list[Fault]:
    """Return targets without setter or day of announcement, and columns that fit no such row.

    Nothing in a note decides anything; only a date in the note of a target that no calendar has
    is named, since the announcement was probably copied from there.
    """
    target = facts["kind"] == "target"
    change = facts["indicator"].str.endswith("_change")
    whose = "is empty; write who set the target: government, province or agency"
    since = "is empty; write the first day on which the target was known, YYYY-MM-DD"
    early = (facts["versus"] != "") & (facts["versus"] >= facts["as_of"])
    impossible = facts["note"].map(impossible_date)
    message = "names a day that no calendar has: " + impossible + "; correct it, or say [sic]"
    return [
        *where("facts", facts, target & (facts["setter"] == ""), "setter", whose),
        *where("facts", facts, target & (facts["announced"] == ""), "announced", since),
        *where("facts", facts, ~target & (facts["setter"] != ""), "setter", "belongs to targets"),
        *where(
            "facts", facts, ~target & (facts["announced"] != ""), "announced", "belongs to targets"
        ),
        *where(
            "facts",
            facts,
            ~target & (facts["standing"] == "plan"),
            "standing",
            "belongs to targets; what is only expected is no result",
        ),
        *where(
            "facts",
            facts,
            target & facts["standing"].isin(["settled", "provisional"]),
            "standing",
            "belongs to results; a target is a plan, an estimate or neither",
        ),
        *where("facts", facts, ~change & (facts["versus"] != ""), "versus", "belongs to changes"),
        *where("facts", facts, early, "versus", "is not before the day that the figure describes"),
        *where("facts", facts, target & (impossible != ""), "note", message),
    ]


def source_faults(sources: pd.DataFrame) -> list[Fault]:
    """Return sources that were read before they were published."""
    dated = sources["published"].str.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}")
    length = np.minimum(sources["published"].str.len(), sources["retrieved"].str.len())
    rows = zip(sources["published"], sources["retrieved"], length, dated, strict=True)
    early = [is_date and read[:n] < printed[:n] for printed, read, n, is_date in rows]
    message = "is before the day of publication"
    return where("sources", sources, pd.Series(early, sources.index), "retrieved", message)


def impossible_date(text: str) -> str:
    """Return the first date written as D/M/YYYY that does not exist or has the month first.

    What is followed by "[sic]" is quoted as printed and passes.
    """
    for match in _NUMERIC_DATE.finditer(text):
        day, month, year = (int(part) for part in match.groups())
        if not is_day(f"{year:04}-{month:02}-{day:02}"):
            return match.group(0)
    return ""


def event_faults(events: pd.DataFrame) -> list[Fault]:
    """Return events that bear on nothing known, or whose sign cannot be read."""
    strange = ~events["affects"].map(_names_subjects).astype(bool)
    unclear = ~events["expected_sign"].str.fullmatch(_SIGN)
    known = "names no indicator; write such as hi_coverage, late_payment, reporting, geography"
    return [
        *where("policy_events", events, strange, "affects", known),
        *where("policy_events", events, unclear, "expected_sign", "begins with no +, -, 0, break"),
    ]


def _names_subjects(affects: str) -> bool:
    found = [_SUBJECT.fullmatch(part.strip()) for part in affects.split(",")]
    return all(match is not None and match[1] in SUBJECTS for match in found)


def correction_faults(corrections: pd.DataFrame) -> list[Fault]:
    """Return corrections whose content does not fit what they replace, or without both reasons."""
    pairs = zip(corrections["action"], corrections["corrected"], strict=True)
    unfit = [action in _CONTENT and not _CONTENT[action](text) for action, text in pairs]
    other_unit = [
        _other_unit(*row) for row in corrections[["action", "indicator", "corrected"]].to_numpy()
    ]
    english = corrections["reason"].map(str.isascii).astype(bool)
    vietnamese = ~corrections["reason_vi"].map(str.isascii).astype(bool)
    unfitting = pd.Series(unfit, corrections.index)
    content = "does not fit the column that is replaced (nothing, where the fact is dropped)"
    unit = "is counted in another unit than the indicator that it replaces"
    return [
        *where("corrections", corrections, unfitting, "corrected", content),
        *where(
            "corrections", corrections, pd.Series(other_unit, corrections.index), "corrected", unit
        ),
        *where("corrections", corrections, ~english, "reason", "is not in English letters"),
        *where("corrections", corrections, ~vietnamese, "reason_vi", "is not in Vietnamese"),
    ]


def _other_unit(action: str, published: str, corrected: str) -> bool:
    both = {published, corrected}
    if action != "indicator" or not both <= set(INDICATORS):
        return False
    return len({INDICATORS[name].unit for name in both}) > 1
