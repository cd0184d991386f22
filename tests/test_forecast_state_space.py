"""The dense likelihood of the readings is that of the state-space form of the same model.

Each component becomes states with exact discretisation over the days between two readings:
effects that last are constants with a loading, the random walk adds its variance, deviations
follow an Ornstein-Uhlenbeck process, and the nationwide momentum is its integral with the slope
as a second state. statsmodels filters the readings one by one, irregular dates and all.
"""

import itertools

import numpy as np
import pytest
from forecast_cases import QUICK, fitted, gathered
from scipy.linalg import block_diag
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from analysis.forecast import parts as rooms
from analysis.forecast.fit import JITTER, problem
from analysis.forecast.space import points


class Constant:
    """Effects that do not change: (n, r) loadings of r standard normal states."""

    def __init__(self, loadings, t):
        self.design = loadings[:, np.abs(loadings).max(axis=0) > 0]
        self.start = np.eye(self.design.shape[1])

    def step(self, gap):
        size = len(self.start)
        return np.eye(size), np.zeros((size, size))


class Walk(Constant):
    """A random walk that starts in 2009 at zero."""

    def __init__(self, loadings, t):
        super().__init__(loadings, t)
        self.start = self.start * (t[0] - 2009.0)

    def step(self, gap):
        return np.eye(len(self.start)), gap * np.eye(len(self.start))


class Fading(Constant):
    """An Ornstein-Uhlenbeck process with variance one."""

    def step(self, gap):
        keep = np.exp(-gap / QUICK.deviation_memory)
        return keep * np.eye(len(self.start)), (1 - keep**2) * np.eye(len(self.start))


class Momentum:
    """The integral from 2009 of an Ornstein-Uhlenbeck slope: states (level, slope)."""

    def __init__(self, loadings, t):
        self.design = np.column_stack([loadings[:, 0], np.zeros(len(t))])
        move, noise = self.step(t[0] - 2009.0)
        self.start = move @ np.diag([0.0, 1.0]) @ move.T + noise

    def step(self, gap):
        memory = QUICK.slope_memory
        keep = np.exp(-gap / memory)
        move = np.array([[1.0, memory * (1 - keep)], [0.0, keep]])
        level = memory**2 * (2 * gap / memory - 3 + 4 * keep - keep**2)
        both = memory * (1 - keep) ** 2
        return move, np.array([[level, both], [both, 1 - keep**2]])


KINDS = {
    "nationwide_walk": Walk,
    "ui_walk": Walk,
    "nationwide_momentum": Momentum,
    "deviation": Fading,
}


def filtered(parts, at, theta, noise, z):
    """Log likelihood by statsmodels; the readings come in the order of their dates."""
    order = np.argsort(at.t, kind="stable")
    t = at.t[order]
    blocks = [KINDS.get(p.name, Constant)(p.loading(at)[order], t) for p in parts]
    sds = np.exp(theta[: len(parts)])
    start = block_diag(*[sd**2 * b.start for sd, b in zip(sds, blocks, strict=True)])
    k, n = len(start), len(t)
    form = KalmanFilter(k_endog=1, k_states=k, k_posdef=k)
    form.bind(z[order][:, None].copy())
    moves, shocks = np.zeros((k, k, n)), np.zeros((k, k, n))
    for i, gap in enumerate([*np.diff(t), 0.0]):
        steps = [block.step(gap) for block in blocks]
        moves[:, :, i] = block_diag(*[move for move, _ in steps])
        shocks[:, :, i] = block_diag(
            *[sd**2 * shock for sd, (_, shock) in zip(sds, steps, strict=True)]
        )
    form["design"] = np.hstack([block.design for block in blocks]).T[None]
    form["obs_cov"] = noise[order][None, None]
    form["transition"], form["selection"], form["state_cov"] = moves, np.eye(k), shocks
    form.initialize_known(np.zeros(k), start)
    return form.loglike()


def few(family, count):
    """The first readings of a few provinces and the country: a case that is filtered quickly."""
    source = gathered(family)
    table = source.table
    own = sorted(set(table.loc[table["geo_level"] == "province_63", "province_code"]))[:6]
    rows = table["province_code"].isin(["00", *own]).to_numpy().nonzero()[0][:count]
    table = table.iloc[rows]
    at = points(table, source.units, source.settings, source.origin)
    parts = rooms.components(family, source.units, source.settings, step=False)
    share = source.percent[rows] / 100
    slope = 1 / (100 * share * (1 - share))
    z = np.log(share / (1 - share)) - 0.5 * at.size
    task = problem(parts, at, z, slope, table["half"].to_numpy(), table["error"].to_numpy())
    return parts, at, task


@pytest.mark.parametrize("family", ["health", "labour"])
def test_the_dense_likelihood_is_that_of_the_state_space_form(family):
    parts, at, task = few(family, 18)
    assert len(np.unique(np.diff(np.unique(at.t)))) > 5, "the dates have to be irregular"
    for theta in (task.prior_mean, task.prior_mean + np.resize([0.4, -0.6, 0.2], len(task.names))):
        dense = task.likelihood(theta)[0]
        assert abs(dense - filtered(parts, at, theta, task.noise(theta), task.z)) < 1e-6


def test_every_component_of_both_families_was_in_the_comparison():
    names = set(itertools.chain(*(few(family, 18)[2].names for family in ("health", "labour"))))
    assert {*KINDS, "province", "season_province", "persons_province", "ui_province"} <= names


def test_a_fitted_model_has_the_same_likelihood_in_both_forms():
    found = fitted("health")
    dense = found.problem.likelihood(found.theta)[0]
    noise = found.problem.noise(found.theta)
    other = filtered(found.parts, found.points, found.theta, noise, found.problem.z)
    assert abs(dense - other) < 1e-6


def test_leaving_out_the_momentum_would_be_noticed():
    parts, at, task = few("health", 18)
    theta = task.prior_mean
    less = theta.copy()
    less[task.names.index("nationwide_momentum")] -= 0.01
    dense = task.likelihood(theta)[0]
    assert abs(dense - filtered(parts, at, less, task.noise(theta), task.z)) > 1e-4
    assert JITTER > 0
