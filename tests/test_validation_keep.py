"""Kept forecasts are what the code computes, and only for what they were made on."""

from __future__ import annotations

import ast
import dataclasses

import pandas as pd
import pytest

from analysis.forecast.space import DEFAULT
from analysis.paths import write_table
from analysis.validation import designs, own_model, stored_forecasts


@pytest.fixture(scope="module")
def fold():
    readings, raw = designs.inputs()
    return next(designs.folds("rolling_origin", readings, raw, "hi_coverage"))


def test_kept_forecasts_equal_computed_ones(fold):
    """If this fails because nothing is kept, readings or model changed: run `make keep`."""
    kept = stored_forecasts.find(stored_forecasts.mark(fold.known, fold.questions, DEFAULT))
    assert kept is not None, "data/benchmarks/own.csv is out of date: run `make keep`"
    computed = own_model.computed(fold.questions, fold.known)
    # Processors round the linear algebra differently: up to 0.002 points were seen.
    pd.testing.assert_frame_equal(kept[own_model.ANSWER_COLUMNS], computed, atol=1e-2, rtol=0)


def test_the_mark_is_the_same_before_and_after_a_table_was_written(fold, tmp_path):
    """A number half-way between two of nine digits is rounded up in memory and down in a file."""
    readings = fold.known.readings.copy()
    readings.loc[0, "value"] = 207640.00650000003
    file = write_table(readings[["value"]], tmp_path / "readings.csv")
    written = readings.assign(value=pd.read_csv(file)["value"])
    assert f"{written.loc[0, 'value']:.9g}" != f"{readings.loc[0, 'value']:.9g}"
    before, after = (dataclasses.replace(fold.known, readings=one) for one in (readings, written))
    marks = {stored_forecasts.mark(one, fold.questions, DEFAULT) for one in (before, after)}
    assert len(marks) == 1


def test_the_mark_follows_evidence_question_and_settings(fold):
    mark = stored_forecasts.mark(fold.known, fold.questions, DEFAULT)
    assert stored_forecasts.mark(fold.known, fold.questions, DEFAULT) == mark
    readings = fold.known.readings.copy()
    readings.loc[0, "value"] += 0.01
    targets = fold.known.targets.copy()
    targets.loc[0, "value"] += 0.01
    others = [
        (dataclasses.replace(fold.known, readings=readings), fold.questions, DEFAULT),
        (dataclasses.replace(fold.known, targets=targets), fold.questions, DEFAULT),
        (fold.known, fold.questions.iloc[1:], DEFAULT),
        (fold.known, fold.questions, dataclasses.replace(DEFAULT, covariates=False)),
    ]
    marks = {stored_forecasts.mark(*other) for other in others}
    assert len(marks) == 4 and mark not in marks


def test_the_mark_is_blind_to_sources_and_notes(fold):
    mark = stored_forecasts.mark(fold.known, fold.questions, DEFAULT)
    readings = fold.known.readings.assign(sources="elsewhere", facts="facts.csv:1")
    known = dataclasses.replace(fold.known, readings=readings)
    assert stored_forecasts.mark(known, fold.questions, DEFAULT) == mark


def test_the_mark_of_the_code_sees_code_and_not_comments():
    def bare(source: str) -> str:
        return ast.dump(stored_forecasts._bare(ast.parse(source)))

    plain = bare("def f(x):\n    return x + 1\n")
    assert (
        bare('"""Module."""\ndef f(x):\n    """Docstring."""\n    return x + 1  # why\n') == plain
    )
    assert bare("def f(x):\n    return x + 2\n") != plain


def test_an_unknown_mark_is_not_found():
    assert stored_forecasts.find("0" * 16) is None
