"""An executed notebook becomes the body of a page, its figures and data become files beside it."""

from __future__ import annotations

import base64
import html
import re
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import latex2mathml.converter
import nbformat
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from analysis.disk_cache import cached
from analysis.figures.style import NARROW, SHARP
from analysis.report.results import CSV_TYPE
from analysis.report.wording import say
from analysis.site.page import TEMPLATES, evidence_link, slug

_EVIDENCE = re.compile(r'<(td|dd|b)([^>]*?) data-evidence="([^"]+)">(.*?)</\1>', re.DOTALL)
_HEADING = re.compile(r"<(h[23])( id=\"[^\"]*\")?>(.*?)</\1>", re.DOTALL)
_LONG_TABLE = re.compile(
    r'<div class="table"[^>]*>(?:(?!</div>).)*?<tbody>(.*?)</tbody></table></div>', re.DOTALL
)
_REGION = re.compile(r'<div [^>]*class="table"[^>]*>\s*(<table[^>]*>)(?!\s*<caption)', re.DOTALL)
#: Tables of more rows are folded in a chapter.
_ROWS = 12
#: The second layout of a figure, for phones; the first is image/svg+xml.
_NARROW = "application/vnd.analysis.narrow+svg"
_FRAME = re.compile(r'(<table border="1" class="dataframe">.*?</table>)', re.DOTALL)
_SCRIPT = re.compile(r'<script data-file="([a-z_]+)">(.*?)</script>', re.DOTALL)
_H1 = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")


@dataclass
class Body:
    """The body of a page, the files beside it, by path, and its headings: anchor and text."""

    title: str
    html: str
    files: dict[str, bytes] = field(default_factory=dict)
    contents: list[tuple[str, str]] = field(default_factory=list)


@cached
def body(notebook: NotebookNode, stem: str, language: str, code: bool, title: str = "") -> Body:
    """Turn an executed notebook into the body of a page.

    Args:
        notebook: the executed notebook; it is not changed.
        stem: name of the page, which starts the names of its files.
        language: ``en`` or ``vi``.
        code: whether the page keeps the code, folded.
        title: replaces the title of the notebook, as a brief carries the name of its province.
    """
    copy = nbformat.from_dict(notebook)
    made = Body(title, "")
    copy.cells = [_cell(cell, stem, language, made.files) for cell in copy.cells]
    exporter = _exporter(code)
    text, _ = exporter.from_notebook_node(copy, resources={"code_word": say("site.code", language)})
    text = _FRAME.sub(r'<div class="table" tabindex="0" role="region">\1</div>', text)
    text, made.contents = _anchored(text)
    made.html = _folded(_captioned(text), language) if code else _captioned(text)
    heads = _H1.findall(made.html)
    if title:
        made.html = _H1.sub(f"<h1>{html.escape(title)}</h1>", made.html, count=1)
    elif heads:
        made.title = html.unescape(_TAGS.sub("", heads[0])).strip()
    return made


