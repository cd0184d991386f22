"""A notebook as content: read it, know its parameters, make its stored form repeatable."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from analysis import disk_cache, paths

_WIDGET = "application/vnd.jupyter.widget-view+json"
_MODEL_ID = re.compile(r"\b[0-9a-f]{32}\b")
_KEPT_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
}


class UndeclaredParameter(ValueError):
    """A parameter is passed that the notebook's parameters cell does not declare."""


_TRANSLATED = re.compile(r"^<!-- cell: (\S+) -->[ \t]*$", re.MULTILINE)
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read(path: Path) -> NotebookNode:
    """Read a notebook as any editor saves it.

    A byte-order mark, other line ends, an older minor version, cells without an identifier and two
    cells with one are mended, always in the same way; outputs stay as they are. A markdown cell
    that has lost its identifier takes the one that its translation has and the notebook lacks.

    Raises:
        ValueError: in one line, with the file's name, when it is no notebook.
    """
    where = f"notebooks/{path.name}"
    content = json_of(path, where)
    if not isinstance(content, dict):
        raise ValueError(f"{where} is not a valid notebook: it holds no cells")
    try:
        if content.get("nbformat") == 4 and isinstance(content.get("cells"), list):
            _identify(content["cells"], _translated_cells(path))
            content["nbformat_minor"] = max(5, int(content.get("nbformat_minor", 5)))
        with warnings.catch_warnings():
            # What it would warn of is an identifier that is missing in notebooks before version 4.
            warnings.simplefilter("ignore")
            notebook = nbformat.reads(json.dumps(content), as_version=4)
            nbformat.validate(notebook)
    except (nbformat.ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{where} is not a valid notebook: {told}") from error
    for cell in notebook.cells:
        cell.source = cell.source.replace("\r\n", "\n").replace("\r", "\n")
    return notebook


def json_of(path: Path, where: str) -> Any:
    """The content of a JSON file; raises ValueError in one line, naming `where`."""
    text = paths.read_edited(path, where)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        told = str(error).splitlines()[0] if str(error) else "it nests too deep"
        raise ValueError(f"{where} is not a valid notebook: {told}") from None


def _translated_cells(path: Path) -> list[str]:
    """The identifiers that the translations of a notebook name, in their order."""
    found: dict[str, None] = {}
    for file in sorted(path.parent.glob(f"*/{path.stem}.md")):
        text = paths.read_edited(file, f"notebooks/{file.parent.name}/{file.name}")
        found |= dict.fromkeys(_TRANSLATED.findall(text))
    return list(found)


def _identify(cells: list[dict[str, Any]], prose: list[str]) -> None:
    """Give every cell an identifier of its own, in place: the first holder of one keeps it."""
    seen: set[str] = set()
    without = []
    for cell in cells:
        own = cell.get("id")
        if isinstance(own, str) and _IDENTIFIER.fullmatch(own) and own not in seen:
            seen.add(own)
        else:
            without.append(cell)
    missing = [one for one in prose if one not in seen]
    markdown = [cell for cell in without if cell.get("cell_type") == "markdown"]
    if len(markdown) == len(missing):
        for cell, own in zip(markdown, missing, strict=True):
            cell["id"] = own
            seen.add(own)
        without = [cell for cell in without if cell.get("cell_type") != "markdown"]
    for cell in without:
        place = next(at for at, one in enumerate(cells) if one is cell) + 1
        own = f"cell-{place}"
        while own in seen:
            own += "-again"
        cell["id"] = own
        seen.add(own)


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.get("metadata", {}).get("tags", []))


def code(notebook: NotebookNode) -> str:
    """All code of a notebook as one module, without lines for IPython alone."""
    lines = [line for cell in _code_cells(notebook) for line in cell.source.splitlines()]
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def declared_parameters(notebook: NotebookNode) -> dict[str, Any]:
    """Parameter -> default, from the cell tagged `parameters`; defaults are plain values."""
    declared: dict[str, Any] = {}
    for cell in _code_cells(notebook):
        if "parameters" in tags(cell):
            for statement in disk_cache.parse(cell.source).body:
                declared.update(_assigned(statement))
    return declared


