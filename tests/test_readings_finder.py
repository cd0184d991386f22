"""Chapter 01 shows every reading with the addresses of its sources: one click, none left out."""

import json
import re
from dataclasses import replace

import example_facts
import pytest

from analysis.findings.finder import finder
from analysis.report.wording import write
from analysis.site.notebook import _scripts_apart


@pytest.fixture(scope="module", params=["en", "vi"])
def found(request):
    return finder(example_facts.real_tables(), example_facts.real_raw(), request.param)


def carried(page):
    """The data of a page as its script reads them."""
    text = re.search(r"window\.readingsFound = (.*?);</script>", page, re.DOTALL)[1]
    return json.loads(text)


def test_every_reading_is_there_once_with_the_address_of_each_of_its_sources(found):
    data = carried(found.html())
    raw = example_facts.real_raw()
    addresses = dict(zip(raw.sources["source_id"], raw.sources["url"], strict=True))
    left = {unit: [*rows] for unit, rows in data["rows"].items()}
    readings = example_facts.real_tables().readings
    for row in readings.to_dict("records"):
        unit = f"{row['geo_level']}/{row['province_code']}"
        day = write(row["as_of"], "short_date", found.language)
        what = write(row["indicator"], "indicator_short", found.language)
        wanted = [(name, addresses[name]) for name in row["sources"].split(";")]
        shown = [
            one
            for one in left[unit]
            if one[0] == day and data["words"][one[1]] == what and cited(data, one[-1]) == wanted
        ]
        assert shown, row["reading_id"]
        left[unit].remove(shown[0])
    assert len(readings) > 1700
    assert not any(left.values())


def cited(data, places):
    """Identifier and address of the sources at some places."""
    listed = [data["sources"][place] for place in places]
    return [(label.split()[0], address) for label, address in listed]


def test_only_sources_that_were_read_without_an_address_have_none(found):
    without = [label for label, address in found.sources if not address]
    assert all("(" in label for label in without)
    assert len(without) == dict(found.result.phrases[0][1])["unaddressed"] < 15


def test_the_unit_asked_for_stands_there_without_scripts(found):
    page = found.html().split("<script")[0]
    raw = example_facts.real_raw()
    url = raw.sources.set_index("source_id").loc["S284", "url"]
    assert f'<a href="{url}">S284 ' in page
    assert page.count("<tr>") == 1 + len(found.rows["province_63/14"])


def test_the_page_stays_light_because_the_data_stand_in_a_file_beside_it(found):
    files = {}
    page = _scripts_apart(found.html(), "01_readings", files)
    assert len(page.encode("utf-8")) < 40_000
    assert list(files) == ["files/01_readings_readings.js"]


def test_hostile_publishers_and_addresses_stay_text():
    raw = example_facts.real_raw()
    sources = raw.sources.copy()
    sources["publisher"] = "</script><script>alert(1)</script>"
    sources["url"] = "javascript:alert(1)"
    page = finder(example_facts.real_tables(), replace(raw, sources=sources), "en").html()
    assert "<script>alert" not in page
    assert "javascript:" not in page


def test_a_unit_without_readings_is_refused():
    with pytest.raises(ValueError, match="no reading of '98'"):
        finder(example_facts.real_tables(), example_facts.real_raw(), "en", "98")
