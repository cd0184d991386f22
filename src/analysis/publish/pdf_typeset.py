"""Set a document with typst: the same data, pictures and template give the same bytes.

Data reach the template as JSON and are set as text, never as markup. Fonts come from matplotlib's
folder (DejaVu Sans has every Vietnamese letter) and are embedded; system fonts are not looked at,
because they differ between machines. The PDF is tagged and claims PDF/UA-1, which typst checks.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import typst

from analysis.cache import cached
from analysis.parallel import begins_threads

_FIXED_TIME = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


class TypesetError(RuntimeError):
    """Typst could not set a document; the message is its own, with the place in the template."""


@cache
def _fonts() -> typst.Fonts:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)]
    )


@cached
def typeset(template: str, data: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    """Return a PDF.

    Args:
        template: the typst source.
        data: what the template reads as ``data.json``; plain values only.
        pictures: PNG files by the name that the template gives them.

    Raises:
        TypesetError: the template and the data do not fit, or PDF/UA-1 is not met.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.typ").write_text(template, encoding="utf-8")
        (folder / "data.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        for picture, content in pictures.items():
            (folder / picture).write_bytes(content)
        begins_threads()
        compiler = typst.Compiler(str(folder / "main.typ"), root=str(folder), font_paths=_fonts())
        try:
            made = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=_FIXED_TIME)
        except typst.TypstError as error:
            raise TypesetError(f"{error.message}\n{error.diagnostic}") from error
    assert isinstance(made, bytes)
    return made
