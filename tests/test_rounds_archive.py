"""Closed rounds: written once, read by the hubverse's own tool, and watched byte by byte."""

import dataclasses
import datetime
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from forecast_cases import ORIGIN, known, tables
from hubdata import connect_hub

from analysis import cli, paths
from analysis.forecast.rounds import Round, RoundError
from analysis.rounds import archive
from analysis.rounds.beside import beside

CHOSEN = Round("try", ORIGIN, (pd.Timestamp("2020-12-31"),), "both", 1, "retrospective")
REAL = paths.ROOT / "rounds"
CLOSED = sorted(path.name for path in REAL.iterdir() if path.is_dir())


def printed(**changes):
    whole = {"tables": tables(), "known": known(), "beside": beside(CHOSEN, known())}
    return archive.Printed(**whole | {"digests": {"code": "none"}} | changes)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An archive of its own, beside the raw tables of the project."""
    monkeypatch.setattr(archive, "home", lambda: tmp_path / "rounds")
    return tmp_path / "rounds"


def close(chosen=CHOSEN, today=datetime.date(2026, 11, 30), **changes):
    return archive.close(chosen, lambda: printed(**changes), today)


def test_no_byte_of_a_closed_round_has_changed():
    assert archive.archive_faults() == []
    assert len(archive.ledger()) >= 9


def test_version_1_of_2025_stands_as_it_was_printed():
    own = archive.read_round("2025-v1").outputs["analysis-v1"]
    country = own[(own["location"] == "country/00") & (own["target"] == "hi_coverage")]
    cdf = country[country["output_type"] == "cdf"].set_index("output_type_id")["value"]
    assert 1 - cdf[95.0] == pytest.approx(0.71425)
    median = country[country["output_type_id"].eq(0.5)]["value"].item()
    assert median == pytest.approx(95.1455266624, abs=1e-5)


@pytest.mark.parametrize("damage", ["a byte", "a missing file", "a file too many"])
def test_a_changed_archive_is_named_in_one_line_and_nothing_is_read(damage, home):
    place = close()
    file = place / "targets.csv"
    if damage == "a byte":
        content = bytearray(file.read_bytes())
        content[-2] ^= 1
        file.write_bytes(content)
        message = "try-v1/targets.csv: has been changed"
    elif damage == "a missing file":
        file.unlink()
        message = "try-v1/targets.csv: is missing"
    else:
        (place / "notes.txt").write_text("later", "utf-8")
        message = "try-v1/notes.txt: is not in ledger.csv"
    assert [message in fault for fault in archive.archive_faults()] == [True]
    with pytest.raises(RoundError, match=message):
        archive.read_rounds()
    with pytest.raises(RoundError, match=message):
        close(dataclasses.replace(CHOSEN, name="other"))
    assert not (home / "other-v1").exists()


def test_a_round_is_closed_once(home):
    first = close()
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    def never():
        raise AssertionError("a closed round is computed again")

    with pytest.raises(RoundError, match="try-v1 is closed already: a correction is a new round"):
        archive.close(CHOSEN, never)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    assert first.name == "try-v1" and archive.archive_faults() == []


def test_closing_twice_gives_the_same_bytes(home):
    one = {p.relative_to(home): p.read_bytes() for p in close().rglob("*") if p.is_file()}
    shutil.rmtree(home)
    other = {p.relative_to(home): p.read_bytes() for p in close().rglob("*") if p.is_file()}
    assert one == other and len(one) == 9


def test_what_is_prospective_is_closed_before_its_first_due_date(home):
    chosen = dataclasses.replace(CHOSEN, kind="prospective")
    with pytest.raises(RoundError, match="called prospective, and its first targets fell due"):
        close(chosen, datetime.date(2020, 12, 31))
    assert not home.exists()
    assert "It was" not in (close(chosen, datetime.date(2020, 12, 30)) / "README.md").read_text()
    assert "Prospective" in (home / "try-v1/README.md").read_text("utf-8")


def test_a_round_that_fails_leaves_nothing_behind(home, monkeypatch):
    close()
    whole = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    other = dataclasses.replace(CHOSEN, name="other")
    strange = tables().forecasts.assign(province_code="98")
    for changes, message in (
        ({"tables": dataclasses.replace(tables(), forecasts=strange)}, "98 is no unit of"),
        ({"tables": dataclasses.replace(tables(), forecasts=strange.iloc[:0])}, "not those of its"),
    ):
        with pytest.raises(RoundError, match=message):
            close(other, **changes)
    targets = known().targets.assign(province_code="98")
    lost = dataclasses.replace(known(), targets=targets)
    with pytest.raises(RoundError, match="98 is no unit of"):
        close(other, known=lost)

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(paths, "write_table", full)
    with pytest.raises(OSError, match="disk full"):
        close(other)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == whole
    assert not [path for path in home.iterdir() if path.name.startswith(".")]


def test_forecasts_of_another_origin_are_not_archived_under_a_round(home):
    chosen = dataclasses.replace(CHOSEN, origin=pd.Timestamp("2019-06-30"))
    with pytest.raises(RoundError, match="not those of its origin"):
        close(chosen)


def test_the_archive_holds_what_the_tables_say(home):
    close()
    own = archive.read_round("try-v1").outputs["analysis-v1"]
    said = tables().forecasts
    said = said[(said["date"] == "2020-12-31") & (said["geo_level"] != "region")]
    quantiles = own[own["output_type"] == "quantile"]
    assert len(quantiles) == 9 * len(said)
    for row in said.sample(20, random_state=1).to_dict("records"):
        name = "hi_coverage" + archive.SCALES[row["scale"]]
        where = (own["target"] == name) & (
            own["location"] == f"{row['geo_level']}/{row['province_code']}"
        )
        values = own[where & (own["output_type"] == "quantile")].set_index("output_type_id")
        assert values["value"][0.1] == pytest.approx(row["q10"], rel=1e-7)
        chance = row[f"p_meets_{row['scale']}"]
        cdf = own[where & (own["output_type"] == "cdf")].set_index("output_type_id")["value"]
        if np.isnan(chance):
            assert row["target"] not in cdf
        else:
            assert 1 - cdf[round(row["target"], 6)] == pytest.approx(chance, abs=1e-6)


def test_plain_forecasts_never_read_a_province_for_the_merged_unit_of_its_code():
    made = beside(CHOSEN, known())
    last = made["last-value"]
    last = last[last["target"] == "hi_coverage"].set_index("location")["q50"]
    published = archive.published(known().readings)
    own = published[
        (published["geo_level"] == "province_63")
        & (published["province_code"] == "79")
        & (published["indicator"] == "hi_coverage")
    ]
    newest = own.sort_values("as_of")["value"].iloc[-1]
    assert last["province_63/79"] == pytest.approx(newest)
    assert last["province_34/79"] != pytest.approx(newest)
    assert last["province_34/01"] == last["province_63/01"]
    assert len(last) == 1 + 63 + 34


@pytest.mark.parametrize("name", CLOSED)
def test_the_tool_of_the_hubverse_reads_every_closed_round(name):
    hub = connect_hub(str(REAL / name))
    table = hub.to_table().to_pandas()
    written = archive.read_round(name).outputs
    assert set(table["model_id"]) == set(written)
    assert len(table) == sum(map(len, written.values())) > 1000
    assert table.notna().all(axis=None)
    assert table["value"].between(0, 100).all()
    chances = table[table["output_type"] == "cdf"]
    assert chances["value"].between(0, 1).all() and len(chances) > 20
    key = [*archive.OUTPUT_COLUMNS[:-1], "model_id"]
    assert not table.duplicated(key).any()
    task = hub.tasks["rounds"][0]["model_tasks"][0]
    for column in archive.OUTPUT_COLUMNS[:4]:
        allowed = task["task_ids"][column]["optional"]
        assert set(table[column].astype(str)) == set(allowed)
    for kind, levels in table.groupby("output_type")["output_type_id"]:
        assert set(levels) == set(task["output_type"][kind]["output_type_id"]["required"])


@pytest.mark.parametrize("name", CLOSED)
def test_every_closed_round_has_a_readme_of_one_screen_that_says_where_data_end(name):
    text = (REAL / name / "README.md").read_text("utf-8")
    record = json.loads((REAL / name / "record.json").read_text("utf-8"))
    assert len(text.splitlines()) <= 40
    assert f"newest figure | {record['newest_figure']}" in text
    assert record["kind"].capitalize() in text and record["origin"] in text


@pytest.mark.parametrize("name", CLOSED)
def test_nothing_in_a_closed_round_was_known_only_after_its_origin(name):
    one = archive.read_round(name)
    assert (one.series["target_end_date"] <= one.origin).all()
    assert (one.targets["announced"] <= one.origin).all()
    for table in one.outputs.values():
        assert (table["reference_date"] == one.origin).all()
        assert (table["target_end_date"] > one.origin).all()


@pytest.mark.parametrize("name", CLOSED)
def test_quantiles_of_a_closed_round_do_not_cross(name):
    for table in archive.read_round(name).outputs.values():
        rows = table[table["output_type"] == "quantile"]
        ordered = rows.sort_values("output_type_id")
        steps = ordered.groupby(["target", "location", "target_end_date"])["value"].diff().dropna()
        assert (steps >= -1e-6).all()


def test_target_data_of_a_closed_round_have_the_form_of_the_hubverse():
    table = pd.read_csv(REAL / "2025-v1/target-data/time-series.csv", parse_dates=["as_of"])
    assert list(table.columns) == ["as_of", "target", "location", "target_end_date", "observation"]
    assert table["observation"].between(0, 100).all()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["close", "1999"], "no round '1999' in rounds.yml"),
        (["close", "2022-12-31/2025-12-31"], "has no name: only rounds of rounds.yml are closed"),
        (["close"], "write one of: list, close NAME, score"),
        (["score", "2025"], "write one of: list, close NAME, score"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_so_in_one_line(asked, message, capsys):
    before = {path: path.read_bytes() for path in REAL.rglob("*") if path.is_file()}
    assert cli.main(["round", *asked]) == 2
    said = capsys.readouterr().err
    assert message in said and len(said.splitlines()) == 1
    assert {path: path.read_bytes() for path in REAL.rglob("*") if path.is_file()} == before


def test_the_list_names_declared_rounds_and_closed_ones(capsys):
    assert cli.main(["round", "list"]) == 0
    said = capsys.readouterr().out
    assert "2026: origin 2026-03-31, due 2026-12-31, 2030-12-31, prospective" in said
    assert "2025-v1" in said or "2025: origin 2025-06-30, due 2025-12-31" in said
