"""Official figures beside the readings: population at any date, and covariates of provinces."""

from functools import cache

import numpy as np
import pandas as pd

from analysis.country import geography
from analysis.facts import Raw, load_raw

POST_CENSUS = "post_2019_census"
PRE_CENSUS = "pre_2019_census"

# The statistics office does not list ethnic-minority pupils for twelve lowland provinces, where
# they are about 0.1 percent of pupils together (2,692 in 2015).
UNLISTED_MINORITY_SHARE = 0.1

# The wide table: name -> (covariate, first year, last year averaged). Labour, poverty, schooling
# and health stop in 2016, so they serve as fixed levels of the province before the forecasts.
FIXED_LEVELS = {
    "minority_share": ("minority_pupil_share", 2015, 2016),
    "income_month": ("income_month", 2016, 2016),
    "income_month_wages": ("income_month_wages", 2016, 2016),
    "income_month_agriculture": ("income_month_agriculture", 2016, 2016),
    "poverty_rate": ("poverty_rate", 2014, 2015),
    "urban_share": ("urban_share", 2015, 2018),
    "net_migration": ("net_migration", 2014, 2016),
    "labour_force": ("labour_force", 2015, 2016),
    "employed_share": ("employed_share", 2015, 2016),
    "trained_share": ("trained_share", 2014, 2016),
    "doctors": ("doctors", 2016, 2016),
    "hospital_beds": ("hospital_beds", 2016, 2016),
    "fdi_stock": ("fdi_stock", 2016, 2016),
    "retail_sales": ("retail_sales", 2016, 2016),
    "pci": ("pci", 2015, 2016),
    "pci_2020": ("pci", 2020, 2020),
    "pci_labour_training": ("pci_labour_training", 2015, 2016),
    "pci_informal_charges": ("pci_informal_charges", 2015, 2016),
    "papi": ("papi", 2011, 2016),
    "papi_2018_2024": ("papi", 2018, 2024),
    "grdp_per_capita_2022": ("grdp_per_capita", 2022, 2022),
    "grdp_per_capita_2024": ("grdp_per_capita", 2024, 2024),
    "revenue_retention": ("revenue_retention", 2017, 2017),
    "deaths_per_1000": ("deaths_per_1000", 2018, 2020),
    "area": ("area", 2024, 2024),
}
_PER_PERSON = {"doctors": 1e4, "hospital_beds": 1e4, "fdi_stock": 1e6, "retail_sales": 1e6}


def population(raw: Raw) -> pd.DataFrame:
    """Return the official average population of each province and year.

    Columns: province_code, year, persons, revision (pre_2019_census or post_2019_census).
    """
    table = raw.population[["province_code", "year", "persons", "revision"]]
    return table.sort_values(["province_code", "revision", "year"], ignore_index=True)


@cache
def _default_raw() -> Raw:
    return load_raw()


def official_population(
    code: str,
    date: str | pd.Timestamp,
    level: str | None = None,
    revision: str = POST_CENSUS,
    raw: Raw | None = None,
) -> float:
    """Return the official population of one unit at a date, in persons.

    The published average of a year stands for 1 July. Dates between are interpolated on the log
    scale; dates beyond the first or last year go on with the growth of the nearest two years.
    Parts add up: a merged unit, region or country is the sum of its provinces.

    Args:
        code: code of the unit. Level: country, region, province_63 or province_34; by default
            read from the code, where a merged unit needs level="province_34".

    Raises:
        KeyError: no such unit, or no population for it in this revision.
    """
    level = level or _level_of(code)
    units = [(level, code)]
    return float(populations(units, [pd.Timestamp(date)], raw or _default_raw(), revision)[0])


def _level_of(code: str) -> str:
    if code == geography.COUNTRY:
        return "country"
    return "region" if code in geography.REGIONS else "province_63"


