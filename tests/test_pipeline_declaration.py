"""What pipeline.yml may say, the order that follows from it, and what is refused."""

import pytest
from tiny_project import TinyProject

from analysis.runs import pipeline
from analysis.runs.jobs import run_graph
from analysis.runs.pipeline import PipelineError


@pytest.fixture
def project(tmp_path, monkeypatch):
    project = TinyProject(tmp_path / "tiny")
    monkeypatch.setenv("ANALYSIS_ROOT", str(project.root))
    return project


def declare(project, **chapters):
    text = "notebooks:\n"
    for stem, entry in chapters.items():
        text += f"  {stem}: {entry}\n"
        project.notebook(stem, ["1"])
    project.write("notebooks/pipeline.yml", text)


def test_each_run_comes_after_those_it_needs(project):
    names = [job.name for job in pipeline.jobs(pipeline.load())]
    jobs = {job.name: job for job in pipeline.jobs(pipeline.load())}
    assert len(jobs) == len(names) == 9
    assert all(names.index(one) < names.index(name) for name in names for one in jobs[name].after)
    assert jobs["02_sums language=vi"].after == (
        "01_numbers language=en",
        "02_sums language=en",
    )


def test_chapters_may_stand_in_any_order(project):
    declare(project, b="{needs: [a.csv]}", a="{produces: [a.csv]}")
    assert [one.stem for one in pipeline.load()] == ["a", "b"]


@pytest.mark.parametrize(
    ("chapters", "message"),
    [
        ({"a": "{need: [x.csv]}"}, "a: unknown key need"),
        ({"a": "{needs: [x.csv]}"}, "a: no notebook writes x.csv"),
        (
            {
                "a": "{needs: [b.csv], produces: [a.csv]}",
                "b": "{needs: [a.csv], produces: [b.csv]}",
            },
            "circle: a, b",
        ),
        ({"a": "{produces: [x.csv]}", "b": "{produces: [x.csv]}"}, "x.csv is written by a and b"),
        ({"a": "{vary: {unit: every}}"}, "vary takes a list"),
        ({"a": "{vary: {unit: [1]}, produces: [x.csv]}"}, "what varies cannot write"),
        ({"a": "{also: {unit: every}}"}, "vary takes a list"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(project, chapters, message):
    declare(project, **chapters)
    with pytest.raises(PipelineError, match=message):
        pipeline.load()


def test_a_further_run_has_a_page_of_its_own_and_gives_no_table_to_others(project):
    declare(project, a="{produces: [a.csv], also: {day: [x]}}", b="{needs: [a.csv]}")
    jobs = {one.name: one for one in pipeline.jobs(pipeline.load())}
    assert {"a language=en", "a day=x language=en", "a day=x language=vi"} < set(jobs)
    assert [name for name, job in jobs.items() if job.writes_tables] == ["a language=en"]
    assert jobs["b language=en"].after == ("a language=en",)
    assert jobs["a day=x language=vi"].after == ("a day=x language=en",)
    given = pipeline.jobs(pipeline.load(), {"a": {"day": "y"}})
    assert [one.name for one in given][:2] == ["a day=y language=en", "a day=y language=vi"]
    assert given[0].writes_tables


def test_a_name_without_a_notebook_is_refused(project):
    project.write("notebooks/pipeline.yml", "notebooks:\n  04_gone: {}\n")
    with pytest.raises(PipelineError, match=r"no notebooks/04_gone\.ipynb"):
        pipeline.load()


def test_a_notebook_that_writes_other_tables_than_declared_is_refused(project, tmp_path):
    from analysis.runs.jobs import _wrong_tables

    (job,) = [one for one in pipeline.jobs(pipeline.load()) if one.name == "02_sums language=en"]
    (tmp_path / "processed").mkdir()
    (tmp_path / "processed/numbers.csv").touch()
    assert "did not write sums.csv" in _wrong_tables(job, tmp_path, None)
    (tmp_path / "processed/sums.csv").touch()
    assert _wrong_tables(job, tmp_path, None) == ""
    (tmp_path / "processed/more.csv").touch()
    assert "wrote more.csv" in _wrong_tables(job, tmp_path, None)


def test_jobs_start_when_those_before_have_ended_well():
    after = {"a": (), "b": ("a",), "c": ("b",), "d": (), "e": ("a", "d")}
    ended = list(run_graph(after, lambda name: name, lambda name: name != "b", workers=2))
    assert {name: cause for name, _, cause in ended} == {
        "a": "",
        "b": "",
        "c": "b",
        "d": "",
        "e": "",
    }
    order = [name for name, _, _ in ended]
    assert order.index("a") < order.index("b") < order.index("c")
