"""The explorer: numbers are the forecast's, levers do what they say, its page stands alone."""

import shutil
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import expit

from analysis import paths
from analysis.explore import drawing as figure
from analysis.explore import panel, session, shipped
from analysis.explore.panel import scenarios, sentences, spoken
from analysis.explore.session import USUAL, Choice, Explorer, offered, parts_of
from analysis.facts import load_raw
from analysis.findings.coverage import Tables
from analysis.forecast import DEFAULT
from analysis.forecast.draws import pulled
from analysis.forecast.model import kept_model
from analysis.forecast.outlook import needs, outlooks
from analysis.forecast.pull import NONE, Pull, Pulls
from analysis.forecast.tables import read_share
from analysis.readings import build_readings
from analysis.readings.targets import targets
from analysis.report.wording import say, write
from analysis.scenarios import load, prepared, run, run_all
from analysis.scenarios.outcome import by_hand, forecast_of, people_needed

ORIGIN = "2024-12-31"
BEN_TRE = Choice("province_63/83", "hi_coverage", ORIGIN)
MEAN, SD = np.array([2.0, 2.4]), np.array([0.4, 0.3])
UNIT = ("province_63", "83")


@pytest.fixture(scope="module")
def explorer():
    raw = load_raw()
    return Explorer(Tables(build_readings(raw).readings, targets(raw), raw))


@pytest.fixture(scope="module")
def view(explorer):
    return explorer.view(BEN_TRE)


def base(target=95.0, pull=NONE, people=1000.0, n=4000, enough=True):
    """One province whose reported value is a mixture of two logit normals, before the pull."""
    random = np.random.default_rng(1)
    part = random.integers(0, 2, n)
    plain = 100 * expit(MEAN[part] + SD[part] * random.standard_normal(n))
    goals = np.full(8, target)
    pulls = np.isfinite(target) and pull is not NONE
    return SimpleNamespace(
        plain={UNIT: plain},
        reported={UNIT: pulled(plain, target, pull) if pulls else plain},
        goals={UNIT: goals} if pulls else {},
        pulls=Pulls(pull, pull),
        targets={UNIT: (target, "province")},
        enough={UNIT: enough},
        origin=pd.Timestamp(BEN_TRE.origin),
        date=pd.Timestamp(BEN_TRE.due),
        denominator=lambda unit: np.array([people]),
    )


def test_without_levers_the_outlook_is_that_of_the_draws():
    given = base()
    found = by_hand(given, UNIT, 0.0, 0.0)
    drawn = np.quantile(given.plain[UNIT], [0.05, 0.10, 0.50, 0.90, 0.95])
    assert [found.q05, found.q10, found.q50, found.q90, found.q95] == pytest.approx(drawn)
    assert found.probability == pytest.approx((given.plain[UNIT] >= 95).mean())
    assert [*vars(found).values()] == pytest.approx([*vars(forecast_of(given, UNIT)).values()])


def test_the_pull_of_a_target_weights_values_as_it_says():
    pull = Pull.certain(0.5, 2.0)
    given = base(pull=pull, n=400_000)
    raised = by_hand(given, UNIT, 1e-9, 0.0).probability
    percent, mass = given.plain[UNIT], np.full(400_000, 1 / 400_000)
    above = pull.tilt(percent - 95.0, mass)
    assert raised == pytest.approx(above[percent >= 95].sum() / above.sum(), abs=1e-3)
    assert raised > by_hand(base(n=400_000), UNIT, 1e-9, 0.0).probability + 0.05


def test_people_add_points_and_support_reaches_the_rest():
    # 10 people a month for a year, of 1,000: twelve points; half of the premium, 30% respond: 15%
    # of those still without.
    given = base()
    months = BEN_TRE.months
    choice = replace(BEN_TRE, persons_month=2.0, support=0.5, response=0.3)
    found = by_hand(given, UNIT, choice.persons_month, choice.joining)
    reached = np.minimum(given.plain[UNIT] + 2.0 * months / 10, 100.0)
    wanted = reached + 0.15 * (100 - reached)
    assert found.q50 == pytest.approx(np.quantile(wanted, 0.5), abs=0.01)
    assert found.probability == pytest.approx((wanted >= 95).mean(), abs=1e-3)
    assert by_hand(given, UNIT, 1e6, 0.0).q05 == pytest.approx(100.0)


