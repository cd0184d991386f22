"""Start the prepared process, fork kernels from it, and end it with everything it started.

The kernel provisioner `papermill-warm` is registered as an entry point of jupyter_client, so any
Jupyter program can use it by naming it in a kernel specification. Where no prepared process is
running, or the system cannot fork, it starts an ordinary kernel: the notebook's outputs are the
same, only later.
"""

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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

#: Names the socket of the prepared process.
SOCKET = "PAPERMILL_WARM_KERNELS"
#: In the environment of a kernel: megabytes of memory beyond which Python raises MemoryError.
MEMORY = "PAPERMILL_WARM_MEMORY"
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
                    "memory": int(environment.get(MEMORY, 0)),
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


def with_companions(modules: Iterable[str]) -> list[str]:
    """The modules, after what those libraries load late that they belong to."""
    given = list(modules)
    roots = {name.partition(".")[0] for name in given}
    late = {name for root in roots for name in COMPANIONS.get(root, ())}
    return [*sorted(late), *given]


def has_fork() -> bool:
    """Whether kernels can be forked: on Linux. macOS's own libraries do not survive a fork."""
    return sys.platform.startswith("linux") and hasattr(os, "fork")


@contextlib.contextmanager
def warm_kernels(
    modules: Iterable[str] = (),
    environment: Mapping[str, str] | None = None,
    warm: bool = True,
    rehearsals: Sequence[str] = (),
    in_fork: Sequence[str] = (),
) -> Iterator[bool]:
    """While the block runs, notebooks of this process start in forks of one prepared process.

    Args:
        modules: imported beforehand, with their `COMPANIONS`; one that cannot be imported is left
            out, and fails in the notebook that imports it.
        environment: of the prepared process; by default this process's own. What libraries read
            when they are imported (threads, backends) has to be set here.
        warm: whether to prepare anything; without it kernels are ordinary ones.
        rehearsals: functions `module:name`, called with the modules once these are imported, to do
            what every notebook would do first. One that fails is left out.
        in_fork: functions `module:name`, called in every kernel before it starts.

    Yields whether kernels are warm: not where the system cannot fork. Raises OSError when the
    process cannot be started.
    """
    folder = tempfile.mkdtemp(prefix="papermill-warm-")
    wanted = {
        "modules": with_companions(modules),
        "rehearsals": list(rehearsals),
        "in_fork": list(in_fork),
    }
    try:
        with _set("JUPYTER_RUNTIME_DIR", folder):
            if warm and has_fork():
                own = dict(os.environ if environment is None else environment)
                with _prepared_process(Path(folder) / "socket", wanted, own):
                    yield True
            else:
                yield False
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _prepared_process(
    address: Path, wanted: Mapping[str, list[str]], environment: dict[str, str]
) -> Iterator[None]:
    """`wanted`: modules, rehearsals and in_fork, as `warm_kernels` takes them."""
    command = [sys.executable, "-P", "-m", "papermill_warm.server", str(address)]
    server = subprocess.Popen(
        [*command, json.dumps(wanted)],
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
