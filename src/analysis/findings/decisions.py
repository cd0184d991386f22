"""What chapter 03 says of July 2021 and October 2023, in points and with provinces by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.drivers.decisions import Decisions
from analysis.drivers.study import CoverageDrivers
from analysis.drivers.windows import (
    GIVEN,
    HIT,
    LOSS,
    RECOVERY,
    REMAINING,
    TAKEN,
    UNTOUCHED,
    effect_in_points,
)
from analysis.report.results import Result

_FORMATS = {
    "estimate": "signed2",
    "low": "signed2",
    "high": "signed2",
    "points": "signed1",
    "points_at_mean": "signed1",
    "dealt": "p_value",
    "wild_p": "p_value",
    "n": "integer",
    "clusters": "integer",
    "provinces": "integer",
    "with_many": "integer",
    "untouched": "integer",
    "multiple": "number1",
    "start": "short_date",
    "date": "short_date",
    "correlation": "number1",
    "by_stand_in": "number2",
    "by_lists": "number2",
    "by_lists_63": "number2",
    "power": "probability",
    "power_lists": "probability",
    "power_63": "probability",
}
_WORDS = {
    "design": "estimator",
    "beside": "beside",
    "driver": "driver",
    "term": "driver",
    "effect": "decision_effect",
    "window": "window",
    "period": "window",
}
#: Multiples of the step before at which the bounds are shown.
_SHOWN = (0.0, 0.5, 1.0, 1.5, 2.0)
#: The correlation of stand-in and lists that the sentence supposes.
_SUPPOSED = 0.7
_OWN = {"own": "left_lists", "stand_in": "minority"}
#: A recovery without any sign of chance, of some chance, and of too much.
_FIRM, _LIKELY = 0.05, 0.20


def _result(name: str, table: pd.DataFrame, phrases: list, **formats: str) -> Result:
    table = table.replace([np.inf, -np.inf], np.nan).reset_index(drop=True)
    used = {c: f for c, f in {**_FORMATS, **formats}.items() if c in table}
    words = {c: w for c, w in _WORDS.items() if c in table}
    return Result(name, table, phrases, used, words, "decisions")


def _estimate(d: Decisions, term: str, design: str = "windows", beside: str = "") -> pd.Series:
    rows = d.estimates[(d.estimates["term"] == term) & (d.estimates["design"] == design)]
    return rows[rows["beside"] == (beside or "main design")].iloc[0]


def _ends(row: pd.Series) -> tuple[float, float]:
    """The interval that inverts the bootstrap test; an end that it never reaches by CR3."""
    reach = 2.1 * float(row["standard_error"])
    low, high = float(row["low"]), float(row["high"])
    centre = float(row["estimate"])
    return (
        low if np.isfinite(low) else centre - reach,
        high if np.isfinite(high) else centre + reach,
    )


def _by(table: pd.DataFrame, column: str) -> dict[Any, dict[str, Any]]:
    """The rows of a table as mappings, by one of its columns."""
    return dict(zip(table[column], table.to_dict("records"), strict=True))


def _unit(c: CoverageDrivers) -> float:
    """Points of minority share in one standard deviation."""
    row = _by(c.units, "driver")["minority"]
    return float(row["above"] - row["middle"])


def loss(c: CoverageDrivers) -> Result:
    """How far provinces fell behind when the cards stopped, by design."""
    d = c.decisions
    main = _estimate(d, LOSS, "one_row")
    start = float(d.designs["start"].iloc[0])
    low, high = _ends(main)
    row = _by(d.designs, "design")["one_row"]
    values = {
        "per": _unit(c),
        "points": -effect_in_points(float(main["estimate"]), start),
        "low": -effect_in_points(high, start),
        "high": -effect_in_points(low, start),
        "start": start,
        "n": int(main["n"]),
        "p": float(main["wild_p"]),
        "dealt": float(row["dealt"]),
    }
    columns = ["design", "estimate", "low", "high", "points", "points_at_mean", "dealt"]
    table = d.designs[[*columns, "n", "clusters"]]
    return _result("loss_by_design", table, [("decisions.loss", values)])


def country(c: CoverageDrivers) -> Result:
    """The line through the provinces beside the country's own figures."""
    at = c.decisions.country
    values = {k: at[k] for k in ("first", "last", "share", "gap", "low", "high")}
    key = "country" if at["agrees"] else "country_apart"
    table = pd.DataFrame([at[["share", "first", "last", "gap", "low", "high"]]]).astype(float)
    formats = {"share": "percent1", "first": "percent2", "last": "percent2", "gap": "signed1"}
    formats |= {"low": "signed1", "high": "signed1"}
    return _result("country_beside", table, [(f"decisions.{key}", values)], **formats)


