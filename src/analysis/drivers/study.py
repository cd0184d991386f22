"""Chapter 03 in one run: every estimate on the growth of coverage, from readings to tables."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.country import geography
from analysis.disk_cache import cached
from analysis.drivers import commune_lists, decisions, growth, pairs, policy, robustness
from analysis.drivers.policy import DRIVERS, exposures, what_one_unit_means
from analysis.facts import Raw, load_raw
from analysis.inference import CURVE_COLUMNS, benjamini_hochberg, estimate_rows, rejection_rates
from analysis.readings import store, targets
from analysis.seeds import generator

OUTCOMES = tuple(growth.OUTCOME_SCALES)
#: Simulated panels without effect behind the table of test sizes.
PANELS = 400
#: Quarterly dates at which the step of July 2021 is tried instead.
PLACEBO = np.arange(2018.0, 2024.26, 0.25)


@dataclass(frozen=True)
class CoverageDrivers:
    """All tables of chapter 03.

    ``estimates`` (the columns of drivers_coverage.csv), ``curve`` (specification_curve.csv) and
    ``curve_summary``, ``leave_out``, ``randomisation``, ``placebo``, ``galton``, ``sample``,
    ``regions``, ``size`` (rejection rates without effect), ``units``, ``intervals`` and
    ``decisions`` (July 2021 and October 2023 by window, in points).
    """

    estimates: pd.DataFrame
    curve: pd.DataFrame
    curve_summary: pd.DataFrame
    leave_out: pd.DataFrame
    randomisation: pd.DataFrame
    placebo: pd.DataFrame
    galton: pd.DataFrame
    sample: pd.DataFrame
    regions: pd.DataFrame
    size: pd.DataFrame
    units: pd.DataFrame
    intervals: pd.DataFrame
    decisions: decisions.Decisions


@cached
def run(
    readings: pd.DataFrame,
    raw: Raw,
    draws: int = 1999,
    curve_draws: int = 499,
    communes: pd.DataFrame | None = None,
) -> CoverageDrivers:
    """Estimate everything that chapter 03 shows.

    ``draws``: bootstrap draws a test. ``communes``: of `commune_lists.read_lists`, where
    it is there.
    """
    exposure = growth.with_regions(exposures(raw), geography.provinces())
    hi = pairs.on_one_population(readings, raw)
    others = readings[readings["indicator"].isin(OUTCOMES[1:])]
    samples = growth.Samples(pd.concat([hi, others], ignore_index=True), exposure)
    table, summary = robustness.run(samples, curve_draws)
    left = None if communes is None else commune_lists.left_the_lists(communes, raw)
    two = decisions.run(samples, readings, raw, draws, left)
    return CoverageDrivers(
        estimates=_estimates(samples, targets.targets(raw), draws, two.estimates),
        curve=table,
        curve_summary=summary,
        leave_out=_leave_out(samples),
        randomisation=_randomisation(samples, draws),
        placebo=policy.placebo_dates(samples, growth.Choices(design="levels"), PLACEBO),
        galton=robustness.simulate_start(samples, growth.Choices()),
        sample=_sample(samples.readings),
        regions=_regions(samples, draws),
        size=_size(samples),
        units=what_one_unit_means(raw),
        intervals=samples.rows(OUTCOMES[0], growth.Choices())[0].rows,
        decisions=two,
    )


def of_chapter_01(draws: int = 1999, curve_draws: int = 499) -> CoverageDrivers:
    """The same from the readings that chapter 01 wrote and the lists of communes that are there.

    Raises MissingTable, which names the chapter, when it has not run.
    """
    return run(store.read_readings(), load_raw(), draws, curve_draws, commune_lists.read_lists())


def _choices(design: str, outcome: str = OUTCOMES[0], **more: object) -> growth.Choices:
    """The main specification of an outcome: for counts, sums and differences of published ones
    are as good as those published."""
    evidence = "published" if outcome == OUTCOMES[0] else "derived"
    base = growth.Choices(design=design, evidence=evidence)
    return replace(base, **more)  # type: ignore[arg-type]


def _estimates(
    samples: growth.Samples, known: pd.DataFrame, draws: int, by_window: pd.DataFrame
) -> pd.DataFrame:
    """The table of drivers_coverage.csv; ``by_window``: the rows of `decisions`."""
    found: list[dict[str, object]] = []
    for design in growth.GROWTH_DESIGNS:
        found += _main_terms(samples, design, draws)
        for outcome in OUTCOMES:
            found += _each_driver(samples, outcome, design, draws)
    for outcome in OUTCOMES:
        found += _start(samples, outcome, draws)
    found += _targets(samples, known, draws)
    levels = growth.Choices(design="levels")
    found += robustness.check_rows(samples, levels, policy.TERM)
    table = pd.concat([pd.DataFrame(found), by_window], ignore_index=True)
    return _with_q(table)[[*CURVE_COLUMNS[:9], "p_model", "q", "beside", *CURVE_COLUMNS[9:]]]


def _rows(
    samples: growth.Samples,
    outcome: str,
    choices: growth.Choices,
    shown: tuple[str, ...],
    draws: int,
    beside: str,
) -> list[dict[str, object]]:
    """Estimates of the shown terms of one specification; dropped ones with their reason."""
    design = samples.design(outcome, choices)
    labels = {
        "outcome": outcome,
        "design": choices.design,
        "sample": f"{choices.rule}, {choices.evidence}",
        "beside": beside,
    }
    fit, dropped = design.fit(), dict(design.dropped)
    rng = generator("drivers", outcome, choices.design, beside, *shown)
    found = estimate_rows(fit, [t for t in shown if t in fit.names], rng, draws, **labels)
    for term in shown:
        if term in dropped:
            found.append({**labels, "term": term, "n": fit.n, "note": f"dropped: {dropped[term]}"})
    return found


def _main_terms(samples: growth.Samples, design: str, draws: int) -> list[dict[str, object]]:
    shown = ("trend", "step", "trend_after", "season", policy.TERM)
    found = _rows(samples, OUTCOMES[0], _choices(design), shown, draws, "main design")
    trend = _choices(design, minority_trend=True)
    both = (policy.TERM, "minority_trend")
    return found + _rows(samples, OUTCOMES[0], trend, both, draws, "minority trend")


def _each_driver(
    samples: growth.Samples, outcome: str, design: str, draws: int
) -> list[dict[str, object]]:
    """Each driver with the terms of time alone, and beside the strongest rival explanation."""
    found = []
    for beside, more in _companions(outcome, design).items():
        for driver in DRIVERS:
            spec = _choices(design, outcome, drivers=(driver,), **more)
            found += _rows(samples, outcome, spec, (driver,), draws, beside)
    return found


def _companions(outcome: str, design: str) -> dict[str, dict[str, bool]]:
    """What a driver stands beside: for HI Decision 861, for participants the starting level."""
    alone = {"time only": {"policy": False}}
    if outcome == OUTCOMES[0]:
        return {**alone, "decision_861": {"policy": True}}
    if design == "changes":
        return {**alone, "start_level": {"policy": False, "start_level": True}}
    return alone


def _start(samples: growth.Samples, outcome: str, draws: int) -> list[dict[str, object]]:
    health = outcome == OUTCOMES[0]
    spec = _choices("changes", outcome, start_level=True, policy=health)
    beside = "decision_861" if health else "time only"
    found = _rows(samples, outcome, spec, ("start_level",), draws, beside)
    if health:
        levels = _choices("levels", start_level=True)
        found += _rows(samples, outcome, levels, ("start_level",), draws, beside)
    return found


def _targets(samples: growth.Samples, known: pd.DataFrame, draws: int) -> list[dict[str, object]]:
    chosen, _ = samples.rows(OUTCOMES[0], growth.Choices())
    design = growth.with_target_gap(chosen, known, samples.exposure)
    labels = {
        "outcome": OUTCOMES[0],
        "design": "changes",
        "sample": "yearly, published, own target",
        "beside": "decision_861",
    }
    rng = generator("drivers", "target")
    return estimate_rows(design.fit(), [growth.TARGET_TERM], rng, draws, **labels)


def _with_q(table: pd.DataFrame) -> pd.DataFrame:
    """False-discovery q of each family: one outcome, design and set of companions."""
    table["q"] = np.nan
    drivers = table["term"].isin(list(DRIVERS))
    for _, family in table[drivers].groupby(["outcome", "design", "beside"]):
        table.loc[family.index, "q"] = benjamini_hochberg(family["wild_p"])
    table["note"] = table["note"].fillna("")
    return table


def _leave_out(samples: growth.Samples) -> pd.DataFrame:
    parts = []
    for design in growth.GROWTH_DESIGNS:
        fit = samples.design(OUTCOMES[0], growth.Choices(design=design)).fit()
        parts.append(policy.leave_one_out(fit).assign(design=design))
    return pd.concat(parts, ignore_index=True)


def _randomisation(samples: growth.Samples, draws: int) -> pd.DataFrame:
    rows = []
    for design in growth.GROWTH_DESIGNS:
        for trend in (False, True):
            spec = growth.Choices(design=design, minority_trend=trend)
            built = samples.design(OUTCOMES[0], spec)
            test = policy.randomisation(built, samples.exposure, draws, trend)
            rows.append(
                {
                    "design": design,
                    "minority_trend": trend,
                    "estimate": test.estimate,
                    "t": test.t,
                    "p": test.p,
                    "p_coefficient": test.p_coefficient,
                    "draws": test.draws,
                }
            )
    return pd.DataFrame(rows)


def _sample(rows: pd.DataFrame) -> pd.DataFrame:
    """What the pairing rules leave: readings, provinces and intervals by outcome."""
    found = []
    for outcome in OUTCOMES:
        for rule in pairs.RULES:
            for evidence in pairs.EVIDENCE:
                usable = pairs.usable(rows, outcome, evidence)
                table = pairs.intervals(usable, rule)
                step = (table["start"] < "2021-07-01") & (table["end"] >= "2021-07-01")
                found.append(
                    {
                        "outcome": outcome,
                        "rule": rule,
                        "evidence": evidence,
                        "readings": len(usable),
                        "intervals": len(table),
                        "provinces": table["province_code"].nunique(),
                        "crossing_july_2021": int(step.sum()),
                    }
                )
    return pd.DataFrame(found)


def _regions(samples: growth.Samples, draws: int) -> pd.DataFrame:
    """Do regions grow differently? Region labels dealt out again among the provinces."""
    rows = []
    for design in growth.GROWTH_DESIGNS:
        built = samples.design(OUTCOMES[0], growth.Choices(design=design, regions=True))
        p = policy.region_test(built, samples.exposure, min(draws, 999))
        count = sum(name.startswith("region_") for name in built.names)
        rows.append({"design": design, "terms": count, "p": p, "n": len(built.y)})
    return pd.DataFrame(rows)


def _size(samples: growth.Samples) -> pd.DataFrame:
    """How often each test finds something in panels without effect, on the real designs."""
    rows = []
    for design in growth.GROWTH_DESIGNS:
        built = samples.design(OUTCOMES[0], growth.Choices(design=design))
        rng = generator("drivers", "size", design)
        rates = rejection_rates(
            built.X,
            built.names,
            built.clusters,
            policy.TERM,
            rng,
            PANELS,
            draws=199,
            absorb=built.absorb,
        )
        rows.append({"design": design, "term": policy.TERM, "panels": PANELS, **rates})
    return pd.DataFrame(rows)
