"""What chapter 01 shows of the readings: what was read, decided, left out, and from where."""

from analysis.provenance.contradictions import contradictions
from analysis.provenance.finder import finder
from analysis.provenance.links import readings_of_unit
from analysis.provenance.overview import (
    corrections,
    decisions,
    disagreements,
    funnel,
    identities,
    implied_population,
    left_out,
    matrix,
    summary,
)

__all__ = [
    "contradictions",
    "corrections",
    "decisions",
    "disagreements",
    "finder",
    "funnel",
    "identities",
    "implied_population",
    "left_out",
    "matrix",
    "readings_of_unit",
    "summary",
]