@cache
def _exporter(code: bool) -> HTMLExporter:
    exporter = HTMLExporter(
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="chapter",
        exclude_input=not code,
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    for address in ("mathjax_url", "require_js_url", "mermaid_js_url"):
        setattr(exporter, address, "")
    return exporter


def _cell(cell: NotebookNode, stem: str, language: str, files: dict[str, bytes]) -> NotebookNode:
    if cell.cell_type == "code":
        cell.execution_count = None
        shown = [output for output in cell.outputs if not _names_only(output)]
        cell.outputs = [_output(output, stem, language, files) for output in shown]
    return cell


def _names_only(output: NotebookNode) -> bool:
    """Whether an output is plain text: the names of the tables that a chapter has written."""
    return set(output.get("data", {})) == {"text/plain"}


def _output(
    output: NotebookNode, stem: str, language: str, files: dict[str, bytes]
) -> NotebookNode:
    """Move the data and the picture of an output into files, and link its numbers."""
    data, meta = output.get("data"), output.get("metadata", {})
    if data is None:
        return output
    name = slug(meta.get(CSV_TYPE, {}).get("name", "table"))
    link = ""
    if CSV_TYPE in data:
        path = f"files/{stem}_{name}.csv"
        files[path] = csv_bytes(data.pop(CSV_TYPE))
        link = data_link(path, name, language)
    if "image/png" in data and "alt" in meta.get("image/png", {}):
        data["text/html"] = _figure(data, meta["image/png"], stem, name, language, files)
    elif "text/html" in data:
        data["text/html"] = linked(_scripts_apart(data["text/html"], stem, files)) + (
            f'<p class="files">{link}</p>' if link else ""
        )
    return output


def _anchored(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Give every heading below the first an anchor of its own; return the second ones too."""
    seen: set[str] = set()
    contents = []

    def anchor(match: re.Match[str]) -> str:
        tag, known, inner = match[1], match[2], match[3]
        plain = html.unescape(_TAGS.sub("", inner)).strip()
        name = known[5:-1] if known else _unused(slug(plain), seen)
        seen.add(name)
        if tag == "h2":
            contents.append((name, plain))
        return f'<{tag} id="{name}">{inner}</{tag}>'

    return _HEADING.sub(anchor, text), contents


def _unused(name: str, seen: set[str]) -> str:
    # No number at the end alone: "2" could be the anchor of a reading elsewhere on the page.
    names = [name, *(f"{name}-{more}" for more in range(2, 100))]
    return next(one for one in names if one not in seen)


def _captioned(text: str) -> str:
    """Name each table after the heading that it stands under, for those who cannot see it."""
    parts = re.split(r"(<h[1-3][^>]*>.*?</h[1-3]>)", text, flags=re.DOTALL)
    title, made = "", []
    used: Counter[str] = Counter()

    def region(match: re.Match[str]) -> str:
        used[title] += 1
        name = title if used[title] == 1 else f"{title} ({used[title]})"
        head = f'<div class="table" tabindex="0" role="region" aria-label="{name}">'
        return f'{head}{match[1]}<caption class="unseen">{name}</caption>'

    for part in parts:
        if re.match(r"<h[1-3][ >]", part):
            title = html.escape(html.unescape(_TAGS.sub("", part)).strip())
        else:
            part = _REGION.sub(region, part)
        made.append(part)
    return "".join(made)


def _folded(text: str, language: str) -> str:
    """Fold tables of many rows behind a line that says how many."""

    def fold(match: re.Match[str]) -> str:
        rows = match[1].count("<tr")
        if rows <= _ROWS:
            return match[0]
        line = html.escape(say("site.rows_folded", language, n=rows))
        return f'<details class="long"><summary>{line}</summary>{match[0]}</details>'

    return _LONG_TABLE.sub(fold, text)


def _scripts_apart(text: str, stem: str, files: dict[str, bytes]) -> str:
    """Move scripts that carry a name into files, so that the page itself stays light."""

    def apart(match: re.Match[str]) -> str:
        path = f"files/{stem}_{match[1]}.js"
        files[path] = match[2].encode("utf-8")
        return f'<script src="{path}"></script>'

    return _SCRIPT.sub(apart, text)


def linked(text: str) -> str:
    """Turn the numbers that say on which readings they rest into links to them."""
    return _EVIDENCE.sub(_link, text)


def _link(match: re.Match[str]) -> str:
    address = evidence_link(html.unescape(match[3]))
    tag = match[1]
    return f'<{tag}{match[2]}><a href="{html.escape(address)}">{match[4]}</a></{tag}>'


def csv_bytes(text: str) -> bytes:
    """Return CSV for people: with the mark by which a spreadsheet knows that it is UTF-8."""
    return text.encode("utf-8-sig")


def data_link(path: str, name: str, language: str) -> str:
    """Return the link to the CSV file of a table."""
    label, title = html.escape(say("site.get_csv", language)), html.escape(name)
    return f'<a href="{path}" title="{title}" download>{label}</a>'


def _figure(
    data: dict[str, Any],
    meta: Mapping[str, Any],
    stem: str,
    name: str,
    language: str,
    files: dict[str, bytes],
) -> str:
    """Move a picture into files: PNG, and SVG in one or two layouts where the figure has them."""
    content = base64.b64decode(data.pop("image/png"))
    path = f"files/{stem}_{name}"
    files[f"{path}.png"] = content
    layouts = {"svg": data.pop("image/svg+xml", ""), "narrow.svg": data.pop(_NARROW, "")}
    for ending, drawing in layouts.items():
        if drawing:
            files[f"{path}.{ending}"] = drawing.encode("utf-8")
    return figure_html(path, files, str(meta["alt"]), language)


def figure_html(
    path: str,
    files: Mapping[str, bytes],
    alt: str,
    language: str,
    inline: str = "",
    later: bool = False,
) -> str:
    """Return the HTML of a figure: its best picture, alt text, size, and its files to download.

    Args:
        path: of its files, without the ending; ``.png``, ``.svg``, ``.narrow.svg`` and ``.csv``
            are shown or linked to where they are among the files.
        files: the files beside the page, by path.
        alt: what the figure shows.
        language: ``en`` or ``vi``.
        inline: drawings to stand in the page itself, whose marks may be links.
        later: whether a browser may wait with the picture until it comes into sight.
    """
    there = [ending for ending in ("csv", "svg", "png") if f"{path}.{ending}" in files]
    links = " ".join(_download(f"{path}.{ending}", ending, language) for ending in there)
    if inline:
        return f'<figure tabindex="0">{inline}<figcaption>{links}</figcaption></figure>'
    width, height = _size(files, path)
    shown = "svg" if "svg" in there else "png"
    # One that was drawn as narrow as a phone keeps its size there; the letters are large enough.
    fits = ' class="fits"' if width <= NARROW else ""
    size = f'width="{width}" height="{height}"'
    waits = ' loading="lazy"' if later else ""
    image = f'<img{fits}{waits} src="{path}.{shown}" alt="{html.escape(alt)}" {size}>'
    narrow = f"{path}.narrow.svg"
    if narrow in files:
        source = f'<source media="(max-width: 40rem)" srcset="{narrow}">'
        image = f'<picture class="fits">{source}{image}</picture>'
    caption = f"<figcaption>{links}</figcaption>" if links else ""
    # On a phone a wide figure is moved sideways, which a keyboard must reach too.
    return f'<figure tabindex="0">{image}{caption}</figure>'


def _download(path: str, ending: str, language: str) -> str:
    label = say(f"site.get_{ending}", language)
    return f'<a href="{path}" download>{html.escape(label)}</a>'


def _size(files: Mapping[str, bytes], path: str) -> tuple[int, int]:
    """The width and height in CSS pixels that a picture asks for."""
    drawing = files.get(f"{path}.svg", b"")[:400].decode("utf-8", "ignore")
    if found := re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing):
        return round(float(found[1])), round(float(found[2]))
    return picture_size(files[f"{path}.png"])


def picture_size(picture: bytes) -> tuple[int, int]:
    """Return the width and height in CSS pixels at which a PNG picture was drawn."""
    width, height = struct.unpack(">II", picture[16:24])
    return round(width / SHARP), round(height / SHARP)


_MATH = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)
#: Letters of TeX of which a formula within a line may be too wide for a phone.
_LONG_FORMULA = 36
_TO_FILE = re.compile(r'<a href="(?!https?:|#)([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


def document(text: str, language: str) -> Body:
    """Turn a document of docs/ into the body of a page; its formulae become MathML.

    Args:
        text: Markdown, in English.
        language: of the page around it, which says that the document is in English.
    """
    formulae: list[str] = []

    def kept(match: re.Match[str]) -> str:
        display = "block" if match[1] else "inline"
        formula = latex2mathml.converter.convert(match[1] or match[2], display=display)
        # On a phone a long one is moved sideways, which a keyboard must reach too.
        long = match[1] or len(match[2]) > _LONG_FORMULA
        shape = "formula" if match[1] else "formula within"
        span = f'<span class="{shape}" tabindex="0">{formula}</span>' if long else formula
        formulae.append(span)
        return f"MATH{len(formulae) - 1}HTAM"

    made = str(markdown2html(_MATH.sub(kept, text)))
    made = re.sub(r"MATH(\d+)HTAM", lambda match: formulae[int(match[1])], made)
    made = re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", made, flags=re.DOTALL)
    made, contents = _anchored(re.sub(r"(<h[1-6])[^>]*>", r"\1>", made))
    made = made.replace("<table>", '<div class="table" tabindex="0" role="region"><table>')
    made = _captioned(_TO_FILE.sub(_inside, made.replace("</table>", "</table></div>")))
    made = made.replace("<pre>", '<pre tabindex="0">')
    title = html.unescape(_TAGS.sub("", _H1.findall(made)[0])).strip()
    note = (
        ""
        if language == "en"
        else f'<p class="note">{html.escape(say("site.in_english", language))}</p>'
    )
    links = "".join(
        f'<li><a href="#{anchor}">{html.escape(one)}</a></li>' for anchor, one in contents
    )
    nav = f'<nav class="contents" aria-label="{html.escape(title)}"><ul>{links}</ul></nav>'
    return Body(title, f'{note}<div class="paper" lang="en">{nav}<div>{made}</div></div>')


def _inside(match: re.Match[str]) -> str:
    """Lead a link to a document of docs/ to its page; a file that is no page is only named."""
    name = match[1].partition("#")[0].rpartition("/")[2]
    if name in {"methods.md", "definitions.md", "model-card.md", "data-card.md"}:
        return f'<a href="{slug(name.removesuffix(".md"))}.html">{match[2]}</a>'
    return match[2]
