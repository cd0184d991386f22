"""Warm kernels for papermill: notebooks start in forks of one process that has done the imports.

with warm_kernels(["pandas", "matplotlib"]):
    papermill.execute_notebook("in.ipynb", "out.ipynb", engine_name="warm")
"""

from typing import Any

__all__ = ["warm_kernels"]


def __getattr__(name: str) -> Any:
    # Only when asked for: the prepared process and its forks need nothing of jupyter_client.
    if name != "warm_kernels":
        raise AttributeError(f"module 'papermill_warm' has no attribute {name!r}")
    from papermill_warm.kernels import warm_kernels

    return warm_kernels
