"""Decision 861 and Decree 75 in points: estimates, bounds, placebos, and what the lists would add.

The estimates are those of `windows`; beside them stand the fit of the last edition, which carried
a straight trend over the pandemic, and the country's own figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from analysis.drivers import growth, pairs
from analysis.drivers.commune_lists import standardised
from analysis.drivers.windows import (
    HIT,
    LOSS,
    MAIN_WINDOWS,
    RECOVERY,
    REMAINING,
    TAKEN,
    WINDOWS,
    against_country,
    combination,
    country_readings,
    dealt,
    effect_in_points,
    exposure_names,
    fitted_line,
    hit_provinces,
    loss_and_recovery,
    one_row,
    stood,
    window_cells,
    window_design,
)
from analysis.facts import Raw
from analysis.inference import Fit, covariance, estimate_rows
from analysis.inference.resampling import minimum_detectable_effect
from analysis.readings import covariates
from analysis.seeds import generator

#: For the bounds: one step before the Decision, to be set against the step at the Decision.
_STEPS = {
    "early": pairs.FIRST,
    "before": WINDOWS["before"],
    **{name: day for name, day in MAIN_WINDOWS.items() if name != "before"},
}
#: Placebo dates, all before the cards stopped.
PLACEBOS = tuple(pd.Timestamp(f"{y}-{m}-01") for y in (2017, 2018, 2019) for m in ("01", "07"))
#: Provinces needed for a line through their changes.
_FEWEST = 8
#: Multiples of the step before that the bounds let pass.
MULTIPLES = tuple(round(0.1 * step, 1) for step in range(21))
#: The recovery stands near the usual bound: fewer draws would decide on it by chance.
FIRM_DRAWS = 4999
#: Supposed correlations of the minority share with the share of people in communes that left.
CORRELATIONS = (0.5, 0.7, 0.9, 1.0)
_LABELS = {"outcome": "hi_coverage", "sample": "windows, published"}


@dataclass(frozen=True)
class Decisions:
    """What chapter 03 says of July 2021 and October 2023.

    ``estimates``: rows of drivers_coverage.csv. ``designs``: the loss by design, logit and points.
    ``path``: the slope by window. ``readings``: readings with the country of the same day.
    ``left_out``: loss and recovery without each province. ``bounds`` and ``placebo``: how far the
    past may bend the line. ``hit``: hit provinces against untouched ones. ``country``: the line
    read at the country's own share beside what the country printed. ``rivals``: poverty beside
    the minority share; ``lists``: the share of people in communes that left the lists, where the
    optional table is there. ``power``: what the lists of communes would add.
    ``last_edition``: its claim in points, and why it was too large. ``named``: the two provinces
    of the figure.
    """

    estimates: pd.DataFrame
    designs: pd.DataFrame
    path: pd.DataFrame
    readings: pd.DataFrame
    nation: pd.DataFrame
    left_out: pd.DataFrame
    bounds: pd.DataFrame
    placebo: pd.DataFrame
    hit: pd.DataFrame
    country: pd.Series
    rivals: pd.DataFrame
    lists: pd.DataFrame | None
    power: pd.DataFrame
    last_edition: pd.Series
    named: tuple[str, ...]


def run(
    samples: growth.Samples,
    readings: pd.DataFrame,
    raw: Raw,
    draws: int = 1999,
    left: pd.Series | None = None,
) -> Decisions:
    """Estimate everything that chapter 03 says of the two decisions.

    samples: readings on one population and exposures. readings: of chapter 01. draws: bootstrap
    draws a test. left: of `commune_lists.left_the_lists`, where the table is there. Raises
    SingularDesign where a period has no provinces to compare.
    """
    share = covariates.covariate_table(raw)["minority_share"]
    nation = country_readings(readings, raw)
    rows = against_country(samples.readings, nation, samples.exposure, share)
    table = window_cells(rows, MAIN_WINDOWS)
    main = loss_and_recovery(table)
    changes = one_row(table)
    country = agreement(changes, nation, raw)
    estimates = _estimates(table, changes, draws)
    return Decisions(
        estimates=estimates,
        designs=_designs(samples, rows, table, draws),
        path=_path(window_cells(rows, WINDOWS)),
        readings=rows,
        nation=nation,
        left_out=_left_out(table, draws),
        bounds=effect_bounds(window_cells(rows, _STEPS)),
        placebo=placebo_days(rows),
        hit=hit_provinces(table),
        country=country,
        rivals=_side_by_side(table, samples.exposure["poverty"], "poverty"),
        lists=None if left is None else _side_by_side(table, standardised(left), "left_lists"),
        power=power_of_design(main.fit(), table["province_code"].nunique()),
        last_edition=_last_edition(samples, changes, country),
        named=exposure_names(rows),
    )


def _estimates(table: pd.DataFrame, changes: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Rows in the form of drivers_coverage.csv: designs ``windows`` and ``one_row``."""
    found = []
    for beside, trend in (("main design", False), ("minority trend", True)):
        fit = loss_and_recovery(table, trend).fit()
        rng = generator("drivers", "windows", beside)
        more = {**_LABELS, "design": "windows", "beside": beside}
        found += estimate_rows(fit, [LOSS, RECOVERY], rng, max(draws, FIRM_DRAWS), **more)
    built = window_design(table, {"minority": table["minority"].to_numpy()})
    names = tuple(REMAINING if n == "minority:after" else n for n in built.names)
    rng = generator("drivers", "windows", "remaining")
    more = {**_LABELS, "design": "windows", "beside": "main design"}
    found += estimate_rows(replace(built, names=names).fit(), [REMAINING], rng, draws, **more)
    fit = fitted_line(changes)
    fit = replace(fit, names=("constant", LOSS))
    more = {**_LABELS, "design": "one_row", "beside": "main design"}
    found += estimate_rows(fit, [LOSS], generator("drivers", "one_row"), draws, **more)
    return pd.DataFrame(found)


