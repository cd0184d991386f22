"""The site: every link resolves, texts are escaped, pages are light and ask nobody for anything."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pandas as pd
import pytest
import report_site

from analysis import paths
from analysis.country import geography
from analysis.findings.brief import former_units, present_units
from analysis.site import front
from analysis.site.build import Executed, build, in_region
from analysis.site.notebook import Body
from analysis.site.page import safe_address, slug, stamp_of_round
from analysis.validation import selection

pytestmark = pytest.mark.xdist_group("site")


class Page(HTMLParser):
    """The links, anchors, pictures and outside addresses of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.links, self.anchors, self.loaded = path, [], [], []
        self.pictures, self.headings = [], []
        self.language = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.anchors.append(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in {"link", "script", "img", "iframe", "source", "video", "audio", "object"}:
            self.loaded += [values[name] for name in ("href", "src", "data") if values.get(name)]
        if tag == "img":
            self.pictures.append(values)
        if tag == "html":
            self.language = values.get("lang", "")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    return report_site.shared(tmp_path_factory)


@pytest.fixture(scope="session")
def pages(reports):
    return {path.relative_to(reports): Page(path) for path in sorted(reports.rglob("*.html"))}


def test_the_first_page_offers_both_languages(pages):
    links = pages[Path("index.html")].links
    assert "vi/index.html" in links
    assert "en/index.html" in links


def test_every_link_resolves_to_a_file_and_every_anchor_to_a_place(reports, pages):
    broken = []
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"https?://", link):
                continue
            file, anchor = urldefrag(unquote(link))
            target = (page.path.parent / file).resolve() if file else page.path
            known = pages.get(target.relative_to(reports)) if target.is_file() else None
            if not target.is_file() or (anchor and anchor not in known.anchors):
                broken.append((str(name), link))
    assert broken == []
    assert sum(len(page.links) for page in pages.values()) > 3000


def test_every_page_has_its_twin_in_the_other_language(pages):
    english = {path.name for path in pages if path.parts[0] == "en"}
    vietnamese = {path.name for path in pages if path.parts[0] == "vi"}
    assert english == vietnamese
    for path, page in pages.items():
        if path.parts[0] in ("en", "vi"):
            other = {"en": "vi", "vi": "en"}[path.parts[0]]
            assert f"../{other}/{path.name}" in page.links
            assert page.language == path.parts[0]


def test_the_switch_leads_to_the_front_page_where_the_other_language_failed(
    reports, tmp_path, monkeypatch
):
    monkeypatch.setenv("ANALYSIS_CACHE", "off")
    monkeypatch.setenv("ANALYSIS_PROCESSED", str(tmp_path))
    runs = [
        Executed("02_coverage", {"language": language}, notebook)
        for language in ("en", "vi")
        for notebook in (reports.parent / "executed").glob(f"02_coverage_{language}.ipynb")
    ]
    build(runs[:1], tmp_path / "reports")
    text = (tmp_path / "reports/en/02_coverage.html").read_text("utf-8")
    assert 'class="switch" href="../vi/index.html"' in text
    assert (tmp_path / "reports/vi/index.html").is_file()
    assert not (tmp_path / "reports/vi/02_coverage.html").exists()
    build(runs, tmp_path / "reports")
    text = (tmp_path / "reports/en/02_coverage.html").read_text("utf-8")
    assert 'class="switch" href="../vi/02_coverage.html"' in text


def test_no_page_loads_anything_from_elsewhere(reports, pages):
    for page in pages.values():
        assert [x for x in page.loaded if re.match(r"(https?:)?//", x)] == []
    for asset in (reports / "assets").iterdir():
        text = asset.read_text("utf-8")
        assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest", text)


def _without_drawings(text):
    return re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL)


def test_pages_are_light_without_their_figures(pages):
    texts = {str(name): p.path.read_text("utf-8") for name, p in pages.items()}
    sizes = {name: len(_without_drawings(text).encode()) for name, text in texts.items()}
    assert {name: size for name, size in sizes.items() if size > 150_000} == {}
    assert all("data:image" not in p.path.read_text("utf-8") for p in pages.values())


