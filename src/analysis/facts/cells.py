"""What the checks of several cells share: numbers out of text, and faults at their places."""

import pandas as pd

from analysis.facts.schemas import NUMBER_FORM
from analysis.facts.text import Fault


def numbers(column: pd.Series, form: str = NUMBER_FORM) -> pd.Series:
    """Return numbers; missing where a cell is no plain number, which is a fault of its own."""
    return pd.to_numeric(column.where(column.str.fullmatch(form)), errors="coerce")


def where(
    table: str, frame: pd.DataFrame, bad: pd.Series, column: str, message: str | pd.Series
) -> list[Fault]:
    """Return a fault for each row that is bad, at its cell of the column.

    Args:
        table: name of the raw table.
        frame: its text, with `row`.
        bad: a truth value for each row of the frame.
        column: the column at fault.
        message: one message for all, or one for each row of the frame.
    """
    if not bad.any():
        return []
    said = message if isinstance(message, pd.Series) else pd.Series(message, index=frame.index)
    cells = zip(frame.loc[bad, "row"], frame.loc[bad, column], said[bad], strict=True)
    return [Fault(f"{table}.csv", int(row), column, str(value), text) for row, value, text in cells]
