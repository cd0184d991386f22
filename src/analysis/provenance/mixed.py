"""Tables whose rows are of different units: each number is written as its indicator asks."""

from dataclasses import dataclass

from analysis.indicators import INDICATORS
from analysis.results import Result
from analysis.wording import write

_FORMATS = {
    "percent": ("percent", (1, 2, 3)),
    "billion VND": ("number", (0, 1, 2)),
    "days": ("number", (0, 1, 2)),
}


@dataclass(frozen=True)
class MixedUnits(Result):
    """A result with a column `indicator`, whose unit says how the numbers of a row are written.

    Attributes:
        measured: columns of numbers, or of several numbers joined by ";".
    """

    measured: tuple[str, ...] = ()

    def _text(self, column: str, row: int, language: str) -> str:
        if column not in self.measured:
            return super()._text(column, row, language)
        unit = INDICATORS[str(self.table.at[row, "indicator"])].unit
        value = self.table.at[row, column]
        numbers = [float(part) for part in str(value).split(";") if part != ""]
        return " · ".join(written(number, unit, language) for number in numbers)


def written(number: float, unit: str, language: str) -> str:
    """Write a number with the digits that it was given with: one to three for percentages, none
    to two for amounts and days, none for counts."""
    form, digits = _FORMATS.get(unit, ("integer", ()))
    if digits:
        form += str(next((n for n in digits if round(number, n) == round(number, 4)), digits[-1]))
    return write(number, form, language)
