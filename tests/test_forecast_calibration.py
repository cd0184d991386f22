"""Intervals hold what they say, on synthetic panels simulated from the model itself.

A panel has the places, dates and ways of measuring of the real readings; every value in it is
drawn: logits of all provinces from the fitted standard deviations, aggregates as sums of their
provinces' persons, reading errors, and what digits and words leave open. The model is fitted to
each panel anew, and asked for values that it has not seen: later years, and earlier ones of
provinces with and without readings. Announced targets are left out, since a simulation has none.
"""

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest
from forecast_cases import FIRST, ORIGIN, known
from scipy.special import expit, logit

from analysis.forecast.evidence import HIGHEST, LOWEST, Evidence, evidence
from analysis.forecast.fit import CEILING, CENTRE, FLOOR, Fit, NonConvergence, fit
from analysis.forecast.model import Model
from analysis.forecast.posterior import posterior
from analysis.forecast.prediction import reported
from analysis.forecast.pull import NONE, mixture_quantiles
from analysis.forecast.space import Points, Settings, join, points

PANELS = 300
#: Share of panels whose fit may be refused.
MOST_REFUSED = 0.02
HELD_OUT = 40
BANDS = (0.50, 0.80, 0.90, 0.95)
SETTINGS = Settings(targets=False, pull=False)


@dataclasses.dataclass(frozen=True)
class Simulator:
    """Draws panels of a family.

    at: every province behind every reading and held-out value, as a point; the last 2 P points
    are all provinces at the end, published and by persons. rows: the place of each value's
    provinces among them, with their weights. theta, spread: fitted log standard deviations and
    the width of what is left open about them; prior: the same before any reading.
    """

    source: Evidence
    asked: pd.DataFrame
    found: Fit
    at: Points
    rows: list[tuple[slice, np.ndarray]]
    aggregate: np.ndarray
    pieces: list[tuple[np.ndarray, np.ndarray, np.ndarray]]

    def panel(self, random, theta=None):
        """Percent of the readings and of the held-out values, with all errors."""
        theta = self.found.theta if theta is None else theta
        c = expit(CENTRE[self.source.family] + self._latent(random, np.exp(theta)))
        size = len(self.source.units.codes)
        base = c[-size:] / c[-2 * size : -size]
        share = np.array([self._share(c[at], w, base, i) for i, (at, w) in enumerate(self.rows)])
        near = np.clip(share, FLOOR, CEILING)
        points_off = self._errors(np.exp(theta)) * random.standard_normal(len(share))
        value = 100 * expit(logit(share) + points_off / (100 * near * (1 - near)))
        n = len(self.source.table)
        half = self.source.table["half"].to_numpy()
        read = value[:n] + half * random.uniform(-1, 1, n)
        return np.clip(read, LOWEST, HIGHEST), value[n:]

    def _latent(self, random, sds):
        """Logits less the centre: each component is its loadings times paths of its effects."""
        z = np.zeros(len(self.at))
        for sd, (loading, place, root) in zip(sds, self.pieces, strict=False):
            paths = root @ random.standard_normal((root.shape[1], loading.shape[1]))
            z += sd * (loading * paths[place]).sum(axis=1)
        return z

    def _errors(self, sds):
        """Standard deviation of each value's reading error, in points."""
        classes = [*self.source.table["error"], *["error_coverage"] * len(self.asked)]
        own = dict(zip(self.found.names, sds, strict=True))
        return np.array([own[name] for name in classes])

    def _share(self, c, weights, base, i):
        """Published coverage of an aggregate divides by published denominators."""
        own = weights * base[weights > 0] if self.aggregate[i] else weights
        return own @ c / own.sum()


@cache
def simulator(family):
    source = evidence(known(), FIRST[family], SETTINGS)
    found = fit(source)
    asked = questions(source)
    later = points(asked, source.units, SETTINGS, ORIGIN)
    wanted = join(source.points, later)
    pieces, rows, start = [], [], 0
    for i in range(len(wanted)):
        parts = np.flatnonzero(wanted.weights[i])
        pieces.append(repeated(wanted, i, np.eye(len(source.units.codes))[parts]))
        rows.append((slice(start, start + len(parts)), wanted.weights[i, parts]))
        start += len(parts)
    at = together([*pieces, *at_the_end(later, source, found.reference.grid[-1])])
    return Simulator(
        source=source,
        asked=asked,
        found=found,
        at=at,
        rows=rows,
        aggregate=(wanted.weights.max(axis=1) < 1) & (wanted.persons == 0),
        pieces=[in_pieces(part, at) for part in found.parts],
    )


def in_pieces(part, at):
    """Loadings (n, r), the place of each point's date, and a root of the covariance in time."""
    if part.in_time is None:
        return part.loading(at), np.zeros(len(at), int), np.eye(1)
    times, place = np.unique(at.t, return_inverse=True)
    jitter = 1e-10 * np.eye(len(times))
    return part.loading(at), place, np.linalg.cholesky(part.in_time(times, times) + jitter)


