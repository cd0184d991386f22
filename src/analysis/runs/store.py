"""What has been made once is not made again: finished runs kept by the content of all they used."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis import disk_cache, paths
from analysis.runs import environment, manifest
from analysis.runs import notebook as runs_notebook
from analysis.runs.notebook import translation_file
from analysis.runs.pipeline import Job

#: How many finished runs stay; a report takes about 150.
_KEPT = 900
_RECORD = "record.json"

#: The code of this package that runs a notebook and decides its stored form.
RUNNING = (
    "analysis.runs.environment",
    "analysis.runs.execute",
    "analysis.runs.notebook",
    "analysis.reads",
)


@dataclass(frozen=True)
class Finished:
    """A finished run in the store: its folder holds notebook.ipynb, tables/ and record.json."""

    key: str
    folder: Path

    @property
    def notebook(self) -> Path:
        """The executed notebook, in its repeatable form."""
        return self.folder / "notebook.ipynb"

    def tables(self) -> dict[str, Path]:
        """The tables it wrote, by file name."""
        return {path.name: path for path in sorted((self.folder / "tables").iterdir())}


def lock_digest() -> str:
    """The content of the lock, the Python it serves and the instructions of the processor."""
    lock = paths.ROOT / "requirements.lock"
    content = lock.read_bytes() if lock.is_file() else b""
    instructions = environment.instructions()
    return disk_cache.digest(
        content, platform.python_version(), platform.machine(), json.dumps(instructions)
    )


def key(job: Job, tables: Mapping[str, Path]) -> str:
    """One digest of everything that decides the result of a run.

    The cells of the notebook, its translation, its parameters, the code that it imports, the code
    that runs it, the raw files and tables that it declares, other files that it declares, and the
    lock. `tables`: file name -> where the table lies.
    """
    notebook = runs_notebook.read(job.chapter.path)
    used = disk_cache.imported_by(runs_notebook.code(notebook))
    translation = translation_file(job.chapter.stem, job.language)
    return disk_cache.digest(
        runs_notebook.without_outputs(notebook),
        translation.read_bytes() if translation.is_file() else b"",
        json.dumps(job.parameters, sort_keys=True),
        disk_cache.fingerprint(used),
        disk_cache.code_fingerprint(RUNNING),
        *_named_digests((path.name, path) for path in manifest.kernel_files()),
        *_named_digests(raw_files(job)),
        *_named_digests((name, tables[name]) for name in job.chapter.needs),
        *_named_digests(other_files(job)),
        lock_digest(),
    )


def _named_digests(files: Iterable[tuple[str, Path]]) -> Iterable[str]:
    for name, path in files:
        yield name
        yield disk_cache.digest(path.read_bytes())


def raw_files(job: Job) -> list[tuple[str, Path]]:
    """The raw files that a run may read."""
    there = {path.name: path for path in sorted(Path(paths.RAW).iterdir()) if path.is_file()}
    if "all" in job.chapter.raw:
        return list(there.items())
    if missing := [name for name in job.chapter.raw if name not in there]:
        raise ValueError(f"{job.chapter.stem} reads data/raw/{missing[0]}, which is not there")
    return [(name, there[name]) for name in job.chapter.raw]


def other_files(job: Job) -> list[tuple[str, Path]]:
    """Other files below the root that a run declares, e.g. scenarios/*.yml."""
    root = Path(paths.ROOT)
    found = {path for pattern in job.chapter.files for path in root.glob(pattern)}
    return [(path.relative_to(root).as_posix(), path) for path in sorted(found)]


def _store() -> Path:
    return paths.CACHE / "runs"


def find(run_key: str) -> Finished | None:
    """The finished run with this key, if it is kept and whole; a damaged one is made anew."""
    folder = _store() / run_key
    try:
        record = json.loads((folder / _RECORD).read_text("utf-8"))
        if record["files"] != _digests(folder):
            return None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)
    return Finished(run_key, folder)


def keep(run_key: str, notebook: str, tables: Mapping[str, Path], record: Mapping) -> Finished:
    """Put a finished run into the store, whole or not at all."""
    _store().mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".new-", dir=_store()))
    (aside / "notebook.ipynb").write_text(notebook, "utf-8")
    (aside / "tables").mkdir()
    for name, path in tables.items():
        shutil.copyfile(path, aside / "tables" / name)
    text = json.dumps({**record, "files": _digests(aside)}, sort_keys=True)
    (aside / _RECORD).write_text(text, "utf-8")
    aside.chmod(0o755)
    folder = _store() / run_key
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)
    return Finished(run_key, folder)


def _digests(folder: Path) -> dict[str, str]:
    """The content of a kept run, by the name of the file in its folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _RECORD)
    return {
        path.relative_to(folder).as_posix(): disk_cache.digest(path.read_bytes()) for path in files
    }


def forget_old() -> None:
    """Remove the runs that were used longest ago, and what a killed run left."""
    if not _store().is_dir():
        return
    for path in _store().glob(".new-*"):
        shutil.rmtree(path, ignore_errors=True)
    by_age = sorted(_store().iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


# --------------------------------------------------------------------------------------------------
# A report is built aside and takes the place of the last one in one step.
# --------------------------------------------------------------------------------------------------

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def staging() -> Iterator[Path]:
    """An empty folder on the disk of the project; removed at the end, whatever happens.

    What a killed run left is removed first: only the holder of the report's lock calls this.
    """
    home = paths.CACHE / "staging"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    try:
        yield Path(tempfile.mkdtemp(dir=home))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def put_in_place(new: Path, target: Path) -> None:
    """Let `new` take the place of the folder `target`; on Linux no moment shows anything between.

    Both must be on one disk. Afterwards `new` holds the former content, if there was any.
    """
    new.chmod(0o755)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        new.rename(target)
    elif not _exchange(new, target):
        former = new.with_name(f"{new.name}-former")
        target.rename(former)
        new.rename(target)
        former.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    names = os.fsencode(one), os.fsencode(other)
    return renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0
