"""Which files of this package a piece of code uses: the ground for every "has it changed?".

A module uses the modules that it imports, and those that they import, wherever in the file the
import stands. A sub-package also uses the files beside its modules (phrases, styles, templates).
Found by reading the source, not by running it, so it costs a few milliseconds a file and does not
depend on what happens to be loaded.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = "analysis"
SOURCE = Path(__file__).resolve().parent


def digest(*parts: bytes | str) -> str:
    """SHA-256 in hexadecimal of parts told apart by their lengths."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8") if isinstance(part, str) else part
        total.update(f"{len(data)}:".encode())
        total.update(data)
    return total.hexdigest()


@cache
def module_file(module: str) -> Path | None:
    """The file of a module of this package, or None when there is no such module."""
    parts = module.split(".")
    if parts[0] != PACKAGE:
        return None
    path = SOURCE.joinpath(*parts[1:])
    if (path / "__init__.py").is_file():
        return path / "__init__.py"
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else None


class _Parser:
    """Parses one source at a time: on some releases of Python two threads that parse at once fail
    with a SystemError about recursion depth."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            # A process forked while another thread held the lock would wait for it for ever.
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self.lock = threading.Lock()

    def __call__(self, source: str) -> ast.Module:
        with self.lock:
            return ast.parse(source)


#: The syntax tree of a source; raises SyntaxError. Safe to call from several threads.
parse = _Parser()


def imported_by(source: str, module: str = "", is_package: bool = False) -> set[str]:
    """The modules of this package that `source` imports; `module` resolves relative imports."""
    found: set[str] = set()
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return {name for name in found if module_file(name)}


def libraries_of(source: str) -> set[str]:
    """The modules of other packages that `source` imports when it is itself imported."""
    found: set[str] = set()
    for node in parse(source).body:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    own = {PACKAGE, *sys.stdlib_module_names}
    return {name for name in found if name.partition(".")[0] not in own}


def _absolute(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    keep = len(parts) - node.level + (1 if is_package else 0)
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


@cache
def _direct(module: str) -> frozenset[str]:
    file = module_file(module)
    assert file is not None
    return frozenset(imported_by(file.read_text("utf-8"), module, file.name == "__init__.py"))


def closure(modules: Iterable[str]) -> list[str]:
    """All modules of this package that `modules` use, themselves included, sorted.

    Importing a.b runs a first, so the packages above each module count as used.
    """
    seen: set[str] = set()
    waiting = [name for name in modules if module_file(name)]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting.extend(_direct(name))
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return sorted(seen)


def files_of(modules: Iterable[str]) -> list[Path]:
    """The source files of `modules`, with the data files that lie beside them in sub-packages."""
    found: set[Path] = set()
    for module in modules:
        file = module_file(module)
        assert file is not None
        found.add(file)
        if file.parent != SOURCE:
            found.update(_data_files(file.parent))
    return sorted(found)


@cache
def _data_files(folder: Path) -> frozenset[Path]:
    return frozenset(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"} and "__pycache__" not in path.parts
    )


@cache
def file_digest(path: Path) -> str:
    """SHA-256 of a file's content; read once a process."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprint(modules: Iterable[str]) -> str:
    """One digest of all code and data files that `modules` use."""
    return digest(*_names_and_digests(files_of(closure(modules))))


def code_fingerprint(modules: Iterable[str]) -> str:
    """One digest of the code that `modules` use, without the data files beside it."""
    files = (module_file(name) for name in closure(modules))
    return digest(*_names_and_digests(file for file in files if file))


def _names_and_digests(files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        yield path.relative_to(SOURCE).as_posix()
        yield file_digest(path)
