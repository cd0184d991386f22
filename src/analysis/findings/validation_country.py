"""What chapter 06 says of the forecasts of the whole country."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.country.indicators import COVERAGE
from analysis.findings import validation
from analysis.report.results import Result
from analysis.validation.country import ANNOUNCED, COUNTRY_DESIGNS, MID_YEAR, YEAR_END
from analysis.validation.peers import SERIES
from analysis.validation.study import ALL, OWN, Study

#: The Brier score of a coin, and what share of it a chance must save to be called better.
_COIN, BETTER_BY = 0.25, 0.1
#: The readings of the design that starts in the middle of a year.
MIDDLE = "mid_year"
#: 80% bands that hold less than the first or more than the second share are called so.
FAIR = (0.7, 0.9)
SHORT = {name: name.removesuffix("_coverage") for name in COVERAGE}
_WORDS = {"indicator": "country_indicator", "readings": "country_readings"}
_FORMATS = {
    "n": "integer",
    "year_ends": "integer",
    "mae": "number2",
    "bias": "signed2",
    "crps": "number2",
    "cover80": "share0",
    "width80": "number1",
    "forecast_on": "short_date",
    "due": "short_date",
    "target": "percent2",
    "value": "percent2",
    "p_meets_true": "probability",
    "p_meets_reported": "probability",
}


def line(study: Study, indicator: str, readings: str, model: str = OWN) -> pd.Series:
    """One line of the scores of numbers. Raises KeyError when there is none."""
    table = study.country
    own = (table["indicator"] == indicator) & (table["readings"] == readings)
    found = table[own & (table["model"] == model)]
    if found.empty:
        raise KeyError(f"no score of {model} for the country, {indicator}, {readings}")
    return found.iloc[0]


def chance(study: Study, design: str, model: str = OWN, kind: str = "meets_reported") -> pd.Series:
    """One Brier score over all indicators. Raises KeyError when there is none."""
    table = study.country_chances
    own = (table["design"] == design) & (table["indicator"] == ALL)
    found = table[own & (table["model"] == model) & (table["probability"] == kind)]
    if found.empty:
        raise KeyError(f"no chances of {model} for the country, {design}, {kind}")
    return found.iloc[0]


def truth(study: Study) -> Result:
    """Two sentences on what the country's levels and chances are worth, for whoever reads no more.

    Chances are set against the better of the two past shares, design by design.
    """
    own = [chance(study, design)["brier"] for design in COUNTRY_DESIGNS]
    past = [
        min(chance(study, design, f"past_share{way}")["brier"] for way in ("", "_cautious"))
        for design in COUNTRY_DESIGNS
    ]
    better = sum(one < other for one, other in zip(own, past, strict=True))
    values = {
        "mae": line(study, ALL, "year_end")["mae"],
        "better": better,
        "designs": len(COUNTRY_DESIGNS),
    }
    use = "truth_use_chance" if better == len(COUNTRY_DESIGNS) else "truth_use_past"
    return _result("country_truth", pd.DataFrame([values]), [("truth", values), (use, {})])


def scoreboard(study: Study, indicator: str) -> Result:
    """The chapter in one table: how far off, whether the bands hold, what the simplest way scores.

    The country's rates are forecast from the middle of a year for its end; provinces' rates, of one
    indicator, up to two years ahead. Chances are those of meeting a target, as reported.
    """
    rows = [_country_row(study, name) for name in COVERAGE]
    for name, design in (("read_before", validation.WARM), ("never_read", validation.COLD)):
        rows.append({"row": name} | _province_row(validation.row_of(study, indicator, design)))
    rows += [_province_chances(study, indicator), _country_chances(study)]
    table = pd.DataFrame(rows)
    table["verdict"] = [_verdict(row) for row in rows]
    columns = ["row", "n", "mae", "cover80", "brier", "rival", "lead", "lead_low", "lead_high"]
    better = int(table["verdict"].eq("better").sum())
    values = {"better": better, "few": int(table["verdict"].eq("better_few").sum()),
              "rows": len(table)}  # fmt: skip
    formats = {"n": "integer", "mae": "number1", "cover80": "share0", "brier": "number3"}
    formats |= dict.fromkeys(("lead", "lead_low", "lead_high"), "share0")
    return _result(
        "forecast_scoreboard", table[[*columns, "verdict"]], [("scoreboard", values)],
        formats=formats,
        words={"row": "score_row", "rival": "score_rival", "verdict": "score_verdict"},
    )  # fmt: skip


def _country_row(study: Study, indicator: str) -> dict[str, Any]:
    """A rate of the country at year-ends, from the middle of the year, beside the nearest model."""
    own = line(study, indicator, MIDDLE)
    leads = {model: _lead(study.country, indicator, MIDDLE, model) for model in SERIES}
    rival = min(leads, key=lambda model: leads[model])
    return {"row": f"country_{SHORT[indicator]}", "n": own["n"], "mae": own["mae"],
            "cover80": own["cover80"], "rival": rival, "lead": leads[rival]}  # fmt: skip


def _province_row(scored: pd.Series) -> dict[str, Any]:
    return {"n": scored["n"], "mae": scored["mae"], "cover80": scored["cover80"],
            "rival": "national"} | _interval(scored, "skill_vs_national")  # fmt: skip


def _interval(scored: pd.Series, lead: str) -> dict[str, Any]:
    return {name: scored[f"{lead}{name.removeprefix('lead')}"]
            for name in ("lead", "lead_low", "lead_high")}  # fmt: skip


def _province_chances(study: Study, indicator: str) -> dict[str, Any]:
    table = study.attainment_scores
    own = table[(table["indicator"] == indicator) & (table["model"] == OWN)
                & (table["probability"] == "meets_reported")].iloc[0]  # fmt: skip
    return {"row": "chances_provinces", "n": own["n"], "brier": own["brier"],
            "rival": "past_share"} | _interval(own, "skill_vs_past_share")  # fmt: skip


def _country_chances(study: Study) -> dict[str, Any]:
    """Chances given in the middle of a year, beside the better of the two past shares."""
    own = chance(study, MID_YEAR)
    past = min(chance(study, MID_YEAR, f"past_share{way}")["brier"] for way in ("", "_cautious"))
    return {"row": "chances_country", "n": own["n"], "brier": own["brier"], "rival": "past_share",
            "lead": 1 - own["brier"] / past}  # fmt: skip


def _verdict(row: dict[str, Any]) -> str:
    """What the lead allows to say: by its interval; cases too few for one show nothing for sure."""
    if "lead_low" in row:
        low, high = row["lead_low"], row["lead_high"]
        return "better" if low > 0 else "worse" if high < 0 else "not_shown"
    if abs(row["lead"]) < BETTER_BY:
        return "not_shown"
    return "better_few" if row["lead"] > 0 else "worse_few"


def summary(study: Study) -> Result:
    """The country in brief: how far off at year-ends, and what its chances scored."""
    ends = line(study, ALL, "year_end")
    values = _misses(study, "year_end") | {
        "n": ends["n"],
        "year_ends": ends["year_ends"],
        "held": round(ends["cover80"] * ends["n"]),
    }
    for name, design in (("early", YEAR_END), ("late", ANNOUNCED)):
        found = chance(study, design)
        values |= {name: found["brier"], f"{name}_n": found["n"]}
        values |= {f"{name}_met": round(found["share_met"] * found["n"])}
    values |= {"coin": _COIN, "targets": _known(study)["as_of"].nunique()}
    values |= {f"mid_{name}": miss for name, miss in _misses(study, MIDDLE).items()}
    middle, found = line(study, ALL, MIDDLE), chance(study, MID_YEAR)
    values |= {"mid_n": middle["n"], "mid_held": round(middle["cover80"] * middle["n"])}
    values |= {"mid_brier": found["brier"], "mid_targets": found["n"]}
    values |= {"mid_met": round(found["share_met"] * found["n"])}
    phrases = ["summary", "summary_middle", "summary_chances", "few"]
    return _result("country_summary", pd.DataFrame([values]), [(one, values) for one in phrases])


def numbers(study: Study) -> Result:
    """Scores of the country's forecasts, and how much better they are than simple models."""
    table = study.country
    own = table[table["model"] == OWN]
    columns = ["indicator", "readings", "n", "year_ends", "mae", "bias", "crps", "cover80"]
    shown = own[[*columns, "width80"]].reset_index(drop=True)
    for model in SERIES:
        rows = zip(own["indicator"], own["readings"], strict=True)
        shown[f"better_{model}"] = [_lead(table, *row, model) for row in rows]
    ends, every = line(study, ALL, "year_end"), line(study, ALL, ALL)
    values = _misses(study, "year_end") | {
        "n": every["n"],
        "days": every["days"],
        "n_end": ends["n"],
        "year_ends": ends["year_ends"],
        "held": round(ends["cover80"] * ends["n"]),
    }
    middle = line(study, ALL, MIDDLE)
    held = round(middle["cover80"] * middle["n"])
    halfway = _misses(study, MIDDLE) | {"n": middle["n"], "held": held}
    phrases = [("numbers", values), *_bands(ends), ("middle", halfway)]
    phrases.append(("interim", _interim(study)))
    phrases += [*_rivals(shown), ("overlap", values)]
    formats = _FORMATS | dict.fromkeys([f"better_{model}" for model in SERIES], "share0")
    return _result("country_numbers", shown, phrases, formats=formats, words=_WORDS)


