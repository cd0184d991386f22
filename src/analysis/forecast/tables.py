"""The published tables of the forecast: estimates, forecasts, attainment and needs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from analysis import paths
from analysis.disk_cache import cached
from analysis.facts import load_raw
from analysis.forecast.answers import Asked, answers
from analysis.forecast.evidence import EvidenceError, evidence
from analysis.forecast.known import Known, known_at, read_date
from analysis.forecast.outlook import ENOUGH, FIRST_YEAR, Outlook, needs, outlooks
from analysis.forecast.rounds import Round, named_round
from analysis.forecast.space import DEFAULT, FAMILY, Settings
from analysis.readings import targets as targets_room
from analysis.readings.arithmetic import usual_readings
from analysis.readings.store import read_readings
from analysis.verdicts import NOT_ENOUGH_EVIDENCE, verdict

QUANTILES = {
    "q025": 0.025, "q05": 0.05, "q10": 0.10, "q25": 0.25, "q50": 0.50,
    "q75": 0.75, "q90": 0.90, "q95": 0.95, "q975": 0.975,
}  # fmt: skip
_SCALES = ("true", "reported", "official")
_LEVELS = ("country", "region", "province_63", "province_34")
SERIES_KEY = ["geo_level", "province_code", "indicator"]
#: A unit is judged on its own evidence if it was read within so many years before the origin.
RECENT_YEARS = 6


@dataclass(frozen=True)
class ForecastTables:
    """What chapter 05 writes.

    estimates: every unit, indicator and year-end from 2015 to the target year, as reported;
        status says whether the unit printed a figure for that year-end (reported), printed others
        (inferred), or none (borrowed).
    forecasts: every unit, indicator, later year-end and scale, with the target that the unit is
        held against. Probabilities are missing where the unit's own evidence is not enough.
    attainment: the probabilities for every target that anybody set, by setter.
    needs: what meeting the target takes (see `analysis.forecast.outlook`).
    answers: what takes several targets or years together (see `analysis.forecast.answers`).
    """

    estimates: pd.DataFrame
    forecasts: pd.DataFrame
    attainment: pd.DataFrame
    needs: pd.DataFrame
    answers: pd.DataFrame = field(default_factory=pd.DataFrame)


@cached
def forecast_tables(
    known: Known,
    indicators: tuple[str, ...],
    target_year: int,
    settings: Settings = DEFAULT,
    later: tuple[int, ...] = (),
    together: tuple[str, ...] = ("province_63",),
) -> ForecastTables:
    """Fit, draw and tabulate. Raises what `outlooks` raises.

    later: further target years, after the first. together: the levels whose units are counted
    together (see `analysis.forecast.answers`).
    """
    made = outlooks(known, indicators, target_year, settings, later)
    shares = {name: read_share(known, own, settings) for name, own in made.items()}
    asked = [(name, one) for name, own in made.items() for one in (own, *own.later)]
    held = {(name, one.target_year): _targets(one) for name, one in asked}
    _check_targets(made, held)
    return ForecastTables(
        estimates=_stack(_estimates(own, known, shares[name]) for name, own in made.items()),
        forecasts=_stack(
            _forecasts(own, {one.due: held[name, one.target_year] for one in (own, *own.later)},
                       shares[name])
            for name, own in made.items()
        ),
        attainment=_stack(_attainment(one, shares[name]) for name, one in asked),
        needs=_stack(needs(one, held[name, one.target_year], shares[name]) for name, one in asked),
        answers=answers(
            [Asked(one, held[name, one.target_year], shares[name]) for name, one in asked],
            known, settings, together,
        ),
    )  # fmt: skip


def _stack(tables) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def units_of(own: Outlook) -> list[tuple[str, str]]:
    """All units by level, then code."""
    return sorted(own.draws.members, key=lambda unit: (_LEVELS.index(unit[0]), unit[1]))


def read_share(known: Known, own: Outlook, settings: Settings) -> dict[tuple[str, str], float]:
    """Share of each unit's denominator that provinces read in the last years hold (0 to 1).

    A reading of the unit itself counts for all of it.
    """
    table = evidence(known, own.indicator, settings).table
    recent = table[table["as_of"] > known.origin - pd.DateOffset(years=RECENT_YEARS)]
    read = set(zip(recent["geo_level"], recent["province_code"], strict=True))
    by_code = np.array([("province_63", code) in read for code in own.draws.codes])
    people = own.draws.persons[:, -1]
    return {
        unit: 1.0 if unit in read else float(people[parts] @ by_code[parts] / people[parts].sum())
        for unit, parts in own.draws.members.items()
    }


def quantile_row(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and quantiles of draws (S,)."""
    found = np.quantile(values, list(QUANTILES.values()))
    return {
        "mean": float(values.mean()),
        "sd": float(values.std()),
        **dict(zip(QUANTILES, map(float, found), strict=True)),
    }


