"""An executed notebook becomes the body of a page, its figures and data become files beside it."""

from __future__ import annotations

import base64
import html
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from analysis.cache import cached
from analysis.publish.site_page import TEMPLATES, evidence_link, slug
from analysis.results import CSV_ENCODING, CSV_TYPE
from analysis.wording import say

_EVIDENCE = re.compile(r'<td([^>]*?) data-evidence="([^"]+)">(.*?)</td>', re.DOTALL)
_FRAME = re.compile(r'(<table border="1" class="dataframe">.*?</table>)', re.DOTALL)
_SCRIPT = re.compile(r'<script data-file="([a-z_]+)">(.*?)</script>', re.DOTALL)
_H1 = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_TAGS = re.compile(r"<[^>]+>")
_DOTS_PER_CSS_PIXEL = 150 / 96


@dataclass
class Body:
    """The body of a page and the files that it refers to, by their path beside the page."""

    title: str
    html: str
    files: dict[str, bytes] = field(default_factory=dict)


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
    made.html = _FRAME.sub(r'<div class="table" tabindex="0">\1</div>', text)
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
        files[path] = data.pop(CSV_TYPE).encode(CSV_ENCODING)
        link = data_link(path, name, language)
    if "image/png" in data and "alt" in meta.get("image/png", {}):
        markup = _figure(data.pop("image/png"), meta["image/png"], stem, name, link, files)
        data["text/html"] = markup
    elif "text/html" in data:
        data["text/html"] = linked(_scripts_apart(data["text/html"], stem, files)) + (
            f'<p class="files">{link}</p>' if link else ""
        )
    return output


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
    address = evidence_link(html.unescape(match[2]))
    return f'<td{match[1]}><a href="{html.escape(address)}">{match[3]}</a></td>'


def data_link(path: str, name: str, language: str) -> str:
    """Return the link to the CSV file of a table or figure."""
    label = html.escape(say("site.data_file", language, name=name))
    return f'<a href="{path}" download>{label}</a>'


def _figure(
    picture: str,
    meta: Mapping[str, Any],
    stem: str,
    name: str,
    link: str,
    files: dict[str, bytes],
) -> str:
    content = base64.b64decode(picture)
    path = f"files/{stem}_{name}.png"
    files[path] = content
    return figure_html(path, content, str(meta["alt"]), link)


def figure_html(path: str, picture: bytes, alt: str, link: str) -> str:
    """Return the HTML of a PNG figure with its alt text, its size and the link to its data."""
    width, height = (
        round(dots / _DOTS_PER_CSS_PIXEL) for dots in struct.unpack(">II", picture[16:24])
    )
    caption = f"<figcaption>{link}</figcaption>" if link else ""
    size = f'width="{width}" height="{height}"'
    # On a phone a wide figure is moved sideways, which a keyboard must reach too.
    return (
        f'<figure tabindex="0"><img src="{path}" alt="{html.escape(alt)}" {size}>{caption}</figure>'
    )