def _designs(
    samples: growth.Samples, rows: pd.DataFrame, table: pd.DataFrame, draws: int
) -> pd.DataFrame:
    """The loss by design, in logits and in points from where those provinces stood.

    Columns: design, estimate, low, high (logit for one standard deviation), at_mean (logit at the
    mean share), start (percent), points and points_at_mean, n, clusters, dealt (permutation p).
    """
    changes = one_row(table)
    start = stood(changes)
    found = []
    for kind in growth.GROWTH_DESIGNS:
        fit = samples.design("hi_coverage", growth.Choices(design=kind)).fit()
        at_mean = float(fit.beta[fit.index("step")])
        found.append(_design_row(f"trend_{kind}", fit, LOSS, at_mean))
    quiet = rows[~rows["as_of"].between("2021-07-01", "2021-11-30")]
    versions = {"one_row": table, "without_autumn": window_cells(quiet, MAIN_WINDOWS)}
    for name, part in versions.items():
        own = one_row(part)
        if len(own) >= _FEWEST:
            fit = fitted_line(own)
            p = dealt(own, draws, name)
            found.append({**_design_row(name, fit, "minority", float(fit.beta[0])), "dealt": p})
    fit = loss_and_recovery(table).fit()
    found.append(_design_row("windows", fit, LOSS, float(fit.beta[fit.index("between")])))
    out = pd.DataFrame(found)
    out["start"] = start
    out["points"] = [effect_in_points(e, start) for e in out["estimate"]]
    out["points_at_mean"] = [effect_in_points(e, start) for e in out["at_mean"]]
    return out


def _design_row(name: str, fit: Fit, term: str, at_mean: float) -> dict[str, object]:
    centre, error, low, high = combination(fit, {term: 1.0})
    return {
        "design": name,
        "estimate": centre,
        "standard_error": error,
        "low": low,
        "high": high,
        "at_mean": at_mean,
        "n": fit.n,
        "clusters": fit.clusters,
    }


def _path(table: pd.DataFrame) -> pd.DataFrame:
    """The slope on the minority share by window, against 2019 to June 2021.

    Columns: window, start, estimate, low, high (logit for one standard deviation), mean (change
    of the distance to the country at the mean share), provinces, with_many (at least HIT).
    """
    fit = window_design(table, {"minority": table["minority"].to_numpy()}).fit()
    rows = []
    for window, first in WINDOWS.items():
        own = table[table["period"] == window]
        row: dict[str, object] = {"window": window, "start": first}
        if window == "before":
            row |= {"estimate": 0.0, "low": 0.0, "high": 0.0, "mean": 0.0}
        else:
            centre, _, low, high = combination(fit, {f"minority:{window}": 1.0})
            row |= {"estimate": centre, "low": low, "high": high}
            row["mean"] = float(fit.beta[fit.index(window)])
        many = own.loc[own["share"] >= HIT, "province_code"].nunique()
        rows.append({**row, "provinces": len(own), "with_many": int(many)})
    return pd.DataFrame(rows)


