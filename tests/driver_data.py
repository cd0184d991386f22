"""The project's own readings for tests of the chapters on drivers, built once a process."""

from functools import cache
from unittest import mock

import pandas as pd

from analysis.country import geography
from analysis.drivers import growth, pairs, robustness, study
from analysis.drivers.policy import exposures
from analysis.facts import Raw, load_raw
from analysis.late_payment import study as late_payment_study
from analysis.readings import build_readings


@cache
def raw() -> Raw:
    return load_raw()


@cache
def readings() -> pd.DataFrame:
    return build_readings(raw()).readings


@cache
def coverage_readings() -> pd.DataFrame:
    return pairs.on_one_population(readings(), raw())


@cache
def exposure() -> pd.DataFrame:
    return growth.with_regions(exposures(raw()), geography.provinces())


@cache
def samples() -> growth.Samples:
    return growth.Samples(coverage_readings(), exposure())


@cache
def small_coverage() -> study.CoverageDrivers:
    """Chapter 03 with few draws and a ninth of the specifications."""
    with (
        mock.patch.object(robustness, "COMPARED_EVIDENCE", robustness.COMPARED_EVIDENCE[:1]),
        mock.patch.object(robustness, "COMPARED_RULES", pairs.RULES[:1]),
        mock.patch.object(study, "PANELS", 40),
    ):
        return study.run.__wrapped__(readings(), raw(), 199, 49)


@cache
def small_late_payment() -> late_payment_study.LatePayment:
    """Chapter 04 with few draws."""
    return late_payment_study.run(readings(), raw(), 199)


def reading(code: str, day: str, value: float, **more: object) -> dict[str, object]:
    """One reading of HI coverage with the columns that the drivers use."""
    row = {
        "reading_id": f"province_63/{code}/hi_coverage/{day}",
        "geo_level": "province_63",
        "province_code": code,
        "indicator": "hi_coverage",
        "basis": "",
        "as_of": pd.Timestamp(day),
        "value": value,
        "lower": value,
        "upper": value,
        "season": "year_end" if day.endswith("12-31") else "interim",
        "denominator_version": "post_2019_census",
        "kind_of_evidence": "published",
        "doubt": "",
    }
    return row | more
