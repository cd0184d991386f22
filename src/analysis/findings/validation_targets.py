"""What chapter 06 says about targets: chances against outcomes, selection, and what we said."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.readings.targets import meets
from analysis.report.results import Result
from analysis.validation import scores
from analysis.validation.selection import GAP_NAMES
from analysis.validation.study import Study

# --------------------------------------------------------------------------------------------------
# What we would have said: forecasts from an earlier year's end beside what then came.
# --------------------------------------------------------------------------------------------------


def past_forecasts(forecasts: pd.DataFrame, indicator: str, origin: int) -> pd.DataFrame:
    """Forecasts of the project's own model made at the end of `origin`, one row a later reading.

    forecasts: rows of validation_forecasts. Columns: province_code, as_of, last_value,
    last_as_of, median, low, high (the 80% band), value, error, held (whether the band held it),
    years (between origin and reading). Raises ValueError for an origin without forecasts.
    """
    own = forecasts[
        (forecasts["model"] == "analysis")
        & (forecasts["indicator"] == indicator)
        & (forecasts["origin"].astype(str) == str(origin))
    ]
    if own.empty:
        raise ValueError(f"no forecast of {indicator} from the end of {origin}")
    table = own[["province_code", "as_of", "last_value", "last_as_of", "value", "error"]].assign(
        median=own["q0.50"],
        low=own["q0.10"],
        high=own["q0.90"],
        held=own["value"].between(own["q0.10"], own["q0.90"]),
        years=(own["as_of"] - pd.Timestamp(origin, 12, 31)).dt.days / 365.25,
    )
    return table.sort_values(["province_code", "as_of"], ignore_index=True)


def past_verdicts(attainment: pd.DataFrame, indicator: str, origin: int) -> pd.DataFrame:
    """Chances given at the end of `origin` for each target due later, and how it ended.

    attainment: rows of attainment_forecasts. Columns: province_code, as_of (due), target,
    p_meets_true, p_meets_reported, value (reported; NaN: never), met (missing where no value).
    """
    own = attainment[
        (attainment["model"] == "analysis")
        & (attainment["indicator"] == indicator)
        & (attainment["origin"].astype(str) == str(origin))
    ]
    columns = ["province_code", "as_of", "target", "p_meets_true", "p_meets_reported", "value"]
    table = own[columns].copy()
    met = np.where(meets(table["value"], table["target"]), "met", "missed")
    table["outcome"] = np.where(table["value"].isna(), "not_reported", met)
    return table.sort_values(["as_of", "province_code"], ignore_index=True)


PROBABILITIES = {"meets_true": "p_meets_true", "meets_reported": "p_meets_reported"}


def chances(study: Study, indicator: str) -> Result:
    """Brier scores of every probability of meeting a target, best first."""
    table = study.attainment_scores
    shown = table[table["indicator"] == indicator].drop(columns="indicator")
    shown = shown.sort_values(["brier", "model"], ignore_index=True)
    by = {(row["model"], row["probability"]): row for _, row in shown.iterrows()}
    past = by["past_share", "base_rate"]
    values = {
        "n": past["n"],
        "provinces": past["provinces"],
        "share_met": past["share_met"],
        "past": past["brier"],
        "cautious": by["past_share", "base_rate_cautious"]["brier"],
        "missed": round(past["n"] * (1 - past["share_met"])),
        "in_provinces": past["provinces_missed"],
    } | _different(study, indicator)
    phrases = [("validation.chances", values), ("validation.chances_few", values)]
    if ("analysis", "meets_reported") in by:
        own, true = by["analysis", "meets_reported"], by["analysis", "meets_true"]
        kind = "better" if own["skill_vs_past_share_low"] > 0 else "not_shown"
        values = {
            "reported": own["brier"],
            "true": true["brier"],
            "past": past["brier"],
            "skill": own["skill_vs_past_share"],
            "low": own["skill_vs_past_share_low"],
            "high": own["skill_vs_past_share_high"],
            "order": own["discrimination"],
        }
        phrases += [
            ("validation.chances_own", values),
            (f"validation.chances_{kind}", values),
            ("validation.chances_order", values),
        ]
    columns = ["model", "probability", "n", "mean_probability", "brier", "skill_vs_past_share"]
    columns += ["skill_vs_past_share_low", "skill_vs_past_share_high", "discrimination"]
    formats = {
        "n": "integer",
        "mean_probability": "share0",
        "brier": "number3",
        "skill_vs_past_share": "share0",
        "skill_vs_past_share_low": "share0",
        "skill_vs_past_share_high": "share0",
        "discrimination": "number2",
    }
    return Result(
        f"chances_{indicator}",
        shown[columns],
        phrases,
        formats=formats,
        words={"model": "model", "probability": "probability_kind"},
        topic="validation",
    )


def _reliability(study: Study, indicator: str) -> pd.DataFrame:
    """How often targets were met, by the chance given: one row a kind and class of chance."""
    rows = study.attainment_forecasts
    own = rows[
        (rows["model"] == "analysis") & (rows["indicator"] == indicator) & rows["value"].notna()
    ]
    met = meets(own["value"], own["target"])
    tables = []
    for kind, column in PROBABILITIES.items():
        if own[column].notna().all():
            table = scores.reliability(own[column].to_numpy(float), met, scores.EDGES)
            tables.append(table.assign(kind=kind))
    return pd.concat(tables, ignore_index=True)


def _question(table: pd.DataFrame, question: str, indicator: str) -> pd.DataFrame:
    return table[(table["question"] == question) & (table["indicator"] == indicator)]


def _value(rows: pd.DataFrame, group: str, measure: str) -> pd.Series:
    return rows[(rows["group"] == group) & (rows["measure"] == measure)].iloc[0]


def heaping(selection: pd.DataFrame, indicator: str) -> Result:
    """Reported year-end values by their distance from the target.

    selection: the table of `Study.selection`, as chapter 06 writes it too.
    """
    rows = _question(selection, "heaping", indicator)
    counts = rows[rows["measure"] == "readings"].set_index("group")["value"].reindex(GAP_NAMES)
    met, near = _value(rows, "all", "share_met"), _value(rows, "near", "just_above")
    values = {
        "n": met["n"],
        "share_met": met["value"],
        "median": _value(rows, "all", "median_gap")["value"],
        "above": counts["above_0_05"],
        "below": counts["below_0_05"],
        "low": near["low"],
        "high": near["high"],
        "share": near["value"],
    }
    shown = counts.rename("readings").rename_axis("gap_class").reset_index()
    return Result(
        f"heaping_{indicator}",
        shown,
        [("validation.heaping", values)],
        formats={"readings": "integer"},
        words={"gap_class": "gap_class"},
        topic="validation",
    )


def reporters(study: Study, indicator: str) -> Result:
    """How provinces that publish differ from those that do not, and when they publish."""
    who, when = (_question(study.selection, name, indicator) for name in ("who_reports", "when"))
    read = _value(who, "all", "provinces_with_reading")
    shown = who[who["measure"] == "difference"][["group", "value", "low", "high"]]
    clear = shown[(shown["low"] > 0) | (shown["high"] < 0)]
    december = _value(when, "december", "share_of_readings")
    after = {
        kind: _value(when, f"after_{kind}_curve", "next_year_end_read")
        for kind in ("above", "below")
    }
    values = {
        "read": read["value"],
        "units": read["n"],
        "december": december["value"],
        "above": after["above"]["value"],
        "below": after["below"]["value"],
        "clear": len(clear),
        "compared": len(shown),
    }
    return Result(
        f"reporters_{indicator}",
        shown.rename(columns={"group": "characteristic", "value": "difference_sd"}),
        [("validation.reporters", values), ("validation.after_news", values)],
        formats={"difference_sd": "signed2", "low": "signed2", "high": "signed2"},
        words={"characteristic": "characteristic"},
        topic="validation",
    )


def _different(study: Study, indicator: str) -> dict[str, int]:
    """How many different readings the chances were given for, and how many of them missed."""
    table = study.attainment_forecasts
    own = table[(table["indicator"] == indicator) & table["value"].notna()]
    own = own.drop_duplicates(["province_code", "as_of"])
    missed = int((~meets(own["value"], own["target"])).sum())
    return {"readings": len(own), "missed_targets": missed}


def silent_chances(study: Study, indicator: str) -> Result:
    """Chances that the model gave to units that reported later and to those that stayed silent."""
    rows = _question(study.selection, "chances", indicator)
    later = _value(rows, "reported_later", "mean_probability")
    silent, met = (
        _value(rows, "silent", "mean_probability"),
        _value(rows, "reported_later", "share_met"),
    )
    values = {
        "n_reported": later["n"],
        "n_silent": silent["n"],
        "p_reported": later["value"],
        "p_silent": silent["value"],
        "share_met": met["value"],
        "low": met["low"],
        "high": met["high"],
    }
    shown = rows[["group", "measure", "n", "value", "low", "high"]]
    shown = shown.rename(columns={"value": "share"})
    return Result(
        f"silent_chances_{indicator}",
        shown,
        [("validation.silent_chances", values)],
        formats={"n": "integer", "share": "share0", "low": "share0", "high": "share0"},
        words={"group": "reporting", "measure": "measure"},
        topic="validation",
    )


def silence(study: Study, indicator: str) -> Result:
    """How the chances of silent units fall if silence means bad news."""
    table = study.silence[study.silence["indicator"] == indicator].drop(columns="indicator")
    first, last = table.iloc[0], table.iloc[-1]
    values = {
        "n": first["n_silent"],
        "plain": first["expected"],
        "odds": last["odds"],
        "after": last["expected"],
        "plain_mean": first["mean_probability"],
        "after_mean": last["mean_probability"],
        "reported_met": first["met_of_all"],
        "all_met": last["met_of_all"],
    }
    formats = {
        "odds": "number1",
        "reporting_if_met": "share0",
        "reporting_if_missed": "share0",
        "n_silent": "integer",
        "mean_probability": "share0",
        "expected": "number1",
        "met_of_all": "share0",
    }
    return Result(
        f"silence_{indicator}",
        table,
        [("validation.silence", values)],
        formats=formats,
        topic="validation",
    )


def would_have_said(study: Study, indicator: str, origin: int) -> Result:
    """Forecasts made at the end of `origin`, beside what then came."""
    table = past_forecasts(study.validation_forecasts, indicator, origin)
    values = {
        "origin": origin,
        "n": len(table),
        "held": int(table["held"].sum()),
        "mae": table["error"].abs().mean(),
    }
    table["band_held"] = np.where(table["held"], "held", "missed")
    columns = ["province_code", "last_value", "last_as_of", "as_of", "median", "low", "high"]
    formats = {
        "last_value": "percent1",
        "last_as_of": "short_date",
        "as_of": "short_date",
        "median": "percent1",
        "low": "percent1",
        "high": "percent1",
        "value": "percent1",
        "error": "signed1",
    }
    return Result(
        f"would_have_said_{origin}_{indicator}",
        table[[*columns, "value", "error", "band_held"]],
        [("validation.would_have_said", values)],
        formats=formats,
        words={"province_code": "unit", "band_held": "band_held"},
        topic="validation",
    )


def verdicts_then(study: Study, indicator: str, origin: int) -> Result:
    """Chances given at the end of `origin` for the targets whose outcome was reported."""
    table = past_verdicts(study.attainment_forecasts, indicator, origin)
    known = table[table["outcome"] != "not_reported"].copy()
    values = {
        "origin": origin,
        "asked": len(table),
        "reported": len(known),
        "met": int((known["outcome"] == "met").sum()),
        "expected": known["p_meets_reported"].sum(),
    }
    columns = ["province_code", "as_of", "target", "p_meets_true", "p_meets_reported", "value"]
    formats = {
        "as_of": "short_date",
        "target": "printed",
        "value": "printed",
        "p_meets_true": "probability",
        "p_meets_reported": "probability",
    }
    return Result(
        f"verdicts_then_{origin}_{indicator}",
        known[[*columns, "outcome"]],
        [("validation.verdicts_then", values)],
        formats=formats,
        words={"province_code": "unit", "outcome": "outcome"},
        topic="validation",
    )
