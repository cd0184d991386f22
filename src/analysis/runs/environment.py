"""The settings under which every notebook runs, so that no machine's own settings show in it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from analysis import paths, reads

#: 1 January 2026, 00:00 UTC: the date that files carry when a format demands one.
_EPOCH = 1767225600

#: Same clock, language, order of sets, number of threads and instructions of the processor.
PINNED = {
    "TZ": "UTC",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONDONTWRITEBYTECODE": "",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "SOURCE_DATE_EPOCH": str(_EPOCH),
}

#: On Intel and AMD processors: take the instructions that all of the last ten years have, because
#: the widest ones add in another order and change the last digit.
PINNED_X86 = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL "
    "AVX512_SPR",
}


def pinned(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a kernel: this process's own, the pinned settings, then `settings`."""
    environment = {**os.environ, **PINNED, **instructions()}
    own = paths.CACHE / "settings"
    environment["IPYTHONDIR"] = str(own / "ipython")
    environment["MPLCONFIGDIR"] = str(own / "matplotlib")
    environment.update(settings or {})
    return environment


def of_run(folder: Path, memory: int, cores: int) -> dict[str, str]:
    """The environment of a run in `folder`, with its limit of memory (MB) and share of cores.

    The run is held to what `reads.declare` has written there.
    """
    return pinned(
        {
            "ANALYSIS_RAW": str(folder / "raw"),
            "ANALYSIS_PROCESSED": str(folder / "processed"),
            "ANALYSIS_REPORTS": str(folder / "reports"),
            reads.DECLARED: reads.declaration_in(folder),
            "PAPERMILL_WARM_MEMORY": str(memory),
            "ANALYSIS_WORKERS": str(cores),
        }
    )


#: Names other instructions of linear algebra than the pinned ones; `make verify` compares them.
KERNELS = "ANALYSIS_INSTRUCTIONS"


def instructions() -> dict[str, str]:
    """The settings for the instructions of this processor: none where it is of another kind."""
    if not (platform.machine() in {"x86_64", "AMD64"} and _has_avx2()):
        return {}
    other = os.environ.get(KERNELS)
    return {**PINNED_X86, "OPENBLAS_CORETYPE": other} if other else PINNED_X86


@cache
def _has_avx2() -> bool:
    """A processor without AVX2 would crash with the pinned kernels; it keeps its own."""
    try:
        return "avx2" in Path("/proc/cpuinfo").read_text("ascii", "ignore")
    except OSError:
        return False


def pin_numbers() -> None:
    """Count as the report does, with one thread and the same instructions of the processor.

    What the report has kept then serves the command too. Libraries read these settings when they
    are loaded, so nothing is done where numpy is there already.
    """
    if "numpy" not in sys.modules:
        threads = {name: value for name, value in PINNED.items() if name.endswith("_THREADS")}
        os.environ.update({**threads, **instructions()})


#: Set for a command that `run_pinned` has started again, so that it does not greet twice.
STARTED_AGAIN = "ANALYSIS_STARTED_AGAIN"


def run_pinned() -> None:
    """Start this very command again under the pinned settings, unless it runs under them.

    Some of them, as the order of sets, only count when Python starts.
    """
    settings = {**PINNED, **instructions()}
    settings.pop("MPLBACKEND")
    if any(os.environ.get(name) != value for name, value in settings.items()):
        os.execve(
            sys.executable,
            [sys.executable, *sys.orig_argv[1:]],
            {**os.environ, **settings, STARTED_AGAIN: "1"},
        )
