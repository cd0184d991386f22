"""`analysis scenario`: run a scenario that a YAML file describes."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """examples:
  analysis scenario scenarios/reach_target_straight.yml
  analysis scenario scenarios/restored_cards.yml --unit province_63/14 --language vi
  analysis scenario my_scenario.yml --origin 2024-12-31 --date 2025-12-31 --out result.csv

The file names its kind and parameters; scenarios/ holds an example of every kind. Origin and date
are those of the file or of the options, else those of the forecasts of chapter 05 (of the
main round in notebooks/rounds.yml where that chapter has not run). The table of --out has a row for
every unit: the country, regions, the 34 units after 1 July 2025 and the 63 provinces.
"""
_MOST_ASIDE = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EXAMPLE
    parser.add_argument("file", help="YAML file with the scenario")
    parser.add_argument(
        "--unit",
        action="append",
        default=[],
        metavar="UNIT",
        help='unit to print, e.g. province_63/83 or "Bến Tre"; may be repeated (default: '
        "country/00)",
    )
    parser.add_argument("--origin", help="nothing dated after this day is used")
    parser.add_argument("--date", help="year-end for which the scenario is judged")
    parser.add_argument("--out", help="CSV file to write the result for all units to")
    parser.add_argument("--language", choices=("en", "vi"), default="en")


def run(options: argparse.Namespace) -> int:
    """Run the scenario, print it beside business as usual, and write the table if asked."""
    from analysis.runs.environment import pin_numbers

    pin_numbers()
    from analysis import paths, scenarios
    from analysis.commands.writing import refuse_onto_input
    from analysis.findings import scenarios as findings_scenarios
    from analysis.scenarios import run_all, tables

    refuse_onto_input(options.out, options.file)
    scenario = scenarios.load(Path(options.file))
    if scenario.kind == "late_payment_cut":
        for option, value in (("--origin", options.origin), ("--date", options.date)):
            if value:
                raise ValueError(
                    f"{option} {value}: late payment is judged at the date of the forecasts of "
                    "chapter 04; leave the option out"
                )
        return _late(scenario, options)
    units = [_unit(name) for name in options.unit or ["country/00"]]
    origin, date = _days(scenario, options)
    scenario.check_dates(origin, date)
    base = run_all.usual_at(scenario.indicator, origin, date)
    usual = scenarios.run(run_all.usual_scenario(scenario.indicator), base)
    outcome = scenarios.run(scenario, base)
    for unit in units:
        _print(
            findings_scenarios.comparison([usual, outcome], unit, options.language),
            options.language,
        )
    if options.out:
        paths.write_table(tables.outcome_table(outcome), options.out)
        print(f"{len(base.units)} units written to {options.out}")
    return 0


def _days(scenario, options):
    """Origin and date: of the options, the file, chapter 05 or the main round, in this order.

    Raises:
        ValueError: an option contradicts the file, or a day lies beyond what is ever forecast.
    """
    from analysis.forecast.known import LAST
    from analysis.forecast.rounds import main_round
    from analysis.scenarios import run_all
    from analysis.scenarios.parameters import scenario_date

    known = run_all.days_of_forecasts(scenario.indicator)
    if known is None:
        shown = main_round()
        known = (shown.origin, shown.due[0])
    asked = (options.origin, options.date)
    own = (scenario.origin, scenario.date)
    names = ("--origin", "--date")
    found = [
        scenario_date(option or file or forecast, name)
        for option, file, forecast, name in zip(asked, own, known, names, strict=True)
    ]
    for name, option, day in zip(names, asked, found, strict=True):
        if day > LAST:
            where = name if option else f"{scenario.file}: {name[2:]}"
            raise ValueError(
                f"{where}: {day:%Y-%m-%d} is too far; the last year that can be forecast is "
                f"{LAST.year}"
            )
    for name, option, file in zip(names, asked, own, strict=True):
        if option and file is not None and scenario_date(option, name) != file:
            raise ValueError(f"{name} {option}: {scenario.file} says {file:%Y-%m-%d}")
    return found[0], found[1]


def _unit(name: str) -> tuple[str, str]:
    """Level and code of a unit that a person names, by level/code, code or name.

    Raises:
        ValueError: there is no such unit, or there are two; the message names them.
    """
    from analysis import api
    from analysis.country import geography

    level, _, code = name.rpartition("/")
    if level in geography.LEVELS and code in geography.codes(level):
        return level, code
    try:
        found = api.unit(name)
    except api.NotFound as error:
        raise ValueError(f"--unit {name}: {error}") from None
    return found.level, found.code


def _late(scenario, options: argparse.Namespace) -> int:
    from analysis import paths
    from analysis.findings import scenarios as findings_scenarios
    from analysis.scenarios import run_all

    outcome = run_all.run_late(scenario)
    _print(findings_scenarios.late_payment(outcome), options.language)
    if options.out:
        paths.write_table(outcome.table, options.out)
        print(f"{len(outcome.table)} units written to {options.out}")
    return 0


def _print(result, language: str) -> None:
    print(result.text(language))
    print()
    table = result.written(language)
    if len(table) <= _MOST_ASIDE:
        # Few scenarios stand side by side, so that the table fits into a terminal.
        table = table.set_index(table.columns[0]).T
        table.columns.name = None
        print(table.to_string())
    else:
        print(table.to_string(index=False))
    print()