def test_every_picture_has_alt_text_a_size_and_data_beside_it(reports, pages):
    pictures = [(page, p) for page in pages.values() for p in page.pictures]
    assert len(pictures) > 15
    for page, picture in pictures:
        assert len(picture["alt"]) > 40
        assert int(picture["width"]) > 200 and int(picture["height"]) > 50
        assert (page.path.parent / picture["src"]).with_suffix(".csv").is_file()


def test_csv_files_for_people_say_their_encoding(reports):
    files = sorted(reports.rglob("files/*.csv"))
    assert files and all(file.read_bytes().startswith(b"\xef\xbb\xbf") for file in files)


def test_headings_start_at_one_and_skip_no_level(pages):
    for name, page in pages.items():
        assert page.headings[0] == 1 and page.headings.count(1) == 1, name
        assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False)), name


def test_anchors_are_unique_on_a_page(pages):
    for name, page in pages.items():
        twice = {one for one in page.anchors if page.anchors.count(one) > 1}
        assert twice == set(), name


def test_hostile_text_reaches_no_page_alive(reports, pages):
    seen = 0
    for page in pages.values():
        text = page.path.read_text("utf-8")
        assert "<script>alert" not in text
        assert not any(link.lower().startswith("javascript:") for link in page.links)
        seen += "&lt;script&gt;alert(" in text
    assert seen >= 4, "the hostile source should be listed, escaped"


def test_a_province_without_readings_gets_an_honest_brief(reports):
    text = (reports / "en" / "brief_02_ha_giang.html").read_text("utf-8")
    assert "No published figure on the health insurance coverage of Ha Giang was found" in text
    assert "they come from the Northern Midlands and Mountains region" in text
    assert "not enough evidence" in text


@pytest.mark.parametrize(("language", "within"), [("en", "Since July 2025 part of"),
                                                  ("vi", "Từ tháng 7/2025 thuộc")])  # fmt: skip
def test_the_brief_of_a_former_province_leads_to_that_of_today_under_its_title(
    reports, language, within
):
    text = (reports / language / "brief_83_ben_tre.html").read_text("utf-8")
    below = text.split("</h1>")[1].lstrip()
    assert below.startswith(f'<p>{within} <a href="brief_merged_86_vinh_long.html">')


def test_every_page_says_when_the_forecast_was_made(pages):
    said = {"en": "Forecast made on 31 December 2024", "vi": "Dự báo lập ngày 31/12/2024"}
    for name, page in pages.items():
        text = page.path.read_text("utf-8")
        for language in [name.parts[0]] if len(name.parts) > 1 else ["en", "vi"]:
            body = text.split("<body", 1)[1]
            assert said[language] in body, name
        described = re.search(r'<meta name="description" content="([^"]*)"', text)[1]
        assert said[name.parts[0] if len(name.parts) > 1 else "vi"] in described, name


def test_every_table_has_a_caption_and_every_data_file_its_mark(reports, pages):
    for name, page in pages.items():
        text = page.path.read_text("utf-8")
        for table in re.findall(r"<table[^>]*>\s*(<[a-z]+)", text):
            assert table == "<caption", name
    files = list(reports.rglob("*.csv"))
    assert len(files) > 20
    assert all(path.read_bytes().startswith(b"\xef\xbb\xbf") for path in files)


def test_a_former_name_is_never_shown_as_one_of_today(pages, reports):
    former = (reports / "vi" / "provinces_63.html").read_text("utf-8")
    assert "An Giang (cũ)" in former and ">An Giang<" not in former
    front = pages[Path("vi/index.html")].path.read_text("utf-8")
    assert "(cũ)" not in front.split('id="table-provinces"')[1].split("</table>")[0]


@pytest.mark.parametrize("units", [present_units(), former_units()])
def test_going_from_brief_to_brief_visits_every_province_of_a_region_once(units):
    firsts = [one for one in units if not in_region(*one)[0]]
    assert len(firsts) == len({geography.region_of(code, level) for level, code in units}) > 4
    visited = []
    for unit in firsts:
        while unit:
            visited.append(unit)
            before, after = in_region(*unit)
            assert not before or in_region(*before[-1])[1][0] == unit
            unit = after[0] if after else None
    assert sorted(visited) == sorted(units)
    assert in_region("country", "00") == ([], [])


