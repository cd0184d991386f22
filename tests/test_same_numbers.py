"""One number, one meaning: report, command, explorer and stored notebooks say the same.

Compared for the country and two provinces on the report that lies in reports/; without one that
is up to date there is nothing to compare, and the continuous integration makes it first.
"""

import html
import json
import re

import numpy as np
import pandas as pd
import pytest
from explore_script import NODE, for_script, in_node

from analysis import cli, paths
from analysis.explore.panel import panel, sentences
from analysis.explore.session import Choice
from analysis.findings.brief import Tables, brief
from analysis.forecast import rounds
from analysis.report.wording import say
from analysis.runs.manifest import is_up_to_date
from analysis.runs.pipeline import Request
from analysis.scenarios import run_all
from analysis.site.page import brief_file

UNITS = {"country/00": "00", "province_63/83": "83", "province_63/79": "79"}
RATES = ("hi_coverage", "si_coverage", "ui_coverage")
NAMES = ("q05", "q10", "q50", "q90", "q95")
#: One that rests on the estimate of chapter 03, one on none, and business as usual.
FILES = ("business_as_usual", "restored_cards", "one_point_a_year")
#: Tables carry 12 digits.
CLOSE = {"rtol": 1e-9, "atol": 1e-9}

pytestmark = pytest.mark.xdist_group("report")


@pytest.fixture(scope="module")
def forecasts():
    if not is_up_to_date(Request().as_settings()):
        pytest.skip("reports/ holds no report of these files: run `make report`")
    return run_all.read_forecasts()


@pytest.fixture(scope="module")
def explored(forecasts):
    """The explorer as it opens in JupyterLab, by unit, at the days of chapter 05."""
    origin, due = forecasts["origin"].iloc[0], rounds.main_round().due[0]
    return {
        unit: panel("en", unit, origin=f"{origin:%Y-%m-%d}", due=f"{due:%Y-%m-%d}")
        for unit in UNITS
    }


def row(table, unit, **where):
    level, code = unit.split("/")
    where |= {"geo_level": level, "province_code": code}
    found = table
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1, where
    return found.iloc[0]


def view_of(explored, unit, rate):
    shown = explored[unit]
    start = shown.view.choice
    return shown.explorer.view(Choice(unit, rate, start.origin, start.due))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("rate", RATES)
def test_the_explorer_shows_the_forecast_of_chapter_05(forecasts, explored, unit, rate):
    due = rounds.main_round().due[0]
    table = row(forecasts, unit, indicator=rate, scale="reported", date=due)
    plain = view_of(explored, unit, rate).plain
    np.testing.assert_allclose(
        [getattr(plain, n) for n in NAMES], table[[*NAMES]].astype(float), **CLOSE
    )
    if np.isfinite(table["p_meets_reported"]):
        np.testing.assert_allclose(plain.probability, table["p_meets_reported"], **CLOSE)


@pytest.mark.parametrize("file", FILES)
def test_command_chapter_07_and_explorer_give_a_scenario_the_same_numbers(
    forecasts, explored, tmp_path, file, capsys
):
    out = tmp_path / "scenario.csv"
    source = str(paths.ROOT / "scenarios" / f"{file}.yml")
    assert cli.main(["scenario", source, "--out", str(out)]) == 0
    by_command = pd.read_csv(out, dtype={"province_code": str})
    by_chapter = paths.read_processed("scenarios")
    for unit in UNITS:
        one = row(by_command, unit)
        other = row(by_chapter, unit, scenario=file, indicator="hi_coverage")
        shared = [*NAMES, "p_meets_reported", "persons_month"]
        np.testing.assert_allclose(one[shared].astype(float), other[shared].astype(float), **CLOSE)
        view = view_of(explored, unit, "hi_coverage")
        courses = explored[unit].explorer.courses(view.choice).set_index("scenario")
        np.testing.assert_allclose(
            courses.loc[file, [*NAMES]].astype(float), one[[*NAMES]].astype(float), **CLOSE
        )
        if np.isfinite(one["p_meets_reported"]):
            np.testing.assert_allclose(
                courses.loc[file, "probability"], one["p_meets_reported"], **CLOSE
            )


def plain(text):
    """Words and figures of a page or an output."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def stored(stem):
    """Everything that a stored notebook shows, as words and figures."""
    notebook = json.loads((paths.NOTEBOOKS / f"{stem}.ipynb").read_text("utf-8"))
    shown = [
        "".join(content)
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        for kind, content in {
            "text/plain": output.get("text", ""),
            **output.get("data", {}),
        }.items()
        if kind.startswith("text/")
    ]
    return plain(" ".join(shown).encode("utf-8").decode("utf-8"))


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("unit", UNITS)
def test_the_brief_says_the_same_computed_now_on_its_page_and_in_the_stored_notebook(
    forecasts, unit, language
):
    said = plain(brief(UNITS[unit], Tables.read()).answer.text(language))
    assert len(said) > 80
    page = paths.REPORTS / language / brief_file(UNITS[unit])
    assert said in plain(page.read_text("utf-8"))
    if unit == "province_63/83" and language == "en":
        assert said in stored("08_province_brief")


def states_of(text):
    """What a page or a stored notebook carries for the script of the explorer."""
    (found,) = re.findall(r"window\.exploreStates = (\{.*?\});(?:</script>)?\s", text + "\n")
    return json.loads(found)


@pytest.mark.skipif(NODE is None, reason="no Node: apt-get install nodejs")
@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize("unit", UNITS)
def test_the_explorer_says_on_its_page_what_it_says_in_jupyterlab(
    forecasts, explored, unit, language
):
    view = view_of(explored, unit, "hi_coverage")
    said = " ".join(say(key, language, **values) for key, values in sentences(view, language))
    folder = paths.REPORTS / language
    files = [folder / "explore.html", *(folder / "files").glob("explore*.js")]
    carried = [states_of("\n".join(file.read_text("utf-8") for file in files))]
    if language == "en":
        notebook = json.loads((paths.NOTEBOOKS / "explore.ipynb").read_text("utf-8"))
        shown = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
        carried.append(states_of("".join(shown[0]["data"]["text/html"])))
    for data in carried:
        (page,) = in_node(data, [for_script(view.choice, 0)])["found"]
        assert page["said"] == said


def test_the_stored_scenarios_open_as_the_page_does(forecasts):
    page = plain((paths.REPORTS / "en" / "07_scenarios.html").read_text("utf-8"))
    notebook = json.loads((paths.NOTEBOOKS / "07_scenarios.ipynb").read_text("utf-8"))
    answers = [cell for cell in notebook["cells"] if cell["id"] in ("answer", "answer-province")]
    assert len(answers) == 2
    for cell in answers:
        (output,) = cell["outputs"]
        data = output.get("data", {"text/plain": output.get("text")})
        text = plain(
            "".join(data.get("text/html") or data.get("text/markdown") or data["text/plain"])
        )
        assert len(text) > 40
        assert text in page
