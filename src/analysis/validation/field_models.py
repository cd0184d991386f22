"""Three published models as peers: small-area smoothing, a logistic transition, GPBoost.

Each sees the readings known at a fold's origin, of the provinces and of the country, and answers
with mean and standard deviation of the log odds of a reading. Their settings were written down
before a score of any of them was seen, and none was changed after. `make peers` keeps the answers
(`analysis.validation.libraries`), so that a report needs neither JAX nor GPBoost.

bym2
    BYM2 in space and a random walk of order 1 in time, with their interaction: the model of
    small-area estimation. Readings are normal on the log odds, so all effects are integrated out
    exactly and the standard deviations on points around their mode, as INLA does.
transition
    A logistic rise towards an asymptote with a pace of each province, and deviations that fade:
    the model of family planning, in NumPyro.
gpboost
    Boosted trees with a Gaussian process in time of each province.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from scipy.stats import norm, qmc

from analysis.forecast.known import Known
from analysis.validation.peers import PeerFailure, curve, indicator_of, pick, years
from analysis.validation.scores import Floats

#: Log odds by which the country's rate may differ from the common curve, and its readings' error.
_COUNTRY_OFFSET, _COUNTRY_ERROR = 0.2, 0.05
#: Prior width (log odds) of how far readings within the year lie from those of year-ends.
WITHIN_YEAR = 0.3
#: Time starts here: the years before hold no reading.
WALK_START = float(years(pd.Series([pd.Timestamp(2008, 12, 31)]))[0])
_FEWEST = 10

Answer = tuple[Floats, Floats, str]


@dataclass(frozen=True)
class ProvincePanel:
    """Readings of provinces and country as arrays, and the places that are asked for.

    z: (n,) log odds. t: years since 2000. unit: position of the province in `codes`, -1 for the
    country. within: 1 where the day is not the end of a year. asked_*: the same for the questions.
    region: (P,) number of each province's region. borders: (B, 2) positions of neighbours.
    """

    codes: tuple[str, ...]
    z: Floats
    t: Floats
    unit: np.ndarray
    within: Floats
    asked_t: Floats
    asked_unit: np.ndarray
    asked_within: Floats
    region: np.ndarray
    borders: np.ndarray


def province_panel(train: pd.DataFrame, queries: pd.DataFrame, known: Known) -> ProvincePanel:
    """The panel of one fold. Raises PeerFailure where there is too little to learn from."""
    indicator = indicator_of(queries)
    own = pick(train, indicator, "province_63")
    if len(own) < _FEWEST or own["province_code"].nunique() < 4:
        raise PeerFailure(f"{len(own)} readings are too few for a model of all provinces")
    try:
        country = pick(train, indicator, "country")
    except PeerFailure:
        country = own.iloc[:0]
    both = pd.concat([country, own], ignore_index=True)
    units = known.raw.provinces.sort_values("province_code")
    codes = tuple(units["province_code"])
    place = {code: i for i, code in enumerate(codes)}
    names = sorted(set(units["region"]))
    pairs = known.raw.adjacency[["code_a", "code_b"]].to_numpy()
    return ProvincePanel(
        codes=codes,
        z=both["z"].to_numpy(float),
        t=both["t"].to_numpy(float),
        unit=both["province_code"].map(place).fillna(-1).to_numpy(int),
        within=_within(both["as_of"]),
        asked_t=years(queries["as_of"]),
        asked_unit=queries["province_code"].map(place).to_numpy(int),
        asked_within=_within(queries["as_of"]),
        region=units["region"].map(names.index).to_numpy(int),
        borders=np.array([(place[a], place[b]) for a, b in pairs], int).reshape(-1, 2),
    )


def _within(days: pd.Series) -> Floats:
    return (~pd.to_datetime(days).dt.is_year_end).to_numpy(float)


def _mixture(mean: Floats, variance: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of mixtures of M normals: mean, variance (M, q), weight (M,)."""
    centre = weight @ mean
    return centre, np.sqrt(weight @ (variance + (mean - centre) ** 2))


