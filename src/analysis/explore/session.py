"""The tables and fitted models behind the explorer, and one state of it as numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from analysis import paths
from analysis.country import geography
from analysis.disk_cache import cached
from analysis.findings import coverage
from analysis.findings.coverage import COVERAGE, Tables
from analysis.forecast import FAMILY, Model, prediction
from analysis.forecast.goals import goals
from analysis.forecast.known import Known, known_at
from analysis.forecast.model import kept_model
from analysis.forecast.pull import Pull
from analysis.forecast.space import decimal_year
from analysis.forecast.tables import filled
from analysis.readings.targets import Target, for_unit
from analysis.scenarios import Baseline, Scenario, ScenarioError, load_folder, prepared, run
from analysis.scenarios.baseline import effects_of_cards
from analysis.scenarios.parameters import Range
from analysis.scenarios.tables import LEVELS as tables_LEVELS
from analysis.scenarios.tables import quantiles

# --------------------------------------------------------------------------------------------------
# What a reader has chosen: unit, indicator, origin, and how far the levers are moved.
# --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """One state of the explorer.

    unit: level and code, such as province_63/83 or country/00. indicator: a coverage rate.
    origin: the day whose knowledge the forecast has. due: the day of the target.
    persons_month: people enrolled each month from the origin to the due date beyond those that
    the forecast expects. support: share of the premium that a budget pays for people without
    health insurance, 0 to 1. response: share of the people so offered who enrol when the whole
    premium is paid, 0 to 1; an assumption, since no estimate of it rests on these data.
    """

    unit: str = "country/00"
    indicator: str = "hi_coverage"
    origin: str = "2025-06-30"
    due: str = "2025-12-31"
    persons_month: float = 0.0
    support: float = 0.0
    response: float = 0.3

    def __post_init__(self) -> None:
        """Check the choice.

        Raises:
            ValueError: names the part that cannot be, and what it can be.
        """
        if self.code not in geography.codes(self.level):
            raise ValueError(f"unit: {self.unit!r} is not a unit, such as province_63/83")
        if self.indicator not in COVERAGE:
            raise ValueError(f"indicator: {self.indicator!r} is none of {', '.join(COVERAGE)}")
        if pd.Timestamp(self.origin) >= pd.Timestamp(self.due):
            raise ValueError(f"origin: {self.origin} is not before the due date {self.due}")
        if self.persons_month < 0:
            raise ValueError(f"persons_month: {self.persons_month} is below 0")
        for name in ("support", "response"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: {getattr(self, name)} is not a share from 0 to 1")

    @property
    def level(self) -> str:
        """The geographic level of the unit."""
        return self.unit.partition("/")[0]

    @property
    def code(self) -> str:
        """The code of the unit."""
        return self.unit.partition("/")[2]

    @property
    def months(self) -> float:
        """Months from the origin to the due date."""
        return (pd.Timestamp(self.due) - pd.Timestamp(self.origin)).days / 365.25 * 12

    @property
    def moves(self) -> bool:
        """Whether any lever is moved. Premium support acts on health insurance alone."""
        return self.persons_month > 0 or self.support * self.response * self.supportable > 0

    @property
    def supportable(self) -> bool:
        """Whether the premium of this scheme is one that a household decides to pay."""
        return self.indicator == "hi_coverage"


# --------------------------------------------------------------------------------------------------
# The scenarios of the folder scenarios/ as the explorer offers them: any rate, any origin.
#
# They run on the draws of the forecast, as in chapter 07, so both show the same numbers.
# --------------------------------------------------------------------------------------------------

FOLDER = "scenarios"
USUAL = "business_as_usual"
_LEVELS = ("country", "province_63", "province_34")


def offered(indicator: str) -> dict[str, Scenario]:
    """Return the scenarios of the folder that can move a rate, by name, business as usual first.

    A file whose rule serves every rate, such as "one point a year", is offered for each.
    """
    found = {}
    for scenario in load_folder(paths.ROOT / FOLDER):
        fits = not scenario.rule.indicators and scenario.indicator == "hi_coverage"
        if fits or scenario.indicator == indicator:
            found[scenario.name] = replace(scenario, indicator=indicator)
    return dict(sorted(found.items(), key=lambda one: one[1].kind != USUAL))


@cached
def courses(
    known: Known,
    indicator: str,
    due: pd.Timestamp,
    scenarios: tuple[Scenario, ...],
    cards: tuple[Range | None, Range | None],
) -> pd.DataFrame:
    """Run scenarios of a rate for every unit, from what was known.

    scenarios: those that are offered for the rate. cards: see `scenarios.prepared`.

    Returns scenario, unit (level/code), more (people a month beyond business as usual, median),
    q05 to q95 of the reported value in percent, and the probability that it meets the target
    (NaN where the evidence carries none). A scenario that cannot be seen from the origin, such as
    a restored rule that had not been lost yet, has no rows.
    """
    base = prepared(known, indicator, due.year, due, cards)
    found = [_course(scenario, base) for scenario in scenarios]
    return pd.concat(found, ignore_index=True)


def _course(scenario: Scenario, base: Baseline) -> pd.DataFrame:
    units = [(level, code) for level in _LEVELS for code in geography.codes(level)]
    try:
        scenario.check_dates(base.origin, base.date)
        outcome = run(scenario, base)
    except ScenarioError:
        return pd.DataFrame()
    spread = quantiles(np.stack([outcome.reported[unit] for unit in units]))
    more = (outcome.level - base.level)[:, :, -1] / 100 * base.persons[:, -1]
    return pd.DataFrame(
        {
            "scenario": scenario.name,
            "unit": ["/".join(unit) for unit in units],
            "more": [np.median(outcome.sum(more, unit)) / outcome.months for unit in units],
            **dict(zip(tables_LEVELS, spread, strict=True)),
            "probability": [outcome.meets(unit) for unit in units],
        }
    )


# --------------------------------------------------------------------------------------------------
# From the forecast of one unit to its probability of meeting the target, levers included.
#
# A lever adds people; people over the denominator of the due date add points of coverage. The
# added points shift the forecast of the reported value before the pull of the target acts on it
# (see `analysis.forecast.pull`), and nothing is taken to exceed 100 percent.
# --------------------------------------------------------------------------------------------------

LEVELS = np.array([0.05, 0.10, 0.50, 0.90, 0.95])
#: More people a month than this share of the denominator is no answer worth giving.
MOST = 0.05
_CELLS = 4001


@dataclass(frozen=True)
class Outlook:
    """Quantiles of the reported value in percent, and the probability of meeting the target."""

    q05: float
    q10: float
    q50: float
    q90: float
    q95: float
    probability: float


@dataclass(frozen=True)
class Future:
    """The reported value of one unit at the due date, before the pull of its target.

    percent, mass: (N,) values in rising order and their weights, which add up to 1. people:
    persons that coverage is counted on. target: percent that the unit is held against, NaN where
    none is known. drawn_to: the target of the unit's own that its reported value is drawn to, or
    (G,) equally likely ones where its number is not known; NaN where nothing draws. pull: how
    targets draw reported values. usual: what chapter 05 says without levers, from the same draws
    after the pull; None where the values are not draws of the forecast.
    """

    percent: np.ndarray
    mass: np.ndarray
    people: float
    target: float
    drawn_to: float | np.ndarray
    pull: Pull
    usual: Outlook | None = None

    @cached_property
    def rest(self) -> Outlook:
        """The outlook with all levers at rest, by the weights of the pull."""
        return _weighted(self, self.percent)


def mixture(mean: np.ndarray, sd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values in percent on a fine grid, and their mass, of equally likely logit normals."""
    middle = mean.mean()
    reach = 6 * np.sqrt(sd.max() ** 2 + mean.var())
    z = middle + reach * np.linspace(-1, 1, _CELLS)
    mass = norm.pdf(z[None], mean[:, None], sd[:, None]).mean(axis=0)
    return 100 * expit(z), mass / mass.sum()