def _left_out(table: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Loss and recovery without each province: province_code, loss, recovery, p_recovery."""
    rows = []
    for code in sorted(table["province_code"].unique()):
        part = table[table["province_code"] != code]
        fit = loss_and_recovery(part.reset_index(drop=True)).fit()
        rng = generator("drivers", "windows", "without", code)
        label = {"outcome": "", "design": "", "sample": ""}
        tested = estimate_rows(fit, [RECOVERY], rng, min(draws, 399), **label)[0]
        rows.append(
            {
                "province_code": code,
                "loss": float(fit.beta[fit.index(LOSS)]),
                "recovery": float(fit.beta[fit.index(RECOVERY)]),
                "p_recovery": tested["wild_p"],
            }
        )
    return pd.DataFrame(rows)


def effect_bounds(table: pd.DataFrame) -> pd.DataFrame:
    """How wrong may parallel courses be? Bounds in the manner of Rambachan and Roth (2023).

    table: `cells` of STEPS. The slope on the minority share moved by some step before July 2021,
    between the first two windows. From one window to the next after it, it may have moved by up
    to ``multiple`` times that step for reasons of its own. Each interval is the hull of the 95%
    intervals at the two ends, which is on the safe side. Columns: effect (loss, recovery),
    multiple, estimate, low, high, step.
    """
    built = window_design(table, {"minority": table["minority"].to_numpy()})
    fit = built.fit()
    step = -float(fit.beta[fit.index("minority:early")])
    effects = {
        "loss": {"minority:between": 1.0},
        "recovery": {"minority:after": 1.0, "minority:between": -1.0},
    }
    rows = []
    for effect, weights in effects.items():
        centre = combination(fit, weights)[0]
        for multiple in MULTIPLES:
            # A step before is -1 times the term of the early window.
            ends = [
                combination(fit, {**weights, "minority:early": sign * multiple})
                for sign in (-1.0, 1.0)
            ]
            rows.append(
                {
                    "effect": effect,
                    "multiple": multiple,
                    "estimate": centre,
                    "low": min(e[2] for e in ends),
                    "high": max(e[3] for e in ends),
                    "step": step,
                }
            )
    return pd.DataFrame(rows)


def placebo_days(rows: pd.DataFrame) -> pd.DataFrame:
    """The one-row design at dates when nothing was decided, on readings before July 2021 only.

    Columns: date, estimate (logit for one standard deviation), low, high, n, note.
    """
    found = []
    early = rows[rows["as_of"] < TAKEN]
    for date in PLACEBOS:
        periods = {"before": date - pd.DateOffset(years=4), "between": date}
        span = early[early["as_of"] < date + pd.DateOffset(months=27)]
        table = window_cells(span, periods) if len(span) else span
        row: dict[str, object] = {"date": date, "estimate": np.nan, "low": np.nan, "high": np.nan}
        changes = one_row(table) if set(table.get("period", [])) >= set(periods) else table[:0]
        if len(changes) < _FEWEST:
            found.append({**row, "n": len(changes), "note": "too few provinces"})
            continue
        centre, _, low, high = combination(fitted_line(changes), {"minority": 1.0})
        found.append(
            {**row, "estimate": centre, "low": low, "high": high, "n": len(changes), "note": ""}
        )
    return pd.DataFrame(found)


def agreement(changes: pd.DataFrame, nation: pd.DataFrame, raw: Raw) -> pd.Series:
    """The line through the provinces, read at the country's own minority share.

    A province that is like the country has to move as the country does: there the line gives its
    distance to the country, which is zero where both agree. Entries: share (percent, weighted by
    persons), gap_logit, low, high, gap (points at the country's level), first and last (year-ends
    of 2020 and 2021 as published), agrees.
    """
    table, fit = covariates.covariate_table(raw), fitted_line(changes)
    share, persons = table["minority_share"], table["population_last"]
    at = float((share * persons).sum() / persons[share.notna()].sum())
    score = (at - float(share.mean())) / float(share.std())
    centre, _, low, high = combination(fit, {"constant": 1.0, "minority": score})
    ends = nation[nation["season"] == "year_end"]
    first, last = (
        float(ends.loc[ends["as_of"].dt.year == year, "published"].iloc[-1])
        for year in (2020, 2021)
    )
    return pd.Series(
        {
            "share": at,
            "score": score,
            "gap_logit": centre,
            "gap": effect_in_points(centre, last),
            "low": effect_in_points(low, last),
            "high": effect_in_points(high, last),
            "first": first,
            "last": last,
            "agrees": bool(low <= 0 <= high),
        }
    )


def _last_edition(samples: growth.Samples, changes: pd.DataFrame, country: pd.Series) -> pd.Series:
    """The claim of the last edition by its own method on the data of today, and what it implies.

    It carried a straight trend over the pandemic, started every province at 90%, and added the
    step at the mean share to that of one standard deviation more. Entries, all in points lost as
    positive numbers: middle and above (at 90%), per_unit, start (percent, where those provinces
    stood), moved (the same fit, from there, one standard deviation above), now (this edition,
    likewise), fold (above / now), implied (what the fit says of the country at the end of 2021,
    percent).
    """
    fit = samples.design("hi_coverage", growth.Choices(design="levels")).fit()
    beta = dict(zip(fit.names, fit.beta, strict=True))
    step, slope = float(beta["step"]), float(beta[LOSS])
    new = fitted_line(changes)
    start, now = stood(changes), float(new.beta.sum())
    year = float(beta["trend"] + step + 0.5 * beta.get("trend_after", 0.0))
    year += slope * float(country["score"])
    middle, above = (-effect_in_points(step + k * slope, 90.0) for k in (0, 1))
    return pd.Series(
        {
            "middle": middle,
            "above": above,
            "per_unit": above - middle,
            "start": start,
            "moved": -effect_in_points(step + slope, start),
            "now": -effect_in_points(now, start),
            "fold": above / -effect_in_points(now, start),
            "implied": float(country["first"]) + effect_in_points(year, float(country["first"])),
        }
    )


def _side_by_side(table: pd.DataFrame, other: pd.Series, name: str) -> pd.DataFrame:
    """The loss by the minority share and by another exposure, each alone and both together.

    other: by province_code, in standard deviations; provinces without a value are left out.
    Columns: driver, beside (alone, together), estimate (logit for one standard deviation),
    standard_error, low, high, n, correlation (of the two among the provinces used).
    """
    changes = one_row(table)
    changes[name] = other.reindex(changes["province_code"]).to_numpy()
    changes = changes[np.isfinite(changes[name])].reset_index(drop=True)
    linked = float(changes["minority"].corr(changes[name]))
    rows = []
    for names in (("minority",), (name,), ("minority", name)):
        fit = fitted_line(changes, names)
        for driver in names:
            centre, error, low, high = combination(fit, {driver: 1.0})
            rows.append(
                {
                    "driver": driver,
                    "beside": "together" if len(names) > 1 else "alone",
                    "estimate": centre,
                    "standard_error": error,
                    "low": low,
                    "high": high,
                    "n": fit.n,
                    "correlation": linked,
                }
            )
    return pd.DataFrame(rows)


def power_of_design(fit: Fit, provinces: int) -> pd.DataFrame:
    """What the lists of communes would add: smallest effects found, and the power for this one.

    The minority share stands for the share of people in communes that left the lists. With a
    correlation r between the two, an effect of one standard deviation of the true share shows as
    r of it through the stand-in, with the same error. (What the stand-in misses is noise as well;
    that it would go is not counted.) With all 63 provinces read the error falls by the root of
    their number. Columns: effect, correlation, by_stand_in, by_lists, by_lists_63 (smallest
    effect of one standard deviation of the true share found with 80% power, logit), power,
    power_lists, power_63 (chance to find an effect as large as the estimate, at the 5% level).

    fit: of `loss_and_recovery`. provinces: how many stand behind it.
    """
    errors = np.sqrt(np.diag(covariance(fit, "CR3")))
    rows = []
    for effect, term in (("loss", LOSS), ("recovery", RECOVERY)):
        j = fit.index(term)
        error, size = float(errors[j]), abs(float(fit.beta[j]))
        fewer = float(np.sqrt(min(provinces, 63) / 63))
        found = minimum_detectable_effect(error, fit.clusters)
        for r in CORRELATIONS:
            rows.append(
                {
                    "effect": effect,
                    "correlation": r,
                    "by_stand_in": found / r,
                    "by_lists": found,
                    "by_lists_63": minimum_detectable_effect(error * fewer, 63),
                    "power": _power(size, error, fit.clusters),
                    "power_lists": _power(size / r, error, fit.clusters),
                    "power_63": _power(size / r, error * fewer, 63),
                }
            )
    return pd.DataFrame(rows)


def _power(effect: float, error: float, clusters: int) -> float:
    """Chance that a two-sided t test at 5% finds an effect with this standard error."""
    freedom = clusters - 1
    cut, centre = stats.t.ppf(0.975, freedom), effect / error
    if centre > cut + 6:
        return 1.0  # Beyond what the noncentral t can be computed for.
    return float(stats.nct.sf(cut, freedom, centre) + stats.nct.cdf(-cut, freedom, centre))
