"""Late payment at the end of the year: the chance of meeting a target, where evidence carries one.

A province that was read before on the definition asked is forecast by its last value where that is
no worse than the model (late_scores.better); all others by the model. Ceilings pull: results heap
just under them.

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

from analysis.country import geography
from analysis.facts import Raw
from analysis.forecast.tables import QUANTILES
from analysis.inference import Components, SingularDesign, fit_components
from analysis.inference.components import indicator_matrix
from analysis.inference.regression import Array
from analysis.late_payment import data, levels
from analysis.late_payment.levels import LONGEST_GAP, like_for_like
from analysis.late_payment.scores import NO_PULL, CeilingPull, better, last_value_sd, pull
from analysis.readings import targets
from analysis.seeds import generator
from analysis.verdicts import verdict

#: Years over which a province's deviation fades to 37%. The data cannot tell 1 from 4 years.
FADING = 2.0
_INDICATOR = "late_payment_rate"
_COLUMNS = [
    "geo_level",
    "province_code",
    "indicator",
    "basis",
    "origin",
    "date",
    "scale",
    "mean",
    "sd",
    *QUANTILES,
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
    "method",
]
#: How long before its due day a ceiling of the past is forecast: from the middle of its year.
_AHEAD = pd.DateOffset(months=6)
#: Fewer rates than this carry no forecast of the past.
_FEWEST = 25


_SCORED = ["province_code", "as_of", "basis", "rate", "q10", "q50", "q90", "inside80", "sd"]
_SCORED += ["known", "last_value", "like_for_like", "definition_mean", "model"]


@dataclass(frozen=True)
class _Model:
    """The fitted model: rows, terms, variances and the pieces that predictions need."""

    rows: pd.DataFrame
    names: tuple[str, ...]
    X: Array
    fit: Components
    inverse: Array
    residual: Array


def fit_model(rows: pd.DataFrame) -> _Model:
    """Fit the model to rows of late_data (see the module for its form)."""
    rows = levels.usable_rates(rows)
    X, names = levels.level_design(rows)
    codes = rows["province_code"].to_numpy(dtype=str)
    fading = _fading(codes, rows["as_of"], codes, rows["as_of"])
    # A little on the diagonal keeps readings of one day on two bases from being singular.
    root = np.linalg.cholesky(fading + 1e-6 * np.eye(len(rows)))
    y = np.log(rows["rate"].to_numpy())
    fit = fit_components(y, X, {"province": indicator_matrix(codes), "course": root}, names)
    V = _kernel(fit, codes, rows["as_of"], codes, rows["as_of"])
    V += fit.variances["residual"] * np.eye(len(rows))
    return _Model(rows, names, X, fit, np.linalg.inv(V), y - X @ fit.beta)


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


def predict_rates(
    model: _Model, codes: list[str], date: pd.Timestamp, term: dict
) -> tuple[Array, Array]:
    """Mean (k,) and covariance (k, k) of the true log rates of provinces on a date.

    ``term`` holds basis, denominator, december and law as in late_data; a law under which no
    rate was read yet is taken to change nothing. Universal kriging: the
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


def _design_row(model: _Model, term: dict) -> Array:
    wanted = {
        "constant",
        f"basis:{term['basis']}",
        f"denominator:{term['denominator']}",
        *(["december"] if term["december"] else []),
        f"law:{term.get('law', 'before')}",
    }
    return np.array([float(name in wanted) for name in model.names])


@dataclass(frozen=True)
class Setting:
    """What forecasts of one origin are made of.

    last_value_sd: spread of the last value on the log scale, NaN where the model is used for all.
    ceiling: the pull under ceilings.
    """

    model: _Model
    size: data.Collections
    origin: pd.Timestamp
    draws: int
    last_value_sd: float = float("nan")
    ceiling: CeilingPull = NO_PULL


