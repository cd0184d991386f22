"""What past year-ends say of the pull of targets: how much likelier is it to print a target met?

Each past year-end that had a target is forecast from what was known a year before it, by the
model of today. The level alone would have met fewer targets than were met in print; the pull is
what makes up the difference. Estimated from readings within the sample (each seen from all others,
later ones too) it would come out weaker than forecasts need it, since such readings know nearly
where the value lies.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from analysis import targets as targets_room
from analysis.forecast.evidence import soft_targets
from analysis.forecast.fit import Fit
from analysis.forecast.known import Known
from analysis.forecast.posterior import Posterior, posterior
from analysis.forecast.reported import (
    NO_PULLS,
    WHOLE,
    Pull,
    Pulls,
    cells,
    error_sd,
    middle,
    one_level,
)

#: How long before the day on which a target falls due it is forecast.
AHEAD = pd.DateOffset(years=1)
#: Prior median and width (log scale) of the parameters: little pull but for what data say.
SHORT, HEAP = (0.6, 0.8), (0.3, 1.0)
#: Fewer readings than this cannot carry a forecast of the past.
FEWEST = 3

_KEYS = ["geo_level", "province_code", "indicator", "due"]


def pulls(fit: Fit, known: Known) -> Pulls:
    """The pull of targets on provinces and on the country; none where no target has fallen due."""
    if not fit.evidence.settings.pull:
        return NO_PULLS
    past = past_year_ends(fit, known)
    return estimate(past) if len(past) else NO_PULLS


def estimate(past: pd.DataFrame) -> Pulls:
    """Fit `short` of provinces, `short` of the country and a common `heap` at their posterior mode.

    The country's figure is printed whatever it says; a province's is found when somebody chose to
    print it. So each has its own `short`, and both draw on the same prior.

    past: as `past_year_ends` gives it.
    """
    value, mass = _densities(past)
    target = past["target"].to_numpy(float)
    own = (past["geo_level"] == "country").to_numpy().astype(int)
    gap, above = past["percent"].to_numpy(float) - target, value - target[:, None]
    centre = np.log([SHORT[0], SHORT[0], HEAP[0]])
    width = np.array([SHORT[1], SHORT[1], HEAP[1]])

    def loss(x: np.ndarray) -> float:
        trial = _pair(x, own)
        total = 0.5 * (((x - centre) / width) ** 2).sum()
        for pull, rows in zip(trial, (own == 0, own == 1), strict=True):
            expected = (mass[rows] * pull.tilt(above[rows])).sum(axis=1)
            total -= (np.log(pull.tilt(gap[rows])) - np.log(expected)).sum()
        return float(total)

    found = minimize(loss, centre, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9})
    return Pulls(*_pair(found.x, own))


def _pair(x: np.ndarray, own: np.ndarray) -> tuple[Pull, Pull]:
    short, heap = np.minimum(np.exp(x[:2]), 1.0), float(np.exp(x[2]))
    return Pull(float(short[0]), heap, int((own == 0).sum())), Pull(
        float(short[1]), heap, int((own == 1).sum())
    )


def _densities(past: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(n, C) values in percent and their probabilities, before any pull."""
    columns = past[["mean", "sd", "target"]].to_numpy(float)
    made = [cells(mean[None], sd[None], target) for mean, sd, target in columns]
    return np.stack([middle(edges) for edges, _ in made]), np.stack([mass for _, mass in made])


def past_year_ends(fit: Fit, known: Known) -> pd.DataFrame:
    """Readings of coverage on a day on which a target fell due, each as forecast a year before.

    Columns: geo_level, province_code, indicator, as_of, percent, target, mean and sd (of the logit
    of the reported value, before any pull). The standard deviations are those of the whole fit.
    """
    pairs = _pairs(fit, known)
    days = sorted(pairs["as_of"].unique())
    parts = [_forecast(fit, known, day, pairs[pairs["as_of"] == day]) for day in days]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pairs.iloc[:0]


def _pairs(fit: Fit, known: Known) -> pd.DataFrame:
    """Readings beside the latest target for their day; `row` is the place in the evidence."""
    table = fit.evidence.table
    seen = one_level(known, table.assign(row=np.arange(len(table))))
    seen = seen[seen["error"].isin(["error_coverage", "error_country"])]
    targets = one_level(known, known.targets[known.targets["due"] <= known.origin])
    latest = targets.sort_values(["announced", "value"]).groupby(_KEYS, as_index=False).tail(1)
    pairs = seen.merge(
        latest[[*_KEYS, "value"]].rename(columns={"value": "target", "due": "as_of"}),
        on=[*_KEYS[:3], "as_of"],
    )
    return pairs[pairs["target"] < WHOLE]


def _forecast(fit: Fit, known: Known, due: pd.Timestamp, pairs: pd.DataFrame) -> pd.DataFrame:
    """Mean and sd of the year-ends `pairs` of one day, from a year before."""
    earlier = _as_known(fit, known, due - AHEAD)
    if earlier is None:
        return pairs.iloc[:0]
    asked = fit.evidence.points.take(pairs["row"].to_numpy())
    mean, variance = earlier.marginal(asked)
    error = error_sd(fit, fit.theta[None], mean, asked.country > 0)
    return pairs.assign(mean=mean[0], sd=np.sqrt(variance + error**2)[0])


def _as_known(fit: Fit, known: Known, day: pd.Timestamp) -> Posterior | None:
    """The posterior from the readings and targets known on `day`; None where there are too few."""
    since = known.readings.set_index("reading_id")["known_on"]
    table = fit.evidence.table
    known_on = pd.to_datetime(table["reading_id"].map(since)).fillna(table["as_of"])
    rows = np.flatnonzero((table["as_of"] <= day) & (known_on <= day))
    if len(rows) < FEWEST:
        return None
    targets = soft_targets(_targets_by(known, day), fit.evidence.family, fit.evidence.settings)
    part = dataclasses.replace(
        fit.evidence,
        table=table.iloc[rows],
        points=fit.evidence.points.take(rows),
        targets=targets,
    )
    return posterior(
        dataclasses.replace(
            fit,
            evidence=part,
            problem=fit.problem.take(rows),
            points=fit.points.take(rows),
            draws=fit.theta[None],
        )
    )


def _targets_by(known: Known, day: pd.Timestamp) -> Known:
    """`known` with the targets and decisions of an earlier day."""
    events = known.raw.policy_events
    return dataclasses.replace(
        known,
        origin=day,
        targets=targets_room.known_at(known.targets, day),
        raw=dataclasses.replace(known.raw, policy_events=events[events["date"] <= day]),
    )
