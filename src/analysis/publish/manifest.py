"""reports/manifest.json: every file made, what made it, and every file it was made from.

The manifest holds no times and no addresses, so two runs on the same inputs give the same bytes.
It is also how the next run knows, without importing anything heavy, that there is nothing to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis import codebase, paths

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
    files = {*_below(Path(paths.RAW)), *_below(Path(paths.NOTEBOOKS)), *_below(codebase.SOURCE)}
    files |= {*_below(root / "data"), *_below(root / "scenarios"), *_below(root / "rounds")}
    files.add(root / "requirements.lock")
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
    if path.is_relative_to(codebase.SOURCE):
        return f"src/analysis/{path.relative_to(codebase.SOURCE).as_posix()}"
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
