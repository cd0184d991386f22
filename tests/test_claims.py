"""Claims carry the numbers of their results, in both languages, and weaken by themselves."""

import dataclasses
import re

import pytest
from driver_data import small_coverage, small_late_payment

from analysis.drivers import claims, coverage_results, late_results
from analysis.wording import LANGUAGES, keys, say

pytestmark = pytest.mark.xdist_group("drivers")

STRENGTHS = ("strong", "moderate", "weak", "none")


@pytest.fixture(scope="module")
def found():
    return small_coverage()


@pytest.fixture(scope="module")
def late_found():
    return small_late_payment()


def test_the_claims_are_complete_in_both_languages(found, late_found):
    made = claims.coverage_claims(found) + claims.late_claims(late_found)
    table = claims.table(made)
    assert table["claim_id"].is_unique
    assert table["strength"].isin(STRENGTHS).all()
    for column in table:
        assert table[column].str.len().min() > 0
    assert not table["claim"].eq(table["claim_vi"]).any()


def test_the_numbers_of_the_policy_claim_are_those_of_the_table(found):
    claim = claims.coverage_claims(found)[0]
    row = coverage_results.main_effect(found)
    text = claim.say("evidence", "en")
    expected = [f"{row[c]:.2f}".replace("-", "−") for c in ("estimate", "low", "high")]
    assert re.findall(r"[−+]\d\.\d\d", text)[:3] == expected


def test_two_numbers_of_one_name_are_refused(found):
    result = coverage_results.decision_861(found)
    with pytest.raises(ValueError, match="would replace another number"):
        claims._values(result, result)


def test_a_claim_weakens_when_its_evidence_does(found):
    table = found.estimates.copy()
    main = (table["term"] == "861_x_minority") & (table["beside"] == "main design")
    table.loc[main, "wild_p"] = 0.4
    weaker = dataclasses.replace(found, estimates=table)
    assert claims.coverage_claims(found)[0].strength == "strong"
    assert claims.coverage_claims(weaker)[0].strength == "moderate"


def test_a_driver_that_passes_changes_the_words(late_found):
    table = late_found.drivers.copy()
    table["q"] = 0.01
    seen = {c.key for c in claims.late_claims(dataclasses.replace(late_found, drivers=table))}
    assert "late_drivers_seen" in seen
    assert "late_drivers" not in seen


def test_every_phrase_of_a_claim_has_its_three_parts():
    names = {k.removeprefix("claims.") for k in keys() if k.startswith("claims.")}
    stems = {re.sub(r"_(claim|evidence|not_claimed)$", "", n) for n in names if "column" not in n}
    assert {f"{s}_{p}" for s in stems for p in ("claim", "evidence", "not_claimed")} <= names


def test_all_results_say_and_write_in_both_languages(found, late_found):
    rooms = ((coverage_results, found), (late_results, late_found))
    names = {
        coverage_results: "sample decision_861 left_out rivals starting_level season curve "
        "participants other_questions test_size units",
        late_results: "data lineage variance conversions same_weeks levels changes drivers "
        "reporters verdict forecasts",
    }
    for room, tables in rooms:
        for name in names[room].split():
            result = getattr(room, name)(tables)
            for language in LANGUAGES:
                assert len(result.written(language)) == len(result.table) > 0
                assert "{" not in result.text(language)


def test_strengths_have_words():
    for strength in STRENGTHS:
        assert all(say(f"strength.{strength}", language) for language in LANGUAGES)
