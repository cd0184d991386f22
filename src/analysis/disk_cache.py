"""Heavy results kept on disk, found again by content: the code that made them and its arguments.

An entry is used only when the function's module, everything it imports from this package, the
versions of the numerical libraries, the settings that decide in which order they add, the table of
the country's units, and all arguments are the same. While a kept function computes, reading
anything else of the project is an error (`analysis.reads`). A damaged entry is computed anew, and
the entries that were used longest ago leave when the folder grows beyond its limit. Deleting the
folder .cache is always safe; ANALYSIS_CACHE=off computes everything anew.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import functools
import hashlib
import importlib.metadata
import inspect
import os
import pickle
import platform
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from analysis import paths, reads

# --------------------------------------------------------------------------------------------------
# Which files of this package a piece of code uses: the ground for every "has it changed?".
#
# A module uses the modules that it imports, and those that they import, wherever in the file the
# import stands. A sub-package also uses the files beside its modules (phrases, styles, templates).
# Found by reading the source, not by running it, so it costs a few milliseconds a file and does not
# depend on what happens to be loaded.
# --------------------------------------------------------------------------------------------------

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
def _digest_of(path: Path) -> str:
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
        yield _digest_of(path)


Function = TypeVar("Function", bound=Callable[..., Any])

#: Libraries whose version may change a number or a page.
LIBRARIES = ("nbconvert", "numpy", "pandas", "scipy", "statsmodels")

#: Which instructions of the processor and how many threads the libraries use: another choice adds
#: in another order and changes the last digit.
SETTINGS = (
    "MKL_NUM_THREADS",
    "NPY_DISABLE_CPU_FEATURES",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)

#: Names the size in megabytes beyond which the oldest entries leave.
LIMIT, USUAL_LIMIT = "ANALYSIS_CACHE_LIMIT", 2000
#: An entry starts with a digest of so many bytes of what follows.
_DIGEST = 20


def cached(function: Function) -> Function:
    """Keep the results of `function` in .cache, one entry for each content of its arguments.

    For pure functions only: the result may depend on nothing but the arguments and the code. A
    function that opens another file of the project ends with `analysis.reads.HiddenRead`, which
    names both. Arguments may be tables, arrays, dataclasses, paths (their content counts, not
    their name), and plain Python values; another kind raises TypeError. Two processes that ask for
    the same entry at once compute it once. `function.__wrapped__` is the function without the
    cache.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        if is_off():
            return _compute(function, bound)
        return _find_or_compute(_entry(function, bound), function, bound)

    return wrapper  # type: ignore[return-value]


def is_off() -> bool:
    """Whether ANALYSIS_CACHE=off asks that nothing be kept, nor anything kept be used."""
    return os.environ.get("ANALYSIS_CACHE") == "off"


