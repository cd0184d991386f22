"""The site in a real browser: sorting, filtering, languages, phone, keyboard, accessibility."""

import importlib.util
import json
import os
import shutil
from pathlib import Path

import pytest
import report_site

from analysis import paths
from analysis.country import geography, names
from analysis.facts import load_raw
from analysis.findings.brief import former_units, present_units
from analysis.readings import build_readings, store
from analysis.report.wording import say
from analysis.site.build import Executed, build
from analysis.site.front import search_index
from analysis.site.page import Stamp, brief_of, unit_label
from analysis.site.page import page as page_of

pytestmark = pytest.mark.xdist_group("site")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
PAGES = ("index.html", "01_readings.html", "02_coverage.html", "brief_83_ben_tre.html",
         "brief_merged_86_vinh_long.html", "provinces_63.html", "methods.html",
         "readings_83_ben_tre.html", "sources.html")  # fmt: skip
LANGUAGES = ("en", "vi")


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    return report_site.shared(tmp_path_factory)


@pytest.fixture(scope="session")
def browser():
    if not Path(CHROMIUM).is_file():
        pytest.skip("Chromium is missing: apt-get install chromium, or set CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        started = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser, reports):
    """Open a page of the site; every request that leaves the machine is refused and noted."""
    contexts = []

    def opened(name, width=1200):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.outside, page.complaints = [], []
        page.on("console", lambda said: page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda one: note(page, one.url))
        page.goto((reports / name).as_uri())
        return page

    def note(page, address):
        if not address.startswith(("file:", "data:")):
            page.outside.append(address)

    yield opened
    for context in contexts:
        context.close()


def shown(page, column=0):
    return page.eval_on_selector_all(
        "#table-provinces tbody tr:not([hidden])",
        f"rows => rows.map(row => row.cells[{column}].innerText)",
    )


def keys(page, column):
    return page.eval_on_selector_all(
        "#table-provinces tbody tr:not([hidden])",
        f"rows => rows.map(row => row.cells[{column}].dataset.value).filter(Boolean).map(Number)",
    )


def column(page, part):
    heads = page.eval_on_selector_all("#table-provinces th", "all => all.map(h => h.innerText)")
    return next(at for at, head in enumerate(heads) if part in head)


def test_the_table_opens_with_one_indicator_and_says_how_many_rows(open_page):
    page = open_page("en/index.html")
    assert len(shown(page)) == 34
    assert page.inner_text("#shown") == "34 provinces"
    assert page.complaints == []


def test_a_heading_sorts_numbers_down_and_then_up_and_says_so(open_page):
    page = open_page("en/index.html")
    at = column(page, "Chance")
    head = page.locator("#table-provinces th").nth(at)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert keys(page, at) == sorted(keys(page, at), reverse=True) and len(keys(page, at)) > 20
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert keys(page, at) == sorted(keys(page, at))


def test_names_sort_as_the_language_does_and_missing_values_stay_last(open_page):
    page = open_page("vi/index.html")
    page.locator("#table-provinces th button").first.click()
    names = shown(page)
    assert names[0] == "An Giang"
    assert names.index("Cần Thơ") < names.index("Đà Nẵng") < names.index("Gia Lai")
    at = column(page, "Số mới nhất")
    for _ in range(2):
        page.locator("#table-provinces th").nth(at).locator("button").click()
        assert shown(page, at)[-1] == ""


def test_filters_narrow_the_table_together(open_page):
    page = open_page("vi/index.html")
    page.fill("#filter-text", "ben tre")
    assert shown(page) == ["Vĩnh Long"], "found by the name of a part"
    page.fill("#filter-text", "")
    page.select_option("#filter-region", "R6")
    south = [one for one in geography.codes("province_34")
             if geography.region_of(one, "province_34") == "R6"]  # fmt: skip
    assert len(shown(page)) == len(south) > 3
    page.select_option("#filter-verdict", "no_target")
    assert 0 < len(shown(page)) < len(south)
    page.select_option("#filter-verdict", "")
    page.select_option("#filter-indicator", "ui_coverage")
    assert len(shown(page)) == len(south)
    assert page.inner_text("#shown") == f"{len(south)} tỉnh"


def test_the_address_of_a_filtered_table_leads_to_the_same_rows(open_page):
    page = open_page("vi/index.html")
    page.select_option("#filter-region", "R6")
    page.fill("#filter-text", "an giang")
    rows, address = shown(page), page.url
    assert rows == ["An Giang"] and "#provinces?" in address
    page.goto("about:blank")
    page.goto(address)
    assert shown(page) == rows
    assert page.input_value("#filter-text") == "an giang"


def test_the_search_forgives_marks_and_leads_from_an_old_name_to_the_new_province(open_page):
    page = open_page("vi/methods.html")
    page.fill("#find", "tra vinh")
    found = page.locator("#found li")
    assert found.count() > 0 and "Vĩnh Long" in found.first.inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/brief_merged_86_vinh_long.html")
    assert page.complaints == []


@pytest.mark.parametrize(
    ("word", "name", "also"),
    [("TP.HCM", "Ho Chi Minh City", ""), ("Sài Gòn", "Ho Chi Minh City", ""),
     ("BR-VT", "Ho Chi Minh City", "Ba Ria - Vung Tau"), ("Thừa Thiên-Huế", "Hue", ""),
     ("Vĩnh Long (cũ)", "Vinh Long", ""), ("tỉnh Đắc Lắc", "Dak Lak", "")],
)  # fmt: skip
def test_search_knows_the_spellings_that_lookups_know(
    open_page, reports, tmp_path, word, name, also
):
    """In the index of a report with the page of every unit, which the one of the tests is not."""
    units = [*present_units(), *former_units()]
    pages = [{"file": brief_of(*unit), "title": unit_label(*unit, "en")} for unit in units]
    shutil.copytree(reports, tmp_path / "site")
    index = json.dumps(search_index(pages, [], [], "en"))
    before = (reports / "assets/search_en.js").read_text("utf-8")
    rule = before[before.index("window.NAMES") :]
    script = f"window.SEARCH = {index};\n{rule}"
    (tmp_path / "site/assets/search_en.js").write_text(script, "utf-8")
    page = open_page(tmp_path / "site/en/index.html")
    page.fill("#find", word)
    said = page.locator("#found").inner_text()
    assert name in said and also in said
    assert page.complaints == []


def test_the_table_knows_another_spelling_of_a_unit_that_has_a_page(open_page):
    page = open_page("en/index.html")
    page.fill("#filter-text", "tỉnh Vĩnh-Long")
    assert shown(page) == ["Vinh Long"]


def test_the_key_of_a_name_is_the_same_in_page_and_package(open_page):
    page = open_page("en/index.html")
    words = [*geography.provinces()["name_vi"], *geography.merged()["name_en"], "TP HCM", "tp",
             "Thành phố Cần Thơ", "Vĩnh Long mới", "Hải Phòng city"]  # fmt: skip
    found = page.evaluate("words => words.map(window.keyOfName)", words)
    assert found == [names.key(names.without_age(word)[0]) for word in words]


@pytest.mark.parametrize(("due", "passed"), [("2025-12-31", True), ("2999-12-31", False)])
def test_the_line_on_outcomes_waits_for_the_due_date(open_page, reports, tmp_path, due, passed):
    """As long as no result has been read; then the stamp says it itself."""
    shutil.copytree(reports / "assets", tmp_path / "assets")
    stamp = Stamp("Forecast made on 31 December 2024.", due)
    text = page_of("en", "index.html", "Title", "<h1>Title</h1>", "front", "About", "", stamp)
    (tmp_path / "en").mkdir()
    (tmp_path / "en/index.html").write_text(text, "utf-8")
    line = open_page(tmp_path / "en/index.html").locator("[data-after]")
    assert line.get_attribute("data-after") == due
    assert line.text_content() == say("overview.stamp_past", "en")
    assert line.is_visible() == passed


def test_where_a_result_has_been_read_the_stamp_says_so_by_itself(open_page):
    page = open_page("en/index.html")
    assert page.locator("[data-after]").count() == 0
    assert say("overview.stamp_past", "en") in page.inner_text(".stamp")


def test_code_stays_folded_away_until_it_is_asked_for(open_page):
    page = open_page("en/02_coverage.html")
    code = page.locator("details.code").first
    assert not code.is_visible()
    page.locator(".code-switch").click()
    assert code.is_visible()
    assert page.locator("nav.contents a").count() > 2


def test_the_table_works_by_keyboard_alone(open_page):
    page = open_page("en/index.html")
    page.focus("#table-provinces th button")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#table-provinces th[aria-sort]").count() == 1
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    assert page.locator("#table-provinces th").first.get_attribute("aria-sort") == "ascending"


def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_page):
    page = open_page("en/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")


