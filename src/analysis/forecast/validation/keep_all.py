"""Make data/benchmarks/own.csv: every answer that the study asks of the project's own model.

python -m analysis.forecast.validation.keep_all
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator

import pandas as pd

from analysis import parallel
from analysis.forecast.known import Known
from analysis.forecast.settings import DEFAULT, Settings
from analysis.forecast.validation import ablations, country, designs, inputs, keep, own_country, run
from analysis.paths import write_table

#: What is known, what is asked, under which settings, and the module that answers.
Task = tuple[Known, pd.DataFrame, Settings, str]


def main() -> None:
    """Compute every fold anew and write the file; what a changed question left behind goes."""
    parts = parallel.map(_answer, _tasks())
    write_table(pd.concat(parts, ignore_index=True), keep.FILE)
    print(f"{len(parts)} fits, {sum(map(len, parts))} forecasts in {keep.FILE.name}")


def _tasks() -> Iterator[Task]:
    """The folds of `study.study`, in its order."""
    readings, raw = inputs.inputs()
    for indicator in inputs.COVERAGE:
        for design in run.RUNS:
            for fold in designs.folds(design, readings, raw, indicator):
                yield fold.known, fold.questions, DEFAULT, keep.START
    rolling = list(designs.folds("rolling_origin", readings, raw, "hi_coverage"))
    for ingredient in ablations.ingredients():
        settings = dataclasses.replace(DEFAULT, **{ingredient: False})
        for fold in rolling:
            yield fold.known, fold.questions, settings, keep.START
    for design in country.DESIGNS:
        for fold in country.folds(design, readings, raw, inputs.COVERAGE):
            yield fold.known, fold.questions, DEFAULT, own_country.START
    printed = inputs.as_published(readings, raw)
    for fold in designs.folds("rolling_origin", *printed, "hi_coverage"):
        yield fold.known, fold.questions, DEFAULT, keep.START


def _answer(task: Task) -> pd.DataFrame:
    known, questions, settings, module = task
    table = importlib.import_module(module).computed(questions, known, settings)
    table.insert(0, "mark", keep.mark(known, questions, settings, module))
    return table


if __name__ == "__main__":
    main()
