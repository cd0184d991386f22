"""What chapter 04 says: each finding as one object with its table and its sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.findings.coverage import reading_anchor
from analysis.late_payment import scores as late_payment_scores
from analysis.late_payment.study import LatePayment
from analysis.report.results import Result

_FORMATS = {
    "share": "share0",
    "low": "number2",
    "high": "number2",
    "factor": "number2",
    "n": "integer",
    "days": "number1",
    "rank": "integer",
    "rank_low": "integer",
    "rank_high": "integer",
    "start": "short_date",
    "end": "short_date",
    "as_of": "short_date",
    "date": "short_date",
    "rate": "percent2",
    "rate0": "percent2",
    "rate1": "percent2",
    "ratio": "number2",
    "estimate": "signed2",
    "standard_error": "number2",
    "wild_p": "p_value",
    "permutation_p": "p_value",
    "q": "p_value",
    "p": "p_value",
    "minimum_detectable": "number2",
    "clusters": "integer",
    "reporting": "signed2",
    "silent": "signed2",
    "difference": "signed2",
    "target": "percent2",
    "q10": "percent1",
    "q50": "percent1",
    "q90": "percent1",
    "p_meets_true": "probability",
    "p_meets_reported": "probability",
}
_WORDS = {
    "province_code": "unit",
    "basis": "late_basis",
    "lower_basis": "late_basis",
    "higher_basis": "late_basis",
    "to": "late_basis",
    "source": "late_source",
    "measure": "late_source",
    "evidence": "late_evidence",
    "denominator": "late_basis",
    "base_step": "late_step",
    "driver": "driver",
    "target_setter": "setter",
    "verdict": "verdict",
    "reason": "late_reason",
    "test": "test",
    "geo_level": "late_level",
}


def _result(name: str, table: pd.DataFrame, phrases: list, **formats: str) -> Result:
    table = table.replace([np.inf, -np.inf], np.nan).reset_index(drop=True)
    used = {c: f for c, f in {**_FORMATS, **formats}.items() if c in table}
    words = {c: w for c, w in _WORDS.items() if c in table}
    return Result(name, table, phrases, used, words, "late")


def data(late: LatePayment) -> Result:
    """The data set: how many rates, from what evidence."""
    rows = late.rows
    table = rows.groupby(["evidence", "base_step"], as_index=False).agg(
        n=("rate", "size"), provinces=("province_code", "nunique")
    )
    values = {
        "n": len(rows),
        "stated": int((rows["evidence"] == "stated").sum()),
        "provinces": rows["province_code"].nunique(),
        "province_years": rows.groupby(["province_code", "year"]).ngroups,
        "unused": [f"province_63/{code}" for code in late.unused],
        "bases": rows["basis"].nunique(),
        "in_2021": int((rows["year"] == 2021).sum()),
    }
    return _result("late_data", table, [("late.data", values)], provinces="integer")


def lineage(late: LatePayment) -> Result:
    """Every rate with its definition and the readings behind it."""
    columns = ["province_code", "as_of", "rate", "basis", "denominator", "evidence", "base_step"]
    table = late.rows[[*columns, "readings"]].copy()
    first = table["readings"].str.split(";").str[0]
    table["mark"] = [
        f"province_63/{code}#{reading_anchor(reading)}"
        for code, reading in zip(table["province_code"], first, strict=True)
    ]
    result = _result("late_lineage", table, [])
    return replace(result, evidence={"rate": "mark"}, hidden=["readings"])


def variance(late: LatePayment) -> Result:
    """Where the differences between published rates come from."""
    table = late.variance.sort_values("share", ascending=False)
    named = late.variance.set_index("source").to_dict("index")
    values = {
        f"{source}{suffix}": float(named[source][column])
        for source in ("basis", "province", "year")
        for suffix, column in (("", "share"), ("_low", "low"), ("_high", "high"))
    }
    return _result("late_variance", table, [("late.variance", values)], low="share0", high="share0")


def conversions(late: LatePayment) -> Result:
    """Factors between definitions, and pairs of the same province in the same weeks."""
    pairs, named = late.same_weeks, late.conversions.set_index("to")["factor"]
    values = {
        "pairs": len(pairs),
        "median": float(pairs["ratio"].median()),
        "largest": float(pairs["ratio"].max()),
        "total": named["total"],
        "one_month": named["one_month"],
        "six_months": named["six_months"],
        "plan": named["plan"],
        "december": named["december"],
    }
    return _result("late_conversions", late.conversions, [("late.conversions", values)])


def same_weeks(late: LatePayment) -> Result:
    """One province, the same weeks, two definitions."""
    table = late.same_weeks.sort_values(["ratio", "province_code"], ascending=[False, True])
    return _result("late_same_weeks", table, [])


def levels(late: LatePayment) -> Result:
    """Province levels on one footing in days of contributions, with rank intervals."""
    table, first, last = late.levels, late.levels.iloc[0], late.levels.iloc[-1]
    width = (table["rank_high"] - table["rank_low"]).median()
    values = {
        "provinces": len(table),
        "first": f"province_63/{first['province_code']}",
        "first_days": first["days"],
        "last": f"province_63/{last['province_code']}",
        "last_days": last["days"],
        "width": float(width),
    }
    return _result("late_levels", table, [("late.levels", values)], low="number1", high="number1")


def changes(late: LatePayment) -> Result:
    """All changes that compare like with like."""
    columns = ["province_code", "basis", "evidence", "start", "end", "rate0", "rate1", "ratio"]
    fell = int((late.changes["ratio"] < 1).sum())
    values = {
        "n": len(late.changes),
        "provinces": late.changes["province_code"].nunique(),
        "fell": fell,
        "rose": len(late.changes) - fell,
    }
    return _result("late_changes", late.changes[columns], [("late.changes", values)])


def drivers(late: LatePayment) -> Result:
    """Each driver tested on the log rate, with false-discovery control and detectable effects."""
    columns = ["term", "estimate", "standard_error", "low", "high", "wild_p", "permutation_p", "q"]
    table = late.drivers[[*columns, "minimum_detectable", "n", "clusters"]]
    table = table.rename(columns={"term": "driver"}).sort_values(["q", "driver"])
    first = table.iloc[0]
    values = {
        "drivers": len(table),
        "alone": int((table["wild_p"] <= 0.05).sum()),
        "passing": int((table["q"] <= 0.10).sum()),
        "smallest": float(first["q"]),
        "driver": f"driver.{first['driver']}",
        "low": float(table["minimum_detectable"].min()),
        "high": float(table["minimum_detectable"].max()),
        "low_percent": 100 * float(np.expm1(table["minimum_detectable"].min())),
        "high_percent": 100 * float(np.expm1(table["minimum_detectable"].max())),
    }
    return _result("late_drivers", table, [("late.drivers", values)], low="signed2", high="signed2")


def reporters(late: LatePayment) -> Result:
    """Who reports late payment and who does not."""
    table = late.reporters
    passing = table[table["q"] <= 0.10].sort_values("difference", ascending=False)
    values = {
        "reporting": int(table["n_reporting"].max()),
        "silent": int(table["n_silent"].max()),
        "passing": len(passing),
        "first": f"driver.{table.iloc[0]['driver']}",
        "difference": float(table.iloc[0]["difference"]),
        "q": float(table.iloc[0]["q"]),
    }
    shown = ["driver", "reporting", "silent", "difference", "p", "q"]
    return _result("late_reporters", table[shown], [("late.reporters", values)])


def verdict(late: LatePayment) -> Result:
    """What these data can say on private enterprises and inspection, and what would settle it."""
    tests = late.size.iloc[0]
    table = pd.DataFrame(
        [
            {"test": test, "rejects": float(tests[test])}
            for test in ("CR1_normal", "CR1", "CR2", "CR3", "wild")
        ]
    )
    values = {
        "effect": late.full_data_effect,
        "percent": 100 * float(np.expm1(late.full_data_effect)),
        "rejects": float(tests["CR1_normal"]),
        "cr3": float(tests["CR3"]),
        "panels": int(tests["panels"]),
    }
    return _result("late_test_size", table, [("late.verdict", values)], rejects="share1")


def size(late: LatePayment) -> Result:
    """What the tests of this design find where there is nothing."""
    found = verdict(late)
    return replace(found, name="late_size", phrases=[("late.size", found.phrases[0][1])])


def forecasts(late: LatePayment) -> Result:
    """Chance of meeting the late payment target, where the evidence carries one."""
    rows = late.forecasts[late.forecasts["scale"] == "reported"]
    columns = ["geo_level", "province_code", "basis", "date", "q10", "q50", "q90", "target"]
    table = rows[[*columns, "target_setter", "p_meets_true", "p_meets_reported", "verdict"]]
    silent = late.forecasts[late.forecasts["scale"].isna()]
    aimed = rows[rows["target"].notna()]
    values = {
        "units": len(rows),
        "targets": len(aimed),
        "silent": int((silent["reason"] == "no_reading").sum()),
        "scattered": int((silent["reason"] == "no_series_no_target").sum()),
    }
    return _result("late_forecasts", table, [("late.forecasts", values)])


def scores(late: LatePayment) -> Result:
    """Last value, mean of the definition and model on the same readings; bands of the model."""
    table = late_payment_scores.compare(late.score)
    by = {(row["read"], row["method"]): row for row in table.to_dict("records")}
    like, read = by["like", "model"], by["read", "model"]
    values = {
        "n": read["n"],
        "last": _percent(by["read", "last_value"]["error"]),
        "mean": _percent(by["read", "definition_mean"]["error"]),
        "model": _percent(read["error"]),
        "n_like": like["n"],
        "last_like": _percent(by["like", "last_value"]["error"]),
        "model_like": _percent(like["error"]),
        "unread": float(np.exp(by["not_read", "model"]["error"])),
        "scored": len(late.score),
        "inside": float(late.score["inside80"].mean()),
    }
    key = f"late.scores_{late_payment_scores.better(late.score)}"
    found = _result("late_scores", table, [(key, values)], error="number2", crps="number2")
    return replace(
        found,
        formats={**found.formats, "n_crps": "integer"},
        words={"read": "late_read", "method": "late_method"},
    )


def unread(late: LatePayment) -> Result:
    """What forecasts of provinces never read on the definition are worth, and the bands."""
    found = scores(late)
    return replace(found, name="late_unread", phrases=[("late.unread", found.phrases[0][1])])


def _percent(error: float) -> float:
    """An absolute error of the log as a percentage of the rate."""
    return 100 * float(np.expm1(error))


def ceilings(late: LatePayment) -> Result:
    """Past ceilings: the chance from the middle of the year, beside what came."""
    table = late.ceilings
    columns = ["geo_level", "province_code", "due", "target", "rate", "p", "p_pulled", "kept"]
    values: dict[str, object] = {"n": len(table), "kept": int(table["kept"].sum())}
    key = "late.ceilings_none"
    if len(table):
        key = "late.ceilings"
        values |= {
            "brier": float(table["brier"].mean()),
            "brier_pulled": float(table["brier_pulled"].mean()),
        }
    shown = table[columns].assign(kept=["kept" if k else "passed" for k in table["kept"]])
    formats = {"due": "short_date", "p": "probability", "p_pulled": "probability"}
    found = _result("late_ceilings", shown, [(key, values)], **formats)
    return replace(found, words={**found.words, "kept": "late_kept"})


def in_short(late: LatePayment) -> Result:
    """One province by two definitions, by name: why a rate means little by itself."""
    table = late.same_weeks.sort_values(["ratio", "province_code"], ascending=[False, True])
    first = table.iloc[0]
    own = late.rows[late.rows["province_code"] == first["province_code"]]
    own = own[(own["as_of"] - first["as_of"]).abs() <= pd.Timedelta(days=45)]
    rates = {
        name: float(own.loc[own["basis"] == first[name], "rate"].iloc[-1])
        for name in ("lower_basis", "higher_basis")
    }
    values = {
        "province": f"province_63/{first['province_code']}",
        "month": first["as_of"],
        "low": min(rates.values()),
        "high": max(rates.values()),
        "lower": f"late_basis.{first['lower_basis']}",
        "higher": f"late_basis.{first['higher_basis']}",
    }
    shown = table.head(1)[["province_code", "as_of", "lower_basis", "higher_basis", "ratio"]]
    return _result("late_in_short", shown, [("late.in_short", values)])
