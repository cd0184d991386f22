"""What has been made once is not made again: finished runs kept by the content of all they used."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis import codebase, paths
from analysis.publish import runner_environment, runner_notebook
from analysis.publish.pipeline import Job
from analysis.publish.translate import translation_file

#: How many finished runs stay; a report takes about 150.
KEPT = 900
_RECORD = "record.json"

#: The code of this package that runs a notebook and decides its stored form.
RUNNING = (
    "analysis.publish.kernels_engine",
    "analysis.publish.kernels_server",
    "analysis.publish.runner_environment",
    "analysis.publish.runner_execute",
    "analysis.publish.translate",
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
    instructions = runner_environment.instructions()
    return codebase.digest(
        content, platform.python_version(), platform.machine(), json.dumps(instructions)
    )


def key(job: Job, tables: Mapping[str, Path]) -> str:
    """One digest of everything that decides the result of a run.

    The cells of the notebook, its translation, its parameters, the code that it imports, the code
    that runs it, the raw files and tables that it declares, other files that it declares, and the
    lock. `tables`: file name -> where the table lies.
    """
    notebook = runner_notebook.read(job.chapter.path)
    used = codebase.imported_by(runner_notebook.code(notebook))
    translation = translation_file(job.chapter.stem, job.language)
    return codebase.digest(
        runner_notebook.without_outputs(notebook),
        translation.read_bytes() if translation.is_file() else b"",
        json.dumps(job.parameters, sort_keys=True),
        codebase.fingerprint(used),
        codebase.code_fingerprint(RUNNING),
        *_named_digests(raw_files(job)),
        *_named_digests((name, tables[name]) for name in job.chapter.needs),
        *_named_digests(other_files(job)),
        lock_digest(),
    )


def _named_digests(files: Iterable[tuple[str, Path]]) -> Iterable[str]:
    for name, path in files:
        yield name
        yield codebase.digest(path.read_bytes())


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
        path.relative_to(folder).as_posix(): codebase.digest(path.read_bytes()) for path in files
    }


def forget_old() -> None:
    """Remove the runs that were used longest ago, and what a killed run left."""
    if not _store().is_dir():
        return
    for path in _store().glob(".new-*"):
        shutil.rmtree(path, ignore_errors=True)
    by_age = sorted(_store().iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
