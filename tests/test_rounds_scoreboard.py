"""The scoreboard: scores against formulae, events counted once, the same bytes each time."""

import dataclasses
import hashlib
import itertools
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from example_facts import real_raw, real_tables
from scipy.stats import norm
from scoringrules import crps_normal

from analysis import cli, paths
from analysis.forecast.rounds import RoundError
from analysis.forecast.tables import QUANTILES
from analysis.rounds import archive, scoreboard


@pytest.fixture(scope="module")
def readings():
    return archive.readings_now(real_raw())


@pytest.fixture(scope="module")
def board(readings):
    return scoreboard.score(archive.read_rounds(), readings, real_raw())


def test_the_scoreboard_is_rebuilt_byte_for_byte(board):
    folder = paths.ROOT / "rounds"
    assert scoreboard.csv_text(board.events) == (folder / "events.csv").read_text("utf-8")
    assert scoreboard.csv_text(board.scores) == (folder / "scoreboard.csv").read_text("utf-8")


def test_the_country_of_2025_is_scored_as_by_hand(board):
    rows = board.scores
    rows = rows[(rows["round"] == "2025-v1") & (rows["event"] == "chances")]
    rows = rows[(rows["group"] == "country") & (rows["score"] == "brier")].set_index("model")
    first = ((1 - 0.71425) ** 2 + (1 - 0.49425) ** 2) / 2
    by_hand = (first + (1 - 0.26275) ** 2 + (1 - 0.7255) ** 2) / 3
    assert rows["value"]["analysis-v1"] == pytest.approx(by_hand, abs=1e-6)
    assert rows["value"]["one_half"] == 0.25
    assert (rows["n"] == 3).all()


def test_every_event_counts_once(board):
    events = board.events
    keys = [*scoreboard.EVENT, "model"]
    for kind, table in events.groupby("event"):
        assert table.groupby(keys)["weight"].sum().to_numpy() == pytest.approx(1), kind
    units = events[["geo_level", "province_code"]].drop_duplicates()
    assert ("province_34", "01") not in set(units.itertuples(index=False, name=None))


def test_the_score_of_nine_quantiles_is_the_crps_of_a_normal():
    values = np.linspace(-2.5, 2.5, 21)
    table = pd.DataFrame([norm.ppf(list(QUANTILES.values()))] * 21, columns=list(QUANTILES))
    found = scoreboard.crps(table, values)
    exact = np.array([crps_normal(value, 0, 1) for value in values])
    assert found == pytest.approx(exact, abs=0.02)
    moved = scoreboard.crps(94 + 2 * table, 94 + 2 * values)
    assert moved == pytest.approx(2 * found)


def test_the_e_value_is_one_on_average_where_the_other_chance_is_right():
    q = np.array([0.8, 0.6, 0.7])
    p = np.array([0.5, 0.9, 0.7])
    total = 0.0
    for hits in itertools.product([0.0, 1.0], repeat=3):
        outcome = np.array(hits)
        likely = np.prod(np.where(outcome == 1, q, 1 - q))
        total += likely * scoreboard.e_value(p, q, outcome, np.ones(3))
    assert total == pytest.approx(1)
    assert scoreboard.e_value(p, p, np.ones(3), np.ones(3)) == pytest.approx(1)
    sure = scoreboard.e_value(np.array([0.0]), np.array([0.5]), np.ones(1), np.ones(1))
    assert sure == pytest.approx(scoreboard.LEAST / 0.5)


def test_past_shares_are_of_targets_that_were_due_and_read_by_the_origin():
    one = archive.read_round("2025-v1")
    found = scoreboard.past_shares(one)
    assert found["cautious"].between(0, 1, inclusive="neither").all()
    assert (found["n"] > 3).all()
    nothing = dataclasses.replace(one, targets=one.targets.iloc[:0])
    empty = scoreboard.past_shares(nothing)
    assert (empty["share"] == 0.5).all() and (empty["cautious"] == 0.5).all()


def test_a_round_that_has_not_fallen_due_has_no_events(readings):
    one = archive.read_round("2025-v1")
    early = readings[readings["as_of"] < "2025-12-01"]
    found = scoreboard.score([one], early, real_raw())
    assert found.events.empty and found.scores.empty
    assert scoreboard.csv_text(found.scores).startswith("round,kind,model")


