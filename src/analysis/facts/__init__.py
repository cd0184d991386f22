"""The contract of data/raw: load the tables, validate them, say what is wrong and where."""

from analysis.facts.corrections import CorrectionError, corrected, settled
from analysis.facts.load import TABLES, Raw, RawDataError, check, load_raw
from analysis.facts.text import Fault

__all__ = [
    "TABLES",
    "CorrectionError",
    "Fault",
    "Raw",
    "RawDataError",
    "check",
    "corrected",
    "load_raw",
    "settled",
]