def _assigned(statement: ast.stmt) -> dict[str, Any]:
    if isinstance(statement, ast.Assign):
        names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        names = [statement.target.id]
    else:
        return {}
    try:
        value = ast.literal_eval(statement.value) if statement.value else None
    except ValueError:
        value = None
    return dict.fromkeys(names, value)


def typed(notebook: NotebookNode, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values from a command line in the type of the defaults: "01" stays text where text stands.

    Elsewhere a text is read as YAML: a number, true or false, or a list in brackets.
    """
    declared = declared_parameters(notebook)
    return {
        name: yaml.safe_load(value)
        if isinstance(value, str) and not isinstance(declared.get(name, ""), str)
        else value
        for name, value in given.items()
    }


def check_parameters(notebook: NotebookNode, stem: str, parameters: dict[str, Any]) -> None:
    """Raise UndeclaredParameter when `parameters` has a name that the notebook does not declare."""
    declared = declared_parameters(notebook)
    unknown = sorted(parameters.keys() - declared.keys())
    if unknown:
        names = ", ".join(declared) or "none"
        raise UndeclaredParameter(
            f"notebooks/{stem}.ipynb does not declare the parameter {', '.join(unknown)} "
            f"(it declares: {names})"
        )


def without_outputs(notebook: NotebookNode) -> str:
    """What decides the result of a notebook: its cells, not what they gave last time."""
    cells = [[cell.cell_type, cell.get("id"), tags(cell), cell.source] for cell in notebook.cells]
    return json.dumps(cells, ensure_ascii=False)


def clean(notebook: NotebookNode) -> dict[str, str]:
    """Make an executed notebook repeatable, in place; returns what went to stderr, by cell id.

    Removed: times, durations, versions and addresses that papermill and the kernel add, output to
    stderr, and the random identifiers of widgets and of the cell with the passed parameters.
    """
    complaints: dict[str, str] = {}
    _without_widgets_that_have_a_page(notebook)
    widgets = notebook.metadata.get("widgets") if _WIDGET in str(notebook.cells) else None
    notebook.metadata = nbformat.from_dict(_KEPT_METADATA)
    for cell in notebook.cells:
        kept_tags = tags(cell)
        if "injected-parameters" in kept_tags:
            cell["id"] = "injected-parameters"
        cell.metadata = nbformat.from_dict({"tags": kept_tags} if kept_tags else {})
        if cell.cell_type == "code":
            complaint = "".join(_take_stderr(cell))
            if complaint:
                complaints[cell["id"]] = complaint
    if widgets:
        notebook.metadata["widgets"] = widgets
        _renumber_widgets(notebook)
    return complaints


def _without_widgets_that_have_a_page(notebook: NotebookNode) -> None:
    """A widget answers only while its kernel lives; where HTML stands in for it, that is kept."""
    for cell in _code_cells(notebook):
        for output in cell.outputs:
            data = output.get("data", {})
            if "text/html" in data:
                data.pop(_WIDGET, None)


def _take_stderr(cell: NotebookNode) -> list[str]:
    found = [output.text for output in cell.outputs if output.get("name") == "stderr"]
    cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return found


def _renumber_widgets(notebook: NotebookNode) -> None:
    """Widgets name each other by random ids; number them in the order in which they appear."""
    text = json.dumps([notebook.cells, notebook.metadata], ensure_ascii=False)
    numbers: dict[str, str] = {}
    for cell_first in _MODEL_ID.findall(text):
        numbers.setdefault(cell_first, f"{len(numbers) + 1:032x}")
    text = _MODEL_ID.sub(lambda found: numbers[found[0]], text)
    cells, metadata = json.loads(text)
    notebook.cells = [nbformat.from_dict(cell) for cell in cells]
    notebook.metadata = nbformat.from_dict(metadata)


def machine_path(notebook: NotebookNode, places: Iterable[Path]) -> str:
    """One line when an output shows a path of this machine, which no other would show."""
    for cell in notebook.cells:
        text = json.dumps(cell.get("outputs", []), ensure_ascii=False)
        if any(str(place) in text for place in places):
            return f"cell {cell.id} shows a path of this machine; show the file's name instead"
    return ""


def written(notebook: NotebookNode) -> str:
    """The text of a notebook file: keys sorted, one final line feed."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


# --------------------------------------------------------------------------------------------------
# The prose of a notebook in another language: markdown cells are swapped by their id.
# --------------------------------------------------------------------------------------------------

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
