"""Clearly synthetic forecasts for the tests of the report; nothing here reaches a report.

The numbers are made up from the code of a unit, so that every kind of verdict occurs. They have
the columns of the tables of chapter 05.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.country import geography
from analysis.seeds import generator
from analysis.verdicts import NOT_ENOUGH_EVIDENCE, verdict

ORIGIN = "2024-12-31"
DUE = "2025-12-31"
TARGETS = {"hi_coverage": 95.0, "si_coverage": 45.0, "ui_coverage": 35.0}
QUANTILES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
SCALES = ("true", "reported", "official")


def units() -> list[tuple[str, str]]:
    """All units of all levels."""
    levels = ("country", "region", "province_63", "province_34")
    return [(level, code) for level in levels for code in geography.codes(level)]


def _quantiles(mean: float, sd: float) -> dict[str, float]:
    names = [
        f"q{1000 * q:03.0f}" if q in (0.025, 0.975) else f"q{100 * q:02.0f}" for q in QUANTILES
    ]
    values = np.clip(norm.ppf(QUANTILES, mean, sd), 0.1, 99.9)
    return dict(zip(names, map(float, values), strict=True))


def setter(level: str, code: str, indicator: str) -> str:
    """Who set a target; nobody for every third province's labour rates and every other new one."""
    number = int("".join(c for c in code if c.isdigit()))
    if level == "province_63" and indicator != "hi_coverage" and number % 3 == 0:
        return "nationwide"
    return "nationwide" if level == "province_34" and number % 4 == 2 else "government"


def forecasts() -> pd.DataFrame:
    """One row a unit, indicator and scale for the due date."""
    rows = []
    for level, code in units():
        for indicator, target in TARGETS.items():
            random = generator("synthetic", level, code, indicator)
            mean, sd = target + 2.5 * random.standard_normal(), 1.0 + random.random()
            chance = float(norm.sf(target, mean, sd))
            unsure = code in ("02", "84") and indicator != "hi_coverage"
            for scale in SCALES:
                shift = {"true": -0.3, "reported": 0.0, "official": -2.0}[scale]
                rows.append(
                    {
                        "geo_level": level,
                        "province_code": code,
                        "indicator": indicator,
                        "origin": ORIGIN,
                        "date": DUE,
                        "scale": scale,
                        "mean": mean + shift,
                        "sd": sd,
                        **_quantiles(mean + shift, sd),
                        "target": target,
                        "target_setter": setter(level, code, indicator),
                        "p_meets_true": float(norm.sf(target, mean - 0.3, sd)),
                        "p_meets_reported": chance,
                        "p_meets_official": float(norm.sf(target, mean - 2, sd)),
                        "persons_short": max(0.0, 1e4 * (target - mean)),
                        "verdict": NOT_ENOUGH_EVIDENCE if unsure else verdict(chance),
                    }
                )
    return pd.DataFrame(rows)


def estimates() -> pd.DataFrame:
    """One row a unit, indicator and year-end from 2015 to 2024."""
    rows = []
    for level, code in units():
        for indicator, target in TARGETS.items():
            random = generator("synthetic", level, code, indicator)
            last = target + 2.5 * random.standard_normal()
            status = "borrowed" if code in ("02", "84") else "inferred"
            for year in range(2015, 2025):
                mean = last - 1.4 * (2025 - year)
                rows.append(
                    {
                        "geo_level": level,
                        "province_code": code,
                        "indicator": indicator,
                        "date": f"{year}-12-31",
                        "scale": "reported",
                        "mean": mean,
                        "sd": 1.5,
                        **_quantiles(mean, 1.5),
                        "status": status,
                    }
                )
    return pd.DataFrame(rows)


def needs() -> pd.DataFrame:
    """One row a unit and indicator."""
    rows = []
    for level, code in units():
        for indicator, target in TARGETS.items():
            base = 100 * (1 + len(code) * int("".join(c for c in code if c.isdigit()) or 1))
            rows.append(
                {
                    "geo_level": level,
                    "province_code": code,
                    "indicator": indicator,
                    "origin": ORIGIN,
                    "date": DUE,
                    "target": target,
                    "target_setter": setter(level, code, indicator),
                    "persons_month_50": float(base),
                    "persons_month_80": float(2 * base),
                    "expected_persons_month": float(base),
                    "best_year": 2018,
                    "best_year_persons_month": float(3 * base),
                    "date_reached_50": "2026-06-30",
                    "evidence": "own",
                }
            )
    return pd.DataFrame(rows)


def targets(real: pd.DataFrame) -> pd.DataFrame:
    """The real targets, and one of the Government's for each forecast that says it has one."""
    rows = [
        {
            "geo_level": row["geo_level"],
            "province_code": row["province_code"],
            "indicator": row["indicator"],
            "basis": "",
            "due": pd.Timestamp(DUE),
            "value": row["target"],
            "qualifier": "exact",
            "setter": "government",
            "announced": pd.Timestamp("2022-04-29"),
            "derived": False,
            "n_sources": 1,
            "facts": "1",
            "sources": "S328",
        }
        for row in forecasts().query("scale == 'reported' and target_setter == 'government'")
        .to_dict("records")
    ]  # fmt: skip
    return pd.concat([real, pd.DataFrame(rows)], ignore_index=True)


def late_payment_forecasts() -> pd.DataFrame:
    """One unit with a forecast of late payment, one without a reason to have one."""
    columns = ["geo_level", "province_code", "indicator", "basis", "origin", "date", "scale"]
    columns += ["q10", "q50", "q90", "target", "target_setter", "p_meets_reported", "verdict"]
    columns += ["reason"]
    own = ["province_63", "01", "late_payment_rate", "one_month", ORIGIN, DUE, "reported"]
    own += [1.5, 2.0, 2.6, 2.2, "province", 0.7, "likely", ""]
    none = ["province_63", "83", "late_payment_rate", "", ORIGIN, DUE, "", None, None, None, None]
    none += ["", None, "not_enough_evidence", "no_reading"]
    return pd.DataFrame([own, none], columns=columns)
