"""The papermill engine `warm`: notebooks in warm kernels, with one time limit for the whole.

Beyond papermill's own engine it knows which cell was running when something went wrong, and says
how a kernel ended that died.
"""

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any, ClassVar

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.paths import jupyter_runtime_dir
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine


class WarmSpecifications(KernelSpecManager):
    """The kernel of this Python needs no installed specification and starts warm; not so others."""

    #: What notebooks call a kernel of Python, wherever they were written.
    NAMES: ClassVar[frozenset[str]] = frozenset({"", "python", "python3"})

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """This Python for its usual names; any other kernel as it is installed, and cold."""
        if kernel_name not in self.NAMES:
            return super().get_kernel_spec(kernel_name)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(
            argv=[*command, "--HistoryManager.enabled=False"],
            display_name="Python 3",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": "papermill-warm"}},
        )


class PromptClient(AsyncKernelClient):
    """Ready as soon as the kernel answers on both channels.

    jupyter_client's own goes on listening until 0.2 s have passed in silence, to empty the channel
    of outputs; nbclient passes over outputs of earlier requests anyway.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Ask the kernel what it is until it answers, and its first output has come through.

        Raises RuntimeError when it has died, or `timeout` seconds have passed.
        """
        deadline = time.monotonic() + (timeout or float("inf"))
        while not await self._answers():
            if not await self.is_alive():
                raise RuntimeError("the kernel died before it was ready")
            if time.monotonic() > deadline:
                raise RuntimeError(f"the kernel was not ready within {timeout:g} s")

    async def _answers(self) -> bool:
        self.kernel_info()
        try:
            answer = await self.shell_channel.get_msg(timeout=1)
            await self.iopub_channel.get_msg(timeout=0.2)
        except Empty:
            return False
        if answer["msg_type"] != "kernel_info_reply":
            return False
        self._handle_kernel_info_reply(answer)
        return True


class WarmKernelManager(AsyncKernelManager):
    """A kernel manager that needs no installed kernel specification and, but for Windows, no
    network: kernels are spoken to through sockets in the file system."""

    def __init__(self, **kwargs: Any) -> None:
        own: dict[str, Any] = {"kernel_spec_manager": WarmSpecifications()}
        own["client_factory"] = PromptClient
        if sys.platform != "win32":
            name = f"kernel-{uuid.uuid4().hex[:12]}.json"
            folder = Path(jupyter_runtime_dir())
            folder.mkdir(parents=True, exist_ok=True)
            own.update(transport="ipc", connection_file=str(folder / name))
        super().__init__(**{**kwargs, **own})


class Client(PapermillNotebookClient):
    """Runs the cells; keeps in `watch` the cell at work and how a dead kernel ended."""

    def __init__(
        self, nb_man: Any, watch: dict[str, Any], limit: float, each: float, **kwargs: Any
    ) -> None:
        self.watch = watch
        deadline = time.monotonic() + limit
        super().__init__(
            nb_man,
            timeout_func=lambda _: max(min(deadline - time.monotonic(), each), 0.01),
            kernel_manager_class=WarmKernelManager,
            shutdown_kernel="immediate",
            **kwargs,
        )

    def execute_cell(self, cell: Any, cell_index: int, **kwargs: Any) -> Any:  # type: ignore[override]
        """As papermill's, noting the cell."""
        self.watch["cell"] = cell.get("id", f"number {cell_index + 1}")
        try:
            return super().execute_cell(cell, cell_index, **kwargs)
        except DeadKernelError:
            self._note_the_end()
            raise

    def _note_the_end(self) -> None:
        provisioner = getattr(self.km, "provisioner", None)
        process = getattr(provisioner, "process", None)
        self.watch["exit"] = process.poll() if process else None
        log = getattr(provisioner, "log", None)
        if log and Path(log).is_file():
            self.watch["log"] = Path(log).read_text("utf-8", "replace")[-2000:]


class WarmEngine(Engine):
    """papermill.execute_notebook(..., engine_name="warm").

    Options beyond papermill's: `watch` (a dict in which the cell at work is kept, and how a dead
    kernel ended), `limit` (seconds for the notebook), `environment` and `folder` (the kernel's
    environment and working folder).
    """

    @classmethod
    def execute_managed_notebook(  # type: ignore[override]
        cls,
        nb_man: Any,
        kernel_name: str,
        watch: dict[str, Any] | None = None,
        limit: float = 1e9,
        environment: dict[str, str] | None = None,
        folder: str | None = None,
        start_timeout: int = 120,
        execution_timeout: float | None = None,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        **_: Any,
    ) -> None:
        """Execute the notebook of `nb_man` in place."""
        client = Client(
            nb_man,
            watch if watch is not None else {},
            limit,
            execution_timeout or limit,
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
        )
        options: dict[str, Any] = {"cwd": folder} if folder else {}
        if environment is not None:
            options["env"] = environment
        client.execute(**options)
