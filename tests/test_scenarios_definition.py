"""A scenario's file is read safely; what cannot be is refused with the file and the key."""

import numpy as np
import pandas as pd
import pytest
from scenario_cases import outcome

from analysis.cli import MEANWHILE, main
from analysis.scenarios import ScenarioError, load
from analysis.scenarios.definition import read

WRONG = {
    "kind: reach_targets": "kind: 'reach_targets' is unknown; did you mean 'reach_target'?",
    "title: x": "kind: is missing; known: business_as_usual",
    "kind: hold_last\ntitel: x": "titel: unknown key; did you mean 'title'?",
    "kind: reach_target\nparameters: {target: 104}": "parameters.target: 104 is impossible",
    "kind: reach_target\nparameters: {target: -1}": "parameters.target: -1 is impossible",
    "kind: reach_target\nparameters: {target: .nan}": "parameters.target: nan is not a finite",
    "kind: reach_target\nparameters: {target: high}": "parameters.target: 'high'",
    "kind: reach_target\nparameters: {target: true}": "parameters.target: True is not a number",
    "kind: reach_target\nparameters: {tarjet: 95}": "parameters.tarjet: unknown key; did you mean",
    "kind: reach_target\nparameters: {shape: round}": "parameters.shape: 'round'",
    "kind: reach_target\nparameters: {by: soon}": "parameters.by: 'soon' is not a date",
    "kind: hold_last\nparameters: {x: 1}": "parameters.x: unknown key; none is known here",
    "kind: hold_last\nparameters: 3": "parameters: expected",
    "kind: linear_change": "parameters.points_per_year: is missing",
    "kind: top_n\nparameters: {n: 2.5}": "parameters.n: 2.5 is not a whole number",
    "kind: hold_last\norigin: 2025-06-30\ndate: 2024-12-31": "date: 2024-12-31 is not after",
    "kind: hold_last\ndate: 31/12/2025": "date: '31/12/2025' is not a date; write YYYY-MM-DD",
    "kind: hold_last\nindicator: hi_coverge": "indicator: 'hi_coverge': did you mean",
    "kind: hold_last\nlevel: district": "level: 'district'",
    "kind: restored_cards\nlevel: country": "level: restored_cards works on provinces",
    "kind: restored_cards\nindicator: si_coverage": "indicator: 'si_coverage'",
    "kind: hold_last\nonly: [83]": "only: 83 is not text; put codes in quotes",
    "kind: hold_last\nonly: ['99']": "only: '99' is no unit of the level province_63",
    "kind: hold_last\nkind: hold_last": "kind: stands twice, line 2",
    "kind: hold_last\ntitle: {en: A}": "title: give a text, or one under en and one under vi",
    "kind: hold_last\nsupported_share: 1.2": "supported_share: 1.2 is impossible",
    "kind: hold_last\nsupported_share: {low: 0.2}": "supported_share.high: is missing",
    "kind: hold_last\nsupported_share: {low: 0.5, central: 0.2, high: 0.6}": "not in order",
    "kind: hold_last\nsupported_share: {low: 0, high: 1, ground: me}": "supported_share.ground:",
    "kind: dip_and_recover\nparameters: {dip: 2, lowest: 2025-12-31, recovered: 2025-09-30}": (
        "parameters.recovered: 2025-09-30 lies before lowest, 2025-12-31"
    ),
    "- a\n- b": "expected 'key: value' lines",
    "kind: [": "is not YAML that can be read",
    "kind: !!python/object/apply:os.system ['true']": "is not YAML that can be read",
    "a: &x 1\nb: *x": "aliases",
    "1: 2": "1 is no key",
}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:50].replace("\n", " "))
def test_the_message_names_the_file_and_the_key(text):
    with pytest.raises(ScenarioError) as refused:
        read(text, "mine", "mine.yml")
    assert str(refused.value).startswith("mine.yml: ")
    assert WRONG[text] in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parameters: {dip: 2, lowest: 2024-06-30}", "parameters.lowest: 2024-06-30 is before"),
        ("parameters: {dip: 2, lowest: 2026-06-30}", "parameters.lowest: 2026-06-30 is after"),
        ("parameters: {dip: 2}\norigin: 2023-12-31", "origin: 2023-12-31, but the draws"),
        ("parameters: {dip: 2}\ndate: 2026-12-31", "date: 2026-12-31, but the draws"),
        ("parameters: {dip: 2}\nindicator: si_coverage", "indicator: si_coverage cannot run"),
    ],
)
def test_what_does_not_fit_the_draws_is_refused(text, message):
    with pytest.raises(ScenarioError, match=message):
        outcome(f"kind: dip_and_recover\n{text}")


