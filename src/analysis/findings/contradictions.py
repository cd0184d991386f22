"""The known contradictions one by one: what was published, and what was decided."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.country.indicators import INDICATORS, OFFICIAL_BASIS
from analysis.facts import Raw
from analysis.readings import ReadingTables
from analysis.readings.covariates import PRE_CENSUS, official_population
from analysis.report.results import Result
from analysis.report.wording import write

_Phrase = tuple[str, dict[str, Any]]
ELSEWHERE = "incl_residents_insured_elsewhere"


class _Lookup:
    """Finds readings, candidates and facts by unit, indicator, date and basis."""

    def __init__(self, tables: ReadingTables, raw: Raw) -> None:
        self.readings, self.conflicts, self.raw = tables.readings, tables.conflicts, raw

    def reading(self, code: str, indicator: str, day: str, basis: str = "") -> pd.Series:
        """Return one reading.

        Raises:
            LookupError: it is not there; the text names it, since a decision has then changed.
        """
        table = self.readings
        found = table[
            (table["province_code"] == code)
            & (table["indicator"] == indicator)
            & (table["as_of"] == pd.Timestamp(day))
            & (table["basis"] == basis)
        ]
        if len(found) != 1:
            raise LookupError(f"no reading of {indicator} for {code} on {day} {basis}".rstrip())
        return found.iloc[0]

    def candidate(self, indicator: str, day: str, source_id: str) -> pd.Series:
        """Return one nationwide figure among the candidates, by its source.

        Raises:
            LookupError: it is not there; the text names it.
        """
        table = self.conflicts
        found = table[
            (table["province_code"] == "00")
            & (table["indicator"] == indicator)
            & (table["as_of"] == pd.Timestamp(day))
            & (table["source_id"] == source_id)
        ]
        if len(found) != 1:
            raise LookupError(f"no candidate of {indicator} on {day} from {source_id}")
        return found.iloc[0]

    def row(self, code: str, as_of: str, value: float, outcome: str, case: str) -> dict[str, Any]:
        """Return one mark of the table of contradictions."""
        level = "country" if code == "00" else "province_63"
        return {
            "case": case,
            "geo_level": level,
            "province_code": code,
            "as_of": pd.Timestamp(as_of),
            "value": value,
            "outcome": outcome,
        }


def contradictions(tables: ReadingTables, raw: Raw) -> Result:
    """Return the candidates of each known contradiction and a sentence with the decision.

    Columns: case, province_code, as_of, value (percent) and outcome (accepted, kept_apart,
    left_out, restated, official, provisional, agrees).

    Raises:
        LookupError: a figure that a sentence names is no longer there.
        ValueError: the tables are of other units than the 63 provinces.
    """
    if not {"14", "70", "77", "40", "35", "01", "17"} <= set(raw.provinces["province_code"]):
        raise ValueError(
            "these tables hold other units than the 63 provinces, whose known contradictions this "
            "chapter discusses; docs/your-own-data.md says how to make readings of other units"
        )
    look = _Lookup(tables, raw)
    cases: list[Callable[[_Lookup], tuple[list[dict[str, Any]], _Phrase]]] = [
        _son_la,
        _binh_phuoc,
        _ba_ria_vung_tau,
        _nghe_an,
        _ha_nam,
        _labour_force,
        _ha_noi,
        _hoa_binh,
        _year_end_2025,
        _november_2025,
        _finance_2025,
        _voluntary_2025,
    ]
    rows, phrases = [], []
    for case in cases:
        marks, phrase = case(look)
        rows += marks
        phrases.append(phrase)
    return Result(
        "contradictions",
        pd.DataFrame(rows),
        phrases,
        {"as_of": "short_date", "value": "percent2"},
        {"case": "contradiction", "province_code": "unit", "outcome": "decision"},
        "readings",
        hidden=["geo_level"],
    )


def _son_la(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    day = "2023-12-31"
    rate = look.reading("14", "hi_coverage", day, ELSEWHERE)
    people = look.reading("14", "hi_participants", day, ELSEWHERE)
    whole = look.reading("14", "total_participants", day)
    later = look.reading("14", "hi_coverage", "2024-06-30")
    rows = [
        look.row("14", day, rate["value"], "kept_apart", "son_la"),
        look.row("14", "2024-06-30", later["value"], "accepted", "son_la"),
    ]
    values = {
        "people": people["value"],
        "total": whole["value"],
        "rate": rate["value"],
        "later": later["value"],
        "later_day": later["as_of"],
    }
    return rows, ("contradiction.son_la_text", values)


def _binh_phuoc(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    day = "2023-12-31"
    rate = look.reading("70", "hi_coverage", day)
    whole = look.reading("70", "total_participants", day)
    voluntary = look.reading("70", "si_voluntary_participants", day)
    people = look.reading("70", "hi_participants", day)
    official = look.reading("70", "hi_coverage", day, OFFICIAL_BASIS)
    rows = [
        look.row("70", day, rate["value"], "accepted", "binh_phuoc"),
        look.row("70", day, official["value"], "official", "binh_phuoc"),
    ]
    values = {
        "rate": rate["value"],
        "total": whole["value"],
        "voluntary": voluntary["value"],
        "people": people["value"],
        "official": official["value"],
        "implied": 100 * people["value"] / rate["value"],
        "population": official_population("70", day, raw=look.raw),
    }
    return rows, ("contradiction.binh_phuoc_text", values)


def _ba_ria_vung_tau(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    july, september = "2022-07-31", "2022-09-30"
    high = look.reading("77", "hi_coverage", july, "unspecified")
    low = look.reading("77", "hi_coverage", september)
    people = look.reading("77", "hi_participants", july)
    official = look.reading("77", "hi_coverage", july, OFFICIAL_BASIS)
    rows = [
        look.row("77", july, high["value"], "kept_apart", "ba_ria_vung_tau"),
        look.row("77", july, official["value"], "official", "ba_ria_vung_tau"),
        look.row("77", september, low["value"], "accepted", "ba_ria_vung_tau"),
    ]
    values = {
        "high": high["value"],
        "low": low["value"],
        "implied": 100 * people["value"] / high["value"],
        "population": official_population("77", july, raw=look.raw),
    }
    return rows, ("contradiction.ba_ria_vung_tau_text", values)


def _nghe_an(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    table = look.readings[
        (look.readings["province_code"] == "40")
        & (look.readings["indicator"] == "hi_coverage")
        & (look.readings["as_of"] >= pd.Timestamp("2023-01-01"))
    ]
    both = table[table["basis"] == ""].merge(
        table[table["basis"] == OFFICIAL_BASIS], on="as_of", suffixes=("", "_official")
    )
    rows = []
    for pair in both.to_dict("records"):
        day, official = pair["as_of"], pair["value_official"]
        rows.append(look.row("40", day, pair["value"], "accepted", "nghe_an"))
        rows.append(look.row("40", day, official, "official", "nghe_an"))
    values = {
        "low": both["value"].min(),
        "high": both["value"].max(),
        "official_low": both["value_official"].min(),
        "official_high": both["value_official"].max(),
        "n": len(both),
    }
    return rows, ("contradiction.nghe_an_text", values)


def _ha_nam(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    day = "2019-12-31"
    old = look.reading("35", "hi_coverage", day, "pre_2019_census_population")
    new = look.reading("35", "hi_coverage", day, "post_2019_census_population")
    before = look.reading("35", "population", day, "pre_2019_census_population")
    after = look.reading("35", "population", day, "post_2019_census_population")
    rows = [
        look.row("35", day, old["value"], "kept_apart", "ha_nam"),
        look.row("35", day, new["value"], "kept_apart", "ha_nam"),
    ]
    values = {
        "old": old["value"],
        "new": new["value"],
        "before": before["value"],
        "after": after["value"],
        "growth": 100 * (after["value"] / before["value"] - 1),
    }
    return rows, ("contradiction.ha_nam_text", values)


def _labour_force(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    day = "2022-09-30"
    kept = look.reading("00", "si_coverage", day)
    table = look.conflicts
    other = table[
        (table["province_code"] == "00")
        & (table["indicator"] == "si_coverage")
        & (table["as_of"] == pd.Timestamp(day))
        & (table["outcome"] == "set_aside")
    ]["value"].iloc[0]
    after = look.reading("00", "si_coverage", "2022-12-31")
    rows = [
        look.row("00", day, kept["value"], "accepted", "labour_force"),
        look.row("00", day, float(other), "restated", "labour_force"),
        look.row("00", "2022-12-31", after["value"], "accepted", "labour_force"),
    ]
    values = {
        "kept": kept["value"],
        "restated": float(other),
        "smaller": 100 * (1 - kept["value"] / float(other)),
        "after": after["value"],
    }
    return rows, ("contradiction.labour_force_text", values)


def _ha_noi(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    july = look.reading("01", "hi_coverage", "2019-07-31")
    october = look.reading("01", "hi_coverage", "2019-10-31")
    registered = look.reading("01", "hi_coverage", "2024-02-29", "registered_population")
    march = look.reading("01", "hi_coverage", "2024-03-31")
    rows = [
        look.row("01", "2019-07-31", july["value"], "accepted", "ha_noi"),
        look.row("01", "2019-10-31", october["value"], "accepted", "ha_noi"),
        look.row("01", "2024-02-29", registered["value"], "kept_apart", "ha_noi"),
        look.row("01", "2024-03-31", march["value"], "accepted", "ha_noi"),
    ]
    values = {
        "july": july["value"],
        "october": october["value"],
        "old": official_population("01", "2019-10-31", revision=PRE_CENSUS, raw=look.raw),
        "new": official_population("01", "2019-07-31", raw=look.raw),
        "registered": registered["value"],
        "march": march["value"],
    }
    return rows, ("contradiction.ha_noi_text", values)


def _hoa_binh(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    day, table = "2018-12-31", look.conflicts
    found = table[
        (table["province_code"] == "17")
        & (table["indicator"] == "hi_coverage")
        & (table["as_of"] == pd.Timestamp(day))
    ]["value"]
    low, high = float(found.min()), float(found.max())
    rows = [look.row("17", day, value, "left_out", "hoa_binh") for value in (low, high)]
    return rows, ("contradiction.hoa_binh_text", {"low": low, "high": high})


def _year_end_2025(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    day = "2025-12-31"
    agency = look.reading("00", "hi_coverage", day)
    ministry = look.candidate("hi_coverage", day, "S525")
    rows = [
        look.row("00", day, agency["value"], "provisional", "year_end_2025"),
        look.row("00", day, float(ministry["value"]), "agrees", "year_end_2025"),
    ]
    values = {
        "agency": agency["value"],
        "ministry": float(ministry["value"]),
        "printed": ministry["published_on"],
    }
    return rows, ("contradiction.year_end_2025_text", values)


def _november_2025(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    november = look.reading("00", "hi_coverage", "2025-11-30")
    december = look.reading("00", "hi_coverage", "2025-12-31")
    rows = [
        look.row("00", "2025-11-30", november["value"], "accepted", "november_2025"),
        look.row("00", "2025-12-31", december["value"], "provisional", "november_2025"),
    ]
    values = {"november": november["value"], "december": december["value"]}
    return rows, ("contradiction.november_2025_text", values)


def _finance_2025(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    day = "2025-06-30"
    june = look.candidate("hi_coverage", day, "S520")
    november = look.reading("00", "hi_coverage", "2025-11-30")
    table = look.conflicts
    of_the_statement = (table["source_id"] == "S520") & (table["outcome"] == "left_out_expectation")
    rows = [
        look.row("00", day, float(june["value"]), "left_out", "finance_2025"),
        look.row("00", "2025-11-30", november["value"], "accepted", "finance_2025"),
    ]
    values = {
        "june": float(june["value"]),
        "november": november["value"],
        "n": int(of_the_statement.sum()),
    }
    return rows, ("contradiction.finance_2025_text", values)


def _voluntary_2025(look: _Lookup) -> tuple[list[dict[str, Any]], _Phrase]:
    """Two counts of voluntary members a month apart, inside the coverage that they are part of."""
    days = ("2025-11-30", "2025-12-31")
    november, december = (look.reading("00", "si_voluntary_participants", day) for day in days)
    before, after = (look.reading("00", "si_coverage", day) for day in days)
    rows = [
        look.row("00", days[0], before["value"], "accepted", "voluntary_2025"),
        look.row("00", days[1], after["value"], "provisional", "voluntary_2025"),
    ]
    values = {"november": november["value"], "december": december["value"]}
    return rows, ("contradiction.voluntary_2025_text", values)


# --------------------------------------------------------------------------------------------------
# Tables whose rows are of different units: each number is written as its indicator asks.
# --------------------------------------------------------------------------------------------------

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
        unit = INDICATORS[str(self.table.loc[row, "indicator"])].unit
        value = self.table.loc[row, column]
        numbers = [float(part) for part in str(value).split(";") if part != ""]
        return " · ".join(written(number, unit, language) for number in numbers)


def written(number: float, unit: str, language: str) -> str:
    """Write a number with the digits that it was given with: one to three for percentages, none
    to two for amounts and days, none for counts."""
    form, digits = _FORMATS.get(unit, ("integer", ()))
    if digits:
        form += str(next((n for n in digits if round(number, n) == round(number, 4)), digits[-1]))
    return write(number, form, language)
