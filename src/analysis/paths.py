"""Where the project's files are, and how they are written: whole or not at all.

The folders are looked up each time they are used, because one prepared Python process can serve
several runs, each with its own folder for results.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Floats are written with this many significant digits: more than any figure here carries, and
#: few enough that the last bit of a computation does not change the file.
FLOAT_FORMAT = "%.12g"

#: The event by which Python tells `analysis.reads` of a file that is asked for, opened or not.
ASKED = "analysis.asked"


class MissingTable(FileNotFoundError):
    """A table of data/processed is asked for before the chapter that writes it has run."""


class Folder(os.PathLike):
    """A folder of the project, found anew at each use; behaves as a `pathlib.Path`."""

    def __init__(self, name: str, locate: Callable[[], Path]) -> None:
        self._name = name
        self._locate = locate

    def __fspath__(self) -> str:
        return str(self._locate())

    def __str__(self) -> str:
        return str(self._locate())

    def __repr__(self) -> str:
        return f"<folder {self._name}>"

    def __truediv__(self, other: str | os.PathLike[str]) -> Path:
        return self._locate() / other

    def __getattr__(self, attribute: str) -> object:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(self._locate(), attribute)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, os.PathLike) and self._locate() == Path(other)

    def __hash__(self) -> int:
        return hash(self._locate())

    def __reduce__(self) -> tuple[Callable[[str], Folder], tuple[str]]:
        return _folder, (self._name,)


def _folder(name: str) -> Folder:
    return globals()[name]


def _root() -> Path:
    """ANALYSIS_ROOT, else the nearest folder upwards that holds pyproject.toml and data/raw."""
    if named := os.environ.get("ANALYSIS_ROOT"):
        return Path(named).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "data" / "raw").is_dir():
            return folder
    return Path(__file__).resolve().parents[2]


def _below_root(variable: str, *parts: str) -> Callable[[], Path]:
    def locate() -> Path:
        named = os.environ.get(variable)
        return Path(named).resolve() if named else _root().joinpath(*parts)

    return locate


ROOT = Folder("ROOT", _root)
RAW = Folder("RAW", _below_root("ANALYSIS_RAW", "data", "raw"))
PROCESSED = Folder("PROCESSED", _below_root("ANALYSIS_PROCESSED", "data", "processed"))
NOTEBOOKS = Folder("NOTEBOOKS", _below_root("ANALYSIS_NOTEBOOKS", "notebooks"))
REPORTS = Folder("REPORTS", _below_root("ANALYSIS_REPORTS", "reports"))
CACHE = Folder("CACHE", _below_root("ANALYSIS_CACHE", ".cache"))


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> Path:
    """Write `content` to `path` so that a reader sees the old file or the new one, never a part.

    Text is written as UTF-8 with the line ends that it has. Folders are made as needed.
    Raises OSError (disk full, folder read-only) with the previous file untouched.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, aside = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(aside, 0o644)
        os.replace(aside, target)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    return target


def read_edited(path: Path, where: str = "") -> str:
    """Read a text file that people edit: without a byte-order mark, with line feeds.

    Args:
        where: what the file is called in messages; its name where not given.

    Raises:
        ValueError: another encoding, or the marks that git leaves where two versions meet.
    """
    where = where or path.name
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{where} is not UTF-8 text; save it as UTF-8") from None
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.strip()
        if bare.startswith(("<<<<<<< ", ">>>>>>> ")) or bare in ("<<<<<<<", ">>>>>>>"):
            raise ValueError(
                f"{where}, line {number}: git has left the marks of a merge ({bare[:20]}); keep "
                "one of the two versions"
            )
    return text


def write_table(table: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a table as CSV (UTF-8, line feed, 12 significant digits, dates as YYYY-MM-DD)."""
    text = table.to_csv(
        index=False, lineterminator="\n", float_format=FLOAT_FORMAT, date_format="%Y-%m-%d"
    )
    return write_atomic(path, text)


def read_processed(name: str, dates: Sequence[str] = ()) -> pd.DataFrame:
    """Read the table `name` (with or without .csv) of data/processed; see `read_table`.

    Raises MissingTable, which names the chapter to run first.
    """
    return read_table(processed(name), dates)


def processed(name: str) -> Path:
    """The file of the table `name` (with or without .csv) of data/processed.

    Raises MissingTable, which names the chapter to run first.
    """
    path = PROCESSED / (name if name.endswith(".csv") else f"{name}.csv")
    asked(path)
    if not path.is_file():
        raise MissingTable(_what_is_missing(path.name))
    return path


def asked(path: Path) -> None:
    """Report that a file is asked for, where it may be absent or found in memory.

    Raises what `analysis.reads` raises when the function or the notebook at work may not read it.
    """
    sys.audit(ASKED, str(path))


def read_table(path: Path, dates: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that a chapter wrote.

    Columns that end in `_code` are text ("01" stays "01"); columns named in `dates` are parsed.
    """
    import pandas as pd

    columns = pd.read_csv(path, nrows=0).columns
    text = {column: "str" for column in columns if column.endswith("_code")}
    return pd.read_csv(path, dtype=text, parse_dates=list(dates))


def _what_is_missing(file: str) -> str:
    """One line for the reader of a notebook: the table and the chapter that writes it."""
    chapter = chapter_of_table(file)
    if chapter is None:
        return f"data/processed/{file} is not there, and no chapter declares that it writes it."
    return f"data/processed/{file} is not there yet: run notebooks/{chapter}.ipynb first."


def chapter_of_table(file: str) -> str | None:
    """The stem of the notebook that writes data/processed/`file`, by notebooks/pipeline.yml."""
    import yaml

    declared = NOTEBOOKS / "pipeline.yml"
    if not declared.is_file():
        return None
    for chapter, entry in yaml.safe_load(read_edited(declared))["notebooks"].items():
        if file in (entry.get("produces") or []):
            return chapter
    return None
