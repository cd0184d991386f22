"""Evidence and questions that carry no forecast are refused, each with what to do about it."""

import dataclasses

import pandas as pd
import pytest
from example_facts import real_raw, real_tables
from forecast_cases import ORIGIN, ask, known

from analysis.cli import main
from analysis.commands.predict import read_questions
from analysis.forecast import predict
from analysis.forecast.evidence import EvidenceError, evidence
from analysis.forecast.known import QueryError, known_at, read_date, read_queries
from analysis.forecast.outlook import outlooks
from analysis.forecast.space import DEFAULT, VERSION_1

QUERY = "geo_level,province_code,indicator,as_of\n"


@pytest.mark.parametrize("origin", ["2000-01-01", "2009-06-30"])
@pytest.mark.parametrize("indicator", ["hi_coverage", "si_coverage"])
def test_an_origin_before_the_first_reading_is_told_about_readings(origin, indicator):
    early = known_at(real_tables().readings, real_raw(), pd.Timestamp(origin))
    with pytest.raises(EvidenceError) as raised:
        evidence(early, indicator)
    message = str(raised.value)
    assert f"is dated {origin} or before" in message
    assert "no reading of" in message and "choose a later origin" in message
    assert "\n" not in message


def test_a_unit_without_population_is_named_with_the_file_to_mend():
    raw = known().raw
    left = raw.population[raw.population["province_code"] != "35"]
    without = dataclasses.replace(known(), raw=dataclasses.replace(raw, population=left))
    with pytest.raises(ValueError, match=r"no official population for 35: .*population\.csv"):
        evidence(without, "hi_coverage")


def test_a_unit_without_population_in_one_year_is_named_too():
    raw = known().raw
    hole = (raw.population["province_code"] == "14") & (raw.population["year"] == 2017)
    cut = dataclasses.replace(raw, population=raw.population[~hole])
    with pytest.raises(ValueError, match="no official population for 14"):
        evidence(dataclasses.replace(known(), raw=cut), "si_coverage")


@pytest.mark.parametrize(
    ("indicator", "family"),
    [("hi_coverage", "health insurance"), ("ui_coverage", "social or unemployment insurance")],
)
def test_an_indicator_without_nationwide_readings_is_named(indicator, family):
    readings = known().readings
    provinces = dataclasses.replace(known(), readings=readings[readings["geo_level"] != "country"])
    with pytest.raises(EvidenceError, match=f"no nationwide reading of {family} by 2018-12-31"):
        evidence(provinces, indicator)


def test_an_indicator_that_is_not_forecast_is_told_which_are():
    with pytest.raises(EvidenceError, match="'literacy' is not forecast; known: hi_coverage, si_"):
        evidence(known(), "literacy")


def test_a_target_year_that_has_ended_is_refused():
    with pytest.raises(ValueError, match="2018 has ended by the origin 2018-12-31"):
        outlooks(known(), ("hi_coverage",), 2018)


def test_every_faulty_question_is_named_with_its_row():
    asked = ask(
        ("country", "00", "hi_coverage", "2020-12-31"),
        ("province_63", "98", "hi_coverage", "2020-12-31"),
        ("province_34", "02", "hi_coverage", "2020-12-31"),
        ("country", "00", "literacy", "2020-12-31"),
    )
    with pytest.raises(QueryError) as raised:
        predict(known(), asked)
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["row 3", "row 4", "row 5"]
    assert "'98' is not a unit of provinces.csv" in lines[0]
    assert "province_34 '02'" in lines[1]
    assert "'literacy' is not forecast" in lines[2]


def refusal(read, text, folder):
    """What a reader of questions says of a file with this text."""
    path = folder / "q.csv"
    path.write_bytes(text.encode())
    with pytest.raises(QueryError) as raised:
        read(path)
    return str(raised.value)