def populations(
    units: list[tuple[str, str]],
    dates: list[pd.Timestamp],
    raw: Raw,
    revision: str = POST_CENSUS,
) -> np.ndarray:
    """Return the official population of many (level, code) at their dates (see above).

    Returns:
        Array of persons, one an entry of `units` and `dates`.
    """
    table = raw.population[raw.population["revision"] == revision]
    wide = table.pivot_table(index="province_code", columns="year", values="persons", aggfunc="sum")
    distinct = sorted(set(units))
    curves = {unit: wide.loc[_parts(wide, unit, raw)].to_numpy(dtype=float) for unit in distinct}
    middle = pd.to_datetime([f"{year}-07-01" for year in wide.columns]).to_numpy()
    at = pd.DatetimeIndex(dates).to_numpy().astype("datetime64[D]").astype(float)
    known = middle.astype("datetime64[D]").astype(float)
    result = np.empty(len(units))
    order = {unit: place for place, unit in enumerate(distinct)}
    which = pd.Series([order[unit] for unit in units], dtype=int)
    groups = which.groupby(which).indices
    for unit, place in order.items():
        rows = groups[place]
        result[rows] = np.exp(_line(at[rows], known, np.log(curves[unit]))).sum(axis=0)
    return result


def _parts(wide: pd.DataFrame, unit: tuple[str, str], raw: Raw) -> list[str]:
    """Return the provinces that make up a unit.

    Raises:
        KeyError: there is no such unit, or a part has no population.
    """
    level, code = unit
    table = raw.provinces
    codes = {
        "country": lambda: list(table["province_code"]),
        "region": lambda: geography.parts(code, "region"),
        "province_34": lambda: list(table.loc[table["merged_code"] == code, "province_code"]),
        "province_63": lambda: [code],
    }[level]()
    missing = [part for part in codes if part not in wide.index]
    if missing or not codes:
        raise KeyError(f"no official population for {level} {code}")
    return codes


def _line(at: np.ndarray, known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Interpolate rows of values linearly; beyond both ends the nearest slope goes on.

    Returns:
        Array of shape (rows of values, length of at).
    """
    if len(known) == 1:
        return np.repeat(values, len(at), axis=1)
    piece = np.clip(np.searchsorted(known, at) - 1, 0, len(known) - 2)
    slope = np.diff(values, axis=1) / np.diff(known)
    return values[:, piece] + slope[:, piece] * (at - known[piece])


def covariate_table(raw: Raw, until: int | None = None) -> pd.DataFrame:
    """Return the covariates of the 63 provinces, wide, indexed by province_code.

    Columns: those of `FIXED_LEVELS` as averages over the years given there (percent, thousand VND a
    month, persons or scores, as in covariates.csv), the population of 2015 and of the last year,
    population growth 2015 to 2023 in percent, density (persons per square kilometre), wage share
    of income in percent, labour force as share of the population, and stocks per person (doctors
    and beds per 10,000; foreign investment in USD and retail sales in million VND a person).

    Args:
        until: leave out years after this one; columns without any year become missing.
    """
    rows = raw.covariates if until is None else raw.covariates[raw.covariates["year"] <= until]
    index = pd.Index(sorted(raw.provinces["province_code"]), name="province_code")
    wide = pd.DataFrame(index=index)
    for name, (covariate, first, last) in FIXED_LEVELS.items():
        chosen = rows[(rows["covariate"] == covariate) & rows["year"].between(first, last)]
        wide[name] = chosen.groupby("province_code")["value"].mean().reindex(index)
    if wide["minority_share"].notna().any():
        wide["minority_share"] = wide["minority_share"].fillna(UNLISTED_MINORITY_SHARE)
    return _derived(wide, raw, until)


def _derived(wide: pd.DataFrame, raw: Raw, until: int | None) -> pd.DataFrame:
    persons = raw.population[raw.population["revision"] == POST_CENSUS]
    persons = persons if until is None else persons[persons["year"] <= until]
    by_year = persons.pivot_table(
        index="province_code", columns="year", values="persons", aggfunc="sum"
    )
    by_year = by_year.reindex(wide.index).reindex(columns=sorted({2015, 2016, 2023, *by_year}))
    wide["population_2015"] = by_year[2015]
    wide["population_last"] = by_year.ffill(axis=1).iloc[:, -1]
    wide["population_growth"] = 100 * (by_year[2023] / by_year[2015] - 1)
    wide["density"] = wide["population_last"] / wide["area"]
    wide["wage_share"] = 100 * wide["income_month_wages"] / wide["income_month"]
    wide["labour_force_share"] = 100 * wide["labour_force"] / by_year[[2015, 2016]].mean(axis=1)
    for name, scale in _PER_PERSON.items():
        wide[f"{name}_rate"] = scale * wide[name] / by_year[2016]
    # Billion VND and million USD: bring the per-person figures to million VND and to USD.
    wide["retail_sales_rate"] /= 1e3
    return wide