def last_edition(c: CoverageDrivers) -> Result:
    """The claim of the last edition, and why it was too large."""
    last = c.decisions.last_edition
    values = {k: float(v) for k, v in last.items()}
    values["last"] = float(c.decisions.country["last"])
    values["by_start"] = values["above"] - values["moved"]
    values["by_trend"] = values["moved"] - values["now"]
    table = pd.DataFrame([values])[["above", "moved", "now", "fold", "implied"]]
    formats = dict.fromkeys(("above", "moved", "now", "fold"), "number1")
    phrases = [("decisions.last_edition", values)]
    return _result("last_edition", table, phrases, implied="percent1", **formats)


def last_edition_why(c: CoverageDrivers) -> Result:
    """What of the difference comes from the start, and what from the straight trend."""
    values = dict(last_edition(c).phrases[0][1])
    table = pd.DataFrame([values])[["start", "by_start", "by_trend"]]
    formats = {"start": "percent1", "by_start": "number1", "by_trend": "number1"}
    return _result("last_edition_why", table, [("decisions.last_edition_why", values)], **formats)


def named(c: CoverageDrivers, place: int) -> Result:
    """A named province before, between and after the two decisions: the nearest readings."""
    d = c.decisions
    code = d.named[place]
    rows = d.readings[d.readings["province_code"] == code].sort_values("as_of")
    day = rows["as_of"]
    three = [
        rows[day < TAKEN].iloc[-1],
        rows[(day >= TAKEN) & (day < GIVEN)].iloc[0],
        rows[day >= GIVEN].iloc[0],
    ]
    values: dict[str, object] = {"province": f"province_63/{code}"}
    for name, row in zip(("before", "between", "after"), three, strict=True):
        values |= {name: float(row["value"]), f"{name}_on": row["as_of"]}
    table = pd.DataFrame(three)[["as_of", "value", "country", "gap"]]
    formats = {"as_of": "short_date", "value": "percent1", "country": "percent1", "gap": "signed1"}
    return _result(f"named_{place + 1}", table, [("decisions.named", values)], **formats)


def path(c: CoverageDrivers) -> Result:
    """The slope on the minority share by window, in points from where those provinces stood."""
    d = c.decisions
    start = float(d.designs["start"].iloc[0])
    table = d.path.copy()
    for name in ("estimate", "low", "high"):
        table[f"points_{name}"] = [effect_in_points(v, start) for v in table[name]]
    values = {
        "per": _unit(c),
        **{
            f"at_{w}": float(p)
            for w, p in zip(table["window"], table["points_estimate"], strict=True)
        },
    }
    columns = ["window", "start", "points_estimate", "points_low", "points_high"]
    formats = dict.fromkeys(columns[2:], "signed1")
    shown = table[[*columns, "provinces", "with_many"]]
    return _result("path_by_window", shown, [("decisions.path", values)], **formats)


def strength(c: CoverageDrivers) -> str:
    """How firmly the recovery after Decree 75 stands.

    strong: the main design passes 5%, and so it does without each province and beside a trend by
    minority share. moderate: the main design passes 5% and the sign holds in all of these. weak:
    the sign holds and the main design passes 20%. Else none.
    """
    d = c.decisions
    main = _estimate(d, RECOVERY)
    trend = _estimate(d, RECOVERY, beside="minority trend")
    same = min(d.left_out["recovery"].min(), float(trend["estimate"])) > 0
    worst = max(float(d.left_out["p_recovery"].max()), float(trend["wild_p"]))
    p = float(main["wild_p"])
    if float(main["estimate"]) <= 0 or not same or not p <= _LIKELY:
        return "none"
    if p > _FIRM:
        return "weak"
    return "strong" if worst <= _FIRM else "moderate"


def restoration(c: CoverageDrivers) -> Result:
    """The recovery after Decree 75, and how well it stands trial."""
    d = c.decisions
    main, trend = _estimate(d, RECOVERY), _estimate(d, RECOVERY, beside="minority trend")
    remaining = _estimate(d, REMAINING)
    before = float(d.designs["start"].iloc[0])
    start = before + effect_in_points(float(_estimate(d, LOSS)["estimate"]), before)
    low, high = _ends(main)
    worst = d.left_out.sort_values(["p_recovery", "province_code"]).iloc[-1]
    values = {
        "per": _unit(c),
        "points": effect_in_points(float(main["estimate"]), start),
        "low": effect_in_points(low, start),
        "high": effect_in_points(high, start),
        "remaining": -effect_in_points(float(remaining["estimate"]), before),
        "p": float(main["wild_p"]),
        "worst": float(worst["p_recovery"]),
        "without": f"province_63/{worst['province_code']}",
        "trend": float(trend["wild_p"]),
        "strength": f"strength.{strength(c)}",
    }
    table = d.estimates[["term", "design", "beside", "estimate", "low", "high", "wild_p", "n"]]
    key = "restoration_open" if strength(c) == "none" else "restoration"
    return _result("restoration", table, [(f"decisions.{key}", values)])