def _estimates(own: Outlook, known: Known, shares: dict) -> pd.DataFrame:
    printed = _printed(known, own.indicator)
    years = range(FIRST_YEAR, own.target_year + 1)
    rows = []
    for unit in units_of(own):
        drawn = own.of(*unit, "reported")
        for year in years:
            day = pd.Timestamp(year, 12, 31)
            mark = printed.get((*unit, year), "")
            status = "inferred" if _ever(shares, unit) else "borrowed"
            rows.append(
                {
                    **dict(zip(SERIES_KEY, (*unit, own.indicator), strict=True)),
                    "date": day,
                    "scale": "reported",
                    **quantile_row(drawn[:, own.at(day)]),
                    "status": "reported" if mark else status,
                    "reading_id": mark,
                }
            )
    return pd.DataFrame(rows)


def _ever(shares: dict, unit: tuple[str, str]) -> bool:
    return shares[unit] >= ENOUGH


def _printed(known: Known, indicator: str) -> dict[tuple[str, str, int], str]:
    """Reading of coverage as published for a year-end, by unit and year."""
    rows = usual_readings(known.readings, indicator)
    rows = rows[rows["as_of"].dt.is_year_end]
    years = rows["as_of"].dt.year
    keys = zip(rows["geo_level"], rows["province_code"], years, strict=True)
    return dict(zip(keys, rows["reading_id"], strict=True))


def _targets(own: Outlook) -> dict[tuple[str, str], targets_room.Target]:
    """The target that each unit is held against; units without one are left out."""
    held = targets_room.due_on(targets_room.numbered(own.targets), own.indicator, own.due)
    found = {}
    for unit in units_of(own):
        with contextlib.suppress(KeyError):
            found[unit] = held.held_by(*unit)
    return found


def _check_targets(
    made: Mapping[str, Outlook], held: Mapping[tuple[str, int], Mapping[tuple[str, str], object]]
) -> None:
    """Raises EvidenceError: no target at all was known for the first due date by the origin."""
    first = {name: held[name, own.target_year] for name, own in made.items()}
    if not any(first.values()):
        own = next(iter(made.values()))
        raise EvidenceError(
            f"{', '.join(made)}: by {own.origin:%Y-%m-%d} no nationwide target for "
            f"{own.due:%Y-%m-%d} was known: choose another target year or other indicators"
        )


def _forecasts(
    own: Outlook,
    held: dict[pd.Timestamp, dict[tuple[str, str], targets_room.Target]],
    shares: dict,
) -> pd.DataFrame:
    """Every year-end up to the last due date; held: due date -> unit -> its target."""
    ends = [day for day in own.draws.dates if own.origin < day <= max(held)]
    rows = []
    for unit in units_of(own):
        for day in ends:
            target = held.get(day, {}).get(unit)
            rows += _scales(own, unit, day, target, shares[unit] >= ENOUGH)
    return pd.DataFrame(rows)


def _scales(
    own: Outlook, unit: tuple[str, str], day: pd.Timestamp, target, enough: bool
) -> list[dict]:  # type: ignore[no-untyped-def]
    """A row for each scale of one unit and date."""
    drawn = _drawn(own, unit, day)
    chances = _chances(drawn, target.value if target else np.nan, enough)
    return [
        {
            **dict(zip(SERIES_KEY, (*unit, own.indicator), strict=True)),
            "origin": own.origin,
            "date": day,
            "scale": scale,
            **quantile_row(values),
            "target": target.value if target else np.nan,
            "target_setter": target.setter if target else "",
            **chances,
            "persons_short": _short(own, unit, day, scale, values, target),
            "verdict": _verdict(chances[f"p_meets_{scale}"], target, enough),
            "evidence": "own" if enough else "borrowed",
        }
        for scale, values in drawn.items()
    ]


def _drawn(own: Outlook, unit: tuple[str, str], day: pd.Timestamp) -> dict[str, np.ndarray]:
    """(S,) draws of one unit and day, by scale."""
    return {scale: own.of(*unit, scale)[:, own.at(day)] for scale in own.scales}


