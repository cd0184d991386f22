"""Tables whose rows are of different units: each number is written as its indicator asks."""

from dataclasses import dataclass

from analysis.indicators import INDICATORS
from analysis.results import Result
from analysis.wording import write

_FORMATS = {"percent": "percent", "billion VND": "number1", "days": "number1"}


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
        return " · ".join(_written(number, unit, language) for number in numbers)


def _written(number: float, unit: str, language: str) -> str:
    form = _FORMATS.get(unit, "integer")
    if form == "percent":
        digits = next((n for n in (1, 2) if round(number, n) == round(number, 4)), 3)
        form = f"percent{digits}"
    return write(number, form, language)
