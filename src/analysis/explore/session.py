"""The tables and fitted models behind the explorer, and one state of it as numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from analysis import coverage, geography
from analysis.coverage import COVERAGE, Tables
from analysis.explore.choice import Choice
from analysis.explore.outlook import Future, Outlook, outlook, persons_for
from analysis.forecast import FAMILY, Model, model, prediction
from analysis.forecast.known import known_at
from analysis.forecast.points import decimal_year
from analysis.forecast.reported import due_targets
from analysis.forecast.tables import ENOUGH, RECENT_YEARS
from analysis.targets import Target, for_unit

FIRST_YEAR = 2015
QUERY = ["geo_level", "province_code", "indicator", "as_of"]
FIRST_ORIGIN = 2018


@dataclass(frozen=True)
class View:
    """One state of the explorer as numbers.

    readings: as_of, value, lower, upper (percent), season, known (by the origin), said (titles
    and publishers of the sources), address. path: date, q05, q10, q50, q90, q95 of the value as
    it would be reported at the ends of years. plain, moved: at the due date, without and with the
    levers. even, good: people a month beyond the forecast for a probability of 50 and 80 percent.
    read: whether the unit's own readings carry a probability, by the rule of chapter 05.
    """

    choice: Choice
    readings: pd.DataFrame
    path: pd.DataFrame
    target: Target | None
    plain: Outlook
    moved: Outlook
    even: float
    good: float
    read: bool

    def data(self) -> pd.DataFrame:
        """Return everything drawn as one table, one row a mark."""
        readings = self.readings.rename(columns={"as_of": "date"}).assign(kind="reading")
        path = self.path.assign(kind="forecast")
        known = path["date"] <= pd.Timestamp(self.choice.origin)
        path.loc[known, "kind"] = "estimate"
        rows = [{"kind": "with levers", "date": pd.Timestamp(self.choice.due), **vars(self.moved)}]
        if self.target is not None:
            due = pd.Timestamp(self.choice.due)
            rows.append({"kind": "target", "date": due, "value": self.target.value})
        table = pd.concat([readings, path, pd.DataFrame(rows)], ignore_index=True)
        first = {name: getattr(self.choice, name) for name in vars(self.choice)}
        return pd.concat([pd.DataFrame([first] * len(table)), table], axis=1)


@dataclass
class Explorer:
    """Tables read once, and models fitted when first asked for."""

    tables: Tables
    _models: dict[tuple[str, str], Model] = field(default_factory=dict, repr=False)
    _futures: dict[Choice, Future] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls) -> Explorer:
        """Read the tables.

        Raises:
            analysis.paths.MissingTable: chapter 01 has not run.
        """
        return cls(Tables.read())

    @cached_property
    def origins(self) -> list[str]:
        """The days to look ahead from: ends of years, and the end of the last month read."""
        last = self.tables.readings["as_of"].max() + pd.offsets.MonthEnd(0)
        ends = [pd.Timestamp(year, 12, 31) for year in range(FIRST_ORIGIN, last.year)]
        return [f"{day:%Y-%m-%d}" for day in sorted({*ends, last})]

    @cached_property
    def units(self) -> list[str]:
        """The country, then the provinces and the merged units, as level/code."""
        levels = ("country", "province_63", "province_34")
        return [f"{level}/{code}" for level in levels for code in geography.codes(level)]

    @cached_property
    def _reported(self) -> dict[str, pd.DataFrame]:
        return {name: coverage.as_reported(self.tables.readings, name) for name in COVERAGE}

    def model(self, indicator: str, origin: str) -> Model:
        """Return the fitted model of an indicator's family, from what the origin knew."""
        key = FAMILY[indicator], origin
        if key not in self._models:
            tables = self.tables
            known = known_at(tables.readings, tables.raw, pd.Timestamp(origin), tables.targets)
            self._models[key] = model(known, indicator)
        return self._models[key]

    def view(self, choice: Choice) -> View:
        """Return the numbers of one state."""
        built = self.model(choice.indicator, choice.origin)
        future, still = self.future(choice), unmoved(choice)
        return View(
            choice=choice,
            readings=self._readings(choice),
            path=_path(built, still),
            target=self._target(choice),
            plain=outlook(future, still),
            moved=outlook(future, choice),
            even=persons_for(future, still, 0.5),
            good=persons_for(future, still, 0.8),
            read=_is_read(built, choice),
        )

    def moved(self, view: View, choice: Choice) -> View:
        """Return a view with other levers; unit, indicator and dates must be those of the view."""
        return replace(view, choice=choice, moved=outlook(self.future(choice), choice))

    def future(self, choice: Choice) -> Future:
        """Return the reported value at the due date, before the pull of the target."""
        key = unmoved(choice)
        if key not in self._futures:
            self._futures[key] = self._future(key)
        return self._futures[key]

    def _future(self, choice: Choice) -> Future:
        built = self.model(choice.indicator, choice.origin)
        query = _query(choice, [pd.Timestamp(choice.due)])
        mean, sd = prediction.reported(built, query)
        drawn_to = float(due_targets(built.known, query)[0])
        target = self._target(choice)
        value = target.value if target is not None else float("nan")
        parts = built.evidence.units.parts(choice.level, choice.code)
        people = float(_people(built, choice)[parts].sum())
        return Future(mean[:, 0], sd[:, 0], people, value, drawn_to, built.pulls.of(choice.level))

    def _target(self, choice: Choice) -> Target | None:
        try:
            return for_unit(
                self.tables.targets,
                choice.level,
                choice.code,
                choice.indicator,
                choice.due,
                choice.origin,
            )
        except KeyError:
            return None

    def _readings(self, choice: Choice) -> pd.DataFrame:
        table = self._reported[choice.indicator]
        own = table[(table["geo_level"] == choice.level) & (table["province_code"] == choice.code)]
        sources = self.tables.raw.sources.set_index("source_id")
        cited = [
            sources.loc[[name for name in cell.split(";") if name in sources.index]]
            for cell in own["sources"].fillna("")
        ]
        columns = ["as_of", "value", "lower", "upper", "season"]
        return own[columns].assign(
            known=(own["as_of"] <= pd.Timestamp(choice.origin)).to_numpy(),
            said=["; ".join(one["publisher"] + ": " + one["title"]) for one in cited],
            address=[next((url for url in one["url"] if url), "") for one in cited],
        )


