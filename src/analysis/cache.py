"""Heavy results kept on disk, found again by content: the code that made them and its arguments.

An entry is used only when the function's module, everything it imports from this package, the
versions of the numerical libraries, the settings that decide in which order they add, and all
arguments are the same. Deleting the folder .cache is
always safe; ANALYSIS_CACHE=off computes everything anew.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import inspect
import os
import pickle
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from analysis import codebase, paths

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

#: What reading a damaged or outdated entry may raise; such an entry is computed anew.
DAMAGED = (pickle.UnpicklingError, EOFError, ImportError, AttributeError, LookupError, ValueError)


def cached(function: Function) -> Function:
    """Keep the results of `function` in .cache, one entry for each content of its arguments.

    For pure functions only: the result may depend on nothing but the arguments and the code.
    Arguments may be tables, arrays, dataclasses, paths (their content counts, not their name),
    and plain Python values; another kind raises TypeError. Two processes that ask for the same
    entry at once compute it once. `function.__wrapped__` is the function without the cache.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if os.environ.get("ANALYSIS_CACHE") == "off":
            return function(*args, **kwargs)
        return _find_or_compute(_entry(function, args, kwargs), function, args, kwargs)

    return wrapper  # type: ignore[return-value]


def _entry(function: Callable[..., Any], args: tuple, kwargs: dict) -> Path:
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    key = codebase.digest(
        _code_digest(function.__module__),
        library_versions(),
        *(os.environ.get(name, "") for name in SETTINGS),
        *_content(bound.arguments),
    )
    name = f"{function.__module__}.{function.__qualname__}"
    return paths.CACHE / "results" / name / f"{key[:40]}.pickle"


def _code_digest(module: str) -> str:
    if codebase.module_file(module):
        return codebase.fingerprint([module])
    file = inspect.getsourcefile(importlib.import_module(module))
    return codebase.file_digest(Path(file)) if file else ""


@functools.cache
def library_versions() -> str:
    """The versions of Python and the numerical libraries, and the machine, as one line."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    return "; ".join([f"python {platform.python_version()}", platform.machine(), *versions])


def _find_or_compute(entry: Path, function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
    found, value = _load(entry)
    if found:
        return value
    entry.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(entry.with_suffix(".lock")):
        found, value = _load(entry)
        if not found:
            value = function(*args, **kwargs)
            paths.write_atomic(entry, pickle.dumps(value, protocol=5))
    return value


def _load(entry: Path) -> tuple[bool, Any]:
    """Whether the entry is there, and its value; an unreadable entry counts as absent."""
    try:
        return True, pickle.loads(entry.read_bytes())
    except FileNotFoundError:
        return False, None
    except DAMAGED:
        return False, None


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
        yield codebase.digest(file.read_bytes())


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
