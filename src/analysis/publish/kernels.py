"""Warm kernels for a run: start the prepared process, and end it with everything it started."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis import codebase
from analysis.parallel import has_fork
from analysis.publish.kernels_provisioner import SOCKET

#: Loaded late by libraries that are imported, and slow to load.
COMPANIONS = {
    "matplotlib": ("matplotlib.backends.backend_agg", "matplotlib.pyplot"),
    "pandas": ("pyarrow", "pandas.io.formats.style"),
    "scipy": ("scipy.linalg", "scipy.optimize", "scipy.stats"),
    "statsmodels": ("statsmodels.api",),
}


def to_prepare(sources: Iterable[str]) -> list[str]:
    """What notebooks with these sources import, directly or through this package's modules."""
    texts = list(sources)
    modules = codebase.closure(name for text in texts for name in codebase.imported_by(text))
    files = [codebase.module_file(name) for name in modules]
    texts += [file.read_text("utf-8") for file in files if file]
    libraries = {name for text in texts for name in codebase.libraries_of(text)}
    roots = {name.partition(".")[0] for name in libraries}
    companions = {name for root in roots for name in COMPANIONS.get(root, ())}
    return [*sorted(libraries | companions), *modules]


@contextlib.contextmanager
def warm_kernels(
    modules: Iterable[str],
    environment: dict[str, str],
    warm: bool = True,
) -> Iterator[bool]:
    """While the block runs, notebooks of this process start in forks of one prepared process.

    `modules` are imported beforehand; see `to_prepare`. Yields whether kernels are warm; without
    fork, or with `warm` false, kernels are ordinary ones.
    """
    folder = tempfile.mkdtemp(prefix="analysis-kernels-")
    try:
        with _set("JUPYTER_RUNTIME_DIR", folder):
            if warm and has_fork():
                with _prepared_process(Path(folder) / "socket", modules, environment):
                    yield True
            else:
                yield False
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _prepared_process(
    address: Path, modules: Iterable[str], environment: dict[str, str]
) -> Iterator[None]:
    command = [sys.executable, "-P", "-m", "analysis.publish.kernels_server", str(address)]
    server = subprocess.Popen(
        [*command, *modules],
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        _wait_for(address, server)
        with _set(SOCKET, str(address)):
            yield
    finally:
        _end(server)


@contextlib.contextmanager
def _set(variable: str, value: str) -> Iterator[None]:
    before = os.environ.get(variable)
    os.environ[variable] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


def _wait_for(address: Path, server: subprocess.Popen) -> None:
    """The socket is there some milliseconds after the start, before the imports."""
    for _ in range(600):
        if address.exists():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.05)
            raise OSError(f"the process that prepares kernels ended with {server.returncode}")
    raise OSError("the process that prepares kernels does not answer")


def _end(server: subprocess.Popen) -> None:
    """Closed input ends it when it serves, the signal when it still imports."""
    assert server.stdin is not None
    server.stdin.close()
    server.terminate()
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
