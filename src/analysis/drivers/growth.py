"""The two designs of growth: levels with province effects, and changes between readings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.drivers import pairs
from analysis.facts.tables import SETTERS
from analysis.inference import Fit, SingularDesign, fit_least_squares
from analysis.inference.regression import Array, within

# --------------------------------------------------------------------------------------------------
# Terms of time shared by the two designs: trend, July 2021, season, and their products.
#
# A design of changes is the design of levels differenced and divided by the years between, so the
# same columns serve both: a driver times the trend in levels is the driver itself in changes.
# --------------------------------------------------------------------------------------------------

#: Decision 861 stopped the cards of people in communes leaving the lists on 1 July 2021.
STEP_YEAR = 2021.5
PERIODS = ("bend", "step", "three")


def time_columns(time: Array, periods: str = "bend", step: float = STEP_YEAR) -> dict[str, Array]:
    """Trend, step and season at decimal years ``time`` (n,).

    ``periods``: "step" has one trend and a step; "bend" lets the trend change at the step;
    "three" lets it change at the start of 2018 too. ``season`` is the share of the year to go.
    """
    if periods not in PERIODS:
        raise ValueError(f"unknown periods {periods!r}: choose one of {', '.join(PERIODS)}")
    columns = {"trend": time - 2018.0, "step": (time > step).astype(float)}
    if periods in ("bend", "three"):
        columns["trend_after"] = np.clip(time - step, 0, None)
    if periods == "three":
        columns["trend_before"] = np.clip(time - 2018.0, None, 0)
    columns["season"] = share_of_year_to_go(time)
    return columns


def share_of_year_to_go(time: Array) -> Array:
    """1 on New Year's Day falling to 0 on 31 December."""
    gone = time - np.floor(time)
    # 31 December is exactly a whole number: the year just ended, nothing to go.
    return np.where(gone < 1e-9, 0.0, 1.0 - gone)


def level_columns(
    time: Array,
    exposure: Mapping[str, Array],
    drivers: Sequence[str] = (),
    periods: str = "bend",
    policy: bool = True,
    minority_trend: bool = False,
    regions: Sequence[str] = (),
    step: float = STEP_YEAR,
) -> dict[str, Array]:
    """All columns of the design of levels for rows with times (n,).

    ``exposure`` has an array (n,) for each driver and, where ``regions`` names them, each region.
    Names of product terms: ``861_x_minority``, ``minority_trend``, and the driver's own name.
    """
    columns = time_columns(time, periods, step)
    if policy:
        columns["861_x_minority"] = columns["step"] * exposure["minority"]
    if minority_trend:
        columns["minority_trend"] = columns["trend"] * exposure["minority"]
    for name in (*drivers, *regions):
        columns[name] = columns["trend"] * exposure[name]
    return columns


def logit(percent: Array) -> Array:
    """Logit of a percentage strictly between 0 and 100."""
    share = np.asarray(percent, dtype=float) / 100
    if ((share <= 0) | (share >= 1)).any():
        raise ValueError("a coverage of 0 or 100 percent has no logit")
    return np.log(share / (1 - share))


def inverse_logit(z: Array) -> Array:
    """Percentage whose logit is z."""
    return 100 / (1 + np.exp(-np.asarray(z, dtype=float)))


OUTCOME_SCALES: dict[str, Callable[[Array], Array]] = {
    "hi_coverage": logit,
    "si_compulsory_participants": np.log,
    "si_voluntary_participants": np.log,
}
GROWTH_DESIGNS = ("levels", "changes")


@dataclass(frozen=True)
class Design:
    """Rows ready for a regression: ``y`` (n,), ``X`` (n, k), names, clusters, and what it is.

    ``absorb`` is true for levels, where each province (and like-for-like group) has its own
    effect. ``dropped`` lists terms that the data could not carry, with the reason.
    """

    y: Array
    X: Array
    names: tuple[str, ...]
    clusters: np.ndarray
    absorb: bool
    rows: pd.DataFrame
    dropped: tuple[tuple[str, str], ...] = ()

    def fit(self) -> Fit:
        """Least squares on this design."""
        return fit_least_squares(self.y, self.X, self.names, self.clusters, absorb=self.absorb)


@dataclass(frozen=True)
class Choices:
    """The choices that make a specification; the defaults are the main one."""

    design: str = "changes"
    rule: str = "yearly"
    evidence: str = "published"
    periods: str = "bend"
    policy: bool = True
    minority_trend: bool = False
    drivers: tuple[str, ...] = ()
    start_level: bool = False
    regions: bool = False
    weighting: str = "annual"
    step: float = STEP_YEAR


