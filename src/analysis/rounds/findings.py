"""What chapter 09 says: the record of closed rounds, the scoreboard first, then every event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import paths
from analysis.facts import load_raw
from analysis.forecast.rounds import BACKCAST
from analysis.readings.store import read_readings
from analysis.report.results import Result
from analysis.rounds import archive, scoreboard
from analysis.rounds.archive import Archived
from analysis.rounds.scoreboard import CHANCES, VALUES, Scoreboard

#: Table of Scoreboard -> file of data/processed.
_FILES = {"scores": "record_scores.csv", "events": "record_events.csv"}
#: Decimals that a result keeps of a number that is shown with three.
DIGITS = 5
_UNIT = {"province_code": "unit", "indicator": "indicator"}
_EVENT_WORDS = {**_UNIT, "kind": "record", "outcome": "outcome_met", "standing": "outcome_standing",
                "word": "outcome_word", "whose": "record"}  # fmt: skip


@dataclass(frozen=True)
class Record:
    """Closed rounds, and how they are scored on what has been published by now."""

    rounds: Sequence[Archived]
    board: Scoreboard


def read() -> Record:
    """Closed rounds and their scores, from the archive, the readings of chapter 01 and data/raw.

    Raises:
        RoundError: a file of the archive has changed, or a round cannot be scored.
        analysis.paths.MissingTable: chapter 01 has not run.
    """
    rounds = archive.read_rounds()
    return Record(rounds, scoreboard.score(rounds, read_readings(), load_raw()))


def write(record: Record) -> list[str]:
    """Write scores and events to data/processed; returns the names of the files."""
    for name, file in _FILES.items():
        paths.write_atomic(paths.PROCESSED / file, scoreboard.csv_text(getattr(record.board, name)))
    return sorted(_FILES.values())


def dated(record: Record) -> list[Archived]:
    """The closed rounds that are a record; back-casts are none."""
    return [one for one in record.rounds if one.record["kind"] != BACKCAST]


def board(record: Record) -> Result:
    """One row a closed round: its scores beside those of constants and of plain forecasts.

    Back-casts stand last, each version's together: the years have a table of their own.
    """
    rows, phrases = [], []
    for one in dated(record):
        row = _row(one, record.board.scores)
        rows.append(row)
        scored = row["values"] or row["chances"]
        key = f"record.{'scored' if scored else 'waiting'}_{row['kind']}"
        phrases.append((key, {**row, "due": pd.Timestamp(one.record["due"][0])}))
    for name, past in _backcasts(record).items():
        years = [one.record["round"] for one in past]
        row = _row(past[0], record.board.scores, name)
        rows.append(row | {"round": _years(past)})
        key = "record.backcasts" if row["chances"] else "record.backcasts_waiting"
        phrases.append((key, row | {"first": years[0], "last": years[-1], "years": len(years)}))
    return _board("record_scoreboard", rows, phrases or [("record.none", {})], _OF_CHANCES)


def board_of_values(record: Record) -> Result:
    """One row a closed round: how far its values lay from what came, beside plain forecasts."""
    rows = [_row(one, record.board.scores) for one in dated(record)]
    for name, past in _backcasts(record).items():
        rows.append(_row(past[0], record.board.scores, name) | {"round": _years(past)})
    return _board("record_scoreboard_values", rows, [], _OF_VALUES)


def _backcasts(record: Record) -> dict[str, list[Archived]]:
    """Back-casts by the name under which they are scored together, in the order of their years."""
    found: dict[str, list[Archived]] = {}
    for one in record.rounds:
        if one.record["kind"] == BACKCAST:
            found.setdefault(scoreboard.together(one.name), []).append(one)
    return found


def _years(past: Sequence[Archived]) -> str:
    return f"{past[0].record['round']}–{past[-1].record['round']}"


def back_casts(record: Record) -> Result:
    """One row a back-cast: its chances and its values."""
    past = [one for own in _backcasts(record).values() for one in own]
    columns = ["chances", "brier", "brier_cautious", "values", "crps", "crps_last", "crps_curve"]
    rows = [_row(one, record.board.scores) for one in past]
    return _board("record_backcasts", rows, [], columns)


#: What the two scoreboards show: of chances, and of values.
_OF_CHANCES = ["chances", "brier", "brier_half", "brier_share", "brier_cautious", "log", "e_value"]
_OF_VALUES = ["values", "crps", "crps_last", "crps_curve", "inside_80"]


def _board(name: str, rows: list[dict[str, Any]], phrases: list, columns: Sequence[str]) -> Result:
    formats = {
        **dict.fromkeys(("model", "values", "chances"), "integer"),
        **dict.fromkeys(("crps", "crps_last", "crps_curve", "log"), "number2"),
        **dict.fromkeys(("brier", "brier_half", "brier_share", "brier_cautious"), "number3"),
        "inside_80": "share0",
        "e_value": "number2",
    }
    table = pd.DataFrame(rows, columns=["round", "model", "kind", *columns])
    return Result(name, table, phrases, formats, {"kind": "record"}, "record")


def _row(one: Archived, scores: pd.DataFrame, name: str = "") -> dict[str, Any]:
    """Scores of a closed round, or of the back-casts of this name that it is one of."""
    own = scores[(scores["round"] == (name or one.name)) & (scores["group"] == "all")]
    found = own.set_index(["event", "model", "score"])

    def of(event: str, model: str, score: str, what: str = "value") -> float:
        key = (event, model, score)
        # As a result keeps its numbers, so that sentence and table are written from the same one.
        return round(float(found[what].get(key, float("nan"))), DIGITS)

    counts = {VALUES: of(VALUES, one.own, "crps", "n"), CHANCES: of(CHANCES, one.own, "brier", "n")}
    return {
        "round": one.record["round"],
        "model": one.record["model"],
        "kind": one.record["kind"],
        "values": int(counts[VALUES]) if counts[VALUES] > 0 else 0,
        "crps": of(VALUES, one.own, "crps_shared"),
        "crps_last": of(VALUES, "last-value", "crps_shared"),
        "crps_curve": of(VALUES, "curve", "crps_shared"),
        "inside_80": of(VALUES, one.own, "inside_80"),
        "chances": int(counts[CHANCES]) if counts[CHANCES] > 0 else 0,
        "brier": of(CHANCES, one.own, "brier"),
        "brier_half": of(CHANCES, "one_half", "brier"),
        "brier_share": of(CHANCES, "past_share", "brier"),
        "brier_cautious": of(CHANCES, "cautious_share", "brier"),
        "log": of(CHANCES, one.own, "log"),
        "e_value": of(CHANCES, one.own, "e_value"),
    }


def by_group(record: Record) -> Result:
    """Brier scores of the country and of units apart, since a few of them decide the whole."""
    scores = record.board.scores
    rows = scores[(scores["event"] == CHANCES) & (scores["score"] == "brier")]
    rows = rows[rows["group"].isin(["country", "units"])]
    shown = [one.name for one in dated(record)] + list(_backcasts(record))
    rows = rows[rows["round"].isin(shown)]
    own_models = {one.own: "own" for one in record.rounds}
    wide = rows.assign(model=rows["model"].replace(own_models)).pivot_table(
        index=["round", "group", "n"], columns="model", values="value", aggfunc="first"
    )
    columns = {"own": "brier", "one_half": "brier_half", "past_share": "brier_share",
               "cautious_share": "brier_cautious"}  # fmt: skip
    table = wide.rename(columns=columns).reindex(columns=list(columns.values())).reset_index()
    past = _backcasts(record)
    names = {one.name: (one.record["round"], one.record["model"]) for one in dated(record)}
    names |= {name: (_years(own), own[0].record["model"]) for name, own in past.items()}
    table.insert(1, "model", [names[name][1] for name in table["round"]])
    table["round"] = [names[name][0] for name in table["round"]]
    table = table.rename(columns={"n": "chances"})
    formats = {"chances": "integer", "model": "integer"} | dict.fromkeys(
        columns.values(), "number3"
    )
    return Result("record_groups", table, [], formats, {"group": "record"}, "record")


def closed(record: Record) -> Result:
    """When each round was made, from which figures, and when its targets fall due."""
    rows = [
        {
            "round": one.record["round"],
            "model": one.record["model"],
            "kind": one.record["kind"],
            "origin": one.origin,
            "newest_figure": pd.Timestamp(one.record["newest_figure"]),
            "closed": pd.Timestamp(one.record["closed"]),
            "due": pd.Timestamp(day),
        }
        for one in dated(record)
        for day in one.record["due"]
    ]
    days = ["origin", "newest_figure", "closed", "due"]
    table = pd.DataFrame(rows, columns=["round", "model", "kind", *days])
    formats = {"model": "integer", **dict.fromkeys(days, "short_date")}
    return Result("record_rounds", table, [], formats, {"kind": "record"}, "record")


def chances(record: Record) -> Result:
    """Every chance whose target has been met or missed, the country first."""
    events = record.board.events
    rows = events[(events["event"] == CHANCES) & (events["kind"] != BACKCAST)]
    rows = rows.assign(first=rows["geo_level"] != "country")
    rows = rows.sort_values(["round", "first", "indicator", "geo_level", "province_code", "target"])
    columns = ["round", "province_code", "indicator", "due", "target", "whose", "probability",
               "recalibrated", "word", "reading", "standing", "outcome", "geo_level"]  # fmt: skip
    values = {
        "n": len(rows.drop_duplicates(scoreboard.EVENT)),
        "met": int(rows[rows["outcome"] == "yes"].drop_duplicates(scoreboard.EVENT).shape[0]),
    }
    return Result(
        "record_chances",
        rows[columns],
        [("record.chances", values)],
        {
            "due": "short_date",
            "target": "printed",
            "reading": "printed",
            "probability": "probability",
            "recalibrated": "probability",
        },
        _EVENT_WORDS,
        "record",
        hidden=("geo_level",),
    )


def values(record: Record) -> Result:
    """Every value that has come, beside the forecast of it."""
    events = record.board.events
    own = {one.own for one in record.rounds}
    rows = events[(events["event"] == VALUES) & events["model"].isin(own)]
    rows = rows[rows["kind"] != BACKCAST]
    rows = rows.assign(first=rows["geo_level"] != "country")
    rows = rows.sort_values(["round", "first", "indicator", "geo_level", "province_code"])
    inside = int(rows["reading"].between(rows["q10"], rows["q90"]).sum())
    columns = ["round", "province_code", "indicator", "due", "q50", "q10", "q90", "word", "reading",
               "standing", "crps", "geo_level"]  # fmt: skip
    percents = dict.fromkeys(("q10", "q50", "q90"), "percent1")
    return Result(
        "record_values",
        rows[columns],
        [("record.values", {"n": len(rows), "inside": inside})],
        {"due": "short_date", "reading": "printed", "crps": "number2", **percents},
        _EVENT_WORDS,
        "record",
        joined={"q10": "q90"},
        hidden=("geo_level",),
    )