def drawn(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return draws in rising order, and their mass."""
    return np.sort(values), np.full(len(values), 1 / len(values))


def outlook(future: Future, choice: Choice) -> Outlook:
    """Return what is to be expected under a choice of levers.

    Without levers that is what chapter 05 says. With levers, their effect is added to it, as the
    weights of the pull give it: these move smoothly where resampled draws would jump.
    """
    usual = future.usual or future.rest
    if not choice.moves:
        return usual
    moved = _weighted(future, shifted(future.percent, choice, future.people))
    reached = {
        name: value + getattr(moved, name) - getattr(future.rest, name)
        for name, value in vars(usual).items()
    }
    most = {name: 1.0 if name == "probability" else 100.0 for name in reached}
    return Outlook(**{name: float(np.clip(reached[name], 0, most[name])) for name in reached})


def _weighted(future: Future, value: np.ndarray) -> Outlook:
    over, under = _tilted(value, future.mass, future)
    mass = over + under
    total = mass.sum()
    q05, q10, q50, q90, q95 = np.interp(
        LEVELS, (np.cumsum(mass) - mass / 2) / total, value
    ).tolist()
    if not np.isfinite(future.target):
        return Outlook(q05, q10, q50, q90, q95, float("nan"))
    same = bool(np.all(np.asarray(future.drawn_to) == future.target))
    reached = over if same else mass * _above(value, future.target)
    return Outlook(q05, q10, q50, q90, q95, min(float(reached.sum() / total), 1.0))


def _tilted(value: np.ndarray, mass: np.ndarray, future: Future) -> tuple[np.ndarray, np.ndarray]:
    """The mass of each cell at or above what it is drawn to, and below, with the pull applied."""
    if not np.isfinite(future.drawn_to).all():
        return mass, np.zeros_like(mass)
    possible, counts = np.unique(future.drawn_to, return_counts=True)
    sides = np.zeros((2, len(mass)))
    for one, count in zip(possible, counts / counts.sum(), strict=True):
        over = mass * _above(value, one)
        sides += count * np.stack(future.pull.split(value - one, over, mass - over))
    return sides[0], sides[1]


def _above(value: np.ndarray, edge: float) -> np.ndarray:
    """Share of each cell of the grid that lies at or above an edge, so that sums move smoothly."""
    middle = (value[1:] + value[:-1]) / 2
    lower = np.concatenate([value[:1], middle])
    upper = np.concatenate([middle, value[-1:]])
    return np.clip((upper - edge) / np.maximum(upper - lower, 1e-12), 0.0, 1.0)


def shifted(percent: np.ndarray, choice: Choice, people: float) -> np.ndarray:
    """Return coverage in percent after the levers: people a month, then support for the rest."""
    more = 100 * choice.persons_month * choice.months / people
    reached = np.minimum(percent + more, 100.0)
    response = choice.support * choice.response if choice.supportable else 0.0
    return reached + response * (100.0 - reached)


def persons_for(future: Future, choice: Choice, probability: float) -> float:
    """Return the people a month beyond the forecast for which the target is met so probably.

    0 where the forecast alone suffices; NaN without a target, or where it would take more than
    5 percent of the denominator every month.
    """
    if not np.isfinite(future.target):
        return float("nan")

    def gap(persons: float) -> float:
        trial = replace(choice, persons_month=persons)
        return outlook(future, trial).probability - probability

    most = MOST * future.people
    if gap(0.0) >= 0:
        return 0.0
    return float(brentq(gap, 0.0, most, xtol=most * 1e-6)) if gap(most) > 0 else float("nan")


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
        """Return what every scenario gives a unit; see `analysis.explore.session.courses`.

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
