"""Checks of the tables of rules: policy events and corrections."""

import re
from collections.abc import Callable

import pandas as pd

from analysis.facts.cells import where
from analysis.facts.schemas import BASES, NUMBER_FORM, QUALIFIERS, is_day
from analysis.facts.text import Fault
from analysis.indicators import INDICATORS

# What a policy event may bear on, beside the indicators.
SUBJECTS = {*INDICATORS, "late_payment", "reporting", "geography"}
_SUBJECT = re.compile(r"(\w+)( targets| \([a-z ]+\)|( unit)? of all series)?")
_SIGN = r"([+0-].*|break.*)?"
# The action of a correction -> what its new content has to be.
_CONTENT: dict[str, Callable[[str], bool]] = {
    "value": lambda text: re.fullmatch(NUMBER_FORM, text) is not None,
    "indicator": INDICATORS.__contains__,
    "basis": BASES.__contains__,
    "qualifier": QUALIFIERS.__contains__,
    "as_of": is_day,
    "note": bool,
    "drop": "".__eq__,
}


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
