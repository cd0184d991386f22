"""The prose of a notebook in another language: markdown cells are swapped by their id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode

from analysis import paths

_HEAD = re.compile(r"^<!-- cell: (\S+) -->[ \t]*$", re.MULTILINE)


class TranslationError(ValueError):
    """A translation lacks a markdown cell of its notebook, or has one too many."""


def translation_file(stem: str, language: str) -> Path:
    """Where the prose of a notebook is kept, e.g. notebooks/vi/02_coverage.md."""
    return paths.NOTEBOOKS / language / f"{stem}.md"


def sections(text: str) -> dict[str, str]:
    """Cell id -> prose. Raises TranslationError when an id heads two sections."""
    pieces = _HEAD.split(text)[1:]
    identifiers = pieces[0::2]
    _refuse("heads two sections", {one for one in identifiers if identifiers.count(one) > 1})
    return dict(zip(identifiers, (prose.strip("\n") for prose in pieces[1::2]), strict=True))


def translated(notebook: NotebookNode, stem: str, language: str) -> NotebookNode:
    """`notebook` itself for English; else the same notebook with its prose in `language`.

    The notebook given is changed in place and returned. Raises TranslationError naming the file and
    the cells when the translation and the notebook do not have the same markdown cells.
    """
    if language == "en":
        return notebook
    file = translation_file(stem, language)
    if not file.is_file():
        raise TranslationError(f"{file.name}: there is no translation at notebooks/{language}/")
    prose = sections(paths.read_edited(file, f"notebooks/{language}/{file.name}"))
    cells = {cell["id"]: cell for cell in notebook.cells if cell.cell_type == "markdown"}
    where = f"notebooks/{language}/{file.name}"
    _refuse(f"stand in the notebook and not in {where}", cells.keys() - prose.keys())
    _refuse(f"stand in {where} and not in the notebook", prose.keys() - cells.keys())
    for identifier, cell in cells.items():
        cell["source"] = prose[identifier]
    return notebook


def _refuse(fault: str, identifiers: Iterable[str]) -> None:
    names = ", ".join(sorted(identifiers))
    if names:
        raise TranslationError(f"markdown cells that {fault}: {names}")