def _chances(drawn: dict[str, np.ndarray], target: float, enough: bool) -> dict[str, float]:
    return {f"p_meets_{scale}": chance(drawn.get(scale), target, enough) for scale in _SCALES}


def chance(values: np.ndarray | None, target: float, enough: bool) -> float:
    """Share of draws at or above the target; NaN without draws, target or enough evidence.

    NaN too for a call for everyone (see `readings.targets.numbered`).
    """
    if values is None or not np.isfinite(target) or not enough or target >= targets_room.EVERYONE:
        return float("nan")
    return float(targets_room.share_meeting(values, target))


def _verdict(probability: float, target: targets_room.Target | None, enough: bool) -> str:
    """The word for a chance; none before a target falls due."""
    if target is None:
        return ""
    if not enough:
        return NOT_ENOUGH_EVIDENCE
    return verdict(probability)


def _short(own, unit, day, scale, values, target) -> float:  # type: ignore[no-untyped-def]
    """Persons missing from the target at the median, on the scale's own denominator."""
    if target is None:
        return float("nan")
    people = own.people(*unit, scale)[own.at(day)]
    return float(max(0.0, (target.value - np.median(values)) / 100 * people))


def _attainment(own: Outlook, shares: dict) -> pd.DataFrame:
    """One row for every announced target due at the end of the target year."""
    due = pd.Timestamp(own.target_year, 12, 31)
    table = own.targets
    table = table[
        (table["indicator"] == own.indicator) & (table["due"] == due) & table["basis"].eq("")
    ]
    rows = []
    order = [*SERIES_KEY[:2], "setter", "announced", "value"]
    for row in table.sort_values(order).to_dict("records"):
        unit = (row["geo_level"], row["province_code"])
        chances = _chances(_drawn(own, unit, due), row["value"], shares[unit] >= ENOUGH)
        rows.append(
            {
                **dict(zip(SERIES_KEY, (*unit, own.indicator), strict=True)),
                "origin": own.origin,
                "date": due,
                "target_setter": row["setter"],
                "announced": row["announced"],
                "target": row["value"],
                **chances,
                "facts": row["facts"],
            }
        )
    return pd.DataFrame(rows)


# --------------------------------------------------------------------------------------------------
# Chapter 05 in steps: what was known, the tables, and writing them for later chapters.
# --------------------------------------------------------------------------------------------------

#: File of data/processed -> table of ForecastTables.
_FILES = {name: f"{name}.csv" for name in ("estimates", "forecasts", "attainment", "needs")} | {
    "answers": "round_answers.csv"
}


def known_on(origin: str) -> Known:
    """What was known on a day, from the readings that chapter 01 wrote.

    Raises:
        analysis.paths.MissingTable: chapter 01 has not run.
        QueryError: the day cannot be read.
    """
    return known_at(read_readings(), load_raw(), read_date(origin, "origin"))


def round_named(name: str) -> tuple[Round, Known]:
    """A round of rounds.yml and what was known on its origin.

    Raises:
        RoundError: rounds.yml has no such round, or has faults.
        analysis.paths.MissingTable: chapter 01 has not run.
    """
    chosen = named_round(name)
    return chosen, known_on(f"{chosen.origin:%Y-%m-%d}")


def forecast(known: Known, indicators: list[str], target_year: int) -> ForecastTables:
    """The tables of the chapter.

    Raises:
        ValueError: an indicator is not forecast, or no forecast is possible from this origin.
    """
    _check(indicators)
    return forecast_tables(known, tuple(indicators), int(target_year))


def forecast_round(known: Known, chosen: Round, indicators: Sequence[str]) -> ForecastTables:
    """The tables of a round: all its due dates, with its version of the model.

    Raises:
        ValueError: an indicator is not forecast, or no forecast is possible from this origin.
    """
    _check(indicators)
    first, *later = chosen.years
    return forecast_tables(
        known, tuple(indicators), first, chosen.settings, tuple(later), chosen.levels[1:]
    )


def _check(indicators: Iterable[str]) -> None:
    unknown = sorted(set(indicators) - set(FAMILY))
    if unknown:
        raise ValueError(f"indicators: {', '.join(unknown)}: known are {', '.join(FAMILY)}")


def write(tables: ForecastTables) -> list[str]:
    """Write the tables to data/processed; returns the names of the files."""
    for name, file in _FILES.items():
        table: pd.DataFrame = getattr(tables, name)
        paths.write_table(table, paths.PROCESSED / file)
    return sorted(_FILES.values())
