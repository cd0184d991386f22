"""Forecasts of the country are asked, scored, kept and told as their design says."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from example_facts import real_raw, real_tables
from forecast_cases import QUICK
from test_validation_leakage import ORIGIN, poisoned

from analysis import paths
from analysis.figures.validation import track_record
from analysis.findings import validation_country
from analysis.forecast.prediction import PERCENTILE_COLUMNS
from analysis.forecast.space import DEFAULT
from analysis.readings import targets as targets_room
from analysis.report import describe
from analysis.validation import country, designs, own_model_country, scores, stored_forecasts
from analysis.validation import study as validation_study
from analysis.validation.peers import SERIES, PeerFailure, theta

INDICATORS = ("hi_coverage", "si_coverage", "ui_coverage")
NAMES = {
    "country": "validation_country",
    "country_forecasts": "validation_country_forecasts",
    "country_cases": "attainment_country",
    "country_chances": "attainment_country_scores",
}


@cache
def every(design: str) -> tuple[designs.Fold, ...]:
    return tuple(country.country_folds(design, real_tables().readings, real_raw(), INDICATORS))


def folds_of(design: str, indicator: str) -> tuple[designs.Fold, ...]:
    return tuple(fold for fold in every(design) if fold.queries["indicator"].iloc[0] == indicator)


@pytest.fixture(scope="module")
def study():
    """The part of the study that is about the country, from the kept forecasts."""
    found = validation_study.evaluate(real_tables().readings, real_raw(), INDICATORS)
    return SimpleNamespace(
        country=found.scores,
        country_forecasts=found.forecasts,
        country_cases=found.cases,
        country_chances=found.chances,
    )


# What is asked


@pytest.mark.parametrize("indicator", INDICATORS)
def test_every_later_reading_of_the_country_to_24_months_is_asked(indicator):
    readings = real_tables().readings
    own = readings[
        (readings["geo_level"] == "country")
        & (readings["indicator"] == indicator)
        & (readings["basis"] == "")
        & (readings["kind_of_evidence"] == "published")
    ]
    expected = {
        (f"{origin:%Y-%m-%d}", day)
        for origin in designs.ORIGINS
        for day in own["as_of"]
        if origin < day <= origin + pd.DateOffset(months=24)
    }
    folds = folds_of(country.YEAR_END, indicator)
    asked = [(fold.origin, day) for fold in folds for day in fold.queries["as_of"]]
    assert len(asked) == len(expected) > 10 and set(asked) == expected
    assert {level for fold in folds for level in fold.queries["geo_level"]} == {"country"}


@pytest.mark.parametrize("indicator", INDICATORS)
def test_targets_are_in_force_ahead_and_announced_by_the_origin(indicator):
    for design in country.COUNTRY_DESIGNS:
        for fold in folds_of(design, indicator):
            origin = pd.Timestamp(fold.origin)
            due = fold.targets
            assert (due["announced"] <= origin).all() and (due["as_of"] > origin).all()
            assert (due["as_of"] <= origin + designs.HORIZON).all()
            assert not due.duplicated("as_of").any()
            if design == country.ANNOUNCED:
                assert len(due) and (due["announced"] == origin).all()
            if design == country.MID_YEAR:
                end = [pd.Timestamp(origin.year, 12, 31)]
                assert origin in country.MIDDLES and list(fold.queries["as_of"]) == end
                assert list(due["as_of"]) in (end, [])
            if design != country.YEAR_END:
                assert fold.known.raw.covariates["year"].max() < origin.year
                assert fold.known.raw.population["year"].max() < origin.year


def target(day: str, value: float, setter: str, announced: str) -> dict[str, object]:
    return {
        "geo_level": "country", "province_code": "00", "indicator": "hi_coverage", "basis": "",
        "due": pd.Timestamp(day), "value": value, "setter": setter,
        "announced": pd.Timestamp(announced), "derived": False, "n_sources": 1,
    }  # fmt: skip


def test_the_governments_latest_target_counts_and_none_of_its_own_due_day():
    table = pd.DataFrame(
        [
            target("2021-12-31", 90.0, "agency", "2020-12-01"),
            target("2021-12-31", 91.0, "government", "2020-03-01"),
            target("2021-12-31", 92.0, "government", "2020-06-01"),
            target("2022-12-31", 93.0, "agency", "2020-06-01"),
            target("2020-12-31", 89.0, "government", "2020-12-31"),
        ]
    )
    ahead = country.ahead(table, pd.Timestamp("2020-12-31"), "hi_coverage")
    assert ahead[["target", "setter"]].to_numpy().tolist() == [
        [92.0, "government"],
        [93.0, "agency"],
    ]
    days = country.announcements(table, ("hi_coverage",))
    assert [f"{day:%m-%d}" for day in days] == ["03-01", "06-01", "12-01"]


def test_two_readings_of_one_day_are_refused_whatever_their_denominators():
    readings = real_tables().readings
    own = readings[(readings["geo_level"] == "country") & (readings["indicator"] == "si_coverage")]
    twice = pd.concat([readings, own.tail(1).assign(denominator_version="another")])
    with pytest.raises(ValueError, match="two readings of country 00"):
        next(country.country_folds(country.YEAR_END, twice, real_raw(), ("si_coverage",)))


def test_another_design_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown design 'latest'; known: country_year_end"):
        next(country.country_folds("latest", real_tables().readings, real_raw(), INDICATORS))


# Nothing later is seen


@pytest.fixture(scope="module")
def pairs():
    """Folds of health insurance up to ORIGIN, from clean tables and from a poisoned future."""
    readings, raw, *_ = poisoned(real_tables().readings, real_raw())
    found = []
    for design in country.COUNTRY_DESIGNS:
        clean = folds_of(design, "hi_coverage")
        bad = tuple(country.country_folds(design, readings, raw, ("hi_coverage",)))
        both = zip(clean, bad, strict=True)
        found += [pair for pair in both if pd.Timestamp(pair[0].origin) <= ORIGIN]
    return found


def test_poisoned_later_figures_and_targets_change_no_fold(pairs):
    assert len(pairs) >= 5
    for clean, bad in pairs:
        assert clean.name == bad.name
        pd.testing.assert_frame_equal(clean.questions, bad.questions)
        pd.testing.assert_frame_equal(clean.targets, bad.targets)
        marks = [
            stored_forecasts.mark(
                one.known, one.questions, DEFAULT, own_model_country.COUNTRY_START
            )
            for one in (clean, bad)
        ]
        assert marks[0] == marks[1]
    assert any((clean.answers["value"] != bad.answers["value"]).all() for clean, bad in pairs)


def test_poisoned_later_figures_move_no_forecast_and_no_chance(pairs):
    for clean, bad in pairs[:3]:
        for peer in SERIES.values():
            one, two = (peer(f.known.readings, f.questions, f.known) for f in (clean, bad))
            pd.testing.assert_frame_equal(one, two)
    clean, bad = pairs[0]
    one, two = (own_model_country.computed(f.questions, f.known, QUICK) for f in (clean, bad))
    pd.testing.assert_frame_equal(one, two)
    assert one["p_meets_reported"].notna().any()


def test_poisoned_later_figures_do_not_move_the_past_share(study):
    cases = study.country_cases
    cases = cases[(cases["origin"] <= ORIGIN) & (cases["indicator"] == "hi_coverage")]
    clean = validation_study.past_share(cases, real_tables().readings, real_raw())
    bad = validation_study.past_share(cases, *poisoned(real_tables().readings, real_raw())[:2])
    assert len(clean) >= 8
    pd.testing.assert_frame_equal(clean, bad)


# Scores by hand


def test_brier_scores_of_a_tiny_example():
    base = {"indicator": "hi_coverage", "design": country.YEAR_END, "setter": "government"}
    days = [pd.Timestamp(year, 12, 31) for year in (2020, 2021)]
    names = ["model", "as_of", "p_meets_true", "p_meets_reported", "met"]
    rows = [
        ("analysis", days[0], 0.6, 0.8, 1),
        ("analysis", days[1], 0.1, 0.3, 0),
        ("analysis", pd.Timestamp(2022, 12, 31), 1.0, 1.0, None),
        ("theta", days[0], None, 0.5, 1),
    ]
    cases = pd.DataFrame(rows, columns=names).assign(origin=pd.Timestamp(2019, 12, 31), **base)
    table = validation_study.chances(cases.astype({"met": "Int64"}))
    table = table.set_index(["indicator", "model", "probability"])
    for indicator in ("hi_coverage", "all"):
        own = table.loc[(indicator, "analysis", "meets_reported")]
        assert own["n"] == 2 and own["year_ends"] == 2
        assert own["brier"] == pytest.approx((0.2**2 + 0.3**2) / 2)
        assert own["mean_probability"] == pytest.approx(0.55)
        assert own["share_met"] == pytest.approx(0.5)
        level = table.loc[(indicator, "analysis", "meets_true")]
        assert level["brier"] == pytest.approx((0.4**2 + 0.1**2) / 2)
        other = table.loc[(indicator, "theta", "meets_reported")]
        assert other["brier"] == pytest.approx(0.25)
        assert other["brier_analysis"] == pytest.approx(0.04)


def scored(model: str, rows: list[tuple[str, float, np.ndarray]]) -> pd.DataFrame:
    """Scored forecasts made at the end of 2020: date, reading and 99 quantiles."""
    quantiles = pd.DataFrame([row[2] for row in rows], columns=PERCENTILE_COLUMNS)
    value = np.array([row[1] for row in rows])
    table = pd.DataFrame(
        {
            "model": model, "indicator": "hi_coverage", "origin": pd.Timestamp(2020, 12, 31),
            "province_code": "00", "as_of": pd.to_datetime([row[0] for row in rows]),
            "value": value, "lower": value - 0.05, "upper": value + 0.05, "last_value": 90.0,
            "last_as_of": pd.Timestamp(2020, 12, 31),
        }
    )  # fmt: skip
    table = pd.concat([table, quantiles], axis=1)
    return table.join(scores.score_forecasts(table))


def test_scores_of_a_tiny_example():
    """A point forecast scores its error; even quantiles from 1 to 99 score 833 / 99 at 50.

    Twice the mean pinball loss: 2 / 99 * 2 * sum of k / 100 * (50 - k) over k to 49, which is
    2 / 99 * 2 / 100 * (50 * 1225 - 40425).
    """
    even, point = np.arange(1.0, 100.0), np.full(99, 92.0)
    rows = [("2021-06-30", 50.0, even), ("2021-12-31", 90.5, point)]
    numbers = pd.concat([scored("analysis", rows), scored("drift", rows[1:])], ignore_index=True)
    table = validation_study.country_score_table(numbers).set_index(
        ["model", "indicator", "readings"]
    )
    own = table.loc[("analysis", "hi_coverage", "all")]
    assert own["crps"] == pytest.approx((833 / 99 + 1.5) / 2)
    assert own["mae"] == pytest.approx(0.75) and own["bias"] == pytest.approx(0.75)
    assert own["cover80"] == pytest.approx(0.5) and own["width80"] == pytest.approx(40)
    assert (own["n"], own["days"], own["year_ends"]) == (2, 2, 1)
    for indicator in ("hi_coverage", "all"):
        ends = table.loc[("analysis", indicator, "year_end")]
        assert ends["crps"] == pytest.approx(1.5) and ends["n"] == 1
    other = table.loc[("drift", "hi_coverage", "all")]
    assert other["crps_analysis"] == pytest.approx(1.5) and other["n"] == 1


def test_the_past_share_counts_year_ends_read_by_the_origin(monkeypatch):
    table = pd.DataFrame(
        [
            target("2017-12-31", 80.0, "government", "2015-01-01"),
            target("2018-12-31", 84.0, "government", "2015-01-01"),
            target("2019-12-31", 86.0, "government", "2015-01-01"),
            target("2020-12-31", 88.0, "government", "2015-01-01"),
        ]
    )
    days = [pd.Timestamp(year, 12, 31) for year in range(2017, 2021)]
    readings = pd.DataFrame(
        {
            "geo_level": "country", "province_code": "00", "indicator": "hi_coverage",
            "basis": "", "kind_of_evidence": "published", "as_of": days, "known_on": days,
            "value": [80.0, 83.9, 87.0, 99.0],
        }
    )  # fmt: skip
    monkeypatch.setattr(targets_room, "targets", lambda raw: table)
    case = {"model": "analysis", "indicator": "hi_coverage", "origin": days[2]}
    found = validation_study.past_share(pd.DataFrame([case]), readings, None)
    said = found.set_index("model")["p_meets_reported"]
    assert said["past_share"] == pytest.approx(2 / 3)
    assert said["past_share_cautious"] == pytest.approx(3 / 5)


def test_theta_carries_a_steady_pace_on_and_refuses_short_series():
    days = [pd.Timestamp(year, 12, 31) for year in range(2013, 2020)]
    log_odds = 1 + 0.1 * np.arange(7)
    train = pd.DataFrame(
        {
            "geo_level": "country", "province_code": "00", "indicator": "hi_coverage",
            "basis": "", "kind_of_evidence": "published", "as_of": days,
            "value": 100 / (1 + np.exp(-log_odds)),
        }
    )  # fmt: skip
    asked = pd.DataFrame([{"indicator": "hi_coverage", "as_of": pd.Timestamp(2020, 12, 31)}])
    answer = theta(train, asked, None)["q0.50"].iloc[0]
    # Theta carries on with half the slope of the line through all values.
    flat, full = (100 / (1 + np.exp(-z)) for z in (log_odds[-1], log_odds[-1] + 0.1))
    assert flat < answer < full
    with pytest.raises(PeerFailure, match="too few for Theta"):
        theta(train.tail(3), asked, None)


# What is kept, written and told


def test_every_answer_is_kept_and_one_computed_anew_is_the_same():
    """If this fails because nothing is kept, readings or model changed: run `make keep`."""
    folds = [fold for design in country.COUNTRY_DESIGNS for fold in every(design)]
    missing = [
        fold.name
        for fold in folds
        if stored_forecasts.find(
            stored_forecasts.mark(
                fold.known, fold.questions, DEFAULT, own_model_country.COUNTRY_START
            )
        )
        is None
    ]
    assert missing == [], "data/benchmarks/own.csv is out of date: run `make keep`"
    first = folds[0]
    kept = own_model_country.analysis(first.known.readings, first.questions, first.known)
    computed = own_model_country.computed(first.questions, first.known)
    pd.testing.assert_frame_equal(kept, computed, atol=1e-2, rtol=0)


@pytest.mark.parametrize("field", sorted(NAMES))
def test_the_tables_are_as_they_are_described(study, field, tmp_path):
    paths.write_table(getattr(study, field), tmp_path / f"{NAMES[field]}.csv")
    assert describe.faults(NAMES[field], tmp_path) == []


def test_the_figure_shows_the_numbers_of_the_tables_in_both_languages(study):
    result = validation_country.track_record(study)
    english, vietnamese = (track_record(result, language) for language in ("en", "vi"))
    assert english.digest == vietnamese.digest and english.alt != vietnamese.alt
    marks = english.data
    own = study.country_forecasts
    own = own[(own["model"] == "analysis") & own["as_of"].dt.is_year_end]
    own = own[own["origin"].dt.is_year_end]
    bands = marks[marks["kind"].isin(["one_year", "two_years"])]
    assert len(bands) == len(own) > 25
    for column, mark in (("q0.10", "low"), ("q0.50", "value"), ("q0.90", "high")):
        assert np.allclose(np.sort(bands[mark]), np.sort(own[column]), atol=1e-3)
    held = int(own["value"].between(own["q0.10"], own["q0.90"]).sum())
    assert f"{held} of {len(own)}" in english.alt and f"{held} trên {len(own)}" in vietnamese.alt
    cases = study.country_cases
    known = cases[(cases["model"] == "analysis") & cases["met"].notna()]
    due = marks[marks["kind"] == "target"]
    assert set(due["value"]) == set(known["target"])
    assert len(english.png) > 10_000


def test_the_sentences_say_the_numbers_of_the_tables_in_both_languages(study):
    cases = study.country_cases
    own = cases[(cases["model"] == "analysis") & cases["met"].notna()]
    for design in country.COUNTRY_DESIGNS:
        part = own[own["design"] == design]
        brier = float(((part["p_meets_reported"] - part["met"].astype(float)) ** 2).mean())
        for finding in (validation_country.summary, validation_country.chances):
            assert f"{brier:.3f}" in finding(study).text("en")
            assert f"{brier:.3f}".replace(".", ",") in finding(study).text("vi")
    numbers = validation_country.numbers(study)
    hi = study.country_forecasts
    hi = hi[(hi["model"] == "analysis") & (hi["indicator"] == "hi_coverage")]
    early = hi["origin"].dt.is_year_end
    ends, middle = (
        hi.loc[hi["as_of"].dt.is_year_end & rows, "error"].abs().mean() for rows in (early, ~early)
    )
    assert f"missed by {ends:.1f} points for health" in numbers.text("en")
    assert f"that follows was missed by {middle:.1f}, " in numbers.text("en")
    assert len(numbers.written("vi")) == 12


def test_the_opening_says_how_often_the_chances_beat_the_past_share(study):
    table = study.country_chances
    table = table[(table["indicator"] == "all") & (table["probability"] == "meets_reported")]
    score = table.set_index(["design", "model"])["brier"]
    better = sum(
        score[design, "analysis"]
        < min(score[design, "past_share"], score[design, "past_share_cautious"])
        for design in country.COUNTRY_DESIGNS
    )
    text = validation_country.truth(study).text("en")
    assert f"in {better} of 3 comparisons" in text
    assert ("Where they did not" in text) == (better < 3)
    assert f"{better} trên 3 phép so sánh" in validation_country.truth(study).text("vi")
    perfect = study.country_chances.assign(
        brier=np.where(study.country_chances["model"] == "analysis", 0.0, 0.2)
    )
    best = SimpleNamespace(**vars(study) | {"country_chances": perfect})
    assert "in 3 of 3 comparisons" in validation_country.truth(best).text("en")
    assert "Even so" in validation_country.truth(best).text("en")


def test_the_scoreboard_says_better_only_where_an_interval_shows_it(study):
    def provinces(design, low, high):
        lead = {"skill_vs_national": 0.2, "skill_vs_national_low": low,
                "skill_vs_national_high": high}  # fmt: skip
        return {"indicator": "hi_coverage", "design": design, "origin": "all", "model": "analysis",
                "n": 100, "mae": 2.0, "cover80": 0.8} | lead  # fmt: skip

    chances = {"indicator": "hi_coverage", "model": "analysis", "probability": "meets_reported",
               "n": 16, "brier": 0.1, "skill_vs_past_share": -0.3,
               "skill_vs_past_share_low": -0.5, "skill_vs_past_share_high": -0.1}  # fmt: skip
    told = SimpleNamespace(
        **vars(study),
        validation_scores=pd.DataFrame([provinces("rolling_origin", -0.1, 0.4),
                                        provinces("rolling_origin_cold", 0.1, 0.4)]),
        attainment_scores=pd.DataFrame([chances]),
    )  # fmt: skip
    board = validation_country.scoreboard(told, "hi_coverage")
    verdicts = board.table.set_index("row")["verdict"]
    assert verdicts["read_before"] == "not_shown" and verdicts["never_read"] == "better"
    assert verdicts["chances_provinces"] == "worse"
    country_rows = verdicts[verdicts.index.str.contains("country")]
    assert len(country_rows) == 4
    assert not country_rows.isin(["better", "worse"]).any()
    middle = validation_country.line(study, "hi_coverage", "mid_year")
    first = board.table.iloc[0]
    assert (first["n"], first["mae"]) == (middle["n"], pytest.approx(middle["mae"], abs=0.01))
    ahead = int((verdicts == "better_few").sum())
    assert "In 1 of 7 rows the forecasts are shown to be better" in board.text("en")
    assert f"in {ahead} more" in board.text("en") and f"{ahead} dòng khác" in board.text("vi")


def test_a_missing_line_is_named(study):
    none = SimpleNamespace(**{name: table.iloc[:0] for name, table in vars(study).items()})
    with pytest.raises(KeyError, match="no score of analysis for the country, hi_coverage, all"):
        validation_country.line(none, "hi_coverage", "all")
    with pytest.raises(KeyError, match="no chances of analysis for the country"):
        validation_country.chance(none, country.YEAR_END)


def test_the_model_card_says_what_the_tables_say(study):
    text = (Path(paths.ROOT) / "docs/model-card.md").read_text("utf-8")
    said = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", text, re.MULTILINE))
    found = {
        f"{who}, {when}": validation_country.chance(study, design, model)
        for when, design in zip(
            ("ends of years", "middles of years", "days of announcement"),
            country.COUNTRY_DESIGNS,
            strict=True,
        )
        for who, model in (("this model", "analysis"), ("past share", "past_share_cautious"))
    }
    for row, line in found.items():
        met = round(line["share_met"] * line["n"])
        assert said[row] == f"{line['brier']:.3f} ({met} of {line['n']} met)", row


def _aims():
    text = (Path(paths.ROOT) / "docs/model-card.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \| (yes|no) \|$", text, re.MULTILINE)
    assert len(rows) == 9
    return {what: (aim, came, reached) for what, aim, came, reached in rows}


def test_the_aims_that_the_model_card_calls_reached_are_the_ones_that_are():
    for what, (aim, came, reached) in _aims().items():
        value = float(came.replace("−", "-").rstrip("%"))
        edges = [float(part) for part in re.findall(r"[\d.]+", aim)]
        if len(edges) == 2:
            met = edges[0] <= value <= edges[1]
        else:
            met = value > edges[0] if aim.startswith("above") else value <= edges[0]
        assert reached == ("yes" if met else "no"), what


def test_the_model_card_gives_the_countrys_aims_the_numbers_of_the_tables(study):
    aims = _aims()
    for when, design in (("ends", country.YEAR_END), ("middles", country.MID_YEAR)):
        chances = study.country_chances
        own = (chances["model"] == "analysis") & (chances["indicator"] == "hi_coverage")
        own &= (chances["design"] == design) & (chances["probability"] == "meets_reported")
        came = aims[f"Brier score of the country, {when} of years"][1]
        assert came == f"{chances.loc[own, 'brier'].item():.3f}"
    made = study.country_forecasts
    made = made[(made["model"] == "analysis") & (made["indicator"] == "hi_coverage")]
    during = made.loc[~pd.to_datetime(made["as_of"]).dt.is_year_end, "crps"].mean()
    assert aims["CRPS of the country's readings during the year"][1] == f"{during:.2f}"


def test_the_model_card_gives_the_provinces_aims_the_numbers_that_chapter_06_stored():
    cells = json.loads((Path(paths.NOTEBOOKS) / "06_validation.ipynb").read_text("utf-8"))["cells"]
    aims = _aims()
    asked = {
        "warm-table": [
            "CRPS, provinces read before",
            "their 50% band holds",
            "their 80% band holds",
            "width of their 80% band",
            "lower limit of the lead over the nationwide curve",
        ],
        "cold-table": ["CRPS, provinces never read"],
    }
    columns = {"CRPS": 2, "50%": 5, "80%": 6, "width": 8, "lower": 11}
    for cell, names in asked.items():
        output = next(one for one in cells if one["id"] == cell)["outputs"][0]
        lines = "".join(output["data"]["text/plain"]).splitlines()
        row = next(one.split() for one in lines if one.strip().startswith("this project's model "))
        fields = ["model", *row[3:]]
        for name in names:
            column = next(at for key, at in columns.items() if key in name.split(",")[0])
            if name.startswith("width"):
                column = columns["width"]
            assert aims[name][1] == fields[column], name
