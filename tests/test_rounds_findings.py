"""What chapters 05 and 09 say of rounds follows from their tables, in both languages."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from example_facts import real_raw
from forecast_cases import known, tables

from analysis.figures.forecast import at_least
from analysis.findings import forecast
from analysis.findings.coverage import Tables as Published
from analysis.forecast.rounds import Round
from analysis.readings.targets import targets
from analysis.report.wording import LANGUAGES
from analysis.rounds import archive, scoreboard
from analysis.rounds import findings as findings_record

CHOSEN = Round(
    "try", known().origin, (pd.Timestamp("2020-12-31"),), "63", 1, "retrospective"
)  # fmt: skip


@pytest.fixture(scope="module")
def record():
    rounds = archive.read_rounds()
    readings = archive.readings_now(real_raw())
    return findings_record.Record(rounds, scoreboard.score(rounds, readings, real_raw()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_stamp_says_origin_newest_figure_and_kind(language):
    text = forecast.stamp(CHOSEN, known()).text(language)
    other = forecast.stamp(dataclasses.replace(CHOSEN, kind="prospective"), known())
    assert "2018" in text and "2020" in text
    assert text != other.text(language)


def test_the_count_of_units_is_that_of_the_curve():
    result = forecast.how_many(tables(), "province_63")
    curve = tables().answers
    curve = curve[(curve["question"] == "at_least") & (curve["geo_level"] == "province_63")]
    for row in result.table.to_dict("records"):
        likely = curve.loc[curve["probability"] >= row["chance"], "k"]
        assert row["k"] == (likely.max() if len(likely) else 0)
    assert result.table["k"].is_monotonic_increasing
    nothing = forecast.how_many(tables(), "province_34")
    assert nothing.phrases[0][0] == "record.how_many_none"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_curve_of_units_is_drawn_from_the_joint_answers(language):
    drawn = at_least(tables(), language, "province_63")
    own = tables().answers.query("question == 'at_least' and geo_level == 'province_63'")
    own = own[own["date"] == own["date"].min()].set_index("k")["probability"]
    assert drawn.data.set_index("k")["probability"].to_dict() == own.to_dict()
    assert drawn.data["probability"].is_monotonic_decreasing
    line = drawn.drawing.axes[0].lines[0]
    assert line.get_xydata()[0].tolist() == [0.0, 100.0]
    assert line.get_ydata()[1:] == pytest.approx(100 * own.sort_index().to_numpy())
    assert str(int(own.index.max())) in drawn.alt
    nothing = at_least(tables(), language, "province_34")
    assert nothing.data.empty


def test_units_that_never_reach_their_target_stand_last():
    table = forecast.passes(tables(), "province_63").table
    units = table[table["geo_level"] == "province_63"]
    missing = units["date_80"].isna().to_numpy()
    assert not missing.all() and (missing[:-1] <= missing[1:]).all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_scoreboard_stands_in_its_sentences_and_fits_a_screen(language, record):
    result = findings_record.board(record)
    assert len(result.table) == len(findings_record.dated(record)) + 1 <= 20
    row = result.table[(result.table["round"] == "2025") & (result.table["model"] == 1)].iloc[0]
    scores = record.board.scores
    own = scores[(scores["round"] == "2025-v1") & (scores["group"] == "all")]
    brier = own[(own["score"] == "brier") & (own["model"] == "analysis-v1")]["value"].item()
    assert row["brier"] == pytest.approx(brier, abs=1e-4)
    said = f"{row['brier']:.3f}".replace(".", "," if language == "vi" else ".")
    assert said in result.text(language)
    assert row["brier_half"] == 0.25
    written = result.written(language)
    scored = result.table["chances"] > 0
    for name in ("brier", "brier_cautious"):
        place = list(result.table.columns).index(name)
        assert all(cell in result.text(language) for cell in written[scored].iloc[:, place])


def test_back_casts_are_scored_together_and_called_so(record):
    events = record.board.events
    past = events[(events["kind"] == "backcast") & (events["event"] == "chances")]
    hits = (past["outcome"] == "yes").astype(float)
    by_hand = np.average((past["probability"] - hits) ** 2, weights=past["weight"])
    result = findings_record.board(record)
    row = result.table.iloc[-1]
    assert (row["kind"], row["round"]) == ("backcast", "2018–2024")
    assert row["brier"] == pytest.approx(by_hand, abs=1e-5)
    assert row["chances"] == len(past.drop_duplicates(scoreboard.EVENT)) > 40
    assert "Back-casts" in result.text("en") and "no record" in result.text("en")
    years = findings_record.back_casts(record).table
    assert list(years["round"]) == [str(year) for year in range(2018, 2025)]
    assert years["chances"].sum() == row["chances"]


def test_the_scoreboard_of_values_has_the_rounds_of_the_other_one(record):
    values = findings_record.board_of_values(record).table
    chances = findings_record.board(record).table
    key = ["round", "model", "kind"]
    assert values[key].equals(chances[key])
    scores = record.board.scores
    own = scores[(scores["round"] == "2025-v2") & (scores["group"] == "all")]
    crps = own[(own["score"] == "crps_shared") & (own["model"] == "analysis-v2")]["value"].item()
    row = values[(values["round"] == "2025") & (values["model"] == 2)].iloc[0]
    assert row["crps"] == pytest.approx(crps, abs=1e-4)


def test_groups_name_their_round_as_the_scoreboard_does(record):
    groups = findings_record.by_group(record).table
    board = findings_record.board(record).table
    key = ["round", "model"]
    assert set(groups[key].itertuples(index=False)) <= set(board[key].itertuples(index=False))


def test_back_casts_stand_in_no_list_of_the_record(record):
    assert all(one.record["kind"] != "backcast" for one in findings_record.dated(record))
    for make in (findings_record.chances, findings_record.values, findings_record.closed):
        assert not make(record).table["round"].astype(str).str.startswith(("2018", "2024")).any()


def test_a_round_without_outcomes_waits(record):
    empty = record.board.scores.iloc[:0]
    waiting = dataclasses.replace(
        record, board=scoreboard.Scoreboard(record.board.events.iloc[:0], empty)
    )
    result = findings_record.board(waiting)
    *rounds, past = [key for key, _ in result.phrases]
    assert all(key.startswith("record.waiting_") for key in rounds)
    assert past == "record.backcasts_waiting"
    assert (result.table["chances"] == 0).all() and result.table["brier"].isna().all()
    assert (findings_record.board_of_values(waiting).table["values"] == 0).all()
    assert result.text("en") and result.html("vi")
    none = findings_record.Record([], waiting.board)
    assert findings_record.board(none).phrases == [("record.none", {})]


@pytest.mark.parametrize(
    "make",
    [
        findings_record.by_group,
        findings_record.closed,
        findings_record.chances,
        findings_record.values,
        findings_record.back_casts,
    ],
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_of_the_record_can_be_shown(make, language, record):
    result = make(record)
    assert len(result.written(language)) == len(result.table) > 0
    assert "<table" in result.html(language)


def test_prospective_and_retrospective_are_never_in_one_score(record):
    kinds = record.board.scores.drop_duplicates(["round", "kind"])
    assert not kinds["round"].duplicated().any()
    assert "round" in record.board.scores.columns


def test_events_are_counted_by_units_and_days(record):
    result = findings_record.chances(record)
    counts = dict(result.phrases[0][1])
    events = result.table.drop_duplicates(
        ["round", "geo_level", "province_code", "indicator", "due"]
    )
    assert counts["n"] == len(events)


def test_forecasts_stand_beside_what_came_and_a_figure_is_held_to_the_target_of_then():
    published = Published(
        pd.DataFrame(
            [
                came_reading("country", "00", 90.0),
                came_reading("province_63", "89", 70.0),
            ]
        ),
        real_raw_targets(),
        real_raw(),
    )
    result = forecast.what_came(tables(), CHOSEN, published)
    assert result.table["province_code"].tolist() == ["00", "89"]
    for row in result.table.to_dict("records"):
        meant = (
            "" if np.isnan(row["target"]) else "yes" if row["reading"] >= row["target"] else "no"
        )
        assert row["met"] == meant
    inside = result.table["reading"].between(result.table["q10"], result.table["q90"]).sum()
    assert result.phrases[0][1]["inside"] == inside
    nothing = forecast.what_came(
        tables(), CHOSEN, dataclasses.replace(published, readings=published.readings.iloc[:0])
    )
    assert nothing.phrases[0][0] == "record.came_not_yet"


def came_reading(level, code, value):
    return {
        "geo_level": level, "province_code": code, "indicator": "hi_coverage", "basis": "",
        "as_of": pd.Timestamp("2020-12-31"), "value": value, "lower": value, "upper": value,
        "reading_id": code, "kind_of_evidence": "published", "facts": "2", "sources": "",
    }  # fmt: skip


def real_raw_targets():
    return targets(real_raw())