def test_support_does_nothing_outside_health_insurance():
    choice = replace(BEN_TRE, indicator="si_coverage", support=1.0, response=1.0)
    assert choice.joining == 0.0
    assert not choice.moves


def test_the_people_that_a_chance_takes_give_that_chance():
    given = base()
    for probability, persons in zip((0.5, 0.8), people_needed(given, UNIT), strict=True):
        reached = by_hand(given, UNIT, persons, 0.0).probability
        assert reached == pytest.approx(probability, abs=0.02)
    assert people_needed(base(target=50.0), UNIT)[1] == 0.0
    assert np.isnan(people_needed(base(target=np.nan), UNIT)).all()
    assert np.isnan(people_needed(base(enough=False), UNIT)).all()


@pytest.mark.parametrize("unit", ["province_63/83", "country/00", "province_34/46"])
def test_the_people_that_a_chance_takes_are_those_of_chapter_05(explorer, unit):
    view = explorer.view(replace(BEN_TRE, unit=unit))
    known = explorer._known(ORIGIN)
    own = outlooks(known, ("hi_coverage",), 2025)["hi_coverage"]
    shares = read_share(known, own, DEFAULT)
    name = tuple(unit.split("/"))
    table = needs(own, {name: view.target}, shares).iloc[0]
    assert view.even == pytest.approx(table["persons_month_50"], rel=1e-9)
    assert view.good == pytest.approx(table["persons_month_80"], rel=1e-9)


@pytest.mark.parametrize(
    "unit", ["province_63/83", "province_63/14", "country/00", "province_34/46"]
)
def test_without_levers_it_says_what_the_forecast_and_business_as_usual_say(explorer, unit):
    # Son La (14) is held against the nationwide yardstick, which draws no reported value.
    view = explorer.view(replace(BEN_TRE, unit=unit))
    usual = explorer.courses(view.choice).set_index("scenario").loc[USUAL]
    last = view.path.iloc[-1]
    assert last["date"] == pd.Timestamp(BEN_TRE.due)
    for name in ("q05", "q10", "q50", "q90", "q95"):
        assert getattr(view.plain, name) == pytest.approx(usual[name], abs=1e-9)
        assert last[name] == getattr(view.plain, name)
    assert view.plain.probability == pytest.approx(usual["probability"], abs=1e-12)
    assert usual["more"] == 0


def test_nothing_after_the_origin_is_known(explorer):
    early = explorer.view(replace(BEN_TRE, origin="2022-12-31"))
    assert not early.readings["known"].all()
    known = explorer._known("2022-12-31")
    assert known.readings["as_of"].max() <= pd.Timestamp("2022-12-31")
    built = kept_model(known, "hi_coverage")
    assert built.evidence.table["as_of"].max() <= pd.Timestamp("2022-12-31")
    base = explorer.base(early.choice)
    assert base.origin == pd.Timestamp("2022-12-31")
    assert 'class="l"' in figure.svg(early, "en")


def test_every_reading_says_its_source_and_links_to_it(view):
    drawing = figure.svg(view, "en")
    for row in view.readings[view.readings["known"]].to_dict("records"):
        assert row["said"]
        if row["address"]:
            assert f'href="{row["address"].replace("&", "&amp;")}"' in drawing
    assert drawing.count("<circle") + drawing.count("<rect") == len(view.readings)


@pytest.mark.parametrize("language", ["en", "vi"])
def test_a_figure_on_another_definition_is_drawn_and_named_as_such(explorer, language):
    # Son La's 98.3% counts residents insured elsewhere.
    shown = explorer.view(replace(BEN_TRE, unit="province_63/14"))
    other = shown.readings[shown.readings["basis"].ne("")]
    assert other["value"].tolist() == [98.3]
    drawing = figure.svg(shown, language)
    assert drawing.count("<rect") == 1
    definition = say("basis.incl_residents_insured_elsewhere", language)
    assert definition in drawing.split("<rect")[1].split("</rect>")[0]
    text = " ".join(spoken(sentences(shown, language), language))
    assert definition in text and write(98.3, "percent1", language) in text


