"""Social-protection coverage in Viet Nam: readings, drivers, forecasts and scenarios.

For a notebook of one's own, `import analysis` is enough:

    analysis.readings("Bến Tre", "hi_coverage")    figures published and derived
    analysis.targets(), analysis.outcomes()        what was to be reached; what became of it
    analysis.forecasts("Bến Tre")                  the forecasts of the last report
    analysis.unit("ben tre")                       a unit by name, code or level/code
    analysis.units(), analysis.indicators()        the names that the tables use
    analysis.table("gaps")                         any other table of data/processed
    analysis.describe("readings")                  what each column means, in which unit

docs/api.md shows them at work. The rooms of the package, from data to pages:

    country       units, regions and names; indicators
    facts         the raw tables of data/raw: read, checked, corrected
    readings      one accepted figure a unit, indicator, basis and date; targets, outcomes
    inference     regressions, bootstraps and tests that the drivers use
    drivers       what moves coverage
    late_payment  late payment: levels, what moves it, its forecast
    forecast      the model of coverage
    validation    past forecasts, and other models beside them
    scenarios     what would come of a policy
    rounds        forecasts with a date, and what came
    findings      what each chapter says: tables with their sentences
    figures       charts and maps
    report        phrases in English and Vietnamese, results, descriptions of tables
    explore       the explorer of explore.ipynb
    runs          the notebook engine
    site          pages, PDF, Word, workbook
    intake        figures of one's own: templates, checks, a preview
    commands      the command line (`analysis --help`)
"""

import importlib
import os
import sys
import types
from typing import Any

#: What `import analysis` offers; each is a function of `analysis.api`.
_FACE = (
    "readings", "targets", "outcomes", "forecasts", "table", "describe",
    "unit", "units", "indicators",
)  # fmt: skip


class _Room(types.ModuleType):
    """A module that has the name of a function of the face, and can be called as that function."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Return the table of this name; see the function of the same name in `analysis.api`."""
        return getattr(_api(), self.__name__.rpartition(".")[2])(*arguments, **named)


class _Package(types.ModuleType):
    """The package, whose modules with the name of a function can be called."""

    def __setattr__(self, name: str, value: Any) -> None:
        # Python sets a module as an attribute of its package when it has been imported.
        if name in _FACE and type(value) is types.ModuleType:
            value.__class__ = _Room
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_FACE})


def _api() -> types.ModuleType:
    # By name and only when asked for: the import of the package stays cheap, and a chapter does not
    # count as changed when the face does.
    return importlib.import_module("analysis.api")


def __getattr__(name: str) -> Any:
    if name not in _FACE:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    try:
        return importlib.import_module(f"analysis.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"analysis.{name}":
            raise
    return getattr(_api(), name)


sys.modules[__name__].__class__ = _Package

if os.environ.get("ANALYSIS_DECLARED"):
    # A notebook that the report runs: it may read what notebooks/pipeline.yml gives it.
    from analysis import reads

    reads.watch()
