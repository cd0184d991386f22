"""rounds.yml: what a round may say, what is refused, and that a forecast follows what it says."""

import pandas as pd
import pytest

from analysis.forecast import rounds
from analysis.forecast.rounds import RoundError

GOOD = """main: "a"
rounds:
  "a":
    origin: 2026-03-31
    due: [2026-12-31, 2030-12-31]
    units: "34"
    model: newest
    kind: prospective
"""


def written(folder, text):
    path = folder / "rounds.yml"
    path.write_text(text, "utf-8")
    return path


def test_a_round_is_read_with_its_days_units_and_the_newest_model(tmp_path):
    one = rounds.main_round(written(tmp_path, GOOD))
    assert one.origin == pd.Timestamp("2026-03-31") and one.years == (2026, 2030)
    assert one.levels == ("country", "province_34")
    assert one.model == max(rounds.versions())


FAULTS = {
    "origin after due": ("2026-03-31", "2027-03-31", "due: 2026-12-31 is not after the origin"),
    "origin on its due date": ("2026-03-31", "2026-12-31", "2026-12-31 is not after the origin"),
    "no date": ("origin: 2026-03-31", "origin: soon", "origin: 'soon' is not a date"),
    "not a year-end": ("2030-12-31", "2030-06-30", "due: 2030-06-30 is not a 31 December"),
    "too far": ("2030-12-31", "2060-12-31", "due: 2060-12-31 is not a 31 December up to 2035"),
    "a due date that is text": ("2030-12-31", "then", "due: 'then' is not a date"),
    "not in order": ("[2026-12-31, 2030-12-31]", "[2030-12-31, 2026-12-31]", "the earliest first"),
    "no due date": ("[2026-12-31, 2030-12-31]", "[]", "due: write a list of dates"),
    "unknown units": ('"34"', "communes", "units: 'communes' is none of 34, 63, both"),
    "unknown kind": ("prospective", "guess", "kind: 'guess' is none of prospective"),
    "unknown model": ("newest", "99", "there is no version 99"),
    "unknown entry": ("kind:", "sort: 1\n    kind:", "unknown entry sort"),
    "lacking entry": ("    model: newest\n", "", "lacks model"),
    "twice": ("    kind:", "    units: both\n    kind:", "units stands twice"),
    "unknown main": ('main: "a"', 'main: "b"', "main: 'b' is not among the rounds"),
    "a name for a folder elsewhere": ('  "a":', '  "../a":', "small letters, digits and hyphens"),
    "not yaml": ("rounds:", "rounds: [", "rounds.yml: cannot be read"),
    "something else": ("main:", "first:", "write `main`"),
}


@pytest.mark.parametrize("case", sorted(FAULTS))
def test_a_faulty_round_is_refused_in_one_line_that_says_where(case, tmp_path):
    old, new, message = FAULTS[case]
    assert old in GOOD
    with pytest.raises(RoundError) as raised:
        rounds.load_rounds(written(tmp_path, GOOD.replace(old, new, 1)))
    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert str(raised.value).startswith("rounds.yml: ")


def test_every_fault_of_every_round_is_named_at_once(tmp_path):
    text = GOOD.replace("prospective", "guess").replace('"34"', "communes")
    with pytest.raises(RoundError) as raised:
        rounds.load_rounds(written(tmp_path, text))
    assert len(str(raised.value).splitlines()) == 2


def test_an_unknown_name_is_told_which_there_are():
    with pytest.raises(
        RoundError, match=r"no round '1999' in rounds\.yml; there are: 2018, 2019.*2025, 2026"
    ):
        rounds.named_round("1999")


def test_two_days_make_a_round_to_look_at():
    one = rounds.named_round("2022-12-31/2025-12-31")
    assert (one.origin, one.years) == (pd.Timestamp("2022-12-31"), (2025,))
    assert (one.kind, one.units) == ("retrospective", "both")
    with pytest.raises(RoundError, match="2022-12-31 is not after the origin 2025-12-31"):
        rounds.named_round("2025-12-31/2022-12-31")
    with pytest.raises(RoundError, match="write origin and due date as"):
        rounds.named_round("2022-12-31/soon")


def test_the_rounds_of_the_project_are_those_of_2025_and_2026_and_back_casts():
    found = rounds.load_rounds()
    past = {name: one for name, one in found.items() if one.kind == "backcast"}
    assert list(past) == [str(year) for year in range(2018, 2025)]
    assert all(one.due == (pd.Timestamp(f"{name}-12-31"),) for name, one in past.items())
    assert all(one.origin == pd.Timestamp(f"{name}-06-30") for name, one in past.items())
    assert (found["2025"].kind, found["2026"].kind) == ("retrospective", "prospective")
    assert found["2025"].due == (pd.Timestamp("2025-12-31"),)
    assert rounds.main_round().name == "2026b"
