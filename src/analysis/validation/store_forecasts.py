"""Make data/benchmarks/own.csv: every answer that the study asks of the project's own model.

python -m analysis.validation.store_forecasts
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator

import pandas as pd

from analysis import parallel
from analysis.country.indicators import COVERAGE
from analysis.forecast.known import Known
from analysis.forecast.space import DEFAULT, Settings
from analysis.paths import write_table
from analysis.validation import (
    country,
    designs,
    own_model_country,
    run,
    selection,
    stored_forecasts,
)

#: What is known, what is asked, under which settings, and the module that answers.
_Task = tuple[Known, pd.DataFrame, Settings, str]


def _main() -> None:
    """Compute every fold that is not kept and write the file; what a changed question left goes."""
    parts = parallel.map(_answer, _tasks())
    write_table(pd.concat(parts, ignore_index=True), stored_forecasts.FILE)
    print(f"{len(parts)} fits, {sum(map(len, parts))} forecasts in {stored_forecasts.FILE.name}")


def _tasks() -> Iterator[_Task]:
    """The folds of `study.study`, in its order."""
    readings, raw = designs.inputs()
    for indicator in COVERAGE:
        for design in run.RUNS:
            for fold in designs.folds(design, readings, raw, indicator):
                yield fold.known, fold.questions, DEFAULT, stored_forecasts.START
    rolling = list(designs.folds("rolling_origin", readings, raw, "hi_coverage"))
    for ingredient in selection.ingredient_names():
        settings = dataclasses.replace(DEFAULT, **{ingredient: False})
        for fold in rolling:
            yield fold.known, fold.questions, settings, stored_forecasts.START
    for design in country.COUNTRY_DESIGNS:
        for fold in country.country_folds(design, readings, raw, COVERAGE):
            yield fold.known, fold.questions, DEFAULT, own_model_country.COUNTRY_START
    printed = designs.as_published(readings, raw)
    for fold in designs.folds("rolling_origin", *printed, "hi_coverage"):
        yield fold.known, fold.questions, DEFAULT, stored_forecasts.START


def _answer(task: _Task) -> pd.DataFrame:
    known, questions, settings, module = task
    mark = stored_forecasts.mark(known, questions, settings, module)
    table = stored_forecasts.find(mark)
    if table is None:
        table = importlib.import_module(module).computed(questions, known, settings)
        table.insert(0, "mark", mark)
    return table


if __name__ == "__main__":
    _main()
