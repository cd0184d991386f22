"""Panels of any units: order and grouping do not matter, faults are named, bands hold."""

import re
import textwrap
from importlib import import_module
from pathlib import Path

import large_panels
import numpy as np
import pandas as pd
import pytest

from analysis.forecast.known import QueryError
from analysis_panels import blocks as blocks_room
from analysis_panels import moments as moments_room
from analysis_panels import synthetic
from analysis_panels.draws import draw_large
from analysis_panels.fit import fit_large
from analysis_panels.panel import PanelError, TooManyWays, panel
from analysis_panels.predict import predict_large

#: The package has a function of this name, too.
layout_room = import_module("analysis_panels.panel")


def likelihood(table):
    found = large_panels.task(large_panels.evidence(table))
    return found.likelihood(found.prior_mean + 0.1)


def questions(codes, day="2021-06-30", level="province_63"):
    return pd.DataFrame({"geo_level": level, "province_code": codes}).assign(
        indicator="hi_coverage", as_of=pd.Timestamp(day)
    )


def test_the_order_of_rows_does_not_matter():
    table = large_panels.small()
    value, gradient = likelihood(table)
    other, theirs = likelihood(table.sample(frac=1, random_state=5))
    assert abs(value - other) < 1e-9 * abs(value)
    np.testing.assert_allclose(theirs, gradient, rtol=1e-8, atol=1e-8)


def test_the_names_and_order_of_units_do_not_matter():
    table = large_panels.small()
    codes = sorted(set(table["unit"]) - {"00"})
    other_names = [f"X{40 - i}" for i in range(len(codes))]
    renamed = table.replace({"unit": dict(zip(codes, other_names, strict=True))})
    names = {name: f"Z{9 - i}" for i, name in enumerate(sorted(set(table["parent"])))}
    renamed = renamed.replace({"parent": names})
    plain = panel(table), panel(renamed)
    one, other = (large_panels.task(source) for source in plain)
    theta = one.prior_mean + 0.1
    assert abs(one.likelihood(theta)[0] - other.likelihood(theta)[0]) < 1e-8


@pytest.mark.parametrize(("largest", "parents", "empty"), [(1, 1, 0.0), (3, 2, 0.9), (64, 9, 0.5)])
def test_the_grouping_of_units_does_not_matter(monkeypatch, largest, parents, empty):
    value, gradient = likelihood(large_panels.small())
    monkeypatch.setattr(blocks_room, "LARGEST", largest)
    monkeypatch.setattr(blocks_room, "PARENTS", parents)
    monkeypatch.setattr(blocks_room, "EMPTY", empty)
    other, theirs = likelihood(large_panels.small())
    assert abs(value - other) < 1e-9 * abs(value)
    np.testing.assert_allclose(theirs, gradient, rtol=1e-8, atol=1e-8)


def test_the_number_of_cores_does_not_change_a_byte(monkeypatch):
    monkeypatch.setattr(blocks_room, "LARGEST", 2)
    results = []
    for cores in (1, 3):
        monkeypatch.setattr(
            moments_room.os, "sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False
        )
        value, gradient = likelihood(large_panels.small())
        results.append((value, gradient.tobytes()))
    assert results[0] == results[1]


def test_a_fit_does_not_depend_on_whether_it_starts_from_a_sample(monkeypatch):
    from analysis_panels import fit as fit_room

    whole = large_panels.fitted()
    monkeypatch.setattr(fit_room, "SAMPLE", 6)
    monkeypatch.setattr(fit_room, "LARGE", 10)
    calls = []
    inner = fit_room.steps
    monkeypatch.setattr(fit_room, "steps", lambda *a: calls.append(1) or inner(*a))
    other = fit_large(large_panels.evidence(large_panels.small()))
    assert calls, "the search for large panels was not used"
    assert other.names == whole.names
    assert abs(whole.log_likelihood - other.log_likelihood) < 0.05
    np.testing.assert_allclose(other.theta, whole.theta, atol=0.02)


def test_units_parents_and_the_whole_are_predicted():
    fit = large_panels.fitted()
    asked = pd.concat(
        [
            questions(["SYN00001", "SYN00014"]),
            questions(["SYNTHETIC-01"], level="region"),
            questions(["00"], level="country"),
        ],
        ignore_index=True,
    )
    table = predict_large(fit, asked, levels=(0.1, 0.5, 0.9))
    assert list(table.columns) == ["mean", "sd", "q0.1", "q0.5", "q0.9"]
    assert table.notna().all().all()
    assert (table["q0.1"] < table["q0.5"]).all()
    assert (table["q0.5"] < table["q0.9"]).all()
    assert table["sd"].iloc[3] < table["sd"].iloc[:2].min(), "the whole is known best"


def test_a_panel_without_readings_of_the_whole_answers_for_the_whole():
    table = large_panels.small()
    fit = fit_large(panel(table[table["unit"] != "00"], settings=large_panels.QUICK))
    both = [questions(["00"], "2020-06-30", "country"), questions(list(fit.evidence.units.codes))]
    found = predict_large(fit, pd.concat(both))
    assert found.notna().all().all()
    assert abs(found["mean"].iloc[0] - found["mean"].iloc[1:].mean()) < 3


