"""What each raw table must hold, column by column (pandera)."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pandas as pd
import pandera.pandas as pa

from analysis.country.indicators import HI_BASES, INDICATORS, LATE_PAYMENT_BASES
from analysis.facts.text import Fault

REVISIONS = ("pre_2019_census", "post_2019_census")
QUALIFIERS = ("exact", "about", "over", "under")
BASES = ("", *LATE_PAYMENT_BASES, *HI_BASES)
# What a correction does: it drops a fact, or replaces the content of this column.
ACTIONS = ("drop", "value", "indicator", "basis", "as_of", "qualifier", "denominator", "announced")
# Who set a target.
SETTERS = ("government", "province", "agency")
# What a figure is beside a plain result: settled in the annual accounts; said to be provisional;
# an estimate; or, of a target, a draft that nobody has adopted.
STANDINGS = ("settled", "provisional", "estimate", "plan")
# How a page was read.
WAYS_OF_READING = ("live page", "stored copy")
# What is not certain about a figure; a cell may hold several, joined by ";".
DOUBTS = (
    "year inferred",
    "date approximate",
    "unit inferred",
    "contradiction",
    "definition unsure",
    "possible slip",
    "text cut",
    "derived",
    "announcement undated",
)
NUMBER_FORM = r"-?[0-9]{1,12}(\.[0-9]{1,9})?"
WHOLE_FORM = r"[0-9]{1,9}"


def _each(test: Callable[[str], bool], message: str) -> pa.Check:
    """Return a check of each distinct value: a column repeats its values many times."""

    def check(column: pd.Series) -> pd.Series:
        return column.map({value: test(value) for value in column.unique()}).astype(bool)

    return pa.Check(check, error=message)


def _one_of(values: tuple[str, ...] | list[str], message: str) -> pa.Check:
    return _each(frozenset(values).__contains__, message)


def is_day(value: str) -> bool:
    """Whether a text is a date written as YYYY-MM-DD, of a year from 1990 to 2049."""
    if not re.fullmatch(r"(199[0-9]|20[0-4][0-9])-[0-9]{2}-[0-9]{2}", value):
        return False
    return not pd.isna(pd.to_datetime(value, format="%Y-%m-%d", errors="coerce"))


def _is_partial_day(value: str) -> bool:
    if re.fullmatch(r"(199[0-9]|20[0-4][0-9])(-(0[1-9]|1[0-2]))?", value):
        return True
    return value == "" or is_day(value)


_NO_ADDRESS = re.compile(r"""[\s"'<>\\^`{}|]""")


def _is_address(value: str) -> bool:
    if value == "":
        return True
    try:
        parts = urlsplit(value)
        if _NO_ADDRESS.search(value) or value.count("://") > 1:
            return False  # Two addresses in one cell, or signs that must be written as %22.
        return value.startswith(("http://", "https://")) and bool(parts.hostname)
    except ValueError:
        return False


_STAND_INS = {"nan", "none", "null", "nat", "n/a", "#n/a", "na", "inf", "-inf", "infinity"}
_STAND_INS |= {"-infinity", "-nan"}
_STAND_INS |= {"#ref!", "#value!", "#div/0!", "#name?", "#num!", "#null!", "undefined"}

STATED = _each(
    lambda value: value.lower() not in _STAND_INS,
    "is what a program writes where a value is missing; leave the cell empty",
)
FILLED = _each(bool, "is empty")
DAY = _each(is_day, "is not a date written as YYYY-MM-DD")
DAY_OR_NONE = _each(
    lambda value: value == "" or is_day(value), "is not a date written as YYYY-MM-DD"
)
PARTIAL_DAY = _each(_is_partial_day, "is not a date written as YYYY, YYYY-MM or YYYY-MM-DD")
ADDRESS = _each(_is_address, "is not an http or https address")
_NUMBER = _each(
    lambda value: re.fullmatch(NUMBER_FORM, value) is not None,
    "is not a plain number: write digits with a decimal point, without thousands separators, at "
    "most 12 before the point and 9 behind it",
)
_WHOLE = _each(
    lambda value: re.fullmatch(WHOLE_FORM, value) is not None,
    "is not a whole number: write digits without separators",
)
SINGLE_DIGIT = _each(
    lambda value: re.fullmatch(r"[0-9]{2,}", value) is None,
    "is more often than a page is read; write 1 to 9",
)
_YEAR = _each(
    lambda value: re.fullmatch(r"(19[5-9]|20[0-4])[0-9]", value) is not None,
    "is not a year between 1950 and 2049",
)
CODE = _each(
    lambda value: re.fullmatch(r"[A-Za-z0-9_.-]{1,12}", value) is not None,
    "is not a code: letters, digits, dot, hyphen, at most 12",
)
_NAME = _each(
    lambda value: re.fullmatch(r"[a-z][a-z0-9_]{0,59}", value) is not None,
    "is not a name: small letters, digits and underscores",
)
LEVEL = _one_of(
    ("country", "province_63", "province_34"),
    "is not a level: country, province_63 or province_34",
)


