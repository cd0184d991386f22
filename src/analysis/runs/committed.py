"""Trying is not publishing: the report takes the notebooks that git has committed.

A parameter changed to look at something, or saved by an editor on its own, is in the folder but not
in git. `take` says so for each notebook and lets the report read the committed one from a folder of
.cache, with the translations that belong to it. The files in notebooks/ stay as they are.

Without git (an unpacked archive), or where the variable ANALYSIS_NOTEBOOKS names the folder, the
files count as they are.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import paths

if TYPE_CHECKING:
    from nbformat import NotebookNode

_SECONDS = 60
_SHOWN = 3


class GitError(OSError):
    """Git cannot say what is committed; the message has its own words."""


def take(uncommitted: bool = False) -> list[str]:
    """Let this process read committed notebooks; returns a line for each that differs.

    Args:
        uncommitted: take the files as they are, and say so.

    Where the cells are the committed ones and only outputs or what an editor writes by itself
    differ, the committed file is taken too, without a line.
    """
    if os.environ.get("ANALYSIS_NOTEBOOKS") or not (paths.ROOT / ".git").exists():
        return []
    try:
        changed = _changed()
        committed = {name: _shown(name) for name in changed}
    except GitError as error:
        return [f"Git cannot say which notebooks are committed ({error}): they are taken as they "
                "are in the folder."]  # fmt: skip
    lines, content = [], {}
    for name in [one for one in changed if one.endswith(".ipynb")]:
        stem = Path(name).stem
        was = committed[name]
        if was is None:
            lines.append(f"{stem}: new and not committed; it is taken as it is.")
            continue
        words = _difference(name, was)
        if words and uncommitted:
            lines.append(f"{stem}: {words}; your version is published (--uncommitted).")
        elif words:
            lines.append(
                f"{stem}: {words}. The report takes the committed version; commit yours, or "
                "publish it as it is with --uncommitted."
            )
        content[name] = was
        # Prose belongs to the cells: a translation of the changed notebook does not fit.
        prose = [one for one in changed if one.endswith(f"/{stem}.md")]
        content |= {one: text for one in prose if (text := committed[one]) is not None}
    if content and not uncommitted:
        os.environ["ANALYSIS_NOTEBOOKS"] = str(_lay_out(content))
    return lines


def _changed() -> list[str]:
    """Files below notebooks/ that differ from what is committed, or are new."""
    told = _git("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all",
                "--", "notebooks")  # fmt: skip
    entries = [one for one in told.decode("utf-8", "surrogateescape").split("\0") if one]
    names = [one[3:] for one in entries]
    return sorted(
        name for name in names if ".ipynb_checkpoints" not in name and (paths.ROOT / name).is_file()
    )


def _shown(name: str) -> bytes | None:
    """The committed content of a file; None where it is new."""
    if not _git("ls-tree", "HEAD", "--", name).strip():
        return None
    return _git("show", f"HEAD:./{name}")


def _git(*arguments: str) -> bytes:
    """Run git in the project's folder; raises GitError with what it says."""
    # Settings of the caller's own git (inside a hook, say) would point elsewhere.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        ended = subprocess.run(
            ["git", "-C", str(paths.ROOT), *arguments],
            capture_output=True,
            check=False,
            env=clean,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"{type(error).__name__}: git") from None
    if ended.returncode:
        told = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(told[0] if told else f"git {arguments[0]} failed")
    return ended.stdout


def _difference(name: str, was: bytes) -> str:
    """In words what cells or parameters differ; empty where none does."""
    from analysis.runs import notebook  # loads what only a changed notebook needs

    before = _read(name, was)
    try:
        after = notebook.read(paths.ROOT / name)
    except ValueError as error:
        return f"it cannot be read here ({error})"
    if notebook.without_outputs(before) == notebook.without_outputs(after):
        return ""
    old, new = (notebook.declared_parameters(one) for one in (before, after))
    values = [
        f"{key} is {new.get(key, 'not there')!r} here and {old.get(key, 'not there')!r} in git"
        for key in [*old, *(key for key in new if key not in old)]
        if old.get(key) != new.get(key)
    ]
    cells = _other_cells(before, after)
    if cells:
        more = f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else ""
        word = "cell" if len(cells) == 1 else "cells"
        verb = "differs" if len(cells) == 1 else "differ"
        values.append(f"{word} {', '.join(cells[:_SHOWN])}{more} {verb} from git")
    return ", ".join(values) or "the order of its cells differs from git"


def _other_cells(before: NotebookNode, after: NotebookNode) -> list[str]:
    """Cells that were changed, added or taken out, without that of the parameters' values."""
    from analysis.runs import notebook

    old, new = ({cell.id: cell for cell in one.cells} for one in (before, after))
    found = []
    for own in dict.fromkeys([*old, *new]):
        one, other = old.get(own), new.get(own)
        if one is None or other is None:
            found.append(own)
            continue
        values = "parameters" in notebook.tags(other)
        kinds = [(cell.cell_type, notebook.tags(cell)) for cell in (one, other)]
        if kinds[0] != kinds[1] or (one.source != other.source and not values):
            found.append(own)
    return found


def _read(name: str, content: bytes) -> NotebookNode:
    from analysis.runs import notebook

    folder = paths.CACHE / "committed" / "read"
    file = paths.write_atomic(folder / Path(name).name, content)
    return notebook.read(file)


def _lay_out(content: dict[str, bytes]) -> Path:
    """A copy of notebooks/ with the committed content in the place of what differs."""
    from analysis import disk_cache

    home = paths.CACHE / "committed"
    key = disk_cache.digest(
        *(part for name, text in sorted(content.items()) for part in (name, text))
    )
    root = home / key[:16]
    shutil.rmtree(root, ignore_errors=True)
    skipped = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    shutil.copytree(paths.ROOT / "notebooks", root / "notebooks", ignore=skipped)
    for name, text in content.items():
        paths.write_atomic(root / name, text)
    for other in home.iterdir():
        if other not in (root, home / "read"):
            shutil.rmtree(other, ignore_errors=True)
    return root / "notebooks"
