"""What the report says, in English and Vietnamese: one catalogue, one way to say a phrase."""

from analysis.wording.catalogue import (
    LANGUAGES,
    WordingError,
    catalogue,
    has,
    heading,
    keys,
    say,
)
from analysis.wording.formats import MISSING, write

__all__ = [
    "LANGUAGES",
    "MISSING",
    "WordingError",
    "catalogue",
    "has",
    "heading",
    "keys",
    "say",
    "write",
]
