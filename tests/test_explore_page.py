"""The explorer on a page shows what the kernel shows: its script is run in Node and compared."""

import gzip
import json
import re
import subprocess
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from explore_script import NODE, SCRIPT, for_script, in_node

from analysis.country.indicators import COVERAGE
from analysis.explore import drawing, shipped
from analysis.explore.panel import scenarios, sentences, spoken
from analysis.explore.session import Choice, Explorer, offered
from analysis.facts import load_raw
from analysis.findings.coverage import Tables
from analysis.forecast.draws import pulled
from analysis.forecast.pull import Pull, Pulls
from analysis.readings import build_readings
from analysis.readings.targets import targets
from analysis.report.wording import write
from analysis.scenarios.outcome import by_hand, forecast_of

pytestmark = pytest.mark.skipif(NODE is None, reason="no Node: apt-get install nodejs")

NAMES = ("q05", "q10", "q50", "q90", "q95")
#: Percentage points, and probability, by which page and kernel may differ.
POINTS, CHANCE = 0.05, 0.005


@pytest.fixture(scope="module")
def explorer():
    raw = load_raw()
    return Explorer(Tables(build_readings(raw).readings, targets(raw), raw))


#: Days on which hardly a target is known, and days on which every province is drawn to one.
DAYS = {
    "2026-03-31": Choice("province_63/83", "hi_coverage", "2026-03-31", "2026-12-31"),
    "2024-12-31": Choice("province_63/83", "hi_coverage", "2024-12-31", "2025-12-31"),
}
CASES = [
    pytest.param("2024-12-31", ("hi_coverage",)),
    pytest.param("2026-03-31", COVERAGE, marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def pages(explorer):
    kept = {}

    def carried(day, language, rates):
        if (day, language, rates) not in kept:
            made = shipped.carried(explorer, DAYS[day], language, rates)
            kept[day, language, rates] = json.loads(json.dumps(made))
        return kept[day, language, rates]

    return carried


def drawn_states(explorer, start, rates, n):
    """States as a reader may choose them: half of them levers, the others scenarios or rest."""
    random = np.random.default_rng(7)
    found = []
    for _ in range(n):
        rate = str(random.choice(rates))
        choice = replace(start, unit=str(random.choice(explorer.units)), indicator=rate)
        courses = explorer.courses(choice)["scenario"].tolist()
        at = [place for place, name in enumerate(offered(rate)) if name in courses]
        course = int(random.choice(at)) if random.random() < 0.4 else None
        if course is None:
            most = 1.2 * shipped.LONGEST * explorer.people(choice)
            choice = replace(
                choice,
                persons_month=float(round(random.uniform(0, most))) * float(random.random() < 0.8),
                support=float(random.integers(0, 21)) / 20 * float(random.random() < 0.5),
                response=float(random.integers(0, 21)) / 20,
            )
        found.append((choice, course))
    return found


def of_kernel(explorer, choice, course):
    view = explorer.view(choice)
    if course:
        return explorer.followed(view, list(offered(choice.indicator))[course])
    return view


@pytest.mark.parametrize(("day", "rates"), CASES)
def test_500_random_states_agree_with_the_kernel(explorer, pages, day, rates):
    states = drawn_states(explorer, DAYS[day], rates, 500)
    given = [for_script(*one) for one in states]
    found = in_node(pages(day, "en", rates), given)
    assert found["took"] < 50, "a slider may take 50 ms"
    worst, unlike = dict.fromkeys((*NAMES, "probability"), 0.0), []
    for (choice, course), page in zip(states, found["found"], strict=True):
        view = of_kernel(explorer, choice, course)
        for name in worst:
            if course and name in ("q05", "q95"):
                continue  # a scenario carries its 80% band alone
            kernel, shown = getattr(view.moved, name), page["moved"][name]
            if np.isnan(kernel):
                assert shown is None
                continue
            worst[name] = max(worst[name], abs(kernel - shown))
            if abs(kernel - shown) > (CHANCE if name == "probability" else POINTS):
                unlike.append((choice, course, name, kernel, shown))
    print(worst)
    assert not unlike


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize(("day", "rates"), CASES)
def test_sentences_table_and_chart_are_those_of_jupyterlab(explorer, pages, day, rates, language):
    states = [
        (replace(DAYS[day], unit=unit, indicator=rate), course)
        for rate in rates
        for unit in explorer.units
        for course in (0, 1)
    ]
    states += [(replace(one, persons_month=1200.0), None) for one, course in states if not course]
    found = in_node(pages(day, language, rates), [for_script(*one) for one in states])
    for (choice, course), page in zip(states, found["found"], strict=True):
        courses = explorer.courses(choice)["scenario"].tolist()
        if course and list(offered(choice.indicator))[course] not in courses:
            continue
        view = of_kernel(explorer, choice, course)
        if course is None:
            # What the sliders give may differ by a rounding; the words must not.
            moved = {k: float("nan") if v is None else v for k, v in page["moved"].items()}
            view = replace(view, moved=type(view.moved)(**moved))
        assert page["said"] == " ".join(spoken(sentences(view, language), language))
        assert page["alt"] == drawing.alt(view, language)
        rows = scenarios(explorer, view, language).written(language).to_numpy().tolist()
        assert page["rows"] == rows
        kernel = marks_of(drawing.inside(view, language))
        for mine, its in zip(marks_of(page["marks"]), kernel, strict=True):
            assert mine == its, choice


def marks_of(svg):
    """What a chart holds, without places: how many of each element and class, and every text."""
    shapes = re.findall(r"<(path|circle|rect|a|text)\b(?:[^>]*? class=\"(\w)\")?", svg)
    return dict(Counter(shapes)), re.findall(r">([^<]+)<", svg)


def numbers_of(svg):
    """Every number of a chart that is no text, title or address."""
    bare = re.sub(r"<title>.*?</title>|>[^<]+<|href=\"[^\"]*\"", "><", svg)
    return np.array([float(one) for one in re.findall(r"(?<![\w#.-])-?\d+\.?\d*", bare)])


def test_the_marks_of_both_charts_lie_in_the_same_places(explorer, pages):
    choice = replace(DAYS["2024-12-31"], unit="province_63/14", persons_month=1200.0)
    page = in_node(pages("2024-12-31", "en", ("hi_coverage",)), [for_script(choice, None)])
    drawn = (page["found"][0]["marks"], drawing.inside(explorer.view(choice), "en"))
    places = [numbers_of(svg) for svg in drawn]
    assert len(places[0]) == len(places[1]) > 100
    assert np.abs(places[0] - places[1]).max() <= 1.0


@pytest.mark.slow
def test_what_a_page_carries_is_light(pages):
    for language in ("en", "vi"):
        data = json.dumps(
            pages("2026-03-31", language, COVERAGE), ensure_ascii=False, separators=(",", ":")
        )
        whole = gzip.compress(data.encode() + SCRIPT.read_bytes(), 9)
        print(len(data), len(whole))
        assert len(whole) < 200_000


def test_a_thinned_pull_bends_a_forecast_as_the_whole_one():
    whole = uncertain_pull()
    rows = shipped.thinned(whole)
    assert sum(len(one[3]) for one in rows) < len(whole.weight) / 15
    part = Pull(
        *(np.concatenate([one[at] for one in rows]) for at in (1, 2)),
        np.concatenate([np.full(len(one[3]), one[0]) for one in rows]),
        np.concatenate([one[3] for one in rows]),
        10,
    )
    random = np.random.default_rng(3)
    gap = np.sort(random.normal(0.3, 2.0, 4000))
    mass = np.full(4000, 1 / 4000)
    chances = [pull.tilt(gap, mass)[gap >= 0].sum() for pull in (whole, part)]
    assert abs(chances[0] - chances[1]) < 0.001


def uncertain_pull():
    """A pull of the size that past year-ends leave possible."""
    short, heap, width = (
        axis.ravel()
        for axis in np.meshgrid(
            (np.arange(50) + 0.5) / 50,
            2 * np.exp(np.linspace(-6, 6, 80)),
            0.15 * np.exp(0.5 * np.linspace(-2.5, 2.5, 7)),
        )
    )
    weight = np.exp(-(((short - 0.3) / 0.2) ** 2) - (np.log(heap / 20) / 1.5) ** 2 / 2)
    return Pull(short, heap, width, weight / weight.sum(), 10)


@pytest.mark.parametrize(
    "goals", [(), (95.0,) * 8, (94.0, 94.5, 95.0, 95.0, 95.2, 95.2, 96.0, 96.5), (97.5,) * 8]
)
def test_the_script_conditions_as_the_scenarios_do(goals):
    """On draws made up for the test: no goal, the target itself, possible ones, one far off."""
    pull, unit = uncertain_pull(), ("province_63", "83")
    random = np.random.default_rng(5)
    plain = 100 / (1 + np.exp(-(2.9 + 0.35 * random.standard_t(6, 4000))))
    goal = np.array(goals)
    reported = pulled(plain, goal, pull) if goals else plain
    base = SimpleNamespace(
        plain={unit: plain}, reported={unit: reported}, goals={unit: goal} if goals else {},
        pulls=Pulls(pull, pull), targets={unit: (95.0, "province")}, enough={unit: True},
        origin=pd.Timestamp("2025-06-30"), date=pd.Timestamp("2025-12-31"),
        denominator=lambda unit: np.array([1e6]),
    )  # fmt: skip
    usual = forecast_of(base, unit)
    state = {"n": 1e6, "t": 95.0, "u": [*vars(usual).values()], "c": [],
             "z": shipped.draws_of(plain) if goals else shipped.quantiles_of(plain),
             **({"o": list(goals)} if goals else {})}  # fmt: skip
    choice = Choice("province_63/83", "hi_coverage", "2025-06-30", "2025-12-31")
    data = {
        "months": choice.months,
        "levels": shipped.LEVELS_CARRIED.tolist(),
        "parts": [shipped.PARTS, shipped.PARTS_OF_DRAWS],
        "signs": shipped.SIGNS,
        "pulls": {"hi_coverage": {"provinces": shipped.thinned(pull), "country": []}},
        "rates": {"hi_coverage": {"supportable": True}},
        "states": {"hi_coverage": {"province_63/83": state}},
    }
    states = [
        replace(choice, persons_month=persons, support=support, response=0.3)
        for persons in (0.0, 200.0, 1000.0, 3000.0, 9000.0)
        for support in (0.0, 0.5, 1.0)
    ]
    code = (
        "const [data, choices] = JSON.parse(process.argv[2]);"
        "const E = require(process.argv[1]);"
        "console.log(JSON.stringify(choices.map((one) => E.view(data, one).moved)));"
    )
    given = json.dumps([data, [for_script(one, None) for one in states]])
    done = subprocess.run([NODE, "-e", code, str(SCRIPT), given], capture_output=True, text=True)
    found = json.loads(done.stdout or "null")
    assert found, done.stderr
    for one, page in zip(states, found, strict=True):
        wanted = by_hand(base, unit, one.persons_month, one.joining)
        for name in NAMES:
            assert page[name] == pytest.approx(getattr(wanted, name), abs=POINTS), one
        assert page["probability"] == pytest.approx(wanted.probability, abs=CHANCE), one


@pytest.mark.parametrize("language", ["en", "vi"])
@pytest.mark.parametrize(
    ("value", "spec"),
    [(0.25, "percent1"), (95.05, "percent1"), (0.125, "share0"), (0.515, "probability"),
     (0.004, "probability"), (0.996, "probability"), (12450.0, "rounded"), (1250000.0, "rounded"),
     (7.0, "rounded"), (95.15, "goal"), (95.0, "goal"), (37.07, "goal"), (65.5, "percent0")],
)  # fmt: skip
def test_the_script_writes_numbers_as_the_project_does(language, value, spec):
    kind, digits = (spec[:-1], spec[-1]) if spec[-1].isdigit() else (spec, "0")
    data = {"marks": shipped._marks(language)}
    code = "console.log(require(process.argv[1]).write(...JSON.parse(process.argv[2])))"
    given = json.dumps([data, value, kind, digits])
    done = subprocess.run([NODE, "-e", code, str(SCRIPT), given], capture_output=True, text=True)
    assert done.stdout.strip() == write(value, spec, language), done.stderr
