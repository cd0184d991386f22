"""The specification curve: every sensible combination of choices, for each question.

The set was fixed before any of it was run: three pairing rules; published rates on one
population, participants over the official population, or rates as published; levels or changes
(annual or whole changes); three forms of the periods; and every subset of the controls of each
question. A choice that a design cannot express is not counted twice: levels have no start.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np
import pandas as pd

from analysis.drivers import growth, pairs, policy, terms
from analysis.inference import Curve, Specification, run_curve
from analysis.inference.multiple import benjamini_hochberg
from analysis.seeds import generator

#: Focal terms and the controls that may stand beside each.
FAMILIES: dict[str, tuple[str, ...]] = {
    policy.TERM: ("start_level", "regions", "minority_trend", "income", "urban"),
    "start_level": (policy.TERM, "regions", "minority_trend", "income", "urban"),
    "income": (policy.TERM, "start_level", "regions", "urban"),
    "poverty": (policy.TERM, "start_level", "regions", "urban"),
    "urban": (policy.TERM, "start_level", "regions", "income"),
    "grdp": (policy.TERM, "start_level", "regions", "urban"),
    "wage_work": (policy.TERM, "start_level", "regions", "urban"),
    "governance": (policy.TERM, "start_level", "regions", "urban"),
}
#: Which readings are compared, and what may stand for the coverage of a province.
RULES = pairs.RULES
EVIDENCE = ("published", "participants", "as_published")
FORMS = (("levels", "whole"), ("changes", "annual"), ("changes", "whole"))


def choices_of(focal: str) -> Iterator[growth.Choices]:
    """All specifications of one question, in a fixed order."""
    for rule, evidence, form, periods in product(pairs.RULES, EVIDENCE, FORMS, terms.PERIODS):
        for size in range(len(FAMILIES[focal]) + 1):
            for controls in combinations(FAMILIES[focal], size):
                design, weighting = form
                terms_used = {focal, *controls}
                if design == "levels" and "start_level" in terms_used:
                    continue
                yield growth.Choices(
                    design=design,
                    rule=rule,
                    evidence=evidence,
                    periods=periods,
                    weighting=weighting,
                    policy=policy.TERM in terms_used,
                    start_level="start_level" in terms_used,
                    regions="regions" in terms_used,
                    minority_trend="minority_trend" in terms_used,
                    drivers=tuple(d for d in (focal, *controls) if d in growth_drivers()),
                )


def growth_drivers() -> tuple[str, ...]:
    """Terms that are drivers times the trend."""
    return ("income", "poverty", "urban", "grdp", "wage_work", "governance")


def specification(samples: growth.Samples, focal: str, choices: growth.Choices) -> Specification:
    """One specification ready to run. Raises SingularDesign where there are no rows."""
    design = samples.design("hi_coverage", choices)
    controls = sorted(
        name
        for name in ("start_level", "regions", "minority_trend")
        if getattr(choices, name) and name != focal
    )
    controls += [d for d in choices.drivers if d != focal]
    controls += ["decision_861"] if choices.policy and focal != policy.TERM else []
    named = {
        "focal": focal,
        "design": choices.design,
        "weighting": choices.weighting,
        "rule": choices.rule,
        "evidence": choices.evidence,
        "periods": choices.periods,
        "controls": " + ".join(controls),
    }
    return Specification(
        named, design.y, design.X, design.names, design.clusters, focal, design.absorb
    )


def run(samples: growth.Samples, draws: int = 499) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run all families.

    Returns the curve (one row a specification) and a summary (one row a family: specifications,
    counted, not_counted, median, share_negative, share_significant, joint p-values and their
    false-discovery q). Specifications that cannot be estimated, or rest on fewer than ten
    provinces, are listed with the reason and not counted.
    """
    tables, summary = [], []
    for focal in FAMILIES:
        specs = [specification(samples, focal, c) for c in choices_of(focal)]
        curve = run_curve(specs, generator("drivers", "curve", focal), draws)
        tables.append(curve.table)
        summary.append(_summary(focal, curve))
    table = pd.concat(tables, ignore_index=True)
    table["specification"] = np.arange(1, len(table) + 1)
    joint = pd.DataFrame(summary)
    joint["joint_q"] = benjamini_hochberg(joint["joint_median"])
    return table, joint


def _summary(focal: str, curve: Curve) -> dict[str, object]:
    done = curve.table[curve.table["note"] == ""]
    significant = done["wild_p"] <= 0.05
    return {
        "focal": focal,
        "specifications": len(curve.table),
        "counted": len(done),
        "not_counted": len(curve.table) - len(done),
        "median": float(done["estimate"].median()),
        "low": float(done["estimate"].quantile(0.05)),
        "high": float(done["estimate"].quantile(0.95)),
        "share_negative": float((done["estimate"] < 0).mean()),
        "share_significant": float(significant.mean()),
        "joint_median": curve.joint["median"],
        "joint_significant": curve.joint["share_significant"],
        "joint_sign": curve.joint["share_of_sign"],
    }
