"""The first sentence of a brief says by which definition its latest reading was made."""

from types import SimpleNamespace

import pandas as pd
import pytest

from analysis.findings import brief
from analysis.findings.brief import FORMATS
from analysis.report.wording import LANGUAGES, say
from analysis.verdicts import NOT_ENOUGH_EVIDENCE

TABLES = SimpleNamespace(origin=pd.Timestamp("2025-06-30"), due=pd.Timestamp("2025-12-31"))


def opened(basis, value=92.5):
    """The phrases that open a synthetic brief whose latest reading has this basis."""
    row = dict.fromkeys(FORMATS, 1.0) | {
        "indicator": "hi_coverage", "value": value, "as_of": pd.Timestamp("2024-11-30"),
        "verdict": NOT_ENOUGH_EVIDENCE,
    }  # fmt: skip
    latest = pd.DataFrame({"basis": [basis]}, index=["hi_coverage"])
    found = brief._opening(pd.DataFrame([row]), latest, TABLES, "province_63", "34")
    return found[0]


@pytest.mark.parametrize("basis", brief.PLAIN)
def test_the_usual_definition_needs_no_word(basis):
    assert opened(basis)[0] == "brief.opening_read"


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_definition_is_named(language):
    key, values = opened("incl_residents_insured_elsewhere")
    assert key == "brief.opening_read_basis"
    text = say(key, language, **values)
    assert say("basis.incl_residents_insured_elsewhere", language) in text
