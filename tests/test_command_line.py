"""Every command explains itself with an example, loads nothing heavy, and fails in one line."""

import subprocess
import sys

import pytest
from tiny_project import notebook

from analysis import cli
from analysis.commands.report import parsed_settings
from analysis.runs import environment
from analysis.runs import notebook as runs_notebook


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


def test_parameters_take_the_type_of_the_notebooks_own_default():
    given = ["a.province_code=01", "a.origin=2022-12-31", "a.draws=100", "a.units=[x, y]"]
    cell = 'province_code = "83"\norigin = "2025-06-30"\ndraws = 4000\nunits = []'
    settings = parsed_settings(given)["a"]
    assert runs_notebook.typed(notebook([], cell), settings) == {
        "province_code": "01",
        "origin": "2022-12-31",
        "draws": 100,
        "units": ["x", "y"],
    }
    for wrong in ("origin=1", "05_forecast.origin", "=1"):
        with pytest.raises(ValueError, match=r"write NOTEBOOK\.PARAMETER=VALUE"):
            parsed_settings([wrong])


def test_a_long_command_says_what_it_does_before_anything_is_loaded(monkeypatch, capsys):
    from types import SimpleNamespace

    told = []
    slow = SimpleNamespace(
        configure=lambda parser: None, run=lambda options: told.append(capsys.readouterr()) or 0
    )
    monkeypatch.setattr(cli, "_module", lambda command: slow)
    for command in cli.MEANWHILE:
        assert command in cli.COMMANDS
        assert cli.main([command]) == 0
        assert told[-1].err == cli.MEANWHILE[command] + "\n" and told[-1].out == ""
    assert cli.main(["tables"]) == 0 and told[-1].err == ""
    monkeypatch.setenv(environment.STARTED_AGAIN, "1")
    assert cli.main(["add"]) == 0 and told[-1].err == ""
    assert cli.main(["add"]) == 0 and told[-1].err == cli.MEANWHILE["add"] + "\n"
