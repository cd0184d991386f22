"""Every table and every field of data/processed is described in both languages of the report."""

from pathlib import Path

import pytest
import yaml

from analysis.report import describe
from analysis.report.describe import described, schemas

FOLDER = Path(describe.__file__).parent / "tables"
VIETNAMESE = {
    part: yaml.safe_load((FOLDER / "vi" / f"{part}.yml").read_text("utf-8"))
    for part in ("tables", "fields", "units")
}


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_table_has_words_for_all_its_parts_in_both_languages(name):
    english, vietnamese = described(name, "en"), described(name, "vi")
    assert list(english.fields) == list(vietnamese.fields) == list(schemas()[name]["fields"])
    assert list(english.units) == list(vietnamese.units)
    assert english.title != vietnamese.title and english.description != vietnamese.description
    for both in zip(english.fields.values(), vietnamese.fields.values(), strict=True):
        assert all(text.strip() for text in both)
        assert both[0] != both[1]


def test_nothing_is_described_that_no_table_has():
    tables = schemas()
    assert set(VIETNAMESE["tables"]) == set(tables)
    fields = {name for entry in tables.values() for name in entry["fields"]}
    own = {f"{table}.{name}" for table, entry in tables.items() for name in entry["fields"]}
    assert set(VIETNAMESE["fields"]) - {"quantile"} <= fields | own
    units = {what.get("unit") for entry in tables.values() for what in entry["fields"].values()}
    assert set(VIETNAMESE["units"]) == units - {None}


def test_quantiles_share_one_description():
    assert described("validation_forecasts", "vi").fields["q0.07"] == "phân vị 0.07"
    assert described("estimates", "vi").fields["q975"] == "phân vị 0.975"


def test_a_table_that_is_not_described_is_refused():
    with pytest.raises(KeyError):
        described("nothing", "vi")