FAULTY = {
    "empty": ("", "not a CSV file"),
    "only a heading": (QUERY, "no questions: write one row for each"),
    "a missing column": ("geo_level,province_code,as_of\ncountry,00,2020-12-31\n",
                         "missing column(s): indicator"),
    "a bad date": (QUERY + "country,00,hi_coverage,31/12/2020\n",
                   "q.csv:2: as_of: '31/12/2020': not a date"),
    "a day that does not exist": (QUERY + "country,00,hi_coverage,2021-02-29\n", "q.csv:2: as_of"),
    "a day too far away": (QUERY + "country,00,hi_coverage,2051-12-31\n", "to 2035-12-31"),
    "no date": (QUERY + "country,00,hi_coverage,2020-12-31\ncountry,00,hi_coverage,\n",
                "q.csv:3: as_of: '': not a date"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(FAULTY))
def test_a_faulty_file_of_questions_is_refused(case, tmp_path):
    text, message = FAULTY[case]
    assert message in refusal(read_queries, text, tmp_path)


ASKED = "country,00,hi_coverage,2020-12-31\n"
MISSHAPEN = {
    "a column twice": ("geo_level,province_code,indicator,as_of,as_of\n"
                       "country,00,hi_coverage,2020-12-31,2021-12-31\n",
                       "q.csv:1: as_of: the column stands twice"),
    "a note twice": ("geo_level,province_code,indicator,as_of,note, note\n" + ASKED[:-1] + ",a,b\n",
                     "q.csv:1: note: the column stands twice"),
    "an empty line": (QUERY + ASKED + "\n" + ASKED, "q.csv:3: is an empty line; delete it"),
    "empty lines with other ends": ((QUERY + ASKED + "\n\n" + ASKED).replace("\n", "\r\n"),
                                    "q.csv:4: is an empty line; delete it"),
    "a cell too many": (QUERY + ASKED + ASKED[:-1] + ",\n",
                        "q.csv:3: country,00,hi_coverage,2020-12-31,: has 5 cell(s) where the "
                        "heading has 4"),
    "a cell too many in every row": (QUERY + ASKED[:-1] + ",\n", "q.csv:2: "),
    "a cell too few": (QUERY + "country,00,hi_coverage\n", "has 3 cell(s)"),
    "a line break in a cell": (QUERY + 'country,"0\n0",hi_coverage,2020-12-31\n' + ASKED + "\n\nx",
                               "q.csv:2: country,0\\n0,hi_coverage,2020-12-31: a cell holds a line "
                               "break"),
    "a line after one": (QUERY + 'country,"0\n0",hi_coverage,2020-12-31\n' + ASKED + "\n" + ASKED,
                         "q.csv:5: is an empty line"),
    "a quotation mark": (QUERY + ASKED + 'country,"00,hi_coverage,2020-12-31\n',
                         "q.csv:3: cannot be read as CSV from here on"),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(MISSHAPEN))
def test_questions_whose_rows_or_columns_are_not_plain_are_refused(case, tmp_path):
    text, message = MISSHAPEN[case]
    assert message in refusal(read_questions, text, tmp_path)


def test_empty_lines_at_the_end_and_columns_of_ones_own_are_no_fault(tmp_path):
    path = tmp_path / "q.csv"
    path.write_text("note," + QUERY + "mine," + ASKED + "\n\n", "utf-8")
    assert read_questions(path)["note"].tolist() == ["mine"]


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "q.csv"
    path.write_bytes((QUERY + "country,00,hi_coverage,2020-12-31,Hà Nội\n").encode("utf-16"))
    with pytest.raises(QueryError, match=r"q\.csv: not a CSV file in UTF-8"):
        read_queries(path)


def test_spaces_and_a_byte_order_mark_are_no_fault(tmp_path):
    path = tmp_path / "q.csv"
    path.write_text("\ufeff" + QUERY + "country, 00 ,hi_coverage, 2020-12-31\n", "utf-8")
    read = read_queries(path)
    assert read["province_code"].tolist() == ["00"]
    assert read["as_of"].tolist() == [pd.Timestamp("2020-12-31")]


def test_a_bad_origin_is_named():
    with pytest.raises(QueryError, match=r"--origin: '2020' is not a date: write it as 2025-12-31"):
        read_date("2020", "--origin")


@pytest.fixture
def commanded(tmp_path, monkeypatch, capsys):
    """Run `analysis predict` on the real tables; the answer file holds an older answer."""
    monkeypatch.setattr("analysis.facts.load_raw", lambda folder=None: real_raw())
    monkeypatch.setattr("analysis.readings.build_readings", lambda raw: real_tables())
    out = tmp_path / "answers" / "p.csv"
    out.parent.mkdir()
    out.write_text("older answer\n", "utf-8")

    def run(text, origin=f"{ORIGIN:%Y-%m-%d}", *more):
        queries = tmp_path / "q.csv"
        queries.write_text(text, "utf-8")
        given = ["predict", "--origin", origin, "--queries", str(queries), "--out", str(out), *more]
        status = main(given)
        return status, capsys.readouterr().err, out

    return run


@pytest.mark.parametrize(
    ("text", "origin", "message"),
    [
        (
            QUERY + "province_63,98,hi_coverage,2020-12-31\n",
            "2018-12-31",
            "q.csv:2: province_code: 98",
        ),
        (QUERY + "country,00,hi_coverage,soon\n", "2018-12-31", "q.csv:2: as_of: 'soon'"),
        (QUERY, "2018-12-31", "no questions"),
        (QUERY + "\n" + ASKED, "2018-12-31", "q.csv:2: is an empty line; delete it"),
        ("", "2018-12-31", "not a CSV file"),
        (QUERY + "country,00,si_coverage,2020-12-31\n", "31/12/2018", "--origin: '31/12/2018'"),
    ],
)
def test_a_refused_prediction_leaves_the_older_answer(commanded, text, origin, message):
    status, said, out = commanded(text, origin)
    assert status == 2 and message in said and "Traceback" not in said
    assert out.read_text("utf-8") == "older answer\n"
    assert [file.name for file in out.parent.iterdir()] == ["p.csv"]


def test_a_prediction_that_is_cut_short_leaves_the_older_answer(commanded, monkeypatch):
    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("analysis.forecast.prediction", lambda known, asked, settings: asked[[]])
    monkeypatch.setattr("os.replace", full_disk)
    status, said, out = commanded(QUERY + "country,00,si_coverage,2020-12-31\n")
    assert status == 2 and "No space left" in said
    assert out.read_text("utf-8") == "older answer\n"
    assert [file.name for file in out.parent.iterdir()] == ["p.csv"]


def test_an_answered_question_has_all_quantiles_in_order(commanded):
    status, _, out = commanded(QUERY + "province_63,35,si_coverage,2020-12-31\n")
    assert status == 0
    answer = pd.read_csv(out, dtype={"province_code": str}).iloc[0]
    names = [f"q{level:.2f}" for level in (k / 100 for k in range(1, 100))]
    assert answer["province_code"] == "35"
    assert list(answer.index) == ["geo_level", "province_code", "indicator", "as_of",
                                  "mean", "sd", *names]  # fmt: skip
    quantiles = answer[names].astype(float)
    assert quantiles.is_monotonic_increasing and quantiles.between(0, 100).all()
    assert quantiles.iloc[0] < answer["mean"] < quantiles.iloc[-1]


def test_the_first_version_is_still_asked_for_by_its_number(commanded, monkeypatch):
    asked = []

    def answer(known, queries, settings):
        asked.append(settings)
        return queries[[]]

    monkeypatch.setattr("analysis.forecast.predict", answer)
    text = QUERY + "country,00,si_coverage,2020-12-31\n"
    for more in ((), ("--model", "1"), ("--model", "2")):
        assert commanded(text, f"{ORIGIN:%Y-%m-%d}", *more)[0] == 0
    assert asked == [DEFAULT, VERSION_1, DEFAULT]
    assert DEFAULT != VERSION_1
