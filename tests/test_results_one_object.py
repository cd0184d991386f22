"""A result's table, sentence, CSV and HTML come from one object; hostile text stays text."""

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from analysis.report.results import CSV_TYPE, Result, as_csv, points, say, show

HOSTILE = '<script>alert("x")</script>=1+1'


def result(**changes):
    table = pd.DataFrame(
        {
            "province_code": ["83", "01"],
            "value": [95.01234, float("nan")],
            "as_of": pd.to_datetime(["2023-12-31", None]),
            "rests": ["province_63/83#hi_coverage.2023-12-31", None],
            "title": [HOSTILE, "=cmd|' /C calc'!A0"],
        }
    )
    base = {
        "name": "readings",
        "table": table,
        "phrases": [("brief.sources", {"n": 2, "readings": 3})],
        "formats": {"value": "percent1", "as_of": "short_date"},
        "words": {"province_code": "unit"},
        "evidence": {"value": "rests"},
    }
    return Result(**(base | changes))


def test_the_table_is_written_in_both_languages():
    english, vietnamese = (result().written(one) for one in ("en", "vi"))
    assert list(english.columns) == ["Unit", "Reading", "As of", "Title"]
    assert english.iloc[0, :3].tolist() == ["Ben Tre", "95.0%", "31 Dec 2023"]
    assert vietnamese.iloc[0, :3].tolist() == ["Bến Tre", "95,0%", "31/12/2023"]
    assert english.iloc[1, 1:3].tolist() == ["–", "–"]


def test_html_escapes_every_text_and_marks_where_a_number_rests():
    text = result().html("en")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert 'data-evidence="province_63/83#hi_coverage.2023-12-31">95.0%' in text
    assert text.count("data-evidence") == 1


def test_csv_has_plain_names_iso_days_and_no_formula():
    lines = result().csv().splitlines()
    assert lines[0] == "province_code,value,as_of,rests,title"
    assert lines[1].startswith("83,95.012,2023-12-31,")
    assert ",'=cmd|" in lines[2]
    assert all(not cell.startswith("=") for cell in lines[2].split(","))


def test_large_numbers_keep_all_digits_in_csv():
    assert (
        as_csv(pd.DataFrame({"persons": [95523600.0, 0.1234567]}))
        == "persons\n95523600\n0.123457\n"
    )


def test_two_columns_share_a_cell_and_a_table_turns_round():
    table = pd.DataFrame({"indicator": ["hi_coverage", "ui_coverage"], "q10": [90.0, None],
                          "q90": [95.0, None]})  # fmt: skip
    turned = Result(
        "answer",
        table,
        formats={"q10": "percent1", "q90": "percent1"},
        words={"indicator": "indicator"},
        topic="brief",
        joined={"q10": "q90"},
        across="indicator",
    ).written("en")
    assert list(turned.columns) == ["Question", "HI coverage", "UI coverage"]
    assert turned.iloc[0].tolist() == ["80% range", "90.0% – 95.0%", "–"]


def test_the_heading_of_a_shared_cell_names_both_columns():
    table = pd.DataFrame({"q10": [92.8], "q90": [96.9]})
    formats = {"q10": "percent1", "q90": "percent1"}
    apart = Result("ranges", table, formats=formats, topic="overview")
    assert list(apart.written("en")) == ["80% range, from", "80% range, to"]
    shared = Result("ranges", table, formats=formats, topic="overview", joined={"q10": "q90"})
    assert list(shared.written("en")) == ["80% range"]
    assert list(shared.written("vi")) == ["Khoảng dự báo 80%"]


@pytest.mark.parametrize("name", ["../x", "A", "a b", "", "a__b", "=a"])
def test_a_name_that_could_not_name_a_file_is_refused(name):
    with pytest.raises(ValueError, match="cannot name a result"):
        result(name=name)


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_a_notebook_gets_sentence_table_and_data_together(shell):
    with capture_output() as caught:
        show(result(), "en", rows=1)
        points(result(), "vi")
    shown, listed = caught.outputs
    assert shown.data[CSV_TYPE] == result().csv()
    assert shown.metadata[CSV_TYPE] == {"name": "readings"}
    assert "Figures: 3; sources: 2." in shown.data["text/html"]
    assert shown.data["text/html"].count("<tr>") == 2
    assert shown.data["text/plain"].startswith("Figures: 3; sources: 2.\n\n")
    assert listed.data["text/html"].count("<li>") == 1


def test_an_empty_table_leaves_the_sentence_alone(shell):
    with capture_output() as caught:
        show(result(table=result().table.iloc[:0]), "en")
    assert set(caught.outputs[0].data) == {"text/html", "text/plain"}
    assert "<table" not in caught.outputs[0].data["text/html"]


@pytest.mark.parametrize(("sentences", "paragraphs"), [(1, 1), (2, 1), (3, 3), (8, 8)])
def test_sentences_stand_in_paragraphs_of_at_most_forty_words_and_four_numbers(
    shell, sentences, paragraphs
):
    phrases = [("brief.sources", {"n": 2, "readings": 3})] * sentences
    with capture_output() as caught:
        say(result(phrases=phrases), "en")
    shown = caught.outputs[0].data
    assert shown["text/html"].count("<p") == paragraphs
    assert shown["text/html"].count("Figures: 3; sources: 2.") == sentences
    assert shown["text/plain"] == " ".join(["Figures: 3; sources: 2."] * sentences)