def test_names_cannot_leave_their_folder_and_addresses_are_web_addresses():
    assert slug("../../etc/passwd") == "etc_passwd"
    assert slug("Đắk Lắk") == "dak_lak"
    with pytest.raises(ValueError, match="cannot name a file"):
        slug("../..")
    assert safe_address("javascript:alert(1)") == ""
    assert safe_address("data:text/html,x") == ""
    assert safe_address("https://baohiemxahoi.gov.vn/a?b=1") != ""


def test_a_page_of_another_round_carries_its_own_date(monkeypatch):
    days = pd.to_datetime(["2025-05-31", "2025-12-31", "2026-03-31", "2026-12-31"])
    rates = ["hi_coverage", "si_coverage", "ui_coverage", "late_payment_rate"]
    table = pd.DataFrame({"as_of": days, "indicator": rates})
    monkeypatch.setattr(paths, "read_processed", lambda *_, **__: table)
    past, ahead = (stamp_of_round(name, "en") for name in ("2025", "2026b"))
    assert "30 June 2025" in past.text and "31 May 2025" in past.text and past.due == ""
    assert "has passed" in past.text
    assert "31 March 2026" in ahead.text and "has passed" not in ahead.text
    assert ahead.due == "2026-12-31"


@pytest.mark.parametrize("language", ["en", "vi"])
def test_one_map_shows_at_a_time_and_the_choice_needs_no_script(pages, reports, language):
    front = (reports / language / "index.html").read_text("utf-8")
    choice = re.search(r'<fieldset class="tabs">.*?</fieldset>', front, re.S)[0]
    assert "<legend" in choice and "onclick" not in choice
    inputs = re.findall(r'<input type="radio" name="map" id="(map-[\w]+)"( checked)?>', choice)
    assert inputs == [("map-province_34", " checked"), ("map-province_63", "")]
    assert re.findall(r'<label for="([\w-]+)">', choice) == [name for name, _ in inputs]
    style = (reports / "assets" / "style.css").read_text("utf-8")
    today, former = re.split(r'(?=<div class="tab" id="tab-province_63">)', choice)
    for tab in ("province_34", "province_63"):
        assert f"#map-{tab}:checked ~ #tab-{tab}" in style
    # The tiles of the map in the page lead to the briefs that there are.
    assert "<svg" in today and re.search(r'<a href="brief_merged_86_\w+.html"', today)
    # The other map is a file: it is read when it is asked for and weighs nothing until then.
    assert "<svg" not in former and 'loading="lazy"' in former


def test_the_front_page_draws_reports_around_targets_from_the_table_of_chapter_06(monkeypatch):
    gaps = list(selection.GAP_NAMES)
    counts = pd.DataFrame({"group": gaps, "measure": "readings", "value": [1, 0, 2, 7, 4, 5]})
    shares = pd.DataFrame(
        {"group": ["all", "all", "near"], "measure": ["share_met", "median_gap", "just_above"],
         "value": [0.8, 0.1, 0.9], "n": [19, 19, 9], "low": 0.5, "high": 1.0}
    )  # fmt: skip
    table = pd.concat([counts, shares]).assign(question="heaping", indicator="hi_coverage")
    monkeypatch.setattr(front.paths, "read_processed", lambda name: {"selection": table}[name])
    made = Body("", "")
    shown = front._reports_at_targets("vi", made)
    assert 'loading="lazy"' in shown and shown.count("<figure") == 1
    (drawing,) = (text for name, text in made.files.items() if name.endswith("coverage.svg"))
    assert f'src="{next(name for name in made.files if name.endswith("coverage.svg"))}"' in shown
    assert "16" in drawing.decode("utf-8") and "19" in drawing.decode("utf-8")

    def absent(name):
        raise front.paths.MissingTable(name)

    monkeypatch.setattr(front.paths, "read_processed", absent)
    assert front._reports_at_targets("vi", Body("", "")) == ""
