"""Which one figure, not yet published, would narrow a unit's forecast most.

On the log-odds scale the model is one normal distribution, so what a further reading y would do to
the variance of a level x does not depend on the value that it will have:
    var(x | y) = var(x) - cov(x, y)^2 / (var(y) + error)
(Rasmussen and Williams 2006, equation 2.24, for one point more). Nothing is fitted anew.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular
from scipy.special import expit
from scipy.stats import norm

from analysis.country import geography
from analysis.country.breaks import MERGER
from analysis.forecast.evidence import Evidence
from analysis.forecast.fit import CEILING, CENTRE, FLOOR, JITTER, Fit
from analysis.forecast.known import Known
from analysis.forecast.model import kept_model
from analysis.forecast.posterior import Posterior
from analysis.forecast.rounds import Round
from analysis.forecast.space import FAMILY, PRIORS, Points, logit_slope

#: Widths are those of the middle 80 percent, as charts show them.
INSIDE = 0.8
#: Half the last digit of a rate as it is usually printed, in points.
_HALF = 0.05
#: A figure of a unit is there already where one lies within so many days.
SAME_DAYS = 15
#: Year-ends back from the origin of which a figure may be asked for.
YEARS_BACK = 2
_PERSONS = {"hi_coverage": "hi_participants", "si_coverage": "si_participants",
            "ui_coverage": "ui_participants"}  # fmt: skip
_UNIT = ["geo_level", "province_code"]
_COLUMNS = [
    *_UNIT, "indicator", "date", "width", "wanted_level", "wanted_code", "wanted_indicator",
    "wanted_day", "width_after", "loss",
]  # fmt: skip


def wanted(known: Known, chosen: Round) -> pd.DataFrame:
    """The figure that would help each unit of today most, for each coverage rate.

    Args:
        known: what was known on the origin of the round.
        chosen: the round; its first due date is looked at.

    Returns:
        one row a unit of today and rate: geo_level, province_code, indicator, date (the due date),
        width (points between the quantiles 0.1 and 0.9 of the level); wanted_level, wanted_code,
        wanted_indicator and wanted_day name the figure, which describes the unit or one of the
        provinces that it was made of; width_after is the width with it, loss the difference. A
        unit of which every figure that may be asked for is there has no row.

    Raises:
        EvidenceError, ValueError, NonConvergence: see `kept_model`.
    """
    due = pd.Timestamp(chosen.years[0], 12, 31)
    made = []
    for first in ("hi_coverage", "si_coverage"):
        built = kept_model(known, first, chosen.settings)
        rates = [name for name, family in FAMILY.items() if family == FAMILY[first]]
        made.append(_best(built.posterior, rates, due))
    return pd.concat(made, ignore_index=True)[_COLUMNS]


def _best(posterior: Posterior, rates: list[str], due: pd.Timestamp) -> pd.DataFrame:
    """The best figure for each unit and each rate of one family."""
    seen = posterior.fit.evidence
    units = geography.codes("province_34")
    asked = pd.DataFrame(
        [("province_34", code, rate, due) for rate in rates for code in units],
        columns=[*_UNIT, "indicator", "as_of"],
    )
    offered = candidates(seen, rates)
    if offered.empty:
        return pd.DataFrame(columns=_COLUMNS)
    now, after = widths(posterior, asked, offered)
    homes = offered["home"].to_numpy()
    rows = []
    for at, question in enumerate(asked.to_dict("records")):
        own = np.flatnonzero(homes == question["province_code"])
        if not len(own):
            continue
        figure = offered.iloc[own[int(after[at, own].argmin())]]
        rows.append(
            {
                **{name: question[name] for name in (*_UNIT, "indicator")},
                "date": due,
                "width": now[at],
                "wanted_level": figure["geo_level"],
                "wanted_code": figure["province_code"],
                "wanted_indicator": figure["printed"],
                "wanted_day": figure["as_of"],
                "width_after": after[at, own].min(),
                "loss": now[at] - after[at, own].min(),
            }
        )
    return pd.DataFrame(rows)


def candidates(seen: Evidence, rates: list[str]) -> pd.DataFrame:
    """Figures of one family that could still be sent: of the origin and of the year-ends before.

    Columns: geo_level, province_code, indicator (the rate), as_of, persons (1 for a number of
    people, 0 for a rate), printed (the indicator as it is printed), home (today's unit). A unit
    made in July 2025 has none of its own before; its parts are asked then. Numbers of people are
    not asked for where the model would leave them out beside rates (see `evidence`).
    """
    rows = [
        {**unit, "indicator": rate, "as_of": day, "persons": persons,
         "printed": _PERSONS[rate] if persons else rate}
        for unit, day in _units_and_days(seen.origin)
        for rate in rates
        for persons in (0.0, 1.0)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    there = _there(seen)
    kept = [not there.covers(row) for row in table.to_dict("records")]
    return table[kept].reset_index(drop=True)


def _units_and_days(origin: pd.Timestamp) -> Iterator[tuple[dict[str, str], pd.Timestamp]]:
    last = origin.year if origin.is_year_end else origin.year - 1
    ends = [pd.Timestamp(last - back, 12, 31) for back in range(YEARS_BACK)]
    for home in geography.codes("province_34"):
        parts = geography.members(home)
        for day in dict.fromkeys([origin, *ends]):
            whole = len(parts) == 1 or day >= MERGER
            units = [("province_34", home)] if whole else [("province_63", one) for one in parts]
            for level, code in units:
                yield {"geo_level": level, "province_code": code, "home": home}, day


@dataclass(frozen=True)
class _There:
    """The readings that the model has: positions of the provinces, rate, day and measure."""

    seen: Evidence
    days: dict[tuple[Any, ...], list[pd.Timestamp]]

    def covers(self, row: Mapping[Hashable, Any]) -> bool:
        """Whether the figure adds nothing, since it or a rate of its day is there."""
        key = (*self.seen.units.parts(row["geo_level"], row["province_code"]), row["indicator"])
        rates, counts = self.days.get((*key, 0.0), []), self.days.get((*key, 1.0), [])
        if row["persons"] and self.seen.family == "health" and rates:
            return True
        near = [*rates, *counts] if row["persons"] else rates
        return any(abs((day - row["as_of"]).days) <= SAME_DAYS for day in near)


def _there(seen: Evidence) -> _There:
    days: dict[tuple[Any, ...], list[pd.Timestamp]] = {}
    for row in seen.table.to_dict("records"):
        parts = seen.units.parts(row["geo_level"], row["province_code"])
        days.setdefault((*parts, row["indicator"], row["persons"]), []).append(row["as_of"])
    return _There(seen, days)


def widths(
    posterior: Posterior, asked: pd.DataFrame, offered: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Widths of the middle 80 percent of levels, now (a,) and with each further figure (a, c).

    In points. Parameters are averaged over: the variance is the mean of the variances of their
    draws plus the variance of their means, which a figure more is taken to leave as it is.

    Args:
        asked: geo_level, province_code, indicator and as_of of the a levels, of one family.
        offered: the same of the c figures, and `persons`.
    """
    fit = posterior.fit
    seen = fit.evidence
    levels = seen.at(asked)
    figures = seen.at(offered)
    mean, inside, across = moments(posterior, levels, figures)
    a = len(asked)
    share = np.clip(expit(mean[:, a:]), FLOOR, CEILING)
    noise = _errors(fit, posterior.theta, share, offered["persons"].to_numpy(float))
    after = narrowed(inside[:, :a], inside[:, a:], across, noise)
    between = mean[:, :a].var(axis=0)
    middle = mean[:, :a].mean(axis=0)
    return (
        _width(middle, inside[:, :a].mean(axis=0) + between),
        _width(middle[:, None], after.mean(axis=0) + between[:, None]),
    )


def moments(
    posterior: Posterior, levels: Points, figures: Points
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means (M, a + c), variances (M, a + c) and covariances (M, a, c), by parameter draw."""
    fit = posterior.fit
    (one, first), (two, second) = (fit.reference.linearise(at) for at in (levels, figures))
    shift = np.concatenate([first, second])
    shift = shift + CENTRE[fit.evidence.family] * np.concatenate([one.size, two.size])
    to_seen = [np.vstack([part.between(at, posterior.at) for at in (one, two)])
               for part in fit.parts]  # fmt: skip
    alone = np.stack([np.concatenate([part.variance(at) for at in (one, two)])
                      for part in fit.parts])  # fmt: skip
    pairs = [part.between(one, two) for part in fit.parts]
    means, variances, covariances = [], [], []
    for theta, factor, weights in zip(
        posterior.theta, posterior.factors, posterior.weights, strict=True
    ):
        scale = np.exp(2 * theta[: len(fit.parts)])
        k = np.tensordot(scale, np.stack(to_seen), 1)
        half = solve_triangular(factor, k.T, lower=True, check_finite=False)
        means.append(k @ weights + shift)
        variances.append(np.maximum(scale @ alone - (half**2).sum(axis=0), 1e-10))
        covariances.append(
            np.tensordot(scale, np.stack(pairs), 1) - half[:, : len(one)].T @ half[:, len(one) :]
        )
    return np.array(means), np.array(variances), np.array(covariances)


def narrowed(
    levels: np.ndarray, figures: np.ndarray, across: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """Variances (M, a, c) of levels once a figure is known.

    Args:
        levels: (M, a) variances of the levels. figures: (M, c) variances of what figures measure.
        across: (M, a, c) covariances. noise: (M, c) variances of the figures' errors.
    """
    gained = across**2 / (figures + noise)[:, None, :]
    left: np.ndarray = np.maximum(levels[:, :, None] - gained, 1e-10)
    return left


def _errors(fit: Fit, theta: np.ndarray, share: np.ndarray, persons: np.ndarray) -> np.ndarray:
    """(M, c) variances of the errors of figures that units print, on the log-odds scale."""
    slope = logit_slope(share)
    error = np.where(
        persons > 0, _sd(fit, theta, "error_persons"), _sd(fit, theta, "error_coverage")
    )
    digits = np.where(persons > 0, 0.0, _HALF**2 / 3)
    found: np.ndarray = (error**2 + digits) * slope**2 + JITTER
    return found


def _sd(fit: Fit, theta: np.ndarray, name: str) -> np.ndarray:
    """(M, 1) standard deviation of a class of error in points; its prior's where none was read."""
    if name in fit.names:
        return np.exp(theta[:, [fit.names.index(name)]])
    return np.full((len(theta), 1), PRIORS[name][0])


def _width(middle: np.ndarray, variance: np.ndarray) -> np.ndarray:
    half = norm.ppf((1 + INSIDE) / 2) * np.sqrt(variance)
    found: np.ndarray = 100 * (expit(middle + half) - expit(middle - half))
    return found
