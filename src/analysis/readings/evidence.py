"""What is known about each fact beside its value: standing, source, definition, season, doubt.

All of it is read from columns of the raw tables by the fixed patterns below; tests hold each of
them against the notes that occur.
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

_SETTLED = re.compile(r"^settled|annual financial settlement|\bsettled vs\b")
_PROVISIONAL = re.compile(
    r"^(an? )?(provisional|estimate)\b|[;:] ?(an? )?estimate\b|\bestimate (of|for|to|made|before)\b"
    r"|interim estimate|so an estimate|uoc thuc hien|reported in december|, expected"
    r"|^provisional late"
)
_DOUBTS = {
    "year inferred": re.compile(
        r"year (is |20\d\d )?(inferred|implied)|year .*from the (article|page)"
    ),
    "date approximate": re.compile(
        r"publication date|date = publication|day approximate|cut-off (not|taken)|day taken as"
        r"|day not given|'?to date'?|\"to date\"|currently|so far|'now'|early (april|march|june)"
        r"|until publication|as_of (inferred|taken)|year-end assumed|month inferred"
    ),
    "unit inferred": re.compile(
        r"province (identified|not named|inferred|known)|inferred from publisher"
    ),
    "contradiction": re.compile(
        r"inconsistent|does not (add|match|fit|square)|conflicts with|contradiction|at odds"
        r"|exceeds the (published )?all-schemes|definitions unclear"
    ),
    "definition unsure": re.compile(
        r"missing in text|may (count|be|refer)|probably|likely|evidently|not stated|not specified"
        r"|different population base"
    ),
    "possible slip": re.compile(r"\bdoubtful|\bslip|misprint|to verify|machine.translat"),
    "text cut": re.compile(r"read cut|breaks off"),
}
# Facts of these doubts lose against any other fact of the same key.
_WEAK = ("year inferred", "contradiction", "possible slip")

_OFFICIAL_HOST = re.compile(r"(^|\.)(gov|chinhphu)\.vn$|(^|\.)issa\.int$")
_OFFICIAL_PUBLISHER = re.compile(
    r"^(vss\b|viet ?nam social security|bhxh|chinhphu|vgp|issa|so tai chinh|cong ttdt|tap chi bhxh)"
    r"|portal$|\bcdc$"
)
_BROADCASTERS = re.compile(r"(^|\.)vov\.gov\.vn$")

# The dates by which the denominators changed (policy_events.csv; Decision of the census 2019).
CENSUS_YEAR_END = pd.Timestamp("2019-12-31")
LABOUR_FORCE_BREAK = pd.Timestamp("2022-10-01")
LABOUR_FORCE_2025 = pd.Timestamp("2025-01-01")
_WIDE_LABOUR_FORCE = re.compile(r"old(er)?,? (wider |labour-force )?(labour force|denominator)")
_NEW_LABOUR_FORCE = re.compile(r"new (labour-force )?denominator|denominator revised")


def describe(facts: pd.DataFrame, raw: Raw) -> pd.DataFrame:
    """Return the facts with lower, upper, season, standing, doubt, official, group,
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
    notes = NoteTable(facts["note"])
    described["doubt"] = notes.doubt
    early = (described["published_on"] < described["as_of"]).to_numpy()
    described["standing"] = _standing(notes, early)
    described["season"] = season(facts["as_of"], notes.interim)
    described["denominator_version"] = denominator_version(described, notes)
    return described


class NoteTable:
    """What the notes of the facts say; each distinct note is read once."""

    def __init__(self, notes: pd.Series) -> None:
        codes, distinct = pd.factorize(notes)
        lowered = [str(note).lower() for note in distinct]
        self.settled = np.array([bool(_SETTLED.search(n)) for n in lowered], dtype=bool)[codes]
        self.provisional = np.array([bool(_PROVISIONAL.search(n)) for n in lowered])[codes]
        self.interim = np.array([n.startswith("interim") for n in lowered], dtype=bool)[codes]
        self.wide = np.array([bool(_WIDE_LABOUR_FORCE.search(n)) for n in lowered])[codes]
        self.renewed = np.array([bool(_NEW_LABOUR_FORCE.search(n)) for n in lowered])[codes]
        doubts = [_doubts(note) for note in lowered]
        self.doubt = np.array([";".join(found) for found in doubts], dtype=object)[codes]
        weak = [any(doubt in _WEAK for doubt in found) for found in doubts]
        self.weak = np.array(weak, dtype=bool)[codes]


def _doubts(note: str) -> list[str]:
    return [name for name, pattern in _DOUBTS.items() if pattern.search(note)]


def _standing(notes: NoteTable, early: np.ndarray) -> np.ndarray:
    return np.select(
        [notes.settled, notes.provisional | early, notes.weak],
        [SETTLED, PROVISIONAL, DOUBTFUL],
        PLAIN,
    )


def season(as_of: pd.Series, interim: np.ndarray | None = None) -> np.ndarray:
    """Return "year_end" for 28 to 31 December, "interim" otherwise or where the note says so."""
    late = ((as_of.dt.month == 12) & (as_of.dt.day >= 28)).to_numpy()
    if interim is not None:
        late = late & ~interim
    return np.where(late, "year_end", "interim")


def denominator_version(facts: pd.DataFrame, notes: NoteTable | None = None) -> np.ndarray:
    """Return which version of the denominator stands behind a rate; empty for other figures.

    Population: before or after the revision that followed the census of 1 April 2019. Labour
    force: before October 2022, from then to the end of 2024, and from 2025; what the note says
    comes first. The date that counts is the one that the figure describes.
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
    if notes is not None:
        labour = np.where(notes.wide, "labour_force_before_2022_10", labour)
        restated = notes.renewed & (day < LABOUR_FORCE_BREAK).to_numpy()
        labour = np.where(restated, "labour_force_restated", labour)
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
