"""What is known about each fact beside its value: standing, source, definition, season, doubt.

All of it comes from columns of the raw tables; what a note says decides nothing.
"""

import re
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from analysis.facts import Raw
from analysis.indicators import INDICATORS
from analysis.readings.intervals import bounds

KEY = ["geo_level", "province_code", "indicator", "basis", "as_of"]

DOUBTFUL, PROVISIONAL, PLAIN, SETTLED = 0, 1, 2, 3

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
LABOUR_FORCE_BREAK = pd.Timestamp("2022-10-01")
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
    described["lower"], described["upper"] = bounds(facts)
    sources = source_table(raw.sources).reindex(facts["source_id"])
    for column in ("official", "group", "published_on"):
        described[column] = sources[column].to_numpy()
    early = (described["published_on"] < described["as_of"]).to_numpy()
    described["estimate"] = facts["standing"] == "estimate"
    described["standing"] = _standing(facts, early)
    described["season"] = season(facts["as_of"])
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
        [SETTLED, PROVISIONAL, DOUBTFUL],
        PLAIN,
    )


def season(as_of: pd.Series) -> np.ndarray:
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