def without_each(c: CoverageDrivers) -> Result:
    """The recovery on trial: loss and recovery without each province, and beside a trend."""
    table = c.decisions.left_out
    values = dict(restoration(c).phrases[0][1])
    values["loss_least"] = float(table["loss"].max())
    values["recovery_least"] = float(table["recovery"].min())
    formats = {"loss": "signed2", "recovery": "signed2", "p_recovery": "p_value"}
    ending = "_open" if strength(c) == "none" else ""
    phrases = [(f"decisions.restoration_trial{ending}", values)]
    found = _result("without_each", table, phrases, **formats)
    return replace(found, words={**found.words, "province_code": "unit"})


def bounds(c: CoverageDrivers) -> Result:
    """How far parallel courses may be wrong before the loss is no longer clear of zero."""
    table, start = c.decisions.bounds, float(c.decisions.designs["start"].iloc[0])
    losses = table[table["effect"] == "loss"]
    own, clear = _by(losses, "multiple"), losses.loc[losses["high"] < 0, "multiple"]
    values = {
        "step": effect_in_points(float(own[1.0]["step"]), start),
        "multiple": float(clear.max()) if len(clear) else 0.0,
        "low": effect_in_points(float(own[1.0]["low"]), start),
        "high": effect_in_points(float(own[1.0]["high"]), start),
    }
    shown = table[table["multiple"].isin(_SHOWN)].drop(columns="step").copy()
    for name in ("estimate", "low", "high"):
        shown[name] = [effect_in_points(v, start) for v in shown[name]]
    key = "bounds" if len(clear) else "bounds_none"
    formats = dict.fromkeys(("estimate", "low", "high"), "signed1")
    return _result("bounds", shown, [(f"decisions.{key}", values)], **formats)


def placebo(c: CoverageDrivers) -> Result:
    """The same comparison at dates when nothing was decided."""
    table = c.decisions.placebo
    done = table[table["note"] == ""]
    away = int(((done["low"] > 0) | (done["high"] < 0)).sum())
    values: dict[str, object] = {"dates": len(done), "tried": len(table), "away": away}
    if len(done):
        values |= {"low": float(done["estimate"].min()), "high": float(done["estimate"].max())}
    key = "placebo" if len(done) else "placebo_none"
    shown = table[["date", "estimate", "low", "high", "n"]]
    return _result("placebo_of_changes", shown, [(f"decisions.{key}", values)])


def hit(c: CoverageDrivers) -> Result:
    """Hit provinces against those that the lists hardly touch."""
    table = c.decisions.hit.sort_values("period", ascending=False)
    rows = _by(table, "period")
    between, after = rows["between"], rows["after"]
    values = {
        "points": -float(between["points"]),
        "low": -float(between["high"]),
        "high": -float(between["low"]),
        "after": -float(after["points"]),
        "hit": HIT,
        "untouched": UNTOUCHED,
    }
    shown = table[["period", "points", "low", "high", "provinces", "untouched"]]
    formats = {"low": "signed1", "high": "signed1"}
    return _result("hit_provinces", shown, [("decisions.hit", values)], **formats)


def poverty(c: CoverageDrivers) -> Result:
    """The minority share and poverty side by side: what cannot be told apart."""
    table = c.decisions.rivals
    both = _by(table[table["beside"] == "together"], "driver")
    minority, poor = both["minority"], both["poverty"]
    told = bool(minority["high"] < 0 and poor["low"] <= 0 <= poor["high"])
    values = {
        "correlation": float(poor["correlation"]),
        "n": int(poor["n"]),
        "minority": float(minority["estimate"]),
        "poverty": float(poor["estimate"]),
        "low": float(poor["low"]),
        "high": float(poor["high"]),
    }
    key = "poverty" if told else "poverty_open"
    shown = table[["driver", "beside", "estimate", "low", "high", "n"]]
    return _result("poverty_or_minority", shown, [(f"decisions.{key}", values)])


def poverty_limits(c: CoverageDrivers) -> Result:
    """What effect of poverty would fit the data as well."""
    found = poverty(c)
    return replace(
        found, name="poverty_limits", phrases=[("decisions.poverty_limits", found.phrases[0][1])]
    )


def power(c: CoverageDrivers) -> Result:
    """What the lists of communes would add; where they are there, what they say."""
    table, lists = c.decisions.power, c.decisions.lists
    own = table[(table["effect"] == "recovery") & (table["correlation"] == _SUPPOSED)].iloc[0]
    values: dict[str, object] = {
        "correlation": _SUPPOSED,
        "now": float(own["power"]),
        "lists": float(own["power_lists"]),
        "all": float(own["power_63"]),
    }
    phrases = [("decisions.power", values)]
    if lists is not None:
        both = _by(lists[lists["beside"] == "together"], "driver")
        values |= {name: both[driver]["estimate"] for name, driver in _OWN.items()}
        values["linked"] = float(lists["correlation"].iloc[0])
        phrases.append(("decisions.lists", values))
    return _result("power_of_lists", table, phrases)