def test_dates_and_ranges_are_read():
    scenario = read("kind: hold_last\norigin: 2024-12-31\nsupported_share: {low: 0.2, high: 0.4}")
    assert scenario.origin == pd.Timestamp("2024-12-31")
    share = scenario.supported_share
    assert (share.low, share.central, share.high) == (0.2, pytest.approx(0.3), 0.4)
    drawn = share.draws(4000)
    assert np.array_equal(drawn, share.draws(4000))
    assert 0.2 <= drawn.min() < 0.22
    assert drawn.mean() == pytest.approx(0.3, abs=0.01)


def test_a_number_without_a_range_is_certain():
    scenario = read("kind: hold_last\nsupported_share: 0.3")
    assert set(scenario.supported_share.draws(5)) == {0.3}


def test_files_are_found_or_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no_such\.yml"):
        load(tmp_path / "no_such.yml")
    file = tmp_path / "latin.yml"
    file.write_bytes("kind: hold_last\ntitle: Bến Tre".encode("utf-16"))
    with pytest.raises(ScenarioError, match=r"latin\.yml: is not UTF-8"):
        load(file)
    file.write_bytes(b"\xef\xbb\xbfkind: hold_last\r\n")
    assert load(file).kind == "hold_last"


def test_the_command_refuses_with_one_line(tmp_path, capsys):
    file = tmp_path / "mine.yml"
    file.write_text("kind: reach_target\nparameters: {target: 104}")
    assert main(["scenario", str(file)]) == 2
    waiting, _, said = capsys.readouterr().err.partition("\n")
    assert waiting == MEANWHILE["scenario"]
    assert said.startswith("analysis scenario: mine.yml: parameters.target: 104 is impossible")
    assert len(said.strip().splitlines()) == 1


def test_where_chapter_05_has_not_run_the_days_are_those_of_the_main_round(monkeypatch):
    from types import SimpleNamespace

    from analysis.commands import scenario
    from analysis.forecast.rounds import main_round
    from analysis.scenarios import run_all

    monkeypatch.setattr(run_all, "days_of_forecasts", lambda indicator: None)
    found = scenario._days(read("kind: hold_last"), SimpleNamespace(origin=None, date=None))
    assert found == (main_round().origin, main_round().due[0])


@pytest.mark.parametrize(
    ("name", "found"),
    [("province_63/83", ("province_63", "83")), ("83", ("province_63", "83")),
     ("Bến Tre", ("province_63", "83")), ("province_34/01", ("province_34", "01"))],
)  # fmt: skip
def test_the_command_takes_a_unit_by_name_or_code(name, found):
    from analysis.commands import scenario

    assert scenario._unit(name) == found


@pytest.mark.parametrize(
    ("name", "said"),
    [("province_63/99", "--unit province_63/99: .* go from 01 to 96"),
     ("Vinh Long", "write province_63/86 .* or province_34/86"), ("Ben Tere", "do you mean")],
)  # fmt: skip
def test_the_command_says_what_is_wrong_with_a_unit(name, said):
    from analysis.commands import scenario

    with pytest.raises(ValueError, match=said):
        scenario._unit(name)
