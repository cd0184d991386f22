"""Claims carry the numbers of their results, in both languages, and weaken by themselves."""

import dataclasses
import re

import pytest
from driver_data import small_coverage, small_late_payment

from analysis.country import geography
from analysis.findings import decisions, drivers, late_payment
from analysis.report.wording import LANGUAGES, keys, say

pytestmark = pytest.mark.xdist_group("drivers")

STRENGTHS = ("strong", "moderate", "weak", "none")


@pytest.fixture(scope="module")
def found():
    return small_coverage()


@pytest.fixture(scope="module")
def late_found():
    return small_late_payment()


def test_the_claims_are_complete_in_both_languages(found, late_found):
    made = drivers.coverage_claims(found) + drivers.late_claims(late_found)
    table = drivers.table(made)
    assert table["claim_id"].is_unique
    assert table["strength"].isin(STRENGTHS).all()
    for column in table:
        assert table[column].str.len().min() > 0
    assert not table["claim"].eq(table["claim_vi"]).any()


def test_the_numbers_of_the_policy_claim_are_those_of_the_table(found):
    claim = drivers.coverage_claims(found)[0]
    values = dict(decisions.loss(found).phrases[0][1])
    assert re.findall(r"\d+\.\d", claim.say("claim", "en"))[0] == f"{values['points']:.1f}"
    expected = [f"{values[c]:.1f}" for c in ("low", "high")]
    assert re.findall(r"\d+\.\d(?!\d)", claim.say("evidence", "en"))[:2] == expected
    assert values["low"] < values["points"] < values["high"]


def test_two_numbers_of_one_name_are_refused(found):
    result = drivers.decision_861(found)
    with pytest.raises(ValueError, match="would replace another number"):
        drivers._values(result, result)


def test_a_claim_weakens_when_its_evidence_does(found):
    d = found.decisions

    def strength(p, high_at_half, agrees=True):
        table, bounds, country = d.estimates.copy(), d.bounds.copy(), d.country.copy()
        table.loc[table["design"] == "one_row", "wild_p"] = p
        half = bounds["effect"].eq("loss") & bounds["multiple"].le(0.5)
        bounds.loc[bounds["effect"].eq("loss"), "high"] = 0.1
        bounds.loc[half, "high"] = high_at_half
        country["agrees"] = agrees
        designs = d.designs.assign(dealt=d.designs["dealt"].clip(upper=0.01))
        changed = dataclasses.replace(
            d, estimates=table, bounds=bounds, country=country, designs=designs
        )
        return drivers.coverage_claims(dataclasses.replace(found, decisions=changed))[0].strength

    assert strength(0.01, -0.1) == "strong"
    assert strength(0.4, -0.1) == "moderate"
    assert strength(0.01, 0.1) == "moderate"
    assert strength(0.01, -0.1, agrees=False) == "moderate"


def test_every_claim_says_what_changed_and_no_logit_on_the_first_screen(found, late_found):
    for claim in drivers.coverage_claims(found) + drivers.late_claims(late_found):
        for language in LANGUAGES:
            assert claim.say("changed", language).strip()
            for part in ("claim", "evidence", "not_claimed", "changed"):
                assert "logit" not in claim.say(part, language)


def test_what_is_said_first_is_short_and_names_provinces(found, late_found):
    first = [decisions.loss(found), decisions.country(found)]
    first += [decisions.named(found, place) for place in (0, 1)]
    first += [decisions.restoration(found), late_payment.in_short(late_found)]
    first += [late_payment.unread(late_found), late_payment.scores(late_found)]
    for result in first:
        assert len(result.text("en").split()) <= 40
        assert "logit" not in result.text("en")
    for place in (0, 1):
        code = found.decisions.named[place]
        assert geography.name(code, "province_63", "en") in first[2 + place].text("en")


def test_a_driver_that_passes_changes_the_words(late_found):
    table = late_found.drivers.copy()
    table["q"] = 0.01
    seen = {c.key for c in drivers.late_claims(dataclasses.replace(late_found, drivers=table))}
    assert "late_drivers_seen" in seen
    assert "late_drivers" not in seen


def test_every_phrase_of_a_claim_has_its_four_parts():
    names = {k.removeprefix("claims.") for k in keys() if k.startswith("claims.")}
    parts = ("claim", "evidence", "not_claimed", "changed")
    stems = {re.sub(rf"_({'|'.join(parts)})$", "", n) for n in names if "column" not in n}
    assert {f"{s}_{p}" for s in stems for p in parts} <= names


def test_all_results_say_and_write_in_both_languages(found, late_found):
    rooms = ((drivers, found), (decisions, found), (late_payment, late_found))
    names = {
        drivers: "sample decision_861 left_out rivals starting_level season curve "
        "participants other_questions test_size units",
        decisions: "loss country last_edition last_edition_why path restoration "
        "without_each bounds placebo hit poverty poverty_limits power",
        late_payment: "data lineage variance conversions same_weeks levels changes drivers "
        "reporters verdict forecasts scores unread ceilings in_short size",
    }
    for room, tables in rooms:
        for name in names[room].split():
            result = getattr(room, name)(tables)
            for language in LANGUAGES:
                # No ceiling may have fallen due so far; every other table has rows.
                assert len(result.written(language)) == len(result.table)
                assert len(result.table) > 0 or name == "ceilings"
                assert "{" not in result.text(language)


def test_strengths_have_words():
    for strength in STRENGTHS:
        assert all(say(f"strength.{strength}", language) for language in LANGUAGES)