def _compute(function: Callable[..., Any], bound: inspect.BoundArguments) -> Any:
    kept = reads.Kept(_name(function), tuple(sorted(set(_files_among(bound.arguments)))))
    with reads.computing(kept):
        return function(*bound.args, **bound.kwargs)


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _files_among(value: Any) -> Iterator[str]:
    """The files and folders among arguments, however deep."""
    if isinstance(value, os.PathLike):
        yield os.path.realpath(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _files_among(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from _files_among(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _files_among(item)


def _entry(function: Callable[..., Any], bound: inspect.BoundArguments) -> Path:
    key = digest(
        _code_digest(function.__module__),
        library_versions(),
        *(os.environ.get(name, "") for name in SETTINGS),
        _units(),
        *_content(bound.arguments),
    )
    return paths.CACHE / "results" / _name(function) / f"{key[:40]}.pickle"


def _units() -> bytes:
    """The table of the units, which any function may read through `analysis.country.geography`."""
    table = paths.RAW / "provinces.csv"
    return table.read_bytes() if table.is_file() else b""


def _code_digest(module: str) -> str:
    if module_file(module):
        return fingerprint([module])
    file = inspect.getsourcefile(importlib.import_module(module))
    return _digest_of(Path(file)) if file else ""


@functools.cache
def library_versions() -> str:
    """The versions of Python and the numerical libraries, and the machine, as one line."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    return "; ".join([f"python {platform.python_version()}", platform.machine(), *versions])


def _find_or_compute(
    entry: Path, function: Callable[..., Any], bound: inspect.BoundArguments
) -> Any:
    found, value = _load(entry)
    if found:
        return value
    with _alone(entry):
        found, value = _load(entry)
        if not found:
            value = _compute(function, bound)
            _keep(entry, pickle.dumps(value, protocol=5))
    return value


@contextlib.contextmanager
def _alone(entry: Path) -> Iterator[None]:
    """While the block runs, nobody else computes the entry, unless the disk admits no lock."""
    lock = FileLock(entry.with_suffix(".lock"))
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _keep(entry: Path, content: bytes) -> None:
    """Keep an entry if the disk takes it; a full one costs time later and no run."""
    with contextlib.suppress(OSError):
        paths.write_atomic(entry, _digest(content) + content)
        trim()


def _digest(content: bytes | memoryview) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


def trim() -> None:
    """Remove the entries that were used longest ago until the rest is within the limit."""
    limit = float(os.environ.get(LIMIT) or USUAL_LIMIT) * 1e6
    entries = []
    for path in (paths.CACHE / "results").glob("*/*.pickle"):
        with contextlib.suppress(FileNotFoundError):
            seen = path.stat()
            entries.append((seen.st_mtime_ns, seen.st_size, path))
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= limit:
            return
        for file in (path, path.with_suffix(".lock")):
            file.unlink(missing_ok=True)
        total -= size


def _load(entry: Path) -> tuple[bool, Any]:
    """Whether the entry is there and whole, and its value; any other counts as absent."""
    try:
        content = memoryview(entry.read_bytes())
        if bytes(content[:_DIGEST]) != _digest(content[_DIGEST:]):
            return False, None
        value = pickle.loads(content[_DIGEST:])
    except Exception:  # whatever an entry of other code or another library raises
        return False, None
    with contextlib.suppress(OSError):
        os.utime(entry)  # used again just now
    return True, value


def _content(value: Any) -> Iterator[bytes | str]:
    """The content of a value as a sequence of parts, the same in every process."""
    kind = type(value)
    yield f"{kind.__module__}.{kind.__qualname__}"
    if value is None or isinstance(value, bool | int | float | complex | str):
        yield repr(value)
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, os.PathLike):
        yield from _content_of_path(Path(value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        yield from _content_of_items((field.name, getattr(value, field.name)) for field in fields)
    elif isinstance(value, Mapping):
        yield from _content_of_items(value.items())
    elif isinstance(value, set | frozenset):
        yield from _content(sorted(value, key=repr))
    elif isinstance(value, list | tuple):
        yield from _content_of_items(enumerate(value))
    elif callable(value) and hasattr(value, "__qualname__"):
        yield f"{value.__module__}.{value.__qualname__}"
        yield _code_digest(value.__module__)
    else:
        yield from _content_of_data(value)


def _content_of_items(items: Iterable[tuple[Any, Any]]) -> Iterator[bytes | str]:
    for name, value in items:
        yield repr(name)
        yield from _content(value)
    yield "end"


def _content_of_path(path: Path) -> Iterator[str]:
    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    for file in files:
        yield file.relative_to(path).as_posix()
        yield digest(file.read_bytes()) if file.is_file() else "no such file"


def _content_of_data(value: Any) -> Iterator[bytes | str]:
    """Tables, columns, indexes, arrays, dates and numpy scalars."""
    import numpy as np
    import pandas as pd

    if isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        yield from _content_of_table(value)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        yield str(value.shape)
        yield from _content_of_items(enumerate(value.ravel().tolist()))
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}"
        yield np.ascontiguousarray(value).tobytes()
    elif hasattr(value, "isoformat") or isinstance(value, np.generic | pd.Timedelta):
        yield repr(value)
    elif value is pd.NA:
        yield "missing"
    else:
        raise TypeError(
            f"a cached function cannot take a {type(value).__name__}: pass tables, arrays, "
            "dataclasses or plain values"
        )


def _content_of_table(value: Any) -> Iterator[bytes | str]:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        yield from _content(list(value.columns))
        yield from _content([str(dtype) for dtype in value.dtypes])
        yield pd.util.hash_pandas_object(value).to_numpy().tobytes()
    else:
        yield repr(getattr(value, "name", None))
        yield str(value.dtype)
        yield pd.util.hash_pandas_object(value).to_numpy().tobytes()