def _misses(study: Study, readings: str) -> dict[str, Any]:
    """Mean absolute error by indicator: hi, si, ui."""
    return {short: line(study, name, readings)["mae"] for name, short in SHORT.items()}


def _interim(study: Study) -> dict[str, Any]:
    """Mean absolute error by indicator, and the bias of health insurance, during the year."""
    table = study.country_forecasts
    own = table[(table["model"] == OWN) & ~table["as_of"].dt.is_year_end]
    error = {short: own.loc[own["indicator"] == name, "error"] for name, short in SHORT.items()}
    outside = own["value"].lt(own["q0.10"]) | own["value"].gt(own["q0.90"])
    values = {short: one.abs().mean() for short, one in error.items()}
    return values | {"bias": error["hi"].mean(), "n": len(own), "outside": int(outside.sum())}


def _bands(ends: pd.Series) -> list[tuple[str, dict[str, Any]]]:
    """Whether the 80% bands of year-ends are too narrow or too wide."""
    values = {"missed": round((1 - ends["cover80"]) * ends["n"])}
    if ends["cover80"] < FAIR[0]:
        return [("bands_narrow", values)]
    return [("bands_wide", values)] if ends["cover80"] > FAIR[1] else []


def _lead(table: pd.DataFrame, indicator: str, readings: str, model: str) -> float:
    """1 less the ratio of the project's CRPS to the model's, on what the model answered."""
    own = (table["indicator"] == indicator) & (table["readings"] == readings)
    found = table[own & (table["model"] == model)]
    return float(1 - (found["crps_analysis"] / found["crps"]).iloc[0]) if len(found) else np.nan