def unmoved(choice: Choice) -> Choice:
    """Return the choice with all levers at rest."""
    return replace(choice, persons_month=0.0, support=0.0, response=Choice.response)


def _is_read(built: Model, choice: Choice) -> bool:
    """Whether provinces read in the last years hold enough of the unit (see `read_share`)."""
    source = built.evidence
    since = source.origin - pd.DateOffset(years=RECENT_YEARS)
    recent = source.table[source.table["as_of"] > since]
    read = set(zip(recent["geo_level"], recent["province_code"], strict=True))
    if (choice.level, choice.code) in read:
        return True
    parts = source.units.parts(choice.level, choice.code)
    own = np.array([("province_63", source.units.codes[part]) in read for part in parts])
    people = _people(built, choice)[parts]
    return bool(people @ own >= ENOUGH * people.sum())


def _query(choice: Choice, dates: list[pd.Timestamp]) -> pd.DataFrame:
    rows = [(choice.level, choice.code, choice.indicator, day) for day in dates]
    return pd.DataFrame(rows, columns=QUERY)


def _path(built: Model, choice: Choice) -> pd.DataFrame:
    """Year-ends from 2015 to the due date, as they would be reported."""
    last = pd.Timestamp(choice.due)
    dates = [pd.Timestamp(year, 12, 31) for year in range(FIRST_YEAR, last.year)] + [last]
    query = _query(choice, dates)
    mean, sd = prediction.reported(built, query)
    drawn_to, pull = due_targets(built.known, query), built.pulls.of(choice.level)
    rows = [
        vars(outlook(Future(mean[:, i], sd[:, i], 1.0, np.nan, drawn_to[i], pull), choice))
        for i in range(len(dates))
    ]
    return pd.DataFrame(rows).drop(columns="probability").assign(date=dates)


def _people(built: Model, choice: Choice) -> np.ndarray:
    """(P,) persons that coverage of each province is counted on at the due date, as published."""
    source = built.evidence
    t = decimal_year(pd.DatetimeIndex([choice.due]))
    return source.units.denominators(t, source.family)[:, 0] * built.fit.reference.base
