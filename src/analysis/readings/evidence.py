"""What is known about each fact beside its value: standing, source, definition, season, doubt.

All of it comes from columns of the raw tables; what a note says decides nothing.
"""

import re
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from analysis.country.breaks import LABOUR_FORCE_BREAK
from analysis.country.indicators import INDICATORS
from analysis.facts import Raw

# --------------------------------------------------------------------------------------------------
# The interval that the words and the digits of a published figure allow.
# --------------------------------------------------------------------------------------------------

# A count that ends in this many zeros was rounded to that place ("551,000"); fewer are digits.
_ROUNDED_ZEROS = {"persons": 3, "units": 3, "billion VND": 2}
_MOST_DECIMALS = 6


def printed_bounds(facts: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper limits of published values.

    With u the place of the last digit printed, "92.3" means 92.25 to 92.35, "about" one u to both
    sides, "over" one u upwards and "under" one u downwards. Limits stay within what the indicator
    allows and always enclose the value.

    Args:
        facts: rows with value, unit, qualifier and indicator.
    """
    value = facts["value"].to_numpy(dtype=float)
    unit = last_place(value, facts["unit"].to_numpy())
    qualifier = facts["qualifier"].to_numpy()
    below = np.select(
        [qualifier == "exact", qualifier == "about", qualifier == "over"],
        [unit / 2, unit, 0.0],
        unit,
    )
    above = np.select(
        [qualifier == "exact", qualifier == "about", qualifier == "under"],
        [unit / 2, unit, 0.0],
        unit,
    )
    names = facts["indicator"]
    low = names.map({name: item.lower for name, item in INDICATORS.items()}).astype(float)
    high = names.map({name: item.upper for name, item in INDICATORS.items()}).astype(float)
    lower = np.fmax(value - below, low.to_numpy())
    upper = np.fmin(value + above, high.to_numpy())
    # Sums of decimal fractions carry noise in the last bits; it is no part of the interval.
    return np.minimum(np.round(lower, 9), value), np.maximum(np.round(upper, 9), value)


def last_place(value: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return the place of the last digit printed: 0.01 for 92.31, 10,000 for 85,390,000.

    A round figure is never read as coarser than its second digit: "over 1,000,000" means up to
    1,100,000, not up to 2,000,000.
    """
    size = np.abs(value)
    decimals = np.full(len(value), _MOST_DECIMALS)
    for digits in range(_MOST_DECIMALS - 1, -1, -1):
        decimals[np.isclose(np.round(size, digits), size, rtol=1e-12, atol=1e-9)] = digits
    zeros = np.zeros(len(value), dtype=int)
    for count in range(1, 10):
        zeros[(size > 0) & (decimals == 0) & (np.mod(size, 10.0**count) == 0)] = count
    least = pd.Series(unit).map(_ROUNDED_ZEROS).fillna(np.inf).to_numpy()
    zeros[zeros < least] = 0
    with np.errstate(divide="ignore"):
        second_digit = np.floor(np.log10(np.where(size > 0, size, 1.0))) - 1
    zeros = np.where(zeros > 0, np.minimum(zeros, np.maximum(second_digit, 0)), 0)
    return np.where(decimals > 0, 10.0**-decimals, 10.0**zeros)


KEY = ["geo_level", "province_code", "indicator", "basis", "as_of"]

DOUBTFUL, PROVISIONAL, PLAIN_STANDING, SETTLED_STANDING = 0, 1, 2, 3

# Facts of these doubts lose against any other fact of the same key.
_WEAK = {"year inferred", "contradiction", "possible slip"}

_OFFICIAL_HOST = re.compile(r"(^|\.)(gov|chinhphu)\.vn$|(^|\.)issa\.int$")
_OFFICIAL_PUBLISHER = re.compile(
    r"^(bảo hiểm xã hội|vss\b|viet ?nam social security|bhxh|chinhphu|vgp|issa"
    r"|báo điện tử chính phủ|sở tài chính|so tai chinh|cổng ttđt|cong ttdt"
    r"|tạp chí bảo hiểm xã hội|tap chi bhxh)"
    r"|portal$|\bcdc$"
)
_BROADCASTERS = re.compile(r"(^|\.)vov\.gov\.vn$")

# The dates by which the denominators changed (policy_events.csv; Decision of the census 2019).
CENSUS_YEAR_END = pd.Timestamp("2019-12-31")
LABOUR_FORCE_2025 = pd.Timestamp("2025-01-01")
# Denominators that a source names against the one of its day.
NAMED_LABOUR_FORCES = ("labour_force_before_2022_10", "labour_force_restated")


def describe(facts: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Return the facts with lower, upper, season, estimate, standing (a rank), official, group,
    published_on and denominator_version.

    Args:
        facts: corrected facts of kind "actual".
        raw: the raw tables, for the sources.
    """
    described = facts.copy()
    described["lower"], described["upper"] = printed_bounds(facts)
    sources = source_table(raw.sources).reindex(facts["source_id"])
    for column in ("official", "group", "published_on"):
        described[column] = sources[column].to_numpy()
    early = (described["published_on"] < described["as_of"]).to_numpy()
    described["estimate"] = facts["standing"] == "estimate"
    described["standing"] = _standing(facts, early)
    described["season"] = season_of(facts["as_of"])
    described["denominator_version"] = denominator_version(described)
    return described


def _standing(facts: pd.DataFrame, early: np.ndarray) -> np.ndarray:
    """Rank the facts; what was printed before the day that it describes can only be provisional."""
    weak = [not _WEAK.isdisjoint(doubt.split(";")) for doubt in facts["doubt"]]
    return np.select(
        [
            facts["standing"] == "settled",
            facts["standing"].isin(["provisional", "estimate"]) | early,
            np.array(weak, dtype=bool),
        ],
        [SETTLED_STANDING, PROVISIONAL, DOUBTFUL],
        PLAIN_STANDING,
    )


def season_of(as_of: pd.Series) -> np.ndarray:
    """Return "year_end" for 28 to 31 December, "interim" otherwise."""
    late = ((as_of.dt.month == 12) & (as_of.dt.day >= 28)).to_numpy()
    return np.where(late, "year_end", "interim")


def denominator_version(facts: pd.DataFrame, as_stated: bool = True) -> np.ndarray:
    """Return which version of the denominator stands behind a rate; empty for other figures.

    Population: before or after the revision that followed the census of 1 April 2019. Labour
    force: before October 2022, from then to the end of 2024, and from 2025; what the column
    `denominator` names comes first, unless `as_stated` is False (what was in force at the date).
    The date that counts is the one that the figure describes.
    """
    base = facts["indicator"].map({name: item.denominator for name, item in INDICATORS.items()})
    day = facts["as_of"]
    population = np.where(day <= CENSUS_YEAR_END, "pre_2019_census", "post_2019_census")
    named = facts["basis"].isin(["pre_2019_census_population", "post_2019_census_population"])
    population = np.where(named, facts["basis"].str.removesuffix("_population"), population)
    labour = np.select(
        [day < LABOUR_FORCE_BREAK, day < LABOUR_FORCE_2025],
        ["labour_force_before_2022_10", "labour_force_from_2022_10"],
        "labour_force_from_2025",
    )
    if as_stated and "denominator" in facts:
        against = facts["denominator"].isin(NAMED_LABOUR_FORCES)
        labour = np.where(against, facts["denominator"], labour)
    return np.select([base == "population", base == "labour_force"], [population, labour], "")


def source_table(sources: pd.DataFrame) -> pd.DataFrame:
    """Return official (bool), group and published_on by source_id.

    `group` numbers the independent voices: pages of one publisher's site, and pages with the same
    title (a reprint), speak with one voice.
    """
    hosts = [_host(url) for url in sources["url"]]
    publishers = sources["publisher"].str.casefold()
    official = [
        bool(_OFFICIAL_HOST.search(host) and not _BROADCASTERS.search(host))
        or bool(_OFFICIAL_PUBLISHER.search(publisher))
        for host, publisher in zip(hosts, publishers, strict=True)
    ]
    names = pd.Series([h or p for h, p in zip(hosts, publishers, strict=True)])
    voice = _connected(names, sources["title"].str.casefold())
    return pd.DataFrame(
        {"official": official, "group": voice, "published_on": sources["published_on"].to_numpy()},
        index=pd.Index(sources["source_id"], name="source_id"),
    )


def _host(url: str) -> str:
    host = (urlsplit(url).hostname or "").casefold()
    return re.sub(r"^(www|m|en|amp|news|video|beta|betaen|english|eng|fr|es|ja)\.", "", host)


def _connected(first: pd.Series, second: pd.Series) -> np.ndarray:
    """Number the groups of rows that share the first or the second name, directly or by a chain."""
    a, names = pd.factorize(first)
    b, titles = pd.factorize(second)
    size = len(names) + len(titles)
    links = coo_matrix((np.ones(len(a)), (a, b + len(names))), shape=(size, size))
    return connected_components(links, directed=False)[1][a]


# --------------------------------------------------------------------------------------------------
# One statement of one text counts once, even where it was recorded under several dates.
# --------------------------------------------------------------------------------------------------

SAME_STATEMENT_DAYS = 20
_STATEMENT = [
    "source_id",
    "geo_level",
    "province_code",
    "indicator",
    "basis",
    "value",
    "qualifier",
]


def dated_once(facts: pd.DataFrame) -> pd.DataFrame:
    """Move statements that a text makes once to the earliest date recorded for them.

    A page that says "early April" was recorded as 31 March, 1 April and 5 April: the same source,
    unit, indicator, basis and value within 20 days (months of a series are farther apart). The
    cut-off cannot be later than the first.
    The column `restated` marks the rows that were moved.
    """
    table = facts.sort_values([*_STATEMENT, "as_of", "row"])
    gap = table.groupby(_STATEMENT, sort=False)["as_of"].diff()
    start = ~(gap <= pd.Timedelta(days=SAME_STATEMENT_DAYS))
    first = table["as_of"].where(start).ffill()
    table["restated"] = table["as_of"] != first
    table["as_of"] = first
    return table.sort_values("row")
