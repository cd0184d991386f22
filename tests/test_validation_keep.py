"""Kept forecasts are what the code computes, and only for what they were made on."""

from __future__ import annotations

import ast
import dataclasses

import pandas as pd
import pytest

from analysis.forecast.space import DEFAULT
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
    pd.testing.assert_frame_equal(kept[own_model.COLUMNS], computed, atol=1e-2, rtol=0)


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