def test_merged_units_and_their_parts_can_be_chosen(explorer):
    assert len(explorer.units) == len(set(explorer.units)) == 1 + 34 + 52
    merged = [unit for unit in explorer.units if unit.startswith("province_34/")]
    assert len(merged) == 23
    parts = [part for unit in merged for part in parts_of(unit)]
    assert len(parts) == 52 and set(parts) < set(explorer.units)
    assert parts_of("province_63/14") == parts_of("country/00") == []
    shown = explorer.view(replace(BEN_TRE, unit=merged[0]))
    text = " ".join(spoken(sentences(shown, "en"), "en"))
    for part, expected in shown.parts:
        assert write(part, "unit_label", "en") in text
        assert write(expected.q50, "percent1", "en") in text
        alone = explorer.view(replace(BEN_TRE, unit=part)).plain
        assert expected.q50 == alone.q50


def test_a_unit_without_readings_gets_no_probability(explorer):
    # Nothing was ever published on Ha Giang.
    unread = explorer.view(replace(BEN_TRE, unit="province_63/02"))
    assert not unread.read
    assert ("explore.unsure", {}) in sentences(unread, "en")
    assert scenarios(explorer, unread, "en").table["probability"].isna().all()


def test_scenarios_are_the_files_of_the_folder(explorer, view):
    files = {path.stem for path in (paths.ROOT / "scenarios").glob("*.yml")}
    assert set(offered("hi_coverage")) < files
    assert set(offered("ui_coverage")) < set(offered("hi_coverage"))
    assert "voluntary_support" in offered("si_coverage")
    assert next(iter(offered("si_coverage"))) == USUAL
    table = scenarios(explorer, view, "vi").table
    titles = [one.title["vi"] for one in offered("hi_coverage").values()]
    assert [title for title in titles if title in set(table["scenario"])] == [*table["scenario"]]
    assert len(table) > 12


