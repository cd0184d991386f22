"""The lists of Decisions 582 and 861 by commune, an optional table that somebody may enter.

The ethnic-minority share stands for the share of people in communes that left the lists in 2021.
`commune_lists.csv` beside the raw tables would replace the stand-in: one row a commune that stood
on either list. Nothing needs the file; without it chapter 03 uses the stand-in and says so.
docs/your-own-data.md describes the columns.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import paths
from analysis.country import geography
from analysis.facts import Raw
from analysis.facts.load import RawDataError
from analysis.facts.text import Fault, read_text
from analysis.readings import covariates

LISTS_FILE = "commune_lists.csv"
_COLUMNS = ("province_code", "district", "commune", "list_2017", "list_2021", "persons", "source")
#: Regions of the lists; empty: not on the list. People in regions II and III had state-paid cards.
_REGIONS = ("", "I", "II", "III")
COVERED = ("II", "III")
#: Persons of a commune that can be meant.
PERSONS = (100, 100_000)


def read_lists(folder: Path | None = None) -> pd.DataFrame | None:
    """The table, checked and typed (columns COLUMNS and row), or None where there is no file.

    folder: of the raw tables; the project's own when not given. Raises RawDataError that lists
    every fault.
    """
    file = Path(folder or paths.RAW) / LISTS_FILE
    if not file.exists():
        return None
    table, found = _checked(file.read_bytes())
    if found or table is None:
        raise RawDataError(found)
    return table


def list_faults(folder: Path | None = None) -> list[Fault]:
    """Every fault of the file; none where there is no file."""
    file = Path(folder or paths.RAW) / LISTS_FILE
    return _checked(file.read_bytes())[1] if file.exists() else []


def _checked(content: bytes) -> tuple[pd.DataFrame | None, list[Fault]]:
    table, found = read_text(LISTS_FILE, content, _COLUMNS)
    if table is None:
        return None, found
    found = [*found, *_wrong_cells(table), *_wrong_rows(table)]
    if found:
        return table, sorted(set(found))
    return table.assign(persons=table["persons"].astype(int)), []


def _wrong_cells(table: pd.DataFrame) -> list[Fault]:
    known = set(geography.provinces().index)
    tests = {
        "province_code": (
            lambda v: v in known,
            "is not the code of one of the 63 provinces; two digits, such as 14",
        ),
        "commune": (bool, "is empty; name the commune as the list does"),
        "list_2017": (
            lambda v: v in _REGIONS,
            "is not I, II, III or empty (not on the list of Decision 582)",
        ),
        "list_2021": (
            lambda v: v in _REGIONS,
            "is not I, II, III or empty (not on the list of Decision 861)",
        ),
        "persons": (
            _is_count,
            f"is not a number of persons from {PERSONS[0]:,} to {PERSONS[1]:,}, written in digits "
            "without separators",
        ),
        "source": (bool, "is empty; say where the commune and its persons were read"),
    }
    return [
        Fault(LISTS_FILE, int(row), column, str(value), message)
        for column, (right, message) in tests.items()
        for row, value in zip(table["row"], table[column], strict=True)
        if not right(value)
    ]


def _is_count(value: str) -> bool:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        return False
    return PERSONS[0] <= int(value) <= PERSONS[1]


def _wrong_rows(table: pd.DataFrame) -> list[Fault]:
    """Communes that stand twice, and rows that stand on neither list."""
    names = ["province_code", "district", "commune"]
    found = [
        Fault(LISTS_FILE, int(row), "commune", str(commune), "stands twice; keep one row a commune")
        for row, commune in table.loc[table.duplicated(names), ["row", "commune"]].to_numpy()
    ]
    nowhere = table["list_2017"].eq("") & table["list_2021"].eq("")
    return found + [
        Fault(LISTS_FILE, int(row), "list_2021", "", "stands on neither list; leave the row out")
        for row in table.loc[nowhere, "row"]
    ]


def left_the_lists(table: pd.DataFrame, raw: Raw) -> pd.Series:
    """Share of each province's people whose commune lost its cards in 2021, percent: (63,).

    A commune counts when the list of 2017 has it in region II or III and that of 2021 no longer
    does. A province without a row counts as zero: the lists name every commune of these regions.
    Raises RawDataError where more people left than the province has.
    """
    lost = table["list_2017"].isin(COVERED) & ~table["list_2021"].isin(COVERED)
    persons = table[lost].groupby("province_code")["persons"].sum()
    codes = sorted(raw.provinces["province_code"])
    units = [("province_63", code) for code in codes]
    people = covariates.populations(
        units, [pd.Timestamp("2021-07-01")] * len(codes), raw, covariates.POST_CENSUS
    )
    share = pd.Series(100 * persons.reindex(codes).fillna(0.0).to_numpy() / people, codes)
    share.index.name = "province_code"
    if (share > 100).any():
        raise RawDataError(
            [
                Fault(
                    LISTS_FILE,
                    0,
                    "persons",
                    f"{share[code]:.0f}%",
                    f"of province {code} left; its population is {people[codes.index(code)]:,.0f}",
                )
                for code in share.index[share > 100]
            ]
        )
    return share


def standardised(share: pd.Series) -> pd.Series:
    """The share in standard deviations over the provinces, as the other exposures.

    Raises ValueError where no province differs from another.
    """
    spread = float(np.std(share, ddof=1))
    if not spread > 0:
        raise ValueError(f"{LISTS_FILE}: no province has a commune that left the lists")
    return (share - share.mean()) / spread
