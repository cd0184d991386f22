"""What a report was made from and what it holds; and whether it still does.

reports/manifest.json lists every file made, what made it, and every file that it was made from. It
holds no times and no addresses, so two runs on the same inputs give the same bytes.

This module imports nothing heavy: most of the time there is nothing to do, and a user shall hear so
at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from analysis import paths

_SOURCE = Path(__file__).resolve().parents[1]

#: Where the package of warm kernels stands in the project.
KERNEL_CODE = "packages/papermill-warm/src"


@cache
def kernel_files() -> tuple[Path, ...]:
    """The code of the package that runs notebooks in warm kernels."""
    found = importlib.util.find_spec("papermill_warm")
    assert found is not None and found.origin is not None
    return tuple(sorted(Path(found.origin).parent.glob("*.py")))


NAME = "manifest.json"
#: Lie beside the report, and are no part of it: measurements differ from run to run.
APART = ("bench.json",)
_IGNORED = {"__pycache__", ".ipynb_checkpoints"}


def file_digest(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inputs() -> dict[str, str]:
    """Every file that a report can depend on -> SHA-256: data, notebooks, code, lock."""
    root = Path(paths.ROOT)
    made = (Path(paths.PROCESSED), root / "data" / "processed")
    files = {path for folder in input_folders() for path in _below(folder)} | {*single_inputs()}
    files = {path for path in files if not any(path.is_relative_to(one) for one in made)}
    return {_name(path, root): file_digest(path) for path in sorted(files) if path.is_file()}


def input_folders() -> list[Path]:
    """The folders of which every file counts, except what the report itself writes."""
    root = Path(paths.ROOT)
    own = [Path(paths.RAW), Path(paths.NOTEBOOKS), _SOURCE]
    return [*own, root / "data", root / "scenarios", root / "rounds"]


def single_inputs() -> list[Path]:
    """The files that count beside those of `input_folders`."""
    return [paths.ROOT / "requirements.lock", *kernel_files()]


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
    if path.is_relative_to(_SOURCE):
        return f"src/analysis/{path.relative_to(_SOURCE).as_posix()}"
    if path in kernel_files():
        return f"{KERNEL_CODE}/papermill_warm/{path.name}"
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
        entry = {"file": prefix + name, "size": path.stat().st_size, "sha256": file_digest(path)}
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
        and file_digest(path) == entry["sha256"]
    )


# --------------------------------------------------------------------------------------------------
# Is there anything to do? Content decides; where no file was touched, it need not be read again.
#
# After a comparison by content has found all in order, a seal keeps what the system says of each
# file: size, inode, and the times of its last change. While all of it is the same, so is the
# content: the system sets the time of change (ctime) at every write, and no program can set it back
# as it can the time of modification. Anything else costs a comparison by content, no more.
# --------------------------------------------------------------------------------------------------

#: A seal is not written while a file is younger than this (nanoseconds): a second write within one
#: tick of the disk's clock would leave the same times. The coarsest clocks tick every two seconds.
_SETTLED = 3_000_000_000


def is_up_to_date(settings: Mapping[str, Any], made_from: Mapping[str, str] | None = None) -> bool:
    """Whether the report was made from exactly these inputs and is whole, byte for byte.

    Args:
        settings: what was asked for, as `Request.as_settings` says it.
        made_from: the inputs, where they have been read just now; nothing is taken from a seal
            then.
    """
    if made_from is not None:
        return _is_made_from(settings, made_from)
    seal = _seal(settings)
    now, seen = _clock(), _seen()
    if _can_be_sealed() and _sealed(seal) == seen[0]:
        return True
    if not _is_made_from(settings, inputs()):
        return False
    if _can_be_sealed() and seen[1] < now - _SETTLED:
        with contextlib.suppress(OSError):  # a seal spares time and decides nothing
            paths.write_atomic(seal, seen[0])
    return True


def _is_made_from(settings: Mapping[str, Any], made_from: Mapping[str, str]) -> bool:
    reports = Path(paths.REPORTS)
    said = read(reports)
    if said.get("settings") != settings or said.get("inputs") != made_from:
        return False
    if any("failed" in run for run in said.get("notebooks", [])):
        return False
    return not differences(said, {"reports/": reports, "data/processed/": Path(paths.PROCESSED)})


def _can_be_sealed() -> bool:
    """On Windows ctime is the time of creation, which says nothing of changes."""
    return os.name == "posix"


def _seal(settings: Mapping[str, Any]) -> Path:
    """Where the seal of a request lies: one for each request and place of its report."""
    asked = json.dumps([settings, str(paths.REPORTS), str(paths.PROCESSED)], sort_keys=True)
    return paths.CACHE / "seals" / hashlib.sha256(asked.encode()).hexdigest()[:32]


def _sealed(seal: Path) -> str | None:
    try:
        return seal.read_text("ascii")
    except (OSError, ValueError):
        return None


def _clock() -> int:
    """The time by the disk's own clock, which may lie on another machine; 0 where none is told."""
    try:
        Path(paths.CACHE).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=str(paths.CACHE)) as file:
            return os.fstat(file.fileno()).st_ctime_ns
    except OSError:
        return 0


def _seen() -> tuple[str, int]:
    """One digest of what the system says of every file that counts; the latest change of one."""
    total, latest = hashlib.sha256(), 0
    folders = [Path(paths.REPORTS), Path(paths.PROCESSED), *input_folders()]
    for top in dict.fromkeys(map(os.path.realpath, folders)):
        for path, told in _walked(top):
            total.update(f"{path}\0{told}\0".encode("utf-8", "surrogateescape"))
            latest = max(latest, told[-1])
    for path in map(str, single_inputs()):
        told = _told(path)
        total.update(f"{path}\0{told}\0".encode("utf-8", "surrogateescape"))
        latest = max(latest, told[-1])
    return total.hexdigest(), latest


def _walked(folder: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every file below a folder, in one order, with what the system says of it."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name in _IGNORED or entry.name in APART or entry.name.endswith(".pyc"):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walked(entry.path)
        else:
            yield entry.path, _told(entry.path)


def _told(path: str) -> tuple[int, ...]:
    """What tells a file from any later state of it; through a link, of the link and its target."""
    told: tuple[int, ...] = ()
    latest = 0
    for look in (os.lstat, os.stat):
        try:
            one = look(path)
        except OSError:
            return (*told, 0, latest)
        told += (one.st_dev, one.st_ino, one.st_mode, one.st_size, one.st_mtime_ns, one.st_ctime_ns)
        latest = max(latest, one.st_ctime_ns)
        if not stat.S_ISLNK(one.st_mode):
            break
    return (*told, latest)