@pytest.mark.parametrize("name", PAGES)
def test_the_language_switch_leads_to_the_same_page_and_back(open_page, name):
    page = open_page(f"en/{name}")
    page.click("a.switch")
    assert page.url.endswith(f"/vi/{name}")
    assert page.get_attribute("html", "lang") == "vi"
    page.click("a.switch")
    assert page.url.endswith(f"/en/{name}")


def test_a_number_leads_to_its_reading_and_the_reading_to_its_source(open_page):
    page = open_page("en/brief_83_ben_tre.html")
    page.click(".card >> nth=0 >> dd a >> nth=0")
    assert "readings_83_ben_tre.html#hi_coverage.2023-12-31" in page.url
    row = page.locator(":target")
    assert "95.01%" in row.inner_text()
    row.locator("a", has_text="S328").click()
    source = page.locator(":target")
    assert source.inner_text().startswith("S328")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_every_page_whole_and_nothing_is_asked_for_outside(open_page, language, name):
    page = open_page(f"{language}/{name}", width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.outside == []
    assert page.complaints == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", report_site.BRIEFS)
def test_a_brief_prints_on_one_a4_page(open_page, language, code, tmp_path):
    from analysis.site.page import brief_file

    page = open_page(f"{language}/{brief_file(code)}")
    printed = tmp_path / "brief.pdf"
    page.pdf(path=printed, prefer_css_page_size=True)
    import pypdf

    assert len(pypdf.PdfReader(printed).pages) == 1


def test_without_javascript_the_whole_table_stands_there(browser, reports):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((reports / "en" / "index.html").as_uri())
    assert page.locator("#table-provinces tbody tr").count() == 34 * 3
    assert page.locator("#filters").is_hidden() and page.locator("form.find").is_hidden()
    assert page.locator("noscript").count() == 1
    context.close()


def judged(name, width):
    """The front page, the chapters and a brief at a desk in every run; others with slow tests."""
    quick = name in PAGES[:5] and width == 1200
    marks = () if quick else pytest.mark.slow
    return [pytest.param(one, name, width, marks=marks) for one in LANGUAGES]


def violations(page):
    """What axe finds on a page as it stands, with the first place of each fault."""
    package = importlib.util.find_spec("axe_playwright_python")
    if package is None:
        pytest.skip("axe is missing: pip install axe-playwright-python (it ships axe-core)")
    page.add_script_tag(path=Path(package.origin).parent / "axe.min.js")
    assert page.evaluate("axe.version")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:120]}" for one in found]


