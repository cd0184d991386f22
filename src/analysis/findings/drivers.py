"""What chapter 03 says: each finding as one object with its table and its sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import paths
from analysis.drivers import growth, policy
from analysis.drivers.policy import DRIVERS
from analysis.drivers.study import OUTCOMES, CoverageDrivers
from analysis.findings import decisions, late_payment
from analysis.late_payment.study import LatePayment
from analysis.report.results import Result
from analysis.report.wording import LANGUAGES, say

_FORMATS = {
    "estimate": "signed2",
    "standard_error": "number2",
    "low": "signed2",
    "high": "signed2",
    "wild_p": "p_value",
    "randomisation_p": "p_value",
    "minimum_detectable": "number2",
    "n": "integer",
    "clusters": "integer",
}
_WORDS = {
    "design": "estimator",
    "beside": "beside",
    "driver": "driver",
    "focal": "driver",
    "rule": "pairing",
    "evidence": "footing",
    "outcome": "indicator",
}


def _result(name: str, table: pd.DataFrame, phrases: list, **formats: str) -> Result:
    """A result of this chapter; an interval without an end on one side shows a dash there."""
    table = table.replace([np.inf, -np.inf], np.nan)
    used = {c: f for c, f in {**_FORMATS, **formats}.items() if c in table}
    words = {c: w for c, w in _WORDS.items() if c in table}
    return Result(name, table, phrases, used, words, "drivers")


def estimate(c: CoverageDrivers, **where: str) -> pd.Series:
    """The one estimate with the given labels. Raises KeyError unless there is exactly one."""
    rows = c.estimates
    for column, value in where.items():
        rows = rows[rows[column] == value]
    if len(rows) != 1:
        raise KeyError(f"{len(rows)} estimates fit {where}")
    return rows.iloc[0]


def main_effect(c: CoverageDrivers, design: str = "levels") -> pd.Series:
    """Decision 861 x minority share in the main specification of a design."""
    return estimate(c, outcome=OUTCOMES[0], term=policy.TERM, design=design, beside="main design")


def sample(c: CoverageDrivers) -> Result:
    """What the pairing rules leave."""
    table = c.sample[c.sample["outcome"] == OUTCOMES[0]].drop(columns="outcome")
    table = table[table["evidence"] != "derived"].reset_index(drop=True)
    main = table[(table["rule"] == "yearly") & (table["evidence"] == "published")].iloc[0]
    values = {k: int(main[k]) for k in ("intervals", "provinces", "crossing_july_2021")}
    counts = dict.fromkeys(("readings", "intervals", "provinces", "crossing_july_2021"), "integer")
    return _result("drivers_sample", table, [("drivers.sample", values)], **counts)


def decision_861(c: CoverageDrivers) -> Result:
    """The policy in the designs that carry a trend, with randomisation p-values."""
    by_window = c.estimates["design"].isin(["windows", "one_row"])
    rows = c.estimates[(c.estimates["term"] == policy.TERM) & ~by_window].copy()
    dealt = c.randomisation.assign(
        beside=np.where(c.randomisation["minority_trend"], "minority trend", "main design")
    )
    rows = rows.merge(
        dealt[["design", "beside", "p"]].rename(columns={"p": "randomisation_p"}),
        on=["design", "beside"],
        how="left",
    )
    rows["beside"] = rows["beside"].fillna("main design")
    columns = ["design", "beside", "estimate", "standard_error", "low", "high", "wild_p"]
    table = rows[[*columns, "randomisation_p", "minimum_detectable", "n", "clusters"]]
    main = main_effect(c)
    values = {
        "effect": main["estimate"],
        "low": main["low"],
        "high": main["high"],
        "p": main["wild_p"],
        "dealt": float(rows.loc[rows["design"].eq("levels"), "randomisation_p"].iloc[0]),
    }
    return _result("decision_861", table, [("drivers.policy", values)])


def _fall(effect: float) -> float:
    """Points lost by a province at 90% for a change on the logit scale, as a positive number."""
    return float(-policy.in_points(effect, np.array([1.0]))[0])


def left_out(c: CoverageDrivers) -> Result:
    """The range of the policy estimate when each province is left out."""
    rows = c.leave_out.groupby("design")
    table = rows["estimate"].agg(["min", "max", "size"]).reset_index()
    table.columns = pd.Index(["design", "low", "high", "clusters"])
    least = c.leave_out.sort_values("estimate").iloc[-1]
    values = {
        "fits": len(c.leave_out),
        "negative": int((c.leave_out["estimate"] < 0).sum()),
        "farthest": float(c.leave_out["estimate"].min()),
        "nearest": float(least["estimate"]),
        "unit": f"province_63/{least['province_code']}",
    }
    return _result("leave_one_out", table, [("drivers.left_out", values)])


def rivals(c: CoverageDrivers, design: str = "levels") -> Result:
    """Each driver alone and beside Decision 861, in one design."""
    rows = c.estimates[(c.estimates["outcome"] == OUTCOMES[0]) & (c.estimates["design"] == design)]
    rows = rows[rows["term"].isin(list(DRIVERS)) & (rows["term"] != "minority")]
    columns = ["estimate", "low", "high", "wild_p"]
    alone = rows[rows["beside"] == "time only"].set_index("term")[columns]
    beside = rows[rows["beside"] == "decision_861"].set_index("term")
    table = alone.join(
        beside[[*columns, "q", "minimum_detectable", "n", "clusters"]], rsuffix="_861"
    )
    table = table.reset_index().rename(columns={"term": "driver"})
    values = {
        "drivers": len(table),
        "alone": int((table["wild_p"] <= 0.05).sum()),
        "beside": int((table["wild_p_861"] <= 0.05).sum()),
        "smallest_q": float(table["q"].min()),
        "poverty": _row(table, "poverty")["wild_p"],
        "poverty_861": _row(table, "poverty")["wild_p_861"],
        "income": _row(table, "income")["wild_p"],
        "income_861": _row(table, "income")["wild_p_861"],
        "detectable": float(table["minimum_detectable"].median()),
    }
    formats = {
        "estimate_861": "signed2",
        "low_861": "signed2",
        "high_861": "signed2",
        "wild_p_861": "p_value",
        "q": "p_value",
    }
    return _result(f"rivals_{design}", table, [("drivers.rivals", values)], **formats)


def _row(table: pd.DataFrame, driver: str) -> pd.Series:
    return table[table["driver"] == driver].iloc[0]


def starting_level(c: CoverageDrivers) -> Result:
    """The coefficient of the start beside what reading error alone produces."""
    main = estimate(c, outcome=OUTCOMES[0], term="start_level", design="changes")
    actual = float(main["estimate"])
    table = (
        c.galton.groupby("error")["estimate"]
        .agg(
            centre="mean",
            low=lambda s: s.quantile(0.05),
            high=lambda s: s.quantile(0.95),
            as_low=lambda s: (s <= actual).mean(),
        )
        .reset_index()
    )
    family = c.curve_summary.set_index("focal").to_dict("index")["start_level"]
    values = {
        "estimate": actual,
        "p": main["wild_p"],
        "negative": family["share_negative"],
        "counted": int(family["counted"]),
        "error_low": table["error"].min(),
        "error_high": table["error"].max(),
        "bias_low": table["centre"].iloc[0],
        "bias_high": table["centre"].iloc[-1],
        "share": table["centre"].iloc[-1] / actual,
    }
    formats = {"error": "number1", "centre": "signed2", "as_low": "share0"}
    return _result("starting_level", table, [("drivers.start", values)], **formats)


def season(c: CoverageDrivers) -> Result:
    """The saw-tooth of the year: how far interim readings lie below year-end ones."""
    rows = c.estimates[(c.estimates["term"] == "season") & (c.estimates["outcome"] == OUTCOMES[0])]
    table = rows[["design", "estimate", "low", "high", "wild_p", "n", "clusters"]].copy()
    table["january"] = [_fall(e) for e in table["estimate"]]
    table["june"] = [_fall(e / 2) for e in table["estimate"]]
    main = table[table["design"] == "levels"].iloc[0]
    values = {k: float(main[k]) for k in ("estimate", "low", "high", "january", "june")}
    values["p"] = float(main["wild_p"])
    # Lower coverage in January is a fall: the ends of the interval change places.
    values |= {"january_low": _fall(values["high"]), "january_high": _fall(values["low"])}
    return _result("season", table, [("drivers.season", values)], january="number1", june="number1")


def curve(c: CoverageDrivers) -> Result:
    """The specification curve by question."""
    columns = ["focal", "specifications", "counted", "median", "low", "high", "share_negative"]
    columns += ["share_significant", "joint_median", "joint_q"]
    table = c.curve_summary[columns]
    done = c.curve[(c.curve["focal"] == policy.TERM) & (c.curve["note"] == "")]
    published = done[done["evidence"] != "participants"]
    against = done[done["estimate"] > 0]
    values = {
        "specifications": len(c.curve),
        "counted": int(table["counted"].sum()),
        "negative": int((published["estimate"] < 0).sum()),
        "published": len(published),
        "negative_all": float((done["estimate"] < 0).mean()),
        "against": len(against),
        "against_year_end": int((against["rule"] == "year_end").sum()),
        "median": float(done["estimate"].median()),
        "joint": table.set_index("focal").loc[policy.TERM, "joint_median"],
        "start_negative": table.set_index("focal").loc["start_level", "share_negative"],
        "poverty_negative": table.set_index("focal").loc["poverty", "share_negative"],
        "income_negative": table.set_index("focal").loc["income", "share_negative"],
    }
    formats = {
        "specifications": "integer",
        "counted": "integer",
        "median": "signed2",
        "share_negative": "share0",
        "share_significant": "share0",
        "joint_median": "p_value",
        "joint_q": "p_value",
    }
    return _result("specification_curve_summary", table, [("drivers.curve", values)], **formats)


def participants(c: CoverageDrivers) -> Result:
    """Compulsory and voluntary social insurance: the least unlikely driver of each design."""
    rows = c.estimates[c.estimates["outcome"].isin(OUTCOMES[1:])]
    rows = rows[rows["term"].isin(list(DRIVERS))]
    found = []
    for (outcome, design, beside), family in rows.groupby(["outcome", "design", "beside"]):
        best = family.sort_values(["q", "wild_p", "term"]).iloc[0]
        found.append(
            {
                "outcome": outcome,
                "design": design,
                "beside": beside,
                "driver": best["term"],
                "estimate": best["estimate"],
                "wild_p": best["wild_p"],
                "q": best["q"],
                "passing": int((family["q"] <= 0.10).sum()),
                "minimum_detectable": float(family["minimum_detectable"].median()),
                "n": best["n"],
                "clusters": best["clusters"],
            }
        )
    table = pd.DataFrame(found)
    start = estimate(c, outcome=OUTCOMES[1], term="start_level")
    values = {
        "families": len(table),
        "passing": int((table["passing"] > 0).sum()),
        "smallest": float(table["q"].min()),
        "voluntary": float(table.loc[table["outcome"].eq(OUTCOMES[2]), "q"].min()),
        "detectable": float(
            table.loc[table["outcome"].eq(OUTCOMES[2]), "minimum_detectable"].median()
        ),
        "start": start["estimate"],
        "start_p": start["wild_p"],
    }
    formats = {"estimate": "signed3", "q": "p_value", "passing": "integer"}
    formats["minimum_detectable"] = "number3"
    return _result("participants", table, [("drivers.participants", values)], **formats)


def other_questions(c: CoverageDrivers) -> Result:
    """Distance to the target, regions, urban share: what else was asked."""
    gap = estimate(c, term="target_gap")
    regions = c.regions.set_index("design")["p"].to_dict()
    table = pd.DataFrame([gap[["term", "design", "estimate", "low", "high", "wild_p"]]])
    table["minimum_detectable"] = gap["minimum_detectable"]
    table["n"], table["clusters"] = gap["n"], gap["clusters"]
    table = table.rename(columns={"term": "driver"})
    values = {
        "estimate": gap["estimate"],
        "p": gap["wild_p"],
        "n": int(gap["n"]),
        "clusters": int(gap["clusters"]),
        "regions_levels": float(regions["levels"]),
        "regions_changes": float(regions["changes"]),
    }
    differ = min(values["regions_levels"], values["regions_changes"]) <= 0.05
    key = "drivers.others_differ" if differ else "drivers.others"
    return _result("other_questions", table, [(key, values)])


def test_size(c: CoverageDrivers) -> Result:
    """How often each test finds something where there is nothing, on the real designs."""
    names = ["CR1_normal", "CR1", "CR2", "CR3", "wild"]
    table = c.size[["design", "panels", *names]].rename(columns=str.lower)
    values = {
        "panels": int(table["panels"].iloc[0]),
        "worst": float(table["cr1_normal"].max()),
        "cr3_low": float(table["cr3"].min()),
        "cr3_high": float(table["cr3"].max()),
        "wild_low": float(table["wild"].min()),
        "wild_high": float(table["wild"].max()),
    }
    formats = {**dict.fromkeys([n.lower() for n in names], "share1"), "panels": "integer"}
    return _result("test_size", table, [("drivers.size", values)], **formats)


def units(c: CoverageDrivers) -> Result:
    """What one standard deviation of each driver means."""
    table = c.units[["driver", "middle", "above", "unit", "provinces"]]
    formats = {"middle": "number1", "above": "number1", "provinces": "integer"}
    result = _result("driver_units", table, [("drivers.units", {})], **formats)
    return replace(result, words={**result.words, "unit": "driver_unit"})


def season_points(c: CoverageDrivers) -> pd.DataFrame:
    """The course of a year for a province that ends it at 90%: month, share to go, coverage."""
    effect = estimate(c, outcome=OUTCOMES[0], term="season", design="levels")
    end, months = growth.logit(np.array([90.0]))[0], np.arange(13)
    table = pd.DataFrame({"month": months, "to_go": 1 - months / 12})
    for name in ("estimate", "low", "high"):
        table[name] = growth.inverse_logit(end + float(effect[name]) * table["to_go"].to_numpy())
    return table


# --------------------------------------------------------------------------------------------------
# The claims of chapters 03 and 04: what is said, on what evidence, how firmly, and what is not.
#
# Each claim takes its numbers from the results of its chapter. The strength is decided here by
# rules on those numbers, so a claim that the data stop supporting changes its strength by itself.
# --------------------------------------------------------------------------------------------------

_PARTS = ("claim", "evidence", "not_claimed", "changed")
#: What the last edition claimed: claim, strength, and the numbers that it printed.
LAST_EDITION = Path(paths.ROOT) / "data" / "benchmarks" / "claims.csv"


@dataclass(frozen=True)
class Claim:
    """One claim: the key of its phrases in the topic ``claims``, its numbers, its strength."""

    key: str
    chapter: str
    strength: str
    values: Mapping[str, Any]

    @property
    def question(self) -> str:
        """What is asked, whatever the answer: one name in every edition."""
        return self.key.removesuffix("_seen").removesuffix("_open")

    def say(self, part: str, language: str) -> str:
        """One of claim, evidence, not_claimed, changed (since the last edition), in a language.

        What changed is the strength and the numbers of the last edition, then the reason.
        """
        said = say(f"claims.{self.key}_{part}", language, **self.values)
        return said if part != "changed" else " ".join([*self._before(language), said])

    def _before(self, language: str) -> list[str]:
        rows = _last_edition()
        rows = rows[rows["claim_id"] == self.question]
        if rows.empty:
            return [say("edition.new", language)]
        was = str(rows["strength"].iloc[0])
        key = "edition.same" if was == self.strength else "edition.was"
        numbers = dict(zip(rows["figure"], rows["value"], strict=True))
        then = say(f"edition.{self.question}", language, **numbers)
        return [say(key, language, was=f"strength.{was}"), then]


@cache
def _last_edition() -> pd.DataFrame:
    paths.asked(LAST_EDITION)
    return pd.read_csv(LAST_EDITION)


def _values(*results: Result) -> dict[str, Any]:
    """The numbers of the first sentences of results; two may not share a name.

    Raises ValueError where they do, because one number would silently stand for another.
    """
    values: dict[str, Any] = {}
    for each in results:
        numbers = dict(each.phrases[0][1])
        if shared := sorted(values.keys() & numbers.keys()):
            raise ValueError(f"{each.name}: {', '.join(shared)} would replace another number")
        values |= numbers
    return values


def coverage_claims(c: CoverageDrivers) -> list[Claim]:
    """The claims of chapter 03, the firmest first."""
    policy = _values(decisions.loss(c), left_out(c))
    policy |= {"curve_negative": _values(curve(c))["negative_all"]}
    policy |= {k: v for k, v in _values(decisions.last_edition(c)).items() if k == "above"}
    policy |= _values(decisions.named(c, 0))
    country = _values(decisions.country(c))
    policy |= {k: country[k] for k in ("first", "last")}
    # What the claim has to bear besides its p-values: the country, and courses not quite parallel.
    bears = bool(c.decisions.country["agrees"]) and _values(decisions.bounds(c))["multiple"] >= 0.5
    firm = max(policy["p"], policy["dealt"]) <= 0.05 and policy["negative"] == policy["fits"]
    recovery = _values(decisions.without_each(c)) | _values(decisions.named(c, 1))
    in_season = _values(season(c))
    others_of, changes = (_values(rivals(c, design)) for design in ("levels", "changes"))
    for name in ("alone", "beside", "smallest_q"):
        others_of[f"{name}_changes"] = changes[name]
    start = _values(starting_level(c))
    others = _values(other_questions(c))
    people = _values(participants(c))
    no_other = min(others_of["smallest_q"], others_of["smallest_q_changes"]) > 0.05
    explained = others_of["alone"] > 0 and no_other
    strength = decisions.strength(c)
    return [
        Claim("policy", "03", "strong" if firm and bears else "moderate", policy),
        Claim("season", "03", "strong" if in_season["p"] <= 0.01 else "moderate", in_season),
        Claim("recovery" if strength != "none" else "recovery_open", "03", strength, recovery),
        Claim("rivals" if explained else "rivals_open", "03", "moderate", others_of),
        Claim("poverty", "03", "none", _values(decisions.poverty(c))),
        Claim("start", "03", "none", start),
        _open("target", "03", others["p"] <= 0.10, others),
        _open("participants", "03", people["passing"] > 0, people),
    ]


def late_claims(late: LatePayment) -> list[Claim]:
    """The claims of chapter 04, the firmest first."""
    split, factors = _values(late_payment.variance(late)), _values(late_payment.conversions(late))
    drivers = _values(late_payment.drivers(late))
    inspection = _values(late_payment.verdict(late))
    return [
        Claim("basis", "04", "strong" if factors["median"] > 1.5 else "moderate", factors),
        Claim("variance", "04", "moderate" if split["basis_low"] > 0.01 else "weak", split),
        Claim("reporters", "04", "moderate", _values(late_payment.reporters(late))),
        Claim("levels", "04", "weak", _values(late_payment.levels(late))),
        Claim("course", "04", "none", _values(late_payment.changes(late))),
        Claim("late_forecast", "04", "weak", _values(late_payment.scores(late))),
        _open("late_drivers", "04", drivers["passing"] > 0, drivers),
        Claim("inspection", "04", "none", inspection),
    ]


def _open(key: str, chapter: str, seen: bool, values: Mapping[str, Any]) -> Claim:
    """A question without an answer so far; where something is seen, a weak claim in its place."""
    if seen:
        return Claim(f"{key}_seen", chapter, "weak", values)
    return Claim(key, chapter, "none", values)


def table(claims: list[Claim]) -> pd.DataFrame:
    """The claims in both languages, one row a claim: the form of claims.csv."""
    rows = []
    for claim in claims:
        row = {"claim_id": claim.key, "chapter": claim.chapter, "strength": claim.strength}
        for language in LANGUAGES:
            ending = "" if language == "en" else f"_{language}"
            row |= {f"{part}{ending}": claim.say(part, language) for part in _PARTS}
        rows.append(row)
    return pd.DataFrame(rows)


def all_claims(late: list[Claim]) -> pd.DataFrame:
    """The claims of both chapters: those that chapter 03 wrote, and those of chapter 04.

    Raises MissingTable when chapter 03 has not run.
    """
    earlier = paths.read_processed("claims_coverage")
    earlier["chapter"] = "03"
    return pd.concat([earlier, table(late)], ignore_index=True)


def result(claims: list[Claim], language: str) -> Result:
    """The claims as the table that opens a chapter, in one language."""
    rows = [
        {
            "claim": claim.say("claim", language),
            "strength": claim.strength,
            "evidence": claim.say("evidence", language),
            "not_claimed": claim.say("not_claimed", language),
            "changed": claim.say("changed", language),
        }
        for claim in claims
    ]
    name = f"claims_{claims[0].chapter}"
    return Result(name, pd.DataFrame(rows), words={"strength": "strength"}, topic="claims")