def test_draws_agree_with_the_predicted_level_and_add_up():
    fit = large_panels.fitted()
    days = pd.DatetimeIndex(["2020-12-31", "2021-12-31"])
    found = draw_large(fit, "hi_coverage", days, n=600)
    assert found.true.shape == (600, 14, 2)
    table = predict_large(fit, questions(list(found.codes), "2020-12-31"))
    gap = np.abs(found.true[:, :, 0].mean(axis=0) - table["mean"].to_numpy())
    assert (gap < 5 * table["sd"] / np.sqrt(600) + 0.2).all()
    size = found.persons[:, 0]
    np.testing.assert_allclose(
        found.of("country", "00")[:, 0], found.true[:, :, 0] @ size / size.sum()
    )
    again = draw_large(fit, "hi_coverage", days, n=600)
    assert again.true.tobytes() == found.true.tobytes()


def test_faults_of_a_panel_are_listed_with_their_rows():
    table = large_panels.small().reset_index(drop=True).astype({"as_of": str})
    table.loc[0, "value"], table.loc[2, "as_of"], table.loc[4, "lower"] = 130.0, "soon", 99.9
    table.loc[1, "parent"], table.loc[6, "parent"] = "elsewhere", None
    table.loc[8, "as_of"] = "2008-12-31"
    table = pd.concat([table, table.iloc[[20]]])
    with pytest.raises(PanelError) as caught:
        panel(table)
    text = str(caught.value)
    assert "row 2: value: 130.0: not a percentage" in text
    assert "row 4: as_of: soon: not a date" in text
    assert "row 6: lower: 99.9: the interval" in text
    assert "elsewhere: the unit has two parents" in text
    assert "row 8: parent: nan: no parent is named" in text
    assert "row 10: as_of: 2008-12-31: before 2009-06-30" in text
    assert f"row {len(table) + 1}: value: {table['value'].iloc[-1]}: the same reading" in text


def test_a_missing_column_persons_and_an_unknown_unit_are_named():
    table = large_panels.small()
    with pytest.raises(PanelError, match=r"lacks column\(s\): parent"):
        panel(table.drop(columns="parent"))
    with pytest.raises(PanelError, match=r"no positive number for unit\(s\) SYN00002"):
        panel(table, persons=pd.Series({"SYN00001": 5.0}))
    with pytest.raises(PanelError, match="choose a later origin"):
        panel(table, origin=pd.Timestamp("2001-01-01"))
    with pytest.raises(QueryError, match="row 3: province_63 'NOWHERE'"):
        predict_large(large_panels.fitted(), questions(["SYN00001", "NOWHERE"]))


def test_too_many_days_are_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(layout_room, "MOST_WAYS", 5)
    with pytest.raises(TooManyWays, match="move readings to the end of their month"):
        fit_large(large_panels.evidence(large_panels.small()))


def test_nothing_after_the_origin_is_used():
    table, day = large_panels.small(), pd.Timestamp("2019-12-31")
    later = table["as_of"] > day
    poisoned = table.assign(
        value=table["value"].mask(later, 2.0 + 0.01 * np.arange(len(table))),
        lower=table["lower"].mask(later, 1.0),
    )
    one, other = (large_panels.task(panel(each, origin=day)) for each in (table, poisoned))
    assert one.likelihood(one.prior_mean)[0] == other.likelihood(other.prior_mean)[0]
    assert one.layout.points.t.max() == 2020.0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_districts_are_fitted_and_their_next_year_is_covered_as_claimed():
    table = synthetic.synthetic_panel(705, 72)
    origin = pd.Timestamp("2023-12-31")
    fit = fit_large(panel(table, origin=origin))
    found = dict(zip(fit.names, np.exp(fit.theta), strict=True))
    truth = synthetic.TRUTH
    assert abs(found["province"] / truth["unit"] - 1) < 0.15
    assert abs(found["deviation"] / truth["deviation"] - 1) < 0.1
    assert abs(found["error_coverage"] / truth["error"] - 1) < 0.1
    later = table[(table["as_of"] > origin) & (table["unit"] != "00")]
    asked = later.rename(columns={"unit": "province_code"}).assign(
        geo_level="province_63", indicator="hi_coverage"
    )
    bands = predict_large(fit, asked, levels=(0.1, 0.9))
    held = later["value"].between(bands["q0.1"], bands["q0.9"]).mean()
    assert 0.70 < held < 0.90


def test_the_constants_of_the_document_are_those_of_the_code():
    text = Path(__file__).parents[1].joinpath("README.md").read_text("utf-8")
    said = re.findall(r"^\| `(\w+)\.([A-Z_]+)` \| (\d+) \|", text, re.MULTILINE)
    assert len(said) == 3
    for module, name, value in said:
        own = getattr(import_module(f"analysis_panels.{module}"), name)
        assert int(value) == own, name


def test_the_example_of_the_document_runs():
    text = Path(__file__).parents[1].joinpath("README.md").read_text("utf-8")
    (example,) = re.findall(r"^    import pandas.*?(?=^\S)", text, re.MULTILINE | re.DOTALL)
    names = {}
    exec(textwrap.dedent(example), names)
    assert list(names["answers"].columns) == ["mean", "sd", "q0.1", "q0.5", "q0.9"]
    assert names["answers"].notna().all().all()
