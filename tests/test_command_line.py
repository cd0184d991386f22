"""Every command explains itself with an example, loads nothing heavy, and fails in one line."""

import subprocess
import sys

import pytest

from analysis import cli
from analysis.commands.report import parsed_settings


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_each_command_has_an_example_in_its_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"analysis {command}" in said.partition("example")[2]


def test_without_a_command_all_are_listed(capsys):
    assert cli.main([]) == 0
    said = capsys.readouterr().out
    assert all(command in said for command in cli.COMMANDS)


def test_asking_for_help_imports_nothing_heavy():
    check = (
        "import sys\nfrom analysis import cli\n"
        "try:\n    cli.main(['report', '--help'])\nexcept SystemExit:\n    pass\n"
        "sys.exit(bool({'pandas', 'numpy', 'nbformat', 'papermill'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", check], stdout=subprocess.DEVNULL, check=False)
    assert ended.returncode == 0


def test_a_request_that_cannot_be_carried_out_is_one_line(capsys):
    assert cli.main(["notebooks", "99_nothing"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("analysis notebooks: no such notebook: 99_nothing (there are: ")
    assert said.count("\n") == 1


def test_parameters_keep_dates_as_text_and_numbers_as_numbers():
    given = ["05_forecast.origin=2022-12-31", "05_forecast.draws=100", "07_scenarios.units=[a, b]"]
    assert parsed_settings(given) == {
        "05_forecast": {"origin": "2022-12-31", "draws": 100},
        "07_scenarios": {"units": ["a", "b"]},
    }
    for wrong in ("origin=1", "05_forecast.origin", "=1"):
        with pytest.raises(ValueError, match=r"write NOTEBOOK\.PARAMETER=VALUE"):
            parsed_settings([wrong])
