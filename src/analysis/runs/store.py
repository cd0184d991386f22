"""What has been made once is not made again: finished runs kept by the content of all they used."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from analysis import disk_cache, paths
from analysis.runs import environment
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
        *_named_digests((path.name, path) for path in kernel_files()),
        *_named_digests(raw_files(job)),
        *_named_digests((name, tables[name]) for name in job.chapter.needs),
        *_named_digests(other_files(job)),
        lock_digest(),
    )


#: Where the package of warm kernels stands in the project.
KERNELS = "packages/papermill-warm/src"


@cache
def kernel_files() -> tuple[Path, ...]:
    """The code of the package that runs notebooks in warm kernels."""
    found = importlib.util.find_spec("papermill_warm")
    assert found is not None and found.origin is not None
    return tuple(sorted(Path(found.origin).parent.glob("*.py")))


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
# reports/manifest.json: every file made, what made it, and every file it was made from.
#
# The manifest holds no times and no addresses, so two runs on the same inputs give the same bytes.
# It is also how the next run knows, without importing anything heavy, that there is nothing to do.
# --------------------------------------------------------------------------------------------------

NAME = "manifest.json"
#: Lie beside the report, and are no part of it: measurements differ from run to run.
APART = ("bench.json",)
_IGNORED = {"__pycache__", ".ipynb_checkpoints"}


def digest(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inputs() -> dict[str, str]:
    """Every file that a report can depend on -> SHA-256: data, notebooks, code, lock."""
    root = Path(paths.ROOT)
    made = (Path(paths.PROCESSED), root / "data" / "processed")
    files = {*_below(Path(paths.RAW)), *_below(Path(paths.NOTEBOOKS)), *_below(disk_cache.SOURCE)}
    files |= {*_below(root / "data"), *_below(root / "scenarios"), *_below(root / "rounds")}
    files |= {root / "requirements.lock", *kernel_files()}
    files = {path for path in files if not any(path.is_relative_to(one) for one in made)}
    return {_name(path, root): digest(path) for path in sorted(files) if path.is_file()}


def _below(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not _IGNORED.intersection(path.parts) and path.suffix != ".pyc"
    ]


def _name(path: Path, root: Path) -> str:
    if path.is_relative_to(paths.NOTEBOOKS):  # which may be a copy of what is committed
        return f"notebooks/{path.relative_to(paths.NOTEBOOKS).as_posix()}"
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    if path.is_relative_to(disk_cache.SOURCE):
        return f"src/analysis/{path.relative_to(disk_cache.SOURCE).as_posix()}"
    if path in kernel_files():
        return f"{KERNELS}/papermill_warm/{path.name}"
    return path.name


def read(reports: Path) -> dict[str, Any]:
    """The manifest of a report, or an empty one when there is none that can be read."""
    try:
        return json.loads((reports / NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def text(
    made_from: Mapping[str, str],
    settings: Mapping[str, Any],
    runs: Sequence[Mapping[str, Any]],
    files: Sequence[Mapping[str, Any]],
) -> str:
    """The text of a manifest; `runs` and `files` are written sorted."""
    content = {
        "inputs": dict(sorted(made_from.items())),
        "settings": dict(settings),
        "notebooks": sorted(runs, key=lambda run: json.dumps(run, sort_keys=True)),
        "files": sorted(files, key=lambda file: file["file"]),
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def listed(folder: Path, prefix: str, makers: Mapping[str, Mapping[str, Any]]) -> list[dict]:
    """Name, size and digest of every file below `folder`, with the run that made it.

    `makers`: start of a file's name (below `folder`) -> the run; the longest that fits counts.
    """
    found = []
    for path in sorted(_below(folder)):
        name = path.relative_to(folder).as_posix()
        if name in {NAME, ".gitkeep", *APART}:
            continue
        entry = {"file": prefix + name, "size": path.stat().st_size, "sha256": digest(path)}
        starts = [start for start in makers if name.startswith(start)]
        if starts:
            entry.update(makers[max(starts, key=len)])
        found.append(entry)
    return found


def differences(manifest: Mapping[str, Any], folders: Mapping[str, Path]) -> list[str]:
    """The files that are missing, other than the manifest says, or not in it.

    `folders`: start of a name in the manifest -> the folder where such files lie.
    """
    said = {entry["file"]: entry for entry in manifest.get("files", [])}
    there = {
        prefix + path.relative_to(folder).as_posix(): path
        for prefix, folder in folders.items()
        for path in _below(folder)
    }
    wrong = [name for name, entry in said.items() if not _agrees(there.get(name), entry)]
    known = {*said, *(f"reports/{name}" for name in (NAME, *APART))}
    surplus = {name for name in there if name.startswith("reports/") and name not in known}
    return sorted({*wrong, *surplus})


def _agrees(path: Path | None, entry: Mapping[str, Any]) -> bool:
    return (
        path is not None
        and path.stat().st_size == entry["size"]
        and digest(path) == entry["sha256"]
    )


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