def at_the_end(later, source, last):
    """All provinces on the last day of the grid, as published and by persons."""
    end = repeated(later, 0, np.eye(len(source.units.codes)))
    day = {"t": np.full_like(end.t, last), "year": np.full_like(end.year, int(last) - 1)}
    end = dataclasses.replace(end, **day, season=0 * end.season, push=0 * end.push)
    return end.with_persons(0.0), end.with_persons(1.0)


def together(pieces):
    """All points in one: `join` for many at once."""
    return Points(
        **{
            field.name: np.concatenate([getattr(piece, field.name) for piece in pieces])
            for field in dataclasses.fields(Points)
        }
    )


def repeated(at, i, weights):
    """The point `i`, once for each row of weights."""
    fields = {
        field.name: np.repeat(getattr(at, field.name)[[i]], len(weights), axis=0)
        for field in dataclasses.fields(at)
    }
    return type(at)(**{**fields, "weights": weights})


def questions(source):
    """Provinces with and without readings, at year-ends before and after the origin."""
    random = np.random.default_rng(17)
    codes = random.choice(source.units.codes, HELD_OUT)
    years = random.integers(2014, 2021, HELD_OUT)
    names = sorted(set(source.table["indicator"]))
    return pd.DataFrame(
        {
            "geo_level": "province_63",
            "province_code": codes,
            "indicator": random.choice(names, HELD_OUT),
            "as_of": [pd.Timestamp(year, 12, 31) for year in years],
        }
    )


def of_the_prior(made, random):
    """Standard deviations as they are before any reading."""
    task = made.found.problem
    return task.prior_mean + task.prior_width * random.standard_normal(len(task.names))


def held(family, panels, parameters):
    """(panels, HELD_OUT, bands) whether each interval held its value; and values above the middle.

    parameters: "fitted" (the same in every panel) or "prior" (drawn anew for each). Among panels
    from the prior are some that no reader would believe, whose fit is refused; nobody is shown a
    band then, so these are left out, as long as they are rare.
    """
    made = simulator(family)
    levels = np.array([0.5 + sign * band / 2 for band in BANDS for sign in (-1, 1)])
    inside, above, refused = [], [], []
    for seed in range(panels):
        random = np.random.default_rng([2024, seed])
        theta = of_the_prior(made, random) if parameters == "prior" else None
        percent, truth = made.panel(random, theta)
        table = made.source.table.assign(percent=percent)
        try:
            found = fit(dataclasses.replace(made.source, table=table))
        except NonConvergence:
            refused.append(seed)
            continue
        built = Model(known(), posterior(found), NONE)
        mean, sd = reported(built, made.asked)
        bounds = np.array(
            [mixture_quantiles(mean[:, i], sd[:, i], levels)[0] for i in range(len(truth))]
        )
        inside.append((truth[:, None] >= bounds[:, ::2]) & (truth[:, None] <= bounds[:, 1::2]))
        above.append(truth > 100 * expit(np.median(mean, axis=0)))
    assert len(refused) <= MOST_REFUSED * panels, f"panels without a fit: {refused}"
    return np.array(inside), np.array(above)


def shares(family, panels, parameters):
    inside, above = held(family, panels, parameters)
    found = inside.mean(axis=(0, 1))
    said = ", ".join(f"{band:.0%}: {share:.1%}" for band, share in zip(BANDS, found, strict=True))
    print(f"{family}, {parameters}, {panels} panels: {said}; above the middle {above.mean():.1%}")
    return found, above.mean()


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("family", ["health", "labour"])
def test_intervals_hold_what_they_say_on_panels_from_the_model_itself(family):
    """Standard deviations are drawn from their prior for each panel, as the model has it."""
    found, above = shares(family, PANELS, "prior")
    np.testing.assert_allclose(found, BANDS, rtol=0, atol=0.03)
    assert above == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("family", ["health", "labour"])
def test_intervals_hold_no_less_with_the_fitted_parameters_in_every_panel(family):
    """One truth for all panels: where it lies off the prior's middle, the intervals hold more.

    They average over all that the prior allows, so they need not be exact for a single truth,
    but they have to be on the safe side.
    """
    found, _ = shares(family, PANELS // 3, "fitted")
    assert (found >= np.array(BANDS) - 0.03).all()
    assert (found <= np.array(BANDS) + 0.10).all()


@pytest.mark.slow
@pytest.mark.parametrize("family", ["health", "labour"])
def test_simulated_panels_look_like_the_readings(family):
    """The same number of values, in the same range, and different in every panel."""
    made = simulator(family)
    panels = np.array([made.panel(np.random.default_rng(seed))[0] for seed in range(100)])
    assert panels.shape == (100, len(made.source.table))
    assert (panels.std(axis=0) > 0.1).all()
    inside = (panels.min(axis=0) <= made.source.percent) & (
        made.source.percent <= panels.max(axis=0)
    )
    assert inside.mean() > 0.9