def test_a_scenario_gives_the_numbers_of_the_command(explorer, view):
    choice = view.choice
    scenario = load(paths.ROOT / "scenarios" / "one_point_a_year.yml")
    base = prepared(explorer._known(ORIGIN), "hi_coverage", 2025, pd.Timestamp(choice.due))
    outcome = run(scenario, base)
    followed = explorer.followed(view, "one_point_a_year")
    said = outcome.reported["province_63", "83"]
    assert followed.moved.q50 == pytest.approx(np.quantile(said, 0.5))
    assert followed.moved.probability == outcome.meets(("province_63", "83"))
    assert followed.moved.probability > view.plain.probability
    text = " ".join(say(key, "en", **values) for key, values in sentences(followed, "en"))
    assert "“One point more each year”" in text


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A copy of the folder scenarios/ that a test may change."""
    folder = tmp_path / "scenarios"
    shutil.copytree(paths.ROOT / "scenarios", folder)
    for room in (session, run_all):
        monkeypatch.setattr(room, "_FOLDER", str(folder))
    return folder


def test_a_scenario_that_was_edited_or_added_reaches_the_explorer_at_once(explorer, own_folder):
    """In the explorer that is open already, and as chapter 07 shows it."""

    def reached(name):
        return explorer.followed(explorer.view(BEN_TRE), name).moved.q50

    before = reached("one_point_a_year")
    file = own_folder / "one_point_a_year.yml"
    file.write_text(file.read_text("utf-8").replace("per_year: 1.0", "per_year: 6.0"), "utf-8")
    (own_folder / "my_four.yml").write_text(
        "title: {en: Four points, vi: Bốn điểm}\n"
        "kind: linear_change\nparameters: {points_per_year: 4.0}\n",
        "utf-8",
    )
    base = prepared(explorer._known(ORIGIN), "hi_coverage", 2025, pd.Timestamp(BEN_TRE.due))
    for name in ("one_point_a_year", "my_four"):
        outcome = run(load(own_folder / f"{name}.yml"), base)
        assert reached(name) == pytest.approx(
            np.quantile(outcome.reported["province_63", "83"], 0.5)
        )
        assert reached(name) > before + 1
    assert {"my_four"} == set(offered("hi_coverage")) - {
        path.stem for path in (paths.ROOT / "scenarios").glob("*.yml")
    }
    assert "Bốn điểm" in set(scenarios(explorer, explorer.view(BEN_TRE), "vi").table["scenario"])


def test_the_table_of_scenarios_follows_the_choice(explorer):
    shown = panel.Panel(explorer, BEN_TRE, "en")
    first = shown.table.value
    assert first == scenarios(explorer, shown.view, "en").html("en")
    shown.unit.value = "province_63/38"
    assert shown.table.value == scenarios(explorer, shown.view, "en").html("en") != first


@pytest.mark.parametrize("language", ["en", "vi"])
def test_moving_a_widget_changes_the_words_at_once(explorer, language):
    shown = panel.Panel(explorer, BEN_TRE, language)
    before = shown.words.value
    started = time.process_time()
    shown.persons.value = shown.persons.max
    assert time.process_time() - started < 1.0
    assert shown.words.value != before
    assert shown.scenario.value == "own"
    shown.unit.value = "province_63/38"
    assert (shown.persons.value, shown.scenario.value) == (0, USUAL)


def test_the_saved_files_hold_what_is_drawn(explorer, tmp_path):
    shown = panel.Panel(explorer, BEN_TRE, "en")
    drawing, picture, table = shown.save(tmp_path)
    assert drawing.read_text("utf-8").startswith("<svg")
    with Image.open(picture) as seen:
        colours = seen.convert("RGB").getcolors(maxcolors=seen.width * seen.height)
    blue = sum(n for n, (red, _, light) in colours if light > red + 30)
    assert blue > 0.03 * seen.width * seen.height, "the bands are drawn in their colour"
    data = pd.read_csv(table, dtype={"unit": str})
    assert set(data["unit"]) == {BEN_TRE.unit}
    assert set(data["kind"]) == {"reading", "estimate", "forecast", "with levers", "target"}


@pytest.mark.slow
def test_the_page_holds_every_unit_and_needs_nothing_else(explorer):
    view = explorer.view(BEN_TRE)
    text = shipped.page(explorer, BEN_TRE, "en", ["words"], scenarios(explorer, view, "en"))
    assert text.count("<option") == len(explorer.units) + 3
    carried = text.split("exploreStates = ")[1].split(";</script>")[0]
    for unit in explorer.units:
        assert carried.count(f'"{unit}"') == 1 + 3
    assert "src=" not in text and "@import" not in text
    assert "<" not in carried


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "province_63/99"}, "unit: 'province_63/99' is not a unit"),
        ({"indicator": "hi"}, "indicator: 'hi' is none of"),
        ({"origin": "2026-01-01"}, "origin: 2026-01-01 is not before the due date"),
        ({"support": 50}, "support: 50 is not a share"),
        ({"persons_month": -1}, "persons_month: -1 is below 0"),
    ],
)
def test_an_impossible_choice_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        replace(BEN_TRE, **change)


def test_saved_files_go_to_the_user_s_folder_and_none_is_written_over(
    explorer, tmp_path, monkeypatch
):
    monkeypatch.setenv("ANALYSIS_WORK", str(tmp_path / "work"))
    shown = panel.Panel(explorer, BEN_TRE, "en")
    first = shown.save()
    assert {path.parent for path in first} == {tmp_path / "work" / "saved"}
    before = [path.read_bytes() for path in first]
    assert shown.save() == first  # the same figure again
    shown.persons.value = shown.persons.max
    moved = shown.save()
    assert [path.stem for path in moved] == [f"{first[0].stem}_2"] * 3
    assert [path.read_bytes() for path in first] == before
    shown.button.click()
    assert "work/saved" in shown.saved.value and f"{first[0].stem}_2.csv" in shown.saved.value


def test_the_explorer_opens_on_a_day_that_the_data_have_gone_past(explorer):
    earlier = "2023-09-30"
    assert earlier not in explorer.origins
    shown = panel.Panel(explorer, replace(BEN_TRE, origin=earlier), "en")
    assert shown.origin.value == earlier
    assert set(explorer.origins) < {day for _, day in shown.origin.options}
