"""Where the project's files are, and how they are written: whole or not at all.

The folders are looked up each time they are used, because one prepared Python process can serve
several runs, each with its own folder for results.
"""

from __future__ import annotations

import contextlib
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


def _by_hand() -> bool:
    """Whether this is a notebook that a person runs, in JupyterLab or another editor.

    The report, `analysis notebooks` and the tests name the folder of the tables.
    """
    if os.environ.get("ANALYSIS_PROCESSED"):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython and hasattr(ipython, "get_ipython") else None
    return hasattr(shell, "kernel")


def _tables() -> Path:
    """Where tables are written: of chapters run by hand apart from those of the report."""
    return _root() / "work" / "tables" if _by_hand() else _published()


def _cache() -> Path:
    """The word that turns kept results off (`analysis.disk_cache`) is no folder's name."""
    if os.environ.get("ANALYSIS_CACHE") == "off":
        return _root() / ".cache"
    return _below_root("ANALYSIS_CACHE", ".cache")()


_published = _below_root("ANALYSIS_PROCESSED", "data", "processed")
ROOT = Folder("ROOT", _root)
RAW = Folder("RAW", _below_root("ANALYSIS_RAW", "data", "raw"))
PROCESSED = Folder("PROCESSED", _tables)
#: The tables of the last report, whoever asks; PROCESSED where no chapter is run by hand.
PUBLISHED = Folder("PUBLISHED", _published)
#: What belongs to the user: notebooks, saved figures, trial runs. Nothing here is ever removed.
WORK = Folder("WORK", _below_root("ANALYSIS_WORK", "work"))
NOTEBOOKS = Folder("NOTEBOOKS", _below_root("ANALYSIS_NOTEBOOKS", "notebooks"))
REPORTS = Folder("REPORTS", _below_root("ANALYSIS_REPORTS", "reports"))
CACHE = Folder("CACHE", _cache)


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
    file = name if name.endswith(".csv") else f"{name}.csv"
    path = PROCESSED / file
    asked(path)
    if _by_hand():
        path = _own_or_published(file)
    if not path.is_file():
        raise MissingTable(_what_is_missing(path.name))
    return path


#: Of the tables that a notebook run by hand has read: file -> its origin, and whether a run by
#: hand gave it another origin than the report has.
_origins: dict[str, tuple[str, bool]] = {}


def _own_or_published(file: str) -> Path:
    """The table that a chapter run by hand wrote, else the one of the last report.

    Says in one line which tables are taken from a run by hand, and where two origins would meet.
    """
    own, published = PROCESSED / file, PUBLISHED / file
    path = published if own.is_symlink() or not own.is_file() else own
    if not path.is_file():
        return path
    if path == published and not own.is_symlink():
        # Code that looks into the folder itself finds the report's table too; a chapter that
        # writes the table puts its own file in the place of the link.
        with contextlib.suppress(OSError):
            own.parent.mkdir(parents=True, exist_ok=True)
            own.unlink(missing_ok=True)
            own.symlink_to(published)
    origin = _origin_of(path)
    moved = path == own and published.is_file() and origin != _origin_of(published)
    if _origins.get(file) == (origin, moved):
        return path
    _origins[file] = (origin, moved)
    if path == own:
        dated = f" with origin {origin}" if origin else ""
        print(
            f"{file}: of {chapter_of_table(file) or 'a chapter'} run by hand{dated}, not of the "
            f"report; delete work/tables/{file} to read the report's table again."
        )
    for name, (day, shifted) in _origins.items():
        if (moved or shifted) and day and origin and day != origin:
            makers = " and ".join(sorted({str(chapter_of_table(one)) for one in (file, name)}))
            print(
                f"Two origins meet here: {file} is from {origin}, {name} from {day}. What follows "
                f"mixes them: run {makers} with one origin, or remove work/tables."
            )
            break
    return path


def _origin_of(path: Path) -> str:
    """The one origin that all rows of a table have; empty without one, or with several."""
    import pandas as pd

    head = pd.read_csv(path, nrows=0).columns
    if "origin" not in head:
        return ""
    days = pd.read_csv(path, usecols=["origin"], dtype=str)["origin"].dropna().unique()
    return str(days[0]) if len(days) == 1 else ""


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
