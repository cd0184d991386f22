"""Page, PDF, Word, workbook and CSV show the same numbers; paper is tagged and repeatable."""

import csv
import html
import io
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from dataclasses import replace

import docx
import openpyxl
import pandas as pd
import pymupdf
import pypdf
import pytest
import report_site
import synthetic_report
from docx.oxml.ns import qn

from analysis.findings.brief import Tables, brief, present_units
from analysis.report.describe import described
from analysis.report.results import Result
from analysis.report.wording import heading, say, write
from analysis.site import workbook as site_workbook
from analysis.site.page import brief_file
from analysis.site.pdf import brief_paper, brief_pdf
from analysis.site.word import brief_docx
from analysis.site.workbook import Sheet, number_format, people_format, workbook
from analysis.verdicts import NO_TARGET, NOT_ENOUGH_EVIDENCE

pytestmark = pytest.mark.xdist_group("site")
LANGUAGES = ("en", "vi")
UNKNOWN = (NO_TARGET, NOT_ENOUGH_EVIDENCE)
HOSTILE = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "<b>x</b>", "http://x.example"]


@pytest.fixture(scope="session")
def reports(tmp_path_factory):
    return report_site.shared(tmp_path_factory)


def cells(text, table):
    """The rows of a table of a page as plain texts."""
    body = re.search(rf'id="{table}">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)[1]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell))
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row)
        ]
        for row in rows
    ]


def cards(text):
    """The forecast, the verdict and the lines of each card of a page as plain texts."""
    found = re.findall(r'<section class="card".*?</section>', text, re.DOTALL)
    marks = r'<b[ >].*?</b>|<p class="pill.*?</p>|<dd.*?</dd>'
    return [
        [html.unescape(re.sub(r"<[^>]+>", "", one)) for one in re.findall(marks, card, re.DOTALL)]
        for card in found
    ]


def paper(path):
    """The text of a PDF without the spaces that line breaks leave."""
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    return re.sub(r"\s+", "", text)


def written(path):
    """The text of a Word document, tables included, without spaces."""
    body = docx.Document(path).element.body
    return re.sub(r"\s+", "", "".join(one.text or "" for one in body.iter(qn("w:t"))))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", report_site.BRIEFS)
def test_a_brief_says_the_same_on_page_paper_and_in_csv(reports, language, code):
    folder = reports / language
    page = cards((folder / brief_file(code)).read_text("utf-8"))
    stem = brief_file(code).removesuffix(".html")
    data = pd.read_csv(folder / "files" / f"{stem}_answer.csv", dtype={"indicator": str})
    text = paper(folder / brief_file(code, "pdf"))
    word = written(folder / brief_file(code, "docx"))
    rows = data.to_dict("records")
    assert len(page) == len(rows) == 3
    for card, row in zip(page, rows, strict=True):
        spec = "probability" if code == "00" else "chance"
        chance = write(row["p_meets_reported"], spec, language)
        assert card[0] == write(row["q50"], "percent1", language)
        assert card[1].endswith(chance) or pd.isna(row["p_meets_reported"])
        assert pd.isna(row["p_meets_reported"]) == (row["verdict"] in UNKNOWN)
    for card in page:
        assert len(card) > 3
        for cell in card:
            assert re.sub(r"\s+", "", cell) in text, cell
            assert re.sub(r"\s+", "", cell) in word, cell


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_of_provinces_is_the_same_on_page_in_csv_and_in_the_workbook(reports, language):
    folder = reports / language
    data = pd.read_csv(folder / "files" / "provinces.csv", dtype={"province_code": str})
    page = cells((folder / "index.html").read_text("utf-8"), "table-provinces")
    book = openpyxl.load_workbook(folder / "tables.xlsx")
    sheet = book[say("workbook.sheet_34", language)]
    heads = [cell.value for cell in sheet[4]]
    listed = [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(5, values_only=True)]
    units = present_units()
    today = [
        (one, code) in units
        for one, code in zip(data["geo_level"], data["province_code"], strict=True)
    ]
    assert len(data) == (34 + 52) * 3
    data = data[today]
    assert len(data) == len(page) == len(listed) == 34 * 3
    forecast = heading("q50", language, "overview")
    chance = heading("p_meets_reported", language, "overview")
    for row, shown, kept in zip(data.to_dict("records"), page, listed, strict=True):
        assert kept[forecast] == pytest.approx(row["q50"] / 100, abs=1e-9)
        assert write(100 * kept[forecast], "percent1", language) in shown
        if pd.notna(row["p_meets_reported"]):
            assert kept[chance] == pytest.approx(row["p_meets_reported"], abs=1e-9)
            assert write(kept[chance], "chance", language) in " ".join(shown)
        else:
            assert kept[chance] is None
    formats = {head: sheet.cell(5, at).number_format for at, head in enumerate(heads, start=1)}
    assert formats[forecast] == "0.0%" and formats[chance].endswith("0%")
    assert len(sheet.tables) == 1 and sheet.page_setup.orientation == "landscape"