@dataclass(frozen=True)
class Sample:
    """Readings or intervals ready for any specification: chosen once, used many times.

    ``rows`` are readings (levels) or intervals (changes); ``codes`` (n,) are their provinces;
    ``first`` and ``last`` are decimal years and ``y0``, ``y1`` outcomes on the scale of the
    design; for levels only ``last`` and ``y1`` are filled.
    """

    design: str
    rows: pd.DataFrame
    codes: np.ndarray
    last: Array
    y1: Array
    first: Array
    y0: Array


class Samples:
    """Readings and exposures, from which designs are made; rows are chosen once for each rule.

    ``exposure`` is indexed by province_code (see analysis.drivers.policy).
    """

    def __init__(self, readings: pd.DataFrame, exposure: pd.DataFrame) -> None:
        self.readings, self.exposure = readings, exposure
        self._found: dict[tuple[str, ...], tuple[Sample, dict[str, Array]]] = {}

    def rows(self, indicator: str, choices: Choices) -> tuple[Sample, dict[str, Array]]:
        """The rows of a specification and the exposures that they carry."""
        key = (indicator, choices.design, choices.rule, choices.evidence)
        if key not in self._found:
            chosen = sample(self.readings, *key)
            self._found[key] = (chosen, _carried(chosen, self.exposure))
        return self._found[key]

    def design(self, indicator: str, choices: Choices) -> Design:
        """The design of one specification.

        Raises SingularDesign when no rows are left, and ValueError for an unknown design.
        """
        return design(*self.rows(indicator, choices), choices)


def sample(readings: pd.DataFrame, indicator: str, kind: str, rule: str, evidence: str) -> Sample:
    """Choose the rows of a design by the pairing rule and the evidence admitted."""
    if kind not in GROWTH_DESIGNS:
        raise ValueError(f"unknown design {kind!r}: choose one of {', '.join(GROWTH_DESIGNS)}")
    usable, scale = pairs.usable(readings, indicator, evidence), OUTCOME_SCALES[indicator]
    none = np.zeros(0)
    if kind == "levels":
        rows = _largest_group(pairs.kept(usable, rule))
        y = scale(rows["value"].to_numpy(dtype=float))
        return Sample(kind, rows, _codes(rows), rows["time"].to_numpy(), y, none, none)
    rows = pairs.intervals(usable, rule)
    y0, y1 = (scale(rows[v].to_numpy(dtype=float)) for v in ("value0", "value1"))
    first, last = rows["time0"].to_numpy(), rows["time1"].to_numpy()
    return Sample(kind, rows, _codes(rows), last, y1, first, y0)


def _codes(rows: pd.DataFrame) -> np.ndarray:
    return rows["province_code"].to_numpy(dtype=str)