def unfold(page):
    """Open everything that is folded, and return how much that was."""
    if page.locator(".code-switch").count():
        page.locator(".code-switch").click()
    folded = page.locator("details:not([open])")
    number = folded.count()
    for _ in range(number):
        folded.first.locator("> summary").click()
    return number


@pytest.mark.parametrize(
    ("language", "name", "width"),
    [case for name in PAGES for width in (1200, 360) for case in judged(name, width)],
)
def test_axe_finds_no_violation(open_page, language, name, width):
    assert violations(open_page(f"{language}/{name}", width)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_no_violation_where_all_is_unfolded_and_chosen_on_a_phone(open_page, language):
    page = open_page(f"{language}/01_readings.html", 360)
    assert unfold(page) > 10
    before = page.inner_text(".count")
    page.select_option("select.unit", "province_63/79")
    page.select_option("select.indicator", index=1)
    assert page.inner_text(".count") != before
    assert violations(page) == []


@pytest.fixture(scope="session")
def explored(tmp_path_factory):
    """Make the page of the explorer alone; the English one from the outputs that are stored."""
    folder = tmp_path_factory.mktemp("explored")

    def made(language):
        stored = Executed("explore", {"language": "en"}, paths.NOTEBOOKS / "explore.ipynb")
        with report_site.settings(ANALYSIS_PROCESSED=str(folder), ANALYSIS_CACHE="off"):
            if language == "vi":
                store.write(build_readings(load_raw()), load_raw(), folder)
                stored = report_site.executed("explore", {"language": "vi"}, folder)
            build([stored], folder / "reports")
        return folder / "reports" / language / "explore.html"

    return made


@pytest.mark.parametrize("width", [1200, 360])
@pytest.mark.parametrize("language", ["en", pytest.param("vi", marks=pytest.mark.slow)])
def test_axe_finds_no_violation_in_the_explorer_nor_after_a_choice(
    browser, explored, language, width
):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(explored(language).as_uri())
    assert violations(page) == []
    page.select_option("select.unit", "province_63/38")
    page.select_option("select.indicator", "si_coverage")
    assert "Thanh H" in page.locator(".finding").inner_text()
    assert unfold(page) >= 2
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