def _rivals(shown: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    """The nearest simple model at year-ends, and those ahead over all readings."""
    phrases = []
    columns = [f"better_{model}" for model in SERIES]
    for indicator in COVERAGE:
        for readings in ("year_end", ALL):
            same = (shown["indicator"] == indicator) & (shown["readings"] == readings)
            leads = shown.loc[same, columns].iloc[0].astype(float)
            model = str(leads.idxmin()).removeprefix("better_")
            values: dict[str, Any] = {"indicator": indicator, "rival": f"country_model.{model}"}
            values |= {"lead": leads.min(), "behind": -leads.min()}
            if leads.min() < 0:
                phrases.append((f"behind_{readings}", values))
            elif readings == "year_end":
                phrases.append(("nearest", values))
    return phrases


def _known(study: Study) -> pd.DataFrame:
    """The project's own cases whose outcome was reported."""
    cases = study.country_cases
    return cases[(cases["model"] == OWN) & cases["met"].notna()]


def chances(study: Study) -> Result:
    """Every target of the country, what the project would have said, and how it ended."""
    cases = study.country_cases[study.country_cases["model"] == OWN]
    outcome = cases["met"].map({1.0: "met", 0.0: "missed"}).fillna("")
    shown = cases.assign(outcome=outcome)
    names = {"design": "given", "origin": "forecast_on", "as_of": "due"}
    shown = shown.rename(columns=names)
    columns = ["given", "indicator", "forecast_on", "due", "target", "setter", "p_meets_true"]
    phrases = []
    for design in COUNTRY_DESIGNS:
        phrases += _chances(study, design)
    known = _known(study)
    late = known[known["design"] == ANNOUNCED]
    missed, met = late[late["met"] == 0], late[late["met"] == 1]
    values = {
        "missed": len(missed),
        "likely": int((missed["p_meets_reported"].round(2) > 0.5).sum()),
        "met": len(met),
        "unlikely": int((met["p_meets_reported"].round(2) < 0.5).sum()),
    }
    phrases.append(("surprises", values))
    phrases.append(("few", {"targets": known["as_of"].nunique()}))
    words = _WORDS | {"given": "country_given", "setter": "setter", "outcome": "outcome"}
    table = shown[[*columns, "p_meets_reported", "value", "outcome"]].reset_index(drop=True)
    return _result("country_chances", table, phrases, formats=_FORMATS, words=words)


def _chances(study: Study, design: str) -> list[tuple[str, dict[str, Any]]]:
    """What the chances of one design scored, beside a coin and the past share."""
    own, level = chance(study, design), chance(study, design, kind="meets_true")
    known = _known(study)
    known = known[known["design"] == design]
    values = {
        "n": own["n"],
        "year_ends": own["year_ends"],
        "health": int((known["indicator"] == "hi_coverage").sum()),
        "others": int((known["indicator"] != "hi_coverage").sum()),
        "met": int(known["met"].sum()),
        "coin": _COIN,
        "sum": known["p_meets_reported"].sum(),
        "reported": own["brier"],
        "true": level["brier"],
        "plain": chance(study, design, "past_share")["brier"],
        "past": chance(study, design, "past_share_cautious")["brier"],
    }
    phrases = [(f"from_{design.removeprefix('country_')}", values)]
    if own["brier"] > _COIN * (1 - BETTER_BY):
        phrases.append(("coin_better" if own["brier"] > _COIN else "coin", values))
    which = "better" if min(values["plain"], values["past"]) < own["brier"] else "worse"
    return [*phrases, (f"past_{which}", values)]


def track_record(study: Study) -> Result:
    """Readings of the country, the forecasts of each year-end, and its targets, one row a mark.

    Columns: indicator, kind (reading; one_year or two_years for forecasts made so long before;
    target), as_of, value (percent; the median of a forecast), low and high (its 80% band).
    """
    table = study.country_forecasts[study.country_forecasts["model"] == OWN]
    read = table.drop_duplicates(["indicator", "as_of"]).assign(kind="reading")
    ends = table[table["as_of"].dt.is_year_end & table["origin"].dt.is_year_end]
    ahead = ends["as_of"].dt.year - ends["origin"].dt.year
    said = ends.assign(
        kind=ahead.map({1: "one_year", 2: "two_years"}),
        held=ends["value"].between(ends["q0.10"], ends["q0.90"]),
        value=ends["q0.50"],
        low=ends["q0.10"],
        high=ends["q0.90"],
    )
    due = _known(study).drop_duplicates(["indicator", "as_of", "target"])
    due = due.assign(kind="target", value=due["target"])
    columns = ["indicator", "kind", "as_of", "value", "low", "high"]
    marks = pd.concat([part.reindex(columns=columns) for part in (read, said, due)])
    values = {"n": len(said), "held": int(said["held"].sum()), "targets": len(due)}
    marks = marks.sort_values(["indicator", "kind", "as_of", "value"], ignore_index=True)
    return _result("country_track_record", marks, [("alt", values)])


def _result(
    name: str, table: pd.DataFrame, phrases: list[tuple[str, dict[str, Any]]], **more: Any
) -> Result:
    keyed = [(f"validation_country.{phrase}", values) for phrase, values in phrases]
    return Result(name, table, keyed, topic="validation_country", **more)