def _table(**columns: list[pa.Check]) -> pa.DataFrameSchema:
    """Return the contract of a table: free text gets the check of what programs put there."""
    free = {name for name, checks in columns.items() if checks in ([], [FILLED], [CODE])}
    return pa.DataFrameSchema(
        {
            name: pa.Column(str, [*checks, STATED] if name in free else checks)
            for name, checks in columns.items()
        },
        strict=False,
    )


SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "facts": _table(
        geo_level=[LEVEL],
        province_code=[CODE],
        province=[FILLED],
        indicator=[_one_of(list(INDICATORS), "is not a known indicator")],
        basis=[_one_of(BASES, "is not a known basis")],
        value=[_NUMBER],
        unit=[FILLED],
        qualifier=[_one_of(QUALIFIERS, "is not exact, about, over or under")],
        kind=[_one_of(("actual", "target"), "is neither actual nor target")],
        as_of=[DAY],
        denominator=[],
        source_id=[FILLED],
        transcriptions=[_WHOLE, SINGLE_DIGIT],
        setter=[_one_of(("", *SETTERS), "is not government, province or agency")],
        announced=[DAY_OR_NONE],
        standing=[_one_of(("", *STANDINGS), "is not settled, provisional, estimate or plan")],
        doubt=[
            _each(
                lambda value: value == "" or set(value.split(";")) <= set(DOUBTS),
                f"is not one of the doubts ({', '.join(DOUBTS)}); join several by ;",
            )
        ],
        versus=[DAY_OR_NONE],
        note=[],
    ),
    "sources": _table(
        source_id=[CODE],
        url=[ADDRESS],
        title=[FILLED],
        publisher=[FILLED],
        published=[PARTIAL_DAY],
        language=[
            _each(
                lambda value: re.fullmatch(r"[a-z]{2}", value) is not None,
                "is not a language code of two letters, such as vi",
            )
        ],
        retrieved=[PARTIAL_DAY],
        how=[_one_of(("", *WAYS_OF_READING), "is neither live page nor stored copy")],
    ),
    "provinces": _table(
        province_code=[CODE],
        name_en=[FILLED],
        name_vi=[FILLED],
        region=[FILLED],
        tile_row=[_WHOLE],
        tile_col=[_WHOLE],
        merged_code=[CODE],
        merged_name_en=[FILLED],
        merged_name_vi=[FILLED],
        merged_tile_row=[_WHOLE],
        merged_tile_col=[_WHOLE],
    ),
    "policy_events": _table(
        date=[DAY],
        event=[FILLED],
        affects=[FILLED],
        expected_sign=[],
        note=[],
        source_title=[],
        source_url=[ADDRESS],
    ),
    "adjacency": _table(code_a=[CODE], code_b=[CODE]),
    "population": _table(
        province_code=[CODE],
        year=[_YEAR],
        revision=[_one_of(REVISIONS, "is neither pre_2019_census nor post_2019_census")],
        persons=[_WHOLE],
        source_id=[FILLED],
    ),
    "covariates": _table(
        province_code=[CODE],
        year=[_YEAR],
        covariate=[_NAME],
        value=[_NUMBER],
        unit=[FILLED],
        source_id=[FILLED],
    ),
    "covariate_sources": _table(
        source_id=[FILLED],
        publisher=[FILLED],
        table=[FILLED],
        standing=[
            _one_of(
                ("official", "survey index", "secondary"),
                "is not official, survey index or secondary",
            )
        ],
        retrieved_from=[ADDRESS],
        retrieved_path=[],
        note=[],
    ),
    "corrections": _table(
        correction_id=[CODE],
        geo_level=[LEVEL],
        province_code=[CODE],
        indicator=[_one_of(list(INDICATORS), "is not a known indicator")],
        kind=[_one_of(("actual", "target"), "is neither actual nor target")],
        as_of=[DAY],
        source_id=[FILLED],
        expected_value=[_NUMBER],
        action=[
            _one_of(
                ACTIONS,
                f"is not one of {', '.join(ACTIONS)}",
            )
        ],
        corrected=[],
        reason=[FILLED],
        reason_vi=[FILLED],
    ),
}


def columns(table: str) -> tuple[str, ...]:
    """Return the column names of a raw table, in the order in which they are written."""
    return tuple(SCHEMAS[table].columns)


# --------------------------------------------------------------------------------------------------
# What the checks of several cells share: numbers out of text, and faults at their places.
# --------------------------------------------------------------------------------------------------


def as_numbers(column: pd.Series, form: str = NUMBER_FORM) -> pd.Series:
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


# --------------------------------------------------------------------------------------------------
# Dates that are known to the year or the month only.
# --------------------------------------------------------------------------------------------------


def last_day(published: pd.Series) -> pd.Series:
    """Return the last day that a year, month or day allows; no date stays missing."""
    dated = published.where(published.str.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}"))
    start = pd.to_datetime(dated, format="ISO8601", errors="coerce")
    month_end = start + pd.offsets.MonthEnd(0)
    year_end = start + pd.offsets.YearEnd(0)
    length = published.str.len()
    return start.where(length == 10, month_end.where(length == 7, year_end))
