"""A report is built aside and takes the place of the last one in one step."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from analysis import paths

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