def test_the_numbers_are_those_of_the_tables_of_the_chapters(reports):
    source = synthetic_report.forecasts()
    source = source[source["scale"] == "reported"]
    source = source.set_index(["geo_level", "province_code", "indicator"])["q50"]
    data = pd.read_csv(reports / "en" / "files" / "provinces.csv", dtype={"province_code": str})
    for row in data.to_dict("records"):
        assert row["q50"] == pytest.approx(
            source[row["geo_level"], row["province_code"], row["indicator"]], abs=6e-4
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_brief_is_one_a4_page_tagged_with_embedded_fonts_and_alt_text(reports, language):
    for code in report_site.BRIEFS:
        reader = pypdf.PdfReader(reports / language / brief_file(code, "pdf"))
        assert len(reader.pages) == 1, code
        width, height = (float(side) / 72 * 25.4 for side in reader.pages[0].mediabox[2:])
        assert (round(width), round(height)) == (210, 297)
        assert f"{reader.metadata.creation_date:%Y-%m-%d}" == synthetic_report.ORIGIN
        root = reader.trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"]
        assert root["/Lang"] == language
        fonts = reader.pages[0]["/Resources"]["/Font"].values()
        assert all(_embedded(font.get_object()) for font in fonts)
        alts = _alternatives(root["/StructTreeRoot"])
        assert len([alt for alt in alts if len(alt) > 40]) == 2


def _embedded(font):
    inner = font["/DescendantFonts"][0].get_object()
    return any(name.startswith("/FontFile") for name in inner["/FontDescriptor"].get_object())


def _alternatives(node, depth=0):
    node = node.get_object()
    found = [str(node["/Alt"])] if "/Alt" in node else []
    children = node.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        child = child.get_object() if hasattr(child, "get_object") else child
        if isinstance(child, dict) and depth < 40:
            found += _alternatives(child, depth + 1)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_of_the_country_fills_its_pages_and_gives_a_province_one_line(reports, language):
    with pymupdf.open(reports / language / "viet_nam.pdf") as report:
        pages = list(report)
        pictures = [[one["bbox"] for one in page.get_image_info()] for page in pages]
        assert [len(boxes) for boxes in pictures[:2]] == [2, 1]
        assert all(boxes == [] for boxes in pictures[2:]) and len(pages) <= 5
        for page, boxes in zip(pages[:2], pictures[:2], strict=True):
            assert max(box[3] for box in boxes) > 0.9 * page.rect.height
            assert all(box[0] > 0 and box[2] < page.rect.width for box in boxes)
            largest = max(boxes, key=lambda box: box[3] - box[1])
            assert largest[3] - largest[1] > 0.4 * page.rect.height
        lines = sum(len({round(word[3]) for word in page.get_text("words")}) for page in pages[2:])
    # 34 provinces and 52 former ones; on each page two lines of headings, the title and the foot.
    assert 86 < lines <= 86 + (len(pages) - 2) * 4


def test_no_brief_is_set_in_letters_too_small_to_read(reports):
    """Most letters of a brief are of the size that was chosen for its sheet."""
    briefs = sorted(reports.glob("*/brief_*.pdf"))
    assert briefs
    for file in briefs:
        letters: Counter[float] = Counter()
        with pymupdf.open(file) as document:
            for page in document:
                blocks = page.get_text("dict")["blocks"]
                lines = [line for block in blocks for line in block.get("lines", [])]
                for span in (span for line in lines for span in line["spans"]):
                    letters[round(span["size"], 1)] += len(span["text"])
        assert letters.most_common(1)[0][0] >= 6.2, file.name


def test_a_brief_with_much_to_admit_still_fits_on_one_page(reports, monkeypatch):
    monkeypatch.setenv("ANALYSIS_CACHE", "off")
    monkeypatch.setenv("ANALYSIS_PROCESSED", str(reports.parent / "processed"))
    monkeypatch.setenv("ANALYSIS_RAW", str(reports.parent / "raw"))
    tables = Tables.read()
    plain = brief("83", tables)
    long = replace(plain, unknown=replace(plain.unknown, phrases=[*plain.unknown.phrases] * 3))
    pictures = {
        name: ((reports / "en" / "files" / f"brief_83_ben_tre_{name}.png").read_bytes(), "alt")
        for name in ("forecast", "place")
    }
    made = pypdf.PdfReader(io.BytesIO(brief_pdf(brief_paper(long, tables, pictures, "en"))))
    assert len(made.pages) == 1
    assert made.pages[0].extract_text().count("became the new Vinh Long") == 3


NAMESPACES = {"w": qn("w:t")[1:].split("}")[0]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_of_the_country_in_word_has_the_rates_of_the_workbook(reports, language):
    folder = reports / language
    table = docx.Document(folder / "viet_nam.docx").tables[-1]._tbl
    word = [
        [
            "".join(one.text or "" for one in cell.iter(qn("w:t")))
            for cell in row.iterfind("w:tc", NAMESPACES)
        ]
        for row in table.iterfind("w:tr", NAMESPACES)
    ]
    data = pd.read_csv(folder / "files" / "provinces.csv", dtype={"province_code": str})
    data = data[data["indicator"] == "hi_coverage"]
    assert len(word) == 1 + len(data) == 1 + 34 + 52
    text = paper(folder / "viet_nam.pdf")
    book = openpyxl.load_workbook(folder / "tables.xlsx", read_only=True)
    rates = {
        code: rate
        for name in ("34", "63")
        for code, rate in _rates(book[say(f"workbook.sheet_{name}", language)], language)
    }
    assert len(rates) == len(data)
    for cells, row in zip(word[1:], data.to_dict("records"), strict=True):
        forecast = write(row["q50"], "percent1", language)
        assert forecast in cells
        key = (row["geo_level"], row["province_code"])
        assert write(100 * rates[key], "percent1", language) == forecast
        assert all(re.sub(r"\s+", "", cell) in text for cell in cells)


def _rates(sheet, language):
    """The unit and the forecast of health insurance of each row of a sheet of forecasts."""
    heads, *rows = sheet.iter_rows(4, values_only=True)
    names = ("geo_level", "province_code", "q50", "indicator")
    level, code, rate, what = (heads.index(heading(one, language, "overview")) for one in names)
    # Health insurance comes first.
    return [((row[level], row[code]), row[rate]) for row in rows if row[what] == rows[0][what]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_word_has_headings_header_rows_alt_text_language_and_the_date_of_the_forecast(
    reports, language
):
    stamp = {"en": "Forecast made on 31 December 2024", "vi": "Dự báo lập ngày 31/12/2024"}
    names = [*(brief_file(code, "docx") for code in report_site.BRIEFS), "viet_nam.docx"]
    for name in names:
        document = docx.Document(reports / language / name)
        levels = [one.style.name for one in document.paragraphs if "Heading" in one.style.name]
        assert levels[0] == "Heading 1" and levels.count("Heading 1") == 1 and len(levels) > 4
        assert document.paragraphs[1].text.startswith(stamp[language])
        assert document.sections[0].footer.paragraphs[0].text.startswith(stamp[language])
        assert document.tables
        for table in document.tables:
            marked = [row.find(".//w:tblHeader", NAMESPACES) for row in table._tbl.tr_lst]
            assert marked[0] is not None and all(one is None for one in marked[1:])
            assert table._tbl.tblPr.find("w:tblCaption", NAMESPACES) is not None
        pictures = [shape._inline.docPr for shape in document.inline_shapes]
        assert len(pictures) == (3 if name == "viet_nam.docx" else 2)
        assert all(len(one.get("descr")) > 40 for one in pictures)
        marked = document.styles.element.find(".//w:rPrDefault//w:lang", NAMESPACES)
        assert marked.get(qn("w:val")).startswith(language)
        assert document.core_properties.title == document.paragraphs[0].text
        assert f"{document.core_properties.created:%Y-%m-%d}" == synthetic_report.ORIGIN


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_word_documents_and_prints_the_same_text(reports, tmp_path):
    given = [reports / "vi" / name for name in ("brief_83_ben_tre.docx", "viet_nam.docx")]
    home = f"-env:UserInstallation=file://{tmp_path / 'home'}"
    command = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, *map(str, given)], check=True, timeout=300, capture_output=True)
    for path in given:
        cells = docx.Document(path).tables[-1]._tbl.iter(qn("w:t"))
        printed = paper(tmp_path / f"{path.stem}.pdf")
        found = [re.sub(r"\s+", "", cell.text or "") for cell in cells]
        assert len(found) > 10 and all(cell in printed for cell in found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_paper_asks_nobody_to_click(reports, language):
    asks = {"en": "click", "vi": "bấm"}[language]
    for name in ("brief_83_ben_tre", "viet_nam"):
        assert asks not in paper(reports / language / f"{name}.pdf").lower()
        assert asks not in written(reports / language / f"{name}.docx").lower()
    assert asks in (reports / language / "index.html").read_text("utf-8").lower()


def test_vietnamese_letters_survive_on_paper(reports):
    text = paper(reports / "vi" / "brief_83_ben_tre.pdf")
    assert "BếnTre" in text
    assert "Cầnthêmmỗitháng" in text
    assert "95,01%" in text and "\u202f" not in text


def test_paper_and_workbook_are_the_same_bytes_each_time(reports, monkeypatch):
    monkeypatch.setenv("ANALYSIS_CACHE", "off")
    monkeypatch.setenv("ANALYSIS_PROCESSED", str(reports.parent / "processed"))
    monkeypatch.setenv("ANALYSIS_RAW", str(reports.parent / "raw"))
    tables = Tables.read()
    folder = reports / "vi"
    pictures = {
        name: ((folder / "files" / f"brief_83_ben_tre_{name}.png").read_bytes(), "alt " * 20)
        for name in ("forecast", "place")
    }
    papers = [brief_paper(brief("83", tables), tables, pictures, "vi") for _ in range(2)]
    first, second = (brief_pdf(paper) for paper in papers)
    assert first == second
    first, second = (brief_docx(paper) for paper in papers)
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as members:
        assert members.namelist() == sorted(members.namelist())
        assert {one.date_time[0] for one in members.infolist()} == {1980}
    assert book(hostile()) == book(hostile())


def hostile():
    table = pd.DataFrame(
        {
            "title": HOSTILE,
            "value": [95.0123, None, 1.0, 2.0, 3.0, 4.0, 5.0],
            "as_of": pd.to_datetime(["2023-12-31"] * 7),
            "p": [0.5] * 7,
        }
    )
    formats = {"value": "percent1", "as_of": "date", "p": "probability"}
    return Result("hostile", table, formats=formats)


def book(result):
    return workbook([Sheet("hostile", "=title", result, plain=True)], "en")


def test_the_workbook_has_contents_frozen_heads_typed_cells_and_no_formula():
    content = book(hostile())
    loaded = openpyxl.load_workbook(io.BytesIO(content))
    assert loaded.sheetnames == ["Read first", "Columns", "hostile"]
    contents, sheet = loaded["Read first"], loaded["hostile"]
    assert contents["A5"].value == "hostile" and contents["C5"].value == 7
    assert contents["A5"].hyperlink.location == "'hostile'!A1"
    assert sheet.freeze_panes == "B5"
    assert [cell.value for cell in sheet[4]] == ["title", "value", "as_of", "p"]
    assert [sheet.cell(row, 1).value for row in range(5, 12)] == HOSTILE
    assert all(sheet.cell(row, 1).data_type == "s" for row in range(5, 12))
    assert sheet["B5"].value == 95.012 and sheet["B5"].number_format == "0.0"
    assert sheet["B6"].value is None
    assert sheet["C5"].is_date and sheet["C5"].number_format == "yyyy-mm-dd"
    assert sheet["D5"].number_format == "0%"
    for name in zipfile.ZipFile(io.BytesIO(content)).namelist():
        assert b"<f>" not in zipfile.ZipFile(io.BytesIO(content)).read(name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_has_title_note_units_and_columns_in_the_language(reports, language):
    book = openpyxl.load_workbook(reports / language / "tables.xlsx", read_only=True)
    contents, columns, *names = book.sheetnames
    assert contents == say("workbook.contents", language)
    rows = list(book[columns].iter_rows(4, values_only=True))
    told = {(sheet, column): (unit, meaning) for sheet, column, unit, meaning in rows}
    assert f"{book.properties.created:%Y-%m-%d}" == synthetic_report.ORIGIN
    people = [say(f"workbook.sheet_{one}", language) for one in ("34", "63", "country")]
    assert names[:3] == people and names[3:5] == ["readings", "targets"]
    for name in people:
        assert book[name]["A2"].value.startswith(
            {"en": "Forecast made on", "vi": "Dự báo lập"}[language]
        )
    plain = names[3:]
    assert len(plain) >= 4
    for name in plain:
        what = described(name, language)
        title, note, units, heads = (
            list(row) for row in book[name].iter_rows(1, 4, values_only=True)
        )
        assert title[0] == say("workbook.table", language, name=name, title=what.title)
        assert note[0] == what.description
        for head, unit in zip(heads, units, strict=True):
            assert (unit or "") == what.units.get(head, "")
            assert told[name, head] == (unit, what.fields[head])


def test_a_table_of_the_chapters_carries_its_description_and_units(reports):
    sheet = openpyxl.load_workbook(reports / "en" / "tables.xlsx", read_only=True)["targets"]
    title, note, units, heads = (list(row) for row in sheet.iter_rows(1, 4, values_only=True))
    assert title[0] == "Table targets: Targets"
    assert note[0].startswith("Targets for coverage, participants and late payment")
    assert units[heads.index("value")] == "unit of the indicator"


def test_a_sheet_of_forecasts_shows_seven_percentiles_and_says_where_all_are():
    percentiles = [f"q0.{percent:02}" for percent in range(1, 100)]
    table = pd.DataFrame([[*range(1, 100)]], columns=percentiles).assign(crps=1.5)
    sheet = site_workbook._sheet("validation_forecasts", table, "en")
    shown = ["q0.05", "q0.10", "q0.25", "q0.50", "q0.75", "q0.90", "q0.95", "crps"]
    assert list(sheet.result.table.columns) == list(sheet.fields) == shown
    assert sheet.note.endswith("all 99 are in data/processed/validation_forecasts.csv.")


def test_csv_keeps_formulas_from_spreadsheets():
    rows = list(csv.reader(io.StringIO(hostile().csv())))
    assert all(row[0][0] not in "=+-@\t" for row in rows[1:])


@pytest.mark.parametrize("names", [["a", "A"], ["x" * 32], ["a/b"], [""]])
def test_sheet_names_that_spreadsheets_refuse_are_refused(names):
    with pytest.raises(ValueError, match="sheet"):
        workbook([Sheet(name, "t", hostile()) for name in names], "en")


@pytest.mark.parametrize(
    ("spec", "code"),
    [("percent1", "0.0"), ("printed", "0.0#"), ("share0", "0%"), ("probability", "0%"),
     ("rounded", "#,##0"),
     ("signed1", "+0.0;-0.0;0"), ("text", "General")],
)  # fmt: skip
def test_number_formats(spec, code):
    assert number_format(spec) == code


@pytest.mark.parametrize(
    ("spec", "code"),
    [("percent1", "0.0%"), ("printed", "0.0#%"), ("goal", "0.0#%"), ("short_date", "dd/mm/yyyy"),
     ("chance", '[<0.05]"<5%";[>0.95]">95%";0%'), ("rounded", "#,##0")],
)  # fmt: skip
def test_sheets_for_people_hold_percentages_and_days_as_they_are_written(spec, code):
    assert people_format(spec) == code
