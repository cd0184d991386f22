"""One accepted value a key, by ordered rules; all candidates are kept.

The rules, in their order:

1. settled over provisional over doubtful figures;
2. official sources over the press;
3. the definition in force at the date over another definition;
4. what most independent sources agree on;
5. the latest publication.

After each rule the remaining figures are compared; as soon as their intervals have a point in
common, the narrowest of them is accepted. What no rule settles is left out and reported.
"""

import numpy as np
import pandas as pd

from analysis.facts import Raw
from analysis.readings.evidence import KEY, PLAIN_STANDING, denominator_version

CONFLICT_RULES = (
    "settled_over_provisional",
    "official_over_press",
    "definition_in_force",
    "majority_of_independent_sources",
    "latest_publication",
)
UNSETTLED = "unsettled"

# "Over 90" and "under 90" say little about how far: they agree with figures up to this many
# widths of their own interval beyond it.
VAGUE = 2.0


def settle(facts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Decide each key.

    Args:
        facts: rows of `evidence.describe`.

    Returns:
        The accepted readings (key, value, lower, upper, unit, season, denominator_version, doubt,
        n_facts, n_sources, rule, facts, sources) and the candidates of the keys with different
        values (key, value, lower, upper, source, rule, accepted, spread, reason).
    """
    table = facts.reset_index(drop=True)
    table["key"] = table.groupby(KEY, sort=True).ngroup()
    table["from"], table["to"] = _reach(table)
    rule, alive = _decide(table)
    settled = rule != UNSETTLED
    accepted = _narrowest(table[alive & settled[table["key"]]])
    accepted["rule"] = rule[accepted["key"]]
    table["supports"] = _supports(table, accepted)
    accepted = _with_references(table, accepted)
    accepted = _widened(table, accepted)
    return _in_order(accepted), _candidates(table, accepted, rule)


def _reach(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the interval with which a figure agrees: "over 90" does not contradict "over 92"."""
    slack = VAGUE * (table["upper"] - table["lower"])
    return (
        table["lower"] - slack.where(table["qualifier"] == "under", 0.0),
        table["upper"] + slack.where(table["qualifier"] == "over", 0.0),
    )


def _decide(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the rule of each key and the facts that are left when it is settled."""
    count = int(table["key"].max()) + 1 if len(table) else 0
    rule = np.full(count, UNSETTLED, dtype=object)
    alive = np.ones(len(table), dtype=bool)
    distinct = table.groupby("key")["value"].nunique().to_numpy()
    sources = table.groupby("key")["group"].nunique().to_numpy()
    first = np.select(
        [(distinct == 1) & (sources == 1), distinct == 1],
        ["single_source", "sources_agree"],
        "agree_within_rounding",
    ).astype(object)
    _mark(table, alive, rule, first)
    table["in_force"] = table["denominator_version"] == denominator_version(table, as_stated=False)
    for name in CONFLICT_RULES:
        open_rows = alive & (rule == UNSETTLED)[table["key"]]
        if not open_rows.any():
            break
        alive &= ~open_rows | _kept(table, open_rows, name)
        _mark(table, alive, rule, np.full(count, name, dtype=object))
    return rule, alive


def _mark(table: pd.DataFrame, alive: np.ndarray, rule: np.ndarray, name: np.ndarray) -> None:
    """Note the rule for the open keys whose remaining intervals have a point in common."""
    highest, lowest = _common(table[alive], len(rule))
    agreed = (rule == UNSETTLED) & (highest <= lowest)
    rule[agreed] = name[agreed]


def _common(table: pd.DataFrame, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest lower and the lowest upper limit of each key."""
    groups = table.groupby("key")
    highest = groups["from"].max().reindex(range(count)).to_numpy()
    return highest, groups["to"].min().reindex(range(count)).to_numpy()


def _kept(table: pd.DataFrame, rows: np.ndarray, name: str) -> np.ndarray:
    """Return which of the open rows a rule keeps (others are True)."""
    score = {
        "settled_over_provisional": lambda: table["standing"].to_numpy(dtype=float),
        "official_over_press": lambda: table["official"].to_numpy(dtype=float),
        "definition_in_force": lambda: table["in_force"].to_numpy(dtype=float),
        "majority_of_independent_sources": lambda: _agreement(table, rows),
        "latest_publication": lambda: _publication(table, rows),
    }[name]()
    score = np.where(rows, score, -np.inf)
    best = pd.Series(score).groupby(table["key"].to_numpy()).transform("max").to_numpy()
    return score >= best


def _agreement(table: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Return, for each open row, the most independent sources that share a point with it.

    The point is sought inside the row's interval, so a vague "under 86 million" does not win
    over the exact figures that it allows: it is kept with those that share the densest point.
    """
    voices = _voices(table[rows])
    ranks = pd.Index(np.unique(voices[["lower", "upper"]].to_numpy().ravel()))
    step = len(ranks) + 1
    starts = np.sort(voices["key"] * step + ranks.get_indexer(voices["lower"]))
    ends = np.sort(voices["key"] * step + ranks.get_indexer(voices["upper"]))
    # The densest point of a set of intervals is the start of one of them.
    points = np.unique(starts)
    depth = np.searchsorted(starts, points, "right") - np.searchsorted(ends, points, "left")
    return _densest_inside(table, rows, ranks, step, points, depth)


def _voices(table: pd.DataFrame) -> pd.DataFrame:
    """Return what each source group says of a key; its overlapping intervals count once."""
    said = table[["key", "group", "from", "to"]].drop_duplicates()
    said = said.rename(columns={"from": "lower", "to": "upper"})
    said = said.sort_values(["key", "group", "lower", "upper"], ignore_index=True)
    voice = said.groupby(["key", "group"])
    reach = voice["upper"].cummax().groupby([said["key"], said["group"]]).shift()
    part = (~(said["lower"] <= reach)).cumsum().rename("part")
    hull = {"key": "first", "lower": "min", "upper": "max"}
    return said.groupby(part).agg(hull)


def _densest_inside(
    table: pd.DataFrame,
    rows: np.ndarray,
    ranks: pd.Index,
    step: int,
    points: np.ndarray,
    depth: np.ndarray,
) -> np.ndarray:
    """Return the greatest depth at the points inside each open row's interval."""
    key = table.loc[rows, "key"].to_numpy()
    top = pd.Series(depth).groupby(points // step).transform("max").to_numpy()
    peaks = points[depth == top]
    first = key * step + ranks.get_indexer(table.loc[rows, "from"])
    last = key * step + ranks.get_indexer(table.loc[rows, "to"])
    holds = np.searchsorted(peaks, last, "right") > np.searchsorted(peaks, first, "left")
    score = np.full(len(table), -np.inf)
    score[np.flatnonzero(rows)] = holds.astype(float)
    return score


def _publication(table: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Return the day of publication; a voice that repeats a value keeps its first day."""
    day = table["published_on"].to_numpy().astype("datetime64[D]").astype(float)
    day = np.where(table["published_on"].isna(), -1e9, day)
    voice = [table["key"], table["group"], table["value"], table["qualifier"]]
    return pd.Series(np.where(rows, day, np.inf)).groupby(voice).transform("min").to_numpy()


def _narrowest(table: pd.DataFrame) -> pd.DataFrame:
    """Return the narrowest interval of each key; ties are broken by what the facts say."""
    highest, lowest = _common(table, int(table["key"].max()) + 1 if len(table) else 0)
    order = table.assign(
        outside=(table["value"] < highest[table["key"]]) | (table["value"] > lowest[table["key"]]),
        width=(table["upper"] - table["lower"]).round(9),
        rank=-table["standing"],
        press=~table["official"].astype(bool),
        foreign=~table["in_force"],
    ).sort_values(
        ["key", "outside", "width", "rank", "press", "foreign", "value", "qualifier", "doubt"]
    )
    columns = [*KEY, "key", "value", "lower", "upper", "unit", "season", "denominator_version"]
    return order.drop_duplicates("key")[[*columns, "standing", "doubt"]].reset_index(drop=True)


def _supports(table: pd.DataFrame, accepted: pd.DataFrame) -> np.ndarray:
    """Return which facts agree with the accepted interval, under the same definition."""
    chosen = accepted.set_index("key")[["lower", "upper", "denominator_version"]]
    chosen = chosen.reindex(table["key"])
    overlap = (table["from"].to_numpy() <= chosen["upper"].to_numpy()) & (
        table["to"].to_numpy() >= chosen["lower"].to_numpy()
    )
    same = table["denominator_version"].to_numpy() == chosen["denominator_version"].to_numpy()
    return overlap & same


def _with_references(table: pd.DataFrame, accepted: pd.DataFrame) -> pd.DataFrame:
    behind = table[table["supports"]].sort_values(["key", "row"])
    behind = behind.assign(reference=behind["row"].astype(str))
    groups = behind.groupby("key", sort=True)
    joined = pd.DataFrame(
        {
            "n_facts": groups.size(),
            "n_sources": groups["group"].nunique(),
            "facts": groups["reference"].agg(";".join),
        }
    )
    once = behind.sort_values(["key", "source_id"]).drop_duplicates(["key", "source_id"])
    joined["sources"] = once.groupby("key")["source_id"].agg(";".join)
    return accepted.join(joined, on="key")


def _widened(table: pd.DataFrame, accepted: pd.DataFrame) -> pd.DataFrame:
    """Widen the interval over the rivals that a rule set aside without explaining them.

    A provisional figure and one on another definition are explained; a press report against an
    official one, a minority or an older publication of the same standing are not.
    """
    joined = table.merge(accepted[["key", "standing", "rule"]], on="key", suffixes=("", "_chosen"))
    unexplained = joined["rule"].isin([CONFLICT_RULES[1], CONFLICT_RULES[3], CONFLICT_RULES[4]]) & (
        (joined["standing"] >= joined["standing_chosen"]) & joined["in_force"]
    )
    rivals = joined[unexplained].groupby("key")["value"].agg(["min", "max"])
    rivals = rivals.reindex(accepted["key"])
    accepted["lower"] = np.fmin(accepted["lower"].to_numpy(), rivals["min"].to_numpy())
    accepted["upper"] = np.fmax(accepted["upper"].to_numpy(), rivals["max"].to_numpy())
    return accepted


def _in_order(accepted: pd.DataFrame) -> pd.DataFrame:
    return accepted.sort_values(KEY, ignore_index=True)


def _candidates(table: pd.DataFrame, accepted: pd.DataFrame, rule: np.ndarray) -> pd.DataFrame:
    """Return every fact of the keys with more than one value, and what became of it."""
    values = table.groupby("key")["value"]
    spread = (values.max() - values.min()).to_numpy()
    rows = table[spread[table["key"]] > 0].copy()
    chosen = accepted.set_index("key")["value"].reindex(rows["key"]).to_numpy()
    rows["accepted"] = rows["value"].to_numpy() == chosen
    rows["rule"] = rule[rows["key"]]
    rows["spread"] = spread[rows["key"]]
    rows["outcome"] = np.select(
        [rows["accepted"], rows["rule"] == UNSETTLED, rows["supports"]],
        ["accepted", "left_out_unsettled", "agrees"],
        "set_aside",
    )
    rows["fact"] = rows["row"]
    columns = [*KEY, "value", "qualifier", "lower", "upper", "unit", "outcome", "rule", "spread"]
    details = ["standing", "official", "denominator_version", "published_on", "doubt"]
    ordered = rows.sort_values([*KEY, "value", "row"], ignore_index=True)
    return ordered[[*columns, *details, "source_id", "fact", "note"]]


# --------------------------------------------------------------------------------------------------
# Which facts are of one unit under two levels, and which "estimates" were only hoped for.
#
# A province that did not merge in July 2025 is one unit under two levels, and its figures are one
# series. Its parts and a merged unit live side by side: figures after the merger describe new
# units.
#
# Interim figures that their source calls estimates are figures like others, except where the count
# that came later in the same year lies below them: within a year levels rise towards its end, so
# such a figure was an expectation for the year rather than a level of its day. In July 2025 the
# Ministry of Finance gave 95.2% for health insurance "at the end of June"; at the end of November
# the agency counted 91.4%. All estimates of that statement are then set aside, since they were
# worked out in one way.
# --------------------------------------------------------------------------------------------------

EXPECTED = "expectation_above_later_count"
_UNIT = ["geo_level", "province_code"]
_SERIES = [*_UNIT, "indicator", "basis", "year"]
_STATEMENT = ["source_id", *_UNIT, "as_of"]


def expectations(described: pd.DataFrame) -> pd.Series:
    """Return which facts are estimates that a later count of the same year lies below.

    Args:
        described: rows of `evidence.describe`.
    """
    table = described.assign(year=described["as_of"].dt.year, at=described.index)
    level = table["indicator"].str.endswith(("_coverage", "_participants"))
    hoped = table[level & table["estimate"] & (table["season"] == "interim")]
    counted = table[level & ~table["estimate"] & (table["standing"] >= PLAIN_STANDING)]
    pairs = hoped.merge(counted, on=_SERIES, suffixes=("", "_later"))
    below = (pairs["as_of_later"] > pairs["as_of"]) & (pairs["upper_later"] < pairs["lower"])
    statements = pd.MultiIndex.from_frame(pairs.loc[below, _STATEMENT])
    same = pd.MultiIndex.from_frame(table[_STATEMENT]).isin(statements)
    people = table["indicator"].str.contains("_coverage|_participants")
    return pd.Series(same & people & table["estimate"], described.index)


def standing_of(readings: pd.DataFrame, raw: Raw) -> pd.Series:
    """Return the standing of published readings: "", settled or provisional.

    A reading is as settled as the best of its facts; it is provisional where all of them are
    provisional, estimates, or printed before the day that they describe.
    """
    facts = raw.facts.set_index("row")
    published = raw.sources.set_index("source_id")["published_on"]
    early = facts["source_id"].map(published) < facts["as_of"]
    unsure = facts["standing"].isin(["provisional", "estimate"]) | early
    settled = facts["standing"] == "settled"

    def one(cell: str) -> str:
        rows = [int(row) for row in cell.split(";")]
        if settled.loc[rows].any():
            return "settled"
        return "provisional" if unsure.loc[rows].all() else ""

    return readings["facts"].map(one)


def left_out(described: pd.DataFrame) -> pd.DataFrame:
    """Return expectations in the form of `conflicts.settle`: its candidates, none accepted."""
    rows = described.assign(
        outcome="left_out_expectation", rule=EXPECTED, spread=0.0, fact=described["row"]
    )
    columns = [*KEY, "value", "qualifier", "lower", "upper", "unit", "outcome", "rule", "spread"]
    details = ["standing", "official", "denominator_version", "published_on", "doubt"]
    return rows[[*columns, *details, "source_id", "fact", "note"]]
