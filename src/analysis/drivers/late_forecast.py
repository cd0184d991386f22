"""Late payment at the end of the year: the chance of meeting a target, where evidence carries one.

One Gaussian model of the log rate: definition and season as fixed terms, a lasting level of each
province, a deviation that fades over about two years, and the error of one reading. Provinces are
independent given the terms. A unit gets a forecast where it has a like-for-like series or a target
of its own; elsewhere the table says why not.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis import geography, targets
from analysis.drivers import late_collections, late_data, late_levels
from analysis.drivers.late_changes import like_for_like
from analysis.facts import Raw
from analysis.inference import Components, SingularDesign, fit_components
from analysis.inference.components import indicator_matrix
from analysis.inference.least_squares import Array
from analysis.seeds import generator
from analysis.verdicts import verdict

#: Years over which a province's deviation fades to 37%. The data cannot tell 1 from 4 years.
FADING = 2.0
INDICATOR = "late_payment_rate"
_QUANTILES = (0.025, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.975)
COLUMNS = [
    "geo_level",
    "province_code",
    "indicator",
    "basis",
    "origin",
    "date",
    "scale",
    "mean",
    "sd",
    *(f"q{str(q)[2:].ljust(2, '0')}" for q in _QUANTILES),
    "target",
    "target_setter",
    "p_meets_true",
    "p_meets_reported",
    "persons_short",
    "verdict",
    "reason",
    "n_readings",
    "last_reading",
    "members_read",
    "members",
]


@dataclass(frozen=True)
class Model:
    """The fitted model: rows, terms, variances and the pieces that predictions need."""

    rows: pd.DataFrame
    names: tuple[str, ...]
    X: Array
    fit: Components
    inverse: Array
    residual: Array


def fit_model(rows: pd.DataFrame) -> Model:
    """Fit the model to rows of late_data (see the module for its form)."""
    rows = late_levels.usable(rows)
    X, names = late_levels.design(rows)
    codes = rows["province_code"].to_numpy(dtype=str)
    fading = _fading(codes, rows["as_of"], codes, rows["as_of"])
    # A little on the diagonal keeps readings of one day on two bases from being singular.
    root = np.linalg.cholesky(fading + 1e-6 * np.eye(len(rows)))
    y = np.log(rows["rate"].to_numpy())
    fit = fit_components(y, X, {"province": indicator_matrix(codes), "course": root}, names)
    V = _kernel(fit, codes, rows["as_of"], codes, rows["as_of"])
    V += fit.variances["residual"] * np.eye(len(rows))
    return Model(rows, names, X, fit, np.linalg.inv(V), y - X @ fit.beta)


def _fading(a: np.ndarray, when_a: pd.Series, b: np.ndarray, when_b: pd.Series) -> Array:
    days = np.abs(
        when_a.to_numpy(dtype="datetime64[D]")[:, None]
        - when_b.to_numpy(dtype="datetime64[D]")[None, :]
    )
    years = days.astype(float) / 365.25
    return (a[:, None] == b[None, :]) * np.exp(-years / FADING)


def _kernel(
    fit: Components, a: np.ndarray, when_a: pd.Series, b: np.ndarray, when_b: pd.Series
) -> Array:
    same = a[:, None] == b[None, :]
    course = fit.variances["course"] * _fading(a, when_a, b, when_b)
    return fit.variances["province"] * same + course


def predict(model: Model, codes: list[str], date: pd.Timestamp, term: dict) -> tuple[Array, Array]:
    """Mean (k,) and covariance (k, k) of the true log rates of provinces on a date.

    ``term`` holds basis, denominator and december as in late_data. Universal kriging: the
    uncertainty of the fixed terms is included (Cressie 1993, section 3.4).
    """
    at = np.array(codes)
    when = pd.Series([date] * len(codes))
    x = _design_row(model, term)
    X = np.tile(x, (len(codes), 1))
    own = model.rows["province_code"].to_numpy(dtype=str)
    cross = _kernel(model.fit, at, when, own, model.rows["as_of"])
    weights = cross @ model.inverse
    gap = X - weights @ model.X
    mean = X @ model.fit.beta + weights @ model.residual
    spread = _kernel(model.fit, at, when, at, when) - weights @ cross.T
    return mean, spread + gap @ model.fit.covariance @ gap.T


def _design_row(model: Model, term: dict) -> Array:
    wanted = {
        "constant",
        f"basis:{term['basis']}",
        f"denominator:{term['denominator']}",
        *(["december"] if term["december"] else []),
    }
    return np.array([float(name in wanted) for name in model.names])


def late_payment_forecasts(
    readings: pd.DataFrame,
    raw: Raw,
    origin: pd.Timestamp | None = None,
    due: str = "2025-12-31",
    draws: int = 4000,
) -> pd.DataFrame:
    """Forecasts of late payment for every unit that carries one, reasons for the others.

    With an origin, readings after it and targets announced after it do not exist; without one,
    the origin is the last reading and all targets of the tables are known. Targets do not enter
    the model. A unit has two rows, the true level and the value as it will be reported; units
    without a forecast have one row with the ``reason``. Rates in percent; columns COLUMNS.
    """
    known = targets.targets(raw)
    if origin is not None:
        known_on = pd.to_datetime(readings.get("known_on", readings["as_of"]))
        readings = readings[(known_on <= origin) & (readings["as_of"] <= origin)]
        known = targets.known_at(known, origin)
    rows = late_data.late_rows(readings, raw)
    last = rows["as_of"].max() if origin is None else pd.Timestamp(origin)
    wanted = _wanted(known, rows, last, pd.Timestamp(due), raw)
    model, size = fit_model(rows), late_collections.build(readings)
    found = [r for w in wanted for r in _unit_rows(w, model, size, last, draws)]
    table = pd.DataFrame(found).reindex(columns=COLUMNS)
    return table.sort_values(["geo_level", "province_code", "date", "scale"], ignore_index=True)


def _wanted(
    known: pd.DataFrame, rows: pd.DataFrame, last: pd.Timestamp, due: pd.Timestamp, raw: Raw
) -> list[dict]:
    """What is to be forecast: targets still ahead, like-for-like series, and the others."""
    late = known[(known["indicator"] == INDICATOR) & (known["due"] > last)]
    wanted = [_of_target(t, raw) for t in late.to_dict("records")]
    settled = {(w["geo_level"], w["province_code"]) for w in wanted}
    series = like_for_like(rows).groupby("province_code").tail(1).set_index("province_code")
    for code in sorted(raw.provinces["province_code"]):
        if ("province_63", code) in settled:
            continue
        unit = {"geo_level": "province_63", "province_code": code, "date": due, "target": np.nan}
        if code in series.index:
            own = series.loc[code]
            term = {"basis": own["basis"], "denominator": own["denominator"]}
            wanted.append({**unit, **term, "december": True, "reason": "no_target"})
        else:
            some = (rows["province_code"] == code).any()
            reason = "no_series_no_target" if some else "no_reading"
            wanted.append({**unit, "basis": "", "reason": reason})
    return wanted


def _of_target(target: dict, raw: Raw) -> dict:
    lines = [int(r) for r in str(target["facts"]).split(";")]
    said = set(raw.facts.loc[raw.facts["row"].isin(lines), "denominator"])
    return {
        "geo_level": target["geo_level"],
        "province_code": target["province_code"],
        "date": target["due"],
        "basis": late_data.BASES.get(target["basis"] or "unspecified", "unspecified"),
        "denominator": "plan" if said == {"plan"} else "receivable",
        "december": target["due"].month == 12,
        "target": target["value"],
        "target_setter": target["setter"],
        "reason": "",
    }


def _unit_rows(
    wanted: dict, model: Model, size: late_collections.Collections, origin: pd.Timestamp, draws: int
) -> list[dict]:
    head = {k: wanted.get(k) for k in ("geo_level", "province_code", "date", "basis", "target")}
    head |= {"indicator": INDICATOR, "origin": origin, "target_setter": wanted.get("target_setter")}
    merged = wanted["geo_level"] == "province_34"
    code = wanted["province_code"]
    members = list(geography.members(code)) if merged else [code]
    own = model.rows[model.rows["province_code"].isin(members)]
    head |= {
        "n_readings": len(own),
        "last_reading": own["as_of"].max(),
        "members_read": own["province_code"].nunique(),
        "members": len(members),
        "reason": wanted["reason"],
    }
    if wanted["reason"] in ("no_reading", "no_series_no_target"):
        return [head | {"verdict": verdict(None)}]
    if not len(own):
        return [head | {"verdict": verdict(None), "reason": "no_reading"}]
    true, reported = _draws(wanted, members, model, size, draws)
    p = {"p_meets_true": np.nan, "p_meets_reported": np.nan}
    if np.isfinite(wanted["target"]):
        p = {
            "p_meets_true": float((true <= wanted["target"]).mean()),
            "p_meets_reported": float((reported <= wanted["target"]).mean()),
        }
    head |= {**p, "verdict": verdict(p["p_meets_reported"])}
    return [head | _summary("true", true), head | _summary("reported", reported)]


def _draws(
    wanted: dict,
    members: list[str],
    model: Model,
    size: late_collections.Collections,
    draws: int,
) -> tuple[Array, Array]:
    """Draws of the unit's rate in percent: the true level, and with the error of a reading.

    A merged unit is the mean of its members weighted by collections, never of their rates alone;
    a member without collections takes the mean weight of the others.
    """
    rng = generator("late", "forecast", wanted["geo_level"], wanted["province_code"])
    mean, spread = predict(model, members, wanted["date"], wanted)
    root = np.linalg.cholesky(spread + 1e-9 * np.eye(len(spread)))
    drawn = mean + rng.normal(size=(draws, len(mean))) @ root.T
    bases = [size.base(code, wanted["date"].year) for code in members]
    known = [b.value for b in bases if b is not None]
    weights = np.array([b.value if b else np.mean(known) if known else 1.0 for b in bases])
    rate = np.exp(drawn) @ (weights / weights.sum())
    noise = rng.normal(0, np.sqrt(model.fit.variances["residual"]), size=draws)
    return rate, rate * np.exp(noise)


def _summary(scale: str, rate: Array) -> dict:
    values = np.quantile(rate, _QUANTILES)
    named = {c: float(v) for c, v in zip(COLUMNS[9:18], values, strict=True)}
    return {"scale": scale, "mean": float(rate.mean()), "sd": float(rate.std()), **named}


def rolling_score(rows: pd.DataFrame, fewest: int = 25) -> pd.DataFrame:
    """How good the model is: each reading predicted from the readings dated before it.

    Columns: province_code, as_of, rate, q10, q50, q90, inside80 (of the reported value), known
    (readings of the province before). Readings with fewer than ``fewest`` before them, on a basis
    or denominator not seen before, or at a time when the terms could not yet be told apart, are
    not predicted.
    """
    rows = late_levels.usable(rows).sort_values(["as_of", "province_code"], kind="stable")
    found = []
    for _, row in rows.iterrows():
        before = late_levels.usable(rows[rows["as_of"] < row["as_of"]])
        seen = row["basis"] in set(before["basis"]) and row["denominator"] in set(
            before["denominator"]
        )
        if len(before) >= fewest and seen:
            with suppress(SingularDesign):
                found.append(_scored(row, before))
    return pd.DataFrame(found)


def _scored(row: pd.Series, before: pd.DataFrame) -> dict:
    model = fit_model(before)
    code = row["province_code"]
    mean, spread = predict(model, [code], row["as_of"], row.to_dict())
    scale = np.sqrt(spread[0, 0] + model.fit.variances["residual"])
    low, middle, high = np.exp(stats.norm.ppf([0.1, 0.5, 0.9], mean[0], scale))
    return {
        **{k: row[k] for k in ("province_code", "as_of", "basis", "rate")},
        "q10": low,
        "q50": middle,
        "q90": high,
        "inside80": bool(low <= row["rate"] <= high),
        "known": int((before["province_code"] == code).sum()),
    }
