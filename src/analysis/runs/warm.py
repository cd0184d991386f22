"""Warm kernels for a run: start the prepared process, and end it with everything it started."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

from analysis import disk_cache
from analysis.parallel import has_fork

# --------------------------------------------------------------------------------------------------
# The kernel provisioner `analysis-warm`: kernels forked from a prepared process.
#
# Registered as an entry point of jupyter_client, so any Jupyter program can use it by naming it in
# a kernel specification. Where no prepared process is running, or the system cannot fork, it starts
# an ordinary kernel: the notebook's outputs are the same, only later.
# --------------------------------------------------------------------------------------------------

#: Names the socket of the prepared process.
SOCKET = "ANALYSIS_WARM_KERNELS"
#: Seconds within which a killed kernel is gone, unless the system is stuck.
_DEATH = 1.0


class WarmProcess:
    """A forked kernel, with the part of subprocess.Popen's interface that jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, address: str, request: dict[str, Any]) -> None:
        self.returncode: int | None = None
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(address)
        self.connection.sendall(json.dumps(request).encode("utf-8") + b"\n")
        self._received = b""
        self.pid: int = self._next_message(None)["pid"]

    def _next_message(self, timeout: float | None) -> dict[str, int]:
        """One message of the server; empty when none came in time."""
        while b"\n" not in self._received:
            ready, _, _ = select.select([self.connection], [], [], timeout)
            if not ready:
                return {}
            data = self.connection.recv(4096)
            if not data:
                return {"exit": -signal.SIGKILL}
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)

    def poll(self) -> int | None:
        """The exit status (negative: the signal that ended it), or None while it runs."""
        if self.returncode is None:
            self._ended(self._next_message(0))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._ended(self._next_message(timeout))
        if self.returncode is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return self.returncode

    def _ended(self, message: dict[str, int]) -> None:
        if "exit" in message:
            self.returncode = message["exit"]
            self.connection.close()

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, as os.kill."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel at once."""
        self.send_signal(signal.SIGKILL)


class WarmProvisioner(LocalProvisioner):
    """Starts kernels by forking the prepared process, else as any other provisioner does."""

    #: What the kernel wrote past Python, e.g. the last words of a crash.
    log: str | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; `cmd` must be that of ipykernel."""
        address = os.environ.get(SOCKET, "")
        if not os.path.exists(address) or "ipykernel_launcher" not in cmd:  # noqa: PTH110
            return await super().launch_kernel(cmd, **kwargs)
        handle, self.log = tempfile.mkstemp(prefix="kernel-", suffix=".log")
        os.close(handle)
        environment = {**kwargs.get("env", os.environ)}
        environment.pop("JPY_PARENT_PID", None)  # the parent is the prepared process
        try:
            process = WarmProcess(
                address,
                {
                    "argv": cmd[cmd.index("ipykernel_launcher") + 1 :],
                    "env": environment,
                    "cwd": os.fspath(kwargs.get("cwd") or Path.cwd()),
                    "log": self.log,
                    "memory": int(environment.get("ANALYSIS_KERNEL_MEMORY", 0)),
                },
            )
        except OSError:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = process  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and see it end; jupyter_client would look again after 0.1 s."""
        await super().kill(restart)
        if isinstance(self.process, WarmProcess):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_DEATH)

    async def cleanup(self, restart: bool = False) -> None:
        """Forget the kernel and its log."""
        await super().cleanup(restart)
        if self.log:
            with contextlib.suppress(OSError):
                os.unlink(self.log)  # noqa: PTH108
            self.log = None


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
    modules = disk_cache.closure(name for text in texts for name in disk_cache.imported_by(text))
    files = [disk_cache.module_file(name) for name in modules]
    texts += [file.read_text("utf-8") for file in files if file]
    libraries = {name for text in texts for name in disk_cache.libraries_of(text)}
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
    command = [sys.executable, "-P", "-m", "analysis.runs.warm_server", str(address)]
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
