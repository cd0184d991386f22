"""A report that lacks a notebook says so, at its place, in both languages, and how to mend it."""

import re

import pytest

from analysis import paths
from analysis.runs import pipeline
from analysis.runs.execute import Failure
from analysis.runs.jobs import Outcome
from analysis.site import build, chapters
from analysis.site.build import Lacking

WORDS = {
    "en": ("This report is not complete", "ended with an error", "made without it"),
    "vi": ("Báo cáo này chưa đầy đủ", "lỗi khi chạy ô", "được lập không kèm phần này"),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The text of each page of a site without any finished notebook."""
    folder = tmp_path_factory.mktemp("incomplete")
    lacking = [
        one
        for language in ("en", "vi")
        for one in (
            Lacking("07_scenarios", {"language": language}, "failed", "run-scenarios"),
            Lacking("explore", {"language": language}, "waits", "07_scenarios"),
            Lacking("01_readings", {"language": language}, "not_asked"),
            *(
                Lacking(
                    "08_province_brief", {"language": language, "province_code": code}, "failed"
                )
                for code in ("83", "79")
            ),
        )
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYSIS_PROCESSED", str(folder / "processed"))
        made = build.build([], folder / "reports", lacking)
    return {
        path.relative_to(folder / "reports").as_posix(): path.read_text("utf-8")
        for path in made
        if path.suffix == ".html"
    }


@pytest.mark.parametrize("language", ["en", "vi"])
def test_the_front_page_says_what_is_missing_and_the_command_that_mends_it(pages, language):
    text = pages[f"{language}/index.html"]
    opening = text[text.index("<main") : text.index("<section")]
    complete, failed, not_asked = WORDS[language]
    assert complete in opening
    assert failed in opening
    assert not_asked in opening
    assert "<code>make report</code>" in opening
    assert re.search("Ben Tre|Bến Tre", opening)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_missing_notebook_stands_at_its_place_among_the_chapters(pages, language):
    text = pages[f"{language}/index.html"]
    lines = re.findall(r"<li[^>]*>(.*?)</li>", text[text.index('id="chapters"') :])
    titles = [chapters.title(stem, language) for stem in ("01_readings", "07_scenarios")]
    assert [line.startswith(title) for line, title in zip(lines, titles, strict=False)] == [
        True
    ] * 2
    assert all("<code>make report</code>" in line and "<a " not in line for line in lines[:4])


def test_the_first_page_has_them_in_both_languages(pages):
    for complete in (WORDS["en"][1], WORDS["vi"][1]):
        assert complete in pages["index.html"]
    assert pages["index.html"].count("<code>make report</code>") == 8


def test_nothing_is_said_where_nothing_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("ANALYSIS_PROCESSED", str(tmp_path / "processed"))
    made = build.build([], tmp_path / "reports")
    shown = [path for path in made if path.suffix == ".html" and path.name != "api.html"]
    assert shown and not any("make report" in path.read_text("utf-8") for path in shown)


def test_what_is_missing_follows_from_how_the_runs_ended():
    chapters = [one for one in pipeline.load() if one.stem in ("01_readings", "02_coverage")]
    jobs = pipeline.jobs(chapters)
    first = next(job for job in jobs if job.name == "01_readings language=en")
    outcomes = [
        Outcome(job, None, Failure("look", "KeyError"), 0)
        if job is first
        else Outcome(job, waited_for=first.name)
        for job in jobs
    ]
    found = {(one.stem, one.language): (one.why, one.where) for one in build._lacking(outcomes)}
    assert found["01_readings", "en"] == ("failed", "look")
    assert found["02_coverage", "vi"] == ("waits", "01_readings")
    assert found["explore", "vi"] == ("not_asked", "")
    stems = {path.stem for path in paths.NOTEBOOKS.glob("*.ipynb")} - {"00_welcome"}
    assert {stem for stem, _ in found} == stems
