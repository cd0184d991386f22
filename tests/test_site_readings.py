"""Pages of readings: units of today list the figures of their parts, targets say if they count."""

import re
from html import unescape

import pandas as pd
import pytest
from example_facts import real_raw, real_tables

from analysis.country.indicators import INDICATORS
from analysis.readings.targets import targets
from analysis.report.wording import write
from analysis.site.page import readings_file
from analysis.site.readings import Evidence, pages


@pytest.fixture(scope="module", params=["en", "vi"])
def made(request):
    raw = real_raw()
    sources = raw.sources.drop(columns=["row", "published_on"])
    # As chapter 01 writes it and a page reads it back: an empty basis is missing.
    aims = targets(raw)
    aims["basis"] = aims["basis"].replace("", None)
    wanted = pd.DataFrame(
        [("91", "hi_coverage", 1.0), ("91", "ui_participants", 2.0), ("01", "si_coverage", 3.0)],
        columns=["province_code", "wanted_indicator", "loss"],
    ).assign(wanted_level="province_34", wanted_day=pd.Timestamp("2025-12-31"))
    wanted["wanted_code"] = wanted["province_code"]
    evidence = Evidence(real_tables().readings, aims, sources, wanted)
    return request.param, pages(evidence, (), request.param)


def rows(page, section):
    body = re.search(rf'<h2 id="{section}">.*?</section>', page, re.S)
    if body is None:
        return []
    found = re.findall(r"<tr[^>]*>(<td.*?)</tr>", body[0], re.S)
    return [
        [unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", row)]
        for row in found
    ]


def published(code):
    table = real_tables().readings
    own = table[(table["geo_level"] == "province_63") & (table["province_code"] == code)]
    return own[own["kind_of_evidence"] == "published"]


def test_the_page_of_a_merged_unit_lists_every_published_figure_of_its_parts(made):
    _, found = made
    page = found[readings_file("province_34", "91")]  # An Giang and Kien Giang
    for code in ("89", "91"):
        listed = rows(page, f"part-{code}")
        assert len(listed) == len(published(code)) > 10
        file = readings_file("province_63", code)
        links = re.findall(rf'href="({re.escape(file)}#[^"]+)"', page)
        own = found[file]
        assert len(links) == len(listed)
        assert all(f'id="{link.split("#")[1]}"' in own for link in links)


def test_no_merged_page_is_empty_where_a_part_was_read(made):
    _, found = made
    for code, group in real_raw().provinces.groupby("merged_code"):
        listed = sum(
            len(rows(found[readings_file("province_34", code)], f"part-{part}"))
            for part in group["province_code"]
        )
        assert listed == sum(len(published(part)) for part in group["province_code"])


def test_a_replaced_target_stands_beside_the_one_that_counts_with_both_days(made):
    language, found = made
    label = INDICATORS["ui_coverage"].label(language, short=True)
    aims = [
        row for row in rows(found[readings_file("province_63", "01")], "targets") if row[0] == label
    ]
    of_2025 = {row[2].replace(",", "."): row for row in aims if "2025" in row[1]}
    assert set(of_2025) == {"40.0%", "45.0%"}
    counts, replaced = of_2025["45.0%"], of_2025["40.0%"]
    assert counts[5] == {"en": "yes", "vi": "có"}[language]
    assert counts[4] in replaced[5] and counts[2] in replaced[5]
    assert replaced[4] != counts[4]


def test_a_target_announced_after_the_forecast_is_shown_and_counts(made):
    """Lang Son's 98% was printed in August 2025."""
    language, found = made
    aims = rows(found[readings_file("province_63", "20")], "targets")
    own = [row for row in aims if row[2].startswith("98") and "2025" in row[1]]
    assert len(own) == 1
    assert own[0][5] == {"en": "yes", "vi": "có"}[language]
    assert own[0][4] == write(pd.Timestamp("2025-08-31"), "short_date", language)


def test_one_target_counts_for_each_unit_rate_and_day(made):
    language, found = made
    yes = {"en": "yes", "vi": "có"}[language]
    for name, page in found.items():
        held = [(row[0], row[1]) for row in rows(page, "targets") if row[5] == yes]
        assert len(held) == len(set(held)), name
    assert pd.Series([len(rows(page, "targets")) for page in found.values()]).sum() > 300


def test_a_unit_of_today_names_the_one_figure_that_would_help_most(made):
    language, found = made
    day = write(pd.Timestamp("2025-12-31"), "date", language)
    for unit, indicator in {
        ("province_34", "91"): "ui_participants",
        ("province_63", "01"): "si_coverage",
    }.items():
        asked = re.search(r'<p class="asked">(.*?)</p>', found[readings_file(*unit)])[1]
        assert INDICATORS[indicator].label(language) in unescape(asked) and day in asked
    for unit in (("province_63", "91"), ("country", "00"), ("province_34", "80")):
        assert "asked" not in found[readings_file(*unit)]


def test_the_coverage_rates_stand_before_everything_else(made):
    _, found = made
    page = found[readings_file("country", "00")]
    listed = [name for name in re.findall(r'<h2 id="(\w+)"', page) if name in INDICATORS]
    assert listed[:3] == ["hi_coverage", "si_coverage", "ui_coverage"] and len(listed) > 6
    assert listed[3:] == [name for name in INDICATORS if name in listed[3:]]


def test_a_part_says_how_many_of_its_figures_are_listed_below(made):
    language, found = made
    page = found[readings_file("province_34", "91")]
    for code in ("89", "91"):
        n = write(len(published(code)), "integer", language)
        words = {"en": f"{n} of them published", "vi": f"trong đó {n} số đã công bố"}[language]
        assert words in page
