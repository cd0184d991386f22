"""The briefs and the report of the country as Word documents that an office can go on editing.

They set the content of the PDF (see :class:`analysis.site.pdf.Paper`), so every number is the same.
Titles are headings of Word, tables have header rows that repeat on every page, pictures have alt
text, and the language of the text is set, so that spelling is checked in the right one. The same
content gives the same bytes: the properties of a document carry the day of the forecast, and the
members of the file are sorted and dated alike.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from analysis.disk_cache import cached
from analysis.figures.style import WIDE
from analysis.report.wording import say
from analysis.site.pdf import Paper

#: The first day that a zip file can hold; members have no better date.
_ZIP_DAY = (1980, 1, 1, 0, 0, 0)
#: The font of official documents in Viet Nam; it has every Vietnamese letter.
_FONT = "Times New Roman"
_INK, _SOFT, _BLUE = RGBColor(0x1B, 0x1F, 0x24), RGBColor(0x56, 0x5F, 0x6B), RGBColor(0, 0x55, 0x8F)
_REGIONS = {"en": "en-GB", "vi": "vi-VN"}
_SIDE, _ABOVE = Mm(18), Mm(16)
_WIDE, _HIGH = Mm(210), Mm(297)
#: Heading styles, the plain ones, and those that Word itself wants to find.
_STYLES = {"Normal", "Heading1", "Heading2", "ListBullet", "Header", "Footer"}
_STYLES |= {"DefaultParagraphFont", "TableNormal", "NoList"}
_FINDING, _NOTE, _CELL = "Finding", "Note", "Cell"
#: A twentieth of a point, in which tables are measured, in the units of the library.
_TWENTIETH = 635
#: Letters of a column of text beyond which it rather breaks its lines.
_LONGEST_LINE = 28
#: Lines that a heading may take before it widens its column.
_HEAD_LINES = 3
#: Bold letters are wider.
_BOLD = 1.2
#: Rows of a table that stays on one page, together with its heading.
_SHORT = 12
#: The width of the text, and of a picture that fills it; a pixel of a drawing is a point.
_ROOM, _DRAWN = _WIDE - 2 * _SIDE, Pt(WIDE)
#: Most of a page's height that a picture may take, so that a heading stays with it.
_TALLEST = Mm(205)


def brief_docx(paper: Paper) -> bytes:
    """Return a brief as a Word document (see :func:`analysis.site.pdf.brief_paper`)."""
    return _set_brief(paper.content, paper.pictures)


def country_docx(paper: Paper) -> bytes:
    """Return the report of the country as a Word document; the table of provinces lies across.

    See :func:`analysis.site.pdf.country_paper`.
    """
    return _set_country(paper.content, paper.pictures)


@cached
def _set_brief(content: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    document = _opened(content)
    document.add_paragraph(content["opening"], _FINDING)
    if content["course"]:
        document.add_paragraph(content["course"])
    if content["cards"]:
        _add_cards(document, content["cards"], content["title"], content["language"])
    document.add_paragraph(content["note"], _NOTE)
    for section in content["sections"]:
        if not any(section[part] for part in ("text", "pictures", "table", "points", "sources")):
            continue  # a heading over nothing would read as something that got lost
        document.add_heading(section["heading"], 2)
        if section["text"]:
            document.add_paragraph(section["text"])
        for picture in section["pictures"]:
            _add_picture(document, picture, pictures)
        if section["table"] is not None:
            _add_table(document, section["table"], section["heading"])
        for point in section["points"]:
            document.add_paragraph(point, "List Bullet")
        for source in section["sources"]:
            _add_source(document, source)
    return _bytes(document)


@cached
def _set_country(content: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    document = _opened(content)
    for paragraph in content["opening"]:
        document.add_paragraph(paragraph)
    document.add_heading(content["against"]["heading"], 2)
    _add_picture(document, content["against"]["picture"], pictures)
    document.add_heading(content["words"]["heading"], 2)
    document.add_paragraph(content["words"]["text"])
    for point in content["words"]["points"]:
        document.add_paragraph(point, "List Bullet")
    document.add_heading(content["maps"]["heading"], 2)
    _add_picture(document, content["maps"]["merged"], pictures)
    for former in content["maps"]["former"]:
        document.add_heading(former["heading"], 2)
        _add_picture(document, former["picture"], pictures)
    across = document.add_section()
    across.orientation = WD_ORIENT.LANDSCAPE
    across.page_width, across.page_height = _HIGH, _WIDE
    document.add_heading(content["provinces"]["heading"], 2)
    _add_table(document, content["provinces"]["table"], content["provinces"]["heading"])
    return _bytes(document)


def _opened(content: Mapping[str, Any]) -> Document:
    """Return a document with properties, header, footer, title and the date of the forecast."""
    document = docx.Document(io.BytesIO(_template(content["language"])))
    core = document.core_properties
    core.title, core.author, core.last_modified_by = content["title"], content["author"], ""
    core.language, core.comments, core.keywords = _REGIONS[content["language"]], "", ""
    core.subject = content["stamp"]
    core.created = core.modified = dt.datetime.fromisoformat(content["day"])
    core.revision = 1
    page = document.sections[0]
    head = page.header.paragraphs[0]
    head.text = f"{content['head']} · {content['unofficial']} · "
    page.footer.paragraphs[0].text = content["stamp"]
    number = "<w:r><w:t>1</w:t></w:r>"
    head._p.append(parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr="PAGE">{number}</w:fldSimple>'))
    document.add_heading(content["title"], 1)
    document.add_paragraph(content["stamp"], _NOTE)
    return document


@cache
def _template(language: str) -> bytes:
    """Return an empty document with the page and the styles of the report.

    The library's own template has 160 styles that nothing here uses, a preview picture and a
    second copy of the styles for Word 2007: without them a document is a tenth of the size.
    """
    document = docx.Document()
    for part in (document.part, document.part.package):
        kept_out = ("stylesWithEffects", "thumbnail", "customXml")
        for key, related in list(part.rels.items()):
            if related.reltype.endswith(kept_out):
                del part.rels[key]
    styles = document.styles
    for style in list(styles):
        if style.style_id not in _STYLES:
            style.delete()
    for element in styles.element.findall(f".//{qn('w:link')}"):
        element.getparent().remove(element)
    for name in (_FINDING, _NOTE, _CELL):
        styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = styles["Normal"]
    defaults = styles.element.find(f"{qn('w:docDefaults')}//{qn('w:lang')}")
    defaults.set(qn("w:val"), _REGIONS[language])
    _style(styles["Normal"], 11, after=6)
    _style(styles["Heading 1"], 18, before=0, after=4, bold=True)
    _style(styles["Heading 2"], 13, before=12, after=4, bold=True)
    _style(styles["List Bullet"], 11, after=3)
    _style(styles[_FINDING], 12, after=8, bold=True)
    for name, size, after in ((_NOTE, 9.5, 6), ("Header", 8.5, 0), ("Footer", 8.5, 0)):
        _style(styles[name], size, after=after, colour=_SOFT)
    _style(styles[_CELL], 9, after=0)
    page = document.sections[0]
    page.page_width, page.page_height = _WIDE, _HIGH
    page.left_margin = page.right_margin = _SIDE
    page.top_margin = page.bottom_margin = _ABOVE
    page.header_distance = page.footer_distance = Mm(8)
    settings = document.settings.element
    settings.find(qn("w:zoom")).set(qn("w:percent"), "100")
    for mode in settings.iter(qn("w:compatSetting")):
        if mode.get(qn("w:name")) == "compatibilityMode":
            mode.set(qn("w:val"), "15")
    memory = io.BytesIO()
    document.save(memory)
    return memory.getvalue()


def _style(
    style: ParagraphStyle,
    size: float,
    before: float = 0,
    after: float = 0,
    bold: bool = False,
    colour: RGBColor = _INK,
) -> None:
    font, spacing = style.font, style.paragraph_format
    font.name, font.size, font.bold, font.color.rgb = _FONT, Pt(size), bold, colour
    fonts = style.element.rPr.rFonts
    for name in list(fonts.attrib):
        if name.endswith("Theme") or name.endswith("theme"):
            del fonts.attrib[name]
    for script in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(script), _FONT)
    spacing.space_before, spacing.space_after, spacing.line_spacing = Pt(before), Pt(after), 1.0


def _add_picture(
    document: Document, picture: Mapping[str, str], pictures: Mapping[str, bytes]
) -> None:
    """Add a picture with its alt text; all have one scale, so that their letters are alike."""
    shape = document.add_picture(io.BytesIO(pictures[picture["file"]]))
    shrink = min(_ROOM / max(shape.width, _DRAWN), _TALLEST / shape.height)
    shape.width, shape.height = round(shape.width * shrink), round(shape.height * shrink)
    properties = shape._inline.docPr
    properties.set("descr", picture["alt"])
    properties.set("name", picture["file"])


def _add_cards(
    document: Document, cards: Sequence[Mapping[str, Any]], title: str, language: str
) -> None:
    """Add the cards as one table: a column a rate, its name in the header row."""
    texts = [
        [
            (card["forecast"], '<w:b/><w:sz w:val="36"/>'),
            (card["when"], '<w:color w:val="565F6B"/>'),
            (card["pill"], "<w:b/>"),
            (say("brief.evidence_grade", language, dots=card["dots"]), ""),
            *[
                (text, look)
                for line in card["lines"]
                for text, look in ((line["label"], '<w:color w:val="565F6B"/>'), (line["text"], ""))
            ],
        ]
        for card in cards
    ]
    head = _row([_cell([(card["title"], "<w:b/>")]) for card in cards], header=True)
    body = _row([_cell(parts) for parts in texts])
    _append_table(document, [head, body], [1.0] * len(cards), title)


def _add_table(document: Document, table: Mapping[str, Any], title: str) -> None:
    """Add a table; the first column names the rows and is bold."""
    numeric, rows = table["numeric"], table["rows"]
    heads = [
        _cell([(head, "<w:b/>")], right=side)
        for head, side in zip(table["heads"], numeric, strict=True)
    ]
    made = [_row(heads, header=True)]
    for row in rows:
        cells = [
            _cell([(text, "" if at else "<w:b/>")], right=numeric[at])
            for at, text in enumerate(row)
        ]
        made.append(_row(cells))
    widths = [
        _letters(head, [row[at] for row in rows], numeric[at])
        for at, head in enumerate(table["heads"])
    ]
    _append_table(document, made, widths, title)


def _letters(head: str, cells: Sequence[str], numeric: bool) -> float:
    """Return how many letters wide a column has to be."""
    words: float = max((len(word) for text in cells for word in text.split()), default=1)
    words = max(words, *(_BOLD * len(word) for word in head.split()))
    longest = max((len(text) for text in cells), default=1)
    lines = len(head) / _HEAD_LINES
    return max(words, longest if numeric else min(longest, _LONGEST_LINE), lines, 4.0) + 2


def _cell(parts: Sequence[tuple[str, str]], right: bool = False) -> str:
    """Return a cell: a paragraph for each text, with the properties of its letters."""
    side = '<w:jc w:val="right"/>' if right else ""
    paragraphs = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{_CELL}"/>{side}</w:pPr><w:r><w:rPr>{look}</w:rPr>'
        f'<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
        for text, look in parts
    )
    return paragraphs


def _row(cells: Sequence[str], header: bool = False) -> tuple[bool, Sequence[str]]:
    return header, cells


def _append_table(
    document: Document,
    rows: Sequence[tuple[bool, Sequence[str]]],
    widths: Sequence[float],
    title: str,
) -> None:
    """Append a table as wide as the text; written as XML, since cell by cell takes seconds."""
    page = document.sections[-1].page_width or _WIDE
    room = (page - 2 * _SIDE) // _TWENTIETH
    columns = [round(room * width / sum(widths)) for width in widths]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in columns)
    lines = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="C9D0D7"/>'
        for side in ("top", "bottom", "insideH")
    )
    made = [_table_row(header, cells, columns) for header, cells in rows]
    if len(made) <= _SHORT:
        look = f'<w:pStyle w:val="{_CELL}"/>'
        made[:-1] = [row.replace(look, f"{look}<w:keepNext/>") for row in made[:-1]]
    body = "".join(made)
    margins = '<w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/>'
    xml = (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="5000" w:type="pct"/>'
        f"<w:tblBorders>{lines}</w:tblBorders><w:tblCellMar>{margins}</w:tblCellMar>"
        '<w:tblLook w:val="00A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" '
        'w:lastColumn="0" w:noHBand="0" w:noVBand="1"/>'
        f"<w:tblCaption w:val={quoteattr(title)}/></w:tblPr>"
        f"<w:tblGrid>{grid}</w:tblGrid>{body}</w:tbl>"
    )
    document.element.body.insert_element_before(parse_xml(xml), "w:sectPr")
    # Two tables that touch become one in Word, and a document may not end in a table.
    document.add_paragraph(style=_CELL)


def _table_row(header: bool, cells: Sequence[str], columns: Sequence[int]) -> str:
    kind = "<w:tblHeader/>" if header else ""
    shade = '<w:shd w:val="clear" w:color="auto" w:fill="EEF1F4"/>' if header else ""
    made = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{shade}</w:tcPr>{cell}</w:tc>'
        for cell, width in zip(cells, columns, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/>{kind}</w:trPr>{made}</w:tr>"


def _add_source(document: Document, source: Mapping[str, str]) -> None:
    """Add a source; its title leads to its address where it has one."""
    paragraph = document.add_paragraph(style=_NOTE)
    paragraph.add_run(source["id"]).bold = True
    published = f", {source['published']}" if source["published"] else ""
    paragraph.add_run(f" {source['publisher']}{published}: ")
    if source["url"]:
        _add_link(paragraph, source["title"], source["url"])
    else:
        paragraph.add_run(source["title"])


def _add_link(paragraph: Paragraph, text: str, address: str) -> None:
    key = paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    link = parse_xml(f'<w:hyperlink {nsdecls("w", "r")} r:id="{key}"/>')
    run = paragraph.add_run(text)
    run.font.color.rgb, run.font.underline = _BLUE, True
    link.append(run._r)
    paragraph._p.append(link)


def _bytes(document: Document) -> bytes:
    """Return a document as a file whose members are sorted and carry one date.

    Pictures are compressed already and are stored as they are.
    """
    memory, made = io.BytesIO(), io.BytesIO()
    document.save(memory)
    with zipfile.ZipFile(memory) as loose, zipfile.ZipFile(made, "w") as sorted_file:
        for name in sorted(loose.namelist()):
            member = zipfile.ZipInfo(name, _ZIP_DAY)
            member.create_system, member.external_attr = 0, 0
            stored = name.endswith(".png")
            member.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            sorted_file.writestr(member, loose.read(name))
    return made.getvalue()
