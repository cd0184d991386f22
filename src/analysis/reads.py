"""What may be read, and by whom: two rules that are enforced while code runs.

A function whose results are kept (`analysis.disk_cache.cached`) reads no file of the project but
those that are among its arguments. Otherwise a kept result would depend on something that its key
does not know: on which notebook asked first, or on a file that has been edited since.

A notebook that the report runs reads only what notebooks/pipeline.yml gives it. Otherwise it would
depend on which notebooks happen to have run before. The run fails even where the code in between
catches the error.

Python reports every file that it opens and every folder that it lists (`sys.addaudithook`);
`analysis.paths.asked` reports what is looked for or found in memory without being opened.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import json
import os
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from analysis import disk_cache, paths

#: Names the file that says what a run may read; set for runs of the report only.
DECLARED = "ANALYSIS_DECLARED"
_DECLARATION, _RECORD = "declared.json", "undeclared.txt"

_LISTINGS = {"os.listdir", "os.scandir"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CODE = (".py", ".pyc", ".so", ".pyd")
#: The table of the units is part of every key of a kept result, so every function may read it.
UNITS = "data/raw/provinces.csv"
#: Read for the sentence that says which notebook makes a missing table.
_FOR_MESSAGES = "notebooks/pipeline.yml"


class HiddenRead(RuntimeError):
    """A kept function reads a file that is not among its arguments."""


class UndeclaredRead(RuntimeError):
    """A notebook asks for a file that pipeline.yml does not give it."""


@dataclass(frozen=True)
class Kept:
    """A kept function at work: its name, and the files and folders among its arguments."""

    function: str
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    """A run of a notebook: its name, and what pipeline.yml lets it read.

    raw: names of files of data/raw, or ("all",). tables: of data/processed, those that it writes
    included. files: patterns of other files below the root. record: the file in which reads beyond
    these are noted.
    """

    notebook: str
    raw: tuple[str, ...]
    tables: tuple[str, ...]
    files: tuple[str, ...]
    record: str

    def allows(self, name: str, listing: bool) -> bool:
        """Whether the run may read a file, or list a folder, of this name."""
        folder, _, file = name.rpartition("/")
        if name == _FOR_MESSAGES or name.split("/")[0] == "reports":
            return True
        if name in ("data/raw", "data/processed"):
            return True  # these folders hold nothing but what the run was given
        if folder == "data/raw":
            return "all" in self.raw or file in self.raw
        if folder == "data/processed":
            return file in self.tables or file.startswith(".")
        if listing:
            return any(_leads_to(name, pattern) for pattern in self.files)
        return any(PurePath(name).match(pattern) for pattern in self.files)


@dataclass
class _Work:
    """A kept function at work, until it has ended."""

    kept: Kept | None
    ended: bool = False


class _Here(threading.local):
    """What the present thread is doing."""

    work: _Work | None = None
    busy: bool = False


_here = _Here()
#: Threads that were started while a kept function computed, and may outlive it.
_threads: weakref.WeakKeyDictionary[threading.Thread, _Work] = weakref.WeakKeyDictionary()
_run: Run | None = None
_hooked = False


def at_work() -> Kept | None:
    """The kept function that the present thread computes, if any."""
    work = _work()
    return work.kept if work else None


def _work() -> _Work | None:
    work = _here.work or (_threads.get(threading.current_thread()) if _threads else None)
    return None if work is None or work.ended else work


@contextlib.contextmanager
def computing(kept: Kept | None) -> Iterator[None]:
    """While the block runs, this thread and those that it starts compute `kept`.

    Processes that the block starts for parts of the work take `at_work()` with them, see
    `analysis.parallel`. With None, the block computes nothing that is kept.
    """
    _hook()
    before, work = _here.work, _Work(kept)
    _here.work = work
    try:
        yield
    finally:
        work.ended = True
        _here.work = before


def declare(
    folder: Path,
    notebook: str,
    raw: Iterable[str] = (),
    tables: Iterable[str] = (),
    files: Iterable[str] = (),
) -> None:
    """Write what a run in `folder` may read; see `Run` for the arguments."""
    given = {"notebook": notebook, "raw": [*raw], "tables": [*tables], "files": [*files]}
    (folder / _DECLARATION).write_text(json.dumps(given), "utf-8")


def declaration_in(folder: Path) -> str:
    """The value of the variable `DECLARED` for a run in `folder`."""
    return str(folder / _DECLARATION)


def undeclared(folder: Path) -> str:
    """The first sentence that was recorded for the run in `folder`; empty when all was declared."""
    record = folder / _RECORD
    lines = record.read_text("utf-8").splitlines() if record.is_file() else []
    return lines[0] if lines else ""


def watch() -> None:
    """Hold this process to what its run declares; does nothing outside a run of the report."""
    global _run
    named = os.environ.get(DECLARED)
    if not named:
        _run = None
        return
    given: Mapping[str, Any] = json.loads(Path(named).read_text("utf-8"))
    lists = {name: tuple(given[name]) for name in ("raw", "tables", "files")}
    _run = Run(given["notebook"], record=str(Path(named).with_name(_RECORD)), **lists)
    _hook()


def _hook() -> None:
    """Listen to what Python reports; a process cannot stop doing so, and need not."""
    global _hooked
    if not _hooked:
        _hooked = True
        sys.addaudithook(_heard)
        _follow_threads()


def _follow_threads() -> None:
    """Let a new thread be known by the work that started it; Python 3.11 does not report these."""
    start = threading.Thread.start

    @functools.wraps(start)
    def followed(thread: threading.Thread) -> None:
        if work := _work():
            _threads[thread] = work
        start(thread)

    threading.Thread.start = followed  # type: ignore[method-assign, assignment]


def _heard(event: str, details: tuple[Any, ...]) -> None:
    if event == "open":
        _look_at(details[0], writes=_writes(details[1], details[2]))
    elif event in _LISTINGS:
        _look_at(details[0] or ".", listing=True)
    elif event == paths.ASKED:
        _look_at(details[0])


def _writes(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITING)


def _leads_to(folder: str, pattern: str) -> bool:
    """Whether a folder lies on the way to the files of a pattern: rounds/2026 to rounds/*/*.csv."""
    parts, above = PurePath(folder).parts, PurePath(pattern).parts[:-1]
    return len(parts) <= len(above) and all(
        fnmatch.fnmatchcase(*pair) for pair in zip(parts, above, strict=False)
    )


def _look_at(path: Any, listing: bool = False, writes: bool = False) -> None:
    if _here.busy or isinstance(path, int) or (_run is None and at_work() is None):
        return
    _here.busy = True
    try:
        place = os.path.realpath(os.fsdecode(path))
        name = "" if place.endswith(_CODE) else _name_in_project(place, listing)
        if not name:
            return
        if (kept := at_work()) and name != UNITS and not _is_given(place, kept):
            verb = "writes" if writes else "lists" if listing else "reads"
            sentence = (
                f"{kept.function} {verb} {name}, which is not among its arguments: its result is "
                f"kept in .cache and found again by its arguments alone; pass the table or the path"
            )
            _record(sentence)
            raise HiddenRead(sentence)
        if _run is not None and not writes and not _run.allows(name, listing):
            sentence = (
                f"{_run.notebook} asks for {name}, which notebooks/pipeline.yml does not give it: "
                f"add it there under {_key(name)}"
            )
            _record(sentence)
            raise UndeclaredRead(sentence)
    finally:
        _here.busy = False


def _key(name: str) -> str:
    """The key of pipeline.yml under which a file is declared."""
    keys = {"data/raw": "raw", "data/processed": "needs"}
    return keys.get(name.rpartition("/")[0], "files")


def _is_given(place: str, kept: Kept) -> bool:
    return any(place == one or place.startswith(one + os.sep) for one in kept.given)


def _name_in_project(place: str, listing: bool) -> str:
    """The name of a file of the project as people know it; empty for any other file and for code.

    In a run of the report data/raw and data/processed lie in a folder of the run.
    """
    if listing and place in {os.path.realpath(folder or ".") for folder in sys.path}:
        return ""  # looking for modules
    named = (
        ("data/raw", paths.RAW),
        ("data/processed", paths.PROCESSED),
        ("notebooks", paths.NOTEBOOKS),
        ("reports", paths.REPORTS),
    )
    for name, folder in named:
        if (below := _below(place, folder)) is not None:
            return f"{name}/{below}".rstrip("/")
    if any(_below(place, folder) is not None for folder in (paths.CACHE, disk_cache.SOURCE)):
        return ""
    below = _below(place, paths.ROOT)
    if below is None or below.startswith("."):
        return ""  # .git, .venv and the like
    if _below(place, sys.prefix) is not None and _below(sys.prefix, paths.ROOT) is not None:
        return ""  # an environment inside the project
    return below


def _below(place: str, folder: str | os.PathLike[str]) -> str | None:
    """The path below a folder, with /; empty for the folder itself, None outside it."""
    root = os.fspath(folder)
    if place == root:
        return ""
    return place[len(root) + 1 :].replace(os.sep, "/") if place.startswith(root + os.sep) else None


def _record(sentence: str) -> None:
    """Note a read for the end of the run; what the notebook catches is noted all the same."""
    if _run is not None:
        with open(_run.record, "a", encoding="utf-8") as record:  # noqa: PTH123
            record.write(sentence + "\n")
