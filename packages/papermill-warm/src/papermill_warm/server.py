"""The prepared process: it has the heavy imports, and forks itself for each notebook.

Started by `papermill_warm.warm_kernels`. It listens on a Unix socket; each connection asks for one
kernel by a line of JSON, is told the kernel's process id and, later, its exit status. When a
connection closes, its kernel is killed with all its children; when standard input closes, because
the run has ended in whatever way, all kernels are killed and the server ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

_PR_SET_PDEATHSIG = 1
#: What every kernel imports as it starts; the debugger alone is half of that time.
_KERNEL = ("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.debugger")


def main(arguments: Sequence[str]) -> None:
    """`arguments`: the path of the socket, then what to prepare (see `kernels.warm_kernels`)."""
    address, given = arguments
    wanted = json.loads(given)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    _prepare(wanted["modules"], wanted["rehearsals"])
    Server(listener, wanted["in_fork"]).serve()


def _prepare(modules: Sequence[str], rehearsals: Sequence[str]) -> None:
    """Import and rehearse what notebooks use; what fails here will fail in its notebook."""
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # else the debugger speaks as it is imported
    for module in (*_KERNEL, *modules):
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    for name in rehearsals:
        with contextlib.suppress(Exception):
            function(name)(modules)
    gc.collect()
    gc.freeze()  # the garbage collector leaves these objects alone, so their memory stays shared


def function(name: str) -> Callable[..., Any]:
    """The function `module:name`."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


class Server:
    """Forks kernels on request and watches over them, in one thread."""

    def __init__(self, listener: socket.socket, in_fork: Sequence[str] = ()) -> None:
        self.in_fork = in_fork
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.kernels: dict[int, socket.socket] = {}
        self.running = True

    def serve(self) -> None:
        """Answer until standard input closes."""
        wake, child_ended = socket.socketpair()
        for end in (wake, child_ended):
            end.setblocking(False)
        signal.set_wakeup_fd(child_ended.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._stop)
        self.selector.register(sys.stdin, selectors.EVENT_READ, self._run_has_ended)
        self.selector.register(wake, selectors.EVENT_READ, self._child_has_ended)
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        while self.running:
            for key, _ in self.selector.select():
                key.data(key.fileobj)
        for process in list(self.kernels):
            _kill_group(process)

    def _stop(self, *_: object) -> None:
        self.running = False

    def _run_has_ended(self, stdin: object) -> None:
        if not os.read(sys.stdin.fileno(), 1):
            self.running = False

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection.makefile("r", encoding="utf-8") as lines:
            request = json.loads(lines.readline())
        process = os.fork()
        if process == 0:
            self._become_kernel(request)
        self.kernels[process] = connection
        self.selector.register(connection, selectors.EVENT_READ, self._client_has_gone)
        _tell(connection, pid=process)

    def _client_has_gone(self, connection: socket.socket) -> None:
        for process, known in self.kernels.items():
            if known is connection:
                _kill_group(process)
        self.selector.unregister(connection)

    def _child_has_ended(self, wake: socket.socket) -> None:
        wake.recv(4096)
        self._reap()

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            _kill_group(process)  # whatever the kernel started goes with it
            if connection := self.kernels.pop(process, None):
                _tell(connection, exit=os.waitstatus_to_exitcode(status))
                with contextlib.suppress(KeyError, ValueError):
                    self.selector.unregister(connection)
                connection.close()

    def _become_kernel(self, request: dict) -> None:
        """In the fork: drop what belongs to the server, then be an ordinary kernel. No return."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.selector.close()
            self.listener.close()
            for connection in self.kernels.values():
                connection.close()
            become_kernel(request, self.in_fork)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)


def become_kernel(request: dict, in_fork: Sequence[str] = ()) -> None:
    """Run a kernel as `python -m ipykernel_launcher` would, with what is imported already."""
    os.setsid()
    _die_with_parent()
    os.environ.clear()
    os.environ.update(request["env"])
    for name in in_fork:
        function(name)()
    time.tzset()
    os.chdir(request["cwd"])
    _limit_memory(request.get("memory"))
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    sys.argv = ["ipykernel_launcher", *request["argv"]]
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(argv=request["argv"])


def _die_with_parent() -> None:
    """Where the system can (Linux), have this process killed when the server dies."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_memory(megabytes: int | None) -> None:
    """Beyond the limit Python raises MemoryError in the cell, instead of the machine swapping."""
    if megabytes:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))


def _kill_group(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _tell(connection: socket.socket, **message: int) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