def test_an_outcome_dated_before_the_origin_is_refused(readings):
    one = archive.read_round("2025-v1")
    late = dataclasses.replace(one, record={**one.record, "origin": "2025-12-31"})
    with pytest.raises(RoundError) as raised:
        scoreboard.score([late], readings, real_raw())
    assert "its outcome is dated 2025-12-31, not after the origin" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_forecast_of_an_unknown_unit_is_refused(readings):
    one = archive.read_round("2025-v1")
    own = one.outputs["analysis-v1"].replace({"location": {"country/00": "country/99"}})
    with pytest.raises(RoundError, match="2025-v1: country/99 is no unit"):
        scoreboard.score(
            [dataclasses.replace(one, outputs={"analysis-v1": own})], readings, real_raw()
        )


def test_outcomes_are_the_figures_that_were_published(board):
    published = archive.published(real_tables().readings)
    known = set(zip(published["province_code"], published["indicator"], published["value"],
                    strict=True))  # fmt: skip
    rows = board.events
    assert len(rows) > 40
    assert set(zip(rows["province_code"], rows["indicator"], rows["reading"], strict=True)) <= known


def test_the_scoreboard_comes_back_from_the_archive_and_the_raw_tables_alone(tmp_path):
    """A folder with the code, closed rounds and data/raw; no scoreboard, table, report or cache."""
    root = paths.ROOT
    shutil.copytree(root / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "data" / "raw", tmp_path / "data" / "raw")
    lost = shutil.ignore_patterns("scoreboard.csv", "events.csv")
    shutil.copytree(root / "rounds", tmp_path / "rounds", ignore=lost)
    shutil.copy(root / "pyproject.toml", tmp_path)
    settings = {k: v for k, v in os.environ.items() if not k.startswith("ANALYSIS_")}
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "round", "score"],
        cwd=tmp_path,
        env=settings | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("scoreboard.csv", "events.csv"):
        made = (tmp_path / "rounds" / name).read_bytes()
        assert made == (root / "rounds" / name).read_bytes()


def edited(home, file, old, new, ledger=True):
    """A closed round with a text replaced, and its ledger made to agree, as by somebody else."""
    place = home / "2025-v1" / file
    text = place.read_text("utf-8")
    assert old in text
    place.write_text(text.replace(old, new), "utf-8")
    table = archive.ledger()
    if ledger:
        own = (table["round"] == "2025-v1") & (table["file"] == file)
        table.loc[own, "sha256"] = hashlib.sha256(place.read_bytes()).hexdigest()
    table[table["round"] == "2025-v1"].to_csv(home / "ledger.csv", index=False)


FORECAST = "model-output/analysis-v1/2025-06-30-analysis-v1.csv"
BAD = {
    "a changed byte": ("targets.csv", "95", "94", False, "targets.csv: has been changed"),
    "an early outcome": ("record.json", '"2025-06-30"', '"2025-12-31"', True, "not after the"),
    "an unknown unit": (FORECAST, "country/00", "country/99", True, "country/99 is no unit"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_faulty_archive_is_refused_in_one_line_and_nothing_is_written(
    case, readings, tmp_path, monkeypatch, capsys
):
    home = tmp_path / "rounds"
    shutil.copytree(paths.ROOT / "rounds" / "2025-v1", home / "2025-v1")
    shutil.copy(paths.ROOT / "rounds" / "ledger.csv", home)
    monkeypatch.setattr(archive, "home", lambda: home)
    monkeypatch.setattr(scoreboard, "home", lambda: home)
    monkeypatch.setattr(archive, "readings_now", lambda raw: readings)
    file, old, new, ledger, message = BAD[case]
    edited(home, file, old, new, ledger)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert cli.main(["round", "score"]) == 2
    said = capsys.readouterr().err
    assert message in said and len(said.splitlines()) == 1
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_a_round_whose_origin_lies_after_its_due_date_is_closed_by_no_command(
    tmp_path, monkeypatch, capsys
):
    text = (paths.NOTEBOOKS / "rounds.yml").read_text("utf-8")
    (tmp_path / "rounds.yml").write_text(
        text.replace("origin: 2026-03-31", "origin: 2027-03-31", 1), "utf-8"
    )
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    home = paths.ROOT / "rounds"
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert cli.main(["round", "close", "2026"]) == 2
    said = capsys.readouterr().err
    assert "due: 2026-12-31 is not after the origin 2027-03-31" in said
    assert len(said.splitlines()) == 1
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
