"""The tables and fitted models behind the explorer, and one state of it as numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from analysis import coverage, geography
from analysis.coverage import COVERAGE, Tables
from analysis.explore.choice import Choice
from analysis.explore.courses import courses, offered
from analysis.explore.outlook import LEVELS, Future, Outlook, drawn, mixture, outlook, persons_for
from analysis.forecast import FAMILY, Model, prediction
from analysis.forecast.chapter import filled
from analysis.forecast.goals import goals
from analysis.forecast.known import Known, known_at
from analysis.forecast.model import kept_model
from analysis.forecast.points import decimal_year
from analysis.forecast.scenarios import Baseline, Scenario, prepared
from analysis.forecast.scenarios.background import effects_of_cards
from analysis.targets import Target, for_unit

FIRST_YEAR = 2015
QUERY = ["geo_level", "province_code", "indicator", "as_of"]
FIRST_ORIGIN = 2018
#: Slack when a value that was set to the target is compared with it.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class View:
    """One state of the explorer as numbers.

    readings: as_of, value, lower, upper (percent), season, known (by the origin), said (titles
    and publishers of the sources), address. path: date, q05, q10, q50, q90, q95 of the value as
    it would be reported at the ends of years. plain, moved: at the due date, without and with the
    levers, or on the course of a scenario. course: the name of that scenario's file, empty where
    the levers count. even, good: people a month beyond the forecast for a probability of 50 and
    80 percent.
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
    course: str = ""

    def data(self) -> pd.DataFrame:
        """Return everything drawn as one table, one row a mark."""
        readings = self.readings.rename(columns={"as_of": "date"}).assign(kind="reading")
        path = self.path.assign(kind="forecast")
        known = path["date"] <= pd.Timestamp(self.choice.origin)
        path.loc[known, "kind"] = "estimate"
        kind = f"scenario {self.course}" if self.course else "with levers"
        rows = [{"kind": kind, "date": pd.Timestamp(self.choice.due), **vars(self.moved)}]
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
    _bases: dict[tuple[str, str, str], Baseline] = field(default_factory=dict, repr=False)
    _courses: dict[tuple[str, str, str], tuple[tuple[Scenario, ...], pd.DataFrame]] = field(
        default_factory=dict, repr=False
    )

    @classmethod
    def read(cls) -> Explorer:
        """Read the tables.

        Raises:
            analysis.paths.MissingTable: chapter 01 has not run.
        """
        return cls(Tables.read())

    @cached_property
    def origins(self) -> list[str]:
        """The days to look ahead from: middles and ends of years, and the last month that was read.

        The last are the ends of months; a day later than all readings would know nothing more.
        """
        last = self.tables.readings["as_of"].max() + pd.offsets.MonthEnd(0)
        years = range(FIRST_ORIGIN, last.year + 1)
        days = [pd.Timestamp(year, *end) for year in years for end in ((6, 30), (12, 31))]
        return [f"{day:%Y-%m-%d}" for day in sorted({*(d for d in days if d <= last), last})]

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
            self._models[key] = kept_model(self._known(origin), indicator)
        return self._models[key]

    @cached_property
    def _filled(self) -> pd.DataFrame:
        """The readings in the form in which chapter 05 asked for its models."""
        return filled(self.tables.readings)

    def _known(self, origin: str) -> Known:
        tables = self.tables
        return known_at(self._filled, tables.raw, pd.Timestamp(origin), tables.targets)

    def courses(self, choice: Choice) -> pd.DataFrame:
        """Return what every scenario gives a unit; see `analysis.explore.courses.courses`.

        The files count as they are now: one that was changed or added since is run anew.
        """
        key = choice.indicator, choice.origin, choice.due
        files = tuple(offered(choice.indicator).values())
        before, table = self._courses.get(key, ((), pd.DataFrame()))
        if before != files:
            due, cards = pd.Timestamp(choice.due), effects_of_cards(choice.indicator)
            known = self._known(choice.origin)
            table = courses(known, choice.indicator, due, files, cards)
            self._courses[key] = files, table
        return table[table["unit"] == choice.unit].reset_index(drop=True)

    def followed(self, view: View, scenario: str) -> View:
        """Return a view on the course of a scenario, the levers at rest.

        Raises:
            KeyError: the scenario cannot be seen from the origin.
        """
        rows = self.courses(view.choice).set_index("scenario")
        names = list(Outlook.__dataclass_fields__)
        reached = Outlook(*rows.loc[[scenario], names].to_numpy(dtype=float)[0].tolist())
        return replace(view, choice=unmoved(view.choice), moved=reached, course=scenario)

    def view(self, choice: Choice) -> View:
        """Return the numbers of one state."""
        built = self.model(choice.indicator, choice.origin)
        future, still = self.future(choice), unmoved(choice)
        return View(
            choice=choice,
            readings=self._readings(choice),
            path=_path(built, still, future),
            target=self._target(choice),
            plain=outlook(future, still),
            moved=outlook(future, choice),
            even=persons_for(future, still, 0.5),
            good=persons_for(future, still, 0.8),
            read=self._base(choice).enough[choice.level, choice.code],
        )

    def moved(self, view: View, choice: Choice) -> View:
        """Return a view with other levers; unit, indicator and dates must be those of the view."""
        return replace(view, choice=choice, moved=outlook(self.future(choice), choice), course="")

    def future(self, choice: Choice) -> Future:
        """Return the reported value at the due date, before the pull of the target."""
        key = unmoved(choice)
        if key not in self._futures:
            self._futures[key] = self._future(key)
        return self._futures[key]

    def _future(self, choice: Choice) -> Future:
        base, unit = self._base(choice), (choice.level, choice.code)
        built = self.model(choice.indicator, choice.origin)
        target = self._target(choice)
        value = target.value if target is not None else float("nan")
        parts = built.evidence.units.parts(choice.level, choice.code)
        people = float(_people(built, choice)[parts].sum())
        goal = base.goals.get(unit, np.array([np.nan]))
        values, mass = drawn(base.plain[unit])
        usual = _usual(base.reported[unit], value)
        return Future(values, mass, people, value, goal, base.pulls.of(choice.level), usual)

    def has_evidence(self, choice: Choice) -> bool:
        """Whether the unit's own readings carry a probability; the report gives none otherwise."""
        return bool(self._base(unmoved(choice)).enough[choice.level, choice.code])

    def _base(self, choice: Choice) -> Baseline:
        """Return the draws of the forecast, as chapters 05 and 07 use them."""
        key = choice.indicator, choice.origin, choice.due
        if key not in self._bases:
            due = pd.Timestamp(choice.due)
            known = self._known(choice.origin)
            self._bases[key] = prepared(known, choice.indicator, due.year, due)
        return self._bases[key]

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