# --------------------------------------------------------------------------------------------------
# BYM2 x random walk of order 1.
#
#     z = m + f(t) + b_i + d_i(t) + s [within the year] + e
# f: random walk of order 1, the country's curve. b: BYM2 in space (Riebler, Sorbye, Simpson and
# Rue 2016): sqrt(phi) of a scaled intrinsic conditional autoregression on the borders of provinces
# and sqrt(1 - phi) of independent effects. d: the same BYM2 correlation in space times a random
# walk of order 1 in time (Knorr-Held 2000). Walks sum to zero over the years read, as in INLA.
# Penalised-complexity priors: P(sd > 1) = 0.01 for each sd, P(phi < 0.5) = 2/3.
# The country's readings are those of m + f with an offset: what survey practice calls benchmarking.
# --------------------------------------------------------------------------------------------------

_RATE = -np.log(0.01)
#: Prior widths of the intercept, and the points over which the five hyperparameters are averaged.
_INTERCEPT, _POINTS = 10.0, 64
#: How much wider than the normal around the mode the points lie.
_WIDER = 1.3


def walk_to_zero(s: Floats, t: Floats, length: float) -> Floats:
    """Covariance (a, b) of a Wiener process on [0, length] less its mean there.

    The continuous form of a random walk of order 1 that sums to zero. Times beyond the end count
    on from there.
    """

    def with_mean(x: Floats) -> Floats:
        inside = np.minimum(x, length)
        found: Floats = inside - inside**2 / (2 * length)
        return found

    both = np.minimum(s[:, None], t[None])
    found: Floats = both - with_mean(s)[:, None] - with_mean(t)[None] + length / 3
    return found


def scaled_icar(n: int, borders: np.ndarray) -> Floats:
    """(n, n) covariance of an intrinsic autoregression, its variances with geometric mean one.

    A unit without neighbours gets an independent effect of variance one (Freni-Sterrantino,
    Ventrucci and Rue 2018). Each connected part sums to zero and is scaled by itself.
    """
    graph = np.zeros((n, n))
    graph[borders[:, 0], borders[:, 1]] = graph[borders[:, 1], borders[:, 0]] = 1
    out = np.zeros((n, n))
    for part in _connected(graph):
        if len(part) == 1:
            out[part, part] = 1.0
            continue
        own = graph[np.ix_(part, part)]
        inverse = np.linalg.pinv(np.diag(own.sum(axis=1)) - own, hermitian=True)
        out[np.ix_(part, part)] = inverse / np.exp(np.log(np.diag(inverse)).mean())
    return out


def _connected(graph: Floats) -> list[np.ndarray]:
    left, parts = set(range(len(graph))), []
    while left:
        seen: set[int] = set()
        waiting = [min(left)]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting.extend(np.flatnonzero(graph[one]).tolist())
        left -= seen
        parts.append(np.array(sorted(seen)))
    return parts


def phi_prior(icar: Floats) -> tuple[Floats, Floats]:
    """Points of phi and the log density of its penalised-complexity prior there.

    Distance from phi = 0 is sqrt(2 KLD), KLD = (phi sum(g - 1) - sum log(1 + phi (g - 1))) / 2
    with g the eigenvalues of the scaled covariance (Riebler and others 2016, appendix); it is
    exponential, its rate such that P(phi < 0.5) = 2/3.
    """
    phi = np.linspace(0.001, 0.999, 999)
    g = np.linalg.eigvalsh(icar) - 1
    kld = (phi * g.sum() - np.log1p(phi[:, None] * g).sum(axis=1)) / 2
    distance = np.sqrt(2 * np.maximum(kld, 1e-12))
    rate = -np.log(1 / 3) / np.interp(0.5, phi, distance)
    density = rate * np.exp(-rate * distance) * np.maximum(np.gradient(distance, phi), 1e-9)
    return phi, np.log(density)


