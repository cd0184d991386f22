"""Closed rounds against what was published later: from the archive and the outcomes alone.

An event is a unit's figure of one due day. It counts once, however many forecasts of it a round
holds: a unit that did not merge stands under two levels, and several setters may have set targets
for one day, so that each of n forecasts weighs 1 / n.

Values: the CRPS from nine quantiles, and the share inside the 50, 80 and 95% bands. Chances: Brier
and log score beside three constants, reliability without bins (CORP, see
`analysis.validation.rule`), and an e-value: the product of p / q for targets met and
(1 - p) / (1 - q) for targets missed, p being the chance and q the cautious past share of targets
met. If q were right and no event told of another, it would be at least x with a chance of 1 / x at
most, however many events there are (Ville's inequality); units of one day rise and fall together,
so it is a guide here and no test.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis import paths
from analysis.country import geography
from analysis.facts import Raw
from analysis.findings.coverage import Tables
from analysis.findings.outcomes import NOT_KNOWN, YES, came, met, word_beside
from analysis.forecast.prediction import PERCENTILES
from analysis.forecast.rounds import BACKCAST, RoundError
from analysis.forecast.space import FAMILY
from analysis.forecast.tables import QUANTILES
from analysis.readings import targets
from analysis.rounds.archive import Archived, home
from analysis.validation import scores
from analysis.validation.rule import decomposition, recalibrated

VALUES, CHANCES = "values", "chances"
#: Chances are taken as at least this and at most one less this where a score has logarithms: no
#: share of 4,000 draws says more.
LEAST = 0.005
_COIN = 0.5
EVENT = ["round", "geo_level", "province_code", "indicator", "due"]
_BANDS = {50: ("q25", "q75"), 80: ("q10", "q90"), 95: ("q025", "q975")}
EVENT_COLUMNS = [
    "round", "kind", "model", "event", "geo_level", "province_code", "indicator", "origin", "due",
    "target", "whose", "word", "reading", "standing", "outcome", "probability", "recalibrated",
    "past_share", "cautious_share", "q025", "q10", "q25", "q50", "q75", "q90", "q975", "crps",
    "weight",
]  # fmt: skip
SCORE_COLUMNS = [
    "round", "kind", "model", "event", "group", "n", "score", "value",
]  # fmt: skip


@dataclass(frozen=True)
class Scoreboard:
    """events: one row a forecast with its outcome; scores: one row a score."""

    events: pd.DataFrame
    scores: pd.DataFrame


def score(rounds: Sequence[Archived], readings: pd.DataFrame, raw: Raw) -> Scoreboard:
    """Score closed rounds.

    readings: all readings there are now. raw: the raw tables, for the standing of figures.

    Raises:
        RoundError: a round speaks of an unknown unit, or an outcome is dated before its origin.
    """
    tables = Tables(readings, targets.targets(raw), raw)
    events = [event for one in rounds for event in (_values(one, tables), _chances(one, tables))]
    filled = [event for event in events if len(event)]
    table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    table = table.reindex(columns=EVENT_COLUMNS)
    table = table.sort_values(
        ["round", "event", "model", "indicator", "due", "geo_level", "province_code", "target"],
        ignore_index=True,
    )
    return Scoreboard(table, _scores(table))


def write_scores(found: Scoreboard) -> list[str]:
    """Write scoreboard.csv and events.csv into the folder of rounds; the same bytes each time."""
    files = {"events.csv": found.events, "scoreboard.csv": found.scores}
    for name, table in files.items():
        paths.write_atomic(home() / name, csv_text(table))
    return sorted(files)


def csv_text(table: pd.DataFrame) -> str:
    """A table as CSV with eight digits, of which the last bit of a computation changes none."""
    out = io.StringIO()
    table.to_csv(out, index=False, lineterminator="\n", float_format="%.8g", date_format="%Y-%m-%d")
    return out.getvalue()


def _outcomes(one: Archived, asked: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Rows of the archive with the figure published for their day.

    Raises:
        RoundError: see `score`.
    """
    unit = asked["location"].str.split("/", expand=True)
    known = {f"{level}/{code}" for level in geography.LEVELS for code in geography.codes(level)}
    if lost := sorted(set(asked["location"]) - known):
        raise RoundError(f"round {one.name}: {lost[0]} is no unit of provinces.csv")
    rows = asked.assign(
        geo_level=unit[0], province_code=unit[1], basis="", due=asked["target_end_date"]
    )
    rows = came(rows.rename(columns={"target": "indicator"}), tables)
    early = rows["as_of"].notna() & (rows["as_of"] <= one.origin)
    if early.any():
        row = rows[early].iloc[0]
        raise RoundError(
            f"round {one.name}: {row['location']}, {row['indicator']}: its outcome is dated "
            f"{row['as_of']:%Y-%m-%d}, not after the origin {one.origin:%Y-%m-%d}"
        )
    # A unit that did not merge is one unit under two levels.
    return rows.assign(
        word=word_beside(rows),
        location=rows["geo_level"] + "/" + rows["province_code"], round=one.name,
        kind=one.record["kind"], origin=one.origin,
    )  # fmt: skip