def _usual(reported: np.ndarray, target: float) -> Outlook:
    q05, q10, q50, q90, q95 = np.quantile(reported, LEVELS).tolist()
    met = float(np.mean(reported >= target - _ROUNDING)) if np.isfinite(target) else float("nan")
    return Outlook(q05, q10, q50, q90, q95, met)


def _query(choice: Choice, dates: list[pd.Timestamp]) -> pd.DataFrame:
    rows = [(choice.level, choice.code, choice.indicator, day) for day in dates]
    return pd.DataFrame(rows, columns=QUERY)


def _path(built: Model, choice: Choice, future: Future) -> pd.DataFrame:
    """Year-ends from 2015 to the due date, as they would be reported."""
    last = pd.Timestamp(choice.due)
    dates = [pd.Timestamp(year, 12, 31) for year in range(FIRST_YEAR, last.year)]
    query = _query(choice, dates)
    mean, sd = prediction.reported(built, query)
    drawn_to, pull = goals(built, query), built.pulls.of(choice.level)
    ends = [
        Future(*mixture(mean[:, i], sd[:, i]), 1.0, np.nan, drawn_to[i], pull)
        for i in range(len(dates))
    ]
    rows = [vars(outlook(one, choice)) for one in (*ends, future)]
    return pd.DataFrame(rows).drop(columns="probability").assign(date=[*dates, last])


def _people(built: Model, choice: Choice) -> np.ndarray:
    """(P,) persons that coverage of each province is counted on at the due date, as published."""
    source = built.evidence
    t = decimal_year(pd.DatetimeIndex([choice.due]))
    return source.units.denominators(t, source.family)[:, 0] * built.fit.reference.base