class _Smoothing:
    """Covariances of readings (rows 0 to n) and questions (n to n + q), for given parameters."""

    def __init__(self, data: ProvincePanel) -> None:
        unit = np.concatenate([data.unit, data.asked_unit])
        t = np.concatenate([data.t, data.asked_t]) - WALK_START
        within = np.concatenate([data.within, data.asked_within])
        self.n, self.z = len(data.z), data.z
        nation = (unit < 0).astype(float)
        provinces = 1 - nation
        walk = walk_to_zero(t, t, float(t[: self.n].max()))
        icar = scaled_icar(len(data.codes), data.borders)
        space = np.where(np.outer(provinces, provinces) > 0, icar[np.ix_(unit, unit)], 0)
        same = np.outer(provinces, provinces) * (unit[:, None] == unit[None])
        self.fixed = (
            _INTERCEPT**2
            + _COUNTRY_OFFSET**2 * np.outer(nation, nation)
            + WITHIN_YEAR**2 * np.outer(within, within)
        )
        self.walk, self.space, self.same = walk, space, same
        self.nation = nation
        self.phi, self.phi_density = phi_prior(icar)

    def covariance(self, theta: Floats, rows: slice) -> Floats:
        """Covariance with the rows `rows`, without errors. theta: see `_log_posterior`."""
        f, b, d = np.exp(2 * theta[:3])
        phi = expit(theta[4])
        space = phi * self.space[:, rows] + (1 - phi) * self.same[:, rows]
        found: Floats = (
            self.fixed[:, rows] + f * self.walk[:, rows] + space * (b + d * self.walk[:, rows])
        )
        return found

    def noise(self, theta: Floats) -> Floats:
        """(n + q,) variance of the error of a reading."""
        return np.where(self.nation > 0, _COUNTRY_ERROR**2, np.exp(2 * theta[3]))

    def log_posterior(self, theta: Floats) -> float:
        """theta: log sds of walk, space, interaction and error, then the log odds of phi."""
        n = self.n
        k = self.covariance(theta, slice(0, n))[:n]
        k[np.diag_indices(n)] += self.noise(theta)[:n] + 1e-8
        try:
            factor = cho_factor(k, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            return -1e10
        likelihood = -0.5 * self.z @ cho_solve(factor, self.z, check_finite=False)
        likelihood -= np.log(np.diag(factor[0])).sum()
        phi = expit(theta[4])
        prior = (theta[:4] - _RATE * np.exp(theta[:4])).sum()
        prior += np.interp(phi, self.phi, self.phi_density) + np.log(phi * (1 - phi))
        return float(likelihood + prior)

    def answer(self, theta: Floats) -> tuple[Floats, Floats]:
        """Mean and variance (q,) of the readings that are asked for."""
        n = self.n
        both = self.covariance(theta, slice(0, n))
        k, across = both[:n].copy(), both[n:]
        noise = self.noise(theta)
        k[np.diag_indices(n)] += noise[:n] + 1e-8
        factor = cho_factor(k, lower=True, check_finite=False)
        mean = across @ cho_solve(factor, self.z, check_finite=False)
        asked = self.covariance(theta, slice(n, None))[n:]
        known = (across * cho_solve(factor, across.T, check_finite=False).T).sum(axis=1)
        return mean, np.maximum(np.diag(asked) - known, 1e-8) + noise[n:]


#: Where the search for the mode starts: log sds, then the log odds of phi.
_FIRST = np.array([np.log(0.15), np.log(0.4), np.log(0.1), np.log(0.15), 0.0])


def small_area(train: pd.DataFrame, queries: pd.DataFrame, known: Known) -> Answer:
    """Mean and sd (log odds) of each question by small-area smoothing, and a note."""
    return smoothed(province_panel(train, queries, known))


def smoothed(data: ProvincePanel) -> Answer:
    """The same from a panel."""
    model = _Smoothing(data)
    bounds = [(-5.0, 1.0)] * 4 + [(-4.0, 4.0)]
    top = minimize(lambda x: -model.log_posterior(x), _FIRST, method="L-BFGS-B", bounds=bounds).x
    spread = np.linalg.cholesky(_inverse_curvature(model, top)) * _WIDER
    uniform = qmc.Sobol(len(top), scramble=True, rng=20251231).random(_POINTS)
    normal = norm.ppf(np.clip(uniform, 1e-4, 1 - 1e-4))
    points = top + normal @ spread.T
    logs = np.array([model.log_posterior(x) for x in points]) + 0.5 * (normal**2).sum(axis=1)
    weight = np.exp(logs - logsumexp(logs))
    mean, variance = (np.array(part) for part in zip(*map(model.answer, points), strict=True))
    return *_mixture(mean, variance, weight), ""


def _inverse_curvature(model: _Smoothing, top: Floats, step: float = 0.05) -> Floats:
    """Inverse of minus the Hessian at the mode, by differences; no direction wider than a prior."""
    k = len(top)
    move = np.eye(k) * step
    hessian = np.empty((k, k))
    for i in range(k):
        for j in range(i + 1):
            corners = [
                a * b * model.log_posterior(top + a * move[i] + b * move[j])
                for a in (1, -1)
                for b in (1, -1)
            ]
            hessian[i, j] = hessian[j, i] = -sum(corners) / (4 * step**2)
    values, vectors = np.linalg.eigh(hessian)
    found: Floats = vectors @ np.diag(1 / np.maximum(values, 0.5)) @ vectors.T
    return found


# --------------------------------------------------------------------------------------------------
# A logistic transition, as family planning is estimated (Alkema, Kantorova, Menozzi and Biddlecom
# 2013, Lancet 381, 1642-1652, and its appendix).
#
#     z_i(t) = logit(A_i / (1 + exp(-(l_i + w_i (t - 2015))))) + eps_i(t) + s [within the year] + e
# A_i in 0.5 to 1: the asymptote. w_i in 0.01 to 0.5: the pace. l_i: where a unit stands in 2015.
# logit(2 A_i - 1), logit((w_i - 0.01) / 0.49) and l_i are normal around means that all share, l_i
# around those of regions. eps_i: an autoregression of order 1 on the log odds, in its continuous
# form. The country is one more unit. Deviations and errors are integrated out; the rest is sampled
# by NUTS in NumPyro. Kept are the mean and standard deviation of the log odds over all draws.
# --------------------------------------------------------------------------------------------------

_WARMUP, _DRAWS = 400, 400
#: Draws that answers are averaged over: every second one.
_THIN = 2
_YEAR_2015 = 15.0
#: A run whose worst R-hat is above this is named in the note of its answers.
WORST_RHAT = 1.05


@dataclass(frozen=True)
class _Padded:
    """Readings in rows of a unit each, (U, m): z, t, within, and 1 where a reading stands."""

    z: Floats
    t: Floats
    within: Floats
    there: Floats


def _padded(data: ProvincePanel) -> _Padded:
    units = np.where(data.unit < 0, len(data.codes), data.unit)
    most = int(np.bincount(units).max())
    fields = [np.zeros((len(data.codes) + 1, most)) for _ in range(4)]
    filled = np.zeros(len(data.codes) + 1, int)
    for row, unit in enumerate(units):
        values = (data.z[row], data.t[row], data.within[row], 1.0)
        for one, value in zip(fields, values, strict=True):
            one[unit, filled[unit]] = value
        filled[unit] += 1
    return _Padded(*fields)


def _transition_model(rows: _Padded, region: np.ndarray, regions: int) -> None:
    """The model in NumPyro. region: (U,) of each unit, -1 for the country."""
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from jax.scipy.linalg import solve_triangular

    units = len(region)
    sample = numpyro.sample

    def normals(name: str, count: int) -> Any:
        return sample(name, dist.Normal(0, 1).expand([count]).to_event(1))

    top = sample("top_mean", dist.Normal(2.5, 1.0)) + sample(
        "top_sd", dist.HalfNormal(0.7)
    ) * normals("top", units)
    pace = sample("pace_mean", dist.Normal(-1.0, 1.0)) + sample(
        "pace_sd", dist.HalfNormal(0.7)
    ) * normals("pace", units)
    by_region = sample("region_sd", dist.HalfNormal(0.7)) * normals("region", regions)
    start = sample("start_mean", dist.Normal(1.0, 1.5)) + sample(
        "start_sd", dist.HalfNormal(1.0)
    ) * normals("start", units)
    start = start + jnp.append(by_region, 0.0)[region]
    within = sample("within", dist.Normal(0, WITHIN_YEAR))
    kept = sample("kept", dist.Uniform(0, 1))
    fading = sample("fading_sd", dist.HalfNormal(0.3))
    error = sample("error_sd", dist.HalfNormal(0.2))

    mean = logistic_rise(rows.t, top[:, None], pace[:, None], start[:, None], jnp)
    residual = rows.there * (rows.z - mean - within * rows.within)
    apart = jnp.abs(rows.t[:, :, None] - rows.t[:, None])
    both = rows.there[:, :, None] * rows.there[:, None]
    matrix = both * fading**2 * jnp.exp(jnp.log(kept) * apart)
    own = jnp.where(rows.there > 0, error**2 + 1e-6, 1.0)
    factor = jnp.linalg.cholesky(matrix + own[:, :, None] * jnp.eye(rows.z.shape[1]))
    half = solve_triangular(factor, residual[:, :, None], lower=True)
    logs = jnp.log(jnp.diagonal(factor, axis1=1, axis2=2)).sum()
    numpyro.factor("readings", -0.5 * (half**2).sum() - logs)


def logistic_rise(t: Any, top: Any, pace: Any, start: Any, xp: Any = np) -> Any:
    """Log odds of a rise to an asymptote at `t` (years since 2000).

    top: log odds of where in 0.5 to 1 the asymptote lies. pace: log odds of where in 0.01 to 0.5
    the yearly pace lies. start: log odds of the share of the asymptote reached in 2015. xp: numpy,
    or jax.numpy.
    """
    asymptote = 0.5 + 0.5 / (1 + xp.exp(-top))
    speed = 0.01 + 0.49 / (1 + xp.exp(-pace))
    share = asymptote / (1 + xp.exp(-(start + speed * (t - _YEAR_2015))))
    return xp.log(share) - xp.log1p(-share)


def transition(train: pd.DataFrame, queries: pd.DataFrame, known: Known) -> Answer:
    """Mean and sd (log odds) of each question by the logistic transition, and a note."""
    data = province_panel(train, queries, known)
    rows = _padded(data)
    region = np.append(data.region, -1)
    drawn, worst = _sampled(rows, region, int(data.region.max()) + 1)
    means, variances = zip(*(_risen(draw, rows, region, data) for draw in drawn), strict=True)
    weight = np.full(len(drawn), 1 / len(drawn))
    note = f"R-hat of up to {worst:.2f}" if worst > WORST_RHAT else ""
    return *_mixture(np.array(means), np.array(variances), weight), note


def _sampled(
    rows: _Padded, region: np.ndarray, regions: int
) -> tuple[list[dict[str, Floats]], float]:
    """Draws of the parameters, and the worst split R-hat of those that all units share."""
    import jax
    from numpyro.diagnostics import split_gelman_rubin
    from numpyro.infer import MCMC, NUTS

    with jax.enable_x64(True):
        kernel = NUTS(_transition_model, target_accept_prob=0.9, max_tree_depth=7)
        run = MCMC(kernel, num_warmup=_WARMUP, num_samples=_DRAWS, progress_bar=False)
        run.run(jax.random.PRNGKey(20251231), rows, region, regions)
        found = {name: np.asarray(one, float) for name, one in run.get_samples().items()}
    shared = [one for one in found.values() if one.ndim == 1]
    worst = max(float(split_gelman_rubin(one[None])) for one in shared)
    return [{name: one[i] for name, one in found.items()} for i in range(0, _DRAWS, _THIN)], worst


def _risen(
    draw: dict[str, Floats], rows: _Padded, region: np.ndarray, data: ProvincePanel
) -> tuple[Floats, Floats]:
    """Mean and variance (q,) of the readings asked for, under one draw."""
    units = len(region)
    spread = {
        name: draw[f"{name}_mean"] + draw[f"{name}_sd"] * draw[name]
        for name in ("top", "pace", "start")
    }
    spread["start"] = spread["start"] + np.append(draw["region_sd"] * draw["region"], 0)[region]
    tau, error, kept = draw["fading_sd"] ** 2, draw["error_sd"] ** 2, float(draw["kept"])
    mean, variance = np.empty(len(data.asked_t)), np.empty(len(data.asked_t))
    for unit in range(units):
        asked = np.flatnonzero(data.asked_unit == unit)
        if not len(asked):
            continue
        level = [spread[name][unit] for name in ("top", "pace", "start")]
        own = rows.there[unit] > 0
        t, s = rows.t[unit, own], data.asked_t[asked]
        residual = rows.z[unit, own] - logistic_rise(t, *level)
        residual = residual - draw["within"] * rows.within[unit, own]
        matrix = tau * kept ** np.abs(t[:, None] - t[None]) + (error + 1e-6) * np.eye(len(t))
        across = tau * kept ** np.abs(s[:, None] - t[None])
        weight = np.linalg.solve(matrix, across.T).T
        mean[asked] = logistic_rise(s, *level) + weight @ residual
        mean[asked] += draw["within"] * data.asked_within[asked]
        variance[asked] = tau + error - (weight * across).sum(axis=1)
    return mean, np.maximum(variance, 1e-8)


# --------------------------------------------------------------------------------------------------
# GPBoost (Sigrist 2022, Journal of Machine Learning Research 23, 1-46).
#
# Distances from the country's curve on the log odds, as the benchmark carries it on: trees cannot
# go beyond what they have seen, so the curve has to. Trees see the date, the region, whether the
# day is the end of a year, and the province's characteristics as known. Every province has a
# Gaussian process in time of its own, with an exponential covariance that all share.
# --------------------------------------------------------------------------------------------------

#: The library's defaults but for smaller leaves and slower steps, as suits two hundred readings.
BOOSTING = {
    "objective": "regression_l2",
    "learning_rate": 0.05,
    "max_depth": 3,
    "num_leaves": 8,
    "min_data_in_leaf": 10,
    "verbose": -1,
    "seed": 1,
    "num_threads": 1,
    "deterministic": True,
}
_ROUNDS = 50
#: Where the search for the variances starts: error, process, and the range of the process in years.
_COVARIANCE = (0.03, 0.2, 3.0)
#: Years between two provinces, as the process sees them.
_FAR_APART = 1e4
CHARACTERISTICS = ("minority_share", "income_month", "urban_share", "poverty_rate")


def gpboost(train: pd.DataFrame, queries: pd.DataFrame, known: Known) -> Answer:
    """Mean and sd (log odds) of each question by boosted trees with random effects, and a note."""
    import gpboost as library

    from analysis.readings.covariates import covariate_table

    data = province_panel(train, queries, known)
    country = pick(train, indicator_of(queries), "country")
    own = data.unit >= 0
    traits = _traits(covariate_table(known.raw), data.codes)
    seen = _features(data.t[own], data.unit[own], data.within[own], data, traits)
    asked = _features(data.asked_t, data.asked_unit, data.asked_within, data, traits)
    effects = library.GPModel(
        gp_coords=_apart(data.unit[own], data.t[own]),
        cov_function="exponential",
        likelihood="gaussian",
    )
    effects.set_optim_params({"init_cov_pars": np.array(_COVARIANCE)})
    distance = data.z[own] - curve(country, data.t[own])
    booster = library.train(
        params=BOOSTING,
        train_set=library.Dataset(seen, label=distance),
        gp_model=effects,
        num_boost_round=_ROUNDS,
    )
    out = booster.predict(
        data=asked,
        gp_coords_pred=_apart(data.asked_unit, data.asked_t),
        predict_var=True,
        pred_latent=False,
    )
    mean = np.asarray(out["response_mean"], float) + curve(country, data.asked_t)
    sd = np.sqrt(np.asarray(out["response_var"], float))
    if not (np.isfinite(mean).all() and np.isfinite(sd).all()):
        raise PeerFailure("GPBoost gave no finite forecast")
    return mean, sd, ""


def _apart(unit: np.ndarray, t: Floats) -> Floats:
    """(n, 2) coordinates under which provinces lie too far apart to have anything in common.

    That is one process for each province; the library refuses clusters with a single reading.
    """
    return np.column_stack([_FAR_APART * unit, t])


def _features(
    t: Floats, unit: np.ndarray, within: Floats, data: ProvincePanel, traits: Floats
) -> Floats:
    region = np.eye(int(data.region.max()) + 1)[data.region[unit]]
    return np.column_stack([t, within, region, traits[unit]])


def _traits(table: pd.DataFrame, codes: tuple[str, ...]) -> Floats:
    """(P, C) the CHARACTERISTICS of the provinces; NaN where one is not known."""
    found: Floats = table.reindex(list(codes))[list(CHARACTERISTICS)].to_numpy(float)
    return found
