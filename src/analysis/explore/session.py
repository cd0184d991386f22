"""The tables and fitted models behind the explorer, and one state of it as numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from analysis import paths
from analysis.country import geography
from analysis.country.indicators import COVERAGE
from analysis.country.names import is_alone
from analysis.disk_cache import cached
from analysis.findings import coverage
from analysis.findings.coverage import Tables
from analysis.forecast.known import Known, known_at
from analysis.readings.store import filled
from analysis.readings.targets import Target, for_unit, numbered
from analysis.report.wording import say
from analysis.scenarios import Baseline, Scenario, ScenarioError, load_folder, prepared, run
from analysis.scenarios.baseline import SHOWN_QUANTILES, Unit, effects_of_cards
from analysis.scenarios.outcome import Reached, by_hand, forecast_of, people_needed
from analysis.scenarios.parameters import Range
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
        return self.persons_month > 0 or self.joining > 0

    @property
    def joining(self) -> float:
        """Share, 0 to 1, of those who would be without that enrol for the support."""
        return self.support * self.response * self.supportable

    @property
    def supportable(self) -> bool:
        """Whether the premium of this scheme is one that a household decides to pay."""
        return self.indicator == "hi_coverage"


# --------------------------------------------------------------------------------------------------
# The scenarios of the folder scenarios/ as the explorer offers them: any rate, any origin.
#
# They run on the draws of the forecast, as in chapter 07, so both show the same numbers.
# --------------------------------------------------------------------------------------------------

_FOLDER = "scenarios"
USUAL = "business_as_usual"
_LEVELS = ("country", "province_63", "province_34")


def offered(indicator: str) -> dict[str, Scenario]:
    """Return the scenarios of the folder that can move a rate, by name, business as usual first.

    A file whose rule serves every rate, such as "one point a year", is offered for each.
    """
    found = {}
    for scenario in load_folder(paths.ROOT / _FOLDER):
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
            **dict(zip(SHOWN_QUANTILES, spread, strict=True)),
            "probability": [outcome.meets(unit) for unit in units],
        }
    )


# --------------------------------------------------------------------------------------------------
# One state as numbers: all of them are those of the scenarios' business as usual, which is the
# forecast of chapter 05.
# --------------------------------------------------------------------------------------------------

FIRST_ORIGIN = 2018


@dataclass(frozen=True)
class View:
    """One state of the explorer as numbers.

    readings: as_of, value, lower, upper (percent), season, basis (empty for the usual one), known
    (by the origin), said (titles and publishers of the sources), address. path: date, q05, q10,
    q50, q90, q95 of the value as it would be reported at the ends of years. plain, moved: at the
    due date, without and with the levers, or on the course of a scenario. course: the name of that
    scenario's file, empty where the levers count. even, good: people a month beyond the forecast
    for a probability of 50 and 80 percent.
    read: whether the unit's own readings carry a probability, by the rule of chapter 05. parts:
    the former provinces of a merged unit, each with what is expected of it.
    """

    choice: Choice
    readings: pd.DataFrame
    path: pd.DataFrame
    target: Target | None
    plain: Reached
    moved: Reached
    even: float
    good: float
    read: bool
    parts: tuple[tuple[str, Reached], ...] = ()
    course: str = ""

    def further(self, language: str) -> list[tuple[str, dict[str, object]]]:
        """Return what else is said of the unit, as phrases: its parts, its figure on another
        definition."""
        said: list[tuple[str, dict[str, object]]] = []
        if self.parts:
            parts = [
                say("explore.part", language, unit=unit, q50=one.q50) for unit, one in self.parts
            ]
            said.append(("explore.parts", {"parts": parts}))
        other = self.readings[self.readings["basis"].ne("")]
        if len(other):
            row = other.iloc[-1]
            values = {
                "as_of": row["as_of"],
                "value": row["value"],
                "basis": f"basis.{row['basis']}",
            }
            said.append(("explore.other_basis", values))
        return said

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
        """The country, the 34 provinces of today, and the former ones, as level/code.

        A province that did not merge stands once, as one of the 63.
        """
        today = [listed(f"province_34/{code}") for code in geography.codes("province_34")]
        former = [f"province_63/{code}" for code in geography.codes("province_63")]
        return ["country/00", *today, *(unit for unit in former if unit not in today)]

    @cached_property
    def _reported(self) -> dict[str, pd.DataFrame]:
        return {name: coverage.as_reported(self.tables.readings, name) for name in COVERAGE}

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
        names = list(Reached.__dataclass_fields__)
        reached = Reached(*rows.loc[[scenario], names].to_numpy(dtype=float)[0].tolist())
        return replace(view, choice=unmoved(view.choice), moved=reached, course=scenario)

    def view(self, choice: Choice) -> View:
        """Return the numbers of one state."""
        base, unit = self.base(choice), (choice.level, choice.code)
        even, good = people_needed(base, unit)
        plain = forecast_of(base, unit)
        return View(
            choice=choice,
            readings=self._readings(choice),
            path=pd.DataFrame(dict(zip(SHOWN_QUANTILES, base.at_ends[unit], strict=True)))
            .assign(date=base.ends),
            target=self._target(choice),
            plain=plain,
            moved=_by_hand(base, choice) if choice.moves else plain,
            even=even,
            good=good,
            read=bool(base.enough[unit]),
            parts=tuple((part, forecast_of(base, _unit(part))) for part in parts_of(choice.unit)),
        )  # fmt: skip

    def moved(self, view: View, choice: Choice) -> View:
        """Return a view with other levers; unit, indicator and dates must be those of the view."""
        moved = _by_hand(self.base(choice), choice) if choice.moves else view.plain
        return replace(view, choice=choice, moved=moved, course="")

    def people(self, choice: Choice) -> float:
        """Return the persons that the unit's coverage is counted on at the due date."""
        return float(self.base(choice).denominator(_unit(choice.unit))[-1])

    def base(self, choice: Choice) -> Baseline:
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
                numbered(self.tables.targets),
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
        columns = ["as_of", "value", "lower", "upper", "season", "basis"]
        return own[columns].assign(
            known=(own["as_of"] <= pd.Timestamp(choice.origin)).to_numpy(),
            said=["; ".join(one["publisher"] + ": " + one["title"]) for one in cited],
            address=[next((url for url in one["url"] if url), "") for one in cited],
        )


def unmoved(choice: Choice) -> Choice:
    """Return the choice with all levers at rest."""
    return replace(choice, persons_month=0.0, support=0.0, response=Choice.response)


def _by_hand(base: Baseline, choice: Choice) -> Reached:
    return by_hand(base, _unit(choice.unit), choice.persons_month, choice.joining)


def _unit(name: str) -> Unit:
    level, _, code = name.partition("/")
    return level, code


def listed(unit: str) -> str:
    """Return the unit as the explorer lists it: one that did not merge is one of the 63."""
    level, code = _unit(unit)
    return f"province_63/{code}" if level == "province_34" and is_alone(code) else unit


def parts_of(unit: str) -> list[str]:
    """The former provinces of a merged unit, as level/code; none of any other."""
    level, code = _unit(unit)
    if level != "province_34" or is_alone(code):
        return []
    return [f"province_63/{part}" for part in geography.members(code)]