def _values(one: Archived, tables: Tables) -> pd.DataFrame:
    """One row a model and value that has come, with bands and score."""
    parts = []
    for model, table in one.outputs.items():
        rows = table[(table["output_type"] == "quantile") & table["target"].isin(FAMILY)]
        wide = rows.pivot_table(
            index=["target", "location", "target_end_date"],
            columns="output_type_id",
            values="value",
            aggfunc="first",
        )
        wide = wide.rename(columns={level: name for name, level in QUANTILES.items()})
        parts.append(wide.reset_index().assign(model=model))
    found = _outcomes(one, pd.concat(parts, ignore_index=True), tables)
    # Both names of a unit that did not merge carry the same forecast: one of them is enough.
    found = found.drop_duplicates([*EVENT, "model"])
    found = found[found["reading"].notna()]
    return found.assign(
        event=VALUES,
        target=np.nan,
        weight=1.0,
        crps=crps(found[list(QUANTILES)], found["reading"].to_numpy(float)),
    )


def crps(quantiles: pd.DataFrame, value: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score (n,) from the quantiles QUANTILES (n, 9).

    The quantiles are joined, and carried on beyond the outer ones, by straight lines on the scale
    of normal scores, which is exact for a normal, and read at 99 levels; see
    `analysis.validation.scores.crps_quantiles`.
    """
    at, wanted = norm.ppf(list(QUANTILES.values())), norm.ppf(PERCENTILES)
    own = quantiles[list(QUANTILES)].to_numpy(float)
    place = np.clip(np.searchsorted(at, wanted) - 1, 0, len(at) - 2)
    share = (wanted - at[place]) / (at[place + 1] - at[place])
    every = own[:, place] * (1 - share) + own[:, place + 1] * share
    found: np.ndarray = scores.crps_quantiles(every, value)
    return found


def _chances(one: Archived, tables: Tables) -> pd.DataFrame:
    """One row a chance of the project's model whose target has been met or missed."""
    table = one.outputs[one.own]
    rows = table[(table["output_type"] == "cdf") & table["target"].isin(FAMILY)]
    found = _outcomes(one, rows.rename(columns={"value": "stays_below"}), tables)
    found = found.rename(columns={"output_type_id": "target"})
    found["probability"] = (1 - found["stays_below"]).round(6)
    found["outcome"] = [
        met(row["reading"], row["lower"], row["upper"], row["target"], row["indicator"])
        for row in found.to_dict("records")
    ]
    found = found[found["outcome"] != NOT_KNOWN].drop_duplicates([*EVENT, "target"])
    if found.empty:
        return pd.DataFrame()
    own = _own_targets(one)
    key = pd.MultiIndex.from_frame(
        found[["geo_level", "province_code", "indicator", "due", "target"]]
    )
    weight = 1 / found.groupby(EVENT)["target"].transform("size")
    past = past_shares(one)
    return found.assign(
        event=CHANCES,
        model=one.own,
        whose=np.where(key.isin(own), "own", "nationwide"),
        weight=weight,
        past_share=found["indicator"].map(past["share"]),
        cautious_share=found["indicator"].map(past["cautious"]),
        recalibrated=recalibrated(
            found["probability"].to_numpy(), (found["outcome"] == YES).to_numpy(), weight.to_numpy()
        ),
    )


def _own_targets(one: Archived) -> pd.MultiIndex:
    """Targets that somebody set for the unit itself: unit, indicator, due day and value."""
    columns = ["geo_level", "province_code", "indicator", "due", "value"]
    table = geography.one_level(one.targets, geography.provinces())[columns]
    return pd.MultiIndex.from_frame(table.assign(value=table["value"].round(6)))


def past_shares(one: Archived) -> pd.DataFrame:
    """Share of targets met among those due and read by the origin, by indicator.

    Columns: n, met, share (one half where n is 0) and cautious, with one met and one missed target
    added (Laplace's rule). Of several targets of a unit and day the one it is held against counts.
    """
    known = one.series.rename(columns={"target": "indicator", "target_end_date": "due"})
    due = one.targets[one.targets["due"] <= one.origin].assign(basis="")
    due = geography.one_level(due, geography.provinces())
    units = due[["geo_level", "province_code", "indicator", "due"]].drop_duplicates()
    units = units.assign(location=units["geo_level"] + "/" + units["province_code"])
    pairs = units.merge(known[["location", "indicator", "due", "observation"]])
    held = {
        key: targets.due_on(due, *key)
        for key in set(zip(due["indicator"], due["due"], strict=True))
    }
    counts = dict.fromkeys(FAMILY, (0, 0))
    for row in pairs.to_dict("records"):
        target = held[row["indicator"], row["due"]].held_by(row["geo_level"], row["province_code"])
        n, hits = counts[row["indicator"]]
        hits += int(targets.meets(row["observation"], target.value))
        counts[row["indicator"]] = (n + 1, hits)
    table = pd.DataFrame.from_dict(counts, orient="index", columns=["n", "met"])
    table["share"] = (table["met"] / table["n"].where(table["n"] > 0)).fillna(_COIN)
    table["cautious"] = (table["met"] + 1) / (table["n"] + 2)
    return table


def together(name: str) -> str:
    """Under which name the back-casts of a version are scored as one: that of a closed round."""
    return f"{BACKCAST}s-{name.rpartition('-')[2]}"


def _scores(events: pd.DataFrame) -> pd.DataFrame:
    """All scores of all groups: every unit, the country, units; targets of one's own.

    The back-casts of a version are scored one by one and together.
    """
    rows: list[dict] = []
    past = events[events["kind"] == BACKCAST]
    pooled = past.assign(pool=past["round"].map(together))
    tables = pd.concat([events.assign(pool=events["round"]), pooled])
    for (name, kind, event), table in tables.groupby(["pool", "kind", "event"], sort=True):
        for group, chosen in _groups(table):
            one_model = _of_values(chosen) if event == VALUES else _of_chances(chosen)
            head = {"round": name, "kind": kind, "event": event, "group": group}
            rows += [head | row for row in one_model]
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def _groups(table: pd.DataFrame) -> Iterable[tuple[str, pd.DataFrame]]:
    country = table["geo_level"] == "country"
    groups = [("all", table), ("country", table[country]), ("units", table[~country])]
    if (table["event"] == CHANCES).all():
        groups.append(("own_target", table[table["whose"] == "own"]))
    return [(name, chosen) for name, chosen in groups if len(chosen)]


def _of_values(table: pd.DataFrame) -> list[dict]:
    """Scores of every model on the values that all models forecast, and of each on its own."""
    rows = []
    models = table["model"].nunique()
    shared = table.groupby(EVENT)["model"].transform("nunique") == models
    for model, own in table.groupby("model", sort=True):
        both = own[shared[own.index]]
        rows.append(_entry(model, len(both), "crps_shared", both["crps"].mean()))
        rows.append(_entry(model, len(own), "crps", own["crps"].mean()))
        rows.append(_entry(model, len(own), "mae", (own["q50"] - own["reading"]).abs().mean()))
        rows.append(_entry(model, len(own), "bias", (own["q50"] - own["reading"]).mean()))
        for percent, (low, high) in _BANDS.items():
            inside = own["reading"].between(own[low], own[high])
            rows.append(_entry(model, len(own), f"inside_{percent}", inside.mean()))
        rows.append(_entry(model, len(own), "width_80", (own["q90"] - own["q10"]).mean()))
    return rows


def _of_chances(table: pd.DataFrame) -> list[dict]:
    hits = (table["outcome"] == YES).to_numpy(float)
    weight = table["weight"].to_numpy(float)
    events = len(table.drop_duplicates(EVENT))
    model = str(table["model"].iloc[0])
    chances = {
        model: table["probability"],
        "one_half": pd.Series(_COIN, table.index),
        "past_share": table["past_share"],
        "cautious_share": table["cautious_share"],
    }
    rows = [_entry(model, events, "share_met", np.average(hits, weights=weight))]
    for name, p in chances.items():
        values = p.to_numpy(float)
        brier = np.average((values - hits) ** 2, weights=weight)
        rows.append(_entry(name, events, "brier", brier))
        rows.append(
            _entry(name, events, "log", np.average(_log_loss(values, hits), weights=weight))
        )
    own, past = (chances[name].to_numpy(float) for name in (model, "cautious_share"))
    rows.append(_entry(model, events, "e_value", e_value(own, past, hits, weight)))
    parts = decomposition(own, hits, weight)
    for part in ("miscalibration", "discrimination", "uncertainty"):
        rows.append(_entry(model, events, part, parts[part]))
    return rows


def _entry(model: object, n: int, name: str, value: float) -> dict:
    return {"model": model, "n": n, "score": name, "value": float(value)}


def _bounded(p: np.ndarray) -> np.ndarray:
    return np.clip(p, LEAST, 1 - LEAST)


def _log_loss(p: np.ndarray, hits: np.ndarray) -> np.ndarray:
    p = _bounded(p)
    return -np.where(hits == 1, np.log(p), np.log(1 - p))


def e_value(p: np.ndarray, q: np.ndarray, hits: np.ndarray, weight: np.ndarray) -> float:
    """Product over events of the ratio of likelihoods of the chances p and q (n,).

    Of several chances for one event, weights (n,) of 1 / n take the geometric mean.
    """
    gain = _log_loss(q, hits) - _log_loss(p, hits)
    return float(np.exp(np.sum(weight * gain)))