def _largest_group(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the like-for-like group of each province with most readings, if it has two or more."""
    sizes = rows.groupby(["province_code", "key"]).size().rename("size").reset_index()
    sizes = sizes[sizes["size"] >= 2].sort_values(["province_code", "size", "key"])
    keys = sizes.groupby("province_code")["key"].last()
    return rows[rows["key"].isin(keys)].reset_index(drop=True)


def _carried(chosen: Sample, exposure: pd.DataFrame) -> dict[str, Array]:
    """The exposures of each row of a sample, an array (n,) each."""
    own = exposure.reindex(chosen.codes)
    return dict(zip(map(str, own.columns), own.to_numpy().T, strict=True))


def design(chosen: Sample, own: dict[str, Array], choices: Choices) -> Design:
    """The outcome and the columns of one specification on chosen rows.

    ``own`` are the exposures that the rows carry (see `carried`); rows without a value of a
    driver are left out. Raises SingularDesign when no rows are left.
    """
    values = np.array([own[name] for name in (*choices.drivers, "minority")])
    known: Array = np.isfinite(values).all(axis=0)
    if not known.any():
        raise SingularDesign("no rows are left for this design")
    if not known.all():
        chosen = subset(chosen, known)
        own = {name: each[known] for name, each in own.items()}
    make = _levels if choices.design == "levels" else _changes
    return make(chosen, own, choices)


def subset(s: Sample, keep: np.ndarray) -> Sample:
    """The rows of a sample where ``keep`` (n,) is true."""
    first, y0 = (s.first[keep], s.y0[keep]) if len(s.first) else (s.first, s.y0)
    rows = s.rows[keep].reset_index(drop=True)
    return Sample(s.design, rows, s.codes[keep], s.last[keep], s.y1[keep], first, y0)


def _columns(time: Array, own: dict[str, Array], c: Choices) -> dict[str, Array]:
    regions = [r for r in own if r.startswith("region_")] if c.regions else []
    return level_columns(
        time, own, c.drivers, c.periods, c.policy, c.minority_trend, regions, c.step
    )


def _levels(s: Sample, own: dict[str, Array], c: Choices) -> Design:
    dropped = [("start_level", "a design of levels has no start")] if c.start_level else []
    return _finish(s.y1, _columns(s.last, own, c), s, True, dropped)


def _changes(s: Sample, own: dict[str, Array], c: Choices) -> Design:
    length = s.last - s.first
    years = length if c.weighting == "annual" else np.ones(len(length))
    first, last = _columns(s.first, own, c), _columns(s.last, own, c)
    columns = {name: (last[name] - first[name]) / years for name in first}
    if c.start_level:
        # The start acts for as long as the interval lasts, like every other driver.
        columns["start_level"] = (s.y0 - s.y0.mean()) * length / years
    return _finish((s.y1 - s.y0) / years, columns, s, False, [])


def _finish(
    y: Array,
    columns: dict[str, Array],
    s: Sample,
    absorb: bool,
    dropped: Sequence[tuple[str, str]],
) -> Design:
    """Leave out terms that do not vary in these rows, and say so."""
    matrix, names = np.column_stack(list(columns.values())), list(columns)
    spread = matrix
    if absorb:
        codes = np.unique(s.codes, return_inverse=True)[1]
        spread = within(matrix, codes, int(codes.max()) + 1)
    varies = np.abs(spread).max(axis=0) > 1e-9
    still = [
        (n, "does not vary in these rows") for n, v in zip(names, varies, strict=True) if not v
    ]
    kept = tuple(n for n, v in zip(names, varies, strict=True) if v)
    return Design(y, matrix[:, varies], kept, s.codes, absorb, s.rows, (*dropped, *still))


def with_regions(exposure: pd.DataFrame, provinces: pd.DataFrame) -> pd.DataFrame:
    """Add a dummy column for each region but the first ("region_R2" ...)."""
    region = provinces["region_code"].reindex(exposure.index)
    dummies = pd.get_dummies(region, prefix="region", dtype=float)
    return exposure.join(dummies.iloc[:, 1:])


# --------------------------------------------------------------------------------------------------
# Distance to the assigned target: does a province that is told to do more, do more?
# --------------------------------------------------------------------------------------------------

TARGET_TERM = "target_gap"


def _first_told(targets: pd.DataFrame, indicator: str = "hi_coverage") -> pd.DataFrame:
    """The first year-end target of its own that each province was told of for a year.

    The Government's before others, as for the target that counts (`readings.targets`); of one
    setter the one announced first, and not the last. A target moves a province only while it is
    known, so this asks for the one known longest: of 2017, province 49 was given 89.5 in July 2018
    and had 86.8 before its eyes; of 2020, province 79 was told of 90 in 2017 and of 91 at the end.
    """
    order = {setter: rank for rank, setter in enumerate(SETTERS)}
    rows = targets[
        (targets["geo_level"] == "province_63")
        & (targets["indicator"] == indicator)
        & (targets["basis"] == "")
        & (targets["due"].dt.month == 12)
    ]
    rows = rows.assign(year=rows["due"].dt.year, order=rows["setter"].map(order))
    rows = rows.sort_values(["province_code", "year", "order", "announced", "value"])
    return rows.drop_duplicates(["province_code", "year"])


def with_target_gap(chosen: Sample, targets: pd.DataFrame, exposure: pd.DataFrame) -> Design:
    """The main design of changes plus the yearly gap to the target at the end of the interval.

    The gap is logit(target) - logit(start), over the years from the start to the target's date.
    Intervals whose province had no target of its own for that year, or learnt of it after the
    interval, are left out. Raises SingularDesign when none is left.
    """
    rows = chosen.rows.assign(row=range(len(chosen.rows)), year=chosen.rows["end"].dt.year)
    known = _first_told(targets)[["province_code", "year", "value", "announced"]]
    joined = rows.merge(known, on=["province_code", "year"])
    joined = joined[joined["announced"] <= joined["end"]]
    if not len(joined):
        raise SingularDesign("no interval has a target of its own")
    keep = np.zeros(len(rows), dtype=bool)
    keep[joined["row"].to_numpy()] = True
    part = subset(chosen, keep)
    joined = joined.sort_values("row")
    years = joined["year"].to_numpy() + 1.0 - part.first
    gap = (logit(joined["value"].to_numpy()) - part.y0) / years
    with_gap = design(part, _carried(part, exposure), Choices())
    X, names = np.column_stack([gap, with_gap.X]), (TARGET_TERM, *with_gap.names)
    return replace(with_gap, X=X, names=names)
