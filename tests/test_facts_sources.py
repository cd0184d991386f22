"""Sources: one publisher has one spelling, titles carry no tags, and how each page was read."""

import re
from urllib.parse import urlsplit

import pytest
from example_facts import real_raw
from raw_folder import change, copy_real

from analysis.facts import check


@pytest.fixture(scope="module")
def sources():
    return real_raw().sources


def test_one_publisher_has_one_spelling(sources):
    names = sorted(set(sources["publisher"]))
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(re.sub(r"\W", "", name).casefold(), []).append(name)
    assert [several for several in folded.values() if len(several) > 1] == []
    agency = [
        name for name in names if re.search(r"^(VSS|Viet ?nam Social Security|BHXH Vi)", name)
    ]
    assert agency == []
    assert (sources["publisher"] == "Bảo hiểm xã hội Việt Nam").sum() > 50


def test_a_publishers_name_has_its_marks_and_says_neither_language_nor_doubt(sources):
    names = sources["publisher"]
    aside = names.str.contains(
        r"\((?:English|French|Japanese|Korean|Spanish|.*inferred)\)|newspaper"
    )
    assert sorted(names[aside]) == []
    plain = names.str.contains(
        r"(?i)\b(?:portal|gia lai tv|kon tum tv|thai binh tv|soc trang tv)\b"
    )
    assert sorted(names[plain]) == []


def test_the_pages_of_one_site_have_one_publisher(sources):
    """But for sites that reprint others, and two that carry editions of different names."""
    hosts = sources["url"].map(lambda url: (urlsplit(url).hostname or "").removeprefix("www."))
    named = sources.assign(host=hosts)[hosts != ""].groupby("host")["publisher"].nunique()
    several = set(named.index[named > 1])
    reprint = {host for host in several if host.endswith(("vietnam.vn", "baomoi.com"))}
    assert several - reprint <= {"baocamau.vn", "baodanang.vn", "english.vov.vn"}


def test_titles_that_were_rebuilt_stand_in_brackets_and_carry_no_tag(sources):
    tagged = sources["title"].str.contains(r"\[slug\]|title from|title rebuilt|\[tag page")
    assert not tagged.any()
    assert sources["title"].str.fullmatch(r"\[.*\]").sum() > 150


def test_vietnamese_titles_have_their_marks(sources):
    own = sources[sources["language"] == "vi"]
    plain = own[own["title"].map(str.isascii)]
    # English descriptions of pages without a title, and an English title on a Vietnamese site.
    assert set(plain["source_id"]) <= {"S327", "S331", "S378", "S445", "S546"}


def test_every_page_says_when_and_how_it_was_read(sources):
    assert set(sources["how"]) == {"stored copy"}
    assert set(sources["retrieved"]) == {"2026-11-22", "2026-11-30"}


def test_a_page_cannot_be_read_before_it_was_published(tmp_path):
    folder = copy_real(tmp_path / "raw")
    change(folder, "sources", 3, "retrieved", "2025-02")
    change(folder, "sources", 4, "retrieved", "2019")
    change(folder, "sources", 5, "how", "by phone")
    found = [(fault.row, fault.column) for fault in check(folder)]
    assert found == [(4, "retrieved"), (5, "how")]