def late_payment_forecasts(
    readings: pd.DataFrame,
    raw: Raw,
    origin: pd.Timestamp | None = None,
    due: str | None = None,
    draws: int = 4000,
    score: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Forecasts of late payment for every unit that carries one, reasons for the others.

    With an origin, readings after it and targets announced after it do not exist; without one,
    the origin is the last reading and all targets of the tables are known. A target enters only as
    the ceiling under which the reported value is drawn. A unit has two rows, the true level and
    the value as it will be reported; units without a forecast have one row with the ``reason``.
    Rates in percent; columns COLUMNS.

    due: the day asked where a unit has no target; the next end of a year when not given.
    score: `rolling_score` of the rates known at the origin; made here when not given.
    """
    known = targets.targets(raw)
    readings = _known(readings, origin)
    known = known if origin is None else targets.announced_by(known, origin)
    rows = data.late_rows(readings, raw)
    last = rows["as_of"].max() if origin is None else pd.Timestamp(origin)
    day = pd.Timestamp(due) if due else pd.Timestamp((last + pd.Timedelta(days=1)).year, 12, 31)
    wanted = _wanted(known, rows, last, day, raw)
    record = past_ceilings(readings, raw, last, draws)
    score = rolling_score(rows) if score is None else score
    setting = Setting(
        fit_model(rows),
        data.build(readings),
        last,
        draws,
        last_value_sd(score) if better(score) == "last_value" else float("nan"),
        pull([(r["drawn"], r["target"], r["rate"]) for r in record]),
    )
    found = [r for w in wanted for r in _unit_rows(w, setting)]
    table = pd.DataFrame(found).reindex(columns=_COLUMNS)
    return table.sort_values(["geo_level", "province_code", "date", "scale"], ignore_index=True)


def _known(readings: pd.DataFrame, origin: pd.Timestamp | None) -> pd.DataFrame:
    if origin is None:
        return readings
    known_on = pd.to_datetime(readings.get("known_on", readings["as_of"]))
    return readings[(known_on <= origin) & (readings["as_of"] <= origin)]


def past_ceilings(
    readings: pd.DataFrame, raw: Raw, origin: pd.Timestamp, draws: int = 4000
) -> list[dict]:
    """Ceilings known and due by the origin that were reported on, each as forecast before its due.

    A result counts when the unit published a rate for the due day on the target's definition, or
    on any where one of the two does not say which. Entries: geo_level, province_code, due, basis,
    result_basis, target, rate, origin (of the forecast), drawn (draws of the reported rate before
    any pull), announced. The model of today is fitted to what was known AHEAD of the due day.
    Ceilings before which too little was known are left out.
    """
    known = targets.announced_by(targets.targets(raw), origin)
    late = known[(known["indicator"] == _INDICATOR) & (known["due"] <= origin)]
    seen = readings[
        (readings["indicator"] == _INDICATOR) & (readings["kind_of_evidence"] == "published")
    ]
    found = []
    for target in late.sort_values(["due", "geo_level", "province_code"]).to_dict("records"):
        wanted = _of_target(target, raw)
        result = _result_of(wanted, seen)
        if result is None:
            continue
        asked_on = target["due"] - _AHEAD
        then = _known(readings, asked_on)
        rows = levels.usable_rates(data.late_rows(then, raw))
        if len(rows) < _FEWEST:
            continue
        with suppress(SingularDesign):
            setting = Setting(fit_model(rows), data.build(then), asked_on, draws)
            reported = _draws(wanted, _members(wanted), setting)[1]
            found.append(
                {
                    **{k: wanted[k] for k in ("geo_level", "province_code", "basis", "target")},
                    "due": target["due"],
                    "announced": target["announced"],
                    "result_basis": result[0],
                    "rate": result[1],
                    "origin": asked_on,
                    "drawn": reported,
                }
            )
    return found


def _result_of(wanted: dict, seen: pd.DataFrame) -> tuple[str, float] | None:
    """Basis and value of the rate published for the due day of a ceiling; None where none fits."""
    rows = seen[
        (seen["geo_level"] == wanted["geo_level"])
        & (seen["province_code"] == wanted["province_code"])
        & (seen["as_of"] == wanted["date"])
    ]
    bases = (
        rows["basis"].replace("", "unspecified").fillna("unspecified").map(data.COMPARABLE_BASES)
    )
    rows = rows.assign(basis=bases).dropna(subset=["basis"])
    same = rows[rows["basis"] == wanted["basis"]]
    loose = rows[(rows["basis"] == "unspecified") | (wanted["basis"] == "unspecified")]
    for fitting in (same, loose):
        if len(fitting):
            return str(fitting["basis"].iloc[0]), float(fitting["value"].iloc[0])
    return None


def ceiling_scores(record: list[dict]) -> pd.DataFrame:
    """Chances of past ceilings beside what came: one row a ceiling, in the order of due days.

    Columns: geo_level, province_code, due, origin, target, rate, basis, result_basis, kept (bool),
    p (chance before any pull), p_pulled (with the pull of the ceilings due before it),
    brier, brier_pulled. record: of `past_ceilings`.
    """
    rows = []
    for case in record:
        earlier = [c for c in record if c["due"] < case["origin"]]
        pulled = pull([(c["drawn"], c["target"], c["rate"]) for c in earlier])
        met = targets.keeps(case["drawn"], case["target"])
        kept = targets.keeps(case["rate"], case["target"])
        p = float(met.mean())
        with_pull = float(pulled.weights(case["drawn"], case["target"]) @ met)
        names = ("geo_level", "province_code", "due", "origin", "target", "rate")
        rows.append(
            {
                **{name: case[name] for name in (*names, "basis", "result_basis")},
                "kept": kept,
                "p": p,
                "p_pulled": with_pull,
                "brier": (p - kept) ** 2,
                "brier_pulled": (with_pull - kept) ** 2,
            }
        )
    columns = ["geo_level", "province_code", "due", "origin", "target", "rate", "basis"]
    columns += ["result_basis", "kept", "p", "p_pulled", "brier", "brier_pulled"]
    return pd.DataFrame(rows, columns=columns)


def _wanted(
    known: pd.DataFrame, rows: pd.DataFrame, last: pd.Timestamp, due: pd.Timestamp, raw: Raw
) -> list[dict]:
    """What is to be forecast: targets still ahead, like-for-like series, and the others."""
    late = known[(known["indicator"] == _INDICATOR) & (known["due"] > last)]
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
            term["law"] = str(data.under_law(pd.Series([due]))[0])
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
        "basis": data.COMPARABLE_BASES.get(target["basis"] or "unspecified", "unspecified"),
        "denominator": "plan" if said == {"plan"} else "receivable",
        "december": target["due"].month == 12,
        "law": str(data.under_law(pd.Series([target["due"]]))[0]),
        "target": target["value"],
        "target_setter": target["setter"],
        "reason": "",
    }


def _members(wanted: dict) -> list[str]:
    code = wanted["province_code"]
    return geography.members(code) if wanted["geo_level"] == "province_34" else [code]


def _unit_rows(wanted: dict, setting: Setting) -> list[dict]:
    head = {k: wanted.get(k) for k in ("geo_level", "province_code", "date", "basis", "target")}
    head |= {"indicator": _INDICATOR, "origin": setting.origin}
    head |= {"target_setter": wanted.get("target_setter")}
    members = _members(wanted)
    rows = setting.model.rows
    own = rows[rows["province_code"].isin(members)]
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
    true, reported = _draws(wanted, members, setting)
    by_last = [_last_value(wanted, code, setting) is not None for code in members]
    head["method"] = "last_value" if all(by_last) else "mixed" if any(by_last) else "model"
    p = {"p_meets_true": np.nan, "p_meets_reported": np.nan}
    even = np.full(len(reported), 1 / len(reported))
    pulled = even
    if np.isfinite(wanted["target"]):
        pulled = setting.ceiling.weights(reported, wanted["target"])
        p = {
            "p_meets_true": float(targets.keeps(true, wanted["target"]).mean()),
            "p_meets_reported": float(pulled @ targets.keeps(reported, wanted["target"])),
        }
    head |= {**p, "verdict": verdict(p["p_meets_reported"])}
    return [head | _summary("true", true, even), head | _summary("reported", reported, pulled)]


def _last_value(wanted: dict, code: str, setting: Setting) -> float | None:
    """The last rate of a province on the definition asked, percent; None where the model is used.

    Not older than the longest change that is compared, and under the law before July 2025 unless
    the province was read since.
    """
    if not np.isfinite(setting.last_value_sd):
        return None
    rows = setting.model.rows
    own = rows[(rows["province_code"] == code) & (rows["basis"] == wanted["basis"])]
    own = own[own["as_of"] >= setting.origin - pd.Timedelta(days=LONGEST_GAP)]
    return float(own.sort_values("as_of")["rate"].iloc[-1]) if len(own) else None


def _draws(wanted: dict, members: list[str], setting: Setting) -> tuple[Array, Array]:
    """Draws of the unit's rate in percent: the true level, and with the error of a reading.

    A merged unit is the mean of its members weighted by collections, never of their rates alone;
    a member without collections takes the mean weight of the others.
    """
    model, draws = setting.model, setting.draws
    rng = generator("late", "forecast", wanted["geo_level"], wanted["province_code"])
    mean, spread = predict_rates(model, members, wanted["date"], wanted)
    noise = model.fit.variances["residual"]
    for i, code in enumerate(members):
        last = _last_value(wanted, code, setting)
        if last is not None:
            # The spread of the last value is that of printed rates; one reading's error is in it.
            own = setting.last_value_sd**2
            mean[i] = np.log(last)
            spread[i, :] = spread[:, i] = 0.0
            spread[i, i] = max(own - noise, 0.25 * own)
    root = np.linalg.cholesky(spread + 1e-9 * np.eye(len(spread)))
    drawn = mean + rng.normal(size=(draws, len(mean))) @ root.T
    bases = [setting.size.base(code, wanted["date"].year) for code in members]
    known = [b.value for b in bases if b is not None]
    weights = np.array([b.value if b else np.mean(known) if known else 1.0 for b in bases])
    rate = np.exp(drawn) @ (weights / weights.sum())
    return rate, rate * np.exp(rng.normal(0, np.sqrt(noise), size=draws))


def _summary(scale: str, rate: Array, weight: Array) -> dict:
    """Quantiles, mean and standard deviation of draws (D,) with weights that add up to 1."""
    order = np.argsort(rate, kind="stable")
    middle = weight[order].cumsum() - weight[order] / 2
    values = np.interp(list(QUANTILES.values()), middle, rate[order])
    named = dict(zip(QUANTILES, values.tolist(), strict=True))
    mean = float(weight @ rate)
    sd = float(np.sqrt(weight @ (rate - mean) ** 2))
    return {"scale": scale, "mean": mean, "sd": sd, **named}


def rolling_score(rows: pd.DataFrame, fewest: int = _FEWEST) -> pd.DataFrame:
    """How good forecasts are: each reading predicted from the readings dated before it.

    Columns: province_code, as_of, basis, rate, q10, q50, q90 and inside80 (of the reported value,
    by the model), sd (of its log), known (readings of the province before), and the forecasts in
    percent that `late_scores` compares: last_value (of the province on the basis, NaN where there
    is none; like_for_like says whether it is on the same denominator too), definition_mean
    (geometric mean of the basis) and model. Readings with fewer than
    ``fewest`` before them, on a basis or denominator not seen before, or at a time when the terms
    could not yet be told apart, are not predicted.
    """
    rows = levels.usable_rates(rows).sort_values(["as_of", "province_code"], kind="stable")
    found = []
    for _, row in rows.iterrows():
        before = levels.usable_rates(rows[rows["as_of"] < row["as_of"]])
        seen = row["basis"] in set(before["basis"]) and row["denominator"] in set(
            before["denominator"]
        )
        if len(before) >= fewest and seen:
            with suppress(SingularDesign):
                found.append(_scored(row, before))
    return pd.DataFrame(found, columns=_SCORED)


def _scored(row: pd.Series, before: pd.DataFrame) -> dict:
    model = fit_model(before)
    code = row["province_code"]
    mean, spread = predict_rates(model, [code], row["as_of"], row.to_dict())
    scale = np.sqrt(spread[0, 0] + model.fit.variances["residual"])
    low, middle, high = np.exp(stats.norm.ppf([0.1, 0.5, 0.9], mean[0], scale))
    same = before[before["basis"] == row["basis"]]
    own = same[same["province_code"] == code].sort_values("as_of", kind="stable")
    usual = own["denominator"].replace({"unstated": "receivable"})
    like = own[usual == {"unstated": "receivable"}.get(row["denominator"], row["denominator"])]
    return {
        **{k: row[k] for k in ("province_code", "as_of", "basis", "rate")},
        "q10": low,
        "q50": middle,
        "q90": high,
        "inside80": bool(low <= row["rate"] <= high),
        "sd": float(scale),
        "known": int((before["province_code"] == code).sum()),
        "last_value": float(own["rate"].iloc[-1]) if len(own) else np.nan,
        "like_for_like": bool(len(like) and like.index[-1] == own.index[-1]),
        "definition_mean": float(np.exp(np.log(same["rate"]).mean())),
        "model": middle,
    }
